//! A timeline as a Mermaid sequence diagram, for a pull request.
//!
//! <https://mermaid.js.org/syntax/sequenceDiagram.html>. Semicolons and hash
//! signs end or escape things there, so they are written as entities.

use std::fmt::Write as _;

use crate::timeline::view::Change;
use crate::timeline::{Frame, NoteKind, Timeline};

/// The diagram, without a code fence.
pub fn render(timeline: &Timeline) -> String {
    let mut out = String::from("sequenceDiagram\n");
    // Writing to a string does not fail.
    let _ = writeln!(out, "    title {}", escape(&timeline.title));
    for node in &timeline.nodes {
        let _ = writeln!(out, "    participant {}", escape(&node.id));
    }
    for frame in &timeline.frames {
        step(&mut out, frame);
    }
    if let (Some(conclusion), Some(first), Some(last)) = (
        &timeline.conclusion,
        timeline.nodes.first(),
        timeline.nodes.last(),
    ) {
        let mut lines = vec![format!(
            "{} ({}) is broken",
            conclusion.name, conclusion.section
        )];
        lines.extend(conclusion.why.iter().cloned());
        let over = if first.id == last.id {
            escape(&first.id)
        } else {
            format!("{},{}", escape(&first.id), escape(&last.id))
        };
        let _ = writeln!(out, "    Note over {over}: {}", joined(&lines));
    }
    out
}

fn step(out: &mut String, frame: &Frame) {
    let number = match frame.line {
        Some(line) => format!("line {line}"),
        None => frame.step.to_string(),
    };
    if let Some(arrow) = &frame.message {
        let shaft = match frame.node {
            Some(_) => "->>",
            None if frame.kind == "drop" => "-x",
            None => "-->>",
        };
        let left = match arrow.sent {
            Some(step) => format!(", left in {step}"),
            None => String::new(),
        };
        let _ = writeln!(
            out,
            "    {}{shaft}{}: {number}. {} (term {}{left})",
            escape(&arrow.from),
            escape(&arrow.to),
            escape(&arrow.text),
            arrow.term
        );
    }
    let mut lines: Vec<String> = frame
        .notes
        .iter()
        .map(|note| marked(note.kind, &note.text))
        .collect();
    lines.extend(frame.changes.iter().filter_map(changed));
    if frame.message.is_none() && lines.is_empty() {
        lines.push(frame.action.clone());
    }
    if let (Some(node), false) = (&frame.node, lines.is_empty()) {
        if frame.message.is_none() {
            lines[0] = format!("{number}. {}", lines[0]);
        }
        let _ = writeln!(out, "    Note over {}: {}", escape(node), joined(&lines));
    }
}

fn marked(kind: NoteKind, text: &str) -> String {
    match kind {
        NoteKind::Elected => format!("★ {text}"),
        NoteKind::Committed | NoteKind::Served => format!("✓ {text}"),
        NoteKind::Crashed => format!("✗ {text}"),
        NoteKind::Flaw | NoteKind::Wrong => format!("! {text}"),
        NoteKind::Refused | NoteKind::Truncated | NoteKind::Network | NoteKind::Info => {
            text.to_owned()
        }
    }
}

fn changed(change: &Change) -> Option<String> {
    let Change {
        field,
        before,
        after,
        ..
    } = change;
    match (field.as_str(), before.as_str(), after.as_str()) {
        ("role" | "votes" | "match" | "waiting", _, _) => None,
        ("log", "", new) => Some(format!("log + {new}")),
        ("log", old, "") => Some(format!("log − {old}")),
        ("log", old, new) => Some(format!("log − {old}, + {new}")),
        (_, "", new) => Some(format!("{field} {new}")),
        (_, _, "") => None,
        (_, old, new) => Some(format!("{field} {old} → {new}")),
    }
}

fn joined(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
    lines.join("<br/>")
}

/// The text without what Mermaid takes for its own.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ';' => out.push_str("#59;"),
            '#' => out.push_str("#35;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_mermaid_takes_for_its_own_is_escaped() {
        assert_eq!(escape("a;b #1 <x>\n"), "a#59;b #35;1 #lt;x#gt; ");
    }
}
