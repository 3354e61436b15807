//! A server is told to commit only what it holds (figure 2, AppendEntries rule
//! 5: "the minimum of leaderCommit and the index of the last new entry").
//!
//! An append caps the commit index at its receiver. A heartbeat of its own kind
//! is not checked against the log, so its sender must cap it, at what it knows
//! to match there. One that does not makes the receiver commit what it does not
//! share with the leader, or, where it holds less, stop: etcd-io/raft panics with
//! "tocommit is out of range". The rules take such a heartbeat over up to the end
//! of the log; this property is what says that it came.
//!
//! A machine that has been replaced by one with nothing is excepted: what was
//! sent to the old one may still arrive, and nothing that a leader does prevents
//! it (etcd-io/raft issue 197; a new machine should have a new id).

use super::{Check, Finding, Property, StepView};
use crate::action::Action;
use crate::message::Body;
use crate::rules::{Branch, Input};
use crate::scenario::Scenario;
use crate::settings::Heartbeat;

pub(super) const PROPERTY: Property = Property {
    name: "commit-within-log",
    says: "no heartbeat tells a server to commit more than its log holds, unless its machine \
           was replaced",
    section: "§5.3, figure 2",
    codes: &["B34"],
    file: "model/src/properties/commit_within_log.rs",
    presumes: |scenario| {
        scenario.settings.heartbeat == Heartbeat::Separate && scenario.bounds.heartbeats != Some(0)
    },
    check: Check::Step(check),
};

fn check(view: &StepView<'_>, _: &Scenario) -> Finding {
    let Action::Step {
        node,
        input: Input::Receive { message },
    } = view.action
    else {
        return Finding::Vacuous;
    };
    let (Body::Heartbeat { commit, .. }, Some(Branch::HeartbeatReceived)) =
        (&message.body, view.branch())
    else {
        return Finding::Vacuous;
    };
    if view.before.history.wiped.contains(*node) {
        return Finding::Vacuous;
    }
    Finding::of(*commit <= crate::log::Log::last_index(&view.before.server(*node).log))
}
