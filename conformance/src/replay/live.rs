//! A run that is judged while its files grow: `plimsoll replay --follow`.
//!
//! What is read is judged at once, as far as it goes; a divergence ends it. What
//! lies further back than the window is forgotten, so that a run of any length
//! is judged in the same memory.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::course::{Moved, Waiting};
use super::feed::Feed;
use super::follow::{Follower, Moment};
use super::{Format, InputError, Judged, Judgement, Options, Stop, inputs};
use crate::adapters::{etcd_raft, plimsoll};
use crate::verdict::{Certificate, Ground, Place, Stopped, Verdict};

/// How long nothing is asked of files that did not grow: at first, and at last.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// How long is judged before it is looked whether somebody wants an end.
const STRETCH: Duration = Duration::from_millis(200);

/// How long a line waits before it is said for whom.
const PATIENCE: Duration = Duration::from_secs(5);

/// A format's judge of a run that grows.
pub(crate) trait Running {
    /// Judges on; [`Moved::Stopped`] once the verdict cannot change any more.
    ///
    /// # Errors
    /// When an input cannot be read on or holds something that is no event.
    fn advance(&mut self, until: Option<Instant>) -> Result<Moved, InputError>;

    /// Takes what the inputs hold now for all that they will ever hold.
    fn close(&mut self);

    /// How many events were read.
    fn events(&self) -> u64;

    /// Whose lines wait.
    fn waiting(&self) -> Vec<Waiting>;

    /// Of each node the last line that was judged, and how many wait.
    fn positions(&self) -> Vec<(String, Option<Place>, usize)>;

    /// The inputs.
    fn feeds(&self) -> Vec<&Feed>;

    /// How much is kept, and how much was forgotten.
    fn kept(&self) -> Kept;

    /// What was found; `None` where nothing was read that tells how to judge.
    fn judgement(self: Box<Self>) -> Option<Judgement>;
}

/// How much is kept of what grows with a run, by kind.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// How many of each kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// How many were forgotten.
    pub forgotten: u64,
}

impl Kept {
    /// What a cluster keeps.
    pub(crate) fn of(follower: &Follower) -> Self {
        let mut kept = Kept {
            forgotten: follower.flights.forgotten(),
            ..Kept::default()
        };
        for (kind, n) in follower.kept() {
            kept.note(kind, n);
        }
        kept
    }

    /// Notes that `n` of a kind are kept.
    pub(crate) fn note(&mut self, kind: &'static str, n: usize) {
        *self.kinds.entry(kind).or_default() += n as u64;
    }
}

/// An input when the end came.
#[derive(Clone, Debug, serde::Serialize)]
pub struct InputAt {
    /// The file; `-` is the standard input.
    pub path: String,
    /// How often another file was found in its place.
    pub rotations: u64,
    /// Whether nobody has ever written it.
    pub missing: bool,
    /// Whether it ends in the middle of a line, which counts for nothing.
    pub torn: bool,
}

/// A node when the end came.
#[derive(Clone, Debug, serde::Serialize)]
pub struct NodeAt {
    /// The node, as the trace calls it.
    pub node: String,
    /// Its last line that was judged.
    pub judged: Option<Place>,
    /// How many of its lines were read and wait.
    pub waiting: u64,
    /// Whose message the first of them waits for.
    pub awaits: Option<String>,
}

/// How a run was followed.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Followed {
    /// What ended it: `verdict`, `signal`, `end` of all inputs, or `error`.
    pub ended_by: &'static str,
    /// For how many later messages of its link a message is kept.
    pub window: u64,
    /// The inputs.
    pub inputs: Vec<InputAt>,
    /// The nodes, by name.
    pub nodes: Vec<NodeAt>,
    /// What is kept, by kind.
    pub kept: BTreeMap<&'static str, u64>,
    /// How much was forgotten.
    pub forgotten: u64,
}

/// Who asks for an end, and who is told what happens meanwhile.
pub struct Watch<'a> {
    /// Set once somebody wants an end: what can be judged then is judged.
    pub enough: &'a AtomicBool,
    /// Whether nobody writes on by then. Otherwise what a node waits for may be
    /// written a moment later, so that it says nothing that it is not there.
    pub complete: bool,
    /// Is told, now and then, why nothing moves.
    pub notice: &'a mut dyn FnMut(&str),
}

/// Follows the run in `paths` until a verdict falls, somebody wants an end, or
/// no input can grow any more.
pub fn follow(
    paths: &[PathBuf],
    options: &Options,
    watch: &mut Watch<'_>,
) -> (Judged, Option<Followed>) {
    let options = Options {
        window: Some(options.window.unwrap_or(super::WINDOW)),
        ..options.clone()
    };
    let mut judged = Judged {
        path: paths.first().cloned().unwrap_or_default(),
        inputs: paths.to_vec(),
        result: Ok(nothing(None, Vec::new())),
        moments: VecDeque::new(),
        run: None,
        unread: None,
    };
    let followed = match run(paths, &options, watch) {
        Ok(found) => {
            judged.result = Ok(found.verdict);
            judged.moments = found.moments;
            Some(found.followed)
        }
        Err((error, followed)) => {
            judged.result = Err(error);
            followed.map(|followed| *followed)
        }
    };
    (judged, followed)
}

struct Found {
    verdict: Verdict,
    moments: VecDeque<Moment>,
    followed: Followed,
}

/// The verdict on a run of which nothing was read.
fn nothing(format: Option<Format>, inputs: Vec<(PathBuf, String)>) -> Verdict {
    let certificate = Certificate {
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        rule_book: format!("{:016x}", plimsoll_model::rules::hash()),
        inputs,
        format: format.map_or_else(String::new, |format| format.name().to_owned()),
        ..Certificate::default()
    };
    Verdict::Inconclusive(
        Stopped {
            ground: Ground::NothingConsumed,
            place: None,
            what: "nothing".to_owned(),
        },
        certificate,
    )
}

/// Why a run could not be followed further, and how far it was.
type Broken = (InputError, Option<Box<Followed>>);

fn run(paths: &[PathBuf], options: &Options, watch: &mut Watch<'_>) -> Result<Found, Broken> {
    let early = |error: InputError| (error, None);
    let mut feeds = Vec::new();
    for path in inputs::growing(paths).map_err(early)? {
        feeds.push(Feed::growing(&path));
    }
    let Some((format, ended_by)) = format(&mut feeds, options, watch).map_err(early)? else {
        let hashes = hashes(feeds.iter()).map_err(early)?;
        let at = |feed: &Feed| InputAt::of(feed);
        return Ok(Found {
            verdict: nothing(None, hashes),
            moments: VecDeque::new(),
            followed: Followed {
                ended_by: "signal",
                window: window(options),
                inputs: feeds.iter().map(at).collect(),
                nodes: Vec::new(),
                kept: BTreeMap::new(),
                forgotten: 0,
            },
        });
    };
    options.fit(format, paths.first()).map_err(early)?;
    let mut running: Box<dyn Running> = match format {
        Format::EtcdRaft => Box::new(etcd_raft::Live::new(feeds, options)),
        Format::Plimsoll => Box::new(plimsoll::Run::new(feeds, options)),
    };
    let (ended_by, overdue) = match ended_by {
        Some(ended_by) => (ended_by, None),
        None => on(running.as_mut(), watch).map_err(|error| {
            // What was judged before it holds all the same.
            let followed = Followed::of(running.as_ref(), "error", options);
            (error, Some(Box::new(followed)))
        })?,
    };
    let followed = Followed::of(running.as_ref(), ended_by, options);
    let hashes = hashes(running.feeds().into_iter()).map_err(early)?;
    let missing = running.feeds().into_iter().find(|feed| feed.is_missing());
    let missing = missing.map(|feed| feed.path().to_path_buf());
    let (verdict, moments) = match running.judgement() {
        Some(mut judgement) => {
            let stopped = overdue.or_else(|| missing.map(never_written));
            judgement.stop = judgement.stop.or(stopped.map(Stop::Inconclusive));
            judgement.inputs = hashes;
            let (verdict, moments, _) = super::verdict_of(judgement, format);
            (verdict, moments)
        }
        None => (nothing(Some(format), hashes), VecDeque::new()),
    };
    Ok(Found {
        verdict,
        moments,
        followed,
    })
}

/// The inputs, each with its XXH3.
pub fn hashes<'a>(
    feeds: impl Iterator<Item = &'a Feed>,
) -> Result<Vec<(PathBuf, String)>, InputError> {
    feeds.map(Feed::hash).collect()
}

/// A run of which one input was never there says nothing of that node.
fn never_written(path: PathBuf) -> Stopped {
    Stopped {
        ground: Ground::LogEnded,
        place: None,
        what: format!("{} was never written", path.display()),
    }
}

/// The format, once a line tells; `None` when somebody wants an end before.
fn format(
    feeds: &mut [Feed],
    options: &Options,
    watch: &mut Watch<'_>,
) -> Result<Option<(Format, Option<&'static str>)>, InputError> {
    let mut absent = Absent::new();
    loop {
        if let Some(format) = options.format {
            return Ok(Some((format, None)));
        }
        let mut ended = true;
        for feed in feeds.iter_mut() {
            let path = feed.path().to_path_buf();
            if let Some(line) = feed.first_line()? {
                let format = inputs::format_of(line);
                let unknown = InputError::UnknownFormat { path };
                return format.map(|format| Some((format, None))).ok_or(unknown);
            }
            ended &= feed.has_ended();
        }
        if ended {
            return Ok(Some((Format::Plimsoll, Some("end"))));
        }
        if watch.enough.load(Ordering::Relaxed) {
            return Ok(None);
        }
        absent.look(feeds.iter(), watch);
        std::thread::sleep(PAUSE.1);
    }
}

/// Files that nobody has written: a name may be misspelled.
struct Absent {
    since: Instant,
    told: bool,
}

impl Absent {
    fn new() -> Self {
        Absent {
            since: Instant::now(),
            told: false,
        }
    }

    /// Says once which files are not there after a while.
    fn look<'a>(&mut self, feeds: impl Iterator<Item = &'a Feed>, watch: &mut Watch<'_>) {
        if self.told || self.since.elapsed() < PATIENCE {
            return;
        }
        self.told = true;
        for feed in feeds.filter(|feed| feed.is_missing()) {
            let path = feed.path().display();
            (watch.notice)(&format!("{path}: nobody has written it yet"));
        }
    }
}

/// Lines that wait, and since when.
#[derive(Default)]
struct Patience(Vec<(Waiting, Instant, bool)>);

impl Patience {
    /// These wait now.
    fn look(&mut self, waiting: Vec<Waiting>) {
        self.0.retain(|(known, ..)| waiting.contains(known));
        for new in waiting {
            if !self.0.iter().any(|(known, ..)| *known == new) {
                self.0.push((new, Instant::now(), false));
            }
        }
    }

    /// Those that have waited for long and of which nobody was told.
    fn untold(&mut self) -> Vec<String> {
        let long = self.0.iter_mut();
        let long = long.filter(|(_, since, told)| !told && since.elapsed() >= PATIENCE);
        let told = long.map(|(waiting, _, told)| {
            *told = true;
            who_waits(waiting)
        });
        told.collect()
    }

    /// Why a run says nothing in which somebody has waited for long, or waits for
    /// a node that is not among those `met`.
    fn overdue(&self, met: &[(String, Option<Place>, usize)]) -> Option<Stopped> {
        let is_met = |awaited: &String| met.iter().any(|(node, ..)| node == awaited);
        let stopped = |waiting: &Waiting, what| Stopped {
            ground: Ground::LogEnded,
            place: Some(waiting.place.clone()),
            what,
        };
        let mut all = self.0.iter();
        let never = all.find_map(|(waiting, ..)| {
            let node = waiting.awaits.as_ref().filter(|node| !is_met(node))?;
            let what = format!("{}, and no line of {node} was read", who_waits(waiting));
            Some(stopped(waiting, what))
        });
        never.or_else(|| {
            let mut long = self.0.iter();
            let (waiting, ..) = long.find(|(_, since, _)| since.elapsed() >= PATIENCE)?;
            Some(stopped(waiting, who_waits(waiting)))
        })
    }
}

/// Judges until there is an end; says which, and what has waited in vain.
fn on(
    running: &mut dyn Running,
    watch: &mut Watch<'_>,
) -> Result<(&'static str, Option<Stopped>), InputError> {
    let (mut seen, mut pause) = (0, PAUSE.0);
    let (mut patience, mut absent) = (Patience::default(), Absent::new());
    loop {
        let enough = watch.enough.load(Ordering::Relaxed);
        if enough && watch.complete {
            running.close();
        }
        let moved = running.advance(Some(Instant::now() + STRETCH))?;
        match moved {
            Moved::Stopped => return Ok(("verdict", None)),
            Moved::Ended if enough => return Ok(("signal", None)),
            Moved::Ended => return Ok(("end", None)),
            Moved::More | Moved::Waits => {}
        }
        absent.look(running.feeds().into_iter(), watch);
        patience.look(running.waiting());
        for text in patience.untold() {
            (watch.notice)(&text);
        }
        if moved == Moved::More {
            continue;
        }
        if enough {
            return Ok(("signal", patience.overdue(&running.positions())));
        }
        let events = running.events();
        if events != seen {
            (seen, pause) = (events, PAUSE.0);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE.1);
    }
}

/// Who waits for whom, in a sentence.
fn who_waits(waiting: &Waiting) -> String {
    let (path, line) = (waiting.place.path.display(), waiting.place.line);
    let what = match &waiting.awaits {
        Some(node) => format!("for what node {node} sent"),
        None => "for what another node's lines show".to_owned(),
    };
    format!("node {} waits {what} ({path}:{line})", waiting.node)
}

fn window(options: &Options) -> u64 {
    options.window.unwrap_or(super::WINDOW) as u64
}

impl InputAt {
    fn of(feed: &Feed) -> Self {
        InputAt {
            path: feed.path().display().to_string(),
            rotations: feed.rotations(),
            missing: feed.is_missing(),
            torn: feed.is_torn(),
        }
    }
}

impl Followed {
    fn of(running: &dyn Running, ended_by: &'static str, options: &Options) -> Self {
        let waiting = running.waiting();
        let nodes = running.positions().into_iter();
        let nodes = nodes.map(|(node, judged, heads)| {
            let first = waiting.iter().find(|lane| lane.node == node);
            NodeAt {
                awaits: first.and_then(|lane| lane.awaits.clone()),
                node,
                judged,
                waiting: heads as u64,
            }
        });
        let kept = running.kept();
        let mut nodes: Vec<NodeAt> = nodes.collect();
        nodes.sort_by(|a, b| a.node.cmp(&b.node));
        Followed {
            ended_by,
            window: window(options),
            inputs: running.feeds().into_iter().map(InputAt::of).collect(),
            nodes,
            kept: kept.kinds,
            forgotten: kept.forgotten,
        }
    }
}
