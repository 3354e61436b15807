//! Reduced traces: of a run that diverges, lines of which none can be spared.
//!
//! A line may be left out where what is left diverges still, at the same line,
//! for the same rule, with the same facts and where the same was expected. So the
//! reduced trace is a run that the rules explain, up to the one line that they
//! do not. Lines are left out in stretches, of a
//! file and of a node, first long ones and then short ones (Zeller and
//! Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002), and
//! in the end one by one, until none is left that can go.
//!
//! What is left out is never repaired: a line that shows a state shows it still,
//! so whatever the state rests on stays too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::replay::names::Names;
use crate::replay::runner::{Event, Runner};
use crate::replay::whole::Whole;
use crate::replay::{self, InputError, Judged, Options, Stop, format_of};
use crate::same_file::is_among;
use crate::verdict::{Divergence, Verdict};

/// How many lines are judged at most before the search gives up.
pub const EFFORT: u64 = 20_000_000;

/// The longest stretches of a node that are tried at every place, in lines: a
/// message, what it causes, and the answer go together.
const SLIDING: usize = 6;

/// How a trace was reduced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduced {
    /// Lines of events in the reduced trace.
    pub kept: usize,
    /// Lines of events in the whole trace.
    pub of: usize,
    /// How many shorter traces were judged.
    pub tried: u64,
    /// Whether each line that is left was seen to be needed. Otherwise
    /// [`EFFORT`] was spent before.
    pub minimal: bool,
}

/// Why there is no reduced trace.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The trace cannot be read.
    #[error("{0}")]
    Input(#[from] InputError),
    /// A file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A trace would be written over.
    #[error("{}: it is the trace that is reduced", path.display())]
    Same {
        /// The file.
        path: PathBuf,
    },
    /// Judged by itself, what was kept does not diverge.
    #[error("the events of {} alone do not diverge: nothing to reduce", path.display())]
    Elsewhere {
        /// The input.
        path: PathBuf,
    },
}

/// Reduces the trace of `judged`, which diverges as `found` says, and writes
/// what is left to `out`: a file, or a folder with a file for each of several
/// that were judged together.
///
/// # Errors
/// When the trace cannot be read again, or a file cannot be written.
pub fn reduce(
    judged: &Judged,
    found: &Divergence,
    options: &Options,
    out: &Path,
) -> Result<Reduced, Failure> {
    let outs = match &judged.inputs[..] {
        [_] => vec![out.to_path_buf()],
        inputs => names(out, inputs),
    };
    let inputs = || judged.inputs.iter().map(PathBuf::as_path);
    if let Some(path) = outs.iter().find(|out| is_among(out, inputs())) {
        return Err(Failure::Same { path: path.clone() });
    }
    // Before the search, which may take a while.
    let writable = match outs.len() {
        1 => fs::File::options()
            .create(true)
            .append(true)
            .open(out)
            .map(drop),
        _ => fs::create_dir_all(out),
    };
    writable.map_err(|error| Failure::Write {
        path: out.to_path_buf(),
        error,
    })?;
    let mut files = Vec::new();
    for path in &judged.inputs {
        files.push(Whole::read(path, format_of(judged))?);
    }
    let scratch = tempfile::tempdir().map_err(|error| Failure::Write {
        path: std::env::temp_dir(),
        error,
    })?;
    let at = judged
        .inputs
        .iter()
        .position(|path| **path == *found.place.path);
    let mut search = Search {
        target: (
            at.unwrap_or(0),
            usize::try_from(found.place.event).unwrap_or(usize::MAX),
        ),
        runner: Runner::new(&files, judged, options),
        reason: found.reason(),
        options: Options {
            format: Some(format_of(judged)),
            together: judged.inputs.len() > 1,
            keep_run: false,
            threads: 1,
            ..options.clone()
        },
        scratch: names(scratch.path(), &judged.inputs),
        files,
        tried: 0,
        judged: 0,
    };
    let all = search.all();
    let of = all.len();
    if !search.diverges(&all)? {
        return Err(Failure::Elsewhere {
            path: judged.path.clone(),
        });
    }
    let (kept, minimal) = search.minimise(all)?;
    search.write(&kept, &outs)?;
    Ok(Reduced {
        kept: kept.len(),
        of,
        tried: search.tried,
        minimal,
    })
}

/// A plain file in `folder` for each of `inputs`, called as they are; numbered
/// where that would give two the same name.
fn names(folder: &Path, inputs: &[PathBuf]) -> Vec<PathBuf> {
    let plain = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name
            .strip_suffix(".gz")
            .or(name.strip_suffix(".zst"))
            .unwrap_or(&name);
        name.to_owned()
    };
    let all: Vec<String> = inputs.iter().map(plain).collect();
    let numbered =
        |(i, name): (usize, &String)| match all.iter().filter(|other| *other == name).count() {
            1 => folder.join(name),
            _ => folder.join(format!("{}-{name}", i + 1)),
        };
    all.iter().enumerate().map(numbered).collect()
}

struct Search {
    files: Vec<Whole>,
    /// The event that is not explained.
    target: Event,
    /// Why, in the names of the trace.
    reason: String,
    options: Options,
    scratch: Vec<PathBuf>,
    /// Judges event by event, where that finds the target as well.
    runner: Option<Runner>,
    tried: u64,
    /// Events judged so far.
    judged: u64,
}

impl Search {
    fn all(&self) -> Vec<Event> {
        let files = self.files.iter().enumerate();
        files
            .flat_map(|(file, whole)| (0..whole.len()).map(move |event| (file, event)))
            .collect()
    }

    /// Writes the events of `kept`, in the order of the files; `false` where
    /// they make no trace.
    fn write(&self, kept: &[Event], paths: &[PathBuf]) -> Result<bool, Failure> {
        let kept: BTreeSet<Event> = kept.iter().copied().collect();
        for (file, (whole, path)) in self.files.iter().zip(paths).enumerate() {
            let of = kept.range((file, 0)..(file + 1, 0));
            let of: Vec<usize> = of.map(|(_, event)| *event).collect();
            let written = whole.write(&of, path).map_err(|error| Failure::Write {
                path: path.clone(),
                error,
            })?;
            if !written {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether what is kept, judged as a trace of its own, diverges at the same
    /// line for the same reason.
    fn diverges(&mut self, kept: &[Event]) -> Result<bool, Failure> {
        self.tried += 1;
        self.judged += kept.len() as u64;
        if !self.write(kept, &self.scratch)? {
            return Ok(false);
        }
        let judged = replay::judge(&self.scratch, &self.options);
        let [judged] = &judged[..] else {
            return Ok(false);
        };
        let Ok(Verdict::Diverges(found, _)) = &judged.result else {
            return Ok(false);
        };
        let file = self
            .scratch
            .iter()
            .position(|path| *path == *found.place.path);
        let is_before = |event: &&Event| event.0 == self.target.0 && **event < self.target;
        let before = kept.iter().filter(is_before).count() as u64;
        let at = (file, found.place.event) == (Some(self.target.0), before);
        Ok(at && found.reason() == self.reason)
    }

    /// Judges an event that was kept.
    fn judge(&mut self, runner: &mut Runner, event: Event) -> Result<(), Stop> {
        self.judged += 1;
        let (file, at) = event;
        runner.judge(&self.files[file], at)
    }

    /// Whether `rest`, after what `base` has judged and without the events of
    /// `out`, ends as the whole trace does.
    fn seems(&mut self, base: &Runner, rest: &[Event], out: &BTreeSet<Event>) -> bool {
        // A copy costs what it holds.
        self.judged += base.judged() / 4;
        let mut runner = base.clone();
        for &event in rest.iter().filter(|event| !out.contains(event)) {
            if let Err(stop) = self.judge(&mut runner, event) {
                let Stop::Diverges(found) = stop else {
                    return false;
                };
                let found = found.named(&Names::new(&runner.nodes()));
                return event == self.target && found.reason() == self.reason;
            }
        }
        false
    }

    fn spent(&self) -> bool {
        self.judged > EFFORT
    }

    /// Leaves out what can be left out; says whether all that is left was seen
    /// to be needed.
    fn minimise(&mut self, all: Vec<Event>) -> Result<(Vec<Event>, bool), Failure> {
        let mut kept = all;
        // What was not judged before the target explains nothing.
        let order = self.runner.as_ref();
        let order = order.map(|runner| runner.order(&self.files, self.target));
        if let Some(order) = order
            && self.diverges(&order)?
        {
            kept = order;
        }
        if let Some(runner) = self.runner.take()
            && self.seems(&runner, &kept, &BTreeSet::new())
        {
            self.runner = Some(runner);
        }
        let mut length = kept.len();
        while length > 1 {
            length = length.div_ceil(2);
            self.sweep(&mut kept, length, length, false)?;
        }
        // What is left is tried again until nothing more goes.
        loop {
            let before = kept.len();
            for length in 1..=SLIDING {
                self.sweep(&mut kept, length, 1, false)?;
            }
            if kept.len() < before && !self.spent() {
                continue;
            }
            self.sweep(&mut kept, 1, 1, true)?;
            if self.spent() {
                return Ok((kept, false));
            }
            if kept.len() == before {
                return Ok((kept, true));
            }
        }
    }

    /// Tries to leave out stretches of `length` events, `step` apart: of the
    /// whole run, then of each node. `exact` has every try judged as a trace of
    /// its own; otherwise only those that seem right.
    fn sweep(
        &mut self,
        kept: &mut Vec<Event>,
        length: usize,
        step: usize,
        exact: bool,
    ) -> Result<(), Failure> {
        let mut lanes: Vec<Option<(usize, String)>> = vec![None];
        // Stretches of one event are the same in either way.
        for &(file, event) in kept.iter().filter(|_| length > 1) {
            let lane = Some((file, self.files[file].node(event).to_owned()));
            if !lanes.contains(&lane) {
                lanes.push(lane);
            }
        }
        for lane in &lanes {
            let mut of: Vec<Event> = Vec::new();
            for &event in kept.iter().filter(|event| **event != self.target) {
                let is_of = |(file, node): &(usize, String)| {
                    event.0 == *file && self.files[event.0].node(event.1) == node
                };
                if lane.as_ref().is_none_or(is_of) {
                    of.push(event);
                }
            }
            let mut base = self.runner.clone().filter(|_| !exact);
            let (mut judged, mut start) = (0, 0);
            while start < of.len() && !self.spent() {
                let stretch = start..(start + length).min(of.len());
                let out: BTreeSet<Event> = of[stretch.clone()].iter().copied().collect();
                let mut seems = true;
                if let Some(base) = &mut base {
                    while kept[judged] != of[start] {
                        // It was judged so before.
                        let _ = self.judge(base, kept[judged]);
                        judged += 1;
                    }
                    seems = self.seems(base, &kept[judged..], &out);
                }
                let less = || kept.iter().copied().filter(|event| !out.contains(event));
                let less: Vec<Event> = less().collect();
                if seems && self.diverges(&less)? {
                    *kept = less;
                    of.drain(stretch);
                } else {
                    start += step;
                }
            }
        }
        Ok(())
    }
}
