//! Random walks through any [`Space`]: what is left where a space is too large
//! to search. They find what is deep and common, never show that there is
//! nothing, and say so.
//!
//! A walk begins in an initial state, and goes on to any of the successors
//! within bounds that differ from where it is, each as likely as any other,
//! until there is none, it is deep enough, or a property breaks at which walks
//! end. What an expansion judges is judged on all successors, also those not
//! taken, so a walk sees one step to each side; [`Worker::judge`] is asked of
//! the states taken.
//!
//! # What a seed decides
//!
//! Walk `i` is decided by the seed and `i`. Walks are dealt out by number and
//! what they come to is put together by number, so the report is the same for
//! any number of threads: of the walks that break a property the lowest is
//! shown, and all walks below it were walked to the end. Time and interruptions
//! cut this short, by the clock: then the report is that of the walks up to
//! the first one that was given up, and `walks` of their number gives it again
//! (but a run that breaks a property is shown also from a walk behind them).
//!
//! # Swarm
//!
//! Each walk may have bounds of its own ([`Swarm`]): walks with few writes get
//! deep into crashes, those with few messages deep into elections. Holzmann,
//! Joshi and Groce, "Swarm verification techniques" (2011); Groce and others,
//! "Swarm testing" (2012).
//!
//! ```
//! use plimsoll_model::engine::simulate::{Options, Swarm, simulate};
//! use plimsoll_model::flaws::Flaw;
//! use plimsoll_model::presets;
//! use plimsoll_model::properties::Property;
//!
//! let mut scenario = presets::for_flaw(Flaw::StaleVoteCounted).scenario;
//! scenario.settings.flaw = Some(Flaw::StaleVoteCounted);
//! let swarm = Swarm::new(scenario, 7);
//! let options = Options {
//!     seed: 7,
//!     walks: Some(100_000),
//!     until: 1 << Property::position("election-safety").unwrap(),
//!     ..Options::default()
//! };
//! let report = simulate(&|walk| swarm.space(walk), &options, &mut |_| {});
//! let counterexample = swarm.counterexample(&report.found[0]).unwrap();
//! assert!(counterexample.is_confirmed());
//! ```

mod dice;
mod report;
mod sample;
mod swarm;
mod walk;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

pub use dice::Dice;
pub use report::{Found, Options, Progress, Report};
pub use sample::Coverage;
pub use swarm::{Swarm, swarm_bounds};

use self::sample::Sample;
use self::walk::{Batch, Watch};
use super::End;
use super::space::{Sink, Space, Worker};

/// What the dice of a walk are thrown for: its steps, its bounds.
const STEPS: u64 = 0;
const BOUNDS: u64 = 1;

/// So many walks are dealt to a thread at once.
const BATCH: u64 = 8;

/// Takes random walks: walk `i` through `spaces(i)`, which must be the same
/// whenever it is asked for.
///
/// # Panics
/// When a space does not answer twice the same.
pub fn simulate<S: Space>(
    spaces: &(impl Fn(u64) -> S + Sync),
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Report {
    let started = Instant::now();
    let watch = Watch::new(options, started);
    let mut sample = Sample::new(options.table);
    let mut report = Report::new(options.seed);
    let mut found: Vec<Option<(u64, Vec<u32>)>> = vec![None; 64];
    let last = options.walks.unwrap_or(u64::MAX);
    while report.walks < last && report.end == End::Sampled {
        let round = BATCH * 4 * options.threads.max(1) as u64;
        let walks = report.walks..last.min(report.walks.saturating_add(round));
        for batch in take_round(spaces, walks, options, &watch) {
            for (known, new) in found.iter_mut().zip(&batch.found) {
                *known = known.take().or_else(|| new.clone());
            }
            // Behind a walk that was given up only what broke still matters.
            if report.end == End::Sampled {
                report.add(&batch);
                sample.walked(batch.walks, &batch.seen);
            }
            if batch.ended {
                report.end = End::Found;
                break;
            }
            if !batch.complete && report.end == End::Sampled {
                report.end = match options.interrupt.load(Relaxed) {
                    true => End::Interrupted,
                    false => End::Time,
                };
            }
        }
        progress(Progress {
            walks: report.walks,
            steps: report.steps,
            distinct: sample.distinct(),
            elapsed: started.elapsed(),
        });
    }
    let found = found.into_iter().enumerate();
    let found = found.filter_map(|(property, found)| Some((property, found?)));
    report.found = found
        .map(|(property, (walk, ordinals))| Found {
            property,
            walk,
            run: retrace(&spaces(walk), &ordinals).expect("a space answers twice the same"),
        })
        .collect();
    report.coverage = sample.coverage();
    report.elapsed = started.elapsed();
    report
}

/// Deals out walks, and puts together by number what they come to.
fn take_round<S: Space>(
    spaces: &(impl Fn(u64) -> S + Sync),
    walks: std::ops::Range<u64>,
    options: &Options,
    watch: &Watch<'_>,
) -> Vec<Batch> {
    let count = (walks.end - walks.start).div_ceil(BATCH) as usize;
    let next = AtomicUsize::new(0);
    let deal = || {
        let mut hand = Vec::new();
        loop {
            let i = next.fetch_add(1, Relaxed);
            if i >= count {
                return hand;
            }
            let from = walks.start + i as u64 * BATCH;
            let to = walks.end.min(from + BATCH);
            hand.push((i, Batch::walk(spaces, from..to, options, watch)));
        }
    };
    let mut batches: Vec<(usize, Batch)> = std::thread::scope(|scope| {
        let others = options.threads.clamp(1, count.max(1)) - 1;
        let others: Vec<_> = (0..others).map(|_| scope.spawn(deal)).collect();
        let mut all = deal();
        for other in others {
            match other.join() {
                Ok(hand) => all.extend(hand),
                // A broken invariant elsewhere: pass it on.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    batches.sort_unstable_by_key(|(i, _)| *i);
    batches.into_iter().map(|(_, batch)| batch).collect()
}

/// The packed states of the run with these ordinals; `None` where there is no
/// such run.
fn retrace(space: &impl Space, ordinals: &[u32]) -> Option<Vec<(u32, Vec<u8>)>> {
    let mut worker = space.worker();
    let mut run: Vec<(u32, Vec<u8>)> = Vec::new();
    for &ordinal in ordinals {
        let mut pick = Pick(ordinal, None);
        match run.last() {
            None => worker.initial(&mut pick),
            Some((_, packed)) => worker.expand(packed, &mut pick),
        }
        run.push((ordinal, pick.1?));
    }
    Some(run)
}

/// Picks the successor that so many others come before.
struct Pick(u32, Option<Vec<u8>>);

impl Sink for Pick {
    fn state(&mut self, packed: &[u8], _: u32, _: u64) {
        if self.0 == 0 {
            self.1 = Some(packed.to_vec());
        }
        self.0 = self.0.wrapping_sub(1);
    }

    fn beyond(&mut self) {
        self.0 = self.0.wrapping_sub(1);
    }
}

/// A space that is only looked at is a space: so that all walks may share one.
impl<S: Space> Space for &S {
    type Worker<'s>
        = S::Worker<'s>
    where
        Self: 's;

    fn worker(&self) -> Self::Worker<'_> {
        (**self).worker()
    }

    fn properties(&self) -> Vec<String> {
        (**self).properties()
    }

    fn counters(&self) -> Vec<String> {
        (**self).counters()
    }

    fn identity(&self) -> String {
        (**self).identity()
    }
}
