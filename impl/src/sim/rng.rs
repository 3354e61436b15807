//! The simulator's only source of chance.

use std::ops::RangeInclusive;

/// xoshiro256++ (Blackman, Vigna: Scrambled Linear Pseudorandom Number
/// Generators, 2021), seeded through SplitMix64 as its authors advise.
///
/// It is here, and not taken from a crate, because a seed in a bug report has
/// to mean the same run in every later version and on every machine.
#[derive(Debug, Clone)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The generator of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut counter = seed;
        let state = std::array::from_fn(|_| {
            counter = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = counter;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        Self { state }
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number of the range, each as likely as the others (to within the
    /// range's share of 2^64).
    ///
    /// # Panics
    ///
    /// With an empty range.
    pub fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = (*range.start(), *range.end());
        assert!(low <= high, "an empty range");
        match (high - low).checked_add(1) {
            Some(count) => {
                let scaled = (u128::from(self.draw()) * u128::from(count)) >> 64;
                low + u64::try_from(scaled).expect("below the count")
            }
            None => self.draw(),
        }
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        // The upper 53 bits are a double in [0, 1) without rounding, so this
        // compares alike on every machine.
        #[allow(clippy::cast_precision_loss)]
        let drawn = (self.draw() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < probability
    }

    /// One of the items, if there is any.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let last = items.len().checked_sub(1)?;
        let place = self.within(0..=last as u64);
        items.get(usize::try_from(place).expect("within the slice"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // From the reference implementation, state {1, 2, 3, 4}.
        let mut rng = Rng {
            state: [1, 2, 3, 4],
        };
        let drawn: Vec<_> = (0..4).map(|_| rng.draw()).collect();
        assert_eq!(
            drawn,
            [
                41_943_041,
                58_720_359,
                3_588_806_011_781_223,
                3_591_011_842_654_386
            ]
        );
    }

    #[test]
    fn ranges_are_covered_to_both_ends() {
        let mut rng = Rng::new(1);
        let mut seen = [0_u32; 4];
        for _ in 0..4000 {
            seen[usize::try_from(rng.within(0..=3)).expect("small")] += 1;
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)));
        assert!(!rng.chance(0.0));
        assert!(rng.chance(1.0));
        assert_eq!(rng.pick::<u8>(&[]), None);
    }
}
