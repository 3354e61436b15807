//! The applied index never goes back within an incarnation and never passes the
//! commit index (figure 2: "increases monotonically").

use super::{Check, Finding, Property, StepView};
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "applied-monotonic",
    says: "a server's applied index never goes back within an incarnation, nor past its commit \
           index",
    section: "figure 2",
    codes: &["B2", "B27"],
    file: "model/src/properties/applied_monotonic.rs",
    presumes: |_| true,
    check: Check::Step(check),
};

fn check(view: &StepView<'_>, _: &Scenario) -> Finding {
    match view.actor() {
        Some((_, after)) if after.applied > after.commit => Finding::Broken,
        Some((before, after)) if !view.starts_anew() && before.applied != after.applied => {
            Finding::of(before.applied < after.applied)
        }
        _ => Finding::Vacuous,
    }
}
