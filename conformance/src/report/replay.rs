//! The document of `plimsoll replay --json`.

use serde::Serialize;

use std::time::Duration;

use super::check::peak_memory;
use super::{Answer, seconds};
use crate::replay::Judged;
use crate::replay::live::Followed;
use crate::verdict::{Agreed, Certificate, Nearest, Place, Stopped, Verdict};

/// The schema of [`Document`].
pub const SCHEMA: &str = "plimsoll-replay/1";

/// One trace.
#[derive(Clone, Debug, Serialize)]
pub struct TraceReport {
    /// The input, or the first of several judged together.
    pub path: String,
    /// `conforms`, `diverges`, `inconclusive`; `unreadable` with an `error`.
    pub verdict: &'static str,
    /// Why it could not be read.
    pub error: Option<String>,
    /// Events read.
    pub events: u64,
    /// Events explained.
    pub consumed: u64,
    /// The line at which it diverges or stops, from 1.
    pub line: Option<u64>,
    /// The event, from 0.
    pub event: Option<u64>,
    /// The node, as the trace calls it.
    pub node: Option<String>,
    /// What happened there.
    pub what: Option<String>,
    /// The rule that is broken.
    pub rule: Option<String>,
    /// The section of the paper.
    pub section: Option<String>,
    /// The file that holds the rule.
    pub file: Option<String>,
    /// The facts.
    pub why: Option<String>,
    /// What the model would have allowed.
    pub expected: Option<String>,
    /// Where facts come from: earlier lines, with what happened there.
    pub because: Vec<Because>,
    /// The nearest events that are legal there.
    pub nearest: Vec<Nearest>,
    /// What each node had agreed on before.
    pub agreed: Vec<Agreed>,
    /// Why it is inconclusive.
    pub ground: Option<Stopped>,
    /// Where the timeline was saved.
    pub timeline: Option<String>,
    /// What is left of it, when that was asked for.
    pub reduced: Option<ReducedReport>,
    /// What the verdict rests on.
    pub certificate: Option<Certificate>,
    /// How it was followed, with `--follow`.
    pub followed: Option<Followed>,
}

/// An earlier line that a fact comes from.
#[derive(Clone, Debug, Serialize)]
pub struct Because {
    /// Where it stands.
    pub place: Place,
    /// What happened there.
    pub what: String,
}

/// A reduced trace.
#[derive(Clone, Debug, Serialize)]
pub struct ReducedReport {
    /// The file, or the folder.
    pub path: String,
    /// Events in it.
    pub events: usize,
    /// Events in the whole trace.
    pub of: usize,
    /// How many shorter traces were judged.
    pub tried: u64,
    /// Whether no line of it can be left out.
    pub minimal: bool,
}

/// The document of `plimsoll replay --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The version of this tool.
    pub tool: &'static str,
    /// `holds` when every trace conforms.
    pub verdict: Answer,
    /// Wall-clock time.
    pub seconds: f64,
    /// The most memory that the process held, in bytes; only on Linux.
    pub peak_memory_bytes: Option<u64>,
    /// The traces.
    pub traces: Vec<TraceReport>,
}

impl TraceReport {
    /// Reads what was judged.
    pub fn new(judged: &Judged) -> Self {
        let mut report = TraceReport {
            path: judged.path.display().to_string(),
            verdict: "unreadable",
            error: None,
            events: 0,
            consumed: 0,
            line: None,
            event: None,
            node: None,
            what: None,
            rule: None,
            section: None,
            file: None,
            why: None,
            expected: None,
            because: Vec::new(),
            nearest: Vec::new(),
            agreed: Vec::new(),
            ground: None,
            timeline: None,
            reduced: None,
            certificate: None,
            followed: None,
        };
        let verdict = match &judged.result {
            Ok(verdict) => verdict,
            Err(error) => {
                report.error = Some(error.to_string());
                return report;
            }
        };
        let certificate = verdict.certificate();
        report.verdict = verdict.name();
        report.events = certificate.events;
        report.consumed = certificate.consumed;
        report.certificate = Some(certificate.clone());
        match verdict {
            Verdict::Conforms(_) => {}
            Verdict::Diverges(found, _) => {
                report.path = found.place.path.display().to_string();
                report.line = Some(found.place.line);
                report.event = Some(found.place.event);
                report.node = Some(found.node.clone());
                report.what = Some(found.what.clone());
                report.rule = Some(found.rule.name.clone());
                report.section = Some(found.rule.section.clone());
                report.file = Some(found.rule.file.clone());
                report.why = Some(found.why.clone());
                report.expected = Some(found.expected.clone());
                let because = found.because.iter().cloned();
                let because = because.map(|(place, what)| Because { place, what });
                report.because = because.collect();
                report.nearest.clone_from(&found.nearest);
                report.agreed.clone_from(&found.agreed);
            }
            Verdict::Inconclusive(stopped, _) => {
                if let Some(place) = &stopped.place {
                    report.path = place.path.display().to_string();
                }
                report.line = stopped.place.as_ref().map(|place| place.line);
                report.event = stopped.place.as_ref().map(|place| place.event);
                report.what = Some(stopped.what.clone());
                report.why = Some(stopped.ground.says().to_owned());
                report.ground = Some(stopped.clone());
            }
        }
        report
    }

    /// The answer; `None` for what could not be read.
    pub fn answer(&self) -> Option<Answer> {
        match self.verdict {
            "conforms" => Some(Answer::Holds),
            "diverges" => Some(Answer::Violated),
            "inconclusive" => Some(Answer::Inconclusive),
            _ => None,
        }
    }
}

impl Document {
    /// Sums up `traces`, which took so long.
    pub fn new(traces: Vec<TraceReport>, time: Duration) -> Self {
        let worst = traces.iter().filter_map(TraceReport::answer).max();
        Document {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_VERSION"),
            verdict: worst.unwrap_or(Answer::Inconclusive),
            seconds: seconds::rounded(time),
            peak_memory_bytes: peak_memory(),
            traces,
        }
    }
}
