//! `plimsoll explain`: show a saved timeline, or where a trace diverges.

use std::path::PathBuf;

use clap::ValueEnum;

use super::output::say;
use super::{Done, Failure};
use crate::render::{mermaid, text};
use crate::report::Answer;
use crate::timeline::Timeline;

/// Flags of `plimsoll explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A timeline that was saved by `check` or `flaws`.
    file: PathBuf,
    /// How to show it.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
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
    let input = |reason: String| Failure::Input {
        path: args.file.display().to_string(),
        reason,
    };
    let content = std::fs::read_to_string(&args.file).map_err(|error| input(error.to_string()))?;
    let timeline = Timeline::from_json(&content).map_err(|error| input(error.to_string()))?;
    say(&match args.format {
        Format::Text => text::render(&timeline, args.width),
        Format::Mermaid => mermaid::render(&timeline),
        Format::Json => timeline.to_json(),
    })?;
    Ok(Answer::Holds)
}
