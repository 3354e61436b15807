//! Every state that faults can lead to, breadth first, and shortest ways there.

use std::collections::{HashMap, VecDeque};

use super::{Watch, key_of};
use crate::action::{self, Action};
use crate::book::RuleBook;
use crate::cluster::State;
use crate::engine::End;
use crate::engine::space::{Sink, Space, Worker};
use crate::field::{Field, packed};
use crate::scenario::Scenario;

/// The states within the bounds of a scenario, faults and all.
#[derive(Debug, Default)]
pub struct Reached {
    numbers: HashMap<u128, u32>,
    keys: Vec<u128>,
    by: Vec<u32>,
    depth: u32,
    /// States that wait: packed.
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: u64,
    /// Initial states plus one for every enabled action.
    pub generated: u64,
    /// Successors out of bounds.
    pub out_of_bounds: u64,
}

/// Takes the successors of one state.
struct Successors<'r> {
    reached: &'r mut Reached,
    from: u32,
}

impl Sink for Successors<'_> {
    fn state(&mut self, packed: &[u8], _orbit: u32, _broken: u64) {
        self.reached.generated += 1;
        self.reached.meet(packed, self.from);
    }
    fn beyond(&mut self) {
        self.reached.generated += 1;
        self.reached.out_of_bounds += 1;
    }
}

impl Reached {
    /// Visits every state of `scenario`: hands its number and its packed bytes
    /// to `visit`, nearest first. Ends early when `watch` says so.
    pub fn explore(
        &mut self,
        scenario: &Scenario,
        watch: &mut Watch<'_, '_>,
        mut visit: impl FnMut(u32, &[u8]) -> u64,
    ) -> End {
        let book = RuleBook::new(scenario.clone(), false);
        let mut worker = book.worker();
        worker.initial(&mut Successors {
            reached: self,
            from: 0,
        });
        let mut at = 0u32;
        let mut kept = 0;
        let mut last_of_level = 0u32;
        while let Some(state) = self.waiting.pop_front() {
            self.waiting_bytes -= state.len() as u64;
            kept += visit(at, &state);
            if let Some(end) = watch.spent(self.len(), self.footprint() + kept, self.depth as usize)
            {
                return end;
            }
            worker.expand(
                &state,
                &mut Successors {
                    reached: self,
                    from: at,
                },
            );
            if at == last_of_level && !self.waiting.is_empty() {
                self.depth += 1;
                last_of_level = self.keys.len() as u32 - 1;
            }
            at += 1;
        }
        End::Exhausted
    }

    fn meet(&mut self, packed: &[u8], from: u32) {
        let key = key_of(packed);
        let next = self.keys.len() as u32;
        if *self.numbers.entry(key).or_insert(next) == next {
            self.keys.push(key);
            self.by.push(from);
            self.waiting.push_back(packed.to_vec());
            self.waiting_bytes += packed.len() as u64 + 32;
        }
    }

    /// How many states there are.
    pub fn len(&self) -> u64 {
        self.keys.len() as u64
    }

    /// Whether none was visited.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The most actions on a shortest way.
    pub fn depth(&self) -> usize {
        self.depth as usize
    }

    /// Bytes of memory, roughly.
    pub fn footprint(&self) -> u64 {
        (40 * self.numbers.capacity() + 20 * self.keys.capacity()) as u64 + self.waiting_bytes
    }

    /// A shortest run to state `number`: of the actions that lead from each
    /// state to the next the first. `None` when two states had one fingerprint.
    pub fn way(&self, number: u32, scenario: &Scenario) -> Option<Vec<Action>> {
        let mut numbers = vec![number];
        let mut at = number;
        while at != 0 {
            at = self.by[at as usize];
            numbers.push(at);
        }
        numbers.reverse();
        let mut state = State::initial(scenario);
        let mut actions = Vec::new();
        for next in &numbers[1..] {
            let mut enabled = Vec::new();
            action::enabled(&state, scenario, &mut enabled);
            let wanted = self.keys[*next as usize];
            let (action, after) = enabled.into_iter().find_map(|action| {
                let after = state.next(&action, scenario).ok()?.after;
                let here = after.within(scenario) && key_of(&packed(&after)) == wanted;
                here.then_some((action, after))
            })?;
            actions.push(action);
            state = after;
        }
        Some(actions)
    }
}

/// Reads a state back.
pub(super) fn unpacked(mut bytes: &[u8]) -> State {
    State::unpack(&mut bytes).expect("a state that the rule book packed")
}
