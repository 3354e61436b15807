//! How old the answers of reads are.
//!
//! A read that may be answered with a state of up to so long ago may have its
//! point up to so long before its call. The least time with which a part has an
//! order is how stale its reads are; more time never takes an order away, so it
//! is found by halving.

use std::cell::RefCell;

use super::super::History;
use super::super::judge::Subject;
use super::super::model::Span;
use super::super::parts::Part;
use super::super::verdict::Stale;
use super::super::{Operation, Request};
use super::least::least;
use super::{Budget, Failed};

/// By how much the calls of all reads of a part have to be earlier for the
/// part to have an order.
pub(super) fn stale(history: &History, failed: &Failed<'_>, budget: &mut Budget<'_>) -> Stale {
    let end = history.end();
    // Positions are doubled, so that there is one before every event.
    if end >= u32::MAX / 4 {
        return Stale::Unknown;
    }
    let part = failed.part;
    let earlier = |events: u64| {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        move |o: &Operation, _: u32| o.call.saturating_sub(events)
    };
    let conflict = &failed.conflict;
    let events = match least_age(history, part, conflict, u64::from(end), budget, earlier) {
        None => return Stale::Unknown,
        Some(None) => return Stale::Never,
        Some(Some(events)) => u32::try_from(events).unwrap_or(u32::MAX),
    };
    let time = time(history, failed, budget);
    Stale::By { events, time }
}

/// The same in time, where the history has it.
fn time(history: &History, failed: &Failed<'_>, budget: &mut Budget<'_>) -> Option<u64> {
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
    let earlier = |age: u64| {
        let at = &at;
        move |o: &Operation, index: u32| {
            let time = history.times[index as usize].0;
            at(time.saturating_sub(age)).min(o.call)
        }
    };
    let conflict = &failed.conflict;
    least_age(history, failed.part, conflict, span, budget, earlier).flatten()
}

/// The most operations of a conflict that are asked how old they make a read.
const FEW: usize = 100;

/// The least age up to `most` with which a part has an order, where `earlier`
/// has the calls of reads of an age. Some(None): it has none even with `most`.
/// None: it cannot be told.
fn least_age<F: Fn(&Operation, u32) -> u32>(
    history: &History,
    part: &Part,
    conflict: &[u32],
    most: u64,
    budget: &mut Budget<'_>,
    earlier: impl Fn(u64) -> F,
) -> Option<Option<u64>> {
    let at_all = |ops: &[u32], budget: &mut Budget<'_>| {
        budget.has_order(&earlier_reads(history, part, ops, earlier(most)))
    };
    if !at_all(&part.ops, budget)? {
        return Some(None);
    }
    // Two look at the budget in turn.
    let budget = RefCell::new(budget);
    let all = |age: u64| {
        let subject = earlier_reads(history, part, &part.ops, earlier(age));
        budget.borrow_mut().look(&subject)
    };
    let few = |conflict: &[u32]| {
        if conflict.len() > FEW {
            return None;
        }
        let mut budget = budget.borrow_mut();
        if !at_all(conflict, &mut budget)? {
            return None;
        }
        let look = |age| budget.look(&earlier_reads(history, part, conflict, earlier(age)));
        least((0, most), &[], look, |_| None)
    };
    least((0, most), conflict, all, few).map(Some)
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

/// Operations of a part with the calls of its reads at other positions.
fn earlier_reads<'a>(
    history: &'a History,
    part: &'a Part,
    ops: &[u32],
    call: impl Fn(&Operation, u32) -> u32,
) -> Subject<'a> {
    let mut timed: Vec<(Span, u32)> = Vec::with_capacity(ops.len());
    for &index in ops {
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
        timed.push((span, index));
    }
    timed.sort_unstable_by_key(|(span, index)| (span.call, *index));
    Subject::at(history, part, timed.into_iter())
}
