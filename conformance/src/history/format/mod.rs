//! Histories as people write them down: the formats, and how they are told
//! apart.
//!
//! | format | told by | reader |
//! |---|---|---|
//! | Plimsoll's own, JSON lines (docs/linearizability.md) | a JSON object with `type` and `op` | `own` |
//! | Jepsen's text logs | a process, a phase and a function in a line | `jepsen_log` |
//! | porcupine's key-value files | EDN maps with a `:key` | `maps` |
//! | Jepsen's EDN histories | EDN maps without | `maps` |
//!
//! The order of the lines is the order in which things happened, in each. What
//! is no possible history (a return without a call, two open calls of one
//! process, a return from another operation than the open one) is an error with
//! its line, never judged and never mended.

mod answers;
mod awaited;
mod build;
mod edn;
mod error;
mod files;
mod flat;
mod jepsen_log;
mod maps;
mod own;
#[cfg(test)]
mod own_tests;
mod source;
#[cfg(test)]
mod tests;
mod text;
mod witness;

use std::path::Path;

pub use build::Read;
pub use error::{Error, Reason};
pub use files::{Input, expand};
pub use witness::{listed, traced};

use self::source::Source;
use super::limits::Limits;
use super::verdict::Ground;

/// A format of histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Plimsoll's own: JSON lines.
    Plimsoll,
    /// Jepsen's text logs of one register.
    JepsenLog,
    /// Porcupine's key-value files.
    Porcupine,
    /// Jepsen's EDN histories.
    JepsenEdn,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 4] = [
        Format::Plimsoll,
        Format::JepsenLog,
        Format::Porcupine,
        Format::JepsenEdn,
    ];

    /// The name, as the command takes it and JSON spells it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Plimsoll => "plimsoll",
            Format::JepsenLog => "jepsen-log",
            Format::Porcupine => "porcupine",
            Format::JepsenEdn => "jepsen-edn",
        }
    }
}

/// How to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The format; otherwise the content tells.
    pub format: Option<Format>,
    /// A `:read` without a key gives all of a set.
    pub set: bool,
}

/// Why there is no history.
#[derive(Debug)]
pub enum Stopped {
    /// The file is no history, or an impossible one.
    Error(Error),
    /// A limit was reached while it was read.
    Limit {
        /// Which.
        ground: Ground,
        /// The operations read by then.
        operations: u64,
    },
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        let ground = match error.reason {
            Reason::NoRoom => Ground::Memory,
            Reason::NoTime => Ground::Time,
            _ => return Stopped::Error(error),
        };
        Stopped::Limit {
            ground,
            operations: 0,
        }
    }
}

impl Stopped {
    /// The same, with as many operations as were read by then.
    fn behind(self, builder: &build::Builder<'_>) -> Self {
        match self {
            Stopped::Limit { ground, .. } => builder.stopped(ground),
            error => error,
        }
    }
}

impl build::Builder<'_> {
    fn stopped(&self, ground: Ground) -> Stopped {
        Stopped::Limit {
            ground,
            operations: self.history.operations.len() as u64,
        }
    }
}

/// Reads the history at `path`; `-` is standard input.
///
/// # Errors
/// When it is no history, an impossible one, or a limit is reached.
pub fn read(path: &Path, options: Options, limits: &Limits<'_>) -> Result<Read, Stopped> {
    read_source(Source::open(path, limits)?, options, limits)
}

/// Reads a history from memory; errors call it `name`.
///
/// # Errors
/// See [`read`].
pub fn read_bytes(
    name: &str,
    bytes: Vec<u8>,
    options: Options,
    limits: &Limits<'_>,
) -> Result<Read, Stopped> {
    let source = Source::new(name.into(), std::io::Cursor::new(bytes))?;
    read_source(source, options, limits)
}

fn read_source(mut source: Source, options: Options, limits: &Limits<'_>) -> Result<Read, Stopped> {
    source.heed(limits);
    source.pass_mark()?;
    let format = match options.format {
        Some(format) => format,
        None => told(&mut source)?,
    };
    match format {
        Format::Plimsoll => own::read(&mut source, limits),
        Format::JepsenLog => jepsen_log::read(&mut source, limits),
        Format::Porcupine | Format::JepsenEdn => maps::read(&mut source, options.set, limits),
    }
}

/// The format of a file, by what it begins with.
fn told(source: &mut Source) -> Result<Format, Error> {
    let first = source.peek()?;
    let why = match detect(first) {
        Ok(format) => return Ok(format),
        Err(why) => why,
    };
    let braced = first.trim_ascii_start().starts_with(b"{");
    let (long, like_own) = (!first.contains(&b'\n'), own::begins_like(first));
    let mut error = Error::new(source.file(), 0, Reason::NoHistory(why.to_owned()));
    // What is missing may stand further on in a long line.
    if braced && long {
        match source.peek_line().map(detect) {
            Ok(Ok(format)) => return Ok(format),
            Ok(Err(_)) => {}
            Err(long) if like_own || matches!(long.reason, Reason::NoRoom | Reason::NoTime) => {
                return Err(long);
            }
            Err(long) => {
                (error.line, error.reason) =
                    (long.line, Reason::NoHistory(long.reason.to_string()));
            }
        }
    }
    Err(error)
}

/// The format that a file begins like. An empty file is an empty history, of
/// Plimsoll's own format.
fn detect(first: &[u8]) -> Result<Format, &'static str> {
    // A comment of EDN may stand first.
    let at = edn::skip(first, 0, true).unwrap_or(0);
    let rest = first[at..].trim_ascii_start();
    if rest.is_empty() {
        return Ok(Format::Plimsoll);
    }
    if rest.contains(&0) {
        return Err("it is binary");
    }
    match maps_like(rest) {
        Some(true) => return Ok(Format::Porcupine),
        Some(false) => return Ok(Format::JepsenEdn),
        None => {}
    }
    if rest.starts_with(b"{") {
        return own::detect(rest);
    }
    let mut lines = first.split(|byte| *byte == b'\n');
    match lines.any(|line| jepsen_log::fields(line).is_some()) {
        true => Ok(Format::JepsenLog),
        false => Err("no line of it is one of a known format"),
    }
}

/// Whether maps of EDN stand there, and whether they have a `:key`.
fn maps_like(rest: &[u8]) -> Option<bool> {
    let mut rest = rest;
    if let Some(inner) = rest.strip_prefix(b"[").or(rest.strip_prefix(b"(")) {
        let at = edn::skip(inner, 0, true).ok()?;
        rest = &inner[at..];
        if rest.starts_with(b"]") || rest.starts_with(b")") {
            return Some(false);
        }
    }
    let map = edn::untagged(rest).strip_prefix(b"{")?;
    let name = map.trim_ascii_start();
    if name.first() != Some(&b':') {
        return None;
    }
    // The keys of an operation, not just any map.
    let end = name.len().min(4096);
    let has = |word: &[u8]| memchr::memmem::find(&name[..end], word).is_some();
    (has(b":process") && has(b":type")).then(|| has(b":key "))
}
