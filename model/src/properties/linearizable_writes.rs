//! Linearizable writes (section 8; dissertation section 6.3): a write is one
//! operation, however often it is sent, appended and answered. It takes effect
//! at one point between when it was first sent and when it was first answered.
//!
//! An answer says where the effect of its write is among all effects. So
//!
//! 1. all answers to one write say the same;
//! 2. in every state of a machine as late as the one that was answered from,
//!    the effect of the write is where the answer says: what was acknowledged
//!    is not lost, not moved, and not overtaken by a later write.

use super::{Check, Finding, Property, commands};
use crate::cluster::Ensemble;
use crate::log::InlineLog;
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "linearizable-writes",
    says: "a write that was answered has its effect where the answer says, in every later state \
           of every machine, and all its answers agree",
    section: "diss. §6.3",
    codes: &["E15", "E16", "E17", "E18"],
    file: "model/src/properties/linearizable_writes.rs",
    presumes: |scenario| scenario.settings.sessions > 0 || scenario.bounds.retries > 0,
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, scenario: &Scenario) -> Finding {
    let answers = &state.history.answers;
    if answers.is_empty() {
        return Finding::Vacuous;
    }
    let disagree = |pair: &[crate::history::Answer]| pair[0].number == pair[1].number;
    if answers.windows(2).any(disagree) {
        return Finding::Broken;
    }
    let mut finding = Finding::Vacuous;
    for (_, server) in state.servers.iter() {
        let mut effects = None;
        for answer in answers.iter().filter(|a| a.index <= server.applied) {
            let effects = effects.get_or_insert_with(|| commands::effects(server, scenario));
            let place = usize::try_from(answer.response).unwrap_or(usize::MAX);
            let there = place.checked_sub(1).and_then(|at| effects.get(at));
            if there != Some(&answer.number) {
                return Finding::Broken;
            }
            finding = Finding::Holds;
        }
    }
    finding
}
