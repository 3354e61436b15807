//! Bitstate: a few bits for a state instead of a fingerprint.
//!
//! A Bloom filter of three bits for each state (Holzmann, "An analysis of
//! bitstate hashing", 1998). It may take a new state for a known one, never a
//! known one for a new one. It is read while a level is explored and written
//! when the level is complete, so that what it leaves out does not depend on
//! threads.

use std::sync::atomic::AtomicU64;

use memmap2::{MmapMut, MmapOptions};
use zerocopy::FromBytes;

/// Bits for each state.
const HASHES: u64 = 3;

/// The filter.
pub(super) struct BitTable {
    map: MmapMut,
    bits: u64,
    set: u64,
    /// How many states are expected to have been left out.
    omitted: f64,
}

impl BitTable {
    /// A filter of so many bytes.
    ///
    /// # Errors
    /// When the system does not give the address space.
    pub(super) fn new(bytes: u64) -> std::io::Result<Self> {
        let len = usize::try_from(bytes / 8 * 8)
            .unwrap_or(usize::MAX >> 8)
            .max(1 << 16);
        let map = MmapOptions::new().len(len).no_reserve_swap().map_anon()?;
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(BitTable {
            bits: len as u64 * 8,
            map,
            set: 0,
            omitted: 0.0,
        })
    }

    /// The places of a state's bits: three hashes drawn from its fingerprint.
    fn places(&self, key: u64) -> impl Iterator<Item = (usize, u64)> {
        let bits = self.bits;
        (1..=HASHES).map(move |i| {
            let mixed = mix(key.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            let bit = ((u128::from(mixed) * u128::from(bits)) >> 64) as u64;
            ((bit / 64) as usize, 1 << (bit % 64))
        })
    }

    pub(super) fn contains(&self, key: u64) -> bool {
        self.places(key).all(|(word, bit)| {
            let bytes = self.map.get(word * 8..word * 8 + 8);
            let word = bytes
                .and_then(|b| b.try_into().ok())
                .map_or(0, u64::from_ne_bytes);
            word & bit != 0
        })
    }

    /// Adds states of a level that is complete.
    pub(super) fn insert(&mut self, key: u64) {
        // A state that looks like this one was left out with this probability.
        let passed = (1.0 - self.fill().powi(HASHES as i32)).max(f64::MIN_POSITIVE);
        self.omitted += 1.0 / passed - 1.0;
        let places: Vec<_> = self.places(key).collect();
        let words = <[AtomicU64]>::mut_from_bytes(&mut self.map).unwrap_or(&mut []);
        for (word, bit) in places {
            let word = words[word].get_mut();
            self.set += u64::from(*word & bit == 0);
            *word |= bit;
        }
    }

    /// The share of bits that are set.
    pub(super) fn fill(&self) -> f64 {
        self.set as f64 / self.bits as f64
    }

    /// How many states are expected to have been taken for known ones, and
    /// left out with all that only they lead to.
    pub(super) fn omitted(&self) -> f64 {
        self.omitted
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bits / 8
    }
}

/// A bijection that scatters (the finalizer of SplitMix64, Steele et al. 2014).
pub(super) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_there_and_the_estimate_fits_what_is_wrongly_there() {
        let mut table = BitTable::new(1 << 16).expect("address space");
        let key = |i: u64| mix(i);
        (0..60_000).for_each(|i| table.insert(key(i)));
        assert!((0..60_000).all(|i| table.contains(key(i))));
        let wrong = (100_000..200_000)
            .filter(|&i| table.contains(key(i)))
            .count() as f64;
        let expected = table.fill().powi(3) * 100_000.0;
        assert!(
            (wrong / expected - 1.0).abs() < 0.15,
            "{wrong} of {expected}"
        );
        assert!(table.omitted() > 0.0);
    }
}
