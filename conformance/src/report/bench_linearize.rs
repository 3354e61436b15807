//! What `plimsoll bench linearize` measured.

use serde::Serialize;

/// The schema of [`Document`].
pub const SCHEMA: &str = "plimsoll-bench-linearize/1";

/// One run of the command.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Wall-clock time of the whole command.
    pub seconds: f64,
    /// Of which reading took so long.
    pub reading: f64,
    /// Of which judging took so long.
    pub judging: f64,
    /// The most memory that the process held, in bytes.
    pub peak: Option<u64>,
}

/// One history, or a folder of them judged by one process.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The file or folder.
    pub history: String,
    /// How many histories are in it.
    pub histories: u64,
    /// Operations in them.
    pub operations: u64,
    /// The verdict on it; of several how many have which.
    pub verdict: String,
    /// The algorithms.
    pub algorithm: String,
    /// The run of median time.
    pub median: Measured,
    /// The shortest and the longest time.
    pub range: (f64, f64),
    /// Operations a second, of the median.
    pub rate: f64,
}

impl Row {
    /// Takes the median of `runs`, of which there is at least one.
    #[must_use]
    pub fn with_runs(mut self, mut runs: Vec<Measured>) -> Self {
        runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let of = |run: Option<&Measured>| run.map_or(0.0, |run| run.seconds);
        self.median = runs[runs.len() / 2];
        self.range = (of(runs.first()), of(runs.last()));
        self.rate = (self.operations as f64 / self.median.seconds.max(1e-6)).round();
        self
    }
}

/// The document of `plimsoll bench linearize --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The version of this tool.
    pub tool: &'static str,
    /// How often each was measured.
    pub runs: u8,
    /// What was measured.
    pub rows: Vec<Row>,
}

impl Document {
    /// What was measured, each `runs` times.
    pub fn new(runs: u8, rows: Vec<Row>) -> Self {
        Document {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_VERSION"),
            runs,
            rows,
        }
    }
}
