//! Every message, typed (Raft figure 2; heartbeats and read contexts as etcd).
//!
//! Printed as `n5@4 -> n1 Append prev=4@2 [5@4] commit=3`.

use std::borrow::Cow;
use std::fmt;

use smallvec::SmallVec;

use crate::config::Config;
use crate::ids::{Index, NodeId, Position, ReadId, Term};
use crate::log::Batch;
use crate::{choice, record};

choice! {
    /// What a message of an election says, of those that may say beside it what
    /// their sender knows to be committed.
    #[derive(Copy)]
    pub enum Electing {
        /// As [`Body::RequestVote`].
        RequestVote {
            /// The candidate's last entry.
            last: Position,
            /// Whether the leader asked for this election.
            forced: bool,
        } = 0,
        /// As [`Body::RequestPreVote`].
        RequestPreVote {
            /// The last entry of who would be a candidate.
            last: Position,
        } = 1,
        /// As [`Body::Vote`], refused.
        VoteRefused = 2,
        /// As [`Body::PreVote`], refused.
        PreVoteRefused = 3,
    }
}

choice! {
    /// What a message says.
    pub enum Body {
        /// RequestVote RPC (section 5.2).
        RequestVote {
            /// The candidate's last entry.
            last: Position,
            /// Whether the leader asked for this election, so that who hears
            /// it votes all the same (dissertation sections 3.10 and 4.2.3).
            forced: bool,
        } = 0,
        /// The answer to a vote request.
        Vote {
            /// Whether the vote was given.
            granted: bool,
        } = 1,
        /// AppendEntries RPC (section 5.3).
        Append {
            /// The entry before the first one carried.
            prev: Position,
            /// The entries.
            entries: Batch,
            /// The leader's commit index.
            commit: Index,
            /// The latest open read that an answer confirms.
            context: Option<ReadId>,
            /// The round of the leader that an answer counts for, where there
            /// are leases.
            round: Option<u32>,
            /// Since which change the receiver is a member, where leaders tell
            /// memberships apart; zero from the start.
            joined: Index,
        } = 2,
        /// The answer to an append.
        AppendAck {
            /// Whether the previous entry did not match.
            reject: bool,
            /// Accepted: the last index known to match. Rejected: the index
            /// of the previous entry that did not.
            index: Index,
            /// Rejected: where a probe may match.
            hint: Option<Position>,
            /// The context of the append, given back.
            context: Option<ReadId>,
            /// The round of the append, given back.
            round: Option<u32>,
            /// The membership of the append, given back.
            joined: Index,
        } = 3,
        /// A heartbeat of its own kind (etcd): no entries, no check.
        Heartbeat {
            /// Up to where the receiver may commit.
            commit: Index,
            /// The latest open read that an answer confirms.
            context: Option<ReadId>,
            /// The round of the leader that an answer counts for, where there
            /// are leases.
            round: Option<u32>,
        } = 4,
        /// The answer to a heartbeat.
        HeartbeatAck {
            /// The context of the heartbeat, given back.
            context: Option<ReadId>,
            /// The round of the heartbeat, given back.
            round: Option<u32>,
        } = 5,
        /// Whether a vote of the message's term would be given (dissertation
        /// section 9.6). The sender has not raised its term: the message is of
        /// the term that it would have.
        RequestPreVote {
            /// The last entry of who would be a candidate.
            last: Position,
        } = 6,
        /// The answer: a grant is of the term that was asked about, a refusal
        /// of the term of who refuses.
        PreVote {
            /// Whether the vote would be given.
            granted: bool,
        } = 7,
        /// The leader hands over: start an election at once (dissertation
        /// section 3.10).
        TimeoutNow = 8,
        /// A follower asks the leader for a read index (section 6.4 of the
        /// dissertation: reads that followers serve).
        RequestRead {
            /// Which read.
            read: ReadId,
        } = 9,
        /// The answer, once the leader has been confirmed.
        ReadIndex {
            /// Which read.
            read: ReadId,
            /// How far whoever serves it must have applied.
            index: Index,
        } = 10,
        /// InstallSnapshot RPC (section 7), in one piece.
        InstallSnapshot {
            /// The last entry that the snapshot replaces.
            last: Position,
            /// The configuration as of then.
            config: Config,
            /// The state of the machine as of then: the entries replaced.
            state: Batch,
            /// Since which entry the receiver is a member, where the settings
            /// tell.
            joined: Index,
        } = 11,
        /// A message of an election that also says what its sender knows to be
        /// committed (raft-rs). One kind for all of them, so that the messages
        /// of other settings stay as small as they are.
        Telling {
            /// What it says for itself.
            says: Electing,
            /// The last entry that its sender knows to be committed.
            commit: Position,
        } = 12,
    }
}

impl Body {
    /// This, and beside it what its sender knows to be committed; itself, where
    /// it is not of an election, or grants.
    pub fn telling(self, commit: Position) -> Self {
        let says = match self {
            Body::RequestVote { last, forced } => Electing::RequestVote { last, forced },
            Body::RequestPreVote { last } => Electing::RequestPreVote { last },
            Body::Vote { granted: false } => Electing::VoteRefused,
            Body::PreVote { granted: false } => Electing::PreVoteRefused,
            other => return other,
        };
        Body::Telling { says, commit }
    }

    /// What it says for itself, without what it says of its sender's commit index
    /// beside it.
    pub fn plain(&self) -> Cow<'_, Self> {
        let Body::Telling { says, .. } = self else {
            return Cow::Borrowed(self);
        };
        Cow::Owned(match *says {
            Electing::RequestVote { last, forced } => Body::RequestVote { last, forced },
            Electing::RequestPreVote { last } => Body::RequestPreVote { last },
            Electing::VoteRefused => Body::Vote { granted: false },
            Electing::PreVoteRefused => Body::PreVote { granted: false },
        })
    }
}

record! {
    /// A message between two servers.
    pub struct Message {
        /// The sender.
        pub from: NodeId,
        /// The receiver.
        pub to: NodeId,
        /// The sender's term.
        pub term: Term,
        /// What it says.
        pub body: Body,
    }
}

/// A few messages.
pub type Messages = SmallVec<[Message; 2]>;

impl Message {
    /// The name of the kind of message, as it is printed.
    pub fn kind(&self) -> &'static str {
        match self.body {
            Body::RequestVote { .. } => "RequestVote",
            Body::Vote { .. } => "Vote",
            Body::Append { .. } => "Append",
            Body::AppendAck { .. } => "AppendAck",
            Body::Heartbeat { .. } => "Heartbeat",
            Body::HeartbeatAck { .. } => "HeartbeatAck",
            Body::RequestPreVote { .. } => "RequestPreVote",
            Body::PreVote { .. } => "PreVote",
            Body::TimeoutNow => "TimeoutNow",
            Body::RequestRead { .. } => "RequestRead",
            Body::ReadIndex { .. } => "ReadIndex",
            Body::InstallSnapshot { .. } => "InstallSnapshot",
            Body::Telling { says, .. } => match says {
                Electing::RequestVote { .. } => "RequestVote",
                Electing::RequestPreVote { .. } => "RequestPreVote",
                Electing::VoteRefused => "Vote",
                Electing::PreVoteRefused => "PreVote",
            },
        }
    }
}

fn context(
    f: &mut fmt::Formatter<'_>,
    context: &Option<ReadId>,
    round: &Option<u32>,
) -> fmt::Result {
    if let Some(read) = context {
        write!(f, " read={read}")?;
    }
    match round {
        Some(round) => write!(f, " round={round}"),
        None => Ok(()),
    }
}

fn membership(f: &mut fmt::Formatter<'_>, joined: Index) -> fmt::Result {
    match joined {
        Index::ZERO => Ok(()),
        joined => write!(f, " joined={joined}"),
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::RequestVote { last, forced } => {
                let forced = if *forced { " forced" } else { "" };
                write!(f, "RequestVote last={last}{forced}")
            }
            Body::RequestPreVote { last } => write!(f, "RequestPreVote last={last}"),
            Body::PreVote { granted: true } => f.write_str("PreVote granted"),
            Body::PreVote { granted: false } => f.write_str("PreVote refused"),
            Body::TimeoutNow => f.write_str("TimeoutNow"),
            Body::RequestRead { read } => write!(f, "RequestRead {read}"),
            Body::ReadIndex { read, index } => write!(f, "ReadIndex {read} index={index}"),
            Body::InstallSnapshot { last, config, .. } => {
                write!(f, "InstallSnapshot last={last} config={config}")
            }
            Body::Telling { commit, .. } => {
                write!(f, "{} committed={commit}", self.plain())
            }
            Body::Vote { granted: true } => f.write_str("Vote granted"),
            Body::Vote { granted: false } => f.write_str("Vote refused"),
            Body::Append {
                prev,
                entries,
                commit,
                context: read,
                round,
                joined,
            } => {
                write!(f, "Append prev={prev} [")?;
                for (i, entry) in entries.iter().enumerate() {
                    let gap = if i > 0 { " " } else { "" };
                    write!(f, "{gap}{}@{}", prev.index.plus(i + 1), entry.term)?;
                }
                write!(f, "] commit={commit}")?;
                context(f, read, round)?;
                membership(f, *joined)
            }
            Body::AppendAck {
                reject: false,
                index,
                context: read,
                round,
                joined,
                ..
            } => {
                write!(f, "AppendAck match={index}")?;
                context(f, read, round)?;
                membership(f, *joined)
            }
            Body::AppendAck {
                index,
                hint,
                context: read,
                round,
                joined,
                ..
            } => {
                write!(f, "AppendAck reject={index}")?;
                if let Some(hint) = hint {
                    write!(f, " hint={hint}")?;
                }
                context(f, read, round)?;
                membership(f, *joined)
            }
            Body::Heartbeat {
                commit,
                context: read,
                round,
            } => {
                write!(f, "Heartbeat commit={commit}")?;
                context(f, read, round)
            }
            Body::HeartbeatAck {
                context: read,
                round,
            } => {
                f.write_str("HeartbeatAck")?;
                context(f, read, round)
            }
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}@{} -> {} {}",
            self.from, self.term, self.to, self.body
        )
    }
}
