//! Leader append-only (figure 3, section 5.3): a leader never overwrites or
//! deletes entries of its log, it only appends.

use super::{Check, Finding, Property, StepView};
use crate::log::Log;
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "leader-append-only",
    says: "a leader only appends to its log",
    section: "§5.3",
    codes: &[],
    file: "model/src/properties/leader_append_only.rs",
    presumes: |_| true,
    check: Check::Step(check),
};

fn check(view: &StepView<'_>, _: &Scenario) -> Finding {
    let Some((before, after)) = view.actor() else {
        return Finding::Vacuous;
    };
    // A crash ends the leadership, and with it this promise.
    if !before.role.is_leader() || view.starts_anew() {
        return Finding::Vacuous;
    }
    let (had, has) = (before.log.entries(), after.log.entries());
    // What a leader compacts it still has, in its snapshot.
    if has == had {
        return Finding::Vacuous;
    }
    // A leader that steps down and truncates in one handler run did so as a
    // follower of the new term.
    if after.term != before.term {
        return Finding::Vacuous;
    }
    Finding::of(has.starts_with(had))
}
