//! A round: threads expand chunks until none is left, or something must be
//! done that only one may do.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{CANDIDATES, CANDIDATES_MAX, Memory, Past, Run};
use crate::engine::disk::{Failure, lock};
use crate::engine::key::Key;
use crate::engine::sieve::{Apart, Counted, Hand, Older, Round, Visited};
use crate::engine::space::Space;
use crate::engine::{End, Progress};

impl<S: Space, K: Key> Run<'_, S, K> {
    pub(super) fn round(
        &mut self,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<End>, Failure> {
        let totals = self.totals();
        self.store.limit(self.frontier_memory());
        let pause = Apart::default();
        let counted = Apart(Counted {
            held: self.held.into(),
            distinct: totals.distinct.into(),
            generated: totals.generated.into(),
        });
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
            comfortable,
            pause: &pause,
            counted: &counted,
        };
        let mut end = None;
        let (options, started, before) = (self.options, self.started, self.before);
        let (levels, disk, traced) = (&self.levels, &self.disk, self.trace.is_some());
        let finishing = self.finishing;
        let mut last = started;
        let (distinct, generated) = (&counted.0.distinct, &counted.0.generated);
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
                round.stop();
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
        let (first, others) = match self.hands.split_first_mut() {
            Some(hands) => hands,
            None => return Ok(None),
        };
        // A level of one chunk is not worth a thread.
        let many = lock(round.current).chunks() > 1;
        let busy = many || others.iter().any(|hand| !hand.is_idle());
        let others: Vec<_> = others
            .iter_mut()
            .map(|hand| Mutex::new((hand, Ok(()))))
            .collect();
        let round = &round;
        let work = |hand: &mut Hand<_, K>, poll: &mut dyn FnMut()| {
            let result = hand.work(round, poll);
            if result.is_err() {
                round.stop();
            }
            result
        };
        let mut result = match self.pool.as_ref().filter(|_| busy) {
            Some(pool) => pool.in_place_scope(|scope| {
                scope.spawn_broadcast(|_, thread| {
                    if let Some(other) = others.get(thread.index()) {
                        let (hand, result) = &mut *lock(other);
                        if many || !hand.is_idle() {
                            *result = work(hand, &mut || {});
                        }
                    }
                });
                work(first, &mut poll)
            }),
            None => work(first, &mut poll),
        };
        for other in others {
            let (_, other) = other.into_inner().unwrap_or_else(PoisonError::into_inner);
            result = result.and(other);
        }
        self.held = counted.0.held.load(Relaxed);
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
