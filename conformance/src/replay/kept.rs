//! Maps that forget what was put in long ago.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash, RandomState};

/// A map that keeps the keys that were put in last: all of them, or as many as
/// it is told.
#[derive(Clone, Debug)]
pub struct Kept<K, V, S = RandomState> {
    values: HashMap<K, V, S>,
    /// The keys in the order in which they were put in, where some are forgotten.
    order: VecDeque<K>,
    most: Option<usize>,
    forgotten: u64,
}

impl<K, V, S: Default> Default for Kept<K, V, S> {
    fn default() -> Self {
        Kept {
            values: HashMap::default(),
            order: VecDeque::new(),
            most: None,
            forgotten: 0,
        }
    }
}

impl<K: Clone + Eq + Hash, V, S: BuildHasher> Kept<K, V, S> {
    /// Keeps `most` keys from now on.
    pub fn keep(&mut self, most: usize) {
        self.most = Some(most.max(1));
        self.order = self.values.keys().cloned().collect();
    }

    /// The value of `key`.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.values.get(key)
    }

    /// The value of `key`, to be changed.
    pub fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.values.get_mut(key)
    }

    /// Whether `key` is there.
    pub fn contains_key<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.values.contains_key(key)
    }

    /// The values, in no order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.values_mut()
    }

    /// Puts `value` in; returns what `key` had before, and what was forgotten
    /// to make room.
    pub fn insert(&mut self, key: K, value: V) -> (Option<V>, Option<(K, V)>) {
        let Some(most) = self.most else {
            return (self.values.insert(key, value), None);
        };
        if let Some(known) = self.values.get_mut(&key) {
            return (Some(std::mem::replace(known, value)), None);
        }
        self.order.push_back(key.clone());
        self.values.insert(key, value);
        if self.order.len() <= most {
            return (None, None);
        }
        let oldest = self.order.pop_front();
        let gone = oldest.and_then(|key| self.values.remove_entry(&key));
        self.forgotten += u64::from(gone.is_some());
        (None, gone)
    }

    /// The value of `key`, which is put in if it is not there.
    pub fn or_insert(&mut self, key: K, value: V) -> &mut V {
        if !self.values.contains_key(&key) {
            self.insert(key.clone(), value);
        }
        match self.values.get_mut(&key) {
            Some(value) => value,
            // At least the key put in last is kept.
            None => unreachable!("a map keeps one key at the least"),
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many keys were forgotten.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_first_is_forgotten_first() {
        let mut kept: Kept<i32, i32> = Kept::default();
        kept.keep(2);
        for n in 0..4 {
            kept.insert(n, n);
        }
        assert_eq!(kept.insert(3, 30), (Some(3), None));
        assert_eq!(
            (kept.get(&1), kept.get(&2), kept.get(&3)),
            (None, Some(&2), Some(&30))
        );
        assert_eq!((kept.len(), kept.forgotten(), kept.order.len()), (2, 2, 2));
        let mut all: Kept<i32, i32> = Kept::default();
        for n in 0..100 {
            all.insert(n, n);
        }
        assert_eq!((all.len(), all.forgotten()), (100, 0));
    }
}
