//! What a leader knows to match never goes back within its term (figure 2,
//! matchIndex: "increases monotonically").

use super::{Check, Finding, Property, StepView};
use crate::scenario::Scenario;
use crate::server::Role;

pub(super) const PROPERTY: Property = Property {
    name: "match-monotonic",
    says: "what a leader knows to match on a server never goes back within its term",
    section: "figure 2",
    codes: &["B4"],
    file: "model/src/properties/match_monotonic.rs",
    presumes: |_| true,
    check: Check::Step(check),
};

fn check(view: &StepView<'_>, _: &Scenario) -> Finding {
    let Some((before, after)) = view.actor() else {
        return Finding::Vacuous;
    };
    let (Role::Leader { matched: old, .. }, Role::Leader { matched: new, .. }) =
        (&before.role, &after.role)
    else {
        return Finding::Vacuous;
    };
    if before.term != after.term || old == new {
        return Finding::Vacuous;
    }
    // Of a server that leaves the configuration nothing is known any more.
    let members = after.config.members();
    let known = |id| new.get(id).copied().unwrap_or_default();
    let mut still = old.iter().filter(|(id, _)| members.contains(*id));
    Finding::of(still.all(|(id, &index)| index <= known(id)))
}
