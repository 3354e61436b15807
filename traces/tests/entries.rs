//! Runs of entries say the same as the entries one by one.

use plimsoll_trace::*;
use quickcheck::{TestResult, quickcheck};

/// The runs, spelled out.
fn spelled(entries: &Entries) -> Vec<Term> {
    entries
        .runs()
        .iter()
        .flat_map(|run| std::iter::repeat_n(run.term, run.count as usize))
        .collect()
}

quickcheck! {
    fn runs_say_every_term(after: u32, terms: Vec<u8>) -> bool {
        // Few different terms, so that runs are long.
        let terms: Vec<Term> = terms.into_iter().map(|t| Term(u64::from(t % 3))).collect();
        let entries = Entries::of_terms(after as u64, terms.clone()).unwrap();
        let last = u64::from(after) + terms.len() as u64;
        spelled(&entries) == terms
            && entries.len() == terms.len() as u64
            && entries.last_index() == Index(last)
            && entries.last().map(|p| p.term) == terms.last().copied()
            && entries.first_index().is_none() == terms.is_empty()
            && (0..terms.len()).all(|at| {
                entries.term_at(Index(u64::from(after) + 1 + at as u64)) == Some(terms[at])
            })
            && entries.term_at(Index(u64::from(after))).is_none()
            && entries.term_at(Index(last + 1)).is_none()
    }

    fn runs_are_as_few_as_can_be(terms: Vec<u8>) -> bool {
        let terms: Vec<Term> = terms.into_iter().map(|t| Term(u64::from(t % 3))).collect();
        let changes = terms.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let runs = Entries::of_terms(0, terms.clone()).unwrap().runs().len();
        runs == changes + usize::from(!terms.is_empty())
    }

    /// However a writer cut its runs, the entries are the same.
    fn other_cuts_are_the_same_entries(runs: Vec<(u8, u8)>) -> TestResult {
        if runs.iter().any(|(_, count)| *count == 0) {
            return TestResult::discard();
        }
        let whole: Vec<Run> = runs
            .iter()
            .map(|(term, count)| Run { term: Term(u64::from(term % 3)), count: u64::from(*count) })
            .collect();
        let single = whole.iter().flat_map(|run| {
            std::iter::repeat_n(Run { count: 1, ..*run }, run.count as usize)
        });
        TestResult::from_bool(
            Entries::of_runs(9, single).unwrap() == Entries::of_runs(9, whole.clone()).unwrap(),
        )
    }

    fn what_is_written_is_read(after: u64, runs: Vec<(u64, u64)>) -> TestResult {
        let runs = runs.into_iter().map(|(term, count)| Run { term: Term(term), count });
        let Ok(entries) = Entries::of_runs(after, runs) else { return TestResult::discard() };
        let text = serde_json::to_string(&entries).unwrap();
        TestResult::from_bool(serde_json::from_str::<Entries>(&text).unwrap() == entries)
    }

    /// Any runs at all: entries whose every number fits, or an error.
    fn any_runs(after: u64, runs: Vec<(u64, u64)>) -> bool {
        let sum = runs.iter().try_fold(after, |sum, (_, count)| sum.checked_add(*count));
        let fits = sum.is_some() && runs.iter().all(|(_, count)| *count > 0);
        let runs = runs.into_iter().map(|(term, count)| Run { term: Term(term), count });
        match Entries::of_runs(after, runs) {
            Ok(entries) => fits && Some(entries.last_index().0) == sum,
            Err(_) => !fits,
        }
    }
}

/// A short line may stand for more entries than any machine holds: nothing
/// spells them out.
#[test]
fn a_run_of_all_there_can_be() {
    let text = format!(r#"{{"after":0,"runs":[[1,{}],[2,1]]}}"#, u64::MAX - 1);
    let entries: Entries = serde_json::from_str(&text).unwrap();
    assert_eq!(entries.last(), Some(Position::new(u64::MAX, 2)));
    assert_eq!(entries.term_at(Index(u64::MAX - 1)), Some(Term(1)));
    assert_eq!(entries.term_at(Index(u64::MAX)), Some(Term(2)));
    assert_eq!(Entries::after(u64::MAX).last_index(), Index(u64::MAX));
    assert_eq!(Entries::after(u64::MAX).first_index(), None);
    assert!(Entries::of_terms(u64::MAX, [1]).is_err());
}

#[test]
fn entries_of_which_all_is_known() {
    let item = |term: u64, kind, op: Option<&str>| Entry {
        term: Term(term),
        kind,
        op: op.map(OpId::from),
        hash: ContentHash(term),
    };
    let items = [
        item(2, EntryKind::Noop, None),
        item(2, EntryKind::Write, Some("5.1")),
    ];
    assert_eq!(
        serde_json::to_string(&Entries::of(4, items).unwrap()).unwrap(),
        concat!(
            r#"{"after":4,"runs":[[2,2]],"hashes":["0000000000000002","0000000000000002"],"#,
            r#""kinds":["noop","write"],"ops":[null,"5.1"]}"#,
        )
    );
}
