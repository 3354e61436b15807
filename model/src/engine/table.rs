//! A set of fingerprints that many threads fill at once.
//!
//! Open addressing with linear probing over atomic words, in one anonymous
//! mapping that is reserved once, as large as the budget allows, and used from
//! the front: memory that was never touched costs nothing. Inserting takes no
//! lock.
//!
//! A key's home is `key * slots / 2^bits`, so slots are in the order of their
//! keys but for what probing has displaced within a cluster. That is how the
//! table grows in place, by a fifth at a time and without a second copy, in one
//! pass from the back: every home moves towards the end. And sorting the
//! clusters sorts the table: so it goes to disk as a run.
//!
//! A table may carry a tag beside each key, of which it keeps the least that
//! was offered.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering::*};

use memmap2::{MmapMut, MmapOptions};
use zerocopy::FromBytes;

use super::key::Key;

/// Slots behind the last home, so that probing need not wrap.
const SLACK: usize = 1 << 12;
/// The table starts with so many slots.
const SLOTS_MIN: usize = 1 << 14;
/// It doubles up to this share of its budget, where nobody minds the memory,
/// and then grows by a fifth.
const DOUBLES_UP_TO: usize = 64;

/// What came of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Insert {
    /// The key was not there.
    New,
    /// It was.
    Known,
    /// There is no room behind its home: the table must grow first.
    Full,
}

/// The set. `TAGGED` tells whether each key has a tag.
pub(super) struct Table<K, const TAGGED: bool = false> {
    map: MmapMut,
    slots: usize,
    slots_max: usize,
    key: PhantomData<K>,
}

/// The set as threads share it.
pub(super) struct View<'a, K, const TAGGED: bool> {
    words: &'a [AtomicU64],
    slots: u64,
    key: PhantomData<K>,
}

impl<K, const TAGGED: bool> Clone for View<'_, K, TAGGED> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, const TAGGED: bool> Copy for View<'_, K, TAGGED> {}

impl<K: Key, const TAGGED: bool> Table<K, TAGGED> {
    const STRIDE: usize = K::WORDS + TAGGED as usize;

    /// An empty set that grows to `bytes` at most (but has room for some
    /// thousands of keys in any case).
    ///
    /// # Errors
    /// When the system does not give the address space.
    pub(super) fn new(bytes: u64) -> std::io::Result<Self> {
        let slot = Self::STRIDE as u64 * 8;
        let slots_max = usize::try_from(bytes / slot).unwrap_or(usize::MAX >> 8);
        let slots_max = slots_max.saturating_sub(SLACK).max(SLOTS_MIN);
        let len = (slots_max + SLACK) * Self::STRIDE * 8;
        let map = MmapOptions::new().len(len).no_reserve_swap().map_anon()?;
        // Huge pages make random access cheaper; without them it still works.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Table {
            map,
            slots: SLOTS_MIN,
            slots_max,
            key: PhantomData,
        })
    }

    /// The bytes in use.
    pub(super) fn bytes(&self) -> u64 {
        ((self.slots + SLACK) * Self::STRIDE * 8) as u64
    }

    /// How many keys it should hold at most before it grows: with more, chains
    /// of probes get long.
    pub(super) fn comfortable(&self) -> u64 {
        self.slots as u64 / 5 * 4
    }

    /// How many keys it should hold at most, ever.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> u64 {
        self.slots_max as u64 / 5 * 4
    }

    fn words(&mut self) -> &mut [AtomicU64] {
        let bytes = (self.slots + SLACK) * Self::STRIDE * 8;
        // A mapping starts at a page and its length is a multiple of eight.
        <[AtomicU64]>::mut_from_bytes(&mut self.map[..bytes]).unwrap_or(&mut [])
    }

    /// The set, to be shared.
    pub(super) fn view(&mut self) -> View<'_, K, TAGGED> {
        let slots = self.slots as u64;
        View {
            words: self.words(),
            slots,
            key: PhantomData,
        }
    }

    /// Sorts all keys to the front of `words`; returns how many there are.
    fn sort_to_front(&mut self) -> usize {
        let words = self.words();
        let mut cluster: Vec<(K, u64)> = Vec::new();
        let (mut to, slots) = (0, words.len() / Self::STRIDE);
        for from in 0..=slots {
            let occupied = from < slots && *words[from * Self::STRIDE].get_mut() != 0;
            if occupied {
                cluster.push(Self::take(words, from));
                continue;
            }
            cluster.sort_unstable();
            for &(key, tag) in &cluster {
                Self::put(words, to, key, tag);
                to += 1;
            }
            cluster.clear();
        }
        to
    }

    fn take(words: &mut [AtomicU64], slot: usize) -> (K, u64) {
        let slot = &mut words[slot * Self::STRIDE..][..Self::STRIDE];
        let mut taken = [0; 3];
        for (word, taken) in slot.iter_mut().zip(&mut taken) {
            *taken = std::mem::take(word.get_mut());
        }
        let second = if K::WORDS == 2 { taken[1] } else { 0 };
        let tag = if TAGGED { !taken[K::WORDS] } else { 0 };
        (K::from_words([taken[0], second]), tag)
    }

    fn put(words: &mut [AtomicU64], slot: usize, key: K, tag: u64) {
        let slot = &mut words[slot * Self::STRIDE..][..Self::STRIDE];
        for (word, value) in slot.iter_mut().zip(key.words()).take(K::WORDS) {
            *word.get_mut() = value;
        }
        if TAGGED {
            *slot[K::WORDS].get_mut() = !tag;
        }
    }

    /// Puts `key` where probing for it ends. There is room: the keys whose
    /// homes are in the last `n` slots of a table that has grown had homes in
    /// the last `n` of the smaller one, and fitted there.
    #[inline]
    fn settle(words: &mut [AtomicU64], slots: u64, key: K, tag: u64) {
        let mut slot = home(key, slots);
        while *words[slot * Self::STRIDE].get_mut() != 0 {
            slot += 1;
        }
        Self::put(words, slot, key, tag);
    }

    /// Grows. Says whether it did: at its largest it does not.
    pub(super) fn grow(&mut self) -> bool {
        if self.slots >= self.slots_max {
            return false;
        }
        let slots = if self.slots < self.slots_max / DOUBLES_UP_TO {
            self.slots * 2
        } else {
            self.slots / 5 * 6
        };
        let before = self.slots + SLACK;
        self.slots = slots.min(self.slots_max);
        let slots = self.slots as u64;
        let words = self.words();
        let mut cluster: Vec<(K, u64)> = Vec::new();
        // From the back. Homes only move towards the end, and no key of a
        // cluster has its home before the cluster: with the cluster taken out,
        // what lies from its first slot on has moved already, and what lies
        // before it is not touched.
        for from in (0..before).rev() {
            if *words[from * Self::STRIDE].get_mut() != 0 {
                cluster.push(Self::take(words, from));
                continue;
            }
            for (key, tag) in cluster.drain(..) {
                Self::settle(words, slots, key, tag);
            }
        }
        for (key, tag) in cluster {
            Self::settle(words, slots, key, tag);
        }
        true
    }

    /// Hands every key with its tag to `to`, in ascending order, and empties
    /// the set.
    ///
    /// # Errors
    /// What `to` returns; the set is empty all the same.
    pub(super) fn drain<E>(
        &mut self,
        mut to: impl FnMut(K, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let count = self.sort_to_front();
        let words = self.words();
        let mut result = Ok(());
        for slot in 0..count {
            let (key, tag) = Self::take(words, slot);
            if result.is_ok() {
                result = to(key, tag);
            }
        }
        result
    }

    /// Empties the set.
    pub(super) fn clear(&mut self) {
        for word in self.words() {
            *word.get_mut() = 0;
        }
    }
}

/// Where a key is looked for first.
fn home<K: Key>(key: K, slots: u64) -> usize {
    ((u128::from(key.words()[0]) * u128::from(slots)) >> 64) as usize
}

impl<K: Key, const TAGGED: bool> View<'_, K, TAGGED> {
    const STRIDE: usize = K::WORDS + TAGGED as usize;

    /// Reads the first slot of `key`, so that it is at hand when it is needed:
    /// reads of many keys in a row wait for memory together.
    #[inline]
    pub(super) fn touch(&self, key: K) -> u64 {
        self.words[home(key, self.slots) * Self::STRIDE].load(Relaxed)
    }

    /// Whether `key` is there. Meant for a set that nobody fills meanwhile.
    pub(super) fn contains(&self, key: K) -> bool {
        let [first, second] = key.words();
        for slot in self.words[home(key, self.slots) * Self::STRIDE..].chunks_exact(Self::STRIDE) {
            let seen = slot[0].load(Relaxed);
            if seen == 0 {
                return false;
            }
            if seen == first && (K::WORDS == 1 || slot[1].load(Relaxed) == second) {
                return true;
            }
        }
        false
    }

    /// Inserts `key`; keeps the least `tag`.
    #[inline]
    pub(super) fn insert(&self, key: K, tag: u64) -> Insert {
        let [first, second] = key.words();
        for slot in self.words[home(key, self.slots) * Self::STRIDE..].chunks_exact(Self::STRIDE) {
            let mut seen = slot[0].load(Acquire);
            if seen == 0 {
                match slot[0].compare_exchange(0, first, AcqRel, Acquire) {
                    Ok(_) => {
                        if K::WORDS == 2 {
                            slot[1].store(second, Release);
                        }
                        if TAGGED {
                            slot[K::WORDS].fetch_max(!tag, Relaxed);
                        }
                        return Insert::New;
                    }
                    Err(other) => seen = other,
                }
            }
            if seen == first && (K::WORDS == 1 || published(&slot[1]) == second) {
                if TAGGED {
                    slot[K::WORDS].fetch_max(!tag, Relaxed);
                }
                return Insert::Known;
            }
        }
        Insert::Full
    }
}

/// The second word of a key whose first one is there: whoever wrote the first
/// is about to write it.
fn published(word: &AtomicU64) -> u64 {
    let mut tries = 0u32;
    loop {
        let seen = word.load(Acquire);
        if seen != 0 {
            return seen;
        }
        tries += 1;
        if tries.is_multiple_of(64) {
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn keys(n: u64) -> impl Iterator<Item = u64> {
        (1..=n).map(|i| u64::of(&i.to_le_bytes()))
    }

    fn filled<K: Key, const TAGGED: bool>(n: u64) -> (Table<K, TAGGED>, BTreeMap<K, u64>) {
        let mut table = Table::<K, TAGGED>::new(64 << 20).expect("address space");
        let mut expected = BTreeMap::new();
        let mut held = 0;
        for i in 0..n {
            let (key, tag) = (K::of(&(i % (n / 2)).to_le_bytes()), n - i);
            if held >= table.comfortable() {
                assert!(table.grow());
            }
            let came = table.view().insert(key, tag);
            let new = !expected.contains_key(&key);
            assert_eq!(came, if new { Insert::New } else { Insert::Known });
            held += u64::from(new);
            let least = expected.entry(key).or_insert(tag);
            *least = tag.min(*least);
        }
        (table, expected)
    }

    fn drains_what_was_put<K: Key, const TAGGED: bool>() {
        let (mut table, expected) = filled::<K, TAGGED>(800_000);
        let view = table.view();
        assert!(expected.keys().all(|&key| view.contains(key)));
        let absent = |i: u64| K::of(&(i + (1 << 40)).to_le_bytes());
        assert!((0..1000).all(|i| !view.contains(absent(i))));
        let mut expected = expected.into_iter();
        let drained = table.drain(|key, tag| {
            let next = expected.next().expect("no more keys than were put");
            assert_eq!(key, next.0);
            assert!(!TAGGED || tag == next.1);
            Ok::<(), ()>(())
        });
        assert_eq!(drained, Ok(()));
        assert_eq!(expected.next(), None);
        assert_eq!(table.view().insert(absent(1), 0), Insert::New);
    }

    #[test]
    fn narrow_and_wide_keys_come_back_in_order_with_their_least_tags() {
        drains_what_was_put::<u64, false>();
        drains_what_was_put::<u64, true>();
        drains_what_was_put::<u128, false>();
        drains_what_was_put::<u128, true>();
    }

    #[test]
    fn threads_that_insert_the_same_keys_agree_on_who_was_first() {
        let mut table = Table::<u128, true>::new(32 << 20).expect("address space");
        while table.comfortable() < 200_000 {
            assert!(table.grow());
        }
        let view = table.view();
        let new: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(move || {
                        let keys = (0..200_000u64).map(|i| u128::of(&i.to_le_bytes()));
                        let came = keys.map(|key| view.insert(key, 0));
                        came.filter(|&came| came == Insert::New).count() as u64
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|t| t.join().expect("a thread"))
                .sum()
        });
        assert_eq!(new, 200_000);
    }

    #[test]
    fn a_table_at_its_largest_is_full_and_not_broken() {
        let mut table = Table::<u64>::new(0).expect("address space");
        assert!(!table.grow());
        let mut held = 0;
        for key in keys(100_000) {
            match table.view().insert(key, 0) {
                Insert::New => held += 1,
                came => {
                    assert_eq!(came, Insert::Full);
                    break;
                }
            }
        }
        assert!(held >= table.capacity());
    }
}
