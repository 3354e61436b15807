//! What is counted while a search runs, by the model itself: stateright's own
//! counters know neither successors out of bounds nor rule branches.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crate::action::Action;
use crate::properties::{self, Finding};
use crate::rules::Branch;
use crate::witnesses;

/// How many properties there are.
pub(crate) const PROPERTIES: usize = properties::ALL.len();

/// What is counted during a search.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Initial states plus one for every enabled action.
    pub generated: AtomicU64,
    /// Successors outside the constraints of the bounds.
    pub out_of_bounds: AtomicU64,
    /// How often each rule branch fired, in the order of [`Branch::ALL`].
    pub branches: [AtomicU64; Branch::ALL.len()],
    /// How often each kind of action fired, in the order of [`Action::KINDS`].
    pub actions: [AtomicU64; Action::KINDS.len()],
    /// How often each witness was seen, in the order of [`witnesses::ALL`].
    pub witnesses: [AtomicU64; witnesses::ALL.len()],
    /// How often each property was judged, vacuously or not.
    pub judged: [AtomicU64; PROPERTIES],
    /// How often each property had something to judge.
    pub evaluated: [AtomicU64; PROPERTIES],
    /// Whether a depth limit left actions untried.
    pub cut: AtomicBool,
    /// The first state that broke each property.
    first: [Mutex<Option<u64>>; PROPERTIES],
}

fn zeros<const N: usize>() -> [AtomicU64; N] {
    std::array::from_fn(|_| AtomicU64::new(0))
}

impl Default for Tally {
    fn default() -> Self {
        Tally {
            generated: AtomicU64::new(0),
            out_of_bounds: AtomicU64::new(0),
            branches: zeros(),
            actions: zeros(),
            witnesses: zeros(),
            judged: zeros(),
            evaluated: zeros(),
            cut: AtomicBool::new(false),
            first: std::array::from_fn(|_| Mutex::new(None)),
        }
    }
}

impl Tally {
    /// A judgement of `property`.
    pub(crate) fn found(&self, property: usize, finding: Finding) {
        self.judged[property].fetch_add(1, Relaxed);
        if finding != Finding::Vacuous {
            self.evaluated[property].fetch_add(1, Relaxed);
        }
    }

    /// Whether the state with this fingerprint is the first to break
    /// `property`. stateright keeps the last discovery of a block of states;
    /// the first one is the shortest.
    pub(crate) fn is_first(&self, property: usize, fingerprint: impl FnOnce() -> u64) -> bool {
        let here = fingerprint();
        match self.first[property].lock() {
            Ok(mut first) => *first.get_or_insert(here) == here,
            Err(_) => true,
        }
    }
}
