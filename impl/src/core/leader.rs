//! A leader's entries out and answers in (Raft section 5.3), and commitment
//! (5.3, 5.4.2).

use super::configuration::Configuration;
use super::flaw::Flaw;
use super::ids::{Index, NodeId, Position, ReadContext};
use super::message::{AppendAck, Body, Message};
use super::progress::Progress;
use super::raft::Raft;
use super::role::Role;

impl Raft {
    /// Sends a message of this term.
    pub(super) fn send(&mut self, to: NodeId, body: Body) {
        self.out.messages.push(Message {
            from: self.id,
            to,
            term: self.term,
            body,
        });
    }

    /// Sends `to` the entries that come next for it, unless an answer has to
    /// come first. Says whether anything was sent. Without entries an append
    /// goes out only if it `may_be_empty`: as a probe, or to tell of a commit.
    pub(super) fn send_append(&mut self, to: NodeId, may_be_empty: bool) -> bool {
        let Role::Leader(leader) = &mut self.role else {
            unreachable!("only a leader sends entries");
        };
        let Some(progress) = leader.progress.get_mut(&to) else {
            return false;
        };
        let removed = self.options.has(Flaw::CountsRemoved) && !self.configuration.has_member(to);
        if progress.is_waiting() || removed {
            return false;
        }
        let in_flight_max = self.options.appends_in_flight_max;
        let entries_max = if progress.is_full(in_flight_max) {
            0
        } else {
            self.options.append_entries_max
        };
        let index = progress.next().previous();
        if index < self.log.base().index {
            // The entries that come next are gone.
            let snapshot = self.log.snapshot().clone();
            progress.snapshot_sent(snapshot.last.index);
            self.send(to, Body::Snapshot(snapshot));
            return true;
        }
        let entries = self.log.after(index, entries_max).to_vec();
        if entries.is_empty() && !may_be_empty {
            return false;
        }
        let term = self.log.term_at(index).expect("next is within the log");
        progress.sent(entries.len(), self.commit, in_flight_max);
        let body = Body::Append {
            prev: Position { term, index },
            entries,
            commit: self.commit,
        };
        self.send(to, body);
        true
    }

    /// Sends an append to every other member that does not have to answer
    /// first.
    pub(super) fn broadcast_append(&mut self) {
        for to in self.others() {
            self.send_append(to, true);
        }
    }

    /// Sends a heartbeat to every other member, with no more commit than it is
    /// known to match, and asking to confirm all open reads.
    pub(super) fn broadcast_heartbeat(&mut self) {
        let Role::Leader(leader) = &mut self.role else {
            unreachable!("only a leader sends heartbeats");
        };
        let context = leader.reads.context();
        for (&to, progress) in &mut leader.progress {
            if self.options.has(Flaw::CountsRemoved) && !self.configuration.has_member(to) {
                continue;
            }
            let commit = progress.matched().min(self.commit);
            progress.heartbeat_sent(commit);
            self.out.messages.push(Message {
                from: self.id,
                to,
                term: self.term,
                body: Body::Heartbeat { commit, context },
            });
        }
    }

    /// A follower answers an append.
    pub(super) fn append_answered(&mut self, from: NodeId, ack: AppendAck) {
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let Some(progress) = leader.progress.get_mut(&from) else {
            return;
        };
        progress.answered();
        match ack {
            AppendAck::Accepted { index } => {
                if !progress.accepted(index) {
                    return;
                }
                let behind = progress.lacks_commit(self.commit);
                if self.advance_commit() {
                    self.tell_of_commit();
                } else if behind {
                    self.send_append(from, true);
                }
                while self.send_append(from, false) {}
                self.hand_over_if_ready(from);
            }
            AppendAck::Rejected { index, hint } => {
                // The follower's terms up to the hint are at most the hint's,
                // which rules out the leader's later ones in turn.
                let bound = self.log.agreement_bound(hint.index, hint.term);
                if progress.rejected(index, bound.index) {
                    self.send_append(from, true);
                }
            }
        }
    }

    /// A follower answers a heartbeat: it is there, and it follows.
    pub(super) fn heartbeat_answered(&mut self, from: NodeId, context: Option<ReadContext>) {
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let Some(progress) = leader.progress.get_mut(&from) else {
            return;
        };
        progress.answered();
        progress.heard_from();
        let behind = progress.matched() < self.log.last().index || progress.is_probing();
        if let Some(context) = context {
            leader.reads.acknowledge(from, context);
            for (asked, index) in leader.reads.release(self.id, &self.configuration) {
                self.release(asked, index);
            }
        }
        if behind {
            self.send_append(from, true);
        }
    }

    /// Commits what a quorum has, and lets everyone know.
    pub(super) fn commit_and_tell(&mut self) {
        if self.advance_commit() {
            self.tell_of_commit();
        }
    }

    pub(super) fn tell_of_commit(&mut self) {
        self.begin_postponed_reads();
        self.broadcast_append();
    }

    /// Raises the commit index to what a quorum has durably, if an entry of
    /// this term stands there. One of an earlier term is not committed by
    /// counting, but by a later entry of this term (5.4.2, figure 8).
    pub(super) fn advance_commit(&mut self) -> bool {
        let own = self.own_match();
        let Role::Leader(leader) = &self.role else {
            unreachable!("only a leader commits by counting");
        };
        let matched = |voter: NodeId| {
            if voter == self.id {
                own
            } else {
                let progress = leader.progress.get(&voter);
                progress.map_or(Index::ZERO, Progress::matched)
            }
        };
        let Some(reached) = self.reached(matched) else {
            return false;
        };
        let advances = reached > self.commit && self.log.term_at(reached) == Some(self.term);
        if advances {
            self.commit = reached;
        }
        advances
    }

    /// Up to where this log is on the disk. The stored log and this one agree
    /// up to the last stored position, if this one has that position at all.
    fn own_match(&self) -> Index {
        if self.log.contains(self.durable.last) {
            self.durable.last.index
        } else {
            Index::ZERO
        }
    }

    /// What a quorum has reached.
    fn reached(&self, matched: impl Fn(NodeId) -> Index) -> Option<Index> {
        if let (true, Role::Leader(leader)) = (self.options.has(Flaw::CountsRemoved), &self.role) {
            // With everyone it ever heard of counted, one removed makes up for
            // one who does not answer.
            let mut all: Vec<Index> = leader.progress.keys().map(|&node| matched(node)).collect();
            all.push(matched(self.id));
            all.sort_unstable();
            let majority = Configuration::majority(self.configuration.voters());
            return all.len().checked_sub(majority).map(|place| all[place]);
        }
        if self.options.has(Flaw::CountsLearners) {
            let mut all: Vec<Index> = self
                .configuration
                .members()
                .into_iter()
                .map(matched)
                .collect();
            all.sort_unstable();
            let majority = Configuration::majority(self.configuration.voters());
            return all.len().checked_sub(majority).map(|place| all[place]);
        }
        self.configuration.reached_by_quorum(matched)
    }

    pub(super) fn others(&self) -> Vec<NodeId> {
        let members = self.configuration.members().into_iter();
        members.filter(|&member| member != self.id).collect()
    }
}
