//! Clocks and leases (dissertation sections 6.4.1 and 4.2.3).
//!
//! Each server has a clock of its own, which ticks ([`tick`]); how far clocks
//! may drift apart is for the environment to bound ([`crate::clocks`]), and no
//! rule knows of another clock. They exist only under
//! [`Settings::lease_reads`].
//!
//! - Whoever hears a leader takes no notice of candidates, and does not stand
//!   itself, until its own clock has counted the election timeout since. What
//!   it has heard it keeps in mind when its term rises ([`heard`],
//!   [`remember`]): a message of a higher term that is no vote request, say a
//!   late refusal, must not free its vote while a leader counts on it.
//! - A leader's lease starts when it *sent* the round that a majority has
//!   answered, not when the answers came ([`round`], [`answered`]), and lasts
//!   [`Settings::lease_ticks`] of its own clock. While it runs, reads are served
//!   without a round ([`may_serve`]).
//! - Once a leader has asked for an election it has no lease any more in its
//!   term ([`give_up`]): its request may arrive however late, and then those
//!   that hear the leader vote all the same.
//! - A server that restarts has forgotten whom it heard. Under
//!   [`Settings::restart_waits`] it waits as if it had just heard a leader
//!   ([`wait`]).

use super::{Branch, Outcome};
use crate::flaws::Flaw;
use crate::ids::{NodeId, NodeSet};
use crate::log::Log;
use crate::refusal::Refusal;
use crate::server::{Role, Round, Server};
use crate::settings::Settings;

/// The number of the round that is sent now, where there are leases: what a
/// leader sends between two ticks of its clock is one round.
pub fn round<L: Log>(server: &mut Server<L>, settings: &Settings) -> Option<u32> {
    let Role::Leader { lease, .. } = &mut server.role else {
        return None;
    };
    if !settings.lease_reads || lease.void {
        return None;
    }
    if let Some(now) = lease.rounds.last().filter(|round| round.age == 0) {
        return Some(now.number);
    }
    lease.begun += 1;
    lease.rounds.push(Round {
        number: lease.begun,
        age: 0,
        acks: NodeSet::EMPTY,
    });
    Some(lease.begun)
}

/// `from` has answered what the leader sent in `round`, and so has heard the
/// leader after every earlier one was sent. Of the rounds that a majority has
/// answered the latest decides.
pub fn answered<L: Log>(server: &mut Server<L>, from: NodeId, round: Option<u32>) {
    let (node, config) = (server.id, server.config);
    let (Some(number), Role::Leader { lease, .. }) = (round, &mut server.role) else {
        return;
    };
    for round in lease.rounds.iter_mut().filter(|r| r.number <= number) {
        round.acks.insert(from);
    }
    let by_majority = |round: &Round| config.has_quorum(round.acks.with(node));
    if let Some(latest) = lease.rounds.iter().rposition(by_majority) {
        lease.rounds.drain(..latest);
    }
}

/// How old a round grows before no lease rests on it any more.
fn lasts(settings: &Settings) -> u8 {
    // The flawed leader looks at its lease when its clock ticks, before the tick
    // counts, and what it found stands until the next one.
    settings.lease_ticks + u8::from(settings.has(Flaw::LeasePolled))
}

/// Whether the leader may serve reads without a round.
///
/// # Errors
/// When it does not lead, or no lease runs.
pub fn may_serve<L: Log>(server: &Server<L>, settings: &Settings) -> Result<(), Refusal> {
    let (node, term, config) = (server.id, server.term, server.config);
    let Role::Leader { lease, .. } = &server.role else {
        return Err(Refusal::NotLeader { node, term });
    };
    let runs =
        |round: &Round| round.age < lasts(settings) && config.has_quorum(round.acks.with(node));
    let unchecked = settings.has(Flaw::LeaseReadChecksOnlyRole);
    match settings.lease_reads && (unchecked || lease.rounds.iter().any(runs)) {
        true => Ok(()),
        false => Err(Refusal::NoLease { node, term }),
    }
}

/// The leader asks for an election: what it has heard of its followers is worth
/// nothing from now on.
pub fn give_up<L: Log>(server: &mut Server<L>, settings: &Settings) {
    if settings.has(Flaw::LeaseSurvivesTransfer) {
        return;
    }
    if let (true, Role::Leader { lease, .. }) = (settings.lease_reads, &mut server.role) {
        lease.void = true;
        lease.rounds.clear();
    }
}

/// Whether the clock of `server` has anything to count.
pub fn counts<L: Log>(server: &Server<L>, settings: &Settings) -> bool {
    settings.lease_reads
        && match &server.role {
            Role::Leader { lease, .. } => !lease.rounds.is_empty(),
            _ => server.hears_leader,
        }
}

/// The clock ticks: a leader's rounds grow older, and those that no lease can
/// rest on any more are forgotten; who hears a leader has waited longer, and
/// after the election timeout hears it no more.
///
/// # Errors
/// When the clock has nothing to count.
pub fn tick<L: Log>(server: &mut Server<L>, settings: &Settings) -> Result<Outcome, Refusal> {
    if !counts(server, settings) {
        return Err(Refusal::NoTimer { node: server.id });
    }
    let served = may_serve(server, settings).is_ok();
    let Role::Leader { lease, .. } = &mut server.role else {
        server.waited += 1;
        if server.waited < settings.election_timeout_ticks {
            return Ok(Branch::Ticked.into());
        }
        server.hears_leader = false;
        server.waited = 0;
        return Ok(Branch::LeaderUnheard.into());
    };
    for round in &mut lease.rounds {
        round.age += 1;
    }
    lease.rounds.retain(|round| round.age < lasts(settings));
    match (served, may_serve(server, settings)) {
        (true, Err(refusal)) => Ok(Branch::LeaseExpired.because(refusal)),
        _ => Ok(Branch::Ticked.into()),
    }
}

/// Whether an election timeout may pass at any moment.
///
/// # Errors
/// When a clock decides.
pub fn no_clock<L: Log>(server: &Server<L>, settings: &Settings) -> Result<(), Refusal> {
    match settings.lease_reads && server.hears_leader {
        true => Err(Refusal::TimeoutRuns {
            node: server.id,
            waited: server.waited,
            timeout: settings.election_timeout_ticks,
        }),
        false => Ok(()),
    }
}

/// What a server has heard of leaders, as far as it must keep that in mind when
/// its term rises: how long ago.
pub fn heard<L: Log>(server: &Server<L>, settings: &Settings) -> Option<u8> {
    (settings.lease_reads && server.hears_leader).then_some(server.waited)
}

/// Keeps in mind what [`heard`] has told.
pub fn remember<L: Log>(server: &mut Server<L>, heard: Option<u8>) {
    if let Some(waited) = heard {
        server.hears_leader = true;
        server.waited = waited;
    }
}

/// A server that has restarted takes itself to have just heard a leader.
pub fn wait<L: Log>(server: &mut Server<L>, settings: &Settings) {
    server.hears_leader = settings.restart_waits && settings.times_leaders();
}
