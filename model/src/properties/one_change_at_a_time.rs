//! At most one change of the configuration is not committed (section 6;
//! dissertation section 4.1), in any log: whoever appends one has committed the
//! one before, and so every configuration overlaps the next that is in force.
//!
//! What is committed is for the ghost to say, not for any server.

use super::{Check, Finding, Property};
use crate::cluster::Ensemble;
use crate::ids::{Index, Position};
use crate::log::{InlineLog, Log, Payload};
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "one-change-at-a-time",
    says: "no log holds more than one change of the configuration that is not committed",
    section: "§6, diss. §4.1",
    codes: &["C2"],
    file: "model/src/properties/one_change_at_a_time.rs",
    presumes: |scenario| scenario.settings.changes(),
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, scenario: &Scenario) -> Finding {
    if !scenario.settings.changes() {
        return Finding::Vacuous;
    }
    let bootstrap = u64::from(scenario.bounds.bootstrap);
    let mut finding = Finding::Vacuous;
    for (_, server) in state.servers.iter() {
        let mut open = 0;
        for (i, entry) in server.log.entries().iter().enumerate() {
            let index = Index::ZERO.plus(i + 1);
            let Payload::Config { .. } = entry.payload else {
                continue;
            };
            if index.0 > bootstrap && !is_committed(state, Position::new(index, entry.term)) {
                open += 1;
            }
        }
        match open {
            0 => {}
            1 => finding = Finding::Holds,
            _ => return Finding::Broken,
        }
    }
    finding
}

/// Whether a leader has committed the entry at `position`: it or a later one,
/// in a log that has both.
fn is_committed(state: &Ensemble<InlineLog>, position: Position) -> bool {
    state.history.committed.iter().any(|committed| {
        let mut logs = state.servers.iter().map(|(_, server)| &server.log);
        committed.position.index >= position.index
            && logs.any(|log| log.holds(committed.position) && log.holds(position))
    })
}
