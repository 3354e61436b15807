//! A timeline as a sequence diagram in the terminal.
//!
//! One column a server, time runs down. A server's line tells its role, an
//! arrow stands in the step in which a message arrives and names the step in
//! which it left, and beside a server stands only what the step changed. A
//! message that leaves and arrives in the very next step is one arrow.

use crate::render::canvas::{Canvas, wrap};
use crate::render::words::{label, said};
use crate::timeline::{Arrow, ConclusionKind, Frame, NoteKind, Timeline};

/// The width that fits most terminals and code hosts.
pub const WIDTH: usize = 110;

/// The names of the servers come again after so many rows.
const NAMES_EVERY: usize = 44;

/// Where a server's line stands, and what it looks like by role.
struct Lanes {
    left: usize,
    width: usize,
    roles: Vec<String>,
}

impl Lanes {
    fn x(&self, lane: usize) -> usize {
        self.left + lane * self.width
    }

    fn line(&self, lane: usize) -> &'static str {
        match self.roles[lane].as_str() {
            "leader" => "║",
            "candidate" => "┆",
            _ => "│",
        }
    }

    /// What fits beside a server's line.
    fn room(&self) -> usize {
        self.width.saturating_sub(3).max(8)
    }

    fn draw(&self, canvas: &mut Canvas, row: usize) {
        for lane in 0..self.roles.len() {
            canvas.put(row, self.x(lane), self.line(lane));
        }
    }
}

/// The whole timeline in at most `width` columns where its servers fit.
pub fn render(timeline: &Timeline, width: usize) -> String {
    let mut out = format!("{}\n", timeline.title);
    for line in about(timeline) {
        for line in wrap(&line, width, 2) {
            out += &format!("{line}\n");
        }
    }
    let left = if timeline.origin.trace.is_some() {
        "line"
    } else {
        "step"
    };
    out += &format!("{LEGEND} {left} 3   2@1: index 2 of term 1\n");
    out.push('\n');
    out += &diagram(timeline, width);
    out.push('\n');
    out += &table(timeline);
    if let Some(ending) = conclusion(timeline, width) {
        out.push('\n');
        out += &ending;
    }
    out
}

/// How to read it.
const LEGEND: &str = "│ follower   ┆ candidate   ║ leader   ├(3)──>● arrives, left in";

/// Where it comes from.
fn about(timeline: &Timeline) -> Vec<String> {
    let origin = &timeline.origin;
    let mut lines = Vec::new();
    if let Some(flaw) = &origin.flaw {
        lines.push(format!(
            "planted: {} ({}): {}",
            flaw.name, flaw.code, flaw.mechanism
        ));
    }
    if let Some(trace) = &origin.trace {
        lines.push(format!("trace: {trace}"));
    }
    lines
}

fn diagram(timeline: &Timeline, width: usize) -> String {
    let nodes = timeline.nodes.len().max(1);
    let last = timeline.frames.last().map_or(0, |frame| frame.step);
    let lines = timeline.frames.iter().filter_map(|frame| frame.line).max();
    let left = match lines {
        Some(line) => format!("line {line}").len() + 3,
        None => last.to_string().len() + 4,
    };
    let mut lanes = Lanes {
        left,
        width: (width.saturating_sub(left) / nodes).clamp(16, 38),
        roles: timeline
            .nodes
            .iter()
            .map(|n| n.before.role.clone())
            .collect(),
    };
    let mut canvas = Canvas::default();
    names(&mut canvas, &lanes, timeline);
    start(&mut canvas, &lanes, timeline);
    let mut named_at = canvas.height();
    for (at, frame) in timeline.frames.iter().enumerate() {
        let next = timeline.frames.get(at + 1);
        if next.is_some_and(|next| arrives_at_once(frame, next)) || goes_without_saying(frame) {
            continue;
        }
        if canvas.height() > named_at + NAMES_EVERY {
            names(&mut canvas, &lanes, timeline);
            named_at = canvas.height();
        }
        step(&mut canvas, &mut lanes, timeline, frame);
    }
    canvas.text()
}

/// Whether `frame` only sends what `next` receives: then the arrow says it all,
/// unless the planted flaw made a difference.
fn arrives_at_once(frame: &Frame, next: &Frame) -> bool {
    let flawed = frame.notes.iter().any(|note| note.kind == NoteKind::Flaw);
    !flawed
        && frame.changes.is_empty()
        && frame.message.is_none()
        && frame.line == next.line
        && match (frame.sends.as_slice(), &next.message) {
            ([only], Some(arrow)) => next.node.is_some() && same(only, arrow),
            _ => false,
        }
}

/// Whether `frame` is a write that no line of a trace shows and that changed
/// nothing a trace can show.
fn goes_without_saying(frame: &Frame) -> bool {
    let own = ["write-completed", "count-own-vote", "count-own-entries"];
    frame.line.is_some() && frame.changes.is_empty() && own.contains(&frame.kind.as_str())
}

fn same(a: &Arrow, b: &Arrow) -> bool {
    (&a.from, &a.to, a.term, &a.text) == (&b.from, &b.to, b.term, &b.text)
}

fn names(canvas: &mut Canvas, lanes: &Lanes, timeline: &Timeline) {
    let row = canvas.height();
    for (lane, node) in timeline.nodes.iter().enumerate() {
        canvas.put(row, lanes.x(lane), &node.id);
    }
}

/// What the servers start with, where it is more than nothing.
fn start(canvas: &mut Canvas, lanes: &Lanes, timeline: &Timeline) {
    let top = canvas.height();
    let mut texts = Vec::new();
    for (lane, node) in timeline.nodes.iter().enumerate() {
        let (view, mut lines) = (&node.before, Vec::new());
        if view.term != "0" || !view.log.is_empty() {
            let role = if view.role == "follower" {
                String::new()
            } else {
                format!("{}, ", view.role)
            };
            lines.push(format!("{role}term {}", view.term));
            if view.vote != "none" {
                lines.push(format!("vote {}", view.vote));
            }
            if !view.log.is_empty() {
                lines.push(format!("log {}", view.log));
            }
            if view.commit != "0" {
                lines.push(format!("commit {}", view.commit));
            }
        }
        texts.push((lane, lines));
    }
    let mut bottom = top;
    for (lane, lines) in &texts {
        let lines = lines.iter().flat_map(|line| wrap(line, lanes.room(), 2));
        for (i, line) in lines.enumerate() {
            canvas.put(top + i, lanes.x(*lane) + 2, &line);
            bottom = bottom.max(top + i + 1);
        }
    }
    // Over the words only the lines are drawn, and a row of air.
    for row in top..=bottom {
        lanes.draw(canvas, row);
    }
}

/// One step: an arrow if a message arrives, and what is said beside the server.
fn step(canvas: &mut Canvas, lanes: &mut Lanes, timeline: &Timeline, frame: &Frame) {
    let top = canvas.height();
    let before = lanes.roles.clone();
    let mut row = top;
    let mut beside = top;
    if let Some(arrow) = &frame.message {
        let from = timeline.position(&arrow.from).unwrap_or_default();
        let to = timeline.position(&arrow.to).unwrap_or_default();
        row = shaft(canvas, lanes, top, arrow, from, to, frame.node.is_some());
        // Beside an arrow's head from the left there is room, not at its right.
        beside = if from < to { row } else { row + 1 };
    }
    let acting = frame.node.as_ref().and_then(|name| timeline.position(name));
    let speaking = acting.or_else(|| {
        let arrow = frame.message.as_ref()?;
        timeline.position(&arrow.to)
    });
    for change in frame.changes.iter().filter(|change| change.field == "role") {
        if let Some(lane) = timeline.position(&change.node) {
            lanes.roles[lane].clone_from(&change.after);
        }
    }
    let lines: Vec<(char, String)> = said(frame)
        .into_iter()
        .flat_map(|(mark, text)| {
            let lines = wrap(&text, lanes.room(), 2).into_iter().enumerate();
            lines.map(move |(i, line)| (if i == 0 { mark } else { ' ' }, line))
        })
        .collect();
    let bottom = (beside + lines.len()).max(row + 1);
    // The lines of the rows that the arrow has not drawn, then the words.
    for at in row + 1..bottom {
        lanes.draw(canvas, at);
    }
    if frame.message.is_none() {
        lanes.roles.clone_from(&before);
        lanes.draw(canvas, top);
        for change in frame.changes.iter().filter(|change| change.field == "role") {
            if let Some(lane) = timeline.position(&change.node) {
                lanes.roles[lane].clone_from(&change.after);
            }
        }
        if let Some(lane) = acting {
            canvas.put(top, lanes.x(lane), "●");
        }
    }
    if let Some(lane) = speaking {
        for (i, (mark, line)) in lines.iter().enumerate() {
            let x = lanes.x(lane);
            if *mark != ' ' && !(beside + i == row && frame.message.is_some()) {
                canvas.put(beside + i, x, &mark.to_string());
            }
            canvas.put(beside + i, x + 2, line);
        }
    }
    let number = match frame.line {
        Some(line) => format!("line {line}"),
        None => frame.step.to_string(),
    };
    canvas.put(top, 1, &number);
    // A row of air.
    lanes.draw(canvas, bottom);
}

/// Draws the arrow of a message; returns the row of its shaft.
fn shaft(
    canvas: &mut Canvas,
    lanes: &Lanes,
    top: usize,
    arrow: &Arrow,
    from: usize,
    to: usize,
    arrives: bool,
) -> usize {
    let (first, second) = (lanes.x(from.min(to)), lanes.x(from.max(to)));
    let inner = second.saturating_sub(first + 1);
    let left = arrow.sent.map_or(String::new(), |step| format!("({step})"));
    let label = label(arrow);
    let used = label.chars().count() + 2 + left.chars().count() + 3;
    let mut row = top;
    if used > inner {
        // The words go above the shaft.
        for line in wrap(&label, inner, 0) {
            lanes.draw(canvas, row);
            let gap = inner.saturating_sub(line.chars().count()) / 2;
            canvas.put(row, first + 1 + gap, &line);
            row += 1;
        }
    }
    lanes.draw(canvas, row);
    canvas.put(row, first + 1, &"─".repeat(inner));
    for lane in from.min(to) + 1..from.max(to) {
        canvas.put(row, lanes.x(lane), "┼");
    }
    if used <= inner {
        let label = format!(" {label} ");
        let free = inner - left.chars().count() - label.chars().count();
        let gap = if from < to {
            left.chars().count() + free / 2
        } else {
            free / 2
        };
        canvas.put(row, first + 1 + gap, &label);
    }
    let head = if arrives { "●" } else { "x" };
    if from < to {
        canvas.put(row, first, "├");
        canvas.put(row, first + 1, &left);
        canvas.put(row, second - 1, ">");
        canvas.put(row, second, head);
    } else {
        canvas.put(row, second, "┤");
        canvas.put(row, second - left.chars().count(), &left);
        canvas.put(row, first + 1, "<");
        canvas.put(row, first, head);
    }
    row
}

/// Every server at the end.
fn table(timeline: &Timeline) -> String {
    let mut table =
        crate::render::table::Table::new(&["at the end", "role", "term", "vote", "commit", "log"]);
    for node in &timeline.nodes {
        let view = &node.after;
        let log = match (view.log.as_str(), view.durable.as_str()) {
            (log, "" | "all") => log.to_owned(),
            (log, durable) => format!("{log}   (on disk {durable})"),
        };
        table.row([
            node.id.clone(),
            view.role.clone(),
            view.term.clone(),
            view.vote.clone(),
            view.commit.clone(),
            log,
        ]);
    }
    table.text()
}

fn conclusion(timeline: &Timeline, width: usize) -> Option<String> {
    let conclusion = timeline.conclusion.as_ref()?;
    let verb = match conclusion.kind {
        ConclusionKind::Property => "BROKEN",
        ConclusionKind::Rule => "DIVERGES",
    };
    let mut out = format!(
        "{verb}  {} ({})   {}\n",
        conclusion.name, conclusion.section, conclusion.file
    );
    for text in std::iter::once(&conclusion.says).chain(&conclusion.why) {
        for (i, line) in wrap(text, width.saturating_sub(4), 0).iter().enumerate() {
            let bullet = match (std::ptr::eq(text, &conclusion.says), i) {
                (true, _) if conclusion.kind == ConclusionKind::Rule => "  expected: ",
                (true, _) => "  must hold: ",
                (false, 0) => "  - ",
                (false, _) => "    ",
            };
            let bullet = if i > 0 { "    " } else { bullet };
            out += &format!("{bullet}{line}\n");
        }
    }
    if let Some(rerun) = &timeline.origin.rerun {
        out += &format!("  see it again: {rerun}\n");
    }
    Some(out)
}
