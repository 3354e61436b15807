//! `plimsoll explain`: show a saved timeline, or where a trace diverges.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use clap::ValueEnum;

use super::output::{say, write};
use super::{Done, Failure};
use crate::render::printable::printable;
use crate::render::{mermaid, text};
use crate::replay;
use crate::report::Answer;
use crate::timeline::Timeline;
use crate::verdict::Verdict;

/// Flags of `plimsoll explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A timeline that was saved by `check`, `flaws` or `replay`, or a trace.
    file: PathBuf,
    /// Show what led to this line of a trace, and not to where it diverges.
    #[arg(long, value_name = "LINE")]
    line: Option<u64>,
    /// How to show it.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The timeline as one JSON document: the same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// The width of the text, in columns.
    #[arg(long, default_value_t = text::WIDTH)]
    width: usize,
}

/// How a timeline is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A sequence diagram for the terminal.
    Text,
    /// A Mermaid sequence diagram, for a pull request.
    Mermaid,
    /// The timeline itself.
    Json,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Done {
    let timeline = match saved(args)? {
        Some(timeline) => timeline,
        None => judged(args)?,
    };
    let format = if args.json { Format::Json } else { args.format };
    match format {
        Format::Text => say(&text::render(&timeline, args.width)),
        Format::Mermaid => say(&mermaid::render(&timeline)),
        Format::Json => write(&timeline.to_json()),
    }?;
    Ok(Answer::Holds)
}

/// The saved timeline in the file; `None` when it is something else, which a
/// trace then is.
fn saved(args: &Args) -> Result<Option<Timeline>, Failure> {
    let input = |reason: String| Failure::Input {
        path: args.file.display().to_string(),
        reason,
    };
    if args.file.is_dir() {
        return Err(input("a folder; expected a timeline or a trace".to_owned()));
    }
    // A timeline is one document that starts with its schema; a trace may be
    // long, compressed, or no text at all.
    let mut head = [0; 256];
    let mut file = File::open(&args.file).map_err(|error| input(error.to_string()))?;
    let read = file
        .read(&mut head)
        .map_err(|error| input(error.to_string()))?;
    if !String::from_utf8_lossy(&head[..read]).contains("plimsoll-timeline/") {
        return Ok(None);
    }
    if args.line.is_some() {
        return Err(Failure::Usage(
            "--line is for a trace, not for a timeline".to_owned(),
        ));
    }
    let text = std::fs::read_to_string(&args.file).map_err(|error| input(error.to_string()))?;
    let timeline = Timeline::from_json(&text).map_err(|error| input(error.to_string()))?;
    Ok(Some(timeline))
}

/// What led to the end of a trace, or to a line of it.
fn judged(args: &Args) -> Result<Timeline, Failure> {
    let options = replay::Options {
        until: args.line,
        ..replay::Options::default()
    };
    let judged = replay::judge(std::slice::from_ref(&args.file), &options);
    let input = |reason: String| Failure::Input {
        path: args.file.display().to_string(),
        reason,
    };
    let Some(judged) = judged.first() else {
        return Err(input("no trace".to_owned()));
    };
    let verdict = match &judged.result {
        Ok(verdict) => verdict,
        Err(error) => return Err(Failure::Trace(error.to_string())),
    };
    // A trace of ours has one line more than events: its header.
    let events = verdict.certificate().events;
    if let Some(line) = args.line.filter(|line| *line == 0 || *line > events + 1) {
        return Err(Failure::Usage(format!(
            "--line {line}: the trace has {events} events, and lines count from 1"
        )));
    }
    let ended = match verdict {
        Verdict::Diverges(found, _) => Some(found.place.line),
        Verdict::Inconclusive(stopped, _) => stopped.place.as_ref().map(|place| place.line),
        Verdict::Conforms(_) => None,
    };
    if let (Some(line), Some(ended)) = (args.line, ended)
        && ended < line
    {
        let (name, path) = (verdict.name(), args.file.display().to_string());
        let path = printable(&path);
        eprintln!(
            "plimsoll: line {line} is not reached: alone {path} is judged up to line {ended} \
             ({name})"
        );
    }
    let timeline = Timeline::of_judged(judged, args.line);
    let timeline = timeline.ok_or_else(|| input("nothing to show".to_owned()))?;
    match args.line {
        Some(line) if timeline.frames.is_empty() => {
            Err(input(format!("nothing happened up to line {line}")))
        }
        _ => Ok(timeline),
    }
}
