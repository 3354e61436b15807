//! Reads without a log entry (Raft section 8; ReadIndex, thesis section 6.4).

use std::collections::{BTreeMap, VecDeque};

use super::configuration::Configuration;
use super::ids::{Index, NodeId, OpId, ReadContext};

/// A read and the state it has to see at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadState {
    /// The client's operation.
    pub op: OpId,
    /// The read may be answered once this much is applied.
    pub index: Index,
}

/// A read that a leader takes on, for a client of its own or of a follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The client's operation.
    pub op: OpId,
    /// The follower that asks, and answers the client.
    pub asker: Option<NodeId>,
}

/// The reads that a leader has taken on and not released.
///
/// Invariants:
/// - `open` is in the order of contexts, the last of which is `latest`;
/// - read indexes do not fall along `open`;
/// - `postponed` is empty once the leader has committed an entry of its term.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    postponed: Vec<Asked>,
    open: VecDeque<(ReadContext, Asked, Index)>,
    latest: ReadContext,
    acknowledged: BTreeMap<NodeId, ReadContext>,
}

impl Reads {
    /// Keeps a read until the leader knows what is committed.
    pub(super) fn postpone(&mut self, asked: Asked) {
        self.postponed.push(asked);
    }

    /// The reads kept until now.
    pub(super) fn take_postponed(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.postponed)
    }

    /// Gives a read its index, to be confirmed by answers to a heartbeat sent
    /// from now on.
    pub(super) fn begin(&mut self, asked: Asked, index: Index) {
        self.latest = self.latest.next();
        self.open.push_back((self.latest, asked, index));
    }

    /// Whether this read waits already: its request came twice.
    pub(super) fn has(&self, asked: Asked) -> bool {
        let mut open = self.open.iter().map(|&(_, open, _)| open);
        open.any(|open| open == asked) || self.postponed.contains(&asked)
    }

    /// What a heartbeat sent now asks to be confirmed.
    #[must_use]
    pub fn context(&self) -> Option<ReadContext> {
        self.open.back().map(|&(context, _, _)| context)
    }

    /// A voter followed the leader after it had begun the reads of `context`.
    /// An answer that names a context never sent vouches for nothing.
    pub(super) fn acknowledge(&mut self, node: NodeId, context: ReadContext) {
        if context <= self.latest {
            let known = self.acknowledged.entry(node).or_default();
            *known = (*known).max(context);
        }
    }

    /// The reads that a majority, the leader `own` among them, has confirmed.
    pub(super) fn release(&mut self, own: NodeId, voters: &Configuration) -> Vec<(Asked, Index)> {
        let latest = self.latest;
        let confirmed = voters
            .reached_by_quorum(|voter| {
                if voter == own {
                    latest
                } else {
                    self.acknowledged.get(&voter).copied().unwrap_or_default()
                }
            })
            .unwrap_or_default();
        let count = self
            .open
            .partition_point(|&(context, _, _)| context <= confirmed);
        let released = self.open.drain(..count);
        released.map(|(_, asked, index)| (asked, index)).collect()
    }

    /// Every read of clients of this server that was not released, in the order
    /// in which they came.
    pub(super) fn into_ops(self) -> Vec<OpId> {
        let open = self.open.into_iter().map(|(_, asked, _)| asked);
        let own = open
            .chain(self.postponed)
            .filter(|asked| asked.asker.is_none());
        own.map(|asked| asked.op).collect()
    }

    /// Whether any read waits for the leader's first commit.
    #[must_use]
    pub fn has_postponed(&self) -> bool {
        !self.postponed.is_empty()
    }
}
