//! The run: a queue of things that are due, in the order of their time.

use std::collections::BTreeMap;

use plimsoll_trace::WriteError;

use crate::core::{Configuration, NodeId, OpId, Role, Stored};
use crate::envelope::Envelope;
use crate::trace::Recorder;

use super::checks::{Checks, Violation};
use super::client::{self, Client};
use super::disk::{Disk, Loss};
use super::history;
use super::network::Network;
use super::node::{Answer, Done, Node};
use super::plan::{Plan, PlanError, TICK_UNITS};
use super::report::Summary;
use super::rng::Rng;
use super::witness::Witness;

/// A run ends when nothing has happened for so long, in units of time: a
/// single node without clients is idle for ever.
const IDLE_MAX: u64 = 10_000;

/// How often faults are decided on, in units of time.
const FAULTS_EVERY: u64 = 100;

/// Something that is due. What concerns one incarnation of a node names it,
/// and is dropped if the node has crashed since.
#[derive(Debug)]
pub(super) enum Event {
    Tick(Who),
    Sync(Who),
    Apply(Who),
    Deliver(Envelope),
    Restart(NodeId),
    Faults,
    Heal,
    Think(usize),
    Ask(usize, OpId),
    Answer(usize, OpId, NodeId, Answer, crate::core::Index),
    GiveUp(usize, OpId),
}

/// A node in one of its incarnations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Who {
    id: NodeId,
    incarnation: u64,
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
        disk: Disk,
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
    network: Network,
    keys: Vec<String>,
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
        let (stored, configuration) = Stored::bootstrap(&ids);
        for &id in &ids {
            let disk = Disk::new(stored.clone());
            simulation.start(id, disk, configuration.clone(), 1)?;
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
            Event::Deliver(envelope) => self.deliver(envelope),
            Event::Restart(id) => self.restart(id),
            Event::Faults => {
                self.faults();
                Ok(())
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

    fn start(
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

    fn restart(&mut self, id: NodeId) -> Result<(), Violation> {
        let Place::Down { disk, incarnation } = &self.nodes[slot(id)] else {
            return Ok(());
        };
        let (disk, incarnation) = (disk.clone(), incarnation + 1);
        // The configuration is empty until it has been applied again.
        self.start(id, disk, Configuration::default(), incarnation)
            .expect("the first start took the same options");
        self.observe(id, Done::default())
    }

    /// The node, if it is up and in this incarnation still.
    fn running(&mut self, who: Who) -> Option<(&mut Node, &mut Recorder)> {
        match &mut self.nodes[slot(who.id)] {
            Place::Up { node, .. } if node.incarnation() == who.incarnation => {
                Some((node, &mut self.recorder))
            }
            Place::Up { .. } | Place::Down { .. } => None,
        }
    }

    /// The node, if it is up.
    pub(super) fn up(&mut self, id: NodeId) -> Option<(&mut Node, &mut Recorder)> {
        match &mut self.nodes[slot(id)] {
            Place::Up { node, .. } => Some((node, &mut self.recorder)),
            Place::Down { .. } => None,
        }
    }

    fn tick(&mut self, who: Who) -> Result<(), Violation> {
        let Some((node, recorder)) = self.running(who) else {
            return Ok(());
        };
        let term = node.raft().term();
        let done = node.tick(recorder);
        let campaigned = node.raft().term() > term;
        self.summary.elections += u64::from(campaigned);
        // No two clocks run alike.
        let delay = self.rng.within(TICK_UNITS - 1..=TICK_UNITS + 1);
        self.after(delay, Event::Tick(who));
        self.observe(who.id, done)
    }

    fn sync(&mut self, who: Who) -> Result<(), Violation> {
        if self.running(who).is_some()
            && matches!(self.nodes[slot(who.id)], Place::Up { doomed: true, .. })
        {
            self.crash(who.id);
            return Ok(());
        }
        let Some((node, recorder)) = self.running(who) else {
            return Ok(());
        };
        let (leaving, done) = node.flush(recorder);
        if let Place::Up { sync_due, .. } = &mut self.nodes[slot(who.id)] {
            *sync_due = false;
        }
        for envelope in leaving {
            self.send(envelope);
        }
        self.observe(who.id, done)
    }

    fn apply(&mut self, who: Who) -> Result<(), Violation> {
        let Some((node, recorder)) = self.running(who) else {
            return Ok(());
        };
        let index = node.appliable();
        let done = node.apply(index, recorder);
        if let Place::Up { apply_due, .. } = &mut self.nodes[slot(who.id)] {
            *apply_due = false;
        }
        self.observe(who.id, done)
    }

    fn send(&mut self, envelope: Envelope) {
        self.summary.messages_sent += 1;
        let link = (envelope.message.from, envelope.message.to);
        let (plan, rng) = (&self.plan, &mut self.rng);
        let arrivals = self.network.arrivals(link, self.now, plan, rng);
        match arrivals.len() {
            0 => self.summary.messages_lost += 1,
            1 => {}
            _ => self.summary.messages_duplicated += 1,
        }
        for due in arrivals {
            self.after(due - self.now, Event::Deliver(envelope.clone()));
        }
    }

    fn deliver(&mut self, envelope: Envelope) -> Result<(), Violation> {
        let link = (envelope.message.from, envelope.message.to);
        if self.network.is_blocked(link) {
            self.summary.messages_lost += 1;
            return Ok(());
        }
        let Some((node, recorder)) = self.up(link.1) else {
            self.summary.messages_lost += 1;
            return Ok(());
        };
        let last = node.raft().log().last().index;
        let message = envelope.message.to_string();
        let done = node.receive(envelope, recorder);
        let done = done.map_err(|refused| Violation {
            property: "only sound messages are sent",
            what: format!("{message}: {refused}"),
        })?;
        if let Some(write) = &done.log {
            self.summary.truncated += last.get().saturating_sub(write.after.get());
        }
        self.summary.messages_delivered += 1;
        self.observe(link.1, done)
    }

    /// Looks at a node after a step, and plans what follows from it.
    pub(super) fn observe(&mut self, id: NodeId, done: Done) -> Result<(), Violation> {
        self.summary.steps += u64::from(done.eventful);
        let Place::Up { node, sync_due, .. } = &mut self.nodes[slot(id)] else {
            unreachable!("a node that is down takes no step");
        };
        let raft = node.raft();
        self.checks.observe(raft, done.log.as_ref())?;
        self.witness.replay(self.checks.committed(), &self.keys);
        self.summary.terms = self.summary.terms.max(raft.term().get());
        for read in done.released {
            self.checks.read_released(read)?;
        }
        let incarnation = node.incarnation();
        if node.needs_flush() && !*sync_due {
            *sync_due = true;
            let delay = self.rng.within(1..=self.plan.sync_max);
            self.after(delay, Event::Sync(Who { id, incarnation }));
        }
        self.plan_apply(id);
        for (op, answer, index) in done.answers {
            if let Some(place) = self.asking(op) {
                let delay = self.rng.within(1..=self.plan.delay_max);
                self.after(delay, Event::Answer(place, op, id, answer, index));
            }
        }
        Ok(())
    }

    fn plan_apply(&mut self, id: NodeId) {
        let Place::Up {
            node, apply_due, ..
        } = &mut self.nodes[slot(id)]
        else {
            return;
        };
        if node.appliable() > node.raft().applied() && !*apply_due {
            *apply_due = true;
            let incarnation = node.incarnation();
            let delay = self.rng.within(1..=self.plan.sync_max);
            self.after(delay, Event::Apply(Who { id, incarnation }));
        }
    }

    fn faults(&mut self) {
        self.after(FAULTS_EVERY, Event::Faults);
        let leader = self.leader();
        if !self.network.is_parted() && self.rng.chance(self.plan.partitions) {
            let ids = self.ids();
            let (plan, rng) = (&self.plan, &mut self.rng);
            self.network.part(&ids, leader, plan, rng);
            self.summary.partitions += u64::from(self.network.is_parted());
            let delay = self.rng.within(100..=800);
            self.after(delay, Event::Heal);
        }
        if self.rng.chance(self.plan.crashes) {
            self.doom(leader);
        }
    }

    /// Crashes the leader or any other node, unless too many are down: at
    /// once, or between its next write and the sync of it.
    fn doom(&mut self, leader: Option<NodeId>) {
        let is_up = |&id: &NodeId| {
            let place = &self.nodes[slot(id)];
            matches!(place, Place::Up { doomed: false, .. })
        };
        let up: Vec<NodeId> = self.ids().into_iter().filter(is_up).collect();
        if self.nodes.len() - up.len() >= self.plan.down_limit() as usize {
            return;
        }
        let any = self.rng.pick(&up).copied();
        let leader = leader.filter(is_up);
        let victim = if self.rng.chance(0.5) {
            leader.or(any)
        } else {
            any
        };
        let Some(id) = victim else {
            return;
        };
        if self.rng.chance(0.5) {
            self.crash(id);
        } else if let Place::Up { doomed, .. } = &mut self.nodes[slot(id)] {
            *doomed = true;
        }
    }

    /// Crashes a node; it starts again after a while.
    fn crash(&mut self, id: NodeId) {
        let Place::Up { node, .. } = &self.nodes[slot(id)] else {
            return;
        };
        let dirty = node.disk().is_dirty();
        let waiting = node.disk().waiting_entries() as u64;
        let incarnation = node.incarnation();
        let loss = match self.rng.within(0..=2) {
            0 => Loss::All,
            1 => Loss::Nothing,
            _ => Loss::Part {
                entries: usize::try_from(self.rng.within(0..=waiting)).expect("a small number"),
            },
        };
        let disk = Disk::default();
        let down = Place::Down { disk, incarnation };
        if let Place::Up { node, .. } = std::mem::replace(&mut self.nodes[slot(id)], down) {
            let disk = node.crash(loss);
            self.nodes[slot(id)] = Place::Down { disk, incarnation };
        }
        self.summary.crashes += 1;
        match loss {
            Loss::All if dirty => self.summary.writes_lost += 1,
            Loss::Part { .. } if dirty => self.summary.writes_torn += 1,
            _ => {}
        }
        let delay = self.rng.within(50..=400);
        self.after(delay, Event::Restart(id));
    }

    /// The leader of the latest term that has one which is up.
    pub(super) fn leader(&self) -> Option<NodeId> {
        let leading = self.nodes.iter().filter_map(|place| match place {
            Place::Up { node, .. } => Some(node.raft()),
            Place::Down { .. } => None,
        });
        leading
            .filter(|raft| matches!(raft.role(), Role::Leader(_)))
            .max_by_key(|raft| raft.term())
            .map(crate::core::Raft::id)
    }
}

pub(super) fn slot(id: NodeId) -> usize {
    id.get() as usize - 1
}
