//! Names and numbers: [`NodeId`], [`NodeSet`], [`Term`], [`Index`],
//! [`Position`], [`ReadId`], with one printed form each.
//!
//! `n3` is a server, `5@2` is the entry at index 5 of term 2, `n3@2` is server
//! 3 in term 2. The same notation stands in tests, command output and docs.

use std::fmt;

use crate::record;

/// The most servers a [`NodeSet`] can hold.
pub const SERVERS_MAX: usize = 64;

/// A server. Printed from 1: `NodeId(0)` is `n1`.
///
/// The order exists only to keep containers canonical. No rule may compare two
/// ids for anything but equality: that would break symmetry reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u8);

impl NodeId {
    /// The server at `position` in a list indexed by server.
    pub fn from_position(position: usize) -> Self {
        assert!(position < SERVERS_MAX, "at most {SERVERS_MAX} servers");
        NodeId(position as u8)
    }

    /// The position of this server in a list indexed by server.
    pub fn position(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0 + 1)
    }
}

/// A set of servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeSet(pub u64);

impl NodeSet {
    /// No server.
    pub const EMPTY: NodeSet = NodeSet(0);

    /// The first `n` servers.
    pub fn first(n: usize) -> Self {
        (0..n).map(NodeId::from_position).collect()
    }

    /// Whether `id` is in the set.
    pub fn contains(self, id: NodeId) -> bool {
        self.0 & (1 << id.0) != 0
    }

    /// Adds `id`; says whether it was new.
    pub fn insert(&mut self, id: NodeId) -> bool {
        let new = !self.contains(id);
        self.0 |= 1 << id.0;
        new
    }

    /// The set with `id` added.
    #[must_use]
    pub fn with(mut self, id: NodeId) -> Self {
        self.insert(id);
        self
    }

    /// The set with `id` taken out.
    #[must_use]
    pub fn without(self, id: NodeId) -> Self {
        NodeSet(self.0 & !(1 << id.0))
    }

    /// The servers of this set that are not in `other`.
    #[must_use]
    pub fn minus(self, other: NodeSet) -> Self {
        NodeSet(self.0 & !other.0)
    }

    /// The servers of both sets.
    #[must_use]
    pub fn union(self, other: NodeSet) -> Self {
        NodeSet(self.0 | other.0)
    }

    /// How many servers are in both sets.
    pub fn overlap(self, other: NodeSet) -> usize {
        (self.0 & other.0).count_ones() as usize
    }

    /// How many servers the set holds.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether the set holds no server.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The servers, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = NodeId> {
        (0..64).map(NodeId).filter(move |&id| self.contains(id))
    }

    /// Whether `votes` holds more than half of this configuration (Raft
    /// section 5.2). An empty configuration has no quorum.
    pub fn has_quorum(self, votes: NodeSet) -> bool {
        2 * self.overlap(votes) > self.len()
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(ids: I) -> Self {
        ids.into_iter().fold(NodeSet::EMPTY, NodeSet::with)
    }
}

impl fmt::Display for NodeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, id) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{id}")?;
        }
        f.write_str("}")
    }
}

/// A term (Raft section 5.1). Zero is before the first election.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u64);

impl Term {
    /// The term after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Term(self.0 + 1)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A log index. The first entry has index 1; zero is before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(pub u64);

impl Index {
    /// Before the first entry.
    pub const ZERO: Index = Index(0);

    /// The index after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Index(self.0.saturating_add(1))
    }

    /// The index `n` further.
    #[must_use]
    pub fn plus(self, n: usize) -> Self {
        Index(self.0.saturating_add(n as u64))
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

record! {
    /// Where an entry stands: its term and its index.
    ///
    /// The derived order is the paper's "more up-to-date" (section 5.4.1): the
    /// later term wins, then the longer log. The field order matters.
    #[derive(Copy, Default, Hash)]
    pub struct Position {
        /// The term of the entry; zero before the first entry.
        pub term: Term,
        /// The index of the entry; zero before the first entry.
        pub index: Index,
    }
}

impl Position {
    /// Before the first entry.
    pub const ZERO: Position = Position {
        term: Term(0),
        index: Index(0),
    };

    /// The position of index `index` and term `term`.
    pub fn new(index: Index, term: Term) -> Self {
        Position { term, index }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.index, self.term)
    }
}

record! {
    /// One linearizable read, numbered in the order in which reads begin.
    #[derive(Copy, Default, Hash)]
    pub struct ReadId {
        /// The number.
        pub number: u32,
    }
}

impl fmt::Display for ReadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.number)
    }
}
