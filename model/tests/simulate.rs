//! Random walks: decided by their seed alone, within the bounds that were asked
//! for, and modest about what they have seen.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use plimsoll_model::action;
use plimsoll_model::book::{Coverage as Counts, RuleBook};
use plimsoll_model::bounds::Bounds;
use plimsoll_model::cluster::State;
use plimsoll_model::counterexample::execute;
use plimsoll_model::engine::End;
use plimsoll_model::engine::simulate::{Dice, Options, Report, Swarm, simulate, swarm_bounds};
use plimsoll_model::engine::space::{Sink, Space, Worker};
use plimsoll_model::field::packed;
use plimsoll_model::flaws::Flaw;
use plimsoll_model::network::NetworkKind;
use plimsoll_model::presets;
use plimsoll_model::properties::{self, Property};
use plimsoll_model::scenario::Scenario;
use proptest::prelude::*;

/// A grid of `side` by `side`, from one corner to the other; the last column is
/// out of bounds. Steps to `bad` break property 0, being in it property 1.
struct Grid {
    side: u8,
    bad: Option<(u8, u8)>,
    fuse: Option<(Arc<AtomicBool>, u64)>,
    expanded: AtomicU64,
}

impl Grid {
    fn new(side: u8, bad: Option<(u8, u8)>) -> Self {
        Grid {
            side,
            bad,
            fuse: None,
            expanded: AtomicU64::new(0),
        }
    }
}

struct Walker<'g>(&'g Grid, u64);

impl Space for Grid {
    type Worker<'s> = Walker<'s>;
    fn worker(&self) -> Walker<'_> {
        Walker(self, 0)
    }
    fn properties(&self) -> Vec<String> {
        vec!["no step to it".into(), "not in it".into()]
    }
    fn counters(&self) -> Vec<String> {
        vec!["expanded".into()]
    }
    fn identity(&self) -> String {
        format!("{} {:?}", self.side, self.bad)
    }
}

impl Worker for Walker<'_> {
    fn initial(&mut self, sink: &mut impl Sink) {
        sink.beyond();
        sink.state(&[0, 0], 1, 0);
    }
    fn expand(&mut self, at: &[u8], sink: &mut impl Sink) {
        self.1 += 1;
        let expanded = self.0.expanded.fetch_add(1, Relaxed);
        if let Some((fuse, when)) = &self.0.fuse
            && expanded >= *when
        {
            fuse.store(true, Relaxed);
        }
        let (x, y) = (at[0], at[1]);
        sink.state(at, 1, 0);
        for (x, y) in [(x + 1, y), (x, y + 1)] {
            if x >= self.0.side {
                sink.beyond();
            } else if y < self.0.side {
                sink.state(&[x, y], 1, u64::from(self.0.bad == Some((x, y))));
            }
        }
    }
    fn judge(&mut self, at: &[u8]) -> u64 {
        u64::from(self.0.bad == Some((at[0], at[1]))) << 1
    }
    fn counts(&self) -> Vec<u64> {
        vec![self.1]
    }
}

fn options(seed: u64, walks: u64) -> Options {
    Options {
        seed,
        walks: Some(walks),
        threads: 1,
        ..Options::default()
    }
}

fn run<S: Space>(space: &S, options: &Options) -> Report {
    simulate(&|_| space, options, &mut |_| {})
}

/// All but the clock.
fn essence(report: &Report) -> String {
    let report = Report {
        elapsed: Duration::ZERO,
        ..report.clone()
    };
    format!("{report:?}")
}

fn flawed(flaw: Flaw) -> Scenario {
    let mut scenario = presets::for_flaw(flaw).scenario;
    scenario.settings.flaw = Some(flaw);
    scenario
}

fn listed(flaw: Flaw) -> usize {
    Property::position(flaw.about().breaks).expect("a property")
}

#[test]
fn a_walk_goes_on_until_nothing_leads_on_or_it_is_deep_enough() {
    // From corner to corner it is 18 steps. No step stays where it is.
    let grid = Grid::new(10, None);
    let report = run(&grid, &options(1, 100));
    assert_eq!((report.end, report.walks), (End::Sampled, 100));
    assert_eq!((report.steps, report.longest), (1800, 18));
    assert_eq!(report.dead_ends, 100);
    assert_eq!(report.counts, [1900]);
    assert_eq!(report.coverage.sightings, 1900);
    assert_eq!(report.found, []);
    // Two initial states, one of them out of bounds; three or two ways from
    // each other one, of which at the edges one is out of bounds or none.
    assert!(report.beyond >= 200 && report.beyond < report.generated);

    let short = Options {
        depth: 7,
        ..options(1, 100)
    };
    let report = run(&grid, &short);
    assert_eq!((report.steps, report.longest), (700, 7));
    assert_eq!(report.dead_ends, 0);
}

#[test]
fn the_report_is_the_same_for_any_number_of_threads() {
    let spaces = [
        (Grid::new(30, None), 1000, End::Sampled),
        (Grid::new(30, Some((3, 17))), 5000, End::Found),
    ];
    for (grid, walks, end) in spaces {
        for keep_going in [false, true] {
            let report = |seed, threads| {
                let options = Options {
                    threads,
                    keep_going,
                    ..options(seed, walks)
                };
                run(&grid, &options)
            };
            let first = report(5, 1);
            let end = if keep_going { End::Sampled } else { end };
            assert_eq!(first.end, end);
            for threads in [1, 2, 5] {
                assert_eq!(essence(&report(5, threads)), essence(&first));
            }
            assert_ne!(essence(&report(6, 2)), essence(&first));
        }
    }
}

#[test]
fn the_report_of_the_rule_book_is_the_same_for_any_number_of_threads() {
    let flaw = Flaw::VotesCountedNotIdentified;
    let report = |seed, threads| {
        let swarm = Swarm::new(flawed(flaw), seed);
        let options = Options {
            threads,
            until: 1 << listed(flaw),
            ..options(seed, 20_000)
        };
        simulate(&|walk| swarm.space(walk), &options, &mut |_| {})
    };
    let first = report(1, 1);
    assert_eq!(first.end, End::Found);
    for threads in [2, 5] {
        assert_eq!(essence(&report(1, threads)), essence(&first));
    }
    assert_ne!(essence(&report(2, 2)), essence(&first));
}

#[test]
fn the_lowest_walk_that_breaks_a_property_is_shown_and_those_below_are_complete() {
    let grid = Grid::new(40, Some((11, 21)));
    let all = Options {
        keep_going: true,
        ..options(9, 3000)
    };
    let all = run(&grid, &all);
    let report = run(
        &grid,
        &Options {
            threads: 3,
            ..options(9, 3000)
        },
    );
    assert_eq!(report.end, End::Found);
    // The step is judged as it is generated, the state once it is taken.
    let properties: Vec<_> = report.found.iter().map(|f| f.property).collect();
    assert_eq!(properties, [0, 1]);
    assert_eq!(report.found, all.found);
    let first = &report.found[0];
    assert_eq!(report.walks, first.walk + 1);
    assert!(first.walk > 0, "or there is nothing to complete");
    // 32 steps lead there, and the run is one of the grid.
    assert_eq!(first.run.len(), 33);
    assert_eq!(first.run[0], (1, vec![0, 0]));
    for pair in first.run.windows(2) {
        let ((_, from), (ordinal, to)) = (&pair[0], &pair[1]);
        let mut next = Gather::default();
        grid.worker().expand(from, &mut next);
        assert_eq!(next.0[*ordinal as usize].as_ref(), Some(to));
    }
    assert_eq!(first.run[32].1, [11, 21]);
    // The same walks, and no more of them, break nothing but in the last one.
    let before = run(&grid, &options(9, first.walk));
    assert_eq!(before.found, []);
    assert_eq!(before.walks, first.walk);
}

/// What is generated, `None` where it is out of bounds.
#[derive(Default)]
struct Gather(Vec<Option<Vec<u8>>>);

impl Sink for Gather {
    fn state(&mut self, packed: &[u8], _: u32, _: u64) {
        self.0.push(Some(packed.to_vec()));
    }
    fn beyond(&mut self) {
        self.0.push(None);
    }
}

#[test]
fn what_nobody_looks_for_is_noted_and_walked_past() {
    let grid = Grid::new(10, Some((1, 1)));
    let deaf = Options {
        until: 0,
        ..options(2, 50)
    };
    let report = run(&grid, &deaf);
    assert_eq!(report.end, End::Sampled);
    assert_eq!(report.steps, 50 * 18);
    assert_eq!(report.found.len(), 2);
    assert!(report.found.iter().all(|found| found.run.len() == 3));
    // Of the walks that pass it by, the first is shown, as if it had ended.
    let eager = run(&grid, &options(2, 50));
    assert_eq!(eager.found[0], report.found[0]);
    assert_eq!(eager.walks, eager.found[0].walk + 1);
}

#[test]
fn an_interruption_and_the_time_leave_the_walks_that_were_complete() {
    let fuse = Arc::new(AtomicBool::new(false));
    let grid = Grid {
        fuse: Some((Arc::clone(&fuse), 20_000)),
        ..Grid::new(20, None)
    };
    let stopped = Options {
        interrupt: fuse,
        threads: 3,
        ..options(4, u64::MAX)
    };
    let report = run(&grid, &stopped);
    assert_eq!(report.end, End::Interrupted);
    assert!(report.walks > 100, "{}", report.walks);
    // It is the report of so many walks.
    let again = Report {
        end: End::Interrupted,
        ..run(&Grid::new(20, None), &options(4, report.walks))
    };
    assert_eq!(essence(&again), essence(&report));

    let late = Options {
        time: Some(Duration::from_millis(50)),
        walks: None,
        threads: 2,
        ..options(4, 0)
    };
    let report = run(&Grid::new(20, None), &late);
    assert_eq!(report.end, End::Time);
    let again = Report {
        end: End::Time,
        ..run(&Grid::new(20, None), &options(4, report.walks))
    };
    assert_eq!(essence(&again), essence(&report));
}

#[test]
fn walks_that_go_nowhere_end_with_the_time_all_the_same() {
    for depth in [0, 10] {
        let nowhere = Options {
            time: Some(Duration::from_millis(20)),
            walks: None,
            depth,
            ..options(1, 0)
        };
        let report = run(&Grid::new(1, None), &nowhere);
        assert_eq!((report.end, report.steps), (End::Time, 0));
        assert_eq!(report.coverage.distinct, 1);
    }
}

#[test]
fn progress_is_told_and_never_goes_back() {
    let mut told = Vec::new();
    let grid = Grid::new(10, None);
    let report = simulate(&|_| &grid, &options(1, 500), &mut |now| told.push(now));
    let walks: Vec<u64> = told.iter().map(|now| now.walks).collect();
    assert!(walks.is_sorted() && walks.len() > 3, "{walks:?}");
    assert_eq!(walks.last(), Some(&report.walks));
    assert_eq!(told.last().map(|now| now.steps), Some(report.steps));
    let distinct = report.coverage.distinct;
    assert_eq!(told.last().map(|now| now.distinct), Some(distinct));
}

#[test]
fn estimates_are_low_where_much_is_unseen_and_end_where_all_is_seen() {
    // 10,000 states, most of them hardly ever reached.
    let grid = Grid::new(100, None);
    let mut estimates = Vec::new();
    for seed in 0..20 {
        let coverage = run(&grid, &options(seed, 60)).coverage;
        assert!(coverage.distinct < 6000, "{coverage}");
        let next = run(&grid, &options(seed, 61)).coverage;
        estimates.push((
            coverage.at_least(),
            coverage.new_in_next_walk(),
            (next.distinct - coverage.distinct) as f64,
        ));
        assert!(coverage.to_string().contains("Not exhaustive"));
    }
    let mean = |of: fn(&(f64, f64, f64)) -> f64| {
        estimates.iter().map(of).sum::<f64>() / estimates.len() as f64
    };
    let (at_least, foretold, came) = (mean(|e| e.0), mean(|e| e.1), mean(|e| e.2));
    assert!((3000.0..10_000.0).contains(&at_least), "{at_least}");
    assert!(
        (foretold - came).abs() < 0.2 * came,
        "{foretold} foretold, {came} came"
    );

    // 25 states, all of them seen often.
    let report = run(&Grid::new(5, None), &options(1, 5000));
    assert_eq!(report.coverage.distinct, 25);
    assert_eq!(report.coverage.at_least(), 25.0);
    assert_eq!(report.coverage.unseen_share(), 0.0);
    assert_eq!(report.end, End::Sampled, "seen all, and yet not exhausted");
}

/// Seven states in a ring.
struct Ring;

impl Space for Ring {
    type Worker<'s> = Ring;
    fn worker(&self) -> Ring {
        Ring
    }
    fn properties(&self) -> Vec<String> {
        Vec::new()
    }
    fn counters(&self) -> Vec<String> {
        Vec::new()
    }
    fn identity(&self) -> String {
        "ring".into()
    }
}

impl Worker for Ring {
    fn initial(&mut self, sink: &mut impl Sink) {
        sink.state(&[0], 1, 0);
    }
    fn expand(&mut self, at: &[u8], sink: &mut impl Sink) {
        sink.state(&[(at[0] + 1) % 7], 1, 0);
    }
    fn counts(&self) -> Vec<u64> {
        Vec::new()
    }
}

#[test]
fn a_walk_that_comes_by_a_state_again_has_seen_it_once() {
    let coverage = run(&Ring, &options(1, 1)).coverage;
    assert_eq!((coverage.distinct, coverage.sightings), (7, 7));
    assert_eq!((coverage.seen_once, coverage.seen_twice), (7, 0));
    let coverage = run(&Ring, &options(1, 2)).coverage;
    assert_eq!((coverage.distinct, coverage.sightings), (7, 14));
    assert_eq!((coverage.seen_once, coverage.seen_twice), (0, 7));
}

#[test]
fn planted_flaws_are_found_and_their_runs_are_runs_within_the_bounds_asked_for() {
    for flaw in [
        Flaw::StaleVoteCounted,
        Flaw::OwnVoteUnrecorded,
        Flaw::VotesCountedNotIdentified,
        Flaw::NoUpToDateCheck,
        Flaw::ErasesMatchingSuffix,
    ] {
        let swarm = Swarm::new(flawed(flaw), 3);
        let options = Options {
            threads: 2,
            until: 1 << listed(flaw),
            ..options(3, 200_000)
        };
        let report = simulate(&|walk| swarm.space(walk), &options, &mut |_| {});
        let name = flaw.about().name;
        assert_eq!(report.end, End::Found, "{name}");
        for found in &report.found {
            let counterexample = swarm.counterexample(found).expect("a run");
            assert!(counterexample.is_confirmed(), "{name}");
            assert_eq!(counterexample.scenario, flawed(flaw));
            assert_eq!(
                counterexample.property,
                properties::ALL[found.property].name
            );
            assert!(counterexample.actions.len() < found.run.len());
        }
        let about = report.found.iter().map(|found| found.property);
        assert!(about.clone().any(|property| property == listed(flaw)));
    }
}

#[test]
fn walks_over_the_unflawed_rules_break_nothing_and_count_what_fired() {
    let scenario = presets::by_name("paper-restart")
        .expect("a preset")
        .scenario;
    let swarm = Swarm::new(scenario, 11);
    let options = Options {
        threads: 2,
        ..options(11, 300)
    };
    let report = simulate(&|walk| swarm.space(walk), &options, &mut |_| {});
    assert_eq!((report.end, report.found.len()), (End::Sampled, 0));
    let counts = Counts::of(&report.counts);
    let fired: u64 = counts.actions.iter().sum();
    // Every enabled action, but not the initial state of each walk.
    assert_eq!(fired, report.generated - report.walks);
    assert!(counts.witnesses[0] > 0, "no leader in 300 walks");
    assert!(counts.judged.iter().all(|&judged| judged > 0));
}

/// How far each bound goes, as a number where that makes sense.
fn reach(bounds: &Bounds) -> [u64; 14] {
    let open = |bound: Option<u32>| bound.map_or(u64::MAX, u64::from);
    [
        bounds.max_term.into(),
        bounds.max_log.into(),
        open(bounds.max_messages),
        bounds.max_batch.into(),
        bounds.resend.into(),
        bounds.partial_writes.into(),
        open(bounds.campaigns),
        bounds.writes.into(),
        bounds.reads.into(),
        bounds.restarts.into(),
        open(bounds.appends),
        open(bounds.heartbeats),
        open(bounds.drops),
        bounds.duplicates.into(),
    ]
}

#[test]
fn a_swarm_draws_every_value_of_every_bound() {
    let mut scenario = presets::by_name("paper-restart")
        .expect("a preset")
        .scenario;
    scenario.bounds = Bounds {
        max_term: 3,
        max_log: 3,
        max_messages: Some(4),
        max_batch: 3,
        resend: true,
        partial_writes: true,
        campaigns: Some(3),
        writes: 2,
        reads: 2,
        restarts: 2,
        appends: Some(2),
        heartbeats: None,
        drops: Some(2),
        duplicates: 2,
        ..scenario.bounds
    };
    let least = [1, 1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    let given = reach(&scenario.bounds);
    let mut seen: [HashSet<u64>; 14] = Default::default();
    let mut untouched = 0;
    for walk in 0..2000 {
        let drawn = swarm_bounds(&scenario, &mut Dice::of(1, walk, 0));
        untouched += u32::from(drawn == scenario);
        for (seen, reach) in seen.iter_mut().zip(reach(&drawn.bounds)) {
            seen.insert(reach);
        }
    }
    for (i, seen) in seen.iter().enumerate() {
        let all: HashSet<u64> = match given[i] {
            u64::MAX => [0, u64::MAX].into(),
            given => (least[i]..=given).collect(),
        };
        assert_eq!(*seen, all, "bound {i}");
    }
    assert!((150..400).contains(&untouched), "{untouched} of 2000");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_walk_of_a_swarm_is_a_run_within_the_bounds_asked_for(
        preset in 0..presets::all().len(), plant in any::<bool>(), seed in any::<u64>(),
        network in prop::option::of(0usize..3),
        loose in prop::option::of((
            prop::option::of(0u32..3), prop::option::of(2u32..8), 1u32..4, 0u32..3, 0u32..3,
            prop::option::of(0u32..5), prop::option::of(0u32..3), any::<bool>(),
        )),
    ) {
        let preset = &presets::all()[preset];
        let mut scenario = preset.scenario.clone();
        if network.is_some() || loose.is_some() {
            // A prefix is a run of its own preset, and of no other.
            scenario.prefix = &[];
        }
        if let Some(i) = network {
            scenario.network = [NetworkKind::Set, NetworkKind::Bag, NetworkKind::Ordered][i];
        }
        if let Some((lag, messages, most, few, more, appends, drops, switch)) = loose {
            scenario.bounds = Bounds {
                max_lag: lag,
                max_messages: messages,
                max_term: most + 1,
                max_log: most,
                max_batch: most,
                resend: switch,
                partial_writes: !switch,
                campaigns: messages,
                writes: few,
                reads: more,
                restarts: few,
                appends,
                heartbeats: appends,
                drops,
                duplicates: more,
                ..scenario.bounds
            };
        }
        if plant {
            scenario.settings.flaw = Flaw::ALL
                .iter()
                .find(|about| preset.name.ends_with(about.name))
                .map(|about| about.flaw);
        }
        let tight = swarm_bounds(&scenario, &mut Dice::of(seed, 0, 1));
        for (drawn, given) in reach(&tight.bounds).iter().zip(reach(&scenario.bounds)) {
            prop_assert!(*drawn <= given);
        }
        let (mut at, mut taken) = (State::initial(&tight), Vec::new());
        prop_assert_eq!(packed(&at), packed(&State::initial(&scenario)));
        let book = RuleBook::new(tight.clone(), false);
        let mut worker = book.worker();
        let mut dice = Dice::of(seed, 0, 2);
        for _ in 0..60 {
            let mut next = Gather::default();
            worker.expand(&packed(&at), &mut next);
            let (mut listed, mut allowed) = (Vec::new(), Vec::new());
            action::enabled(&at, &tight, &mut listed);
            action::enabled(&at, &scenario, &mut allowed);
            let steps: Vec<_> = listed
                .iter()
                .filter_map(|action| Some((action, at.next(action, &tight).ok()?)))
                .collect();
            // An ordinal is a place among the actions that are not refused.
            prop_assert_eq!(steps.len(), next.0.len());
            let within: Vec<_> = steps.iter().zip(&next.0).filter(|(_, n)| n.is_some()).collect();
            if within.is_empty() {
                break;
            }
            let ((action, step), generated) = within[dice.below(within.len() as u64) as usize];
            prop_assert_eq!(generated.as_ref(), Some(&packed(&step.after)));
            prop_assert!(allowed.contains(action), "{} is not enabled", action);
            prop_assert!(step.after.within(&scenario));
            taken.push((*action).clone());
            at = step.after.clone();
        }
        let frames = execute(&scenario, &taken).expect("a run");
        let last = frames.last().map_or(State::initial(&scenario), |f| f.step.after.clone());
        prop_assert_eq!(packed(&last), packed(&at));
    }

    #[test]
    fn any_grid_is_walked_the_same_by_any_number_of_threads(
        side in 1u8..20, bad in any::<Option<(u8, u8)>>(), seed in any::<u64>(),
        walks in 0u64..300, depth in 0usize..50, until in 0u64..4, threads in 2usize..6,
        table in 0usize..200,
    ) {
        let bad = bad.map(|(x, y)| (x % side, y % side));
        let grid = Grid::new(side, bad);
        let options = Options { depth, until, table, ..options(seed, walks) };
        let first = run(&grid, &options);
        let again = run(&grid, &Options { threads, ..options });
        prop_assert_eq!(essence(&first), essence(&again));
        prop_assert!(first.walks <= walks && first.longest <= depth);
        for found in &first.found {
            prop_assert_eq!(found.run.last().map(|(_, at)| (at[0], at[1])), bad);
        }
    }
}
