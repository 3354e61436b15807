//! Searches as a table in Markdown, for `docs/presets.md`.

use plimsoll_model::features;
use plimsoll_model::settings::Durability;

use super::table::grouped;
use crate::report::Answer;
use crate::report::check::{Outcome, SearchReport};

/// A row for each search: what was explored, how much that was, and what it
/// came by.
pub fn table(searches: &[SearchReport]) -> String {
    let mut out = String::from(
        "| preset | what it is for | features | network, writes | distinct | generated | depth | \
         seconds | witnesses | not evaluated |\n|---|---|---|---|---:|---:|---:|---:|---|---|\n",
    );
    for report in searches {
        let (features, setting) = explored(report);
        let asked = report.witnesses.iter().filter(|witness| witness.is_asked());
        let reached = asked.map(
            |witness| match (witness.is_reached(), witness.is_sampled()) {
                (false, _) => format!("**{} missed**", witness.name),
                (true, true) => format!("{} (only in random walks)", witness.name),
                (true, false) => witness.name.clone(),
            },
        );
        let idle = report.properties.iter();
        let idle = idle.filter(|property| property.result == Outcome::NotEvaluated);
        out += &format!(
            "| {} | {} | {} | {} | {} | {} | {} | {:.1} | {} | {} |\n",
            called(report),
            report.about,
            features,
            setting,
            grouped(report.distinct_states),
            grouped(report.generated_states),
            report.depth,
            report.seconds,
            listed(reached),
            listed(idle.map(|property| property.name.to_owned())),
        );
    }
    out
}

/// The preset; and where its row is no pass, that.
fn called(report: &SearchReport) -> String {
    let flaw = report.flaw.map(|flaw| format!(", planted {flaw}"));
    let verdict = match report.verdict {
        Answer::Holds => String::new(),
        verdict => format!(", {}", verdict.shout()),
    };
    let cut = match report.complete {
        true => "",
        false => ", not complete",
    };
    format!(
        "`{}`{}{verdict}{cut}",
        report.preset,
        flaw.unwrap_or_default()
    )
}

fn listed(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// The features that are on; the network and when writes are durable.
fn explored(report: &SearchReport) -> (String, String) {
    let Some(scenario) = &report.scenario else {
        return Default::default();
    };
    let features = features::of(&scenario.settings).map(|feature| feature.name.to_owned());
    let network = scenario.network.name();
    let writes = match scenario.settings.durability {
        Durability::Atomic => "atomic",
        Durability::Deferred => "deferred",
    };
    (listed(features), format!("{network}, {writes}"))
}
