//! What the adapter keeps of each node, and comparing an event's state with
//! the model's.

use std::collections::VecDeque;

use plimsoll_model::ids::{Index, NodeId, NodeSet, Term};
use plimsoll_model::message::Message;

use super::event::{Event, HardState, Role};
use crate::replay::follow::{RoleKind, Scalars};
use crate::verdict::Place;

/// What a step obliges the node to show next.
#[derive(Clone, Debug)]
pub(super) enum Expect {
    /// `BecomeFollower` or `BecomeLeader`, with this state.
    Became(Scalars),
    /// The `Replicate` of a new leader's no-op.
    Noop,
    /// The acknowledgement of its own vote, queued.
    OwnVote,
    /// The acknowledgement of its own entries, queued.
    OwnEntries,
    /// This message, queued.
    Said(Message),
    /// `Commit`.
    Commit,
}

impl std::fmt::Display for Expect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Expect::Became(state) => {
                write!(f, "it becomes {} of term {}", state.role.name(), state.term)
            }
            Expect::Noop => f.write_str("it appends the no-op of its term"),
            Expect::OwnVote => f.write_str("it queues its own vote"),
            Expect::OwnEntries => f.write_str("it queues the acknowledgement of its own entries"),
            Expect::Said(message) => write!(f, "it sends {message}"),
            Expect::Commit => f.write_str("it looks whether it can commit"),
        }
    }
}

/// An acknowledgement to oneself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub vote: bool,
    pub term: Term,
    pub index: Index,
}

/// The events of a boot, so far.
#[derive(Clone, Debug)]
pub(super) struct Booting {
    /// The last index of the recovered log.
    pub log: u64,
    /// The stored configuration; `None` before it was seen.
    pub stored: Option<Vec<Box<str>>>,
    /// Whether the restored term, vote and commit were seen.
    pub restored: bool,
    /// The bootstrap configurations, in order; `None` before the first term.
    pub bootstrap: Option<Vec<Vec<Box<str>>>>,
}

/// What the adapter keeps of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Its name in the model, once the configuration is known.
    pub id: Option<NodeId>,
    /// The boot under way.
    pub booting: Option<Booting>,
    /// What it must show next.
    pub expect: VecDeque<Expect>,
    /// Appended in the model, not yet in the event's state.
    pub unshown: u64,
    /// Its own acknowledgements, queued and not received.
    pub own: VecDeque<Own>,
    /// How many of them the last `Ready` covers.
    pub covered: usize,
    /// The write under way: where its `Ready` stands.
    pub ready: Option<Place>,
    /// It received a vote request of a higher term, and nothing since.
    pub asked: bool,
    /// Its last line may make it look whether it can commit, and need not.
    pub may_commit: bool,
    /// It received an append or heartbeat of a lower term, and nothing since.
    pub stale: bool,
}

/// A fact of an event and the model's.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub field: &'static str,
    pub trace: String,
    pub model: String,
}

/// The names of the nodes: which id each has.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Vec<Box<str>>);

impl Names {
    pub(super) fn id(&self, name: &str) -> Option<NodeId> {
        let at = self.0.iter().position(|known| **known == *name)?;
        Some(NodeId::from_position(at))
    }

    pub(super) fn add(&mut self, name: &str) -> Option<NodeId> {
        if let Some(known) = self.id(name) {
            return Some(known);
        }
        if self.0.len() >= plimsoll_model::ids::SERVERS_MAX {
            return None;
        }
        self.0.push(name.into());
        self.id(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (NodeId, &str)> {
        let ids = (0..).map(NodeId::from_position);
        ids.zip(self.0.iter().map(|name| &**name))
    }

    /// The set of the nodes called `names`; `None` when one is unknown.
    pub(super) fn set(&self, names: &[Box<str>]) -> Option<NodeSet> {
        names.iter().map(|name| self.id(name)).collect()
    }

    fn vote(&self, state: &HardState) -> String {
        match &*state.vote {
            "0" => "none".to_owned(),
            name => self
                .id(name)
                .map_or_else(|| format!("unknown {name}"), |id| id.to_string()),
        }
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::StateFollower => RoleKind::Follower.name(),
        Role::StateCandidate => RoleKind::Candidate.name(),
        Role::StateLeader => RoleKind::Leader.name(),
        Role::StatePreCandidate => "pre-candidate",
    }
}

/// The first fact in which the state of `event` is not `model`.
pub(super) fn differs(event: &Event, model: &Scalars, names: &Names) -> Option<Fact> {
    let vote = model.vote.map_or("none".to_owned(), |id| id.to_string());
    let config = |set: NodeSet| set.to_string();
    let shown_config = names
        .set(&event.conf[0])
        .map_or_else(|| format!("{:?}", event.conf[0]), config);
    let pairs = [
        ("term", event.state.term.to_string(), model.term.to_string()),
        ("vote", names.vote(&event.state), vote),
        (
            "role",
            role(event.role).to_owned(),
            model.role.name().to_owned(),
        ),
        (
            "commit",
            event.state.commit.to_string(),
            model.commit.to_string(),
        ),
        ("log", event.log.to_string(), model.last.index.to_string()),
        ("configuration", shown_config, model.config.to_string()),
    ];
    pairs
        .into_iter()
        .find(|(_, trace, model)| trace != model)
        .map(|(field, trace, model)| Fact {
            field,
            trace,
            model,
        })
}
