//! What a verdict of the checker rests on, for people.

use plimsoll_model::bounds::Limit;
use plimsoll_model::features;
use plimsoll_model::settings::Promise;

use crate::render::canvas::wrap;
use crate::render::table::{Table, grouped};
use crate::report::check::{
    Document, Outcome, SearchReport, Seen, SimulationReport, StorageReport, WiderReport,
};
use crate::report::seconds::said;
use std::time::Duration;

/// How wide lists are.
const WIDTH: usize = 100;

/// One search: the verdict first, then all it rests on.
pub fn search(report: &SearchReport) -> String {
    let mut out = format!("{}  {}", report.verdict.shout(), report.preset);
    if !report.about.is_empty() {
        out += &format!("   {}", report.about);
    }
    out.push('\n');
    for ground in &report.grounds {
        out += &item("because", ground);
    }
    let seed = report
        .seed
        .map_or(String::new(), |seed| format!(" from seed {seed}"));
    let reach = if report.complete {
        "complete: every state within the bounds".to_owned()
    } else {
        format!("not complete: {}", ended(report.end))
    };
    let threads = match report.threads {
        1 => "one thread".to_owned(),
        n => format!("{n} threads"),
    };
    out += &item(
        "engine",
        &format!("{}{seed}, {threads}; {reach}", report.engine),
    );
    let kind = match (report.symmetry, report.represented_states) {
        (1, _) => String::new(),
        (n, 0) => format!(" up to {n} renamings of servers"),
        (n, all) => format!(
            " up to {n} renamings of servers (of {} in all)",
            grouped(all)
        ),
    };
    out += &item(
        "states",
        &format!(
            "{} distinct{kind}, {} generated ({} of them out of bounds), depth {}, {}",
            grouped(report.distinct_states),
            grouped(report.generated_states),
            grouped(report.out_of_bounds_states),
            report.depth,
            said(Duration::from_secs_f64(report.seconds)),
        ),
    );
    out += &item("hashing", &hashing(report));
    if let Some(storage) = &report.storage {
        out += &item("storage", &kept(report, storage));
        if let Some(dir) = &storage.checkpoint {
            out += &item("go on with", &format!("plimsoll check --resume {dir}"));
        }
    }
    if let Some(simulation) = &report.simulation {
        out += &item("coverage", &coverage(simulation));
    }
    out += &item("rules", &rules(report));
    out += &block("bounds", &bounds(&report.bounds));
    if let (Some(flaw), true) = (report.flaw, report.complete) {
        let broken = report
            .properties
            .iter()
            .any(|p| p.result == Outcome::Violated);
        if !broken {
            let text = format!(
                "it broke nothing here; whether it could act at all in this scenario is not known: \
                 plimsoll check --flaw {flaw}, without a preset, explores one in which it does"
            );
            out += &item("flaw", &text);
        }
    }
    if let Some(wider) = &report.wider {
        out += &item("walks", &walks(wider));
        out += &block("in bounds", &bounds(&wider.bounds));
    }
    out += &block("properties", &properties(report));
    if !report.witnesses.is_empty() {
        out += &block("witnesses", &witnesses(report));
    }
    out += &item("never taken", &unseen(&report.actions));
    if !report.branches.is_empty() {
        out += &item("never fired", &unseen(&report.branches));
    }
    out
}

/// What the probability of a wrong answer is.
fn hashing(report: &SearchReport) -> String {
    let storage = report.storage.as_ref();
    match storage.and_then(|s| Some((s.bits_set?, s.expected_omitted?))) {
        Some((set, omitted)) => format!(
            "three bits a state, {:.2} % of all bits set: about {omitted:.1} states were taken \
             for known ones and left out, with whatever only they lead to",
            set * 100.0
        ),
        None if report.simulation.is_some() => {
            "none: random walks remember states only to estimate coverage".to_owned()
        }
        None => format!(
            "fingerprints of {} bits: a state was missed with probability {:.1e} at most",
            report.fingerprint_bits, report.omission_probability
        ),
    }
}

/// Where a search kept its states.
fn kept(report: &SearchReport, storage: &StorageReport) -> String {
    let mut text = format!("{} of visited states in memory", size(storage.table_bytes));
    if let Some(peak) = report.peak_memory_bytes {
        text += &format!(", {} in all at the most", size(peak));
    }
    match (storage.external, storage.disk_bytes) {
        (true, bytes) => text += &format!("; the rest on disk, {} at the most", size(bytes)),
        (false, 0) => text += "; nothing on disk",
        (false, bytes) => text += &format!("; {} on disk at the most", size(bytes)),
    }
    if let Some(levels) = storage.resumed_after {
        text += &format!("; resumed after {levels} levels");
    }
    text
}

/// What random walks say of what they have not seen.
fn coverage(simulation: &SimulationReport) -> String {
    format!(
        "{} steps in all, the longest walk of {}; {}",
        grouped(simulation.steps),
        simulation.longest,
        simulation.estimate
    )
}

/// Bytes, for people.
pub(crate) fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.iter().find(|(shift, _)| bytes >> shift > 0) {
        Some((shift, unit)) => format!("{:.1} {unit}", bytes as f64 / (1u64 << shift) as f64),
        None => format!("{bytes} bytes"),
    }
}

/// How a search ended that is not complete.
fn ended(end: &str) -> String {
    match end {
        "found" => "ended at the first broken property".to_owned(),
        "sampled" => "a sample, which never is".to_owned(),
        "interrupted" => "interrupted".to_owned(),
        limit => format!("cut by the {}", limit.replace('-', " ")),
    }
}

fn rules(report: &SearchReport) -> String {
    let (Some(scenario), Some(dialect)) = (&report.scenario, report.dialect) else {
        return "those of the specification".to_owned();
    };
    let spelled = |value: &dyn erased::Spelled| value.spelled();
    let mut text = format!(
        "{}, durability {}, network {}, storage {}",
        dialect,
        spelled(&scenario.settings.durability),
        spelled(&scenario.network),
        spelled(&scenario.settings.storage),
    );
    for feature in features::of(&scenario.settings) {
        text += &format!(", {}", feature.name);
    }
    if scenario.settings.promise != Promise::default() {
        text += &format!(", storage promises {}", scenario.settings.promise.name());
    }
    if let Some(flaw) = report.flaw {
        text += &format!("; planted flaw: {flaw}");
    }
    text
}

/// How a setting is spelled in flags and files.
mod erased {
    use serde::Serialize;

    pub(super) trait Spelled {
        fn spelled(&self) -> String;
    }

    impl<T: Serialize> Spelled for T {
        fn spelled(&self) -> String {
            match serde_json::to_value(self) {
                Ok(serde_json::Value::String(text)) => text,
                Ok(other) => other.to_string(),
                Err(_) => String::new(),
            }
        }
    }
}

/// What random walks beside the search were, and that they prove nothing.
fn walks(wider: &WiderReport) -> String {
    format!(
        "{} random walks from seed {} in the wider bounds below, for the witnesses that the search \
         has no room for: a sample{}, because of which nothing holds; {} steps, the longest walk of \
         {}, about {} distinct states, {:.1} s",
        grouped(wider.simulation.walks),
        wider.seed,
        if wider.complete { "" } else { ", cut short" },
        grouped(wider.simulation.steps),
        wider.simulation.longest,
        grouped(wider.simulation.distinct),
        wider.seconds,
    )
}

fn bounds(limits: &[Limit]) -> String {
    let mut table = Table::new(&["", "", "hides"]);
    for limit in limits {
        table.row([
            limit.name.to_owned(),
            limit.value.clone(),
            limit.hides.to_owned(),
        ]);
    }
    table.text()
}

fn properties(report: &SearchReport) -> String {
    let mut table = Table::new(&["", "result", "evaluated", "section"]).right(&[2]);
    for property in &report.properties {
        let result = match &property.counterexample {
            Some(found) => format!("violated at depth {}", found.depth),
            None => property.result.name().replace('-', " "),
        };
        table.row([
            property.name.to_owned(),
            result,
            grouped(property.evaluated),
            property.section.to_owned(),
        ]);
    }
    table.text()
}

fn witnesses(report: &SearchReport) -> String {
    let mut table = Table::new(&["", "seen", ""]).right(&[1]);
    for witness in &report.witnesses {
        let must = match (witness.is_asked(), witness.is_reached()) {
            (true, false) => "required, MISSED".to_owned(),
            (true, true) if !witness.is_sampled() => "required".to_owned(),
            (true, true) => format!(
                "required, only in random walks: {}",
                grouped(witness.walked.unwrap_or(0))
            ),
            (false, _) => String::new(),
        };
        table.row([witness.name.clone(), grouped(witness.count), must]);
    }
    table.text()
}

fn unseen(counts: &[Seen]) -> String {
    let names: Vec<&str> = counts
        .iter()
        .filter(|seen| seen.count == 0)
        .map(|seen| seen.name.as_str())
        .collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}

/// A word and what it says, wrapped beside it.
pub(super) fn item(word: &str, text: &str) -> String {
    let mut out = String::new();
    for (i, line) in wrap(text, WIDTH - 16, 0).iter().enumerate() {
        let word = if i == 0 { word } else { "" };
        out += &format!("  {word:<12}  {line}\n");
    }
    out
}

/// A word and a table beside it.
pub(super) fn block(word: &str, table: &str) -> String {
    let mut out = String::new();
    for (i, line) in table.lines().enumerate() {
        let word = if i == 0 { word } else { "" };
        out += format!("  {word:<12}  {line}").trim_end();
        out.push('\n');
    }
    out
}

/// The end of a check: the searches in a table when there are several, and the
/// one verdict.
pub fn verdict(document: &Document) -> String {
    let mut out = String::new();
    if document.searches.len() > 1 {
        let headings = [
            "preset",
            "verdict",
            "distinct",
            "generated",
            "depth",
            "seconds",
            "properties",
        ];
        let mut table = Table::new(&headings).right(&[2, 3, 4, 5]);
        for search in &document.searches {
            let evaluated = search
                .properties
                .iter()
                .filter(|property| property.result != Outcome::NotEvaluated)
                .count();
            table.row([
                search.preset.clone(),
                search.verdict.name().to_owned(),
                grouped(search.distinct_states),
                grouped(search.generated_states),
                search.depth.to_string(),
                format!("{:.1}", search.seconds),
                format!("{evaluated} of {} evaluated", search.properties.len()),
            ]);
        }
        out += &table.text();
        out.push('\n');
    }
    let broken: Vec<&str> = document
        .properties
        .iter()
        .filter(|property| property.result == Outcome::Violated)
        .map(|property| property.name)
        .collect();
    out += &document.verdict.shout();
    if broken.is_empty() {
        let count = |outcome| {
            let rows = document.properties.iter();
            rows.filter(|property| property.result == outcome).count()
        };
        let silent = match count(Outcome::NotEvaluated) {
            0 => String::new(),
            n => format!(", {n} not evaluated"),
        };
        out += &format!(
            "  {} of {} properties hold{silent}, {} distinct states",
            count(Outcome::Holds),
            document.properties.len(),
            grouped(document.distinct_states)
        );
    } else {
        out += &format!("  {}", broken.join(", "));
    }
    out.push('\n');
    for ground in &document.grounds {
        out += &item("because", ground);
    }
    out
}
