//! What is committed at each index of a run: whatever it is, it stays.

use std::collections::VecDeque;

use plimsoll_model::ids::Term;

use crate::verdict::Place;

/// The terms of the entries that are committed, each with the line that showed
/// it first. Terms never fall along a log, so that of what lies far back only
/// where each term begins is kept, and of terms only the last ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Committed {
    /// The last ones, one by one.
    last: VecDeque<(Term, Place)>,
    /// How many come before those.
    before: u64,
    /// Of what comes before: from where on which term, and who showed it first.
    terms: VecDeque<(u64, Term, Place)>,
    /// Up to where nothing is known any more.
    unknown: u64,
}

/// What is known of a place in the committed log.
#[derive(Debug, PartialEq)]
pub(super) enum Looked {
    /// The entry is the one committed there.
    Same,
    /// Another one is.
    Other(Term, Place),
    /// It is the next to be committed.
    Next,
    /// It lies behind the next one.
    Beyond,
    /// That was forgotten.
    Forgotten,
}

impl Committed {
    /// What is known of the entry of `term` that comes behind `at` others.
    pub(super) fn look(&self, at: u64, term: Term) -> Looked {
        if let Some(kept) = at.checked_sub(self.before) {
            let kept = usize::try_from(kept).unwrap_or(usize::MAX);
            return match self.last.get(kept) {
                Some((known, _)) if *known == term => Looked::Same,
                Some((known, place)) => Looked::Other(*known, place.clone()),
                None if kept == self.last.len() => Looked::Next,
                None => Looked::Beyond,
            };
        }
        if at < self.unknown {
            return Looked::Forgotten;
        }
        let behind = self.terms.partition_point(|(from, ..)| *from <= at);
        match behind.checked_sub(1).and_then(|run| self.terms.get(run)) {
            Some((_, known, _)) if *known == term => Looked::Same,
            Some((_, known, place)) => Looked::Other(*known, place.clone()),
            None => Looked::Forgotten,
        }
    }

    /// The next one, which `place` shows; `window` says how many are kept one by
    /// one, and how many terms.
    pub(super) fn push(&mut self, term: Term, place: &Place, window: Option<usize>) {
        self.last.push_back((term, place.clone()));
        let Some(window) = window else {
            return;
        };
        while self.last.len() > window {
            let Some((term, place)) = self.last.pop_front() else {
                break;
            };
            if self.terms.back().is_none_or(|(_, known, _)| *known != term) {
                self.terms.push_back((self.before, term, place));
            }
            self.before += 1;
        }
        while self.terms.len() > window {
            self.terms.pop_front();
            self.unknown = self.terms.front().map_or(self.before, |(from, ..)| *from);
        }
    }

    /// How much is kept.
    pub(super) fn len(&self) -> usize {
        self.last.len() + self.terms.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::sync::Arc;

    #[test]
    fn what_lies_far_back_is_known_by_its_term_and_terms_are_forgotten_at_last() {
        let place = |line| Place {
            path: Arc::from(Path::new("n1")),
            line,
            event: line - 1,
        };
        let mut committed = Committed::default();
        // Ten entries each of the terms 1 to 5.
        for at in 0..50 {
            assert_eq!(committed.look(at, Term(1 + at / 10)), Looked::Next);
            committed.push(Term(1 + at / 10), &place(at + 1), Some(3));
        }
        assert_eq!(committed.look(49, Term(5)), Looked::Same);
        assert_eq!(
            committed.look(48, Term(4)),
            Looked::Other(Term(5), place(49))
        );
        assert_eq!(committed.look(29, Term(3)), Looked::Same);
        assert_eq!(
            committed.look(29, Term(2)),
            Looked::Other(Term(3), place(21))
        );
        assert_eq!(committed.look(19, Term(2)), Looked::Forgotten);
        assert_eq!(committed.look(51, Term(5)), Looked::Beyond);
        assert_eq!(committed.len(), 6);
    }
}
