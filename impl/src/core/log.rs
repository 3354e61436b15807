//! The log (Raft section 5.3).

use super::entry::{Entry, Payload};
use super::ids::{Index, Position, Term};

/// The entries of one server, from index 1.
///
/// Invariants, kept by every method:
/// - terms never fall from one entry to the next;
/// - no entry has term 0;
/// - [`Log::last`] is [`Position::ZERO`] exactly when the log is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
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
        Some(Self { entries })
    }

    /// Where the log ends.
    #[must_use]
    pub fn last(&self) -> Position {
        Position {
            term: self.entries.last().map_or(Term::ZERO, |entry| entry.term),
            index: Index::ZERO.plus(self.entries.len()),
        }
    }

    /// The entry at `index`.
    #[must_use]
    pub fn get(&self, index: Index) -> Option<&Entry> {
        self.entries.get(slot(index)?)
    }

    /// The term at `index`: 0 before the first entry, `None` past the end.
    #[must_use]
    pub fn term_at(&self, index: Index) -> Option<Term> {
        match index {
            Index::ZERO => Some(Term::ZERO),
            index => self.get(index).map(|entry| entry.term),
        }
    }

    /// Whether this log has an entry at that position. By log matching it
    /// then agrees with every log that does, up to there.
    #[must_use]
    pub fn contains(&self, position: Position) -> bool {
        self.term_at(position.index) == Some(position.term)
    }

    /// At most `entries_max` entries after `after`.
    #[must_use]
    pub fn after(&self, after: Index, entries_max: usize) -> &[Entry] {
        let from = usize::try_from(after.get())
            .unwrap_or(usize::MAX)
            .min(self.entries.len());
        let until = from.saturating_add(entries_max).min(self.entries.len());
        &self.entries[from..until]
    }

    /// Does what a write says, as a storage must.
    ///
    /// # Panics
    ///
    /// When the write leaves a hole, or makes terms fall.
    pub fn rewrite(&mut self, write: LogWrite) {
        let after = usize::try_from(write.after.get()).expect("a log fits in memory");
        assert!(after <= self.entries.len(), "a hole after {}", write.after);
        self.entries.truncate(after);
        let mut term = self.last().term.max(Term::new(1));
        for entry in &write.entries {
            assert!(entry.term >= term, "terms fall after {}", write.after);
            term = entry.term;
        }
        self.entries.extend(write.entries);
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
        self.entries
            .truncate(usize::try_from(after.get()).expect("within the log"));
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
    /// at its end). An index past the end comes back with term 0, unknown.
    #[must_use]
    pub fn agreement_bound(&self, index: Index, term: Term) -> Position {
        if index > self.last().index {
            return Position {
                term: Term::ZERO,
                index,
            };
        }
        let until = usize::try_from(index.get()).expect("within the log");
        let agreeing = self.entries[..until].partition_point(|entry| entry.term <= term);
        let index = Index::ZERO.plus(agreeing);
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
            .any(|entry| matches!(entry.payload, Payload::AddVoter(_)))
    }

    /// All entries, from index 1.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// Where `index` stands in a vector of entries.
fn slot(index: Index) -> Option<usize> {
    usize::try_from(index.get().checked_sub(1)?).ok()
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
