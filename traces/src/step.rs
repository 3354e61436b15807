//! One line: one atomic step of one node.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::entries::Entries;
use crate::message::Message;
use crate::names::{NodeName, OpId};
use crate::optional::present;
use crate::position::Index;
use crate::state::{Durable, State};
use crate::strict::object;
use crate::template::{Slot, Slots};

/// One atomic step of one node: what happened, and what it left.
///
/// Whatever is absent is unknown, unless the header declares it complete. An
/// empty list says "none".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct Step {
    /// Whose step it is.
    pub node: NodeName,
    /// The node's incarnation: 1 at first, one more at each restart.
    #[schemars(range(min = 1))]
    pub inc: u64,
    /// Counts this incarnation's lines: 1 at first, then one more each.
    #[schemars(range(min = 1))]
    pub seq: u64,
    /// What happened.
    pub cause: Cause,
    /// The state after the step, as far as recorded.
    // Shared by steps that leave the same, as most do.
    #[serde(default, skip_serializing_if = "State::is_empty")]
    pub state: Arc<State>,
    /// What is durable after the step, as far as recorded.
    #[serde(default, skip_serializing_if = "Durable::is_empty")]
    pub durable: Arc<Durable>,
    /// The entries that the step put on the node's own log. Where `after` lies
    /// below the old last index, what stood behind it was cut off first.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Entries")]
    pub append: Option<Entries>,
    /// The messages that the step queued, in order. When they leave is the
    /// storage contract's business.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Vec<Message>")]
    pub send: Option<Vec<Message>>,
    /// The reads that were given their read index in this step.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Vec<OpAt>")]
    pub reads: Option<Vec<OpAt>>,
    /// The client operations that were acknowledged in this step, each with its
    /// entry's index; a read with its read index.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "Vec<OpAt>")]
    pub ack: Option<Vec<OpAt>>,
}

object! {
    Step: "a step",
    OpAt: "a client operation and an index",
}

impl Step {
    /// A step of which nothing is known but its place and cause. See
    /// [`Sequencer`](crate::Sequencer), which does the counting.
    pub fn new(node: impl Into<NodeName>, inc: u64, seq: u64, cause: Cause) -> Self {
        Step {
            node: node.into(),
            inc,
            seq,
            cause,
            state: Arc::default(),
            durable: Arc::default(),
            append: None,
            send: None,
            reads: None,
            ack: None,
        }
    }

    /// Records the state it left.
    #[must_use]
    pub fn with_state(mut self, state: State) -> Self {
        self.state = Arc::new(state);
        self
    }

    /// Records what is durable after it.
    #[must_use]
    pub fn with_durable(mut self, durable: Durable) -> Self {
        self.durable = Arc::new(durable);
        self
    }

    /// Records the entries put on the node's own log.
    #[must_use]
    pub fn with_append(mut self, entries: Entries) -> Self {
        self.append = Some(entries);
        self
    }

    /// Records the messages queued: these and no others.
    #[must_use]
    pub fn with_send(mut self, messages: impl IntoIterator<Item = Message>) -> Self {
        self.send = Some(messages.into_iter().collect());
        self
    }

    /// Records the reads given an index: these and no others.
    #[must_use]
    pub fn with_reads(mut self, reads: impl IntoIterator<Item = OpAt>) -> Self {
        self.reads = Some(reads.into_iter().collect());
        self
    }

    /// Records the operations acknowledged: these and no others.
    #[must_use]
    pub fn with_ack(mut self, acks: impl IntoIterator<Item = OpAt>) -> Self {
        self.ack = Some(acks.into_iter().collect());
        self
    }
}

/// A client operation and an index.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct OpAt {
    /// Which operation.
    pub op: OpId,
    /// A write's entry, or a read's read index.
    pub index: Index,
}

impl OpAt {
    /// Operation `op` at `index`.
    pub fn new(op: impl Into<OpId>, index: impl Into<Index>) -> Self {
        OpAt {
            op: op.into(),
            index: index.into(),
        }
    }
}

impl Slots for OpAt {
    fn slots(&mut self, visit: &mut impl FnMut(Slot<'_>) -> Option<()>) -> Option<()> {
        visit(Slot::Op(&mut self.op))?;
        visit(Slot::Number(&mut self.index.0))
    }
}
