//! Leaders and followers that keep an eye on each other: leader stickiness
//! (dissertation section 4.2.3) and the leader's check of its quorum (section
//! 6.2; etcd's CheckQuorum).
//!
//! Time is not modelled here: that the election timeout has passed is an input
//! of its own, and may come at any moment ([`lose_leader`], [`check`]). Where
//! there are leases, a clock says when no leader is heard any more
//! ([`super::lease`]).
//!
//! - Whoever has heard from a leader within the minimum election timeout takes
//!   no notice of candidates ([`disregards`]) and starts no election
//!   ([`may_campaign`]), unless the leader asked for it.
//! - A leader that has not heard from a majority for an election timeout steps
//!   down ([`check`]): those it does not hear may have another one.

use super::{Branch, Outcome, election, lease};
use crate::flaws::Flaw;
use crate::ids::{NodeId, NodeSet};
use crate::log::Log;
use crate::message::{Body, Message};
use crate::refusal::Refusal;
use crate::server::{Role, Server};
use crate::settings::Settings;

fn heard<L: Log>(server: &Server<L>) -> Refusal {
    Refusal::LeaderHeard {
        node: server.id,
        term: server.term,
    }
}

/// Whether the election timer may fire.
///
/// # Errors
/// When a leader was heard from within the minimum election timeout.
pub fn may_campaign<L: Log>(server: &Server<L>, settings: &Settings) -> Result<(), Refusal> {
    match server.hears_leader && !asks_again(server, settings) {
        true => Err(heard(server)),
        false => Ok(()),
    }
}

/// Whether the server is the flawed one that asks who would vote with its old
/// leader in mind: each time that its timer fires it asks again.
fn asks_again<L: Log>(server: &Server<L>, settings: &Settings) -> bool {
    settings.has(Flaw::PreCandidateKeepsLeader) && matches!(server.role, Role::PreCandidate { .. })
}

/// Whether the server takes no notice of `message`, which is of a higher term:
/// somebody stands for election while there is a leader. A leader hears itself.
pub fn disregards<L: Log>(
    server: &Server<L>,
    message: &Message,
    settings: &Settings,
) -> Option<Refusal> {
    let stands = matches!(
        message.body,
        Body::RequestVote { forced: false, .. } | Body::RequestPreVote { .. }
    );
    let led = server.hears_leader || server.role.is_leader();
    let sticky = settings.is_sticky() && !settings.has(Flaw::LeaseWithoutStickiness);
    (sticky && stands && led).then(|| heard(server))
}

/// The minimum election timeout passes without a word from the leader.
///
/// # Errors
/// When none was heard from, or nothing asks, or a clock decides.
pub fn lose_leader<L: Log>(
    server: &mut Server<L>,
    settings: &Settings,
) -> Result<Outcome, Refusal> {
    lease::no_clock(server, settings)?;
    if !server.hears_leader || asks_again(server, settings) {
        return Err(Refusal::NotAsking {
            node: server.id,
            term: server.term,
        });
    }
    server.hears_leader = false;
    Ok(Branch::LeaderUnheard.into())
}

/// `from` has answered the leader.
pub fn heard_from<L: Log>(server: &mut Server<L>, from: NodeId, settings: &Settings) {
    if let (true, Role::Leader { active, .. }) = (settings.check_quorum, &mut server.role) {
        active.insert(from);
    }
}

/// An election timeout has passed since the leader last looked who answers.
///
/// # Errors
/// When the server does not lead, or the settings have no such check.
pub fn check<L: Log>(server: &mut Server<L>, settings: &Settings) -> Result<Outcome, Refusal> {
    let (node, config) = (server.id, server.config);
    let (true, Role::Leader { active, .. }) = (settings.check_quorum, &mut server.role) else {
        return Err(Refusal::NotLeader {
            node,
            term: server.term,
        });
    };
    let active = std::mem::replace(active, NodeSet::EMPTY).with(node);
    let either = config.voters.has_quorum(active) || config.outgoing().has_quorum(active);
    if config.has_quorum(active) || (either && settings.has(Flaw::EitherHalfIsHeard)) {
        return Ok(Branch::QuorumHeard.into());
    }
    server.role = Role::Follower;
    election::lose_leader(server);
    Ok(Branch::QuorumLost.because(Refusal::QuorumLost {
        node,
        active,
        config,
    }))
}
