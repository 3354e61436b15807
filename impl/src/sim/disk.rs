//! A disk in memory that knows what it may lose.

use std::collections::VecDeque;

use crate::core::{Durable, HardState, Index, LogWrite, Snapshot, SnapshotWrite, Stored};

/// What a crash does to the writes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All of them are lost.
    All,
    /// Of a queue the oldest survive, and of the next one, or of the only one, a
    /// part: term and vote, and a prefix of the new entries. With no entry
    /// surviving, the log is as it was, truncation included. A new snapshot is
    /// written before the entries, and counts for one. The new commit index
    /// survives where the surviving log reaches it.
    Part {
        /// How many writes survive whole.
        writes: usize,
        /// How many of the next one's new entries survive at most.
        entries: usize,
    },
    /// None is lost: the crash came just after the last write.
    Nothing,
}

/// A disk whose writes become durable later: all together, in [`Disk::sync`],
/// or, where they are queued, one by one, in [`Disk::sync_oldest`].
///
/// Invariants:
/// - what is synced is never lost;
/// - the synced part is always a state that a server can start from.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    synced: Stored,
    waiting: VecDeque<Write>,
    queues: bool,
}

/// A write that waits to be synced.
#[derive(Debug, Clone, Default)]
struct Write {
    hard_state: Option<HardState>,
    snapshot: Option<Waiting>,
    log: Option<LogWrite>,
}

/// A snapshot that waits to be synced.
#[derive(Debug, Clone)]
struct Waiting {
    snapshot: Snapshot,
    /// Whether it is all of the log that it is written for.
    installed: bool,
}

impl Disk {
    /// A disk on which this stands durably, and whose writes are synced
    /// together.
    #[must_use]
    pub fn new(stored: Stored) -> Self {
        Self {
            synced: stored,
            waiting: VecDeque::new(),
            queues: false,
        }
    }

    /// The same, with each write synced by itself.
    #[must_use]
    pub fn queued(stored: Stored) -> Self {
        Self {
            queues: true,
            ..Self::new(stored)
        }
    }

    /// Whether each write is synced by itself.
    #[must_use]
    pub const fn queues(&self) -> bool {
        self.queues
    }

    /// Takes in a write, to be synced with those before it or after them; says
    /// whether there was anything to write.
    ///
    /// # Panics
    ///
    /// When it leaves a hole in the log.
    pub fn write(
        &mut self,
        hard_state: Option<HardState>,
        snapshot: Option<SnapshotWrite>,
        log: Option<LogWrite>,
    ) -> bool {
        if hard_state.is_none() && snapshot.is_none() && log.is_none() {
            return false;
        }
        if self.queues || self.waiting.is_empty() {
            self.waiting.push_back(Write::default());
        }
        let write = self.waiting.back_mut().expect("pushed above");
        write.add(hard_state, snapshot, log);
        true
    }

    /// Whether a write waits to be synced.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Makes all writes durable.
    pub fn sync(&mut self) {
        while self.sync_oldest() {}
    }

    /// Makes the oldest write durable; says whether there was one.
    pub fn sync_oldest(&mut self) -> bool {
        let Some(write) = self.waiting.pop_front() else {
            return false;
        };
        write.sync(&mut self.synced);
        true
    }

    /// Loses what was not synced, as `loss` says.
    pub fn crash(&mut self, loss: Loss) {
        match loss {
            Loss::All => {}
            Loss::Nothing => self.sync(),
            Loss::Part { writes, entries } => {
                for _ in 0..writes {
                    self.sync_oldest();
                }
                if let Some(next) = self.waiting.pop_front() {
                    next.survive(entries, &mut self.synced);
                }
            }
        }
        self.waiting.clear();
    }

    /// How many writes wait to be synced.
    #[must_use]
    pub fn waiting_writes(&self) -> usize {
        self.waiting.len()
    }

    /// How many parts of the log the write behind so many others has: entries,
    /// and a snapshot.
    #[must_use]
    pub fn waiting_parts(&self, behind: usize) -> usize {
        self.waiting.get(behind).map_or(0, Write::parts)
    }

    /// What is durable, in short.
    #[must_use]
    pub fn durable(&self) -> Durable {
        Durable {
            hard_state: self.synced.hard_state,
            last: self.synced.log.last(),
        }
    }

    /// What is durable, whole.
    #[must_use]
    pub const fn stored(&self) -> &Stored {
        &self.synced
    }
}

impl Write {
    fn add(
        &mut self,
        hard_state: Option<HardState>,
        snapshot: Option<SnapshotWrite>,
        log: Option<LogWrite>,
    ) {
        if hard_state.is_some() {
            self.hard_state = hard_state;
        }
        if let Some(snapshot) = snapshot {
            self.add_snapshot(snapshot);
        }
        let Some(new) = log else {
            return;
        };
        match &mut self.log {
            // The new write begins within or right after the one that waits.
            Some(waiting) if new.after >= waiting.after => {
                let kept = new.after.get() - waiting.after.get();
                let kept = usize::try_from(kept).expect("a log fits in memory");
                assert!(kept <= waiting.entries.len(), "a hole in the log");
                waiting.entries.truncate(kept);
                waiting.entries.extend(new.entries);
            }
            Some(_) | None => self.log = Some(new),
        }
    }

    fn add_snapshot(&mut self, write: SnapshotWrite) {
        let earlier = self.snapshot.take();
        let waiting = match write {
            SnapshotWrite::Installed(snapshot) => {
                self.log = None;
                Waiting {
                    snapshot,
                    installed: true,
                }
            }
            SnapshotWrite::Compacted(snapshot) => {
                if let Some(log) = &mut self.log {
                    let index = snapshot.last.index;
                    let known = index.get().saturating_sub(log.after.get());
                    let known = usize::try_from(known).expect("a log fits in memory");
                    log.entries.drain(..known);
                    log.after = log.after.max(index);
                }
                Waiting {
                    snapshot,
                    installed: earlier.is_some_and(|earlier| earlier.installed),
                }
            }
        };
        self.snapshot = Some(waiting);
    }

    fn parts(&self) -> usize {
        let entries = self.log.as_ref().map_or(0, |write| write.entries.len());
        entries + usize::from(self.snapshot.is_some())
    }

    fn sync(mut self, synced: &mut Stored) {
        if let Some(hard_state) = self.hard_state.take() {
            synced.hard_state = hard_state;
        }
        self.sync_snapshot(synced);
        if let Some(write) = self.log.take() {
            synced.log.rewrite(write);
        }
    }

    fn sync_snapshot(&mut self, synced: &mut Stored) {
        match self.snapshot.take() {
            Some(Waiting {
                snapshot,
                installed: false,
            }) => synced.log.compact(snapshot),
            Some(waiting) => synced.log.reset(waiting.snapshot),
            None => {}
        }
    }

    fn survive(mut self, mut entries_max: usize, synced: &mut Stored) {
        let mut lost = false;
        let mut compacted = false;
        if let Some(waiting) = self.snapshot.take() {
            if entries_max > 0 {
                entries_max -= 1;
                compacted = true;
                self.snapshot = Some(waiting);
                self.sync_snapshot(synced);
            } else if waiting.installed {
                // The entries behind it make no log without it.
                lost = true;
                self.log = None;
            }
        }
        // Up to here the log on disk is the one that the writes were made
        // from, so a commit index beyond it would speak of other entries.
        let mut sound = match lost {
            true => Index::ZERO,
            false => synced.log.last().index,
        };
        if let Some(mut write) = self.log.take() {
            write.entries.truncate(entries_max);
            sound = write.after.plus(write.entries.len());
            // The snapshot and the truncation are one part.
            if compacted || !write.entries.is_empty() {
                synced.log.rewrite(write);
            }
        }
        if let Some(new) = self.hard_state.take() {
            let old = synced.hard_state;
            let reached = new.commit <= sound;
            synced.hard_state = HardState {
                commit: if reached { new.commit } else { old.commit },
                ..new
            };
        }
        // What a snapshot replaces was committed.
        let base = synced.log.base().index;
        let commit = &mut synced.hard_state.commit;
        *commit = (*commit).max(base);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Entry, Log, NodeId, Position, Term};

    fn entries(terms: &[u64]) -> Vec<Entry> {
        terms.iter().map(|&t| Entry::noop(Term::new(t))).collect()
    }

    fn hard_state(term: u64, commit: u64) -> HardState {
        HardState {
            term: Term::new(term),
            vote: Some(NodeId::new(2)),
            commit: Index::new(commit),
        }
    }

    /// On disk `1@1 2@1 3@1` with commit 1; a write of `2@2 3@2 4@2` with
    /// commit 3 waits, which came in two pieces.
    fn dirty() -> Disk {
        let mut disk = Disk::new(Stored {
            hard_state: hard_state(1, 1),
            log: Log::new(entries(&[1, 1, 1])).expect("in order"),
        });
        let write = |after, terms| {
            Some(LogWrite {
                after: Index::new(after),
                entries: entries(terms),
            })
        };
        disk.write(Some(hard_state(2, 1)), None, write(1, &[2, 2]));
        disk.write(Some(hard_state(2, 3)), None, write(3, &[2]));
        disk
    }

    fn after(loss: Loss) -> (HardState, Vec<u64>) {
        let mut disk = dirty();
        disk.crash(loss);
        assert!(!disk.is_dirty());
        let stored = disk.stored();
        let terms = stored.log.entries().iter().map(|e| e.term.get());
        (stored.hard_state, terms.collect())
    }

    #[test]
    fn a_crash_may_lose_all_that_was_not_synced() {
        assert_eq!(after(Loss::All), (hard_state(1, 1), vec![1, 1, 1]));
    }

    #[test]
    fn a_crash_may_lose_nothing() {
        assert_eq!(after(Loss::Nothing), (hard_state(2, 3), vec![1, 2, 2, 2]));
    }

    #[test]
    fn a_torn_write_keeps_the_vote_and_a_prefix() {
        let part = |entries| after(Loss::Part { writes: 0, entries });
        assert_eq!(part(0), (hard_state(2, 1), vec![1, 1, 1]));
        assert_eq!(part(1), (hard_state(2, 1), vec![1, 2]));
        assert_eq!(part(2), (hard_state(2, 3), vec![1, 2, 2]));
        assert_eq!(part(9), (hard_state(2, 3), vec![1, 2, 2, 2]));
    }

    #[test]
    fn a_snapshot_is_there_before_the_entries_behind_it() {
        let installed = |kept| {
            let mut disk = dirty();
            let snapshot = Snapshot {
                last: Position::new(9, 2),
                ..Snapshot::default()
            };
            let write = LogWrite {
                after: Index::new(9),
                entries: entries(&[2, 3]),
            };
            let snapshot = SnapshotWrite::Installed(snapshot);
            disk.write(Some(hard_state(3, 9)), Some(snapshot), None);
            disk.write(None, None, Some(write));
            assert_eq!(disk.waiting_parts(0), 3);
            disk.crash(Loss::Part {
                writes: 0,
                entries: kept,
            });
            let stored = disk.stored();
            (stored.hard_state.commit.get(), stored.log.last())
        };
        assert_eq!(installed(0), (1, Position::new(3, 1)));
        assert_eq!(installed(1), (9, Position::new(9, 2)));
        assert_eq!(installed(2), (9, Position::new(10, 2)));
        assert_eq!(installed(3), (9, Position::new(11, 3)));
    }

    #[test]
    fn compaction_keeps_what_waits_behind_it() {
        let mut disk = dirty();
        let snapshot = Snapshot {
            last: Position::new(1, 1),
            ..Snapshot::default()
        };
        disk.write(None, Some(SnapshotWrite::Compacted(snapshot)), None);
        disk.sync();
        assert_eq!(disk.stored().log.entries(), entries(&[2, 2, 2]));
        assert_eq!(disk.durable().last, Position::new(4, 2));
    }

    #[test]
    fn queued_writes_are_synced_in_order_and_lost_from_the_tail() {
        let queued = || {
            let mut disk = Disk::queued(Stored {
                hard_state: hard_state(1, 1),
                log: Log::new(entries(&[1])).expect("in order"),
            });
            for (term, after) in [(2, 1), (3, 2), (4, 3)] {
                let write = LogWrite {
                    after: Index::new(after),
                    entries: entries(&[term, term]),
                };
                assert!(disk.write(Some(hard_state(term, 1)), None, Some(write)));
            }
            assert!(!disk.write(None, None, None));
            disk
        };
        let mut disk = queued();
        assert!(disk.sync_oldest());
        assert_eq!(disk.durable().last, Position::new(3, 2));
        let after = |loss| {
            let mut disk = queued();
            disk.crash(loss);
            let durable = disk.durable();
            (durable.hard_state.term.get(), durable.last)
        };
        assert_eq!(after(Loss::All), (1, Position::new(1, 1)));
        assert_eq!(after(Loss::Nothing), (4, Position::new(5, 4)));
        let part = |writes, entries| after(Loss::Part { writes, entries });
        assert_eq!(part(1, 0), (3, Position::new(3, 2)));
        assert_eq!(part(1, 1), (3, Position::new(3, 3)));
        assert_eq!(part(2, 2), (4, Position::new(5, 4)));
        assert_eq!(part(9, 9), (4, Position::new(5, 4)));
    }

    #[test]
    fn a_later_write_replaces_the_end_of_a_waiting_one() {
        let mut disk = dirty();
        disk.write(
            None,
            None,
            Some(LogWrite {
                after: Index::new(2),
                entries: entries(&[3]),
            }),
        );
        disk.sync();
        let terms: Vec<_> = disk
            .stored()
            .log
            .entries()
            .iter()
            .map(|e| e.term.get())
            .collect();
        assert_eq!(terms, [1, 2, 3]);
    }
}
