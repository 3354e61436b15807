//! `plimsoll check`: explore the model.

use std::path::PathBuf;

use plimsoll_model::engine::End;
use plimsoll_model::properties::{self, Property};

use super::limits::{EngineName, Search};
use super::output::{document, save, say};
use super::progress::Line;
use super::scenario::What;
use super::{Done, FailOn, Failure, list, rerun};
use crate::render::{certificate, text};
use crate::report::Answer;
use crate::report::check::{Document, SearchReport, Task};
use crate::timeline::Timeline;

/// Renamings of more servers than this take longer than they save.
const RENAMED_SERVERS_MAX: u8 = 6;

/// Flags of `plimsoll check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    search: Search,
    /// Judge this property only (several times for several). A search ends when
    /// one of them breaks.
    #[arg(long, value_name = "NAME")]
    property: Vec<String>,
    /// Save the timeline of every counterexample in this folder.
    #[arg(long, value_name = "DIR", default_value = "plimsoll-out")]
    out: PathBuf,
    /// List presets, properties, actions, witnesses, flaws, engines and bounds.
    #[arg(long)]
    list: bool,
    /// Print one JSON document (docs/json-output.md).
    #[arg(long)]
    json: bool,
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
    let asked = asked(&args.property)?;
    let until = if args.property.is_empty() {
        Vec::new()
    } else {
        asked.clone()
    };
    let tasks = args.what.tasks()?;
    let (engine, limits) = (args.search.engine(), args.search.limits(until));
    if args.search.engine == EngineName::Dfs {
        let most = tasks.iter().map(|task| task.scenario.bounds.servers).max();
        if most.is_some_and(|most| most > RENAMED_SERVERS_MAX) {
            return Err(Failure::Usage(format!(
                "--engine dfs renames servers: at most {RENAMED_SERVERS_MAX} of them"
            )));
        }
    }
    let line = Line::new();
    let mut reports = Vec::new();
    let mut skipped = None;
    for (at, task) in tasks.iter().enumerate() {
        let search = engine.search(&task.scenario, &limits, &mut |now| {
            line.search(&task.name, now);
        });
        line.clear();
        let mut report = SearchReport::new(task, &search, Some(args.search.seed), &asked);
        let timelines = timelines(args, task, &search, &mut report);
        if !args.json {
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
    let all = args.property.is_empty() && args.what.is_chosen();
    let needed: &[&str] = if all { &[] } else { &asked };
    let result = Document::new(reports, &asked, needed, skipped);
    if args.json {
        document(&result)?;
    } else {
        say(&certificate::verdict(&result))?;
    }
    Ok(result.verdict)
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
        let Some(Ok(timeline)) = counterexample
            .map(|found| Timeline::of_counterexample(found, Some(&task.name), Some(rerun())))
        else {
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
