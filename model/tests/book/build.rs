//! Servers and messages written down shortly, and one rule tried on one server.
//!
//! Servers are numbered as they are printed: `1` is `n1`.

use plimsoll_model::config::Config;
use plimsoll_model::ids::{Index, NodeId, NodeSet, Position, ReadId, Term};
use plimsoll_model::log::{Batch, Entry, InlineLog, Log, Payload};
use plimsoll_model::message::{Body, Message, Messages};
use plimsoll_model::progress::Progress;
use plimsoll_model::rules::{Branch, Input, step};
use plimsoll_model::server::{Outbox, Read, Role, Server};
use plimsoll_model::settings::{Dialect, Durability, Settings, Storage};

pub(crate) type Srv = Server<InlineLog>;

/// The paper's rules; writes complete in steps of their own.
pub(crate) fn paper() -> Settings {
    Dialect::Paper.settings(Durability::Deferred)
}

/// etcd's rules; writes complete in steps of their own.
pub(crate) fn etcd() -> Settings {
    Dialect::Etcd.settings(Durability::Deferred)
}

pub(crate) fn both() -> [Settings; 2] {
    [paper(), etcd()]
}

pub(crate) fn n(number: u8) -> NodeId {
    NodeId(number - 1)
}

pub(crate) fn set(numbers: &[u8]) -> NodeSet {
    numbers.iter().map(|&number| n(number)).collect()
}

/// The position `index@term`.
pub(crate) fn at(index: u64, term: u64) -> Position {
    Position::new(Index(index), Term(term))
}

pub(crate) fn read(number: u32) -> ReadId {
    ReadId { number }
}

/// Entries of these terms.
pub(crate) fn batch(terms: &[u64]) -> Batch {
    terms.iter().map(|&term| noop(term)).collect()
}

pub(crate) fn noop(term: u64) -> Entry {
    Entry {
        term: Term(term),
        payload: Payload::Noop,
    }
}

pub(crate) fn log(terms: &[u64]) -> InlineLog {
    let mut log = InlineLog::empty();
    for entry in batch(terms) {
        log.push(entry);
    }
    log
}

/// A follower of three servers without vote or commit, its log of these terms,
/// everything durable.
pub(crate) fn follower(id: u8, term: u64, terms: &[u64]) -> Srv {
    let mut server = Server::new(n(id), Config::of(NodeSet::first(3)));
    server.term = Term(term);
    server.log = log(terms);
    synced(server)
}

/// The same server with everything durable, the commit index too.
pub(crate) fn synced(mut server: Srv) -> Srv {
    server.durable.term = server.term;
    server.durable.vote = server.vote;
    server.durable.commit = server.commit;
    server.durable.shared = server.log.last_index();
    server.durable.tail.clear();
    server
}

pub(crate) trait Built {
    /// Changes a copy and makes everything durable.
    fn with(self, change: impl FnOnce(&mut Srv)) -> Srv;
}

impl Built for Srv {
    fn with(mut self, change: impl FnOnce(&mut Srv)) -> Srv {
        change(&mut self);
        synced(self)
    }
}

pub(crate) fn candidate(id: u8, term: u64, terms: &[u64], granted: &[u8]) -> Srv {
    follower(id, term, terms).with(|s| {
        s.vote = Some(n(id));
        s.role = Role::Candidate {
            granted: set(granted),
            refused: NodeSet::EMPTY,
            surplus: 0,
        };
    })
}

/// A leader that knows these indexes to match, in the order of the servers.
pub(crate) fn leader(id: u8, term: u64, terms: &[u64], matched: &[u64]) -> Srv {
    follower(id, term, terms).with(|s| {
        s.vote = Some(n(id));
        s.leader = Some(n(id));
        s.role = Role::Leader {
            matched: progress(matched),
            reads: Default::default(),
            active: NodeSet::EMPTY,
            transfer: None,
            lease: Default::default(),
        };
    })
}

/// What a leader knows of these servers, in their order.
pub(crate) fn progress(matched: &[u64]) -> Progress {
    let known = (1..).map(n).zip(matched.iter().map(|&m| Index(m)));
    known.collect()
}

/// The open reads of a leader.
pub(crate) fn reads(server: &mut Srv) -> &mut smallvec::SmallVec<[Read; 1]> {
    match &mut server.role {
        Role::Leader { reads, .. } => reads,
        other => panic!("{other:?} has no reads"),
    }
}

/// What a leader knows to match on a server.
pub(crate) fn matched(server: &mut Srv, id: u8) -> &mut Index {
    match &mut server.role {
        Role::Leader { matched, .. } => matched.get_mut(n(id)).expect("a member"),
        other => panic!("{other:?} knows no match"),
    }
}

pub(crate) fn msg(from: u8, to: u8, term: u64, body: Body) -> Message {
    Message {
        from: n(from),
        to: n(to),
        term: Term(term),
        body,
    }
}

pub(crate) fn request(last: Position) -> Body {
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
        entries: batch(terms),
        commit: Index(commit),
        context: None,
        round: None,
    }
}

pub(crate) fn ack(index: u64) -> Body {
    Body::AppendAck {
        reject: false,
        index: Index(index),
        hint: None,
        context: None,
        round: None,
    }
}

pub(crate) fn reject(index: u64, hint: Option<Position>) -> Body {
    Body::AppendAck {
        reject: true,
        index: Index(index),
        hint,
        context: None,
        round: None,
    }
}

pub(crate) fn heartbeat(commit: u64) -> Body {
    Body::Heartbeat {
        commit: Index(commit),
        context: None,
        round: None,
    }
}

pub(crate) fn heartbeat_ack(context: Option<ReadId>) -> Body {
    Body::HeartbeatAck {
        context,
        round: None,
    }
}

pub(crate) fn receive(message: Message) -> Input {
    Input::Receive { message }
}

pub(crate) fn send(to: u8, after: u64, count: u8) -> Input {
    Input::SendAppend {
        to: n(to),
        after: Index(after),
        count: count.into(),
    }
}

/// Tries `input` on `before`: the branch taken, all that was said, in order,
/// and the whole server afterwards must be as told. `change` says how the
/// server changes; what it does not touch must stay.
#[track_caller]
pub(crate) fn expect(
    settings: &Settings,
    before: &Srv,
    input: Input,
    branch: Branch,
    said: &[Message],
    change: impl FnOnce(&mut Srv),
) -> Srv {
    let (mut after, mut out) = (before.clone(), Messages::new());
    let outcome = step(&mut after, &input, settings, &mut out);
    let outcome = outcome.unwrap_or_else(|refusal| panic!("{input:?} was refused: {refusal}"));
    let mut expected = before.clone();
    change(&mut expected);
    let free = |m: &&Message| {
        settings.durability == Durability::Atomic
            || settings.storage == Storage::ParallelAppend && matches!(m.body, Body::Append { .. })
    };
    let leaves: Vec<_> = said.iter().filter(free).cloned().collect();
    let waits = said.iter().filter(|m| !free(m)).cloned();
    expected.outbox = before
        .outbox
        .iter()
        .cloned()
        .chain(waits)
        .collect::<Outbox>();
    assert_eq!(outcome.branch, branch, "{input:?}: {:?}", outcome.reason);
    assert_eq!(
        out.as_slice(),
        leaves.as_slice(),
        "what leaves after {input:?}"
    );
    assert_eq!(after, expected, "the server after {input:?}");
    after
}

/// Tries `input` on `before`: it must be refused for the reason `why`, and
/// leave the server as it was.
#[track_caller]
pub(crate) fn refused(settings: &Settings, before: &Srv, input: Input, why: &str) {
    let (mut after, mut out) = (before.clone(), Messages::new());
    match step(&mut after, &input, settings, &mut out) {
        Ok(outcome) => panic!("{input:?} was taken: {outcome:?}"),
        Err(refusal) => assert_eq!(refusal.to_string(), why),
    }
    assert_eq!(&after, before);
    assert!(out.is_empty());
}

/// Tries `input` and holds only the reason of a branch that says no.
#[track_caller]
pub(crate) fn reason(settings: &Settings, before: &Srv, input: Input, why: &str) {
    let (mut after, mut out) = (before.clone(), Messages::new());
    let outcome = step(&mut after, &input, settings, &mut out).expect("not refused");
    assert_eq!(outcome.reason.map(|r| r.to_string()).as_deref(), Some(why));
}
