//! What an operator asks for in a run: other leaders, other configurations.

use crate::core::{Change, Configuration, NodeId, Transition};

use super::checks::Violation;
use super::simulation::Simulation;

impl Simulation {
    /// Perhaps tells the leader to hand over, perhaps to change the
    /// configuration.
    pub(super) fn orders(&mut self) -> Result<(), Violation> {
        let Some(leader) = self.leader() else {
            return Ok(());
        };
        if self.plan.transfers > 0.0 && self.rng.chance(self.plan.transfers) {
            self.order_transfer(leader)?;
        }
        if self.plan.changes > 0.0 && self.rng.chance(self.plan.changes) {
            self.order_change(leader)?;
        }
        Ok(())
    }

    fn order_transfer(&mut self, leader: NodeId) -> Result<(), Violation> {
        let Some((node, _)) = self.up(leader) else {
            return Ok(());
        };
        let mut others = node.raft().configuration().all_voters();
        others.retain(|&voter| voter != leader);
        let Some(&to) = self.rng.pick(&others) else {
            return Ok(());
        };
        let Some((node, recorder)) = self.up(leader) else {
            return Ok(());
        };
        match node.transfer(to, recorder) {
            Ok(done) => {
                self.summary.transfers += 1;
                self.observe(leader, done)
            }
            Err(_refused) => Ok(()),
        }
    }

    fn order_change(&mut self, leader: NodeId) -> Result<(), Violation> {
        let Some((node, _)) = self.up(leader) else {
            return Ok(());
        };
        let now = node.raft().configuration().clone();
        let Some(change) = self.any_change(&now) else {
            return Ok(());
        };
        let Some((node, recorder)) = self.up(leader) else {
            return Ok(());
        };
        match node.change(change, recorder) {
            Ok(done) => {
                self.summary.changes += 1;
                self.observe(leader, done)
            }
            // A change under way, or one that does not fit.
            Err(_refused) => Ok(()),
        }
    }

    /// A change that may or may not fit the configuration `now`.
    fn any_change(&mut self, now: &Configuration) -> Option<Change> {
        if now.is_joint() {
            return (!now.auto_leave()).then(Change::leave);
        }
        let count = if self.plan.joint && self.rng.chance(0.5) {
            self.rng.within(1..=3)
        } else {
            1
        };
        let (mut voters, mut learners, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        let ids = self.ids();
        for _ in 0..count {
            let &id = self.rng.pick(&ids)?;
            let named = [&voters, &learners, &removed];
            if named.into_iter().any(|list| list.contains(&id)) {
                continue;
            }
            let learns = self.plan.learners && self.rng.chance(0.4);
            if learns && !now.learners().contains(&id) {
                learners.push(id);
            } else if !now.contains(id) {
                voters.push(id);
            } else {
                removed.push(id);
            }
        }
        if count == 1 || self.rng.chance(0.7) {
            return Change::auto(voters, learners, removed);
        }
        let auto_leave = self.rng.chance(0.5);
        Change::new(voters, learners, removed, Transition::Joint { auto_leave })
    }
}
