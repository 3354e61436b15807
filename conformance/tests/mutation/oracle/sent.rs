//! What was sent, what arrives, and what a log holds.

use crate::run::{Message, Run};

/// The term of the entry at `index` in the log of the leader at line `i`, where
/// the run tells.
pub(super) fn term_in(run: &Run, i: usize, index: u64) -> Option<u64> {
    let event = &run.events[i];
    if index == 0 {
        return Some(0);
    }
    if index <= event.state.commit {
        return run.applied.get(&index).copied();
    }
    let elected = run.earlier(i).find(|&k| {
        run.events[k].is("BecomeLeader") && run.events[k].state.term == event.state.term
    })?;
    let noop = run.events[elected].state.log + 1;
    (index >= noop).then_some(event.state.term)
}

/// Whether `message` was sent before line `i`, at another line than `but`.
pub(super) fn sent_before(run: &Run, i: usize, message: &Message, but: Option<usize>) -> bool {
    (0..i).any(|k| {
        let event = &run.events[k];
        Some(k) != but && event.is_send() && event.message.as_ref() == Some(message)
    })
}

/// The first line in `within` that receives what line `i` sends and nothing else
/// sends before.
pub(super) fn lonely_receive(run: &Run, i: usize, within: std::ops::Range<usize>) -> Option<usize> {
    let message = run.events[i].message.as_ref()?;
    let arrives = |k: &usize| {
        let event = &run.events[*k];
        event.is_receive() && event.message.as_ref() == Some(message)
    };
    let first = within.into_iter().find(arrives)?;
    (!sent_before(run, first, message, Some(i))).then_some(first)
}

/// The first line in `within` that needs the `Ready` at line `i` to have been
/// handed out before it: messages leave only with one (quirk 3).
pub(super) fn needs_ready(run: &Run, i: usize, within: std::ops::Range<usize>) -> Option<usize> {
    let node = &run.events[i].node;
    let covered = run
        .earlier(i)
        .take_while(|&k| !run.events[k].is("Ready") && !run.events[k].is("InitState"))
        .last()
        .unwrap_or(i);
    within.into_iter().find(|&r| {
        let event = &run.events[r];
        let Some(message) = event.message.as_ref().filter(|_| event.is_receive()) else {
            return false;
        };
        let sent = |range: std::ops::Range<usize>| {
            range.into_iter().any(|k| {
                let event = &run.events[k];
                event.is_send() && event.message.as_ref() == Some(message)
            })
        };
        message.from == *node && sent(covered..i) && !sent(0..covered)
    })
}

/// Whether `message` was sent before line `at`, with a `Ready` of its sender in
/// between: only then it can have left (quirk 3).
pub(super) fn has_left(run: &Run, at: usize, message: &Message) -> bool {
    (0..at).any(|k| {
        let event = &run.events[k];
        let sends = event.is_send() && event.message.as_ref() == Some(message);
        sends
            && run
                .later(k)
                .take_while(|&r| r < at)
                .any(|r| run.events[r].is("Ready"))
    })
}

/// The first line that needs the message of line `i` to have left before line
/// `j`, or, if that is a `Ready`, with it.
pub(super) fn late_send(run: &Run, i: usize, j: usize) -> Option<usize> {
    let ready = run.later(j).find(|&k| run.events[k].is("Ready"));
    let until = match ready {
        Some(next) if run.events[j].is("Ready") => next,
        _ => j,
    };
    lonely_receive(run, i, i + 1..until)
}
