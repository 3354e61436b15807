//! Committed is durable (sections 5.3 and 5.4; dissertation section 10.2.1):
//! a majority holds every committed entry durably, so that every set of servers
//! able to elect a leader has one that does.
//!
//! Bootstrap entries are part of every log from the start and exempt.

use super::{Check, Finding, Property};
use crate::cluster::Ensemble;
use crate::ids::NodeSet;
use crate::log::InlineLog;
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "committed-is-durable",
    says: "a majority holds every committed entry on stable storage",
    section: "§5.4, diss. §10.2.1",
    codes: &[
        "A9", "B5", "B10", "B11", "B12", "B13", "B15", "B16", "B20", "B21", "B22", "B25", "B26",
        "B30", "C3",
    ],
    file: "model/src/properties/committed_is_durable.rs",
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, scenario: &Scenario) -> Finding {
    let mut finding = Finding::Vacuous;
    let voters = NodeSet::first(usize::from(scenario.bounds.servers));
    for committed in &state.history.committed {
        let position = committed.position;
        if position.index.0 <= u64::from(scenario.bounds.bootstrap) {
            continue;
        }
        let holders: NodeSet = state
            .servers
            .iter()
            .filter(|(_, s)| s.durable_term_at(position.index) == Some(position.term))
            .map(|(id, _)| id)
            .collect();
        if !voters.has_quorum(holders) {
            return Finding::Broken;
        }
        finding = Finding::Holds;
    }
    finding
}
