//! Where everything lies in a packed state: offsets from bounds.
//!
//! ```text
//! | server 1 | ... | server n | slot 1 | ... | slot M |
//!
//! server, from its first bit, padded to bytes:
//!   head   core   term role vote responded granted commit len
//!          next   for every peer, nextIndex - 1
//!          match  for every peer, matchIndex
//!   log    L entries of term and value, zero past len
//! slot, padded to bytes: one copy of a message (see `message`), or zero
//! ```
//!
//! Every field is as wide as the bounds make it, so that three servers with
//! two entries each and one message are 14 bytes. Numbers are little-endian.
//!
//! Equal states are equal bytes: slots are sorted, empty ones last, and what a
//! log does not use is zero. A message is never zero, for its term is not.

use super::bounds::Bounds;
use super::head::{Core, Heads};
use super::message::Coding;
use super::word::{Bits, Span, load, store, width};

/// The fields of an entry; the whole is a word of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryBits {
    pub(super) term: Bits,
    pub(super) value: Bits,
    width: u32,
}

impl EntryBits {
    fn new(bounds: &Bounds) -> Self {
        let mut used = 0;
        EntryBits {
            term: Bits::next(&mut used, width(bounds.max_term)),
            value: Bits::next(&mut used, width(bounds.values - 1)),
            width: used,
        }
    }
}

/// The layout of states within some bounds.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// How many servers.
    pub(super) servers: usize,
    /// Where servers' heads lie.
    pub(super) heads: Heads,
    /// The fields of a head's core.
    pub(super) core: Core,
    /// A server's whole log, if a word holds it.
    pub(super) log: Option<Span>,
    /// The fields of an entry.
    pub(super) entry: EntryBits,
    /// How messages are numbers.
    pub(super) message: Coding,
    /// How many messages the bag holds at most.
    pub(super) slots: usize,
    /// How many bytes a state takes.
    pub(super) len: usize,
    index_width: u32,
    log_bit: u32,
    server_bytes: usize,
    bag: usize,
    slot_bytes: usize,
    slot_mask: u64,
}

impl Layout {
    /// The layout of states within `bounds`, which are in range.
    pub(super) fn new(bounds: &Bounds) -> Self {
        let (n, log) = (bounds.servers, bounds.max_log);
        let index_width = width(log);
        let mut bit = 0;
        let core = Core {
            term: Bits::next(&mut bit, width(bounds.max_term)),
            role: Bits::next(&mut bit, width(2)),
            vote: Bits::next(&mut bit, width(n)),
            responded: Bits::next(&mut bit, n),
            granted: Bits::next(&mut bit, n),
            commit: Bits::next(&mut bit, index_width),
            len: Bits::next(&mut bit, index_width),
        };
        let heads = Heads::new(bit, n * index_width);
        let log_bit = bit + 2 * n * index_width;
        let entry = EntryBits::new(bounds);
        let log_width = log * entry.width;
        let server_bytes = (log_bit + log_width).div_ceil(8) as usize;
        let message = Coding::new(bounds);
        let slot_bytes = message.width().div_ceil(8) as usize;
        let slots = bounds.max_messages as usize;
        let bag = server_bytes * n as usize;
        Layout {
            servers: n as usize,
            heads,
            core,
            log: Span::fits(log_bit, log_width).then(|| Span::new(log_bit, log_width)),
            entry,
            message,
            slots,
            len: bag + slots * slot_bytes,
            index_width,
            log_bit,
            server_bytes,
            bag,
            slot_bytes,
            slot_mask: u64::MAX >> (u64::BITS - 8 * slot_bytes as u32),
        }
    }

    /// Where server `i` starts.
    #[inline(always)]
    pub(super) fn base(&self, i: usize) -> usize {
        i * self.server_bytes
    }

    /// Peer `j`'s index in a head's list.
    #[inline(always)]
    pub(super) fn peer(&self, j: usize) -> Bits {
        Bits::new(j as u32 * self.index_width, self.index_width)
    }

    /// The entry at `index`, which counts from 1, in a server's log.
    #[inline(always)]
    pub(super) fn entry_at(&self, index: u64) -> Span {
        let bit = self.log_bit + (index as u32 - 1) * self.entry.width;
        Span::new(bit, self.entry.width)
    }

    /// The message in slot `slot`, which counts from 0; 0 if it is empty.
    #[inline(always)]
    pub(super) fn slot(&self, state: &[u8], slot: usize) -> u64 {
        load(state, self.bag + slot * self.slot_bytes) & self.slot_mask
    }

    /// Writes a slot, and zeros into those after it that its word reaches.
    #[inline(always)]
    pub(super) fn set_slot(&self, state: &mut [u8], slot: usize, message: u64) {
        store(state, self.bag + slot * self.slot_bytes, message);
    }
}
