//! Whether lines fit together, as lines: counted right, and about nodes that
//! exist. No rule of Raft is looked at here.
//!
//! What one line alone can get wrong, its types say or [`Entries`] does. Here
//! stands the rest, and each rule has its [`ShapeError`].
//!
//! [`Entries`]: crate::Entries

use std::sync::Arc;

use crate::cause::Cause;
use crate::header::{Field, Header};
use crate::message::{Body, Message};
use crate::names::NodeName;
use crate::roster::Roster;
use crate::shape_error::ShapeError;
use crate::state::{Config, Durable, State};
use crate::step::Step;

/// Checks the lines of one file, in their order. Remembers one line a node.
#[derive(Clone, Debug)]
pub struct WellFormed {
    /// The nodes of the header.
    nodes: Roster,
    /// The last line of each so far.
    last: Vec<Option<Seen>>,
    /// What was found right last of each node's states: most lines repeat it.
    right: Vec<(Arc<State>, Arc<Durable>)>,
    /// The configuration that was found right last.
    right_config: Option<Arc<Config>>,
    /// The fields that every `start` and `resume` must have: those declared
    /// complete, for which "did not change" would say nothing there.
    declared: Vec<Field>,
    /// The version that the header names.
    version: u32,
}

/// A line that a node had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    inc: u64,
    seq: u64,
    line: u64,
}

impl WellFormed {
    /// Checks the header, and begins a file.
    ///
    /// # Errors
    /// When the header contradicts itself.
    pub fn new(header: &Header) -> Result<Self, ShapeError> {
        if header.nodes.is_empty() {
            return Err(ShapeError::NoNodes);
        }
        let nodes: Roster = header.nodes.iter().collect();
        for (at, node) in header.nodes.iter().enumerate() {
            if nodes.place(node) != Some(at) {
                let node = node.clone();
                return Err(ShapeError::TwiceListed {
                    place: "nodes",
                    node,
                });
            }
        }
        let mut declared: Vec<Field> = header.complete.fields.clone();
        declared.sort_unstable();
        declared.dedup();
        let version = header.version;
        let causes = header.complete.causes.iter().map(|kind| kind.since());
        let fields = declared.iter().map(|field| field.since());
        if causes.chain(fields).any(|since| since > version) {
            let what = "a name in `complete`";
            return Err(ShapeError::LaterVersion { what, version });
        }
        if !header.features.is_empty() && version < 2 {
            let what = "`features`";
            return Err(ShapeError::LaterVersion { what, version });
        }
        let well_formed = WellFormed {
            last: vec![None; nodes.len()],
            right: vec![Default::default(); nodes.len()],
            nodes,
            right_config: None,
            declared,
            version,
        };
        well_formed.config(&header.config)?;
        Ok(well_formed)
    }

    /// Checks the next step of the file, which stands in line `line`.
    ///
    /// # Errors
    /// When it does not fit to the header, to itself, or to the lines before.
    /// The check may go on: the step then counts as the node's last one.
    pub fn check(&mut self, line: u64, step: &Step) -> Result<(), ShapeError> {
        if step.cause.kind().since() > self.version {
            let (what, version) = ("the cause", self.version);
            return Err(ShapeError::LaterVersion { what, version });
        }
        let Some(at) = self.nodes.place(&step.node) else {
            return Err(unknown("node", &step.node));
        };
        self.states(at, step)?;
        self.names(step)?;
        messages(step)?;
        self.beginning(step)?;
        let now = Seen {
            inc: step.inc,
            seq: step.seq,
            line,
        };
        match self.last[at].replace(now) {
            None => first(step),
            Some(before) => next(step, before),
        }
    }

    pub(crate) fn last_of(&self, node: &NodeName) -> Option<Seen> {
        self.last[self.nodes.place(node)?]
    }

    /// Takes a line back.
    pub(crate) fn set_last_of(&mut self, node: &NodeName, seen: Option<Seen>) {
        if let Some(at) = self.nodes.place(node) {
            self.last[at] = seen;
        }
    }

    fn known(&self, place: &'static str, node: &NodeName) -> Result<(), ShapeError> {
        if self.nodes.place(node).is_some() {
            Ok(())
        } else {
            Err(unknown(place, node))
        }
    }

    fn config(&self, config: &Config) -> Result<(), ShapeError> {
        let lists = [
            ("config.voters", Some(&config.voters)),
            ("config.outgoing", config.outgoing.as_ref()),
            ("config.learners", config.learners.as_ref()),
            ("config.learners_next", config.learners_next.as_ref()),
        ];
        for (place, list) in lists {
            for (at, node) in list.into_iter().flatten().enumerate() {
                self.known(place, node)?;
                if list.is_some_and(|list| list[..at].contains(node)) {
                    let node = node.clone();
                    return Err(ShapeError::TwiceListed { place, node });
                }
            }
        }
        Ok(())
    }

    /// Every name in the states is one of the header's.
    fn states(&mut self, at: usize, step: &Step) -> Result<(), ShapeError> {
        let (state, durable) = &self.right[at];
        if Arc::ptr_eq(state, &step.state) && Arc::ptr_eq(durable, &step.durable) {
            return Ok(());
        }
        let nobody_or = |place, field: &Option<Option<NodeName>>| match field {
            Some(Some(node)) => self.known(place, node),
            Some(None) | None => Ok(()),
        };
        nobody_or("state.vote", &step.state.vote)?;
        nobody_or("state.leader", &step.state.leader)?;
        nobody_or("state.transfer", &step.state.transfer)?;
        nobody_or("durable.vote", &step.durable.vote)?;
        if let Some(config) = &step.state.config {
            if self.right_config.as_ref() != Some(config) {
                self.config(config)?;
            }
            self.right_config = Some(Arc::clone(config));
        }
        self.right[at] = (Arc::clone(&step.state), Arc::clone(&step.durable));
        Ok(())
    }

    /// Every other name in the step, too.
    fn names(&self, step: &Step) -> Result<(), ShapeError> {
        match &step.cause {
            Cause::Transfer { to } => self.known("the cause's to", to)?,
            Cause::Change(change) => {
                let lists = [&change.voters, &change.learners, &change.removed];
                for node in lists.into_iter().flatten() {
                    self.known("the cause's change", node)?;
                }
            }
            _ => {}
        }
        for message in messages_of(step) {
            self.known("a message's from", &message.from)?;
            self.known("a message's to", &message.to)?;
            if let Body::Snapshot { config, .. } = &message.body {
                self.config(config)?;
            }
        }
        Ok(())
    }

    /// A start has what is declared complete, a resume all of its state.
    fn beginning(&self, step: &Step) -> Result<(), ShapeError> {
        let lacks = |cause, field| {
            let node = step.node.clone();
            Err(ShapeError::Incomplete { node, cause, field })
        };
        match step.cause {
            Cause::Resume => match lacking(step, &FULL).or(lacking(step, &self.declared)) {
                Some(field) => lacks("resume", field),
                None => Ok(()),
            },
            Cause::Start => match lacking(step, &self.declared) {
                Some(field) => lacks("start", field),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// What "all of its state" is.
const FULL: [Field; 9] = [
    Field::StateTerm,
    Field::StateVote,
    Field::StateRole,
    Field::StateLeader,
    Field::StateCommit,
    Field::StateApplied,
    Field::StateLast,
    Field::StateSnapshot,
    Field::StateConfig,
];

fn unknown(place: &'static str, node: &NodeName) -> ShapeError {
    ShapeError::UnknownNode {
        place,
        node: node.clone(),
    }
}

/// The first of these state fields that the step leaves out. The lists are not
/// state: absent, they are empty at a beginning as anywhere.
fn lacking(step: &Step, fields: &[Field]) -> Option<&'static str> {
    let (state, durable) = (&step.state, &step.durable);
    fields.iter().find_map(|field| {
        let (there, name) = match field {
            Field::StateTerm => (state.term.is_some(), "state.term"),
            Field::StateVote => (state.vote.is_some(), "state.vote"),
            Field::StateRole => (state.role.is_some(), "state.role"),
            Field::StateLeader => (state.leader.is_some(), "state.leader"),
            Field::StateCommit => (state.commit.is_some(), "state.commit"),
            Field::StateApplied => (state.applied.is_some(), "state.applied"),
            Field::StateLast => (state.last.is_some(), "state.last"),
            Field::StateSnapshot => (state.snapshot.is_some(), "state.snapshot"),
            Field::StateConfig => (state.config.is_some(), "state.config"),
            Field::StateTransfer => (state.transfer.is_some(), "state.transfer"),
            Field::DurableTerm => (durable.term.is_some(), "durable.term"),
            Field::DurableVote => (durable.vote.is_some(), "durable.vote"),
            Field::DurableCommit => (durable.commit.is_some(), "durable.commit"),
            Field::DurableLast => (durable.last.is_some(), "durable.last"),
            Field::Append | Field::Send | Field::Reads | Field::Ack => return None,
        };
        (!there).then_some(name)
    })
}

fn messages_of(step: &Step) -> impl Iterator<Item = &Message> {
    let received = match &step.cause {
        Cause::Receive(message) => Some(message),
        _ => None,
    };
    received.into_iter().chain(step.send.iter().flatten())
}

/// A node receives what is sent to it, and sends in its own name; a message's
/// entries follow its `prev`.
fn messages(step: &Step) -> Result<(), ShapeError> {
    if let Cause::Receive(message) = &step.cause
        && message.to != step.node
    {
        let (node, to) = (step.node.clone(), message.to.clone());
        return Err(ShapeError::NotTheReceiver { node, to });
    }
    for message in step.send.iter().flatten() {
        if message.from != step.node {
            let (node, from) = (step.node.clone(), message.from.clone());
            return Err(ShapeError::NotTheSender { node, from });
        }
    }
    for message in messages_of(step) {
        if let Body::Append { prev, entries, .. } = &message.body
            && prev.index != entries.after_index()
        {
            let (prev, after) = (prev.index, entries.after_index());
            return Err(ShapeError::EntriesNotAfterPrev { prev, after });
        }
    }
    Ok(())
}

/// The numbers of a node's first line in the file.
fn first(step: &Step) -> Result<(), ShapeError> {
    let node = step.node.clone();
    if step.inc == 0 {
        Err(ShapeError::Zero { node, field: "inc" })
    } else if step.seq == 0 {
        Err(ShapeError::Zero { node, field: "seq" })
    } else {
        match step.cause {
            Cause::Start if step.seq != 1 => Err(ShapeError::StartSeq {
                node,
                seq: step.seq,
            }),
            Cause::Start | Cause::Resume => Ok(()),
            _ => Err(ShapeError::NoBeginning { node }),
        }
    }
}

/// The numbers of a line after another one of the same node.
fn next(step: &Step, before: Seen) -> Result<(), ShapeError> {
    let node = step.node.clone();
    let (inc, seq) = (step.inc, step.seq);
    let (inc_before, seq_before) = (before.inc, before.seq);
    let before = before.line;
    match step.cause {
        Cause::Resume => Err(ShapeError::LateResume { node, before }),
        Cause::Start if inc_before.checked_add(1) != Some(inc) => Err(ShapeError::StartInc {
            node,
            inc,
            before,
            inc_before,
        }),
        Cause::Start if seq != 1 => Err(ShapeError::StartSeq { node, seq }),
        Cause::Start => Ok(()),
        _ if inc != inc_before => Err(ShapeError::NoStart {
            node,
            inc,
            before,
            inc_before,
        }),
        _ if seq <= seq_before => Err(ShapeError::Duplicate {
            node,
            inc,
            seq,
            before,
            seq_before,
        }),
        _ if seq - seq_before > 1 => Err(ShapeError::Gap {
            node,
            inc,
            seq,
            before,
            seq_before,
        }),
        _ => Ok(()),
    }
}
