//! A queue: first in, first out.

use std::collections::VecDeque;

use super::super::memo::mix;
use super::super::model::{Model, Step};
use super::super::{Operation, Request, Response, ValueId};

/// What an operation does to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum QueueOp {
    /// Adds the value to the end.
    Put(ValueId),
    /// Takes the first value, which is this.
    Take(ValueId),
    /// Finds nothing.
    Empty,
    /// Takes the first value, if there is one.
    TakeAny,
}

/// The values, with what stands for them.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Line {
    values: VecDeque<ValueId>,
    /// How many have been taken.
    taken: u64,
    print: u128,
}

impl Line {
    fn print_of(&self, at: usize, value: ValueId) -> u128 {
        mix(u128::from(self.taken + at as u64) << 64 | u128::from(value.0))
    }

    fn put(&mut self, value: ValueId) {
        self.print ^= self.print_of(self.values.len(), value);
        self.values.push_back(value);
    }

    fn take_back(&mut self) {
        if let Some(value) = self.values.pop_back() {
            self.print ^= self.print_of(self.values.len(), value);
        }
    }

    fn take(&mut self) -> Option<ValueId> {
        let value = *self.values.front()?;
        self.print ^= self.print_of(0, value);
        self.values.pop_front();
        self.taken += 1;
        Some(value)
    }

    fn put_back(&mut self, value: ValueId) {
        self.taken -= 1;
        self.values.push_front(value);
        self.print ^= self.print_of(0, value);
    }
}

/// The model of a queue.
pub(in super::super) struct Queue;

impl Queue {
    /// What an operation does.
    pub(in super::super) fn op(operation: &Operation) -> QueueOp {
        match (&operation.request, &operation.response) {
            (Request::Enqueue { value, .. }, _) => QueueOp::Put(*value),
            _ if !operation.is_known() => QueueOp::TakeAny,
            (_, Response::Value(ValueId::ABSENT)) => QueueOp::Empty,
            (_, Response::Value(value)) => QueueOp::Take(*value),
            _ => QueueOp::TakeAny,
        }
    }
}

impl Model for Queue {
    type Op = QueueOp;
    type State = Line;
    /// The value that was taken.
    type Undo = Option<ValueId>;

    fn initial(&self) -> Line {
        Line::default()
    }

    fn step(&self, state: &mut Line, op: &QueueOp) -> Step<Option<ValueId>> {
        match *op {
            QueueOp::Put(value) => {
                state.put(value);
                Step::Changed(None)
            }
            QueueOp::Take(value) if state.values.front() == Some(&value) => {
                Step::Changed(state.take())
            }
            QueueOp::Take(_) => Step::Refused,
            QueueOp::Empty if state.values.is_empty() => Step::Same,
            QueueOp::Empty => Step::Refused,
            QueueOp::TakeAny => match state.take() {
                Some(value) => Step::Changed(Some(value)),
                None => Step::Same,
            },
        }
    }

    fn undo(&self, state: &mut Line, undo: Option<ValueId>) {
        match undo {
            Some(value) => state.put_back(value),
            None => state.take_back(),
        }
    }

    /// Configurations with the same operations have taken the same number of
    /// values, so that these may count.
    fn fingerprint(&self, state: &Line) -> u128 {
        state.print
    }

    fn reads_only(&self, op: &QueueOp) -> bool {
        *op == QueueOp::Empty
    }

    fn class(&self, op: &QueueOp) -> Option<u64> {
        match op {
            QueueOp::Put(value) => Some(u64::from(value.0)),
            QueueOp::Take(value) => Some(u64::from(value.0) | 1 << 32),
            QueueOp::Empty => None,
            QueueOp::TakeAny => Some(2 << 32),
        }
    }

    fn refusal(&self, state: &Line, op: &QueueOp) -> String {
        let what = match op {
            QueueOp::Take(_) if state.values.is_empty() => {
                "the queue is empty, and it took a value"
            }
            QueueOp::Take(_) => "another value is the first",
            _ => "there are values, and it found none",
        };
        what.into()
    }
}
