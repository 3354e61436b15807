//! Chance that comes from numbers alone.

/// A generator of random numbers (splitmix64: Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", 2014). What it rolls is the same
/// on every machine and in every version.
#[derive(Clone, Debug)]
pub struct Dice(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Dice {
    /// The dice of walk `walk` of `seed`: of one walk as good as independent
    /// of those of another. `purpose` tells apart what is drawn for one walk.
    pub fn of(seed: u64, walk: u64, purpose: u64) -> Self {
        let seed = mix(seed.wrapping_add(STEP));
        let walk = mix(walk.wrapping_add(seed));
        Dice(mix(purpose.wrapping_add(walk)))
    }

    /// A number of 64 bits.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below `n`, each as likely as any other; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        // Of the 2^64 rolls, those are rolled again that would be one too many
        // for some of the numbers.
        let surplus = n.wrapping_neg() % n;
        loop {
            let wide = u128::from(self.roll()) * u128::from(n);
            if wide as u64 >= surplus {
                return (wide >> 64) as u64;
            }
        }
    }

    /// True once in `n` rolls.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_splitmix64() {
        // The first numbers of the published generator from the seed 1234567.
        let mut dice = Dice(1_234_567);
        let rolled = [dice.roll(), dice.roll(), dice.roll()];
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(rolled, published);
    }

    #[test]
    fn every_number_below_is_as_likely_as_any_other() {
        for n in [1, 2, 3, 7, 10] {
            let mut seen = vec![0u64; n as usize];
            let mut dice = Dice::of(1, n, 0);
            for _ in 0..n * 10_000 {
                seen[dice.below(n) as usize] += 1;
            }
            // Five standard deviations.
            assert!(
                seen.iter().all(|&count| count.abs_diff(10_000) < 500),
                "{seen:?}"
            );
        }
        assert_eq!(Dice(0).below(0), 0);
    }

    #[test]
    fn walks_seeds_and_purposes_have_dice_of_their_own() {
        let mut first: Vec<u64> = Vec::new();
        for seed in 0..10 {
            for walk in 0..10 {
                for purpose in 0..2 {
                    first.push(Dice::of(seed, walk, purpose).roll());
                }
            }
        }
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), 200);
    }
}
