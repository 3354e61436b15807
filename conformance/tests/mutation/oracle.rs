//! Which mutants the unmutated run shows to be illegal, and at which line: by
//! the facts of the format, the lines around the mutated one and the side
//! files, without a model of Raft and without the judge.
//!
//! The argument is that the recorded library is deterministic. The unmutated run
//! is legal. What a node shows follows from its boot and from its inputs: which
//! messages it received, when its clock made it campaign, what its clients
//! wrote, when its storage was asked to write. So a *consequence* that differs
//! where the inputs do not is illegal; a changed *input* is illegal where the
//! rest of the run contradicts it, and open otherwise.

use crate::mutant::{Field, Mutant, Mutation};
use crate::run::{Event, Message, Run};

/// What the run says of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// Illegal; shown at this line of the mutant, from 0, at the latest.
    Illegal(usize, &'static str),
    /// A legal run as well.
    Legal(&'static str),
    /// Not to be decided from the trace.
    Open(&'static str),
}

use Ruling::{Illegal, Legal, Open};

/// What `run` says of `mutant`.
pub(crate) fn rule(run: &Run, mutant: &Mutant) -> Ruling {
    let i = mutant.line;
    match &mutant.mutation {
        Mutation::Change(field, _) => {
            let changed = Event::of(&mutant.lines(run).next().expect("a line").1);
            if field.is_message() {
                change_message(run, i, *field, &changed)
            } else if run.is_boot(i) {
                change_boot(run, i, *field, &changed)
            } else {
                Illegal(i, "the state follows from the lines before it")
            }
        }
        Mutation::Drop => shift(drop_line(run, i), mutant),
        Mutation::Duplicate => duplicate(run, i),
        Mutation::Swap => swap(run, i, run.after[i].expect("a next line")),
    }
}

fn shift(ruling: Ruling, mutant: &Mutant) -> Ruling {
    match ruling {
        Illegal(k, why) => Illegal(mutant.moved(k), why),
        other => other,
    }
}

/// The state in a line of a boot: what storage had kept is an input.
fn change_boot(run: &Run, i: usize, field: Field, changed: &Event) -> Ruling {
    let start = run.cause[i];
    let next = run.after[i].filter(|&k| run.cause[k] == start);
    if i == start {
        return match (field, next) {
            (Field::Log, Some(next)) => Illegal(next, "a log does not change in a boot"),
            (Field::Log, None) => Open("what storage kept, and nothing follows"),
            (Field::Commit, _) if changed.state.commit <= changed.state.log => {
                Open("the log may have been compacted (quirk 6)")
            }
            _ => Illegal(i, "an InitState shows nothing but the log (quirk 6)"),
        };
    }
    let restored = run.after[start].and_then(|k| run.after[k]) == Some(i);
    if !restored || field == Field::Log {
        return Illegal(i, "the lines of a boot are fixed (quirks 6 and 9)");
    }
    if changed.state.commit > changed.state.log {
        return Illegal(i, "a commit index beyond the log");
    }
    let Some(crash) = run.before[start] else {
        return Open("a first boot may find what this trace does not show");
    };
    // What was ever handed to storage in the incarnation before.
    let boot = run.boot[crash];
    let kept = |k: &usize| run.events[*k].is("Ready") || run.is_boot(*k);
    let mut handed = std::iter::once(crash)
        .chain(run.earlier(crash))
        .take_while(|&k| run.boot[k] == boot)
        .filter(kept)
        .map(|k| &run.events[k].state);
    let vote = |s: &crate::run::State| (s.term, s.vote.clone());
    let known = match field {
        Field::Commit => handed.any(|s| s.commit == changed.state.commit),
        _ => handed.any(|s| vote(s) == vote(&changed.state)),
    };
    if !known {
        return Illegal(i, "restored, and never handed to storage");
    }
    let Some(next) = run.after[i].filter(|&k| !run.events[k].is("InitState")) else {
        return Open("what storage kept, and nothing follows");
    };
    match (field, run.events[next].name.as_str()) {
        (Field::Vote, "BecomeCandidate") => Open("what storage kept, and nothing follows"),
        _ => Illegal(next, "the next line shows what was restored"),
    }
}

fn change_message(run: &Run, i: usize, field: Field, changed: &Event) -> Ruling {
    let event = &run.events[i];
    let message = changed.message.as_ref().expect("a message");
    if event.is_receive() {
        if message.is_own() {
            return Illegal(i, "its own acknowledgements come back in order (quirk 12)");
        }
        return if sent_before(run, i, message, None) {
            Open("another message was sent that reads so")
        } else {
            Illegal(i, "nobody sent this")
        };
    }
    if !event.is_free_send() {
        return Illegal(i, "the same handler says something else");
    }
    let range = [
        Field::MessageIndex,
        Field::MessageLogTerm,
        Field::MessageEntries,
    ];
    if message.kind != "MsgApp" || !range.contains(&field) {
        return Illegal(i, "the line shows what such a message says (quirk 14)");
    }
    if field == Field::MessageLogTerm {
        return Illegal(i, "an entry has one term");
    }
    if message.index + message.entries > event.state.log {
        return Illegal(i, "more than the sender's log holds");
    }
    if term_in(run, i, message.index).is_some_and(|term| term != message.log_term) {
        return Illegal(i, "an entry has one term");
    }
    match lonely_receive(run, i, i + 1..run.events.len()) {
        Some(at) => Illegal(at, "what arrives here was not sent"),
        None => Open("which range a leader sends is free"),
    }
}

/// The term of the entry at `index` in the log of the leader at line `i`, where
/// the run tells.
fn term_in(run: &Run, i: usize, index: u64) -> Option<u64> {
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
fn sent_before(run: &Run, i: usize, message: &Message, but: Option<usize>) -> bool {
    (0..i).any(|k| {
        let event = &run.events[k];
        Some(k) != but && event.is_send() && event.message.as_ref() == Some(message)
    })
}

/// The first line in `within` that receives what line `i` sends and nothing else
/// sends before.
fn lonely_receive(run: &Run, i: usize, within: std::ops::Range<usize>) -> Option<usize> {
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
fn needs_ready(run: &Run, i: usize, within: std::ops::Range<usize>) -> Option<usize> {
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

/// Whether a candidate asks for a vote here, another's or its own.
fn asks(event: &Event) -> bool {
    let own = event.message.as_ref().is_some_and(Message::is_own);
    event.is("SendRequestVoteRequest") || event.is("SendRequestVoteResponse") && own
}

fn drop_line(run: &Run, i: usize) -> Ruling {
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

fn missing_entry(run: &Run, i: usize) -> Ruling {
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
    let last = run.earlier(i).find(ends);
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

fn duplicate(run: &Run, i: usize) -> Ruling {
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

/// Whether `message` was sent before line `at`, with a `Ready` of its sender in
/// between: only then it can have left (quirk 3).
fn has_left(run: &Run, at: usize, message: &Message) -> bool {
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

fn swap(run: &Run, i: usize, j: usize) -> Ruling {
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

/// The first line that needs the message of line `i` to have left before line
/// `j`, or, if that is a `Ready`, with it.
fn late_send(run: &Run, i: usize, j: usize) -> Option<usize> {
    let ready = run.later(j).find(|&k| run.events[k].is("Ready"));
    let until = match ready {
        Some(next) if run.events[j].is("Ready") => next,
        _ => j,
    };
    lonely_receive(run, i, i + 1..until)
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
