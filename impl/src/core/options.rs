//! What a server is told when it is made.

use super::change::Change;
use super::configuration::Configuration;
use super::entry::Entry;
use super::flaw::Flaw;
use super::ids::{Index, NodeId, Term};
use super::log::Log;

/// How one server behaves. Times are counted in ticks, which the driver gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The least time without a leader after which a follower campaigns. The
    /// time actually waited is drawn anew each time from this up to just
    /// below its double (Raft section 5.2).
    pub election_timeout_ticks: u32,
    /// The time between a leader's heartbeats.
    pub heartbeat_interval_ticks: u32,
    /// How many entries one append carries at most.
    pub append_entries_max: usize,
    /// How many appends with entries may be on their way to one follower.
    pub appends_in_flight_max: usize,
    /// What the election timeouts are drawn from. Servers with different
    /// seeds time out at different moments; the same seed repeats a run.
    pub election_seed: u64,
    /// Whether a server asks first who would vote for it, and raises its term
    /// only if it would win (thesis section 9.6).
    pub pre_vote: bool,
    /// Whether a leader that has not heard a majority for an election timeout
    /// steps down, and who has heard a leader within one takes no notice of
    /// candidates (thesis sections 6.2 and 4.2.3).
    pub check_quorum: bool,
    /// Whether followers take reads, at an index that they ask the leader for
    /// (thesis section 6.4).
    pub follower_reads: bool,
    /// The planted bug.
    pub flaw: Option<Flaw>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            election_timeout_ticks: 10,
            heartbeat_interval_ticks: 3,
            append_entries_max: 64,
            appends_in_flight_max: 64,
            election_seed: 0,
            pre_vote: false,
            check_quorum: false,
            follower_reads: false,
            flaw: None,
        }
    }
}

/// Why a server cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// A leader would be deposed between two heartbeats.
    #[error(
        "a heartbeat every {heartbeat} ticks does not keep an election timeout of {election} ticks away"
    )]
    HeartbeatTooSlow {
        /// The heartbeat interval, in ticks.
        heartbeat: u32,
        /// The election timeout, in ticks.
        election: u32,
    },
    /// A limit of nothing lets nothing happen.
    #[error("{0} must be at least 1")]
    Zero(&'static str),
    /// What is on disk is no state of a server.
    #[error("the stored commit {commit} is beyond the stored log, which ends at {last}")]
    CommitBeyondLog {
        /// The stored commit index.
        commit: Index,
        /// The stored last index.
        last: Index,
    },
    /// What is on disk is no state of a server.
    #[error("the stored log ends in term {last}, after the stored term {term}")]
    LogBeyondTerm {
        /// The stored term.
        term: Term,
        /// The last entry's term.
        last: Term,
    },
}

impl Options {
    /// Whether this bug is planted.
    pub(super) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Whether a server can be made with these.
    ///
    /// # Errors
    ///
    /// When a limit lets nothing happen, or heartbeats come too late.
    pub fn check(&self) -> Result<(), OptionsError> {
        for (value, name) in [
            (
                self.election_timeout_ticks as usize,
                "election_timeout_ticks",
            ),
            (
                self.heartbeat_interval_ticks as usize,
                "heartbeat_interval_ticks",
            ),
            (self.append_entries_max, "append_entries_max"),
            (self.appends_in_flight_max, "appends_in_flight_max"),
        ] {
            if value == 0 {
                return Err(OptionsError::Zero(name));
            }
        }
        if self.heartbeat_interval_ticks >= self.election_timeout_ticks {
            return Err(OptionsError::HeartbeatTooSlow {
                heartbeat: self.heartbeat_interval_ticks,
                election: self.election_timeout_ticks,
            });
        }
        Ok(())
    }
}

/// The part of a server's state, besides its log, that must outlive a crash
/// (Raft figure 2, persistent state). The commit index is kept too, as etcd
/// keeps it: what was committed is applied again without asking a leader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HardState {
    /// The latest term the server has seen.
    pub term: Term,
    /// Whom it voted for in that term.
    pub vote: Option<NodeId>,
    /// Up to where it knows entries to be committed.
    pub commit: Index,
}

/// All that a server finds on its disk when it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Term, vote and commit.
    pub hard_state: HardState,
    /// The log, and the snapshot that it begins behind.
    pub log: Log,
}

impl Stored {
    /// What stands on every disk of a new cluster: one committed entry of
    /// term 1 for each voter, which makes it one.
    ///
    /// Returns the configuration they add up to as well: a server that boots
    /// for the first time starts with it in force, and one that restarts
    /// starts with none and applies the entries again.
    #[must_use]
    pub fn bootstrap(voters: &[NodeId]) -> (Self, Configuration) {
        let term = Term::new(1);
        let configuration = Configuration::new(voters.iter().copied());
        let entries: Vec<_> = configuration
            .voters()
            .iter()
            .map(|&node| Entry::change(term, Change::add_voter(node)))
            .collect();
        let log = Log::new(entries).expect("all of one term");
        let hard_state = HardState {
            term,
            vote: None,
            commit: log.last().index,
        };
        (Self { hard_state, log }, configuration)
    }

    pub(super) fn check(&self) -> Result<(), OptionsError> {
        let (last, commit) = (self.log.last(), self.hard_state.commit);
        if commit > last.index {
            return Err(OptionsError::CommitBeyondLog {
                commit,
                last: last.index,
            });
        }
        if last.term > self.hard_state.term {
            return Err(OptionsError::LogBeyondTerm {
                term: self.hard_state.term,
                last: last.term,
            });
        }
        Ok(())
    }
}
