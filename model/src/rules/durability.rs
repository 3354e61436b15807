//! Durability (figure 2, "updated on stable storage before responding to
//! RPCs"; dissertation sections 3.8 and 10.2.1), crash and restart.
//!
//! - What a server says must be durable before it is said: messages wait in the
//!   outbox until the write completes ([`queue`], [`write_completed`]).
//! - A server counts its own vote and its own entries only once they are
//!   durable ([`count_own_vote`], [`count_own_entries`]).
//! - A crash loses what is not durable; the write under way may survive in
//!   part ([`restart`]).

use super::{Branch, Outcome};
use super::{commit, election, membership};
use crate::choice;
use crate::flaws::Flaw;
use crate::ids::Index;
use crate::log::{Batch, Log};
use crate::message::{Body, Messages};
use crate::refusal::Refusal;
use crate::server::{Role, Server};
use crate::settings::{Configuration, Durability, LeaderAppend, Settings};

choice! {
    /// What a crash leaves of the write that was under way.
    #[derive(Copy)]
    pub enum Survival {
        /// Nothing: the server is back at what was durable.
        Nothing = 0,
        /// The term and vote of the write, and parts of the rest.
        Written {
            /// The last index that survived of the new log; `None` when the
            /// durable log was not touched yet.
            kept: Option<Index>,
            /// Whether the new commit index survived.
            commit: bool,
        } = 1,
        /// The vote was cleared and the new term not yet written: only under
        /// the planted flaw that writes them apart.
        VoteCleared = 2,
    }
}

/// Sorts what a handler said into what leaves now and what waits.
pub fn queue<L: Log>(
    server: &mut Server<L>,
    settings: &Settings,
    said: Messages,
    out: &mut Messages,
) {
    let before_write = settings.leader_append == LeaderAppend::BeforeWrite;
    for message in said {
        let free = match message.body {
            Body::Append { .. } => before_write,
            Body::AppendAck { .. } => settings.has(Flaw::AckBeforeWrite),
            _ => false,
        };
        if settings.durability == Durability::Atomic || free {
            out.push(message);
        } else {
            server.outbox.push(message);
        }
    }
}

/// Drops the log behind `keep`, while the durable log still has it.
pub fn truncate<L: Log>(server: &mut Server<L>, keep: Index) {
    if keep < server.durable.shared {
        let count = usize::try_from(server.durable.shared.0 - keep.0).unwrap_or(usize::MAX);
        let mut tail: Batch = server.log.batch(keep, count);
        tail.append(&mut server.durable.tail);
        server.durable.tail = tail;
        server.durable.shared = keep;
    }
    server.log.truncate(keep);
}

/// Puts the state of a snapshot, `state`, in place of the log, while disk still
/// has what it had.
pub fn replace<L: Log>(server: &mut Server<L>, state: &Batch) {
    server.log.rebase(Index::ZERO);
    let pairs = server.log.entries().iter().zip(state);
    let same = pairs.take_while(|(a, b)| a == b).count();
    truncate(server, Index::ZERO.plus(same));
    for entry in state.iter().skip(same) {
        server.log.push(*entry);
    }
    server.log.rebase(Index::ZERO.plus(state.len()));
}

/// All that the server holds becomes durable.
fn sync<L: Log>(server: &mut Server<L>, settings: &Settings) {
    let durable = &mut server.durable;
    let same = (durable.term, durable.vote) == (server.term, server.vote);
    if same && settings.has(Flaw::EntriesNotSynced) {
        return;
    }
    durable.term = server.term;
    durable.vote = server.vote;
    durable.shared = server.log.last_index();
    durable.tail.clear();
    durable.base = server.log.base();
    if settings.durable_commit {
        durable.commit = server.commit;
    }
}

/// The write under way completes: all that the server holds is durable, and
/// what waited for it leaves.
///
/// # Errors
/// When nothing is to be written and nothing waits.
pub fn write_completed<L: Log>(
    server: &mut Server<L>,
    settings: &Settings,
    out: &mut Messages,
) -> Result<Outcome, Refusal> {
    if server.is_synced(settings.durable_commit) && server.outbox.is_empty() {
        return Err(Refusal::NothingToWrite { node: server.id });
    }
    sync(server, settings);
    server.outbox.leave(out);
    Ok(Branch::WriteDone.into())
}

/// Atomic durability: the write completes within the step, and the server
/// counts its own vote and entries at once.
pub fn complete_at_once<L: Log>(server: &mut Server<L>, settings: &Settings) {
    sync(server, settings);
    if let Ok(outcome) = count_own_vote(server, settings)
        && outcome.branch == Branch::BecameLeader
    {
        sync(server, settings);
    }
    let last = server.log.last_index();
    // Refused where there is nothing to count.
    let _ = count_own_entries(server, last, settings);
}

/// A candidate counts its own vote, which is durable.
///
/// # Errors
/// When it is not durable, counted already, or nobody asks.
pub fn count_own_vote<L: Log>(
    server: &mut Server<L>,
    settings: &Settings,
) -> Result<Outcome, Refusal> {
    let Role::Candidate { granted, .. } = &server.role else {
        return Err(Refusal::NotAsking {
            node: server.id,
            term: server.term,
        });
    };
    // The flawed candidate that forgets to record its vote counts it still.
    let voted = settings.has(Flaw::OwnVoteUnrecorded) || server.durable.vote == Some(server.id);
    if server.durable.term != server.term || !voted || granted.contains(server.id) {
        return Err(Refusal::OwnVoteNotDurable {
            node: server.id,
            term: server.term,
            durable: server.durable.term,
        });
    }
    let outcome = election::vote_received(server, server.id, true, settings);
    if outcome.branch == Branch::VoteCounted {
        return Ok(Branch::OwnVoteCounted.into());
    }
    Ok(outcome)
}

/// Up to where a leader may count its own entries: as far as they are durable.
pub fn countable<L: Log>(server: &Server<L>, settings: &Settings) -> Index {
    if server.config.is_singleton() && settings.has(Flaw::OwnEntriesCountedBeforeWrite) {
        return server.log.last_index();
    }
    server.durable.shared
}

/// A leader counts its own entries up to `to`, which are durable.
///
/// # Errors
/// When they are not durable or counted already, or the server does not lead.
pub fn count_own_entries<L: Log>(
    server: &mut Server<L>,
    to: Index,
    settings: &Settings,
) -> Result<Outcome, Refusal> {
    let (node, durable) = (server.id, countable(server, settings));
    let Role::Leader { matched, .. } = &server.role else {
        return Err(Refusal::NotLeader {
            node,
            term: server.term,
        });
    };
    if to > durable || to <= matched[node] {
        return Err(Refusal::NotDurable {
            node,
            durable,
            index: to,
        });
    }
    commit::note_match(server, node, to, settings);
    Ok(Branch::OwnEntriesCounted.into())
}

/// The server crashes and restarts: it holds what was durable and what
/// `survival` says of the write under way; the rest is gone.
///
/// # Errors
/// When the storage contract does not allow this survival.
pub fn restart<L: Log>(
    server: &mut Server<L>,
    survival: &Survival,
    settings: &Settings,
) -> Result<Outcome, Refusal> {
    let never = Refusal::NeverWritten { node: server.id };
    let branch = match *survival {
        Survival::Nothing => Branch::RestartedDurable,
        Survival::Written { kept, commit } => {
            survive(server, kept, commit, settings)?;
            Branch::RestartedWritten
        }
        Survival::VoteCleared => {
            if !settings.has(Flaw::VoteClearedBeforeTerm) || server.durable.term == server.term {
                return Err(never);
            }
            server.durable.vote = None;
            Branch::RestartedTorn
        }
    };
    recover(server, settings);
    Ok(branch.into())
}

/// Moves what survives of the write under way into the durable part.
fn survive<L: Log>(
    server: &mut Server<L>,
    kept: Option<Index>,
    commit: bool,
    settings: &Settings,
) -> Result<(), Refusal> {
    let never = Refusal::NeverWritten { node: server.id };
    let end = kept.unwrap_or(server.durable.shared);
    if server.is_synced(settings.durable_commit) || end > server.log.last_index() {
        return Err(never);
    }
    if end < server.durable.shared {
        return Err(Refusal::DurableIsKept { node: server.id });
    }
    if commit && (!settings.durable_commit || server.commit > end) {
        return Err(never);
    }
    // A snapshot is on disk before the log changes that goes with it.
    let base = server.log.base();
    if base != server.durable.base && kept.is_some_and(|kept| kept < base) {
        return Err(never);
    }
    if let Some(kept) = kept {
        server.durable.base = base;
        server.durable.shared = kept;
        server.durable.tail.clear();
    }
    if commit {
        server.durable.commit = server.commit;
    }
    server.durable.term = server.term;
    server.durable.vote = server.vote;
    Ok(())
}

/// Starts again from what is durable: the machine and the configuration from
/// the snapshot, if there is one.
fn recover<L: Log>(server: &mut Server<L>, settings: &Settings) {
    let durable = &mut server.durable;
    server.log.rebase(Index::ZERO);
    server.log.truncate(durable.shared);
    for entry in durable.tail.drain(..) {
        server.log.push(entry);
    }
    if settings.has(Flaw::NewestEntryLost) {
        let newest = server.log.last_index().0;
        server.log.truncate(Index(newest.saturating_sub(1)));
    }
    server.log.rebase(durable.base);
    durable.shared = server.log.last_index();
    if settings.has(Flaw::VoteForgottenOnRestart) {
        durable.term = Default::default();
        durable.vote = None;
    }
    server.term = durable.term;
    server.vote = durable.vote;
    server.commit = durable.commit.max(durable.base);
    if settings.durable_commit {
        durable.commit = server.commit;
    }
    server.applied = match settings.configuration {
        Configuration::Fixed => server.commit,
        Configuration::Applied => server.log.base(),
    };
    server.config = membership::of_snapshot(server, settings);
    election::lose_leader(server);
    server.asked.clear();
    server.role = Role::Follower;
    server.outbox.clear();
    server.memory = None;
}
