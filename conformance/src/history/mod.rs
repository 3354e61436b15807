//! Client histories: is what the clients saw linearizable?
//!
//! A [`History`] holds what clients called and what they were answered,
//! nothing of the inside of the system. It is *linearizable* when every
//! operation can be given one point in time between its call and its return so
//! that the operations, in the order of their points, are answered as one
//! store would answer them (Herlihy and Wing, "Linearizability: a correctness
//! condition for concurrent objects", TOPLAS 1990).
//!
//! An operation whose outcome nobody knows (timed out, the client crashed, the
//! recording ended) may have its point at any time behind its call, or none.
//!
//! # Reading order
//!
//! | part | does |
//! |---|---|
//! | [`operation`] | an operation: who, when, what was asked, what was answered |
//! | [`model`] | what a store answers: the trait of all models, own ones too |
//! | [`names`] | the models that are built in |
//! | [`texts`] | keys, values and clients as small numbers |
//! | [`mod@format`] | histories as people write them down |
//! | [`words`] | operations in words |
//! | [`sample`] | histories made by chance |
//! | [`limits`] | budgets of time and memory |
//! | [`judge`](mod@judge) | the judgement, part by part |
//! | [`verdict`] | the three verdicts, and what each rests on |
//!
//! The words: a *position* is a place in the order of all calls and returns of
//! a history, from 0. A *part* is what can be judged on its own, mostly a key.

mod explain;
mod follow;
pub mod format;
pub mod judge;
pub mod limits;
mod memo;
pub mod model;
pub mod names;
pub mod operation;
mod parts;
mod passage;
pub mod sample;
mod search;
mod sequential;
mod store;
pub mod texts;
mod unwritten;
pub mod verdict;
pub mod words;
mod zones;

pub use judge::{Misfit, Options, judge};
pub use limits::Limits;
pub use names::ModelName;
pub use operation::{
    ClientId, Compare, CompareOp, CompareWith, KeyId, Operation, Place, RangeEnd, Request,
    Response, Revision, Txn, ValueId,
};
pub use texts::Texts;
pub use verdict::{Judged, Verdict};

/// What the clients of one run called and saw.
///
/// # Invariants
///
/// - `operations` is in the order of the calls, and `places` is parallel to it;
/// - the positions ([`Operation::call`], [`Operation::ret`]) of all operations
///   are different, and a call is before its return;
/// - a client has one operation open at a time: its next call has a greater
///   position than the return of the one before. A client that has an
///   operation without return calls nothing more.
///
/// The last is not needed to judge linearizability, but the weaker verdicts
/// rest on it. [`History::broken_rule`] checks all of them.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Every operation, in the order of the calls.
    pub operations: Vec<Operation>,
    /// Where each stands in its file.
    pub places: Vec<Place>,
    /// When each was called and when it returned, in `time_unit`; empty where
    /// the format has no times. The second is 0 for one that did not return.
    pub times: Vec<(u64, u64)>,
    /// The unit of `times`, as it is printed ("ns", "ticks").
    pub time_unit: &'static str,
    /// The names of the clients.
    pub clients: Texts,
    /// The names of the keys (registers, queues, sets).
    pub keys: Texts,
    /// The texts of the values. The first is [`ValueId::ABSENT`].
    pub values: Texts,
}

impl History {
    /// A history without operations. `absent` is what the format prints for a
    /// key that was never written: `nil`, or the empty text.
    pub fn new(absent: &str) -> Self {
        let mut history = History::default();
        let first = history.values.intern(absent);
        debug_assert_eq!(first, ValueId::ABSENT.0, "the first value is the absent");
        history
    }

    /// The key of this name.
    pub fn key(&mut self, name: &str) -> KeyId {
        KeyId(self.keys.intern(name))
    }

    /// The value of this text.
    pub fn value(&mut self, text: &str) -> ValueId {
        ValueId(self.values.intern(text))
    }

    /// The client of this name.
    pub fn client(&mut self, name: &str) -> ClientId {
        ClientId(self.clients.intern(name))
    }

    /// Whether a key that is absent reads as the empty text.
    pub(crate) fn absent_is_empty(&self) -> bool {
        !self.values.is_empty() && self.values.get(ValueId::ABSENT.0).is_empty()
    }

    /// The position behind the last call or return.
    pub fn end(&self) -> u32 {
        let last = |o: &Operation| o.ret.unwrap_or(o.call).max(o.call) + 1;
        self.operations.iter().map(last).max().unwrap_or(0)
    }

    /// An invariant of this type that does not hold, in a sentence.
    pub fn broken_rule(&self) -> Option<String> {
        if self.places.len() != self.operations.len() {
            return Some("every operation has a place".into());
        }
        if !self.times.is_empty() && self.times.len() != self.operations.len() {
            return Some("every operation has a time, or none".into());
        }
        let mut taken = vec![false; self.end() as usize];
        let mut open = vec![None; self.clients.len()];
        let mut last_call = None;
        for (index, o) in self.operations.iter().enumerate() {
            if o.ret.is_some_and(|ret| ret <= o.call) {
                return Some(format!("operation {index} returns before its call"));
            }
            if last_call.is_some_and(|last| last >= o.call) {
                return Some(format!("operation {index} is called before the one before"));
            }
            last_call = Some(o.call);
            for position in [Some(o.call), o.ret].into_iter().flatten() {
                if std::mem::replace(&mut taken[position as usize], true) {
                    return Some(format!("two events have the position {position}"));
                }
            }
            let Some(open) = open.get_mut(o.client.0 as usize) else {
                return Some(format!("operation {index} has a client without a name"));
            };
            match open.replace(o.ret.unwrap_or(u32::MAX)) {
                Some(busy_until) if busy_until > o.call => {
                    return Some(format!("operation {index} is called while one is open"));
                }
                _ => {}
            }
        }
        None
    }
}
