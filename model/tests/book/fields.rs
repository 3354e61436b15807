//! Packing, fingerprints and renaming, on states that random walks reach.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::action::{self, Action};
use plimsoll_model::cluster::State;
use plimsoll_model::field::{Field, Renaming, fingerprint, packed};
use plimsoll_model::ids::NodeId;
use proptest::prelude::*;

use crate::walk::{SCENARIOS, reached, unpacked};

/// Every leaf that a value prints, as the line it stands on. The printer is
/// derived by the compiler and knows every field, so it is a second opinion on
/// the list that packing, renaming and varying come from.
fn leaves<T: std::fmt::Debug>(value: &T) -> Vec<String> {
    format!("{value:#?}").lines().map(str::to_owned).collect()
}

/// Whether a printed line is a value and not the frame of one.
fn is_leaf(line: &str) -> bool {
    let opens = line.ends_with(['{', '(', '[']);
    let closes = line.trim_start().starts_with(['}', ')', ']']);
    !opens && !closes
}

/// Holds that every leaf of `value` is in its bytes: each variation has bytes
/// and a fingerprint of its own, and every printed leaf varies alone.
fn every_leaf_counts<T: Field>(value: &T) {
    let lines = leaves(value);
    let mut fingerprints = BTreeMap::from([(fingerprint(value), lines.clone())]);
    let mut varied = BTreeSet::new();
    for other in value.vary() {
        assert_ne!(other, *value, "a variation is no other value");
        let text = leaves(&other);
        let at = lines.iter().zip(&text).position(|(a, b)| a != b);
        varied.insert(at.unwrap_or_else(|| lines.len().min(text.len())));
        assert_eq!(unpacked::<T>(&packed(&other)), other);
        if let Some(same) = fingerprints.insert(fingerprint(&other), text.clone()) {
            panic!("one fingerprint for\n{same:#?}\nand\n{text:#?}");
        }
    }
    for (at, line) in lines.iter().enumerate() {
        assert!(
            !is_leaf(line) || varied.contains(&at),
            "nothing varies line {at}, {line:?}, of\n{}",
            lines.join("\n")
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_state_is_read_back_from_its_bytes(
        number in 0..SCENARIOS,
        seed in any::<u64>(),
        steps in 0..120usize,
    ) {
        let (scenario, state) = reached(number, seed, steps);
        let bytes = packed(&state);
        prop_assert_eq!(&unpacked::<State>(&bytes), &state);
        prop_assert_eq!(&packed(&unpacked::<State>(&bytes)), &bytes);
        let mut actions = Vec::new();
        action::enabled(&state, &scenario, &mut actions);
        for action in actions {
            prop_assert_eq!(&unpacked::<Action>(&packed(&action)), &action);
        }
        for end in (0..bytes.len()).step_by(5) {
            // Bytes tell their own end: no state begins another one.
            prop_assert!(State::unpack(&mut &bytes[..end]).is_err());
        }
    }
}

#[test]
fn two_states_that_differ_in_any_one_field_have_different_fingerprints() {
    for number in 0..SCENARIOS {
        for seed in 0..2 {
            for steps in [0, 15, 60] {
                let (_, state) = reached(number, seed, steps);
                every_leaf_counts(&state);
            }
        }
    }
}

#[test]
fn two_actions_that_differ_in_any_one_field_have_different_bytes() {
    let mut seen = BTreeSet::new();
    for number in 0..SCENARIOS {
        let (scenario, state) = reached(number, 3, 60);
        let mut actions = Vec::new();
        action::enabled(&state, &scenario, &mut actions);
        for action in actions {
            if seen.insert(action.kind()) {
                every_leaf_counts(&action);
            }
        }
    }
    assert!(seen.len() > 15, "only {seen:?}");
}

/// Reached states have distinct bytes exactly when they are distinct states.
#[test]
fn equal_bytes_are_equal_states() {
    let mut known: BTreeMap<Vec<u8>, State> = BTreeMap::new();
    for number in 0..SCENARIOS {
        for seed in 0..40 {
            let (_, state) = reached(number, seed, 15);
            if let Some(before) = known.insert(packed(&state), state.clone()) {
                assert_eq!(before, state);
            }
        }
    }
    assert!(known.len() > 100);
}

fn renaming(servers: usize, number: usize) -> Renaming {
    let all = Renaming::all(servers);
    all[number % all.len()].clone()
}

/// First `one`, then `two`.
fn composed(one: &Renaming, two: &Renaming) -> Renaming {
    Renaming(one.0.iter().map(|&id| two.of(id)).collect())
}

fn inverse(of: &Renaming) -> Renaming {
    let mut back = of.clone();
    for (i, &id) in of.0.iter().enumerate() {
        back.0[id.position()] = NodeId::from_position(i);
    }
    back
}

quickcheck::quickcheck! {
    /// The laws of a group action, and the bytes of renamed states.
    fn renaming_acts_as_a_group(
        number: usize, seed: u64, steps: u8, one: usize, two: usize
    ) -> bool {
        let (scenario, state) = reached(number, seed, usize::from(steps % 100));
        let servers = usize::from(scenario.bounds.servers);
        let (one, two) = (renaming(servers, one), renaming(servers, two));
        let renamed = state.rename(&one);
        state.rename(&Renaming::identity(servers)) == state
            && renamed.rename(&two) == state.rename(&composed(&one, &two))
            && renamed.rename(&inverse(&one)) == state
            && unpacked::<State>(&packed(&renamed)) == renamed
    }

    /// No rule knows a name: a renamed action leads from a renamed state to
    /// the renamed successor, with the same branch and the renamed messages.
    fn rules_commute_with_renaming(number: usize, seed: u64, steps: u8, by: usize) -> bool {
        let (scenario, state) = reached(number, seed, usize::from(steps % 100));
        let by = renaming(usize::from(scenario.bounds.servers), by);
        let renamed = state.rename(&by);
        let mut actions = Vec::new();
        action::enabled(&state, &scenario, &mut actions);
        let mut mapped: Vec<_> = actions.iter().map(|a| packed(&a.rename(&by))).collect();
        let mut listed = Vec::new();
        action::enabled(&renamed, &scenario, &mut listed);
        let mut listed: Vec<_> = listed.iter().map(packed).collect();
        mapped.sort();
        listed.sort();
        mapped == listed && actions.iter().all(|action| {
            let here = state.next(action, &scenario);
            let there = renamed.next(&action.rename(&by), &scenario);
            match (here, there) {
                (Ok(here), Ok(there)) => {
                    let mut said = here.released.rename(&by);
                    let mut other = there.released.clone();
                    said.sort();
                    other.sort();
                    here.after.rename(&by) == there.after
                        && said == other
                        && here.outcome.map(|o| o.branch) == there.outcome.map(|o| o.branch)
                }
                (Err(_), Err(_)) => true,
                _ => false,
            }
        })
    }

    /// Whatever the bytes, reading them ends with a value or an error.
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) -> bool {
        let mut input = &bytes[..];
        State::unpack(&mut input).is_err() || input.len() < bytes.len()
    }
}
