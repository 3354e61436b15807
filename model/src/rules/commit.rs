//! Commitment (sections 5.3 and 5.4.2) and application.
//!
//! - A leader commits an index once a majority holds it durably and the entry
//!   there is of its own term; entries of earlier terms commit with it
//!   ([`advance`]).
//! - A follower learns the commit index from its leader, up to what it is sure
//!   to share with it ([`learn`]).
//! - Committed entries are applied in order ([`apply`]).

use super::{Branch, Outcome, membership, sessions};
use crate::flaws::Flaw;
use crate::ids::{Index, NodeId, NodeSet, Position};
use crate::log::{Log, Payload};
use crate::refusal::Refusal;
use crate::server::{Memory, Role, Server};
use crate::settings::Settings;

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
