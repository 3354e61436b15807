//! Runs to read: what the expansion of a state does, by name.

use std::fmt;

use super::step::{Binding, Protocol, Raw, Step};
use super::{Scratch, Yardstick};
use crate::engine::space::Sink;

/// Keeps all that it is handed.
#[derive(Default)]
struct Keep(Vec<Option<Vec<u8>>>);

impl Sink for Keep {
    fn state(&mut self, packed: &[u8], _: u32, _: u64) {
        self.0.push(Some(packed.to_vec()));
    }

    fn beyond(&mut self) {
        self.0.push(None);
    }
}

/// Expands `packed` as every worker does, and names each step.
pub(super) fn describe(yardstick: &Yardstick, packed: &[u8]) -> Vec<Step> {
    let mut protocol = Protocol::default();
    let mut keep = Keep::default();
    let mut scratch = Scratch::new(yardstick);
    yardstick.expand(&mut scratch, packed, &mut protocol, &mut keep);
    assert_eq!(protocol.0.len(), keep.0.len(), "one name for every step");
    let steps = protocol.0.into_iter().zip(keep.0);
    let steps = steps.map(|((action, raw), successor)| Step {
        action,
        binding: match raw {
            Raw::Server(i) => Binding::Server(i),
            Raw::Pair(i, j) => Binding::Pair(i, j),
            Raw::Value(i, v) => Binding::Value(i, v),
            Raw::Message(m) => Binding::Message(yardstick.layout.message.decode(m)),
        },
        successor,
    });
    steps.collect()
}

/// A run: a state, and steps that were found to lead on from it.
pub struct Path<'y> {
    yardstick: &'y Yardstick,
    first: Vec<u8>,
    steps: Vec<Step>,
}

impl Yardstick {
    /// The run through `states`, taken again step by step. Where several steps
    /// lead from a state to the next, it is the first. None if none does, or
    /// there is no state.
    ///
    /// # Panics
    /// If this space has not packed one of them.
    pub fn path<P: AsRef<[u8]>>(&self, states: &[P]) -> Option<Path<'_>> {
        let (first, rest) = states.split_first()?;
        let mut steps: Vec<Step> = Vec::new();
        let mut here = first.as_ref();
        for next in rest {
            let mut all = self.describe(here).into_iter();
            steps.push(all.find(|step| step.successor.as_deref() == Some(next.as_ref()))?);
            here = next.as_ref();
        }
        Some(Path {
            yardstick: self,
            first: first.as_ref().to_vec(),
            steps,
        })
    }
}

impl Path<'_> {
    /// Its steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.yardstick.unpack(&self.first))?;
        for (number, step) in (1..).zip(&self.steps) {
            writeln!(f, "\n{number}. {step}")?;
            if let Some(state) = &step.successor {
                write!(f, "{}", self.yardstick.unpack(state))?;
            }
        }
        Ok(())
    }
}
