//! A set, or one value of it.

use std::collections::HashSet;

use super::super::memo::mix;
use super::super::model::{Model, Step};
use super::super::{Operation, Request, Response, ValueId};

/// What an operation does to the set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum SetOp {
    /// The value is in it, or not.
    Has(ValueId, bool),
    /// Adds the value; whether it was new.
    Add(ValueId, Option<bool>),
    /// Removes the value; whether it was there.
    Remove(ValueId, Option<bool>),
    /// These are all values, ascending.
    Are(Vec<ValueId>),
    /// The answer is not known, and nothing is changed.
    Nothing,
}

/// The values, with what stands for them.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Values {
    values: HashSet<ValueId>,
    print: u128,
}

impl Values {
    /// Puts a value in or takes it out, whichever it is not.
    fn flip(&mut self, value: ValueId) {
        if !self.values.remove(&value) {
            self.values.insert(value);
        }
        self.print ^= mix(u128::from(value.0) | 1 << 96);
    }
}

/// How many things operations may need together, at most, to be told.
const NEEDS: usize = 1 << 20;

/// That a value is there, or is not.
fn thing(value: ValueId, there: bool) -> u128 {
    u128::from(value.0) << 1 | u128::from(there)
}

/// The model of a set.
pub(in super::super) struct Set;

impl Set {
    /// What an operation does.
    pub(in super::super) fn op(operation: &Operation) -> SetOp {
        let flag = match operation.response {
            Response::Flag(flag) => Some(flag),
            _ => None,
        };
        match (&operation.request, &operation.response) {
            (Request::Add { value, .. }, _) => match flag {
                Some(false) => SetOp::Has(*value, true),
                flag => SetOp::Add(*value, flag),
            },
            (Request::Remove { value, .. }, _) => match flag {
                Some(false) => SetOp::Has(*value, false),
                flag => SetOp::Remove(*value, flag),
            },
            (Request::Contains { value, .. }, _) => match flag {
                Some(flag) => SetOp::Has(*value, flag),
                None => SetOp::Nothing,
            },
            (_, Response::Values(values)) => {
                let mut values = values.clone();
                values.sort_unstable();
                values.dedup();
                SetOp::Are(values)
            }
            _ => SetOp::Nothing,
        }
    }
}

impl Model for Set {
    type Op = SetOp;
    type State = Values;
    type Undo = ValueId;

    fn initial(&self) -> Values {
        Values::default()
    }

    fn step(&self, state: &mut Values, op: &SetOp) -> Step<ValueId> {
        let (value, add, flag) = match op {
            SetOp::Nothing => return Step::Same,
            SetOp::Has(value, has) if state.values.contains(value) == *has => return Step::Same,
            SetOp::Has(..) => return Step::Refused,
            SetOp::Are(values) => {
                let all = values.len() == state.values.len()
                    && values.iter().all(|value| state.values.contains(value));
                return if all { Step::Same } else { Step::Refused };
            }
            SetOp::Add(value, flag) => (*value, true, *flag),
            SetOp::Remove(value, flag) => (*value, false, *flag),
        };
        let changes = state.values.contains(&value) != add;
        if flag.is_some_and(|flag| flag != changes) {
            return Step::Refused;
        }
        if !changes {
            return Step::Same;
        }
        state.flip(value);
        Step::Changed(value)
    }

    fn undo(&self, state: &mut Values, undo: ValueId) {
        state.flip(undo);
    }

    fn fingerprint(&self, state: &Values) -> u128 {
        state.print
    }

    fn reads_only(&self, op: &SetOp) -> bool {
        matches!(op, SetOp::Has(..) | SetOp::Are(_) | SetOp::Nothing)
    }

    fn class(&self, op: &SetOp) -> Option<u64> {
        let (tag, value) = match op {
            SetOp::Add(value, None) => (1, value),
            SetOp::Add(value, Some(_)) => (2, value),
            SetOp::Remove(value, None) => (3, value),
            SetOp::Remove(value, Some(_)) => (4, value),
            _ => return None,
        };
        Some(u64::from(value.0) << 8 | tag)
    }

    fn needs(&self, ops: &[&SetOp]) -> Vec<Vec<u128>> {
        let mut all: Vec<ValueId> = Vec::new();
        let mut whole = 0;
        for op in ops {
            match op {
                SetOp::Has(value, _) | SetOp::Add(value, _) | SetOp::Remove(value, _) => {
                    all.push(*value);
                }
                SetOp::Are(values) => {
                    all.extend_from_slice(values);
                    whole += 1;
                }
                SetOp::Nothing => {}
            }
            if all.len() > NEEDS * 4 {
                return Vec::new();
            }
        }
        all.sort_unstable();
        all.dedup();
        if all.len() * whole > NEEDS {
            return Vec::new();
        }
        let of = |op: &&SetOp| match op {
            SetOp::Has(value, there) => vec![thing(*value, *there)],
            SetOp::Add(value, Some(_)) => vec![thing(*value, false)],
            SetOp::Remove(value, Some(_)) => vec![thing(*value, true)],
            SetOp::Are(values) => {
                let there = |value: &ValueId| values.binary_search(value).is_ok();
                all.iter()
                    .map(|value| thing(*value, there(value)))
                    .collect()
            }
            _ => Vec::new(),
        };
        ops.iter().map(of).collect()
    }

    fn makes(&self, op: &SetOp, things: &mut Vec<u128>) {
        match op {
            SetOp::Add(value, _) => things.push(thing(*value, true)),
            SetOp::Remove(value, _) => things.push(thing(*value, false)),
            _ => {}
        }
    }

    fn lost(&self, state: &Values, flipped: &ValueId, things: &mut Vec<u128>) {
        things.push(thing(*flipped, !state.values.contains(flipped)));
    }

    fn tells_gain(&self) -> bool {
        true
    }

    fn gain(&self, state: &Values, op: &SetOp, goal: &SetOp) -> i32 {
        let (value, adds) = match op {
            SetOp::Add(value, _) => (value, true),
            SetOp::Remove(value, _) => (value, false),
            _ => return 0,
        };
        if state.values.contains(value) == adds {
            return 0;
        }
        match goal {
            SetOp::Are(values) => match values.binary_search(value).is_ok() == adds {
                true => 1,
                false => -1,
            },
            // It does not fit, so what it needs of the value is the other.
            SetOp::Has(other, _) | SetOp::Add(other, _) | SetOp::Remove(other, _) => {
                i32::from(other == value)
            }
            SetOp::Nothing => 0,
        }
    }

    fn refusal(&self, state: &Values, op: &SetOp) -> String {
        let what = match op {
            SetOp::Has(_, true) => "the value is not there, and it was found",
            SetOp::Has(_, false) => "the value is there, and it was not found",
            SetOp::Add(..) => "the value is there, and it was added as new",
            SetOp::Remove(..) => "the value is not there, and it was removed",
            SetOp::Are(values) => {
                let extra = state.values.iter().filter(|v| !values.contains(v)).count();
                let missing = values.iter().filter(|v| !state.values.contains(v)).count();
                return format!(
                    "it did not see {extra} of the values that are there, and saw {missing} that \
                     are not"
                );
            }
            SetOp::Nothing => "the answer does not fit",
        };
        what.into()
    }
}
