//! How walks are asked for, and what they came upon.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::Coverage;
use super::walk::{Batch, add};
use crate::engine::End;
#[cfg(doc)]
use crate::engine::space::Space;

/// How walks are to be taken.
#[derive(Clone, Debug)]
pub struct Options {
    /// Decides every walk.
    pub seed: u64,
    /// How many walks; `None`: until something else ends it.
    pub walks: Option<u64>,
    /// The most steps of a walk.
    pub depth: usize,
    /// How many threads. The report does not depend on it.
    pub threads: usize,
    /// Wall-clock time. What is reported then depends on the machine.
    pub time: Option<Duration>,
    /// The properties at which a walk ends, and the simulation with it; those
    /// that break otherwise are noted and walked past.
    pub until: u64,
    /// Take all the walks also when properties break.
    pub keep_going: bool,
    /// The most slots of eight bytes in the table of states seen; three in
    /// four are used, then it is thinned out and the counts are estimates.
    pub table: usize,
    /// Set by somebody else, ends the simulation as interrupted.
    pub interrupt: Arc<AtomicBool>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seed: 0,
            walks: Some(10_000),
            depth: 200,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            time: None,
            until: u64::MAX,
            keep_going: false,
            table: 1 << 22,
            interrupt: Arc::default(),
        }
    }
}

/// Where a simulation is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Walks so far.
    pub walks: u64,
    /// Steps so far.
    pub steps: u64,
    /// Different states so far, or about how many.
    pub distinct: u64,
    /// Time so far.
    pub elapsed: Duration,
}

/// A run that breaks a property, from the lowest walk that does, as short as
/// that walk has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The place of the property in [`Space::properties`].
    pub property: usize,
    /// Which walk.
    pub walk: u64,
    /// The packed states, each with the how many-th successor of the one
    /// before it is, in the space of that walk (and of the initial states the
    /// how many-th the first one is). The last step, or the last state, breaks
    /// the property.
    pub run: Vec<(u32, Vec<u8>)>,
}

/// What random walks came upon.
#[derive(Clone, Debug)]
pub struct Report {
    /// How it ended. Never exhausted: [`End::Sampled`] when all the walks were
    /// taken.
    pub end: End,
    /// What decided the walks.
    pub seed: u64,
    /// Walks.
    pub walks: u64,
    /// Steps of all of them.
    pub steps: u64,
    /// The steps of the longest.
    pub longest: usize,
    /// Walks that ended where nothing leads on.
    pub dead_ends: u64,
    /// Initial states plus one for every action enabled on the way.
    pub generated: u64,
    /// Those out of bounds.
    pub beyond: u64,
    /// What the workers counted (see [`Space::counters`]), on all that was
    /// generated.
    pub counts: Vec<u64>,
    /// The states, and what they say of those not seen.
    pub coverage: Coverage,
    /// A run for each property that broke, in the order of the properties.
    pub found: Vec<Found>,
    /// Wall-clock time.
    pub elapsed: Duration,
}

impl Report {
    /// Of no walk.
    pub(super) fn new(seed: u64) -> Self {
        Report {
            end: End::Sampled,
            seed,
            walks: 0,
            steps: 0,
            longest: 0,
            dead_ends: 0,
            generated: 0,
            beyond: 0,
            counts: Vec::new(),
            coverage: Coverage::default(),
            found: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// Takes in what more walks came to.
    pub(super) fn add(&mut self, batch: &Batch) {
        self.walks += batch.walks;
        self.steps += batch.steps;
        self.longest = self.longest.max(batch.longest);
        self.dead_ends += batch.dead_ends;
        self.generated += batch.generated;
        self.beyond += batch.beyond;
        add(&mut self.counts, &batch.counts);
    }
}
