//! Log compaction and snapshots (section 7; dissertation chapter 5).
//!
//! - Any server may replace a prefix that it has applied by a snapshot
//!   ([`compact`]); of the log only the position of the last entry replaced
//!   stays, for the consistency check of the entry behind it.
//! - A leader that no longer has what a follower lacks sends its snapshot
//!   instead ([`send`]): the last position, the configuration as of then, and
//!   the state of the machine, which here is the prefix itself
//!   ([`crate::log`]).
//! - A follower that lacks the last entry replaced drops its log for the
//!   snapshot; one that has it keeps the entries behind it ([`received`];
//!   figure 13, rules 5 to 8).
//!
//! A snapshot is part of what a server writes ([`super::durability`]): it is on
//! disk before its receipt is acknowledged, and it moves with the log.

use super::{Branch, Outcome, commit, durability, flow, membership, replication, sessions};
use crate::config::Config;
use crate::flaws::Flaw;
use crate::ids::{Index, NodeId, Position};
use crate::log::{Batch, Log};
use crate::message::{Body, Message, Messages};
use crate::refusal::Refusal;
use crate::server::{Memory, Role, Server};
use crate::settings::{HeldSnapshot, Settings};

/// The server replaces its log up to `to` by a snapshot.
///
/// # Errors
/// When it has done so already, or has not applied as much.
pub fn compact<L: Log>(server: &mut Server<L>, to: Index) -> Result<Outcome, Refusal> {
    let (node, base) = (server.id, server.log.base());
    if to <= base {
        return Err(Refusal::Compacted {
            node,
            index: to,
            base,
        });
    }
    if to > server.applied {
        return Err(Refusal::Unapplied {
            node,
            index: to,
            applied: server.applied,
        });
    }
    server.log.rebase(to);
    Ok(Branch::Compacted.into())
}

/// The leader sends its snapshot to one peer, whose next entry it may no longer
/// have.
///
/// # Errors
/// When the server does not lead, `to` is no peer, there is no snapshot, or,
/// but where it goes to anybody, the entries behind what `to` is known to hold,
/// or under flow control what it is taken to hold, are in the log.
pub fn send<L: Log>(
    server: &mut Server<L>,
    to: NodeId,
    settings: &Settings,
    out: &mut Messages,
) -> Result<Outcome, Refusal> {
    replication::must_lead(server)?;
    replication::must_be_peer(server, to)?;
    let (node, base) = (server.id, server.log.base());
    let matched = match &server.role {
        Role::Leader { matched, .. } => matched.get(to).copied().unwrap_or_default(),
        _ => Index::ZERO,
    };
    let lacks = matched < base || (settings.snapshot_to_anybody && base > Index::ZERO);
    if !lacks {
        return Err(Refusal::StillInLog {
            node,
            to,
            matched,
            base,
        });
    }
    flow::may_send_snapshot(server, to)?;
    let term = server.log.term_at(base).unwrap_or_default();
    let replaced = usize::try_from(base.0).unwrap_or(usize::MAX);
    out.push(Message {
        from: node,
        to,
        term: server.term,
        body: Body::InstallSnapshot {
            last: Position::new(base, term),
            config: membership::of_snapshot(server, settings),
            state: server.log.batch(Index::ZERO, replaced),
            joined: membership::joined(server, to, settings),
        },
    });
    flow::snapshot_sent(server, to);
    Ok(Branch::SentSnapshot.into())
}

/// Whether a snapshot that ends at `last` and has the configuration `config` is
/// of use to `server`.
///
/// # Errors
/// When it holds as much already, or is no member of that configuration.
fn may_install<L: Log>(
    server: &Server<L>,
    last: Position,
    config: Config,
    settings: &Settings,
) -> Result<(), Refusal> {
    let node = server.id;
    let known = match settings.held_snapshot {
        HeldSnapshot::Retain => server.log.base(),
        HeldSnapshot::FastForward => server.commit,
    };
    if last.index <= known {
        return Err(Refusal::SnapshotBehind { node, last, known });
    }
    if settings.snapshot_names_receiver && !config.members().contains(node) {
        return Err(Refusal::NotInSnapshot { node, config });
    }
    Ok(())
}

/// A snapshot of the current term arrives at a follower.
///
/// It is answered as an append is: with the last index that is known to match.
#[allow(clippy::too_many_arguments)] // the fields of one message
pub fn received<L: Log>(
    server: &mut Server<L>,
    leader: NodeId,
    last: Position,
    config: Config,
    state: &Batch,
    joined: Index,
    settings: &Settings,
    out: &mut Messages,
) -> Outcome {
    let outcome = match may_install(server, last, config, settings) {
        Err(refusal) => Branch::SnapshotIgnored.because(refusal),
        Ok(()) if server.log.has(last) => hold(server, last, config, settings).into(),
        Ok(()) => install(server, last, config, state, settings).into(),
    };
    let index = match settings.held_snapshot {
        // An answer to figure 13 tells its term alone; which snapshot is
        // answered the leader knows from its request.
        HeldSnapshot::Retain => last.index,
        // What was not installed is answered with the commit index (etcd).
        HeldSnapshot::FastForward => server.commit,
    };
    out.push(Message {
        from: server.id,
        to: leader,
        term: server.term,
        body: Body::AppendAck {
            reject: false,
            index,
            hint: None,
            context: None,
            round: None,
            joined,
        },
    });
    outcome
}

/// The log has the last entry that the snapshot replaces, and so by log
/// matching all that the snapshot replaces.
fn hold<L: Log>(
    server: &mut Server<L>,
    last: Position,
    config: Config,
    settings: &Settings,
) -> Branch {
    server.commit = server.commit.max(last.index);
    if settings.held_snapshot == HeldSnapshot::FastForward {
        commit::applied_with_commit(server, settings);
        return Branch::SnapshotFastForwarded;
    }
    server.log.rebase(last.index);
    load(server, last, config, settings);
    Branch::SnapshotRetained
}

/// The snapshot replaces all of the log (figure 13, rules 7 and 8).
fn install<L: Log>(
    server: &mut Server<L>,
    last: Position,
    config: Config,
    state: &Batch,
    settings: &Settings,
) -> Branch {
    if settings.has(Flaw::ConflictAtSnapshotKept) {
        let kept = server.log.term_at(last.index);
        let kept = kept.map(|term| Position::new(last.index, term));
        server.memory = kept.map(|at| Memory::KeptEntry { at });
    }
    durability::replace(server, state);
    membership::log_changed(server, settings);
    server.commit = last.index;
    load(server, last, config, settings);
    Branch::SnapshotInstalled
}

/// The machine is reset to the snapshot's state, if it is behind it, and the
/// configuration with it.
fn load<L: Log>(server: &mut Server<L>, last: Position, config: Config, settings: &Settings) {
    let back = server.applied > last.index && settings.has(Flaw::SnapshotMovesAppliedBack);
    if back {
        server.applied = last.index;
        return;
    }
    if server.applied < last.index {
        if settings.has(Flaw::SnapshotSetsTerm) {
            server.term = last.term;
        }
        server.applied = last.index;
        membership::loaded(server, config, settings);
        sessions::loaded(server, settings);
    }
    commit::applied_with_commit(server, settings);
}
