//! What happens between a state and the next, by the names of `raft.tla`.

use std::fmt;

use super::message::Message;

macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident = $name:literal,)*) => {
        /// What can happen: the disjuncts of `Next`, down to the branches of
        /// the handlers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "raft.tla's own names")]
        pub enum Action {
            $($(#[$doc])* $action,)*
        }

        impl Action {
            /// All of them, in the order of `raft.tla`.
            pub const ALL: [Action; [$($name),*].len()] = [$(Action::$action),*];

            /// The name: that of `raft.tla`, and after a colon the branch of
            /// a handler.
            pub fn name(self) -> &'static str {
                match self {
                    $(Action::$action => $name,)*
                }
            }
        }
    };
}

actions! {
    Restart = "Restart",
    Timeout = "Timeout",
    RequestVote = "RequestVote",
    BecomeLeader = "BecomeLeader",
    ClientRequest = "ClientRequest",
    AdvanceCommitIndex = "AdvanceCommitIndex",
    AppendEntries = "AppendEntries",
    UpdateTerm = "UpdateTerm",
    GrantVote = "HandleRequestVoteRequest: grant",
    RefuseVote = "HandleRequestVoteRequest: refuse",
    VoteGranted = "HandleRequestVoteResponse: granted",
    VoteRefused = "HandleRequestVoteResponse: refused",
    RejectAppend = "HandleAppendEntriesRequest: reject",
    ReturnToFollower = "HandleAppendEntriesRequest: return to follower",
    AlreadyDone = "HandleAppendEntriesRequest: already done",
    Conflict = "HandleAppendEntriesRequest: conflict",
    NoConflict = "HandleAppendEntriesRequest: no conflict",
    AppendSucceeded = "HandleAppendEntriesResponse: successful",
    AppendFailed = "HandleAppendEntriesResponse: not successful",
    DropStaleResponse = "DropStaleResponse",
    DuplicateMessage = "DuplicateMessage",
    DropMessage = "DropMessage",
}

/// To what an action happens. Servers count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binding {
    /// One server.
    Server(usize),
    /// A server and the one it sends to.
    Pair(usize, usize),
    /// A leader and the value that a client asks for.
    Value(usize, u64),
    /// A message.
    Message(Message),
}

/// An action with its bindings, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What happens.
    pub action: Action,
    /// To what.
    pub binding: Binding,
    /// The packed state that follows; none if it is out of bounds.
    pub successor: Option<Vec<u8>>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.action.name();
        match self.binding {
            Binding::Server(i) => write!(f, "{name}(n{})", i + 1),
            Binding::Pair(i, j) => write!(f, "{name}(n{}, n{})", i + 1, j + 1),
            Binding::Value(i, v) => write!(f, "{name}(n{}, v{})", i + 1, v + 1),
            Binding::Message(message) => write!(f, "{name}({message})"),
        }
    }
}

/// To what an action happens, before anybody asked: a message is a number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw {
    Server(usize),
    Pair(usize, usize),
    Value(usize, u64),
    Message(u64),
}

/// Hears of every step just before it is handed to a sink.
pub(super) trait Notes {
    /// `action` happens to `raw`.
    fn note(&mut self, action: Action, raw: Raw);
}

/// Counts.
#[derive(Debug, Default)]
pub(super) struct Tally(pub(super) [u64; Action::ALL.len()]);

impl Notes for Tally {
    #[inline(always)]
    fn note(&mut self, action: Action, _: Raw) {
        self.0[action as usize] += 1;
    }
}

/// Remembers.
#[derive(Debug, Default)]
pub(super) struct Protocol(pub(super) Vec<(Action, Raw)>);

impl Notes for Protocol {
    fn note(&mut self, action: Action, raw: Raw) {
        self.0.push((action, raw));
    }
}
