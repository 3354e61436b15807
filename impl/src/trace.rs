//! The only place that emits: one line for each step of a core.
//!
//! | step | cause of its line |
//! | --- | --- |
//! | a server starts or restarts | `start`, the state being what it recovered |
//! | [`Input::Tick`], [`Input::Campaign`] that begin an election, or ask first | `campaign` |
//! | [`Input::Tick`] in which a leader looks who answers | `check-quorum` |
//! | another [`Input::Tick`] | `tick` |
//! | [`Input::Receive`] | `receive` |
//! | [`Input::Write`], [`Input::Read`] | `write`, `read` |
//! | [`Input::Persisted`] | `persisted`; the own vote and the own entries are counted in it, since no message goes to oneself |
//! | [`Input::Applied`] | `apply` |
//! | [`Input::Change`], [`Input::Transfer`], [`Input::Compact`] | `change`, `transfer`, `compact` |
//!
//! Two kinds of step leave no line. A tick after which nothing has changed but
//! a count of ticks is one. A refused input is the other; it had no effect.
//!
//! Every line has the whole state after the step and all that is durable. What
//! is sent stands in the line of the step that queued it; it leaves with the
//! node's next `persisted` line, or never, if the node crashes before. A crash
//! has no line of its own; the next one of that node is a `start`.
//!
//! When it is off, a recorder costs a comparison and allocates nothing.

mod lower;

use std::io::Write;
use std::path::Path;

use plimsoll_trace as wire;
use plimsoll_trace::{CauseKind, Field, Header, PerNodeWriter, Sequencer, TraceWriter, WriteError};

use crate::core::{Events, Index, Input, LogWrite, NodeId, OpId, Raft, ReadState};
use crate::envelope::{Envelope, MessageId};

use lower::{lower_change, lower_durable, lower_entries, lower_message, lower_state, name};

/// The causes of which every step has its line.
const CAUSES: [CauseKind; 12] = [
    CauseKind::Start,
    CauseKind::Campaign,
    CauseKind::Tick,
    CauseKind::Receive,
    CauseKind::Write,
    CauseKind::Read,
    CauseKind::Persisted,
    CauseKind::Apply,
    CauseKind::Change,
    CauseKind::Transfer,
    CauseKind::Compact,
    CauseKind::CheckQuorum,
];

/// The fields that are never left out when they have something to say.
const FIELDS: [Field; 18] = [
    Field::StateTerm,
    Field::StateVote,
    Field::StateRole,
    Field::StateLeader,
    Field::StateCommit,
    Field::StateApplied,
    Field::StateLast,
    Field::StateSnapshot,
    Field::StateConfig,
    Field::StateTransfer,
    Field::DurableTerm,
    Field::DurableVote,
    Field::DurableCommit,
    Field::DurableLast,
    Field::Append,
    Field::Send,
    Field::Reads,
    Field::Ack,
];

/// The header of a run of these nodes, of which the first `voters` were
/// bootstrapped together; the others begin with nothing.
#[must_use]
pub fn header(run: &str, nodes: &[NodeId], voters: usize, features: &[&str]) -> Header {
    let bootstrapped = nodes.iter().take(voters).map(|&node| name(node));
    Header::new(
        concat!("plimsoll-raft ", env!("CARGO_PKG_VERSION")),
        nodes.iter().map(|&node| name(node)),
    )
    .with_run(run)
    .with_config(wire::Config::of_voters(bootstrapped))
    .with_bootstrap(voters.min(nodes.len()) as u64)
    .with_settings("etcd")
    .with_features(features.iter().copied())
    .with_storage(wire::Storage::Sync)
    .with_durability(wire::Durability::Deferred)
    .with_order(wire::Order::File)
    .with_complete(CAUSES, FIELDS)
}

/// Why a step is about to happen, kept until it has; nothing when off.
#[derive(Debug)]
pub struct Cause(Option<wire::Cause>);

/// What a step did beside changing its server.
#[derive(Debug, Clone, Copy, Default)]
pub struct Effects<'a> {
    /// What a tick began.
    pub began: Events,
    /// What it wrote to the log.
    pub log: Option<&'a LogWrite>,
    /// The messages it queued, in order.
    pub sent: &'a [Envelope],
    /// The reads it gave an index.
    pub reads: &'a [ReadState],
    /// The operations it acknowledged, each with its index.
    pub acknowledged: &'a [(OpId, Index)],
}

/// Writes the lines of a run, to one file or to one for each node.
#[derive(Default)]
pub struct Recorder {
    on: Option<On>,
}

struct On {
    sequencers: Vec<Sequencer>,
    output: Output,
    /// The first error; nothing is written after it.
    failed: Option<WriteError>,
}

enum Output {
    Merged(TraceWriter<Box<dyn Write>>),
    PerNode(PerNodeWriter),
}

impl Recorder {
    /// Records nothing.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// Records the run that `header` describes, all nodes in one output.
    ///
    /// # Errors
    ///
    /// When the header cannot be written.
    pub fn merged(header: &Header, output: Box<dyn Write>) -> Result<Self, WriteError> {
        let output = Output::Merged(TraceWriter::new(output, header)?);
        Ok(Self::on(header, output))
    }

    /// Records the run that `header` describes, a file for each node in this
    /// directory.
    ///
    /// # Errors
    ///
    /// When a file cannot be made.
    pub fn per_node(header: &Header, directory: &Path) -> Result<Self, WriteError> {
        let output = Output::PerNode(PerNodeWriter::create(directory, header)?);
        Ok(Self::on(header, output))
    }

    fn on(header: &Header, output: Output) -> Self {
        Self {
            on: Some(On {
                sequencers: header.nodes.iter().map(Sequencer::new).collect(),
                output,
                failed: None,
            }),
        }
    }

    /// Notes an input before the core consumes it.
    #[must_use]
    pub fn cause(&self, input: &Input, id: Option<MessageId>) -> Cause {
        Cause(self.on.is_some().then(|| match input {
            Input::Tick => wire::Cause::Tick,
            Input::Campaign => wire::Cause::Campaign,
            Input::Receive(message) => wire::Cause::Receive(lower_message(message, id)),
            Input::Write { op, .. } => wire::Cause::write(op.to_string()),
            Input::Read { op } => wire::Cause::read(op.to_string()),
            Input::Persisted(_) => wire::Cause::Persisted,
            Input::Applied(index) => wire::Cause::apply(index.get()),
            Input::Change(change) => wire::Cause::Change(lower_change(change)),
            Input::Transfer { to } => wire::Cause::Transfer { to: name(*to) },
            Input::Compact { index, .. } => wire::Cause::Compact {
                index: wire::Index(index.get()),
            },
        }))
    }

    /// Writes the line of a server that starts with what it recovered.
    pub fn start(&mut self, raft: &Raft) {
        let cause = Cause(self.on.is_some().then_some(wire::Cause::Start));
        self.step(cause, raft, Effects::default());
    }

    /// Writes the line of a step, after it.
    pub fn step(&mut self, cause: Cause, raft: &Raft, effects: Effects<'_>) {
        let (Some(on), Cause(Some(mut cause))) = (&mut self.on, cause) else {
            return;
        };
        if effects.began.campaigned || effects.began.asked {
            cause = wire::Cause::Campaign;
        } else if effects.began.checked_quorum {
            cause = wire::Cause::CheckQuorum;
        }
        let name = name(raft.id());
        let known = on.sequencers.iter().position(|s| *s.node() == name);
        let place = known.expect("the header names every node");
        let mut step = on.sequencers[place]
            .step(cause)
            .with_state(lower_state(raft))
            .with_durable(lower_durable(raft));
        let at = |&(op, index): &(OpId, Index)| wire::OpAt::new(op.to_string(), index.get());
        if let Some(write) = effects.log {
            step = step.with_append(lower_entries(write.after, &write.entries));
        }
        if !effects.sent.is_empty() {
            let lower = |sent: &Envelope| lower_message(&sent.message, Some(sent.id));
            step = step.with_send(effects.sent.iter().map(lower));
        }
        if !effects.reads.is_empty() {
            let reads = effects.reads.iter();
            step = step.with_reads(reads.map(|read| at(&(read.op, read.index))));
        }
        if !effects.acknowledged.is_empty() {
            step = step.with_ack(effects.acknowledged.iter().map(at));
        }
        if on.failed.is_none() {
            let written = match &mut on.output {
                Output::Merged(writer) => writer.write(&step),
                Output::PerNode(writer) => writer.write(&step),
            };
            on.failed = written.err();
        }
    }

    /// Completes the files.
    ///
    /// # Errors
    ///
    /// The first that any line met.
    pub fn finish(self) -> Result<(), WriteError> {
        let Some(on) = self.on else {
            return Ok(());
        };
        if let Some(failed) = on.failed {
            return Err(failed);
        }
        match on.output {
            Output::Merged(writer) => writer.finish().map(drop),
            Output::PerNode(writer) => writer.finish().map(drop),
        }
    }
}
