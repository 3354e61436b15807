//! Leaders and followers that keep an eye on each other (thesis sections 6.2
//! and 4.2.3; etcd's CheckQuorum), and the leader's other timers.

use super::message::Body;
use super::raft::Raft;
use super::role::Role;

impl Raft {
    pub(super) fn leader_tick(&mut self) {
        let Role::Leader(leader) = &mut self.role else {
            unreachable!("a leader's timers");
        };
        let timeout_ticks = self.options.election_timeout_ticks;
        leader.heartbeat_elapsed_ticks += 1;
        leader.check_elapsed_ticks += 1;
        for progress in leader.progress.values_mut() {
            progress.tick(timeout_ticks);
        }
        let beat = leader.heartbeat_elapsed_ticks >= self.options.heartbeat_interval_ticks;
        if beat {
            leader.heartbeat_elapsed_ticks = 0;
        }
        if leader.check_elapsed_ticks >= timeout_ticks {
            leader.check_elapsed_ticks = 0;
            // Whoever was to lead next has had the time.
            self.out.events.kept_leadership = leader.transfer.take().is_some();
            if self.options.check_quorum {
                self.check_quorum();
            }
        }
        if beat && matches!(self.role, Role::Leader(_)) {
            self.broadcast_heartbeat();
        }
    }

    /// A leader that has not heard a majority since it last looked steps down:
    /// those it does not hear may have another one.
    fn check_quorum(&mut self) {
        self.out.events.checked_quorum = true;
        let Role::Leader(leader) = &mut self.role else {
            unreachable!("only a leader asks who answers");
        };
        let mut active = vec![self.id];
        for (&node, progress) in &mut leader.progress {
            if progress.take_active() {
                active.push(node);
            }
        }
        if !self.configuration.has_quorum(|node| active.contains(&node)) {
            self.become_follower(self.term, None);
        }
    }

    /// Whether this server takes no notice of a message of a later term:
    /// somebody stands for election while there is a leader, and it was not the
    /// leader who asked for it.
    pub(super) fn disregards(&self, body: &Body) -> bool {
        let stands = matches!(
            body,
            Body::RequestVote { forced: false, .. } | Body::RequestPreVote { .. }
        );
        self.options.check_quorum && stands && self.hears_leader()
    }

    /// Whether it has heard the leader of its term within an election timeout.
    fn hears_leader(&self) -> bool {
        match &self.role {
            Role::Leader(_) => true,
            Role::Follower(follower) => {
                let recent = follower.silent_ticks < self.options.election_timeout_ticks;
                follower.leader.is_some() && recent
            }
            Role::PreCandidate(_) | Role::Candidate(_) => false,
        }
    }
}
