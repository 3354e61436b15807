//! Messages between nodes.
//!
//! Every message, of whatever type, has an envelope: `type`, `from`, `to`,
//! `term`, and perhaps an `id`. A type that this version does not know keeps
//! its other fields as they came. How they are written stands in `wire.rs`.

use serde_json::{Map, Value};
use smol_str::SmolStr;

use crate::entries::Entries;
use crate::names::{ContentHash, NodeName, OpId};
use crate::position::{Index, Position, Term};
use crate::state::Config;
use crate::template::{Slot, Slots};

/// A message from one node to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What names this one message in the run, where the emitter can carry it
    /// to the receiver.
    pub id: Option<SmolStr>,
    /// Who sends it.
    pub from: NodeName,
    /// To whom.
    pub to: NodeName,
    /// The term it carries.
    pub term: Term,
    /// The rest, by type.
    pub body: Body,
}

/// What a message says, by its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// `request-vote` (Raft §5.2).
    RequestVote {
        /// The last place of the candidate's log.
        last: Position,
        /// Whether the leader asked for this election, so that who hears it
        /// votes all the same (thesis §3.10). Absent is no.
        forced: bool,
    },
    /// `request-pre-vote` (thesis §9.6), of the term that the sender would have.
    RequestPreVote {
        /// The last place of the sender's log.
        last: Position,
    },
    /// `pre-vote`: the answer. A grant is of the term that was asked about, a
    /// refusal of the term of who refuses.
    PreVote {
        /// Whether the vote would be given.
        granted: bool,
    },
    /// `timeout-now`: the leader hands over (thesis §3.10).
    TimeoutNow,
    /// `read-request`: a follower asks the leader for a read index (thesis
    /// §6.4).
    ReadRequest {
        /// The client's read.
        op: OpId,
    },
    /// `read-index`: the answer.
    ReadIndex {
        /// The client's read.
        op: OpId,
        /// How far who serves it must have applied.
        index: Index,
    },
    /// `snapshot` (Raft §7), in one piece.
    Snapshot {
        /// The last place that it replaces.
        last: Position,
        /// The configuration as of then.
        config: Config,
        /// A hash of the machine's state as of then.
        hash: Option<ContentHash>,
    },
    /// `vote`: the answer.
    Vote {
        /// Whether the candidate has the vote.
        granted: bool,
    },
    /// `append` (Raft §5.3).
    Append {
        /// The place before the entries.
        prev: Position,
        /// The entries, after `prev`.
        entries: Entries,
        /// The leader's commit index, as the message has it.
        commit: Index,
        /// What the answer must repeat.
        context: Option<SmolStr>,
    },
    /// `append-ack`: the answer.
    AppendAck {
        /// The place before the entries did not match.
        reject: bool,
        /// Accepted: the highest index known to match. Rejected: the index of
        /// the `prev` that did not match.
        index: Index,
        /// Rejected: where to probe next.
        hint: Option<Position>,
        /// The context of the message that this answers.
        context: Option<SmolStr>,
    },
    /// `heartbeat`, where it is not an `append` without entries.
    Heartbeat {
        /// The commit index, as the message has it.
        commit: Index,
        /// What the answer must repeat: a read's confirmation round.
        context: Option<SmolStr>,
    },
    /// `heartbeat-ack`: the answer.
    HeartbeatAck {
        /// The context of the heartbeat that this answers.
        context: Option<SmolStr>,
    },
    /// A type that this version does not know.
    Other {
        /// Its name.
        kind: String,
        /// What it has beside the envelope.
        fields: Map<String, Value>,
    },
}

impl Body {
    /// The type's name, as written.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Body::RequestVote { .. } => "request-vote",
            Body::RequestPreVote { .. } => "request-pre-vote",
            Body::PreVote { .. } => "pre-vote",
            Body::TimeoutNow => "timeout-now",
            Body::ReadRequest { .. } => "read-request",
            Body::ReadIndex { .. } => "read-index",
            Body::Snapshot { .. } => "snapshot",
            Body::Vote { .. } => "vote",
            Body::Append { .. } => "append",
            Body::AppendAck { .. } => "append-ack",
            Body::Heartbeat { .. } => "heartbeat",
            Body::HeartbeatAck { .. } => "heartbeat-ack",
            Body::Other { kind, .. } => kind,
        }
    }
}

impl Message {
    /// A message without an id.
    pub fn new(
        from: impl Into<NodeName>,
        to: impl Into<NodeName>,
        term: impl Into<Term>,
        body: Body,
    ) -> Self {
        Message {
            id: None,
            from: from.into(),
            to: to.into(),
            term: term.into(),
            body,
        }
    }

    /// Gives it an id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<SmolStr>) -> Self {
        self.id = Some(id.into());
        self
    }
}

impl Slots for Message {
    fn slots(&mut self, visit: &mut impl FnMut(Slot<'_>) -> Option<()>) -> Option<()> {
        if let Some(id) = &mut self.id {
            visit(Slot::Text(id))?;
        }
        visit(Slot::Node(&mut self.from))?;
        visit(Slot::Node(&mut self.to))?;
        visit(Slot::Number(&mut self.term.0))?;
        let context = match &mut self.body {
            Body::RequestVote { last, forced: _ } | Body::RequestPreVote { last } => {
                return last.slots(visit);
            }
            Body::PreVote { granted: _ } | Body::Vote { granted: _ } | Body::TimeoutNow => {
                return Some(());
            }
            Body::ReadRequest { op } => return visit(Slot::Op(op)),
            Body::ReadIndex { op, index } => {
                visit(Slot::Op(op))?;
                return visit(Slot::Number(&mut index.0));
            }
            Body::Snapshot {
                last,
                config: _,
                hash,
            } => {
                last.slots(visit)?;
                return hash.iter_mut().try_for_each(|hash| visit(Slot::Hash(hash)));
            }
            Body::Append {
                prev,
                entries,
                commit,
                context,
            } => {
                prev.slots(visit)?;
                entries.slots(visit)?;
                visit(Slot::Number(&mut commit.0))?;
                context
            }
            Body::AppendAck {
                reject: _,
                index,
                hint,
                context,
            } => {
                visit(Slot::Number(&mut index.0))?;
                if let Some(hint) = hint {
                    hint.slots(visit)?;
                }
                context
            }
            Body::Heartbeat { commit, context } => {
                visit(Slot::Number(&mut commit.0))?;
                context
            }
            Body::HeartbeatAck { context } => context,
            Body::Other { .. } => return None,
        };
        context
            .iter_mut()
            .try_for_each(|context| visit(Slot::Text(context)))
    }
}
