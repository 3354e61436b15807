//! stateright's checkers behind the engine interface.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use ::stateright::{Checker, CheckerBuilder, HasDiscoveries, Model, UniformChooser};

use super::explore::Report;
use super::{Count, End, Engine, Failure, Limits, Progress, PropertyResult, Search};
use crate::action::Action;
use crate::counterexample::Counterexample;
use crate::properties;
use crate::rules::Branch;
use crate::scenario::Scenario;
use crate::stateright::{RaftModel, STOPPED};
use crate::witnesses;

/// Breadth-first search on one thread: the reference.
#[derive(Clone, Copy, Debug)]
pub struct Bfs;

/// Depth-first search on one thread, servers renamed.
#[derive(Clone, Copy, Debug)]
pub struct Dfs;

/// Random walks on one thread.
#[derive(Clone, Copy, Debug)]
pub struct Simulation {
    /// Decides every walk.
    pub seed: u64,
}

/// A walk is cut after so many actions when no depth limit is given.
const WALK_ACTIONS: usize = 200;

impl Engine for Bfs {
    fn name(&self) -> &'static str {
        "stateright-bfs"
    }

    fn search(
        &self,
        scenario: &Scenario,
        limits: &Limits,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Search, Failure> {
        let model = RaftModel::new(scenario.clone(), false);
        run(self.name(), model, limits, progress, false, |b| {
            b.spawn_bfs()
        })
    }
}

impl Engine for Dfs {
    fn name(&self) -> &'static str {
        "stateright-dfs"
    }

    fn search(
        &self,
        scenario: &Scenario,
        limits: &Limits,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Search, Failure> {
        let model = RaftModel::new(scenario.clone(), true);
        run(self.name(), model, limits, progress, false, |b| {
            b.symmetry().spawn_dfs()
        })
    }
}

impl Engine for Simulation {
    fn name(&self) -> &'static str {
        "stateright-simulation"
    }

    fn search(
        &self,
        scenario: &Scenario,
        limits: &Limits,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Search, Failure> {
        let model = RaftModel::new(scenario.clone(), false);
        let limits = Limits {
            depth: limits.depth.or(Some(WALK_ACTIONS)),
            ..limits.clone()
        };
        run(self.name(), model, &limits, progress, true, |b| {
            b.spawn_simulation(self.seed, UniformChooser)
        })
    }
}

/// Serves stateright's Explorer for `scenario` at `address`, on demand. Does
/// not return until the process ends.
pub fn serve(scenario: &Scenario, address: SocketAddr) {
    let model = RaftModel::new(scenario.clone(), false);
    let _checker = model.checker().serve(address);
}

fn run<C: Checker<RaftModel>>(
    engine: &'static str,
    mut model: RaftModel,
    limits: &Limits,
    progress: &mut dyn FnMut(Progress),
    sampled: bool,
    spawn: impl FnOnce(CheckerBuilder<RaftModel>) -> C,
) -> Result<Search, Failure> {
    let started = Instant::now();
    // stateright's own depth limit would leave the deepest states unjudged.
    model.depth_max = limits.depth;
    model.sampled = sampled;
    let (scenario, tally, stop) = (
        model.scenario.clone(),
        Arc::clone(&model.tally),
        Arc::clone(&model.stop),
    );
    let group = model.group_size();
    let finish = match (limits.keep_going, limits.until.is_empty()) {
        (true, _) if sampled => HasDiscoveries::AnyOf(BTreeSet::from([STOPPED])),
        (true, _) => HasDiscoveries::All,
        (false, true) => HasDiscoveries::Any,
        (false, false) => {
            let until = limits.until.iter().copied();
            HasDiscoveries::AnyOf(until.chain([STOPPED]).collect())
        }
    };
    let mut builder = model.checker().threads(1).finish_when(finish);
    if let (true, Some(states)) = (sampled, limits.states) {
        builder = builder.target_state_count(usize::try_from(states).unwrap_or(usize::MAX));
    }
    if let (true, Some(time)) = (sampled, limits.time) {
        builder = builder.timeout(time);
    }
    let mut checker = spawn(builder);
    let mut cut = None;
    let mut pause = Duration::from_millis(1);
    loop {
        let handles_done = checker.is_done();
        if handles_done {
            break;
        }
        let now = Progress {
            distinct: checker.unique_state_count() as u64,
            generated: tally.generated.load(Relaxed),
            depth: checker.max_depth().saturating_sub(1),
            waiting: 0,
            left: None,
            disk: 0,
            elapsed: started.elapsed(),
        };
        cut = cut.or_else(|| spent(limits, &now));
        if cut.is_some() {
            stop.store(true, Relaxed);
        }
        progress(now);
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    for handle in checker.handles() {
        // A panic in a checker thread is a broken invariant: pass it on.
        if let Err(panic) = handle.join() {
            std::panic::resume_unwind(panic);
        }
    }
    // Whatever is executed from here on to show a path does not count.
    let counts = Counts::take(&tally);
    stop.store(false, Relaxed);
    let discoveries = checker.discoveries();
    // The initial state counts in a search and not in a walk.
    let depth = checker.max_depth().saturating_sub(usize::from(!sampled));
    let found = !limits.keep_going
        && discoveries
            .keys()
            .filter(|&&name| name != STOPPED)
            .any(|name| limits.until.is_empty() || limits.until.contains(name));
    let end = match cut {
        _ if found => End::Found,
        _ if sampled => cut.unwrap_or(End::Sampled),
        Some(cut) => cut,
        None if tally.cut.load(Relaxed) => End::Depth,
        None => End::Exhausted,
    };
    let properties = properties::ALL
        .iter()
        .enumerate()
        .map(|(i, property)| PropertyResult {
            name: property.name,
            judged: counts.judged[i],
            evaluated: counts.evaluated[i],
            broken: discoveries.contains_key(property.name),
            counterexample: discoveries.get(property.name).map(|path| Counterexample {
                property: property.name,
                scenario: scenario.clone(),
                actions: path.clone().into_actions(),
            }),
        })
        .collect();
    let distinct = checker.unique_state_count() as u64;
    let report = Report {
        distinct,
        represented: match group {
            1 => distinct,
            _ => 0,
        },
        generated: counts.generated,
        beyond: counts.out_of_bounds,
        elapsed: started.elapsed(),
        ..Report::new(end)
    };
    Ok(Search {
        depth,
        storage: None,
        group,
        properties,
        witnesses: named(
            witnesses::ALL.iter().map(|w| w.name.to_owned()),
            &counts.witnesses,
        ),
        actions: named(
            Action::KINDS.iter().map(|k| (*k).to_owned()),
            &counts.actions,
        ),
        branches: named(Branch::ALL.iter().map(|b| b.name()), &counts.branches),
        ..Search::of(engine, &report)
    })
}

fn named(names: impl Iterator<Item = String>, counts: &[u64]) -> Vec<Count> {
    names
        .zip(counts)
        .map(|(name, &count)| Count { name, count })
        .collect()
}

/// Which limit, if any, is reached.
fn spent(limits: &Limits, now: &Progress) -> Option<End> {
    if limits.interrupt.load(Relaxed) {
        return Some(End::Interrupted);
    }
    if limits.time.is_some_and(|time| now.elapsed >= time) {
        return Some(End::Time);
    }
    if limits.states.is_some_and(|states| now.distinct >= states) {
        return Some(End::States);
    }
    let memory = limits.memory?;
    (resident_bytes()? >= memory).then_some(End::Memory)
}

/// The resident memory of this process, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The tally at the end of a search.
struct Counts {
    generated: u64,
    out_of_bounds: u64,
    branches: Vec<u64>,
    actions: Vec<u64>,
    witnesses: Vec<u64>,
    judged: Vec<u64>,
    evaluated: Vec<u64>,
}

impl Counts {
    fn take(tally: &super::tally::Tally) -> Self {
        let all = |counters: &[std::sync::atomic::AtomicU64]| {
            counters.iter().map(|c| c.load(Relaxed)).collect()
        };
        Counts {
            generated: tally.generated.load(Relaxed),
            out_of_bounds: tally.out_of_bounds.load(Relaxed),
            branches: all(&tally.branches),
            actions: all(&tally.actions),
            witnesses: all(&tally.witnesses),
            judged: all(&tally.judged),
            evaluated: all(&tally.evaluated),
        }
    }
}
