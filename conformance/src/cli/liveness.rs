//! `plimsoll check --liveness`: what stays possible, and what fair runs put off.

use clap::ValueEnum;
use plimsoll_model::counterexample::Counterexample;
use plimsoll_model::liveness::lassos::lassos;
use plimsoll_model::liveness::recover::{SPARE_TERMS, recoverability};
use plimsoll_model::liveness::{Goal, Kind, goals};
use plimsoll_model::presets;

use super::check;
use super::limits::EngineName;
use super::output::{document, save, say};
use super::progress::Line;
use super::scenario::task;
use super::{Done, Failure, rerun};
use crate::render;
use crate::report::check::Task;
use crate::report::liveness::{Document, GoalReport};
use crate::timeline::Timeline;

/// A check of liveness by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum KindName {
    /// From wherever faults have led, some continuation reaches each goal.
    Recoverability,
    /// Without faults every fair run reaches each goal.
    Lassos,
}

/// Flags of the checks of liveness.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Check liveness in place of safety (docs/liveness.md). Without a preset:
    /// in the presets of liveness.
    #[arg(long, value_enum, value_name = "CHECK")]
    pub(super) liveness: Option<KindName>,
    /// Liveness: check this goal only (several times for several).
    #[arg(long, value_name = "NAME", requires = "liveness")]
    goal: Vec<String>,
    /// Recoverability: how many terms above the latest one elections may take.
    #[arg(long, value_name = "N", requires = "liveness")]
    spare_terms: Option<u32>,
}

/// Runs the check.
pub(super) fn run(args: &check::Args, kind: KindName) -> Done {
    let kind = match kind {
        KindName::Recoverability => Kind::Recoverability,
        KindName::Lassos => Kind::Lassos,
    };
    unheeded(args, kind)?;
    let goals = asked(&args.liveness.goal, kind)?;
    let limits = args.search.limits(Vec::new());
    let unnamed = args.what.is_empty() || args.what.only_changes();
    let tasks = match unnamed {
        true => presets::liveness()
            .into_iter()
            .filter(|preset| kind == Kind::Recoverability || preset.name.ends_with("liveness"))
            .map(|preset| args.what.change(task(preset)))
            .collect::<Result<_, _>>()?,
        false => args.what.tasks()?,
    };
    let line = Line::new();
    let mut reports = Vec::new();
    for task in &tasks {
        let mut progress = |now| line.search(&task.name, now);
        let mut found: Vec<(GoalReport, Option<Counterexample>)> = Vec::new();
        let settings = &task.scenario.settings;
        let named = !args.liveness.goal.is_empty();
        let means_nothing = goals.iter().find(|goal| named && !(goal.means)(settings));
        if let Some(goal) = means_nothing {
            return Err(Failure::Usage(format!(
                "--goal {} presumes {}: {} has not all of that",
                goal.name, goal.presumes, task.name
            )));
        }
        let asked = goals.iter().copied();
        let goals: Vec<_> = asked.filter(|goal| (goal.means)(settings)).collect();
        match kind {
            Kind::Recoverability => {
                let spare = args.liveness.spare_terms.unwrap_or(SPARE_TERMS);
                let answers = recoverability(&task.scenario, &goals, spare, &limits, &mut progress);
                for answer in &answers {
                    let way = answer.violation.as_ref().map(|violation| Counterexample {
                        property: answer.goal.name,
                        scenario: violation.scenario.clone(),
                        actions: violation.actions.clone(),
                    });
                    found.push((GoalReport::recovered(task, answer), way));
                }
            }
            Kind::Lassos => {
                let answers = lassos(&task.scenario, &goals, &limits, &mut progress);
                let answers =
                    answers.map_err(|unfit| Failure::Usage(format!("{}: {unfit}", task.name)))?;
                for answer in &answers {
                    let way = answer.lasso.as_ref().map(|lasso| Counterexample {
                        property: answer.goal.name,
                        scenario: lasso.scenario.clone(),
                        actions: lasso.stem.iter().chain(&lasso.cycle).cloned().collect(),
                    });
                    found.push((GoalReport::looked(task, answer), way));
                }
            }
        }
        line.clear();
        for (mut report, way) in found {
            if let (Some(way), Some(violation)) = (way, &mut report.violation) {
                violation.timeline = saved(args, task, kind, &way);
            }
            if !args.json {
                say(&format!("{}\n", render::liveness::goal(&report)))?;
            }
            reports.push(report);
        }
        if limits.interrupt.load(std::sync::atomic::Ordering::Relaxed) {
            break;
        }
    }
    let result = Document::new(kind, reports);
    if args.json {
        document(&result)?;
    } else {
        say(&render::liveness::verdict(&result))?;
    }
    Ok(result.verdict)
}

fn saved(args: &check::Args, task: &Task, kind: Kind, way: &Counterexample) -> Option<String> {
    let timeline = Timeline::of_counterexample(way, Some(&task.name), Some(rerun())).ok()?;
    let name = format!("{}.{}.{}", task.name, kind.name(), way.property);
    match save(&timeline, &args.out, &name) {
        Ok(path) => Some(path),
        Err(failure) => {
            // The answer does not depend on it.
            eprintln!("plimsoll: {failure}");
            None
        }
    }
}

/// # Errors
/// When a flag is given that means nothing to this check.
fn unheeded(args: &check::Args, kind: Kind) -> Result<(), Failure> {
    let search = &args.search;
    let flags = [
        ("--engine", search.name() != EngineName::Exhaustive),
        ("--symmetry", search.symmetry),
        ("--fingerprint", search.fingerprint.is_some()),
        ("--disk", search.disk.is_some()),
        ("--disk-max", search.disk_max.is_some()),
        ("--resume", search.resume.is_some()),
        ("--max-depth", search.max_depth.is_some()),
        ("--property", !args.property.is_empty()),
        ("--values", args.yardstick.values.is_some()),
        ("--max-copies", args.yardstick.max_copies.is_some()),
        (
            "--spare-terms",
            args.liveness.spare_terms.is_some() && kind == Kind::Lassos,
        ),
        ("--keep-going", search.keep_going && kind == Kind::Lassos),
    ];
    match flags.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => Err(Failure::Usage(format!(
            "{flag} means nothing to --liveness {}",
            kind.name()
        ))),
    }
}

/// The goals called `names`; all that the check knows without names.
fn asked(names: &[String], kind: Kind) -> Result<Vec<&'static Goal>, Failure> {
    let known = |goal: &&'static Goal| kind == Kind::Recoverability || goal.in_lassos;
    let all: Vec<&'static Goal> = goals::ALL.iter().filter(known).collect();
    let unknown = names
        .iter()
        .find(|name| !all.iter().any(|goal| goal.name == **name));
    if let Some(name) = unknown {
        let all: Vec<&str> = all.iter().map(|goal| goal.name).collect();
        return Err(Failure::Usage(format!(
            "no goal {name:?} of {}; there are {}",
            kind.name(),
            all.join(", ")
        )));
    }
    let wanted = |goal: &&Goal| names.is_empty() || names.iter().any(|name| name == goal.name);
    Ok(all.into_iter().filter(wanted).collect())
}
