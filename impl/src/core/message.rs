//! What servers say to each other.
//!
//! | message | Raft | here |
//! | --- | --- | --- |
//! | [`Body::RequestVote`], [`Body::Vote`] | RequestVote RPC, section 5.2 | the same |
//! | [`Body::RequestPreVote`], [`Body::PreVote`] | PreVote, thesis section 9.6 | of the term that the sender would have; a refusal is of the refuser's |
//! | [`Body::Append`], [`Body::AppendAck`] | AppendEntries RPC, section 5.3 | the same, and a hint where to probe |
//! | [`Body::Heartbeat`], [`Body::HeartbeatAck`] | empty AppendEntries, section 5.2 | no consistency check, so it carries no more commit than the receiver is known to match; confirms reads (section 8) |
//! | [`Body::Snapshot`] | InstallSnapshot RPC, section 7 | in one piece; answered with an [`Body::AppendAck`] |
//! | [`Body::TimeoutNow`] | thesis section 3.10 | the same |
//! | [`Body::ReadRequest`], [`Body::ReadIndex`] | thesis section 6.4 | a follower's read; the request is answered whatever its term |

use std::fmt;

use super::entry::Entry;
use super::ids::{Index, NodeId, OpId, Position, ReadContext, Term};
use super::log::Snapshot;
use super::reads::ReadState;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who sent it.
    pub from: NodeId,
    /// Whom it is for; never the sender.
    pub to: NodeId,
    /// The sender's term.
    pub term: Term,
    /// What it says.
    pub body: Body,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A candidate asks for a vote.
    RequestVote {
        /// Where the candidate's log ends.
        last: Position,
        /// Whether the leader asked for this election, so that who hears it
        /// votes all the same.
        forced: bool,
    },
    /// A server asks whether it would get a vote.
    RequestPreVote {
        /// Where its log ends.
        last: Position,
    },
    /// The answer.
    PreVote {
        /// Whether the vote would be given.
        granted: bool,
    },
    /// The answer to a request for a vote.
    Vote {
        /// Whether the vote was given.
        granted: bool,
    },
    /// A leader's entries.
    Append {
        /// What the entries follow.
        prev: Position,
        /// The entries; empty to probe, or to tell of a commit.
        entries: Vec<Entry>,
        /// The leader's commit index.
        commit: Index,
    },
    /// The answer to an append.
    AppendAck(AppendAck),
    /// A leader asserts itself.
    Heartbeat {
        /// What the receiver may take as committed.
        commit: Index,
        /// The reads that an answer confirms.
        context: Option<ReadContext>,
    },
    /// The answer to a heartbeat.
    HeartbeatAck {
        /// The heartbeat's context.
        context: Option<ReadContext>,
    },
    /// A leader's snapshot, in place of entries that it has no longer.
    Snapshot(Snapshot),
    /// The leader hands over: start an election now.
    TimeoutNow,
    /// A follower asks from when on it may read.
    ReadRequest {
        /// The client's operation.
        op: OpId,
    },
    /// The answer.
    ReadIndex(ReadState),
}

/// The answer to an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendAck {
    /// The logs agree.
    Accepted {
        /// Up to where they are known to.
        index: Index,
    },
    /// The log has no entry where the append would have followed.
    Rejected {
        /// The index that the append would have followed.
        index: Index,
        /// Where the logs may agree at most.
        hint: Position,
    },
}

impl Body {
    /// Whether only a leader of its term sends this.
    #[must_use]
    pub const fn is_from_leader(&self) -> bool {
        matches!(
            self,
            Self::Append { .. } | Self::Heartbeat { .. } | Self::Snapshot(_)
        )
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            from,
            to,
            term,
            body,
        } = self;
        write!(f, "{from}@{term} -> {to} {body}")
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestVote { last, forced } => {
                write!(f, "RequestVote last={last}")?;
                f.write_str(if *forced { " forced" } else { "" })
            }
            Self::RequestPreVote { last } => write!(f, "RequestPreVote last={last}"),
            Self::PreVote { granted: true } => f.write_str("PreVote granted"),
            Self::PreVote { granted: false } => f.write_str("PreVote refused"),
            Self::Snapshot(snapshot) => {
                let Snapshot {
                    last,
                    configuration,
                    ..
                } = snapshot;
                write!(f, "Snapshot last={last} voters={configuration}")
            }
            Self::TimeoutNow => f.write_str("TimeoutNow"),
            Self::ReadRequest { op } => write!(f, "ReadRequest {op}"),
            Self::ReadIndex(read) => write!(f, "ReadIndex {} at {}", read.op, read.index),
            Self::Vote { granted: true } => f.write_str("Vote granted"),
            Self::Vote { granted: false } => f.write_str("Vote refused"),
            Self::Append {
                prev,
                entries,
                commit,
            } => {
                write!(f, "Append prev={prev} [")?;
                for (i, entry) in entries.iter().enumerate() {
                    let space = if i == 0 { "" } else { " " };
                    write!(f, "{space}{}@{}", prev.index.plus(i + 1), entry.term)?;
                }
                write!(f, "] commit={commit}")
            }
            Self::AppendAck(AppendAck::Accepted { index }) => write!(f, "AppendAck {index}"),
            Self::AppendAck(AppendAck::Rejected { index, hint }) => {
                write!(f, "AppendAck rejected {index} hint={hint}")
            }
            Self::Heartbeat { commit, context } => {
                write!(f, "Heartbeat commit={commit}")?;
                write_context(f, *context)
            }
            Self::HeartbeatAck { context } => {
                f.write_str("HeartbeatAck")?;
                write_context(f, *context)
            }
        }
    }
}

fn write_context(f: &mut fmt::Formatter<'_>, context: Option<ReadContext>) -> fmt::Result {
    match context {
        Some(context) => write!(f, " context={context}"),
        None => Ok(()),
    }
}
