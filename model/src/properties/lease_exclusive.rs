//! A leader's lease never overlaps what a later leader commits, and so reads
//! (dissertation section 6.4.1).
//!
//! Whether a lease runs is judged from the clocks as the environment knows
//! them and not from what the leader takes for its age: a round that a majority
//! has answered, and since which its clock has counted less than a lease. That
//! a later leader has committed is ghost; before that it serves no read.

use super::{Check, Finding, Property};
use crate::cluster::Ensemble;
use crate::log::InlineLog;
use crate::scenario::Scenario;
use crate::server::Role;

pub(super) const PROPERTY: Property = Property {
    name: "lease-exclusive",
    says: "while a leader's lease runs no leader of a later term has committed anything",
    section: "diss. §6.4.1",
    codes: &["E3", "E10"],
    file: "model/src/properties/lease_exclusive.rs",
    presumes: |scenario| scenario.settings.lease_reads,
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, scenario: &Scenario) -> Finding {
    let mut finding = Finding::Vacuous;
    for window in state.clocks.windows() {
        let leader = state.server(window.leader);
        let Role::Leader { lease, .. } = &leader.role else {
            continue;
        };
        let answered = lease.rounds.iter().any(|round| {
            let acks = round.acks.with(window.leader);
            round.number == window.round && leader.config.has_quorum(acks)
        });
        if !answered || window.age >= scenario.settings.lease_ticks {
            continue;
        }
        let mut committed = state.history.committed.iter();
        if committed.any(|committed| committed.term > leader.term) {
            return Finding::Broken;
        }
        finding = Finding::Holds;
    }
    finding
}
