//! The exhaustive engine on the rule book.

use std::path::PathBuf;

use super::explore::{Bits, Failure, Options, Report, Trail, explore};
use super::key::Key;
use super::{Count, Engine, Limits, Progress, PropertyResult, Search};
use crate::action;
use crate::book::{Coverage, RuleBook};
use crate::cluster::State;
use crate::counterexample::Counterexample;
use crate::field::packed;
use crate::properties::{self, Check, Finding, StepView};
use crate::scenario::Scenario;
use crate::symmetry;

/// Breadth-first search of packed states, on all threads, exact and resumable.
#[derive(Clone, Debug)]
pub struct Exhaustive {
    /// How many threads. The answer does not depend on it.
    pub threads: usize,
    /// How many bits stand for a state.
    pub bits: Bits,
    /// Whether states that differ in the names of servers are one.
    pub symmetry: bool,
    /// Three bits a state instead of a fingerprint; never exhaustive.
    pub bitstate: bool,
    /// Where files go; a folder for temporary files where none is said.
    pub disk: Option<PathBuf>,
    /// The most bytes of files.
    pub disk_max: Option<u64>,
    /// Write a checkpoint after every level.
    pub checkpoints: bool,
    /// Leave a checkpoint also when a search without them is interrupted.
    pub rescue: bool,
    /// Go on from the checkpoint in the folder.
    pub resume: bool,
    /// Kept in checkpoints for whoever resumes.
    pub about: String,
}

impl Default for Exhaustive {
    fn default() -> Self {
        Exhaustive {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            bits: Bits::default(),
            symmetry: false,
            bitstate: false,
            disk: None,
            disk_max: None,
            checkpoints: false,
            rescue: false,
            resume: false,
            about: String::new(),
        }
    }
}

/// Memory for what a thread knows by heart of the rule book: enough for most
/// scenarios, and little beside ten bytes for each of 10^8 states.
const KNOWN_MAX: u64 = 48 << 20;
const KNOWN_MIN: u64 = 2 << 20;

/// Memory that a search may use where nobody says how much.
const MEMORY: u64 = 2 << 30;

impl Exhaustive {
    /// The engine on `threads` threads.
    pub fn on(threads: usize) -> Self {
        Exhaustive {
            threads,
            ..Exhaustive::default()
        }
    }

    /// What the engine is asked, for a space other than the rule book. Names in
    /// `limits.until` are those of the rule book.
    pub fn options(&self, limits: &Limits) -> Options {
        let mut options = Options {
            threads: self.threads,
            bits: self.bits,
            bitstate: self.bitstate,
            memory: limits.memory.unwrap_or(MEMORY),
            disk_max: self.disk_max,
            checkpoints: self.checkpoints,
            rescue: self.rescue,
            resume: self.resume,
            about: self.about.clone(),
            time: limits.time,
            states: limits.states,
            depth: limits.depth,
            until: limits.until_mask(),
            keep_going: limits.keep_going,
            interrupt: limits.interrupt.clone(),
            ..Options::default()
        };
        if let Some(disk) = &self.disk {
            options.dir.clone_from(disk);
        }
        options
    }
}

impl Engine for Exhaustive {
    fn name(&self) -> &'static str {
        match self.bitstate {
            true => "bitstate",
            false => "exhaustive",
        }
    }

    fn search(
        &self,
        scenario: &Scenario,
        limits: &Limits,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Search, Failure> {
        let options = self.options(limits);
        let known = options.memory / 16 / self.threads.max(1) as u64;
        let book = RuleBook::new(scenario.clone(), self.symmetry)
            .with_memory(known.clamp(KNOWN_MIN, KNOWN_MAX) as usize);
        let report = explore(&book, &options, progress)?;
        let mut found = vec![None; properties::ALL.len()];
        for trail in &report.trails {
            found[trail.property] = Some(counterexample(&book, trail, report.bits)?);
        }
        Ok(answer(self.name(), &book, &report, found))
    }
}

/// What a search of the rule book found, named.
pub(super) fn answer(
    engine: &'static str,
    book: &RuleBook,
    report: &Report,
    found: Vec<Option<Counterexample>>,
) -> Search {
    let coverage = Coverage::of(&report.counts);
    let untold = report.untold.as_ref().map_or(0, |(mask, _)| *mask);
    let is_untold = |name: &str| {
        let at = properties::Property::position(name);
        at.is_some_and(|at| untold & (1 << at) != 0)
    };
    let counted = coverage.judged.iter().zip(coverage.evaluated);
    let rows = properties::ALL.iter().zip(counted).zip(found);
    let properties = rows
        .map(
            |((row, (&judged, &evaluated)), counterexample)| PropertyResult {
                name: row.name,
                judged,
                evaluated,
                broken: counterexample.is_some() || is_untold(row.name),
                counterexample,
            },
        )
        .collect();
    Search {
        group: book.group().len(),
        properties,
        witnesses: named(
            crate::witnesses::ALL.iter().map(|w| w.name.to_owned()),
            coverage.witnesses,
        ),
        actions: named(
            action::Action::KINDS.iter().map(|&k| k.to_owned()),
            coverage.actions,
        ),
        branches: named(
            crate::rules::Branch::ALL.iter().map(|b| b.name()),
            coverage.branches,
        ),
        ..Search::of(engine, report)
    }
}

fn named(names: impl Iterator<Item = String>, counts: &[u64]) -> Vec<Count> {
    names
        .zip(counts)
        .map(|(name, &count)| Count { name, count })
        .collect()
}

/// The run along a trail, in the names that servers have, each step taken by
/// the rule book: of the actions that lead to the next fingerprint the first.
fn counterexample(book: &RuleBook, trail: &Trail, bits: Bits) -> Result<Counterexample, Failure> {
    let row = &properties::ALL[trail.property];
    let lost = || Failure::Lost {
        property: row.name.to_owned(),
    };
    let scenario = book.scenario();
    let mut state = State::initial(scenario);
    let mut actions = Vec::new();
    let steps = trail.fingerprints.get(1..).unwrap_or_default();
    for (at, &fingerprint) in steps.iter().enumerate() {
        let last = at + 1 == steps.len();
        let mut enabled = Vec::new();
        action::enabled(&state, scenario, &mut enabled);
        let next = enabled.into_iter().find_map(|action| {
            let step = state.next(&action, scenario).ok()?;
            let view = StepView {
                before: &state,
                action: &action,
                step: &step,
            };
            let breaks = match row.check {
                Check::Step(check) => check(&view, scenario),
                Check::State(check) => check(&step.after, scenario),
            } == Finding::Broken;
            let here = step.after.within(scenario) && key(&step.after, book, bits) == fingerprint;
            (here && (breaks || !last)).then_some((action, step.after))
        });
        let (action, after) = next.ok_or_else(lost)?;
        actions.push(action);
        state = after;
    }
    let found = Counterexample {
        property: row.name,
        scenario: scenario.clone(),
        actions,
    };
    match found.is_confirmed() {
        true => Ok(found),
        false => Err(lost()),
    }
}

/// The fingerprint that the engine knows a state by.
fn key(state: &State, book: &RuleBook, bits: Bits) -> u128 {
    let bytes = match book.group().len() {
        1 => packed(state),
        _ => packed(&symmetry::representative(state, book.group())),
    };
    match bits {
        Bits::B64 => u64::of(&bytes).wide(),
        Bits::B128 => u128::of(&bytes).wide(),
    }
}
