//! What must be possible, or must happen: one goal, one file, one row.
//!
//! A goal is reached by a step. Both checks of liveness ask for the same goals:
//! recoverability, whether a step that reaches it is possible from wherever
//! faults have led; lassos, whether a fair run can go on for ever without one.

mod catches_up;
mod changes_configuration;
mod commits;
mod elects;
mod serves_read;

use crate::action::Action;
use crate::cluster::{State, Step};
use crate::ids::{NodeSet, ReadId, Term};
use crate::log::InlineLog;
use crate::rules::{Branch, Input};
use crate::server::Server;
use crate::settings::Settings;

/// What clients do while a goal is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How many commands a client hands in.
    pub writes: u32,
    /// How many linearizable reads a client asks for.
    pub reads: u32,
    /// How many changes of the configuration a client asks for.
    pub changes: u32,
}

/// A step, and what a goal needs to know to judge it.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// The state before.
    pub before: &'a State,
    /// What happened.
    pub action: &'a Action,
    /// What came of it.
    pub step: &'a Step,
    /// Who is up.
    pub up: NodeSet,
    /// The command that must be committed; where none is named, that of any
    /// entry of the present term shows as much.
    pub write: Option<u32>,
    /// The read that must be served.
    pub read: Option<ReadId>,
}

impl<'a> Attempt<'a> {
    /// Which way the step took, where a server took it.
    fn branch(&self) -> Option<Branch> {
        self.step.outcome.map(|outcome| outcome.branch)
    }

    /// The server that acted, before and after.
    fn actor(&self) -> Option<(&'a Server<InlineLog>, &'a Server<InlineLog>)> {
        let Action::Step { node, .. } = self.action else {
            return None;
        };
        Some((self.before.server(*node), self.step.after.server(*node)))
    }

    /// The input that it took.
    fn input(&self) -> Option<&'a Input> {
        match self.action {
            Action::Step { input, .. } => Some(input),
            _ => None,
        }
    }

    /// The highest term of the servers that are up, after the step.
    fn highest_term(&self) -> Term {
        let servers = self.step.after.servers.iter();
        let terms = servers
            .filter(|(id, _)| self.up.contains(*id))
            .map(|(_, s)| s.term);
        terms.max().unwrap_or_default()
    }
}

/// Something that must be possible.
#[derive(Clone, Copy)]
pub struct Goal {
    /// The name, as flags and tables spell it.
    pub name: &'static str,
    /// When it is reached, in a sentence.
    pub says: &'static str,
    /// The section: of the Raft paper, or of Ongaro's dissertation ("diss.").
    pub section: &'static str,
    /// The features without which it means nothing.
    pub presumes: &'static str,
    /// Codes of the bug catalogue that break it.
    pub codes: &'static [&'static str],
    /// The file that holds it.
    pub file: &'static str,
    /// What recoverability lets clients do on the way.
    pub asked: Asked,
    /// Whether it means anything under these settings.
    pub means: fn(&Settings) -> bool,
    /// Whether it must happen in every fair run: what a client need never ask
    /// for need not.
    pub in_lassos: bool,
    /// Whether this step reaches it.
    pub reached: fn(&Attempt<'_>) -> bool,
    /// Whether it is reached already, with these servers up, so that nothing
    /// need follow.
    pub stands: fn(&State, NodeSet) -> bool,
}

impl std::fmt::Debug for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Goal {
    /// The goal called `name`.
    pub fn by_name(name: &str) -> Option<&'static Goal> {
        ALL.iter().find(|goal| goal.name == name)
    }
}

/// The table of goals. There is room for eight (a bit each, see
/// [`Edge`](super::graph::Edge)).
pub const ALL: [Goal; 5] = [
    elects::GOAL,
    commits::GOAL,
    catches_up::GOAL,
    serves_read::GOAL,
    changes_configuration::GOAL,
];
