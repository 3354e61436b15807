//! What has happened before an exploration begins.
//!
//! The stories of some bugs are longer than a search from the start can go. A
//! scenario may begin later: its prefix is a run of the rule book, written down
//! step by step, and the search begins in the state that it leads to. Nothing
//! is taken on trust: each step is one that the search could have taken from
//! the initial state, enabled, within the budgets and the bounds, and executed
//! by the rules, without the planted flaw if there is one; [`Scenario::check`]
//! says which step is not. What a prefix spends of the budgets is spent.
//!
//! The claim of such a search is smaller: it holds for the runs that begin with
//! the prefix. So a prefix is for showing that a flaw is caught, and no default
//! preset has one.

use std::fmt;

use crate::action::{self, Action};
use crate::cluster::State;
use crate::counterexample::Frame;
use crate::ids::{Index, NodeId};
use crate::refusal::Refusal;
use crate::rules::Input;
use crate::scenario::Scenario;
use crate::settings::Settings;

/// One step of a prefix. Messages are named by their links and kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A server acts by itself.
    Does(NodeId, Input),
    /// Of the messages from one server to another the first of this kind
    /// arrives, in the order in which the network has them.
    Arrives(NodeId, NodeId, &'static str),
    /// It is lost.
    Lost(NodeId, NodeId, &'static str),
}

/// A run, step by step. Empty where the search begins at the start.
pub type Prefix = &'static [Deed];

/// The names of servers, for prefixes.
pub const N1: NodeId = NodeId(0);
/// The second server.
pub const N2: NodeId = NodeId(1);
/// The third server.
pub const N3: NodeId = NodeId(2);
/// The fourth server.
pub const N4: NodeId = NodeId(3);
/// The fifth server.
pub const N5: NodeId = NodeId(4);
/// The sixth server.
pub const N6: NodeId = NodeId(5);

/// So many entries behind `after` are sent to `to`; none make an empty append.
pub const fn append(to: NodeId, after: u64, count: u32) -> Input {
    Input::SendAppend {
        to,
        after: Index(after),
        count,
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Deed::Does(node, input) => {
                let (node, input) = (*node, input.clone());
                write!(f, "{}", Action::Step { node, input })
            }
            Deed::Arrives(from, to, kind) => write!(f, "{from} -> {to} {kind}"),
            Deed::Lost(from, to, kind) => write!(f, "lost: {from} -> {to} {kind}"),
        }
    }
}

/// Why a prefix is no run of its scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step {step} of the prefix ({deed}) is not possible: {cause}")]
pub struct PrefixError {
    /// Which step, from one.
    pub step: usize,
    /// The step, printed.
    pub deed: String,
    /// Why.
    pub cause: Cause,
}

/// Why a step of a prefix is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// There is no such message.
    #[error("no such message is in flight")]
    NoMessage,
    /// A rule refuses.
    #[error("{0}")]
    Refused(Refusal),
    /// The search would not try it.
    #[error("the search does not take it (a budget is spent, or nothing asks for it)")]
    NotEnabled,
    /// It leads out of the bounds.
    #[error("it leads out of the bounds")]
    Beyond,
}

/// The action that `deed` is in `state`.
fn action_of(deed: &Deed, state: &State) -> Option<Action> {
    let message = |from: NodeId, to: NodeId, kind: &str| {
        let mut due = state.network.deliverable();
        due.find(|m| (m.from, m.to, m.kind()) == (from, to, kind))
    };
    Some(match deed {
        Deed::Does(node, input) => Action::Step {
            node: *node,
            input: input.clone(),
        },
        Deed::Arrives(from, to, kind) => action::received(message(*from, *to, kind)?),
        Deed::Lost(from, to, kind) => action::lost(message(*from, *to, kind)?),
    })
}

/// The frames of the prefix of `scenario`, and why it goes no further.
fn run(scenario: &Scenario) -> (Vec<Frame>, Option<PrefixError>) {
    let scenario = &Scenario {
        settings: Settings {
            flaw: None,
            ..scenario.settings
        },
        ..scenario.clone()
    };
    let mut state = State::booted(scenario);
    let mut frames = Vec::with_capacity(scenario.prefix.len());
    let mut enabled = Vec::new();
    for (at, deed) in scenario.prefix.iter().enumerate() {
        let failed = |cause| PrefixError {
            step: at + 1,
            deed: deed.to_string(),
            cause,
        };
        let Some(action) = action_of(deed, &state) else {
            return (frames, Some(failed(Cause::NoMessage)));
        };
        let step = match state.next(&action, scenario) {
            Ok(step) => step,
            Err(Some(refusal)) => return (frames, Some(failed(Cause::Refused(refusal)))),
            Err(None) => return (frames, Some(failed(Cause::NotEnabled))),
        };
        enabled.clear();
        action::enabled(&state, scenario, &mut enabled);
        if !enabled.contains(&action) {
            return (frames, Some(failed(Cause::NotEnabled)));
        }
        if !step.after.within(scenario) {
            return (frames, Some(failed(Cause::Beyond)));
        }
        state = step.after.clone();
        frames.push(Frame { action, step });
    }
    (frames, None)
}

impl Scenario {
    /// Whether the prefix is a run of this scenario.
    ///
    /// # Errors
    /// The first step that is none.
    pub fn check(&self) -> Result<(), PrefixError> {
        match run(self).1 {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    /// What happens before the search: the frames of the prefix, as far as it
    /// goes ([`Scenario::check`]).
    pub fn before(&self) -> Vec<Frame> {
        run(self).0
    }
}
