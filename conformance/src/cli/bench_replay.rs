//! `plimsoll bench replay`: how fast traces are judged, and in how much memory,
//! by their length. Every measurement is a process of its own, so that its peak
//! memory is its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_trace::Lines;
use serde_json::Value;

use super::bench::output;
use super::output::{document, say};
use super::progress::Line;
use super::{Done, Failure};
use crate::render::bench_replay::{plot, report};
use crate::report::Answer;
use crate::report::bench_replay::{Document, Measured, Row};

/// Flags of `plimsoll bench replay`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Traces in true order that conform (also .gz and .zst): their first 1,000,
    /// 10,000 ... lines are judged, and all of them.
    #[arg(required = true)]
    traces: Vec<PathBuf>,
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=99))]
    runs: u8,
    /// On how many threads each trace is judged; 0: as many as there are
    /// processors.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Also each length as a file for each node, without an order between them.
    #[arg(long)]
    split: bool,
    /// Draw events a second by length into this file.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    /// Print one JSON document (docs/json-output.md).
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Done {
    let line = Line::new();
    let folder = std::env::temp_dir().join(format!("plimsoll-bench-{}", std::process::id()));
    let measured = fs::create_dir_all(&folder)
        .map_err(|error| unwritten(&folder, &error))
        .and_then(|()| measure(args, &folder, &line));
    // What was made for measuring goes, whatever came of it.
    let _ = fs::remove_dir_all(&folder);
    line.clear();
    let result = Document::new(args.runs, threads(args), measured?);
    if let Some(path) = &args.plot {
        fs::write(path, plot(&result)).map_err(|error| unwritten(path, &error))?;
    }
    if args.json {
        document(&result)?;
    } else {
        say(&report(&result))?;
    }
    Ok(Answer::Holds)
}

/// How many threads judge a trace.
fn threads(args: &Args) -> usize {
    match args.threads {
        0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
        threads => threads,
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Output {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

fn measure(args: &Args, folder: &Path, line: &Line) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for trace in &args.traces {
        let name = trace.file_name().map_or_else(String::new, |name| {
            name.to_string_lossy()
                .split('.')
                .next()
                .unwrap_or_default()
                .to_owned()
        });
        let mut lengths = vec![];
        let mut length = 1000;
        let all = count(trace)?;
        while length < all {
            lengths.push(length);
            length *= 10;
        }
        lengths.push(all);
        for length in lengths {
            let cut = Cut::new(trace, length, folder, args.split)?;
            let mut forms = vec![("one file", vec![cut.whole.clone()])];
            if length == all && trace.extension().is_some_and(|e| e == "gz" || e == "zst") {
                forms.push(("compressed", vec![trace.clone()]));
            }
            if args.split {
                forms.push(("a file a node", cut.nodes.clone()));
            }
            for (form, files) in forms {
                let mut runs = Vec::new();
                for n in 0..args.runs {
                    line.show(&format!(
                        "{name}, {length} lines, {form}: {} of {}",
                        n + 1,
                        args.runs
                    ));
                    runs.push(judge(&files, trace, threads(args))?);
                }
                rows.push(Row::median(&name, form, runs));
            }
            cut.remove();
        }
    }
    Ok(rows)
}

/// How many lines a trace has.
fn count(trace: &Path) -> Result<u64, Failure> {
    let unread = |error: plimsoll_trace::TraceError| Failure::Trace(error.to_string());
    let mut lines = Lines::open(trace).map_err(unread)?;
    while lines.next_line().map_err(unread)?.is_some() {}
    Ok(lines.number())
}

/// The first lines of a trace, as files.
struct Cut {
    whole: PathBuf,
    nodes: Vec<PathBuf>,
}

impl Cut {
    fn new(trace: &Path, length: u64, folder: &Path, split: bool) -> Result<Self, Failure> {
        let unread = |error: plimsoll_trace::TraceError| Failure::Trace(error.to_string());
        let whole = folder.join("whole.ndjson");
        let create = |path: &Path| {
            let file = File::create(path).map_err(|error| unwritten(path, &error))?;
            Ok::<_, Failure>(BufWriter::new(file))
        };
        let mut out = create(&whole)?;
        let mut nodes: BTreeMap<String, (PathBuf, BufWriter<File>)> = BTreeMap::new();
        let mut header = Vec::new();
        let mut lines = Lines::open(trace).map_err(unread)?;
        while let Some(line) = lines.next_line().map_err(unread)? {
            if line.number > length {
                break;
            }
            let bytes = [line.bytes, b"\n"].concat();
            out.write_all(&bytes)
                .map_err(|error| unwritten(&whole, &error))?;
            if !split {
                continue;
            }
            match node(&bytes) {
                // The header of Plimsoll's format stands in every file.
                None => header = bytes,
                Some(node) => {
                    if !nodes.contains_key(&node) {
                        let path = folder.join(format!("node-{}.ndjson", nodes.len()));
                        let mut file = create(&path)?;
                        let begun = file.write_all(&header);
                        begun.map_err(|error| unwritten(&path, &error))?;
                        nodes.insert(node.clone(), (path, file));
                    }
                    if let Some((path, file)) = nodes.get_mut(&node) {
                        let written = file.write_all(&bytes);
                        written.map_err(|error| unwritten(path, &error))?;
                    }
                }
            }
        }
        out.flush().map_err(|error| unwritten(&whole, &error))?;
        let mut paths = Vec::new();
        for (path, mut file) in nodes.into_values() {
            file.flush().map_err(|error| unwritten(&path, &error))?;
            paths.push(path);
        }
        Ok(Cut {
            whole,
            nodes: paths,
        })
    }

    fn remove(&self) {
        for path in self.nodes.iter().chain([&self.whole]) {
            // The folder goes at the end; this only keeps the disk free.
            let _ = fs::remove_file(path);
        }
    }
}

/// The node of a line; `None` for a header.
fn node(line: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let node = value.get("event").and_then(|event| event.get("nid"));
    Some(node.or_else(|| value.get("node"))?.as_str()?.to_owned())
}

/// Judges the run in `files`, cut from `trace`, in a process of its own.
fn judge(files: &[PathBuf], trace: &Path, threads: usize) -> Result<Measured, Failure> {
    let this = std::env::current_exe().map_err(|error| Failure::Input {
        path: "the command itself".to_owned(),
        reason: error.to_string(),
    })?;
    let mut command = Command::new(&this);
    command.args(["replay", "--json", "--threads", &threads.to_string()]);
    if files.len() > 1 {
        command.arg("--together");
    }
    let text = output(&this, command.args(files))?;
    let said: Value = serde_json::from_str(&text).unwrap_or_default();
    let judged = said.pointer("/traces/0");
    let measured = judged.and_then(|judged| {
        if judged.get("verdict")?.as_str() != Some("conforms") {
            return None;
        }
        Some(Measured {
            events: judged.get("events")?.as_u64()?,
            seconds: said.get("seconds")?.as_f64()?,
            peak: said.get("peak_memory_bytes")?.as_u64(),
        })
    });
    let verdict = judged.and_then(|judged| judged.get("verdict")?.as_str());
    measured.ok_or_else(|| Failure::Input {
        path: trace.display().to_string(),
        reason: format!(
            "its verdict is `{}` and not `conforms`, so how long that took says nothing",
            verdict.unwrap_or("unreadable")
        ),
    })
}
