//! Server renaming: no rule, bound, property or witness looks at a name.

use std::collections::{BTreeSet, HashMap, HashSet};

use plimsoll_model::action::{Action, enabled};
use plimsoll_model::bounds::Bounds;
use plimsoll_model::cluster::State;
use plimsoll_model::engine::{Bfs, Dfs, Engine, Limits};
use plimsoll_model::field::{Field, Renaming, packed};
use plimsoll_model::network::NetworkKind;
use plimsoll_model::presets::{self, Preset};
use plimsoll_model::properties::{self, Check, StepView};
use plimsoll_model::scenario::Scenario;
use plimsoll_model::settings::{Dialect, Durability};
use plimsoll_model::symmetry::{representative, stabiliser};
use plimsoll_model::witnesses;
use proptest::prelude::*;

fn actions(state: &State, scenario: &Scenario) -> Vec<Action> {
    let mut out = Vec::new();
    enabled(state, scenario, &mut out);
    out
}

/// Every state of `scenario`, packed, found without any engine; and how many
/// were generated.
fn states(scenario: &Scenario) -> (Vec<Vec<u8>>, u64) {
    let first = packed(&State::initial(scenario));
    let mut seen = HashSet::from([first.clone()]);
    let mut found = vec![first];
    let mut generated = 1;
    let mut at = 0;
    while at < found.len() {
        let here = unpacked(&found[at]);
        for action in actions(&here, scenario) {
            let Ok(step) = here.next(&action, scenario) else {
                continue;
            };
            generated += 1;
            let after = packed(&step.after);
            if step.after.within(scenario) && seen.insert(after.clone()) {
                found.push(after);
            }
        }
        at += 1;
    }
    (found, generated)
}

fn unpacked(mut bytes: &[u8]) -> State {
    State::unpack(&mut bytes).expect("a packed state")
}

/// Small scenarios, one a dialect, durability and kind of network.
fn small() -> Vec<Scenario> {
    let bounds = |dialect, network| Bounds {
        bootstrap: u8::from(dialect == Dialect::Etcd),
        boot_applied: true,
        max_term: 1,
        max_log: 1,
        max_lag: Some(0),
        writes: 0,
        campaigns: Some(2),
        appends: Some(u32::from(network != NetworkKind::Set)),
        heartbeats: Some(0),
        drops: Some(1),
        ..Bounds::DEFAULT
    };
    let scenario = |dialect: Dialect, durability, network| Scenario {
        prefix: &[],
        settings: dialect.settings(durability),
        network,
        bounds: bounds(dialect, network),
    };
    vec![
        scenario(Dialect::Paper, Durability::Atomic, NetworkKind::Bag),
        scenario(Dialect::Paper, Durability::Deferred, NetworkKind::Set),
        scenario(Dialect::Etcd, Durability::Atomic, NetworkKind::Ordered),
        scenario(Dialect::Etcd, Durability::Atomic, NetworkKind::Set),
    ]
}

#[test]
fn orbits_add_up_to_the_states_and_engines_count_both() {
    for scenario in small() {
        let group = stabiliser(&scenario);
        assert_eq!(group.len(), 6);
        let (states, generated) = states(&scenario);
        let bfs = Bfs
            .search(&scenario, &Limits::default(), &mut |_| {})
            .expect("a search");
        assert_eq!(bfs.distinct, states.len() as u64);
        assert_eq!(bfs.generated, generated);

        let mut members: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut sizes: HashMap<Vec<u8>, usize> = HashMap::new();
        for state in states.iter().map(|bytes| unpacked(bytes)) {
            let orbit: BTreeSet<Vec<u8>> =
                group.iter().map(|by| packed(&state.rename(by))).collect();
            let least = packed(&representative(&state, &group));
            assert_eq!(orbit.first(), Some(&least));
            sizes.insert(least.clone(), orbit.len());
            *members.entry(least).or_default() += 1;
        }
        // Every orbit is reached whole, so its sizes add up to the states.
        assert_eq!(members, sizes);
        assert_eq!(sizes.values().sum::<usize>(), states.len());
        let dfs = Dfs
            .search(&scenario, &Limits::default(), &mut |_| {})
            .expect("a search");
        assert_eq!(dfs.distinct, sizes.len() as u64);
    }
}

/// What the properties and witnesses say of a step.
fn judged(before: &State, action: &Action, scenario: &Scenario) -> Option<(State, String)> {
    let step = before.next(action, scenario).ok()?;
    let view = StepView {
        before,
        action,
        step: &step,
    };
    let findings: Vec<_> = properties::ALL
        .iter()
        .map(|property| match property.check {
            Check::State(check) => check(&step.after, scenario),
            Check::Step(check) => check(&view, scenario),
        })
        .collect();
    let seen: Vec<bool> = witnesses::ALL
        .iter()
        .map(|witness| (witness.shows)(&view, scenario))
        .collect();
    let branch = step.outcome.map(|outcome| outcome.branch);
    let within = step.after.within(scenario);
    let told = format!("{branch:?} {findings:?} {seen:?} {within}");
    Some((step.after, told))
}

fn any_preset() -> impl Strategy<Value = Preset> {
    // The flaws' presets too, with the flaw planted: a flaw sees no names.
    let flawed = plimsoll_model::flaws::Flaw::ALL.iter().map(|about| {
        let mut preset = presets::for_flaw(about.flaw);
        preset.scenario.settings.flaw = Some(about.flaw);
        preset
    });
    let all: Vec<Preset> = presets::defaults().into_iter().chain(flawed).collect();
    proptest::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn renamed_states_have_renamed_successors(
        preset in any_preset(),
        renaming in any::<prop::sample::Index>(),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
    ) {
        let scenario = &preset.scenario;
        // Where not all servers start alike, those that do may change names.
        let all = match scenario.bounds.voters {
            None if scenario.prefix.is_empty() => {
                Renaming::all(usize::from(scenario.bounds.servers))
            }
            _ => stabiliser(scenario),
        };
        let by = renaming.get(&all);
        let mut state = State::initial(scenario);
        for choice in choices {
            let other = state.rename(by);
            let listed = actions(&state, scenario);
            let here: BTreeSet<Action> = listed.iter().map(|action| action.rename(by)).collect();
            let there: BTreeSet<Action> = actions(&other, scenario).into_iter().collect();
            prop_assert_eq!(here.len(), listed.len(), "an action is listed twice");
            prop_assert_eq!(here, there);
            let mut next = Vec::new();
            for action in &listed {
                let here = judged(&state, action, scenario);
                let there = judged(&other, &action.rename(by), scenario);
                let renamed = here.as_ref().map(|(after, told)| (after.rename(by), told.clone()));
                prop_assert_eq!(renamed, there, "{}", action);
                next.extend(here.map(|(after, _)| after).filter(|after| after.within(scenario)));
            }
            if next.is_empty() {
                break;
            }
            state = choice.get(&next).clone();
            // A search holds its states packed.
            let mut bytes = &packed(&state)[..];
            let unpacked = State::unpack(&mut bytes);
            prop_assert_eq!(unpacked.as_ref(), Ok(&state));
            prop_assert!(bytes.is_empty());
        }
    }
}
