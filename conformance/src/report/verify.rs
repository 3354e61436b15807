//! The document of `plimsoll verify --json`: searches, flaws and traces, with
//! one verdict over all of them.

use serde::Serialize;

use super::Answer;
use super::check::{self, PropertyReport, SearchReport};
use super::flaws::FlawReport;

/// The schema of [`Document`].
pub const SCHEMA: &str = "plimsoll-verify/1";

/// A trace of the corpus.
#[derive(Clone, Debug, Serialize)]
pub struct CorpusReport {
    /// The story and the trace.
    pub name: &'static str,
    /// The verdict that is expected.
    pub expected: String,
    /// The verdict; `unreadable` when there is none.
    pub verdict: &'static str,
    /// Whether it is what was expected, in every detail that is listed.
    pub as_expected: bool,
    /// In what it is not.
    pub difference: Option<String>,
    /// Events read.
    pub events: u64,
    /// Events explained.
    pub consumed: u64,
    /// Where it diverges or stops, and the rule or ground.
    pub evidence: String,
    /// Wall-clock time.
    pub seconds: f64,
}

/// The document of `plimsoll verify --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The version of this tool.
    pub tool: &'static str,
    /// The verdict over everything.
    pub verdict: Answer,
    /// Why it is not `holds`, a sentence each.
    pub grounds: Vec<String>,
    /// Wall-clock time of everything.
    pub seconds: f64,
    /// Every property, over all searches.
    pub properties: Vec<PropertyReport>,
    /// The default presets.
    pub searches: Vec<SearchReport>,
    /// The planted bugs.
    pub flaws: Vec<FlawReport>,
    /// The bundled traces.
    pub traces: Vec<CorpusReport>,
}

impl Document {
    /// Sums up everything. Nothing may be missing: no searches, no flaws or no
    /// traces is no pass.
    pub fn new(
        searches: Vec<SearchReport>,
        flaws: Vec<FlawReport>,
        traces: Vec<CorpusReport>,
        asked: &[&'static str],
        seconds: f64,
    ) -> Self {
        let checked = check::Document::new(searches, asked, asked, None);
        let mut verdict = checked.verdict;
        let mut grounds = checked.grounds;
        for property in &checked.properties {
            if let Some(found) = &property.counterexample {
                grounds.push(format!("{}: {} is broken", found.preset, property.name));
            }
        }
        for flaw in &flaws {
            verdict = verdict.max(flaw.answer());
            if flaw.answer() != Answer::Holds {
                let why = flaw.objection.as_deref().unwrap_or("not searched");
                grounds.push(format!("flaw {}: {why}", flaw.name));
            }
        }
        for trace in &traces {
            if let Some(difference) = &trace.difference {
                verdict = Answer::Violated;
                grounds.push(format!("trace {}: {difference}", trace.name));
            }
        }
        for (what, none) in [("flaw", flaws.is_empty()), ("trace", traces.is_empty())] {
            if none {
                verdict = verdict.max(Answer::Inconclusive);
                grounds.push(format!("no {what} was looked at"));
            }
        }
        Document {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_VERSION"),
            verdict,
            grounds,
            seconds,
            properties: checked.properties,
            searches: checked.searches,
            flaws,
            traces,
        }
    }
}
