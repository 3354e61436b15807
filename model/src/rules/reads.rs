//! Linearizable reads without log writes: ReadIndex (section 8; dissertation
//! section 6.4).
//!
//! - A leader takes its commit index as read index, once an entry of its own
//!   term is committed: before that its commit index may be behind ([`begin`]).
//! - It releases the read once a majority has confirmed, after the read began,
//!   that it still leads ([`confirmed`], [`release`]): otherwise a newer leader
//!   may have committed more.
//! - While its lease runs it serves the read at once ([`super::lease`]).
//! - A follower that serves a read asks its leader for the read index
//!   ([`requested`]), and serves it when it has applied that much ([`answered`]).

use super::{Branch, Outcome, lease};
use crate::flaws::Flaw;
use crate::ids::{Index, NodeId, NodeSet, Position, ReadId};
use crate::log::Log;
use crate::message::{Body, Message, Messages};
use crate::refusal::Refusal;
use crate::server::{Asked, Read, Role, Server};
use crate::settings::Settings;

/// The latest open read: what the next heartbeat asks to confirm.
pub fn latest<L: Log>(server: &Server<L>) -> Option<ReadId> {
    match &server.role {
        Role::Leader { reads, .. } => reads.last().map(|read| read.id),
        _ => None,
    }
}

/// Whether a client may ask `server` for a read: it leads, or it asks whoever
/// does.
pub fn may_be_asked<L: Log>(server: &Server<L>, settings: &Settings) -> bool {
    let forwards = settings.follower_reads && server.leader.is_some();
    server.role.is_leader() || forwards || settings.has(Flaw::LocalReads)
}

/// A read begins: at the leader at its commit index, or at a follower that asks
/// its leader.
///
/// # Errors
/// When the server does not lead and knows no leader, or leads and has not
/// committed an entry of its term.
pub fn begin<L: Log>(
    server: &mut Server<L>,
    id: ReadId,
    settings: &Settings,
    out: &mut Messages,
) -> Result<Outcome, Refusal> {
    if settings.has(Flaw::LocalReads)
        || (settings.has(Flaw::LeaderReadsLocally) && server.role.is_leader())
    {
        return Ok(Branch::ReadAnsweredAtOnce.into());
    }
    if let (true, false, Some(to)) = (
        settings.follower_reads,
        server.role.is_leader(),
        server.leader,
    ) {
        server.asked.push(Asked { id, index: None });
        out.push(Message {
            from: server.id,
            to,
            term: server.term,
            body: Body::RequestRead { read: id },
        });
        return Ok(Branch::ReadForwarded.into());
    }
    open(server, id, None, settings, out)
}

/// The leader notes a read, for itself or for `asker`; or its lease lets it
/// answer at once.
fn open<L: Log>(
    server: &mut Server<L>,
    id: ReadId,
    asker: Option<NodeId>,
    settings: &Settings,
    out: &mut Messages,
) -> Result<Outcome, Refusal> {
    let (node, term, mut index) = (server.id, server.term, server.commit);
    let committed = server.log.term_at(index).unwrap_or_default();
    let unchecked = settings.has(Flaw::ReadBeforeOwnCommit)
        || (asker.is_some() && settings.has(Flaw::ForwardedReadBeforeOwnCommit))
        || settings.has(Flaw::NoNoop)
        || (settings.has(Flaw::SingletonReadsStaleCommit) && server.config.is_singleton());
    if settings.has(Flaw::ReadsUncommitted) {
        index = server.log.last_index();
    }
    if !server.role.is_leader() {
        return Err(Refusal::NotLeader { node, term });
    }
    if committed != term && !unchecked && !settings.has(Flaw::ReadsUncommitted) {
        return Err(Refusal::NoOwnCommit {
            node,
            term,
            commit: Position::new(index, committed),
        });
    }
    if lease::may_serve(server, settings).is_ok() {
        return Ok(served_by_lease(server, id, index, asker, out));
    }
    let Role::Leader { reads, .. } = &mut server.role else {
        return Err(Refusal::NotLeader { node, term });
    };
    reads.push(Read {
        id,
        index,
        acks: NodeSet::EMPTY,
        asker,
    });
    Ok(Branch::ReadBegun.into())
}

/// What the leader does with a read that needs no round: it serves it, or tells
/// `asker` at which index to serve it.
fn served_by_lease<L: Log>(
    server: &Server<L>,
    read: ReadId,
    index: Index,
    asker: Option<NodeId>,
    out: &mut Messages,
) -> Outcome {
    let Some(to) = asker else {
        return Branch::ReadServedByLease.into();
    };
    out.push(Message {
        from: server.id,
        to,
        term: server.term,
        body: Body::ReadIndex { read, index },
    });
    Branch::ReadIndexSent.into()
}

/// A follower asks for a read index. Its request is of no term: whoever leads
/// answers it.
pub fn requested<L: Log>(
    server: &mut Server<L>,
    asker: NodeId,
    id: ReadId,
    settings: &Settings,
    out: &mut Messages,
) -> Outcome {
    if let Role::Leader { reads, .. } = &server.role
        && reads.iter().any(|read| read.id == id)
    {
        return Branch::Unexpected.because(Refusal::NotAsking {
            node: server.id,
            term: server.term,
        });
    }
    match open(server, id, Some(asker), settings, out) {
        Ok(outcome) => outcome,
        Err(refusal) => Branch::Unexpected.because(refusal),
    }
}

/// The leader says at which index a read is to be served.
pub fn answered<L: Log>(server: &mut Server<L>, id: ReadId, index: Index) -> Outcome {
    let waits = server
        .asked
        .iter_mut()
        .find(|asked| asked.id == id && asked.index.is_none());
    match waits {
        Some(asked) => {
            asked.index = Some(index);
            Branch::ReadIndexLearned.into()
        }
        None => Branch::Unexpected.because(Refusal::NotAsking {
            node: server.id,
            term: server.term,
        }),
    }
}

/// `from` has answered a message that carried `context`: it confirms every
/// read that had begun when the message was sent.
pub fn confirmed<L: Log>(
    server: &mut Server<L>,
    from: NodeId,
    context: Option<ReadId>,
    settings: &Settings,
) {
    if let (Some(context), Role::Leader { reads, .. }) = (context, &mut server.role) {
        // Reads are confirmed in the order in which they began here. Where
        // followers ask, their numbers do not tell it; a read that is served
        // confirms none, as in etcd.
        let known = match settings.follower_reads {
            true => reads
                .iter()
                .position(|read| read.id == context)
                .map_or(0, |at| at + 1),
            false => reads.iter().take_while(|read| read.id <= context).count(),
        };
        let known = match settings.has(Flaw::ReadContextReused) {
            true => reads.len(),
            false => known,
        };
        for read in &mut reads[..known] {
            read.acks.insert(from);
        }
    }
}

/// A read is released: the leader lets it be served, here or by the follower
/// that asked; or that follower serves it.
///
/// # Errors
/// When there is no such read; the leader lacks a majority; or the follower has
/// not applied enough.
pub fn release<L: Log>(
    server: &mut Server<L>,
    id: ReadId,
    settings: &Settings,
    out: &mut Messages,
) -> Result<Outcome, Refusal> {
    if let Some(at) = server.asked.iter().position(|asked| asked.id == id) {
        return serve(server, at);
    }
    let (node, term, config) = (server.id, server.term, server.config);
    let Role::Leader { reads, .. } = &mut server.role else {
        return Err(Refusal::NotLeader { node, term });
    };
    let Some(at) = reads.iter().position(|read| read.id == id) else {
        return Err(Refusal::NoSuchRead { node, read: id });
    };
    let acks = reads[at].acks.with(node);
    let one_short = 2 * config.voters.overlap(acks) + 2 > config.voters.len();
    let enough = config.has_quorum(acks)
        || settings.has(Flaw::ReadBeforeQuorum)
        || (one_short && settings.has(Flaw::ReadQuorumOneShort));
    if !enough {
        return Err(Refusal::Unconfirmed {
            node,
            read: id,
            acks,
            config,
        });
    }
    let Read { index, asker, .. } = reads.remove(at);
    let Some(to) = asker else {
        return Ok(Branch::ReadReleased.into());
    };
    out.push(Message {
        from: node,
        to,
        term,
        body: Body::ReadIndex { read: id, index },
    });
    Ok(Branch::ReadIndexSent.into())
}

/// A follower serves the read at `at` of those that it has asked about.
fn serve<L: Log>(server: &mut Server<L>, at: usize) -> Result<Outcome, Refusal> {
    let Asked { id, index } = server.asked[at].clone();
    let (node, applied) = (server.id, server.applied);
    let Some(index) = index else {
        return Err(Refusal::NoReadIndex { node, read: id });
    };
    if applied < index {
        return Err(Refusal::NotApplied {
            node,
            read: id,
            index,
            applied,
        });
    }
    server.asked.remove(at);
    Ok(Branch::ReadReleased.into())
}
