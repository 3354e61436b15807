//! What can be wrong with a history file, and where.

use std::fmt;
use std::io;
use std::sync::Arc;

/// Why nothing cannot be put into a queue.
pub(super) const NOTHING_PUT: &str =
    "nothing is enqueued: a dequeue that is answered so has found the queue empty";

/// What is wrong with a history, and where. Prints as `FILE:LINE: cause`.
#[derive(Debug)]
pub struct Error {
    /// The file, as the caller named it.
    pub file: Arc<str>,
    /// The line, from 1; 0: the file as a whole.
    pub line: u64,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a history.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The file cannot be opened.
    #[error("cannot open: {0}")]
    Open(#[source] io::Error),
    /// The file cannot be read or decompressed further.
    #[error("{0}")]
    Unreadable(String),
    /// Nothing in it looks like a history.
    #[error("not a history: {0}")]
    NoHistory(String),
    /// A line or form is longer than what is held of a file.
    #[error("a line or form that is longer than {limit} bytes")]
    TooLong {
        /// The most that is held.
        limit: usize,
    },
    /// There is no memory for a line or form as long as that.
    #[error("a line or form that is too long for the memory there is (--memory)")]
    NoRoom,
    /// It has said nothing until the time was up.
    #[error("nothing came until the time was up (--time)")]
    NoTime,
    /// The file ends in the middle: its writer was stopped, or it was cut off.
    #[error("torn: {0}")]
    Torn(String),
    /// What stands there is not of the file's format.
    #[error("{0}")]
    Form(String),
    /// It is of the format, and cannot have happened.
    #[error("{0}")]
    Impossible(String),
    /// What there is of operations belongs to no model, or not to the one asked
    /// for.
    #[error("{0}")]
    Model(String),
}

impl Error {
    /// An error on a line (0: in the file as a whole).
    pub(crate) fn new(file: &Arc<str>, line: u64, reason: Reason) -> Self {
        Error {
            file: Arc::clone(file),
            line,
            reason,
        }
    }

    /// Whether the file is something else than a history.
    pub fn is_no_history(&self) -> bool {
        matches!(self.reason, Reason::NoHistory(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.reason)
    }
}
