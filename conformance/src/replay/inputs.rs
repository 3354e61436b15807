//! Finding files, formats and hashes.

use std::fs;
use std::path::{Path, PathBuf};

use plimsoll_trace::{ErrorKind, Lines, TraceError};

use super::feed::STDIN;
use crate::adapters::etcd_raft;

/// A format of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Plimsoll's own (`docs/trace-format.md`).
    Plimsoll,
    /// etcd-io/raft's.
    EtcdRaft,
}

impl Format {
    /// The name, as flags spell it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Plimsoll => "plimsoll",
            Format::EtcdRaft => "etcd-raft",
        }
    }
}

/// Why an input could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A line or file that is no trace.
    #[error("{0}")]
    Trace(#[source] TraceError),
    /// A path that cannot be read.
    #[error("{}: cannot read: {error}", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// What can be read only once.
    #[error(
        "{}: not a file: what comes through a pipe can be read only once, and \
         replay --follow reads it (--follow - the standard input)",
        path.display()
    )]
    Pipe {
        /// The path.
        path: PathBuf,
    },
    /// A folder without traces.
    #[error("{}: no trace in this folder (*.ndjson, also .gz and .zst)", path.display())]
    NoTrace {
        /// The folder.
        path: PathBuf,
    },
    /// The first line fits no format.
    #[error(
        "{}:1: neither a header of a Plimsoll trace nor an event of etcd-io/raft",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// What only another format leaves open.
    #[error(
        "{}: a Plimsoll trace, whose header says how it was recorded: \
         --storage and --switch are for traces of etcd-io/raft",
        path.display()
    )]
    Given {
        /// The file.
        path: PathBuf,
    },
    /// Files that do not belong together.
    #[error("{}: {why}", path.display())]
    Apart {
        /// The file that differs.
        path: PathBuf,
        /// In what.
        why: String,
    },
}

/// Which files are judged as one trace: each for itself, or all together.
pub(super) fn groups(
    paths: &[PathBuf],
    together: bool,
) -> Result<Vec<Vec<PathBuf>>, (PathBuf, InputError)> {
    let mut files = Vec::new();
    for path in paths {
        let found = expand(path).map_err(|error| (path.clone(), error))?;
        if let Some(pipe) = found.iter().find(|file| is_pipe(file)) {
            let path = pipe.clone();
            return Err((path.clone(), InputError::Pipe { path }));
        }
        files.extend(found);
    }
    if together && !files.is_empty() {
        once_each(&files).map_err(|error| (files[0].clone(), error))?;
        return Ok(vec![files]);
    }
    Ok(files.into_iter().map(|file| vec![file]).collect())
}

/// Whether `path` is there, and nothing that can be read twice: how a trace is to
/// be read shows in it.
fn is_pipe(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(about) => !about.is_file(),
        Err(_) => path == Path::new(STDIN),
    }
}

/// The files of one run that grows: those that are named, and those that stand
/// in a folder by now.
pub(super) fn growing(paths: &[PathBuf]) -> Result<Vec<PathBuf>, InputError> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(expand(path)?);
    }
    once_each(&files)?;
    Ok(files)
}

/// Whether no file is given twice.
fn once_each(files: &[PathBuf]) -> Result<(), InputError> {
    let mut seen: Vec<PathBuf> = Vec::new();
    for file in files {
        // What cannot be found says so when it is read.
        let real = fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        if seen.contains(&real) {
            return Err(InputError::Apart {
                path: file.clone(),
                why: "it is given twice, and is one node's file of the run".to_owned(),
            });
        }
        seen.push(real);
    }
    Ok(())
}

/// A file as it is, a folder as the traces in it, by name.
fn expand(path: &Path) -> Result<Vec<PathBuf>, InputError> {
    let failed = |error| InputError::Read {
        path: path.to_path_buf(),
        error,
    };
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.is_file() && is_named_as_trace(&file) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(InputError::NoTrace {
            path: path.to_path_buf(),
        });
    }
    Ok(files)
}

/// How the names of traces end; others in a folder are left alone.
pub const ENDINGS: [&str; 3] = [".ndjson", ".ndjson.gz", ".ndjson.zst"];

fn is_named_as_trace(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    ENDINGS.iter().any(|end| name.ends_with(end))
}

/// Of the folders among `paths`, those that hold files which are not read as
/// their names do not end like that of a trace ([`ENDINGS`]), and how many.
pub fn left_alone(paths: &[PathBuf]) -> Vec<(&Path, usize)> {
    let counted = paths.iter().map(|path| {
        let files = fs::read_dir(path).into_iter().flatten().flatten();
        let files = files.map(|entry| entry.path());
        let others = files.filter(|file| file.is_file() && !is_named_as_trace(file));
        (path.as_path(), others.count())
    });
    counted.filter(|(_, others)| *others > 0).collect()
}

/// The format of all `files`, by the first line of each. A file without any
/// line has none: it is left to the others, and to Plimsoll's own when alone.
pub(super) fn detect(files: &[PathBuf]) -> Result<Format, InputError> {
    let mut found: Option<Format> = None;
    for path in files {
        let Some(format) = detect_one(path)? else {
            continue;
        };
        if found.is_some_and(|other| other != format) {
            return Err(InputError::Apart {
                path: path.clone(),
                why: "not of the same format as the files before it".to_owned(),
            });
        }
        found = Some(format);
    }
    Ok(found.unwrap_or(Format::Plimsoll))
}

/// How a text begins that says it is UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn detect_one(path: &Path) -> Result<Option<Format>, InputError> {
    let mut lines = Lines::open(path)?;
    while let Some(line) = lines.next_line()? {
        if line.is_blank() {
            continue;
        }
        if let Some(format) = format_of(line.bytes) {
            return Ok(Some(format));
        }
        if line.bytes.starts_with(BYTE_ORDER_MARK) {
            return Err(lines.error(0, ErrorKind::ByteOrderMark).into());
        }
        if !line.terminated {
            return Ok(Some(Format::Plimsoll));
        }
        return Err(InputError::UnknownFormat {
            path: path.to_path_buf(),
        });
    }
    Ok(None)
}

/// The format that begins with `line`.
pub(super) fn format_of(line: &[u8]) -> Option<Format> {
    if etcd_raft::is_etcd_raft(line) {
        return Some(Format::EtcdRaft);
    }
    let header = String::from_utf8_lossy(line).contains("plimsoll_trace");
    header.then_some(Format::Plimsoll)
}
