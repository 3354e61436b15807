//! Durability (figure 2, "updated on stable storage before responding to
//! RPCs"; dissertation sections 3.8 and 10.2.1), crash and restart.
//!
//! - What a server says must be durable before it is said: messages wait until
//!   the write completes ([`queue`], [`write_completed`]).
//! - A server counts its own vote and its own entries only once they are
//!   durable ([`count_own_vote`], [`count_own_entries`]).
//! - A crash loses what is not durable; of the writes under way a part may
//!   survive, as far as the storage contract lets it ([`restart`]).

use super::{Branch, Input, Outcome};
use super::{commit, election, lease, membership, sessions};
use crate::config::Config;
use crate::flaws::Flaw;
use crate::ids::{Index, NodeId, Term};
use crate::log::{Batch, Log};
use crate::message::{Body, Message, Messages};
use crate::refusal::Refusal;
use crate::server::{Role, Server, Write};
use crate::settings::{Durability, Settings, Storage};
use crate::storage::{Disk, Survival};

/// Whether a message may leave before the write of the step that says it.
fn is_free(message: &Message, settings: &Settings) -> bool {
    let body = &message.body;
    if matches!(body, Body::AppendAck { .. }) && settings.has(Flaw::AckBeforeWrite) {
        return true;
    }
    match settings.storage {
        Storage::Sync => false,
        Storage::ParallelAppend => matches!(body, Body::Append { .. }),
        // Whoever votes, stands or acknowledges shows what it must not forget.
        // A request shows the vote of the candidate for itself, and a log that
        // it is elected for.
        Storage::Async => match body {
            Body::RequestVote { .. } => settings.has(Flaw::VoteRequestBeforeWrite),
            Body::Vote { .. }
            | Body::PreVote { .. }
            | Body::AppendAck { .. }
            | Body::Telling { .. } => false,
            _ => true,
        },
    }
}

/// What a server held before a handler ran, as far as the handler can change it.
pub struct Before {
    term: Term,
    vote: Option<NodeId>,
    commit: Index,
    base: Index,
    /// Up to here the handler leaves the log as it is.
    from: Index,
    /// What follows in the log.
    behind: Batch,
    /// The durable log, where the handler does not keep it.
    disk: Option<Batch>,
}

impl Before {
    /// What `server` holds before it handles `input`.
    pub fn of<L: Log>(server: &Server<L>, input: &Input, settings: &Settings) -> Self {
        let last = server.log.last_index();
        let from = match input {
            // A flawed handler may do anything.
            _ if settings.flaw.is_some() => Index::ZERO,
            Input::Wipe => Index::ZERO,
            Input::Receive { message } => match message.body {
                Body::Append { prev, .. } => prev.index.min(last),
                Body::InstallSnapshot { .. } => Index::ZERO,
                _ => last,
            },
            _ => last,
        };
        Before {
            term: server.term,
            vote: server.vote,
            commit: server.commit,
            base: server.log.base(),
            from,
            behind: server.log.batch(from, usize::MAX),
            disk: matches!(input, Input::Wipe).then(|| server.durable_log().collect()),
        }
    }
}

/// Sorts what a handler said into what leaves now and what waits. `before` is
/// the server before the handler ran, where writes are queued.
pub fn queue<L: Log>(
    server: &mut Server<L>,
    before: Option<&Before>,
    settings: &Settings,
    said: Messages,
    out: &mut Messages,
) {
    if let Some(before) = before {
        queue_write(server, before, settings);
    }
    for message in said {
        // Where writes are queued and none is, everything is durable.
        let durable = settings.durability == Durability::Atomic
            || settings.queues_writes() && server.queue.is_empty();
        if durable || is_free(&message, settings) {
            out.push(message);
        } else if let Some(newest) = server.queue.last_mut() {
            newest.waiting.push(message);
        } else {
            server.outbox.push(message);
        }
    }
}

/// Queues a write of what a handler changed, if it changed anything. What it
/// said waits for the newest write: a step that changes nothing needs none of
/// its own.
fn queue_write<L: Log>(server: &mut Server<L>, before: &Before, settings: &Settings) {
    // The handler moved the log, and the disk is where it was.
    match &before.disk {
        Some(disk) => server.set_durable_log(disk),
        None => share(server),
    }
    let pairs = before.behind.iter().zip(server.log.behind(before.from));
    let same = pairs.take_while(|(old, new)| *old == new).count();
    let keep = before.from.plus(same);
    let commit = match settings.durable_commit {
        true => server.commit,
        false => Index::ZERO,
    };
    let unchanged = (server.term, server.vote) == (before.term, before.vote)
        && (!settings.durable_commit || commit == before.commit)
        && keep == before.from.plus(before.behind.len())
        && keep == server.log.last_index()
        && before.base == server.log.base();
    if unchanged {
        return;
    }
    server.queue.push(Write {
        term: server.term,
        vote: server.vote,
        commit,
        keep,
        entries: server.log.batch(keep, usize::MAX),
        base: server.log.base(),
        waiting: Default::default(),
    });
}

/// Counts to what the durable log shares with the log all that is the same in
/// both.
fn share<L: Log>(server: &mut Server<L>) {
    let durable = &mut server.durable;
    let pairs = durable.tail.iter().zip(server.log.behind(durable.shared));
    let same = pairs.take_while(|(disk, log)| *disk == log).count();
    durable.tail.drain(..same);
    durable.shared = durable.shared.plus(same);
}

/// All of `write` stands on disk.
fn written<L: Log>(server: &mut Server<L>, write: &Write) {
    let durable = &mut server.durable;
    match write.keep.0.checked_sub(durable.shared.0) {
        Some(more) => durable
            .tail
            .truncate(usize::try_from(more).unwrap_or(usize::MAX)),
        None => {
            durable.shared = write.keep;
            durable.tail.clear();
        }
    }
    durable.tail.extend(write.entries.iter().copied());
    (durable.term, durable.vote) = (write.term, write.vote);
    durable.commit = durable.commit.max(write.commit);
    if write.end() >= write.base {
        durable.base = write.base;
    }
    share(server);
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
    let pairs = server.log.behind(Index::ZERO).zip(state);
    let same = pairs.take_while(|(a, b)| a == *b).count();
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
    if settings.queues_writes() {
        return oldest_completed(server, settings, out);
    }
    if server.is_synced(settings.durable_commit) && server.outbox.is_empty() {
        return Err(Refusal::NothingToWrite { node: server.id });
    }
    sync(server, settings);
    server.outbox.leave(out);
    Ok(Branch::WriteDone.into())
}

/// The oldest write in the queue completes. What it wrote and the server has
/// replaced since is durable too, and counts for nothing: a server counts its
/// own entries as far as its disk agrees with its log.
fn oldest_completed<L: Log>(
    server: &mut Server<L>,
    settings: &Settings,
    out: &mut Messages,
) -> Result<Outcome, Refusal> {
    if server.queue.is_empty() {
        return Err(Refusal::NothingToWrite { node: server.id });
    }
    let mut write = server.queue.remove(0);
    written(server, &write);
    write.waiting.leave(out);
    if settings.has(Flaw::StaleWriteAcknowledged) && !write.entries.is_empty() {
        // By the index alone: as if what is at or below it were durable.
        let end = write.end();
        let reaches = |message: &Message| match message.body {
            Body::AppendAck { reject, index, .. } => !reject && index <= end,
            _ => false,
        };
        for later in &mut server.queue {
            later.waiting.leave_where(reaches, out);
        }
    }
    let replaced = write
        .entries
        .iter()
        .enumerate()
        .any(|(i, entry)| server.log.held(write.keep.plus(i + 1)) != Some(*entry));
    match replaced {
        true => Ok(Branch::StaleWriteDone.into()),
        false => Ok(Branch::WriteDone.into()),
    }
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
    if matched.get(node).is_none() {
        return Err(Refusal::NotAVoter {
            node,
            config: server.config,
        });
    }
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
/// `survival` says of the writes under way; the rest is gone.
///
/// # Errors
/// When the storage contract does not allow this survival.
pub fn restart<L: Log>(
    server: &mut Server<L>,
    survival: &Survival,
    settings: &Settings,
) -> Result<Outcome, Refusal> {
    if *survival == Survival::Nothing {
        recover(server, settings);
        return Ok(Branch::RestartedDurable.into());
    }
    let mut disk = Disk::of(server);
    let branch = disk.crash(server, survival, settings)?;
    disk.put(server);
    recover(server, settings);
    Ok(branch.into())
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
    let committed = server.commit;
    server.commit = durable.commit.max(durable.base);
    if settings.durable_commit {
        durable.commit = server.commit;
    }
    server.applied = server.log.base();
    sessions::loaded(server, settings);
    commit::applied_with_commit(server, settings);
    election::lose_leader(server);
    lease::wait(server, settings);
    server.asked.clear();
    server.role = Role::Follower;
    membership::recovered(server, committed, settings);
    server.outbox.clear();
    server.queue.clear();
    server.forget_all();
}

/// The machine is replaced: the new one has the name of the old one, and
/// nothing else. Who its leader is it will hear, and who the others are it will
/// read in their log.
///
/// # Errors
/// When the log does not say all of the configuration.
pub fn wipe<L: Log>(server: &mut Server<L>) -> Result<Outcome, Refusal> {
    if !server.base.is_empty() {
        return Err(Refusal::ConfigurationNotInLog {
            node: server.id,
            config: server.base,
        });
    }
    *server = Server::new(server.id, Config::UNKNOWN);
    Ok(Branch::Wiped.into())
}
