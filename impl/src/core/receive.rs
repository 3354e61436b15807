//! A message arrives: first its term (Raft section 5.1), then what it says.

use super::ids::{Index, NodeId, Term};
use super::io::Refused;
use super::message::{AppendAck, Body, Message};
use super::raft::Raft;

impl Raft {
    pub(super) fn receive(&mut self, message: Message) -> Result<(), Refused> {
        self.vet(&message)?;
        let Message {
            from, term, body, ..
        } = message;
        // A question of a client is of no term.
        if let Body::ReadRequest { op } = body {
            self.read_requested(from, op);
            return Ok(());
        }
        if term < self.term {
            self.answer_late(from, &body);
            return Ok(());
        }
        if term > self.term {
            if self.disregards(&body) {
                return Ok(());
            }
            self.enter(term, from, &body);
        }
        match body {
            Body::RequestVote { last, .. } => self.vote_requested(from, last),
            Body::RequestPreVote { last } => self.pre_vote_requested(from, term, last),
            Body::Vote { granted } => self.vote_received(from, granted),
            Body::PreVote { granted } => self.pre_vote_received(from, granted),
            Body::Append {
                prev,
                entries,
                commit,
            } => {
                self.follow(from);
                self.append_received(from, prev, &entries, commit);
            }
            Body::Heartbeat { commit, context } => {
                self.follow(from);
                self.heartbeat_received(from, commit, context);
            }
            Body::Snapshot(snapshot) => {
                self.follow(from);
                self.snapshot_received(from, snapshot);
            }
            Body::AppendAck(ack) => self.append_answered(from, ack),
            Body::HeartbeatAck { context } => self.heartbeat_answered(from, context),
            Body::TimeoutNow => self.timeout_now(),
            Body::ReadIndex(read) => self.read_index_received(read),
            Body::ReadRequest { .. } => unreachable!("answered above"),
        }
        Ok(())
    }

    /// A higher term makes a follower (Raft figure 2, all servers), but not one
    /// that nobody has entered yet: that of who asks first, and of who would
    /// vote for it.
    fn enter(&mut self, term: Term, from: NodeId, body: &Body) {
        let hypothetical = matches!(
            body,
            Body::RequestPreVote { .. } | Body::PreVote { granted: true }
        );
        if !hypothetical {
            let leader = body.is_from_leader().then_some(from);
            self.become_follower(term, leader);
        }
    }

    /// A message of an older term is ignored, but where its sender might never
    /// learn of the newer one otherwise: a leader that nobody deposes, because
    /// candidates are disregarded or ask first, and who asks first.
    fn answer_late(&mut self, from: NodeId, body: &Body) {
        let deposable = !self.options.check_quorum && !self.options.pre_vote;
        match body {
            Body::Append { .. } | Body::Heartbeat { .. } if !deposable => {
                let index = Index::ZERO;
                self.send(from, Body::AppendAck(AppendAck::Accepted { index }));
            }
            Body::RequestPreVote { .. } => self.send(from, Body::PreVote { granted: false }),
            _ => {}
        }
    }
}
