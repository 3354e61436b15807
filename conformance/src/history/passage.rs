//! Passage: a queue judged by when each value was put and taken.
//!
//! Where it is known which operation took what which operation put, a history
//! of a queue is a list of values with two times each: that of the put and that
//! of the take. The values pass through in one order, in which both the puts
//! and the takes stand. So `x` has to pass before `y` if it was put for certain
//! before `y`, or taken for certain before it; and an order exists exactly when
//! no two values have to pass each other, and every dequeue that found nothing
//! has a moment at which nothing need have been there. These are the patterns
//! of Henzinger, Sezgin and Vafeiadis ("Aspect-oriented linearizability
//! proofs", CONCUR 2013); that they are all, that dequeues of unknown outcome
//! can be counted, and that the order is found by sorting, is shown in
//! `docs/linearizability.md`.
//!
//! | part | does |
//! |---|---|
//! | [`counted`] | refutes what needs no matching, whatever the values |
//! | [`matched`] | which take is of which put, and whether that is certain |
//! | [`moments`] | when dequeues that found nothing had their points |
//! | [`order`] | the order of the values, or two that have to pass each other |

use super::memo::Numbers;
use super::model::Span;
use super::search::Timed;
use super::store::queue::QueueOp;

mod counted;
mod matched;
mod moments;
mod order;

use matched::Matched;
use moments::Moments;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// An order. Where it is not certain which take is of which put, it is only
    /// likely to be one.
    Order(Vec<u32>),
    /// There is none; these operations show it.
    None(Vec<u32>),
    /// Values that are put repeatedly were not matched so that it comes out, or
    /// there is something else that this cannot tell.
    Unsuited,
}

/// A time, in halves of a position: an event is even, the moment behind it odd.
type Time = u64;

/// When what nobody knows the end of has happened, at last.
const NEVER: Time = time(Span::NEVER);

const fn time(position: u32) -> Time {
    position as Time * 2
}

/// A value on its way through the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Passing {
    put: u32,
    take: Option<u32>,
    /// The put has its point behind the first of these and before the second.
    in_from: Time,
    in_to: Time,
    /// The same of the take; what stays in the queue is taken at the end of
    /// time, behind everything else.
    out_from: Time,
    out_to: Time,
}

impl Passing {
    /// A value that nobody takes.
    fn staying(put: u32, span: Span) -> Self {
        Passing {
            put,
            take: None,
            in_from: time(span.call),
            in_to: time(span.ret),
            out_from: NEVER,
            out_to: NEVER + 1,
        }
    }

    /// The same value, taken at these times. A put comes before the take: so
    /// each bounds the other.
    fn taken(self, take: u32, span: Span) -> Self {
        Passing {
            take: Some(take),
            in_to: self.in_to.min(time(span.ret)),
            out_from: self.in_from.max(time(span.call)),
            out_to: time(span.ret),
            ..self
        }
    }

    /// Between the `moments` that it cannot cross, the queue being empty at
    /// each.
    fn between(self, moments: &[Time]) -> Self {
        let behind = moments.partition_point(|&moment| moment < self.out_from);
        let before = behind.checked_sub(1).map_or(0, |at| moments[at]);
        let next = moments.get(behind).copied().unwrap_or(Time::MAX);
        Passing {
            in_from: self.in_from.max(before),
            in_to: self.in_to.min(next),
            out_to: self.out_to.min(next),
            ..self
        }
    }

    /// The operations that are known of it.
    fn operations(self) -> impl Iterator<Item = u32> {
        [Some(self.put), self.take].into_iter().flatten()
    }
}

/// Finds an order, or that there is none, of the operations of one queue.
pub(super) fn passage(ops: &[Timed<'_, QueueOp>]) -> Passage {
    if let Some(conflict) = counted::impossible(ops) {
        return Passage::None(conflict);
    }
    let Some(matched) = Matched::new(ops) else {
        return Passage::Unsuited;
    };
    let refuted = |mut conflict: Vec<u32>| {
        if !matched.is_certain {
            return Passage::Unsuited;
        }
        conflict.sort_unstable();
        conflict.dedup();
        Passage::None(conflict)
    };
    let moments = match Moments::new(&matched, ops) {
        Ok(moments) => moments,
        Err(conflict) => return refuted(conflict),
    };
    let mut passing = match matched.with_takers(&moments.sorted, ops) {
        Ok(passing) => passing,
        Err(conflict) => return refuted(conflict),
    };
    for value in &mut passing {
        *value = value.between(&moments.sorted);
    }
    match order::order(&passing) {
        Ok(order) => Passage::Order(order::points(&passing, &order, &moments)),
        Err(conflict) => refuted(conflict),
    }
}
