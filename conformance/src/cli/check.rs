//! `plimsoll check`: explore the model.

use std::path::PathBuf;

use clap::ValueEnum;
use plimsoll_model::engine::{self, Bfs, Dfs, End, Engine, Simulation, checkpoint};
use plimsoll_model::properties::{self, Property};

use super::limits::{EngineName, Search};
use super::output::{document, save, say};
use super::progress::Line;
use super::resume::{How, Note, Raft};
use super::scenario::What;
use super::{Done, FailOn, Failure, list, liveness, rerun, resume, walks, yardstick};
use crate::render::{certificate, presets, text};
use crate::report::Answer;
use crate::report::check::{Document, SearchReport, Task};
use crate::timeline::Timeline;

/// Renamings of more servers than this take longer than they save.
const RENAMED_SERVERS_MAX: u8 = 6;

/// A model by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Model {
    /// The rule book.
    Raft,
    /// The yardstick.
    Yardstick,
}

/// Bounds that only the yardstick has.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Yardstick {
    /// Yardstick: values that a client may ask for.
    #[arg(long, value_name = "N")]
    pub(super) values: Option<u32>,
    /// Yardstick: the most copies of one message.
    #[arg(long, value_name = "N")]
    pub(super) max_copies: Option<u32>,
}

/// Flags of `plimsoll check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What is explored: the rule book, or the yardstick, which is Ongaro's
    /// TLA+ specification (docs/yardstick.md).
    #[arg(long, value_enum, default_value = "raft")]
    model: Model,
    #[command(flatten)]
    pub(super) what: What,
    #[command(flatten)]
    pub(super) yardstick: Yardstick,
    #[command(flatten)]
    pub(super) liveness: liveness::Args,
    #[command(flatten)]
    pub(super) search: Search,
    /// Judge this property only (several times for several). A search ends when
    /// one of them breaks.
    #[arg(long, value_name = "NAME")]
    pub(super) property: Vec<String>,
    /// Save the timeline of every counterexample in this folder.
    #[arg(long, value_name = "DIR", default_value = "plimsoll-out")]
    pub(super) out: PathBuf,
    /// List presets, properties, actions, witnesses, flaws, engines and bounds.
    #[arg(long)]
    list: bool,
    /// Print one JSON document (docs/json-output.md).
    #[arg(long)]
    pub(super) json: bool,
    /// Print a table in Markdown, a row for each search (docs/presets.md).
    #[arg(long, conflicts_with_all = ["json", "list", "model", "liveness"])]
    table: bool,
    /// What makes the command fail.
    #[arg(long, value_enum, default_value = "inconclusive")]
    pub(super) fail_on: FailOn,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Done {
    if args.list {
        list::print(args.json)?;
        return Ok(Answer::Holds);
    }
    args.search
        .unheeded(args.model == Model::Yardstick)
        .map_err(Failure::Usage)?;
    if let Some(kind) = args.liveness.liveness {
        return match args.model {
            Model::Raft => liveness::run(args, kind),
            Model::Yardstick => Err(Failure::Usage(
                "--liveness is of the rule book, not of the yardstick".to_owned(),
            )),
        };
    }
    let note = match &args.search.resume {
        Some(dir) => Some(resume::read(dir)?),
        None => None,
    };
    let note = match (note, args.model) {
        (Some(Note::Yardstick(noted)), _) => return yardstick::run(args, Some(noted)),
        (None, Model::Yardstick) => return yardstick::run(args, None),
        (Some(Note::Raft(_)), Model::Yardstick) => {
            return Err(Failure::Usage(
                "the checkpoint is of the model raft".to_owned(),
            ));
        }
        (Some(Note::Raft(note)), Model::Raft) => Some(*note),
        (None, Model::Raft) => None,
    };
    if args.yardstick.values.is_some() || args.yardstick.max_copies.is_some() {
        return Err(Failure::Usage(
            "--values and --max-copies are bounds of --model yardstick".to_owned(),
        ));
    }
    let mut names = args.property.clone();
    if let Some(note) = note.as_ref().filter(|_| names.is_empty()) {
        names.clone_from(&note.how.properties);
    }
    let asked = asked(&names)?;
    let (tasks, chosen) = match note.as_ref().filter(|_| args.what.is_empty()) {
        Some(note) => (vec![note.task()?], note.how.chosen),
        // Flags that change something change what the checkpoint is of; the
        // engine refuses it if that makes a difference.
        None if args.what.only_changes() => match &note {
            Some(note) => (vec![args.what.change(note.task()?)?], false),
            None => (args.what.tasks()?, false),
        },
        None => (args.what.tasks()?, args.what.is_chosen()),
    };
    let all_properties = names.is_empty();
    let until = if all_properties {
        Vec::new()
    } else {
        asked.clone()
    };
    let mut limits = args.search.limits(until);
    limits.keep_going |= note.as_ref().is_some_and(|note| note.how.keep_going);
    let how = How {
        properties: names,
        keep_going: limits.keep_going,
        // One of all the default presets stands for itself when it is resumed.
        chosen: chosen || (note.is_none() && args.what.is_empty()),
        rerun: note
            .as_ref()
            .map_or_else(rerun, |note| note.how.rerun.clone()),
    };
    symmetry_is_small(args, &tasks)?;
    if let (Some(dir), false) = (&args.search.resume, tasks.len() == 1) {
        return Err(Failure::Usage(format!(
            "--resume {} goes on with one search: name its preset, or none",
            dir.display()
        )));
    }
    folders_are_free(args, &tasks)?;
    let line = Line::new();
    let mut reports = Vec::new();
    let mut skipped = None;
    for (at, task) in tasks.iter().enumerate() {
        let engine = engine(args, task, note.as_ref(), &how, tasks.len() > 1);
        let search = engine.search(&task.scenario, &limits, &mut |now| {
            line.search(&task.name, now);
        });
        line.clear();
        let mut search = search?;
        let seed = Some(args.search.seed());
        let threads = (&limits, args.search.threads());
        let mut report = walks::report(task, &mut search, seed, &asked, threads, &line)?;
        line.clear();
        let timelines = timelines(args, task, &search, &how.rerun, &mut report);
        if !args.json && !args.table {
            say(&format!("{}\n", certificate::search(&report)))?;
            for (timeline, saved) in &timelines {
                say(&format!(
                    "{}{}\n",
                    text::render(timeline, text::WIDTH),
                    again(saved)
                ))?;
            }
        }
        reports.push(report);
        if search.end == End::Interrupted {
            let left = tasks.len() - at - 1;
            skipped = (left > 0).then(|| format!("interrupted: {left} presets were not explored"));
            break;
        }
    }
    // What was named is owed an answer; else what can happen in what is explored.
    let can_happen = |row: &&Property| {
        let mut scenarios = tasks.iter().map(|task| &task.scenario);
        scenarios.any(row.presumes)
    };
    let needed: Vec<&str> = match (all_properties, chosen) {
        (false, _) => asked.clone(),
        (true, true) => Vec::new(),
        (true, false) => {
            let rows = properties::ALL.iter().filter(can_happen);
            rows.map(|row| row.name).collect()
        }
    };
    let result = Document::new(reports, &asked, &needed, skipped);
    if args.json {
        document(&result)?;
    } else if args.table {
        say(&presets::table(&result.searches))?;
    } else {
        say(&certificate::verdict(&result))?;
    }
    Ok(result.verdict)
}

/// The engine for `task`, told where its files go.
fn engine(
    args: &Args,
    task: &Task,
    note: Option<&Raft>,
    how: &How,
    several: bool,
) -> Box<dyn Engine> {
    let search = &args.search;
    match search.name() {
        EngineName::StaterightBfs => Box::new(Bfs),
        EngineName::StaterightDfs => Box::new(Dfs),
        EngineName::StaterightSimulation => Box::new(Simulation {
            seed: search.seed(),
        }),
        EngineName::Simulate => Box::new(engine::Simulate {
            seed: search.seed(),
            walks: search.walks,
            threads: search.threads(),
        }),
        EngineName::Exhaustive | EngineName::Bitstate => {
            let mut engine = search.exhaustive();
            if let Some(note) = note {
                engine.symmetry |= note.symmetry;
                if search.fingerprint.is_none() {
                    engine.bits = note.bits();
                }
            }
            engine.resume = search.resume.is_some();
            engine.checkpoints = search.disk.is_some() || engine.resume;
            let unused = || resume::unused(&args.out, &task.name);
            let dir = search.resume.clone();
            engine.disk = dir
                .or_else(|| folder(args, task, several))
                .or_else(|| Some(unused()));
            let note = Raft::of(task, &engine, how);
            engine.about = Note::Raft(Box::new(note)).text();
            Box::new(engine)
        }
    }
}

/// Where the search of `task` keeps its checkpoint, if it was told to.
fn folder(args: &Args, task: &Task, several: bool) -> Option<PathBuf> {
    let dir = args.search.disk.as_ref()?;
    Some(match several {
        true => dir.join(&task.name),
        false => dir.clone(),
    })
}

/// # Errors
/// When a later search could not begin for a checkpoint that is there already:
/// better before the first than after it.
fn folders_are_free(args: &Args, tasks: &[Task]) -> Result<(), Failure> {
    let several = tasks.len() > 1;
    for task in tasks.iter().filter(|_| several) {
        if let Some(dir) = folder(args, task, several) {
            checkpoint::refuse_to_overwrite(&dir)?;
        }
    }
    Ok(())
}

/// # Errors
/// When servers are renamed and there are too many of them.
fn symmetry_is_small(args: &Args, tasks: &[Task]) -> Result<(), Failure> {
    let renames = args.search.symmetry || args.search.name() == EngineName::StaterightDfs;
    let most = tasks.iter().map(|task| task.scenario.bounds.servers).max();
    if renames && most.is_some_and(|most| most > RENAMED_SERVERS_MAX) {
        return Err(Failure::Usage(format!(
            "symmetry renames servers: at most {RENAMED_SERVERS_MAX} of them"
        )));
    }
    Ok(())
}

/// The properties called `names`, in the order of the table; all without names.
fn asked(names: &[String]) -> Result<Vec<&'static str>, Failure> {
    for name in names {
        if Property::position(name).is_none() {
            let all: Vec<&str> = properties::ALL.iter().map(|row| row.name).collect();
            return Err(Failure::Usage(format!(
                "no property {name:?}; there are {}",
                all.join(", ")
            )));
        }
    }
    let rows = properties::ALL.iter().map(|row| row.name);
    Ok(rows
        .filter(|row| names.is_empty() || names.iter().any(|name| name == row))
        .collect())
}

/// The counterexamples of a search as timelines, saved, shortest first.
fn timelines(
    args: &Args,
    task: &Task,
    search: &plimsoll_model::engine::Search,
    rerun: &str,
    report: &mut SearchReport,
) -> Vec<(Timeline, Result<String, Failure>)> {
    let mut made = Vec::new();
    for property in &mut report.properties {
        let Some(found) = &mut property.counterexample else {
            continue;
        };
        let counterexample = search
            .properties
            .iter()
            .find(|result| result.name == property.name)
            .and_then(|result| result.counterexample.as_ref());
        // A confirmed counterexample is a run.
        let Some(Ok(timeline)) = counterexample.map(|found| {
            Timeline::of_counterexample(found, Some(&task.name), Some(rerun.to_owned()))
        }) else {
            continue;
        };
        let name = match report.flaw {
            Some(flaw) if !task.name.ends_with(flaw) => {
                format!("{}.{flaw}.{}", task.name, property.name)
            }
            _ => format!("{}.{}", task.name, property.name),
        };
        let saved = save(&timeline, &args.out, &name);
        match &saved {
            Ok(path) => found.timeline = Some(path.clone()),
            // The answer does not depend on it.
            Err(failure) => eprintln!("plimsoll: {failure}"),
        }
        made.push((found.depth, (timeline, saved)));
    }
    made.sort_by_key(|(depth, _)| *depth);
    made.into_iter().map(|(_, made)| made).collect()
}

/// Where a timeline is, and how to see it again.
fn again(saved: &Result<String, Failure>) -> String {
    match saved {
        Ok(path) => format!("  saved:        {path}\n  show it:      plimsoll explain {path}\n"),
        Err(_) => String::new(),
    }
}
