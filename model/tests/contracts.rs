//! Storage that promises less than Raft needs: which properties break under
//! which contract, each found by a search to the end.

use plimsoll_model::contracts::{ALL, CONTRACTS};
use plimsoll_model::engine::{End, Engine, Exhaustive, Limits};
use plimsoll_model::rules::Branch;
use plimsoll_model::settings::{Promise, Storage};

#[test]
fn each_promise_breaks_exactly_what_the_table_says() {
    let limits = Limits {
        keep_going: true,
        ..Limits::default()
    };
    for row in &ALL {
        for (storage, expected) in CONTRACTS.into_iter().zip(row.breaks) {
            let scenario = row.scenario(storage);
            let engine = Exhaustive {
                symmetry: true,
                ..Exhaustive::on(2)
            };
            let search = engine.search(&scenario, &limits, &mut |_| {});
            let search = search.expect("a search");
            let at = format!("{:?} under {storage:?}", row.promise);
            assert_eq!(search.end, End::Exhausted, "{at}");
            let broken = search.properties.iter();
            let broken = broken.filter_map(|p| p.counterexample.as_ref());
            let broken: Vec<_> = broken.map(|c| (c.property, c.actions.len())).collect();
            assert_eq!(broken, expected, "{at}, {} states", search.distinct);
            // A promise that is never made use of shows nothing.
            let torn = search.branches[Branch::RestartedTorn as usize].count;
            let strong = matches!(row.promise, Promise::Whole | Promise::InOrder);
            let commits = row.promise == Promise::CommitBeforeEntries;
            assert_eq!(torn > 0, !strong && !commits, "{at}");
            let written = search.branches[Branch::RestartedWritten as usize].count;
            assert!(written > 0, "{at}");
        }
    }
}

#[test]
fn every_promise_and_every_contract_has_its_place() {
    assert_eq!(ALL.map(|row| row.promise), Promise::ALL);
    for promise in Promise::ALL {
        let spelled = toml::Value::try_from(promise).expect("a word");
        assert_eq!(spelled.as_str(), Some(promise.name()));
    }
    assert_eq!(
        CONTRACTS,
        [Storage::Sync, Storage::ParallelAppend, Storage::Async]
    );
}
