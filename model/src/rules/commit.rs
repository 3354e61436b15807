//! Commitment (sections 5.3 and 5.4.2) and application.
//!
//! - A leader commits an index once a majority holds it durably and the entry
//!   there is of its own term; entries of earlier terms commit with it
//!   ([`advance`]).
//! - A follower learns the commit index from its leader, up to what it is sure
//!   to share with it ([`learn`]).
//! - In raft-rs also vote requests, the refusals of votes and the answers to
//!   reads say what is committed, to whoever holds that entry ([`told`]).
//! - Committed entries are applied in order ([`apply`]).

use super::{Branch, Outcome, election, membership, sessions};
use crate::flaws::Flaw;
use crate::ids::{Index, NodeId, NodeSet, Position};
use crate::log::{Log, Payload};
use crate::message::{Body, Message};
use crate::refusal::Refusal;
use crate::server::{Memory, Role, Server};
use crate::settings::{LearnsCommit, Settings};

/// Whether the leader may raise its commit index to `to`.
///
/// # Errors
/// Why it may not.
pub fn may_advance<L: Log>(
    server: &Server<L>,
    to: Index,
    settings: &Settings,
) -> Result<(), Refusal> {
    let node = server.id;
    let Role::Leader { matched, .. } = &server.role else {
        return Err(Refusal::NotLeader {
            node,
            term: server.term,
        });
    };
    if to <= server.commit {
        return Err(Refusal::CommittedAlready {
            node,
            index: to,
            commit: server.commit,
        });
    }
    let Some(term) = server.log.term_at(to) else {
        return Err(Refusal::PastTheEnd {
            node,
            index: to,
            last: server.log.last_index(),
        });
    };
    let holders: NodeSet = matched
        .iter()
        .filter(|&(id, &known)| known >= to && server.config.contains_voter(id))
        .map(|(id, _)| id)
        .collect();
    let quorum = match server.memory {
        Some(Memory::Progress { accepted, .. }) if settings.has(Flaw::ProgressUnsorted) => {
            to <= accepted
        }
        _ if settings.has(Flaw::CommitsWithoutOtherVoters)
            && server.config.outgoing() == NodeSet::EMPTY.with(node) =>
        {
            true
        }
        _ => server.config.has_quorum(holders),
    };
    if !quorum {
        return Err(Refusal::NoQuorum {
            node,
            index: to,
            holders,
            config: server.config,
        });
    }
    if term != server.term && !settings.has(Flaw::Figure8) {
        return Err(Refusal::EarlierTerm {
            node,
            entry: Position::new(to, term),
            term: server.term,
        });
    }
    if settings.has(Flaw::CommitScanStops) {
        let mut scanned = (server.commit.0 + 1..to.0).map(Index);
        let earlier = |&index: &Index| server.log.term_at(index) != Some(server.term);
        if let Some(index) = scanned.find(earlier) {
            let term = server.log.term_at(index).unwrap_or_default();
            return Err(Refusal::EarlierTerm {
                node,
                entry: Position::new(index, term),
                term: server.term,
            });
        }
    }
    Ok(())
}

/// The leader raises its commit index (section 5.4.2).
///
/// # Errors
/// See [`may_advance`].
pub fn advance<L: Log>(
    server: &mut Server<L>,
    to: Index,
    settings: &Settings,
) -> Result<Outcome, Refusal> {
    may_advance(server, to, settings)?;
    server.commit = to;
    applied_with_commit(server, settings);
    membership::commit_rose(server, settings);
    Ok(Branch::Committed.into())
}

/// The leader learns that `id` holds its log durably up to `index`. What is known
/// never goes back (figure 2, matchIndex).
pub fn note_match<L: Log>(server: &mut Server<L>, id: NodeId, index: Index, settings: &Settings) {
    let Role::Leader { matched, .. } = &mut server.role else {
        return;
    };
    let Some(known) = matched.get_mut(id) else {
        return;
    };
    let before = *known;
    *known = if settings.has(Flaw::StaleSuccessLowersMatch) {
        index
    } else {
        index.max(before)
    };
    let now = *known;
    if let Some(Memory::Progress { accepted, order }) = &mut server.memory {
        // The flawed list, sorted only for who passes what a quorum holds.
        if before > *accepted || now <= *accepted {
            return;
        }
        let mut at = order
            .iter()
            .position(|&other| other == id)
            .unwrap_or_else(|| {
                order.push(id);
                order.len() - 1
            });
        while at > 0 && matched[order[at - 1]] < now {
            order.swap(at - 1, at);
            at -= 1;
        }
        for last in at..order.len() {
            let value = matched[order[last]];
            if value <= *accepted {
                break;
            }
            if server
                .config
                .has_quorum(order[..=last].iter().copied().collect())
            {
                *accepted = value;
                break;
            }
        }
    }
}

/// A follower learns that its leader has committed up to `leader_commit`; it is
/// sure to share the leader's log up to `shared` (figure 2, AppendEntries rule
/// 5, with the `max` without which the index could fall).
pub fn learn<L: Log>(
    server: &mut Server<L>,
    leader_commit: Index,
    shared: Index,
    settings: &Settings,
) {
    server.commit = if settings.has(Flaw::CommitWithoutMax) {
        leader_commit.min(server.log.last_index())
    } else {
        server.commit.max(leader_commit.min(shared))
    };
    applied_with_commit(server, settings);
}

/// `body`, and beside it what `server` knows to be committed, where it says so
/// in messages of elections.
pub fn told_by<L: Log>(server: &Server<L>, body: Body, settings: &Settings) -> Body {
    match settings.learns_commit {
        LearnsCommit::FromLeader => body,
        LearnsCommit::FromVotes => {
            let term = server.log.term_at(server.commit).unwrap_or_default();
            body.telling(Position::new(server.commit, term))
        }
    }
}

/// Whether `server` heeds what `message`, which is of an election, says of the
/// commit index of its sender: a request that is not of an earlier term, the
/// answer that it waits for.
pub fn listens<L: Log>(server: &Server<L>, message: &Message) -> bool {
    match message.body {
        Body::RequestVote { .. } | Body::RequestPreVote { .. } => message.term >= server.term,
        Body::Vote { .. } => {
            message.term == server.term && matches!(server.role, Role::Candidate { .. })
        }
        Body::PreVote { .. } => {
            message.term == server.term && matches!(server.role, Role::PreCandidate { .. })
        }
        _ => false,
    }
}

/// What a request that was refused, or the refusal of one, says of the commit
/// index of its sender is heeded once it has been handled, with `outcome`.
pub fn told<L: Log>(
    server: &mut Server<L>,
    message: &Message,
    commit: Position,
    listens: bool,
    outcome: Outcome,
    settings: &Settings,
) -> Outcome {
    let refused = match message.body {
        Body::RequestVote { .. } => outcome.branch == Branch::VoteRefused,
        Body::RequestPreVote { .. } => outcome.branch == Branch::PreVoteRefused,
        _ => true,
    };
    if !listens || !refused || server.role.is_leader() {
        return outcome;
    }
    let before = server.commit;
    let branch = match take(server, commit, settings) {
        false => return outcome,
        true if drops_candidacy(server, before, settings) => Branch::CandidacyDropped,
        true => Branch::CommitTold,
    };
    Outcome { branch, ..outcome }
}

/// A follower is told at which index to serve a read: its leader has committed
/// that, in its term.
pub fn told_by_read<L: Log>(
    server: &mut Server<L>,
    read: Position,
    outcome: Outcome,
    settings: &Settings,
) -> Outcome {
    let heeds = settings.learns_commit == LearnsCommit::FromVotes && server.role == Role::Follower;
    match heeds && take(server, read, settings) {
        true => Outcome {
            branch: Branch::CommitTold,
            ..outcome
        },
        false => outcome,
    }
}

/// Takes `commit` over if the log has that entry: then it has all before it, for
/// logs match (section 5.3). Says whether that was new.
fn take<L: Log>(server: &mut Server<L>, commit: Position, settings: &Settings) -> bool {
    let new = commit.index > server.commit && server.log.has(commit);
    if new {
        server.commit = commit.index;
        applied_with_commit(server, settings);
    }
    new
}

/// A candidate that learns behind `before` of a configuration that it has to
/// apply is none any more: it might count by the wrong one.
fn drops_candidacy<L: Log>(server: &mut Server<L>, before: Index, settings: &Settings) -> bool {
    let stands = matches!(
        server.role,
        Role::Candidate { .. } | Role::PreCandidate { .. }
    );
    let mut told = (before.0 + 1..=server.commit.0).map(Index);
    let drops = stands
        && settings.applies()
        && told.any(|index| membership::change_at(server, index).is_some());
    if drops {
        server.role = Role::Follower;
        election::lose_leader(server);
    }
    drops
}

/// Where nothing asks when an entry is applied, it is applied when it commits.
pub(super) fn applied_with_commit<L: Log>(server: &mut Server<L>, settings: &Settings) {
    if !settings.applies() {
        sessions::applied_up_to(server, server.commit, settings);
        server.applied = server.commit;
    }
}

/// The next committed entry is applied; a configuration takes effect.
///
/// # Errors
/// When nothing is committed and not applied.
pub fn apply<L: Log>(server: &mut Server<L>, settings: &Settings) -> Result<Outcome, Refusal> {
    if let Some(Memory::Applying { index, change }) = server.memory {
        server.memory = None;
        server.applied = server.applied.max(index);
        membership::take_effect(server, &change, settings);
        return Ok(Branch::ConfigurationApplied.into());
    }
    let next = server.applied.next();
    let (true, Some(entry)) = (next <= server.commit, server.log.entry(next)) else {
        return Err(Refusal::NothingToApply {
            node: server.id,
            commit: server.commit,
        });
    };
    if let (true, Payload::Config { change }) =
        (settings.has(Flaw::LateChangeOverSnapshot), &entry.payload)
    {
        server.memory = Some(Memory::Applying {
            index: next,
            change: *change,
        });
        return Ok(Branch::HandlerPaused.into());
    }
    server.applied = if settings.has(Flaw::AppliedSkipsToCommit) {
        server.commit
    } else {
        next
    };
    if let Payload::Config { change } = &entry.payload {
        membership::take_effect(server, change, settings);
        return Ok(Branch::ConfigurationApplied.into());
    }
    sessions::applied(server, &entry, settings);
    Ok(Branch::Applied.into())
}
