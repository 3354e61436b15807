//! The one table and the one verdict of `plimsoll verify`.

use crate::render::canvas::wrap;
use crate::render::table::{Table, grouped};
use crate::report::Answer;
use crate::report::check::{Outcome, SearchReport};
use crate::report::flaws::FlawReport;
use crate::report::seconds::said;
use crate::report::verify::{CorpusReport, Document};
use std::time::Duration;

/// The whole report.
pub fn report(document: &Document) -> String {
    let headings = [
        "",
        "",
        "result",
        "states or events",
        "depth",
        "seconds",
        "evidence",
    ];
    let mut table = Table::new(&headings).right(&[3, 4, 5]);
    for search in &document.searches {
        table.row([
            "check".to_owned(),
            search.preset.clone(),
            search.verdict.name().to_owned(),
            grouped(search.distinct_states),
            search.depth.to_string(),
            format!("{:.1}", search.seconds),
            checked(search),
        ]);
    }
    for flaw in &document.flaws {
        table.row([
            "flaw".to_owned(),
            flaw.name.to_owned(),
            match flaw.answer() {
                Answer::Holds => "caught",
                Answer::Inconclusive => "inconclusive",
                Answer::Violated => "NOT CAUGHT",
            }
            .to_owned(),
            flaw.distinct_states.map_or("-".to_owned(), grouped),
            flaw.caught_depth
                .map_or("-".to_owned(), |depth| depth.to_string()),
            flaw.seconds
                .map_or("-".to_owned(), |seconds| format!("{seconds:.1}")),
            caught(flaw),
        ]);
    }
    for trace in &document.traces {
        table.row([
            "trace".to_owned(),
            trace.name.to_owned(),
            trace.verdict.to_owned(),
            grouped(trace.events),
            String::new(),
            format!("{:.1}", trace.seconds),
            replayed(trace),
        ]);
    }
    let mut out = table.text();
    out.push('\n');
    let held = document
        .properties
        .iter()
        .filter(|p| p.result == Outcome::Holds)
        .count();
    let caught = document
        .flaws
        .iter()
        .filter(|f| f.answer() == Answer::Holds)
        .count();
    let right = document.traces.iter().filter(|t| t.as_expected).count();
    out += &format!(
        "{}  {held} of {} properties hold in {} presets, {caught} of {} flaws caught, {right} of {} \
         traces judged as expected, {}\n",
        document.verdict.shout(),
        document.properties.len(),
        document.searches.len(),
        document.flaws.len(),
        document.traces.len(),
        said(Duration::from_secs_f64(document.seconds)),
    );
    for ground in &document.grounds {
        for (i, line) in wrap(ground, 100, 2).iter().enumerate() {
            out += &format!("  {}{line}\n", if i == 0 { "- " } else { "  " });
        }
    }
    out
}

fn checked(search: &SearchReport) -> String {
    let of = search.properties.len();
    let silent = search
        .properties
        .iter()
        .filter(|property| property.result == Outcome::NotEvaluated);
    let required = search.witnesses.iter().filter(|witness| witness.is_asked());
    let reached = required.clone().filter(|witness| witness.is_reached());
    let sampled = reached.clone().filter(|witness| witness.is_sampled());
    let walks = match sampled.count() {
        0 => String::new(),
        sampled => format!(" ({sampled} only in random walks)"),
    };
    format!(
        "{}, {} of {of} properties evaluated, {} of {} witnesses{walks}",
        if search.complete {
            "complete"
        } else {
            "NOT COMPLETE"
        },
        of - silent.count(),
        reached.count(),
        required.count()
    )
}

fn caught(flaw: &FlawReport) -> String {
    if let Some(objection) = &flaw.objection {
        return objection.clone();
    }
    let without = flaw.unflawed.as_ref().map_or(String::new(), |search| {
        let end = if search.complete { "complete" } else { "cut" };
        format!(
            "; without it {end}, {} states, nothing broken",
            grouped(search.distinct_states)
        )
    });
    let first = match flaw.first_broken {
        Some(first) if first != flaw.expected_property => format!(", {first} first"),
        _ => String::new(),
    };
    format!("{}{first}{without}", flaw.expected_property)
}

fn replayed(trace: &CorpusReport) -> String {
    let evidence = if trace.evidence.is_empty() {
        String::new()
    } else {
        format!(": {}", trace.evidence)
    };
    match &trace.difference {
        Some(difference) => format!("NOT AS EXPECTED: {difference}"),
        None => format!("as expected{evidence}"),
    }
}
