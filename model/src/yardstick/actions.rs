//! What servers do of their own accord, action by action as in `raft.tla`.
//!
//! A successor is made in place: what differs is written into the parent's
//! bytes, the sink takes them, and what was there is written back. Whether a
//! successor is in bounds is known before.

use super::bag::{Bag, Edit};
use super::head::{Core, Head};
use super::layout::Layout;
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
    pub(super) head: Head,
    /// The head's core.
    pub(super) core: u64,
    /// The first word of its bytes.
    word: u64,
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
        let core = c.role.set(s.core, role::LEADER);
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
            Some(index) if self.entry_term(s, index) == s.term => c.commit.set(s.core, index),
            _ => s.core,
        };
        self.emit_core(s, core);
    }

    /// `AppendEntries(i, j)`: up to one entry.
    fn append_entries(&mut self, s: &Server) {
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

/// What actions are made of.
impl<N: Notes, S: Sink> Expansion<'_, N, S> {
    pub(super) fn fields(&self) -> Core {
        self.layout.core
    }

    #[inline(always)]
    pub(super) fn server(&self, i: usize) -> Server {
        let base = self.layout.base(i);
        let (head, word) = self.layout.heads.read(self.state, base);
        let core = head.core;
        let c = &self.layout.core;
        Server {
            i,
            base,
            head,
            core,
            word,
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

    /// Makes the server's head `head`. First of all that is changed: it writes
    /// more of the parent's bytes than the head.
    #[inline(always)]
    pub(super) fn write_head(&mut self, s: &Server, head: &Head) {
        let heads = &self.layout.heads;
        heads.write(self.state, s.base, s.word, &s.head, head);
    }

    /// Takes [`write_head`](Self::write_head) back, last of all.
    #[inline(always)]
    pub(super) fn restore_head(&mut self, s: &Server, head: &Head) {
        let heads = &self.layout.heads;
        heads.restore(self.state, s.base, s.word, &s.head, head);
    }

    /// The successor where the server's head is `head`.
    #[inline]
    pub(super) fn emit_head(&mut self, s: &Server, head: &Head) {
        self.write_head(s, head);
        self.hand();
        self.restore_head(s, head);
    }

    /// The successor where the server's core is `core`.
    #[inline]
    pub(super) fn emit_core(&mut self, s: &Server, core: u64) {
        self.emit_head(s, &Head { core, ..s.head });
    }

    /// The successor where the log is `len` long, and the bits of `entry` at
    /// `index` are flipped.
    pub(super) fn emit_log(&mut self, s: &Server, len: u64, index: u64, entry: u64) {
        let span = self.layout.entry_at(index);
        let core = self.layout.core.len.set(s.core, len);
        let head = Head { core, ..s.head };
        self.write_head(s, &head);
        span.flip(self.state, s.base, entry);
        self.hand();
        span.flip(self.state, s.base, entry);
        self.restore_head(s, &head);
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
