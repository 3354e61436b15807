//! Elections (sections 5.1, 5.2, 5.4.1).
//!
//! - A server whose election timer fires raises its term, votes for itself and
//!   asks everybody ([`campaign`]).
//! - One vote a term, first come first served, and only for a candidate whose
//!   log is at least as up-to-date ([`may_grant`]).
//! - Where the settings say so, it first asks whether it would win, and raises
//!   its term only if it would ([`super::prevote`]).
//! - A majority makes a leader, which starts its term with a no-op
//!   ([`become_leader`]; section 8).
//! - A higher term makes anybody a follower ([`step_down`]).

use super::{Branch, Outcome};
use crate::config::Config;
use crate::flaws::Flaw;
use crate::ids::{Index, NodeId, NodeSet, Position, Term};
use crate::log::{Entry, Log, Payload};
use crate::message::{Body, Message, Messages};
use crate::progress::Progress;
use crate::refusal::Refusal;
use crate::rules::{commit, lease, membership, prevote, quorum};
use crate::server::{Memory, Role, Server};
use crate::settings::{PreVote, Settings, StaleRequest};

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
    quorum::may_campaign(server, settings)?;
    membership::may_campaign(server, settings)?;
    if settings.pre_vote != PreVote::Off {
        return Ok(prevote::begin(server, settings, out));
    }
    Ok(start(server, false, settings, out))
}

/// The election itself. `forced` tells that the leader asked for it.
pub fn start<L: Log>(
    server: &mut Server<L>,
    forced: bool,
    settings: &Settings,
    out: &mut Messages,
) -> Outcome {
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
    for to in server.config.voters().without(server.id).iter() {
        out.push(Message {
            from: server.id,
            to,
            term: server.term,
            body: commit::told_by(server, Body::RequestVote { last, forced }, settings),
        });
    }
    Branch::Campaigned.into()
}

/// A higher term: forget everything of the old one, be a follower (section
/// 5.1). Open reads of a leader are given up.
pub fn step_down<L: Log>(server: &mut Server<L>, term: Term) {
    debug_assert!(term > server.term, "a term only grows");
    server.term = term;
    server.vote = None;
    lose_leader(server);
    server.role = Role::Follower;
    server.forget_term();
}

/// A message of a higher term arrives: its receiver steps down (section 5.1).
pub fn higher_term<L: Log>(server: &mut Server<L>, message: &Message, settings: &Settings) {
    let keeps_role = match (&server.role, &message.body) {
        (Role::Candidate { .. }, Body::Vote { granted: false }) => {
            settings.has(Flaw::CandidateKeepsCollecting)
        }
        (Role::Leader { .. }, Body::Append { entries, .. }) => {
            entries.is_empty() && settings.has(Flaw::HeartbeatRaisesLeadersTerm)
        }
        _ => false,
    };
    let heard = lease::heard(server, settings);
    if keeps_role {
        server.term = message.term;
        server.vote = None;
    } else {
        step_down(server, message.term);
    }
    lease::remember(server, heard);
}

/// The flawed vote handler that lets go of its lock between the comparison of
/// the logs and the vote: the request is handled up to there when it arrives,
/// and from there on when it arrives again. Anything may come between that does
/// not change the term.
pub fn paused<L: Log>(
    server: &mut Server<L>,
    message: &Message,
    settings: &Settings,
    out: &mut Messages,
) -> Option<Outcome> {
    let (true, Body::RequestVote { last, .. }) =
        (settings.has(Flaw::VoteOnStaleLog), &message.body)
    else {
        return None;
    };
    let found = Some(Memory::UpToDate {
        candidate: message.from,
        term: message.term,
    });
    if server.memory != found {
        if *last < server.log.last() {
            return None;
        }
        server.memory = found;
        return Some(Branch::HandlerPaused.into());
    }
    step_down(server, message.term);
    server.memory = found;
    let outcome = vote_requested(server, message.from, *last, settings, out);
    server.memory = None;
    Some(outcome)
}

/// No leader of this term is known any more.
pub fn lose_leader<L: Log>(server: &mut Server<L>) {
    server.leader = None;
    server.hears_leader = false;
    server.waited = 0;
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
    // Only the flawed candidate asks without a vote of its own.
    let collects = server.vote != Some(server.id) && settings.has(Flaw::CandidateKeepsCollecting);
    if (collects || settings.has(Flaw::StaleVoteCounted))
        && let Body::Vote { granted } = message.body
    {
        return vote_received(server, message.from, granted, settings);
    }
    let answer = match &message.body {
        Body::RequestPreVote { .. } if settings.has(Flaw::StalePreVoteIgnored) => {
            return Branch::StaleIgnored.because(reason);
        }
        Body::RequestPreVote { .. } => {
            return prevote::refuse(server, message.from, reason, out);
        }
        Body::Append { .. } | Body::Heartbeat { .. }
            if settings.stale_request == StaleRequest::Ignore && settings.frees_stale_leaders() =>
        {
            out.push(Message {
                from: server.id,
                to: message.from,
                term: server.term,
                body: Body::AppendAck {
                    reject: false,
                    index: Index::ZERO,
                    hint: None,
                    context: None,
                    round: None,
                    joined: Index::ZERO,
                },
            });
            return Branch::StaleRefused.because(reason);
        }
        Body::RequestVote { .. } => Body::Vote { granted: false },
        Body::Append {
            prev,
            context,
            joined,
            ..
        } => Body::AppendAck {
            reject: true,
            index: prev.index,
            hint: None,
            context: *context,
            round: None,
            joined: *joined,
        },
        Body::InstallSnapshot { last, joined, .. } => Body::AppendAck {
            reject: true,
            index: last.index,
            hint: None,
            context: None,
            round: None,
            joined: *joined,
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
    if settings.has(Flaw::LearnerRefusesVote) && server.config.learners.contains(server.id) {
        return Err(Refusal::NotAVoter {
            node: server.id,
            config: server.config,
        });
    }
    may_grant_in_term(server, candidate, settings)?;
    let found = Memory::UpToDate {
        candidate,
        term: server.term,
    };
    match server.memory == Some(found) {
        true => Ok(()),
        false => up_to_date(server, last, settings),
    }
}

/// Whether the vote of this term is free for `candidate`.
///
/// # Errors
/// Who has it, or who leads.
pub fn may_grant_in_term<L: Log>(
    server: &Server<L>,
    candidate: NodeId,
    settings: &Settings,
) -> Result<(), Refusal> {
    match server.vote {
        Some(given_to) if given_to != candidate => Err(Refusal::VoteUsed {
            node: server.id,
            term: server.term,
            given_to,
            candidate,
        }),
        None if !settings.vote_with_known_leader => match server.leader {
            Some(leader) => Err(Refusal::LeaderKnown {
                node: server.id,
                term: server.term,
                leader,
            }),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Whether a log that ends at `last` is at least as up-to-date as the server's
/// (section 5.4.1).
///
/// # Errors
/// When it is not.
pub fn up_to_date<L: Log>(
    server: &Server<L>,
    last: Position,
    settings: &Settings,
) -> Result<(), Refusal> {
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
    let granted = outcome.branch == Branch::VoteGranted;
    out.push(Message {
        from: server.id,
        to: candidate,
        term: server.term,
        body: commit::told_by(server, Body::Vote { granted }, settings),
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
        if !config.can_win(*refused) {
            server.role = Role::Follower;
            lose_leader(server);
            return Branch::VoteLost.into();
        }
        return Branch::RefusalCounted.into();
    }
    let new = granted.insert(voter);
    if !new && settings.has(Flaw::VotesCountedNotIdentified) {
        *surplus += 1;
    }
    let votes = granted.overlap(config.voters) + usize::from(*surplus);
    let elected = match *surplus {
        0 => wins(&config, *granted, settings),
        _ => 2 * votes > config.voters.len(),
    };
    if elected {
        become_leader(server, settings);
        return Branch::BecameLeader.into();
    }
    Branch::VoteCounted.into()
}

/// Whether `granted` elect: a majority of the voters, of either half of a joint
/// configuration (sections 5.2 and 6).
fn wins(config: &Config, granted: NodeSet, settings: &Settings) -> bool {
    if settings.has(Flaw::VotesOfUnion) {
        return config.voters().has_quorum(granted);
    }
    if settings.has(Flaw::OutsidersVotesCounted) {
        let enough = |voters: NodeSet| 2 * granted.len() > voters.len();
        return enough(config.voters) && config.joint.is_none_or(|joint| enough(joint.outgoing));
    }
    if settings.has(Flaw::LearnersRaiseQuorum) {
        return 2 * granted.overlap(config.voters()) > config.members().len();
    }
    config.has_quorum(granted)
}

/// A candidate has won: lead, and append the no-op that lets the term commit
/// (sections 5.2 and 8). Nothing is known of the followers' logs.
pub fn become_leader<L: Log>(server: &mut Server<L>, settings: &Settings) {
    debug_assert!(matches!(server.role, Role::Candidate { .. }));
    let mut matched = Progress::default();
    matched.keep(server.config.members());
    if let Some(own) = matched.get_mut(server.id) {
        *own = server.durable.shared;
    }
    server.leader = Some(server.id);
    server.role = Role::Leader {
        matched,
        reads: Default::default(),
        active: NodeSet::EMPTY,
        transfer: None,
        lease: Default::default(),
        pending: membership::pending_at_start(server, settings),
    };
    if settings.has(Flaw::ProgressUnsorted) {
        server.memory = Some(Memory::Progress {
            accepted: Index::ZERO,
            order: Default::default(),
        });
    }
    if !settings.has(Flaw::NoNoop) {
        server.log.push(Entry {
            term: server.term,
            payload: Payload::Noop,
        });
    }
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
    if settings.has(Flaw::VoteForgottenOnAppend) {
        server.vote = None;
    }
    if settings.knows_leader() {
        server.leader = Some(leader);
    }
    server.hears_leader = settings.times_leaders();
    server.waited = 0;
    Ok(())
}
