//! From the core's types to those of the format: the one mapping on this side.
//!
//! | Raft | core | trace |
//! | --- | --- | --- |
//! | currentTerm, votedFor | `Raft::term`, `Raft::vote` | `state.term`, `state.vote` |
//! | log\[\] | `Raft::log` | `state.last`; its changes in `append` |
//! | commitIndex, lastApplied | `Raft::commit`, `Raft::applied` | `state.commit`, `state.applied` |
//! | persistent state | `Raft::durable` | `durable` |
//! | RequestVote RPC | `Body::RequestVote`, `Body::Vote` | `request-vote`, `vote` |
//! | PreVote | `Body::RequestPreVote`, `Body::PreVote` | `request-pre-vote`, `pre-vote` |
//! | AppendEntries RPC | `Body::Append`, `Body::AppendAck` | `append`, `append-ack` |
//! | heartbeat | `Body::Heartbeat`, `Body::HeartbeatAck` | `heartbeat`, `heartbeat-ack` |
//! | InstallSnapshot RPC | `Body::Snapshot` | `snapshot`; the machine's state as a hash |
//! | TimeoutNow RPC | `Body::TimeoutNow` | `timeout-now` |
//! | ReadIndex of a follower | `Body::ReadRequest`, `Body::ReadIndex` | `read-request`, `read-index` |
//! | nextIndex, matchIndex | `Progress` | none: it shows in what is sent |
//!
//! A read context is written `r` and its count; it has a meaning only within
//! the term of the message that carries it.

use plimsoll_trace as wire;

use crate::core::{
    AppendAck, Body, Change, Configuration, Entry, Index, Message, NodeId, Payload, Position, Raft,
    ReadContext, Role, Term, Transition,
};
use crate::envelope::MessageId;

pub(super) fn name(node: NodeId) -> wire::NodeName {
    wire::NodeName::from(node.to_string())
}

fn lower_term(term: Term) -> wire::Term {
    wire::Term(term.get())
}

fn lower_index(index: Index) -> wire::Index {
    wire::Index(index.get())
}

fn lower_position(position: Position) -> wire::Position {
    wire::Position::new(lower_index(position.index), lower_term(position.term))
}

fn lower_configuration(configuration: &Configuration) -> wire::Config {
    wire::Config::of_voters(names(configuration.voters()))
        .with_outgoing(names(configuration.outgoing()))
        .with_learners(names(configuration.learners()))
        .with_learners_next(names(configuration.learners_next()))
        .with_auto_leave(configuration.auto_leave())
}

fn names(nodes: &[NodeId]) -> Vec<wire::NodeName> {
    nodes.iter().map(|&node| name(node)).collect()
}

pub(super) fn lower_change(change: &Change) -> wire::Change {
    wire::Change {
        voters: names(change.voters()),
        learners: names(change.learners()),
        removed: names(change.removed()),
        transition: match change.transition() {
            Transition::Simple => wire::Transition::Simple,
            Transition::Joint { auto_leave: true } => wire::Transition::Joint,
            Transition::Joint { auto_leave: false } => wire::Transition::JointUntilTold,
            Transition::Leave => wire::Transition::Leave,
        },
    }
}

pub(super) fn lower_state(raft: &Raft) -> wire::State {
    wire::State::new()
        .with_term(lower_term(raft.term()))
        .with_vote(raft.vote().map(name))
        .with_role(match raft.role() {
            Role::Follower(_) => wire::Role::Follower,
            Role::PreCandidate(_) => wire::Role::PreCandidate,
            Role::Candidate(_) => wire::Role::Candidate,
            Role::Leader(_) => wire::Role::Leader,
        })
        .with_leader(raft.leader().map(name))
        .with_commit(lower_index(raft.commit()))
        .with_applied(lower_index(raft.applied()))
        .with_last(lower_position(raft.log().last()))
        .with_snapshot(lower_position(raft.log().base()))
        .with_config(lower_configuration(raft.configuration()))
        .with_transfer(match raft.role() {
            Role::Leader(leader) => leader.transfer().map(name),
            _ => None,
        })
}

pub(super) fn lower_durable(raft: &Raft) -> wire::Durable {
    let durable = raft.durable();
    wire::Durable::new()
        .with_term(lower_term(durable.hard_state.term))
        .with_vote(durable.hard_state.vote.map(name))
        .with_commit(lower_index(durable.hard_state.commit))
        .with_last(lower_position(durable.last))
}

pub(super) fn lower_entries(after: Index, entries: &[Entry]) -> wire::Entries {
    let lowered = entries.iter().map(|entry| {
        let (kind, op) = match &entry.payload {
            Payload::Noop => (wire::EntryKind::Noop, None),
            Payload::Write { op, .. } => (wire::EntryKind::Write, Some(op.to_string().into())),
            Payload::Change(_) => (wire::EntryKind::Config, None),
        };
        wire::Entry {
            term: lower_term(entry.term),
            kind,
            op,
            hash: wire::ContentHash(content_hash(&entry.payload)),
        }
    });
    wire::Entries::of(lower_index(after), lowered).expect("a log in memory has countable entries")
}

pub(super) fn lower_message(message: &Message, id: Option<MessageId>) -> wire::Message {
    let context = |context: &Option<ReadContext>| context.map(|count| format!("r{count}").into());
    let body = match &message.body {
        Body::RequestVote { last, forced } => wire::Body::RequestVote {
            last: lower_position(*last),
            forced: *forced,
        },
        Body::RequestPreVote { last } => wire::Body::RequestPreVote {
            last: lower_position(*last),
        },
        Body::PreVote { granted } => wire::Body::PreVote { granted: *granted },
        Body::Snapshot(snapshot) => wire::Body::Snapshot {
            last: lower_position(snapshot.last),
            config: lower_configuration(&snapshot.configuration),
            hash: Some(wire::ContentHash(fnv(snapshot.data.iter()))),
        },
        Body::TimeoutNow => wire::Body::TimeoutNow,
        Body::ReadRequest { op } => wire::Body::ReadRequest {
            op: op.to_string().into(),
        },
        Body::ReadIndex(read) => wire::Body::ReadIndex {
            op: read.op.to_string().into(),
            index: lower_index(read.index),
        },
        Body::Vote { granted } => wire::Body::Vote { granted: *granted },
        Body::Append {
            prev,
            entries,
            commit,
        } => wire::Body::Append {
            prev: lower_position(*prev),
            entries: lower_entries(prev.index, entries),
            commit: lower_index(*commit),
            context: None,
        },
        Body::AppendAck(AppendAck::Accepted { index }) => wire::Body::AppendAck {
            reject: false,
            index: lower_index(*index),
            hint: None,
            context: None,
        },
        Body::AppendAck(AppendAck::Rejected { index, hint }) => wire::Body::AppendAck {
            reject: true,
            index: lower_index(*index),
            hint: Some(lower_position(*hint)),
            context: None,
        },
        Body::Heartbeat { commit, context: c } => wire::Body::Heartbeat {
            commit: lower_index(*commit),
            context: context(c),
        },
        Body::HeartbeatAck { context: c } => wire::Body::HeartbeatAck {
            context: context(c),
        },
    };
    let term = lower_term(message.term);
    let lowered = wire::Message::new(name(message.from), name(message.to), term, body);
    match id {
        Some(id) => lowered.with_id(id.to_string()),
        None => lowered,
    }
}

/// A hash over what the entry says.
fn content_hash(payload: &Payload) -> u64 {
    let change;
    let (kind, first, second, bytes) = match payload {
        Payload::Noop => (0_u8, 0, 0, &[][..]),
        Payload::Write { op, command } => (1, op.client, op.sequence, &command[..]),
        Payload::Change(changed) => {
            change = changed.to_string();
            (2, 0, 0, change.as_bytes())
        }
    };
    let numbers = [first.to_le_bytes(), second.to_le_bytes()];
    let all = std::iter::once(&kind)
        .chain(numbers.as_flattened())
        .chain(bytes);
    fnv(all)
}

/// FNV-1a, 64 bits.
fn fnv<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> u64 {
    let all = bytes.into_iter();
    all.fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
