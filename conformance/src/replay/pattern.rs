//! What a trace says of a message, which may be less than there is to say.

use plimsoll_model::ids::{Index, NodeId, Position, ReadId, Term};
use plimsoll_model::message::{Body, Message};

/// What a trace says of a message; what it leaves out is unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// The term.
    pub term: Option<Term>,
    /// The read that an answer confirms; `Some(None)` says that there is none.
    pub context: Option<Option<ReadId>>,
    /// What it says.
    pub body: Shape,
}

/// What a trace says of a message's body.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A vote request.
    RequestVote {
        /// The candidate's last entry.
        last: Option<Position>,
    },
    /// A vote.
    Vote {
        /// Whether it was granted.
        granted: Option<bool>,
    },
    /// An append.
    Append {
        /// The entry before the first.
        prev: Option<Position>,
        /// How many entries.
        count: Option<u64>,
        /// The terms of the entries.
        terms: Option<Vec<Term>>,
        /// The leader's commit index.
        commit: Option<Index>,
    },
    /// An answer to an append.
    AppendAck {
        /// Whether it was rejected.
        reject: Option<bool>,
        /// The index.
        index: Option<Index>,
        /// The hint; `Some(None)` says that there is none.
        hint: Option<Option<Position>>,
    },
    /// A heartbeat.
    Heartbeat {
        /// The commit index.
        commit: Option<Index>,
    },
    /// An answer to a heartbeat.
    HeartbeatAck,
    /// A snapshot.
    InstallSnapshot {
        /// The last index that it replaces.
        last: Option<Index>,
    },
    /// Whether a vote would be given.
    RequestPreVote {
        /// The asker's last entry.
        last: Option<Position>,
    },
    /// The answer.
    PreVote {
        /// Whether it would be.
        granted: Option<bool>,
    },
    /// The leader hands over.
    TimeoutNow,
    /// A follower asks for a read index.
    RequestRead {
        /// Which read.
        read: Option<ReadId>,
    },
    /// The answer.
    ReadIndex {
        /// Which read.
        read: Option<ReadId>,
        /// The index.
        index: Option<Index>,
    },
}

/// The read that a message carries.
pub fn read_of(body: &Body) -> Option<ReadId> {
    match body {
        Body::Append { context, .. }
        | Body::AppendAck { context, .. }
        | Body::Heartbeat { context, .. }
        | Body::HeartbeatAck { context, .. } => *context,
        Body::RequestVote { .. }
        | Body::Vote { .. }
        | Body::RequestPreVote { .. }
        | Body::PreVote { .. }
        | Body::TimeoutNow
        | Body::RequestRead { .. }
        | Body::ReadIndex { .. }
        | Body::InstallSnapshot { .. }
        | Body::Telling { .. } => None,
    }
}

/// Whether a fact is what the trace states, if it states it.
pub(super) fn fits<T: PartialEq>(said: &Option<T>, is: &T) -> bool {
    said.as_ref().is_none_or(|said| said == is)
}

/// A fact that a trace states and the model does not share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field.
    pub field: &'static str,
    /// As the trace has it.
    pub trace: String,
    /// As the model has it.
    pub model: String,
}

impl Pattern {
    /// How many facts the trace states of this message, and how many it could.
    pub fn facts(&self) -> (u64, u64) {
        let some = |flags: &[bool]| {
            let stated = flags.iter().filter(|f| **f).count() as u64;
            (
                stated + u64::from(self.term.is_some()),
                flags.len() as u64 + 1,
            )
        };
        match &self.body {
            Shape::RequestVote { last } => some(&[last.is_some()]),
            Shape::Vote { granted } => some(&[granted.is_some()]),
            Shape::Append {
                prev,
                count,
                terms,
                commit,
            } => some(&[
                prev.is_some(),
                count.is_some() || terms.is_some(),
                terms.is_some(),
                commit.is_some(),
            ]),
            Shape::AppendAck {
                reject,
                index,
                hint,
            } => some(&[reject.is_some(), index.is_some(), hint.is_some()]),
            Shape::Heartbeat { commit } => some(&[commit.is_some()]),
            Shape::HeartbeatAck | Shape::TimeoutNow => some(&[]),
            Shape::InstallSnapshot { last } => some(&[last.is_some(), false]),
            Shape::RequestPreVote { last } => some(&[last.is_some()]),
            Shape::PreVote { granted } => some(&[granted.is_some()]),
            Shape::RequestRead { read } => some(&[read.is_some()]),
            Shape::ReadIndex { read, index } => some(&[read.is_some(), index.is_some()]),
        }
    }

    /// Whether `message` can be the one that the trace means.
    pub fn matches(&self, message: &Message) -> bool {
        self.from == message.from
            && self.to == message.to
            && fits(&self.term, &message.term)
            && self.is_kind(&message.body)
            && self.difference(message).is_none()
    }

    /// Whether the trace and `body` speak of the same kind of message.
    pub fn is_kind(&self, body: &Body) -> bool {
        matches!(
            (&self.body, body.plain().as_ref()),
            (Shape::RequestVote { .. }, Body::RequestVote { .. })
                | (Shape::Vote { .. }, Body::Vote { .. })
                | (Shape::Append { .. }, Body::Append { .. })
                | (Shape::AppendAck { .. }, Body::AppendAck { .. })
                | (Shape::Heartbeat { .. }, Body::Heartbeat { .. })
                | (Shape::HeartbeatAck, Body::HeartbeatAck { .. })
                | (Shape::InstallSnapshot { .. }, Body::InstallSnapshot { .. })
                | (Shape::RequestPreVote { .. }, Body::RequestPreVote { .. })
                | (Shape::PreVote { .. }, Body::PreVote { .. })
                | (Shape::TimeoutNow, Body::TimeoutNow)
                | (Shape::RequestRead { .. }, Body::RequestRead { .. })
                | (Shape::ReadIndex { .. }, Body::ReadIndex { .. })
        )
    }

    /// The first fact in which `message` is not what the trace states.
    pub fn difference(&self, message: &Message) -> Option<Difference> {
        fn differ<T: PartialEq>(
            field: &'static str,
            said: &Option<T>,
            is: &T,
            show: impl Fn(&T) -> String,
        ) -> Option<Difference> {
            let said = said.as_ref().filter(|said| *said != is)?;
            Some(Difference {
                field,
                trace: show(said),
                model: show(is),
            })
        }
        let plain = |field, trace: String, model: String| Difference {
            field,
            trace,
            model,
        };
        if self.to != message.to {
            return Some(plain("to", self.to.to_string(), message.to.to_string()));
        }
        if !self.is_kind(&message.body) {
            return Some(plain(
                "kind",
                self.kind().to_owned(),
                message.kind().to_owned(),
            ));
        }
        let term = differ("term", &self.term, &message.term, Term::to_string);
        let read = || {
            differ("context", &self.context, &read_of(&message.body), |c| {
                c.map_or("none".to_owned(), |read| read.to_string())
            })
        };
        term.or_else(read)
            .or_else(|| match (&self.body, message.body.plain().as_ref()) {
                (Shape::RequestVote { last: said }, Body::RequestVote { last, .. }) => {
                    differ("last", said, last, Position::to_string)
                }
                (Shape::Vote { granted: said }, Body::Vote { granted }) => {
                    differ("granted", said, granted, bool::to_string)
                }
                (
                    Shape::Append {
                        prev: said_prev,
                        count,
                        terms,
                        commit: said_commit,
                    },
                    Body::Append {
                        prev,
                        entries,
                        commit,
                        ..
                    },
                ) => {
                    let own: Vec<Term> = entries.iter().map(|e| e.term).collect();
                    differ("prev", said_prev, prev, Position::to_string)
                        .or_else(|| {
                            differ("entries", count, &(own.len() as u64), |n| n.to_string())
                        })
                        .or_else(|| {
                            differ("entry terms", terms, &own, |terms| {
                                let all: Vec<_> = terms.iter().map(Term::to_string).collect();
                                format!("[{}]", all.join(" "))
                            })
                        })
                        .or_else(|| differ("commit", said_commit, commit, Index::to_string))
                }
                (
                    Shape::AppendAck {
                        reject: said_reject,
                        index: said_index,
                        hint: said_hint,
                    },
                    Body::AppendAck {
                        reject,
                        index,
                        hint,
                        ..
                    },
                ) => differ("reject", said_reject, reject, bool::to_string)
                    .or_else(|| differ("index", said_index, index, Index::to_string))
                    .or_else(|| {
                        differ("hint", said_hint, hint, |hint| match hint {
                            Some(hint) => hint.to_string(),
                            None => "none".to_owned(),
                        })
                    }),
                (Shape::Heartbeat { commit: said }, Body::Heartbeat { commit, .. }) => {
                    differ("commit", said, commit, Index::to_string)
                }
                (Shape::InstallSnapshot { last: said }, Body::InstallSnapshot { last, .. }) => {
                    differ("snapshot", said, &last.index, Index::to_string)
                }
                (Shape::RequestPreVote { last: said }, Body::RequestPreVote { last }) => {
                    differ("last", said, last, Position::to_string)
                }
                (Shape::PreVote { granted: said }, Body::PreVote { granted }) => {
                    differ("granted", said, granted, bool::to_string)
                }
                (Shape::RequestRead { read: said }, Body::RequestRead { read }) => {
                    differ("read", said, read, ReadId::to_string)
                }
                (
                    Shape::ReadIndex {
                        read: said,
                        index: at,
                    },
                    Body::ReadIndex { read, index },
                ) => differ("read", said, read, ReadId::to_string)
                    .or_else(|| differ("index", at, index, Index::to_string)),
                _ => None,
            })
    }

    /// The kind of message, as it is printed.
    pub fn kind(&self) -> &'static str {
        match self.body {
            Shape::RequestVote { .. } => "RequestVote",
            Shape::Vote { .. } => "Vote",
            Shape::Append { .. } => "Append",
            Shape::AppendAck { .. } => "AppendAck",
            Shape::Heartbeat { .. } => "Heartbeat",
            Shape::HeartbeatAck => "HeartbeatAck",
            Shape::InstallSnapshot { .. } => "InstallSnapshot",
            Shape::RequestPreVote { .. } => "RequestPreVote",
            Shape::PreVote { .. } => "PreVote",
            Shape::TimeoutNow => "TimeoutNow",
            Shape::RequestRead { .. } => "RequestRead",
            Shape::ReadIndex { .. } => "ReadIndex",
        }
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        fn show<T: std::fmt::Display>(value: &Option<T>) -> String {
            value
                .as_ref()
                .map_or_else(|| "?".to_owned(), ToString::to_string)
        }
        let term = show(&self.term);
        // The other form leaves out what a sentence about the sender has said.
        if f.alternate() {
            write!(f, "to {}: {}", self.to, self.kind())?;
        } else {
            write!(f, "{}@{term} -> {} {}", self.from, self.to, self.kind())?;
        }
        match &self.body {
            Shape::RequestVote { last } | Shape::RequestPreVote { last } => {
                write!(f, " last={}", show(last))
            }
            Shape::Vote { granted } | Shape::PreVote { granted } => match granted {
                Some(true) => f.write_str(" granted"),
                Some(false) => f.write_str(" refused"),
                None => f.write_str(" ?"),
            },
            Shape::Append {
                prev,
                count,
                commit,
                ..
            } => write!(
                f,
                " prev={} {} entries commit={}",
                show(prev),
                show(count),
                show(commit)
            ),
            Shape::AppendAck {
                reject,
                index,
                hint,
            } => {
                let word = if *reject == Some(true) {
                    "reject"
                } else {
                    "match"
                };
                write!(f, " {word}={}", show(index))?;
                match hint {
                    Some(Some(hint)) => write!(f, " hint={hint}"),
                    _ => Ok(()),
                }
            }
            Shape::Heartbeat { commit } => write!(f, " commit={}", show(commit)),
            Shape::HeartbeatAck | Shape::TimeoutNow => Ok(()),
            Shape::InstallSnapshot { last } => write!(f, " last={}", show(last)),
            Shape::RequestRead { read } => write!(f, " {}", show(read)),
            Shape::ReadIndex { read, index } => {
                write!(f, " {} index={}", show(read), show(index))
            }
        }
    }
}
