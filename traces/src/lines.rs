//! Lines of a file, one at a time, in bounded memory.
//!
//! For every format of one JSON value a line, Plimsoll's and other people's.
//! Compression (gzip, zstd) is recognised by content, never by name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use crate::error::{ErrorKind, TraceError};

/// The longest line that is read, in bytes, unless the caller says otherwise.
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// How much is asked of the file at a time, in bytes.
const CHUNK_BYTES: usize = 64 << 10;

/// The lines of a file, decompressed.
///
/// Holds one chunk and, where a line spans chunks, that line: never more than
/// the limit and a chunk, whatever the file holds.
pub struct Lines {
    file: Arc<str>,
    source: BufReader<Box<dyn Read + Send>>,
    compressed: bool,
    line_bytes_max: usize,
    number: u64,
    /// A line that spans chunks.
    spanning: Vec<u8>,
    /// How much of the chunk the line given last took.
    taken: usize,
    ended: bool,
}

/// One line, without its newline.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Counted from 1.
    pub number: u64,
    /// What stands in it.
    pub bytes: &'a [u8],
    /// Whether a newline ends it: only the last line may lack one.
    pub terminated: bool,
}

impl Line<'_> {
    /// Nothing but white space stands in it.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines")
            .field("file", &self.file)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Lines {
    /// The lines of the file at `path`.
    ///
    /// # Errors
    /// When it cannot be opened, or its first bytes cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TraceError> {
        let path = path.as_ref();
        let name: Arc<str> = path.to_string_lossy().into();
        match File::open(path) {
            Ok(file) => Lines::new(name, file),
            Err(error) => Err(TraceError::new(&name, 0, 0, ErrorKind::Open(error))),
        }
    }

    /// The lines of `source`, which errors call `file`.
    ///
    /// # Errors
    /// When its first bytes cannot be read.
    pub fn new(
        file: impl Into<Arc<str>>,
        source: impl Read + Send + 'static,
    ) -> Result<Self, TraceError> {
        let file = file.into();
        let (source, compressed) =
            unpacked(source).map_err(|kind| TraceError::new(&file, 0, 0, kind))?;
        Ok(Lines {
            file,
            source: BufReader::with_capacity(CHUNK_BYTES, source),
            compressed,
            line_bytes_max: LINE_BYTES_MAX,
            number: 0,
            spanning: Vec::new(),
            taken: 0,
            ended: false,
        })
    }

    /// Sets the longest line that is read, in bytes without the newline.
    #[must_use]
    pub fn with_line_bytes_max(mut self, line_bytes_max: usize) -> Self {
        self.line_bytes_max = line_bytes_max;
        self
    }

    /// What errors call the file.
    #[must_use]
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// The number of the line given last; 0 before the first.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// An error in the line given last. For readers of other formats.
    #[must_use]
    pub fn error(&self, column: u64, kind: ErrorKind) -> TraceError {
        TraceError::new(&self.file, self.number, column, kind)
    }

    /// The next line, blank or not; `None` at the end, and after an error.
    ///
    /// # Errors
    /// When the file cannot be read or decompressed further, or the line is
    /// longer than the limit.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, TraceError> {
        self.source.consume(std::mem::take(&mut self.taken));
        self.spanning.clear();
        if self.ended {
            return Ok(None);
        }
        match self.find_line() {
            Ok(Found::Nothing) => {
                self.ended = true;
                Ok(None)
            }
            Ok(Found::InChunk(length)) => {
                self.number += 1;
                self.taken = length + 1;
                Ok(Some(Line {
                    number: self.number,
                    bytes: &self.source.buffer()[..length],
                    terminated: true,
                }))
            }
            Ok(Found::Spanning { terminated }) => {
                self.number += 1;
                self.ended = !terminated;
                Ok(Some(Line {
                    number: self.number,
                    bytes: &self.spanning,
                    terminated,
                }))
            }
            Err(kind) => {
                self.number += 1;
                self.ended = true;
                self.spanning = Vec::new();
                Err(self.error(0, kind))
            }
        }
    }

    fn find_line(&mut self) -> Result<Found, ErrorKind> {
        loop {
            let chunk = match self.source.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if self.compressed => return Err(ErrorKind::Decompress(error)),
                Err(error) => return Err(ErrorKind::Read(error)),
            };
            if chunk.is_empty() {
                return Ok(if self.spanning.is_empty() {
                    Found::Nothing
                } else {
                    Found::Spanning { terminated: false }
                });
            }
            let newline = memchr::memchr(b'\n', chunk);
            let length = newline.unwrap_or(chunk.len());
            if length > self.line_bytes_max - self.spanning.len() {
                return Err(ErrorKind::LineTooLong {
                    limit: self.line_bytes_max,
                });
            }
            if newline.is_some() && self.spanning.is_empty() {
                return Ok(Found::InChunk(length));
            }
            self.spanning.extend_from_slice(&chunk[..length]);
            self.source.consume(length + usize::from(newline.is_some()));
            if newline.is_some() {
                return Ok(Found::Spanning { terminated: true });
            }
        }
    }
}

/// Where the next line was found.
enum Found {
    Nothing,
    /// Whole, in the chunk: so long.
    InChunk(usize),
    /// Copied together.
    Spanning {
        terminated: bool,
    },
}

/// The bytes of `source`, decompressed where their beginning tells that they are
/// compressed (gzip, zstd). For formats that are no lines; errors call the
/// source `file`.
///
/// # Errors
/// When its first bytes cannot be read.
pub fn decompressed(
    file: &str,
    source: impl Read + Send + 'static,
) -> Result<Box<dyn Read + Send>, TraceError> {
    match unpacked(source) {
        Ok((source, _)) => Ok(source),
        Err(kind) => Err(TraceError::new(&file.into(), 0, 0, kind)),
    }
}

/// Reads the bytes that tell a compression, and decompresses accordingly.
fn unpacked(
    mut source: impl Read + Send + 'static,
) -> Result<(Box<dyn Read + Send>, bool), ErrorKind> {
    // niffler takes fewer than five bytes, and any error in them, for a file
    // too short; here such a file is a plain one, and an error is an error.
    let mut first = [0; 5];
    let mut known = 0;
    while known < first.len() {
        match source.read(&mut first[known..]) {
            Ok(0) => break,
            Ok(more) => known += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ErrorKind::Read(error)),
        }
    }
    let whole = known == first.len();
    let first = Cursor::new(first).take(known as u64);
    let source: Box<dyn Read + Send> = Box::new(first.chain(source));
    if !whole {
        return Ok((source, false));
    }
    match niffler::send::get_reader(source) {
        Ok((source, format)) => Ok((source, format != niffler::send::compression::Format::No)),
        Err(niffler::Error::IOError(error)) => Err(ErrorKind::Decompress(error)),
        Err(_) => Err(ErrorKind::Decompress(io::Error::new(
            io::ErrorKind::Unsupported,
            "this kind of compression is not read (gzip and zstd are)",
        ))),
    }
}
