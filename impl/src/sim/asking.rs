//! The clients' side of a run.

use crate::core::{Index, NodeId, OpId, Refused};

use super::checks::Violation;
use super::client::{Client, PATIENCE, RETRY_AFTER};
use super::history::{self, Kind, Phase};
use super::node::Answer;
use super::simulation::{Event, Simulation};

impl Simulation {
    /// The client that waits for this operation, if any does still.
    pub(super) fn asking(&mut self, op: OpId) -> Option<usize> {
        let mut clients = self.clients.iter_mut();
        clients.position(|client| client.current(op).is_some())
    }

    pub(super) fn think(&mut self, place: usize) {
        let delay = self.rng.within(1..=self.plan.think_max);
        self.after(delay, Event::Think(place));
    }

    /// A client begins its next operation, at any node.
    pub(super) fn begin(&mut self, place: usize) {
        let target = NodeId::new(
            u32::try_from(self.rng.within(1..=self.plan.nodes.into())).expect("a node's number"),
        );
        let operation = self.clients[place].begin(target, &self.plan, &mut self.rng);
        let op = operation.op;
        match operation.kind {
            Kind::Get => self.summary.reads += 1,
            Kind::Put | Kind::Append => self.summary.writes += 1,
        }
        self.witness.begun(op);
        self.note(place, Phase::Invoke, target, None);
        self.after(0, Event::Ask(place, op));
        self.after(PATIENCE, Event::GiveUp(place, op));
    }

    /// A client asks a node; refused, it asks the leader that the node knows
    /// of, or another.
    pub(super) fn ask(&mut self, place: usize, op: OpId) -> Result<(), Violation> {
        let Some(operation) = self.clients[place].current(op).cloned() else {
            return Ok(());
        };
        let target = operation.target;
        let asked = self
            .up(target)
            .map(|(node, recorder)| match operation.command() {
                Some(command) => node.write(op, command, recorder),
                None => node.read(op, operation.key.clone(), recorder),
            });
        let any = NodeId::new(target.get() % self.plan.nodes + 1);
        let current = self.clients[place].current(op).expect("looked up above");
        match asked {
            Some(Ok(done)) => {
                self.summary.writes_repeated += u64::from(operation.taken);
                current.taken = true;
                current.target = any;
                if current.retries_left > 0 {
                    current.retries_left -= 1;
                    self.after(RETRY_AFTER, Event::Ask(place, op));
                }
                if operation.kind == Kind::Get {
                    self.checks.read_taken(op);
                }
                self.observe(target, done)
            }
            refused => {
                current.target = match refused {
                    Some(Err(Refused::NotLeader {
                        leader: Some(known),
                    })) => known,
                    _ => any,
                };
                let delay = self.rng.within(5..=20);
                self.after(delay, Event::Ask(place, op));
                Ok(())
            }
        }
    }

    /// An answer reaches a client, if it waits for one still.
    pub(super) fn answer(
        &mut self,
        place: usize,
        op: OpId,
        node: NodeId,
        answer: Answer,
        index: Index,
    ) -> Result<(), Violation> {
        let Some(operation) = self.clients[place].current(op).cloned() else {
            return Ok(());
        };
        match answer {
            Answer::Written => {
                self.witness.written(op, index)?;
                self.summary.writes_ok += 1;
                self.note(place, Phase::Ok, node, None);
            }
            Answer::Value(value) => {
                self.witness.read(op, &operation.key, &value, index)?;
                self.summary.reads_ok += 1;
                self.note(place, Phase::Ok, node, Some(value));
            }
            Answer::NotRead => {
                self.summary.failed += 1;
                self.note(place, Phase::Fail, node, None);
            }
        }
        self.clients[place].operation = None;
        self.think(place);
        Ok(())
    }

    /// A client waits no longer. What no node has taken on is not done; of
    /// the rest it knows nothing, and another client takes its place.
    pub(super) fn give_up(&mut self, place: usize) {
        let Some(operation) = &self.clients[place].operation else {
            return;
        };
        let (taken, node) = (operation.taken, operation.target);
        if taken {
            self.summary.unknown += 1;
            self.note(place, Phase::Info, node, None);
            self.clients[place] = Client {
                number: self.client_count,
                sequence: 0,
                operation: None,
            };
            self.client_count += 1;
        } else {
            self.summary.failed += 1;
            self.note(place, Phase::Fail, node, None);
            self.clients[place].operation = None;
        }
    }

    /// Adds a line to the history.
    fn note(&mut self, place: usize, phase: Phase, node: NodeId, read: Option<String>) {
        let operation = self.clients[place].operation.as_ref();
        let operation = operation.expect("only an operation under way is noted");
        let written = match phase {
            Phase::Invoke | Phase::Ok => operation.value.clone(),
            Phase::Info | Phase::Fail => String::new(),
        };
        self.history.push(history::Event {
            op: operation.op,
            phase,
            kind: operation.kind,
            key: operation.key.clone(),
            value: read.unwrap_or(written),
            node,
            trace_lines: self.summary.steps,
            time: self.now,
        });
    }
}
