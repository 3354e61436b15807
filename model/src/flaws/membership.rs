//! Membership: part C of the catalogue.

use super::{About, Flaw};

pub(super) const TABLE: [About; 1] = [About {
    flaw: Flaw::CampaignsWithUnappliedConfiguration,
    name: "campaigns-with-unapplied-configuration",
    code: "C3",
    source: "etcd #7280, #5004",
    mechanism: "a server campaigns while a committed configuration is still to be applied, and \
                counts a quorum of the one before",
    breaks: "election-safety",
    expected_depth: 6,
}];
