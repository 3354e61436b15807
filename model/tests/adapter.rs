//! Between stateright and the engine: each searches the other's spaces, and
//! they agree on every count and on the shortest counterexample.

use std::collections::HashSet;

use plimsoll_model::book::RuleBook;
use plimsoll_model::engine::End;
use plimsoll_model::engine::adapter::{FromStateright, Packed, Reference, Unsupported};
use plimsoll_model::engine::explore::{Options, Report, explore, packed_run};
use plimsoll_model::engine::space::{Sink, Space, Worker};
use plimsoll_model::flaws::Flaw;
use plimsoll_model::presets;
use proptest::prelude::*;
use stateright::{Checker, HasDiscoveries, Model, Property};

/// A random graph as a stateright model. States are numbers; an action is a
/// slot, and some slots of some states hold nothing.
#[derive(Clone, Debug)]
struct Graph {
    roots: u64,
    states: u64,
    slots: u8,
    bad: u64,
}

impl Graph {
    fn draw(&self, state: u64, slot: u8) -> u64 {
        let mut x = (state + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (u64::from(slot) << 40);
        x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^ (x >> 32)
    }

    /// Mostly near, so that there are many levels; some of them too far.
    fn to(&self, state: u64, slot: u8) -> Option<u64> {
        let x = self.draw(state, slot);
        let far = self.states / 6 + 2;
        (!x.is_multiple_of(5)).then_some((state + (x >> 8) % far) % (self.states + far))
    }

    /// What a plain search finds: the states in the order in which it does, and
    /// how many times it looked beyond the bounds.
    fn reachable(&self) -> (Vec<u64>, u64) {
        let roots = self.init_states().into_iter().map(|place| place.0);
        let (mut order, outside): (Vec<u64>, Vec<u64>) = roots.partition(|&s| s < self.states);
        let mut seen: HashSet<u64> = order.iter().copied().collect();
        let (mut beyond, mut at) = (outside.len() as u64, 0);
        while at < order.len() {
            let from = order[at];
            for to in (0..self.slots).filter_map(|slot| self.to(from, slot)) {
                if to >= self.states {
                    beyond += 1;
                } else if seen.insert(to) {
                    order.push(to);
                }
            }
            at += 1;
        }
        (order, beyond)
    }

    /// The same graph, where the bad state is one of those farthest off.
    fn with_the_farthest_bad(self) -> Self {
        let bad = *self.reachable().0.last().expect("a state");
        Graph { bad, ..self }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place(u64);

impl Packed for Place {
    fn pack(&self, out: &mut Vec<u8>) {
        out.extend(self.0.to_le_bytes());
        // Longer than what a `PackedState` holds inline, now and then.
        out.resize(out.len() + (self.0 % 97) as usize, 0);
    }
    fn unpack(packed: &[u8]) -> Self {
        Place(u64::from_le_bytes(packed[..8].try_into().expect("8 bytes")))
    }
}

impl Model for Graph {
    type State = Place;
    type Action = u8;
    fn init_states(&self) -> Vec<Place> {
        // The last of them may be out of bounds.
        (0..self.roots)
            .map(|i| Place(i * self.states / 2))
            .collect()
    }
    fn actions(&self, _: &Place, actions: &mut Vec<u8>) {
        actions.extend(0..self.slots);
    }
    fn next_state(&self, last: &Place, slot: u8) -> Option<Place> {
        self.to(last.0, slot).map(Place)
    }
    fn within_boundary(&self, state: &Place) -> bool {
        state.0 < self.states
    }
    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::sometimes("odd", |_, place: &Place| place.0 % 2 == 1),
            Property::always("not bad", |graph: &Graph, place: &Place| {
                place.0 != graph.bad
            }),
            // Keeps stateright going.
            Property::always("in bounds", |graph: &Graph, place: &Place| {
                place.0 < graph.states
            }),
        ]
    }
}

fn options() -> Options {
    Options {
        threads: 2,
        memory: 8 << 20,
        keep_going: true,
        ..Options::default()
    }
}

fn search(space: &impl Space, options: &Options) -> Report {
    explore(space, options, &mut |_| {}).expect("a search")
}

/// Holds the engine's search of a stateright model against stateright's own.
fn hold_model(graph: &Graph) {
    let space = FromStateright::new(graph.clone(), format!("{graph:?}")).expect("a space");
    let report = search(&space, &options());
    let checker = graph.clone().checker().spawn_bfs().join();
    assert_eq!(report.end, End::Exhausted);
    assert_eq!(report.distinct, checker.unique_state_count() as u64);
    assert_eq!(
        report.generated - report.beyond,
        checker.state_count() as u64
    );
    assert_eq!(report.levels.len(), checker.max_depth());
    let (order, beyond) = graph.reachable();
    assert_eq!(
        (report.distinct, report.beyond),
        (order.len() as u64, beyond)
    );

    // The shortest run to the one bad state, and it is a run of the model.
    let discovery = checker.discovery("not bad");
    assert_eq!(report.trails.len(), usize::from(discovery.is_some()));
    if let (Some(trail), Some(path)) = (report.trails.first(), discovery) {
        assert_eq!(space.properties()[trail.property], "not bad");
        let actions = space.actions(trail, report.bits).expect("a run");
        assert_eq!(actions.len(), path.into_actions().len());
        let run = packed_run(&space, trail, report.bits).expect("a run");
        let (first, steps) = space.steps(&run).expect("a run");
        let mut at = first.0;
        assert!(graph.init_states().contains(&first));
        for (action, to) in &steps {
            assert_eq!(graph.to(at, *action), Some(to.0));
            at = to.0;
        }
        assert_eq!(at, graph.bad);
        assert_eq!(steps.into_iter().map(|s| s.0).collect::<Vec<_>>(), actions);

        // A run with one state put in another's place is none.
        let mut other = run.clone();
        other.last_mut().expect("a state").1[0] ^= 1;
        assert!(space.steps(&other).is_none());
        let mut other = run;
        other.last_mut().expect("a state").0 = 255;
        assert!(space.steps(&other).is_none());
    }

    // Each property is judged on every state, and what is only to be reached
    // is counted.
    assert_eq!(
        space.counters(),
        ["judged/not bad", "judged/in bounds", "reached/odd"]
    );
    assert_eq!(report.counts[..2], [report.distinct; 2]);
    assert_eq!(
        report.counts[2] > 0,
        checker.discovery("odd").is_some(),
        "{graph:?}"
    );
}

/// Holds stateright's search of a space against the engine's.
fn hold_space<S: Space>(space: &'static S, threads: usize) -> u64 {
    let report = search(space, &options());
    assert_eq!(report.end, End::Exhausted);
    let checker = Reference::new(space).checker().threads(threads);
    let checker = checker.spawn_bfs().join();
    let model = checker.model();
    assert_eq!(checker.unique_state_count() as u64, report.distinct);
    assert_eq!(model.beyond(), report.beyond);
    assert_eq!(
        checker.state_count() as u64 + model.beyond(),
        report.generated
    );
    let broken = report.trails.iter().map(|trail| 1 << trail.property);
    assert_eq!(model.broken(), broken.sum::<u64>());
    assert_eq!(model.counts(), report.counts);
    if threads == 1 {
        assert_eq!(checker.max_depth(), report.levels.len());
    }
    report.distinct
}

#[test]
fn a_stateright_model_is_searched_as_stateright_searches_it() {
    let graph = Graph {
        roots: 1,
        states: 30_000,
        slots: 4,
        bad: 0,
    };
    let graph = graph.with_the_farthest_bad();
    assert_ne!(graph.bad, 0);
    hold_model(&graph);
}

#[test]
fn stateright_searches_a_space_as_the_engine_does() {
    let graph = Graph {
        roots: 3,
        states: 30_000,
        slots: 4,
        bad: 29_123,
    };
    let space = FromStateright::new(graph, "graph").expect("a space");
    let space = Box::leak(Box::new(space));
    for threads in [1, 2] {
        assert!(hold_space(space, threads) > 10_000);
    }
}

#[test]
fn stateright_searches_the_rule_book_as_the_engine_does() {
    for flaw in [Flaw::OwnVoteUnrecorded, Flaw::StaleVoteCounted] {
        let mut scenario = presets::for_flaw(flaw).scenario;
        for planted in [None, Some(flaw)] {
            scenario.settings.flaw = planted;
            for symmetry in [false, true] {
                let book = RuleBook::new(scenario.clone(), symmetry);
                let distinct = hold_space(Box::leak(Box::new(book)), 2);
                assert!(distinct > 10, "{flaw:?} {distinct}");
            }
        }
    }
}

#[test]
fn a_state_that_breaks_a_property_is_a_discovery_in_the_fewest_steps() {
    let graph = Graph {
        roots: 1,
        states: 5_000,
        slots: 4,
        bad: 0,
    };
    let graph = graph.with_the_farthest_bad();
    let bad = graph.bad;
    let space = FromStateright::new(graph, "graph").expect("a space");
    let space: &'static _ = Box::leak(Box::new(space));
    let report = search(space, &options());
    let shortest = packed_run(space, &report.trails[0], report.bits).expect("a run");
    let checker = Reference::new(space)
        .checker()
        .finish_when(HasDiscoveries::Any)
        .spawn_bfs()
        .join();
    let path = checker.discovery(Reference::<FromStateright<Graph>>::JUDGED);
    let states = path.expect("a discovery").into_states();
    assert_eq!(states.len(), shortest.len());
    let ends = |packed: &[u8]| Place::unpack(packed).0 == bad;
    assert!(ends(states.last().expect("a state").bytes()));
}

/// A space that judges steps, not states, and has steps out of bounds only.
struct Cliff;

struct Edge(u64);

impl Space for Cliff {
    type Worker<'s> = Edge;
    fn worker(&self) -> Edge {
        Edge(0)
    }
    fn properties(&self) -> Vec<String> {
        vec!["a".into(), "b".into()]
    }
    fn counters(&self) -> Vec<String> {
        vec!["expanded".into()]
    }
    fn identity(&self) -> String {
        "cliff".into()
    }
}

impl Worker for Edge {
    fn initial(&mut self, sink: &mut impl Sink) {
        sink.state(&[0], 1, 0);
    }
    fn expand(&mut self, packed: &[u8], sink: &mut impl Sink) {
        self.0 += 1;
        if packed[0] < 9 {
            sink.state(&[packed[0] + 1], 1, u64::from(packed[0] == 4) << 1);
        }
        sink.beyond();
    }
    fn counts(&self) -> Vec<u64> {
        vec![self.0]
    }
}

#[test]
fn what_a_step_breaks_is_told() {
    assert_eq!(hold_space(&Cliff, 1), 10);
}

#[test]
fn liveness_is_refused() {
    #[derive(Debug)]
    struct Live(usize, bool);
    impl Model for Live {
        type State = Place;
        type Action = ();
        fn init_states(&self) -> Vec<Place> {
            vec![Place(0)]
        }
        fn actions(&self, _: &Place, _: &mut Vec<()>) {}
        fn next_state(&self, _: &Place, (): ()) -> Option<Place> {
            None
        }
        fn properties(&self) -> Vec<Property<Self>> {
            let always = Property::always("fine", |_, _| true);
            let live = Property::eventually("done", |_, _| false);
            let all = vec![always; self.0].into_iter();
            all.chain(self.1.then_some(live)).collect()
        }
    }
    let why = |model| FromStateright::new(model, "").err();
    assert_eq!(why(Live(1, true)), Some(Unsupported::Eventually("done")));
    assert_eq!(why(Live(65, false)), Some(Unsupported::TooMany(65)));
    assert_eq!(why(Live(64, false)), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_model_and_any_space_are_searched_alike(
        roots in 1u64..4, states in 2u64..2000, slots in 0u8..6, bad in 0u64..2000,
        threads in 1usize..4,
    ) {
        let graph = Graph { roots, states, slots, bad };
        // stateright expands an initial state as often as it is given.
        prop_assume!(states / 2 > 0);
        hold_model(&graph);
        let space = FromStateright::new(graph, "graph").expect("a space");
        hold_space(Box::leak(Box::new(space)), threads);
    }
}
