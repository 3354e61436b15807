//! Fingerprints: what the visited set holds of a state.

use std::fmt::Debug;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// How many bits of XXH3 stand for a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bits {
    /// 64: among n states some is omitted with probability n²/2⁶⁵ at most.
    #[default]
    B64,
    /// 128: n²/2¹²⁹, for twice the memory.
    B128,
}

impl Bits {
    /// The number of bits.
    pub fn count(self) -> u32 {
        match self {
            Bits::B64 => 64,
            Bits::B128 => 128,
        }
    }
}

/// A fingerprint. Neither of its words is ever zero: zero marks an empty slot.
pub(super) trait Key: Copy + Ord + Debug + Send + Sync + 'static {
    /// How many words it has.
    const WORDS: usize;
    /// How many bits.
    const BITS: Bits;
    /// The fingerprint of a state.
    fn of(packed: &[u8]) -> Self;
    /// The key of these words.
    fn from_words(words: [u64; 2]) -> Self;
    /// Its words; the second of a narrow key is zero. Keys are ordered by
    /// their words, the first one first.
    fn words(self) -> [u64; 2];
    /// As one number.
    fn wide(self) -> u128 {
        let [first, second] = self.words();
        u128::from(first) << 64 | u128::from(second)
    }
}

impl Key for u64 {
    const WORDS: usize = 1;
    const BITS: Bits = Bits::B64;
    fn of(packed: &[u8]) -> Self {
        xxh3_64(packed).max(1)
    }
    fn from_words(words: [u64; 2]) -> Self {
        words[0]
    }
    fn words(self) -> [u64; 2] {
        [self, 0]
    }
}

impl Key for u128 {
    const WORDS: usize = 2;
    const BITS: Bits = Bits::B128;
    fn of(packed: &[u8]) -> Self {
        let [first, second] = xxh3_128(packed).words();
        Self::from_words([first.max(1), second.max(1)])
    }
    fn from_words(words: [u64; 2]) -> Self {
        u128::from(words[0]) << 64 | u128::from(words[1])
    }
    fn words(self) -> [u64; 2] {
        [(self >> 64) as u64, self as u64]
    }
}
