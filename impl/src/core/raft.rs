//! One server, and one step of it.

use std::collections::BTreeSet;

use super::configuration::Configuration;
use super::ids::{Index, NodeId, OpId, Term};
use super::invariants::Before;
use super::io::{Durable, Input, Output, Refused};
use super::log::Log;
use super::options::{HardState, Options, OptionsError, Stored};
use super::role::{Follower, Role};
use super::timer::ElectionTimer;

/// One Raft server.
///
/// Invariants, asserted after every step (`invariants.rs`):
/// - `applied <= commit <= log.last()`, and no entry is of a later term than
///   the server's;
/// - a candidate and a leader have voted for themselves;
/// - a leader matches no follower beyond its own log;
/// - term, commit and applied never fall; in one term a vote, once given,
///   stays;
/// - a committed entry stays, and a leader removes nothing from its log.
#[derive(Debug, Clone)]
pub struct Raft {
    pub(super) id: NodeId,
    pub(super) options: Options,
    pub(super) term: Term,
    pub(super) vote: Option<NodeId>,
    pub(super) commit: Index,
    pub(super) applied: Index,
    pub(super) log: Log,
    /// The configuration of the applied entries (or the one of the boot).
    pub(super) configuration: Configuration,
    /// What the disk holds, as far as this server was told.
    pub(super) durable: Durable,
    pub(super) role: Role,
    pub(super) timer: ElectionTimer,
    /// The reads that it has asked its leader about.
    pub(super) asked: BTreeSet<OpId>,
    /// The output of the step under way.
    pub(super) out: Output,
    /// Term, vote and commit as last given out to be written.
    written: HardState,
}

impl Raft {
    /// A server with what its disk holds, as a follower that has applied what
    /// its snapshot replaces, and nothing else.
    ///
    /// `configuration` is the one in force from the start: all voters at a
    /// server's first boot, and that of the snapshot when it restarts; without
    /// a snapshot none, since it will have applied it again before long
    /// ([`Stored::bootstrap`]).
    ///
    /// # Errors
    ///
    /// When the options contradict each other or the stored state itself.
    pub fn new(
        id: NodeId,
        options: Options,
        stored: Stored,
        configuration: Configuration,
    ) -> Result<Self, OptionsError> {
        options.check()?;
        stored.check()?;
        let Stored { hard_state, log } = stored;
        let base = log.base().index;
        let hard_state = HardState {
            commit: hard_state.commit.max(base),
            ..hard_state
        };
        let durable = Durable {
            hard_state,
            last: log.last(),
        };
        Ok(Self {
            id,
            timer: ElectionTimer::new(options.election_timeout_ticks, options.election_seed),
            options,
            term: hard_state.term,
            vote: hard_state.vote,
            commit: hard_state.commit,
            applied: base,
            log,
            configuration,
            durable,
            role: Role::Follower(Follower::default()),
            asked: BTreeSet::new(),
            out: Output::default(),
            written: hard_state,
        })
    }

    /// Takes one input and says what follows from it.
    ///
    /// # Errors
    ///
    /// A refused input has changed nothing.
    ///
    /// # Panics
    ///
    /// When an invariant of the server is broken, which no input can do.
    pub fn step(&mut self, input: Input) -> Result<Output, Refused> {
        debug_assert!(self.out.is_empty(), "an output was left behind");
        let before = Before::of(self);
        match input {
            Input::Tick => self.tick(),
            Input::Campaign => self.campaign()?,
            Input::Receive(message) => self.receive(message)?,
            Input::Write { op, command } => self.write(op, command)?,
            Input::Read { op } => self.read(op)?,
            Input::Persisted(durable) => self.persisted(durable),
            Input::Applied(index) => self.applied_to(index)?,
            Input::Change(change) => self.change(change)?,
            Input::Transfer { to } => self.transfer(to)?,
            Input::Compact { index, data } => self.compact(index, data)?,
        }
        let hard_state = self.hard_state();
        if hard_state != self.written {
            self.written = hard_state;
            self.out.hard_state = Some(hard_state);
        }
        before.check(self);
        Ok(std::mem::take(&mut self.out))
    }

    fn tick(&mut self) {
        match &mut self.role {
            Role::Leader(_) => self.leader_tick(),
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => {
                if let Role::Follower(follower) = &mut self.role {
                    follower.silent_ticks = follower.silent_ticks.saturating_add(1);
                }
                if self.timer.tick() && self.configuration.contains(self.id) {
                    self.timer.rewind();
                    // With a change of configuration unapplied there is no
                    // campaign yet; the next timeout tries again.
                    let _refused = self.campaign();
                }
            }
        }
    }

    /// The server's own acknowledgements: of its vote, and of its entries.
    fn persisted(&mut self, durable: Durable) {
        self.durable = durable;
        let HardState { term, vote, .. } = durable.hard_state;
        match &mut self.role {
            Role::Candidate(candidate) if (term, vote) == (self.term, Some(self.id)) => {
                candidate.record(self.id, true);
                self.conclude_election();
            }
            Role::Leader(_) => self.commit_and_tell(),
            Role::PreCandidate(_) | Role::Candidate(_) | Role::Follower(_) => {}
        }
    }

    /// Enters `term` as a follower, or leaves another role in it.
    pub(super) fn become_follower(&mut self, term: Term, leader: Option<NodeId>) {
        assert!(term >= self.term, "term falls from {} to {term}", self.term);
        if term > self.term {
            self.term = term;
            self.vote = None;
            // Whoever led the term before answers no more.
            self.out
                .reads_dropped
                .extend(std::mem::take(&mut self.asked));
        }
        self.timer.restart();
        let follower = Role::Follower(Follower {
            leader,
            silent_ticks: 0,
        });
        let left = std::mem::replace(&mut self.role, follower);
        if let Role::Leader(leader) = left {
            self.out.reads_dropped.extend(leader.reads.into_ops());
        }
    }

    /// What must be on disk.
    #[must_use]
    pub const fn hard_state(&self) -> HardState {
        HardState {
            term: self.term,
            vote: self.vote,
            commit: self.commit,
        }
    }

    /// Which server this is.
    #[must_use]
    pub const fn id(&self) -> NodeId {
        self.id
    }

    /// The latest term it has seen.
    #[must_use]
    pub const fn term(&self) -> Term {
        self.term
    }

    /// Whom it voted for in that term.
    #[must_use]
    pub const fn vote(&self) -> Option<NodeId> {
        self.vote
    }

    /// What it is in that term.
    #[must_use]
    pub const fn role(&self) -> &Role {
        &self.role
    }

    /// The leader of its term, as far as it knows.
    #[must_use]
    pub const fn leader(&self) -> Option<NodeId> {
        match &self.role {
            Role::Follower(follower) => follower.leader,
            Role::PreCandidate(_) | Role::Candidate(_) => None,
            Role::Leader(_) => Some(self.id),
        }
    }

    /// Up to where it knows entries to be committed.
    #[must_use]
    pub const fn commit(&self) -> Index {
        self.commit
    }

    /// Up to where entries are applied.
    #[must_use]
    pub const fn applied(&self) -> Index {
        self.applied
    }

    /// Its log.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// The configuration in force.
    #[must_use]
    pub const fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// What it was told its disk holds.
    #[must_use]
    pub const fn durable(&self) -> Durable {
        self.durable
    }
}
