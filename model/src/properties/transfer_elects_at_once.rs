//! A server that its leader tells to lead stands for election at once, as if
//! its timer had fired, whatever it has heard (dissertation section 3.10).
//!
//! It is judged for followers that are voters as far as they know and have
//! nothing to apply.

use super::{Check, Finding, Property, StepView};
use crate::action::Action;
use crate::message::Body;
use crate::rules::Input;
use crate::scenario::Scenario;
use crate::server::Role;

pub(super) const PROPERTY: Property = Property {
    name: "transfer-elects-at-once",
    says: "a follower that its leader tells to start an election raises its term at once",
    section: "diss. §3.10",
    codes: &["D7"],
    file: "model/src/properties/transfer_elects_at_once.rs",
    presumes: |scenario| scenario.bounds.transfers > 0,
    check: Check::Step(check),
};

fn check(view: &StepView<'_>, _: &Scenario) -> Finding {
    let Action::Step {
        input: Input::Receive { message },
        ..
    } = view.action
    else {
        return Finding::Vacuous;
    };
    let (Body::TimeoutNow, Some((before, after))) = (&message.body, view.actor()) else {
        return Finding::Vacuous;
    };
    let follows = message.term > before.term
        || (message.term == before.term && before.role == Role::Follower);
    if !follows || !before.config.voters.contains(before.id) || before.applied < before.commit {
        return Finding::Vacuous;
    }
    Finding::of(after.term > message.term)
}
