//! What a packed server begins with: all its variables but the log.
//!
//! A load that waits for overlapping stores costs more than all else that an
//! expansion does. Where a head fits one word, as it does for all bounds that
//! anybody has searched to the end, a server is changed, and changed back, by
//! one store of a word that is known. Wider heads are changed field by field.

use super::word::{Bits, Span, load, store};

/// The variables of a server but its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The fields of a [`Core`].
    pub(super) core: u64,
    /// For every peer, `nextIndex - 1`.
    pub(super) next: u64,
    /// For every peer, `matchIndex`.
    pub(super) matched: u64,
}

/// The fields of a core.
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
    /// The log's length.
    pub(super) len: Bits,
}

/// Where heads lie.
#[derive(Clone, Debug)]
pub(super) struct Heads {
    core: Span,
    next: Span,
    matched: Span,
    /// All of it is in the server's first word.
    narrow: bool,
}

impl Heads {
    /// Heads of a core of `core` bits and two lists of `list` bits.
    pub(super) fn new(core: u32, list: u32) -> Self {
        let narrow = core + 2 * list <= u64::BITS;
        let span = if narrow {
            Span::of_first_word
        } else {
            Span::new
        };
        Heads {
            core: span(0, core),
            next: span(core, list),
            matched: span(core + list, list),
            narrow,
        }
    }

    /// The head of the server that starts at `base`, and the server's first
    /// word.
    #[inline(always)]
    pub(super) fn read(&self, state: &[u8], base: usize) -> (Head, u64) {
        let word = load(state, base);
        let get = |span: Span| match self.narrow {
            true => span.bits.get(word),
            false => span.get(state, base),
        };
        let head = Head {
            core: get(self.core),
            next: get(self.next),
            matched: get(self.matched),
        };
        (head, word)
    }

    /// Makes the head `old` of the server at `base` whose first word is `word`
    /// `new`. What else that word covers is written as `word` has it.
    #[inline(always)]
    pub(super) fn write(&self, state: &mut [u8], base: usize, word: u64, old: &Head, new: &Head) {
        let core = old.core ^ new.core;
        let next = old.next ^ new.next;
        let matched = old.matched ^ new.matched;
        if self.narrow {
            let by =
                self.core.bits.of(core) ^ self.next.bits.of(next) ^ self.matched.bits.of(matched);
            store(state, base, word ^ by);
        } else {
            self.core.flip(state, base, core);
            self.next.flip(state, base, next);
            self.matched.flip(state, base, matched);
        }
    }

    /// Takes [`write`](Self::write) with the same arguments back.
    #[inline(always)]
    pub(super) fn restore(&self, state: &mut [u8], base: usize, word: u64, old: &Head, new: &Head) {
        if self.narrow {
            store(state, base, word);
        } else {
            self.write(state, base, word, new, old);
        }
    }
}
