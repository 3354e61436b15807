//! How old the answers of reads are.
//!
//! A read that may be answered with a state of up to so long ago may have its
//! point up to so long before its call. The least time with which a part has an
//! order is how stale its reads are; more time never takes an order away, so it
//! is found by halving.

use super::super::History;
use super::super::judge::Subject;
use super::super::model::Span;
use super::super::parts::Part;
use super::super::verdict::Stale;
use super::super::{Operation, Request};
use super::Budget;

/// By how much the calls of all reads of a part have to be earlier for the
/// part to have an order.
pub(super) fn stale(history: &History, part: &Part, budget: &mut Budget<'_>) -> Stale {
    let end = history.end();
    // Positions are doubled, so that there is one before every event.
    if end >= u32::MAX / 4 {
        return Stale::Unknown;
    }
    let earlier = |events: u32| move |o: &Operation, _: u32| o.call.saturating_sub(events);
    let Some(events) = least(u64::from(end), |age| {
        budget.has_order(&earlier_reads(history, part, earlier(age as u32)))
    }) else {
        return Stale::Unknown;
    };
    let Some(events) = events else {
        return Stale::Never;
    };
    let events = events as u32;
    let time = time(history, part, budget);
    Stale::By { events, time }
}

/// The same in time, where the history has it.
fn time(history: &History, part: &Part, budget: &mut Budget<'_>) -> Option<u64> {
    if history.times.len() != history.operations.len() {
        return None;
    }
    let mut events: Vec<(u32, u64)> = Vec::new();
    for (o, &(call, ret)) in history.operations.iter().zip(&history.times) {
        events.push((o.call, call));
        events.extend(o.ret.map(|position| (position, ret)));
    }
    events.sort_unstable();
    // The position of the first event that is not before a time; clocks that
    // step back are taken at their latest.
    let mut latest = 0;
    for (_, time) in &mut events {
        latest = latest.max(*time);
        *time = latest;
    }
    let at = |time: u64| {
        let first = events.partition_point(|&(_, t)| t < time);
        events
            .get(first)
            .map_or(u32::MAX, |&(position, _)| position)
    };
    let span = events.last()?.1 - events.first()?.1;
    let found = least(span, |age| {
        let call = |o: &Operation, index: u32| {
            let time = history.times[index as usize].0;
            at(time.saturating_sub(age)).min(o.call)
        };
        budget.has_order(&earlier_reads(history, part, call))
    });
    found.flatten()
}

/// The least number up to `most` with which something holds that holds for
/// every greater one. Some(None): it does not hold even with `most`. None: it
/// cannot be told.
fn least(most: u64, mut holds: impl FnMut(u64) -> Option<bool>) -> Option<Option<u64>> {
    if !holds(most)? {
        return Some(None);
    }
    let (mut fails, mut good) = (0, most);
    while good - fails > 1 {
        let middle = fails + (good - fails) / 2;
        if holds(middle)? {
            good = middle;
        } else {
            fails = middle;
        }
    }
    Some(Some(good))
}

/// Whether the request changes nothing.
fn only_reads(request: &Request) -> bool {
    match request {
        Request::Read { .. }
        | Request::Range { .. }
        | Request::Contains { .. }
        | Request::Members { .. } => true,
        Request::Txn(txn) => txn.then.iter().chain(&txn.otherwise).all(only_reads),
        _ => false,
    }
}

/// The part with the calls of its reads at other positions.
fn earlier_reads<'a>(
    history: &'a History,
    part: &'a Part,
    call: impl Fn(&Operation, u32) -> u32,
) -> Subject<'a> {
    let mut ops: Vec<(Span, u32)> = Vec::with_capacity(part.ops.len());
    for &index in &part.ops {
        let o = &history.operations[index as usize];
        let reads = only_reads(&o.request);
        let span = Span {
            call: if reads {
                call(o, index) * 2
            } else {
                o.call * 2 + 1
            },
            ret: o.ret.map_or(Span::NEVER, |ret| ret * 2 + 1),
        };
        ops.push((span, index));
    }
    ops.sort_unstable_by_key(|(span, index)| (span.call, *index));
    Subject::at(history, part, ops.into_iter())
}
