//! The search for a goal, against its definition, on every start of small
//! random systems.

use std::collections::BTreeSet;

use plimsoll_model::liveness::closure::{Fate, Memo, Reach, System, fate};
use proptest::prelude::*;

/// What a move of a random system leads to: a state, the goal, out of bounds.
#[derive(Clone, Copy, Debug)]
enum To {
    State(usize),
    Goal,
    Beyond,
}

#[derive(Clone, Debug)]
struct Small(Vec<Vec<To>>);

impl System for Small {
    type State = usize;
    type Action = usize;
    fn key(&self, state: &usize) -> u128 {
        *state as u128
    }
    fn moves(&self, state: &usize) -> Vec<(usize, Reach<usize>)> {
        let moves = self.0[*state].iter().enumerate();
        let reach = |to: &To| match to {
            To::State(next) => Reach::State(*next),
            To::Goal => Reach::Goal,
            To::Beyond => Reach::Beyond,
        };
        moves.map(|(i, to)| (i, reach(to))).collect()
    }
}

impl Small {
    /// All states that follow `start`, without a thought for goals.
    fn follow(&self, start: usize) -> BTreeSet<usize> {
        let mut all = BTreeSet::from([start]);
        loop {
            let moves = all.iter().flat_map(|&state| &self.0[state]);
            let next = moves.filter_map(|to| match to {
                To::State(next) => Some(*next),
                _ => None,
            });
            let more: BTreeSet<usize> = next.chain(all.iter().copied()).collect();
            if more == all {
                return all;
            }
            all = more;
        }
    }

    /// By definition: the goal is a move of what follows, or nothing of that
    /// leaves the bounds, or neither.
    fn defined(&self, start: usize) -> &'static str {
        let all = self.follow(start);
        let some =
            |wanted: fn(&To) -> bool| all.iter().any(|&state| self.0[state].iter().any(wanted));
        if some(|to| matches!(to, To::Goal)) {
            "reaches"
        } else if some(|to| matches!(to, To::Beyond)) {
            "cut"
        } else {
            "closed"
        }
    }
}

fn small() -> impl Strategy<Value = Small> {
    (1..9usize).prop_flat_map(|states| {
        let to = prop_oneof![
            8 => (0..states).prop_map(To::State),
            1 => Just(To::Goal),
            1 => Just(To::Beyond),
        ];
        let moves = proptest::collection::vec(to, 0..3);
        proptest::collection::vec(moves, states).prop_map(Small)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    /// With nothing known, and with all that other starts have taught.
    #[test]
    fn the_fate_of_a_state_is_what_its_definition_says(system in small()) {
        let mut taught = Memo::default();
        for start in 0..system.0.len() {
            for memo in [&mut Memo::default(), &mut taught] {
                let known = matches!(fate(&system, start, memo, &mut |_| false).0, Fate::Reaches(_));
                let (fate, _) = fate(&system, start, memo, &mut |_| false);
                let name = match &fate {
                    Fate::Reaches(_) => "reaches",
                    Fate::Closed(_) => "closed",
                    Fate::Cut => "cut",
                    Fate::Spent => "spent",
                };
                prop_assert_eq!(name, system.defined(start));
                prop_assert_eq!(known, name == "reaches");
            }
        }
    }

    /// A way leads to the goal, and there is no shorter one; a closed set is
    /// all that follows.
    #[test]
    fn ways_are_shortest_and_closed_sets_whole(system in small(), start in 0..9usize) {
        let start = start % system.0.len();
        let (found, looked_at) = fate(&system, start, &mut Memo::default(), &mut |_| false);
        match found {
            Fate::Reaches(way) => {
                let (last, before) = way.split_last().expect("nothing was known");
                let mut state = start;
                for &action in before {
                    let To::State(next) = system.0[state][action] else {
                        panic!("a way through {state} by {action}");
                    };
                    state = next;
                }
                prop_assert!(matches!(system.0[state][*last], To::Goal));
                let mut near = BTreeSet::from([start]);
                for _ in before {
                    let goal = |&state: &usize| system.0[state].iter().any(|to| matches!(to, To::Goal));
                    prop_assert!(!near.iter().any(goal));
                    let moves = near.iter().flat_map(|&state| &system.0[state]);
                    near = moves.filter_map(|to| match to {
                        To::State(next) => Some(*next),
                        _ => None,
                    }).collect();
                }
            }
            Fate::Closed(size) => {
                prop_assert_eq!(size, system.follow(start).len() as u64);
                prop_assert_eq!(size, looked_at);
            }
            Fate::Cut | Fate::Spent => {}
        }
    }
}

#[test]
fn who_gives_up_says_so() {
    let system = Small(vec![vec![To::State(1)], vec![To::Goal]]);
    let (found, _) = fate(&system, 0, &mut Memo::default(), &mut |states| states > 1);
    assert_eq!(found, Fate::Spent);
}
