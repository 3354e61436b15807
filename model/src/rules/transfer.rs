//! Leadership transfer (dissertation section 3.10).
//!
//! - A leader that is to hand over takes no more commands ([`begin`]), brings
//!   the next leader's log up to date, and then tells it to start an election at
//!   once ([`send_timeout_now`]).
//! - That one does, whatever it has heard, and without asking first
//!   ([`timeout_now`]). Its vote requests say that the leader wants it, so that
//!   who hears the leader votes all the same.
//! - If it comes to nothing within an election timeout, the leader goes on
//!   ([`abort`]).

use super::{Branch, Outcome, election, lease, prevote};
use crate::flaws::Flaw;
use crate::ids::{Index, NodeId};
use crate::log::Log;
use crate::message::{Body, Message, Messages};
use crate::refusal::Refusal;
use crate::rules::membership;
use crate::server::{Role, Server};
use crate::settings::{PreVote, Settings};

fn not_leader<L: Log>(server: &Server<L>) -> Refusal {
    Refusal::NotLeader {
        node: server.id,
        term: server.term,
    }
}

/// The leader is told to hand over to `target`. A transfer under way to another
/// server gives way to this one.
///
/// # Errors
/// When the server does not lead, or `target` is no other voter.
pub fn begin<L: Log>(server: &mut Server<L>, target: NodeId) -> Result<Outcome, Refusal> {
    let (refusal, id, config) = (not_leader(server), server.id, server.config);
    let Role::Leader { transfer, .. } = &mut server.role else {
        return Err(refusal);
    };
    if target == id || !config.contains_voter(target) {
        return Err(Refusal::NotAPeer {
            node: id,
            to: target,
        });
    }
    *transfer = Some(target);
    Ok(Branch::TransferBegun.into())
}

/// An election timeout has passed: the leader goes on.
///
/// # Errors
/// When the server does not lead, or hands nothing over.
pub fn abort<L: Log>(server: &mut Server<L>) -> Result<Outcome, Refusal> {
    let (refusal, id) = (not_leader(server), server.id);
    let Role::Leader { transfer, .. } = &mut server.role else {
        return Err(refusal);
    };
    match transfer.take() {
        Some(_) => Ok(Branch::TransferAborted.into()),
        None => Err(Refusal::NotHandingOver { node: id, to: id }),
    }
}

/// Whether the leader takes commands.
///
/// # Errors
/// When it hands over.
pub fn may_write<L: Log>(server: &Server<L>, settings: &Settings) -> Result<(), Refusal> {
    match server.role {
        Role::Leader {
            transfer: Some(to), ..
        } if !settings.has(Flaw::WritesWhileHandingOver) => Err(Refusal::HandingOver {
            node: server.id,
            to,
        }),
        _ => Ok(()),
    }
}

/// The leader tells the next one to start an election.
///
/// # Errors
/// When the server does not lead, hands nothing over to `to`, or `to` is not
/// known to have its whole log.
pub fn send_timeout_now<L: Log>(
    server: &mut Server<L>,
    to: NodeId,
    settings: &Settings,
    out: &mut Messages,
) -> Result<Outcome, Refusal> {
    let (node, last) = (server.id, server.log.last_index());
    let Role::Leader {
        transfer, matched, ..
    } = &server.role
    else {
        return Err(not_leader(server));
    };
    if *transfer != Some(to) {
        return Err(Refusal::NotHandingOver { node, to });
    }
    let matched = matched.get(to).copied().unwrap_or(Index::ZERO);
    if matched < last {
        return Err(Refusal::TargetBehind {
            node,
            to,
            matched,
            last,
        });
    }
    lease::give_up(server, settings);
    out.push(Message {
        from: node,
        to,
        term: server.term,
        body: Body::TimeoutNow,
    });
    Ok(Branch::SentTimeoutNow.into())
}

/// The leader asks for an election.
pub fn timeout_now<L: Log>(
    server: &mut Server<L>,
    settings: &Settings,
    out: &mut Messages,
) -> Outcome {
    if server.role != Role::Follower {
        return Branch::Unexpected.because(Refusal::NotAsking {
            node: server.id,
            term: server.term,
        });
    }
    if let Err(refusal) = membership::may_campaign(server, settings) {
        return Branch::Unexpected.because(refusal);
    }
    if settings.pre_vote != PreVote::Off && settings.has(Flaw::TransferTargetAsksFirst) {
        return prevote::begin(server, settings, out);
    }
    election::start(server, true, settings, out);
    Branch::CampaignedAtOnce.into()
}
