//! Election safety (figure 3, section 5.2): at most one leader a term.

use super::{Check, Finding, Property};
use crate::cluster::Ensemble;
use crate::log::InlineLog;
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "election-safety",
    says: "at most one server ever leads a term",
    section: "§5.2",
    codes: &[
        "A1", "A2", "A3", "A4", "A5", "A6", "A12", "B18", "B20", "C3",
    ],
    file: "model/src/properties/election_safety.rs",
    presumes: |_| true,
    check: Check::State(check),
};

/// Over all of history, not only over leaders that lead at the same time.
fn check(state: &Ensemble<InlineLog>, _: &Scenario) -> Finding {
    let led = &state.history.led;
    if led.is_empty() {
        return Finding::Vacuous;
    }
    Finding::of(led.iter().all(|led| led.by.len() <= 1))
}
