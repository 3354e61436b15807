//! The properties, in both directions: the plain reading of each on any state.

use std::collections::BTreeSet;

use plimsoll_model::engine::space::{Space, Worker};
use plimsoll_model::yardstick::{Entry, Role, Server, State, Yardstick};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::sample::any_state;
use crate::yardstick;

/// The names of what `state` breaks.
fn broken(yardstick: &Yardstick, state: &State) -> BTreeSet<String> {
    let packed = yardstick.pack(state).expect("a state in bounds");
    let mask = yardstick.worker().judge(&packed);
    let names = yardstick.properties().into_iter().enumerate();
    let names = names.filter(|(i, _)| mask >> i & 1 == 1);
    names.map(|(_, name)| name).collect()
}

fn prefix(server: &Server, len: usize) -> Vec<Option<Entry>> {
    (0..len).map(|k| server.log.get(k).copied()).collect()
}

/// The same, from the sentences of figure 3.
fn broken_plainly(state: &State) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (i, a) in state.servers.iter().enumerate() {
        for b in &state.servers[..i] {
            if a.role == Role::Leader && b.role == Role::Leader && a.term == b.term {
                out.insert("election safety".to_owned());
            }
            for k in 0..a.log.len().min(b.log.len()) {
                if a.log[k].term == b.log[k].term && a.log[..=k] != b.log[..=k] {
                    out.insert("log matching".to_owned());
                }
            }
            let committed = a.commit_index.min(b.commit_index) as usize;
            if prefix(a, committed) != prefix(b, committed) {
                out.insert("state machine safety".to_owned());
            }
        }
    }
    out
}

#[test]
fn every_set_of_broken_properties_is_judged_as_it_reads() {
    let mut runner = TestRunner::deterministic();
    let mut met = BTreeSet::new();
    for _ in 0..2_000 {
        let drawn = any_state().new_tree(&mut runner).expect("a state");
        let (bounds, state) = drawn.current();
        let yardstick = Yardstick::new(bounds).expect("bounds in range");
        let plain = broken_plainly(&state);
        assert_eq!(broken(&yardstick, &state), plain, "{bounds}\n{state}");
        met.insert(plain);
    }
    assert_eq!(met.len(), 8, "{met:?}");
}

proptest! {
    #[test]
    fn properties_are_judged_as_they_read((bounds, state) in any_state()) {
        let yardstick = Yardstick::new(bounds).expect("bounds in range");
        prop_assert_eq!(broken(&yardstick, &state), broken_plainly(&state));
    }
}

#[test]
fn each_property_breaks_alone() {
    let yardstick = yardstick([2, 2, 3, 2, 1, 1]);
    let entry = |term, value| Entry { term, value };
    let names = |state: &State| Vec::from_iter(broken(&yardstick, state));
    let mut state = State::initial(2);
    assert!(names(&state).is_empty());

    state.servers[0].role = Role::Leader;
    state.servers[1].role = Role::Leader;
    assert_eq!(names(&state), ["election safety"]);
    state.servers[1].term = 2;
    assert!(names(&state).is_empty());

    // One index and term, and another value there, or before.
    state.servers[0].log = vec![entry(2, 0)];
    state.servers[1].log = vec![entry(2, 1)];
    assert_eq!(names(&state), ["log matching"]);
    state.servers[0].log = vec![entry(1, 0), entry(2, 0)];
    state.servers[1].log = vec![entry(2, 0), entry(2, 0)];
    assert_eq!(names(&state), ["log matching"]);

    // Another entry where both are committed; none where both are.
    state.servers[1].log = vec![entry(2, 0)];
    assert!(names(&state).is_empty());
    state.servers[0].commit_index = 1;
    assert!(names(&state).is_empty());
    state.servers[1].commit_index = 1;
    assert_eq!(names(&state), ["state machine safety"]);
    state.servers[1].log = vec![];
    assert_eq!(names(&state), ["state machine safety"]);
}
