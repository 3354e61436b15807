//! The engines: what each promises, and that they agree.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plimsoll_model::bounds::Bounds;
use plimsoll_model::engine::{Bfs, Dfs, End, Engine, Exhaustive, Limits, Simulation};
use plimsoll_model::flaws::Flaw;
use plimsoll_model::network::NetworkKind;
use plimsoll_model::presets;
use plimsoll_model::scenario::Scenario;
use plimsoll_model::settings::{Dialect, Durability};

/// Two servers, one election: small enough to count by hand.
fn tiny(network: NetworkKind) -> Scenario {
    Scenario {
        prefix: &[],
        settings: Dialect::Paper.settings(Durability::Atomic),
        network,
        bounds: Bounds {
            servers: 2,
            max_term: 1,
            max_log: 1,
            writes: 0,
            campaigns: Some(1),
            appends: Some(0),
            ..Bounds::DEFAULT
        },
    }
}

fn limits() -> Limits {
    Limits::default()
}

#[test]
fn counts_are_those_that_a_hand_count_gives() {
    // Bag: nobody has campaigned; one has (2); the other has its request and
    // has answered (2); the answer has arrived and the candidate leads (2).
    let search = Bfs
        .search(&tiny(NetworkKind::Bag), &limits(), &mut |_| {})
        .expect("a search");
    assert_eq!((search.distinct, search.depth), (7, 3));
    // The initial state, and one step to each other state.
    assert_eq!((search.generated, search.out_of_bounds), (7, 0));
    assert_eq!(search.end, End::Exhausted);

    // Set: the same states; what was sent stays deliverable. After the answer
    // the request arrives again without effect (2); once the candidate leads,
    // both arrive again without effect (4).
    let search = Bfs
        .search(&tiny(NetworkKind::Set), &limits(), &mut |_| {})
        .expect("a search");
    assert_eq!((search.distinct, search.depth), (7, 3));
    assert_eq!((search.generated, search.out_of_bounds), (13, 0));
}

#[test]
fn successors_out_of_bounds_are_generated_and_neither_stored_nor_judged() {
    let mut scenario = tiny(NetworkKind::Bag);
    scenario.bounds.max_log = 0;
    // Winning appends the no-op, which is out of bounds: two states less.
    let search = Bfs
        .search(&scenario, &limits(), &mut |_| {})
        .expect("a search");
    assert_eq!((search.distinct, search.depth), (5, 2));
    assert_eq!((search.generated, search.out_of_bounds), (7, 2));
    assert!(search.properties.iter().all(|p| p.judged <= 5));
    assert!(search.witnesses.iter().all(|w| w.count == 0));
}

#[test]
fn a_depth_limit_judges_the_deepest_states_and_tries_nothing_beyond() {
    let scenario = tiny(NetworkKind::Bag);
    let at = |depth| {
        let limits = Limits {
            depth: Some(depth),
            ..limits()
        };
        Bfs.search(&scenario, &limits, &mut |_| {})
            .expect("a search")
    };
    let cut = at(2);
    assert_eq!(
        (cut.distinct, cut.generated, cut.depth, cut.end),
        (5, 5, 2, End::Depth)
    );
    let state_property = &cut.properties[0];
    assert_eq!(state_property.judged, 5, "{}", state_property.name);
    // Nothing is cut where nothing is enabled at the limit.
    assert_eq!((at(3).distinct, at(3).end), (7, End::Exhausted));
}

#[test]
fn a_search_is_the_same_every_time() {
    let preset = presets::for_flaw(Flaw::OwnVoteUnrecorded);
    let mut scenario = preset.scenario;
    scenario.settings.flaw = Some(Flaw::OwnVoteUnrecorded);
    let until = Limits {
        until: vec!["election-safety"],
        ..limits()
    };
    let run = || {
        let search = Bfs
            .search(&scenario, &until, &mut |_| {})
            .expect("a search");
        let runs: Vec<_> = search
            .properties
            .iter()
            .filter_map(|p| p.counterexample.as_ref())
            .map(|c| (c.property, c.actions.clone()))
            .collect();
        (search.distinct, search.generated, search.depth, runs)
    };
    let first = run();
    assert!(first.3.len() > 1);
    assert_eq!(first, run());
}

#[test]
fn walks_find_a_planted_flaw_again_from_the_same_seed() {
    let mut scenario = presets::for_flaw(Flaw::OwnVoteUnrecorded).scenario;
    scenario.settings.flaw = Some(Flaw::OwnVoteUnrecorded);
    let until = Limits {
        until: vec!["election-safety"],
        states: Some(2_000_000),
        ..limits()
    };
    let run = || {
        let search = Simulation { seed: 7 }
            .search(&scenario, &until, &mut |_| {})
            .expect("a search");
        assert_eq!(search.end, End::Found);
        let found = search
            .properties
            .into_iter()
            .find(|p| p.name == "election-safety");
        found.and_then(|p| p.counterexample)
    };
    let first = run().expect("found");
    assert!(first.is_confirmed(), "{:?}", first.actions);
    assert_eq!(Some(first.actions), run().map(|c| c.actions));
}

#[test]
fn walks_over_the_unflawed_rules_end_with_their_budget_and_claim_nothing() {
    let scenario = presets::by_name("etcd-restart").expect("a preset").scenario;
    let limits = Limits {
        states: Some(5_000),
        ..limits()
    };
    let search = Simulation { seed: 1 }
        .search(&scenario, &limits, &mut |_| {})
        .expect("a search");
    assert_eq!(search.end, End::Sampled);
    assert!(search.distinct >= 5_000 && search.depth > 10);
    assert!(search.first_broken().is_none());
}

#[test]
fn every_engine_ends_when_it_is_interrupted_or_out_of_time() {
    let scenario = presets::by_name("paper-restart")
        .expect("a preset")
        .scenario;
    let engines: [&dyn Engine; 4] = [&Exhaustive::on(2), &Bfs, &Dfs, &Simulation { seed: 3 }];
    for engine in engines {
        let interrupt = Arc::new(AtomicBool::new(false));
        let limits = Limits {
            keep_going: true,
            interrupt: Arc::clone(&interrupt),
            ..limits()
        };
        let search = engine.search(&scenario, &limits, &mut |now| {
            interrupt.store(now.distinct > 100, Ordering::Relaxed);
        });
        let search = search.expect("a search");
        assert_eq!(search.end, End::Interrupted, "{}", search.engine);
        assert!(search.first_broken().is_none());

        let limits = Limits {
            time: Some(Duration::from_millis(20)),
            ..Limits::default()
        };
        let search = engine
            .search(&scenario, &limits, &mut |_| {})
            .expect("a search");
        assert_eq!(search.end, End::Time, "{}", search.engine);
    }
}
