//! Membership: part C of the catalogue.

use super::{About, Flaw};

pub(super) const TABLE: [About; 2] = [
    About {
        flaw: Flaw::CampaignsWithUnappliedConfiguration,
        name: "campaigns-with-unapplied-configuration",
        code: "C3",
        source: "etcd #7280, #5004",
        mechanism: "a server campaigns while a committed configuration is still to be applied, \
                    and counts a quorum of the one before",
        breaks: "election-safety",
        expected_depth: 6,
    },
    About {
        flaw: Flaw::EarlierMembershipCounted,
        name: "earlier-membership-counted",
        code: "C17",
        source: "drmingdrmer/raft-rejoin-bug; etcd raft #349",
        mechanism: "an answer that a server gave before it was removed and added again, with \
                    nothing, counts as one of the server that is there now",
        breaks: "match-agrees",
        expected_depth: 16,
    },
];
