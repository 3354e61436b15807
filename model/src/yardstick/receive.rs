//! What servers do with messages: `Receive(m)` of `raft.tla`.
//!
//! Of its disjuncts at most one is enabled, as their guards say: `UpdateTerm`
//! for a newer term, `DropStaleResponse` for a response of an older one, the
//! handlers for the rest. None is for an `AppendEntriesRequest` that reaches
//! a leader of the same term.

use super::expansion::{Expansion, Server};
use super::head::Head;
use super::message::kind;
use super::readable::role;
use super::step::{Action, Notes, Raw};
use crate::engine::space::Sink;

/// A message on its way into a handler.
#[derive(Clone, Copy)]
struct Received {
    slot: usize,
    message: u64,
    source: usize,
    term: u64,
}

impl<N: Notes, S: Sink> Expansion<'_, N, S> {
    /// `Receive(m)`
    pub(super) fn receive(&mut self, slot: usize) {
        let coding = &self.layout.message;
        let message = self.bag.message(slot);
        let s = self.servers[coding.dest.get(message) as usize];
        let m = Received {
            slot,
            message,
            source: coding.source.get(message) as usize,
            term: coding.term.get(message),
        };
        if m.term > s.term {
            return self.update_term(&s, &m);
        }
        match coding.kind.get(message) {
            kind::VOTE_REQUEST => self.handle_request_vote_request(&s, &m),
            kind::APPEND_REQUEST => self.handle_append_entries_request(&s, &m),
            _ if m.term < s.term => self.drop_stale_response(&m),
            kind::VOTE_RESPONSE => self.handle_request_vote_response(&s, &m),
            _ => self.handle_append_entries_response(&s, &m),
        }
    }

    fn fired(&mut self, action: Action, m: &Received) {
        self.notes.note(action, Raw::Message(m.message));
    }

    /// `UpdateTerm(i, j, m)`; the message stays in the bag.
    fn update_term(&mut self, s: &Server, m: &Received) {
        self.fired(Action::UpdateTerm, m);
        let c = self.fields();
        let mut core = c.term.set(s.head.core, m.term);
        core = c.role.set(core, role::FOLLOWER);
        core = c.vote.set(core, 0);
        self.emit_core(s, core);
    }

    /// `DropStaleResponse(i, j, m)`
    fn drop_stale_response(&mut self, m: &Received) {
        self.fired(Action::DropStaleResponse, m);
        self.emit_bag(&self.bag.discard(m.slot));
    }

    /// `HandleRequestVoteRequest(i, j, m)`
    fn handle_request_vote_request(&mut self, s: &Server, m: &Received) {
        let coding = &self.layout.message;
        let c = self.fields();
        let vote = c.vote.get(s.head.core);
        let candidate = m.source as u64 + 1;
        let theirs = (coding.extra.get(m.message), coding.index.get(m.message));
        let log_ok = theirs >= (self.last_term(s), s.len);
        let grant = m.term == s.term && log_ok && (vote == 0 || vote == candidate);
        let response = coding.frame(kind::VOTE_RESPONSE, s.term, s.i, m.source)
            | coding.extra.of(u64::from(grant));
        if grant {
            self.fired(Action::GrantVote, m);
            self.reply(s, c.vote.set(s.head.core, candidate), response, m);
        } else {
            self.fired(Action::RefuseVote, m);
            self.reply(s, s.head.core, response, m);
        }
    }

    /// `HandleRequestVoteResponse(i, j, m)`, whatever the server is by now.
    fn handle_request_vote_response(&mut self, s: &Server, m: &Received) {
        let c = self.fields();
        let granted = self.layout.message.extra.get(m.message);
        self.fired(
            if granted == 1 {
                Action::VoteGranted
            } else {
                Action::VoteRefused
            },
            m,
        );
        let core = s.head.core | c.responded.of(1 << m.source) | c.granted.of(granted << m.source);
        self.discard(s, &Head { core, ..s.head }, m);
    }

    /// `HandleAppendEntriesRequest(i, j, m)`: its branches exclude each other.
    fn handle_append_entries_request(&mut self, s: &Server, m: &Received) {
        if m.term < s.term {
            return self.reject(s, m);
        }
        match s.role {
            role::CANDIDATE => {
                self.fired(Action::ReturnToFollower, m);
                self.emit_core(s, self.layout.core.role.set(s.head.core, role::FOLLOWER));
            }
            role::FOLLOWER => {
                let coding = &self.layout.message;
                let prev = coding.index.get(m.message);
                let prev_term = coding.extra.get(m.message);
                let log_ok = prev == 0 || prev <= s.len && prev_term == self.entry_term(s, prev);
                if log_ok {
                    self.accept(s, m, prev);
                } else {
                    self.reject(s, m);
                }
            }
            _ => {}
        }
    }

    fn reject(&mut self, s: &Server, m: &Received) {
        self.fired(Action::RejectAppend, m);
        let coding = &self.layout.message;
        let response = coding.frame(kind::APPEND_RESPONSE, s.term, s.i, m.source);
        self.reply(s, s.head.core, response, m);
    }

    /// The branch "accept request", where the log agrees up to `prev`. Only a
    /// request that finds nothing left to do is answered.
    fn accept(&mut self, s: &Server, m: &Received, prev: u64) {
        let coding = &self.layout.message;
        let entry = coding.entry.get(m.message);
        let index = prev + 1;
        let term = self.layout.entry.term.get(entry);
        if entry == 0 || s.len >= index && self.entry_term(s, index) == term {
            self.fired(Action::AlreadyDone, m);
            let response = coding.frame(kind::APPEND_RESPONSE, s.term, s.i, m.source)
                | coding.extra.of(1)
                | coding.index.of(prev + u64::from(entry != 0));
            let commit = coding.commit.get(m.message);
            self.reply(
                s,
                self.layout.core.commit.set(s.head.core, commit),
                response,
                m,
            );
        } else if s.len >= index {
            self.fired(Action::Conflict, m);
            let last = self.layout.entry_at(s.len).get(self.state, s.base);
            self.emit_log(s, s.len - 1, s.len, last);
        } else {
            self.fired(Action::NoConflict, m);
            self.emit_log(s, index, index, entry);
        }
    }

    /// `HandleAppendEntriesResponse(i, j, m)`
    fn handle_append_entries_response(&mut self, s: &Server, m: &Received) {
        let layout = self.layout;
        let peer = layout.peer(m.source);
        let mut head = s.head;
        if layout.message.extra.get(m.message) == 1 {
            self.fired(Action::AppendSucceeded, m);
            let index = layout.message.index.get(m.message);
            head.next = peer.set(head.next, index);
            head.matched = peer.set(head.matched, index);
        } else {
            self.fired(Action::AppendFailed, m);
            let next = peer.get(head.next).saturating_sub(1);
            head.next = peer.set(head.next, next);
        }
        self.discard(s, &head, m);
    }

    /// The successor where the server's head is `head` and the message is
    /// gone.
    fn discard(&mut self, s: &Server, head: &Head, m: &Received) {
        self.write_head(s, head);
        self.emit_bag(&self.bag.discard(m.slot));
        self.restore_head(s, head);
    }

    /// The successor where the server's core is `core` and `response` has
    /// taken the message's place, if it is in bounds.
    fn reply(&mut self, s: &Server, core: u64, response: u64, m: &Received) {
        match self.bag.reply(response, m.slot) {
            Some(edit) => {
                let head = Head { core, ..s.head };
                self.write_head(s, &head);
                self.emit_bag(&edit);
                self.restore_head(s, &head);
            }
            None => self.sink.beyond(),
        }
    }
}
