//! Counts incarnations and lines, so that an emitter need not.

use crate::cause::Cause;
use crate::names::NodeName;
use crate::step::Step;

/// One node's place in the trace: numbers its steps.
///
/// A [`Cause::Start`] begins the next incarnation. A node that starts to be
/// recorded in mid-run begins with [`Sequencer::resume`].
#[derive(Clone, Debug)]
pub struct Sequencer {
    node: NodeName,
    inc: u64,
    seq: u64,
}

impl Sequencer {
    /// For a node that has not started yet.
    pub fn new(node: impl Into<NodeName>) -> Self {
        Sequencer {
            node: node.into(),
            inc: 0,
            seq: 0,
        }
    }

    /// For a node in mid-run: the next step is number `seq` of incarnation
    /// `inc`, and must be a [`Cause::Resume`].
    pub fn resume(node: impl Into<NodeName>, inc: u64, seq: u64) -> Self {
        Sequencer {
            node: node.into(),
            inc,
            seq: seq.saturating_sub(1),
        }
    }

    /// The next step, of which nothing is known yet but its cause.
    pub fn step(&mut self, cause: Cause) -> Step {
        if cause == Cause::Start {
            self.inc += 1;
            self.seq = 0;
        }
        self.seq += 1;
        Step::new(&self.node, self.inc, self.seq, cause)
    }

    /// Whose steps it numbers.
    #[must_use]
    pub fn node(&self) -> &NodeName {
        &self.node
    }
}
