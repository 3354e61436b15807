//! `plimsoll bench linearize`: how fast histories are judged, and in how much
//! memory. Every measurement is a process of its own, so that its peak memory
//! is its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::output::{document, say};
use super::progress::Line;
use super::{Done, Failure};
use crate::history::sample::Sample;
use crate::render::bench_linearize::report;
use crate::report::Answer;
use crate::report::bench_linearize::{Document, Measured, Row};

/// Flags of `plimsoll bench linearize`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Histories, or folders of them that one process judges; without any,
    /// samples made from a seed, of a thousand to a million operations.
    histories: Vec<PathBuf>,
    /// Only small samples: a second, to see that it works.
    #[arg(long, conflicts_with = "histories")]
    quick: bool,
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=99))]
    runs: u8,
    /// Passed on to `plimsoll linearize`: stop after this time.
    #[arg(long, value_name = "TIME", default_value = "60s")]
    time: String,
    /// Passed on to `plimsoll linearize`: how long to look for explanations.
    #[arg(long, value_name = "TIME", default_value = "2s")]
    explain: String,
    /// Keep the samples in this folder, and judge them again the next time.
    #[arg(long, value_name = "DIR", conflicts_with = "histories")]
    keep: Option<PathBuf>,
    /// Print one JSON document (docs/json-output.md).
    #[arg(long)]
    json: bool,
}

/// Name, operations, clients, keys, appends.
type Shape = (&'static str, u32, u32, u32, bool);

const QUICK: [Shape; 2] = [
    ("register-c10-1k", 1_000, 10, 1, false),
    ("kv-c10-1k", 1_000, 10, 10, true),
];

const SHAPES: [Shape; 7] = [
    ("register-c10-1k", 1_000, 10, 1, false),
    ("register-c50-1k", 1_000, 50, 1, false),
    ("register-c10-100k", 100_000, 10, 1, false),
    ("register-c100-100k", 100_000, 100, 1, false),
    ("kv-c50-10k", 10_000, 50, 10, true),
    ("kv-c100-100k", 100_000, 100, 1_000, true),
    ("registers-c10-1m", 1_000_000, 10, 10_000, false),
];

/// Runs the command.
pub(super) fn run(args: &Args) -> Done {
    let line = Line::new();
    let scratch = std::env::temp_dir().join(format!("plimsoll-bench-{}", std::process::id()));
    let folder = args.keep.as_ref().unwrap_or(&scratch);
    let rows = histories(args, folder, &line).and_then(|histories| {
        let rows = histories
            .iter()
            .map(|history| measure(args, history, &line));
        rows.collect::<Result<Vec<_>, _>>()
    });
    // What was made for measuring goes, whatever came of it.
    let _ = fs::remove_dir_all(&scratch);
    line.clear();
    let result = Document::new(args.runs, rows?);
    if args.json {
        document(&result)?;
    } else {
        say(&report(&result))?;
    }
    Ok(Answer::Holds)
}

/// What is measured: the files given, or samples, which are written first.
fn histories(args: &Args, folder: &Path, line: &Line) -> Result<Vec<PathBuf>, Failure> {
    if !args.histories.is_empty() {
        return Ok(args.histories.clone());
    }
    let unwritten = |path: &Path, error: &std::io::Error| Failure::Output {
        path: path.display().to_string(),
        reason: error.to_string(),
    };
    fs::create_dir_all(folder).map_err(|error| unwritten(folder, &error))?;
    let shapes = match args.quick {
        true => &QUICK[..],
        false => &SHAPES[..],
    };
    let mut paths = Vec::new();
    for &(name, operations, clients, keys, appends) in shapes {
        for stale in [false, true] {
            let kind = if stale { "bad" } else { "ok" };
            let path = folder.join(format!("{name}-{kind}.txt"));
            if !path.exists() {
                line.show(&format!("making {name}"));
                let sample = Sample {
                    seed: 1,
                    operations,
                    clients,
                    keys,
                    appends,
                    stale,
                };
                let file = File::create(&path).map_err(|error| unwritten(&path, &error))?;
                let written = sample.write(&mut BufWriter::new(file));
                written.map_err(|error| unwritten(&path, &error))?;
            }
            paths.push(path);
        }
    }
    Ok(paths)
}

fn measure(args: &Args, history: &Path, line: &Line) -> Result<Row, Failure> {
    let name = history.file_name().unwrap_or(history.as_os_str());
    let name = name.to_string_lossy();
    let mut runs = Vec::new();
    let mut row = None;
    for n in 0..args.runs {
        line.show(&format!("{name}: {} of {}", n + 1, args.runs));
        let said = linearize(history, args)?;
        let (this, measured) = row_of(&name, &said).ok_or_else(|| Failure::Input {
            path: history.display().to_string(),
            reason: "no history in it".to_owned(),
        })?;
        runs.push(measured);
        row = Some(this);
    }
    row.map(|row: Row| row.with_runs(runs))
        .ok_or_else(|| Failure::Usage("nothing is measured in no run".to_owned()))
}

/// The document of `plimsoll linearize` on one file or folder, judged in a
/// process of its own.
fn linearize(history: &Path, args: &Args) -> Result<Value, Failure> {
    let failed = |reason: String| Failure::Input {
        path: history.display().to_string(),
        reason,
    };
    let this = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let output = Command::new(this)
        .args(["linearize", "--json", "--threads", "1"])
        .args(["--time", &args.time, "--explain", &args.explain])
        .arg(history)
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        failed(said.trim().trim_start_matches("plimsoll: ").to_owned())
    })
}

fn row_of(name: &str, said: &Value) -> Option<(Row, Measured)> {
    let histories = said.get("histories")?.as_array()?;
    let sum = |pointer: &str| -> f64 {
        let all = histories
            .iter()
            .filter_map(|h| h.pointer(pointer)?.as_f64());
        all.sum()
    };
    let mut verdicts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut algorithms: Vec<&str> = Vec::new();
    for history in histories {
        *verdicts
            .entry(history.get("verdict")?.as_str()?)
            .or_default() += 1;
        let names = history.get("algorithm").and_then(Value::as_str);
        for name in names.into_iter().flat_map(|names| names.split(", ")) {
            if !algorithms.contains(&name) {
                algorithms.push(name);
            }
        }
    }
    let verdict = match histories.len() {
        0 => return None,
        1 => verdicts.keys().next()?.to_string(),
        _ => {
            let each = verdicts.iter().map(|(verdict, n)| format!("{n} {verdict}"));
            each.collect::<Vec<_>>().join(", ")
        }
    };
    let measured = Measured {
        seconds: said.get("seconds")?.as_f64()?,
        reading: sum("/reading/seconds"),
        judging: sum("/judging/seconds"),
        peak: said.get("peak_memory_bytes").and_then(Value::as_u64),
    };
    let row = Row {
        history: name.to_owned(),
        histories: histories.len() as u64,
        operations: sum("/operations") as u64,
        verdict,
        algorithm: algorithms.join(", "),
        median: measured,
        range: (0.0, 0.0),
        rate: 0.0,
    };
    Some((row, measured))
}
