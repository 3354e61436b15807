//! Numbers for byte strings: equal strings, and no others, have one number.

use crate::field::fingerprint_of;

/// Byte strings, numbered from zero in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// All strings, one behind the other.
    bytes: Vec<u8>,
    /// Where each string ends; the one before it ends where it begins.
    ends: Vec<u32>,
    /// Open addressing: half a hash, and the number plus one; zero is vacant.
    /// The half is compared before the strings are.
    slots: Vec<(u32, u32)>,
}

impl Names {
    /// How many strings there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Roughly how many bytes of memory this takes.
    pub(super) fn footprint(&self) -> usize {
        self.bytes.capacity() + 4 * self.ends.capacity() + 8 * self.slots.capacity()
    }

    /// String number `at`.
    pub(super) fn get(&self, at: u32) -> &[u8] {
        let at = at as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start as usize..self.ends[at] as usize]
    }

    /// The number of `name`, and whether it is new.
    pub(super) fn number(&mut self, name: &[u8]) -> (u32, bool) {
        if self.slots.len() < 2 * (self.len() + 1) {
            self.grow();
        }
        let hash = (fingerprint_of(name) >> 32) as u32;
        let mut slot = self.slot_of(hash);
        loop {
            let (half, number) = self.slots[slot];
            if number == 0 {
                break;
            }
            if half == hash && self.get(number - 1) == name {
                return (number - 1, false);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.bytes.extend_from_slice(name);
        self.ends.push(self.bytes.len() as u32);
        self.slots[slot] = (hash, self.len() as u32);
        (self.len() as u32 - 1, true)
    }

    fn slot_of(&self, hash: u32) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    fn grow(&mut self) {
        let larger = vec![(0, 0); usize::max(64, 2 * self.slots.len())];
        let slots = std::mem::replace(&mut self.slots, larger);
        for (hash, number) in slots.into_iter().filter(|slot| slot.1 > 0) {
            let mut slot = self.slot_of(hash);
            while self.slots[slot].1 > 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = (hash, number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_keeps_its_number_and_a_number_its_string() {
        let mut names = Names::default();
        let name = |i: u32| i.to_le_bytes()[..(i % 5) as usize].to_vec();
        let mut known: Vec<Vec<u8>> = Vec::new();
        for i in 0..50_000 {
            let (number, new) = names.number(&name(i));
            assert_eq!(new, number as usize == known.len());
            if new {
                known.push(name(i));
            }
            assert_eq!(known[number as usize], name(i));
        }
        for (i, name) in known.iter().enumerate() {
            assert_eq!(names.get(i as u32), name);
            assert_eq!(names.number(name), (i as u32, false));
        }
        assert!(known.len() > 10_000);
    }
}
