//! A leader's messages at the other servers (Raft section 5.3; figure 2,
//! AppendEntries, receiver implementation).

use super::entry::Entry;
use super::ids::{Index, NodeId, Position, ReadContext};
use super::message::{AppendAck, Body};
use super::raft::Raft;
use super::role::Role;

impl Raft {
    /// `leader` has won this server's term, so a candidate yields (5.2).
    pub(super) fn follow(&mut self, leader: NodeId) {
        match &mut self.role {
            Role::Follower(follower) => {
                follower.leader = Some(leader);
                follower.silent_ticks = 0;
                self.timer.rewind();
            }
            Role::PreCandidate(_) | Role::Candidate(_) => {
                self.become_follower(self.term, Some(leader))
            }
            Role::Leader(_) => unreachable!("refused as a second leader"),
        }
    }

    pub(super) fn append_received(
        &mut self,
        leader: NodeId,
        prev: Position,
        entries: &[Entry],
        commit: Index,
    ) {
        // Below the commit index the logs agree in any case: tell the leader
        // how far, rather than look.
        if prev.index < self.commit {
            let index = self.commit;
            return self.send(leader, Body::AppendAck(AppendAck::Accepted { index }));
        }
        if !self.log.contains(prev) {
            // The consistency check fails. The hint is the last place where
            // the leader's log, whose terms up to `prev` are at most its
            // term, can agree with this one.
            let index = prev.index.min(self.log.last().index);
            let hint = self.log.agreement_bound(index, prev.term);
            let index = prev.index;
            return self.send(leader, Body::AppendAck(AppendAck::Rejected { index, hint }));
        }
        self.out.log = self.log.splice(prev, entries);
        // What lies beyond the entries was not compared, so it is neither
        // acknowledged nor committed.
        let index = prev.index.plus(entries.len());
        self.commit = self.commit.max(commit.min(index));
        self.send(leader, Body::AppendAck(AppendAck::Accepted { index }));
    }

    /// The leader has sent no more commit than it knows to match here, so
    /// there is nothing to compare.
    pub(super) fn heartbeat_received(
        &mut self,
        leader: NodeId,
        commit: Index,
        context: Option<ReadContext>,
    ) {
        self.commit = self.commit.max(commit);
        self.send(leader, Body::HeartbeatAck { context });
    }
}
