//! Leadership is handed over (thesis section 3.10).

use super::ids::NodeId;
use super::io::Refused;
use super::message::Body;
use super::raft::Raft;
use super::role::Role;

impl Raft {
    /// The leader is told to hand over to `to`. It takes no more commands,
    /// brings that server's log up to date, and tells it to start an election.
    /// An earlier transfer gives way.
    pub(super) fn transfer(&mut self, to: NodeId) -> Result<(), Refused> {
        self.require_leader()?;
        if to == self.id || !self.configuration.contains(to) {
            return Err(Refused::NotAPeer { to });
        }
        if let Role::Leader(leader) = &mut self.role {
            leader.transfer = Some(to);
            // It has an election timeout from now on.
            leader.check_elapsed_ticks = 0;
        }
        if !self.hand_over_if_ready(to) {
            self.send_append(to, true);
        }
        Ok(())
    }

    /// Tells the next leader, once it has the whole log; says whether.
    pub(super) fn hand_over_if_ready(&mut self, to: NodeId) -> bool {
        let Role::Leader(leader) = &self.role else {
            return false;
        };
        let matched = leader.progress.get(&to).map(|progress| progress.matched());
        let ready = leader.transfer == Some(to) && matched == Some(self.log.last().index);
        if ready {
            self.send(to, Body::TimeoutNow);
        }
        ready
    }

    /// The leader asks for an election. Whoever asks or stands already goes on.
    pub(super) fn timeout_now(&mut self) {
        if matches!(self.role, Role::Follower(_)) && self.may_campaign().is_ok() {
            self.start_election(true);
        }
    }
}
