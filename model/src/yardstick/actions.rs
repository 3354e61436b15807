//! What servers do of their own accord, action by action as in `raft.tla`.
//!
//! A successor is made in place: the bits that differ are flipped in the
//! parent's bytes, the sink takes them, and they are flipped back. Whether a
//! successor is in bounds is known before.

use super::bag::{Bag, Edit};
use super::layout::{Core, Layout};
use super::message::kind;
use super::readable::role;
use super::step::{Action, Notes, Raw};
use crate::engine::space::Sink;

/// The expansion of one state.
pub(super) struct Expansion<'a, N, S> {
    pub(super) layout: &'a Layout,
    pub(super) max_term: u64,
    pub(super) max_log: u64,
    pub(super) values: u64,
    /// The state, and room to read past it.
    pub(super) state: &'a mut [u8],
    /// Its messages.
    pub(super) bag: &'a Bag,
    pub(super) notes: &'a mut N,
    pub(super) sink: &'a mut S,
}

/// A server of the state, as far as it is read at once.
#[derive(Clone, Copy)]
pub(super) struct Server {
    pub(super) i: usize,
    pub(super) base: usize,
    pub(super) core: u64,
    pub(super) term: u64,
    pub(super) role: u64,
    pub(super) len: u64,
}

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
        let s = self.server(i);
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
        let mut core = c.role.set(s.core, role::FOLLOWER);
        core = c.responded.set(core, 0);
        core = c.granted.set(core, 0);
        core = c.commit.set(core, 0);
        self.emit_leader(s, core, 0, 0);
    }

    /// `Timeout(i)`
    fn timeout(&mut self, s: &Server) {
        self.notes.note(Action::Timeout, Raw::Server(s.i));
        if s.term == self.max_term {
            return self.sink.beyond();
        }
        let c = self.fields();
        let mut core = c.term.set(s.core, s.term + 1);
        core = c.role.set(core, role::CANDIDATE);
        core = c.vote.set(core, 0);
        core = c.responded.set(core, 0);
        core = c.granted.set(core, 0);
        self.emit_core(s, core);
    }

    /// `RequestVote(i, j)`, to itself too.
    fn request_vote(&mut self, s: &Server) {
        let responded = self.layout.core.responded.get(s.core);
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
        if !self.quorum(c.granted.get(s.core)) {
            return;
        }
        self.notes.note(Action::BecomeLeader, Raw::Server(s.i));
        // nextIndex is one more than the log's length, and is kept less one.
        let next = (0..self.layout.servers).fold(0, |next, j| next | self.layout.peer(j).of(s.len));
        self.emit_leader(s, c.role.set(s.core, role::LEADER), next, 0);
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
        let matched = self.layout.matched.get(self.state, s.base);
        let agreed = (1..=s.len).rev().find(|&index| {
            let agree = (0..self.layout.servers).fold(1 << s.i, |agree, k| {
                agree | u64::from(self.layout.peer(k).get(matched) >= index) << k
            });
            self.quorum(agree)
        });
        let core = match agreed {
            Some(index) if self.entry_term(s, index) == s.term => c.commit.set(s.core, index),
            _ => s.core,
        };
        self.emit_core(s, core);
    }

    /// `AppendEntries(i, j)`: up to one entry.
    fn append_entries(&mut self, s: &Server) {
        let next = self.layout.next.get(self.state, s.base);
        let commit = self.layout.core.commit.get(s.core);
        for j in 0..self.layout.servers {
            if j == s.i {
                continue;
            }
            self.notes.note(Action::AppendEntries, Raw::Pair(s.i, j));
            if self.bag.full() {
                self.sink.beyond();
                continue;
            }
            let prev = self.layout.peer(j).get(next);
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

/// What actions are made of.
impl<N: Notes, S: Sink> Expansion<'_, N, S> {
    pub(super) fn fields(&self) -> Core {
        self.layout.core
    }

    #[inline(always)]
    pub(super) fn server(&self, i: usize) -> Server {
        let base = self.layout.base(i);
        let core = self.layout.core_span.get(self.state, base);
        let c = &self.layout.core;
        Server {
            i,
            base,
            core,
            term: c.term.get(core),
            role: c.role.get(core),
            len: c.len.get(core),
        }
    }

    /// The term of the entry at `index`; 0 for index 0.
    #[inline(always)]
    pub(super) fn entry_term(&self, s: &Server, index: u64) -> u64 {
        if index == 0 {
            return 0;
        }
        let entry = self.layout.entry_at(index).get(self.state, s.base);
        self.layout.entry.term.get(entry)
    }

    /// `LastTerm`
    #[inline(always)]
    pub(super) fn last_term(&self, s: &Server) -> u64 {
        self.entry_term(s, s.len)
    }

    fn quorum(&self, servers: u64) -> bool {
        servers.count_ones() as usize * 2 > self.layout.servers
    }

    fn hand(&mut self) {
        self.sink.state(&self.state[..self.layout.len], 1, 0);
    }

    #[inline(always)]
    pub(super) fn flip_core(&mut self, s: &Server, core: u64) {
        self.layout
            .core_span
            .flip(self.state, s.base, s.core ^ core);
    }

    /// The successor where the server's core is `core`.
    pub(super) fn emit_core(&mut self, s: &Server, core: u64) {
        self.flip_core(s, core);
        self.hand();
        self.flip_core(s, core);
    }

    /// The successor where core, `nextIndex` (less one) and `matchIndex` are
    /// these.
    pub(super) fn emit_leader(&mut self, s: &Server, core: u64, next: u64, matched: u64) {
        let layout = self.layout;
        let next = next ^ layout.next.get(self.state, s.base);
        let matched = matched ^ layout.matched.get(self.state, s.base);
        layout.next.flip(self.state, s.base, next);
        layout.matched.flip(self.state, s.base, matched);
        self.emit_core(s, core);
        layout.next.flip(self.state, s.base, next);
        layout.matched.flip(self.state, s.base, matched);
    }

    /// The successor where the log is `len` long, and the bits of `entry` at
    /// `index` are flipped.
    pub(super) fn emit_log(&mut self, s: &Server, len: u64, index: u64, entry: u64) {
        let span = self.layout.entry_at(index);
        span.flip(self.state, s.base, entry);
        self.emit_core(s, self.layout.core.len.set(s.core, len));
        span.flip(self.state, s.base, entry);
    }

    /// The successor with the bag changed so.
    pub(super) fn emit_bag(&mut self, edit: &Edit) {
        self.bag.write(edit, self.layout, self.state);
        self.hand();
        self.bag.restore(edit, self.layout, self.state);
    }

    /// The successor with `message` sent, if it is in bounds.
    fn send(&mut self, message: u64) {
        match self.bag.send(message) {
            Some(edit) => self.emit_bag(&edit),
            None => self.sink.beyond(),
        }
    }
}
