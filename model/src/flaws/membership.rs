//! Membership: part C of the catalogue.

use super::{About, Flaw};

pub(super) const TABLE: [About; 5] = [
    About {
        flaw: Flaw::ChangeBeforeOwnCommit,
        name: "change-before-own-commit",
        code: "C1",
        source: "Ongaro, raft-dev, 2015; hydro #3192",
        mechanism: "a leader appends a single-server change before an entry of its own term is \
                    committed, so two leaders start from configurations that do not overlap",
        breaks: "leader-completeness",
        expected_depth: 21,
    },
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
        flaw: Flaw::SnapshotForgetsOutgoing,
        name: "snapshot-forgets-outgoing",
        code: "C15",
        source: "etcd #12637; raft-rs #416",
        mechanism: "who restores a joint configuration from a snapshot takes its incoming voters for all of it",
        breaks: "applied-is-committed-prefix",
        expected_depth: 13,
    },
    About {
        flaw: Flaw::LateChangeOverSnapshot,
        name: "late-change-over-snapshot",
        code: "C16",
        source: "etcd #11510; tikv #6344",
        mechanism: "a change that is being applied is applied after all when a snapshot has brought a later configuration",
        breaks: "applied-is-committed-prefix",
        expected_depth: 5,
    },
    About {
        flaw: Flaw::EarlierMembershipCounted,
        name: "earlier-membership-counted",
        code: "C17",
        source: "drmingdrmer/raft-rejoin-bug; etcd raft #349",
        mechanism: "an answer that a server gave before it was removed and added again, with \
                    nothing, counts as one of the server that is there now",
        breaks: "match-agrees",
        expected_depth: 15,
    },
];
