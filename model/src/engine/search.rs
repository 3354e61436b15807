//! The exhaustive search: breadth first, a level at a time.
//!
//! A level is explored in rounds. Within a round threads take chunks of the
//! frontier, expand them, and put what is new in the next frontier; between
//! rounds one thread has everything to itself and does what must not be
//! disturbed: the table grows, or goes to disk, or a checkpoint is written.

mod level;
mod resume;
mod round;

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rayon_core::{ThreadPool, ThreadPoolBuilder};

use super::bits::BitTable;
use super::checkpoint;
use super::disk::{Disk, Failure, Spool, lock};
use super::explore::{Options, Report};
use super::external::KeyRun;
use super::key::Key;
use super::queue::{Queue, Store};
use super::sieve::{Broken, Hand};
use super::space::{Space, Worker};
use super::table::Table;
use super::{End, Progress};

/// What is known of visited states.
enum Memory<K> {
    /// All keys.
    One(Table<K>),
    /// Those of earlier levels, and those of this one with their parents.
    Two(Past<K>, Table<K, true>),
    /// Those on disk; and a filter of some of them, but in a traced run, where
    /// every parent counts.
    Outer(Option<Table<K>>, Vec<KeyRun>),
}

/// Visited states of earlier levels.
enum Past<K> {
    Exact(Table<K>, u64),
    Bits(BitTable),
}

/// What has been counted.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Totals {
    pub(super) distinct: u64,
    pub(super) represented: u64,
    pub(super) generated: u64,
    pub(super) beyond: u64,
    pub(super) counts: Vec<u64>,
}

/// A broken property and the level of the state after the step.
pub(super) type Found<K> = Vec<Option<(usize, Broken<K>)>>;

/// A search under way.
pub(super) struct Run<'s, S: Space, K: Key> {
    space: &'s S,
    options: &'s Options,
    properties: usize,
    disk: Arc<Disk>,
    store: Arc<Store>,
    /// The threads of all hands but the first, which is this one's.
    pool: Option<ThreadPool>,
    hands: Vec<Hand<S::Worker<'s>, K>>,
    memory: Memory<K>,
    /// Keys in the table that is being filled.
    held: u64,
    current: Mutex<Queue>,
    next: Mutex<Queue>,
    /// Candidates on disk.
    candidates: Mutex<Vec<Spool>>,
    /// Files of the keys in the table, for checkpoints.
    logs: Vec<Spool>,
    /// Up to which level they were begun.
    logged: usize,
    /// The folder, for this process alone.
    taken: Option<File>,
    /// Whether it was made for the search, and goes with it.
    folder_made: bool,
    /// What earlier runs, and merges, have counted.
    base: Totals,
    levels: Vec<u64>,
    found: Found<K>,
    /// Of every level, each key with the least of its parents.
    trace: Option<Vec<Queue>>,
    /// Something was found as a limit was reached: the level is completed, so
    /// that what is shown does not depend on the moment.
    finishing: bool,
    resumed: Option<usize>,
    started: Instant,
    before: Duration,
}

/// Shares of the memory that a search may use.
const TABLE: u64 = 65;
const STORE: u64 = 12;
/// Frontiers have more memory than a share of the table's only up to here:
/// what a search takes grows with the states that it knows. Compressed chunks
/// in the system's cache of files are nearly as fast.
const FRONTIERS: u64 = 128 << 20;
const OF_TABLE: u64 = 5;
const CANDIDATES: u64 = 12;
/// Longer runs are no better, and places in them are counted in 32 bits.
const CANDIDATES_MAX: usize = 1 << 30;

impl<'s, S: Space, K: Key> Run<'s, S, K> {
    /// A search that has not begun, or the one that the options resume.
    pub(super) fn new(space: &'s S, options: &'s Options) -> Result<Self, Failure> {
        let disk = Disk::new(options.dir.clone(), options.disk_max);
        let share = |percent| options.memory / 100 * percent;
        let memory = if options.bitstate {
            let bits = BitTable::new(share(TABLE / 2)).map_err(Failure::Memory)?;
            let current = Table::new(share(TABLE / 2)).map_err(Failure::Memory)?;
            Memory::Two(Past::Bits(bits), current)
        } else {
            Memory::One(Table::new(share(TABLE)).map_err(Failure::Memory)?)
        };
        let mut run = Self::with(space, options, disk, memory, false);
        if options.resume || options.checkpoints {
            let (lock, made) = checkpoint::take(&options.dir)?;
            (run.taken, run.folder_made) = (Some(lock), made);
        }
        if options.resume {
            let manifest = checkpoint::read(&options.dir)?;
            manifest.is_of(&options.dir, &checkpoint::identity::<K>(space, options))?;
            run.restore(&manifest)?;
        } else if options.checkpoints {
            checkpoint::refuse_to_overwrite(&options.dir)?;
        }
        Ok(run)
    }

    /// A run of a search again, to learn the parents of its states. It keeps
    /// its visited states where the search kept them.
    pub(super) fn traced(
        space: &'s S,
        options: &'s Options,
        external: bool,
    ) -> Result<Self, Failure> {
        let disk = Disk::new(options.dir.clone(), options.disk_max);
        let share = |percent| options.memory / 100 * percent;
        let table = |percent| Table::new(share(percent)).map_err(Failure::Memory);
        let memory = if external {
            Memory::Outer(None, Vec::new())
        } else {
            let past = if options.bitstate {
                Past::Bits(BitTable::new(share(TABLE / 2)).map_err(Failure::Memory)?)
            } else {
                Past::Exact(table(TABLE + 5)?, 0)
            };
            // Twice the share: a run that fitted is found again, whatever the
            // tags need.
            let current = Table::new(share(TABLE) * 2).map_err(Failure::Memory)?;
            Memory::Two(past, current)
        };
        Ok(Self::with(space, options, disk, memory, true))
    }

    fn with(
        space: &'s S,
        options: &'s Options,
        disk: Arc<Disk>,
        memory: Memory<K>,
        trace: bool,
    ) -> Self {
        let properties = space.properties().len();
        let store = Store::new(Arc::clone(&disk), options.memory / 100 * STORE);
        let (pool, hands) = crew(options.threads, || {
            Hand::new(space.worker(), properties, trace)
        });
        Run {
            space,
            options,
            properties,
            pool,
            hands,
            memory,
            held: 0,
            current: Mutex::new(Queue::new(&store, "frontier")),
            next: Mutex::new(Queue::new(&store, "frontier")),
            candidates: Mutex::default(),
            logs: Vec::new(),
            logged: 0,
            taken: None,
            folder_made: false,
            finishing: false,
            base: Totals::default(),
            levels: Vec::new(),
            found: vec![None; properties],
            trace: trace.then(Vec::new),
            resumed: None,
            started: Instant::now(),
            before: Duration::ZERO,
            disk,
            store,
        }
    }

    /// Searches until the end.
    pub(super) fn search(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<End, Failure> {
        if self.resumed.is_none() {
            self.hands[0].begin();
        }
        loop {
            if let Some(end) = self.expand_level(progress)? {
                return Ok(end);
            }
            if self.is_found() {
                return Ok(End::Found);
            }
            self.finishing = false;
            if lock(&self.current).records() == 0 {
                return Ok(match self.options.bitstate {
                    true => End::Sampled,
                    false => End::Exhausted,
                });
            }
            if self
                .options
                .depth
                .is_some_and(|depth| self.levels.len() > depth)
            {
                return Ok(End::Depth);
            }
            if self.options.checkpoints && self.trace.is_none() && !self.options.bitstate {
                match self.checkpoint() {
                    Err(failure) if failure.is_full() => return Ok(End::DiskSpent),
                    other => other?,
                };
            }
        }
    }

    /// Explores until the level `depth` is complete.
    ///
    /// # Errors
    /// When files cannot be had, or it is interrupted.
    pub(super) fn search_levels(&mut self, depth: usize) -> Result<(), Failure> {
        self.hands[0].begin();
        while self.levels.len() <= depth {
            let levels = self.levels.len();
            if let Some(end) = self.expand_level(&mut |_| {})? {
                return Err(Failure::Cut(end.name()));
            }
            if self.levels.len() == levels {
                break;
            }
        }
        Ok(())
    }

    /// How much memory frontiers may take.
    fn frontier_memory(&self) -> u64 {
        let table = match &self.memory {
            Memory::One(table) => table.bytes(),
            _ => u64::MAX,
        };
        (self.options.memory / 100 * STORE).min((table / OF_TABLE).max(FRONTIERS))
    }

    fn is_found(&self) -> bool {
        let here = |i: usize| {
            self.found[i].is_some() || self.hands.iter().any(|hand| hand.found[i].is_some())
        };
        !self.options.keep_going
            && self.trace.is_none()
            && (0..self.properties).any(|i| self.options.until & (1 << i) != 0 && here(i))
    }

    /// Explores what waits; says why, where it stops before the level is
    /// complete.
    fn expand_level(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<Option<End>, Failure> {
        loop {
            match self.round(progress) {
                Err(failure) if failure.is_full() => return Ok(Some(End::DiskSpent)),
                Err(failure) => return Err(failure),
                Ok(Some(End::Time | End::States)) if self.is_found() => self.finishing = true,
                Ok(Some(end)) => return Ok(Some(end)),
                Ok(None) => {}
            }
            let idle = self.hands.iter().all(Hand::is_idle);
            if idle && lock(&self.current).chunks() == 0 {
                break;
            }
            match self.make_room() {
                Err(failure) if failure.is_full() => return Ok(Some(End::DiskSpent)),
                Ok(false) => return Ok(Some(End::Memory)),
                other => other?,
            };
        }
        match self.complete_level() {
            Err(failure) if failure.is_full() => Ok(Some(End::DiskSpent)),
            other => other.map(|()| None),
        }
    }

    fn totals(&self) -> Totals {
        let mut totals = self.base.clone();
        totals.counts.resize(self.space.counters().len(), 0);
        for hand in &self.hands {
            let (generated, beyond) = hand.generated();
            totals.distinct += hand.distinct;
            totals.represented += hand.represented;
            totals.generated += generated;
            totals.beyond += beyond;
            for (total, count) in totals.counts.iter_mut().zip(hand.worker.counts()) {
                *total += count;
            }
        }
        totals
    }

    fn elapsed(&self) -> Duration {
        self.before + self.started.elapsed()
    }

    /// The level logs of a traced run: every key with the least of its parents.
    pub(super) fn into_trace(self) -> Vec<Queue> {
        self.trace.unwrap_or_default()
    }

    /// Deletes what is left of the search: there is nothing to resume.
    pub(super) fn clean(&mut self) {
        self.disk.keep_only(&[]);
        if self.taken.is_some() {
            checkpoint::remove(&self.options.dir, self.folder_made);
        }
    }

    /// What broke, and what is reported.
    pub(super) fn report(&mut self, end: End, checkpoint: Option<PathBuf>) -> (Found<K>, Report) {
        let totals = self.totals();
        let level = self.levels.len();
        for i in 0..self.properties {
            let mut least = None;
            for hand in &mut self.hands {
                if let Some(broken) = hand.found[i].take() {
                    broken.note(&mut least);
                }
            }
            if let (None, Some(broken)) = (&self.found[i], least) {
                self.found[i] = Some((level, broken));
            }
        }
        let (table, external, bitstate) = match &self.memory {
            Memory::One(table) => (table.bytes(), false, None),
            Memory::Two(Past::Bits(bits), current) => (
                bits.bytes() + current.bytes(),
                false,
                Some((bits.fill(), bits.omitted())),
            ),
            Memory::Two(Past::Exact(past, _), current) => {
                (past.bytes() + current.bytes(), false, None)
            }
            Memory::Outer(filter, _) => (filter.as_ref().map_or(0, Table::bytes), true, None),
        };
        let report = Report {
            distinct: totals.distinct,
            represented: totals.represented,
            generated: totals.generated,
            beyond: totals.beyond,
            counts: totals.counts,
            levels: std::mem::take(&mut self.levels),
            threads: self.hands.len(),
            bits: K::BITS,
            table,
            disk: self.disk.used().1,
            external,
            bitstate,
            resumed: self.resumed,
            elapsed: self.elapsed(),
            checkpoint,
            ..Report::new(end)
        };
        (std::mem::take(&mut self.found), report)
    }
}

/// The threads of a search, with this one, and a hand for each. They stay for
/// as long as the search does, and each makes its own hand: what one thread
/// allocates lies together, and hands that write to the same lines of the cache
/// take up to twice as long. Where the system gives no threads, this one does
/// all: the answer is the same.
fn crew<H: Send>(threads: usize, hand: impl Fn() -> H + Sync) -> (Option<ThreadPool>, Vec<H>) {
    let pool = match threads {
        0 | 1 => None,
        _ => ThreadPoolBuilder::new()
            .num_threads(threads - 1)
            .build()
            .ok(),
    };
    let others = pool
        .as_ref()
        .map(|pool| pool.broadcast(|_| hand()))
        .unwrap_or_default();
    (pool, std::iter::once(hand()).chain(others).collect())
}
