//! How many states the walks saw, and what that says of those they did not.
//!
//! The walks of a seed are independent of each other, the states within a walk
//! are not. So what is counted of a state is the number of *walks* that saw it
//! (incidence data, as ecologists call it), and the estimates are those made
//! for such counts: Good and Turing's for what comes next (Good, "The
//! population frequencies of species", 1953), and Chao's lower bound for what
//! there is (Chao, "Estimating the population size for capture-recapture data
//! with unequal catchability", 1987; in the bias-corrected form, "Chao2").

use std::fmt;

/// What the walks saw of the states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many walks there were.
    pub walks: u64,
    /// The sum over all walks of the different states that each saw.
    pub sightings: u64,
    /// Different states.
    pub distinct: u64,
    /// Those that exactly one walk saw.
    pub seen_once: u64,
    /// Those that exactly two walks saw.
    pub seen_twice: u64,
    /// 0 where the numbers of states are exact (two states with the same
    /// fingerprint of 62 bits count as one). Where there were more states than
    /// the table holds, they are estimates from one state in `2^thinned`.
    pub thinned: u32,
}

impl Coverage {
    /// How many states that no walk has seen one more walk is expected to see.
    pub fn new_in_next_walk(&self) -> f64 {
        ratio(self.seen_once, self.walks)
    }

    /// The share of the states seen by one more walk that no walk has seen
    /// before (Good-Turing).
    pub fn unseen_share(&self) -> f64 {
        // An estimate from a thinned table may go beyond what can be.
        ratio(self.seen_once, self.sightings).min(1.0)
    }

    /// A lower bound, in expectation, of how many states walks like these can
    /// see (Chao2).
    pub fn at_least(&self) -> f64 {
        let (once, twice) = (self.seen_once as f64, self.seen_twice as f64);
        let walks = self.walks.max(1) as f64;
        self.distinct as f64
            + (walks - 1.0) / walks * once * (once - 1.0).max(0.0) / (2.0 * (twice + 1.0))
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 1.0,
        _ => part as f64 / whole as f64,
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = if self.thinned > 0 { "about " } else { "" };
        write!(
            f,
            "{about}{} distinct states in {} walks; one more walk is expected to see {:.3} new ones \
             ({:.4} % of its states: Good-Turing); walks like these can see at least about {:.0} \
             (Chao2). Not exhaustive: both numbers are of what such walks come upon, and say \
             nothing of states that they hardly ever reach, however many there are.",
            self.distinct,
            self.walks,
            self.new_in_next_walk(),
            self.unseen_share() * 100.0,
            self.at_least(),
        )
    }
}

/// Counts by how many walks each state was seen, in bounded memory.
///
/// Once the table is full, only states are kept whose fingerprint starts with
/// one zero bit more (Wegman's adaptive sampling: Flajolet, "On adaptive
/// sampling", 1990). Those that are kept have been counted from the start, and
/// how many zero bits it takes depends on the set of states alone, so the
/// result does not depend on the order.
#[derive(Debug)]
pub(super) struct Sample {
    /// The fingerprint without its last two bits, and there the count; 0 where
    /// nothing is.
    slots: Vec<u64>,
    slots_max: usize,
    held: usize,
    thinned: u32,
    walks: u64,
    sightings: u64,
}

const COUNT: u64 = 0b11;

impl Sample {
    /// A sample of at most `slots_max` slots, rounded up to a power of two, of
    /// which it uses up to three in four.
    pub(super) fn new(slots_max: usize) -> Self {
        let slots_max = slots_max.max(16).next_power_of_two();
        Sample {
            slots: vec![0; slots_max.min(1 << 12)],
            slots_max,
            held: 0,
            thinned: 0,
            walks: 0,
            sightings: 0,
        }
    }

    /// Counts walks that in all came upon so many states, each counted once a
    /// walk.
    pub(super) fn walked(&mut self, walks: u64, fingerprints: &[u64]) {
        self.walks += walks;
        self.sightings += fingerprints.len() as u64;
        for &fingerprint in fingerprints {
            self.see(fingerprint, 1);
        }
    }

    fn see(&mut self, fingerprint: u64, count: u64) {
        if fingerprint.leading_zeros() < self.thinned {
            return;
        }
        let mask = self.slots.len() - 1;
        let mut at = (fingerprint >> 2) as usize & mask;
        loop {
            let slot = &mut self.slots[at];
            if *slot == 0 {
                *slot = fingerprint & !COUNT | count;
                self.held += 1;
                break;
            }
            if *slot & !COUNT == fingerprint & !COUNT {
                let more = (*slot & COUNT) + count;
                *slot = *slot & !COUNT | more.min(COUNT);
                return;
            }
            at = (at + 1) & mask;
        }
        while self.held > self.slots.len() / 4 * 3 {
            let mut size = self.slots.len();
            if size < self.slots_max {
                size *= 2;
            } else {
                self.thinned += 1;
            }
            self.held = 0;
            let old = std::mem::replace(&mut self.slots, vec![0; size]);
            for slot in old.into_iter().filter(|&slot| slot != 0) {
                self.see(slot & !COUNT, slot & COUNT);
            }
        }
    }

    /// What there is to say.
    pub(super) fn coverage(&self) -> Coverage {
        let times = |n: u64| self.slots.iter().filter(|&&s| s & COUNT == n).count() as u64;
        let scale = |states: u64| states << self.thinned;
        Coverage {
            walks: self.walks,
            sightings: self.sightings,
            distinct: scale(self.held as u64),
            seen_once: scale(times(1)),
            seen_twice: scale(times(2)),
            thinned: self.thinned,
        }
    }

    /// How many different states it has come upon, or about how many.
    pub(super) fn distinct(&self) -> u64 {
        (self.held as u64) << self.thinned
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    fn fingerprint(state: u64) -> u64 {
        xxh3_64(&state.to_le_bytes())
    }

    fn of(walks: &[Vec<u64>], slots: usize) -> Coverage {
        let mut sample = Sample::new(slots);
        for walk in walks {
            let seen: Vec<u64> = walk.iter().map(|&state| fingerprint(state)).collect();
            sample.walked(1, &seen);
        }
        sample.coverage()
    }

    #[test]
    fn the_estimates_are_those_of_the_textbook() {
        let coverage = Coverage {
            walks: 10,
            sightings: 50,
            distinct: 20,
            seen_once: 8,
            seen_twice: 3,
            thinned: 0,
        };
        assert_eq!(coverage.new_in_next_walk(), 0.8);
        assert_eq!(coverage.unseen_share(), 0.16);
        assert_eq!(coverage.at_least(), 20.0 + 0.9 * 56.0 / 8.0);
        // Nothing was seen, so nothing is known.
        assert_eq!(Coverage::default().unseen_share(), 1.0);
        assert_eq!(Coverage::default().at_least(), 0.0);
    }

    #[test]
    fn a_full_table_estimates_what_it_does_not_hold() {
        // 100,000 states, each seen by one, two or three walks.
        let walk = |n: u64| (0..100_000).filter(|s| s % 3 >= n).collect::<Vec<u64>>();
        let walks = [walk(0), walk(1), walk(2)];
        let exact = of(&walks, 1 << 20);
        assert_eq!((exact.distinct, exact.thinned), (100_000, 0));
        assert_eq!((exact.seen_once, exact.seen_twice), (33_334, 33_333));
        let thin = of(&walks, 1 << 13);
        assert!(thin.thinned >= 4, "{thin:?}");
        assert_eq!(thin.sightings, exact.sightings);
        for (estimate, truth) in [
            (thin.distinct, exact.distinct),
            (thin.seen_once, exact.seen_once),
            (thin.seen_twice, exact.seen_twice),
        ] {
            let off = estimate as f64 / truth as f64;
            assert!((0.9..1.1).contains(&off), "{thin:?} is off by {off}");
        }
    }

    proptest! {
        #[test]
        fn what_is_counted_does_not_depend_on_the_order(
            walks in prop::collection::vec(prop::collection::btree_set(0u64..200, 0..60), 0..12),
            rotate in 0usize..12,
        ) {
            let walks: Vec<Vec<u64>> = walks.into_iter().map(|w| w.into_iter().collect()).collect();
            let mut other: Vec<Vec<u64>> = walks.clone();
            other.iter_mut().for_each(|walk| walk.reverse());
            other.rotate_left(rotate.min(walks.len()));
            prop_assert_eq!(of(&walks, 16), of(&other, 16));

            let seen = |state| walks.iter().filter(|walk| walk.contains(&state)).count();
            let times = |n| (0..200).filter(|&state| seen(state) == n).count() as u64;
            let exact = of(&walks, 1 << 10);
            prop_assert_eq!(exact.distinct, 200 - times(0));
            prop_assert_eq!((exact.seen_once, exact.seen_twice), (times(1), times(2)));
        }
    }
}
