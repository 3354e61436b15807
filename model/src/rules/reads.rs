//! Linearizable reads without log writes: ReadIndex (section 8; dissertation
//! section 6.4).
//!
//! - A leader takes its commit index as read index, once an entry of its own
//!   term is committed: before that its commit index may be behind ([`begin`]).
//! - It releases the read once a majority has confirmed, after the read began,
//!   that it still leads ([`confirmed`], [`release`]): otherwise a newer leader
//!   may have committed more.

use super::{Branch, Outcome};
use crate::flaws::Flaw;
use crate::ids::{NodeId, NodeSet, Position, ReadId};
use crate::log::Log;
use crate::refusal::Refusal;
use crate::server::{Read, Role, Server};
use crate::settings::Settings;

/// The latest open read: what the next heartbeat asks to confirm.
pub fn latest<L: Log>(server: &Server<L>) -> Option<ReadId> {
    match &server.role {
        Role::Leader { reads, .. } => reads.last().map(|read| read.id),
        _ => None,
    }
}

/// A read begins at the leader, at its commit index.
///
/// # Errors
/// When the server does not lead, or has not committed an entry of its term.
pub fn begin<L: Log>(
    server: &mut Server<L>,
    id: ReadId,
    settings: &Settings,
) -> Result<Outcome, Refusal> {
    let (node, term, mut index) = (server.id, server.term, server.commit);
    let committed = server.log.term_at(index).unwrap_or_default();
    if settings.has(Flaw::LocalReads)
        || (settings.has(Flaw::LeaderReadsLocally) && server.role.is_leader())
    {
        return Ok(Branch::ReadAnsweredAtOnce.into());
    }
    let unchecked = settings.has(Flaw::ReadBeforeOwnCommit)
        || settings.has(Flaw::NoNoop)
        || (settings.has(Flaw::SingletonReadsStaleCommit) && server.config.len() == 1);
    if settings.has(Flaw::ReadsUncommitted) {
        index = server.log.last_index();
    }
    let Role::Leader { reads, .. } = &mut server.role else {
        return Err(Refusal::NotLeader { node, term });
    };
    if committed != term && !unchecked && !settings.has(Flaw::ReadsUncommitted) {
        return Err(Refusal::NoOwnCommit {
            node,
            term,
            commit: Position::new(index, committed),
        });
    }
    reads.push(Read {
        id,
        index,
        acks: NodeSet::EMPTY,
    });
    Ok(Branch::ReadBegun.into())
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
        let any = settings.has(Flaw::ReadContextReused);
        for read in reads.iter_mut().filter(|read| any || read.id <= context) {
            read.acks.insert(from);
        }
    }
}

/// The leader releases a read: its index may be served.
///
/// # Errors
/// When the server does not lead, has no such read, or lacks a majority.
pub fn release<L: Log>(
    server: &mut Server<L>,
    id: ReadId,
    settings: &Settings,
) -> Result<Outcome, Refusal> {
    let (node, term, config) = (server.id, server.term, server.config);
    let Role::Leader { reads, .. } = &mut server.role else {
        return Err(Refusal::NotLeader { node, term });
    };
    let Some(at) = reads.iter().position(|read| read.id == id) else {
        return Err(Refusal::NoSuchRead { node, read: id });
    };
    let acks = reads[at].acks.with(node);
    let one_short = 2 * config.overlap(acks) + 2 > config.len();
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
    reads.remove(at);
    Ok(Branch::ReadReleased.into())
}
