//! How fast histories were judged, as a table.

use super::certificate::size;
use super::table::{Table, grouped};
use crate::report::bench_linearize::Document;

/// The table.
pub fn report(document: &Document) -> String {
    let headings = [
        "history",
        "operations",
        "verdict",
        "algorithm",
        "time",
        "reading",
        "judging",
        "operations/s",
        "peak memory",
    ];
    let mut table = Table::new(&headings).right(&[1, 4, 5, 6, 7, 8]);
    for row in &document.rows {
        table.row([
            row.history.clone(),
            grouped(row.operations),
            row.verdict.clone(),
            row.algorithm.clone(),
            said(row.median.seconds),
            said(row.median.reading),
            said(row.median.judging),
            grouped(row.rate as u64),
            row.median.peak.map_or("-".to_owned(), size),
        ]);
    }
    let times = match document.runs {
        1 => "one run".to_owned(),
        n => format!("{n} runs"),
    };
    table.text() + &format!("\n{times} of each, the median counts; one process, one thread\n")
}

fn said(seconds: f64) -> String {
    match seconds < 1.0 {
        true => format!("{:.1} ms", seconds * 1e3),
        false => format!("{seconds:.2} s"),
    }
}
