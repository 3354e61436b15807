//! How fast traces were judged: a table, and a picture of it.

use super::certificate::size;
use super::table::{Table, grouped};
use crate::report::bench::said;
use crate::report::bench_replay::{Document, Row};

/// The table.
pub fn report(document: &Document) -> String {
    let headings = [
        "trace",
        "as",
        "events",
        "time",
        "events/s",
        "peak memory",
        "bytes/event",
    ];
    let mut table = Table::new(&headings).right(&[2, 3, 4, 5, 6]);
    for row in &document.rows {
        table.row([
            row.trace.clone(),
            row.form.to_owned(),
            grouped(row.median.events),
            said(row.median.seconds),
            grouped(row.rate as u64),
            row.median.peak.map_or("-".to_owned(), size),
            row.bytes
                .map_or("-".to_owned(), |bytes| format!("{bytes:.0}")),
        ]);
    }
    let times = match document.runs {
        1 => "one run".to_owned(),
        n => format!("{n} runs"),
    };
    let threads = match document.threads {
        1 => "one thread".to_owned(),
        n => format!("{n} threads, one judging and the others reading ahead"),
    };
    table.text() + &format!("\n{times} of each, the median counts; {threads}\n")
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 40.0;
const COLOURS: [&str; 6] = [
    "#1b6ca8", "#c1440e", "#2e8b57", "#7b4fa3", "#8c6d1f", "#555555",
];

/// Events a second by length, both on logarithmic scales, as SVG.
pub fn plot(document: &Document) -> String {
    let decades = |values: &mut dyn Iterator<Item = f64>| {
        let logs: Vec<f64> = values.map(|value| value.max(1.0).log10()).collect();
        let low = logs.iter().copied().fold(f64::INFINITY, f64::min).floor();
        let high = logs.iter().copied().fold(0.0, f64::max).ceil();
        (low.min(high - 1.0), high)
    };
    let (left, right) = decades(&mut document.rows.iter().map(|row| row.median.events as f64));
    let (low, high) = decades(&mut document.rows.iter().map(|row| row.rate));
    let x = |events: f64| {
        LEFT + (events.max(1.0).log10() - left) / (right - left) * (WIDTH - LEFT - RIGHT)
    };
    let y = |rate: f64| {
        HEIGHT - BOTTOM - (rate.max(1.0).log10() - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
    };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    for decade in left as i32..=right as i32 {
        let (at, end) = (x(10f64.powi(decade)), HEIGHT - BOTTOM);
        out += &format!(
            "<path d=\"M{at:.1} {TOP}V{end}\" stroke=\"#ddd\"/>\n\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n",
            end + 18.0,
            grouped(10u64.pow(decade.max(0).unsigned_abs()))
        );
    }
    for decade in low as i32..=high as i32 {
        let (at, end) = (y(10f64.powi(decade)), WIDTH - RIGHT);
        out += &format!(
            "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"#ddd\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
            LEFT - 6.0,
            at + 4.0,
            grouped(10u64.pow(decade.max(0).unsigned_abs()))
        );
    }
    out += &format!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">events in the trace</text>\n\
         <text x=\"{LEFT}\" y=\"{:.1}\">events a second</text>\n",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 6.0,
        TOP - 6.0
    );
    for (i, (name, rows)) in lines(document).into_iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let points = rows
            .iter()
            .map(|row| (x(row.median.events as f64), y(row.rate)));
        let points: Vec<(f64, f64)> = points.collect();
        let path: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{x:.1} {y:.1}"))
            .collect();
        out += &format!(
            "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n",
            path.join("L")
        );
        for (x, y) in points {
            out += &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>\n");
        }
        out += &format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>\n",
            WIDTH - RIGHT + 10.0,
            TOP + 14.0 + 18.0 * i as f64,
            escaped(&name)
        );
    }
    out + "</svg>\n"
}

/// The rows of each trace in each form.
fn lines(document: &Document) -> Vec<(String, Vec<&Row>)> {
    let mut all: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in &document.rows {
        let name = format!("{}, {}", row.trace, row.form);
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => rows.push(row),
            None => all.push((name, vec![row])),
        }
    }
    all
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
