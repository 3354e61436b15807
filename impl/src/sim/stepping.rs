//! The steps of the nodes in a run, and what follows from each.

use crate::core::{Index, NodeId, Role};
use crate::envelope::Envelope;
use crate::trace::Recorder;

use super::checks::Violation;
use super::node::{Done, Node};
use super::plan::TICK_UNITS;
use super::simulation::{Event, Place, Simulation, Who, slot};

impl Simulation {
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

    pub(super) fn tick(&mut self, who: Who) -> Result<(), Violation> {
        let Some((node, recorder)) = self.running(who) else {
            return Ok(());
        };
        let led = matches!(node.raft().role(), Role::Leader(_));
        let done = node.tick(recorder);
        let leads = matches!(node.raft().role(), Role::Leader(_));
        self.summary.quorums_lost += u64::from(led && !leads);
        // No two clocks run alike.
        let delay = self.rng.within(TICK_UNITS - 1..=TICK_UNITS + 1);
        self.after(delay, Event::Tick(who));
        self.observe(who.id, done)
    }

    pub(super) fn sync(&mut self, who: Who) -> Result<(), Violation> {
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

    pub(super) fn apply(&mut self, who: Who) -> Result<(), Violation> {
        let Some((node, _)) = self.running(who) else {
            return Ok(());
        };
        let (applied, appliable) = (node.raft().applied(), node.appliable());
        if applied >= appliable {
            // A snapshot has come meanwhile.
            if let Place::Up { apply_due, .. } = &mut self.nodes[slot(who.id)] {
                *apply_due = false;
            }
            return Ok(());
        }
        let mut index = appliable;
        // At times only a part. Not of the bootstrap at a first boot, when the
        // configuration that its entries make is in force already.
        if self.rng.chance(0.2) {
            let bootstrapped = who.id.get() <= self.plan.voters();
            let bootstrap = if who.incarnation == 1 && bootstrapped {
                self.plan.voters()
            } else {
                0
            };
            let least = applied.next().get().max(bootstrap.into());
            index = Index::new(self.rng.within(least..=appliable.get()));
        }
        // Some nodes keep more of their log than others.
        let every = self.plan.snapshot_every * (1 + u64::from(who.id.get() % 3));
        let Some((node, recorder)) = self.running(who) else {
            unreachable!("looked up above");
        };
        if let Some(lost) = node.committed_and_gone(index) {
            // Only a planted bug can do that.
            return Err(Violation {
                property: "commit within log",
                what: format!("{} has committed {lost}, which its log lacks", who.id),
            });
        }
        let done = node.apply(index, recorder);
        if every > 0 && node.take_snapshot(every) {
            // Meanwhile entries are added and applied behind it.
            let delay = self.rng.within(1..=100);
            self.after(delay, Event::Compact(who));
        }
        if let Place::Up { apply_due, .. } = &mut self.nodes[slot(who.id)] {
            *apply_due = false;
        }
        self.observe(who.id, done)
    }

    pub(super) fn compact(&mut self, who: Who) -> Result<(), Violation> {
        let Some((node, recorder)) = self.running(who) else {
            return Ok(());
        };
        let Some(done) = node.compact(recorder) else {
            return Ok(());
        };
        self.summary.compactions += 1;
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

    pub(super) fn deliver(&mut self, envelope: Envelope) -> Result<(), Violation> {
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
        self.summary.elections += u64::from(done.events.campaigned);
        self.summary.pre_elections += u64::from(done.events.asked);
        self.summary.snapshots_installed += u64::from(done.installed);
        let Place::Up { node, .. } = &mut self.nodes[slot(id)] else {
            unreachable!("a node that is down takes no step");
        };
        let raft = node.raft();
        self.checks.observe(raft, done.log.as_ref())?;
        self.checks
            .observe_configuration(raft, self.plan.voters())?;
        self.checks.observe_snapshot(raft)?;
        self.witness.replay(self.checks.committed(), &self.keys);
        self.summary.terms = self.summary.terms.max(raft.term().get());
        for envelope in done.leaving {
            self.send(envelope);
        }
        let Place::Up { node, sync_due, .. } = &mut self.nodes[slot(id)] else {
            unreachable!("a node that is down takes no step");
        };
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

    pub(super) fn plan_apply(&mut self, id: NodeId) {
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
}
