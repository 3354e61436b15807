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

mod lost;
mod moved;
mod sent;

use crate::mutant::{Field, Mutant, Mutation};
use crate::run::{Event, Run, State};

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

use Ruling::{Illegal, Open};
use lost::drop_line;
use moved::{duplicate, swap};
use sent::{lonely_receive, sent_before, term_in};

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
    let vote = |s: &State| (s.term, s.vote.clone());
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
    if message.kind == "MsgSnap" && field == Field::MessageEntries {
        // It may end wherever its sender has applied.
        return match lonely_receive(run, i, i + 1..run.events.len()) {
            Some(at) => Illegal(at, "what arrives here was not sent"),
            None => Open("where a snapshot ends is free"),
        };
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
