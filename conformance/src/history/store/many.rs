//! Several keys at once: transactions, ranges, and the revisions of etcd.
//!
//! The revision of the store counts its changes. Which number it began with is
//! not known: what answers show and how comparisons with revisions came out
//! leaves fewer and fewer numbers that it can have been ([`base`](super::base)).

use std::cmp::Ordering;
use std::collections::HashSet;

use smallvec::SmallVec;

use super::super::memo::{Numbers, mix};
use super::super::model::{Model, Step};
use super::super::parts::Part;
use super::super::{
    Compare, CompareOp, CompareWith, History, KeyId, ModelName, Operation, RangeEnd, Request,
    Response, Revision, ValueId,
};
use super::aims;
use super::base::{Base, Cases};
use super::shown::{Shown, Shows};

/// What the store has of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Slot {
    value: Shown,
    /// How many changes the store had seen with the last write, and with the
    /// one that created the key; 0 when it is absent.
    modified: u64,
    created: u64,
    version: u64,
}

impl Slot {
    const ABSENT: Slot = Slot {
        value: Shown::ABSENT,
        modified: 0,
        created: 0,
        version: 0,
    };
}

/// All keys.
#[derive(Clone, Debug)]
pub(in super::super) struct Slots {
    slots: Vec<Slot>,
    /// XOR of what stands for each slot.
    print: u128,
    /// How often the store was changed.
    changes: u64,
    /// What the revision before the first change can have been.
    base: Base,
}

/// That a key has a value.
fn thing(key: KeyId, value: Shown) -> u128 {
    u128::from(key.0) << 96 | value.number()
}

/// What a step has changed.
pub(in super::super) struct Undo {
    slots: SmallVec<[(u32, Slot); 1]>,
    changes: u64,
    base: Base,
}

/// The model of several keys.
pub(in super::super) struct Many<'a> {
    shows: Shows<'a>,
    history: &'a History,
    /// The keys in the order of their names, and where each is in it.
    keys: Vec<KeyId>,
    rank: Numbers<KeyId, u32>,
    /// Whether anything shows versions or revisions.
    counts: bool,
    /// Whether no comparison with the value of an absent key holds, as in etcd
    /// (`applyCompare` of etcdserver/txn); else it has the value that stands for
    /// none.
    valueless: bool,
    /// Revisions that an operation is known to have made.
    taken: HashSet<u64>,
    /// What the revision before the first change can have been.
    begins: Base,
}

impl<'a> Many<'a> {
    /// The model for these operations of a part, or for all of them.
    pub(in super::super) fn new(
        history: &'a History,
        part: &Part,
        operations: &[&Operation],
    ) -> Self {
        let mut keys = part.keys.clone();
        keys.sort_unstable_by_key(|key| history.keys.get(key.0));
        keys.dedup();
        let rank = keys.iter().zip(0..).map(|(key, i)| (*key, i)).collect();
        let counted = |c: &Compare| !matches!(c.with, CompareWith::Value(_));
        let counts = operations.iter().any(|o| {
            o.revision.is_some()
                || matches!(&o.request, Request::Txn(txn) if txn.compares.iter().any(counted))
        });
        let made = |o: &&&Operation| {
            o.is_known()
                && match o.request {
                    Request::Write { .. } | Request::Append { .. } => true,
                    Request::Cas { .. } | Request::Delete { .. } => {
                        o.response == Response::Flag(true)
                    }
                    _ => false,
                }
        };
        let taken = operations.iter().filter(made);
        let taken = taken.filter_map(|o| o.revision.as_ref()?.store).collect();
        Many {
            shows: Shows::new(history, operations.iter().copied()),
            history,
            keys,
            rank,
            counts,
            valueless: part.model == ModelName::Etcd,
            taken,
            begins: Base::any(),
        }
    }

    /// What the revision before the first change can have been, split into the
    /// cases that have to be judged apart ([`Many::begin`]): the operations
    /// have an order if they have one in any of them.
    pub(in super::super) fn cases(&self, operations: &[&Operation]) -> Cases {
        Cases::new(operations)
    }

    /// Takes one of the cases.
    pub(in super::super) fn begin(&mut self, case: Base) {
        self.begins = case;
    }

    fn print(&self, at: u32, slot: &Slot) -> u128 {
        if *slot == Slot::ABSENT {
            return 0;
        }
        let mut print = mix(slot.value.number() | u128::from(at) << 96);
        if self.counts {
            print = mix(print ^ u128::from(slot.modified) ^ u128::from(slot.created) << 64);
            print = mix(print ^ u128::from(slot.version));
        }
        print
    }

    fn put(&self, state: &mut Slots, undo: &mut Undo, key: KeyId, slot: Slot) {
        let Some(&at) = self.rank.get(&key) else {
            return;
        };
        let old = std::mem::replace(&mut state.slots[at as usize], slot);
        state.print ^= self.print(at, &old) ^ self.print(at, &slot);
        undo.slots.push((at, old));
    }

    fn get(&self, state: &Slots, key: KeyId) -> Slot {
        self.rank
            .get(&key)
            .map_or(Slot::ABSENT, |&at| state.slots[at as usize])
    }

    /// Does one request as part of the change with this number. Whether the
    /// answer fits; and whether the store was changed.
    fn apply(
        &self,
        state: &mut Slots,
        undo: &mut Undo,
        change: u64,
        request: &Request,
        answer: &Response,
    ) -> (bool, bool) {
        let write = |state: &mut Slots, undo: &mut Undo, key, old: Slot, value| {
            let created = match old.value {
                Shown::ABSENT => change,
                _ => old.created,
            };
            let slot = match value {
                // To write what stands for no value is to delete.
                Shown::ABSENT => Slot::ABSENT,
                _ if !self.counts => Slot {
                    value,
                    ..Slot::ABSENT
                },
                _ => Slot {
                    value,
                    modified: change,
                    created,
                    version: old.version + 1,
                },
            };
            self.put(state, undo, key, slot);
        };
        match request {
            Request::Read { key } => {
                let now = self.get(state, *key).value;
                let fits = match answer {
                    Response::Value(seen) => self.shows.reads_as(now, *seen),
                    _ => true,
                };
                (fits, false)
            }
            Request::Write { key, value } => {
                let old = self.get(state, *key);
                write(state, undo, *key, old, self.shows.written(*value));
                (true, true)
            }
            Request::Append { key, value } => {
                let old = self.get(state, *key);
                let next = self.shows.written_behind(old.value, *value);
                write(state, undo, *key, old, next);
                let fits = match answer {
                    Response::Value(then) => self.shows.reads_as(next, *then),
                    _ => true,
                };
                (fits, true)
            }
            Request::Cas { key, from, to } => {
                let old = self.get(state, *key);
                let equal = self.shows.reads_as(old.value, *from)
                    && !(old.value == Shown::ABSENT && self.is_valueless());
                if equal {
                    write(state, undo, *key, old, self.shows.written(*to));
                }
                (flag(answer, equal), equal)
            }
            Request::Delete { key } => {
                let there = self.get(state, *key).value != Shown::ABSENT;
                if there {
                    self.put(state, undo, *key, Slot::ABSENT);
                }
                (flag(answer, there), there)
            }
            Request::Range { start, end, limit } => {
                let Response::Pairs(pairs) = answer else {
                    return (true, false);
                };
                let mut now = self.range(state, *start, *end, *limit);
                let fits = pairs.iter().all(|&(key, seen)| {
                    now.next()
                        .is_some_and(|(k, v)| k == key && self.shows.reads_as(v, seen))
                });
                (fits && now.next().is_none(), false)
            }
            _ => (false, false),
        }
    }

    /// Whether an absent key has no value to compare with. A client of etcd
    /// compares and sets with such a transaction. Where absent reads as `nil`,
    /// that is a value which one can name.
    fn is_valueless(&self) -> bool {
        self.valueless && self.history.absent_is_empty()
    }

    fn range(
        &self,
        state: &Slots,
        start: KeyId,
        end: RangeEnd,
        limit: Option<u32>,
    ) -> impl Iterator<Item = (KeyId, Shown)> {
        let name = |key: KeyId| self.history.keys.get(key.0);
        let from = self.keys.partition_point(|&key| name(key) < name(start));
        let to = match end {
            RangeEnd::Open => self.keys.len(),
            RangeEnd::Before(end) => self.keys.partition_point(|&key| name(key) < name(end)),
        };
        let there = (from..to.max(from)).filter_map(|at| {
            let value = state.slots[at].value;
            (value != Shown::ABSENT).then_some((self.keys[at], value))
        });
        let there: Vec<_> = there
            .take(limit.map_or(usize::MAX, |l| l as usize))
            .collect();
        there.into_iter()
    }

    /// The numbers that the base can be with which a comparison holds, of
    /// these.
    fn holding(&self, state: &Slots, compare: &Compare, bases: Base) -> Base {
        let slot = self.get(state, compare.key);
        let ordering = match compare.with {
            CompareWith::Value(_) if self.valueless && slot.value == Shown::ABSENT => {
                return Base::default();
            }
            CompareWith::Value(value) => {
                let equal = self.shows.reads_as(slot.value, value);
                match compare.op {
                    _ if equal => Ordering::Equal,
                    // Either way, they differ.
                    CompareOp::Equal | CompareOp::NotEqual => Ordering::Less,
                    _ => self.shows.order(slot.value, value),
                }
            }
            CompareWith::Version(version) => slot.version.cmp(&version),
            CompareWith::ModRevision(r) if slot.modified > 0 => {
                return bases.comparing(slot.modified, compare.op, r);
            }
            CompareWith::CreateRevision(r) if slot.created > 0 => {
                return bases.comparing(slot.created, compare.op, r);
            }
            // Of a key that is absent.
            CompareWith::ModRevision(r) | CompareWith::CreateRevision(r) => 0.cmp(&r),
        };
        let holds = match compare.op {
            CompareOp::Equal => ordering.is_eq(),
            CompareOp::NotEqual => ordering.is_ne(),
            CompareOp::Less => ordering.is_lt(),
            CompareOp::Greater => ordering.is_gt(),
        };
        if holds { bases } else { Base::default() }
    }

    /// Does the whole operation. Whether its answer fits.
    fn operate(&self, state: &mut Slots, undo: &mut Undo, operation: &Operation) -> bool {
        let change = state.changes + 1;
        let mut changed = false;
        let mut fits = true;
        match &operation.request {
            Request::Txn(txn) => {
                let compares = txn.compares.iter();
                let holding = compares.fold(state.base.clone(), |bases, compare| {
                    self.holding(state, compare, bases)
                });
                // Without an answer, the result is the same for all numbers of
                // a case ([`Many::cases`]).
                let mut held = !holding.is_none();
                let mut answers: &[Response] = &[];
                if let Response::Txn {
                    succeeded,
                    answers: given,
                } = &operation.response
                {
                    held = *succeeded;
                    answers = given;
                }
                if holding != state.base {
                    let bases = match held {
                        true => holding,
                        false => state.base.without(&holding),
                    };
                    if bases.is_none() {
                        return false;
                    }
                    state.base = bases;
                } else if !held {
                    return false;
                }
                let requests = if held { &txn.then } else { &txn.otherwise };
                for (i, request) in requests.iter().enumerate() {
                    let answer = answers.get(i).unwrap_or(&Response::Unknown);
                    let (fit, change) = self.apply(state, undo, change, request, answer);
                    fits &= fit;
                    changed |= change;
                }
            }
            request => {
                (fits, changed) = self.apply(state, undo, change, request, &operation.response);
            }
        }
        if changed && self.counts {
            state.changes = change;
        }
        fits && self.revisions_fit(state, operation, changed)
    }

    fn revisions_fit(&self, state: &mut Slots, operation: &Operation, changed: bool) -> bool {
        let none = Revision::default();
        let shown = operation.revision.as_deref().unwrap_or(&none);
        let changes = state.changes;
        let mut is = |number: u64, relative: u64| {
            let bases = state.base.comparing(relative, CompareOp::Equal, number);
            let any = !bases.is_none();
            if any && bases != state.base {
                state.base = bases;
            }
            any
        };
        if let Some(store) = shown.store
            && !is(store, changes)
        {
            return false;
        }
        let key = match operation.request {
            Request::Read { key }
            | Request::Write { key, .. }
            | Request::Append { key, .. }
            | Request::Cas { key, .. } => Some(key),
            _ => None,
        };
        if let Some(key) = key {
            let at = self.rank.get(&key);
            let slot = at.map_or(Slot::ABSENT, |&at| state.slots[at as usize]);
            let mut fits = |number: Option<u64>, relative: u64| match (number, relative) {
                (None, _) => true,
                (Some(number), 0) => number == 0,
                (Some(number), relative) => is(number, relative),
            };
            if !fits(shown.modified, slot.modified) || !fits(shown.created, slot.created) {
                return false;
            }
            if shown.version.is_some_and(|v| v != slot.version) {
                return false;
            }
        }
        // A revision that another operation is known to have made is not to be
        // made by this one: that one would have none left.
        if let Some(base) = state.base.only()
            && changed
            && let Ok(made) = u64::try_from(base + i128::from(changes))
        {
            return shown.store == Some(made) || !self.taken.contains(&made);
        }
        true
    }
}

/// Whether an answer of yes or no fits.
fn flag(answer: &Response, is: bool) -> bool {
    match answer {
        Response::Flag(seen) => *seen == is,
        _ => true,
    }
}

impl Model for Many<'_> {
    type Op = Operation;
    type State = Slots;
    type Undo = Undo;

    fn initial(&self) -> Slots {
        Slots {
            slots: vec![Slot::ABSENT; self.keys.len()],
            print: 0,
            changes: 0,
            base: self.begins.clone(),
        }
    }

    fn step(&self, state: &mut Slots, op: &Operation) -> Step<Undo> {
        let mut undo = Undo {
            slots: SmallVec::new(),
            changes: state.changes,
            base: state.base.clone(),
        };
        let print = state.print;
        if !self.operate(state, &mut undo, op) {
            self.undo(state, undo);
            return Step::Refused;
        }
        if print == state.print && undo.changes == state.changes && undo.base == state.base {
            self.undo(state, undo);
            return Step::Same;
        }
        Step::Changed(undo)
    }

    fn undo(&self, state: &mut Slots, undo: Undo) {
        for (at, slot) in undo.slots.into_iter().rev() {
            let now = std::mem::replace(&mut state.slots[at as usize], slot);
            state.print ^= self.print(at, &now) ^ self.print(at, &slot);
        }
        state.changes = undo.changes;
        state.base = undo.base;
    }

    fn fingerprint(&self, state: &Slots) -> u128 {
        if !self.counts {
            return state.print;
        }
        state.print ^ mix(state.base.print() ^ u128::from(state.changes))
    }

    fn reads_only(&self, op: &Operation) -> bool {
        let reads = |r: &Request| matches!(r, Request::Read { .. } | Request::Range { .. });
        match &op.request {
            Request::Txn(txn) => match op.response {
                Response::Txn {
                    succeeded: true, ..
                } => txn.then.iter().all(reads),
                Response::Txn {
                    succeeded: false, ..
                } => txn.otherwise.iter().all(reads),
                _ => txn.then.iter().chain(&txn.otherwise).all(reads),
            },
            Request::Cas { .. } => op.response == Response::Flag(false),
            Request::Delete { .. } => op.response == Response::Flag(false),
            request => reads(request),
        }
    }

    fn class(&self, op: &Operation) -> Option<u64> {
        use std::hash::{Hash, Hasher};
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        // Writes that answer nothing are alike, whether they returned or not.
        let answer = match op.response {
            Response::Done => &Response::Unknown,
            ref answer => answer,
        };
        (&op.request, answer, &op.revision).hash(&mut hasher);
        // One that returned without a known answer may be a refusal.
        let blank = *answer == Response::Unknown && op.is_known();
        let plain = matches!(op.request, Request::Write { .. } | Request::Append { .. });
        (blank && !plain && op.response == Response::Unknown).hash(&mut hasher);
        Some(hasher.finish())
    }

    fn needs(&self, ops: &[&Operation]) -> Vec<Vec<u128>> {
        if self.shows.appends() {
            return Vec::new();
        }
        // An absent key may read as one with the empty text.
        let needs = |op: &&Operation| {
            let sought = aims::sought(op).into_iter();
            let sought = sought.filter(|(_, value)| *value != ValueId::ABSENT);
            sought
                .map(|(key, value)| thing(key, self.shows.shown(value)))
                .collect()
        };
        ops.iter().map(needs).collect()
    }

    fn makes(&self, op: &Operation, things: &mut Vec<u128>) {
        let written = aims::may_write(op).into_iter();
        things.extend(written.map(|(key, value)| thing(key, self.shows.shown(value))));
    }

    fn lost(&self, state: &Slots, undo: &Undo, things: &mut Vec<u128>) {
        for &(at, before) in &undo.slots {
            let now = state.slots.get(at as usize);
            if let Some(key) = self.keys.get(at as usize)
                && now.is_some_and(|now| now.value != before.value)
            {
                things.push(thing(*key, before.value));
            }
        }
    }

    fn tells_gain(&self) -> bool {
        true
    }

    fn gain(&self, state: &Slots, op: &Operation, goal: &Operation) -> i32 {
        let written = aims::written(op);
        let gain = aims::sought(goal).into_iter().map(|(key, sought)| {
            let Some((_, value)) = written.iter().rev().find(|(other, _)| *other == key) else {
                return 0;
            };
            let fits = self.shows.reads_as(self.get(state, key).value, sought);
            i32::from(*value == sought) - i32::from(fits)
        });
        gain.sum()
    }

    fn refusal(&self, state: &Slots, op: &Operation) -> String {
        match op.request {
            Request::Read { key } => {
                let now = self.shows.say(self.get(state, key).value);
                match op.response {
                    Response::Value(seen)
                        if !self.shows.reads_as(self.get(state, key).value, seen) =>
                    {
                        let seen = self.history.values.get(seen.0);
                        format!("the value is {now}, and it saw \"{seen}\"")
                    }
                    _ => "the value fits, but not the revision".into(),
                }
            }
            Request::Cas { key, .. } => {
                let now = self.shows.say(self.get(state, key).value);
                format!("the value is {now}, and the answer does not fit that")
            }
            Request::Range { .. } => "the range holds something else then".into(),
            Request::Txn(_) => "the transaction would be answered differently then".into(),
            _ => "the answer does not fit".into(),
        }
    }
}
