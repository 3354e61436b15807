//! `plimsoll check --model yardstick`: another model for the same engine.

use plimsoll_model::engine::Limits;
use plimsoll_model::engine::explore::{Options, explore, packed_run};
use plimsoll_model::engine::measure::stateright_bfs;
use plimsoll_model::yardstick::{Bounds, Path, Yardstick};
use serde::{Deserialize, Serialize};

use super::check::Args;
use super::limits::EngineName;
use super::output::{document, say};
use super::progress::Line;
use super::resume::{self, Note};
use super::{Done, Failure};
use crate::render::certificate;
use crate::report::check::Document;
use crate::report::yardstick::{NAME, read};

/// The bounds, as a checkpoint keeps them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Noted {
    servers: u32,
    values: u32,
    max_term: u32,
    max_log: u32,
    max_messages: u32,
    max_copies: u32,
    wide: bool,
    keep_going: bool,
}

/// Runs the command; `noted` is of the checkpoint that is resumed.
pub(super) fn run(args: &Args, noted: Option<Noted>) -> Done {
    let engine = match args.search.name() {
        EngineName::Exhaustive => "exhaustive",
        EngineName::Bitstate => "bitstate",
        EngineName::StaterightBfs => "stateright-bfs",
        _ => {
            return Err(Failure::Usage(
                "the yardstick is explored by the engines exhaustive, bitstate and stateright-bfs"
                    .to_owned(),
            ));
        }
    };
    if args.search.symmetry || !args.property.is_empty() || args.what.is_of_rule_book() {
        return Err(Failure::Usage(
            "of the flags on what to explore, the yardstick takes --servers, --values, \
             --max-term, --max-log, --max-messages and --max-copies"
                .to_owned(),
        ));
    }
    let bounds = bounds(args, noted)?;
    let yardstick = Yardstick::new(bounds).map_err(|error| Failure::Usage(format!("--{error}")))?;
    let limits = args.search.limits(Vec::new());
    let options = options(args, &limits, bounds, noted);
    let line = Line::new();
    let report = match engine {
        "stateright-bfs" => {
            let space = Yardstick::new(bounds);
            let space = space.map_err(|error| Failure::Usage(format!("--{error}")))?;
            Ok(stateright_bfs(space, args.search.reference_threads()))
        }
        _ => explore(&yardstick, &options, &mut |now| line.search(NAME, now)),
    };
    line.clear();
    let report = report?;
    let mut runs: Vec<Path<'_>> = Vec::new();
    for trail in &report.trails {
        let states = packed_run(&yardstick, trail, report.bits)?;
        let states: Vec<Vec<u8>> = states.into_iter().map(|(_, packed)| packed).collect();
        runs.extend(yardstick.path(&states));
    }
    let read = read(&yardstick, engine, &report, &runs);
    if !args.json {
        say(&format!("{}\n", certificate::search(&read)))?;
        for run in &runs {
            say(&format!("{run}\n"))?;
        }
    }
    let result = Document::of_one(read);
    if args.json {
        document(&result)?;
    } else {
        say(&certificate::verdict(&result))?;
    }
    Ok(result.verdict)
}

fn bounds(args: &Args, noted: Option<Noted>) -> Result<Bounds, Failure> {
    let (what, own) = (&args.what, &args.yardstick);
    let take = |flag: Option<u32>, noted: Option<u32>, name: &str| {
        flag.or(noted).ok_or_else(|| {
            Failure::Usage(format!(
                "--model yardstick needs --{name}: it has no defaults"
            ))
        })
    };
    Ok(Bounds {
        servers: take(what.servers, noted.map(|n| n.servers), "servers")?,
        values: take(own.values, noted.map(|n| n.values), "values")?,
        max_term: take(what.max_term, noted.map(|n| n.max_term), "max-term")?,
        max_log: take(what.max_log, noted.map(|n| n.max_log), "max-log")?,
        max_messages: take(
            what.max_messages,
            noted.map(|n| n.max_messages),
            "max-messages",
        )?,
        max_copies: take(own.max_copies, noted.map(|n| n.max_copies), "max-copies")?,
    })
}

fn options(args: &Args, limits: &Limits, bounds: Bounds, noted: Option<Noted>) -> Options {
    let search = &args.search;
    let mut engine = search.exhaustive();
    if let (Some(noted), None) = (noted, search.fingerprint) {
        engine.bits = resume::bits(noted.wide);
    }
    let keep_going = limits.keep_going || noted.is_some_and(|noted| noted.keep_going);
    let note = Note::Yardstick(Noted {
        servers: bounds.servers,
        values: bounds.values,
        max_term: bounds.max_term,
        max_log: bounds.max_log,
        max_messages: bounds.max_messages,
        max_copies: bounds.max_copies,
        wide: resume::is_wide(engine.bits),
        keep_going,
    });
    engine.about = note.text();
    engine.resume = search.resume.is_some();
    engine.checkpoints = engine.resume || search.disk.is_some();
    let dir = search.resume.clone().or_else(|| search.disk.clone());
    engine.disk = Some(dir.unwrap_or_else(|| resume::unused(&args.out, NAME)));
    let limits = Limits {
        keep_going,
        ..limits.clone()
    };
    engine.options(&limits)
}
