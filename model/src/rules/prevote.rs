//! PreVote (dissertation section 9.6): ask first, raise the term after.
//!
//! A server that was cut off would otherwise raise its term again and again,
//! and depose a working leader when it comes back.
//!
//! - The election timer fires: ask who would give a vote in the next term
//!   ([`begin`]). Neither term nor vote change, so nothing must be durable.
//! - Whoever is asked answers as to a vote request of that term, without
//!   raising its own and without giving a vote ([`requested`]).
//! - A majority starts the election ([`received`]).

use super::{Branch, Outcome, commit, election};
use crate::flaws::Flaw;
use crate::ids::{NodeId, NodeSet, Position, Term};
use crate::log::Log;
use crate::message::{Body, Message, Messages};
use crate::refusal::Refusal;
use crate::server::{Role, Server};
use crate::settings::{PreVote, Settings};

/// The election timer fires: ask everybody.
pub fn begin<L: Log>(server: &mut Server<L>, settings: &Settings, out: &mut Messages) -> Outcome {
    match server.leader.is_some() && settings.has(Flaw::PreCandidateKeepsLeader) {
        // Its timer has begun anew, so the lease check finds a live leader.
        true => server.hears_leader = true,
        false => election::lose_leader(server),
    }
    let granted = NodeSet::EMPTY.with(server.id);
    server.role = Role::PreCandidate {
        granted,
        refused: NodeSet::EMPTY,
    };
    if server.config.has_quorum(granted) {
        return election::start(server, false, settings, out);
    }
    let last = server.log.last();
    for to in server.config.voters().without(server.id).iter() {
        out.push(Message {
            from: server.id,
            to,
            term: server.term.next(),
            body: commit::told_by(server, Body::RequestPreVote { last }, settings),
        });
    }
    Branch::PreCampaigned.into()
}

/// Whether `server` would give `candidate`, whose log ends at `last`, its vote
/// in `term`.
///
/// # Errors
/// Why it would not.
pub fn may_grant<L: Log>(
    server: &Server<L>,
    candidate: NodeId,
    term: Term,
    last: Position,
    settings: &Settings,
) -> Result<(), Refusal> {
    if settings.pre_vote == PreVote::LogAndLeader
        && (server.hears_leader
            || (server.role.is_leader() && !settings.has(Flaw::LeaderGrantsPreVote)))
    {
        return Err(Refusal::LeaderHeard {
            node: server.id,
            term: server.term,
        });
    }
    if term == server.term {
        election::may_grant_in_term(server, candidate, settings)?;
    }
    if settings.has(Flaw::PreVoteIgnoresLog) {
        return Ok(());
    }
    election::up_to_date(server, last, settings)
}

/// Somebody asks whether it would get a vote in `term`, which is not below this
/// server's.
pub fn requested<L: Log>(
    server: &mut Server<L>,
    candidate: NodeId,
    term: Term,
    last: Position,
    settings: &Settings,
    out: &mut Messages,
) -> Outcome {
    if let Err(refusal) = may_grant(server, candidate, term, last, settings) {
        let no = commit::told_by(server, Body::PreVote { granted: false }, settings);
        return answer_no(server, candidate, no, refusal, out);
    }
    // Of the term asked about: the asker has no other to know it by.
    out.push(Message {
        from: server.id,
        to: candidate,
        term,
        body: Body::PreVote { granted: true },
    });
    Branch::PreVoteGranted.into()
}

/// The answer no, of this server's own term: the asker's may be behind.
pub fn refuse<L: Log>(
    server: &Server<L>,
    candidate: NodeId,
    reason: Refusal,
    out: &mut Messages,
) -> Outcome {
    let no = Body::PreVote { granted: false };
    answer_no(server, candidate, no, reason, out)
}

fn answer_no<L: Log>(
    server: &Server<L>,
    candidate: NodeId,
    body: Body,
    reason: Refusal,
    out: &mut Messages,
) -> Outcome {
    out.push(Message {
        from: server.id,
        to: candidate,
        term: server.term,
        body,
    });
    Branch::PreVoteRefused.because(reason)
}

/// An answer arrives; `term` is its own. A majority starts the election.
pub fn received<L: Log>(
    server: &mut Server<L>,
    voter: NodeId,
    term: Term,
    granted: bool,
    settings: &Settings,
    out: &mut Messages,
) -> Outcome {
    let not_asking = Refusal::NotAsking {
        node: server.id,
        term: server.term,
    };
    let (config, next) = (server.config, server.term.next());
    let Role::PreCandidate {
        granted: votes,
        refused,
    } = &mut server.role
    else {
        return Branch::Unexpected.because(not_asking);
    };
    // A grant of an earlier attempt, at a lower term: etcd counts it.
    let late = granted && term != next && settings.pre_vote != PreVote::Log;
    if late || refused.contains(voter) {
        return Branch::Unexpected.because(not_asking);
    }
    if granted {
        votes.insert(voter);
        if config.has_quorum(*votes) {
            return election::start(server, false, settings, out);
        }
        return Branch::PreVoteCounted.into();
    }
    if !settings.lost_vote_ends_candidacy || votes.contains(voter) {
        return Branch::RefusalCounted.into();
    }
    refused.insert(voter);
    if !config.can_win(*refused) {
        server.role = Role::Follower;
        election::lose_leader(server);
        return Branch::VoteLost.into();
    }
    Branch::RefusalCounted.into()
}
