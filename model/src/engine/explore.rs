//! Asking the exhaustive engine, and what it answers, for any [`Space`].

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

pub use super::disk::Failure;
pub use super::key::Bits;
use super::key::Key;
use super::search::Run;
use super::space::Space;
use super::{End, Progress, checkpoint, trail};

/// How a search is to be done, and what it may spend.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many threads. The answer does not depend on it.
    pub threads: usize,
    /// How many bits stand for a state.
    pub bits: Bits,
    /// Keep three bits a state instead of a fingerprint, in all the memory
    /// there is. Never exhaustive.
    pub bitstate: bool,
    /// Memory for the search, in bytes. What does not fit goes to disk.
    pub memory: u64,
    /// Where files go. Created when it is needed.
    pub dir: PathBuf,
    /// The most bytes of files.
    pub disk_max: Option<u64>,
    /// Write a checkpoint after every level, and when the search stops early.
    pub checkpoints: bool,
    /// Without checkpoints, leave one all the same when it is interrupted.
    pub rescue: bool,
    /// Go on from the checkpoint in `dir`.
    pub resume: bool,
    /// Anything that whoever resumes needs to know; kept in checkpoints.
    pub about: String,
    /// Wall-clock time.
    pub time: Option<Duration>,
    /// Distinct states.
    pub states: Option<u64>,
    /// The most actions in a row.
    pub depth: Option<usize>,
    /// End at the first level in which a property of this mask breaks.
    pub until: u64,
    /// Go on to the end also when properties break.
    pub keep_going: bool,
    /// Set by somebody else, ends the search as interrupted.
    pub interrupt: Arc<AtomicBool>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            bits: Bits::default(),
            bitstate: false,
            memory: 1 << 30,
            dir: temporary(),
            disk_max: None,
            checkpoints: false,
            rescue: false,
            resume: false,
            about: String::new(),
            time: None,
            states: None,
            depth: None,
            until: u64::MAX,
            keep_going: false,
            interrupt: Arc::default(),
        }
    }
}

/// A folder for temporary files that no other search uses.
fn temporary() -> PathBuf {
    static SEARCHES: AtomicU64 = AtomicU64::new(0);
    let number = SEARCHES.fetch_add(1, Relaxed);
    std::env::temp_dir().join(format!("plimsoll-{}-{number}", std::process::id()))
}

/// A shortest run that breaks a property, as fingerprints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    /// The place of the property in [`Space::properties`].
    pub property: usize,
    /// The fingerprints of the states of the run, the initial one first; the
    /// last step, or the last state, breaks the property.
    pub fingerprints: Vec<u128>,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Report {
    /// How it ended.
    pub end: End,
    /// Distinct states at each distance from the initial ones.
    pub levels: Vec<u64>,
    /// Distinct states; under symmetry, orbits.
    pub distinct: u64,
    /// How many states the distinct ones stand for: the sum of the sizes of
    /// their orbits.
    pub represented: u64,
    /// Initial states plus one for every enabled action.
    pub generated: u64,
    /// Successors out of bounds.
    pub beyond: u64,
    /// What the workers counted.
    pub counts: Vec<u64>,
    /// A shortest run for every property that broke.
    pub trails: Vec<Trail>,
    /// Properties broke, as a mask, and why the runs to them cannot be told.
    pub untold: Option<(u64, String)>,
    /// How many threads.
    pub threads: usize,
    /// How many bits stood for a state.
    pub bits: Bits,
    /// Bytes of the visited set in memory, at the end.
    pub table: u64,
    /// The most bytes that were on disk.
    pub disk: u64,
    /// Whether visited states went to disk.
    pub external: bool,
    /// Bitstate: the share of bits set, and how many states are expected to
    /// have been left out, not counting what only they lead to.
    pub bitstate: Option<(f64, f64)>,
    /// From how many complete levels it was resumed.
    pub resumed: Option<usize>,
    /// Where it can be resumed.
    pub checkpoint: Option<PathBuf>,
    /// Wall-clock time, that of resumed runs included.
    pub elapsed: Duration,
}

impl Report {
    /// The report of a search that ended so, and counted nothing.
    pub(super) fn new(end: End) -> Self {
        Report {
            end,
            levels: Vec::new(),
            distinct: 0,
            represented: 0,
            generated: 0,
            beyond: 0,
            counts: Vec::new(),
            trails: Vec::new(),
            untold: None,
            threads: 1,
            bits: Bits::B64,
            table: 0,
            disk: 0,
            external: false,
            bitstate: None,
            resumed: None,
            checkpoint: None,
            elapsed: Duration::ZERO,
        }
    }
}

/// Explores `space`.
///
/// For any number of threads the answer is the same: distinct and generated
/// states, levels, and of the shortest runs that break a property the least by
/// a fixed rule (the last step whose parent has the least fingerprint; then,
/// going back, of the parents of each state the one with the least).
///
/// # Errors
/// When files or memory cannot be had, or there is no checkpoint of this
/// search to resume.
pub fn explore<S: Space>(
    space: &S,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, Failure> {
    match options.bits {
        Bits::B64 => explore_with::<S, u64>(space, options, progress),
        Bits::B128 => explore_with::<S, u128>(space, options, progress),
    }
}

fn explore_with<S: Space, K: Key>(
    space: &S,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, Failure> {
    let mut run = Run::<S, K>::new(space, options)?;
    let end = run.search(progress)?;
    let stopped = !matches!(end, End::Exhausted | End::Found | End::Sampled);
    let keep = options.checkpoints || (options.rescue && end == End::Interrupted);
    let checkpoint = match stopped && keep {
        true => run.checkpoint_at_the_end(end),
        false => None,
    };
    let resumable = checkpoint.is_some();
    let (found, mut report) = run.report(end, checkpoint);
    // Who interrupts a search does not wait for another one.
    let told = match end {
        End::Interrupted => Err(Failure::Cut("interrupted")),
        _ => trail::trails::<S, K>(space, options, &found, report.external),
    };
    let broken = (0..found.len()).filter(|&i| found[i].is_some());
    let broken = broken.fold(0, |mask, i| mask | 1 << i);
    match told {
        Ok(trails) => report.trails = trails,
        Err(_) if broken == 0 => {}
        Err(failure) => report.untold = Some((broken, failure.to_string())),
    }
    if report.untold.is_some() && checkpoint::exists(&options.dir) && options.checkpoints {
        // The last level before it is there to go on from.
        report.checkpoint = Some(options.dir.clone());
    } else if !resumable {
        run.clean();
    }
    Ok(report)
}

/// The packed states of a trail, each with the how many-th successor of the
/// one before it is (0 for the initial state). Under symmetry they are
/// representatives.
///
/// # Errors
/// When the space has no such run.
pub fn packed_run<S: Space>(
    space: &S,
    trail: &Trail,
    bits: Bits,
) -> Result<Vec<(u32, Vec<u8>)>, Failure> {
    let run = match bits {
        Bits::B64 => trail::packed_run::<S, u64>(space, &trail.fingerprints),
        Bits::B128 => trail::packed_run::<S, u128>(space, &trail.fingerprints),
    };
    run.ok_or_else(|| Failure::Lost {
        property: space.properties().swap_remove(trail.property),
    })
}
