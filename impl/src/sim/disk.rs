//! A disk in memory that knows what it may lose.

use crate::core::{Durable, HardState, Index, LogWrite, Snapshot, SnapshotWrite, Stored};

/// What a crash does to the writes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All of them are lost.
    All,
    /// Term and vote survive, and so does a prefix of the new entries. With
    /// no entry surviving, the log is as it was, truncation included. A new
    /// snapshot is written before the entries, and counts for one. The new
    /// commit index survives where the surviving log reaches it.
    Part {
        /// How many of the new entries survive at most.
        entries: usize,
    },
    /// None is lost: the crash came just after the last write.
    Nothing,
}

/// A disk whose writes become durable together, in [`Disk::sync`].
///
/// Invariants:
/// - what is synced is never lost;
/// - the synced part is always a state that a server can start from.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    synced: Stored,
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
    /// A disk on which this stands durably.
    #[must_use]
    pub fn new(stored: Stored) -> Self {
        Self {
            synced: stored,
            hard_state: None,
            snapshot: None,
            log: None,
        }
    }

    /// Takes in a write, to be synced with those before it.
    ///
    /// # Panics
    ///
    /// When it leaves a hole in the log.
    pub fn write(
        &mut self,
        hard_state: Option<HardState>,
        snapshot: Option<SnapshotWrite>,
        log: Option<LogWrite>,
    ) {
        if hard_state.is_some() {
            self.hard_state = hard_state;
        }
        if let Some(snapshot) = snapshot {
            self.write_snapshot(snapshot);
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

    fn write_snapshot(&mut self, write: SnapshotWrite) {
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

    /// Whether a write waits to be synced.
    #[must_use]
    pub const fn is_dirty(&self) -> bool {
        self.hard_state.is_some() || self.snapshot.is_some() || self.log.is_some()
    }

    /// Makes all writes durable.
    pub fn sync(&mut self) {
        if let Some(hard_state) = self.hard_state.take() {
            self.synced.hard_state = hard_state;
        }
        self.sync_snapshot();
        if let Some(write) = self.log.take() {
            self.synced.log.rewrite(write);
        }
    }

    fn sync_snapshot(&mut self) {
        match self.snapshot.take() {
            Some(Waiting {
                snapshot,
                installed: false,
            }) => self.synced.log.compact(snapshot),
            Some(waiting) => self.synced.log.reset(waiting.snapshot),
            None => {}
        }
    }

    /// Loses what was not synced, as `loss` says.
    pub fn crash(&mut self, loss: Loss) {
        match loss {
            Loss::All => {}
            Loss::Nothing => self.sync(),
            Loss::Part { entries } => self.survive(entries),
        }
        self.hard_state = None;
        self.snapshot = None;
        self.log = None;
    }

    fn survive(&mut self, mut entries_max: usize) {
        let mut lost = false;
        let mut compacted = false;
        if let Some(waiting) = self.snapshot.take() {
            if entries_max > 0 {
                entries_max -= 1;
                compacted = true;
                self.snapshot = Some(waiting);
                self.sync_snapshot();
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
            false => self.synced.log.last().index,
        };
        if let Some(mut write) = self.log.take() {
            write.entries.truncate(entries_max);
            sound = write.after.plus(write.entries.len());
            // The snapshot and the truncation are one part.
            if compacted || !write.entries.is_empty() {
                self.synced.log.rewrite(write);
            }
        }
        if let Some(new) = self.hard_state.take() {
            let old = self.synced.hard_state;
            let reached = new.commit <= sound;
            self.synced.hard_state = HardState {
                commit: if reached { new.commit } else { old.commit },
                ..new
            };
        }
        // What a snapshot replaces was committed.
        let base = self.synced.log.base().index;
        let commit = &mut self.synced.hard_state.commit;
        *commit = (*commit).max(base);
    }

    /// How many parts of the log wait to be synced: entries, and a snapshot.
    #[must_use]
    pub fn waiting_parts(&self) -> usize {
        let entries = self.log.as_ref().map_or(0, |write| write.entries.len());
        entries + usize::from(self.snapshot.is_some())
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
        let part = |entries| after(Loss::Part { entries });
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
            assert_eq!(disk.waiting_parts(), 3);
            disk.crash(Loss::Part { entries: kept });
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
