//! Whether what the clients see is linearizable, with the log as the witness.
//!
//! The log gives every write a place, and a read has the place of the last
//! entry that was applied when it was answered. Ordered by place, with a write
//! before the reads at its place, the operations explain every answer. What is
//! left to check is that each read has the value of its place, and that the
//! order respects time: what was answered before an operation began has no
//! later place than that operation.

use std::collections::BTreeMap;

use crate::core::{Entry, Index, OpId, Payload};
use crate::kv::{Effect, KeyValue};

use super::checks::Violation;

/// What the clients have seen so far.
#[derive(Debug, Default)]
pub(super) struct Witness {
    machine: KeyValue,
    replayed: usize,
    /// The values each key has had, with the place of the write.
    values: BTreeMap<String, Vec<(Index, String)>>,
    /// The place of each write that took effect.
    places: BTreeMap<OpId, Index>,
    /// The latest place among the operations answered.
    latest: Index,
    /// What that was when each operation began.
    floors: BTreeMap<OpId, Index>,
}

impl Witness {
    /// A client begins an operation.
    pub(super) fn begun(&mut self, op: OpId) {
        self.floors.insert(op, self.latest);
    }

    /// Takes in what was committed.
    pub(super) fn replay(&mut self, committed: &[Entry], keys: &[String]) {
        for entry in &committed[self.replayed..] {
            self.replayed += 1;
            let Payload::Write { op, command } = &entry.payload else {
                continue;
            };
            if self.machine.apply(*op, command) != Effect::Done {
                continue;
            }
            let place = Index::ZERO.plus(self.replayed);
            self.places.insert(*op, place);
            for key in keys {
                let value = self.machine.get(key);
                let history = self.values.entry(key.clone()).or_default();
                if history.last().map_or("", |(_, last)| last) != value {
                    history.push((place, value.to_owned()));
                }
            }
        }
    }

    /// A client hears that its write is done, from the state at `place`.
    ///
    /// # Errors
    ///
    /// When it had not taken effect by then, or the order contradicts time.
    pub(super) fn written(&mut self, op: OpId, place: Index) -> Result<(), Violation> {
        // A write that was sent twice may be answered for the second entry,
        // which had no effect.
        match self.places.get(&op) {
            Some(&effective) if effective <= place => self.answered(op, effective),
            other => Err(not_linearizable(format!(
                "write {op} was answered at {place}, and took effect at {other:?}"
            ))),
        }
    }

    /// A client hears what it has read, from the state at `place`.
    ///
    /// # Errors
    ///
    /// When the value was another then, or the order contradicts time.
    pub(super) fn read(
        &mut self,
        op: OpId,
        key: &str,
        value: &str,
        place: Index,
    ) -> Result<(), Violation> {
        let history = self.values.get(key).map_or(&[][..], Vec::as_slice);
        let count = history.partition_point(|&(at, _)| at <= place);
        let expected = count.checked_sub(1).map_or("", |last| &history[last].1);
        if expected != value {
            return Err(not_linearizable(format!(
                "read {op} saw {value:?} at {place}, where {key} is {expected:?}"
            )));
        }
        self.answered(op, place)
    }

    fn answered(&mut self, op: OpId, place: Index) -> Result<(), Violation> {
        let floor = self.floors.remove(&op).unwrap_or_default();
        if place < floor {
            return Err(not_linearizable(format!(
                "{op} has place {place}, and began after {floor} was answered"
            )));
        }
        self.latest = self.latest.max(place);
        Ok(())
    }
}

const fn not_linearizable(what: String) -> Violation {
    Violation {
        property: "linearizability",
        what,
    }
}
