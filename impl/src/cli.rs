//! The command line: `plimsoll-raft sim`.
//!
//! Exit codes: 0 the run held, 1 it broke a property, 2 bad usage or a file
//! that cannot be written.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use plimsoll_raft::sim::{Outcome, Plan, Simulation, history};
use plimsoll_raft::trace::Recorder;
use plimsoll_trace::WriteError;

/// A tick-driven Raft that records its runs.
#[derive(Debug, Parser)]
#[command(name = "plimsoll-raft", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a deterministic cluster from a seed
    Sim(Sim),
}

#[derive(Debug, Args)]
struct Sim {
    #[command(flatten)]
    plan: Plan,
    /// Write the trace of all nodes to this file
    #[arg(long, value_name = "FILE", conflicts_with = "per_node")]
    trace: Option<PathBuf>,
    /// Write a trace for each node into this directory
    #[arg(long, value_name = "DIR")]
    per_node: Option<PathBuf>,
    /// Write what the clients saw to this file
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Print the summary as one JSON document
    #[arg(long)]
    json: bool,
}

/// What went wrong, for a person to read.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Plan(#[from] plimsoll_raft::sim::PlanError),
    #[error("cannot write {path}: {cause}")]
    File { path: String, cause: io::Error },
    #[error("{path}: {cause}")]
    Directory { path: String, cause: WriteError },
    #[error(transparent)]
    Trace(#[from] WriteError),
    #[error("cannot write the summary: {0}")]
    Print(io::Error),
}

pub(crate) fn main() -> ExitCode {
    let Command::Sim(sim) = Cli::parse().command;
    match run(sim) {
        Ok(code) => code,
        // Whoever reads the summary has seen enough.
        Err(Failure::Print(cause)) if cause.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(2)
        }
    }
}

fn run(sim: Sim) -> Result<ExitCode, Failure> {
    sim.plan.check()?;
    let recorder = recorder(&sim)?;
    let command = sim.plan.command();
    let simulation = Simulation::new(sim.plan, recorder)?;
    let outcome = simulation.run()?;
    if let Some(path) = &sim.history {
        let mut output = create(path)?;
        history::write(&outcome.history, &mut output).map_err(|cause| file(path, cause))?;
    }
    print(&outcome, sim.json).map_err(Failure::Print)?;
    Ok(match outcome.violation {
        None => ExitCode::SUCCESS,
        Some(violation) => {
            eprintln!("VIOLATED  {violation}\nagain     {command}");
            ExitCode::from(1)
        }
    })
}

fn recorder(sim: &Sim) -> Result<Recorder, Failure> {
    let header = sim.plan.header();
    match (&sim.trace, &sim.per_node) {
        (None, None) => Ok(Recorder::off()),
        (Some(path), _) => Ok(Recorder::merged(&header, create(path)?)?),
        (None, Some(directory)) => {
            let made = Recorder::per_node(&header, directory);
            made.map_err(|cause| Failure::Directory {
                path: directory.display().to_string(),
                cause,
            })
        }
    }
}

fn create(path: &Path) -> Result<Box<dyn Write>, Failure> {
    let created = File::create(path).map_err(|cause| file(path, cause))?;
    Ok(Box::new(BufWriter::new(created)))
}

fn file(path: &Path, cause: io::Error) -> Failure {
    Failure::File {
        path: path.display().to_string(),
        cause,
    }
}

fn print(outcome: &Outcome, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &outcome.summary)?;
        writeln!(out)
    } else {
        writeln!(out, "{}", outcome.summary)
    }
}
