//! The bytes of a history, a line or a form at a time, in bounded memory.
//!
//! One buffer that grows up to a limit: a line or a form longer than that is an
//! error, so that ten gigabytes without a newline cost no more than the limit.
//! Compression (gzip, zstd) is recognised by content.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use memchr::{memchr, memchr_iter, memchr2_iter};
use plimsoll_trace::ErrorKind;

use super::super::limits::Limits;
use super::awaited::Awaited;
use super::edn::{self, Bad};
use super::error::{Error, Reason};

/// The longest line or form that is read, in bytes.
pub(super) const BYTES_MAX: usize = 16 << 20;

/// How much is asked of the file at a time, in bytes.
const CHUNK: usize = 256 << 10;

/// How often the bytes of a long line or form are held while it is read: before
/// and after the buffer has grown, as text, and as the text that is kept.
const READ: u64 = 4;

/// How many bytes are given between two looks at what the process holds.
const LOOK: usize = 64 << 10;

/// What an object, and a value, of a long line take beside its bytes, in bytes
/// as [`READ`] counts them. Measured: 310 in all, of each of a million requests
/// of a transaction.
const OBJECT: usize = 64;
const VALUE: usize = 16;

/// What is read, and how far.
pub(super) struct Source {
    file: Arc<str>,
    from: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// What of the buffer is not yet given.
    start: usize,
    end: usize,
    /// The line on which `start` stands, from 1.
    line: u64,
    /// Nothing follows the buffer.
    whole: bool,
    limit: usize,
    /// The most bytes that the process may hold resident.
    resident_bytes: Option<u64>,
    /// When the time is up.
    deadline: Option<Instant>,
    /// How many bytes were given since it was last looked at.
    since: usize,
    /// The outermost list of forms, while it is open: its closing bracket.
    within: Option<u8>,
    /// No form may follow: the outermost list is closed.
    closed: bool,
    /// The size of the file, where it is known and says something.
    size: u64,
}

/// A piece of the file and the line it begins on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) line: u64,
    pub(super) bytes: &'a [u8],
    /// A newline (of a line), or anything (behind a form) follows it.
    pub(super) terminated: bool,
}

/// What stands at `path`, if it may say nothing for long and there is a deadline.
pub(super) fn awaited(path: &Path, limits: &Limits<'_>) -> Option<Awaited> {
    let deadline = limits.deadline?;
    let data = std::fs::metadata(path).ok()?;
    let path = path.to_owned();
    let waits = !data.is_file() && !data.is_dir();
    let source = waits.then(|| Awaited::new(|| File::open(path), deadline))?;
    // Without a thread it is read here.
    source.ok()
}

/// Why a source cannot be read on.
fn unread(error: io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::TimedOut => Reason::NoTime,
        _ => Reason::Unreadable(error.to_string()),
    }
}

impl Source {
    /// The file at `path`; `-` is standard input. What may say nothing for long is
    /// waited for until the deadline.
    pub(super) fn open(path: &Path, limits: &Limits<'_>) -> Result<Self, Error> {
        let file: Arc<str> = path.to_string_lossy().into();
        if &*file == "-" {
            let name = "standard input".into();
            let waits = |deadline| Awaited::new(|| Ok(io::stdin()), deadline).ok();
            return match limits.deadline.and_then(waits) {
                Some(source) => Source::new(name, source),
                None => Source::new(name, io::stdin()),
            };
        }
        if let Some(source) = awaited(path, limits) {
            return Source::new(file, source);
        }
        match File::open(path) {
            Ok(source) => {
                let size = source.metadata().map_or(0, |data| data.len());
                let mut source = Source::new(file, source)?;
                source.size = size;
                Ok(source)
            }
            Err(error) => Err(Error::new(&file, 0, Reason::Open(error))),
        }
    }

    /// What `source` gives, which errors call `file`.
    pub(super) fn new(file: Arc<str>, source: impl Read + Send + 'static) -> Result<Self, Error> {
        let from = plimsoll_trace::decompressed(&file, source).map_err(|error| {
            let reason = match error.kind {
                ErrorKind::Read(error) => unread(error),
                kind => Reason::Unreadable(kind.to_string()),
            };
            Error::new(&file, 0, reason)
        })?;
        Ok(Source {
            file,
            from,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            line: 1,
            whole: false,
            limit: BYTES_MAX,
            resident_bytes: None,
            deadline: None,
            since: 0,
            within: None,
            closed: false,
            size: 0,
        })
    }

    /// Heeds how much the process may hold, and until when it is read.
    pub(super) fn heed(&mut self, limits: &Limits<'_>) {
        self.resident_bytes = limits.resident_bytes;
        self.deadline = limits.deadline;
    }

    #[cfg(test)]
    pub(super) fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    pub(super) fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// An error on a line.
    pub(super) fn error(&self, line: u64, reason: Reason) -> Error {
        Error::new(&self.file, line, reason)
    }

    /// The first bytes, for telling the format: a chunk, or all there is.
    pub(super) fn peek(&mut self) -> Result<&[u8], Error> {
        while !self.whole && self.end - self.start < CHUNK {
            self.fill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// The same, and the first line to its end.
    pub(super) fn peek_line(&mut self) -> Result<&[u8], Error> {
        let mut searched = self.start;
        while !self.whole && memchr(b'\n', &self.buffer[searched..self.end]).is_none() {
            searched = self.end;
            let passed = self.start;
            self.fill()?;
            searched -= passed;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Passes a byte order mark, which some editors leave.
    pub(super) fn pass_mark(&mut self) -> Result<(), Error> {
        if self.peek()?.starts_with(b"\xef\xbb\xbf") {
            self.start += 3;
        }
        Ok(())
    }

    /// An error where there is no memory to read so many bytes.
    fn has_room(&self, bytes: usize) -> Result<(), Error> {
        let limits = Limits {
            resident_bytes: self.resident_bytes,
            ..Limits::default()
        };
        match limits.has_room(bytes as u64 * READ) {
            true => Ok(()),
            false => Err(self.error(self.line, Reason::NoRoom)),
        }
    }

    /// Looks now and then whether there is time, and memory for what is given
    /// next: lines may be long, and hold a lot.
    fn gives(&mut self, at: Range<usize>) -> Result<(), Error> {
        let bytes = &self.buffer[at];
        self.since += bytes.len();
        if self.since < LOOK {
            return Ok(());
        }
        self.since = 0;
        if self.deadline.is_some_and(|end| Instant::now() >= end) {
            return Err(self.error(self.line, Reason::NoTime));
        }
        let held = match bytes.len() < LOOK {
            true => LOOK,
            false => {
                let objects = memchr2_iter(b'{', b'[', bytes).count();
                let values = memchr_iter(b',', bytes).count();
                bytes.len() + objects * OBJECT + values * VALUE
            }
        };
        self.has_room(held)
    }

    /// Reads on; what is not yet given stays, at the front of the buffer.
    fn fill(&mut self) -> Result<(), Error> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end > self.limit {
            let limit = self.limit;
            return Err(self.error(self.line, Reason::TooLong { limit }));
        }
        if self.buffer.len() < self.end + CHUNK {
            let size = (self.end + CHUNK).max(self.buffer.len() * 2);
            let size = size.min(self.limit + 2 * CHUNK);
            self.has_room(size)?;
            self.buffer.resize(size, 0);
        }
        loop {
            match self.from.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.whole = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.error(0, unread(error))),
            }
            return Ok(());
        }
    }

    /// The next line, without what ends it; `None` at the end.
    pub(super) fn next_line(&mut self) -> Result<Option<Piece<'_>>, Error> {
        let mut searched = 0;
        loop {
            let rest = &self.buffer[self.start + searched..self.end];
            if let Some(length) = memchr(b'\n', rest) {
                let length = searched + length;
                let at = self.start..self.start + length;
                self.gives(at.clone())?;
                let line = self.line;
                self.start += length + 1;
                self.line += 1;
                return Ok(Some(Piece {
                    line,
                    bytes: trimmed(&self.buffer[at]),
                    terminated: true,
                }));
            }
            searched = self.end - self.start;
            if self.whole {
                let at = self.start..self.end;
                self.gives(at.clone())?;
                self.start = self.end;
                return Ok((!at.is_empty()).then(|| Piece {
                    line: self.line,
                    bytes: &self.buffer[at],
                    terminated: false,
                }));
            }
            self.fill()?;
        }
    }

    /// The next line, if it is one map and no more, as nearly all are: its parts
    /// need not be measured twice. Whoever takes it looks whether that is so, and
    /// passes it if it is ([`Source::pass_line`]).
    pub(super) fn line_of_map(&mut self) -> Option<Piece<'_>> {
        if self.within.is_some() || self.closed {
            return None;
        }
        // What ends the line of the form before.
        while let Some(b'\n' | b'\r') = self.buffer[self.start..self.end].first() {
            self.pass(1);
        }
        let rest = &self.buffer[self.start..self.end];
        let length = memchr(b'\n', rest)?;
        // There may be no memory for a long one.
        if length >= LOOK {
            return None;
        }
        let bytes = trimmed(&rest[..length]);
        let map = bytes.first() == Some(&b'{') && bytes.last() == Some(&b'}');
        map.then_some(Piece {
            line: self.line,
            bytes,
            terminated: true,
        })
    }

    /// Passes the line that [`Source::line_of_map`] has given, of so many bytes.
    pub(super) fn pass_line(&mut self, length: usize) -> Result<(), Error> {
        self.gives(self.start..self.start + length)?;
        self.start += length;
        // Behind it is a newline, and a carriage return perhaps.
        self.start += usize::from(self.buffer.get(self.start) == Some(&b'\r')) + 1;
        self.line += 1;
        Ok(())
    }

    /// About how many lines there are, by the size of the file and of the lines
    /// that begin it; 0 when nothing is known.
    pub(super) fn lines_about(&mut self) -> Result<usize, Error> {
        let size = self.size;
        let first = self.peek()?;
        let lines = memchr_iter(b'\n', first).count();
        Ok(match (lines, first.len() as u64) {
            (0, _) | (_, 0) => 0,
            (lines, length) => {
                let about = u128::from(size) * lines as u128 / u128::from(length);
                usize::try_from(about).unwrap_or(0).max(lines)
            }
        })
    }

    /// The next form of EDN, those of an outermost vector or list one by one;
    /// `None` at the end.
    pub(super) fn next_form(&mut self) -> Result<Option<Piece<'_>>, Error> {
        loop {
            match self.find_form() {
                Ok(None) => return Ok(None),
                Ok(Some((at, end))) => {
                    self.gives(self.start + at..self.start + end)?;
                    let line = self.pass(at);
                    let bytes = self.start..self.start + (end - at);
                    self.pass(end - at);
                    return Ok(Some(Piece {
                        line,
                        bytes: &self.buffer[bytes],
                        terminated: true,
                    }));
                }
                // Twice as much, so that a long form is not measured again for
                // every chunk of it.
                Err(Bad::Incomplete) => {
                    let enough = 2 * (self.end - self.start);
                    self.fill()?;
                    while !self.whole && self.end - self.start < enough {
                        self.fill()?;
                    }
                }
                Err(Bad::Form { at, why }) => {
                    let line = self.pass(at);
                    let torn = self.whole && why == edn::ENDS_WITHIN;
                    let reason = match torn {
                        true => Reason::Torn(why.to_owned()),
                        false => Reason::Form(why.to_owned()),
                    };
                    return Err(self.error(line, reason));
                }
            }
        }
    }

    /// Where the next form stands, from `start`.
    fn find_form(&mut self) -> Result<Option<(usize, usize)>, Bad> {
        loop {
            let rest = &self.buffer[self.start..self.end];
            let at = edn::skip(rest, 0, self.whole)?;
            let Some(&byte) = rest.get(at) else {
                return match (self.whole, self.within) {
                    (false, _) => Err(Bad::Incomplete),
                    (true, None) => Ok(None),
                    (true, Some(_)) => Err(Bad::Form {
                        at,
                        why: edn::ENDS_WITHIN,
                    }),
                };
            };
            if self.within == Some(byte) {
                self.pass(at + 1);
                (self.within, self.closed) = (None, true);
            } else if self.closed {
                return Err(Bad::Form {
                    at,
                    why: "something follows the vector of operations",
                });
            } else if self.within.is_none() && matches!(byte, b'[' | b'(') {
                self.within = Some(if byte == b'[' { b']' } else { b')' });
                self.pass(at + 1);
            } else {
                return edn::form(rest, at, self.whole).map(|end| Some((at, end)));
            }
        }
    }

    /// Passes some bytes and returns the line behind them.
    fn pass(&mut self, length: usize) -> u64 {
        let passed = &self.buffer[self.start..self.start + length];
        self.line += memchr_iter(b'\n', passed).count() as u64;
        self.start += length;
        self.line
    }
}

/// Without a carriage return at its end.
fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
