//! A line that stands there twice, or in the place of the next one.

use super::Ruling::{self, Illegal, Legal, Open};
use super::lost::{asks, missing_entry};
use super::sent::{has_left, late_send, needs_ready};
use crate::run::{Event, Message, Run};

pub(super) fn duplicate(run: &Run, i: usize) -> Ruling {
    let event = &run.events[i];
    let copy = i + 1;
    match event.name.as_str() {
        "InitState" => return Open("a crash may cut a boot short"),
        "Replicate" => {
            return match missing_entry(run, i) {
                Illegal(at, why) => Illegal(at + 1, why),
                other => other,
            };
        }
        _ if run.cause[i] != i => return Illegal(copy, "a handler does this once"),
        "BecomeCandidate" => return Illegal(copy, "a handler does this once"),
        // Only a crash right behind it can lose what a Ready hands out.
        "Ready" if run.after[i].is_some_and(|k| run.events[k].is("InitState")) => {
            return Open("the crash behind it may have lost it");
        }
        "Ready" => return Legal("a Ready may hold nothing new"),
        "SendAppendEntriesRequest" => return Legal("a leader may send again"),
        _ => {}
    }
    if event.is("ApplyConfChange") {
        let next = run.after[i].filter(|&k| run.boot[k] == run.boot[i]);
        if next.is_some_and(|k| run.events[k].state.conf != event.state.conf) {
            return Illegal(copy, "the configuration changed (quirk 21)");
        }
        let applies = |k: &usize| run.events[*k].is("ApplyConfChange") && run.cause[*k] == *k;
        let own = (0..run.events.len()).filter(|&k| run.boot[k] == run.boot[i]);
        let all: Vec<usize> = own.filter(applies).collect();
        let known = run.configurations.get(&run.boot[i]);
        return match all.last() {
            Some(&last) if known == Some(&all.len()) => Illegal(
                last + 1,
                "more configurations than were applied (applied.json)",
            ),
            _ => Open("configurations that read the same were applied"),
        };
    }
    if !run.effects(i).is_empty() {
        return Illegal(copy, "the handler does not end here");
    }
    if event.message.as_ref().is_some_and(Message::is_own) {
        return Illegal(copy, "its own acknowledgements come back once (quirk 12)");
    }
    Legal("a message may arrive twice")
}

pub(super) fn swap(run: &Run, i: usize, j: usize) -> Ruling {
    let (first, second) = (&run.events[i], &run.events[j]);
    if first == second {
        return Legal("the two lines read the same");
    }
    if run.cause[i] == run.cause[j] {
        return swap_in_handler(run, i, j);
    }
    if second.is("InitState") {
        return Illegal(j, "a boot runs to its end");
    }
    if run.cause[i] != i {
        return Illegal(i, "the handler does not end here");
    }
    let received = second.message.as_ref().filter(|_| second.is_receive());
    let own =
        |m: &Message| m.is_own() && first.is("Ready") && needs_ready(run, i, j..j + 1).is_some();
    if received.is_some_and(|m| own(m) || !m.is_own() && !has_left(run, i, m)) {
        return Illegal(i, "it arrives before it was sent");
    }
    if !second.is("BecomeCandidate") && first.state != second.state {
        return Illegal(i, "the state follows from the lines before it");
    }
    let between = if first.is("Ready") {
        needs_ready(run, i, i + 1..j)
    } else if first.is_send() {
        late_send(run, i, j)
    } else {
        None
    };
    if let Some(at) = between {
        return Illegal(at, "it arrives before it was sent");
    }
    let applies = second.is("ApplyConfChange")
        && run.after[j].is_some_and(|k| run.events[k].state.conf != second.state.conf);
    if applies {
        return Illegal(j, "the configuration changed (quirk 21)");
    }
    if run.effects(j).is_empty() {
        return Open("two steps whose order does not show");
    }
    let vote = |e: &Event| {
        let message = e
            .message
            .as_ref()
            .filter(|m| m.kind == "MsgVoteResp" && e.is_receive());
        message.map(|m| (m.term, m.reject))
    };
    if vote(first).is_some() && vote(first) == vote(second) {
        return Legal("which vote decides is free");
    }
    Illegal(j, "the handler does not end here")
}

fn swap_in_handler(run: &Run, i: usize, j: usize) -> Ruling {
    let (first, second) = (&run.events[i], &run.events[j]);
    if asks(first) && asks(second) {
        return Legal("the order of a broadcast is free");
    }
    let rises = second.is("BecomeFollower") && second.state.term > first.state.term;
    if rises {
        return Illegal(j, "a term does not fall");
    }
    Illegal(i, "the lines of a handler have an order")
}
