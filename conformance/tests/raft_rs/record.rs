//! From raft-rs's types to those of the trace format.
//!
//! | raft-rs | trace |
//! | --- | --- |
//! | `RaftCore::term`, `vote`, `state`, `leader_id`, `lead_transferee` | `state.term`, `vote`, `role`, `leader`, `transfer` |
//! | `RaftLog::committed`, `applied`, `last_index` | `state.commit`, `applied`, `last` |
//! | `Storage::first_index` - 1 | `state.snapshot` |
//! | `ProgressTracker::conf` | `state.config` |
//! | `Ready::entries` | `append` |
//! | `Ready::messages`, `persisted_messages`, `LightReady::messages` | `send` |
//! | `Ready::read_states` | the `ack` of a read, once that much is applied |
//! | `MsgReadIndex`, `MsgReadIndexResp` | `read-request`, `read-index` |
//! | `MsgPropose` | none: the leader's step is a `write` or a `change` |
//! | `MsgUnreachable`, `MsgSnapStatus` | none: they change only what is sent next |

use plimsoll_trace as wire;
use protobuf::Message as _;
use raft::prelude::*;
use raft::{CAMPAIGN_TRANSFER, RawNode, StateRole};
use raft_proto::ConfChangeI;

use crate::disk::Disk;

pub(crate) fn name(id: u64) -> wire::NodeName {
    wire::NodeName::from(format!("n{id}"))
}

fn somebody(id: u64) -> Option<wire::NodeName> {
    (id != 0).then(|| name(id))
}

fn names(ids: &[u64]) -> Vec<wire::NodeName> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.into_iter().map(name).collect()
}

fn position((index, term): (u64, u64)) -> wire::Position {
    wire::Position::new(index, term)
}

pub(crate) fn config(conf: &ConfState) -> wire::Config {
    wire::Config::of_voters(names(conf.get_voters()))
        .with_outgoing(names(conf.get_voters_outgoing()))
        .with_learners(names(conf.get_learners()))
        .with_learners_next(names(conf.get_learners_next()))
        .with_auto_leave(conf.auto_leave)
}

/// The change that an entry carries.
pub(crate) fn decoded(entry: &Entry) -> Option<ConfChangeV2> {
    match entry.get_entry_type() {
        EntryType::EntryNormal => None,
        EntryType::EntryConfChange => {
            let mut change = ConfChange::default();
            change.merge_from_bytes(&entry.data).expect("a change");
            Some(change.into_v2())
        }
        EntryType::EntryConfChangeV2 => {
            let mut change = ConfChangeV2::default();
            change.merge_from_bytes(&entry.data).expect("a change");
            Some(change)
        }
    }
}

pub(crate) fn change(change: &ConfChangeV2) -> wire::Change {
    let of = |kind| {
        let changes = change.get_changes().iter();
        let ids = changes.filter(|one| one.get_change_type() == kind);
        names(&ids.map(|one| one.node_id).collect::<Vec<_>>())
    };
    let transition = match (change.leave_joint(), change.enter_joint()) {
        (true, _) => wire::Transition::Leave,
        (_, None) => wire::Transition::Simple,
        (_, Some(true)) => wire::Transition::Joint,
        (_, Some(false)) => wire::Transition::JointUntilTold,
    };
    wire::Change {
        voters: of(ConfChangeType::AddNode),
        learners: of(ConfChangeType::AddLearnerNode),
        removed: of(ConfChangeType::RemoveNode),
        transition,
    }
}

/// The client operation that an entry came from.
pub(crate) fn op(entry: &Entry) -> Option<String> {
    let text = std::str::from_utf8(&entry.context).expect("a context is text");
    (!text.is_empty()).then(|| text.to_owned())
}

/// FNV-1a, 64 bits.
pub(crate) fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Entries behind one of term `before`. The first entry of a term is its
/// leader's no-op; another one without content is what raft-rs puts in the place
/// of a change that it does not take.
pub(crate) fn entries(after: u64, mut before: u64, entries: &[Entry]) -> wire::Entries {
    let lowered = entries.iter().map(|entry| {
        let first = std::mem::replace(&mut before, entry.term) != entry.term;
        let kind = match entry.get_entry_type() {
            EntryType::EntryNormal if entry.data.is_empty() && first => wire::EntryKind::Noop,
            EntryType::EntryNormal => wire::EntryKind::Write,
            EntryType::EntryConfChange | EntryType::EntryConfChangeV2 => wire::EntryKind::Config,
        };
        wire::Entry {
            term: wire::Term(entry.term),
            kind,
            op: op(entry).map(wire::OpId::from),
            hash: wire::ContentHash(fnv(0xcbf2_9ce4_8422_2325 ^ kind as u64, &entry.data)),
        }
    });
    let lowered: Vec<_> = lowered.collect();
    wire::Entries::of(wire::Index(after), lowered).expect("countable entries")
}

fn text(bytes: &[u8]) -> Option<wire::SmolStr> {
    let text = std::str::from_utf8(bytes).expect("a context is text");
    (!text.is_empty()).then(|| text.into())
}

fn only_op(message: &Message) -> wire::OpId {
    let entry = message.get_entries().first().expect("a read has its entry");
    text(&entry.data)
        .expect("a read has a name")
        .as_str()
        .into()
}

/// A message as the trace has it; none of proposals, which are no messages of
/// Raft. `term` is that of the sender: raft-rs sends requests for a read index
/// without one.
pub(crate) fn message(id: u64, term: u64, message: &Message) -> Option<wire::Message> {
    let last = position((message.index, message.log_term));
    let body = match message.get_msg_type() {
        MessageType::MsgRequestVote => wire::Body::RequestVote {
            last,
            forced: &message.context[..] == CAMPAIGN_TRANSFER,
        },
        MessageType::MsgRequestVoteResponse => wire::Body::Vote {
            granted: !message.reject,
        },
        MessageType::MsgRequestPreVote => wire::Body::RequestPreVote { last },
        MessageType::MsgRequestPreVoteResponse => wire::Body::PreVote {
            granted: !message.reject,
        },
        MessageType::MsgAppend => wire::Body::Append {
            prev: last,
            entries: entries(message.index, message.log_term, message.get_entries()),
            commit: wire::Index(message.commit),
            context: None,
        },
        MessageType::MsgAppendResponse => wire::Body::AppendAck {
            reject: message.reject,
            index: wire::Index(message.index),
            hint: message
                .reject
                .then(|| position((message.reject_hint, message.log_term))),
            context: None,
        },
        MessageType::MsgHeartbeat => wire::Body::Heartbeat {
            commit: wire::Index(message.commit),
            context: text(&message.context),
        },
        MessageType::MsgHeartbeatResponse => wire::Body::HeartbeatAck {
            context: text(&message.context),
        },
        MessageType::MsgSnapshot => {
            let metadata = message.get_snapshot().get_metadata();
            wire::Body::Snapshot {
                last: position((metadata.index, metadata.term)),
                config: config(metadata.get_conf_state()),
                hash: Some(wire::ContentHash(fnv(0, &message.get_snapshot().data))),
            }
        }
        MessageType::MsgTimeoutNow => wire::Body::TimeoutNow,
        MessageType::MsgReadIndex => wire::Body::ReadRequest {
            op: only_op(message),
        },
        MessageType::MsgReadIndexResp => wire::Body::ReadIndex {
            op: only_op(message),
            index: wire::Index(message.index),
        },
        MessageType::MsgPropose => return None,
        other => panic!("{other:?} is not sent here"),
    };
    let term = if message.term == 0 {
        term
    } else {
        message.term
    };
    let lowered = wire::Message::new(name(message.from), name(message.to), term, body);
    Some(lowered.with_id(id.to_string()))
}

pub(crate) fn state(raw: &RawNode<Disk>) -> wire::State {
    let raft = &raw.raft;
    let log = &raft.raft_log;
    let last = log.last_index();
    // A snapshot that is not written yet has replaced the log all the same.
    let snapshot = match log.unstable_snapshot() {
        Some(snapshot) => (snapshot.get_metadata().index, snapshot.get_metadata().term),
        None => raw.store().snapshot_position(),
    };
    wire::State::new()
        .with_term(raft.term)
        .with_vote(somebody(raft.vote))
        .with_role(match raft.state {
            StateRole::Follower => wire::Role::Follower,
            StateRole::PreCandidate => wire::Role::PreCandidate,
            StateRole::Candidate => wire::Role::Candidate,
            StateRole::Leader => wire::Role::Leader,
        })
        .with_leader(somebody(raft.leader_id))
        .with_commit(log.committed)
        .with_applied(log.applied)
        .with_last(position((last, log.last_term())))
        .with_snapshot(position(snapshot))
        .with_config(config(&raft.prs().conf().to_conf_state()))
        .with_transfer(raft.lead_transferee.map(name))
}

pub(crate) fn durable(disk: &Disk) -> wire::Durable {
    let hard = disk.durable_hard();
    wire::Durable::new()
        .with_term(hard.term)
        .with_vote(somebody(hard.vote))
        .with_commit(hard.commit)
        .with_last(position(disk.durable_last()))
}

/// What every line has, and of which causes every step has its line.
pub(crate) fn declared(header: wire::Header) -> wire::Header {
    use wire::{CauseKind, Field};
    header.with_complete(
        [
            CauseKind::Start,
            CauseKind::Campaign,
            CauseKind::Tick,
            CauseKind::Receive,
            CauseKind::Write,
            CauseKind::Read,
            CauseKind::Persisted,
            CauseKind::Apply,
            CauseKind::Change,
            CauseKind::Transfer,
            CauseKind::Compact,
            CauseKind::CheckQuorum,
        ],
        [
            Field::StateTerm,
            Field::StateVote,
            Field::StateRole,
            Field::StateLeader,
            Field::StateCommit,
            Field::StateApplied,
            Field::StateLast,
            Field::StateSnapshot,
            Field::StateConfig,
            Field::StateTransfer,
            Field::DurableTerm,
            Field::DurableVote,
            Field::DurableCommit,
            Field::DurableLast,
            Field::Append,
            Field::Send,
            Field::Reads,
            Field::Ack,
        ],
    )
}
