//! From the core's types to those of the format: the one mapping on this side.
//!
//! | Raft | core | trace |
//! | --- | --- | --- |
//! | currentTerm, votedFor | `Raft::term`, `Raft::vote` | `state.term`, `state.vote` |
//! | log\[\] | `Raft::log` | `state.last`; its changes in `append` |
//! | commitIndex, lastApplied | `Raft::commit`, `Raft::applied` | `state.commit`, `state.applied` |
//! | persistent state | `Raft::durable` | `durable` |
//! | RequestVote RPC | `Body::RequestVote`, `Body::Vote` | `request-vote`, `vote` |
//! | AppendEntries RPC | `Body::Append`, `Body::AppendAck` | `append`, `append-ack` |
//! | heartbeat | `Body::Heartbeat`, `Body::HeartbeatAck` | `heartbeat`, `heartbeat-ack` |
//! | nextIndex, matchIndex | `Progress` | none: it shows in what is sent |
//!
//! A read context is written `r` and its count; it has a meaning only within
//! the term of the message that carries it.

use plimsoll_trace as wire;

use crate::core::{
    AppendAck, Body, Configuration, Entry, Index, Message, NodeId, Payload, Position, Raft,
    ReadContext, Role, Term,
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
    let none: [wire::NodeName; 0] = [];
    wire::Config::of_voters(configuration.voters().iter().map(|&node| name(node)))
        .with_outgoing(none.clone())
        .with_learners(none)
}

pub(super) fn lower_state(raft: &Raft) -> wire::State {
    wire::State::new()
        .with_term(lower_term(raft.term()))
        .with_vote(raft.vote().map(name))
        .with_role(match raft.role() {
            Role::Follower(_) => wire::Role::Follower,
            Role::Candidate(_) => wire::Role::Candidate,
            Role::Leader(_) => wire::Role::Leader,
        })
        .with_leader(raft.leader().map(name))
        .with_commit(lower_index(raft.commit()))
        .with_applied(lower_index(raft.applied()))
        .with_last(lower_position(raft.log().last()))
        .with_config(lower_configuration(raft.configuration()))
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
            Payload::AddVoter(_) => (wire::EntryKind::Config, None),
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
    let context = |context: &Option<ReadContext>| context.map(|count| format!("r{count}"));
    let body = match &message.body {
        Body::RequestVote { last } => wire::Body::RequestVote {
            last: lower_position(*last),
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

/// FNV-1a, 64 bits, over what the entry says.
fn content_hash(payload: &Payload) -> u64 {
    let (kind, first, second, bytes) = match payload {
        Payload::Noop => (0_u8, 0, 0, &[][..]),
        Payload::Write { op, command } => (1, op.client, op.sequence, &command[..]),
        Payload::AddVoter(node) => (2, u64::from(node.get()), 0, &[][..]),
    };
    let numbers = [first.to_le_bytes(), second.to_le_bytes()];
    let all = std::iter::once(&kind)
        .chain(numbers.as_flattened())
        .chain(bytes);
    all.fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
