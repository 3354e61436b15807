//! A round: threads expand chunks until none is left, or something must be
//! done that only one may do.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::{CANDIDATES, CANDIDATES_MAX, Memory, Past, Run};
use crate::engine::disk::{Failure, lock};
use crate::engine::key::Key;
use crate::engine::sieve::{Older, Round, Visited};
use crate::engine::space::Space;
use crate::engine::{End, Progress};

impl<S: Space, K: Key> Run<'_, S, K> {
    pub(super) fn round(
        &mut self,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<End>, Failure> {
        let totals = self.totals();
        self.store.limit(self.frontier_memory());
        let pause = AtomicBool::new(false);
        let held = AtomicU64::new(self.held);
        let (distinct, generated) = (totals.distinct.into(), totals.generated.into());
        let log = match self.options.checkpoints && self.trace.is_none() {
            true if matches!(self.memory, Memory::One(_)) => {
                if self.logged <= self.levels.len() {
                    self.logged = self.levels.len() + 1;
                    self.logs.push(self.disk.create("visited")?);
                }
                self.logs.last()
            }
            _ => None,
        };
        let (visited, comfortable) = share(&mut self.memory);
        let round = Round {
            visited,
            store: &self.store,
            current: &self.current,
            next: &self.next,
            log,
            runs: &self.candidates,
            candidates_max: usize::try_from(self.options.memory / 100 * CANDIDATES)
                .unwrap_or(usize::MAX)
                .min(CANDIDATES_MAX)
                / self.hands.len(),
            held: &held,
            comfortable,
            pause: &pause,
            distinct: &distinct,
            generated: &generated,
        };
        let mut end = None;
        let (options, started, before) = (self.options, self.started, self.before);
        let (levels, disk, traced) = (&self.levels, &self.disk, self.trace.is_some());
        let finishing = self.finishing;
        let mut last = started;
        let mut poll = || {
            let now = Instant::now();
            if options.interrupt.load(Relaxed) {
                end = Some(End::Interrupted);
            } else if traced || finishing {
                // To the end.
            } else if options.time.is_some_and(|time| now - started >= time) {
                end = end.or(Some(End::Time));
            } else if options.states.is_some_and(|n| distinct.load(Relaxed) >= n) {
                end = end.or(Some(End::States));
            }
            if end.is_some() {
                pause.store(true, Relaxed);
            }
            if now - last >= Duration::from_millis(100) {
                last = now;
                let waiting = lock(round.current).records();
                progress(Progress {
                    distinct: distinct.load(Relaxed),
                    generated: generated.load(Relaxed),
                    depth: levels.len(),
                    waiting,
                    left: estimate(levels, distinct.load(Relaxed)),
                    disk: disk.used().0,
                    elapsed: before + (now - started),
                });
            }
        };
        // A level of one chunk is not worth a thread.
        let many = lock(round.current).chunks() > 1;
        let mut refused = false;
        let mut result = std::thread::scope(|scope| {
            let round = &round;
            let mut hands = self.hands.iter_mut();
            let first = hands.next();
            let threads: Vec<_> = hands
                .filter(|hand| many || !hand.is_idle())
                .filter_map(|hand| {
                    let thread = std::thread::Builder::new().spawn_scoped(scope, move || {
                        let result = hand.work(round, || {});
                        if result.is_err() {
                            round.pause.store(true, Relaxed);
                        }
                        result
                    });
                    // Fewer threads give the same answer.
                    refused |= thread.is_err();
                    thread.ok()
                })
                .collect();
            let mut result = first.map_or(Ok(()), |hand| hand.work(round, &mut poll));
            if result.is_err() {
                round.pause.store(true, Relaxed);
            }
            for thread in threads {
                match thread.join() {
                    Ok(other) => result = result.and(other),
                    // A panic is a broken invariant: pass it on.
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            result
        });
        for hand in self.hands.iter_mut().filter(|_| refused) {
            if result.is_ok() && !hand.is_idle() {
                result = hand.work(&round, || {});
            }
        }
        self.held = held.load(Relaxed);
        result.map(|()| end)
    }
}

/// The visited states as threads share them, and how many keys the table that
/// is filled should hold.
pub(super) fn share<K: Key>(memory: &mut Memory<K>) -> (Visited<'_, K>, u64) {
    match memory {
        Memory::One(table) => {
            let comfortable = table.comfortable();
            (Visited::One(table.view()), comfortable)
        }
        Memory::Two(past, current) => {
            let older = match past {
                Past::Exact(table, _) => Older::Exact(table.view()),
                Past::Bits(bits) => Older::Bits(bits),
            };
            let comfortable = current.comfortable();
            (Visited::Two(older, current.view()), comfortable)
        }
        Memory::Outer(Some(filter), _) => {
            let comfortable = filter.comfortable();
            (Visited::Some(Some(filter.view())), comfortable)
        }
        Memory::Outer(None, _) => (Visited::Some(None), u64::MAX),
    }
}

/// How many states are left, where levels shrink: as if they went on to shrink
/// at the rate of the last two.
fn estimate(levels: &[u64], distinct: u64) -> Option<u64> {
    let [.., before, last] = levels else {
        return None;
    };
    let rate = *last as f64 / *before as f64;
    let complete: u64 = levels.iter().sum();
    let left = *last as f64 * rate / (1.0 - rate) - (distinct.saturating_sub(complete)) as f64;
    (rate < 0.98).then_some(left.max(0.0) as u64)
}
