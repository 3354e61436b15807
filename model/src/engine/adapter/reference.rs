//! A space as a stateright model: the same states, searched by stateright.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use smallvec::SmallVec;
use stateright::{Model, Property};

use crate::engine::space::{Sink, Space, Worker};

/// A packed state, and nothing else. Short ones are kept in place: of 16, 64
/// and 96 bytes and a box, that took stateright the least time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PackedState(SmallVec<[u8; 16]>);

impl PackedState {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A space as a stateright model.
///
/// An action is the state that it leads to, from one expansion of the state
/// before it: nothing is expanded twice, and stateright's own work is all that
/// is added. What stateright does not count is counted here, and is what it is
/// once the search has ended; to ask for discoveries expands states again.
///
/// ```
/// use plimsoll_model::book::RuleBook;
/// use plimsoll_model::engine::adapter::Reference;
/// use plimsoll_model::presets;
/// use stateright::{Checker, Model};
///
/// let preset = presets::by_name("flaw-own-vote-unrecorded").unwrap();
/// let book = Box::leak(Box::new(RuleBook::new(preset.scenario, false)));
/// let checker = Reference::new(book).checker().threads(2).spawn_bfs().join();
/// let beyond = checker.model().beyond();
/// println!("{} states", checker.unique_state_count());
/// println!("{} generated", checker.state_count() as u64 + beyond);
/// # assert!(checker.is_done() && checker.unique_state_count() > 100);
/// ```
pub struct Reference<S: Space + 'static> {
    /// stateright's checkers own their model and run it on threads of their
    /// own, so what workers borrow from lives as long as the process.
    space: &'static S,
    /// A worker for each thread: a thread comes back to its own.
    workers: Vec<Mutex<Option<S::Worker<'static>>>>,
    beyond: AtomicU64,
    broken: AtomicU64,
}

/// More threads than this share workers.
const WORKERS: usize = 64;

/// Threads are numbered in the order in which they first expand something.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    NUMBER.get().unwrap_or_else(|| {
        let number = NEXT.fetch_add(1, Relaxed);
        NUMBER.set(Some(number));
        number
    })
}

impl<S: Space> Reference<S> {
    /// A model of `space`.
    pub fn new(space: &'static S) -> Self {
        Reference {
            space,
            workers: (0..WORKERS).map(|_| Mutex::new(None)).collect(),
            beyond: AtomicU64::new(0),
            broken: AtomicU64::new(0),
        }
    }

    /// How many successors were out of bounds. stateright leaves them out of
    /// its `state_count`.
    pub fn beyond(&self) -> u64 {
        self.beyond.load(Relaxed)
    }

    /// The properties that broke on a step or in a state, as a mask.
    pub fn broken(&self) -> u64 {
        self.broken.load(Relaxed)
    }

    /// What the workers counted.
    pub fn counts(&self) -> Vec<u64> {
        let mut sum = vec![0; self.space.counters().len()];
        for worker in &self.workers {
            if let Some(worker) = &*lock(worker) {
                for (sum, count) in sum.iter_mut().zip(worker.counts()) {
                    *sum += count;
                }
            }
        }
        sum
    }

    fn with_worker<T>(&self, run: impl FnOnce(&mut S::Worker<'static>) -> T) -> T {
        let mut worker = lock(&self.workers[thread_number() % WORKERS]);
        run(worker.get_or_insert_with(|| self.space.worker()))
    }

    fn gather(
        &self,
        out: &mut Vec<PackedState>,
        run: impl FnOnce(&mut S::Worker<'static>, &mut Gather<'_>),
    ) {
        let mut gather = Gather {
            out,
            beyond: 0,
            broken: 0,
        };
        self.with_worker(|worker| run(worker, &mut gather));
        if gather.beyond > 0 {
            self.beyond.fetch_add(gather.beyond, Relaxed);
        }
        if gather.broken != 0 {
            self.broken.fetch_or(gather.broken, Relaxed);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Gather<'o> {
    out: &'o mut Vec<PackedState>,
    beyond: u64,
    broken: u64,
}

impl Sink for Gather<'_> {
    fn state(&mut self, packed: &[u8], _: u32, broken: u64) {
        self.out.push(PackedState(SmallVec::from_slice(packed)));
        self.broken |= broken;
    }

    fn beyond(&mut self) {
        self.beyond += 1;
    }
}

impl<S: Space> Model for Reference<S> {
    type State = PackedState;
    type Action = PackedState;

    fn init_states(&self) -> Vec<PackedState> {
        let mut states = Vec::new();
        self.gather(&mut states, |worker, gather| worker.initial(gather));
        states
    }

    fn actions(&self, state: &PackedState, actions: &mut Vec<PackedState>) {
        self.gather(actions, |worker, gather| {
            worker.expand(state.bytes(), gather);
        });
    }

    fn next_state(&self, _: &PackedState, successor: PackedState) -> Option<PackedState> {
        Some(successor)
    }

    /// What a worker judges of a state, as one property ([`Reference::JUDGED`]);
    /// and one that always holds ([`Reference::EXPLORED`]), because stateright
    /// stops as soon as there is nothing left for it to discover.
    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(Self::EXPLORED, |_, _| true),
            Property::always(Self::JUDGED, |model: &Self, state: &PackedState| {
                let broken = model.with_worker(|worker| worker.judge(state.bytes()));
                if broken != 0 {
                    model.broken.fetch_or(broken, Relaxed);
                }
                broken == 0
            }),
        ]
    }
}

impl<S: Space> Reference<S> {
    /// The property that no state breaks.
    pub const EXPLORED: &'static str = "explored";
    /// The property that a state breaks which breaks any property of the space.
    pub const JUDGED: &'static str = "judged";
}
