//! Election timeouts (Raft section 5.2), counted in ticks.

/// Counts ticks up to a timeout that is drawn anew at every restart.
///
/// The draw is the core's own, from a seed that the driver gives, so that a
/// server's behaviour is a function of its inputs.
///
/// Invariant: `least_ticks <= timeout_ticks < 2 * least_ticks`.
#[derive(Debug, Clone)]
pub(super) struct ElectionTimer {
    least_ticks: u32,
    timeout_ticks: u32,
    elapsed_ticks: u32,
    state: u64,
}

impl ElectionTimer {
    pub(super) fn new(least_ticks: u32, seed: u64) -> Self {
        let mut timer = Self {
            least_ticks,
            timeout_ticks: least_ticks,
            elapsed_ticks: 0,
            state: seed,
        };
        timer.restart();
        timer
    }

    /// Starts from zero towards a timeout drawn anew.
    pub(super) fn restart(&mut self) {
        self.elapsed_ticks = 0;
        let spread = draw(&mut self.state) % u64::from(self.least_ticks);
        let spread = u32::try_from(spread).expect("below a u32");
        self.timeout_ticks = self.least_ticks.saturating_add(spread);
    }

    /// Starts from zero towards the timeout drawn before.
    pub(super) const fn rewind(&mut self) {
        self.elapsed_ticks = 0;
    }

    /// Counts one tick; says whether the time is over.
    pub(super) const fn tick(&mut self) -> bool {
        self.elapsed_ticks = self.elapsed_ticks.saturating_add(1);
        self.elapsed_ticks >= self.timeout_ticks
    }
}

/// The next number of the sequence SplitMix64 (Steele, Lea, Flood: Fast
/// Splittable Pseudorandom Number Generators, OOPSLA 2014).
const fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_spread_over_the_interval_and_stay_in_it() {
        let mut timer = ElectionTimer::new(10, 7);
        let mut seen = [false; 10];
        for _ in 0..1000 {
            timer.restart();
            assert!((10..20).contains(&timer.timeout_ticks));
            seen[timer.timeout_ticks as usize - 10] = true;
        }
        assert_eq!(seen, [true; 10]);
    }

    #[test]
    fn the_time_is_over_at_the_timeout_and_not_before() {
        let mut timer = ElectionTimer::new(10, 1);
        let timeout = timer.timeout_ticks;
        for _ in 1..timeout {
            assert!(!timer.tick());
        }
        assert!(timer.tick());
    }
}
