//! Linearizable reads (section 8; dissertation section 6.4): a read sees a
//! committed prefix, no older than anything acknowledged before it began.
//!
//! Nothing is acknowledged before a leader has committed it, so the floor of a
//! read is the highest index that any leader had committed when it began.

use super::{Check, Finding, Property, StepView};
use crate::action::Action;
use crate::rules::{Branch, Input};
use crate::scenario::Scenario;
use crate::server::Role;

pub(super) const PROPERTY: Property = Property {
    name: "linearizable-reads",
    says: "a read sees a committed prefix that holds all that was acknowledged before it began",
    section: "§8",
    codes: &[
        "E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9", "E11", "E12", "E13", "E14",
    ],
    file: "model/src/properties/linearizable_reads.rs",
    presumes: |scenario| scenario.bounds.reads > 0,
    check: Check::Step(check),
};

fn check(view: &StepView<'_>, _: &Scenario) -> Finding {
    let (node, read) = match view.action {
        Action::Step {
            node,
            input: Input::ReleaseRead { read },
        } if view.branch() != Some(Branch::ReadIndexSent) => (node, read),
        Action::Step {
            node,
            input: Input::BeginRead { .. },
        } if view.branch() == Some(Branch::ReadAnsweredAtOnce) => {
            // Only a flawed server answers from what it happens to have.
            let floor = view.before.history.highest_commit();
            return Finding::of(view.before.server(*node).applied >= floor);
        }
        Action::Step {
            node,
            input: Input::BeginRead { .. },
        } if view.branch() == Some(Branch::ReadServedByLease) => {
            // Nothing lies between the beginning of the read and its end.
            let floor = view.before.history.highest_commit();
            return Finding::of(view.before.server(*node).commit >= floor);
        }
        _ => return Finding::Vacuous,
    };
    let server = view.before.server(*node);
    let open = view.before.history.reads.iter().find(|o| o.id == *read);
    if let (Some(open), true) = (open, server.asked.iter().any(|asked| asked.id == *read)) {
        // A follower answers from what it has applied.
        return Finding::of(server.applied >= open.floor);
    }
    let Role::Leader { reads, .. } = &server.role else {
        return Finding::Broken;
    };
    let begun = reads.iter().find(|r| r.id == *read);
    let (Some(open), Some(begun)) = (open, begun) else {
        return Finding::Broken;
    };
    // That the prefix is a committed one is state-machine safety.
    Finding::of(begun.index >= open.floor && begun.index <= server.commit)
}
