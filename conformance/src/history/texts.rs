//! Texts as small numbers.

use xxhash_rust::xxh3::xxh3_64;

/// Texts, each with a number, from 0 in the order in which they came.
///
/// One text is stored once, all in one buffer: a history has millions.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    bytes: String,
    /// Where each ends.
    ends: Vec<usize>,
    /// Open addressing: number + 1, or 0; with the upper half of the hash, so
    /// that few texts are compared.
    table: Vec<(u32, u32)>,
}

impl Texts {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        let table = self.table.capacity() * size_of::<(u32, u32)>();
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>() + table
    }

    /// The text with this number; empty when there is none.
    pub fn get(&self, number: u32) -> &str {
        let index = number as usize;
        let Some(&end) = self.ends.get(index) else {
            return "";
        };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..end]
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len() as u32).map(|number| self.get(number))
    }

    /// The number of a text that is there.
    pub fn find(&self, text: &str) -> Option<u32> {
        if self.table.is_empty() {
            return None;
        }
        let hash = xxh3_64(text.as_bytes());
        let slot = self.slot(hash, text);
        self.table[slot].0.checked_sub(1)
    }

    /// The number of a text, which is added if it is new.
    pub fn intern(&mut self, text: &str) -> u32 {
        if (self.ends.len() + 1) * 2 > self.table.len() {
            self.grow();
        }
        let hash = xxh3_64(text.as_bytes());
        let slot = self.slot(hash, text);
        if let Some(number) = self.table[slot].0.checked_sub(1) {
            return number;
        }
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
        let number = self.ends.len() as u32;
        self.table[slot] = (number, upper(hash));
        number - 1
    }

    /// Where the text is, or would be.
    fn slot(&self, hash: u64, text: &str) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let (number, half) = self.table[slot];
            let Some(number) = number.checked_sub(1) else {
                return slot;
            };
            if half == upper(hash) && self.get(number) == text {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(16);
        let mut table = vec![(0, 0); size];
        for number in 0..self.ends.len() as u32 {
            let hash = xxh3_64(self.get(number).as_bytes());
            let mut slot = hash as usize & (size - 1);
            while table[slot].0 != 0 {
                slot = (slot + 1) & (size - 1);
            }
            table[slot] = (number + 1, upper(hash));
        }
        self.table = table;
    }
}

fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::Texts;

    #[test]
    fn a_text_has_one_number() {
        let mut texts = Texts::default();
        let names: Vec<_> = (0..1000).map(|i| format!("v{}", i % 100)).collect();
        for (i, name) in names.iter().enumerate() {
            assert_eq!(texts.intern(name), i as u32 % 100);
        }
        assert_eq!(texts.len(), 100);
        assert_eq!(texts.get(7), "v7");
        assert_eq!(texts.find("v99"), Some(99));
        assert_eq!(texts.find("w"), None);
        assert_eq!(texts.get(100), "");
        assert_eq!(texts.intern(""), 100, "the empty text is one too");
    }
}
