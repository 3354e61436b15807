//! One key: a register, a compare-and-set register, a key of a store.

use super::super::model::{Model, Step};
use super::super::{History, Operation, Request, Response, ValueId};
use super::shown::{Shown, Shows};

/// What an operation does to the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum CellOp {
    /// The value is this.
    Is(Shown),
    /// The value is not this.
    IsNot(Shown),
    /// The answer is not known, and nothing is changed.
    Nothing,
    /// Replaces the value.
    Set(Shown),
    /// Replaces the value, which was this.
    SetFrom(Shown, Shown),
    /// Replaces the value, which was not this (a deletion that found a key).
    SetUnless(Shown, Shown),
    /// Replaces the value if it is this, if the operation happens at all.
    MaySetIf(Shown, Shown),
    /// Replaces the value if it is this; it happened, the answer is not known.
    SetIf(Shown, Shown),
    /// Adds a text to the end; and then the value is this.
    Append(ValueId, Option<Shown>),
}

/// The model of one key.
pub(in super::super) struct Cell<'a> {
    shows: Shows<'a>,
}

impl<'a> Cell<'a> {
    /// Whether the operation is known here.
    pub(in super::super) fn knows(operation: &Operation) -> bool {
        operation.revision.is_none()
            && matches!(
                operation.request,
                Request::Read { .. }
                    | Request::Write { .. }
                    | Request::Cas { .. }
                    | Request::Append { .. }
                    | Request::Delete { .. }
            )
    }

    /// The model for these operations, all of one key.
    pub(in super::super) fn new<'o>(
        history: &'a History,
        operations: impl Iterator<Item = &'o Operation>,
    ) -> Self {
        let operations: Vec<&Operation> = operations.collect();
        let mut shows = Shows::new(history, operations.iter().copied());
        if shows.appends() {
            shows.find_roots(&operations);
        }
        Cell { shows }
    }

    /// The values that answers show.
    pub(in super::super) fn shows(&self) -> &Shows<'a> {
        &self.shows
    }

    /// What an operation does.
    pub(in super::super) fn op(&self, operation: &Operation) -> CellOp {
        let answer = &operation.response;
        let shown = |value| self.shows.shown(value);
        match operation.request {
            Request::Read { .. } => match answer {
                Response::Value(value) => CellOp::Is(shown(*value)),
                _ => CellOp::Nothing,
            },
            Request::Write { value, .. } => CellOp::Set(shown(value)),
            Request::Delete { .. } => match answer {
                Response::Flag(true) => CellOp::SetUnless(Shown::ABSENT, Shown::ABSENT),
                Response::Flag(false) => CellOp::Is(Shown::ABSENT),
                _ => CellOp::Set(Shown::ABSENT),
            },
            Request::Cas { from, to, .. } => {
                let (from, to) = (shown(from), shown(to));
                match answer {
                    Response::Flag(true) if from == to => CellOp::Is(from),
                    Response::Flag(true) => CellOp::SetFrom(from, to),
                    Response::Flag(false) => CellOp::IsNot(from),
                    _ if from == to => CellOp::Nothing,
                    _ if operation.is_known() => CellOp::SetIf(from, to),
                    _ => CellOp::MaySetIf(from, to),
                }
            }
            Request::Append { value, .. } => match answer {
                Response::Value(then) => CellOp::Append(value, Some(shown(*then))),
                _ => CellOp::Append(value, None),
            },
            _ => CellOp::Nothing,
        }
    }
}

impl Model for Cell<'_> {
    type Op = CellOp;
    type State = Shown;
    type Undo = Shown;

    fn initial(&self) -> Shown {
        Shown::ABSENT
    }

    fn step(&self, state: &mut Shown, op: &CellOp) -> Step<Shown> {
        let next = match *op {
            CellOp::Is(value) if value == *state => return Step::Same,
            CellOp::IsNot(value) if value != *state => return Step::Same,
            CellOp::Is(_) | CellOp::IsNot(_) => return Step::Refused,
            CellOp::Nothing => return Step::Same,
            CellOp::Set(value) => value,
            CellOp::SetFrom(from, to) if from == *state => to,
            CellOp::SetFrom(..) => return Step::Refused,
            CellOp::SetUnless(unless, to) if unless != *state => to,
            CellOp::SetUnless(..) => return Step::Refused,
            CellOp::MaySetIf(from, to) | CellOp::SetIf(from, to) if from == *state => to,
            CellOp::MaySetIf(..) | CellOp::SetIf(..) => *state,
            CellOp::Append(value, then) => {
                let next = self.shows.appended(*state, value);
                if then.is_some_and(|then| then != next) {
                    return Step::Refused;
                }
                next
            }
        };
        if next == *state {
            return Step::Same;
        }
        Step::Changed(std::mem::replace(state, next))
    }

    fn undo(&self, state: &mut Shown, undo: Shown) {
        *state = undo;
    }

    fn fingerprint(&self, state: &Shown) -> u128 {
        state.number()
    }

    fn reads_only(&self, op: &CellOp) -> bool {
        matches!(op, CellOp::Is(_) | CellOp::IsNot(_) | CellOp::Nothing)
    }

    fn overwrites(&self, op: &CellOp) -> bool {
        matches!(op, CellOp::Set(_))
    }

    fn always_fits(&self, op: &CellOp) -> bool {
        matches!(op, CellOp::Set(_) | CellOp::Append(_, None))
    }

    fn class(&self, op: &CellOp) -> Option<u64> {
        let none = [0; 3];
        let (tag, a, b) = match *op {
            CellOp::Set(value) => (1, value.numbers(), none),
            // One of unknown outcome changes what one that has succeeded
            // changes, and is not taken where that one is refused.
            CellOp::SetFrom(from, to) | CellOp::MaySetIf(from, to) => {
                (2, from.numbers(), to.numbers())
            }
            CellOp::SetIf(from, to) => (3, from.numbers(), to.numbers()),
            CellOp::SetUnless(from, to) => (4, from.numbers(), to.numbers()),
            CellOp::Append(value, None) => (5, [value.0; 3], none),
            CellOp::Append(value, Some(then)) => (6, [value.0; 3], then.numbers()),
            CellOp::Is(_) | CellOp::IsNot(_) | CellOp::Nothing => return None,
        };
        Some(super::hash64(&[tag, a[0], a[1], a[2], b[0], b[1], b[2]]))
    }

    fn finds(&self, op: &CellOp) -> Option<u64> {
        match *op {
            CellOp::Is(value) | CellOp::SetFrom(value, _) => self.shows.root(value),
            _ => None,
        }
    }

    fn provides(&self, op: &CellOp) -> Option<u64> {
        match *op {
            CellOp::Set(value)
            | CellOp::SetFrom(_, value)
            | CellOp::SetUnless(_, value)
            | CellOp::MaySetIf(_, value)
            | CellOp::SetIf(_, value) => self.shows.root(value),
            _ => None,
        }
    }

    fn provided(&self, state: &Shown) -> Option<u64> {
        self.shows.root(*state)
    }

    fn within_reach(&self, state: &Shown, op: &CellOp) -> bool {
        match *op {
            CellOp::Is(value) | CellOp::SetFrom(value, _) => self.shows.can_grow(*state, value),
            _ => true,
        }
    }

    fn refusal(&self, state: &Shown, op: &CellOp) -> String {
        let say = |state| self.shows.say(state);
        let now = say(*state);
        match *op {
            CellOp::Is(value) => format!("the value is {now}, and it saw {}", say(value)),
            CellOp::IsNot(value) => {
                format!(
                    "the value is {now}, and it saw one that is not {}",
                    say(value)
                )
            }
            CellOp::SetFrom(from, _) => {
                format!("the value is {now}, and it replaced {}", say(from))
            }
            CellOp::SetUnless(..) => "there is no value, and it found one".into(),
            CellOp::Append(value, Some(then)) => format!(
                "the value is {now}; with \"{}\" at its end it is not {}",
                self.shows.text(value),
                say(then)
            ),
            _ => "the answer does not fit".into(),
        }
    }
}
