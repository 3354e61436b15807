//! One walk, and the walks that one thread takes in a row.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use xxhash_rust::xxh3::xxh3_64;

use super::{Dice, Options};
use crate::engine::space::{Sink, Space, Worker};

/// What says that walks are to be given up.
pub(super) struct Watch<'o> {
    options: &'o Options,
    started: Instant,
    /// The lowest walk that found what was looked for: those behind it are of
    /// no use.
    found: AtomicU64,
    /// Whether the time is spent.
    pub(super) late: AtomicBool,
}

impl<'o> Watch<'o> {
    pub(super) fn new(options: &'o Options, started: Instant) -> Self {
        Watch {
            options,
            started,
            found: AtomicU64::new(u64::MAX),
            late: AtomicBool::new(false),
        }
    }

    fn goes_on(&self, walk: u64, step: usize) -> bool {
        if self.options.interrupt.load(Relaxed) || self.found.load(Relaxed) < walk {
            return false;
        }
        // A look at the clock costs something.
        if step.is_multiple_of(16)
            && let Some(time) = self.options.time
            && self.started.elapsed() >= time
        {
            self.late.store(true, Relaxed);
        }
        !self.late.load(Relaxed)
    }
}

/// What walks in a row came to.
#[derive(Debug)]
pub(super) struct Batch {
    /// How many of them were walked to the end.
    pub(super) walks: u64,
    /// Whether all were, as far as they were to be.
    pub(super) complete: bool,
    /// Whether the last one found what ends the simulation.
    pub(super) ended: bool,
    pub(super) steps: u64,
    pub(super) generated: u64,
    pub(super) beyond: u64,
    pub(super) longest: usize,
    pub(super) dead_ends: u64,
    /// The states that each walk saw, each once a walk.
    pub(super) seen: Vec<u64>,
    pub(super) counts: Vec<u64>,
    /// For each property the first walk that breaks it, and the ordinals of
    /// its steps, the initial state's first.
    pub(super) found: Vec<Option<(u64, Vec<u32>)>>,
}

impl Batch {
    /// Takes the walks `walks`, until one of them is to be the last.
    pub(super) fn walk<S: Space>(
        spaces: &impl Fn(u64) -> S,
        walks: std::ops::Range<u64>,
        options: &Options,
        watch: &Watch<'_>,
    ) -> Self {
        let mut batch = Batch {
            walks: 0,
            complete: true,
            ended: false,
            steps: 0,
            generated: 0,
            beyond: 0,
            longest: 0,
            dead_ends: 0,
            seen: Vec::new(),
            counts: Vec::new(),
            found: Vec::new(),
        };
        let mut successors = Successors::default();
        for number in walks {
            let space = spaces(number);
            let mut worker = space.worker();
            let mut walk = Walk {
                number,
                until: options.until,
                ordinals: Vec::new(),
                seen: Vec::new(),
                found: Vec::new(),
                ended: false,
                dead_end: false,
                generated: 0,
                beyond: 0,
            };
            if !walk.take(&mut worker, &mut successors, options, watch) {
                batch.complete = false;
                break;
            }
            batch.ended = walk.ended && !options.keep_going;
            batch.merge(walk, &worker.counts());
            if batch.ended {
                watch.found.fetch_min(number, Relaxed);
                break;
            }
        }
        batch
    }

    fn merge(&mut self, walk: Walk, counts: &[u64]) {
        let steps = walk.ordinals.len().saturating_sub(1);
        self.walks += 1;
        self.steps += steps as u64;
        self.generated += walk.generated;
        self.beyond += walk.beyond;
        self.longest = self.longest.max(steps);
        self.dead_ends += u64::from(walk.dead_end);
        let mut seen = walk.seen;
        seen.sort_unstable();
        seen.dedup();
        self.seen.append(&mut seen);
        add(&mut self.counts, counts);
        for (property, ordinals) in walk.found {
            if self.found.len() <= property {
                self.found.resize(property + 1, None);
            }
            self.found[property].get_or_insert((walk.number, ordinals));
        }
    }
}

/// Adds counts to counts.
pub(super) fn add(to: &mut Vec<u64>, counts: &[u64]) {
    if to.len() < counts.len() {
        to.resize(counts.len(), 0);
    }
    for (to, count) in to.iter_mut().zip(counts) {
        *to += count;
    }
}

struct Walk {
    number: u64,
    until: u64,
    ordinals: Vec<u32>,
    seen: Vec<u64>,
    found: Vec<(usize, Vec<u32>)>,
    /// Whether something broke at which walks end.
    ended: bool,
    dead_end: bool,
    generated: u64,
    beyond: u64,
}

impl Walk {
    /// Walks; false when it is given up.
    fn take(
        &mut self,
        worker: &mut impl Worker,
        successors: &mut Successors,
        options: &Options,
        watch: &Watch<'_>,
    ) -> bool {
        let mut dice = Dice::of(options.seed, self.number, super::STEPS);
        let mut here: Vec<u8> = Vec::new();
        successors.clear();
        worker.initial(successors);
        loop {
            if !watch.goes_on(self.number, self.ordinals.len()) {
                return false;
            }
            self.generated += u64::from(successors.ordinal);
            self.beyond += successors.beyond;
            let Some(to) = self.choose(&here, successors, &mut dice) else {
                self.dead_end = true;
                return true;
            };
            here.clear();
            here.extend_from_slice(successors.packed(to));
            self.ordinals.push(successors.all[to].ordinal);
            self.seen.push(xxh3_64(&here));
            let broken = worker.judge(&here);
            if broken != 0 {
                self.note(broken, None);
            }
            if self.ended || self.ordinals.len() > options.depth {
                return true;
            }
            successors.clear();
            worker.expand(&here, successors);
        }
    }

    /// Where to go: where something breaks at which walks end, else anywhere
    /// but where it is.
    fn choose(&mut self, here: &[u8], successors: &Successors, dice: &mut Dice) -> Option<usize> {
        let mut bad = None;
        for (i, successor) in successors.all.iter().enumerate() {
            if successor.broken != 0 {
                self.note(successor.broken, Some(successor.ordinal));
                if successor.broken & self.until != 0 {
                    bad = bad.or(Some(i));
                }
            }
        }
        if bad.is_some() {
            return bad;
        }
        let moves = |i: &usize| self.ordinals.is_empty() || successors.packed(*i) != here;
        let ways = || (0..successors.all.len()).filter(moves);
        let count = ways().count() as u64;
        if count == 0 {
            return None;
        }
        ways().nth(dice.below(count) as usize)
    }

    /// Keeps the first run that breaks each property: this one, with one more
    /// step where there is one.
    fn note(&mut self, broken: u64, step: Option<u32>) {
        self.ended |= broken & self.until != 0;
        for property in (0..64).filter(|i| broken & (1 << i) != 0) {
            if self.found.iter().all(|(known, _)| *known != property) {
                let ordinals = self.ordinals.iter().copied().chain(step).collect();
                self.found.push((property, ordinals));
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Successor {
    ordinal: u32,
    broken: u64,
    start: usize,
    end: usize,
}

/// What an expansion gave.
#[derive(Default)]
struct Successors {
    bytes: Vec<u8>,
    all: Vec<Successor>,
    ordinal: u32,
    beyond: u64,
}

impl Successors {
    fn clear(&mut self) {
        self.bytes.clear();
        self.all.clear();
        self.ordinal = 0;
        self.beyond = 0;
    }

    fn packed(&self, i: usize) -> &[u8] {
        &self.bytes[self.all[i].start..self.all[i].end]
    }
}

impl Sink for Successors {
    fn state(&mut self, packed: &[u8], _: u32, broken: u64) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(packed);
        self.all.push(Successor {
            ordinal: self.ordinal,
            broken,
            start,
            end: self.bytes.len(),
        });
        self.ordinal += 1;
    }

    fn beyond(&mut self) {
        self.ordinal += 1;
        self.beyond += 1;
    }
}
