//! Which take is of which put.

use super::super::ValueId;
use super::{NEVER, Numbers, Passing, QueueOp, Span, Time, Timed, time};

/// The values of a queue, as far as it is known who took them.
pub(super) struct Matched {
    /// Those that were taken by an operation that says so.
    pub(super) taken: Vec<Passing>,
    /// Those that were put for certain, and that nobody says to have taken; by
    /// the returns of their puts.
    pub(super) left: Vec<Passing>,
    /// Dequeues of unknown outcome, which may have taken any of those; in the
    /// order of their calls.
    pub(super) takers: Vec<u32>,
    /// Whether some order has these pairs, if there is any order.
    pub(super) is_certain: bool,
}

/// Who puts and takes a value.
#[derive(Default)]
struct Both {
    puts: Vec<u32>,
    takes: Vec<u32>,
}

impl Matched {
    /// The pairs; None if there is something that this cannot tell.
    pub(super) fn new(ops: &[Timed<'_, QueueOp>]) -> Option<Self> {
        let span = |op: u32| ops[op as usize].0;
        let mut values: Numbers<ValueId, Both> = Numbers::default();
        let mut matched = Matched {
            taken: Vec::new(),
            left: Vec::new(),
            takers: Vec::new(),
            is_certain: true,
        };
        for (index, (span, op)) in (0..).zip(ops) {
            match op {
                // It would be taken as if there were nothing.
                QueueOp::Put(ValueId::ABSENT) => return None,
                QueueOp::Put(value) => values.entry(*value).or_default().puts.push(index),
                QueueOp::Take(value) if span.is_known() => {
                    values.entry(*value).or_default().takes.push(index);
                }
                QueueOp::TakeAny if !span.is_known() => matched.takers.push(index),
                QueueOp::Empty => {}
                // It has taken something, or found nothing: two cases.
                QueueOp::Take(_) | QueueOp::TakeAny => return None,
            }
        }
        for Both {
            mut puts,
            mut takes,
        } in values.into_values()
        {
            let certain = puts.len() == 1
                || (follow_each_other(&puts, &span)
                    && follow_each_other(&takes, &span)
                    && (matched.takers.is_empty() || puts.len() == takes.len()));
            matched.is_certain &= certain;
            // By the middle of the time that each had: the same as by calls
            // and by returns, where they follow each other.
            let middle = |&op: &u32| u64::from(span(op).call) + u64::from(span(op).ret);
            puts.sort_unstable_by_key(middle);
            takes.sort_unstable_by_key(middle);
            for (n, &put) in puts.iter().enumerate() {
                let passing = Passing::staying(put, span(put));
                match takes.get(n) {
                    Some(&take) if span(put).call > span(take).ret => return None,
                    Some(&take) => matched.taken.push(passing.taken(take, span(take))),
                    None if span(put).is_known() => matched.left.push(passing),
                    // A put of unknown outcome that nobody has seen.
                    None => {}
                }
            }
            if takes.len() > puts.len() {
                return None;
            }
        }
        matched.taken.sort_unstable_by_key(|value| value.in_from);
        matched.left.sort_unstable_by_key(|value| value.in_to);
        Some(matched)
    }

    /// All values, those that have to be taken by somebody with a dequeue of
    /// unknown outcome each; or operations that show that there are too few of
    /// these. `moments`: when nothing is in the queue.
    pub(super) fn with_takers(
        &self,
        moments: &[Time],
        ops: &[Timed<'_, QueueOp>],
    ) -> Result<Vec<Passing>, Vec<u32>> {
        // Of the values put from each on, the one that is taken first.
        let mut soonest: Vec<usize> = (0..self.taken.len()).collect();
        for at in (1..soonest.len()).rev() {
            let (here, next) = (soonest[at - 1], soonest[at]);
            if self.taken[next].out_to < self.taken[here].out_to {
                soonest[at - 1] = next;
            }
        }
        let mut passing = self.taken.clone();
        for (n, value) in self.left.iter().enumerate() {
            let behind = self.taken.partition_point(|v| v.in_from < value.in_to);
            let overtakes = soonest.get(behind).map(|&at| &self.taken[at]);
            let moment = moments.partition_point(|&moment| moment < value.in_to);
            let until = overtakes
                .map_or(NEVER, |v| v.out_to)
                .min(moments.get(moment).copied().unwrap_or(NEVER));
            if until == NEVER {
                // What is put later stays too.
                passing.extend_from_slice(&self.left[n..]);
                break;
            }
            let taker = self.takers.get(n).copied();
            match taker.map(|taker| (taker, ops[taker as usize].0)) {
                Some((taker, span)) if time(span.call) < until => {
                    passing.push(value.taken(taker, span));
                }
                _ => {
                    let left = self.left[..=n].iter().map(|v| v.put);
                    let takers = self.takers.iter().copied().filter(|&taker| {
                        // Those called too late show that there are no more.
                        time(ops[taker as usize].0.call) < until
                    });
                    let overtakes = overtakes.into_iter().flat_map(|v| v.operations());
                    return Err(left.chain(takers).chain(overtakes).collect());
                }
            }
        }
        Ok(passing)
    }
}

/// Whether of some operations none has its whole time within that of another.
/// They stand in the order of their calls.
fn follow_each_other(ops: &[u32], span: &impl Fn(u32) -> Span) -> bool {
    ops.windows(2)
        .all(|pair| span(pair[0]).ret <= span(pair[1]).ret)
}
