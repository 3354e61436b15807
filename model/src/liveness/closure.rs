//! What becomes of a state: whether a goal is reached from it, searched breadth
//! first over all that may follow.
//!
//! The search is exact in both directions. It ends with a way to the goal; or
//! with a *closed* set, one that nothing leads out of and nothing reaches the
//! goal from; or it says what kept it from either.

use std::collections::{HashMap, HashSet, VecDeque};

/// Where a move leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach<S> {
    /// To the goal.
    Goal,
    /// Out of bounds: what lies there is not known.
    Beyond,
    /// To a state.
    State(S),
}

/// What may follow a state.
pub trait System {
    /// A state.
    type State;
    /// What may happen.
    type Action;

    /// A name of the state: equal states, and no others, have one.
    fn key(&self, state: &Self::State) -> u128;

    /// All that may happen in `state`, and where it leads, in a fixed order.
    fn moves(&self, state: &Self::State) -> Vec<(Self::Action, Reach<Self::State>)>;
}

/// What becomes of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate<A> {
    /// The goal is reached: by these actions, or by these to a state from which
    /// it is known to be.
    Reaches(Vec<A>),
    /// It is not reached, and nothing is left out: so many states follow.
    Closed(u64),
    /// It is not reached within bounds, and something leads out of them.
    Cut,
    /// The search was given up after so many states.
    Spent,
}

/// What is known of states of one system and one goal.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    hopeful: HashSet<u128>,
    hopeless: HashSet<u128>,
}

impl Memo {
    /// Bytes of memory, roughly.
    pub fn footprint(&self) -> u64 {
        const EACH: usize = 20;
        (EACH * (self.hopeful.capacity() + self.hopeless.capacity())) as u64
    }
}

/// What becomes of `start`, and how many states were looked at. Now and then
/// `give_up` is asked with their number.
pub fn fate<S: System>(
    system: &S,
    start: S::State,
    memo: &mut Memo,
    give_up: &mut dyn FnMut(u64) -> bool,
) -> (Fate<S::Action>, u64) {
    let key = system.key(&start);
    if memo.hopeful.contains(&key) {
        return (Fate::Reaches(Vec::new()), 0);
    }
    if memo.hopeless.contains(&key) {
        return (Fate::Closed(0), 0);
    }
    let mut number = HashMap::from([(key, 0u32)]);
    let mut keys = vec![key];
    let mut by: Vec<Option<(u32, S::Action)>> = vec![None];
    let mut waiting = VecDeque::from([start]);
    let (mut here, mut cut) = (0u32, false);
    while let Some(state) = waiting.pop_front() {
        if give_up(keys.len() as u64) {
            return (Fate::Spent, keys.len() as u64);
        }
        for (action, reach) in system.moves(&state) {
            let next = match reach {
                Reach::Beyond => {
                    cut = true;
                    continue;
                }
                Reach::Goal => {
                    let way = way(here, action, by, &keys, memo);
                    return (Fate::Reaches(way), keys.len() as u64);
                }
                Reach::State(next) => next,
            };
            let key = system.key(&next);
            if memo.hopeful.contains(&key) {
                let way = way(here, action, by, &keys, memo);
                return (Fate::Reaches(way), keys.len() as u64);
            }
            if memo.hopeless.contains(&key) || number.contains_key(&key) {
                continue;
            }
            number.insert(key, keys.len() as u32);
            keys.push(key);
            by.push(Some((here, action)));
            waiting.push_back(next);
        }
        here += 1;
    }
    let looked_at = keys.len() as u64;
    if cut {
        return (Fate::Cut, looked_at);
    }
    memo.hopeless.extend(keys);
    (Fate::Closed(looked_at), looked_at)
}

/// The way that ends with `last` at state number `from`. All on it are hopeful.
fn way<A>(
    from: u32,
    last: A,
    mut by: Vec<Option<(u32, A)>>,
    keys: &[u128],
    memo: &mut Memo,
) -> Vec<A> {
    let mut way = vec![last];
    let mut at = from as usize;
    loop {
        memo.hopeful.insert(keys[at]);
        match by[at].take() {
            None => break,
            Some((before, action)) => {
                way.push(action);
                at = before as usize;
            }
        }
    }
    way.reverse();
    way
}
