//! Liveness: what must stay possible, and what must not be put off for ever.
//!
//! Raft promises neither that a leader is elected nor that a write commits
//! under plain fairness: split votes may repeat for ever. So there are two
//! checks, and neither claims that it does.
//!
//! *Recoverability* ([`recover`]): from wherever faults have led, once they end
//! and any majority is up, some continuation reaches the goal. A violation is a
//! way into a state, and the closed set of all that may follow it.
//!
//! *Lassos* ([`lassos`]): without crash and loss, with weak fairness for every
//! action, and with election timeouts only when no message is under way, every
//! run reaches the goal. A violation is a run to a cycle (or to an end) that is
//! fair and never does.
//!
//! A bound is never evidence, in either: what is cut by one is not judged.
//! `docs/liveness.md` says what is claimed under which assumptions, and why.
//!
//! | file | holds |
//! |---|---|
//! | [`goals`] | what must be possible: one goal, one file, one row |
//! | [`recover`] | recoverability, from reachable states to the verdict |
//! | [`reached`], [`aftermath`], [`closure`], [`soup`] | its parts: states with faults, what follows without, ways to the goal, proofs that there is none |
//! | [`lassos`], [`lasso`] | lassos, from the fault-free graph to the verdict; a lasso executed again |
//! | [`graph`], [`fairness`] | its parts, for any labelled graph |
//! | [`shows`] | how a planted flaw is shown by one of them |

pub mod aftermath;
pub mod closure;
pub mod fairness;
pub mod goals;
pub mod graph;
pub mod lasso;
pub mod lassos;
pub mod reached;
pub mod recover;
pub mod shows;
pub mod soup;

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

pub use goals::Goal;
pub use lasso::Executed;
pub use lassos::{Lasso, Lassos};
pub use recover::{Recoverability, Violation};
pub use shows::Shows;

use crate::cluster::State;
use crate::engine::{End, Limits, Progress};
use crate::field::packed;

/// Which check of liveness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whether goals stay possible.
    Recoverability,
    /// Whether fair runs put goals off for ever.
    Lassos,
}

impl Kind {
    /// Both checks.
    pub const ALL: [Kind; 2] = [Kind::Recoverability, Kind::Lassos];

    /// The name, as flags and tables spell it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Recoverability => "recoverability",
            Kind::Lassos => "lassos",
        }
    }

    /// The check called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a check of one goal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds of all that was to be judged.
    Holds,
    /// It does not.
    Violated,
    /// Not all could be judged, or nothing was.
    Inconclusive,
}

/// The name of a state: 128 bits of XXH3 over its packed bytes. That two of
/// some 10^7 states have one is less likely than 10^-24.
fn key_of(packed: &[u8]) -> u128 {
    xxhash_rust::xxh3::xxh3_128(packed)
}

fn key(state: &State) -> u128 {
    key_of(&packed(state))
}

/// Keeps an eye on what a check may spend, and tells where it is.
pub struct Watch<'l, 'p> {
    limits: &'l Limits,
    progress: &'p mut dyn FnMut(Progress),
    started: Instant,
    ticks: u32,
}

impl std::fmt::Debug for Watch<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("limits", self.limits)
            .finish()
    }
}

impl<'l, 'p> Watch<'l, 'p> {
    /// Begins to watch.
    pub fn new(limits: &'l Limits, progress: &'p mut dyn FnMut(Progress)) -> Self {
        Watch {
            limits,
            progress,
            started: Instant::now(),
            ticks: 0,
        }
    }

    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Which limit, if any, is reached: `states` were found, in so many bytes
    /// and up to such a depth.
    pub fn spent(&mut self, states: u64, bytes: u64, depth: usize) -> Option<End> {
        let limits = self.limits;
        if limits.states.is_some_and(|most| states > most) {
            return Some(End::States);
        }
        if limits.memory.is_some_and(|most| bytes > most) {
            return Some(End::Memory);
        }
        self.ticks = self.ticks.wrapping_add(1);
        if !self.ticks.is_multiple_of(256) && self.ticks > 1 {
            return None;
        }
        let elapsed = self.elapsed();
        (self.progress)(Progress {
            distinct: states,
            generated: states,
            depth,
            waiting: 0,
            left: None,
            disk: 0,
            elapsed,
        });
        if limits.interrupt.load(Relaxed) {
            return Some(End::Interrupted);
        }
        let late = limits.time.is_some_and(|time| self.elapsed() >= time);
        late.then_some(End::Time)
    }
}
