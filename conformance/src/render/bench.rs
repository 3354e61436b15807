//! What the engines were measured at, for people.

use super::certificate::size;
use super::table::{Table, grouped};
use crate::report::bench::{Document, Measured, said};

/// The whole report.
pub fn report(document: &Document) -> String {
    let mut out = String::new();
    let headings = [
        "model",
        "engine",
        "distinct",
        "generated",
        "time",
        "distinct/s",
        "bytes/state",
    ];
    let mut table = Table::new(&headings).right(&[2, 3, 4, 5, 6]);
    for row in &document.rows {
        table.row([
            row.model.clone(),
            row.engine.clone(),
            grouped(row.median.distinct),
            grouped(row.median.generated),
            said(row.median.seconds),
            grouped(row.rate as u64),
            bytes(row.bytes),
        ]);
    }
    out += &table.text();
    out.push('\n');
    let mut table = Table::new(&["model", "times as fast", "", "than"]).right(&[1]);
    for ratio in &document.ratios {
        table.row([
            ratio.model.clone(),
            format!("{:.2}", ratio.times),
            ratio.engine.clone(),
            ratio.than.clone(),
        ]);
    }
    out += &table.text();
    if !document.growth.is_empty() {
        out.push('\n');
        out += &growth(document);
    }
    out += &format!(
        "\n{} of each, the median counts; {} threads on this machine; {}\n",
        match document.runs {
            1 => "one run".to_owned(),
            n => format!("{n} runs"),
        },
        document.threads,
        match document.agree {
            true => "all engines count the same",
            false => "ENGINES DISAGREE on what they count",
        }
    );
    out
}

fn growth(document: &Document) -> String {
    let headings = [
        "model",
        "bits",
        "distinct",
        "time",
        "distinct/s",
        "peak memory",
        "bytes/state",
    ];
    let mut table = Table::new(&headings).right(&[2, 3, 4, 5, 6]);
    for growth in &document.growth {
        let mut row = |bits: &str, run: &Measured| {
            table.row([
                growth.model.clone(),
                bits.to_owned(),
                grouped(run.distinct),
                said(run.seconds),
                grouped(run.rate() as u64),
                run.peak.map_or("?".to_owned(), size),
                bytes(run.bytes()),
            ]);
        };
        row("64", &growth.narrow);
        row("128", &growth.wide);
    }
    table.text()
}

fn bytes(bytes: Option<f64>) -> String {
    bytes.map_or("?".to_owned(), |bytes| format!("{bytes:.1}"))
}
