//! Texts as small numbers.

use xxhash_rust::xxh3::xxh3_64;

/// Texts, each with a number, from 0 in the order in which they came.
///
/// One text is stored once, many in one piece: a history has millions. A piece
/// never grows, as both copies would be held meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    pieces: Vec<String>,
    /// In which piece each begins, and where. It ends where the next one of its
    /// piece begins.
    starts: Vec<(u32, u32)>,
    /// Open addressing: number + 1, or 0; with the upper half of the hash, so
    /// that few texts are compared.
    table: Vec<(u32, u32)>,
}

/// How many bytes the first piece has; each has twice as many as the one
/// before, up to the most, and as many as its first text.
const FIRST: usize = 1 << 10;
const MOST: usize = 1 << 20;

impl Texts {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        let table = self.table.capacity() * size_of::<(u32, u32)>();
        // All but the last are full, but for the length of a text.
        let pieces: usize = self.pieces.iter().map(String::capacity).sum();
        pieces + self.starts.capacity() * size_of::<(u32, u32)>() + table
    }

    /// The text with this number; empty when there is none.
    pub fn get(&self, number: u32) -> &str {
        let index = number as usize;
        let Some(&(piece, start)) = self.starts.get(index) else {
            return "";
        };
        let text = &self.pieces[piece as usize];
        let end = match self.starts.get(index + 1) {
            Some(&(next, end)) if next == piece => end as usize,
            _ => text.len(),
        };
        &text[start as usize..end]
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
        if (self.starts.len() + 1) * 2 > self.table.len() {
            self.grow();
        }
        let hash = xxh3_64(text.as_bytes());
        let slot = self.slot(hash, text);
        if let Some(number) = self.table[slot].0.checked_sub(1) {
            return number;
        }
        self.push(text);
        let number = self.starts.len() as u32;
        self.table[slot] = (number, upper(hash));
        number - 1
    }

    fn push(&mut self, text: &str) {
        let fits = |piece: &String| piece.capacity() - piece.len() >= text.len();
        if !self.pieces.last().is_some_and(fits) {
            let before = self.pieces.last().map_or(0, String::capacity);
            let size = (before * 2).clamp(FIRST, MOST).max(text.len());
            self.pieces.push(String::with_capacity(size));
        }
        let last = self.pieces.len() - 1;
        let piece = &mut self.pieces[last];
        self.starts.push((last as u32, piece.len() as u32));
        piece.push_str(text);
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
        for number in 0..self.starts.len() as u32 {
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

    #[test]
    fn texts_of_any_length_stay_what_they_are() {
        let mut texts = Texts::default();
        let text = |i: usize| format!("{i}-{}", "x".repeat(i * i % 5_000));
        for i in 0..700 {
            assert_eq!(texts.intern(&text(i)), i as u32);
        }
        assert_eq!(texts.intern(&"y".repeat(3 << 20)), 700);
        assert_eq!(texts.intern("z"), 701);
        for i in 0..700 {
            assert_eq!(texts.get(i as u32), text(i));
            assert_eq!(texts.intern(&text(i)), i as u32);
        }
        assert_eq!(texts.get(700).len(), 3 << 20);
        assert_eq!(texts.get(701), "z");
        assert_eq!(texts.iter().count(), 702);
    }
}
