//! The stores that are built in, as models.
//!
//! | part | is the model of |
//! |---|---|
//! | [`aims`] | what operations on several keys leave there and have to find |
//! | [`base`] | which revision the store of several keys began with |
//! | [`cell`] | one key |
//! | [`many`] | several keys that transactions, ranges or revisions join |
//! | [`queue`] | a queue |
//! | [`set`] | a set, or one value of it |
//! | [`shown`] | the values of keys, as far as answers can show them |

mod aims;
pub(super) mod base;
pub(super) mod cell;
pub(super) mod many;
pub(super) mod queue;
pub(super) mod set;
pub(super) mod shown;

use xxhash_rust::xxh3::xxh3_64;

/// A number for a few numbers.
pub(super) fn hash64(numbers: &[u32]) -> u64 {
    let mut bytes = [0; 64];
    for (to, from) in bytes.chunks_exact_mut(4).zip(numbers) {
        to.copy_from_slice(&from.to_le_bytes());
    }
    xxh3_64(&bytes)
}
