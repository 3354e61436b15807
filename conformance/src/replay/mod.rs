//! Replay: recorded traces followed with the rules that the checker explores.
//!
//! [`judge`] reads traces, finds their format, and gives each a verdict. The
//! parts, in reading order: [`follow`] is the cluster that takes the steps,
//! [`flights`] the messages in flight, [`blame`] where facts come from, [`order`]
//! and [`course`] find causes before effects, [`live`] judges runs that grow,
//! [`crate::adapters`] tell what each event of a format did, [`inputs`] finds
//! files and formats.

mod ahead;
pub mod blame;
mod committed;
pub mod course;
pub mod faults;
pub mod feed;
pub mod flights;
pub mod follow;
mod held;
pub mod inputs;
pub mod kept;
pub mod ledger;
mod light;
pub mod live;
pub mod names;
pub mod nearest;
pub mod order;
pub mod pattern;
pub mod readings;
pub(crate) mod runner;
pub mod tally;
pub(crate) mod whole;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use plimsoll_model::action::Action;
use plimsoll_trace::TraceError;

pub use inputs::{Format, InputError};

use crate::adapters::{etcd_raft, plimsoll};
use crate::verdict::{Certificate, Divergence, Facts, Ground, Place, Stopped, Verdict};
use follow::{Follower, Moment};
use names::Names;
use tally::Tally;

/// Why a judgement ends before its trace does.
#[derive(Clone, Debug)]
pub enum Stop {
    /// The event has no explanation.
    Diverges(Box<Divergence>),
    /// Something is not modelled.
    Inconclusive(Stopped),
}

/// How traces are judged.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The format; found by content when not given.
    pub format: Option<Format>,
    /// All inputs are the nodes of one run, in no known order between them.
    pub together: bool,
    /// Keep every action of the model, for [`Judged::run`].
    pub keep_run: bool,
    /// What is known of how a trace of etcd-io/raft was recorded.
    pub given: etcd_raft::Given,
    /// How many threads judge, each a trace, or parse ahead where there are
    /// fewer traces; zero: as many as there are processors.
    pub threads: usize,
    /// Judge no line behind this one, where the lines of a file are in order.
    pub until: Option<u64>,
    /// How much is kept of what grows with the run: for how many later messages
    /// of its link a message stays in flight, and as much of everything else
    /// that a later line may rest on. Without it nothing is forgotten.
    pub window: Option<usize>,
    /// Count what goes wrong: messages lost and repeated, crashes.
    pub count_faults: bool,
}

/// The window of a run that is followed while it grows, unless another is given.
pub const WINDOW: usize = 10_000;

/// How many events of a node are judged in a row at the most where something is
/// forgotten.
const TURN: usize = 256;

/// How many events of a file are read ahead there at the most, for what another
/// node waits for.
const AHEAD: usize = 1 << 11;

impl Options {
    /// Whether nothing is given that `explain` does not take.
    pub fn are_plain(&self) -> bool {
        !self.given.says_something()
    }

    /// Whether what is given can be given for the format of `path`.
    fn fit(&self, format: Format, path: Option<&PathBuf>) -> Result<(), InputError> {
        match format {
            Format::Plimsoll if self.given.says_something() => Err(InputError::Given {
                path: path.cloned().unwrap_or_default(),
            }),
            Format::Plimsoll | Format::EtcdRaft => Ok(()),
        }
    }

    /// The threads beside the judging one that parse the lines of one run.
    pub(crate) fn parsers(&self, inputs: usize) -> Option<Arc<ahead::Parsers>> {
        ahead::Parsers::new(self.threads.saturating_sub(1).min(inputs))
    }

    /// In which order the events of a run are judged: as they are read, if that
    /// is the true order.
    pub(crate) fn order(&self, as_read: bool) -> course::Order {
        course::Order {
            as_read: as_read.then_some(self.until),
            turn: self.window.map_or(usize::MAX, |window| TURN.min(window)),
            ahead: self.window.map_or(course::Order::OF_NODES.ahead, |_| AHEAD),
        }
    }
}

/// A trace and what was found.
#[derive(Debug)]
pub struct Judged {
    /// The input, or the first of several judged together.
    pub path: PathBuf,
    /// All inputs.
    pub inputs: Vec<PathBuf>,
    /// The verdict, or why there is none.
    pub result: Result<Verdict, InputError>,
    /// The last actions before the end, oldest first.
    pub moments: VecDeque<Moment>,
    /// The run of the model, when it was asked for.
    pub run: Option<Run>,
    /// What is wrong with a line behind the verdict, which it does not change.
    pub unread: Option<InputError>,
}

/// A run of the model that explains a trace.
#[derive(Clone, Debug)]
pub struct Run {
    /// What the checker has to explore to find it.
    pub scenario: plimsoll_model::scenario::Scenario,
    /// The actions, from the initial state.
    pub actions: Vec<Action>,
    /// The servers at the end, as the follower has them.
    pub servers: Vec<plimsoll_model::server::Server<plimsoll_model::log::GrowingLog>>,
}

/// Judges every trace in `paths` (files, or folders of them), each on one
/// thread.
pub fn judge(paths: &[PathBuf], options: &Options) -> Vec<Judged> {
    let groups = match inputs::groups(paths, options.together) {
        Ok(groups) => groups,
        Err((path, error)) => {
            return vec![Judged {
                inputs: vec![path.clone()],
                path,
                result: Err(error),
                moments: VecDeque::new(),
                run: None,
                unread: None,
            }];
        }
    };
    let processors = || thread::available_parallelism().map_or(1, |n| n.get());
    let threads = match options.threads {
        0 => processors(),
        threads => threads.min(256),
    };
    let each = Options {
        threads: threads / groups.len().max(1),
        ..options.clone()
    };
    // In the order of the inputs, whoever judges which.
    let mut judged: Vec<Option<Judged>> = groups.iter().map(|_| None).collect();
    let groups_count = groups.len();
    let todo = Mutex::new(groups.into_iter().zip(&mut judged));
    let work = || {
        loop {
            let next = todo.lock().map(|mut todo| todo.next());
            let Ok(Some((files, slot))) = next else {
                return;
            };
            *slot = Some(one(files, &each));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(groups_count) {
            scope.spawn(work);
        }
        work();
    });
    drop(todo);
    judged.into_iter().flatten().collect()
}

fn one(files: Vec<PathBuf>, options: &Options) -> Judged {
    let mut moments = VecDeque::new();
    let (mut run, mut unread) = (None, None);
    let result = verdict(&files, options, &mut moments, &mut run, &mut unread);
    Judged {
        path: files.first().cloned().unwrap_or_default(),
        inputs: files,
        result,
        moments,
        run,
        unread,
    }
}

/// The format in which a trace was judged.
pub(crate) fn format_of(judged: &Judged) -> Format {
    let verdict = judged.result.as_ref();
    match verdict.map(|verdict| verdict.certificate().format.as_str()) {
        Ok("etcd-raft") => Format::EtcdRaft,
        _ => Format::Plimsoll,
    }
}

/// What an adapter's judge leaves behind.
pub struct Judgement {
    /// The files, each with its XXH3.
    pub inputs: Vec<(PathBuf, String)>,
    /// Events read.
    pub events: u64,
    /// Events explained.
    pub consumed: u64,
    /// Why it ended early.
    pub stop: Option<Stop>,
    /// The cluster at the end.
    pub follower: Follower,
    /// How many facts were checked, by kind.
    pub facts: std::collections::BTreeMap<&'static str, Facts>,
    /// The nodes: the name in the model, the name in the trace.
    pub nodes: Vec<(String, String)>,
    /// Whose settings were followed.
    pub dialect: plimsoll_model::settings::Dialect,
    /// The storage contract, and where the evidence for it stands.
    pub storage: (String, String),
    /// How many other readings were followed.
    pub readings: u64,
    /// Why the lines behind the verdict cannot all be read, where they cannot.
    pub unread: Option<InputError>,
}

fn verdict(
    files: &[PathBuf],
    options: &Options,
    moments: &mut VecDeque<Moment>,
    run: &mut Option<Run>,
    unread: &mut Option<InputError>,
) -> Result<Verdict, InputError> {
    let format = match options.format {
        Some(format) => format,
        None => inputs::detect(files)?,
    };
    options.fit(format, files.first())?;
    let mut judgement = match format {
        Format::EtcdRaft => etcd_raft::judge(files, options)?,
        Format::Plimsoll => plimsoll::judge(files, options)?,
    };
    *unread = judgement.unread.take();
    let (verdict, seen, made) = verdict_of(judgement, format);
    (*moments, *run) = (seen, made);
    Ok(verdict)
}

/// The verdict, the last moments before it, and the run if it was kept.
pub(crate) fn verdict_of(
    judgement: Judgement,
    format: Format,
) -> (Verdict, VecDeque<Moment>, Option<Run>) {
    let mut certificate = Certificate {
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        rule_book: format!("{:016x}", plimsoll_model::rules::hash()),
        inputs: judgement.inputs,
        format: format.name().to_owned(),
        settings: judgement.dialect.name().to_owned(),
        storage: judgement.storage.0,
        storage_evidence: judgement.storage.1,
        events: judgement.events,
        consumed: judgement.consumed,
        switches: judgement.follower.switches.clone(),
        nodes: judgement.nodes,
        facts: judgement.facts,
        readings: judgement.readings,
        ..Certificate::default()
    };
    let follower = judgement.follower;
    certificate.faults = follower.flights.ledger.as_ref().map(|l| l.faults());
    let agreed = follower.agreed(&certificate.nodes);
    let names = Names::new(&certificate.nodes);
    let named = |counts: &Tally<&'static str, u64>| {
        let counts = counts.map().into_iter();
        counts.map(|(k, v)| (k.to_owned(), v)).collect()
    };
    certificate.actions = named(&follower.actions);
    certificate.silent = named(&follower.silent);
    let branches = follower.branches.map().into_iter();
    certificate.branches = branches.map(|(b, n)| (b.name(), n)).collect();
    let roles = follower.roles.iter();
    let roles = roles.map(|((from, to), n)| (format!("{} > {}", from.name(), to.name()), *n));
    certificate.roles = roles.collect();
    let run = follower.run.as_ref().map(|actions| Run {
        scenario: scenario(&follower),
        actions: actions.clone(),
        servers: follower.members().map(|m| m.server.clone()).collect(),
    });
    let moments = follower.moments;
    let verdict = match judgement.stop {
        Some(Stop::Diverges(mut divergence)) => {
            divergence.agreed = agreed;
            Verdict::Diverges(Box::new(divergence.named(&names)), certificate)
        }
        Some(Stop::Inconclusive(mut stopped)) => {
            // What is said of logs that have ended has the names of the trace.
            if stopped.ground != Ground::LogEnded {
                stopped.what = names.text(&stopped.what);
            }
            Verdict::Inconclusive(stopped, certificate)
        }
        None if judgement.consumed == 0 => Verdict::Inconclusive(
            Stopped {
                ground: Ground::NothingConsumed,
                place: None,
                what: "nothing".to_owned(),
            },
            certificate,
        ),
        None => Verdict::Conforms(certificate),
    };
    (verdict, moments, run)
}

/// The scenario in which the checker's own next-state function takes the
/// actions of this run: the same rules, a network that does anything, and no
/// bound.
fn scenario(follower: &Follower) -> plimsoll_model::scenario::Scenario {
    let bounds = plimsoll_model::bounds::Bounds {
        servers: follower.members().count().try_into().unwrap_or(u8::MAX),
        bootstrap: follower.bootstrap_entries(),
        max_term: u32::MAX,
        max_log: u32::MAX,
        max_batch: u32::MAX,
        resend: true,
        partial_writes: true,
        writes: u32::MAX,
        reads: u32::MAX,
        restarts: u32::MAX,
        voters: follower.voters(),
        transfers: u32::MAX,
        changes: u32::MAX,
        joint_size: u32::MAX,
        explicit_leave: true,
        compactions: u32::MAX,
        ..Default::default()
    };
    plimsoll_model::scenario::Scenario {
        prefix: &[],
        settings: follower.settings,
        network: plimsoll_model::network::NetworkKind::Set,
        bounds,
    }
}

/// The event at `line` of `path`, for whoever has only the line.
pub(crate) fn place(path: &Path, line: u64, event: u64) -> Place {
    Place {
        path: path.into(),
        line,
        event,
    }
}

impl From<TraceError> for InputError {
    fn from(error: TraceError) -> Self {
        InputError::Trace(error)
    }
}
