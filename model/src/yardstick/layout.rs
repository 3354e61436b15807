//! Where everything lies in a packed state: offsets from bounds.
//!
//! ```text
//! | server 1 | ... | server n | slot 1 | ... | slot M |
//!
//! server, from its first bit, padded to bytes:
//!   core   term role vote responded granted commit len
//!   next   for every peer, nextIndex - 1
//!   match  for every peer, matchIndex
//!   log    L entries of term and value, zero past len
//! slot, padded to bytes: one copy of a message (see `message`), or zero
//! ```
//!
//! Every field is as wide as the bounds make it, so that three servers with
//! two entries each and one message are 14 bytes. Numbers are little-endian.
//! A field is read by one load of 8 bytes, so whoever holds a state to read it
//! holds [`PAD`] bytes more; writes change no bit but the field's.
//!
//! Equal states are equal bytes: slots are sorted, empty ones last, and what a
//! log does not use is zero. A message is never zero, for its term is not.

use super::bounds::Bounds;
use super::message::Coding;

/// How many bytes must follow a state that is read by fields.
pub(super) const PAD: usize = 8;

/// How many bits the numbers up to `most` take.
pub(super) fn width(most: u32) -> u32 {
    u32::BITS - most.leading_zeros()
}

/// A field of a word.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bits {
    shift: u32,
    mask: u64,
}

impl Bits {
    /// The next `width` bits of a word of which `used` are taken.
    pub(super) fn next(used: &mut u32, width: u32) -> Self {
        let shift = *used;
        *used += width;
        assert!(*used <= u64::BITS, "the bounds' ranges keep a word to 64");
        Bits {
            // An empty field at the end of a full word is never shifted by 64.
            shift: shift.min(u64::BITS - 1),
            mask: (1u64 << width) - 1,
        }
    }

    /// The field's value.
    #[inline(always)]
    pub(super) fn get(self, word: u64) -> u64 {
        (word >> self.shift) & self.mask
    }

    /// A word of this field alone.
    #[inline(always)]
    pub(super) fn of(self, value: u64) -> u64 {
        debug_assert!(value <= self.mask, "{value} is past the field's bound");
        value << self.shift
    }

    /// `word` with the field at `value`.
    #[inline(always)]
    pub(super) fn set(self, word: u64, value: u64) -> u64 {
        word & !(self.mask << self.shift) | self.of(value)
    }
}

/// A field at a bit of a server, whose own word starts at a byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    byte: usize,
    bits: Bits,
}

impl Span {
    fn new(bit: u32, width: u32) -> Self {
        let mut used = bit % 8;
        Span {
            byte: (bit / 8) as usize,
            bits: Bits::next(&mut used, width),
        }
    }

    /// The field's value in the server that starts at `base`.
    #[inline(always)]
    pub(super) fn get(self, state: &[u8], base: usize) -> u64 {
        self.bits.get(load(state, base + self.byte))
    }

    /// Flips the bits of the field that `by` has set. Twice is nothing.
    #[inline(always)]
    pub(super) fn flip(self, state: &mut [u8], base: usize, by: u64) {
        let at = base + self.byte;
        store(state, at, load(state, at) ^ self.bits.of(by));
    }
}

/// The 8 bytes at `at`.
#[inline(always)]
pub(super) fn load(state: &[u8], at: usize) -> u64 {
    let bytes = state[at..at + 8].try_into();
    u64::from_le_bytes(bytes.expect("8 bytes"))
}

/// Writes the 8 bytes at `at`.
#[inline(always)]
pub(super) fn store(state: &mut [u8], at: usize, word: u64) {
    state[at..at + 8].copy_from_slice(&word.to_le_bytes());
}

/// The fields of a server's core.
#[derive(Clone, Copy, Debug)]
pub(super) struct Core {
    pub(super) term: Bits,
    pub(super) role: Bits,
    /// 0 for Nil, else the server's number from 1.
    pub(super) vote: Bits,
    /// A set of servers: bit `j` is server `j`.
    pub(super) responded: Bits,
    /// A set of servers.
    pub(super) granted: Bits,
    pub(super) commit: Bits,
    pub(super) len: Bits,
}

/// The fields of an entry; the whole is a word of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryBits {
    pub(super) term: Bits,
    pub(super) value: Bits,
    width: u32,
}

/// The layout of states within some bounds.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// How many servers.
    pub(super) servers: usize,
    /// The fields of a core.
    pub(super) core: Core,
    /// A server's whole core.
    pub(super) core_span: Span,
    /// A server's `nextIndex - 1`, all peers.
    pub(super) next: Span,
    /// A server's `matchIndex`, all peers.
    pub(super) matched: Span,
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
        let core_span = Span::new(0, bit);
        let next = Span::new(bit, n * index_width);
        bit += n * index_width;
        let matched = Span::new(bit, n * index_width);
        bit += n * index_width;
        let mut entry_width = 0;
        let mut entry = EntryBits {
            term: Bits::next(&mut entry_width, width(bounds.max_term)),
            value: Bits::next(&mut entry_width, width(bounds.values - 1)),
            width: 0,
        };
        entry.width = entry_width;
        let log_bit = bit;
        bit += log * entry_width;
        let server_bytes = bit.div_ceil(8) as usize;
        let message = Coding::new(bounds);
        let slot_bytes = message.width().div_ceil(8) as usize;
        let slots = bounds.max_messages as usize;
        let bag = server_bytes * n as usize;
        Layout {
            servers: n as usize,
            core,
            core_span,
            next,
            matched,
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

    /// Peer `j`'s index in a word of all peers' (`next`, `matched`).
    #[inline(always)]
    pub(super) fn peer(&self, j: usize) -> Bits {
        Bits {
            shift: j as u32 * self.index_width,
            mask: (1 << self.index_width) - 1,
        }
    }

    /// The span of the entry at `index`, which counts from 1, in a log.
    #[inline(always)]
    pub(super) fn entry_at(&self, index: u64) -> Span {
        let bit = self.log_bit + (index as u32 - 1) * self.entry.width;
        Span {
            byte: (bit / 8) as usize,
            bits: Bits {
                shift: bit % 8,
                mask: (1 << self.entry.width) - 1,
            },
        }
    }

    /// The message in slot `slot`, which counts from 0; 0 if it is empty.
    #[inline(always)]
    pub(super) fn slot(&self, state: &[u8], slot: usize) -> u64 {
        load(state, self.bag + slot * self.slot_bytes) & self.slot_mask
    }

    /// Writes a slot.
    #[inline(always)]
    pub(super) fn set_slot(&self, state: &mut [u8], slot: usize, message: u64) {
        let at = self.bag + slot * self.slot_bytes;
        store(state, at, load(state, at) & !self.slot_mask | message);
    }
}
