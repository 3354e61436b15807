//! The log: entries, matching, splicing, the up-to-date order.
//!
//! Invariants of a log, held by [`check`]:
//!
//! 1. indexes are contiguous from 1;
//! 2. terms never decrease along the log;
//! 3. no entry has term zero;
//! 4. the base is not above the last index.
//!
//! One trait, two containers: [`InlineLog`] is small and lies in the state of
//! an exploration, [`GrowingLog`] follows a run of any length.
//!
//! # Snapshots
//!
//! A state machine that tells most is the list of the entries applied to it: of
//! any two runs it tells whether they applied the same. So the state in a
//! snapshot (section 7) *is* the prefix that the snapshot replaces, and a log
//! keeps up to where it is compacted, its [`Log::base`]. What is a rule's to see
//! ends there: of the entry at the base only the term is known, of those below
//! nothing. What is a property's to see does not: [`Log::entries`] are the state
//! of the snapshot and then the log, [`Log::held`] is one of either. So nothing
//! that is judged is lost in a compaction, and whether a snapshot equals the
//! prefix that it replaces is a comparison that can fail.

use smallvec::SmallVec;

use crate::config::{Change, Config};
use crate::ids::{Index, Position, Term};
use crate::{choice, record};

choice! {
    /// What an entry carries.
    #[derive(Copy, Hash)]
    pub enum Payload {
        /// The entry a new leader appends at the start of its term (section 8).
        Noop = 0,
        /// A client's command; every write in a run has a number of its own.
        Write {
            /// The number.
            number: u32,
        } = 1,
        /// A change of the configuration.
        Config {
            /// The change. A bootstrap entry lets all voters so far join, not
            /// only the new one.
            change: Change,
        } = 2,
    }
}

record! {
    /// A log entry (section 5.3). Its index is its place in the log.
    #[derive(Copy, Hash)]
    pub struct Entry {
        /// The term of the leader that created the entry.
        pub term: Term,
        /// What the entry carries.
        pub payload: Payload,
    }
}

/// Entries in a row, as a message carries them.
pub type Batch = SmallVec<[Entry; 2]>;

/// A log, seen by the rules. Entries run from the one after [`Log::base`] to
/// [`Log::last`].
pub trait Log: Clone + PartialEq + Eq + PartialOrd + Ord + std::fmt::Debug {
    /// A log without entries.
    fn empty() -> Self;
    /// All entries, in order: the state of the snapshot, then the log. For
    /// properties; rules see the log, and hand the snapshot on as a whole.
    fn entries(&self) -> &[Entry];
    /// Up to where the log is compacted: the index of the last entry that the
    /// snapshot replaces, zero without one.
    fn base(&self) -> Index;
    /// Makes the prefix up to `base` the snapshot.
    fn rebase(&mut self, base: Index);
    /// Appends one entry.
    fn push(&mut self, entry: Entry);
    /// Drops all entries after `keep`, none that the snapshot replaces.
    fn truncate(&mut self, keep: Index);

    /// The state of the snapshot: the entries that it replaces.
    fn snapshot(&self) -> &[Entry] {
        let base = usize::try_from(self.base().0).unwrap_or(usize::MAX);
        self.entries().get(..base).unwrap_or_default()
    }

    /// The configuration that the snapshot leads to from `start`.
    fn configuration_of_snapshot(&self, start: Config) -> Config {
        start.fold(self.snapshot())
    }

    /// The entries of the log: those behind the base.
    fn tail(&self) -> &[Entry] {
        let base = usize::try_from(self.base().0).unwrap_or(usize::MAX);
        self.entries().get(base..).unwrap_or_default()
    }

    /// The entry at `index`, in the log or in the state of the snapshot. For
    /// properties.
    fn held(&self, index: Index) -> Option<Entry> {
        let at = usize::try_from(index.0.checked_sub(1)?).ok()?;
        self.entries().get(at).copied()
    }

    /// Whether log or snapshot hold the entry at `position`. For properties.
    fn holds(&self, position: Position) -> bool {
        let held = self.held(position.index).map(|entry| entry.term);
        position == Position::ZERO || held == Some(position.term)
    }

    /// The index of the last entry, zero without entries.
    fn last_index(&self) -> Index {
        Index(self.entries().len() as u64)
    }

    /// The position of the last entry.
    fn last(&self) -> Position {
        let last = self.last_index();
        Position::new(last, self.term_at(last).unwrap_or_default())
    }

    /// The entry at `index`; `None` past the end and where it is compacted.
    fn entry(&self, index: Index) -> Option<Entry> {
        (index > self.base()).then(|| self.held(index))?
    }

    /// The term at `index`; zero at index zero, `None` past the end. Of what is
    /// compacted only the term of the last entry is known.
    fn term_at(&self, index: Index) -> Option<Term> {
        if index < self.base() {
            return None;
        }
        if index == Index::ZERO {
            return Some(Term(0));
        }
        self.held(index).map(|entry| entry.term)
    }

    /// Whether the log has an entry at `position` (index zero matches, unless
    /// it is compacted).
    fn has(&self, position: Position) -> bool {
        self.term_at(position.index) == Some(position.term)
    }

    /// Up to `count` entries after `after`.
    fn batch(&self, after: Index, count: usize) -> Batch {
        let from = usize::try_from(after.0).unwrap_or(usize::MAX);
        self.entries()
            .iter()
            .skip(from)
            .take(count)
            .copied()
            .collect()
    }

    /// The largest index not above `at` whose term is not above `term`: where
    /// a probe can still match (the conflict hint of section 5.3, as etcd
    /// computes it). Returns its position, with term zero where it is compacted.
    fn conflict_hint(&self, at: Index, term: Term) -> Position {
        let mut index = at.min(self.last_index());
        while let Some(here) = self.term_at(index) {
            if here <= term || index == Index::ZERO {
                return Position::new(index, here);
            }
            index = Index(index.0 - 1);
        }
        Position::new(index, Term(0))
    }
}

/// Whether the invariants of a log hold (see the [module page](self)).
pub fn check<L: Log>(log: &L) -> bool {
    let entries = log.entries();
    entries.iter().all(|entry| entry.term > Term(0))
        && entries.windows(2).all(|pair| pair[0].term <= pair[1].term)
        && log.base() <= log.last_index()
}

record! {
    /// The log of an exploration: a few entries, stored in the state itself.
    #[derive(Default)]
    pub struct InlineLog {
        /// The state of the snapshot, then the log.
        pub all: SmallVec<[Entry; 4]>,
        /// Up to where it is compacted.
        pub compacted: Index,
    }
}

/// The log of a run that is followed: it grows for as long as the run does.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrowingLog {
    all: Vec<Entry>,
    compacted: Index,
    /// Where the changes of the configuration stand, in order.
    changes: Vec<usize>,
}

impl GrowingLog {
    /// The index of the first change of the configuration behind `after`.
    pub fn next_change(&self, after: Index) -> Option<Index> {
        let after = usize::try_from(after.0).unwrap_or(usize::MAX);
        let next = self.changes.partition_point(|&index| index <= after);
        self.changes.get(next).map(|&index| Index(index as u64))
    }
}

impl Log for InlineLog {
    fn empty() -> Self {
        Self::default()
    }
    fn entries(&self) -> &[Entry] {
        &self.all
    }
    fn base(&self) -> Index {
        self.compacted
    }
    fn rebase(&mut self, base: Index) {
        self.compacted = base.min(self.last_index());
    }
    fn push(&mut self, entry: Entry) {
        self.all.push(entry);
    }
    fn truncate(&mut self, keep: Index) {
        let keep = keep.max(self.compacted);
        self.all
            .truncate(usize::try_from(keep.0).unwrap_or(usize::MAX));
    }
}

impl Log for GrowingLog {
    fn empty() -> Self {
        Self::default()
    }
    fn entries(&self) -> &[Entry] {
        &self.all
    }
    fn base(&self) -> Index {
        self.compacted
    }
    fn rebase(&mut self, base: Index) {
        self.compacted = base.min(self.last_index());
    }
    fn push(&mut self, entry: Entry) {
        self.all.push(entry);
        if matches!(entry.payload, Payload::Config { .. }) {
            self.changes.push(self.all.len());
        }
    }
    fn truncate(&mut self, keep: Index) {
        let keep = keep.max(self.compacted);
        let keep = usize::try_from(keep.0).unwrap_or(usize::MAX);
        self.all.truncate(keep);
        let kept = self.changes.partition_point(|&index| index <= keep);
        self.changes.truncate(kept);
    }
    fn configuration_of_snapshot(&self, start: Config) -> Config {
        let base = usize::try_from(self.compacted.0).unwrap_or(usize::MAX);
        let changes = self.changes.iter().take_while(|&&index| index <= base);
        start.fold(changes.filter_map(|&index| self.all.get(index - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(terms: &[u64]) -> InlineLog {
        let mut log = InlineLog::empty();
        for &term in terms {
            log.push(Entry {
                term: Term(term),
                payload: Payload::Noop,
            });
        }
        log
    }

    #[test]
    fn the_later_term_is_more_up_to_date_whatever_the_length_section_5_4_1() {
        let (short, long) = (log(&[1, 3]), log(&[1, 2, 2, 2]));
        assert!(short.last() > long.last());
        assert!(log(&[1, 2, 2]).last() > log(&[1, 2]).last());
    }

    #[test]
    fn index_zero_matches_and_the_end_does_not() {
        let log = log(&[1, 2]);
        assert!(log.has(Position::ZERO));
        assert!(log.has(Position::new(Index(2), Term(2))));
        assert!(!log.has(Position::new(Index(2), Term(1))));
        assert!(!log.has(Position::new(Index(3), Term(2))));
    }

    #[test]
    fn the_hint_skips_every_term_above_the_leaders() {
        let log = log(&[1, 3, 3, 4, 4, 5]);
        let hint = log.conflict_hint(Index(6), Term(3));
        assert_eq!(hint, Position::new(Index(3), Term(3)));
        assert_eq!(log.conflict_hint(Index(9), Term(0)), Position::ZERO);
    }

    #[test]
    fn what_is_compacted_is_held_and_not_seen() {
        let mut log = log(&[1, 2, 2, 3]);
        log.rebase(Index(2));
        assert_eq!((log.term_at(Index(1)), log.entry(Index(2))), (None, None));
        assert!(log.has(Position::new(Index(2), Term(2))) && !log.has(Position::ZERO));
        assert!(log.holds(Position::new(Index(1), Term(1))) && log.holds(Position::ZERO));
        assert_eq!((log.snapshot().len(), log.entries().len()), (2, 4));
        assert_eq!(log.tail(), &log.entries()[2..]);
        log.truncate(Index(1));
        assert_eq!(log.last(), Position::new(Index(2), Term(2)));
        assert_eq!(
            log.conflict_hint(Index(9), Term(1)),
            Position::new(Index(1), Term(0))
        );
    }

    #[test]
    fn both_containers_agree() {
        let mut small = InlineLog::empty();
        let mut large = GrowingLog::empty();
        for term in [1, 1, 2, 5, 5, 6] {
            let entry = Entry {
                term: Term(term),
                payload: Payload::Write { number: 7 },
            };
            small.push(entry);
            large.push(entry);
        }
        let config = Payload::Config {
            change: Change::joins(crate::ids::NodeSet::first(3)),
        };
        let change = Entry {
            term: Term(6),
            payload: config,
        };
        small.push(change);
        large.push(change);
        small.truncate(Index(7));
        large.truncate(Index(7));
        for base in [0, 6, 7] {
            small.rebase(Index(base));
            large.rebase(Index(base));
            assert_eq!(
                small.configuration_of_snapshot(Config::UNKNOWN),
                large.configuration_of_snapshot(Config::UNKNOWN)
            );
        }
        small.rebase(Index(0));
        large.rebase(Index(0));
        assert_eq!(large.next_change(Index(3)), Some(Index(7)));
        small.truncate(Index(5));
        large.truncate(Index(5));
        assert_eq!(large.next_change(Index(3)), None);
        assert_eq!(small.entries(), large.entries());
        assert!(check(&small) && check(&large));
    }
}
