//! Names and numbers of Raft: server, term, index, position, operation.
//!
//! Each is a type of its own so that no term can be passed for an index. The
//! printed forms are the project's one notation: `n3`, `5@2` for index 5 of
//! term 2, `7.1` for the first operation of client 7.

use std::fmt;

/// A server of the cluster, counted from 1, printed `n1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// Names server number `number`.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number this server was given.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// A term (Raft section 5.1): time is divided into terms, numbered upwards.
/// Term 0 is that of a server that has seen nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(u64);

impl Term {
    /// The term before any election.
    pub const ZERO: Self = Self(0);

    /// Term number `number`.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of this term.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The term after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The place of an entry in the log, counted from 1. Index 0 is the place
/// before the first entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(u64);

impl Index {
    /// The place before the first entry.
    pub const ZERO: Self = Self(0);

    /// Index number `number`.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of this index.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The index after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The index before this one; that of index 0 is index 0.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The index `count` places further, or the last there can be.
    #[must_use]
    pub const fn plus(self, count: usize) -> Self {
        Self(self.0.saturating_add(count as u64))
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An index and the term of the entry there, printed `index@term`.
///
/// The order is the one elections compare logs by (Raft section 5.4.1): the
/// later term is the more up to date, and in one term the longer log is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The entry's term. First, because the derived order compares it first.
    pub term: Term,
    /// The entry's index.
    pub index: Index,
}

impl Position {
    /// The position before the first entry.
    pub const ZERO: Self = Self::new(0, 0);

    /// The position `index@term`, in the order in which it is printed.
    #[must_use]
    pub const fn new(index: u64, term: u64) -> Self {
        Self {
            term: Term::new(term),
            index: Index::new(index),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.index, self.term)
    }
}

/// One operation of one client, printed `client.sequence`.
///
/// A client numbers its operations upwards and has one outstanding, so the
/// pair also is what a state machine needs to tell a repeated request from a
/// new one (Raft section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId {
    /// The client's number.
    pub client: u64,
    /// The client's count of its operations, from 1.
    pub sequence: u64,
}

impl OpId {
    /// Operation number `sequence` of client `client`.
    #[must_use]
    pub const fn new(client: u64, sequence: u64) -> Self {
        Self { client, sequence }
    }
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.client, self.sequence)
    }
}

/// What tells one round of read confirmation from another: the count of reads
/// that a leader had begun in its term when it sent a heartbeat.
///
/// A later context vouches for all earlier ones. Contexts of different terms
/// never meet, because a message of an older term is ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadContext(u64);

impl ReadContext {
    /// The context after `count` reads of a term.
    #[must_use]
    pub const fn new(count: u64) -> Self {
        Self(count)
    }

    /// How many reads this context vouches for.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The context of the read after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for ReadContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
