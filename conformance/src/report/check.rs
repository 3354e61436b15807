//! What a search showed: the verdict with its grounds, and the document of
//! `plimsoll check --json`.
//!
//! No pass without evidence. A search *holds* when it visited every state
//! within its bounds, broke nothing, evaluated something, and reached every
//! witness its preset lists. The command *holds* when every search does and
//! every property was evaluated in at least one of them.

use plimsoll_model::bounds::Limit;
use plimsoll_model::counterexample::Counterexample;
use plimsoll_model::engine::{End, Search};
use plimsoll_model::properties::{self, Property};
use plimsoll_model::scenario::Scenario;
use serde::Serialize;

use super::Answer;
use super::seconds::rounded;

/// The schema of [`Document`].
pub const SCHEMA: &str = "plimsoll-check/1";

/// What is explored, under a name.
#[derive(Clone, Debug)]
pub struct Task {
    /// The name of the preset; `custom` for one put together by flags.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// Whose rules it starts from.
    pub dialect: &'static str,
    /// Rules, network, bounds.
    pub scenario: Scenario,
    /// Witnesses that must be reached.
    pub witnesses: &'static [&'static str],
}

/// What became of one property in a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Evaluated, and it holds in every state or step within the bounds.
    Holds,
    /// A counterexample was found.
    Violated,
    /// Evaluated, never broken, but the search did not visit everything.
    Inconclusive,
    /// It never had anything to judge.
    NotEvaluated,
}

impl Outcome {
    /// The name, as JSON spells it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Holds => "holds",
            Outcome::Violated => "violated",
            Outcome::Inconclusive => "inconclusive",
            Outcome::NotEvaluated => "not-evaluated",
        }
    }
}

/// A counterexample as a document names it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The preset it was found in.
    pub preset: String,
    /// How many actions it takes.
    pub depth: usize,
    /// The actions, printed.
    pub actions: Vec<String>,
    /// Where its timeline was saved.
    pub timeline: Option<String>,
}

/// One property.
#[derive(Clone, Debug, Serialize)]
pub struct PropertyReport {
    /// Its name.
    pub name: &'static str,
    /// The section of the paper.
    pub section: &'static str,
    /// The file that holds it.
    pub file: &'static str,
    /// What became of it.
    pub result: Outcome,
    /// How often it was judged.
    pub judged: u64,
    /// How often it had something to judge.
    pub evaluated: u64,
    /// A run that breaks it.
    pub counterexample: Option<Found>,
}

/// A witness.
#[derive(Clone, Debug, Serialize)]
pub struct WitnessReport {
    /// Its name.
    pub name: String,
    /// How often it was seen.
    pub count: u64,
    /// Whether the preset must reach it.
    pub required: bool,
}

/// A name and how often it was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// The name.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// One search.
#[derive(Clone, Debug, Serialize)]
pub struct SearchReport {
    /// The preset.
    pub preset: String,
    /// What it is for.
    pub about: String,
    /// The verdict.
    pub verdict: Answer,
    /// Why it is inconclusive, a sentence each.
    pub grounds: Vec<String>,
    /// The engine.
    pub engine: &'static str,
    /// The seed, for an engine that draws lots.
    pub seed: Option<u64>,
    /// The planted flaw.
    pub flaw: Option<&'static str>,
    /// How it ended.
    pub end: &'static str,
    /// Whether every state within the bounds was visited.
    pub complete: bool,
    /// Distinct states; under symmetry, orbits.
    pub distinct_states: u64,
    /// Initial states plus one for every enabled action.
    pub generated_states: u64,
    /// Of these, successors out of bounds.
    pub out_of_bounds_states: u64,
    /// The most actions in a row.
    pub depth: usize,
    /// How many renamings of servers were used; 1 without symmetry.
    pub symmetry: usize,
    /// Wall-clock time.
    pub seconds: f64,
    /// The probability, at most, that a state was taken for another one.
    pub omission_probability: f64,
    /// Whose rules the settings start from.
    pub dialect: &'static str,
    /// Rules, network and bounds, as `--bounds` would read the last.
    pub scenario: Scenario,
    /// The bounds in force, with what each hides.
    pub bounds: Vec<Limit>,
    /// Every property that was asked for.
    pub properties: Vec<PropertyReport>,
    /// Every witness.
    pub witnesses: Vec<WitnessReport>,
    /// Every kind of action, and how often it was taken.
    pub actions: Vec<Seen>,
    /// Every rule branch, and how often it fired.
    pub branches: Vec<Seen>,
}

impl SearchReport {
    /// Reads `search` of `task`; only the properties in `asked` count.
    pub fn new(task: &Task, search: &Search, seed: Option<u64>, asked: &[&'static str]) -> Self {
        let complete = search.end == End::Exhausted;
        let mut grounds = Vec::new();
        let mut reports = Vec::new();
        for (row, result) in properties::ALL.iter().zip(&search.properties) {
            if !asked.contains(&row.name) {
                continue;
            }
            let found = result.counterexample.as_ref();
            let confirmed = found.filter(|found| found.is_confirmed());
            if found.is_some() && confirmed.is_none() {
                grounds.push(format!(
                    "the run that breaks {} does not do so when it is executed again",
                    row.name
                ));
            }
            let outcome = match confirmed {
                Some(_) => Outcome::Violated,
                None if result.evaluated == 0 => Outcome::NotEvaluated,
                None if complete && found.is_none() => Outcome::Holds,
                None => Outcome::Inconclusive,
            };
            reports.push(property(row, outcome, result.judged, result.evaluated));
            if let (Some(report), Some(found)) = (reports.last_mut(), confirmed) {
                report.counterexample = Some(Found::new(task, found));
            }
        }
        let violated = reports.iter().any(|p| p.result == Outcome::Violated);
        if !complete && !violated {
            grounds.push(cut(search.end).to_owned());
        }
        if reports.iter().all(|p| p.result == Outcome::NotEvaluated) {
            grounds.push("no property had anything to judge".to_owned());
        }
        let witnesses: Vec<WitnessReport> = search
            .witnesses
            .iter()
            .map(|seen| WitnessReport {
                name: seen.name.clone(),
                count: seen.count,
                required: task.witnesses.contains(&seen.name.as_str()),
            })
            .collect();
        if complete {
            let missed = witnesses.iter().filter(|w| w.required && w.count == 0);
            grounds.extend(missed.map(|witness| {
                format!(
                    "the witness {} is missed: the bounds are too tight",
                    witness.name
                )
            }));
        }
        let verdict = match (violated, grounds.is_empty()) {
            (true, _) => Answer::Violated,
            (false, false) => Answer::Inconclusive,
            (false, true) => Answer::Holds,
        };
        let seen = |counts: &[plimsoll_model::engine::Count]| {
            let counts = counts.iter().map(|count| Seen {
                name: count.name.clone(),
                count: count.count,
            });
            counts.collect()
        };
        SearchReport {
            preset: task.name.clone(),
            about: task.about.clone(),
            verdict,
            grounds,
            engine: search.engine,
            seed: seed.filter(|_| search.engine == "simulation"),
            flaw: task.scenario.settings.flaw.map(|flaw| flaw.about().name),
            end: search.end.name(),
            complete,
            distinct_states: search.distinct,
            generated_states: search.generated,
            out_of_bounds_states: search.out_of_bounds,
            depth: search.depth,
            symmetry: search.group,
            seconds: rounded(search.elapsed),
            omission_probability: search.omission_probability(),
            dialect: task.dialect,
            scenario: task.scenario.clone(),
            bounds: task.scenario.bounds.limits(),
            properties: reports,
            witnesses,
            actions: seen(&search.actions),
            branches: seen(&search.branches),
        }
    }
}

impl Found {
    fn new(task: &Task, found: &Counterexample) -> Self {
        Found {
            preset: task.name.clone(),
            depth: found.actions.len(),
            actions: found.actions.iter().map(|a| a.to_string()).collect(),
            timeline: None,
        }
    }
}

fn property(row: &Property, result: Outcome, judged: u64, evaluated: u64) -> PropertyReport {
    PropertyReport {
        name: row.name,
        section: row.section,
        file: row.file,
        result,
        judged,
        evaluated,
        counterexample: None,
    }
}

/// What cut a search that is not complete.
fn cut(end: End) -> &'static str {
    match end {
        End::Exhausted => "complete",
        End::Found => "the search ended at another broken property",
        End::Depth => "the depth limit cut the search",
        End::Time => "the time is spent",
        End::States => "the number of states is reached",
        End::Memory => "the memory is spent",
        End::Interrupted => "interrupted",
        End::Sampled => "random walks never visit everything",
    }
}

/// The document of `plimsoll check --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The version of this tool.
    pub tool: &'static str,
    /// The verdict over all searches.
    pub verdict: Answer,
    /// Why it is inconclusive, a sentence each.
    pub grounds: Vec<String>,
    /// Distinct states of all searches.
    pub distinct_states: u64,
    /// Generated states of all searches.
    pub generated_states: u64,
    /// The most actions in a row in any search.
    pub depth: usize,
    /// Wall-clock time of all searches.
    pub seconds: f64,
    /// Whether every search visited everything within its bounds.
    pub complete: bool,
    /// Every property that was asked for, over all searches.
    pub properties: Vec<PropertyReport>,
    /// The searches.
    pub searches: Vec<SearchReport>,
}

impl Document {
    /// Sums up `searches` for the properties in `asked`; without a judgement of
    /// every one in `needed` it is no pass. `skipped` says why others were not
    /// begun.
    pub fn new(
        searches: Vec<SearchReport>,
        asked: &[&'static str],
        needed: &[&str],
        skipped: Option<String>,
    ) -> Self {
        let properties: Vec<PropertyReport> = properties::ALL
            .iter()
            .filter(|row| asked.contains(&row.name))
            .map(|row| over_all(row, &searches))
            .collect();
        let mut grounds: Vec<String> = searches
            .iter()
            .filter(|search| search.verdict == Answer::Inconclusive)
            .flat_map(|search| {
                let grounds = search.grounds.iter();
                grounds.map(|ground| format!("{}: {ground}", search.preset))
            })
            .collect();
        grounds.extend(skipped);
        if searches.is_empty() {
            grounds.push("nothing was explored".to_owned());
        }
        let violated = searches.iter().any(|s| s.verdict == Answer::Violated);
        if !violated {
            let silent = properties
                .iter()
                .filter(|p| p.result == Outcome::NotEvaluated && needed.contains(&p.name));
            grounds.extend(silent.map(|property| {
                format!(
                    "{} never had anything to judge within these bounds (name others with \
                     --property to leave it out)",
                    property.name
                )
            }));
        }
        let verdict = match (violated, grounds.is_empty()) {
            (true, _) => Answer::Violated,
            (false, false) => Answer::Inconclusive,
            (false, true) => Answer::Holds,
        };
        let seconds: f64 = searches.iter().map(|s| s.seconds).sum();
        Document {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_VERSION"),
            verdict,
            grounds,
            distinct_states: searches.iter().map(|s| s.distinct_states).sum(),
            generated_states: searches.iter().map(|s| s.generated_states).sum(),
            depth: searches.iter().map(|s| s.depth).max().unwrap_or(0),
            seconds: (seconds * 1000.0).round() / 1000.0,
            complete: !searches.is_empty() && searches.iter().all(|s| s.complete),
            properties,
            searches,
        }
    }
}

/// One property over all searches: the worst of the searches that evaluated it.
fn over_all(row: &Property, searches: &[SearchReport]) -> PropertyReport {
    let all: Vec<&PropertyReport> = searches
        .iter()
        .flat_map(|search| &search.properties)
        .filter(|property| property.name == row.name)
        .collect();
    let has = |outcome| all.iter().any(|property| property.result == outcome);
    let result = if has(Outcome::Violated) {
        Outcome::Violated
    } else if has(Outcome::Inconclusive) {
        Outcome::Inconclusive
    } else if has(Outcome::Holds) {
        Outcome::Holds
    } else {
        Outcome::NotEvaluated
    };
    let judged = all.iter().map(|property| property.judged).sum();
    let evaluated = all.iter().map(|property| property.evaluated).sum();
    let mut report = property(row, result, judged, evaluated);
    let found = all.iter().filter_map(|p| p.counterexample.as_ref());
    report.counterexample = found.min_by_key(|found| found.depth).cloned();
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::bounds::Bounds;
    use plimsoll_model::engine::{Bfs, Engine, Limits};
    use plimsoll_model::network::NetworkKind;
    use plimsoll_model::settings::{Dialect, Durability};

    fn task(witnesses: &'static [&'static str]) -> Task {
        Task {
            name: "small".to_owned(),
            about: String::new(),
            dialect: "paper",
            scenario: Scenario {
                settings: Dialect::Paper.settings(Durability::Atomic),
                network: NetworkKind::Set,
                bounds: Bounds {
                    max_term: 1,
                    max_log: 1,
                    writes: 0,
                    appends: Some(0),
                    ..Bounds::default()
                },
            },
            witnesses,
        }
    }

    fn report(
        witnesses: &'static [&'static str],
        limits: &Limits,
        asked: &[&'static str],
    ) -> SearchReport {
        let task = task(witnesses);
        let search = Bfs.search(&task.scenario, limits, &mut |_| {});
        SearchReport::new(&task, &search, None, asked)
    }

    #[test]
    fn a_complete_search_with_its_witnesses_holds() {
        let report = report(
            &["leader-elected"],
            &Limits::default(),
            &["election-safety"],
        );
        assert_eq!((report.verdict, report.complete), (Answer::Holds, true));
        let document = Document::new(
            vec![report],
            &["election-safety"],
            &["election-safety"],
            None,
        );
        assert_eq!(document.verdict, Answer::Holds);
    }

    #[test]
    fn a_missed_witness_is_no_pass() {
        let report = report(&["read-served"], &Limits::default(), &["election-safety"]);
        assert_eq!(report.verdict, Answer::Inconclusive);
        assert!(
            report.grounds[0].contains("read-served"),
            "{:?}",
            report.grounds
        );
    }

    #[test]
    fn a_property_that_judged_nothing_is_no_pass() {
        let asked = ["election-safety", "linearizable-reads"];
        let report = report(&[], &Limits::default(), &asked);
        assert_eq!(report.verdict, Answer::Holds);
        assert_eq!(report.properties[1].result, Outcome::NotEvaluated);
        let document = Document::new(vec![report.clone()], &asked, &asked, None);
        assert_eq!(document.verdict, Answer::Inconclusive);
        assert!(document.grounds[0].contains("linearizable-reads"));
        // A preset chosen by name is held to its witnesses; the property is
        // shown as not evaluated, never as one that holds.
        let chosen = Document::new(vec![report], &asked, &[], None);
        assert_eq!(chosen.verdict, Answer::Holds);
        assert_eq!(chosen.properties[1].result, Outcome::NotEvaluated);
    }

    #[test]
    fn a_search_that_was_cut_is_no_pass() {
        let limits = Limits {
            depth: Some(2),
            ..Limits::default()
        };
        let report = report(&[], &limits, &["one-vote-per-term"]);
        assert_eq!(
            (report.verdict, report.complete),
            (Answer::Inconclusive, false)
        );
        assert_eq!(report.properties[0].result, Outcome::Inconclusive);
    }

    #[test]
    fn nothing_explored_is_no_pass() {
        assert_eq!(
            Document::new(Vec::new(), &[], &[], None).verdict,
            Answer::Inconclusive
        );
    }
}
