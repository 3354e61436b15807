//! The packed rules against the second reading of `raft.tla`.

use std::collections::{BTreeSet, HashSet};

use plimsoll_model::engine::space::{Sink, Space, Worker};
use plimsoll_model::yardstick::{Action, Bounds, State, Yardstick};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::sample::{any_bounds, any_state, renamed};
use crate::{reference, yardstick};

/// What can happen, in no order: its name, and where it leads if in bounds.
type Successors = Vec<(String, Option<State>)>;

fn packed(yardstick: &Yardstick, state: &State) -> Successors {
    let packed = yardstick.pack(state).expect("a state in bounds");
    let steps = yardstick.describe(&packed).into_iter();
    let steps = steps.map(|step| {
        let after = step.successor.as_ref().map(|after| {
            let state = yardstick.unpack(after);
            assert_eq!(yardstick.pack(&state).as_ref(), Some(after), "{state}");
            state
        });
        (step.to_string(), after)
    });
    let mut all: Successors = steps.collect();
    all.sort();
    all
}

fn plain(bounds: &Bounds, state: &State) -> Successors {
    let next = reference::next(state, bounds.values.into()).into_iter();
    let mut all: Successors = next
        .map(|(name, after)| (name, reference::in_bounds(&after, bounds).then_some(after)))
        .collect();
    all.sort();
    all
}

/// Every state reachable within a row's bounds, by the second reading; its
/// counts, and both readings' successors compared on each.
fn compare_all(row: [u32; 6]) -> (usize, usize) {
    let yardstick = yardstick(row);
    let bounds = *yardstick.bounds();
    let initial = State::initial(bounds.servers as usize);
    assert_eq!(yardstick.unpack(&yardstick.initial()), initial);
    let mut seen = HashSet::from([initial.clone()]);
    let mut pending = vec![initial];
    let mut generated = 1;
    while let Some(state) = pending.pop() {
        let next = plain(&bounds, &state);
        assert_eq!(packed(&yardstick, &state), next, "from\n{state}");
        generated += next.len();
        for state in next.into_iter().filter_map(|(_, after)| after) {
            if seen.insert(state.clone()) {
                pending.push(state);
            }
        }
    }
    (seen.len(), generated)
}

#[test]
fn both_readings_agree_on_every_reachable_state_of_small_bounds() {
    assert_eq!(compare_all([2, 1, 2, 1, 1, 1]), (1_645, 12_861));
    assert_eq!(compare_all([2, 2, 2, 1, 1, 1]), (1_989, 15_877));
    assert_eq!(compare_all([2, 1, 2, 2, 1, 1]), (2_431, 18_727));
    assert_eq!(compare_all([2, 1, 2, 1, 2, 1]), (13_479, 134_721));
}

#[test]
fn every_action_is_compared() {
    let mut runner = TestRunner::deterministic();
    let mut fired = BTreeSet::new();
    for _ in 0..2_000 {
        let drawn = any_state().new_tree(&mut runner).expect("a state");
        let (bounds, state) = drawn.current();
        let yardstick = Yardstick::new(bounds).expect("bounds in range");
        assert_eq!(
            packed(&yardstick, &state),
            plain(&bounds, &state),
            "{bounds} from\n{state}"
        );
        let steps = yardstick.describe(&yardstick.pack(&state).expect("in bounds"));
        fired.extend(steps.iter().map(|step| step.action.name()));
    }
    let all: BTreeSet<_> = Action::ALL.iter().map(|action| action.name()).collect();
    assert_eq!(fired, all);
}

/// Keeps what a worker hands out.
#[derive(Default)]
struct Keep(Vec<Option<Vec<u8>>>);

impl Sink for Keep {
    fn state(&mut self, packed: &[u8], orbit: u32, broken: u64) {
        assert_eq!((orbit, broken), (1, 0));
        self.0.push(Some(packed.to_vec()));
    }

    fn beyond(&mut self) {
        self.0.push(None);
    }
}

proptest! {
    /// From any state within any bounds.
    #[test]
    fn both_readings_agree_on_any_state((bounds, state) in any_state()) {
        let yardstick = Yardstick::new(bounds).expect("bounds in range");
        prop_assert_eq!(packed(&yardstick, &state), plain(&bounds, &state));
    }

    /// Along random runs, with one worker that keeps its scratch space.
    #[test]
    fn both_readings_agree_along_runs(
        bounds in any_bounds(),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 1..80),
    ) {
        let yardstick = Yardstick::new(bounds).expect("bounds in range");
        let mut worker = yardstick.worker();
        let mut here = yardstick.initial();
        let mut total = 0;
        for choice in choices {
            let state = yardstick.unpack(&here);
            prop_assert_eq!(packed(&yardstick, &state), plain(&bounds, &state));
            prop_assert_eq!(worker.judge(&here), 0);
            let mut keep = Keep::default();
            worker.expand(&here, &mut keep);
            let steps = yardstick.describe(&here);
            let described: Vec<_> = steps.into_iter().map(|step| step.successor).collect();
            prop_assert_eq!(&keep.0, &described);
            total += described.len() as u64;
            prop_assert_eq!(worker.counts().iter().sum::<u64>(), total);
            // Onwards where it leads on, if anything does.
            let on: Vec<_> = keep.0.into_iter().flatten().filter(|next| *next != here).collect();
            if on.is_empty() {
                break;
            }
            here.clone_from(choice.get(&on));
        }
    }

    /// The successors of a renamed state are the renamed successors.
    #[test]
    fn no_rule_compares_names(
        ((bounds, state), by) in any_state().prop_flat_map(|(bounds, state)| {
            let names: Vec<_> = (0..bounds.servers as usize).collect();
            (Just((bounds, state)), Just(names).prop_shuffle())
        }),
    ) {
        let yardstick = Yardstick::new(bounds).expect("bounds in range");
        let ends = |state: &State, by: &[usize]| {
            let steps = yardstick.describe(&yardstick.pack(state).expect("in bounds"));
            let mut ends: Vec<_> = steps
                .into_iter()
                .map(|step| {
                    let after = step.successor.map(|after| yardstick.unpack(&after));
                    (step.action.name(), after.map(|after| renamed(&after, by)))
                })
                .collect();
            ends.sort();
            ends
        };
        let same: Vec<_> = (0..by.len()).collect();
        prop_assert_eq!(ends(&renamed(&state, &by), &same), ends(&state, &by));
    }
}
