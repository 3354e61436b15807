//! What stands on the disk of a server, and what a crash may leave of the
//! writes under way: the storage contract
//! ([`Storage`](crate::settings::Storage)) and its promise ([`Promise`]).
//!
//! A write has four parts, and storage that keeps them in order writes the term
//! with the vote, drops what is to be dropped, appends the entries, and raises
//! the commit index. A snapshot is part of the log: it is there before the log
//! changes that goes with it, and a log that a crash leaves begins at the old
//! snapshot or at the new one. Nothing that waits for a write has left before it
//! completes, so it may be lost. Which of its parts may survive the loss of
//! others is the promise; what breaks where it is too weak stands in a table in
//! `docs/properties.md`.

use crate::choice;
use crate::flaws::Flaw;
use crate::ids::{Index, NodeId, Term};
use crate::log::{Entry, Log};
use crate::refusal::Refusal;
use crate::rules::Branch;
use crate::server::{Server, Write};
use crate::settings::{Promise, Settings};

choice! {
    /// What a crash leaves of the writes that were under way.
    #[derive(Copy)]
    pub enum Survival {
        /// Nothing: the server is back at what was durable.
        Nothing = 0,
        /// Of the one write under way the term and vote, and parts of the rest.
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
        /// The oldest writes of the queue, and of the next one a part.
        Queued {
            /// How many survived whole.
            writes: u32,
            /// What survived of the next one.
            part: Part,
        } = 3,
        /// Writes of a queue that goes to two stores
        /// ([`Promise::TwoStores`]).
        Stores {
            /// How many survived of terms and votes.
            states: u32,
            /// How many survived of the log.
            logs: u32,
        } = 4,
        /// What was durable without the newest entry
        /// ([`Promise::ReportsTooEarly`]).
        NewestLost = 5,
        /// One half of the write that installs a snapshot: only under the planted
        /// flaws that write them apart.
        SnapshotTorn {
            /// Whether the snapshot survived, and the log that it replaces was
            /// not dropped; or the other way round.
            saved: bool,
        } = 6,
    }
}

choice! {
    /// A part of one write.
    #[derive(Copy)]
    pub enum Part {
        /// Nothing of it.
        Nothing = 0,
        /// The parts in order, up to some place.
        Ordered {
            /// The last index that survived of the new log; `None` when the log
            /// was not touched yet.
            kept: Option<Index>,
            /// Whether the new commit index survived.
            commit: bool,
        } = 1,
        /// The term without the vote ([`Promise::TermBeforeVote`]).
        Term = 2,
        /// The vote without the term ([`Promise::VoteBeforeTerm`]).
        Vote = 3,
        /// The log up to this index without term and vote
        /// ([`Promise::LogBeforeTerm`]).
        Log {
            /// The last index that survived of the new log.
            kept: Index,
        } = 4,
        /// Entries up to this index in the place of older ones, and behind them
        /// what was to be dropped ([`Promise::EntriesBeforeTruncation`]).
        Overwritten {
            /// The last index that survived of the new entries.
            kept: Index,
        } = 5,
    }
}

/// What stands on the disk of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    term: Term,
    vote: Option<NodeId>,
    commit: Index,
    log: Vec<Entry>,
    base: Index,
}

fn place(index: Index) -> usize {
    usize::try_from(index.0).unwrap_or(usize::MAX)
}

impl Disk {
    /// What is durable of `server`.
    pub fn of<L: Log>(server: &Server<L>) -> Self {
        Disk {
            term: server.durable.term,
            vote: server.durable.vote,
            commit: server.durable.commit,
            log: server.durable_log().collect(),
            base: server.durable.base,
        }
    }

    /// Makes this what is durable of `server`.
    pub fn put<L: Log>(self, server: &mut Server<L>) {
        server.set_durable_log(&self.log);
        server.durable.term = self.term;
        server.durable.vote = self.vote;
        server.durable.commit = self.commit;
        server.durable.base = self.base;
    }

    fn write_state(&mut self, write: &Write) {
        self.term = write.term;
        self.vote = write.vote;
    }

    /// The log after `write`, up to `kept`.
    fn write_log(&mut self, write: &Write, kept: Index) {
        let entries = place(kept).saturating_sub(place(write.keep));
        self.log.truncate(place(write.keep));
        self.log.extend(write.entries.iter().take(entries).copied());
        if kept >= write.base {
            self.base = write.base;
        }
    }

    /// All of `write`.
    pub fn write(&mut self, write: &Write) {
        self.write_state(write);
        self.write_log(write, write.end());
        self.commit = self.commit.max(write.commit);
    }

    /// Writes down what a crash of `server` leaves.
    ///
    /// # Errors
    /// When the storage contract does not allow this survival.
    pub fn crash<L: Log>(
        &mut self,
        server: &Server<L>,
        survival: &Survival,
        settings: &Settings,
    ) -> Result<Branch, Refusal> {
        let never = Refusal::NeverWritten { node: server.id };
        let weak = Refusal::NotPromised { node: server.id };
        let promise = settings.promise;
        match *survival {
            Survival::Nothing => return Ok(Branch::RestartedDurable),
            Survival::Written { kept, commit } => {
                if settings.queues_writes() {
                    return Err(never);
                }
                let write = under_way(server, settings).ok_or(never)?;
                self.keep(server.id, &write, Part::Ordered { kept, commit }, settings)?;
                return Ok(Branch::RestartedWritten);
            }
            Survival::VoteCleared => {
                if !settings.has(Flaw::VoteClearedBeforeTerm) || self.term == server.term {
                    return Err(never);
                }
                self.vote = None;
            }
            Survival::Queued { writes, part } => {
                let queue = queue(server, settings);
                let whole = usize::try_from(writes).map_err(|_| never)?;
                for write in queue.get(..whole).ok_or(never)? {
                    self.write(write);
                }
                if part != Part::Nothing {
                    let next = queue.get(whole).ok_or(never)?;
                    self.keep(server.id, next, part, settings)?;
                } else if whole == 0 {
                    return Err(never);
                }
                if matches!(part, Part::Nothing | Part::Ordered { .. }) {
                    return Ok(Branch::RestartedWritten);
                }
            }
            Survival::Stores { states, logs } => {
                if promise != Promise::TwoStores {
                    return Err(weak);
                }
                let queue = queue(server, settings);
                let of = |count: u32| usize::try_from(count).ok().and_then(|n| queue.get(..n));
                for write in of(states).ok_or(never)? {
                    self.write_state(write);
                    self.commit = self.commit.max(write.commit);
                }
                for write in of(logs).ok_or(never)? {
                    self.write_log(write, write.end());
                }
            }
            Survival::SnapshotTorn { saved } => {
                let write = under_way(server, settings).ok_or(never)?;
                let flaw = match saved {
                    true => Flaw::ConflictsLeftByCrash,
                    false => Flaw::LogDroppedBeforeSnapshot,
                };
                // Something of the old log is left behind the new snapshot, or
                // there is something to drop for entries that only the snapshot
                // has.
                let held = self.log.len();
                let torn = match saved {
                    true => held > place(write.keep) && held > place(write.base),
                    false => held > place(self.base) && write.keep < write.base,
                };
                if !settings.has(flaw) || write.base == self.base || !torn {
                    return Err(never);
                }
                self.tear_snapshot(&write, saved);
            }
            Survival::NewestLost => {
                if promise != Promise::ReportsTooEarly {
                    return Err(weak);
                }
                if self.log.len() <= place(self.base) {
                    return Err(never);
                }
                self.log.pop();
            }
        }
        Ok(Branch::RestartedTorn)
    }

    /// Writes down one half of a write that installs a snapshot.
    fn tear_snapshot(&mut self, write: &Write, saved: bool) {
        self.write_state(write);
        if !saved {
            self.log.truncate(place(self.base));
            return;
        }
        let behind: Vec<Entry> = self.log.iter().skip(place(write.base)).copied().collect();
        self.write_log(write, write.base);
        self.log.extend(behind);
    }

    /// Writes down a part of `write`.
    fn keep(
        &mut self,
        node: NodeId,
        write: &Write,
        part: Part,
        settings: &Settings,
    ) -> Result<(), Refusal> {
        let never = Refusal::NeverWritten { node };
        let promised = |promise| match settings.promise == promise {
            true => Ok(()),
            false => Err(Refusal::NotPromised { node }),
        };
        let within = |kept: Index| match (kept < write.keep, kept > write.end()) {
            (true, _) => Err(Refusal::DurableIsKept { node }),
            (_, true) => Err(never),
            // A snapshot is on disk before the log changes that goes with it.
            _ if write.base != self.base && kept < write.base => Err(never),
            _ => Ok(()),
        };
        match part {
            Part::Nothing => {}
            Part::Ordered { kept, commit } => {
                if let Some(kept) = kept {
                    within(kept)?;
                }
                let end = kept.unwrap_or(write.keep);
                let early = write.commit > end && settings.promise != Promise::CommitBeforeEntries;
                if commit && (!settings.durable_commit || early) {
                    return Err(never);
                }
                let whole = kept == Some(write.end()) && commit == (write.commit > self.commit);
                if settings.promise == Promise::Whole && !whole {
                    return Err(Refusal::NotPromised { node });
                }
                self.write_state(write);
                if let Some(kept) = kept {
                    self.write_log(write, kept);
                }
                if commit {
                    self.commit = write.commit;
                }
            }
            Part::Term => {
                promised(Promise::TermBeforeVote)?;
                self.term = write.term;
            }
            Part::Vote => {
                promised(Promise::VoteBeforeTerm)?;
                self.vote = write.vote;
            }
            Part::Log { kept } => {
                promised(Promise::LogBeforeTerm)?;
                within(kept)?;
                self.write_log(write, kept);
            }
            Part::Overwritten { kept } => {
                promised(Promise::EntriesBeforeTruncation)?;
                within(kept)?;
                let dropped: Vec<Entry> = self.log.iter().skip(place(kept)).copied().collect();
                if dropped.is_empty() || write.base != self.base {
                    return Err(never);
                }
                self.write_state(write);
                self.write_log(write, kept);
                self.log.extend(dropped);
            }
        }
        Ok(())
    }
}

/// The one write under way of storage that queues none.
fn under_way<L: Log>(server: &Server<L>, settings: &Settings) -> Option<Write> {
    let shared = server.durable.shared;
    (!server.is_synced(settings.durable_commit)).then(|| Write {
        term: server.term,
        vote: server.vote,
        commit: match settings.durable_commit {
            true => server.commit,
            false => Index::ZERO,
        },
        keep: shared,
        entries: server.log.batch(shared, usize::MAX),
        base: server.log.base(),
        waiting: Default::default(),
    })
}

/// The writes under way, the oldest first.
fn queue<L: Log>(server: &Server<L>, settings: &Settings) -> Vec<Write> {
    if settings.queues_writes() {
        return server.queue.to_vec();
    }
    under_way(server, settings).into_iter().collect()
}

/// Lists what a crash of `server` may leave under the storage contract, nothing
/// first. With `partial` false that is all, but for what flaws tear.
pub fn survivals<L: Log>(
    server: &Server<L>,
    settings: &Settings,
    partial: bool,
    mut add: impl FnMut(Survival),
) {
    add(Survival::Nothing);
    for (saved, flaw) in [
        (true, Flaw::ConflictsLeftByCrash),
        (false, Flaw::LogDroppedBeforeSnapshot),
    ] {
        if settings.has(flaw) {
            add(Survival::SnapshotTorn { saved });
        }
    }
    if !partial {
        return;
    }
    let queue = queue(server, settings);
    let mut disk = Disk::of(server);
    for (writes, write) in queue.iter().enumerate() {
        let writes = u32::try_from(writes).unwrap_or(u32::MAX);
        parts(&disk, write, settings, |part| match part {
            Part::Ordered { kept, commit } if !settings.queues_writes() => {
                add(Survival::Written { kept, commit });
            }
            part => add(Survival::Queued { writes, part }),
        });
        disk.write(write);
        if settings.queues_writes() {
            let part = Part::Nothing;
            let writes = writes + 1;
            add(Survival::Queued { writes, part });
        }
    }
    if settings.promise == Promise::TwoStores {
        let all = u32::try_from(queue.len()).unwrap_or(u32::MAX);
        for states in 0..=all {
            for logs in (0..=all).filter(|&logs| logs != states) {
                add(Survival::Stores { states, logs });
            }
        }
    }
    if settings.promise == Promise::ReportsTooEarly
        && server.durable_last().index > server.durable.base
    {
        add(Survival::NewestLost);
    }
}

/// The parts of `write` that may survive alone on `disk`.
fn parts(disk: &Disk, write: &Write, settings: &Settings, mut add: impl FnMut(Part)) {
    let queued = settings.queues_writes();
    let more = settings.durable_commit && write.commit > disk.commit;
    let all = (write.keep.0..=write.end().0).map(Index);
    // Alone in the queue a write is told to the last part of it, so that what
    // survives of it whole is listed here too.
    let whole = (Some(write.end()), more);
    let untouched = disk.log.len() == place(write.keep);
    if settings.promise == Promise::Whole {
        if !queued {
            let (kept, commit) = whole;
            add(Part::Ordered { kept, commit });
        }
        return;
    }
    for kept in std::iter::once(None).chain(all.clone().map(Some)) {
        if queued && untouched && kept == Some(write.keep) {
            continue;
        }
        for commit in [false, true] {
            let early = write.commit > kept.unwrap_or(write.keep)
                && settings.promise != Promise::CommitBeforeEntries;
            let same = queued && (kept, commit) == whole;
            if (!commit || more && !early) && !same {
                add(Part::Ordered { kept, commit });
            }
        }
    }
    match settings.promise {
        Promise::TermBeforeVote if disk.term < write.term => add(Part::Term),
        Promise::VoteBeforeTerm if disk.term < write.term => add(Part::Vote),
        Promise::LogBeforeTerm if disk.term < write.term => {
            all.for_each(|kept| add(Part::Log { kept }));
        }
        Promise::EntriesBeforeTruncation => {
            let over = all.filter(|&kept| kept > write.keep && place(kept) < disk.log.len());
            over.for_each(|kept| add(Part::Overwritten { kept }));
        }
        _ => {}
    }
}
