//! Elections (Raft section 5.2) and who may win them (5.4.1).

use super::entry::Entry;
use super::ids::{NodeId, Position};
use super::io::Refused;
use super::message::{Body, Message};
use super::raft::Raft;
use super::role::{Candidate, Leader, Role, Tally};

impl Raft {
    /// Starts an election in the next term.
    ///
    /// The server votes for itself, but its own vote counts only once it is
    /// durable: a crash could otherwise let it vote again in this term.
    pub(super) fn campaign(&mut self) -> Result<(), Refused> {
        if matches!(self.role, Role::Leader(_)) {
            return Err(Refused::AlreadyLeader);
        }
        if !self.configuration.contains(self.id) {
            return Err(Refused::NotAVoter);
        }
        if self.log.changes_configuration(self.applied, self.commit) {
            return Err(Refused::UnappliedConfiguration);
        }
        self.term = self.term.next();
        self.vote = Some(self.id);
        self.role = Role::Candidate(Candidate::default());
        self.timer.restart();
        let last = self.log.last();
        for &to in self.configuration.voters() {
            if to != self.id {
                self.out.messages.push(Message {
                    from: self.id,
                    to,
                    term: self.term,
                    body: Body::RequestVote { last },
                });
            }
        }
        Ok(())
    }

    /// A candidate of this server's term asks for its vote.
    pub(super) fn vote_requested(&mut self, candidate: NodeId, last: Position) {
        // One vote a term, to the first who asks (5.2); a repeated request is
        // answered alike. Who knows a leader gives no vote, as in etcd.
        let free = self.vote.is_none() && self.leader().is_none();
        let again = self.vote == Some(candidate);
        // The candidate's log must not be behind (5.4.1).
        let granted = (free || again) && last >= self.log.last();
        if granted {
            self.vote = Some(candidate);
            self.timer.rewind();
        }
        self.send(candidate, Body::Vote { granted });
    }

    /// A voter answers.
    pub(super) fn vote_received(&mut self, voter: NodeId, granted: bool) {
        if let Role::Candidate(candidate) = &mut self.role {
            candidate.record(voter, granted);
            self.conclude_election();
        }
    }

    /// Ends the election as soon as the votes decide it.
    pub(super) fn conclude_election(&mut self) {
        let Role::Candidate(candidate) = &self.role else {
            unreachable!("only a candidate counts votes");
        };
        match candidate.tally(&self.configuration) {
            Tally::Won => self.become_leader(),
            // It keeps its term and its vote, and waits for the winner.
            Tally::Lost => self.become_follower(self.term, None),
            Tally::Open => {}
        }
    }

    /// Takes up the leadership of this term: an empty entry, to everyone.
    ///
    /// Nothing of earlier terms is committed before an entry of this one is
    /// (5.4.2), and the leader does not know what is committed before then
    /// (section 8); so there is an entry at once.
    fn become_leader(&mut self) {
        assert!(matches!(self.role, Role::Candidate(_)), "leader unelected");
        assert_eq!(self.vote, Some(self.id), "leader without its own vote");
        let last = self.log.last().index;
        let leader = Leader::new(self.id, &self.configuration, last);
        self.role = Role::Leader(Box::new(leader));
        self.timer.restart();
        self.out.log = Some(self.log.push(Entry::noop(self.term)));
        self.broadcast_append();
    }
}
