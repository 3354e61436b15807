//! A pre-vote is what a vote would be (dissertation section 9.6): who would not
//! vote for a server does not let it raise the term.
//!
//! The section asks for two things: the asker's log is at least as up-to-date,
//! and, where the settings have it so, no leader is heard. A leader hears
//! itself.

use super::{Check, Finding, Property, StepView};
use crate::action::Action;
use crate::log::Log;
use crate::message::Body;
use crate::rules::{Branch, Input};
use crate::scenario::Scenario;
use crate::settings::PreVote;

pub(super) const PROPERTY: Property = Property {
    name: "pre-vote-is-a-vote",
    says: "a server tells another one that it would vote for it only if that one's log is at least \
           as up-to-date and, where the settings ask for it, it hears no leader and leads not itself",
    section: "diss. §9.6",
    codes: &["A11", "D6"],
    file: "model/src/properties/pre_vote_is_a_vote.rs",
    presumes: |scenario| scenario.settings.pre_vote != PreVote::Off,
    check: Check::Step(check),
};

fn check(view: &StepView<'_>, scenario: &Scenario) -> Finding {
    let Action::Step {
        input: Input::Receive { message },
        node,
    } = view.action
    else {
        return Finding::Vacuous;
    };
    let body = message.body.plain();
    let (Body::RequestPreVote { last }, Some(Branch::PreVoteGranted)) =
        (body.as_ref(), view.branch())
    else {
        return Finding::Vacuous;
    };
    let server = view.before.server(*node);
    let led = server.hears_leader || server.role.is_leader();
    let asks = scenario.settings.pre_vote == PreVote::LogAndLeader;
    Finding::of(*last >= server.log.last() && !(asks && led))
}
