//! `plimsoll replay`: judge recorded traces.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::ValueEnum;
use plimsoll_model::settings::Storage;

use super::limits::interrupt;
use super::output::{document, save, say};
use super::{Done, FailOn, Failure, follow};
use crate::adapters::etcd_raft::{self, Given};
use crate::adapters::plimsoll;
use crate::coverage::Coverage;
use crate::reduce;
use crate::render::{self, printable::printable};
use crate::replay::{self, Judged, inputs, nearest};
use crate::report::replay::{Document, ReducedReport, TraceReport};
use crate::report::{Answer, coverage as coverage_report};
use crate::timeline::Timeline;
use crate::verdict::Verdict;

/// Flags of `plimsoll replay`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Traces: files (also .gz and .zst), or folders of them.
    #[arg(required_unless_present = "correspondence")]
    pub(super) paths: Vec<PathBuf>,
    /// Print what each event of a format stands for: the action of the model,
    /// its rule, the section, the function of the library.
    #[arg(long, value_name = "FORMAT", value_enum, exclusive = true)]
    correspondence: Option<Known>,
    /// The files are the nodes of one run, in no known order between them.
    #[arg(long)]
    together: bool,
    /// The format of the traces.
    #[arg(long, value_enum, default_value = "auto")]
    format: Format,
    /// The storage contract of an etcd-raft trace; otherwise `sync`, unless the
    /// trace shows `async`.
    #[arg(long, value_enum)]
    storage: Option<Contract>,
    /// A switch of the library that an etcd-raft trace was recorded with, or
    /// what its application does (forget-leader, apply-late); otherwise the trace
    /// shows it, or it is presumed (several times for several).
    #[arg(long, value_name = "NAME=on|off", value_parser = switch)]
    switch: Vec<(String, bool)>,
    /// Judge a run while its files grow (`-`: the standard input), all of them
    /// together, until it diverges or a signal comes.
    #[arg(long, conflicts_with_all = ["coverage", "emit_run", "reduce"])]
    follow: bool,
    /// For how many later messages of its link a message may still arrive, and
    /// how much is kept of everything else that grows with a run [default:
    /// 10000 with --follow, otherwise everything; at least 16].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(16..))]
    window: Option<u32>,
    /// How many threads judge, a trace each; with fewer traces the others read
    /// ahead. 0: as many as there are processors.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Print what the traces have exercised of the rules, and what would
    /// exercise the rest, instead of each verdict.
    #[arg(long, conflicts_with = "emit_run")]
    coverage: bool,
    /// Write the coverage as a page that needs nothing else.
    #[arg(long, value_name = "FILE", requires = "coverage", conflicts_with_all = ["follow", "reduce", "emit_run"])]
    html: Option<PathBuf>,
    /// Save the timeline of every divergence in this folder.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Write the run of the model that explains the trace, an action a line.
    #[arg(long, value_name = "FILE")]
    emit_run: Option<PathBuf>,
    /// Write what is left of a trace that diverges when every line is left out
    /// that it can diverge without; a folder, with --together.
    #[arg(long, value_name = "FILE", conflicts_with = "coverage")]
    reduce: Option<PathBuf>,
    /// Print one JSON document (docs/json-output.md).
    #[arg(long)]
    pub(super) json: bool,
    /// What makes the command fail.
    #[arg(long, value_enum, default_value = "inconclusive")]
    pub(super) fail_on: FailOn,
}

/// A format by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Known {
    /// Plimsoll's own.
    Plimsoll,
    /// etcd-io/raft's.
    EtcdRaft,
}

/// A storage contract that etcd-io/raft knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Contract {
    /// Nothing leaves before it is durable.
    Sync,
    /// Writes are queued (AsyncStorageWrites).
    Async,
}

/// `pre-vote=on`, as a switch and whether it is on.
fn switch(text: &str) -> Result<(String, bool), String> {
    let known = Given::SWITCHES;
    let wrong = || {
        format!(
            "not NAME=on or NAME=off; the names are {}",
            known.join(", ")
        )
    };
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    let on = match value {
        "on" => true,
        "off" => false,
        _ => return Err(wrong()),
    };
    match known.contains(&name) {
        true => Ok((name.to_owned(), on)),
        false => Err(wrong()),
    }
}

/// A format of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Told by the content.
    Auto,
    /// Plimsoll's own (docs/trace-format.md).
    Plimsoll,
    /// etcd-io/raft's.
    EtcdRaft,
}

impl Format {
    /// The format, unless the content tells.
    pub(super) fn named(self) -> Option<replay::Format> {
        match self {
            Format::Auto => None,
            Format::Plimsoll => Some(replay::Format::Plimsoll),
            Format::EtcdRaft => Some(replay::Format::EtcdRaft),
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Done {
    if let Some(format) = args.correspondence {
        say(&match format {
            Known::Plimsoll => plimsoll::correspondence(),
            Known::EtcdRaft => etcd_raft::correspondence(),
        })?;
        return Ok(Answer::Holds);
    }
    for (i, (name, on)) in args.switch.iter().enumerate() {
        if args.switch[..i]
            .iter()
            .any(|(known, other)| known == name && other != on)
        {
            let both = format!("--switch {name}: it is given as on and as off");
            return Err(Failure::Usage(both));
        }
    }
    for (folder, others) in inputs::left_alone(&args.paths) {
        eprintln!(
            "plimsoll: {}: {others} {} not read: the names of traces end in {}",
            folder.display(),
            if others == 1 { "file" } else { "files" },
            inputs::ENDINGS.join(", ")
        );
    }
    let begun = Instant::now();
    let options = replay::Options {
        format: args.format.named(),
        together: args.together,
        keep_run: args.emit_run.is_some(),
        given: Given {
            storage: args.storage.map(|storage| match storage {
                Contract::Sync => Storage::Sync,
                Contract::Async => Storage::Async,
            }),
            switches: args.switch.clone(),
        },
        threads: args.threads,
        until: None,
        window: args.window.map(|window| window as usize),
        count_faults: args.coverage,
    };
    if args.follow {
        return follow::run(args, &options, begun);
    }
    let mut judged = replay::judge(&args.paths, &options);
    if !args.coverage {
        let each = judged.iter_mut();
        each.for_each(|judged| nearest::add(judged, &options));
    }
    // That it diverges is said, whether what is left can be written or not.
    let (reduced, unreduced) = match &args.reduce {
        None => (None, None),
        Some(path) => match reduced(path, &judged, &options) {
            Ok(reduced) => (reduced, None),
            Err(usage @ Failure::Usage(_)) => return Err(usage),
            Err(failure) => (None, Some(failure)),
        },
    };
    let is_read = judged.iter().all(|judged| judged.result.is_ok());
    if args.reduce.is_some() && is_read && reduced.is_none() && unreduced.is_none() {
        eprintln!("plimsoll: nothing is reduced: the trace does not diverge");
    }
    if let Some(path) = &args.emit_run {
        emit(path, &judged)?;
    }
    let mut reports = Vec::new();
    let mut unreadable = None;
    for judged in &judged {
        let mut report = TraceReport::new(judged);
        let diverges = report.verdict == "diverges";
        if let (Some(folder), true) = (&args.out, diverges)
            && let Some(timeline) = Timeline::of_judged(judged, None)
        {
            let name = judged.path.file_name().map(|name| name.to_string_lossy());
            let name = name.unwrap_or_default();
            report.timeline = Some(save(&timeline, folder, &name)?);
        }
        report.reduced.clone_from(&reduced);
        if let Some(error) = &judged.unread {
            let error = error.to_string();
            let error = printable(&error);
            eprintln!("plimsoll: behind the verdict, which it does not change: {error}");
        }
        if let Err(error) = &judged.result {
            // The last one is told by who ends the command.
            if let Some(failure) =
                unreadable.replace(Failure::Trace(printable(&error.to_string()).into_owned()))
            {
                eprintln!("plimsoll: {failure}");
            }
        }
        if !args.json && !args.coverage {
            say(&render::replay::verdict(
                judged,
                &report,
                options.are_plain(),
            ))?;
        }
        reports.push(report);
    }
    let result = Document::new(reports, begun.elapsed());
    if args.coverage {
        covered(args, &judged)?;
    } else if args.json {
        document(&result)?;
    } else if result.traces.len() > 1 {
        say(&render::replay::traces(&result))?;
    }
    if let Some(failure) = unreduced {
        eprintln!("plimsoll: {failure}");
    }
    match unreadable {
        // What can be read was judged; the rest makes it no answer.
        Some(failure) if result.verdict != Answer::Violated => Err(failure),
        Some(failure) => {
            eprintln!("plimsoll: {failure}");
            Ok(result.verdict)
        }
        None => Ok(result.verdict),
    }
}

/// What all traces together have exercised, as far as each was explained.
fn covered(args: &Args, judged: &[Judged]) -> Result<(), Failure> {
    let mut coverage = Coverage::default();
    let verdicts = judged
        .iter()
        .filter_map(|judged| judged.result.as_ref().ok());
    verdicts.for_each(|verdict| coverage.add(verdict.certificate()));
    let verdicts: Vec<&str> = judged
        .iter()
        .map(|judged| judged.result.as_ref().map_or("unreadable", Verdict::name))
        .collect();
    let result = coverage_report::Document::new(&coverage, &verdicts);
    if let Some(path) = &args.html {
        std::fs::write(path, render::coverage::html(&result)).map_err(|error| Failure::Output {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
    }
    match args.json {
        true => document(&result),
        false => say(&render::coverage::report(&result)),
    }
}

/// Reduces the one trace that was judged, if it diverges.
fn reduced(
    path: &Path,
    judged: &[Judged],
    options: &replay::Options,
) -> Result<Option<ReducedReport>, Failure> {
    let [one] = judged else {
        return Err(Failure::Usage("--reduce takes one trace".to_owned()));
    };
    let Ok(Verdict::Diverges(found, _)) = &one.result else {
        return Ok(None);
    };
    // The first signal ends the search: what was found until then is written.
    let enough = interrupt();
    let reduced = reduce::reduce(one, found, options, path, &enough);
    let reduced = reduced.map_err(|error| Failure::Trace(error.to_string()))?;
    Ok(Some(ReducedReport {
        path: path.display().to_string(),
        events: reduced.kept,
        of: reduced.of,
        tried: reduced.tried,
        minimal: reduced.minimal,
    }))
}

fn emit(path: &PathBuf, judged: &[Judged]) -> Result<(), Failure> {
    let [one] = judged else {
        return Err(Failure::Usage("--emit-run takes one trace".to_owned()));
    };
    let Some(run) = &one.run else {
        return Ok(());
    };
    let lines = run.actions.iter().map(|action| format!("{action}\n"));
    std::fs::write(path, lines.collect::<String>()).map_err(|error| Failure::Output {
        path: path.display().to_string(),
        reason: error.to_string(),
    })
}
