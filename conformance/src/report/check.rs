//! What a search showed: the verdict with its grounds, and the document of
//! `plimsoll check --json`.
//!
//! No pass without evidence. A search *holds* when it visited every state
//! within its bounds, broke nothing, evaluated something, and reached every
//! witness its preset lists. The command *holds* when every search does and
//! every property was evaluated in at least one of them.

use plimsoll_model::bounds::Limit;
use plimsoll_model::counterexample::Counterexample;
use plimsoll_model::engine::{End, Search, Storage, Walks};
use plimsoll_model::presets::Wider;
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
    pub witnesses: Vec<&'static str>,
    /// Random walks for what the search has no room for.
    pub wider: Option<Wider>,
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
    /// How often random walks in wider bounds came by it; null where none were
    /// taken.
    pub walked: Option<u64>,
    /// Whether the preset leaves it to these walks.
    pub left_to_walks: bool,
}

impl WitnessReport {
    /// Whether the preset asks for it, of its search or of its walks.
    pub fn is_asked(&self) -> bool {
        self.required || self.left_to_walks
    }

    /// Whether who was asked for it came by it.
    pub fn is_reached(&self) -> bool {
        match self.required {
            true => self.count > 0,
            false => self.count > 0 || self.walked.is_some_and(|walked| walked > 0),
        }
    }

    /// Whether a sample is all that came by it.
    pub fn is_sampled(&self) -> bool {
        self.count == 0 && self.walked.is_some_and(|walked| walked > 0)
    }
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
    /// How many threads. The answer does not depend on it.
    pub threads: usize,
    /// Distinct states; under symmetry, orbits.
    pub distinct_states: u64,
    /// How many states these stand for: the sum of the sizes of their orbits.
    /// Zero where the engine does not know it.
    pub represented_states: u64,
    /// Initial states plus one for every enabled action.
    pub generated_states: u64,
    /// Of these, successors out of bounds.
    pub out_of_bounds_states: u64,
    /// The most actions in a row.
    pub depth: usize,
    /// Distinct states at each distance from the initial one, where the engine
    /// knows them.
    pub levels: Vec<u64>,
    /// How many renamings of servers were used; 1 without symmetry.
    pub symmetry: usize,
    /// Wall-clock time.
    pub seconds: f64,
    /// How many bits stood for a state.
    pub fingerprint_bits: u32,
    /// The probability, at most, that a state was taken for another one.
    pub omission_probability: f64,
    /// Where states were kept, for an engine that says so.
    pub storage: Option<StorageReport>,
    /// What random walks came by, for an engine that takes them.
    pub simulation: Option<SimulationReport>,
    /// The random walks in wider bounds that a preset takes beside its search.
    pub wider: Option<WiderReport>,
    /// The most memory that the process has held so far, in bytes, where the
    /// system tells.
    pub peak_memory_bytes: Option<u64>,
    /// Whose rules the settings start from; null for the yardstick.
    pub dialect: Option<&'static str>,
    /// Rules, network and bounds, as `--bounds` would read the last; null for
    /// the yardstick.
    pub scenario: Option<Scenario>,
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

/// Where a search kept its states.
#[derive(Clone, Debug, Serialize)]
pub struct StorageReport {
    /// Bytes of the visited set in memory, at the end.
    pub table_bytes: u64,
    /// The most bytes that were on disk.
    pub disk_bytes: u64,
    /// Whether visited states went to disk.
    pub external: bool,
    /// After how many complete levels it was resumed.
    pub resumed_after: Option<usize>,
    /// Where it can be resumed.
    pub checkpoint: Option<String>,
    /// Bitstate: the share of bits that are set.
    pub bits_set: Option<f64>,
    /// Bitstate: how many states are expected to have been left out, not
    /// counting what only they lead to.
    pub expected_omitted: Option<f64>,
}

impl StorageReport {
    fn new(storage: &Storage) -> Self {
        let checkpoint = storage.checkpoint.as_ref();
        StorageReport {
            table_bytes: storage.table,
            disk_bytes: storage.disk,
            external: storage.external,
            resumed_after: storage.resumed,
            checkpoint: checkpoint.map(|dir| dir.display().to_string()),
            bits_set: storage.bitstate.map(|(set, _)| set),
            expected_omitted: storage.bitstate.map(|(_, omitted)| omitted),
        }
    }
}

/// What random walks came by, and what that says of the rest.
#[derive(Clone, Debug, Serialize)]
pub struct SimulationReport {
    /// How many walks.
    pub walks: u64,
    /// The steps of all of them.
    pub steps: u64,
    /// The steps of the longest.
    pub longest: usize,
    /// Different states, or about how many.
    pub distinct: u64,
    /// Of what such walks come by, the share that has not been seen, by the
    /// states seen once only (Good and Turing).
    pub unseen_share: f64,
    /// How many new states one more walk is expected to come by.
    pub new_in_next_walk: f64,
    /// How many states there are at least, about, that such walks come by
    /// (Chao).
    pub at_least: u64,
    /// The same in words.
    pub estimate: String,
}

impl SimulationReport {
    fn new(walks: &Walks) -> Self {
        SimulationReport {
            walks: walks.walks,
            steps: walks.steps,
            longest: walks.longest,
            distinct: walks.coverage.distinct,
            unseen_share: walks.coverage.unseen_share(),
            new_in_next_walk: walks.coverage.new_in_next_walk(),
            at_least: walks.coverage.at_least() as u64,
            estimate: walks.coverage.to_string(),
        }
    }
}

/// Random walks in wider bounds than those of the search beside them. Nothing
/// holds because of them.
#[derive(Clone, Debug, Serialize)]
pub struct WiderReport {
    /// Decides every walk.
    pub seed: u64,
    /// Whether all of them were taken.
    pub complete: bool,
    /// What they came by.
    pub simulation: SimulationReport,
    /// Wall-clock time.
    pub seconds: f64,
    /// The bounds, with what each hides.
    pub bounds: Vec<Limit>,
}

/// The most memory that this process has held, in bytes.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
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
                None if result.broken && found.is_none() => {
                    grounds.push(format!(
                        "{} breaks, and the run to it could not be rebuilt: {}",
                        row.name,
                        search.untold.as_deref().unwrap_or("it was lost"),
                    ));
                    Outcome::Violated
                }
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
                walked: None,
                left_to_walks: false,
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
        let mut report = Self::base(search);
        report.preset.clone_from(&task.name);
        report.about.clone_from(&task.about);
        report.verdict = verdict;
        report.grounds = grounds;
        report.seed = seed.filter(|_| search.engine.contains("simul"));
        report.flaw = task.scenario.settings.flaw.map(|flaw| flaw.about().name);
        report.dialect = Some(task.dialect);
        report.scenario = Some(task.scenario.clone());
        report.bounds = task.scenario.bounds.limits();
        report.properties = reports;
        report.witnesses = witnesses;
        report.actions = seen(&search.actions);
        report.branches = seen(&search.branches);
        report
    }

    /// With what the `walks` of the preset came by: they are a sample, so they
    /// make nothing hold; a situation left to them that they miss is no pass.
    /// What they broke is judged with the search ([`take_counterexamples`]).
    pub fn with_walks(mut self, wider: &Wider, walks: &Search) -> Self {
        let Some(simulation) = walks.walks.as_ref() else {
            return self;
        };
        for (seen, walked) in self.witnesses.iter_mut().zip(&walks.witnesses) {
            seen.walked = Some(walked.count);
            seen.left_to_walks = wider.witnesses.contains(&seen.name.as_str());
        }
        let complete = walks.end == End::Sampled;
        let missed = self.witnesses.iter().filter(|w| w.left_to_walks);
        let missed = missed.filter(|witness| !witness.is_reached());
        let mut grounds: Vec<String> = missed
            .map(|witness| format!("the random walks miss the witness {}", witness.name))
            .collect();
        if !complete && self.verdict != Answer::Violated {
            grounds.push(format!("the random walks were cut: {}", cut(walks.end)));
        }
        if !grounds.is_empty() && self.verdict == Answer::Holds {
            self.verdict = Answer::Inconclusive;
        }
        self.grounds.extend(grounds);
        self.wider = Some(WiderReport {
            seed: wider.seed,
            complete,
            simulation: SimulationReport::new(simulation),
            seconds: rounded(walks.elapsed),
            bounds: wider.bounds.limits(),
        });
        self
    }

    /// What `search` says by itself: where it went, not yet what it means.
    pub(super) fn base(search: &Search) -> Self {
        SearchReport {
            preset: String::new(),
            about: String::new(),
            verdict: Answer::Inconclusive,
            grounds: Vec::new(),
            engine: search.engine,
            seed: None,
            flaw: None,
            end: search.end.name(),
            complete: search.end == End::Exhausted,
            threads: search.threads,
            distinct_states: search.distinct,
            represented_states: search.represented,
            generated_states: search.generated,
            out_of_bounds_states: search.out_of_bounds,
            depth: search.depth,
            levels: search.levels.clone(),
            symmetry: search.group,
            seconds: rounded(search.elapsed),
            fingerprint_bits: search.bits.count(),
            omission_probability: search.omission_probability(),
            storage: search.storage.as_ref().map(StorageReport::new),
            simulation: search.walks.as_ref().map(SimulationReport::new),
            wider: None,
            peak_memory_bytes: peak_memory(),
            dialect: None,
            scenario: None,
            bounds: Vec::new(),
            properties: Vec::new(),
            witnesses: Vec::new(),
            actions: Vec::new(),
            branches: Vec::new(),
        }
    }
}

/// Lets `search` show what only `walks` broke.
pub fn take_counterexamples(search: &mut Search, walks: &Search) {
    for (ours, theirs) in search.properties.iter_mut().zip(&walks.properties) {
        if ours.counterexample.is_none() && theirs.counterexample.is_some() {
            ours.broken = true;
            ours.counterexample.clone_from(&theirs.counterexample);
            ours.evaluated = ours.evaluated.max(1);
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
pub(super) fn cut(end: End) -> &'static str {
    match end {
        End::Exhausted => "complete",
        End::Found => "the search ended at another broken property",
        End::Depth => "the depth limit cut the search",
        End::Time => "the time is spent",
        End::States => "the number of states is reached",
        End::Memory => "the memory is spent",
        End::Interrupted => "interrupted",
        End::DiskSpent => "the room on disk is spent",
        End::Sampled => "what is sampled never visits everything",
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

impl Document {
    /// The document of one search that is judged by itself.
    pub fn of_one(search: SearchReport) -> Self {
        let mut document = Document::new(vec![search], &[], &[], None);
        document.properties = document.searches[0].properties.clone();
        document
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
    use plimsoll_model::engine::{Engine, Exhaustive, Limits};
    use plimsoll_model::network::NetworkKind;
    use plimsoll_model::settings::{Dialect, Durability};

    fn task(witnesses: &'static [&'static str]) -> Task {
        Task {
            name: "small".to_owned(),
            about: String::new(),
            dialect: "paper",
            scenario: Scenario {
                prefix: &[],
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
            witnesses: witnesses.to_vec(),
            wider: None,
        }
    }

    fn report(
        witnesses: &'static [&'static str],
        limits: &Limits,
        asked: &[&'static str],
    ) -> SearchReport {
        let task = task(witnesses);
        let search = Exhaustive::on(2).search(&task.scenario, limits, &mut |_| {});
        let search = search.expect("a search");
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
