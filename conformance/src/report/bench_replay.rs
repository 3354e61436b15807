//! What `plimsoll bench replay` measured.

use serde::Serialize;

/// The schema of [`Document`].
pub const SCHEMA: &str = "plimsoll-bench-replay/1";

/// One judgement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Events judged.
    pub events: u64,
    /// Wall-clock time, with reading and hashing the files.
    pub seconds: f64,
    /// The most memory that the process held, in bytes.
    pub peak: Option<u64>,
}

/// One length of one trace.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The trace.
    pub trace: String,
    /// `one file`, `compressed`, `a file a node`.
    pub form: &'static str,
    /// The run of median time.
    pub median: Measured,
    /// The shortest and the longest time.
    pub range: (f64, f64),
    /// Events a second, of the median.
    pub rate: f64,
    /// Peak memory an event, in bytes.
    pub bytes: Option<f64>,
}

impl Row {
    /// The median of `runs`, of which there is at least one.
    pub fn median(trace: &str, form: &'static str, mut runs: Vec<Measured>) -> Self {
        runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let median = runs[runs.len() / 2];
        let of = |run: Option<&Measured>| run.map_or(0.0, |run| run.seconds);
        let events = median.events.max(1) as f64;
        Row {
            trace: trace.to_owned(),
            form,
            median,
            range: (of(runs.first()), of(runs.last())),
            rate: events / median.seconds.max(0.001),
            bytes: median.peak.map(|peak| peak as f64 / events),
        }
    }
}

/// The document of `plimsoll bench replay --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The version of this tool.
    pub tool: &'static str,
    /// How often each was measured.
    pub runs: u8,
    /// On how many threads each trace was judged.
    pub threads: usize,
    /// What was measured.
    pub rows: Vec<Row>,
}

impl Document {
    /// What was measured, each `runs` times on `threads` threads.
    pub fn new(runs: u8, threads: usize, rows: Vec<Row>) -> Self {
        Document {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_VERSION"),
            runs,
            threads,
            rows,
        }
    }
}
