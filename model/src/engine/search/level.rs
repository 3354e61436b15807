//! Between rounds: the table grows or goes to disk; a level ends.

use std::sync::atomic::Ordering::Relaxed;

use super::round::share;
use super::{Memory, Past, Run};
use crate::engine::disk::{Failure, Spool, lock};
use crate::engine::external::{self, KeyWriter, RUNS_MAX};
use crate::engine::key::Key;
use crate::engine::queue::{Out, Pairs, Queue};
use crate::engine::sieve::{Apart, Counted, Round, judged, note};
use crate::engine::space::{Space, Worker};
use crate::engine::table::{Insert, Table};

impl<S: Space, K: Key> Run<'_, S, K> {
    /// Makes room for more keys; says whether there is any.
    pub(super) fn make_room(&mut self) -> Result<bool, Failure> {
        match &mut self.memory {
            Memory::One(table) => {
                if !table.grow() {
                    self.spill()?;
                }
            }
            Memory::Two(_, current) => return Ok(current.grow()),
            Memory::Outer(filter, _) => {
                let mut runs = lock(&self.candidates);
                if runs.len() >= RUNS_MAX {
                    // The small ones: so each candidate is merged only as often
                    // as the logarithm of their number.
                    runs.sort_by_key(Spool::bytes);
                    let large = runs.split_off(RUNS_MAX / 4 * 3);
                    let small = std::mem::replace(&mut *runs, large);
                    runs.push(external::merge_candidates::<K>(&self.disk, small)?);
                } else if let Some(filter) = filter {
                    // It only spares candidates.
                    filter.clear();
                    self.held = 0;
                }
            }
        }
        Ok(true)
    }

    /// Puts the visited keys on disk; from here on the search is external.
    pub(super) fn spill(&mut self) -> Result<(), Failure> {
        let Memory::One(table) = &mut self.memory else {
            return Ok(());
        };
        let mut run = KeyWriter::new(&self.disk)?;
        table.drain(|key, _| run.put(key))?;
        let run = run.finish()?;
        let filter = std::mem::replace(table, Table::new(0).map_err(Failure::Memory)?);
        self.memory = Memory::Outer(Some(filter), vec![run]);
        self.held = 0;
        // A checkpoint may still name the logs: they are swept with the next.
        self.logs.clear();
        Ok(())
    }

    /// Looks up what is still gathered and hands everything over.
    pub(super) fn settle(&mut self) -> Result<(), Failure> {
        loop {
            let (pause, counted) = (Apart::default(), Apart::<Counted>::default());
            let (visited, _) = share(&mut self.memory);
            let round = Round {
                visited,
                store: &self.store,
                current: &self.current,
                next: &self.next,
                log: match self.options.checkpoints && self.trace.is_none() {
                    true => self.logs.last(),
                    false => None,
                },
                runs: &self.candidates,
                candidates_max: usize::MAX,
                comfortable: u64::MAX,
                pause: &pause,
                counted: &counted,
            };
            let mut settled = true;
            for hand in &mut self.hands {
                settled &= hand.sift(&round)?;
                hand.tell(&round);
                hand.finish(&round)?;
                if let Some((records, rest)) = hand.put_back() {
                    let chunk = Queue::pack(round.store, records, rest);
                    lock(round.current).push(chunk)?;
                }
            }
            self.held += counted.0.held.load(Relaxed);
            if settled || !self.make_room()? {
                return Ok(());
            }
        }
    }

    /// Ends a level: what is new is known, and waits in the next frontier.
    pub(super) fn complete_level(&mut self) -> Result<(), Failure> {
        self.settle()?;
        let mut trace = match &self.trace {
            Some(_) => Some(Pairs::new(&self.store)),
            None => None,
        };
        match &mut self.memory {
            Memory::One(_) => {}
            Memory::Two(past, current) => {
                if let Past::Exact(table, held) = past {
                    while *held + self.held > table.comfortable() && table.grow() {}
                    *held += self.held;
                }
                current.drain(|key, tag| {
                    match past {
                        Past::Exact(table, _) => {
                            while table.view().insert(key, 0) == Insert::Full && table.grow() {}
                        }
                        Past::Bits(bits) => bits.insert(key.words()[0]),
                    }
                    match &mut trace {
                        Some(pairs) => pairs.put(key, tag),
                        None => Ok(()),
                    }
                })?;
                self.held = 0;
            }
            Memory::Outer(_, visited) => {
                let candidates = std::mem::take(&mut *lock(&self.candidates));
                let mut out = Out::new(&self.store, &self.next);
                let worker = &mut self.hands[0];
                let mut base = self.base.clone();
                let run = external::merge::<K>(
                    &self.disk,
                    visited,
                    candidates,
                    |key, tag, orbit, packed| {
                        base.distinct += 1;
                        base.represented += u64::from(orbit);
                        let broken = worker.worker.judge(packed);
                        if broken != 0 {
                            note(&mut worker.found, broken, judged(key));
                        }
                        if let Some(pairs) = &mut trace {
                            pairs.put(key, tag)?;
                        }
                        out.put(packed)
                    },
                )?;
                self.base = base;
                out.ship()?;
                external::add_run::<K>(&self.disk, visited, run)?;
            }
        }
        let level = self.levels.len();
        let new = self.totals().distinct - self.levels.iter().sum::<u64>();
        if new > 0 {
            self.levels.push(new);
            if let (Some(logs), Some(pairs)) = (&mut self.trace, trace) {
                logs.push(pairs.finish()?);
            }
        }
        for hand in &mut self.hands {
            for (i, broken) in hand.found.iter_mut().enumerate() {
                let Some(broken) = broken.take() else {
                    continue;
                };
                match &mut self.found[i] {
                    Some((at, known)) if *at == level => {
                        let mut least = Some(*known);
                        broken.note(&mut least);
                        *known = least.unwrap_or(broken);
                    }
                    Some(_) => {}
                    none => *none = Some((level, broken)),
                }
            }
        }
        let empty = Queue::new(&self.store, "frontier");
        *lock(&self.current) = std::mem::replace(&mut *lock(&self.next), empty);
        Ok(())
    }
}
