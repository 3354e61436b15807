//! The durable term never goes back, restarts included (figure 2: currentTerm
//! is persistent and increases monotonically).

use super::{Check, Finding, Property, StepView};
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "durable-term-monotonic",
    says: "a server's durable term never goes back, and a restart recovers it",
    section: "figure 2",
    codes: &["A2", "B9"],
    file: "model/src/properties/durable_term_monotonic.rs",
    presumes: |_| true,
    check: Check::Step(check),
};

fn check(view: &StepView<'_>, _: &Scenario) -> Finding {
    let Some((before, after)) = view.actor().filter(|_| !view.is_wipe()) else {
        return Finding::Vacuous;
    };
    let same = before.durable.term == after.durable.term;
    if same && !view.is_restart() {
        return Finding::Vacuous;
    }
    let recovered = !view.is_restart() || after.term == after.durable.term;
    Finding::of(before.durable.term <= after.durable.term && recovered)
}
