//! Engines: one interface, one way to ask, one way to answer.
//!
//! | engine | order | reports |
//! |---|---|---|
//! | `bfs` | breadth first, one thread | exact counts, shortest counterexamples |
//! | `dfs` | depth first, one thread, servers renamed | a count of orbits, some counterexample |
//! | `simulation` | random walks from a seed | never exhaustive |
//!
//! All three are stateright's own checkers. Its multi-threaded search is
//! neither shortest nor deterministic, so what is reported comes from one
//! thread. stateright's on-demand checker serves `plimsoll explore`.

mod bits;
mod checkers;
pub mod checkpoint;
mod disk;
pub mod explore;
mod external;
mod key;
mod queue;
mod search;
mod sieve;
pub mod space;
mod table;
pub(crate) mod tally;
mod trail;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use checkers::{Bfs, Dfs, Simulation, serve};

use crate::counterexample::Counterexample;
use crate::scenario::Scenario;

/// How much a search may spend and what it is to find.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Wall-clock time.
    pub time: Option<Duration>,
    /// Distinct states.
    pub states: Option<u64>,
    /// Resident memory of the whole process, in bytes.
    pub memory: Option<u64>,
    /// The most actions in a row.
    pub depth: Option<usize>,
    /// End at the first broken property of these names; empty: of any name.
    pub until: Vec<&'static str>,
    /// Go on to the end also when properties break.
    pub keep_going: bool,
    /// Set by somebody else, ends the search as interrupted.
    pub interrupt: Arc<AtomicBool>,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every state within the bounds was visited.
    Exhausted,
    /// What was looked for was found.
    Found,
    /// The depth limit cut it.
    Depth,
    /// The time is spent.
    Time,
    /// The number of states is reached.
    States,
    /// The memory is spent.
    Memory,
    /// It was interrupted.
    Interrupted,
    /// The room on disk is spent.
    DiskSpent,
    /// It never visits everything (simulation).
    Sampled,
}

impl End {
    /// The name, as JSON spells it.
    pub fn name(self) -> &'static str {
        match self {
            End::Exhausted => "exhausted",
            End::Found => "found",
            End::Depth => "depth-limit",
            End::Time => "time-limit",
            End::States => "state-limit",
            End::Memory => "memory-limit",
            End::Interrupted => "interrupted",
            End::DiskSpent => "disk-limit",
            End::Sampled => "sampled",
        }
    }
}

/// Where a running search is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Distinct states so far.
    pub distinct: u64,
    /// Generated states so far.
    pub generated: u64,
    /// Actions in a row so far.
    pub depth: usize,
    /// States of the present level that are still to be expanded.
    pub waiting: u64,
    /// An estimate of how many states are left, where there is one.
    pub left: Option<u64>,
    /// Bytes on disk.
    pub disk: u64,
    /// Time so far.
    pub elapsed: Duration,
}

/// What was found of one property.
#[derive(Clone, Debug)]
pub struct PropertyResult {
    /// Its name.
    pub name: &'static str,
    /// How often it was judged.
    pub judged: u64,
    /// How often it had something to judge.
    pub evaluated: u64,
    /// A run that breaks it; from `bfs` a shortest one.
    pub counterexample: Option<Counterexample>,
}

/// A name and how often it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The name.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Search {
    /// The engine's name.
    pub engine: &'static str,
    /// How it ended.
    pub end: End,
    /// Distinct states within the bounds; under symmetry, orbits.
    pub distinct: u64,
    /// Initial states plus one for every enabled action, self-loops and
    /// successors out of bounds included.
    pub generated: u64,
    /// Successors out of bounds.
    pub out_of_bounds: u64,
    /// The most actions in a row.
    pub depth: usize,
    /// Wall-clock time.
    pub elapsed: Duration,
    /// How many renamings symmetry used; 1 without.
    pub group: usize,
    /// Every property, in the order of the table.
    pub properties: Vec<PropertyResult>,
    /// Every witness.
    pub witnesses: Vec<Count>,
    /// Every kind of action.
    pub actions: Vec<Count>,
    /// Every rule branch.
    pub branches: Vec<Count>,
}

impl Search {
    /// The shortest counterexample; of equals, the first in the table.
    pub fn first_broken(&self) -> Option<&Counterexample> {
        let found = self
            .properties
            .iter()
            .filter_map(|p| p.counterexample.as_ref());
        found.min_by_key(|c| c.actions.len())
    }

    /// The probability that a fingerprint of 64 bits made the search take a
    /// new state for a known one, at most (birthday bound).
    pub fn omission_probability(&self) -> f64 {
        let n = self.distinct as f64;
        (n * n / 2f64.powi(65)).min(1.0)
    }
}

/// Something that explores a scenario.
pub trait Engine {
    /// The name, as flags spell it.
    fn name(&self) -> &'static str;

    /// Explores `scenario` within `limits`, and reports where it is now and
    /// then.
    fn search(
        &self,
        scenario: &Scenario,
        limits: &Limits,
        progress: &mut dyn FnMut(Progress),
    ) -> Search;
}

/// The engine called `name`; `seed` is for those that draw lots.
pub fn by_name(name: &str, seed: u64) -> Option<Box<dyn Engine>> {
    match name {
        "bfs" => Some(Box::new(Bfs)),
        "dfs" => Some(Box::new(Dfs)),
        "simulation" => Some(Box::new(Simulation { seed })),
        _ => None,
    }
}
