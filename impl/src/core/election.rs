//! Elections (Raft section 5.2), who may win them (5.4.1), and asking first
//! (thesis section 9.6).

use super::entry::Entry;
use super::flaw::Flaw;
use super::ids::{NodeId, Position, Term};
use super::io::Refused;
use super::message::{Body, Message};
use super::raft::Raft;
use super::role::{Candidate, Leader, Role, Tally};

impl Raft {
    /// The time without a leader is over: starts an election, or asks first
    /// whether it would be won.
    pub(super) fn campaign(&mut self) -> Result<(), Refused> {
        self.may_campaign()?;
        if self.options.pre_vote {
            self.ask_first();
        } else {
            self.start_election(false);
        }
        Ok(())
    }

    pub(super) fn may_campaign(&self) -> Result<(), Refused> {
        if matches!(self.role, Role::Leader(_)) {
            return Err(Refused::AlreadyLeader);
        }
        if !self.configuration.contains(self.id) {
            return Err(Refused::NotAVoter);
        }
        if self.log.changes_configuration(self.applied, self.commit) {
            return Err(Refused::UnappliedConfiguration);
        }
        Ok(())
    }

    /// Asks who would vote for this server in the next term. Neither term nor
    /// vote change, so nothing has to be durable.
    fn ask_first(&mut self) {
        self.out.events.asked = true;
        let mut candidate = Candidate::default();
        candidate.record(self.id, true);
        self.role = Role::PreCandidate(candidate);
        self.timer.restart();
        let last = self.log.last();
        self.ask_voters(self.term.next(), &Body::RequestPreVote { last });
        self.conclude_election();
    }

    /// Starts an election in the next term.
    ///
    /// The server votes for itself, but its own vote counts only once it is
    /// durable: a crash could otherwise let it vote again in this term.
    pub(super) fn start_election(&mut self, forced: bool) {
        self.become_follower(self.term.next(), None);
        self.out.events.campaigned = true;
        self.vote = Some(self.id);
        self.role = Role::Candidate(Candidate::default());
        let last = self.log.last();
        self.ask_voters(self.term, &Body::RequestVote { last, forced });
    }

    fn ask_voters(&mut self, term: Term, question: &Body) {
        for to in self.configuration.all_voters() {
            if to != self.id {
                self.out.messages.push(Message {
                    from: self.id,
                    to,
                    term,
                    body: question.clone(),
                });
            }
        }
    }

    /// A candidate of this server's term asks for its vote.
    pub(super) fn vote_requested(&mut self, candidate: NodeId, last: Position) {
        // The candidate's log must not be behind (5.4.1).
        let granted = self.vote_is_free(candidate) && last >= self.log.last();
        if granted {
            self.vote = Some(candidate);
            self.timer.rewind();
        }
        self.send(candidate, Body::Vote { granted });
    }

    /// One vote a term, to the first who asks (5.2); a repeated request is
    /// answered alike. Who knows a leader gives no vote, as in etcd.
    fn vote_is_free(&self, candidate: NodeId) -> bool {
        let free = self.vote.is_none() && self.leader().is_none();
        free || self.vote == Some(candidate)
    }

    /// Somebody asks whether it would get a vote in `term`. A yes is of that
    /// term, since the other has no other to know it by; a no is of this
    /// server's, which the other may have to learn.
    pub(super) fn pre_vote_requested(&mut self, other: NodeId, term: Term, last: Position) {
        let free = term > self.term || self.vote_is_free(other);
        let behind = last < self.log.last() && !self.options.has(Flaw::PreVoteIgnoresLog);
        let granted = free && !behind;
        self.out.messages.push(Message {
            from: self.id,
            to: other,
            term: if granted { term } else { self.term },
            body: Body::PreVote { granted },
        });
    }

    /// A voter says whether it would vote for this server.
    pub(super) fn pre_vote_received(&mut self, voter: NodeId, granted: bool) {
        if let Role::PreCandidate(candidate) = &mut self.role {
            candidate.record(voter, granted);
            self.conclude_election();
        }
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
        let (candidate, asks_first) = match &self.role {
            Role::PreCandidate(candidate) => (candidate, true),
            Role::Candidate(candidate) => (candidate, false),
            Role::Follower(_) | Role::Leader(_) => unreachable!("counts no votes"),
        };
        match candidate.tally(&self.configuration) {
            Tally::Won if asks_first => self.start_election(false),
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
