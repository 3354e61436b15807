//! What can be wrong with a trace file, and where.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::shape_error::ShapeError;

/// What is wrong with a trace file, and where.
///
/// Prints as `FILE:LINE:COLUMN: what is wrong`. Once a reader has given one, it
/// gives nothing more.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {kind}")]
pub struct TraceError {
    /// Where.
    pub at: Place,
    /// What.
    #[source]
    pub kind: ErrorKind,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file, as the caller named it.
    pub file: Arc<str>,
    /// The line, counted from 1, blank ones included; 0: the file as a whole.
    pub line: u64,
    /// The byte in the line, counted from 1: the last one read before the error
    /// was certain; 0: the line as a whole.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        Ok(())
    }
}

/// What is wrong with a trace file.
#[derive(Debug, thiserror::Error)]
pub enum ErrorKind {
    /// The file could not be opened.
    #[error("cannot open: {0}")]
    Open(#[source] io::Error),
    /// The file could not be read on.
    #[error("cannot read: {0}")]
    Read(#[source] io::Error),
    /// A compressed file is damaged, cut off, or of a kind that is not read.
    #[error("cannot decompress: {0}")]
    Decompress(#[source] io::Error),
    /// There is no line at all.
    #[error("the file is empty: a trace begins with its header")]
    Empty,
    /// The first line is not a header.
    #[error("no header: the first line has no field `plimsoll_trace`")]
    NoHeader,
    /// The header names another version of the format.
    #[error(
        "format version {found} is not supported (versions {} to {} are)",
        crate::VERSIONS[0],
        crate::VERSION
    )]
    Version {
        /// Which, as JSON.
        found: String,
    },
    /// A header stands where a step was expected: two files in one?
    #[error("a second header: each file has one, as its first line")]
    SecondHeader,
    /// A line is longer than the reader may hold.
    #[error("the line is longer than {limit} bytes")]
    LineTooLong {
        /// The reader's limit, without the newline.
        limit: usize,
    },
    /// The last line has no newline and is not JSON: its writer was stopped.
    #[error("the last line is torn (no newline, and {why})")]
    Torn {
        /// Why it is not JSON.
        why: String,
    },
    /// Text in another encoding, as some editors leave it.
    #[error("the file begins with a byte order mark; plain UTF-8 has none")]
    ByteOrderMark,
    /// A line is not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// Objects and lists within each other, deeper than any step has them.
    #[error("nested too deeply")]
    TooDeep,
    /// A line is not JSON.
    #[error("not JSON: {0}")]
    Json(String),
    /// A step happened for a cause that this version does not know.
    #[error("{0}")]
    UnknownCause(String),
    /// A line is JSON, and not what the format says should stand there.
    #[error("{0}")]
    Invalid(String),
    /// Each line is right, and they do not fit together.
    #[error("{0}")]
    Shape(#[source] ShapeError),
}

impl TraceError {
    pub(crate) fn new(file: &Arc<str>, line: u64, column: u64, kind: ErrorKind) -> Self {
        let at = Place {
            file: Arc::clone(file),
            line,
            column,
        };
        TraceError { at, kind }
    }
}
