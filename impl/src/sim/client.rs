//! The clients: each asks for one thing at a time.

use std::sync::Arc;

use crate::core::{NodeId, OpId};
use crate::kv::Command;

use super::history::Kind;
use super::plan::Plan;
use super::rng::Rng;

/// How long a client waits for an answer, in units of time.
pub(super) const PATIENCE: u64 = 600;

/// How long it waits before it sends a write again, in units of time.
pub(super) const RETRY_AFTER: u64 = 150;

/// One logical process, in a place that outlives it: after an operation of
/// unknown outcome another takes its place.
#[derive(Debug)]
pub(super) struct Client {
    /// The number of the process.
    pub(super) number: u64,
    /// How many operations it has begun.
    pub(super) sequence: u64,
    /// The operation under way.
    pub(super) operation: Option<Operation>,
}

/// An operation under way.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    /// Its name.
    pub(super) op: OpId,
    /// What it does.
    pub(super) kind: Kind,
    /// To which key.
    pub(super) key: String,
    /// What it writes.
    pub(super) value: String,
    /// Whom to ask next.
    pub(super) target: NodeId,
    /// Whether any node has taken it on.
    pub(super) taken: bool,
    /// How often it may be sent again once it was taken on.
    pub(super) retries_left: u32,
}

impl Client {
    /// Begins the next operation.
    pub(super) fn begin(&mut self, target: NodeId, plan: &Plan, rng: &mut Rng) -> Operation {
        self.sequence += 1;
        let op = OpId::new(self.number, self.sequence);
        let key = key(rng.within(0..=u64::from(plan.keys) - 1));
        let (kind, value) = if rng.chance(plan.reads) {
            (Kind::Get, String::new())
        } else if rng.chance(0.5) {
            (Kind::Put, format!("v{op}"))
        } else {
            (Kind::Append, format!("a{op};"))
        };
        let retries_left = if kind == Kind::Get {
            0
        } else {
            plan.write_retries
        };
        let operation = Operation {
            op,
            kind,
            key,
            value,
            target,
            taken: false,
            retries_left,
        };
        self.operation = Some(operation.clone());
        operation
    }

    /// The operation under way, if it is this one.
    pub(super) fn current(&mut self, op: OpId) -> Option<&mut Operation> {
        self.operation.as_mut().filter(|current| current.op == op)
    }
}

impl Operation {
    /// The command of a write; a read has none.
    #[must_use]
    pub(super) fn command(&self) -> Option<Arc<[u8]>> {
        let (key, value) = (self.key.clone(), self.value.clone());
        let command = match self.kind {
            Kind::Get => return None,
            Kind::Put => Command::Put { key, value },
            Kind::Append => Command::Append { key, value },
        };
        Some(command.encode().into())
    }
}

/// The name of a key.
#[must_use]
pub(super) fn key(number: u64) -> String {
    format!("k{number}")
}
