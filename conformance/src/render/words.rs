//! What a step says beside its server, in few words.

use crate::timeline::view::Change;
use crate::timeline::{Arrow, Frame, NoteKind};

/// `Append@2 prev=1@1 [2@1] commit=1`: what a message says, and its term.
pub(super) fn label(arrow: &Arrow) -> String {
    match arrow.text.split_once(' ') {
        Some((kind, rest)) => format!("{kind}@{} {rest}", arrow.term),
        None => format!("{}@{}", arrow.text, arrow.term),
    }
}

/// What is said beside the server: notes first, then what changed, then what
/// left on its own account. An answer is told by its arrow.
pub(super) fn said(frame: &Frame) -> Vec<(char, String)> {
    let mut lines: Vec<(char, String)> = frame
        .notes
        .iter()
        .map(|note| {
            let mark = match note.kind {
                NoteKind::Elected => '★',
                NoteKind::Committed | NoteKind::Served => '✓',
                NoteKind::Crashed => '✗',
                NoteKind::Flaw | NoteKind::Wrong => '!',
                NoteKind::Refused | NoteKind::Truncated | NoteKind::Network | NoteKind::Info => ' ',
            };
            (mark, note.text.clone())
        })
        .collect();
    lines.extend(changed(&frame.changes).into_iter().map(|line| (' ', line)));
    if !frame.kind.starts_with("receive-") {
        lines.extend(sends(&frame.sends).into_iter().map(|line| (' ', line)));
    }
    lines
}

/// What left, messages of one text to several servers in one line.
fn sends(sends: &[Arrow]) -> Vec<String> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for arrow in sends {
        let label = label(arrow);
        match groups.iter_mut().find(|(text, _)| *text == label) {
            Some((_, to)) => to.push(&arrow.to),
            None => groups.push((label, vec![&arrow.to])),
        }
    }
    let lines = groups.into_iter();
    lines
        .map(|(label, to)| format!("to {}: {label}", to.join(", ")))
        .collect()
}

/// The changes in few words. Role, votes and what only begins with a
/// leadership are told by line, notes and arrows.
fn changed(changes: &[Change]) -> Vec<String> {
    let find = |field: &str| changes.iter().find(|change| change.field == field);
    let mut lines = Vec::new();
    let term = find("term").map(|c| format!("term {} → {}", c.before, c.after));
    // A vote of an earlier term is no vote in this one.
    let vote = find("vote").map(|c| match (c.before.as_str(), c.after.as_str()) {
        ("none", to) => format!("vote {to}"),
        (_, to) if term.is_some() => format!("vote {to}"),
        (from, to) => format!("vote {from} → {to}"),
    });
    // A new term starts without a vote: that alone is no news.
    let vote =
        vote.filter(|_| !(term.is_some() && find("vote").is_some_and(|c| c.after == "none")));
    match (term, vote) {
        (Some(term), Some(vote)) => lines.push(format!("{term}, {vote}")),
        (Some(one), None) | (None, Some(one)) => lines.push(one),
        (None, None) => {}
    }
    if let Some(log) = find("log") {
        if !log.before.is_empty() {
            lines.push(format!("log − {}", log.before));
        }
        if !log.after.is_empty() {
            lines.push(format!("log + {}", log.after));
        }
    }
    for field in ["last", "commit", "applied", "config"] {
        if let Some(c) = find(field) {
            lines.push(format!("{field} {} → {}", c.before, c.after));
        }
    }
    if let Some(c) = find("votes").filter(|c| !c.after.is_empty() && !is_alone(c)) {
        lines.push(format!("votes {}", c.after));
    }
    if let Some(c) = find("match").filter(|c| !c.before.is_empty() && !c.after.is_empty()) {
        let old: Vec<&str> = c.before.split(' ').collect();
        let new = c.after.split(' ').filter(|item| !old.contains(item));
        lines.push(format!("match {}", new.collect::<Vec<_>>().join(" ")));
    }
    if let Some(c) = find("reads").filter(|c| !c.after.is_empty()) {
        lines.push(format!("read {}", c.after));
    }
    // That all is durable again is what a completed write and a restart say.
    if let Some(c) = find("durable").filter(|c| c.after != "all") {
        lines.push(format!("on disk {}", c.after));
    }
    if let Some(c) = find("waiting").filter(|c| !c.after.is_empty()) {
        lines.push(format!("waits for the write: {}", c.after));
    }
    if let Some(c) = find("machine").filter(|c| !c.after.is_empty()) {
        lines.push(format!("applied {}", c.after));
    }
    lines
}

/// Whether a candidate has no vote but its own.
fn is_alone(change: &Change) -> bool {
    change.after == "{}" || change.after == format!("{{{}}}", change.node)
}
