//! What traces have exercised: the holes first, for people and as a page.

use crate::coverage::{Item, Standing};
use crate::render::table::{Table, grouped};
use crate::report::coverage::{Document, Messages};

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
        "{} of {} parts of the rules and {} of {} faults exercised by {} traces ({})\n{}\n",
        document.exercised,
        document.reachable,
        document.faults_happened,
        document.faults_possible,
        document.traces,
        document.dialects.join(", "),
        verdicts(document)
    );
    if of(Standing::Hole).next().is_some() {
        out += "\nnever exercised, and what would do it (the simulator writes the trace with \
                --trace FILE; its --flaw is a bug planted on purpose)\n";
    }
    for item in of(Standing::Hole) {
        out += &format!("  {} {}\n    {}\n", item.kind, item.name, item.scenario);
        if let Some(command) = item.command {
            out += &format!("    in this repository's implementation: {command}\n");
        }
        if let Some(why) = item.no_command {
            out += &format!("    not in this repository's implementation: {why}\n");
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
    out += &format!("\n{}", messages(document));
    let elsewhere: Vec<&str> = of(Standing::OtherDialect)
        .filter(|item| item.kind != "fault")
        .map(|item| item.name.as_str())
        .collect();
    if !elsewhere.is_empty() {
        out += &format!("\nonly in other dialects: {}\n", elsewhere.join(", "));
    }
    out
}

/// The columns of what became of messages.
const FATES: [&str; 8] = [
    "messages",
    "sent",
    "received",
    "lost",
    "never received",
    "repeated",
    "overtaken",
    "late",
];

fn fates(of: &Messages) -> [u64; 7] {
    [
        of.sent,
        of.received,
        of.lost,
        of.never_received,
        of.repeated,
        of.overtaken,
        of.late,
    ]
}

fn messages(document: &Document) -> String {
    let mut table = Table::new(&FATES).right(&[1, 2, 3, 4, 5, 6, 7]);
    for of in &document.messages {
        let [sent, received, lost, never, repeated, overtaken, late] = fates(of).map(grouped);
        let kind = of.kind.to_owned();
        table.row([kind, sent, received, lost, never, repeated, overtaken, late]);
    }
    table.text()
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
         <h1>Coverage of the rules</h1>\n<p>{} of {} parts and {} of {} faults exercised by {} \
         traces ({}). {}.</p>\n\
         <div class=\"bar\"><div style=\"width:{share:.1}%\"></div></div>\n",
        document.exercised,
        document.reachable,
        document.faults_happened,
        document.faults_possible,
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
    out += "<h2>Messages</h2>\n<table><tr>";
    FATES.iter().for_each(|name| out += &format!("<th>{name}"));
    for of in &document.messages {
        out += &format!("</tr>\n<tr><td>{}", of.kind);
        let numbers = fates(of).into_iter();
        numbers.for_each(|n| out += &format!("<td class=\"n\">{}", grouped(n)));
    }
    out + "</tr></table>\n</body></html>\n"
}

fn row(item: &Item) -> String {
    let class = match item.standing {
        Standing::Hole => " class=\"hole\"",
        Standing::Exercised | Standing::OtherDialect => "",
    };
    let mut says = escaped(&item.scenario);
    if item.standing == Standing::Hole {
        if let Some(command) = item.command {
            says += &format!("<br><code>{}</code>", escaped(command));
        }
        if let Some(why) = item.no_command {
            says += &format!("<br>not in this repository's implementation: {why}");
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
