//! Reduced traces: of a run that diverges, lines of which none can be spared.
//!
//! A line may be left out where what is left diverges still, at the same line,
//! for the same rule, with the same facts and where the same was expected. So the
//! reduced trace is a run that the rules explain, up to the one line that they
//! do not.
//!
//! Lines are left out in stretches, of the run and of each node, first long ones
//! and then short ones (Zeller and Hildebrandt, "Simplifying and Isolating
//! Failure-Inducing Input", 2002); then each with those that cannot stay without
//! it; and in the end one by one, until none is left that can go. A try is judged
//! from the first line that goes until it shows that it fails (`pass`). What a
//! pass has left out is judged as a trace of its own before it counts, and what is
//! left in the end was seen to be needed, each line by a judgement without it that
//! ends otherwise (`search`). A line that was tried is tried again only when one
//! of those is gone that it failed with.
//!
//! What is left out is never repaired: a line that shows a state shows it still,
//! so whatever the state rests on stays too.

mod contract;
mod pass;
mod search;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::{fs, io};

use crate::replay::runner::Event;
use crate::replay::whole::Whole;
use crate::replay::{InputError, Judged, Options, format_of};
use crate::same_file::is_among;
use crate::verdict::Divergence;
use search::Search;

/// How many lines are judged at most before the search ends: a number, and no
/// time, so that the same trace is always reduced to the same lines.
pub const EFFORT: u64 = 1_000_000_000;

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
    /// [`EFFORT`] was spent before, or the search was cancelled.
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
/// that were judged together. What was found until `cancel` is set is written, too.
///
/// # Errors
/// When the trace cannot be read again, or a file cannot be written.
pub fn reduce(
    judged: &Judged,
    found: &Divergence,
    options: &Options,
    out: &Path,
    cancel: &AtomicBool,
) -> Result<Reduced, Failure> {
    let outs = match &judged.inputs[..] {
        [_] => vec![out.to_path_buf()],
        inputs => names(out, inputs),
    };
    let inputs = || judged.inputs.iter().map(PathBuf::as_path);
    if let Some(path) = outs.iter().find(|out| is_among(out, inputs())) {
        return Err(Failure::Same { path: path.clone() });
    }
    let cannot = |error: io::Error| Failure::Write {
        path: out.to_path_buf(),
        error,
    };
    // Before the search, which may take a while. A pipe would be waited for.
    if let Some(path) = outs.iter().find(|out| is_pipe(out)) {
        let (path, error) = (path.clone(), io::Error::other("it is a pipe"));
        return Err(Failure::Write { path, error });
    }
    let is_new = !out.exists();
    let writable = match outs.len() {
        1 => fs::File::options()
            .create(true)
            .append(true)
            .open(out)
            .map(drop),
        _ => fs::create_dir_all(out),
    };
    writable.map_err(cannot)?;
    let reduced = searched(judged, found, options, &outs, cancel);
    if is_new && reduced.is_err() {
        // Nothing that could be taken for a reduced trace stays behind.
        let _ = match outs.len() {
            1 => fs::remove_file(out),
            _ => fs::remove_dir(out),
        };
    }
    reduced
}

/// Whether `path` is a named pipe.
fn is_pipe(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = fs::metadata(path).map(|data| data.file_type());
        kind.is_ok_and(|kind| kind.is_fifo())
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

fn searched(
    judged: &Judged,
    found: &Divergence,
    options: &Options,
    outs: &[PathBuf],
    cancel: &AtomicBool,
) -> Result<Reduced, Failure> {
    let mut files = Vec::new();
    for path in &judged.inputs {
        files.push(Whole::read(path, judged)?);
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
        reason: found.reason(),
        options: Options {
            format: Some(format_of(judged)),
            together: judged.inputs.len() > 1,
            keep_run: false,
            threads: 1,
            ..options.clone()
        },
        scratch: names(scratch.path(), &judged.inputs),
        queued: judged
            .result
            .as_ref()
            .is_ok_and(|verdict| verdict.certificate().storage == "async"),
        behind: Vec::new(),
        window: None,
        failed: HashMap::new(),
        stubborn: HashSet::new(),
        proven: HashMap::new(),
        failed_with: HashMap::new(),
        files,
        tried: 0,
        judged: 0,
        cancel,
    };
    let all = search.all();
    let of = all.len();
    if !search.diverges(&all)? {
        return Err(Failure::Elsewhere {
            path: judged.path.clone(),
        });
    }
    let (kept, minimal) = search.minimise()?;
    write(&search.files, &kept, outs)?;
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

/// Writes the events of `kept`, in the order of the files; `false` where they
/// make no trace.
fn write(files: &[Whole], kept: &[Event], paths: &[PathBuf]) -> Result<bool, Failure> {
    let mut sorted = kept.to_vec();
    sorted.sort_unstable();
    for (file, (whole, path)) in files.iter().zip(paths).enumerate() {
        let of = sorted.iter().filter(|event| event.0 == file);
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
