//! Follower, candidate, leader (Raft section 5.1, figure 4), as types: only a
//! candidate counts votes, only a leader has views of other logs.

use std::collections::BTreeMap;

use super::configuration::Configuration;
use super::ids::{Index, NodeId};
use super::progress::Progress;
use super::reads::Reads;

/// What a server is in its term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Answers; does not ask.
    Follower(Follower),
    /// Asks who would vote for it in the next term (thesis section 9.6).
    PreCandidate(Candidate),
    /// Asks for votes.
    Candidate(Candidate),
    /// Has a majority of votes in its term.
    Leader(Box<Leader>),
}

/// A follower's own part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Follower {
    /// Whom it has heard from as leader of its term.
    pub leader: Option<NodeId>,
    /// The ticks since.
    pub(super) silent_ticks: u32,
}

/// A candidate's own part, and that of a server that asks first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidate {
    votes: BTreeMap<NodeId, bool>,
}

/// A leader's own part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    pub(super) progress: BTreeMap<NodeId, Progress>,
    pub(super) reads: Reads,
    pub(super) heartbeat_elapsed_ticks: u32,
    /// The ticks since it last looked who answers, and whether to go on with
    /// handing over.
    pub(super) check_elapsed_ticks: u32,
    /// Up to here there may be a change of the configuration that this server
    /// has not applied.
    pub(super) change_may_be_at: Index,
    /// To whom it hands over.
    pub(super) transfer: Option<NodeId>,
}

/// How an election stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tally {
    Won,
    Lost,
    Open,
}

impl Candidate {
    /// Records a vote. The first one counts: a voter does not change its mind
    /// in a term, so a second one is a duplicate.
    pub(super) fn record(&mut self, voter: NodeId, granted: bool) {
        self.votes.entry(voter).or_insert(granted);
    }

    /// Counts the votes of the voters (Raft section 5.2). The election is
    /// lost when those who did not refuse can no longer make a majority.
    pub(super) fn tally(&self, voters: &Configuration) -> Tally {
        let vote = |voter| self.votes.get(&voter).copied();
        if voters.has_quorum(|voter| vote(voter) == Some(true)) {
            Tally::Won
        } else if voters.has_quorum(|voter| vote(voter) != Some(false)) {
            Tally::Open
        } else {
            Tally::Lost
        }
    }

    /// The votes so far, in the order of the voters.
    pub fn votes(&self) -> impl Iterator<Item = (NodeId, bool)> {
        self.votes.iter().map(|(&voter, &granted)| (voter, granted))
    }
}

impl Leader {
    /// The views of a leader `own` whose log ended at `last` when it won
    /// (Raft figure 2: reinitialised after election).
    pub(super) fn new(own: NodeId, configuration: &Configuration, last: Index) -> Self {
        let members = configuration.members().into_iter();
        let others = members.filter(|&member| member != own);
        Self {
            progress: others.map(|node| (node, Progress::new(last))).collect(),
            reads: Reads::default(),
            heartbeat_elapsed_ticks: 0,
            check_elapsed_ticks: 0,
            // There may be one in its log that it does not know to be
            // committed.
            change_may_be_at: last,
            transfer: None,
        }
    }

    /// To whom it hands over, if it does.
    #[must_use]
    pub const fn transfer(&self) -> Option<NodeId> {
        self.transfer
    }

    /// The view of each other member's log.
    pub fn progress(&self) -> impl Iterator<Item = (NodeId, &Progress)> {
        self.progress
            .iter()
            .map(|(&node, progress)| (node, progress))
    }

    /// The reads not yet released.
    #[must_use]
    pub const fn reads(&self) -> &Reads {
        &self.reads
    }
}
