//! The command. One subcommand a file; this file parses, dispatches, and turns
//! answers into exit codes.
//!
//! | code | means |
//! |---|---|
//! | 0 | holds, conforms, linearizable |
//! | 1 | violated, diverges, not linearizable |
//! | 2 | bad usage, or unreadable input |
//! | 3 | inconclusive |

mod bench;
mod bench_linearize;
mod bench_replay;
mod check;
mod explain;
mod explore;
mod flaws;
mod follow;
mod limits;
mod linearize;
mod list;
mod liveness;
mod output;
mod progress;
mod replay;
mod resume;
mod scenario;
mod tlc;
mod verify;
mod walks;
mod yardstick;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::render::printable::printable_lines;
use crate::report::Answer;

/// Checks Raft: explores a model of it exhaustively, and judges recorded traces
/// against that model.
#[derive(Debug, Parser)]
#[command(
    name = "plimsoll",
    version,
    after_help = "Exit codes: 0 holds or conforms, 1 violated or diverges, 2 bad usage or \
                  unreadable input, 3 inconclusive."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Explore the model exhaustively within bounds.
    Check(Box<check::Args>),
    /// List the planted bugs, or prove that each is caught.
    Flaws(flaws::Args),
    /// Judge recorded traces against the model.
    Replay(replay::Args),
    /// Judge what clients saw: is it linearizable?
    Linearize(linearize::Args),
    /// Show a saved counterexample, or what a trace diverges at.
    Explain(explain::Args),
    /// Step through the model in a browser.
    Explore(explore::Args),
    /// Measure how fast the engines are, and in how much memory.
    Bench(bench::Args),
    /// Do the main job: check the default presets, catch the planted bugs, judge
    /// the bundled traces.
    Verify(verify::Args),
}

/// What makes a run fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Inconclusive answers fail, and so do violations.
    Inconclusive,
    /// Only violations fail; an inconclusive answer ends with code 0.
    Violated,
}

/// Why a command could not give an answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The command line asks for something that is not there.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be read or understood.
    #[error("{path}: {reason}")]
    Input {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A trace cannot be read or judged.
    #[error("{0}")]
    Trace(String),
    /// A search cannot go on, or not be resumed.
    #[error("{0}")]
    Search(#[from] plimsoll_model::engine::Failure),
    /// A result cannot be written.
    #[error("cannot write {path}: {reason}")]
    Output {
        /// Where.
        path: String,
        /// Why.
        reason: String,
    },
}

type Done = Result<Answer, Failure>;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap says itself whether this goes to stdout (help) or stderr.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let (done, fail_on) = match &cli.command {
        Command::Check(args) => (check::run(args), args.fail_on),
        Command::Flaws(args) => (flaws::run(args), args.fail_on),
        Command::Replay(args) => (replay::run(args), args.fail_on),
        Command::Linearize(args) => (linearize::run(args), args.fail_on),
        Command::Explain(args) => (explain::run(args), FailOn::Inconclusive),
        Command::Explore(args) => (explore::run(args), FailOn::Inconclusive),
        Command::Bench(args) => (bench::run(args), FailOn::Inconclusive),
        Command::Verify(args) => (verify::run(args), args.fail_on),
    };
    match done {
        Ok(answer) => ExitCode::from(code(answer, fail_on)),
        Err(failure) => {
            eprintln!("plimsoll: {}", printable_lines(&failure.to_string()));
            ExitCode::from(2)
        }
    }
}

fn code(answer: Answer, fail_on: FailOn) -> u8 {
    match (answer, fail_on) {
        (Answer::Holds, _) | (Answer::Inconclusive, FailOn::Violated) => 0,
        (Answer::Violated, _) => 1,
        (Answer::Inconclusive, FailOn::Inconclusive) => 3,
    }
}

/// The command line as it was given, without what only shapes the output.
fn rerun() -> String {
    let args = decisive(std::env::args().skip(1)).into_iter().map(|arg| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@".contains(c);
        if !arg.is_empty() && arg.chars().all(plain) {
            arg
        } else {
            format!("'{}'", arg.replace('\'', "'\\''"))
        }
    });
    std::iter::once("plimsoll".to_owned())
        .chain(args)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Of the arguments of a command those that its answer depends on: not how
/// many threads, nor where files go, which may be taken the next time.
fn decisive(args: impl Iterator<Item = String>) -> Vec<String> {
    const IDLE: [&str; 3] = ["--threads", "--disk", "--disk-max"];
    let (mut kept, mut args) = (Vec::new(), args);
    while let Some(arg) = args.next() {
        if IDLE.contains(&arg.as_str()) {
            args.next();
            continue;
        }
        let name = arg.split('=').next().unwrap_or_default();
        if arg != "--json" && !IDLE.contains(&name) {
            kept.push(arg);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_the_answer_does_not_depend_on_is_not_repeated() {
        let args = "check --threads 2 --flaw A5 --disk=x --json --disk-max 1G --time 5s";
        let kept = decisive(args.split(' ').map(str::to_owned));
        assert_eq!(kept.join(" "), "check --flaw A5 --time 5s");
    }

    #[test]
    fn codes_are_those_that_are_documented() {
        use Answer::{Holds, Inconclusive, Violated};
        let strict = [Holds, Violated, Inconclusive].map(|a| code(a, FailOn::Inconclusive));
        let lax = [Holds, Violated, Inconclusive].map(|a| code(a, FailOn::Violated));
        assert_eq!((strict, lax), ([0, 1, 3], [0, 1, 0]));
    }
}
