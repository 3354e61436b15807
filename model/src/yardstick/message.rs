//! The messages of `raft.tla`, to read and as numbers.

use std::fmt;

use super::bounds::Bounds;
use super::readable::Entry;
use super::word::{Bits, width};

/// A message, with the fields of `raft.tla` but `mlog`. Servers count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "raft.tla's own names")]
pub enum Message {
    RequestVoteRequest {
        term: u64,
        source: usize,
        dest: usize,
        last_log_term: u64,
        last_log_index: u64,
    },
    RequestVoteResponse {
        term: u64,
        source: usize,
        dest: usize,
        vote_granted: bool,
    },
    AppendEntriesRequest {
        term: u64,
        source: usize,
        dest: usize,
        prev_log_index: u64,
        prev_log_term: u64,
        entry: Option<Entry>,
        commit_index: u64,
    },
    AppendEntriesResponse {
        term: u64,
        source: usize,
        dest: usize,
        success: bool,
        match_index: u64,
    },
}

impl Message {
    /// `mterm`, `msource` and `mdest`.
    pub fn frame(&self) -> (u64, usize, usize) {
        match *self {
            Message::RequestVoteRequest {
                term, source, dest, ..
            }
            | Message::RequestVoteResponse {
                term, source, dest, ..
            }
            | Message::AppendEntriesRequest {
                term, source, dest, ..
            }
            | Message::AppendEntriesResponse {
                term, source, dest, ..
            } => (term, source, dest),
        }
    }
}

/// What kind a message is, as a field of its number.
pub(super) mod kind {
    pub(crate) const VOTE_REQUEST: u64 = 0;
    pub(crate) const VOTE_RESPONSE: u64 = 1;
    pub(crate) const APPEND_REQUEST: u64 = 2;
    pub(crate) const APPEND_RESPONSE: u64 = 3;
}

/// How messages are numbers: the kinds share fields, what a kind has no use
/// for is zero. No number is zero, for no term is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coding {
    pub(super) kind: Bits,
    pub(super) term: Bits,
    pub(super) source: Bits,
    pub(super) dest: Bits,
    /// `mlastLogIndex`, `mprevLogIndex` or `mmatchIndex`.
    pub(super) index: Bits,
    /// `mlastLogTerm`, `mprevLogTerm`, `mvoteGranted` or `msuccess`.
    pub(super) extra: Bits,
    /// `mentries`: none (zero), or one entry as a log holds it.
    pub(super) entry: Bits,
    /// `mcommitIndex`.
    pub(super) commit: Bits,
    entry_term: Bits,
    entry_value: Bits,
    width: u32,
}

impl Coding {
    /// The coding of messages within `bounds`.
    pub(super) fn new(bounds: &Bounds) -> Self {
        let (term, value) = (width(bounds.max_term), width(bounds.values - 1));
        let (peer, index) = (width(bounds.servers - 1), width(bounds.max_log));
        let mut used = 0;
        let mut inner = 0;
        Coding {
            kind: Bits::next(&mut used, 2),
            term: Bits::next(&mut used, term),
            source: Bits::next(&mut used, peer),
            dest: Bits::next(&mut used, peer),
            index: Bits::next(&mut used, index),
            extra: Bits::next(&mut used, term),
            entry: Bits::next(&mut used, term + value),
            commit: Bits::next(&mut used, index),
            entry_term: Bits::next(&mut inner, term),
            entry_value: Bits::next(&mut inner, value),
            width: used,
        }
    }

    /// How many bits a message takes.
    pub(super) fn width(&self) -> u32 {
        self.width
    }

    /// A message of `kind` with nothing but who says it to whom, and when.
    #[inline(always)]
    pub(super) fn frame(&self, kind: u64, term: u64, source: usize, dest: usize) -> u64 {
        self.kind.of(kind)
            | self.term.of(term)
            | self.source.of(source as u64)
            | self.dest.of(dest as u64)
    }

    /// The number of `message`.
    pub(super) fn encode(&self, message: &Message) -> u64 {
        match *message {
            Message::RequestVoteRequest {
                term,
                source,
                dest,
                last_log_term,
                last_log_index,
            } => {
                self.frame(kind::VOTE_REQUEST, term, source, dest)
                    | self.extra.of(last_log_term)
                    | self.index.of(last_log_index)
            }
            Message::RequestVoteResponse {
                term,
                source,
                dest,
                vote_granted,
            } => {
                self.frame(kind::VOTE_RESPONSE, term, source, dest)
                    | self.extra.of(u64::from(vote_granted))
            }
            Message::AppendEntriesRequest {
                term,
                source,
                dest,
                prev_log_index,
                prev_log_term,
                entry,
                commit_index,
            } => {
                let entry = entry.map_or(0, |entry| {
                    self.entry_term.of(entry.term) | self.entry_value.of(entry.value)
                });
                self.frame(kind::APPEND_REQUEST, term, source, dest)
                    | self.index.of(prev_log_index)
                    | self.extra.of(prev_log_term)
                    | self.entry.of(entry)
                    | self.commit.of(commit_index)
            }
            Message::AppendEntriesResponse {
                term,
                source,
                dest,
                success,
                match_index,
            } => {
                self.frame(kind::APPEND_RESPONSE, term, source, dest)
                    | self.extra.of(u64::from(success))
                    | self.index.of(match_index)
            }
        }
    }

    /// The message of number `message`.
    pub(super) fn decode(&self, message: u64) -> Message {
        let term = self.term.get(message);
        let source = self.source.get(message) as usize;
        let dest = self.dest.get(message) as usize;
        let index = self.index.get(message);
        let extra = self.extra.get(message);
        match self.kind.get(message) {
            kind::VOTE_REQUEST => Message::RequestVoteRequest {
                term,
                source,
                dest,
                last_log_term: extra,
                last_log_index: index,
            },
            kind::VOTE_RESPONSE => Message::RequestVoteResponse {
                term,
                source,
                dest,
                vote_granted: extra != 0,
            },
            kind::APPEND_REQUEST => {
                let entry = self.entry.get(message);
                Message::AppendEntriesRequest {
                    term,
                    source,
                    dest,
                    prev_log_index: index,
                    prev_log_term: extra,
                    entry: (entry != 0).then(|| Entry {
                        term: self.entry_term.get(entry),
                        value: self.entry_value.get(entry),
                    }),
                    commit_index: self.commit.get(message),
                }
            }
            _ => Message::AppendEntriesResponse {
                term,
                source,
                dest,
                success: extra != 0,
                match_index: index,
            },
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (term, source, dest) = self.frame();
        write!(f, "n{}@{term} -> n{} ", source + 1, dest + 1)?;
        match *self {
            Message::RequestVoteRequest {
                last_log_term,
                last_log_index,
                ..
            } => write!(f, "RequestVote last={last_log_index}@{last_log_term}"),
            Message::RequestVoteResponse {
                vote_granted: true, ..
            } => write!(f, "Vote granted"),
            Message::RequestVoteResponse { .. } => write!(f, "Vote refused"),
            Message::AppendEntriesRequest {
                prev_log_index,
                prev_log_term,
                entry,
                commit_index,
                ..
            } => {
                let entry = entry.map_or(String::new(), |entry| entry.at(prev_log_index + 1));
                write!(f, "Append prev={prev_log_index}@{prev_log_term} [{entry}] ")?;
                write!(f, "commit={commit_index}")
            }
            Message::AppendEntriesResponse {
                success: true,
                match_index,
                ..
            } => write!(f, "Appended match={match_index}"),
            Message::AppendEntriesResponse { .. } => write!(f, "Append refused"),
        }
    }
}
