//! When a queue was empty.

use super::matched::Matched;
use super::{QueueOp, Span, Time, Timed, time};

/// Moments at which nothing is in the queue.
pub(super) struct Moments {
    /// Each once, ascending.
    pub(super) sorted: Vec<Time>,
    /// Dequeues that found nothing, with their moments.
    pub(super) of: Vec<(Time, u32)>,
}

impl Moments {
    /// A moment for every dequeue that found nothing; or operations that show
    /// that one of them has none.
    pub(super) fn new(matched: &Matched, ops: &[Timed<'_, QueueOp>]) -> Result<Self, Vec<u32>> {
        let mut moments = Moments {
            sorted: Vec::new(),
            of: Vec::new(),
        };
        let empty = |(span, op): &Timed<'_, QueueOp>| **op == QueueOp::Empty && span.is_known();
        if !ops.iter().any(empty) {
            return Ok(moments);
        }
        let free = Free::new(matched, ops);
        for (index, timed) in (0..).zip(ops) {
            if !empty(timed) {
                continue;
            }
            match free.within(timed.0) {
                Some(moment) => moments.of.push((moment, index)),
                None => return Err(in_the_way(index, timed.0, matched, ops)),
            }
        }
        moments
            .sorted
            .extend(moments.of.iter().map(|(moment, _)| moment));
        moments.sorted.sort_unstable();
        moments.sorted.dedup();
        Ok(moments)
    }
}

/// When nothing need be in the queue: no value has certainly been put and
/// cannot have been taken yet, and what nobody says to have taken is no more
/// than the dequeues of unknown outcome that were called.
struct Free {
    /// Times, ascending, with whether that holds behind each, and the next at
    /// which it does.
    changes: Vec<(Time, bool, usize)>,
}

impl Free {
    fn new(matched: &Matched, ops: &[Timed<'_, QueueOp>]) -> Self {
        let mut steps: Vec<(Time, i64, i64)> = Vec::new();
        for value in matched.taken.iter().filter(|v| v.in_to < v.out_from) {
            steps.push((value.in_to, 1, 0));
            steps.push((value.out_from, -1, 0));
        }
        steps.extend(matched.left.iter().map(|value| (value.in_to, 0, 1)));
        let call = |&taker: &u32| time(ops[taker as usize].0.call);
        steps.extend(matched.takers.iter().map(|taker| (call(taker), 0, -1)));
        steps.sort_unstable_by_key(|step| step.0);
        let mut changes = vec![(0, true, 0)];
        let (mut there, mut left) = (0, 0);
        for (at, more_there, more_left) in steps {
            there += more_there;
            left += more_left;
            changes.push((at, there == 0 && left <= 0, 0));
        }
        let mut next = usize::MAX;
        for (at, change) in changes.iter_mut().enumerate().rev() {
            if change.1 {
                next = at;
            }
            change.2 = next;
        }
        Free { changes }
    }

    /// The first such moment in this time.
    fn within(&self, span: Span) -> Option<Time> {
        let behind = self.changes.partition_point(|c| c.0 <= time(span.call));
        let (_, is_free, _) = self.changes[behind.saturating_sub(1)];
        if is_free {
            return Some(time(span.call) + 1);
        }
        let &(_, _, next) = self.changes.get(behind)?;
        let moment = self.changes.get(next)?.0 + 1;
        (moment < time(span.ret)).then_some(moment)
    }
}

/// What was in the queue while this dequeue found nothing.
fn in_the_way(empty: u32, span: Span, matched: &Matched, ops: &[Timed<'_, QueueOp>]) -> Vec<u32> {
    let (from, to) = (time(span.call), time(span.ret));
    let there = matched.taken.iter().filter(|v| {
        let lasts = v.in_to < v.out_from;
        lasts && v.in_to < to && v.out_from > from
    });
    let left = matched.left.iter().filter(|v| v.in_to < to);
    let takers = matched.takers.iter().copied();
    let takers = takers.filter(|&taker| ops[taker as usize].0.call < span.ret);
    there
        .chain(left)
        .flat_map(|v| v.operations())
        .chain(takers)
        .chain([empty])
        .collect()
}
