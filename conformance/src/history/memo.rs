//! The configurations that a search has been in: 16 bytes each.
//!
//! A configuration is the set of operations that have taken effect and the
//! state they led to. It is kept as 128 bits: each operation has 128 bits of
//! its own that are XORed into the set's (Zobrist), and the state adds a hash.
//! Two configurations share them with probability 2^-128; among a billion
//! configurations the chance of one such pair is below 10^-20. So an entry
//! takes as much memory for a million operations as for ten.

const ENTRY: u64 = size_of::<u128>() as u64;

/// A table of the configurations seen.
#[derive(Default)]
pub(super) struct Memo {
    /// Open addressing; 0 is free.
    table: Vec<u128>,
    len: usize,
}

impl Memo {
    /// How much memory the table takes.
    pub(super) fn bytes(&self) -> u64 {
        self.table.len() as u64 * ENTRY
    }

    /// How much more it takes while another entry is put into it: a table that
    /// is full grows by a copy of twice the size beside it.
    pub(super) fn growth(&self) -> u64 {
        match self.is_full() {
            true => self.next_size() as u64 * ENTRY,
            false => 0,
        }
    }

    fn is_full(&self) -> bool {
        // At most three quarters.
        (self.len + 1) * 4 > self.table.len() * 3
    }

    fn next_size(&self) -> usize {
        (self.table.len() * 2).max(64)
    }

    /// Adds an entry; whether it is new.
    pub(super) fn insert(&mut self, entry: u128) -> bool {
        let entry = entry.max(1);
        if self.is_full() {
            let size = self.next_size();
            let old = std::mem::replace(&mut self.table, vec![0; size]);
            for entry in old.into_iter().filter(|&entry| entry != 0) {
                let slot = self.slot(entry);
                self.table[slot] = entry;
            }
        }
        let slot = self.slot(entry);
        if self.table[slot] == entry {
            return false;
        }
        self.table[slot] = entry;
        self.len += 1;
        true
    }

    /// Where the entry is, or would be.
    fn slot(&self, entry: u128) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = entry as usize & mask;
        while self.table[slot] != 0 && self.table[slot] != entry {
            slot = (slot + 1) & mask;
        }
        slot
    }
}

/// 128 well mixed bits of a number (two rounds of the finalizer of
/// SplitMix64, each with an increment of its own).
pub(super) fn mix(number: u128) -> u128 {
    let (low, high) = (number as u64, (number >> 64) as u64);
    let a = finalize(low.wrapping_add(finalize(high ^ 0x9e37_79b9_7f4a_7c15)));
    let b = finalize(a ^ low.rotate_left(32) ^ 0xd1b5_4a32_d192_ed03);
    u128::from(a) | u128::from(b) << 64
}

fn finalize(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A map by small numbers: their hash is one multiplication and a fold.
pub(super) type Numbers<K, V> =
    std::collections::HashMap<K, V, std::hash::BuildHasherDefault<Fold>>;

/// The hash of a [`Numbers`] map.
#[derive(Clone, Copy, Default)]
pub(super) struct Fold(u64);

impl std::hash::Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        let wide = u128::from(self.0.rotate_left(26) ^ number ^ 0x9e37_79b9_7f4a_7c15)
            * 0xd134_2543_de82_ef95;
        self.0 = (wide >> 64) as u64 ^ wide as u64;
    }
}
