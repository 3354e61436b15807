//! What led to the end of a trace, as a timeline.
//!
//! A follower keeps its last moments, each with what a trace can show of the
//! server before and after. A server's log is not among that, only its end.

use plimsoll_model::action::Action;
use plimsoll_model::message::Message;
use plimsoll_model::rules::{Branch, Input};

use super::view::{Change, View};
use super::{
    Arrow, Conclusion, ConclusionKind, Frame, Node, Note, NoteKind, Origin, SCHEMA, Timeline,
};
use crate::replay::Judged;
use crate::replay::follow::{Moment, RoleKind, Scalars};
use crate::replay::names::Names;
use crate::verdict::Verdict;

impl Timeline {
    /// The last moments of a judged trace, `around` lines of it when given: up
    /// to that line. `None` when the input could not be judged.
    pub fn of_judged(judged: &Judged, around: Option<u64>) -> Option<Self> {
        let verdict = judged.result.as_ref().ok()?;
        let names = Names::new(&verdict.certificate().nodes);
        let moments: Vec<&Moment> = judged
            .moments
            .iter()
            .filter(|moment| around.is_none_or(|line| moment.place.line <= line))
            .collect();
        let mut nodes: Vec<Node> = Vec::new();
        for moment in &moments {
            let parties = message(&moment.action)
                .map(|m| [m.from, m.to])
                .into_iter()
                .flatten();
            for id in parties.chain(node(&moment.action)) {
                if !nodes.iter().any(|known| known.id == id.to_string()) {
                    nodes.push(Node {
                        id: id.to_string(),
                        before: View::default(),
                        after: View::default(),
                    });
                }
            }
        }
        nodes.sort_by(|a, b| a.id.cmp(&b.id));
        let mut frames: Vec<Frame> = Vec::new();
        for (at, moment) in moments.iter().enumerate() {
            frames.push(frame(at as u64 + 1, moment, &moments[..at]));
            let Some(id) = node(&moment.action).map(|id| id.to_string()) else {
                continue;
            };
            let earlier = moments[..at].iter();
            let first = !earlier
                .clone()
                .any(|m| node(&m.action).is_some_and(|n| n.to_string() == id));
            if let Some(known) = nodes.iter_mut().find(|known| known.id == id) {
                if first {
                    known.before = view(&moment.before);
                }
                known.after = view(&moment.after);
            }
        }
        for node in &mut nodes {
            node.id = names.of_model(&node.id).to_owned();
            name_view(&mut node.before, &names);
            name_view(&mut node.after, &names);
        }
        for frame in &mut frames {
            name_frame(frame, &names);
        }
        let diverges = match verdict {
            Verdict::Diverges(found, _) => Some(found),
            _ => None,
        };
        let reached = diverges.filter(|found| around.is_none_or(|line| line >= found.place.line));
        let path = judged.path.display().to_string();
        let title = match (reached, verdict) {
            (Some(found), _) => format!(
                "{} diverges at line {} (event {}): {}",
                found.place.path.display(),
                found.place.line,
                found.place.event,
                found.what
            ),
            (None, Verdict::Inconclusive(stopped, _)) if around.is_none() => {
                format!("{path} is inconclusive: {}", stopped.ground.says())
            }
            _ => match around {
                Some(line) => format!("{path} up to line {line}"),
                None => format!("{path}: the last steps"),
            },
        };
        if let Some(found) = reached {
            let id = Some(names.of_trace(&found.node).to_owned());
            frames.push(Frame {
                step: frames.len() as u64 + 1,
                action: found.what.clone(),
                kind: "diverges".to_owned(),
                node: id.filter(|id| nodes.iter().any(|node| node.id == *id)),
                message: None,
                sends: Vec::new(),
                changes: Vec::new(),
                notes: vec![Note {
                    kind: NoteKind::Wrong,
                    text: format!("DIVERGES: {}", found.what),
                }],
                line: Some(found.place.line),
            });
        }
        let conclusion = reached.map(|found| {
            let mut why = vec![
                format!("line {}: {}", found.place.line, found.what),
                found.why.clone(),
            ];
            let because = found.because.iter();
            why.extend(
                because.map(|(place, what)| format!("{}: {what}", place.beside(&found.place))),
            );
            Conclusion {
                kind: ConclusionKind::Rule,
                name: found.rule.name.clone(),
                says: found.expected.clone(),
                section: found.rule.section.clone(),
                file: found.rule.file.clone(),
                why,
            }
        });
        Some(Timeline {
            schema: SCHEMA.to_owned(),
            title,
            origin: Origin {
                trace: Some(path.clone()),
                // Judged alone, one of several files ends elsewhere.
                rerun: (judged.inputs.len() == 1).then(|| format!("plimsoll explain {path}")),
                ..Origin::default()
            },
            nodes,
            frames,
            conclusion,
        })
    }
}

/// Replaces the model's names by those of the trace.
fn name_view(view: &mut View, names: &Names) {
    for text in [&mut view.vote, &mut view.config] {
        *text = names.text(text);
    }
}

/// The same in a step.
fn name_frame(frame: &mut Frame, names: &Names) {
    frame.action = names.text(&frame.action);
    frame.node = frame
        .node
        .as_deref()
        .map(|id| names.of_model(id).to_owned());
    for arrow in frame.message.iter_mut().chain(&mut frame.sends) {
        for end in [&mut arrow.from, &mut arrow.to] {
            *end = names.of_model(end).to_owned();
        }
        arrow.text = names.text(&arrow.text);
    }
    for change in &mut frame.changes {
        change.node = names.of_model(&change.node).to_owned();
        for text in [&mut change.before, &mut change.after] {
            *text = names.text(text);
        }
    }
    for note in &mut frame.notes {
        note.text = names.text(&note.text);
    }
}

fn node(action: &Action) -> Option<plimsoll_model::ids::NodeId> {
    match action {
        Action::Step { node, .. } => Some(*node),
        Action::Drop { .. } | Action::Duplicate { .. } => None,
    }
}

fn message(action: &Action) -> Option<&Message> {
    match action {
        Action::Step {
            input: Input::Receive { message },
            ..
        }
        | Action::Drop { message }
        | Action::Duplicate { message } => Some(message),
        Action::Step { .. } => None,
    }
}

fn arrow(message: &Message, earlier: &[&Moment]) -> Arrow {
    let left = earlier
        .iter()
        .rposition(|moment| moment.said.contains(message));
    Arrow {
        from: message.from.to_string(),
        to: message.to.to_string(),
        term: message.term.0,
        text: message.body.to_string(),
        sent: left.map(|at| earlier[at].place.line),
    }
}

fn frame(step: u64, moment: &Moment, earlier: &[&Moment]) -> Frame {
    let acting = node(&moment.action).map(|id| id.to_string());
    let said = moment.said.iter();
    let sends = said.map(|message| Arrow {
        sent: Some(moment.place.line),
        ..arrow(message, earlier)
    });
    Frame {
        step,
        action: moment.action.to_string(),
        kind: moment.action.kind().to_owned(),
        node: acting.clone(),
        message: message(&moment.action).map(|message| arrow(message, earlier)),
        sends: sends.collect(),
        changes: acting.map_or(Vec::new(), |id| changes(&id, moment)),
        notes: notes(moment),
        line: Some(moment.place.line),
    }
}

/// What a trace can show of a server.
fn view(seen: &Scalars) -> View {
    View {
        role: seen.role.name().to_owned(),
        term: seen.term.to_string(),
        vote: seen.vote.map_or("none".to_owned(), |to| to.to_string()),
        log: format!("ends at {}", seen.last),
        commit: seen.commit.to_string(),
        applied: seen.applied.to_string(),
        config: seen.config.to_string(),
        ..View::default()
    }
}

fn changes(id: &str, moment: &Moment) -> Vec<Change> {
    let (old, new) = (view(&moment.before), view(&moment.after));
    old.fields()
        .into_iter()
        .zip(new.fields())
        .filter(|(old, new)| old != new)
        .map(|((field, before), (_, after))| Change {
            node: id.to_owned(),
            // Only where the log ends is known, which is a field of its own.
            field: if field == "log" { "last" } else { field }.to_owned(),
            before: before.trim_start_matches("ends at ").to_owned(),
            after: after.trim_start_matches("ends at ").to_owned(),
        })
        .collect()
}

fn notes(moment: &Moment) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut note = |kind, text: String| notes.push(Note { kind, text });
    let Action::Step { input, .. } = &moment.action else {
        note(NoteKind::Network, moment.action.to_string());
        return notes;
    };
    let (before, after) = (&moment.before, &moment.after);
    let from = match input {
        Input::Receive { message } => message.from.to_string(),
        _ => String::new(),
    };
    let branch = moment.outcome.branch;
    let reason = moment.outcome.reason;
    match (input, branch) {
        (Input::Restart { .. }, _) => note(NoteKind::Crashed, "CRASHES and restarts".to_owned()),
        (_, Branch::Committed) => {
            note(
                NoteKind::Committed,
                format!("COMMITS up to {}", after.commit),
            );
        }
        (_, Branch::Campaigned) => {
            note(
                NoteKind::Info,
                format!("starts an election for term {}", after.term),
            );
        }
        (_, Branch::VoteGranted) => note(NoteKind::Info, format!("grants its vote to {from}")),
        (Input::Receive { .. }, Branch::VoteCounted | Branch::BecameLeader) => {
            note(NoteKind::Info, format!("counts {from}'s vote"));
        }
        (_, Branch::Wrote) => note(NoteKind::Info, "a client writes".to_owned()),
        // The arrow, the change or the message that leaves says it.
        (
            _,
            Branch::SentAppend
            | Branch::SentHeartbeat
            | Branch::Appended
            | Branch::ProgressNoted
            | Branch::HeartbeatReceived
            | Branch::HeartbeatAcked,
        ) => {}
        _ => {
            let text = branch.name().replace('-', " ");
            match reason {
                Some(reason) => note(NoteKind::Refused, format!("{text}: {reason}")),
                None => note(NoteKind::Info, text),
            }
        }
    }
    let leads = |seen: &Scalars| seen.role == RoleKind::Leader;
    if leads(after) && (!leads(before) || before.term != after.term) {
        note(NoteKind::Elected, format!("LEADER of term {}", after.term));
    }
    if moment.silent {
        note(NoteKind::Info, "(no line shows this)".to_owned());
    }
    notes
}
