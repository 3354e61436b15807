//! A line that is missing.

use super::Ruling::{self, Illegal, Legal, Open};
use super::sent::{lonely_receive, needs_ready};
use crate::run::{Event, Message, Run};

/// Whether a candidate asks for a vote here, another's or its own.
pub(super) fn asks(event: &Event) -> bool {
    let own = event.message.as_ref().is_some_and(Message::is_own);
    event.is("SendRequestVoteRequest") || event.is("SendRequestVoteResponse") && own
}

pub(super) fn drop_line(run: &Run, i: usize) -> Ruling {
    let event = &run.events[i];
    let Some(next) = run.after[i] else {
        let rest = i + 1..run.events.len();
        let needs = match event.name.as_str() {
            "Ready" => needs_ready(run, i, rest),
            _ => lonely_receive(run, i, rest).filter(|_| event.is_send()),
        };
        return match needs {
            Some(at) => Illegal(at, "what arrives here was not sent"),
            None => Legal("a run may end before the last line of a node"),
        };
    };
    let restarts = run.events[next].is("InitState");
    if run.cause[i] != i && asks(event) {
        // Any order will do: it is missing once the others are through.
        let through = run.later(i).find(|&k| !asks(&run.events[k]));
        return match through.filter(|&k| !run.events[k].is("InitState")) {
            Some(at) => Illegal(at, "a candidate asks every voter, and itself"),
            None => Open("a crash may cut a handler short"),
        };
    }
    if run.cause[i] != i || event.is("BecomeCandidate") || event.is("InitState") {
        return if restarts {
            Open("a crash may cut a handler short")
        } else {
            Illegal(next, "the handler does not end here")
        };
    }
    match event.name.as_str() {
        "Ready" => drop_ready(run, i),
        "Replicate" => missing_entry(run, i),
        "ApplyConfChange" if run.events[next].state.conf != event.state.conf && !restarts => {
            Illegal(next, "the configuration changed (quirk 21)")
        }
        "ApplyConfChange" => Open("configurations that read the same were applied"),
        "SendAppendEntriesRequest" => match lonely_receive(run, i, i + 1..run.events.len()) {
            Some(at) => Illegal(at, "what arrives here was not sent"),
            None => Open("a leader may send less"),
        },
        _ => drop_receive(run, i),
    }
}

fn drop_receive(run: &Run, i: usize) -> Ruling {
    let event = &run.events[i];
    let effects = run.effects(i);
    if let Some(&first) = effects.first() {
        let rises = |k: usize| {
            run.events[k].is("BecomeFollower") && run.events[k].state.term > event.state.term
        };
        return match (rises(first), effects.get(1)) {
            (false, _) => Illegal(first, "a consequence without its cause"),
            (true, Some(&second)) => Illegal(second, "a consequence without its cause"),
            (true, None) => Open("a term may rise for an untraced reason (quirk 11)"),
        };
    }
    let message = event.message.as_ref().expect("a message");
    if message.is_own() {
        return Open("reads as asynchronous storage (quirk 4)");
    }
    if message.kind == "MsgVoteResp"
        && message.term == event.state.term
        && event.state.role == "StateCandidate"
    {
        return needed_vote(run, i);
    }
    Legal("a message may be lost")
}

/// Whether an election was decided by the vote, or the refusal, of line `i`.
fn needed_vote(run: &Run, i: usize) -> Ruling {
    let of_election = |k: &usize| run.events[*k].state.term == run.events[i].state.term;
    let reject = |k: usize| run.events[k].message.as_ref().is_some_and(|m| m.reject);
    let outcome = if reject(i) {
        "BecomeFollower"
    } else {
        "BecomeLeader"
    };
    let decided = run
        .later(i)
        .take_while(of_election)
        .find(|&k| run.events[k].is(outcome));
    let Some(decided) = decided else {
        return Legal("a message may be lost");
    };
    let by = run.events[run.cause[decided]].message.as_ref();
    if by.is_none_or(|m| m.kind != "MsgVoteResp") {
        return Legal("a message may be lost");
    }
    let mut voters: Vec<&str> = run
        .earlier(decided)
        .take_while(of_election)
        .filter(|&k| k != i && run.events[k].is_receive() && reject(k) == reject(i))
        .filter_map(|k| run.events[k].message.as_ref())
        .filter(|m| m.kind == "MsgVoteResp" && m.term == run.events[i].state.term)
        .map(|m| m.from.as_str())
        .collect();
    voters.sort_unstable();
    voters.dedup();
    if voters.len() * 2 > run.events[decided].state.conf.len() {
        Legal("a majority without this vote")
    } else {
        Illegal(decided, "an election decided without a majority")
    }
}

pub(super) fn missing_entry(run: &Run, i: usize) -> Ruling {
    let acknowledges = |k: &usize| {
        let own = run.events[*k].message.as_ref().is_some_and(Message::is_own);
        run.events[*k].is("SendAppendEntriesResponse") && own
    };
    match run
        .later(i)
        .take_while(|&k| run.boot[k] == run.boot[i])
        .find(acknowledges)
    {
        Some(at) => Illegal(at, "the log grew by another number of entries (quirk 20)"),
        None => Open("a crash may cut a handler short"),
    }
}

fn drop_ready(run: &Run, i: usize) -> Ruling {
    let ends = |k: &usize| run.events[*k].is("Ready") || run.events[*k].is("InitState");
    let end = run.later(i).find(ends);
    let crash = end.filter(|&k| run.events[k].is("InitState"));
    // What was not handed out before a crash is lost for ever.
    let until = match (end, crash) {
        (Some(ready), None) => ready,
        _ => run.events.len(),
    };
    let needs = needs_ready(run, i, i + 1..until);
    // What is durable without it: the last Ready, or what the boot restored.
    let last = run.earlier(i).find(|&k| {
        let restored = run.before[k].and_then(|k| run.before[k]) == Some(run.boot[k]);
        run.events[k].is("Ready") || restored
    });
    let recovers = crash.zip(last).and_then(|(crash, last)| {
        let restored = run.after[crash].and_then(|k| run.after[k])?;
        let last = &run.events[last].state;
        if run.events[crash].state.log > last.log {
            return Some(crash);
        }
        (run.events[restored].state.term > last.term).then_some(restored)
    });
    match needs.into_iter().chain(recovers).min() {
        Some(at) => Illegal(
            at,
            "this was never handed out to be written and sent (quirk 3)",
        ),
        None => Open("the next Ready covers it"),
    }
}
