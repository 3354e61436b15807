//! Plimsoll's own traces (`docs/trace-format.md`).
//!
//! # Correspondence
//!
//! One line is one handler run. It lifts to these actions of the model, in this
//! order:
//!
//! | in the line | action of the model | rule | paper |
//! |---|---|---|---|
//! | `cause.start` | boot, or `restart` with what the recovered state shows to have survived | durability | figure 2 |
//! | `cause.campaign` | `campaign`; `lose-leader` before it, if a leader was heard | election, prevote | §5.2, diss. §9.6 |
//! | `cause.receive` | `receive-...` of that message; `lose-leader` before it, if a candidate is answered that a server with a leader disregards | all | §5 |
//! | `cause.write` | `write` | replication | §5.3 |
//! | `cause.persisted` | `write-completed`; where writes are queued, of the oldest, and of those behind it as far as `durable` shows | durability | figure 2 |
//! | `cause.apply` | `apply`, up to the index | commit | §5.3 |
//! | `cause.change` | `change` | changes | §6, diss. §4 |
//! | `cause.transfer` | `transfer` | transfer | diss. §3.10 |
//! | `cause.compact` | `compact` | snapshot | §7 |
//! | `cause.check-quorum` | `check-quorum` | quorum | diss. §6.2 |
//! | `cause.read` at a follower that asks its leader | `begin-read` | reads | diss. §6.4 |
//! | `cause.tick`, any other `cause.read`, `cause.other` | none of its own | | |
//! | `append` of a leader that applied the last change and is to leave a joint configuration by itself | `leave-joint` | changes | diss. §4.3 |
//! | `state.transfer` null at a leader that was handing over | `abort-transfer` | transfer | diss. §3.10 |
//! | `state.role` leader | `count-own-vote`, if that is what was missing | durability | figure 2 |
//! | `state.commit` at a leader | `advance-commit`, if it rose; `count-own-entries` before it, if that is what was missing | commit | §5.4.2 |
//! | `reads` | `begin-read`; for a follower that asked, `receive-request-read` | reads | diss. §6.4 |
//! | `send` append, heartbeat, snapshot, timeout-now | `send-append`, `send-heartbeat`, `send-snapshot`, `send-timeout-now` | replication, snapshot, transfer | §5.3, §7, diss. §3.10 |
//! | `send` read-index | `release-read` | reads | diss. §6.4 |
//! | `send`, anything else | none: must be what the cause's handler says | | |
//! | `ack` of a read | `release-read` | reads | diss. §6.4 |
//! | `ack` of a write | none: the entry must be committed | commit | §5.3 |
//!
//! # What no line shows, and how it is decided
//!
//! These actions are taken without a line, only when a line needs them, and
//! each is counted in the certificate: a write that completes (when a message
//! queued with it arrives and `persisted` is not declared complete, or when
//! there is nothing to write and what was said leaves at once), counting
//! the own vote and the own entries, a commit index that a later message or
//! read shows, the release of a confirmed read before its leader steps down or
//! changes its configuration, that a leader was not heard from for an election
//! timeout, and what a leader sends of its own accord in a step whose sends are
//! not logged. Where their causes are not declared complete, so are a check of the
//! quorum, a compaction, and the end of handing over.
//!
//! What a line leaves out is unknown, unless the header declares that its
//! emitter always records it: then an absent part of the state is what it was,
//! and an absent list is empty.

mod acks;
mod arrive;
mod check;
mod features;
mod judge;
mod messages;
mod named;
mod orders;
mod readings;
mod reads;
mod restart;
mod unlogged;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use plimsoll_model::settings::Dialect;
use plimsoll_trace::{
    ErrorKind, Header, Line, NodeName, Order, Step, StepParser, Storage, TraceError, WellFormed,
    parse_header,
};

use crate::replay::course::{Course, Moved, Waiting};
use crate::replay::feed::Feed;
use crate::replay::live::{Kept, Running, hashes};
use crate::replay::order::Reading;
use crate::replay::readings::Readings;
use crate::replay::{InputError, Judgement, Options, Stop};
use crate::verdict::{Ground, Place};
pub(crate) use judge::Judge;

/// The only grounds on which a trace of this format is inconclusive.
pub const GROUNDS: [Ground; 9] = [
    Ground::NothingConsumed,
    Ground::Unsupported,
    Ground::MidRun,
    Ground::UnloggedSend,
    Ground::UnloggedStep,
    Ground::NodeMissing,
    Ground::LogEnded,
    Ground::Forgotten,
    Ground::Readings,
];

/// Reads the lines of every file of a run.
#[derive(Default)]
struct Files {
    /// The header of all.
    header: Option<Header>,
    /// Whether the lines of each file fit together, once its header is read.
    shapes: Vec<Option<WellFormed>>,
    /// The nodes that have a line.
    seen: BTreeSet<NodeName>,
}

impl Files {
    /// Takes the header of a file; those of all files are equal.
    fn header(&mut self, header: Box<Header>, at: &Place) -> Result<(), InputError> {
        if self.header.as_ref().is_some_and(|first| *first != *header) {
            return Err(InputError::Apart {
                path: at.path.to_path_buf(),
                why: "its header is not that of the files before it".to_owned(),
            });
        }
        self.header.get_or_insert(*header);
        Ok(())
    }
}

/// What a line says.
enum Said {
    /// What kind of trace it is, or why the header that it is cannot be read.
    Header(Result<Box<Header>, TraceError>),
    /// What a node did.
    Step(Box<Step>),
}

/// An error in a line as a whole.
fn wrong(file: &Arc<str>, line: u64, kind: ErrorKind) -> TraceError {
    TraceError {
        at: plimsoll_trace::Place {
            file: Arc::clone(file),
            line,
            column: 0,
        },
        kind,
    }
}

impl Reading for Files {
    type Event = Step;
    type Said = Said;
    type Parser = StepParser;

    fn parse(
        parser: &mut StepParser,
        file: &Arc<str>,
        line: Line<'_>,
        first: bool,
    ) -> Result<Said, TraceError> {
        let header = || Said::Header(parse_header(file, line).map(Box::new));
        if first {
            return Ok(header());
        }
        match parser.parse(file, line) {
            Ok(step) => Ok(Said::Step(step)),
            Err(error) if matches!(error.kind, ErrorKind::SecondHeader) => Ok(header()),
            Err(error) => Err(error),
        }
    }

    fn take(
        &mut self,
        input: usize,
        file: &Arc<str>,
        said: Said,
        rotated: bool,
        place: &Place,
    ) -> Result<Option<Box<Step>>, InputError> {
        if self.shapes.len() <= input {
            self.shapes.resize(input + 1, None);
        }
        let shape = |error| wrong(file, place.line, ErrorKind::Shape(error));
        let step = match (said, &mut self.shapes[input]) {
            (Said::Header(header), None) => {
                self.header(header?, place)?;
                let header = self.header.as_ref();
                let well_formed = header.map(WellFormed::new).transpose().map_err(shape)?;
                self.shapes[input] = well_formed;
                return Ok(None);
            }
            // A file that takes the place of another may have the header again.
            (Said::Header(header), Some(_)) if rotated => {
                self.header(header?, place)?;
                return Ok(None);
            }
            (Said::Header(_), Some(_)) => {
                return Err(wrong(file, place.line, ErrorKind::SecondHeader).into());
            }
            (Said::Step(_), None) => {
                return Err(wrong(file, place.line, ErrorKind::NoHeader).into());
            }
            (Said::Step(step), Some(well_formed)) => {
                well_formed.check(place.line, &step).map_err(shape)?;
                step
            }
        };
        if !self.seen.contains(&step.node) {
            self.seen.insert(step.node.clone());
        }
        Ok(Some(step))
    }
}

/// Judges the run in `files`.
///
/// # Errors
/// When a file is no trace, or the files are not of one run.
pub(crate) fn judge(files: &[PathBuf], options: &Options) -> Result<Judgement, InputError> {
    let feeds: Result<Vec<Feed>, TraceError> = files.iter().map(|f| Feed::of_file(f)).collect();
    let mut run = Run::new(feeds?, options);
    loop {
        let had_stopped = run.course.stop.is_some();
        match run.step(None) {
            Ok(Moved::More | Moved::Stopped) => {}
            Ok(Moved::Waits | Moved::Ended) => break,
            Err(error) if had_stopped => {
                run.unread = Some(error);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    // What is empty is no trace, however little the others need it.
    for (input, feed) in run.course.feeds().enumerate() {
        if run.files.shapes.get(input).is_none_or(Option::is_none) {
            return Err(wrong(feed.name(), 0, ErrorKind::Empty).into());
        }
    }
    let nothing = || InputError::Apart {
        path: PathBuf::new(),
        why: "no file to judge".to_owned(),
    };
    let inputs = hashes(run.course.feeds())?;
    let mut judgement = Box::new(run).judgement().ok_or_else(nothing)?;
    judgement.inputs = inputs;
    Ok(judgement)
}

/// A run that is judged as far as its inputs go.
pub(crate) struct Run {
    options: Options,
    course: Course<Files>,
    files: Files,
    /// Who judges, once a header tells how.
    judge: Option<(Readings<Judge>, Dialect)>,
    /// Why the lines behind the verdict cannot all be read.
    unread: Option<InputError>,
}

impl Run {
    /// Nothing read yet.
    pub(crate) fn new(feeds: Vec<Feed>, options: &Options) -> Self {
        let inputs = feeds.len();
        Run {
            options: options.clone(),
            course: Course::new(
                feeds,
                options.order(false),
                options.parsers(inputs).as_ref(),
            ),
            files: Files::default(),
            judge: None,
            unread: None,
        }
    }

    /// Reads until a header tells how to judge; says whether one does.
    fn begin(&mut self) -> Result<bool, InputError> {
        if self.judge.is_some() {
            return Ok(true);
        }
        self.course
            .begin(&mut self.files, |step| step.node.as_str())?;
        let Some(header) = self.files.header.clone() else {
            return Ok(false);
        };
        let unsupported = features::unsupported(&header);
        self.course.stop = unsupported.map(Stop::Inconclusive);
        let (dialect, settings) = features::settings(&header);
        let in_order = header.order == Order::File && self.course.inputs() == 1;
        self.course.ordered(self.options.order(in_order));
        let judge = Judge::new(header, settings, &self.options);
        self.judge = Some((Readings::new(judge), dialect));
        Ok(true)
    }

    /// Judges on, or reads on after a verdict.
    fn step(&mut self, until: Option<Instant>) -> Result<Moved, InputError> {
        if !self.begin()? {
            let over = self.course.feeds().all(Feed::has_ended);
            return Ok(if over { Moved::Ended } else { Moved::Waits });
        }
        match &mut self.judge {
            Some((judge, _)) => self.course.advance(&mut self.files, judge, until),
            None => Ok(Moved::Waits),
        }
    }

    /// Whether every node of the header has a line.
    fn all_seen(&self) -> bool {
        let header = self.files.header.as_ref();
        header.is_some_and(|header| header.nodes.iter().all(|n| self.files.seen.contains(n)))
    }
}

impl Running for Run {
    fn advance(&mut self, until: Option<Instant>) -> Result<Moved, InputError> {
        let had_stopped = self.course.stop.is_some();
        let moved = match self.step(until) {
            // What cannot be read behind a verdict does not change it.
            Err(_) if had_stopped => Moved::Ended,
            moved => moved?,
        };
        // A node that has no line yet may turn up, and with it the blame.
        match &self.course.stop {
            None => Ok(moved),
            Some(Stop::Diverges(_)) if !self.all_seen() && moved != Moved::Ended => match moved {
                Moved::Stopped => Ok(Moved::More),
                moved => Ok(moved),
            },
            Some(_) => Ok(Moved::Stopped),
        }
    }

    fn close(&mut self) {
        self.course.close();
    }

    fn events(&self) -> u64 {
        self.course.events()
    }

    fn waiting(&self) -> Vec<Waiting> {
        match &self.judge {
            Some((judge, _)) => self.course.waiting(judge),
            None => Vec::new(),
        }
    }

    fn positions(&self) -> Vec<(String, Option<Place>, usize)> {
        self.course.positions()
    }

    fn feeds(&self) -> Vec<&Feed> {
        self.course.feeds().collect()
    }

    fn kept(&self) -> Kept {
        let Some((readings, _)) = &self.judge else {
            return Kept::default();
        };
        let mut kept = readings.first.kept();
        for other in &readings.others {
            for (kind, n) in other.kept().kinds {
                kept.note(kind, usize::try_from(n).unwrap_or(usize::MAX));
            }
        }
        kept
    }

    fn judgement(self: Box<Self>) -> Option<Judgement> {
        let (readings, dialect) = self.judge?;
        let (tried, mut judge) = (readings.tried, readings.first);
        let seen = self.files.seen.iter();
        judge.all = seen.filter_map(|name| judge.id(name)).collect();
        let storage = match self.files.header?.storage {
            Storage::Sync => "sync",
            Storage::ParallelAppend => "parallel-append",
            Storage::Async => "async",
        };
        let (events, consumed) = (self.course.events(), self.course.consumed);
        let stop = self.course.stop;
        let stop = stop.map(|stop| judge.allow_for_the_unseen(stop));
        Some(Judgement {
            inputs: Vec::new(),
            events,
            consumed,
            stop,
            nodes: judge.nodes(),
            facts: judge.facts.map(),
            dialect,
            follower: judge.follower,
            readings: tried,
            unread: self.unread,
            storage: (storage.to_owned(), "stated in the header".to_owned()),
        })
    }
}

/// A judge who has seen nothing of a run with this header, and keeps as much as
/// `window` says.
pub(crate) fn settled(header: Header, window: Option<usize>) -> Judge {
    let (_, settings) = features::settings(&header);
    let options = Options {
        window,
        ..Options::default()
    };
    let mut judge = Judge::new(header, settings, &options);
    judge.follower.untold = true;
    judge
}

impl Judge {
    /// The node of `step` has a line.
    pub(crate) fn has_line(&mut self, step: &Step) {
        if let Some(id) = self.id(&step.node) {
            self.all.insert(id);
        }
    }
}

/// The correspondence table above, for `plimsoll replay --correspondence`.
pub fn correspondence() -> String {
    let rows = include_str!("mod.rs").lines();
    let table = rows.filter_map(|line| line.strip_prefix("//! |"));
    table.map(|row| format!("|{row}\n")).collect()
}
