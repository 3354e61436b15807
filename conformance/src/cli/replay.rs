//! `plimsoll replay`: judge recorded traces.

use std::path::PathBuf;

use clap::ValueEnum;

use super::output::{document, save, say};
use super::{Done, FailOn, Failure};
use crate::render;
use crate::replay::{self, Judged};
use crate::report::Answer;
use crate::report::replay::{Document, TraceReport};
use crate::timeline::Timeline;

/// Flags of `plimsoll replay`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Traces: files (also .gz and .zst), or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The files are the nodes of one run, in no known order between them.
    #[arg(long)]
    together: bool,
    /// The format of the traces.
    #[arg(long, value_enum, default_value = "auto")]
    format: Format,
    /// Save the timeline of every divergence in this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write the run of the model that explains the trace, an action a line.
    #[arg(long, value_name = "FILE")]
    emit_run: Option<PathBuf>,
    /// Print one JSON document (docs/json-output.md).
    #[arg(long)]
    json: bool,
    /// What makes the command fail.
    #[arg(long, value_enum, default_value = "inconclusive")]
    pub(super) fail_on: FailOn,
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
    let options = replay::Options {
        format: args.format.named(),
        together: args.together,
        keep_run: args.emit_run.is_some(),
        until: None,
        ..replay::Options::default()
    };
    let judged = replay::judge(&args.paths, &options);
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
        if let Err(error) = &judged.result {
            unreadable = Some(Failure::Trace(error.to_string()));
        }
        if !args.json {
            say(&render::replay::verdict(judged, &report))?;
        }
        reports.push(report);
    }
    let result = Document::new(reports);
    if args.json {
        document(&result)?;
    } else if result.traces.len() > 1 {
        say(&render::replay::traces(&result))?;
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
