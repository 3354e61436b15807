//! What must hold: one property, one file, one paper section, one row.
//!
//! Two kinds. A property of a *state* is judged on every state. A property of a
//! *step* (before, action, after) is judged on every step that is generated.
//! Each judgement says whether it had anything to judge: a property that was
//! only ever [`Finding::Vacuous`] is no evidence.
//!
//! Not checked here: liveness (see [`crate::liveness`]), and the answers of the
//! state machine (the log decides them), but where commands are sent again.

mod adjacent_quorums;
mod applied_is_committed_prefix;
mod applied_monotonic;
mod commands;
mod commit_monotonic;
mod commit_within_log;
mod committed_is_durable;
mod configs;
mod configuration_from_log;
mod durable_term_monotonic;
mod election_safety;
mod exactly_once;
mod leader_append_only;
mod leader_completeness;
mod lease_exclusive;
mod linearizable_reads;
mod linearizable_writes;
mod log_matching;
mod log_terms_ascend;
mod match_agrees;
mod match_monotonic;
mod next_above_match;
mod one_change_at_a_time;
mod one_vote_per_term;
mod pre_vote_is_a_vote;
mod quorum_of_voters;
mod snapshot_equals_prefix;
mod state_machine_safety;
mod term_monotonic;
mod transfer_elects_at_once;
mod transfer_takes_no_commands;

use crate::action::Action;
use crate::cluster::{Ensemble, Turn};
use crate::log::InlineLog;
use crate::rules::Branch;
use crate::scenario::Scenario;
use crate::server::Server;

/// What a judgement found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nothing to judge here.
    Vacuous,
    /// Judged, and it holds.
    Holds,
    /// Judged, and it does not.
    Broken,
}

impl Finding {
    /// `Holds` or `Broken`.
    fn of(holds: bool) -> Self {
        if holds {
            Finding::Holds
        } else {
            Finding::Broken
        }
    }
}

/// A step as a property sees it: no network and no budget, so that whatever
/// leads from these servers to those by this action is judged alike.
#[derive(Clone, Copy)]
pub struct StepView<'a> {
    /// Servers and ghost before.
    pub before: &'a Ensemble<InlineLog>,
    /// What happened.
    pub action: &'a Action,
    /// What came of it.
    pub step: &'a Turn,
}

impl<'a> StepView<'a> {
    /// The server that acted, before and after; `None` for the network.
    pub fn actor(&self) -> Option<(&'a Server<InlineLog>, &'a Server<InlineLog>)> {
        let Action::Step { node, .. } = self.action else {
            return None;
        };
        Some((self.before.server(*node), self.step.after.server(*node)))
    }

    /// The branch that the rule took; `None` for the network.
    pub fn branch(&self) -> Option<Branch> {
        self.step.outcome.map(|outcome| outcome.branch)
    }

    /// Whether the machine of a server is replaced: what the old one knew has
    /// nothing to do with the new one.
    pub fn is_wipe(&self) -> bool {
        self.branch() == Some(Branch::Wiped)
    }

    /// Whether the server crashed and restarted, or its machine was replaced.
    pub fn starts_anew(&self) -> bool {
        self.is_restart() || self.is_wipe()
    }

    /// Whether the step is a crash and restart.
    pub fn is_restart(&self) -> bool {
        matches!(
            self.action,
            Action::Step {
                input: crate::rules::Input::Restart { .. },
                ..
            }
        )
    }
}

/// How a property is judged.
#[derive(Clone, Copy)]
pub enum Check {
    /// On a state, as far as servers and ghost go.
    State(fn(&Ensemble<InlineLog>, &Scenario) -> Finding),
    /// On a step.
    Step(fn(&StepView<'_>, &Scenario) -> Finding),
}

/// A property and what is told of it.
#[derive(Clone, Copy)]
pub struct Property {
    /// The name, as flags and tables spell it.
    pub name: &'static str,
    /// What must hold, in a sentence.
    pub says: &'static str,
    /// The section: of the Raft paper, or of Ongaro's dissertation ("diss.").
    pub section: &'static str,
    /// Codes of the bug catalogue that break it.
    pub codes: &'static [&'static str],
    /// The file that holds it.
    pub file: &'static str,
    /// Whether what it is about can happen in a scenario: its feature is on, its
    /// budget is not zero. Where not, nobody asks for evidence.
    pub presumes: fn(&Scenario) -> bool,
    /// How it is judged.
    pub check: Check,
}

impl Property {
    /// Whether this is a property of a state or of a step.
    pub fn kind(&self) -> &'static str {
        match self.check {
            Check::State(_) => "state",
            Check::Step(_) => "step",
        }
    }

    /// Judges a step, or the state that it leads to.
    pub fn judge(&self, view: &StepView<'_>, scenario: &Scenario) -> Finding {
        match self.check {
            Check::State(check) => check(&view.step.after, scenario),
            Check::Step(check) => check(view, scenario),
        }
    }

    /// The place of the property called `name` in [`ALL`].
    pub fn position(name: &str) -> Option<usize> {
        ALL.iter().position(|property| property.name == name)
    }
}

/// The table of properties.
pub const ALL: [Property; 29] = [
    election_safety::PROPERTY,
    leader_append_only::PROPERTY,
    log_matching::PROPERTY,
    log_terms_ascend::PROPERTY,
    leader_completeness::PROPERTY,
    state_machine_safety::PROPERTY,
    linearizable_reads::PROPERTY,
    committed_is_durable::PROPERTY,
    match_agrees::PROPERTY,
    applied_is_committed_prefix::PROPERTY,
    one_vote_per_term::PROPERTY,
    term_monotonic::PROPERTY,
    commit_monotonic::PROPERTY,
    commit_within_log::PROPERTY,
    match_monotonic::PROPERTY,
    next_above_match::PROPERTY,
    applied_monotonic::PROPERTY,
    durable_term_monotonic::PROPERTY,
    lease_exclusive::PROPERTY,
    quorum_of_voters::PROPERTY,
    one_change_at_a_time::PROPERTY,
    adjacent_quorums::PROPERTY,
    configuration_from_log::PROPERTY,
    snapshot_equals_prefix::PROPERTY,
    pre_vote_is_a_vote::PROPERTY,
    transfer_elects_at_once::PROPERTY,
    transfer_takes_no_commands::PROPERTY,
    exactly_once::PROPERTY,
    linearizable_writes::PROPERTY,
];
