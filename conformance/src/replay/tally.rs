//! What is counted at every step, by a name or another small key.

use std::collections::BTreeMap;

use plimsoll_model::rules::Branch;

/// A key that is cheap to compare.
pub trait Key: Copy + Ord {
    /// Whether it is surely the same as another one, found without looking at
    /// what it points to.
    fn is(self, other: Self) -> bool;
}

impl Key for &'static str {
    #[inline]
    fn is(self, other: Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Key for Branch {
    #[inline]
    fn is(self, other: Self) -> bool {
        self == other
    }
}

/// Values by their keys, few and asked for often: looked for one after the
/// other, from the one behind that which was asked for last, since lines ask in
/// the same order time and again.
#[derive(Clone, Debug)]
pub struct Tally<K, V> {
    all: Vec<(K, V)>,
    next: usize,
}

impl<K, V> Default for Tally<K, V> {
    fn default() -> Self {
        Tally {
            all: Vec::new(),
            next: 0,
        }
    }
}

impl<K: Key, V: Default> Tally<K, V> {
    /// The value of `key`; a new one, if it is not there.
    #[inline]
    pub fn of(&mut self, key: K) -> &mut V {
        let at = match self.all.get(self.next) {
            Some((known, _)) if known.is(key) => self.next,
            _ => self.find(key),
        };
        self.next = at + 1;
        &mut self.all[at].1
    }

    #[inline]
    fn find(&mut self, key: K) -> usize {
        // That which was asked for last is often asked for again.
        let last = self.next.wrapping_sub(1);
        if self.all.get(last).is_some_and(|(known, _)| known.is(key)) {
            return last;
        }
        let same = |(known, _): &(K, V)| known.is(key);
        let equal = |(known, _): &(K, V)| *known == key;
        let found = self.all.iter().position(same);
        found
            .or_else(|| self.all.iter().position(equal))
            .unwrap_or_else(|| {
                self.all.push((key, V::default()));
                self.all.len() - 1
            })
    }

    /// The keys and their values, in order.
    pub fn map(&self) -> BTreeMap<K, V>
    where
        V: Clone,
    {
        self.all.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_what_a_name_says_and_not_where_it_stands() {
        let mut tally: Tally<&'static str, u64> = Tally::default();
        let elsewhere: &'static str = String::from("vote").leak();
        for name in ["vote", "append", "append", "vote", elsewhere, "append"] {
            *tally.of(name) += 1;
        }
        assert_eq!(tally.map(), BTreeMap::from([("append", 3), ("vote", 3)]));
    }
}
