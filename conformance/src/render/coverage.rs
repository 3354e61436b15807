//! What traces have exercised: the holes first, for people and as a page.

use crate::coverage::{Item, Standing};
use crate::render::table::{Table, grouped};
use crate::report::coverage::Document;

/// The holes, each with the scenario that fills it, then everything.
pub fn report(document: &Document) -> String {
    let of = |standing| {
        document
            .items
            .iter()
            .filter(move |item| item.standing == standing)
    };
    if document.traces == 0 {
        return "no trace could be read, so nothing is covered\n".to_owned();
    }
    let mut out = format!(
        "{} of {} parts of the rules exercised by {} traces ({})\n{}\n",
        document.exercised,
        document.reachable,
        document.traces,
        document.dialects.join(", "),
        verdicts(document)
    );
    if of(Standing::Hole).next().is_some() {
        out += "\nnever exercised, and what would do it\n";
    }
    for item in of(Standing::Hole) {
        out += &format!("  {} {}\n    {}\n", item.kind, item.name, item.scenario);
        if let Some(command) = item.command {
            out += &format!("    in this repository's implementation: {command}\n");
        }
        if let Some(preset) = item.presets.first() {
            let with = match item.features.as_slice() {
                [] => String::new(),
                features => format!(" (with {})", features.join(", ")),
            };
            out += &format!("    in the model: plimsoll check --preset {preset}{with}\n");
        }
    }
    let mut table = Table::new(&["exercised", "", "times", "traces"]).right(&[2, 3]);
    for item in of(Standing::Exercised) {
        table.row([
            item.kind.to_owned(),
            item.name.clone(),
            grouped(item.count),
            grouped(item.traces),
        ]);
    }
    out += &format!("\n{}", table.text());
    let elsewhere: Vec<&str> = of(Standing::OtherDialect)
        .map(|item| item.name.as_str())
        .collect();
    if !elsewhere.is_empty() {
        out += &format!("\nonly in other dialects: {}\n", elsewhere.join(", "));
    }
    out
}

/// How many traces count whole, and how many up to a line.
fn verdicts(document: &Document) -> String {
    format!(
        "{} conform; {} diverge and {} are inconclusive, and count up to there; {} unreadable",
        document.conform, document.diverge, document.inconclusive, document.unreadable
    )
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;\
padding:0 1rem;color:#222}table{border-collapse:collapse;width:100%}td,th{text-align:left;\
padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}td.n{text-align:right}\
.hole{background:#fdf1ec}code{background:#f3f3f3;padding:0 .2rem}.bar{height:.8rem;\
background:#f0c9b8}.bar div{height:100%;background:#2e7d5b}";

/// The same as one page that needs nothing else.
pub fn html(document: &Document) -> String {
    let share = 100.0 * document.exercised as f64 / document.reachable.max(1) as f64;
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>Coverage of the rules</title><style>{STYLE}</style></head><body>\n\
         <h1>Coverage of the rules</h1>\n<p>{} of {} parts exercised by {} traces ({}). {}.</p>\n\
         <div class=\"bar\"><div style=\"width:{share:.1}%\"></div></div>\n",
        document.exercised,
        document.reachable,
        document.traces,
        escaped(&document.dialects.join(", ")),
        verdicts(document)
    );
    for (standing, heading) in [
        (Standing::Hole, "Never exercised"),
        (Standing::Exercised, "Exercised"),
        (Standing::OtherDialect, "Only in other dialects"),
    ] {
        let mut items = document
            .items
            .iter()
            .filter(|item| item.standing == standing);
        let Some(first) = items.next() else {
            continue;
        };
        out += &format!(
            "<h2>{heading}</h2>\n<table><tr><th>part<th>times<th>traces<th>scenario</tr>\n"
        );
        for item in std::iter::once(first).chain(items) {
            out += &row(item);
        }
        out += "</table>\n";
    }
    out + "</body></html>\n"
}

fn row(item: &Item) -> String {
    let class = match item.standing {
        Standing::Hole => " class=\"hole\"",
        Standing::Exercised | Standing::OtherDialect => "",
    };
    let mut says = escaped(item.scenario);
    if item.standing == Standing::Hole {
        if let Some(command) = item.command {
            says += &format!("<br><code>{}</code>", escaped(command));
        }
        if let Some(preset) = item.presets.first() {
            says += &format!(
                "<br><code>plimsoll check --preset {}</code>",
                escaped(preset)
            );
        }
    }
    format!(
        "<tr{class}><td>{} <b>{}</b><td class=\"n\">{}<td class=\"n\">{}<td>{says}</tr>\n",
        item.kind,
        escaped(&item.name),
        grouped(item.count),
        grouped(item.traces)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
