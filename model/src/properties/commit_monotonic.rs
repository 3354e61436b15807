//! The commit index never goes back within an incarnation (figure 2:
//! "increases monotonically").

use super::{Check, Finding, Property, StepView};
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "commit-monotonic",
    says: "a server's commit index never goes back within an incarnation",
    section: "figure 2",
    codes: &["B2"],
    file: "model/src/properties/commit_monotonic.rs",
    presumes: |_| true,
    check: Check::Step(check),
};

fn check(view: &StepView<'_>, _: &Scenario) -> Finding {
    match view.actor() {
        Some((before, after)) if !view.starts_anew() && before.commit != after.commit => {
            Finding::of(before.commit < after.commit)
        }
        _ => Finding::Vacuous,
    }
}
