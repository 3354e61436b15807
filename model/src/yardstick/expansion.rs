//! The expansion of one state: what it reads, and how it makes successors.
//!
//! A successor is made in place: what differs is written into the parent's
//! bytes, the sink takes them, and what was there is written back. Whether a
//! successor is in bounds is known before. What the rules read of servers and
//! messages is read before the first write, for a load that waits for a store
//! is slow.

use super::bag::{Bag, Edit};
use super::head::{Core, Head};
use super::layout::Layout;
use super::step::Notes;
use crate::engine::space::Sink;

/// The expansion of one state.
pub(super) struct Expansion<'a, N, S> {
    pub(super) layout: &'a Layout,
    pub(super) max_term: u64,
    pub(super) max_log: u64,
    pub(super) values: u64,
    /// The state, and room to read past it.
    pub(super) state: &'a mut [u8],
    /// Its servers.
    pub(super) servers: &'a [Server],
    /// Its messages.
    pub(super) bag: &'a Bag,
    pub(super) notes: &'a mut N,
    pub(super) sink: &'a mut S,
}

/// A server of the state, all but its log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Server {
    pub(super) i: usize,
    /// Where it starts.
    pub(super) base: usize,
    pub(super) head: Head,
    /// The first word of its bytes.
    word: u64,
    pub(super) term: u64,
    pub(super) role: u64,
    /// Its log's length.
    pub(super) len: u64,
}

impl Server {
    /// Reads server `i` of `state`.
    #[inline(always)]
    pub(super) fn read(layout: &Layout, state: &[u8], i: usize) -> Self {
        let base = layout.base(i);
        let (head, word) = layout.heads.read(state, base);
        Server {
            i,
            base,
            head,
            word,
            term: layout.core.term.get(head.core),
            role: layout.core.role.get(head.core),
            len: layout.core.len.get(head.core),
        }
    }
}

impl<N: Notes, S: Sink> Expansion<'_, N, S> {
    pub(super) fn fields(&self) -> Core {
        self.layout.core
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

    pub(super) fn quorum(&self, servers: u64) -> bool {
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
        let core = self.layout.core.len.set(s.head.core, len);
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
    pub(super) fn send(&mut self, message: u64) {
        match self.bag.send(message) {
            Some(edit) => self.emit_bag(&edit),
            None => self.sink.beyond(),
        }
    }
}
