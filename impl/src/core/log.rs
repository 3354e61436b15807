//! The log (Raft section 5.3), and the snapshot that it begins behind (section
//! 7).

use std::sync::Arc;

use super::configuration::Configuration;
use super::entry::{Entry, Payload};
use super::ids::{Index, Position, Term};

/// What replaces a prefix of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The last entry that it replaces; [`Position::ZERO`] if it replaces none.
    pub last: Position,
    /// The configuration as of then.
    pub configuration: Configuration,
    /// The state of the machine as of then, as the driver wrote it.
    pub data: Arc<[u8]>,
}

/// The entries of one server, from the one behind its snapshot.
///
/// Invariants, kept by every method:
/// - terms never fall from one entry to the next, nor from the snapshot's to
///   the first;
/// - no entry has term 0;
/// - [`Log::last`] is [`Position::ZERO`] exactly when there is neither entry
///   nor snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    snapshot: Snapshot,
    entries: Vec<Entry>,
}

/// Entries that stand after `after`, whatever stood there before: what a
/// storage has to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogWrite {
    /// The index before the first of `entries`; what the log held beyond it
    /// is gone.
    pub after: Index,
    /// The new end of the log.
    pub entries: Vec<Entry>,
}

impl Log {
    /// A log of these entries, or `None` when their terms fall or are 0.
    #[must_use]
    pub fn new(entries: Vec<Entry>) -> Option<Self> {
        let mut term = Term::new(1);
        for entry in &entries {
            if entry.term < term {
                return None;
            }
            term = entry.term;
        }
        Some(Self {
            snapshot: Snapshot::default(),
            entries,
        })
    }

    /// What the log begins behind.
    #[must_use]
    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The last entry that the snapshot replaces.
    #[must_use]
    pub const fn base(&self) -> Position {
        self.snapshot.last
    }

    /// Where the log ends.
    #[must_use]
    pub fn last(&self) -> Position {
        let base = self.base();
        Position {
            term: self.entries.last().map_or(base.term, |entry| entry.term),
            index: base.index.plus(self.entries.len()),
        }
    }

    /// The entry at `index`; `None` past the end, and where the snapshot has
    /// replaced it.
    #[must_use]
    pub fn get(&self, index: Index) -> Option<&Entry> {
        self.entries.get(self.slot(index)?)
    }

    /// The term at `index`: 0 before the first entry, `None` past the end and
    /// before the last entry that the snapshot replaces.
    #[must_use]
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.base().index {
            return Some(self.base().term);
        }
        self.get(index).map(|entry| entry.term)
    }

    /// Whether this log has an entry at that position. By log matching it
    /// then agrees with every log that does, up to there.
    #[must_use]
    pub fn contains(&self, position: Position) -> bool {
        self.term_at(position.index) == Some(position.term)
    }

    /// At most `entries_max` entries after `after`; those that are there still.
    #[must_use]
    pub fn after(&self, after: Index, entries_max: usize) -> &[Entry] {
        let from = self.count_to(after);
        let until = from.saturating_add(entries_max).min(self.entries.len());
        &self.entries[from..until]
    }

    /// Does what a write says, as a storage must.
    ///
    /// # Panics
    ///
    /// When the write leaves a hole, reaches behind the snapshot, or makes
    /// terms fall.
    pub fn rewrite(&mut self, write: LogWrite) {
        let (base, last) = (self.base().index, self.last().index);
        let fits = base <= write.after && write.after <= last;
        assert!(fits, "a write after {} in {base}..={last}", write.after);
        self.entries.truncate(self.count_to(write.after));
        let mut term = self.last().term.max(Term::new(1));
        for entry in &write.entries {
            assert!(entry.term >= term, "terms fall after {}", write.after);
            term = entry.term;
        }
        self.entries.extend(write.entries);
    }

    /// Begins behind `snapshot`, and keeps the entries behind it.
    ///
    /// # Panics
    ///
    /// When this log lacks the last entry that the snapshot replaces.
    pub fn compact(&mut self, snapshot: Snapshot) {
        let last = snapshot.last;
        assert!(self.contains(last), "compacted to {last}, which is missing");
        self.entries.drain(..self.count_to(last.index));
        self.snapshot = snapshot;
    }

    /// Is `snapshot` from now on, and nothing else.
    pub fn reset(&mut self, snapshot: Snapshot) {
        self.entries.clear();
        self.snapshot = snapshot;
    }

    /// The snapshot of this log as of `index`, where the machine's state was
    /// `data`; `None` when it has no entry there, or has replaced it.
    #[must_use]
    pub fn snapshot_at(&self, index: Index, data: Arc<[u8]>) -> Option<Snapshot> {
        let term = self.get(index)?.term;
        let replaced = &self.entries[..self.count_to(index)];
        let changes = replaced.iter().filter_map(|entry| match &entry.payload {
            Payload::Change(change) => Some(change),
            Payload::Noop | Payload::Write { .. } => None,
        });
        let start = self.snapshot.configuration.clone();
        Some(Snapshot {
            last: Position { term, index },
            configuration: changes.fold(start, Configuration::after),
            data,
        })
    }

    /// Adds one entry at the end and says what that writes.
    pub(super) fn push(&mut self, entry: Entry) -> LogWrite {
        let last = self.last();
        assert!(entry.term >= last.term, "terms fall: {entry:?} at {last}");
        assert!(entry.term > Term::ZERO, "an entry of term 0");
        self.entries.push(entry.clone());
        LogWrite {
            after: last.index,
            entries: vec![entry],
        }
    }

    /// Adopts a leader's `entries` after `prev`, which this log holds.
    ///
    /// Only a conflict removes anything: an entry that is there already, and
    /// all that follows it, stays (Raft section 5.3). A delayed append would
    /// otherwise take back what a later one has had acknowledged.
    pub(super) fn splice(&mut self, prev: Position, entries: &[Entry]) -> Option<LogWrite> {
        assert!(self.contains(prev), "splice after {prev}, which is missing");
        let known = (0..entries.len())
            .take_while(|&i| self.term_at(prev.index.plus(i + 1)) == Some(entries[i].term))
            .count();
        let new = &entries[known..];
        let first = new.first()?;
        let after = prev.index.plus(known);
        self.entries.truncate(self.count_to(after));
        let last = self.last();
        assert!(first.term >= last.term, "terms fall after {last}");
        self.entries.extend_from_slice(new);
        Some(LogWrite {
            after,
            entries: new.to_vec(),
        })
    }

    /// The last position at or before `index` whose term is not above `term`.
    ///
    /// A log that ends in `index@term` can agree with this one at most up to
    /// there, since terms never fall. Both sides of a failed consistency
    /// check use it to skip whole terms (Raft section 5.3, the optimisation
    /// at its end). An index past the end, or behind the snapshot, comes back
    /// with term 0, unknown.
    #[must_use]
    pub fn agreement_bound(&self, index: Index, term: Term) -> Position {
        let base = self.base();
        if index > self.last().index || index < base.index {
            return Position {
                term: Term::ZERO,
                index,
            };
        }
        let until = self.count_to(index);
        let agreeing = self.entries[..until].partition_point(|entry| entry.term <= term);
        if agreeing == 0 && base.term > term {
            return Position {
                term: Term::ZERO,
                index: base.index.previous(),
            };
        }
        let index = base.index.plus(agreeing);
        Position {
            term: self.term_at(index).expect("within the log"),
            index,
        }
    }

    /// Whether an entry in `(after, until]` changes the configuration.
    #[must_use]
    pub fn changes_configuration(&self, after: Index, until: Index) -> bool {
        let count = until.get().saturating_sub(after.get());
        self.after(after, usize::try_from(count).unwrap_or(usize::MAX))
            .iter()
            .any(|entry| matches!(entry.payload, Payload::Change(_)))
    }

    /// All entries behind the snapshot.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where `index` stands among the entries; `None` behind the snapshot.
    fn slot(&self, index: Index) -> Option<usize> {
        let behind = index.get().checked_sub(self.base().index.get())?;
        usize::try_from(behind.checked_sub(1)?).ok()
    }

    /// How many entries there are up to `index`.
    fn count_to(&self, index: Index) -> usize {
        let behind = index.get().saturating_sub(self.base().index.get());
        let behind = usize::try_from(behind).unwrap_or(usize::MAX);
        behind.min(self.entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(terms: &[u64]) -> Log {
        let entries = terms.iter().map(|&t| Entry::noop(Term::new(t))).collect();
        Log::new(entries).expect("terms do not fall")
    }

    #[test]
    fn a_log_refuses_falling_terms_and_term_zero() {
        for terms in [&[2, 1][..], &[0], &[0, 1]] {
            let entries = terms.iter().map(|&t| Entry::noop(Term::new(t))).collect();
            assert_eq!(Log::new(entries), None);
        }
    }

    #[test]
    fn splice_keeps_what_is_there_already() {
        let mut l = log(&[1, 1, 1]);
        let entries = [Entry::noop(Term::new(1))];
        assert_eq!(l.splice(Position::new(1, 1), &entries), None);
        assert_eq!(l, log(&[1, 1, 1]));
    }

    #[test]
    fn splice_replaces_from_the_first_conflict() {
        let mut l = log(&[1, 1, 1, 1]);
        let entries = [Entry::noop(Term::new(1)), Entry::noop(Term::new(2))];
        let write = l.splice(Position::new(1, 1), &entries).expect("a conflict");
        assert_eq!(write.after, Index::new(2));
        assert_eq!(write.entries, [Entry::noop(Term::new(2))]);
        assert_eq!(l, log(&[1, 1, 2]));
    }

    #[test]
    fn a_compacted_log_knows_its_end_and_what_is_left() {
        let mut l = log(&[1, 1, 2, 3]);
        let snapshot = l.snapshot_at(Index::new(3), Arc::default()).expect("there");
        assert_eq!(snapshot.last, Position::new(3, 2));
        l.compact(snapshot.clone());
        assert_eq!(
            (l.base(), l.last()),
            (Position::new(3, 2), Position::new(4, 3))
        );
        assert_eq!(l.term_at(Index::new(2)), None);
        assert_eq!(l.term_at(Index::new(3)), Some(Term::new(2)));
        assert!(l.contains(Position::new(4, 3)) && !l.contains(Position::ZERO));
        assert_eq!(l.after(Index::new(3), 9).len(), 1);
        assert_eq!(
            l.agreement_bound(Index::new(4), Term::new(2)),
            snapshot.last
        );
        let below = Position::new(2, 0);
        assert_eq!(l.agreement_bound(Index::new(4), Term::new(1)), below);
        assert_eq!(l.agreement_bound(Index::new(2), Term::new(2)), below);
        l.reset(snapshot.clone());
        assert_eq!(l.last(), snapshot.last);
    }

    #[test]
    fn agreement_bound_skips_later_terms() {
        let l = log(&[1, 3, 3, 4, 4, 5, 5, 5, 6]);
        let bound = |index, term| l.agreement_bound(Index::new(index), Term::new(term));
        assert_eq!(bound(8, 3), Position::new(3, 3));
        assert_eq!(bound(9, 9), Position::new(9, 6));
        assert_eq!(bound(9, 2), Position::new(1, 1));
        assert_eq!(bound(5, 0), Position::ZERO);
        assert_eq!(bound(10, 9), Position::new(10, 0));
    }
}
