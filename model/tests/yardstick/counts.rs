//! The counts that TLC and others found, by a plain breadth-first search over
//! packed states.

use std::collections::HashSet;

use plimsoll_model::engine::space::{Sink, Space, Worker};
use plimsoll_model::yardstick::{Bounds, Yardstick};

use crate::{bounds, yardstick};

#[derive(Default)]
struct Search {
    seen: HashSet<Vec<u8>>,
    next: Vec<Vec<u8>>,
    generated: u64,
}

impl Sink for Search {
    fn state(&mut self, packed: &[u8], _: u32, _: u64) {
        self.generated += 1;
        if !self.seen.contains(packed) {
            self.seen.insert(packed.to_vec());
            self.next.push(packed.to_vec());
        }
    }

    fn beyond(&mut self) {
        self.generated += 1;
    }
}

/// Distinct, generated, levels; the names of what never fired.
fn search(row: [u32; 6]) -> ((usize, u64, u32), Vec<String>) {
    let yardstick = yardstick(row);
    let mut worker = yardstick.worker();
    let mut search = Search::default();
    worker.initial(&mut search);
    let mut levels = 0;
    while !search.next.is_empty() {
        levels += 1;
        for state in std::mem::take(&mut search.next) {
            assert_eq!(worker.judge(&state), 0, "{}", yardstick.unpack(&state));
            worker.expand(&state, &mut search);
        }
    }
    let counts = (search.seen.len(), search.generated, levels);
    let fired: u64 = worker.counts().iter().sum();
    assert_eq!(search.generated, fired + 1, "all but the initial state");
    let names = yardstick.counters().into_iter().zip(worker.counts());
    let unfired = names.filter(|(_, count)| *count == 0);
    (counts, unfired.map(|(name, _)| name).collect())
}

#[test]
fn two_servers_give_the_exact_counts() {
    assert_eq!(search([2, 1, 2, 1, 1, 1]).0, (1_645, 12_861, 28));
    assert_eq!(search([2, 2, 2, 1, 1, 1]).0, (1_989, 15_877, 28));
    assert_eq!(search([2, 1, 2, 2, 1, 1]).0, (2_431, 18_727, 33));
    assert_eq!(search([2, 1, 2, 1, 2, 1]).0, (13_479, 134_721, 32));
    assert_eq!(search([2, 1, 2, 1, 2, 2]).0, (22_231, 210_801, 33));
}

#[test]
fn three_servers_give_the_exact_counts() {
    assert_eq!(search([3, 1, 2, 0, 1, 1]).0, (617_361, 7_680_091, 39));
}

/// Term 1 has no leader. Within term 2 no two terms have one, so that nothing
/// is stale and no log conflicts; and the bounds of term 3 show all the rest.
#[test]
fn what_cannot_fire_is_known() {
    let conflict = "HandleAppendEntriesRequest: conflict";
    assert_eq!(
        search([2, 1, 2, 1, 2, 2]).1,
        [
            "HandleAppendEntriesRequest: reject",
            conflict,
            "HandleAppendEntriesResponse: not successful",
            "DropStaleResponse",
        ]
    );
    assert_eq!(search([2, 1, 3, 1, 1, 1]).1, [conflict]);
}

#[test]
fn states_are_small() {
    assert_eq!(yardstick([3, 1, 2, 2, 1, 1]).bytes(), 14);
    assert_eq!(yardstick([2, 1, 2, 1, 1, 1]).bytes(), 8);
}

#[test]
fn bounds_out_of_range_are_refused() {
    let refused = |row| {
        let error = Yardstick::new(bounds(row)).expect_err("out of range");
        error.to_string()
    };
    assert_eq!(refused([0, 1, 1, 0, 0, 1]), "servers must be 1 to 7, not 0");
    assert_eq!(refused([8, 1, 1, 0, 0, 1]), "servers must be 1 to 7, not 8");
    assert_eq!(
        refused([3, 16, 1, 0, 0, 1]),
        "values must be 1 to 15, not 16"
    );
    assert_eq!(
        refused([3, 1, 64, 0, 0, 1]),
        "max-term must be 1 to 63, not 64"
    );
    assert_eq!(
        refused([3, 1, 1, 64, 0, 1]),
        "max-log must be 0 to 63, not 64"
    );
    assert_eq!(
        refused([3, 1, 1, 0, 256, 1]),
        "max-messages must be 0 to 255, not 256"
    );
    assert_eq!(
        refused([3, 1, 1, 0, 0, 0]),
        "max-copies must be 1 to 255, not 0"
    );
    // And the corners of the range are not.
    yardstick([7, 15, 63, 63, 255, 255]);
    yardstick([1, 1, 1, 0, 0, 1]);
}

#[test]
fn the_identity_names_every_bound() {
    let base = [3, 2, 4, 5, 6, 6];
    let identity = |row| yardstick(row).identity();
    for i in 0..base.len() {
        let mut other = base;
        other[i] -= 1;
        assert_ne!(identity(base), identity(other), "bound {i}");
    }
    let same = Bounds { ..bounds(base) };
    assert_eq!(identity(base), Yardstick::new(same).unwrap().identity());
}
