//! How a state was reached, told without keeping paths.
//!
//! A search keeps no parents. When a property breaks, the search is done once
//! more, down to the level in which it broke, and this time writes for every
//! new state the least fingerprint of its parents, level by level, beside the
//! frontier. Read backwards once, these logs give the run as fingerprints; the
//! run itself comes from executing the space forwards along them.

use super::disk::Failure;
use super::explore::{Options, Trail};
use super::key::Key;
use super::queue::Queue;
use super::search::{Found, Run};
use super::space::{Sink, Space, Worker};

/// The trails of all that was found.
///
/// # Errors
/// When files cannot be read or written, or the run is not found again.
pub(super) fn trails<S: Space, K: Key>(
    space: &S,
    options: &Options,
    found: &Found<K>,
    external: bool,
) -> Result<Vec<Trail>, Failure> {
    let mut open: Vec<Walk<K>> = Vec::new();
    for (property, found) in found.iter().enumerate() {
        let Some((level, broken)) = found else {
            continue;
        };
        open.push(match broken.parent {
            // The step may lead back to an earlier level.
            Some(parent) => Walk {
                property,
                level: level.saturating_sub(1),
                keys: vec![broken.child, parent],
            },
            None => Walk {
                property,
                level: *level,
                keys: vec![broken.child],
            },
        });
    }
    let Some(deepest) = open.iter().map(|walk| walk.level).max() else {
        return Ok(Vec::new());
    };
    let mut logs = if deepest == 0 {
        Vec::new()
    } else {
        let mut run = Run::<S, K>::traced(space, options, external)?;
        run.search_levels(deepest)?;
        run.into_trace()
    };
    for level in (1..=deepest).rev() {
        let Some(mut log) = logs.pop() else {
            break;
        };
        if logs.len() == level {
            step_back(&mut open, level, &mut log)?;
        }
    }
    open.into_iter()
        .map(|walk| {
            if walk.level > 0 {
                return Err(Failure::Lost {
                    property: space.properties().swap_remove(walk.property),
                });
            }
            let keys = walk.keys.iter().rev();
            Ok(Trail {
                property: walk.property,
                fingerprints: keys.map(|key| key.wide()).collect(),
            })
        })
        .collect()
}

/// A trail that is followed backwards: its last key is of a state of `level`.
struct Walk<K> {
    property: usize,
    level: usize,
    /// The last state first. Of a key that only its child's log has told, the
    /// second word is not known until its own log is read.
    keys: Vec<K>,
}

/// Finds in the log of `level` the parents of every walk that is there.
fn step_back<K: Key>(open: &mut [Walk<K>], level: usize, log: &mut Queue) -> Result<(), Failure> {
    let wanted = |walk: &Walk<K>| walk.level == level;
    let mut found: Vec<Option<(K, u64)>> = vec![None; open.len()];
    while let Some(chunk) = log.pop() {
        let chunk = chunk.load()?;
        for record in chunk.chunks_exact(24) {
            let word = |i: usize| {
                let bytes = record[i * 8..i * 8 + 8].try_into();
                bytes.map_or(0, u64::from_le_bytes)
            };
            let key = K::from_words([word(0), word(1)]);
            for (walk, found) in open.iter().zip(&mut found) {
                let (true, Some(last)) = (wanted(walk), walk.keys.last()) else {
                    continue;
                };
                if key.words()[0] == last.words()[0] {
                    let seen = (key, word(2));
                    *found = Some(found.map_or(seen, |known| known.min(seen)));
                }
            }
        }
    }
    for (walk, found) in open.iter_mut().zip(found) {
        if let Some((key, parent)) = found {
            if let Some(last) = walk.keys.last_mut() {
                *last = key;
            }
            walk.keys.push(K::from_words([parent, parent]));
            walk.level -= 1;
        }
    }
    Ok(())
}

/// The packed states along these fingerprints.
pub(super) fn packed_run<S: Space, K: Key>(
    space: &S,
    fingerprints: &[u128],
) -> Option<Vec<(u32, Vec<u8>)>> {
    let mut worker = space.worker();
    let mut run: Vec<(u32, Vec<u8>)> = Vec::new();
    for &fingerprint in fingerprints {
        let mut finder = Finder::<K> {
            // Only the first word of the initial state's may be known.
            key: K::from_words([(fingerprint >> 64) as u64, fingerprint as u64]),
            narrow: run.is_empty(),
            ordinal: 0,
            found: None,
        };
        match run.last() {
            None => worker.initial(&mut finder),
            Some((_, packed)) => worker.expand(packed, &mut finder),
        }
        run.push(finder.found?);
    }
    Some(run)
}

struct Finder<K> {
    key: K,
    narrow: bool,
    ordinal: u32,
    found: Option<(u32, Vec<u8>)>,
}

impl<K: Key> Sink for Finder<K> {
    fn state(&mut self, packed: &[u8], _: u32, _: u64) {
        let key = K::of(packed);
        let here = match self.narrow {
            true => key.words()[0] == self.key.words()[0],
            false => key == self.key,
        };
        if here && self.found.is_none() {
            self.found = Some((self.ordinal, packed.to_vec()));
        }
        self.ordinal += 1;
    }

    fn beyond(&mut self) {
        self.ordinal += 1;
    }
}
