//! What the adapter keeps of each node, and comparing an event's state with
//! the model's.

use std::collections::VecDeque;

use plimsoll_model::config::{Change, Config, Joint};
use plimsoll_model::ids::{Index, NodeId, NodeSet, Term};
use plimsoll_model::message::Message;
use smallvec::SmallVec;

use super::begins::Doubt;
use super::event::{Event, HardState, Role};
use super::nid::{ByNid, Nid, Nids};
use super::questions::Asked;
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
    /// The `ApplyConfChange` of a snapshot that was installed.
    Restored,
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
            Expect::Restored => f.write_str("it takes the configuration of the snapshot"),
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

/// A step whose way only the node's next line shows.
#[derive(Clone, Debug)]
pub(super) enum Deferred {
    /// A vote request of a higher term: looked at, or ignored because there is
    /// a leader.
    VoteRequest { message: Message, at: Place },
    /// The same, and it became a follower of that term, for this or for a reason
    /// that is not traced: whether it answers tells.
    Raised { message: Message, at: Place },
    /// An append or heartbeat of a lower term: answered, or ignored.
    Stale { message: Message },
    /// A vote request of a follower's own term, whose leader is known: granted
    /// if it has forgotten that one.
    Forgotten { message: Message },
    /// A configuration was applied: which way it came about, and whether a
    /// leader that it leaves out leads on.
    Applied,
}

/// The events of a boot, so far.
#[derive(Clone, Debug)]
pub(super) struct Booting {
    /// The last index of the recovered log.
    pub log: u64,
    /// Up to where that is compacted.
    pub base: u64,
    /// The stored configuration; `None` before it was seen.
    pub stored: Option<Nids>,
    /// Whether the restored term, vote and commit were seen.
    pub restored: bool,
    /// The bootstrap configurations, in order; `None` before the first term.
    pub bootstrap: Option<Vec<Nids>>,
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
    /// What its next line decides.
    pub deferred: Option<Deferred>,
    /// Proposed behind a change, and that; a command is `None`.
    pub proposed: Vec<Option<Seen>>,
    /// Appended in the model, not yet in the event's state.
    pub unshown: u64,
    /// Its own acknowledgements, queued and not received; with the number of
    /// writes that the `Ready` which covers each has handed out.
    pub own: VecDeque<(Own, Option<u64>)>,
    /// With asynchronous storage: how many of those may never be received. The
    /// library lets in no answer of who is no member, not even its own.
    pub droppable: usize,
    /// The write under way: where its `Ready` stands.
    pub ready: Option<Place>,
    /// With asynchronous storage: for each `Ready` whose write is not known to
    /// be complete, how many writes it and those before it have handed out.
    pub handed: VecDeque<u64>,
    /// With asynchronous storage: how many writes are complete.
    pub written: u64,
    /// Whether a write of its first incarnation is complete.
    pub kept: bool,
    /// It was bootstrapped, and has not crashed since.
    pub bootstrapped: bool,
    /// The commit index in its last `Ready`: what it may have applied.
    pub appliable: Index,
    /// Up to here a `Ready` has surely handed out what is committed: each one
    /// hands out an entry at least.
    pub handed_out: Index,
    /// Its last line may make it look whether it can commit, and need not.
    pub may_commit: bool,
    /// The vote before the one that its last step gave.
    pub vote_before: Option<NodeId>,
    /// It has installed a snapshot that is not written yet.
    pub installed: bool,
    /// It asks itself alone whether it would win.
    pub asks_itself: bool,
    /// The terms that it was in since its last `Ready`.
    pub passed: SmallVec<[Term; 2]>,
    /// About which term it asked itself, and no `Ready` has let that out.
    pub asked_itself: Option<Term>,
    /// With asynchronous storage: about which term it asked last, with a `Ready`,
    /// if its own answer may still come; and how many of its acknowledgements do
    /// not show that it has.
    pub own_answer: Option<(Term, usize)>,
    /// What it asks the others, and no `Ready` has let out.
    pub asked: SmallVec<[Asked; 1]>,
    /// Whether it ever asked.
    pub ever_asked: bool,
    /// Whom it has followed.
    pub followed: NodeSet,
    /// As a leader of this term: who was known to hold its whole log.
    pub caught_up: (Term, NodeSet),
    /// As a leader of this term that was removed and admitted again: the last
    /// index of its log then, which is where it goes on with itself.
    pub admitted: Option<(Term, Index)>,
    /// How many events came before its last `Ready`.
    pub last_ready: u64,
    /// How many events came before its last one.
    pub last_seen: u64,
    /// How many changes of the configuration were handed out before a snapshot
    /// took their place, and may be applied still.
    pub outdated: usize,
    /// A change of the configuration that was handed out, and not applied before
    /// something else happened.
    pub overdue: Option<Index>,
    /// How many entries of the bootstrap it may apply again, to a configuration
    /// that has them all.
    pub again: u64,
    /// Up to here it may have applied before its last restart.
    pub had_applied: Index,
    /// Where else that may have gone on to apply.
    pub doubt: Option<Doubt>,
}

impl Node {
    /// An acknowledgement of its own has come: what was queued before it has, too.
    pub(super) fn acknowledged(&mut self) {
        self.own_answer = self
            .own_answer
            .and_then(|(about, before)| Some((about, before.checked_sub(1)?)));
    }
}

/// A configuration from a trace, as a change that leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub change: Change,
    /// Whether the way there is known.
    pub settled: bool,
    /// It changes nothing: the model has a command in its place.
    pub idle: bool,
}

/// A fact of an event and the model's.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub field: &'static str,
    pub trace: String,
    pub model: String,
}

/// The names of the nodes: which id each has. There are more names than ids
/// where nodes come and go: then a node that has gone shares its id with a later
/// one.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Whose each id is now.
    now: Vec<Nid>,
    /// Whose it was.
    gone: ByNid<NodeId>,
}

impl Names {
    pub(super) fn id(&self, name: Nid) -> Option<NodeId> {
        let found = self.now.iter().position(|known| *known == name);
        let found = found.map(NodeId::from_position);
        found.or_else(|| self.gone.get(&name).copied())
    }

    /// The id of `name`, a new one if need be; `None` when there is none left.
    pub(super) fn add(&mut self, name: Nid) -> Option<NodeId> {
        if let Some(known) = self.id(name) {
            return Some(known);
        }
        if name == Nid::NOBODY || self.now.len() >= plimsoll_model::ids::SERVERS_MAX {
            return None;
        }
        self.now.push(name);
        self.id(name)
    }

    /// Gives the id of a node that has gone to `name`; says whose it was. What
    /// names the old node still means this id.
    pub(super) fn hand_on(&mut self, id: NodeId, name: Nid) -> Option<Nid> {
        let old = std::mem::replace(self.now.get_mut(id.position())?, name);
        self.gone.insert(old, id);
        Some(old)
    }

    /// Whether the id of `name` is another node's now.
    pub(super) fn has_gone(&self, name: Nid) -> bool {
        !self.gone.is_empty() && self.gone.contains_key(&name)
    }

    /// Every node, those that have gone last, in no certain order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (NodeId, &str)> {
        let now = self.now.iter().enumerate();
        let now = now.map(|(at, name)| (NodeId::from_position(at), name.as_str()));
        now.chain(self.gone.iter().map(|(name, id)| (*id, name.as_str())))
    }

    /// The name that the trace has for `id`.
    pub(super) fn of(&self, id: NodeId) -> Option<Nid> {
        self.now.get(id.position()).copied()
    }

    /// The set of the nodes called `names`; `None` when one is unknown.
    pub(super) fn set(&self, names: &[Nid]) -> Option<NodeSet> {
        names.iter().map(|name| self.id(*name)).collect()
    }

    fn vote(&self, state: &HardState) -> String {
        if state.vote == Nid::NOBODY {
            return "none".to_owned();
        }
        self.id(state.vote)
            .map_or_else(|| format!("unknown {}", state.vote), |id| id.to_string())
    }

    fn config(&self, conf: &[Nids; 2]) -> String {
        let show = |names: &Nids| {
            self.set(names)
                .map_or_else(|| format!("{names:?}"), |set| set.to_string())
        };
        match conf[1].is_empty() {
            true => show(&conf[0]),
            false => format!("{}&{}", show(&conf[0]), show(&conf[1])),
        }
    }
}

fn role(role: Role) -> RoleKind {
    match role {
        Role::StateFollower => RoleKind::Follower,
        Role::StateCandidate => RoleKind::Candidate,
        Role::StateLeader => RoleKind::Leader,
        Role::StatePreCandidate => RoleKind::PreCandidate,
    }
}

/// What a line can show of a configuration: the voters of either half.
pub(super) fn visible(config: &Config) -> Config {
    let mut shown = Config::of(config.voters);
    shown.joint = config.joint.map(|joint| Joint {
        outgoing: joint.outgoing,
        learners_next: NodeSet::EMPTY,
        auto_leave: false,
    });
    shown
}

/// The first fact in which the state of `event` is not `model`.
pub(super) fn differs(event: &Event, model: &Scalars, names: &Names) -> Option<Fact> {
    let state = &event.state;
    let vote = match state.vote == Nid::NOBODY {
        true => None,
        // A name that nobody has is nobody's vote in the model.
        false => Some(names.id(state.vote)),
    };
    let config = names.set(&event.conf[0]) == Some(model.config.voters)
        && names.set(&event.conf[1]) == Some(model.config.outgoing());
    let fact = |field, trace: String, model: String| {
        Some(Fact {
            field,
            trace,
            model,
        })
    };
    if state.term != model.term.0 {
        return fact("term", state.term.to_string(), model.term.to_string());
    }
    if vote != model.vote.map(Some) {
        let model = model.vote.map_or("none".to_owned(), |id| id.to_string());
        return fact("vote", names.vote(state), model);
    }
    if role(event.role) != model.role {
        let (trace, model) = (role(event.role).name(), model.role.name());
        return fact("role", trace.to_owned(), model.to_owned());
    }
    if state.commit != model.commit.0 {
        return fact("commit", state.commit.to_string(), model.commit.to_string());
    }
    if event.log != model.last.index.0 {
        return fact("log", event.log.to_string(), model.last.index.to_string());
    }
    if !config {
        let model = visible(&model.config).to_string();
        return fact("configuration", names.config(&event.conf), model);
    }
    None
}
