//! The name of a node as the trace spells it, kept in place.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use smallvec::SmallVec;

/// The most bytes of a name: the library prints 64-bit numbers.
const LENGTH: usize = 23;

/// The name of a node: its bytes, zeros, and how many bytes it has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Nid([u8; LENGTH + 1]);

impl Nid {
    /// Nobody.
    pub(super) const NOBODY: Nid = {
        let mut text = [0; LENGTH + 1];
        text[0] = b'0';
        text[LENGTH] = 1;
        Nid(text)
    };

    /// The name as it is spelled.
    pub(crate) fn as_str(&self) -> &str {
        let len = usize::from(self.0[LENGTH]);
        std::str::from_utf8(&self.0[..len]).unwrap_or_default()
    }

    fn of(text: &str) -> Option<Self> {
        let mut kept = [0; LENGTH + 1];
        kept[..LENGTH]
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        kept[LENGTH] = u8::try_from(text.len()).ok()?;
        Some(Nid(kept))
    }
}

impl Hash for Nid {
    #[inline]
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let (words, _) = self.0.as_chunks();
        let turned = |word: u64, bytes: &[u8; 8]| word.rotate_left(17) ^ u64::from_le_bytes(*bytes);
        hasher.write_u64(words.iter().fold(0, turned));
    }
}

/// A map by node, for names that are short.
pub(super) type ByNid<T> = HashMap<Nid, T, BuildHasherDefault<Word>>;

/// The hash of a name that is hashed as one word.
#[derive(Default)]
pub(super) struct Word(u64);

impl Hasher for Word {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }
    fn write_u64(&mut self, word: u64) {
        let mixed = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 29);
    }
}

impl fmt::Display for Nid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Nid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

struct Spelled;

impl Visitor<'_> for Spelled {
    type Value = Nid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of a node, of at most {LENGTH} bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Nid, E> {
        Nid::of(text).ok_or_else(|| E::invalid_length(text.len(), &self))
    }
}

impl<'de> Deserialize<'de> for Nid {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Spelled)
    }
}

/// A list of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nids(SmallVec<[Nid; 3]>);

impl std::ops::Deref for Nids {
    type Target = [Nid];
    fn deref(&self) -> &[Nid] {
        &self.0
    }
}

struct Listed;

impl<'de> Visitor<'de> for Listed {
    type Value = Nids;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of nodes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Nids, A::Error> {
        let mut nids = SmallVec::new();
        while let Some(nid) = from.next_element()? {
            nids.push(nid);
        }
        Ok(Nids(nids))
    }
}

impl<'de> Deserialize<'de> for Nids {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Listed)
    }
}
