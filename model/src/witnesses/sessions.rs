//! What must be reached where clients send commands again.

use super::Witness;
use crate::action::Action;
use crate::history::Answer;
use crate::ids::{Index, Term};
use crate::log::{InlineLog, Log, Payload};
use crate::properties::StepView;
use crate::rules::{Branch, Input};
use crate::scenario::Scenario;
use crate::server::Server;
use crate::sessions::command;

pub(super) const TABLE: [Witness; 7] = [
    Witness {
        name: "duplicate-in-log",
        says: "a leader appends a command that its log holds already",
        shows: |view, _| appended_again(view).is_some(),
    },
    Witness {
        name: "duplicate-of-earlier-term",
        says: "a leader appends a command that its log holds from an earlier leader",
        shows: |view, _| match (appended_again(view), view.actor()) {
            (Some(term), Some((_, after))) => term < after.term,
            _ => false,
        },
    },
    Witness {
        name: "skipped-on-apply",
        says: "a server applies a second copy of a command, and it has no effect",
        shows: |view, scenario| skipped(view, scenario).is_some(),
    },
    Witness {
        name: "skipped-late",
        says: "a server skips a copy of a command whose client has gone on to a later one",
        shows: skipped_late,
    },
    Witness {
        name: "skipped-after-snapshot",
        says: "a server skips a command that it knows from another server's snapshot alone",
        shows: |view, scenario| {
            let (Some(first), Some((before, _))) = (skipped(view, scenario), view.actor()) else {
                return false;
            };
            view.before.history.loaded.contains(before.id) && first <= before.log.base()
        },
    },
    Witness {
        name: "skipped-after-restart",
        says: "a server that restarted from a snapshot skips a command that the snapshot holds",
        shows: |view, scenario| {
            let (Some(first), Some((before, after))) = (skipped(view, scenario), view.actor())
            else {
                return false;
            };
            let history = &view.before.history;
            let restarts = view.is_restart() || history.restarted.contains(before.id);
            restarts && !history.loaded.contains(before.id) && first <= after.log.base()
        },
    },
    Witness {
        name: "answered-from-session",
        says: "a leader answers a command that was sent again with what its session says",
        shows: |view, scenario| answered_again(view, scenario),
    },
];

/// The term of the copy that a leader's log holds of the command that it
/// appends.
fn appended_again(view: &StepView<'_>) -> Option<Term> {
    let Action::Step {
        input: Input::Retry { number },
        ..
    } = view.action
    else {
        return None;
    };
    let (before, _) = view.actor()?;
    if view.branch() != Some(Branch::Wrote) {
        return None;
    }
    let payload = Payload::Write { number: *number };
    let mut entries = before.log.entries().iter();
    let held = entries.find(|entry| entry.payload == payload)?;
    Some(held.term)
}

/// The number of the command at `index`.
fn number_at(server: &Server<InlineLog>, index: Index) -> Option<u32> {
    match server.log.held(index)?.payload {
        Payload::Write { number } => Some(number),
        _ => None,
    }
}

/// Where the first copy stands of a command of which a server has applied a
/// later copy, without effect.
fn skipped(view: &StepView<'_>, scenario: &Scenario) -> Option<Index> {
    if scenario.settings.sessions == 0 || view.branch() == Some(Branch::SnapshotInstalled) {
        return None;
    }
    let (before, after) = view.actor()?;
    let from = match view.is_restart() {
        true => after.log.base(),
        false => before.applied,
    };
    let machine = after.machine.as_ref()?;
    (from.0 + 1..=after.applied.0).map(Index).find_map(|index| {
        let number = number_at(after, index)?;
        let first = (1..index.0)
            .map(Index)
            .find(|&earlier| number_at(after, earlier) == Some(number))?;
        let once = machine.effects.iter().filter(|&&n| n == number).count() == 1;
        once.then_some(first)
    })
}

/// Whether a command was skipped whose client's session was past it.
fn skipped_late(view: &StepView<'_>, scenario: &Scenario) -> bool {
    let (Some(first), Some((before, after))) = (skipped(view, scenario), view.actor()) else {
        return false;
    };
    let clients = scenario.settings.sessions;
    let (Some(number), Some(machine)) = (number_at(after, first), &before.machine) else {
        return false;
    };
    let (client, sequence) = command(number, clients);
    let known = machine.session(client);
    known.is_some_and(|known| known.sequence > sequence)
}

/// Whether a leader has answered a command of which it has skipped a copy of
/// its own term.
fn answered_again(view: &StepView<'_>, scenario: &Scenario) -> bool {
    let (Some(_), Some((before, after))) = (skipped(view, scenario), view.actor()) else {
        return false;
    };
    let answers: &[Answer] = &view.step.after.history.answers;
    let applied = (before.applied.0 + 1..=after.applied.0).map(Index);
    after.role.is_leader()
        && applied.into_iter().any(|index| {
            let own = after.log.term_at(index) == Some(after.term);
            let number = number_at(after, index).filter(|_| own);
            let Some(number) = number else {
                return false;
            };
            let again = (1..index.0).any(|i| number_at(after, Index(i)) == Some(number));
            again && answers.iter().any(|answer| answer.number == number)
        })
}
