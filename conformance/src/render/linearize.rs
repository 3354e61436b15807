//! Verdicts on histories, for people; [`page`] draws them.

pub mod page;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::canvas::Canvas;
use super::certificate::size;
use super::printable::printable;
use super::replay::{item, sentence};
use super::table::{Table, grouped};
use crate::history::verdict::{Algorithm, Dropped, Ground, Unexamined, Untold};
use crate::report::linearize::{
    AttemptReport, CertificateReport, Conflict, Document, HistoryReport, OperationReport,
    WeakerReport,
};

/// A conflict of more operations is shown by its first ones.
const ROWS_MAX: usize = 40;
/// How wide the bars of a conflict may be, in columns.
const BARS: usize = 48;
/// How wide what an operation did may be.
const WORDS: usize = 46;

/// One history: the verdict first, then what it rests on.
pub fn verdict(report: &HistoryReport) -> String {
    if report.verdict == "unreadable" {
        return String::new();
    }
    let report = &shown(report);
    let mut out = format!(
        "{}  {}  {} operations",
        report.verdict.to_uppercase().replace('-', " "),
        report.path,
        grouped(report.operations)
    );
    if let Some(conflict) = &report.conflict {
        out += &match called(&conflict.keys) {
            key if key.is_empty() => String::new(),
            key => format!(", at {key}"),
        };
    }
    out.push('\n');
    for ground in Ground::ALL {
        if report.grounds.contains(&ground.name()) {
            out += &sentence(ground.says());
        }
    }
    if let Some(conflict) = &report.conflict {
        out += &failed(conflict);
    }
    if let Some(weaker) = &report.weaker {
        out += &holds(weaker);
    }
    out + &rests_on(report)
}

/// The report with the texts of its file as a terminal may have them.
fn shown(report: &HistoryReport) -> HistoryReport {
    let mut report = report.clone();
    let clean = |text: &mut String| {
        if let Cow::Owned(clean) = printable(text) {
            *text = clean;
        }
    };
    clean(&mut report.path);
    let clean_all = |operations: &mut [OperationReport]| {
        for operation in operations {
            clean(&mut operation.client);
            clean(&mut operation.what);
        }
    };
    if let Some(conflict) = &mut report.conflict {
        let parts = conflict.other_parts.iter_mut().flatten();
        conflict.keys.iter_mut().chain(parts).for_each(clean);
        clean_all(&mut conflict.operations);
        for attempt in &mut conflict.attempts {
            for blocked in &mut attempt.blocked {
                clean(&mut blocked.why);
            }
        }
    }
    if let Some(weaker) = &mut report.weaker {
        for session in weaker.sessions.iter_mut().flatten() {
            clean_all(&mut session.operations);
        }
    }
    report
}

/// The keys of a part in print; nothing for a register without a name.
fn called(keys: &[String]) -> String {
    let some: Vec<&str> = keys.iter().take(4).map(String::as_str).collect();
    match some[..] {
        [] | [""] => String::new(),
        [key] => format!("key {key}"),
        _ if keys.len() > some.len() => {
            format!(
                "keys {} and {} more",
                some.join(", "),
                keys.len() - some.len()
            )
        }
        _ => format!("keys {}", some.join(", ")),
    }
}

/// `a`, `b` .. `z`, `a1` ..: how an operation of a conflict is called.
fn letter(index: usize) -> String {
    let letter = char::from(b'a' + (index % 26) as u8);
    match index / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

/// The conflict: its operations on a line of time, and why there is no order.
fn failed(conflict: &Conflict) -> String {
    let count = conflict.operations.len();
    let mut out = sentence(&no_order(conflict));
    let names: BTreeMap<u32, String> = conflict
        .operations
        .iter()
        .enumerate()
        .map(|(i, operation)| (operation.operation, letter(i)))
        .collect();
    out += &bars(&conflict.operations, &names);
    if count > ROWS_MAX {
        let more = format!(
            "and {} more (--json has all)",
            grouped((count - ROWS_MAX) as u64)
        );
        out += &item("", &more);
    }
    for (i, attempt) in conflict.attempts.iter().take(3).enumerate() {
        out += &tried(attempt, &names, if i == 0 { "tried" } else { "or" });
    }
    if let Some(line) = conflict.prefix_line {
        out += &item(
            "prefix",
            &format!("up to before line {line} there is an order"),
        );
    }
    if !conflict.other_parts.is_empty() {
        let some = conflict.other_parts.iter().take(5);
        let some: Vec<_> = some.map(|keys| called(keys)).collect();
        let more = conflict.other_parts.len() - some.len();
        let more = match more {
            0 => String::new(),
            n => format!(" and {} more", grouped(n as u64)),
        };
        out += &item(
            "also",
            &format!("no order either of {}{more}", some.join("; ")),
        );
    }
    out
}

/// That there is no order, in a sentence.
fn no_order(conflict: &Conflict) -> String {
    let count = conflict.operations.len();
    match (count, conflict.minimal) {
        (0, _) => "No order explains what was answered. Which operations are in conflict was not \
                   found out within the time for it."
            .to_owned(),
        (1, true) => "No order explains what this operation was answered.".to_owned(),
        (_, true) => format!(
            "No order of {} explains what was answered, and none of them can be left out.",
            these(count)
        ),
        (_, false) => format!(
            "No order of {} explains what was answered. Some may not be needed: the time for \
             finding that out was up.",
            these(count)
        ),
    }
}

fn these(count: usize) -> String {
    match count {
        1 => "this operation".to_owned(),
        n => format!("these {n} operations"),
    }
}

/// The operations as bars from call to return; an event is a column or two.
fn bars(operations: &[OperationReport], names: &BTreeMap<u32, String>) -> String {
    let shown = &operations[..operations.len().min(ROWS_MAX)];
    let mut events: Vec<u32> = Vec::new();
    for operation in shown {
        events.push(operation.call);
        events.extend(operation.returned);
    }
    events.sort_unstable();
    let column = |event: u32| {
        let rank = events.partition_point(|known| *known < event);
        let all = events.len().max(1);
        match all * 3 <= BARS {
            true => rank * 3,
            false => rank * BARS / all,
        }
    };
    let mut table = Vec::new();
    for operation in shown {
        let lines = match operation.return_line {
            Some(line) => format!("{}-{line}", operation.call_line),
            None => format!("{}-", operation.call_line),
        };
        let name = names.get(&operation.operation).cloned().unwrap_or_default();
        let client = format!("client {}", operation.client);
        table.push([name, format!("line {lines}"), client, clip(&operation.what)]);
    }
    let wide = |i: usize| {
        let cells = table.iter().map(|row: &[String; 4]| row[i].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths = [wide(0), wide(1), wide(2), wide(3)];
    let mut canvas = Canvas::default();
    let end = column(u32::MAX) + 2;
    for (row, (cells, operation)) in table.iter().zip(shown).enumerate() {
        let mut at = 13;
        canvas.put(row, 2, if row == 0 { "conflict" } else { "" });
        for (cell, width) in cells.iter().zip(widths) {
            canvas.put(row, at, cell);
            at += width + 2;
        }
        let from = column(operation.call);
        let bar = match operation.returned {
            Some(event) => {
                let to = column(event).max(from + 1);
                format!("|{}|", "-".repeat(to - from - 1))
            }
            // It may have taken effect at any later time, or never.
            None => format!("|{}>", "-".repeat(end.saturating_sub(from))),
        };
        canvas.put(row, at + from, &bar);
    }
    canvas.text()
}

fn clip(text: &str) -> String {
    match text.chars().count() > WORDS {
        true => {
            let cut: String = text.chars().take(WORDS - 3).collect();
            format!("{cut}...")
        }
        false => text.to_owned(),
    }
}

/// An order that goes some way, and what stops it.
fn tried(attempt: &AttemptReport, names: &BTreeMap<u32, String>, word: &str) -> String {
    let name = |index: &u32| names.get(index).cloned().unwrap_or(format!("#{index}"));
    let order: Vec<String> = attempt.order.iter().map(name).collect();
    let order = match order.is_empty() {
        true => "nothing first".to_owned(),
        false => order.join(" then "),
    };
    let mut out = item(word, &format!("{order}; then"));
    for blocked in attempt.blocked.iter().take(8) {
        out += &item(
            "",
            &format!("not {}: {}", name(&blocked.operation), blocked.why),
        );
    }
    if attempt.blocked.len() > 8 {
        out += &item("", &format!("nor {} others", attempt.blocked.len() - 8));
    }
    out
}

/// What holds all the same, under a word each.
fn holds(weaker: &WeakerReport) -> String {
    let mut out = String::new();
    let mut before = "";
    for (word, text) in weaker_words(weaker) {
        out += &item(if word == before { "" } else { word }, &text);
        before = word;
    }
    out
}

/// What weaker guarantees hold or broke: a word and a sentence each.
fn weaker_words(weaker: &WeakerReport) -> Vec<(&'static str, String)> {
    let stale = match (weaker.stale, weaker.stale_events, weaker.stale_time) {
        ("by", Some(events), time) => {
            let time = match (time, weaker.time_unit) {
                (Some(time), Some(unit)) => format!(", {} {unit}", grouped(time)),
                _ => String::new(),
            };
            format!(
                "by {} {}{time}: with reads that much earlier there is an order",
                grouped(u64::from(events)),
                if events == 1 { "event" } else { "events" }
            )
        }
        ("never", ..) => "no: reads of no age explain it".to_owned(),
        _ => "not known: how much is tried for it is limited, by --explain among others".to_owned(),
    };
    let mut words = vec![("stale", stale)];
    for session in weaker.sessions.iter().flatten() {
        let shown = session.operations.iter();
        let shown = shown.map(|o| format!("{} (line {})", o.what, o.call_line));
        let client = session.operations.last().map_or("", |o| &o.client);
        let shown = shown.collect::<Vec<_>>().join(", ");
        let broke = format!("{} broke for client {client}: {shown}", session.guarantee);
        words.push(("sessions", broke));
    }
    let none = match (&weaker.sessions, weaker.sessions_unknown) {
        (None, why) => Some(format!(
            "not examined: {}",
            why.map_or("", Unexamined::says)
        )),
        (Some(broken), _) => broken
            .is_empty()
            .then(|| "no guarantee of a session was seen to break".to_owned()),
    };
    words.extend(none.map(|none| ("sessions", none)));
    let sequential = match weaker.sequential {
        Some(true) => "it is: an order exists that keeps each client's own",
        Some(false) => "no: no order keeps each client's own",
        None => {
            let why = weaker.sequential_unknown.map_or("", Untold::says);
            &format!("not known: {why}")
        }
    };
    let sequential = format!("sequentially consistent? {sequential}");
    words.push(("in order", sequential));
    words
}

/// The certificate.
fn rests_on(report: &HistoryReport) -> String {
    let mut out = String::new();
    if let Some(format) = report.format {
        let mut read = format!("format {format}, {} clients", grouped(report.clients));
        if report.failed > 0 {
            let failed = grouped(report.failed);
            read += &format!(", {failed} operations that certainly had no effect are left out");
        }
        if report.passed > 0 {
            read += &format!(", {} lines are none of a client", grouped(report.passed));
        }
        out += &item("read", &read);
    }
    let Some(certificate) = &report.certificate else {
        return out;
    };
    out += &item("counted", &counted(certificate));
    if let Some(model) = report.model {
        let why = match report.model_chosen {
            true => "the smallest that knows all its operations",
            false => "as asked for",
        };
        out += &item("model", &format!("{model}, {why}"));
    }
    let parts = match certificate.parts {
        1 => "one".to_owned(),
        n => format!("{}, judged apart", grouped(n)),
    };
    let open = match certificate.parts_open {
        0 => String::new(),
        n => format!("; {} without a verdict", grouped(n)),
    };
    out += &item(
        "parts",
        &format!("{parts}: {}{open}", certificate.partition),
    );
    for (i, algorithm) in Algorithm::ALL.into_iter().enumerate() {
        if let Some(n) = certificate.algorithms.get(algorithm.name()) {
            let word = if i == 0 || out_has_no(&out, "algorithm") {
                "algorithm"
            } else {
                ""
            };
            let parts = if *n == 1 { "part" } else { "parts" };
            let says = algorithm.says();
            out += &item(
                word,
                &format!("{} for {} {parts}: {says}", algorithm.name(), grouped(*n)),
            );
        }
    }
    if certificate.states > 0 {
        let states = grouped(certificate.states);
        let memory = size(certificate.memory_bytes);
        out += &item("searched", &format!("{states} states in {memory}"));
    }
    let mut word = "left out";
    for dropped in ALL_DROPPED {
        if let Some(n) = certificate.dropped.get(dropped.name()) {
            out += &item(word, &format!("{} {}", grouped(*n), dropped.says()));
            word = "";
        }
    }
    out
}

const ALL_DROPPED: [Dropped; 3] = [
    Dropped::UnknownRead,
    Dropped::UnknownUnseen,
    Dropped::RefusedOnNothing,
];

fn out_has_no(out: &str, word: &str) -> bool {
    !out.lines().any(|line| line.trim_start().starts_with(word))
}

fn counted(certificate: &CertificateReport) -> String {
    let kinds = certificate.operations.iter().map(|(kind, n)| {
        let all = n.known + n.unread + n.unknown;
        let mut text = format!("{kind} {}", grouped(all));
        if n.unknown > 0 {
            text += &format!(" ({} of unknown outcome)", grouped(n.unknown));
        }
        if n.unread > 0 {
            text += &format!(" ({} without a known answer)", grouped(n.unread));
        }
        text
    });
    let kinds: Vec<_> = kinds.collect();
    match kinds.is_empty() {
        true => "nothing".to_owned(),
        false => kinds.join(", "),
    }
}

/// Several histories in a table, and how many of each verdict.
pub fn histories(document: &Document) -> String {
    let mut table =
        Table::new(&["history", "verdict", "operations", "model", "algorithm"]).right(&[2]);
    for history in &document.histories {
        table.row([
            printable(&history.path).into_owned(),
            history.verdict.to_owned(),
            grouped(history.operations),
            history.model.unwrap_or("-").to_owned(),
            history.algorithm.clone().unwrap_or("-".to_owned()),
        ]);
    }
    let count = |verdict: &str| {
        let all = document.histories.iter();
        all.filter(|history| history.verdict == verdict).count()
    };
    format!(
        "{}\n{} linearizable, {} not linearizable, {} inconclusive, {} unreadable\n",
        table.text(),
        count("linearizable"),
        count("not-linearizable"),
        count("inconclusive"),
        count("unreadable")
    )
}

/// Files in folders that are no histories.
pub fn others(document: &Document) -> String {
    let others = document.others.iter();
    let lines =
        others.map(|other| format!("NO HISTORY  {}  {}\n", printable(&other.path), other.why));
    lines.collect()
}
