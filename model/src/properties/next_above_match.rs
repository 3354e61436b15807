//! A leader goes on above what it knows to match (figure 2: nextIndex begins
//! behind the last entry and matchIndex at zero; an answer moves both, and a
//! rejection never moves nextIndex back to what matches).
//!
//! A leader that breaks it sends again and again what the other one has.

use super::{Check, Finding, Property};
use crate::cluster::Ensemble;
use crate::log::{InlineLog, Log};
use crate::scenario::Scenario;
use crate::server::Role;

pub(super) const PROPERTY: Property = Property {
    name: "next-above-match",
    says: "what a leader sends next to a server lies above what it knows to match there, and \
           not past the end of its log",
    section: "§5.3, figure 2",
    codes: &["B3"],
    file: "model/src/properties/next_above_match.rs",
    presumes: |scenario| scenario.settings.window > 0,
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, _: &Scenario) -> Finding {
    let mut finding = Finding::Vacuous;
    for (_, leader) in state.servers.iter() {
        let Role::Leader { matched, .. } = &leader.role else {
            continue;
        };
        let end = leader.log.last_index().next();
        for (id, &known) in matched.iter() {
            let Some(flow) = matched.flow(id) else {
                continue;
            };
            if flow.next <= known || flow.next > end {
                return Finding::Broken;
            }
            finding = Finding::Holds;
        }
    }
    finding
}
