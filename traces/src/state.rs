//! What a step left: the node's state, in memory and on disk.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::NodeName;
use crate::optional::present;
use crate::position::{Index, Position, Term};
use crate::strict::{object, word};
use crate::template::{Slot, Slots};

/// What a node is in its term.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[serde(remote = "Self")]
pub enum Role {
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks whether it could win, before it raises its term (thesis §9.6).
    PreCandidate,
    /// Asks for votes.
    Candidate,
    /// Won the term's election.
    Leader,
    /// Receives the log and has no vote (thesis §4.2.1).
    Learner,
}

word!(Role: "a role");

object! {
    State: "a state",
    Durable: "a durable state",
    Config: "a configuration",
}

/// A node's state after a step: any subset of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct State {
    /// The current term.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Term")]
    pub term: Option<Term>,
    /// The vote in that term; null: none yet.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Option<NodeName>")]
    pub vote: Option<Option<NodeName>>,
    /// The role.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Role")]
    pub role: Option<Role>,
    /// Who the node takes for the leader; null: nobody.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Option<NodeName>")]
    pub leader: Option<Option<NodeName>>,
    /// The commit index.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Index")]
    pub commit: Option<Index>,
    /// The last index applied.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Index")]
    pub applied: Option<Index>,
    /// The last place in the log, durable or not; `0@0` in an empty log.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Position")]
    pub last: Option<Position>,
    /// The place the snapshot reaches, which the log follows; `0@0`: none.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Position")]
    pub snapshot: Option<Position>,
    /// The configuration in force at this node.
    // Shared, since it seldom changes.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Config")]
    pub config: Option<Arc<Config>>,
    /// To whom a leader hands over; null: to nobody. Since version 2.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Option<NodeName>")]
    pub transfer: Option<Option<NodeName>>,
}

impl State {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        State::default()
    }

    /// Nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == State::default()
    }

    /// Records the term.
    #[must_use]
    pub fn with_term(mut self, term: impl Into<Term>) -> Self {
        self.term = Some(term.into());
        self
    }

    /// Records the vote; `None`: no vote in this term.
    #[must_use]
    pub fn with_vote(mut self, vote: Option<NodeName>) -> Self {
        self.vote = Some(vote);
        self
    }

    /// Records the role.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// Records the leader; `None`: no leader known.
    #[must_use]
    pub fn with_leader(mut self, leader: Option<NodeName>) -> Self {
        self.leader = Some(leader);
        self
    }

    /// Records the commit index.
    #[must_use]
    pub fn with_commit(mut self, commit: impl Into<Index>) -> Self {
        self.commit = Some(commit.into());
        self
    }

    /// Records the last index applied.
    #[must_use]
    pub fn with_applied(mut self, applied: impl Into<Index>) -> Self {
        self.applied = Some(applied.into());
        self
    }

    /// Records the last place in the log.
    #[must_use]
    pub fn with_last(mut self, last: Position) -> Self {
        self.last = Some(last);
        self
    }

    /// Records the place the snapshot reaches.
    #[must_use]
    pub fn with_snapshot(mut self, snapshot: Position) -> Self {
        self.snapshot = Some(snapshot);
        self
    }

    /// Records the configuration.
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = Some(Arc::new(config));
        self
    }

    /// Records to whom a leader hands over; `None`: to nobody.
    #[must_use]
    pub fn with_transfer(mut self, transfer: Option<NodeName>) -> Self {
        self.transfer = Some(transfer);
        self
    }
}

/// What of a node's state is durable after a step: any subset of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct Durable {
    /// The term on disk.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Term")]
    pub term: Option<Term>,
    /// The vote on disk; null: none in that term.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Option<NodeName>")]
    pub vote: Option<Option<NodeName>>,
    /// The commit index on disk, where the implementation keeps one.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Index")]
    pub commit: Option<Index>,
    /// The last place of the log on disk.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Position")]
    pub last: Option<Position>,
}

impl Durable {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Durable::default()
    }

    /// Nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Durable::default()
    }

    /// Records the term on disk.
    #[must_use]
    pub fn with_term(mut self, term: impl Into<Term>) -> Self {
        self.term = Some(term.into());
        self
    }

    /// Records the vote on disk; `None`: no vote in that term.
    #[must_use]
    pub fn with_vote(mut self, vote: Option<NodeName>) -> Self {
        self.vote = Some(vote);
        self
    }

    /// Records the commit index on disk.
    #[must_use]
    pub fn with_commit(mut self, commit: impl Into<Index>) -> Self {
        self.commit = Some(commit.into());
        self
    }

    /// Records the last place of the log on disk.
    #[must_use]
    pub fn with_last(mut self, last: Position) -> Self {
        self.last = Some(last);
        self
    }
}

/// A configuration: who votes, who only listens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct Config {
    /// The voters; in a joint configuration the incoming ones.
    pub voters: Vec<NodeName>,
    /// The outgoing voters of a joint configuration (Raft §6); empty: not
    /// joint.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Vec<NodeName>")]
    pub outgoing: Option<Vec<NodeName>>,
    /// The learners.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Vec<NodeName>")]
    pub learners: Option<Vec<NodeName>>,
    /// Outgoing voters that become learners once a joint configuration is left.
    /// Since version 2.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Vec<NodeName>")]
    pub learners_next: Option<Vec<NodeName>>,
    /// Whether the leader leaves a joint configuration by itself. Since
    /// version 2.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "bool")]
    pub auto_leave: Option<bool>,
}

impl Config {
    /// These voters; whether there are others is not said.
    pub fn of_voters<N: Into<NodeName>>(voters: impl IntoIterator<Item = N>) -> Self {
        Config {
            voters: voters.into_iter().map(Into::into).collect(),
            outgoing: None,
            learners: None,
            learners_next: None,
            auto_leave: None,
        }
    }

    /// Records the outgoing voters.
    #[must_use]
    pub fn with_outgoing<N: Into<NodeName>>(
        mut self,
        outgoing: impl IntoIterator<Item = N>,
    ) -> Self {
        self.outgoing = Some(outgoing.into_iter().map(Into::into).collect());
        self
    }

    /// Records the learners.
    #[must_use]
    pub fn with_learners<N: Into<NodeName>>(
        mut self,
        learners: impl IntoIterator<Item = N>,
    ) -> Self {
        self.learners = Some(learners.into_iter().map(Into::into).collect());
        self
    }

    /// Records who becomes a learner once the joint configuration is left.
    #[must_use]
    pub fn with_learners_next<N: Into<NodeName>>(
        mut self,
        learners: impl IntoIterator<Item = N>,
    ) -> Self {
        self.learners_next = Some(learners.into_iter().map(Into::into).collect());
        self
    }

    /// Records whether the leader leaves the joint configuration by itself.
    #[must_use]
    pub fn with_auto_leave(mut self, auto_leave: bool) -> Self {
        self.auto_leave = Some(auto_leave);
        self
    }
}

impl Slots for State {
    fn slots(&mut self, visit: &mut impl FnMut(Slot<'_>) -> Option<()>) -> Option<()> {
        if let Some(Term(term)) = &mut self.term {
            visit(Slot::Number(term))?;
        }
        for Index(index) in [&mut self.commit, &mut self.applied].into_iter().flatten() {
            visit(Slot::Number(index))?;
        }
        for place in [&mut self.last, &mut self.snapshot].into_iter().flatten() {
            place.slots(visit)?;
        }
        let nodes = [&mut self.vote, &mut self.leader, &mut self.transfer];
        for node in nodes.into_iter().flatten().flatten() {
            visit(Slot::Node(node))?;
        }
        Some(())
    }
}

impl Slots for Durable {
    fn slots(&mut self, visit: &mut impl FnMut(Slot<'_>) -> Option<()>) -> Option<()> {
        if let Some(Term(term)) = &mut self.term {
            visit(Slot::Number(term))?;
        }
        if let Some(Index(index)) = &mut self.commit {
            visit(Slot::Number(index))?;
        }
        if let Some(place) = &mut self.last {
            place.slots(visit)?;
        }
        for node in self.vote.iter_mut().flatten() {
            visit(Slot::Node(node))?;
        }
        Some(())
    }
}
