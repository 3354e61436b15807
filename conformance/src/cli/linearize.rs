//! `plimsoll linearize`: judge what clients saw.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use plimsoll_trace::ErrorKind;

use super::limits::{bytes, duration, interrupt, most_of_memory};
use super::output::{document, say};
use super::progress::Line;
use super::{Done, FailOn, Failure};
use crate::history::format::{self, Error, Input, Read, Reason, Stopped};
use crate::history::verdict::Ground;
use crate::history::{self, History, Limits, ModelName, words};
use crate::render;
use crate::render::linearize::page::Drawing;
use crate::render::printable::printable;
use crate::report::Answer;
use crate::report::linearize::{Document, HistoryReport, Other, Times};
use crate::same_file::is_among;

/// Flags of `plimsoll linearize`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Histories: files (also .gz and .zst), folders of them, `-` for the
    /// standard input.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The model; otherwise the smallest that knows all operations.
    #[arg(long, value_enum)]
    model: Option<Model>,
    /// The format; otherwise the content tells.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Operations in their order of commit, an id a line: followed first, and
    /// searched only where that explains nothing.
    #[arg(long, value_name = "FILE", conflicts_with = "trace")]
    witness: Option<PathBuf>,
    /// A trace of the nodes (docs/trace-format.md) that shows the order of
    /// commit.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Stop after this time, all histories together: 90, 90s, 5m, 1h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// Memory for histories and searches: 800M, 4G [default: most of what the
    /// machine has left].
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    memory: Option<u64>,
    /// How long to look, for each history that is not linearizable, for its
    /// smallest conflict and for weaker guarantees; 0s: say only that it is not.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    explain: Duration,
    /// How many histories are judged at once; 0: as many as there are
    /// processors.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Draw the histories into this file, a page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON document (docs/json-output.md).
    #[arg(long)]
    json: bool,
    /// What makes the command fail.
    #[arg(long, value_enum, default_value = "inconclusive")]
    pub(super) fail_on: FailOn,
}

/// A model by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Model {
    /// Reads and writes.
    Register,
    /// These and compare-and-sets.
    CasRegister,
    /// These and append, delete, ranges, transactions.
    Kv,
    /// First in, first out.
    Queue,
    /// Values, each at most once.
    Set,
    /// A key-value store whose answers carry revisions.
    Etcd,
}

impl Model {
    fn name(self) -> ModelName {
        match self {
            Model::Register => ModelName::Register,
            Model::CasRegister => ModelName::CasRegister,
            Model::Kv => ModelName::Kv,
            Model::Queue => ModelName::Queue,
            Model::Set => ModelName::Set,
            Model::Etcd => ModelName::Etcd,
        }
    }
}

/// A format by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Plimsoll's own, JSON lines (docs/linearizability.md).
    Plimsoll,
    /// Jepsen's text logs of one register, and its history.txt.
    JepsenLog,
    /// Porcupine's key-value files.
    Porcupine,
    /// Jepsen's EDN histories.
    JepsenEdn,
}

impl Format {
    fn format(self) -> format::Format {
        match self {
            Format::Plimsoll => format::Format::Plimsoll,
            Format::JepsenLog => format::Format::JepsenLog,
            Format::Porcupine => format::Format::Porcupine,
            Format::JepsenEdn => format::Format::JepsenEdn,
        }
    }
}

/// What came of one file.
enum Looked {
    Judged {
        report: Box<HistoryReport>,
        drawing: Option<Box<Drawing>>,
    },
    Unreadable(Box<HistoryReport>, Failure),
    NoHistory(Other),
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Done {
    let begun = Instant::now();
    let inputs = match format::expand(&args.paths) {
        Ok(inputs) => inputs,
        Err((path, error)) => {
            if args.json {
                document(&Document::new(Vec::new(), Vec::new(), begun.elapsed()))?;
            }
            return Err(Failure::Input {
                path: printable(&path.to_string_lossy()).into_owned(),
                reason: error.to_string(),
            });
        }
    };
    if (args.witness.is_some() || args.trace.is_some()) && inputs.len() != 1 {
        let one = "--witness and --trace go with one history".to_owned();
        return Err(Failure::Usage(one));
    }
    let page = match args.html.as_deref() {
        Some(path) => {
            spares_inputs(path, args, &inputs)?;
            Some(Page::at(path)?)
        }
        None => None,
    };
    let line = Line::new();
    let looked = look(args, &inputs, begun, &line);
    line.clear();
    let (mut reports, mut others, mut drawings) = (Vec::new(), Vec::new(), Vec::new());
    let mut unreadable = None;
    for looked in looked {
        match looked {
            Looked::Judged { report, drawing } => {
                if !args.json {
                    say(&render::linearize::verdict(&report))?;
                }
                reports.push(*report);
                drawings.extend(drawing.map(|drawing| *drawing));
            }
            Looked::Unreadable(report, failure) => {
                // The last one is told by who ends the command.
                if let Some(failure) = unreadable.replace(failure) {
                    eprintln!("plimsoll: {failure}");
                }
                reports.push(*report);
            }
            Looked::NoHistory(other) => others.push(other),
        }
    }
    if let Some(page) = page {
        page.draw(drawings)?;
    }
    let result = Document::new(reports, others, begun.elapsed());
    if args.json {
        document(&result)?;
    } else {
        say(&render::linearize::others(&result))?;
        if result.histories.len() > 1 {
            say(&render::linearize::histories(&result))?;
        }
    }
    match unreadable {
        // What can be read was judged; the rest makes it no answer.
        Some(failure) if result.verdict != Answer::Violated => Err(failure),
        Some(failure) => {
            eprintln!("plimsoll: {failure}");
            Ok(result.verdict)
        }
        None if result.histories.is_empty() => Err(Failure::Input {
            path: args.paths[0].display().to_string(),
            reason: "no history in it".to_owned(),
        }),
        None => Ok(result.verdict),
    }
}

/// Refuses a page that would be written over what is read.
fn spares_inputs(page: &Path, args: &Args, inputs: &[Input]) -> Result<(), Failure> {
    let histories = inputs.iter().map(|input| match input.path.to_str() {
        // A file that the shell opened.
        Some("-") => Path::new("/dev/stdin"),
        _ => input.path.as_path(),
    });
    let orders = [args.witness.as_deref(), args.trace.as_deref()];
    match is_among(page, histories.chain(orders.into_iter().flatten())) {
        true => Err(Failure::Output {
            path: printable(&page.to_string_lossy()).into_owned(),
            reason: "it is one of the files that are read".to_owned(),
        }),
        false => Ok(()),
    }
}

/// Looks at every file, several at once; what came of them is in their order.
fn look(args: &Args, inputs: &[Input], begun: Instant, line: &Line) -> Vec<Looked> {
    let all = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = match args.threads {
        0 => all(),
        n => n,
    };
    let threads = threads.min(inputs.len()).max(1);
    let interrupt = interrupt();
    let memory = args.memory.or_else(most_of_memory);
    let budget = Budget {
        deadline: args.time.and_then(|time| begun.checked_add(time)),
        memory,
        // Each of those judged at once may have its share and no more.
        share: memory.map(|bytes| bytes / threads as u64),
        cancel: &interrupt,
        explain: args.explain,
    };
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<Looked>>> = inputs.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let i = next.fetch_add(1, Relaxed);
            let (Some(input), Some(slot)) = (inputs.get(i), done.get(i)) else {
                return;
            };
            line.show(&format!(
                "{} of {}: {}",
                i + 1,
                inputs.len(),
                printable(&input.path.to_string_lossy())
            ));
            let looked = one(args, input, &budget);
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(looked);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let done = done
        .into_iter()
        .filter_map(|slot| slot.into_inner().ok().flatten());
    done.collect()
}

/// What one judgement may spend.
struct Budget<'a> {
    deadline: Option<Instant>,
    /// The bytes of all together, and of each.
    memory: Option<u64>,
    share: Option<u64>,
    cancel: &'a AtomicBool,
    explain: Duration,
}

impl Budget<'_> {
    fn limits(&self, taken: u64) -> Limits<'_> {
        Limits {
            deadline: self.deadline,
            memory_bytes: self.share.map(|bytes| bytes.saturating_sub(taken)),
            resident_bytes: self.memory,
            cancel: Some(self.cancel),
            explain: self.explain,
            ..Limits::default()
        }
    }
}

fn one(args: &Args, input: &Input, budget: &Budget<'_>) -> Looked {
    let path = input.path.display().to_string();
    let begun = Instant::now();
    let options = format::Options {
        format: args.format.map(Format::format),
        set: args.model == Some(Model::Set),
    };
    let limits = budget.limits(0);
    // Not even a small history is judged once there is nothing left to spend.
    let spent = match budget.memory {
        Some(0) => Some(Ground::Memory),
        _ => limits.reached(),
    };
    if let Some(ground) = spent {
        return Looked::Judged {
            report: Box::new(HistoryReport::stopped(&path, ground, 0, Times::default())),
            drawing: None,
        };
    }
    let read = format::read(&input.path, options, &limits);
    let times = Times {
        reading: begun.elapsed(),
        ..Times::default()
    };
    let read = match read {
        Ok(read) => read,
        Err(Stopped::Error(error)) => {
            return match error.reason {
                Reason::NoHistory(why) if !input.named => Looked::NoHistory(Other { path, why }),
                _ => unreadable(&path, &error, times),
            };
        }
        Err(Stopped::Limit { ground, operations }) => {
            return Looked::Judged {
                report: Box::new(HistoryReport::stopped(&path, ground, operations, times)),
                drawing: None,
            };
        }
    };
    match judge(args, &path, &read, budget, times) {
        Ok((report, drawing)) => Looked::Judged {
            report: Box::new(report),
            drawing: drawing.map(Box::new),
        },
        Err(error) => unreadable(&path, &error, times),
    }
}

fn unreadable(path: &str, error: &Error, times: Times) -> Looked {
    let report = HistoryReport::unreadable(path, error, times);
    let text = printable(&error.to_string()).into_owned();
    Looked::Unreadable(Box::new(report), Failure::Trace(text))
}

fn judge(
    args: &Args,
    path: &str,
    read: &Read,
    budget: &Budget<'_>,
    mut times: Times,
) -> Result<(HistoryReport, Option<Drawing>), Error> {
    let history = &read.history;
    if history.operations.is_empty() {
        return Ok((HistoryReport::nothing(path, read, times), None));
    }
    let error = |line: u64, reason| Error {
        file: path.into(),
        line,
        reason,
    };
    let model = match args.model {
        Some(model) => model.name(),
        None => ModelName::of(history).ok_or_else(|| {
            let clash = ModelName::clash(history);
            let (at, before) = clash.unwrap_or_default();
            let kind = words::kind(history, at);
            let why = match before {
                Some(model) => format!(
                    "{kind} is no operation of the model {}, and those before it are",
                    model.name()
                ),
                None => format!("{kind} is no operation of any model"),
            };
            error(call_line(history, at), Reason::Model(why))
        })?,
    };
    // Without an order that has not come in time: there is none left to judge.
    let limits = budget.limits(0);
    let witness = match (&args.witness, &args.trace) {
        (Some(list), _) => match format::listed(list, read, &limits) {
            Err(Error {
                reason: Reason::NoTime,
                ..
            }) => None,
            listed => Some(listed?),
        },
        (None, Some(trace)) => match format::traced(trace, read, &limits) {
            Err(error) if is_late(&error.kind) => None,
            traced => Some(traced.map_err(|error| Error {
                file: error.at.file.clone(),
                line: error.at.line,
                reason: Reason::Unreadable(error.kind.to_string()),
            })?),
        },
        (None, None) => None,
    };
    let begun = Instant::now();
    let options = history::Options {
        limits: budget.limits(read.bytes()),
        witness: witness.as_deref(),
        explain: !args.explain.is_zero(),
        ..history::Options::default()
    };
    let judged = history::judge(history, model, &options).map_err(|misfit| {
        let at = misfit.operation;
        let kind = words::kind(history, at);
        let why = format!("{kind} is no operation of the model {}", model.name());
        error(call_line(history, at), Reason::Model(why))
    })?;
    times.judging = begun.elapsed();
    let chosen = args.model.is_none();
    let report = HistoryReport::new(path, read, model, chosen, &judged, times);
    let drawn = args.html.is_some();
    let room = history.operations.len() as u64 * DRAWN + PAGE;
    let has_room = budget.limits(0).has_room(room);
    if drawn && !has_room {
        let path = printable(path);
        eprintln!("plimsoll: {path} is not drawn: the memory was used up (--memory)");
    }
    let drawing = (drawn && has_room).then(|| Drawing::new(history, &judged, &report));
    Ok((report, drawing))
}

/// Whether a trace has not come in time.
fn is_late(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::Read(error) | ErrorKind::Decompress(error) => {
            error.kind() == std::io::ErrorKind::TimedOut
        }
        _ => false,
    }
}

/// How many bytes an operation takes while what is drawn is chosen, and how many
/// a drawing and its page take. Measured: 113 of a million operations, the page
/// 5.6 MB; some more than these hold.
const DRAWN: u64 = 128;
const PAGE: u64 = 16 << 20;

/// The line on which an operation is called.
fn call_line(history: &History, operation: usize) -> u64 {
    let place = history.places.get(operation);
    place.map_or(0, |place| u64::from(place.call_line))
}

/// The page with the drawings, opened before anything is judged: what cannot
/// be written should not cost an hour first.
struct Page<'a> {
    path: &'a Path,
    /// Nothing was there before.
    new: bool,
}

impl<'a> Page<'a> {
    fn at(path: &'a Path) -> Result<Self, Failure> {
        let new = !path.exists();
        let mut open = std::fs::OpenOptions::new();
        let opened = open.write(true).create(true).truncate(false).open(path);
        match opened {
            Ok(_) => Ok(Page { path, new }),
            Err(error) => Err(Page { path, new }.failed(&error)),
        }
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::Output {
            path: printable(&self.path.to_string_lossy()).into_owned(),
            reason: error.to_string(),
        }
    }

    fn draw(&self, drawings: Vec<Drawing>) -> Result<(), Failure> {
        if drawings.is_empty() {
            eprintln!("plimsoll: nothing is drawn: no history was judged");
            if self.new {
                let _ = std::fs::remove_file(self.path);
            }
            return Ok(());
        }
        let (page, left) = render::linearize::page::html(drawings);
        if left > 0 {
            eprintln!("plimsoll: {left} histories are not drawn: the page would be too large");
        }
        std::fs::write(self.path, page).map_err(|error| self.failed(&error))
    }
}
