//! What a search of the yardstick showed, in the document of `plimsoll check`.

use plimsoll_model::bounds::Limit;
use plimsoll_model::engine::explore::Report;
use plimsoll_model::engine::space::Space;
use plimsoll_model::engine::{End, Search};
use plimsoll_model::yardstick::{Bounds, Path, Yardstick};

use super::check::{Found, Outcome, PropertyReport, SearchReport, Seen};
use super::{Answer, check};

/// The name under which it is reported.
pub const NAME: &str = "yardstick";

const ABOUT: &str = "Ongaro's TLA+ specification at its own granularity";

/// The properties, with the sections of the paper.
const PROPERTIES: [(&str, &str); 3] = [
    ("election-safety", "§5.2"),
    ("log-matching", "§5.3"),
    ("state-machine-safety", "§5.4.3"),
];

const FILE: &str = "model/src/yardstick/properties.rs";

/// Reads `report` of `yardstick`; `runs` are the runs that break properties, in
/// the order of the trails.
pub fn read(
    yardstick: &Yardstick,
    engine: &'static str,
    report: &Report,
    runs: &[Path<'_>],
) -> SearchReport {
    let complete = report.end == End::Exhausted;
    let names = yardstick.counters();
    let actions = names.iter().zip(&report.counts);
    let untold = report.untold.as_ref().map_or(0, |(mask, _)| *mask);
    let found = |i: usize| report.trails.iter().position(|trail| trail.property == i);
    let properties: Vec<PropertyReport> = PROPERTIES
        .iter()
        .enumerate()
        .map(|(i, &(name, section))| PropertyReport {
            name,
            section,
            file: FILE,
            result: match (found(i), complete) {
                (Some(_), _) => Outcome::Violated,
                _ if untold & (1 << i) != 0 => Outcome::Violated,
                (None, true) => Outcome::Holds,
                (None, false) => Outcome::Inconclusive,
            },
            judged: report.distinct,
            evaluated: report.distinct,
            counterexample: found(i).and_then(|at| runs.get(at)).map(|run| Found {
                preset: NAME.to_owned(),
                depth: run.steps().len(),
                actions: run.steps().iter().map(ToString::to_string).collect(),
                timeline: None,
            }),
        })
        .collect();
    let violated = !report.trails.is_empty() || untold != 0;
    let mut grounds = Vec::new();
    if let Some((_, why)) = &report.untold {
        grounds.push(format!(
            "the run that breaks it could not be rebuilt: {why}"
        ));
    }
    if !complete && !violated {
        grounds.push(check::cut(report.end).to_owned());
    }
    let mut read = SearchReport::base(&Search::of(engine, report));
    read.preset = NAME.to_owned();
    read.about = ABOUT.to_owned();
    read.verdict = match (violated, complete) {
        (true, _) => Answer::Violated,
        (false, true) => Answer::Holds,
        (false, false) => Answer::Inconclusive,
    };
    read.grounds = grounds;
    read.bounds = limits(yardstick.bounds());
    read.properties = properties;
    read.actions = actions
        .map(|(name, &count)| Seen {
            name: name.clone(),
            count,
        })
        .collect();
    read
}

fn limits(bounds: &Bounds) -> Vec<Limit> {
    let limit = |name, value: u32, hides| Limit {
        name,
        value: value.to_string(),
        hides,
    };
    vec![
        limit("servers", bounds.servers, "what needs more servers"),
        limit(
            "values",
            bounds.values,
            "what needs more values to tell apart",
        ),
        limit(
            "max-term",
            bounds.max_term,
            "later terms; the initial one is 1",
        ),
        limit("max-log", bounds.max_log, "longer logs"),
        limit(
            "max-messages",
            bounds.max_messages,
            "more messages in the bag, copies counted",
        ),
        limit(
            "max-copies",
            bounds.max_copies,
            "more copies of one message in the bag",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_properties_are_those_of_the_model() {
        let yardstick = Yardstick::new(Bounds {
            servers: 2,
            values: 1,
            max_term: 2,
            max_log: 1,
            max_messages: 1,
            max_copies: 1,
        });
        let names = yardstick.expect("bounds").properties();
        let ours = PROPERTIES.map(|(name, _)| name.replace('-', " "));
        assert_eq!(names, ours);
    }
}
