//! Server renaming: states that differ only in the names of servers behave
//! alike, so one of each orbit is enough.
//!
//! The group is every renaming that maps the initial state to itself. No rule
//! compares names but for equality; a test permutes successors to hold that.

use crate::cluster::State;
use crate::field::{Field, Renaming, packed};
use crate::scenario::Scenario;

/// The renamings that leave the initial state of `scenario` as it is.
pub fn stabiliser(scenario: &Scenario) -> Vec<Renaming> {
    let initial = State::initial(scenario);
    Renaming::all(usize::from(scenario.bounds.servers))
        .into_iter()
        .filter(|by| initial.rename(by) == initial)
        .collect()
}

/// The representative of the orbit of `state`: the renamed state with the
/// smallest packed bytes. It does not depend on which member is given.
pub fn representative(state: &State, group: &[Renaming]) -> State {
    let renamed = group.iter().map(|by| state.rename(by));
    renamed
        .min_by_cached_key(packed)
        .unwrap_or_else(|| state.clone())
}

trait MinByCachedKey: Iterator + Sized {
    /// `min_by_key` that computes each key once.
    fn min_by_cached_key<K: Ord>(self, key: impl Fn(&Self::Item) -> K) -> Option<Self::Item> {
        let keyed = self.map(|item| (key(&item), item));
        let least = keyed.reduce(|a, b| if b.0 < a.0 { b } else { a });
        least.map(|(_, item)| item)
    }
}

impl<I: Iterator> MinByCachedKey for I {}
