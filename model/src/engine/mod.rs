//! Engines: one interface, one way to ask, one way to answer.
//!
//! | engine | order | reports |
//! |---|---|---|
//! | `exhaustive` | breadth first, level by level, on all threads | exact counts, shortest counterexamples, the same on any number of threads |
//! | `bitstate` | the same with three bits a state | never exhaustive |
//! | `simulate` | random walks from a seed, each within bounds of its own | never exhaustive |
//! | `stateright-bfs` | breadth first, one thread | the reference: exact counts, shortest counterexamples |
//! | `stateright-dfs` | depth first, one thread, servers renamed | a count of orbits, some counterexample |
//! | `stateright-simulation` | random walks, one thread | never exhaustive |
//!
//! The first three are Plimsoll's and search packed states
//! ([`space::Space`]); `docs/engine.md` tells how. The others are stateright's
//! own checkers, and what the first is checked against. Its multi-threaded
//! search is neither shortest nor deterministic, so what is reported comes from
//! one thread. Its on-demand checker serves `plimsoll explore`.

pub mod adapter;
mod bits;
mod checkers;
pub mod checkpoint;
mod disk;
pub mod exhaustive;
pub mod explore;
mod external;
mod key;
pub mod measure;
mod queue;
mod search;
mod sieve;
pub mod simulate;
pub mod space;
mod table;
pub(crate) mod tally;
mod trail;
mod walks;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use checkers::{Bfs, Dfs, Simulation, serve};
pub use exhaustive::Exhaustive;
pub use explore::{Bits, Failure};
pub use walks::{Simulate, Walks};

use crate::counterexample::Counterexample;
use crate::scenario::Scenario;

/// How much a search may spend and what it is to find.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Wall-clock time.
    pub time: Option<Duration>,
    /// Distinct states.
    pub states: Option<u64>,
    /// Memory, in bytes: what `exhaustive` sizes its tables by, and goes to
    /// disk beyond; what ends a search of stateright's when the whole process
    /// holds it.
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

impl Limits {
    /// The properties that end a search, as a mask: bit `i` is row `i` of the
    /// table.
    pub(crate) fn until_mask(&self) -> u64 {
        let at = |name: &&str| crate::properties::Property::position(name);
        match self.until.is_empty() {
            true => u64::MAX,
            false => self
                .until
                .iter()
                .filter_map(at)
                .fold(0, |mask, i| mask | 1 << i),
        }
    }
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
    /// Whether it broke.
    pub broken: bool,
    /// A run that breaks it, a shortest one from an engine that goes breadth
    /// first; none where it could not be told ([`Search::untold`]).
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

/// Where a search kept its states.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Bytes of the visited set in memory, at the end.
    pub table: u64,
    /// The most bytes that were on disk.
    pub disk: u64,
    /// Whether visited states went to disk.
    pub external: bool,
    /// Bitstate: the share of bits that are set, and how many states are
    /// expected to have been left out, not counting what only they lead to.
    pub bitstate: Option<(f64, f64)>,
    /// After how many complete levels it was resumed.
    pub resumed: Option<usize>,
    /// Where it can be resumed.
    pub checkpoint: Option<std::path::PathBuf>,
}

impl Storage {
    /// What `report` says of it.
    pub fn of(report: &explore::Report) -> Self {
        Storage {
            table: report.table,
            disk: report.disk,
            external: report.external,
            bitstate: report.bitstate,
            resumed: report.resumed,
            checkpoint: report.checkpoint.clone(),
        }
    }
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
    /// How many states these stand for: without symmetry as many; else the sum
    /// of the sizes of their orbits, where the engine knows it, or zero.
    pub represented: u64,
    /// Initial states plus one for every enabled action, self-loops and
    /// successors out of bounds included.
    pub generated: u64,
    /// Successors out of bounds.
    pub out_of_bounds: u64,
    /// The most actions in a row.
    pub depth: usize,
    /// Distinct states at each distance from the initial one, where the engine
    /// knows them.
    pub levels: Vec<u64>,
    /// Wall-clock time.
    pub elapsed: Duration,
    /// How many threads.
    pub threads: usize,
    /// How many bits stood for a state.
    pub bits: Bits,
    /// Where states were kept, for an engine that says so.
    pub storage: Option<Storage>,
    /// What random walks came by, for an engine that takes them.
    pub walks: Option<Walks>,
    /// Why there is no run to a property that broke.
    pub untold: Option<String>,
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
    /// What `report` says of a search by `engine`, and nothing of properties or
    /// of what was counted by name.
    pub fn of(engine: &'static str, report: &explore::Report) -> Self {
        Search {
            engine,
            end: report.end,
            distinct: report.distinct,
            represented: report.represented,
            generated: report.generated,
            out_of_bounds: report.beyond,
            depth: report.levels.len().saturating_sub(1),
            levels: report.levels.clone(),
            elapsed: report.elapsed,
            threads: report.threads,
            bits: report.bits,
            storage: Some(Storage::of(report)),
            walks: None,
            untold: report.untold.as_ref().map(|(_, why)| why.clone()),
            group: 1,
            properties: Vec::new(),
            witnesses: Vec::new(),
            actions: Vec::new(),
            branches: Vec::new(),
        }
    }

    /// The shortest counterexample; of equals, the first in the table.
    pub fn first_broken(&self) -> Option<&Counterexample> {
        let found = self
            .properties
            .iter()
            .filter_map(|p| p.counterexample.as_ref());
        found.min_by_key(|c| c.actions.len())
    }

    /// The probability that some two states had one fingerprint, so that one
    /// was taken for the other and left out, at most (birthday bound: n² / 2
    /// pairs, each with probability 2⁻⁶⁴ or 2⁻¹²⁸).
    pub fn omission_probability(&self) -> f64 {
        let n = self.distinct as f64;
        (n * n / 2f64.powi(self.bits.count() as i32 + 1)).min(1.0)
    }
}

/// Something that explores a scenario.
pub trait Engine {
    /// The name, as flags spell it.
    fn name(&self) -> &'static str;

    /// Explores `scenario` within `limits`, and reports where it is now and
    /// then.
    ///
    /// # Errors
    /// When memory or files cannot be had; an engine without files has none.
    fn search(
        &self,
        scenario: &Scenario,
        limits: &Limits,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Search, Failure>;
}
