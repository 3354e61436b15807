//! The run: a queue of things that are due, in the order of their time.

use std::collections::BTreeMap;

use plimsoll_trace::WriteError;

use crate::core::{Configuration, Index, NodeId, OpId, Stored};
use crate::envelope::Envelope;
use crate::trace::Recorder;

use super::checks::{Checks, Violation};
use super::client::{self, Client};
use super::disk::Disk;
use super::faults::FAULTS_EVERY;
use super::history;
use super::network::Network;
use super::node::{Answer, Node};
use super::plan::{Plan, PlanError, TICK_UNITS};
use super::report::Summary;
use super::rng::Rng;
use super::witness::Witness;

/// A run ends when nothing has happened for so long, in units of time: a
/// single node without clients is idle for ever.
const IDLE_MAX: u64 = 10_000;

/// Something that is due. What concerns one incarnation of a node names it,
/// and is dropped if the node has crashed since.
#[derive(Debug)]
pub(super) enum Event {
    Tick(Who),
    Sync(Who),
    Apply(Who),
    Compact(Who),
    Deliver(Envelope),
    Restart(NodeId),
    Faults,
    Heal,
    Think(usize),
    Ask(usize, OpId),
    Answer(usize, OpId, NodeId, Answer, Index),
    GiveUp(usize, OpId),
}

/// A node in one of its incarnations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) id: NodeId,
    pub(super) incarnation: u64,
}

/// A node's place in the cluster.
#[derive(Debug)]
pub(super) enum Place {
    Up {
        node: Box<Node>,
        sync_due: bool,
        apply_due: bool,
        /// It will crash instead of its next sync.
        doomed: bool,
    },
    Down {
        disk: Box<Disk>,
        incarnation: u64,
    },
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// What happened, in numbers.
    pub summary: Summary,
    /// What the clients saw.
    pub history: Vec<history::Event>,
    /// What was checked on the way.
    pub checks: Checks,
    /// The property that the run broke, where it stopped.
    pub violation: Option<Violation>,
}

/// A cluster, its clients, and what is due.
pub struct Simulation {
    pub(super) plan: Plan,
    pub(super) rng: Rng,
    pub(super) now: u64,
    pub(super) nodes: Vec<Place>,
    pub(super) clients: Vec<Client>,
    pub(super) client_count: u64,
    pub(super) history: Vec<history::Event>,
    pub(super) witness: Witness,
    pub(super) checks: Checks,
    pub(super) recorder: Recorder,
    pub(super) summary: Summary,
    pub(super) network: Network,
    pub(super) keys: Vec<String>,
    queue: BTreeMap<(u64, u64), Event>,
    queued: u64,
}

impl Simulation {
    /// A cluster at its first boot, whose steps go to `recorder`.
    ///
    /// # Errors
    ///
    /// When the plan cannot be followed.
    pub fn new(plan: Plan, recorder: Recorder) -> Result<Self, PlanError> {
        plan.check()?;
        let summary = Summary {
            schema: "plimsoll-raft-sim/1",
            command: plan.command(),
            ..Summary::default()
        };
        let mut simulation = Self {
            rng: Rng::new(plan.seed),
            now: 0,
            nodes: Vec::new(),
            clients: Vec::new(),
            client_count: plan.clients.into(),
            history: Vec::new(),
            witness: Witness::default(),
            checks: Checks::default(),
            recorder,
            summary,
            network: Network::default(),
            keys: (0..u64::from(plan.keys)).map(client::key).collect(),
            queue: BTreeMap::new(),
            queued: 0,
            plan,
        };
        let ids = simulation.ids();
        let (voters, joiners) = ids.split_at(simulation.plan.voters() as usize);
        let (stored, configuration) = Stored::bootstrap(voters);
        for &id in voters {
            let disk = simulation.disk(stored.clone());
            simulation.start(id, disk, configuration.clone(), 1)?;
        }
        for &id in joiners {
            let disk = simulation.disk(Stored::default());
            simulation.start(id, disk, Configuration::default(), 1)?;
        }
        simulation.after(FAULTS_EVERY, Event::Faults);
        for place in 0..simulation.plan.clients as usize {
            simulation.clients.push(Client {
                number: place as u64,
                sequence: 0,
                operation: None,
            });
            simulation.think(place);
        }
        Ok(simulation)
    }

    fn disk(&self, stored: Stored) -> Disk {
        match self.plan.async_storage {
            true => Disk::queued(stored),
            false => Disk::new(stored),
        }
    }

    /// The names of the nodes of a plan.
    #[must_use]
    pub fn ids(&self) -> Vec<NodeId> {
        (1..=self.plan.nodes).map(NodeId::new).collect()
    }

    /// Runs to the end of the plan, or until a property is broken or nothing
    /// happens any more.
    ///
    /// # Errors
    ///
    /// When a line of the trace could not be written.
    pub fn run(mut self) -> Result<Outcome, WriteError> {
        let mut violation = None;
        let mut latest = self.now;
        while self.summary.steps < self.plan.steps && self.now - latest < IDLE_MAX {
            let Some(((time, _), event)) = self.queue.pop_first() else {
                unreachable!("faults are always due");
            };
            self.now = time;
            let steps = self.summary.steps;
            if let Err(broken) = self.handle(event) {
                violation = Some(broken);
                break;
            }
            if self.summary.steps > steps {
                latest = self.now;
            }
        }
        for place in 0..self.clients.len() {
            self.give_up(place);
        }
        self.summary.time = self.now;
        self.summary.committed = self.checks.commit().get();
        self.summary.elections_won = self.checks.leaders().len() as u64;
        self.recorder.finish()?;
        Ok(Outcome {
            summary: self.summary,
            history: self.history,
            checks: self.checks,
            violation,
        })
    }

    pub(super) fn after(&mut self, delay: u64, event: Event) {
        self.queued += 1;
        self.queue.insert((self.now + delay, self.queued), event);
    }

    fn handle(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Tick(who) => self.tick(who),
            Event::Sync(who) => self.sync(who),
            Event::Apply(who) => self.apply(who),
            Event::Compact(who) => self.compact(who),
            Event::Deliver(envelope) => self.deliver(envelope),
            Event::Restart(id) => self.restart(id),
            Event::Faults => {
                self.faults();
                self.orders()
            }
            Event::Heal => {
                self.network.heal();
                Ok(())
            }
            Event::Think(place) => {
                self.begin(place);
                Ok(())
            }
            Event::Ask(place, op) => self.ask(place, op),
            Event::Answer(place, op, node, answer, index) => {
                self.answer(place, op, node, answer, index)
            }
            Event::GiveUp(place, op) => {
                if self.clients[place].current(op).is_some() {
                    self.give_up(place);
                    self.think(place);
                }
                Ok(())
            }
        }
    }

    pub(super) fn start(
        &mut self,
        id: NodeId,
        disk: Disk,
        configuration: Configuration,
        incarnation: u64,
    ) -> Result<(), PlanError> {
        let options = self.plan.core_options(self.rng.draw());
        let recorder = &mut self.recorder;
        let node = Node::start(id, options, disk, configuration, incarnation, recorder)?;
        self.summary.steps += 1;
        let place = Place::Up {
            node: Box::new(node),
            sync_due: false,
            apply_due: false,
            doomed: false,
        };
        match self.nodes.get_mut(slot(id)) {
            Some(old) => *old = place,
            None => self.nodes.push(place),
        }
        let delay = self.rng.within(1..=TICK_UNITS);
        self.after(delay, Event::Tick(Who { id, incarnation }));
        self.plan_apply(id);
        Ok(())
    }
}

pub(super) fn slot(id: NodeId) -> usize {
    id.get() as usize - 1
}
