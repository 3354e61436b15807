//! What the tests of the core share: servers made to order, and their outputs
//! as text, whole.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod cluster;
pub(crate) mod runs;

use plimsoll_raft::core::{
    AppendAck, Body, Configuration, Durable, Entry, HardState, Index, Input, Log, Message, NodeId,
    OpId, Options, Output, Position, Raft, ReadContext, Stored, Term,
};

pub(crate) fn n(number: u32) -> NodeId {
    NodeId::new(number)
}

pub(crate) fn at(index: u64, term: u64) -> Position {
    Position::new(index, term)
}

/// Entries of these terms, all of them no-ops.
pub(crate) fn entries(terms: &[u64]) -> Vec<Entry> {
    terms
        .iter()
        .map(|&term| Entry::noop(Term::new(term)))
        .collect()
}

/// A server to be made: node 1 of three, fresh, unless told otherwise.
pub(crate) struct Server {
    pub(crate) id: u32,
    pub(crate) voters: u32,
    pub(crate) term: u64,
    pub(crate) vote: Option<u32>,
    pub(crate) log: &'static [u64],
    pub(crate) commit: u64,
    pub(crate) options: Options,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            id: 1,
            voters: 3,
            term: 1,
            vote: None,
            log: &[],
            commit: 0,
            options: Options::default(),
        }
    }
}

impl Server {
    /// As a follower that knows no leader.
    pub(crate) fn follower(self) -> Raft {
        let stored = Stored {
            hard_state: HardState {
                term: Term::new(self.term),
                vote: self.vote.map(n),
                commit: Index::new(self.commit),
            },
            log: Log::new(entries(self.log)).expect("terms in order"),
        };
        let voters = Configuration::new((1..=self.voters).map(n));
        Raft::new(n(self.id), self.options, stored, voters).expect("a sound server")
    }

    /// As a candidate of the next term whose own vote is durable.
    pub(crate) fn candidate(self) -> Raft {
        let mut raft = self.follower();
        step(&mut raft, Input::Campaign);
        persist(&mut raft);
        raft
    }

    /// As the leader of the next term whose first entry is durable here, and
    /// was sent to all.
    pub(crate) fn leader(self) -> Raft {
        let quorum = self.voters / 2 + 1;
        let (own, voters) = (self.id, self.voters);
        let mut raft = self.candidate();
        let term = raft.term().get();
        let others = (1..=voters).filter(|&id| id != own);
        for other in others.take(quorum as usize - 1) {
            step(&mut raft, receive(other, own, term, vote(true)));
        }
        persist(&mut raft);
        raft
    }
}

/// Takes a step that is not refused.
pub(crate) fn step(raft: &mut Raft, input: Input) -> Output {
    let shown = input.to_string();
    raft.step(input)
        .unwrap_or_else(|refused| panic!("{shown} was refused: {refused}"))
}

/// Takes a step, and gives all that follows from it, as lines.
pub(crate) fn text(raft: &mut Raft, input: Input) -> String {
    step(raft, input).to_string()
}

/// Reports everything as durable.
pub(crate) fn persist(raft: &mut Raft) -> Output {
    let durable = Durable {
        hard_state: raft.hard_state(),
        last: raft.log().last(),
    };
    step(raft, Input::Persisted(durable))
}

pub(crate) fn message(from: u32, to: u32, term: u64, body: Body) -> Message {
    Message {
        from: n(from),
        to: n(to),
        term: Term::new(term),
        body,
    }
}

pub(crate) fn receive(from: u32, to: u32, term: u64, body: Body) -> Input {
    Input::Receive(message(from, to, term, body))
}

pub(crate) fn request_vote(last: Position) -> Body {
    Body::RequestVote {
        last,
        forced: false,
    }
}

pub(crate) fn vote(granted: bool) -> Body {
    Body::Vote { granted }
}

pub(crate) fn append(prev: Position, terms: &[u64], commit: u64) -> Body {
    Body::Append {
        prev,
        entries: entries(terms),
        commit: Index::new(commit),
    }
}

pub(crate) fn accepted(index: u64) -> Body {
    Body::AppendAck(AppendAck::Accepted {
        index: Index::new(index),
    })
}

pub(crate) fn rejected(index: u64, hint: Position) -> Body {
    Body::AppendAck(AppendAck::Rejected {
        index: Index::new(index),
        hint,
    })
}

pub(crate) fn heartbeat(commit: u64) -> Body {
    Body::Heartbeat {
        commit: Index::new(commit),
        context: None,
    }
}

pub(crate) fn heartbeat_ack(context: Option<u64>) -> Body {
    Body::HeartbeatAck {
        context: context.map(ReadContext::new),
    }
}

pub(crate) fn write(client: u64, sequence: u64) -> Input {
    Input::Write {
        op: OpId::new(client, sequence),
        command: (*b"command").into(),
    }
}

pub(crate) fn read(client: u64, sequence: u64) -> Input {
    Input::Read {
        op: OpId::new(client, sequence),
    }
}

/// The terms of a log.
pub(crate) fn terms(raft: &Raft) -> Vec<u64> {
    raft.log().entries().iter().map(|e| e.term.get()).collect()
}
