//! What no order of a queue explains, seen without a search.
//!
//! Three things are certain. A value is taken at most as often as it was put,
//! and no sooner: the first `n` returns of those that took it need `n` calls
//! that put it before the last of these returns. And of two values the one that
//! was put first is taken first: if `a` was put, once, before any `b` was, then
//! a `b` that was taken needs a taken `a` before.

use super::super::ValueId;
use super::super::memo::Numbers;
use super::super::search::Timed;
use super::super::store::queue::QueueOp;

/// Who puts and takes a value.
#[derive(Default)]
struct Passed {
    /// In the order of the calls.
    puts: Vec<u32>,
    /// Those that are known to have taken it.
    takes: Vec<u32>,
}

/// Operations that have no order, where that is seen at once.
pub(super) fn impossible(ops: &[Timed<'_, QueueOp>]) -> Option<Vec<u32>> {
    let mut values: Numbers<ValueId, Passed> = Numbers::default();
    let mut anything_taken = false;
    for (index, (span, op)) in (0..).zip(ops) {
        match op {
            QueueOp::Put(value) => values.entry(*value).or_default().puts.push(index),
            QueueOp::Take(value) if span.is_known() => {
                values.entry(*value).or_default().takes.push(index);
            }
            QueueOp::Take(_) | QueueOp::TakeAny => anything_taken = true,
            QueueOp::Empty => {}
        }
    }
    let ret = |&op: &u32| ops[op as usize].0.ret;
    let call = |&op: &u32| ops[op as usize].0.call;
    let mut all: Vec<Passed> = values.into_values().collect();
    for value in &mut all {
        value.takes.sort_unstable_by_key(ret);
    }
    // The same conflict every time.
    let first = |value: &Passed| value.puts.iter().chain(&value.takes).min().copied();
    all.sort_unstable_by_key(first);
    all.iter()
        .find_map(|value| {
            let enough = |(n, take): (usize, &u32)| {
                value.puts.get(n).is_some_and(|put| call(put) < ret(take))
            };
            let short = value
                .takes
                .iter()
                .enumerate()
                .position(|take| !enough(take))?;
            let takes = &value.takes[..=short];
            let puts = value
                .puts
                .iter()
                .filter(|put| call(put) < ret(&takes[short]));
            Some(puts.chain(takes).copied().collect())
        })
        .or_else(|| overtaken(&all, anything_taken, ops))
        .map(|mut conflict: Vec<u32>| {
            conflict.sort_unstable();
            conflict
        })
}

/// A value that was taken before one that was put before it.
fn overtaken(
    values: &[Passed],
    anything_taken: bool,
    ops: &[Timed<'_, QueueOp>],
) -> Option<Vec<u32>> {
    let span = |op: u32| ops[op as usize].0;
    // Values that were put once: by the returns of that, each with the one of
    // those up to it that is taken last.
    let mut earlier: Vec<(u32, u32, Vec<u32>)> = Vec::new();
    for value in values {
        let [put] = value.puts[..] else {
            continue;
        };
        let taken = match value.takes[..] {
            [take] => span(take).call,
            // It is taken by nobody.
            [] if !anything_taken => u32::MAX,
            _ => continue,
        };
        if span(put).is_known() {
            let who = [&[put], &value.takes[..]].concat();
            earlier.push((span(put).ret, taken, who));
        }
    }
    earlier.sort_unstable_by_key(|(ret, ..)| *ret);
    let mut latest: Vec<usize> = Vec::with_capacity(earlier.len());
    for (at, (_, taken, _)) in earlier.iter().enumerate() {
        latest.push(match latest.last() {
            Some(&before) if earlier[before].1 >= *taken => before,
            _ => at,
        });
    }
    values.iter().find_map(|value| {
        let put = *value.puts.first()?;
        let take = *value.takes.first()?;
        let before = earlier.partition_point(|(ret, ..)| *ret < span(put).call);
        let (_, taken, who) = &earlier[latest[before.checked_sub(1)?]];
        if *taken <= span(take).ret {
            return None;
        }
        // Every put of the later value is evidence that it was put later.
        Some([&who[..], &value.puts, &[take]].concat())
    })
}
