//! What goes wrong in a run: partitions and crashes.

use crate::core::{NodeId, Role};

use super::checks::Violation;
use super::disk::{Disk, Loss};
use super::node::Done;
use super::simulation::{Event, Place, Simulation, slot};

/// How often faults are decided on, in units of time.
pub(super) const FAULTS_EVERY: u64 = 100;

impl Simulation {
    /// Perhaps parts the network, perhaps crashes a node.
    pub(super) fn faults(&mut self) {
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
    pub(super) fn crash(&mut self, id: NodeId) {
        let Place::Up { node, .. } = &self.nodes[slot(id)] else {
            return;
        };
        let dirty = node.disk().is_dirty();
        let incarnation = node.incarnation();
        let loss = match self.rng.within(0..=2) {
            0 => Loss::All,
            1 => Loss::Nothing,
            _ => self.part(id),
        };
        let disk = Box::new(Disk::default());
        let down = Place::Down { disk, incarnation };
        if let Place::Up { node, .. } = std::mem::replace(&mut self.nodes[slot(id)], down) {
            let disk = Box::new(node.crash(loss));
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

    /// A part of what waits at a node that is up.
    fn part(&mut self, id: NodeId) -> Loss {
        let Place::Up { node, .. } = &self.nodes[slot(id)] else {
            return Loss::All;
        };
        let disk = node.disk();
        let writes = match disk.queues() {
            true => self.rng.within(0..=disk.waiting_writes() as u64),
            false => 0,
        };
        let writes = usize::try_from(writes).expect("a small number");
        let parts = self.rng.within(0..=disk.waiting_parts(writes) as u64);
        let entries = usize::try_from(parts).expect("a small number");
        Loss::Part { writes, entries }
    }

    /// Starts a node that is down with what its disk has kept.
    pub(super) fn restart(&mut self, id: NodeId) -> Result<(), Violation> {
        let Place::Down { disk, incarnation } = &self.nodes[slot(id)] else {
            return Ok(());
        };
        let (disk, incarnation) = (Disk::clone(disk), incarnation + 1);
        // Without a snapshot the configuration is empty until it has been
        // applied again.
        let configuration = disk.stored().log.snapshot().configuration.clone();
        self.start(id, disk, configuration, incarnation)
            .expect("the first start took the same options");
        self.observe(id, Done::default())
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
