//! Operations of an own model: judged in parts, put together to one order.

use std::collections::HashMap;

use super::super::limits::Limits;
use super::super::model::{Model, Outcome, Span};
use super::search;

/// Judges operations with a model of one's own. They may stand in any order;
/// all positions have to be different. See [`Model`] for an example.
pub fn judge_spans<M: Model>(model: &M, ops: &[(Span, M::Op)], limits: &Limits<'_>) -> Outcome {
    let mut by_call: Vec<u32> = (0..ops.len() as u32).collect();
    by_call.sort_by_key(|&i| ops[i as usize].0.call);
    let mut order = Vec::with_capacity(ops.len());
    let mut first_failure: Option<u32> = None;
    let mut stopped = None;
    for part in parts(model, ops, &by_call) {
        let timed: Vec<_> = part.iter().map(|&i| &ops[i as usize]).collect();
        let timed: Vec<_> = timed.iter().map(|(span, op)| (*span, op)).collect();
        match search(model, &timed, limits, false).outcome {
            Outcome::Order(found) => {
                let mut behind = 0;
                for index in found {
                    let op = part[index as usize];
                    behind = ops[op as usize].0.call.max(behind);
                    order.push((behind, op));
                }
            }
            Outcome::None { first_return } => {
                let first = first_failure.map_or(first_return, |f| f.min(first_return));
                first_failure = Some(first);
            }
            Outcome::Stopped(ground) => stopped = stopped.or(Some(ground)),
        }
    }
    if let Some(first_return) = first_failure {
        return Outcome::None { first_return };
    }
    if let Some(ground) = stopped {
        return Outcome::Stopped(ground);
    }
    // Points of different parts interleave by time; within a part they ascend.
    order.sort_by_key(|&(behind, _)| behind);
    Outcome::Order(order.into_iter().map(|(_, op)| op).collect())
}

/// The operations that have to be judged together, each in the order of the
/// calls.
fn parts<M: Model>(model: &M, ops: &[(Span, M::Op)], by_call: &[u32]) -> Vec<Vec<u32>> {
    let mut joined = Joined::default();
    let mut names: HashMap<u64, u32> = HashMap::new();
    let mut own = Vec::with_capacity(ops.len());
    let mut keys = Vec::new();
    for &op in by_call {
        keys.clear();
        model.keys(&ops[op as usize].1, &mut keys);
        if keys.is_empty() {
            return vec![by_call.to_vec()];
        }
        let mut first = None;
        for key in &keys {
            let number = *names.entry(*key).or_insert_with(|| joined.add());
            match first {
                None => first = Some(number),
                Some(first) => joined.join(first, number),
            }
        }
        own.push(first.unwrap_or(0));
    }
    let mut parts: Vec<Vec<u32>> = Vec::new();
    let mut part_of: HashMap<u32, usize> = HashMap::new();
    for (&op, &key) in by_call.iter().zip(&own) {
        let next = parts.len();
        let part = *part_of.entry(joined.root(key)).or_insert(next);
        if part == next {
            parts.push(Vec::new());
        }
        parts[part].push(op);
    }
    parts
}

/// Sets of numbers that are joined (union-find).
#[derive(Default)]
pub(in super::super) struct Joined {
    parent: Vec<u32>,
}

impl Joined {
    /// Numbers from 0, each on its own.
    pub(in super::super) fn new(len: usize) -> Self {
        let parent = (0..len as u32).collect();
        Joined { parent }
    }

    /// Another number, on its own.
    pub(in super::super) fn add(&mut self) -> u32 {
        let number = self.parent.len() as u32;
        self.parent.push(number);
        number
    }

    /// The number that stands for the set.
    pub(in super::super) fn root(&mut self, mut number: u32) -> u32 {
        while self.parent[number as usize] != number {
            let above = self.parent[number as usize];
            self.parent[number as usize] = self.parent[above as usize];
            number = above;
        }
        number
    }

    /// Joins two sets; the smaller number stands for both.
    pub(in super::super) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b) as usize] = a.min(b);
    }
}
