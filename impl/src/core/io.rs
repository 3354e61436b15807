//! What goes into the core and what comes out.

use std::sync::Arc;

use super::change::Change;
use super::ids::{Index, NodeId, OpId, Position, Term};
use super::log::{LogWrite, Snapshot};
use super::message::Message;
use super::options::HardState;
use super::reads::ReadState;

/// All that can happen to a server while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A unit of time has passed.
    Tick,
    /// Campaign now, as though the election timeout were over.
    Campaign,
    /// A message has come.
    Receive(Message),
    /// A client asks for a command to be put into the log.
    Write {
        /// The client's operation.
        op: OpId,
        /// What the state machine will read.
        command: Arc<[u8]>,
    },
    /// A client asks from when on it may read.
    Read {
        /// The client's operation.
        op: OpId,
    },
    /// Writes asked for in earlier outputs have reached the disk: this is
    /// what stands there now.
    Persisted(Durable),
    /// The state machine has applied the committed entries up to here.
    Applied(Index),
    /// Somebody asks for another configuration.
    Change(Change),
    /// Somebody asks for another leader.
    Transfer {
        /// Which.
        to: NodeId,
    },
    /// The state machine's state as of this index, to replace the log up to
    /// there.
    Compact {
        /// Up to where; applied.
        index: Index,
        /// The state, for the machines of those who lack the entries.
        data: Arc<[u8]>,
    },
}

/// What stands on a server's disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Durable {
    /// Term, vote and commit.
    pub hard_state: HardState,
    /// Where the stored log ends.
    pub last: Position,
}

/// What a step asks the driver to do.
///
/// The driver's part of the contract, in this order: write `hard_state`,
/// `snapshot` and `log`, with those of earlier outputs that were not written yet, so that
/// they survive a crash; only then send `messages`; then give
/// [`Input::Persisted`] before any other input. It may let outputs of several
/// steps collect before it does so. A crash before the write is complete
/// loses the messages with it.
///
/// A driver whose disk queues the writes and reports each with an
/// [`Input::Persisted`] of its own, in order and with other inputs between, may
/// let a message go before the write of its step, unless it is a vote, a request
/// for one, or the answer to an append.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Term, vote and commit, when one of them changed.
    pub hard_state: Option<HardState>,
    /// What the log begins behind, when that changed.
    pub snapshot: Option<SnapshotWrite>,
    /// The log's new end, when it changed.
    pub log: Option<LogWrite>,
    /// Messages, in the order in which to send them.
    pub messages: Vec<Message>,
    /// Reads that were given their index.
    pub reads_begun: Vec<ReadState>,
    /// Reads that may be answered once their index is applied.
    pub reads_released: Vec<ReadState>,
    /// Reads that will never be released here.
    pub reads_dropped: Vec<OpId>,
    /// What else happened that nothing of the above shows.
    pub events: Events,
}

/// A log that begins behind a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotWrite {
    /// It replaces the entries up to there; those behind stay.
    Compacted(Snapshot),
    /// It is all of the log, and the state machine has to load it before it
    /// applies or answers anything.
    Installed(Snapshot),
}

/// What happened in a step, for who records it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Events {
    /// An election began.
    pub campaigned: bool,
    /// The server asked whether it would win one.
    pub asked: bool,
    /// A leader looked who has answered since it last looked.
    pub checked_quorum: bool,
    /// A leader gave up to hand over.
    pub kept_leadership: bool,
}

impl Output {
    /// Whether the step asked for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why an input had no effect at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Only a leader takes writes and reads.
    #[error("not the leader{}", .leader.map(|n| format!("; {n} may be")).unwrap_or_default())]
    NotLeader {
        /// Who may be.
        leader: Option<NodeId>,
    },
    /// A leader has nothing to campaign for.
    #[error("already the leader")]
    AlreadyLeader,
    /// The server is no voter of the configuration it has applied. That of a
    /// server that restarted is empty until it has applied it again.
    #[error("not a voter of the configuration in force")]
    NotAVoter,
    /// A committed change of configuration is not applied yet, so the server
    /// does not know whose votes it needs.
    #[error("a committed change of configuration is not applied")]
    UnappliedConfiguration,
    /// A change of the configuration is under way, as far as the leader knows.
    #[error("there may be a change of the configuration at {index} that is not applied")]
    ChangeUnderWay {
        /// Where.
        index: Index,
    },
    /// The change cannot follow the configuration in force.
    #[error("no such change can follow the configuration in force")]
    UnfitChange,
    /// The leader hands over, and takes no commands and no changes.
    #[error("the leader hands over to {to}")]
    HandingOver {
        /// To whom.
        to: NodeId,
    },
    /// A leader hands over to another voter only.
    #[error("{to} is no other voter")]
    NotAPeer {
        /// To whom it was to.
        to: NodeId,
    },
    /// Only what is applied, and not yet replaced, can be compacted.
    #[error("compaction to {index} is not within {base}..={applied}")]
    CompactOutOfRange {
        /// Up to where it was to.
        index: Index,
        /// What is compacted already.
        base: Index,
        /// What is applied.
        applied: Index,
    },
    /// The message names another receiver, or its receiver as the sender.
    #[error("the message is from {from} to {to}")]
    Misaddressed {
        /// The sender it names.
        from: NodeId,
        /// The receiver it names.
        to: NodeId,
    },
    /// No server sends such a message.
    #[error("the message is malformed: {0}")]
    Malformed(&'static str),
    /// The sender claims to lead the term that this server leads.
    #[error("{from} leads in term {term}, and so does this server")]
    SecondLeader {
        /// The sender.
        from: NodeId,
        /// The term.
        term: Term,
    },
    /// The sender takes entries for committed, or acknowledged, that this log
    /// does not have: a log has lost what it had acknowledged.
    #[error("the message speaks of index {index}, and this log ends at {last}")]
    BeyondLog {
        /// The index the message speaks of.
        index: Index,
        /// The last index here.
        last: Index,
    },
    /// The driver reports what cannot be.
    #[error("applied {index} is not within {applied}..={commit}")]
    AppliedOutOfRange {
        /// The index reported as applied.
        index: Index,
        /// What was applied before.
        applied: Index,
        /// What is committed.
        commit: Index,
    },
}
