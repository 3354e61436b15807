//! Log replication (section 5.3).
//!
//! - A leader appends its clients' commands ([`write()`]).
//! - It sends any range of its own log to any peer ([`send_append`]): which
//!   range is flow control ([`super::flow`]), and no range is wrong.
//! - A follower takes entries only behind a previous entry that matches, drops
//!   what conflicts, and answers with what it now holds ([`appended`]).
//! - A leader notes the progress, which never goes back ([`append_answered`]).

use super::{Branch, Outcome, reads};
use crate::flaws::Flaw;
use crate::ids::{Index, NodeId, Position, ReadId};
use crate::log::{Batch, Entry, Log, Payload};
use crate::message::{Body, Message, Messages};
use crate::refusal::Refusal;
use crate::rules::{commit, durability, flow, lease, membership, transfer};
use crate::server::{Memory, Role, Server};
use crate::settings::{BelowCommit, Heartbeat, Settings};

pub(super) fn must_lead<L: Log>(server: &Server<L>) -> Result<(), Refusal> {
    if server.role.is_leader() {
        return Ok(());
    }
    Err(Refusal::NotLeader {
        node: server.id,
        term: server.term,
    })
}

pub(super) fn must_be_peer<L: Log>(server: &Server<L>, to: NodeId) -> Result<(), Refusal> {
    if to != server.id && server.config.members().contains(to) {
        return Ok(());
    }
    Err(Refusal::NotAPeer {
        node: server.id,
        to,
    })
}

/// Whether the settings have heartbeats of their own kind.
///
/// # Errors
/// When they do not: a heartbeat is an empty append there.
pub fn known_message<L: Log>(server: &Server<L>, settings: &Settings) -> Result<(), Refusal> {
    match settings.heartbeat {
        Heartbeat::Separate => Ok(()),
        Heartbeat::EmptyAppend => Err(Refusal::NoSuchMessage { node: server.id }),
    }
}

/// A client's command is appended to the leader's log.
///
/// # Errors
/// When the server does not lead, hands over, or leads on although removed.
pub fn write<L: Log>(
    server: &mut Server<L>,
    number: u32,
    settings: &Settings,
) -> Result<Outcome, Refusal> {
    must_lead(server)?;
    membership::may_append(server, settings)?;
    transfer::may_write(server, settings)?;
    server.log.push(Entry {
        term: server.term,
        payload: Payload::Write { number },
    });
    Ok(Branch::Wrote.into())
}

/// The leader sends `count` entries after index `after` to one peer; none make
/// an empty append.
///
/// # Errors
/// When the server does not lead, `to` is no peer, or the log has no such
/// entries: not yet, or no longer.
pub fn send_append<L: Log>(
    server: &mut Server<L>,
    to: NodeId,
    after: Index,
    count: u32,
    settings: &Settings,
    out: &mut Messages,
) -> Result<Outcome, Refusal> {
    must_lead(server)?;
    must_be_peer(server, to)?;
    let end = after.plus(count as usize);
    let (base, last) = (server.log.base(), server.log.last_index());
    if after < base {
        return Err(Refusal::Compacted {
            node: server.id,
            index: after,
            base,
        });
    }
    let (Some(term), true) = (server.log.term_at(after), end <= last) else {
        return Err(Refusal::PastTheEnd {
            node: server.id,
            index: end,
            last,
        });
    };
    flow::may_send(server, to, after, count, settings)?;
    // The flawed leader sends all that it has behind where it goes on, which is
    // nothing only at the end of its log, or where it goes on at the last index
    // of its snapshot.
    let at_snapshot = after == base && base > Index::ZERO;
    if settings.has(Flaw::EmptyAppendForSnapshot) && count == 0 && after < last && !at_snapshot {
        return Err(Refusal::NotNext {
            node: server.id,
            to,
            after,
            next: last.next(),
        });
    }
    let context = match settings.heartbeat {
        Heartbeat::EmptyAppend => reads::latest(server),
        Heartbeat::Separate => None,
    };
    let round = lease::round(server, settings);
    out.push(Message {
        from: server.id,
        to,
        term: server.term,
        body: Body::Append {
            prev: Position::new(after, term),
            entries: server.log.batch(after, count as usize),
            commit: server.commit,
            context,
            round,
            joined: membership::joined(server, to, settings),
        },
    });
    flow::sent(server, to, count, settings);
    Ok(Branch::SentAppend.into())
}

/// The leader sends a heartbeat of its own kind to one peer. It lets the peer
/// commit only what is known to match there.
///
/// # Errors
/// When the settings have no such heartbeat, the server does not lead, or `to`
/// is no peer.
pub fn send_heartbeat<L: Log>(
    server: &mut Server<L>,
    to: NodeId,
    settings: &Settings,
    out: &mut Messages,
) -> Result<Outcome, Refusal> {
    known_message(server, settings)?;
    must_lead(server)?;
    must_be_peer(server, to)?;
    let matched = match &server.role {
        _ if settings.has(Flaw::HeartbeatCommitUncapped) => server.commit,
        Role::Leader { matched, .. } => matched.get(to).copied().unwrap_or_default(),
        _ => Index::ZERO,
    };
    let round = lease::round(server, settings);
    out.push(Message {
        from: server.id,
        to,
        term: server.term,
        body: Body::Heartbeat {
            commit: server.commit.min(matched),
            context: reads::latest(server),
            round,
        },
    });
    Ok(Branch::SentHeartbeat.into())
}

/// An append of the current term arrives at a follower.
#[allow(clippy::too_many_arguments)] // the fields of one message
pub fn appended<L: Log>(
    server: &mut Server<L>,
    leader: NodeId,
    prev: Position,
    entries: &Batch,
    leader_commit: Index,
    context: Option<ReadId>,
    round: Option<u32>,
    joined: Index,
    settings: &Settings,
    out: &mut Messages,
) -> Outcome {
    let mut answer = |server: &Server<L>, reject, index, hint| {
        out.push(Message {
            from: server.id,
            to: leader,
            term: server.term,
            body: Body::AppendAck {
                reject,
                index,
                hint,
                context,
                round,
                joined,
            },
        });
    };
    if settings.append_below_commit == BelowCommit::AnswerCommit && prev.index < server.commit {
        answer(server, false, server.commit, None);
        return Branch::AppendBelowCommit.into();
    }
    let unchecked = entries.is_empty() && settings.has(Flaw::EmptyAppendUnchecked);
    // What a snapshot has replaced was committed, and so matches.
    let replaced = prev.index < server.log.base();
    if replaced && settings.has(Flaw::CompactedIsConflict) {
        durability::truncate(server, server.log.base());
        answer(server, true, prev.index, None);
        return Branch::AppendRejected.because(Refusal::Compacted {
            node: server.id,
            index: prev.index,
            base: server.log.base(),
        });
    }
    if let Some(Memory::KeptEntry { at }) = server.memory
        && at.index == prev.index
        && at.term != prev.term
    {
        answer(server, true, prev.index, None);
        return Branch::AppendRejected.because(Refusal::NoMatch {
            node: server.id,
            prev,
            have: Some(at.term),
        });
    }
    if !replaced && !server.log.has(prev) && !unchecked {
        let hint = settings
            .reject_hint
            .then(|| server.log.conflict_hint(prev.index, prev.term));
        let rejected = match settings.has(Flaw::RejectsOwnLastIndex) {
            true => server.log.last_index(),
            false => prev.index,
        };
        answer(server, true, rejected, hint);
        return Branch::AppendRejected.because(Refusal::NoMatch {
            node: server.id,
            prev,
            have: server.log.term_at(prev.index),
        });
    }
    if settings.has(Flaw::ConflictsKept)
        && let Some(conflict) = first_conflict(server, prev.index, entries)
    {
        answer(server, true, prev.index, None);
        return Branch::AppendRejected.because(Refusal::NoMatch {
            node: server.id,
            prev: conflict,
            have: server.log.term_at(conflict.index),
        });
    }
    let last_new = prev.index.plus(entries.len());
    let again = prev.index == Index::ZERO && settings.has(Flaw::CompactedEntriesAppendedAgain);
    let branch = if replaced && last_new <= server.log.base() && !again {
        Branch::AppendBelowSnapshot
    } else {
        splice(server, prev.index, entries, settings)
    };
    let shared = if entries.is_empty() && settings.has(Flaw::EmptyAppendForSnapshot) {
        server.log.last_index()
    } else {
        last_new
    };
    commit::learn(server, leader_commit, shared, settings);
    let held = if settings.has(Flaw::AcksOwnLastIndex) {
        server.log.last_index()
    } else {
        last_new
    };
    answer(server, false, held, None);
    branch.into()
}

/// Puts `entries` behind index `after`: what is there already stays, the first
/// conflict and all behind it goes, what is new is appended (figure 2,
/// AppendEntries rules 3 and 4). What the snapshot has replaced is there.
fn splice<L: Log>(
    server: &mut Server<L>,
    after: Index,
    entries: &Batch,
    settings: &Settings,
) -> Branch {
    let mut branch = Branch::AppendMatched;
    let first = settings.has(Flaw::RollsBackBeforeChecking)
        || (settings.has(Flaw::DeletesThenAppends) && !entries.is_empty());
    if first && server.log.last_index() > after {
        durability::truncate(server, after);
        branch = Branch::AppendReplaced;
    }
    for (i, entry) in entries.iter().enumerate() {
        let index = after.plus(i + 1);
        if index <= server.log.base() {
            if after == Index::ZERO && settings.has(Flaw::CompactedEntriesAppendedAgain) {
                branch = Branch::Appended;
                server.log.push(*entry);
            }
            continue;
        }
        match server.log.term_at(index) {
            Some(term) if term == entry.term => continue,
            Some(_) => {
                durability::truncate(server, after.plus(i));
                branch = Branch::AppendReplaced;
            }
            None if branch == Branch::AppendMatched => branch = Branch::Appended,
            None => {}
        }
        server.log.push(*entry);
    }
    let end = after.plus(entries.len());
    if settings.has(Flaw::ErasesMatchingSuffix) && server.log.last_index() > end {
        durability::truncate(server, end);
        branch = Branch::AppendReplaced;
    }
    if branch != Branch::AppendMatched {
        membership::log_changed(server, settings);
    }
    branch
}

/// The first of `entries` behind index `after` that conflicts with the log.
fn first_conflict<L: Log>(server: &Server<L>, after: Index, entries: &Batch) -> Option<Position> {
    let positions = entries.iter().enumerate();
    let mut positions = positions.map(|(i, entry)| Position::new(after.plus(i + 1), entry.term));
    positions.find(|at| {
        let term = server.log.term_at(at.index);
        term.is_some_and(|term| term != at.term)
    })
}

/// An answer to an append arrives at the leader: note the progress, which
/// never goes back, and who confirmed the leader.
pub fn append_answered<L: Log>(
    server: &mut Server<L>,
    from: NodeId,
    reject: bool,
    index: Index,
    hint: Option<Position>,
    context: Option<ReadId>,
    settings: &Settings,
) -> Outcome {
    let (id, term, last) = (server.id, server.term, server.log.last_index());
    if !server.role.is_leader() {
        return Branch::Unexpected.because(Refusal::NotAsking { node: id, term });
    }
    if !reject {
        if index > last {
            // No rule leads here: a follower never holds more of this term
            // than its leader. Counting it would commit what does not exist.
            return Branch::Unexpected.because(Refusal::PastTheEnd {
                node: id,
                index,
                last,
            });
        }
        let before = match &server.role {
            Role::Leader { matched, .. } => matched[from],
            _ => Index::ZERO,
        };
        commit::note_match(server, from, index, settings);
        flow::accepted(server, from, index, before, settings);
    } else if let (true, Some(hint)) = (settings.has(Flaw::HintStoredAsMatch), hint) {
        commit::note_match(server, from, hint.index, settings);
    }
    reads::confirmed(server, from, context, settings);
    if reject {
        flow::rejected(server, from, index, hint, settings);
        Branch::RejectionNoted.into()
    } else {
        Branch::ProgressNoted.into()
    }
}

/// A heartbeat of its own kind arrives at a follower: commit without a check,
/// because the leader vouches for `commit` only up to what matches here.
pub fn heartbeat_received<L: Log>(
    server: &mut Server<L>,
    leader: NodeId,
    leader_commit: Index,
    context: Option<ReadId>,
    round: Option<u32>,
    settings: &Settings,
    out: &mut Messages,
) -> Outcome {
    commit::learn(server, leader_commit, server.log.last_index(), settings);
    out.push(Message {
        from: server.id,
        to: leader,
        term: server.term,
        body: Body::HeartbeatAck { context, round },
    });
    Branch::HeartbeatReceived.into()
}

/// An answer to a heartbeat arrives at the leader.
pub fn heartbeat_answered<L: Log>(
    server: &mut Server<L>,
    from: NodeId,
    context: Option<ReadId>,
    settings: &Settings,
) -> Outcome {
    if !server.role.is_leader() {
        return Branch::Unexpected.because(Refusal::NotAsking {
            node: server.id,
            term: server.term,
        });
    }
    reads::confirmed(server, from, context, settings);
    flow::alive(server, from);
    Branch::HeartbeatAcked.into()
}
