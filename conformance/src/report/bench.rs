//! What `plimsoll bench engine` measured.

use serde::Serialize;

use super::seconds;

/// The schema of [`Document`].
pub const SCHEMA: &str = "plimsoll-bench/1";

/// One run of one engine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Distinct states.
    pub distinct: u64,
    /// Generated states.
    pub generated: u64,
    /// The most actions in a row.
    pub depth: u64,
    /// Wall-clock time.
    pub seconds: f64,
    /// The most memory that the process held, in bytes.
    pub peak: Option<u64>,
}

impl Measured {
    /// Distinct states a second.
    pub fn rate(&self) -> f64 {
        self.distinct as f64 / self.seconds.max(0.001)
    }

    /// Peak memory a distinct state, in bytes.
    pub fn bytes(&self) -> Option<f64> {
        Some(self.peak? as f64 / self.distinct.max(1) as f64)
    }
}

/// One engine on one model.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The engine.
    pub engine: String,
    /// The model.
    pub model: String,
    /// The command that was measured.
    pub command: String,
    /// The run of median time.
    pub median: Measured,
    /// The shortest and the longest time.
    pub range: (f64, f64),
    /// Distinct states a second, of the median.
    pub rate: f64,
    /// Peak memory a distinct state, in bytes.
    pub bytes: Option<f64>,
}

impl Row {
    /// The median of `runs`, of which there is at least one.
    pub fn median(model: &str, flags: &[String], mut runs: Vec<Measured>) -> Self {
        runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let median = runs[runs.len() / 2];
        let of = |run: Option<&Measured>| run.map_or(0.0, |run| run.seconds);
        Row {
            engine: String::new(),
            model: model.to_owned(),
            command: match flags.first().is_some_and(|flag| flag.starts_with("java")) {
                true => flags.join(" "),
                false => format!("plimsoll check {}", flags.join(" ")),
            },
            rate: median.rate(),
            bytes: median.bytes(),
            range: (of(runs.first()), of(runs.last())),
            median,
        }
    }

    /// This row, of this engine.
    #[must_use]
    pub fn called(mut self, engine: &str) -> Self {
        engine.clone_into(&mut self.engine);
        self
    }
}

/// One model at one size.
#[derive(Clone, Debug, Serialize)]
pub struct Growth {
    /// The model.
    pub model: String,
    /// With fingerprints of 64 bits.
    pub narrow: Measured,
    /// With fingerprints of 128 bits.
    pub wide: Measured,
}

impl Growth {
    /// Two runs of one model.
    pub fn new(model: &str, narrow: Measured, wide: Measured) -> Self {
        Growth {
            model: model.to_owned(),
            narrow,
            wide,
        }
    }
}

/// Two engines on one model.
#[derive(Clone, Debug, Serialize)]
pub struct Ratio {
    /// The model.
    pub model: String,
    /// The faster one, it is hoped.
    pub engine: String,
    /// The other.
    pub than: String,
    /// How many times as fast.
    pub times: f64,
}

/// The document of `plimsoll bench engine --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The version of this tool.
    pub tool: &'static str,
    /// How often each was measured.
    pub runs: u8,
    /// How many threads the machine has.
    pub threads: usize,
    /// Every engine on every model.
    pub rows: Vec<Row>,
    /// What follows from them.
    pub ratios: Vec<Ratio>,
    /// Rate and memory by size.
    pub growth: Vec<Growth>,
    /// Whether all engines counted the same on the same model.
    pub agree: bool,
}

impl Document {
    /// Compares `rows`: on each model, the second one with every other.
    pub fn new(runs: u8, rows: Vec<Row>, growth: Vec<Growth>) -> Self {
        let mut ratios = Vec::new();
        let mut agree = true;
        for chunk in rows.chunk_by(|a, b| a.model == b.model) {
            let Some(ours) = chunk.get(1) else {
                continue;
            };
            for other in chunk.iter().filter(|row| row.engine != ours.engine) {
                agree &= (other.median.distinct, other.median.generated)
                    == (ours.median.distinct, ours.median.generated);
                ratios.push(Ratio {
                    model: ours.model.clone(),
                    engine: ours.engine.clone(),
                    than: other.engine.clone(),
                    times: (ours.rate / other.rate * 100.0).round() / 100.0,
                });
            }
        }
        Document {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_VERSION"),
            runs,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            rows,
            ratios,
            growth,
            agree,
        }
    }
}

/// Time for people.
pub fn said(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{seconds:.2} s");
    }
    seconds::said(std::time::Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(engine: &str, seconds: &[f64], distinct: u64) -> Row {
        let run = |&seconds: &f64| Measured {
            distinct,
            generated: 10 * distinct,
            depth: 3,
            seconds,
            peak: Some(1000),
        };
        Row::median("m", &[], seconds.iter().map(run).collect()).called(engine)
    }

    #[test]
    fn the_median_counts_and_engines_that_disagree_are_told() {
        let one = row("one", &[9.0, 1.0, 2.0], 100);
        assert_eq!((one.median.seconds, one.range), (2.0, (1.0, 9.0)));
        assert_eq!((one.rate, one.bytes), (50.0, Some(10.0)));
        let two = row("two", &[1.0], 100);
        let document = Document::new(1, vec![one.clone(), two.clone()], Vec::new());
        assert!(document.agree);
        assert_eq!(document.ratios[0].times, 2.0);
        let other = row("other", &[1.0], 101);
        assert!(!Document::new(1, vec![one, two, other], Vec::new()).agree);
    }
}
