//! Histories as one page that needs nothing else: clients as lanes, operations
//! as bars.
//!
//! The page holds the operations as columns of small numbers, each with the
//! difference to the one before, and draws what is visible. So a hundred
//! thousand operations are some megabytes and no work for a browser. What a
//! larger history has more is left out, around the conflict, and the page says
//! so.

use std::collections::HashMap;

use serde::Serialize;

use crate::history::verdict::{Judged, Point, Verdict};
use crate::history::{History, KeyId, Request, words};
use crate::render::table::grouped;
use crate::report::linearize::HistoryReport;

/// The most operations of one history that are drawn.
const OPERATIONS_MAX: usize = 100_000;
/// The most operations of one page.
const ALL_MAX: usize = 200_000;

/// One history as it is drawn.
#[derive(Clone, Debug, Serialize)]
pub struct Drawing {
    path: String,
    verdict: &'static str,
    facts: String,
    clients: Vec<String>,
    parts: Vec<String>,
    texts: Vec<String>,
    unit: &'static str,
    /// Of each operation: the client.
    client: Vec<u32>,
    /// The position of the call, as the difference to the one before.
    call: Vec<u32>,
    /// How many positions later it returned; -1 when nobody knows.
    took: Vec<i64>,
    /// The line of the call, as the difference to the one before.
    line: Vec<i64>,
    /// How many lines later it returned; -1 when it has no such line.
    until: Vec<i64>,
    /// How far behind the call it took effect.
    point: Vec<Option<f64>>,
    /// Its number in the order of its part.
    order: Vec<Option<u32>>,
    text: Vec<u32>,
    /// 0 reads, 1 writes, 2 does both.
    kind: Vec<u8>,
    part: Vec<u32>,
    time: Option<Vec<Option<u64>>>,
    done: Option<Vec<Option<u64>>>,
    conflict: Vec<InConflict>,
    /// The operation that is shown first.
    shown: Option<u32>,
    why: Vec<String>,
    window: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct InConflict {
    op: u32,
    why: String,
}

/// Where an operation took effect.
#[derive(Clone, Copy)]
struct Spot {
    at: f64,
    number: u32,
}

impl Drawing {
    /// Draws a history that was judged.
    pub fn new(history: &History, judged: &Judged, report: &HistoryReport) -> Self {
        let conflict = report.conflict.as_ref();
        let bad: Vec<u32> = conflict.map_or(Vec::new(), |conflict| {
            conflict.operations.iter().map(|o| o.operation).collect()
        });
        let shown = chosen(history.operations.len(), &bad);
        let (parts, part_of) = parts(history, judged);
        let spots = spots(judged);
        let mut drawing = Drawing::empty(history, report);
        drawing.parts = parts
            .iter()
            .map(|keys| words::keys(history, keys))
            .collect();
        let mut texts: HashMap<String, u32> = HashMap::new();
        let mut index_of = HashMap::new();
        let (mut call, mut line) = (0, 0);
        for &index in &shown {
            let operation = &history.operations[index as usize];
            let place = history
                .places
                .get(index as usize)
                .copied()
                .unwrap_or_default();
            index_of.insert(index, drawing.client.len() as u32);
            drawing.client.push(operation.client.0);
            drawing.call.push(operation.call - call);
            call = operation.call;
            let took = operation.ret.map(|ret| i64::from(ret - operation.call));
            drawing.took.push(took.unwrap_or(-1));
            drawing.line.push(i64::from(place.call_line) - line);
            line = i64::from(place.call_line);
            drawing.until.push(match place.ret_line {
                0 => -1,
                until => i64::from(until) - line,
            });
            let spot = spots.get(&index);
            // A thousandth of an event is as fine as can be seen.
            let behind = |spot: &Spot| (spot.at - f64::from(call)).max(0.001);
            drawing
                .point
                .push(spot.map(|spot| (behind(spot) * 1e3).round() / 1e3));
            drawing.order.push(spot.map(|spot| spot.number));
            let next = texts.len() as u32;
            let text = texts
                .entry(words::operation(history, index))
                .or_insert(next);
            drawing.text.push(*text);
            drawing.kind.push(kind(&operation.request));
            let key = key(&operation.request).and_then(|key| part_of.get(&key));
            drawing.part.push(key.copied().unwrap_or(0));
            if let (Some(time), Some(done), Some(times)) = (
                &mut drawing.time,
                &mut drawing.done,
                history.times.get(index as usize),
            ) {
                time.push(Some(times.0));
                done.push(operation.ret.map(|_| times.1));
            }
        }
        let mut texts: Vec<(String, u32)> = texts.into_iter().collect();
        texts.sort_by_key(|(_, number)| *number);
        drawing.texts = texts.into_iter().map(|(text, _)| text).collect();
        if let Some(conflict) = conflict {
            for operation in &conflict.operations {
                let attempts = conflict.attempts.iter().flat_map(|a| &a.blocked);
                let mut whys = attempts.filter(|b| b.operation == operation.operation);
                if let Some(op) = index_of.get(&operation.operation) {
                    let why = whys.next().map(|b| b.why.clone()).unwrap_or_default();
                    drawing.conflict.push(InConflict { op: *op, why });
                }
            }
            let blocked = drawing.conflict.iter().find(|one| !one.why.is_empty());
            drawing.shown = blocked.or(drawing.conflict.first()).map(|one| one.op);
            drawing.why = vec![super::no_order(conflict)];
            if let Some(weaker) = &report.weaker {
                let words = super::weaker_words(weaker).into_iter();
                drawing
                    .why
                    .extend(words.map(|(word, text)| format!("{word}: {text}")));
            }
        }
        if shown.len() < history.operations.len() {
            drawing.window = Some(format!(
                "{} of {} operations: {}.",
                grouped(shown.len() as u64),
                grouped(history.operations.len() as u64),
                match bad.is_empty() {
                    true => "the first ones",
                    false => "those around the conflict",
                }
            ));
        }
        drawing
    }

    fn empty(history: &History, report: &HistoryReport) -> Self {
        let mut facts = format!(
            "{} operations of {} clients",
            grouped(report.operations),
            grouped(report.clients)
        );
        for (word, value) in [
            ("model", report.model),
            ("algorithm", report.algorithm.as_deref()),
            ("format", report.format),
        ] {
            if let Some(value) = value {
                facts += &format!(", {word} {value}");
            }
        }
        for ground in &report.grounds {
            facts += &format!(", {ground}");
        }
        let timed = !history.times.is_empty();
        Drawing {
            path: report.path.clone(),
            verdict: report.verdict,
            facts,
            clients: history.clients.iter().map(str::to_owned).collect(),
            parts: Vec::new(),
            texts: Vec::new(),
            unit: history.time_unit,
            client: Vec::new(),
            call: Vec::new(),
            took: Vec::new(),
            line: Vec::new(),
            until: Vec::new(),
            point: Vec::new(),
            order: Vec::new(),
            text: Vec::new(),
            kind: Vec::new(),
            part: Vec::new(),
            time: timed.then(Vec::new),
            done: timed.then(Vec::new),
            conflict: Vec::new(),
            shown: None,
            why: Vec::new(),
            window: None,
        }
    }
}

/// The operations that are drawn: all, or those around the conflict, and the
/// conflict itself.
fn chosen(all: usize, bad: &[u32]) -> Vec<u32> {
    if all <= OPERATIONS_MAX {
        return (0..all as u32).collect();
    }
    let middle = bad.iter().copied().max().unwrap_or(0) as usize;
    let from = middle
        .saturating_sub(OPERATIONS_MAX / 2)
        .min(all - OPERATIONS_MAX);
    let window = from as u32..(from + OPERATIONS_MAX) as u32;
    let before = bad.iter().copied().filter(|index| !window.contains(index));
    let mut chosen: Vec<u32> = before.chain(window.clone()).collect();
    chosen.sort_unstable();
    chosen
}

/// The parts by their keys, and the part of each key.
fn parts(history: &History, judged: &Judged) -> (Vec<Vec<KeyId>>, HashMap<KeyId, u32>) {
    let mut parts: Vec<Vec<KeyId>> = Vec::new();
    let mut part_of = HashMap::new();
    let mut add = |keys: &[KeyId]| {
        if keys.iter().any(|key| part_of.contains_key(key)) {
            return;
        }
        part_of.extend(keys.iter().map(|key| (*key, parts.len() as u32)));
        parts.push(keys.to_vec());
    };
    if let Verdict::NotLinearizable(failure) = &judged.verdict {
        add(&failure.keys);
        failure.others.iter().for_each(|keys| add(keys));
    }
    judged.orders.iter().for_each(|order| add(&order.keys));
    for operation in &history.operations {
        if let Some(key) = key(&operation.request) {
            add(&[key]);
        }
    }
    (parts, part_of)
}

/// Where operations took effect: of the parts that have an order, and of what
/// is best tried of the conflict.
fn spots(judged: &Judged) -> HashMap<u32, Spot> {
    let mut spots = HashMap::new();
    let mut add = |points: &[Point]| {
        let mut start = 0;
        while start < points.len() {
            // Points behind the same event share the time up to the next one.
            let behind = points[start].behind;
            let same = points[start..].iter().take_while(|p| p.behind == behind);
            let end = start + same.count();
            for (i, point) in points[start..end].iter().enumerate() {
                let share = (i + 1) as f64 / (end - start + 1) as f64;
                let spot = Spot {
                    at: f64::from(behind) + share,
                    number: (start + i) as u32,
                };
                spots.insert(point.operation, spot);
            }
            start = end;
        }
    };
    judged.orders.iter().for_each(|order| add(&order.points));
    if let Verdict::NotLinearizable(failure) = &judged.verdict
        && let Some(attempt) = failure.attempts.first()
    {
        add(&attempt.points);
    }
    spots
}

/// The key of an operation, the first of several.
fn key(request: &Request) -> Option<KeyId> {
    match request {
        Request::Read { key }
        | Request::Write { key, .. }
        | Request::Cas { key, .. }
        | Request::Append { key, .. }
        | Request::Delete { key }
        | Request::Enqueue { key, .. }
        | Request::Dequeue { key }
        | Request::Add { key, .. }
        | Request::Remove { key, .. }
        | Request::Contains { key, .. }
        | Request::Members { key } => Some(*key),
        Request::Range { start, .. } => Some(*start),
        Request::Txn(txn) => {
            let compared = txn.compares.iter().map(|compare| compare.key);
            let asked = txn.then.iter().chain(&txn.otherwise).filter_map(key);
            compared.chain(asked).next()
        }
    }
}

fn kind(request: &Request) -> u8 {
    match request {
        Request::Read { .. }
        | Request::Range { .. }
        | Request::Contains { .. }
        | Request::Members { .. } => 0,
        Request::Write { .. }
        | Request::Append { .. }
        | Request::Delete { .. }
        | Request::Enqueue { .. }
        | Request::Add { .. }
        | Request::Remove { .. } => 1,
        Request::Cas { .. } | Request::Txn(_) | Request::Dequeue { .. } => 2,
    }
}

#[derive(Serialize)]
struct Page<'a> {
    histories: &'a [Drawing],
}

/// The page: histories that are not linearizable first. Also how many of them
/// did not fit.
pub fn html(mut drawings: Vec<Drawing>) -> (String, usize) {
    let rank = |drawing: &Drawing| match drawing.verdict {
        "not-linearizable" => 0,
        "inconclusive" => 1,
        _ => 2,
    };
    drawings.sort_by_key(rank);
    let mut drawn = 0;
    let fits = drawings.iter().enumerate().take_while(|(i, drawing)| {
        drawn += drawing.client.len();
        *i == 0 || drawn <= ALL_MAX
    });
    let fits = fits.count();
    let left = drawings.len() - fits;
    let page = Page {
        histories: &drawings[..fits],
    };
    // What is a number, a text or a list has an image in JSON.
    let data = serde_json::to_string(&page).unwrap_or_default();
    // Nothing in it may end the element it stands in.
    let data = data.replace('<', "\\u003c");
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\
         <title>Histories</title>\n<style>\n{}</style></head><body>\n{}\
         <script type=\"application/json\" id=\"data\">{data}</script>\n\
         <script>\n{}</script>\n</body></html>\n",
        include_str!("page.css"),
        include_str!("page.html"),
        include_str!("page.js"),
    );
    (page, left)
}
