//! Which of a run's nodes a name is.

use std::collections::HashMap;

use crate::names::NodeName;

/// The nodes of a run in some order. Every line names several, so that finding
/// one has to be quick.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// The names, in order, each with its key.
    nodes: Vec<(Key, NodeName)>,
    /// Where they stand, if they are many.
    places: HashMap<NodeName, usize>,
}

/// Up to this many, each is looked at.
const FEW: usize = 16;

/// What tells most names apart: how long one is, and its first bytes.
type Key = (usize, u64);

const IN_KEY: usize = size_of::<u64>();

#[inline]
fn key(name: &NodeName) -> Key {
    let bytes = name.as_str().as_bytes();
    let first = bytes.iter().take(IN_KEY);
    let first = first.fold(0, |key, byte| key << 8 | u64::from(*byte));
    (bytes.len(), first)
}

impl Roster {
    /// The place of `name`, counted from 0.
    #[must_use]
    #[inline]
    pub fn place(&self, name: &NodeName) -> Option<usize> {
        if !self.places.is_empty() {
            return self.places.get(name).copied();
        }
        let wanted = key(name);
        let same =
            |known: &(Key, NodeName)| known.0 == wanted && (wanted.0 <= IN_KEY || known.1 == *name);
        self.nodes.iter().position(same)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

impl<'a> FromIterator<&'a NodeName> for Roster {
    fn from_iter<I: IntoIterator<Item = &'a NodeName>>(names: I) -> Self {
        let names = names.into_iter();
        let nodes: Vec<_> = names.map(|name| (key(name), name.clone())).collect();
        let many = nodes.iter().enumerate().filter(|_| nodes.len() > FEW);
        // The first of two that are the same is the one.
        let places = many.rev().map(|(at, (_, name))| (name.clone(), at));
        Roster {
            places: places.collect(),
            nodes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        for names in [3_usize, 16, 17, 200] {
            let long = "a name of many letters that only the end tells from ";
            for start in ["", "n", long] {
                let all: Vec<NodeName> = (0..names)
                    .map(|n| NodeName::new(format!("{start}{n}")))
                    .collect();
                let roster: Roster = all.iter().collect();
                assert_eq!(roster.len(), names);
                for (at, name) in all.iter().enumerate() {
                    assert_eq!(roster.place(name), Some(at), "{name}");
                }
                for no in [format!("{start}{names}"), format!("{start}00"), "m".into()] {
                    assert_eq!(roster.place(&no.into()), None);
                }
            }
        }
    }
}
