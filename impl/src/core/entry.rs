//! What a log holds.

use std::fmt;
use std::sync::Arc;

use super::change::Change;
use super::ids::{OpId, Term};

/// One entry of the log. Its index is its place there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The term in which a leader created it (Raft section 5.3).
    pub term: Term,
    /// What it says.
    pub payload: Payload,
}

impl Entry {
    /// The entry a new leader commits to learn what is committed (Raft
    /// section 8).
    #[must_use]
    pub const fn noop(term: Term) -> Self {
        Self {
            term,
            payload: Payload::Noop,
        }
    }

    /// A change of the configuration.
    #[must_use]
    pub const fn change(term: Term, change: Change) -> Self {
        Self {
            term,
            payload: Payload::Change(change),
        }
    }

    /// A client's command.
    #[must_use]
    pub fn write(term: Term, op: OpId, command: impl Into<Arc<[u8]>>) -> Self {
        Self {
            term,
            payload: Payload::Write {
                op,
                command: command.into(),
            },
        }
    }
}

/// What an entry says. Commands are shared, not copied, on their way to logs,
/// messages and disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Nothing: the first entry of a leader's term.
    Noop,
    /// A command for the state machine, and the operation that asked for it.
    Write {
        /// The client's operation.
        op: OpId,
        /// What the state machine will read.
        command: Arc<[u8]>,
    },
    /// A change of the configuration, in force from when the entry is applied.
    Change(Change),
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Noop => f.write_str("noop"),
            Self::Write { op, .. } => write!(f, "{op}"),
            Self::Change(change) => write!(f, "{change}"),
        }
    }
}
