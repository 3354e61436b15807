//! What servers do of their own accord, action by action as in `raft.tla`.

use super::expansion::{Expansion, Server};
use super::head::Head;
use super::message::kind;
use super::readable::role;
use super::step::{Action, Notes, Raw};
use crate::engine::space::Sink;

impl<N: Notes, S: Sink> Expansion<'_, N, S> {
    /// Hands every successor to the sink.
    pub(super) fn next(&mut self) {
        for i in 0..self.layout.servers {
            self.server_steps(i);
        }
        let mut slot = 0;
        while slot < self.bag.held() {
            self.receive(slot);
            self.duplicate_message(slot);
            self.drop_message(slot);
            slot = self.bag.after(slot);
        }
    }

    fn server_steps(&mut self, i: usize) {
        let s = self.servers[i];
        self.restart(&s);
        if s.role != role::LEADER {
            self.timeout(&s);
        }
        if s.role == role::CANDIDATE {
            self.request_vote(&s);
            self.become_leader(&s);
        }
        if s.role == role::LEADER {
            self.client_request(&s);
            self.advance_commit_index(&s);
            self.append_entries(&s);
        }
    }

    /// `Restart(i)`: of a server's variables only `currentTerm`, `votedFor`
    /// and `log` survive.
    fn restart(&mut self, s: &Server) {
        self.notes.note(Action::Restart, Raw::Server(s.i));
        let c = self.fields();
        let mut core = c.role.set(s.head.core, role::FOLLOWER);
        core = c.responded.set(core, 0);
        core = c.granted.set(core, 0);
        core = c.commit.set(core, 0);
        self.emit_head(
            s,
            &Head {
                core,
                next: 0,
                matched: 0,
            },
        );
    }

    /// `Timeout(i)`
    fn timeout(&mut self, s: &Server) {
        self.notes.note(Action::Timeout, Raw::Server(s.i));
        if s.term == self.max_term {
            return self.sink.beyond();
        }
        let c = self.fields();
        let mut core = c.term.set(s.head.core, s.term + 1);
        core = c.role.set(core, role::CANDIDATE);
        core = c.vote.set(core, 0);
        core = c.responded.set(core, 0);
        core = c.granted.set(core, 0);
        self.emit_core(s, core);
    }

    /// `RequestVote(i, j)`, to itself too.
    fn request_vote(&mut self, s: &Server) {
        let responded = self.layout.core.responded.get(s.head.core);
        for j in 0..self.layout.servers {
            if responded >> j & 1 == 1 {
                continue;
            }
            self.notes.note(Action::RequestVote, Raw::Pair(s.i, j));
            if self.bag.full() {
                self.sink.beyond();
                continue;
            }
            let coding = &self.layout.message;
            self.send(
                coding.frame(kind::VOTE_REQUEST, s.term, s.i, j)
                    | coding.extra.of(self.last_term(s))
                    | coding.index.of(s.len),
            );
        }
    }

    /// `BecomeLeader(i)`
    fn become_leader(&mut self, s: &Server) {
        let c = self.fields();
        if !self.quorum(c.granted.get(s.head.core)) {
            return;
        }
        self.notes.note(Action::BecomeLeader, Raw::Server(s.i));
        // nextIndex is one more than the log's length, and is kept less one.
        let next = (0..self.layout.servers).fold(0, |next, j| next | self.layout.peer(j).of(s.len));
        let core = c.role.set(s.head.core, role::LEADER);
        self.emit_head(
            s,
            &Head {
                core,
                next,
                matched: 0,
            },
        );
    }

    /// `ClientRequest(i, v)`
    fn client_request(&mut self, s: &Server) {
        for value in 0..self.values {
            self.notes
                .note(Action::ClientRequest, Raw::Value(s.i, value));
            if s.len == self.max_log {
                self.sink.beyond();
                continue;
            }
            let entry = self.layout.entry;
            let entry = entry.term.of(s.term) | entry.value.of(value);
            self.emit_log(s, s.len + 1, s.len + 1, entry);
        }
    }

    /// `AdvanceCommitIndex(i)`: the highest index that a quorum agrees on, if
    /// its entry is of the leader's term. Otherwise it is a step that changes
    /// nothing.
    fn advance_commit_index(&mut self, s: &Server) {
        self.notes
            .note(Action::AdvanceCommitIndex, Raw::Server(s.i));
        let c = self.fields();
        let matched = s.head.matched;
        let agreed = (1..=s.len).rev().find(|&index| {
            let agree = (0..self.layout.servers).fold(1 << s.i, |agree, k| {
                agree | u64::from(self.layout.peer(k).get(matched) >= index) << k
            });
            self.quorum(agree)
        });
        let core = match agreed {
            Some(index) if self.entry_term(s, index) == s.term => c.commit.set(s.head.core, index),
            _ => s.head.core,
        };
        self.emit_core(s, core);
    }

    /// `AppendEntries(i, j)`: up to one entry.
    fn append_entries(&mut self, s: &Server) {
        let commit = self.layout.core.commit.get(s.head.core);
        for j in 0..self.layout.servers {
            if j == s.i {
                continue;
            }
            self.notes.note(Action::AppendEntries, Raw::Pair(s.i, j));
            if self.bag.full() {
                self.sink.beyond();
                continue;
            }
            let prev = self.layout.peer(j).get(s.head.next);
            let last = s.len.min(prev + 1);
            let entry = if last > prev {
                self.layout.entry_at(last).get(self.state, s.base)
            } else {
                0
            };
            let coding = &self.layout.message;
            self.send(
                coding.frame(kind::APPEND_REQUEST, s.term, s.i, j)
                    | coding.index.of(prev)
                    | coding.extra.of(self.entry_term(s, prev))
                    | coding.entry.of(entry)
                    | coding.commit.of(commit.min(last)),
            );
        }
    }

    /// `DuplicateMessage(m)`
    fn duplicate_message(&mut self, slot: usize) {
        let message = self.bag.message(slot);
        self.notes
            .note(Action::DuplicateMessage, Raw::Message(message));
        self.send(message);
    }

    /// `DropMessage(m)`
    fn drop_message(&mut self, slot: usize) {
        self.notes
            .note(Action::DropMessage, Raw::Message(self.bag.message(slot)));
        self.emit_bag(&self.bag.discard(slot));
    }
}
