//! `plimsoll bench`: how fast the engines are, and in how much memory, in
//! ratios measured in one run. Every measurement is a process of its own, so
//! that its peak memory is its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::output::{document, say};
use super::progress::Line;
use super::{Done, Failure, bench_linearize, bench_replay, tlc};
use crate::render::bench::report;
use crate::report::Answer;
use crate::report::bench::{Document, Growth, Measured, Row};

/// Flags of `plimsoll bench`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Compare engines: ours on one and two threads, stateright's, and TLC
    /// where there is one.
    Engine(EngineArgs),
    /// Measure how fast histories of clients are judged.
    Linearize(bench_linearize::Args),
    /// Measure how fast traces are judged, by their length.
    Replay(bench_replay::Args),
}

/// Flags of `plimsoll bench engine`.
#[derive(Debug, clap::Args)]
struct EngineArgs {
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=99))]
    runs: u8,
    /// Also the growth: about 10^6, 10^7 and 10^8 states of both models, with
    /// fingerprints of 64 and 128 bits. Takes a quarter of an hour.
    #[arg(long)]
    growth: bool,
    /// Small spaces only: seconds, to see that it works.
    #[arg(long, conflicts_with = "growth")]
    quick: bool,
    /// Also TLC, from this tla2tools.jar, on the yardstick.
    #[arg(long, value_name = "JAR", requires = "modules")]
    tlc: Option<PathBuf>,
    /// The folder with raft.tla and Yardstick.tla for TLC (docs/yardstick.md).
    #[arg(long, value_name = "DIR", requires = "tlc")]
    modules: Option<PathBuf>,
    /// Print one JSON document (docs/json-output.md).
    #[arg(long)]
    json: bool,
}

/// Bounds of the yardstick: servers, values, terms, log, messages, copies.
pub(super) type Bounds = [u32; 6];

const YARDSTICK: Bounds = [3, 1, 2, 2, 1, 1];
/// Where stateright still fits in memory, and TLC ends in minutes.
const YARDSTICK_SMALL: Bounds = [3, 1, 2, 1, 1, 1];
/// For a look that takes seconds.
const YARDSTICK_TINY: [Bounds; 2] = [[2, 1, 3, 2, 1, 1], [2, 1, 2, 1, 2, 2]];

/// The rule book with its core features and three servers: elections,
/// replication, a crash.
const BOOK: &[&str] = &["--preset", "paper-replication", "--set", "appends=3"];
const BOOK_TINY: &[&str] = &["--preset", "paper-replication"];

/// About 10^6, 10^7 and 10^8 states.
const YARDSTICK_GROWTH: [Bounds; 3] = [[3, 1, 2, 1, 1, 1], [3, 1, 2, 2, 1, 1], [3, 1, 2, 2, 2, 1]];
const BOOK_GROWTH: [&[&str]; 3] = [
    &["--preset", "paper-replication", "--set", "appends=3"],
    &["--preset", "paper-replication", "--set", "appends=4"],
    &[
        "--preset",
        "paper-replication",
        "--set",
        "appends=5",
        "--set",
        "resend=true",
    ],
];

/// Runs the command.
pub(super) fn run(args: &Args) -> Done {
    let args = match &args.what {
        What::Engine(args) => args,
        What::Linearize(args) => return bench_linearize::run(args),
        What::Replay(args) => return bench_replay::run(args),
    };
    let line = Line::new();
    let bench = Bench {
        runs: if args.quick { 1 } else { args.runs },
        line: &line,
    };
    let (yardstick, small, book) = match args.quick {
        true => (YARDSTICK_TINY[0], YARDSTICK_TINY[1], BOOK_TINY),
        false => (YARDSTICK, YARDSTICK_SMALL, BOOK),
    };
    let stateright = &["--engine", "stateright-bfs"][..];
    let threads = |n| ["--threads", n];
    let mut rows = Vec::new();
    for (model, what) in [
        (name(yardstick), flags(yardstick)),
        (name(small), flags(small)),
        (book.join(" "), book.iter().map(|&f| f.to_owned()).collect()),
    ] {
        let ours = ["1", "2"].map(|n| (n, bench.row(&model, &what, &threads(n))));
        for (n, row) in ours {
            rows.push(row?.called(&format!("plimsoll, {n} threads")));
        }
        if model == name(small) {
            let row = bench.row(&model, &what, &["--threads", "2", "--fingerprint", "128"]);
            rows.push(row?.called("plimsoll, 2 threads, 128 bits"));
            for n in ["1", "2"] {
                let flags = [stateright, &threads(n)].concat();
                rows.push(
                    bench
                        .row(&model, &what, &flags)?
                        .called(&format!("stateright BFS, {n} threads")),
                );
            }
            if let (Some(jar), Some(modules)) = (&args.tlc, &args.modules) {
                line.show("TLC");
                rows.push(tlc::measure(jar, modules, small, &model)?.called("TLC, 2 workers"));
            }
        } else if model != name(yardstick) {
            rows.push(
                bench
                    .row(&model, &what, stateright)?
                    .called("stateright BFS, 1 threads"),
            );
        }
    }
    let mut growth = Vec::new();
    if args.growth {
        for bounds in YARDSTICK_GROWTH {
            growth.push(bench.growth(&name(bounds), &flags(bounds))?);
        }
        for what in BOOK_GROWTH {
            let flags: Vec<String> = what.iter().map(|&f| f.to_owned()).collect();
            growth.push(bench.growth(&what.join(" "), &flags)?);
        }
    }
    line.clear();
    let result = Document::new(bench.runs, rows, growth);
    if args.json {
        document(&result)?;
    } else {
        say(&report(&result))?;
    }
    Ok(Answer::Holds)
}

fn name(bounds: Bounds) -> String {
    format!("yardstick {}", bounds.map(|n| n.to_string()).join(","))
}

fn flags(bounds: Bounds) -> Vec<String> {
    let names = [
        "servers",
        "values",
        "max-term",
        "max-log",
        "max-messages",
        "max-copies",
    ];
    let flags = names
        .iter()
        .zip(bounds)
        .map(|(name, n)| format!("--{name}={n}"));
    std::iter::once("--model=yardstick".to_owned())
        .chain(flags)
        .collect()
}

struct Bench<'l> {
    runs: u8,
    line: &'l Line,
}

impl Bench<'_> {
    /// The median of some runs of `plimsoll check`.
    fn row(&self, model: &str, what: &[String], how: &[&str]) -> Result<Row, Failure> {
        let mut runs = Vec::new();
        for n in 0..self.runs {
            self.line.show(&format!(
                "{model} {}: {} of {}",
                how.join(" "),
                n + 1,
                self.runs
            ));
            runs.push(check(what, how)?);
        }
        Ok(Row::median(model, &[what, &owned(how)].concat(), runs))
    }

    /// One run each with fingerprints of 64 and 128 bits.
    fn growth(&self, model: &str, what: &[String]) -> Result<Growth, Failure> {
        let run = |bits: &str| {
            self.line.show(&format!("{model}, {bits} bits"));
            check(what, &["--threads", "2", "--fingerprint", bits])
        };
        Ok(Growth::new(model, run("64")?, run("128")?))
    }
}

fn owned(flags: &[&str]) -> Vec<String> {
    flags.iter().map(|&flag| flag.to_owned()).collect()
}

/// Runs `plimsoll check` and reads what it says.
fn check(what: &[String], how: &[&str]) -> Result<Measured, Failure> {
    let this = std::env::current_exe().map_err(|error| Failure::Input {
        path: "the command itself".to_owned(),
        reason: error.to_string(),
    })?;
    let mut command = Command::new(&this);
    command.arg("check").args(what).args(how).arg("--json");
    let text = output(&this, &mut command)?;
    let said: Option<Measured> = serde_json::from_str(&text).ok().and_then(|said: Value| {
        let search = said.get("searches")?.get(0)?;
        let number = |name: &str| search.get(name)?.as_u64();
        if search.get("complete")?.as_bool() != Some(true) {
            return None;
        }
        Some(Measured {
            distinct: number("distinct_states")?,
            generated: number("generated_states")?,
            depth: number("depth")?,
            seconds: search.get("seconds")?.as_f64()?,
            peak: number("peak_memory_bytes"),
        })
    });
    said.ok_or_else(|| Failure::Input {
        path: format!("plimsoll check {} {}", what.join(" "), how.join(" ")),
        reason: "it did not explore everything".to_owned(),
    })
}

/// What `command` prints.
pub(super) fn output(path: &Path, command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output();
    let output = output.map_err(|error| Failure::Input {
        path: path.display().to_string(),
        reason: error.to_string(),
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
