//! The term never goes back within an incarnation (section 5.1).

use super::{Check, Finding, Property, StepView};
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "term-monotonic",
    says: "a server's term never goes back within an incarnation",
    section: "§5.1",
    codes: &["B9"],
    file: "model/src/properties/term_monotonic.rs",
    presumes: |_| true,
    check: Check::Step(check),
};

fn check(view: &StepView<'_>, _: &Scenario) -> Finding {
    match view.actor() {
        Some((before, after)) if !view.starts_anew() && before.term != after.term => {
            Finding::of(before.term < after.term)
        }
        _ => Finding::Vacuous,
    }
}
