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

use std::cmp::Ordering;

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
    /// properties; rules see the log, and hand the snapshot on as a whole. A log
    /// that packs what lies far back ([`GrowingLog`]) shows the rest alone.
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

    /// The entries behind `after`, of the snapshot and of the log.
    fn behind(&self, after: Index) -> impl Iterator<Item = Entry> + '_ {
        let from = usize::try_from(after.0).unwrap_or(usize::MAX);
        let behind = self.entries().get(from..).unwrap_or_default();
        behind.iter().copied()
    }

    /// The changes of the configuration behind `after`, of the snapshot and of
    /// the log, with their indexes.
    fn changes(&self, after: Index) -> impl Iterator<Item = (Index, Change)> + '_ {
        let entries = self.behind(after).enumerate();
        entries.filter_map(move |(i, entry)| match entry.payload {
            Payload::Config { change } => Some((after.plus(i + 1), change)),
            _ => None,
        })
    }

    /// Where the latest change of the configuration in the log stands; zero
    /// without one.
    fn latest_change(&self) -> Index {
        let indexes = (self.base().0 + 1..=self.last_index().0).rev().map(Index);
        let is_change = |index: &Index| {
            let entry = self.held(*index);
            entry.is_some_and(|entry| matches!(entry.payload, Payload::Config { .. }))
        };
        indexes.into_iter().find(is_change).unwrap_or_default()
    }

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
        self.behind(after).take(count).collect()
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

/// How many entries of a [`GrowingLog`] stand one by one at the least, if it has
/// as many.
const LOOSE: usize = 1 << 10;

/// The log of a run that is followed: it grows for as long as the run does.
///
/// What lies far back is packed, and nothing of it is lost: a leader appends in
/// its term one command after the other, so that a run of them is known by its
/// first one. What a log takes grows with the terms that have entries in it.
#[derive(Clone, Debug, Default)]
pub struct GrowingLog {
    /// What lies far back, in order.
    packed: Vec<Run>,
    /// How many entries that is.
    packed_count: usize,
    /// The entries behind those.
    all: Vec<Entry>,
    compacted: Index,
    /// Where the changes of the configuration stand, in order, and what they are.
    changes: Vec<(Index, Change)>,
}

/// Entries in a row of one term and one kind. Of commands the numbers follow one
/// another; a change stands alone.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The index of the first.
    first: Index,
    term: Term,
    payload: Payload,
}

impl Run {
    /// The entry at `index`, which is one of the run's.
    fn entry(&self, index: Index) -> Entry {
        let payload = match self.payload {
            Payload::Write { number } => {
                let behind = u32::try_from(index.0 - self.first.0).unwrap_or_default();
                Payload::Write {
                    number: number.wrapping_add(behind),
                }
            }
            payload => payload,
        };
        Entry {
            term: self.term,
            payload,
        }
    }

    /// Whether `entry`, at `index`, goes on with the run that ends before it.
    fn takes(&self, index: Index, entry: &Entry) -> bool {
        !matches!(entry.payload, Payload::Config { .. }) && self.entry(index) == *entry
    }
}

impl GrowingLog {
    /// The index of the first change of the configuration behind `after`.
    pub fn next_change(&self, after: Index) -> Option<Index> {
        let next = self.changes.partition_point(|(index, _)| *index <= after);
        self.changes.get(next).map(|(index, _)| *index)
    }

    /// How much is kept: entries one by one, and runs of them.
    pub fn kept(&self) -> usize {
        self.all.len() + self.packed.len() + self.changes.len()
    }

    /// Packs the older half of what stands one by one.
    fn pack(&mut self) {
        for entry in self.all.drain(..LOOSE) {
            self.packed_count += 1;
            let first = Index(self.packed_count as u64);
            if !self
                .packed
                .last()
                .is_some_and(|run| run.takes(first, &entry))
            {
                let Entry { term, payload } = entry;
                self.packed.push(Run {
                    first,
                    term,
                    payload,
                });
            }
        }
    }

    /// The run that holds `index`, which is packed.
    fn run(&self, index: Index) -> Option<&Run> {
        let behind = self.packed.partition_point(|run| run.first <= index);
        self.packed.get(behind.checked_sub(1)?)
    }
}

impl PartialEq for GrowingLog {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for GrowingLog {}

impl PartialOrd for GrowingLog {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How much is packed makes no difference.
impl Ord for GrowingLog {
    fn cmp(&self, other: &Self) -> Ordering {
        let entries = self.behind(Index::ZERO).cmp(other.behind(Index::ZERO));
        entries.then(self.compacted.cmp(&other.compacted))
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
        if self.all.len() >= 2 * LOOSE {
            self.pack();
        }
        self.all.push(entry);
        if let Payload::Config { change } = entry.payload {
            self.changes.push((self.last_index(), change));
        }
    }
    fn truncate(&mut self, keep: Index) {
        let keep = keep.max(self.compacted);
        let count = usize::try_from(keep.0).unwrap_or(usize::MAX);
        self.all.truncate(count.saturating_sub(self.packed_count));
        if count < self.packed_count {
            self.packed_count = count;
            let kept = self.packed.partition_point(|run| run.first <= keep);
            self.packed.truncate(kept);
        }
        let kept = self.changes.partition_point(|(index, _)| *index <= keep);
        self.changes.truncate(kept);
    }
    fn behind(&self, after: Index) -> impl Iterator<Item = Entry> + '_ {
        let after = usize::try_from(after.0).unwrap_or(usize::MAX);
        let first = self
            .packed
            .partition_point(|run| run.first.0 <= after as u64);
        // The run that holds the entry at `after`, or goes before it.
        let mut run = first.saturating_sub(1);
        let packed = (after.min(self.packed_count)..self.packed_count).map(move |i| {
            let index = Index(i as u64 + 1);
            while self
                .packed
                .get(run + 1)
                .is_some_and(|next| next.first <= index)
            {
                run += 1;
            }
            self.packed[run].entry(index)
        });
        let loose = self.all.get(after.saturating_sub(self.packed_count)..);
        packed.chain(loose.unwrap_or_default().iter().copied())
    }
    fn changes(&self, after: Index) -> impl Iterator<Item = (Index, Change)> + '_ {
        let from = self.changes.partition_point(|(index, _)| *index <= after);
        self.changes[from..].iter().copied()
    }
    fn latest_change(&self) -> Index {
        let latest = self.changes.last().map(|(index, _)| *index);
        latest
            .filter(|index| *index > self.compacted)
            .unwrap_or_default()
    }
    fn held(&self, index: Index) -> Option<Entry> {
        let at = usize::try_from(index.0.checked_sub(1)?).ok()?;
        match at.checked_sub(self.packed_count) {
            Some(at) => self.all.get(at).copied(),
            None => self.run(index).map(|run| run.entry(index)),
        }
    }
    fn last_index(&self) -> Index {
        Index((self.packed_count + self.all.len()) as u64)
    }
    #[inline]
    fn last(&self) -> Position {
        let last = self.last_index();
        // The last entry is seldom packed, and its term is known if it is
        // compacted.
        match self.all.last() {
            Some(entry) => Position::new(last, entry.term),
            None => Position::new(last, self.term_at(last).unwrap_or_default()),
        }
    }
    fn configuration_of_snapshot(&self, start: Config) -> Config {
        let changes = self.changes.iter();
        let changes = changes.take_while(|(index, _)| *index <= self.compacted);
        changes.fold(start, |config, (_, change)| config.after(change))
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
    fn what_is_packed_is_what_was_pushed() {
        let mut small = InlineLog::empty();
        let mut large = GrowingLog::empty();
        let (mut number, mut term) = (0, 1);
        let mut push = |small: &mut InlineLog, large: &mut GrowingLog, i: u64| {
            let payload = match i % 701 {
                0 => Payload::Noop,
                1 => Payload::Config {
                    change: Change::joins(crate::ids::NodeSet::first(1 + (i % 5) as usize)),
                },
                _ => Payload::Write { number },
            };
            term += u64::from(i.is_multiple_of(701));
            // Now and then another leader's commands come between.
            number += if i.is_multiple_of(97) { 3 } else { 1 };
            let entry = Entry {
                term: Term(term),
                payload,
            };
            small.push(entry);
            large.push(entry);
        };
        for i in 0..20_000 {
            push(&mut small, &mut large, i);
            if i.is_multiple_of(4_001) {
                let keep = Index(small.last_index().0 * 2 / 3);
                small.truncate(keep);
                large.truncate(keep);
            }
        }
        let last = small.last_index();
        assert_eq!(large.last_index(), last);
        assert!(large.kept() < 4 * LOOSE, "{}", large.kept());
        for after in (0..=last.0 + 1).step_by(97).map(Index) {
            assert_eq!(small.batch(after, 50), large.batch(after, 50), "{after}");
            assert_eq!(small.held(after), large.held(after));
            assert_eq!(small.term_at(after), large.term_at(after));
            let changes: Vec<_> = large.changes(after).collect();
            assert_eq!(small.changes(after).collect::<Vec<_>>(), changes);
        }
        assert!(small.behind(Index::ZERO).eq(large.behind(Index::ZERO)));
        assert_eq!(small.latest_change(), large.latest_change());
        // The same entries, packed at other moments.
        let mut other = GrowingLog::empty();
        small
            .behind(Index::ZERO)
            .for_each(|entry| other.push(entry));
        assert_eq!(large, other);
        other.truncate(Index(last.0 - 1));
        assert!(other < large);
        for keep in [last.0 - 1, 1500, 1025, 1024, 3, 0].map(Index) {
            small.truncate(keep);
            large.truncate(keep);
            assert!(
                small.behind(Index::ZERO).eq(large.behind(Index::ZERO)),
                "{keep}"
            );
            assert_eq!(small.last(), large.last());
        }
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
