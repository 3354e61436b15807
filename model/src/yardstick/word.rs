//! Fields of a few bits: in a word, and in the bytes of a state.

/// How many bytes must follow a state that is read by fields: a load is of 8.
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
    /// The field of `width` bits from bit `shift` on. It must fit the word.
    #[inline(always)]
    pub(super) fn new(shift: u32, width: u32) -> Self {
        debug_assert!(shift + width <= u64::BITS, "{shift} + {width} bits");
        Bits {
            // An empty field after the last bit: no shift may be by 64.
            shift: shift % u64::BITS,
            mask: 1u64.checked_shl(width).map_or(u64::MAX, |end| end - 1),
        }
    }

    /// The next `width` bits of a word of which `used` are taken.
    pub(super) fn next(used: &mut u32, width: u32) -> Self {
        let bits = Bits::new(*used, width);
        *used += width;
        bits
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

/// A field of the word that starts at a byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    byte: usize,
    /// Where it lies in that word.
    pub(super) bits: Bits,
}

impl Span {
    /// The field of `width` bits from bit `bit` on, of the word that holds its
    /// first bit in its first byte.
    #[inline(always)]
    pub(super) fn new(bit: u32, width: u32) -> Self {
        Span {
            byte: (bit / 8) as usize,
            bits: Bits::new(bit % 8, width),
        }
    }

    /// Whether there is such a field: its word must hold it.
    pub(super) fn fits(bit: u32, width: u32) -> bool {
        bit % 8 + width <= u64::BITS
    }

    /// The same field of the word that starts at byte 0, which must hold it.
    pub(super) fn of_first_word(bit: u32, width: u32) -> Self {
        Span {
            byte: 0,
            bits: Bits::new(bit, width),
        }
    }

    /// The field's value, bytes counted from `base`.
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
