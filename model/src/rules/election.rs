//! Elections (sections 5.1, 5.2, 5.4.1).
//!
//! - A server whose election timer fires raises its term, votes for itself and
//!   asks everybody ([`campaign`]).
//! - One vote a term, first come first served, and only for a candidate whose
//!   log is at least as up-to-date ([`may_grant`]).
//! - A majority makes a leader, which starts its term with a no-op
//!   ([`become_leader`]; section 8).
//! - A higher term makes anybody a follower ([`step_down`]).

use super::{Branch, Outcome};
use crate::flaws::Flaw;
use crate::ids::{Index, NodeId, NodeSet, Position, Term};
use crate::log::{Entry, Log, Payload};
use crate::message::{Body, Message, Messages};
use crate::refusal::Refusal;
use crate::rules::membership;
use crate::server::{PerServer, Role, Server};
use crate::settings::{Settings, StaleRequest};

/// The election timer fires: raise the term, vote for oneself, ask everybody.
///
/// # Errors
/// Leaders do not campaign, nor does a server that is no voter as far as it
/// knows, or that has a committed configuration still to apply.
pub fn campaign<L: Log>(
    server: &mut Server<L>,
    settings: &Settings,
    out: &mut Messages,
) -> Result<Outcome, Refusal> {
    if server.role.is_leader() {
        return Err(Refusal::AlreadyLeader {
            node: server.id,
            term: server.term,
        });
    }
    membership::may_campaign(server, settings)?;
    step_down(server, server.term.next());
    if !settings.has(Flaw::OwnVoteUnrecorded) {
        server.vote = Some(server.id);
    }
    server.role = Role::Candidate {
        granted: NodeSet::EMPTY,
        refused: NodeSet::EMPTY,
        surplus: 0,
    };
    let last = server.log.last();
    for to in server.config.without(server.id).iter() {
        out.push(Message {
            from: server.id,
            to,
            term: server.term,
            body: Body::RequestVote { last },
        });
    }
    Ok(Branch::Campaigned.into())
}

/// A higher term: forget everything of the old one, be a follower (section
/// 5.1). Open reads of a leader are given up.
pub fn step_down<L: Log>(server: &mut Server<L>, term: Term) {
    debug_assert!(term > server.term, "a term only grows");
    server.term = term;
    server.vote = None;
    server.leader = None;
    server.role = Role::Follower;
}

/// A message of a lower term (section 5.1): a request is refused or ignored,
/// an answer is ignored.
pub fn stale<L: Log>(
    server: &mut Server<L>,
    message: &Message,
    settings: &Settings,
    out: &mut Messages,
) -> Outcome {
    let reason = Refusal::StaleTerm {
        node: server.id,
        term: server.term,
        message: message.term,
    };
    if settings.has(Flaw::StaleVoteCounted)
        && let Body::Vote { granted } = message.body
    {
        return vote_received(server, message.from, granted, settings);
    }
    let answer = match &message.body {
        Body::RequestVote { .. } => Body::Vote { granted: false },
        Body::Append { prev, context, .. } => Body::AppendAck {
            reject: true,
            index: prev.index,
            hint: None,
            context: *context,
        },
        _ => return Branch::StaleIgnored.because(reason),
    };
    if settings.stale_request == StaleRequest::Ignore {
        return Branch::StaleIgnored.because(reason);
    }
    out.push(Message {
        from: server.id,
        to: message.from,
        term: server.term,
        body: answer,
    });
    Branch::StaleRefused.because(reason)
}

/// Whether `server` may give its vote of the current term to `candidate`,
/// whose log ends at `last`.
///
/// # Errors
/// Why it may not.
pub fn may_grant<L: Log>(
    server: &Server<L>,
    candidate: NodeId,
    last: Position,
    settings: &Settings,
) -> Result<(), Refusal> {
    match server.vote {
        Some(given_to) if given_to != candidate => {
            return Err(Refusal::VoteUsed {
                node: server.id,
                term: server.term,
                given_to,
                candidate,
            });
        }
        None if !settings.vote_with_known_leader => {
            if let Some(leader) = server.leader {
                return Err(Refusal::LeaderKnown {
                    node: server.id,
                    term: server.term,
                    leader,
                });
            }
        }
        _ => {}
    }
    let own = server.log.last();
    let behind = if settings.has(Flaw::LogComparedByParts) {
        last.term < own.term || last.index < own.index
    } else {
        last < own
    };
    if behind && !settings.has(Flaw::NoUpToDateCheck) {
        return Err(Refusal::LogBehind {
            node: server.id,
            own,
            candidate: last,
        });
    }
    Ok(())
}

/// A vote request of the current term (section 5.2).
pub fn vote_requested<L: Log>(
    server: &mut Server<L>,
    candidate: NodeId,
    last: Position,
    settings: &Settings,
    out: &mut Messages,
) -> Outcome {
    let outcome = match may_grant(server, candidate, last, settings) {
        Ok(()) => {
            server.vote = Some(candidate);
            Branch::VoteGranted.into()
        }
        Err(refusal) => Branch::VoteRefused.because(refusal),
    };
    out.push(Message {
        from: server.id,
        to: candidate,
        term: server.term,
        body: Body::Vote {
            granted: outcome.branch == Branch::VoteGranted,
        },
    });
    outcome
}

/// A vote arrives: count whose it is, not how many came (section 5.2).
pub fn vote_received<L: Log>(
    server: &mut Server<L>,
    voter: NodeId,
    vote: bool,
    settings: &Settings,
) -> Outcome {
    let (id, term, config) = (server.id, server.term, server.config);
    let Role::Candidate {
        granted,
        refused,
        surplus,
    } = &mut server.role
    else {
        return Branch::Unexpected.because(Refusal::NotAsking { node: id, term });
    };
    // Where refusals are kept, the first answer of a server counts. A refusal
    // can be followed by a grant: the voter follows another leader of the
    // term, drops its longer log, restarts, and is asked again.
    if refused.contains(voter) {
        return Branch::Unexpected.because(Refusal::NotAsking { node: id, term });
    }
    if !vote {
        if !settings.lost_vote_ends_candidacy || granted.contains(voter) {
            return Branch::RefusalCounted.into();
        }
        refused.insert(voter);
        // Lost is what the rest cannot win any more: with four servers two
        // refusals are enough.
        if !config.has_quorum(config.minus(*refused)) {
            server.role = Role::Follower;
            return Branch::VoteLost.into();
        }
        return Branch::RefusalCounted.into();
    }
    let new = granted.insert(voter);
    if !new && settings.has(Flaw::VotesCountedNotIdentified) {
        *surplus += 1;
    }
    let votes = granted.overlap(config) + usize::from(*surplus);
    if 2 * votes > config.len() {
        become_leader(server);
        return Branch::BecameLeader.into();
    }
    Branch::VoteCounted.into()
}

/// A candidate has won: lead, and append the no-op that lets the term commit
/// (sections 5.2 and 8). Nothing is known of the followers' logs.
pub fn become_leader<L: Log>(server: &mut Server<L>) {
    debug_assert!(matches!(server.role, Role::Candidate { .. }));
    let servers = usize::max(
        server
            .config
            .iter()
            .map(|id| id.position() + 1)
            .max()
            .unwrap_or(0),
        server.id.position() + 1,
    );
    server.leader = Some(server.id);
    server.role = Role::Leader {
        matched: PerServer((0..servers).map(|_| Index::ZERO).collect()),
        reads: Default::default(),
    };
    let (id, durable) = (server.id, server.durable.shared);
    if let Role::Leader { matched, .. } = &mut server.role {
        matched[id] = durable;
    }
    server.log.push(Entry {
        term: server.term,
        payload: Payload::Noop,
    });
}

/// An append or heartbeat of the current term comes from its leader: follow it
/// (section 5.2).
///
/// # Errors
/// When this server leads the term itself.
pub fn follow<L: Log>(
    server: &mut Server<L>,
    leader: NodeId,
    settings: &Settings,
) -> Result<(), Refusal> {
    if server.role.is_leader() {
        return Err(Refusal::SecondLeader {
            node: server.id,
            other: leader,
            term: server.term,
        });
    }
    server.role = Role::Follower;
    if !settings.vote_with_known_leader {
        server.leader = Some(leader);
    }
    Ok(())
}
