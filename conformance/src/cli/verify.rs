//! `plimsoll verify`: the main job, on what is embedded. The default presets
//! are explored, every planted bug is proved to be caught, every trace of the
//! corpus is judged; one table, one verdict.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use plimsoll_model::engine::{Engine, Exhaustive, Limits};
use plimsoll_model::flaws::Flaw;
use plimsoll_model::prove::prove;
use plimsoll_model::{presets, properties};

use super::limits::Spend;
use super::output::{document, say};
use super::progress::Line;
use super::{Done, FailOn, Failure, scenario, walks};
use crate::corpus::{ENTRIES, Entry};
use crate::render::verify::report;
use crate::replay;
use crate::report::check::{SearchReport, Task};
use crate::report::flaws::FlawReport;
use crate::report::replay::TraceReport;
use crate::report::seconds::rounded;
use crate::report::verify::{CorpusReport, Document};

/// Flags of `plimsoll verify`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    spend: Spend,
    /// How many searches run at once. Each is of one thread, so the answers do
    /// not depend on it.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
    /// Print one JSON document (docs/json-output.md).
    #[arg(long)]
    json: bool,
    /// What makes the command fail.
    #[arg(long, value_enum, default_value = "inconclusive")]
    pub(super) fail_on: FailOn,
}

/// One thing to do.
enum Job {
    Search(Box<Task>),
    Prove(Flaw),
    Replay(&'static Entry),
}

/// What came of it.
enum Found {
    Search(Box<SearchReport>),
    Prove(Box<FlawReport>),
    Replay(CorpusReport),
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Done {
    let started = Instant::now();
    let asked: Vec<&'static str> = properties::ALL.iter().map(|row| row.name).collect();
    let defaults = presets::defaults().into_iter();
    let mut jobs: Vec<Job> = defaults
        .map(|preset| Job::Search(Box::new(scenario::task(preset))))
        .collect();
    jobs.extend(Flaw::ALL.iter().map(|about| Job::Prove(about.flaw)));
    jobs.extend(ENTRIES.iter().map(Job::Replay));
    let folder = Folder::new()?;
    let mut limits = args.spend.limits();
    // Each search has its share.
    limits.memory = limits.memory.map(|all| all / u64::from(args.jobs));
    let line = Line::new();
    let found = all(&jobs, usize::from(args.jobs), |job| {
        one(job, &limits, &asked, &folder.0, &line)
    });
    line.clear();
    let (mut searches, mut flaws, mut traces) = (Vec::new(), Vec::new(), Vec::new());
    for found in found {
        match found? {
            Found::Search(report) => searches.push(*report),
            Found::Prove(report) => flaws.push(*report),
            Found::Replay(report) => traces.push(report),
        }
    }
    let result = Document::new(searches, flaws, traces, &asked, rounded(started.elapsed()));
    if args.json {
        document(&result)?;
    } else {
        say(&report(&result))?;
    }
    Ok(result.verdict)
}

/// Does all jobs, `at_once` at a time; the answers are in the order of the jobs.
fn all<T: Send>(jobs: &[Job], at_once: usize, one: impl Fn(&Job) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<T>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(jobs.len()) {
            scope.spawn(|| {
                while let Some((job, slot)) = {
                    let at = next.fetch_add(1, Relaxed);
                    jobs.get(at).zip(done.get(at))
                } {
                    let found = one(job);
                    if let Ok(mut slot) = slot.lock() {
                        *slot = Some(found);
                    }
                }
            });
        }
    });
    let found = done
        .into_iter()
        .map(|slot| slot.into_inner().ok().flatten());
    // A thread that panicked was passed on by the scope.
    found.flatten().collect()
}

fn one(
    job: &Job,
    limits: &Limits,
    asked: &[&'static str],
    folder: &Path,
    line: &Line,
) -> Result<Found, Failure> {
    Ok(match job {
        Job::Search(task) => {
            let mut search = Exhaustive::on(1).search(&task.scenario, limits, &mut |now| {
                line.search(&task.name, now);
            })?;
            let report = walks::report(task, &mut search, None, asked, (limits, 1), line)?;
            Found::Search(Box::new(report))
        }
        Job::Prove(flaw) => {
            let report = if limits.interrupt.load(Relaxed) {
                FlawReport::listed(*flaw)
            } else {
                let name = flaw.about().name;
                let engine = Exhaustive::on(1);
                let proof = prove(*flaw, &engine, limits, &mut |_, now| line.search(name, now))?;
                FlawReport::proved(&proof)
            };
            Found::Prove(Box::new(report))
        }
        Job::Replay(entry) => {
            line.show(entry.name);
            Found::Replay(judge(entry, folder)?)
        }
    })
}

fn judge(entry: &'static Entry, folder: &Path) -> Result<CorpusReport, Failure> {
    let embedded = |reason: String| Failure::Input {
        path: entry.name.to_owned(),
        reason,
    };
    let started = Instant::now();
    let expected = entry
        .expectation()
        .map_err(|error| embedded(error.to_string()))?;
    let path = entry
        .write_into(folder)
        .map_err(|error| embedded(error.to_string()))?;
    let judged = replay::judge(&[path], &replay::Options::default());
    let [judged] = judged.as_slice() else {
        return Err(embedded("not one trace".to_owned()));
    };
    let seen = TraceReport::new(judged);
    let difference = match &judged.result {
        Ok(verdict) => expected.difference(verdict),
        Err(error) => Some(error.to_string()),
    };
    let said = seen.rule.as_ref().or(seen.why.as_ref());
    let evidence = match (seen.line, said) {
        (Some(line), Some(said)) => format!("line {line}, {said}"),
        (None, Some(said)) => said.clone(),
        _ => String::new(),
    };
    Ok(CorpusReport {
        name: entry.name,
        expected: expected.verdict,
        verdict: seen.verdict,
        as_expected: difference.is_none(),
        difference,
        events: seen.events,
        consumed: seen.consumed,
        evidence,
        seconds: rounded(started.elapsed()),
    })
}

/// A folder for the embedded traces, gone when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("plimsoll-verify-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| Failure::Output {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in a temporary folder does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
