//! A file that grows while it is read.
//!
//! Whatever is there is given line by line; a line without its newline is not
//! there yet. A file that was renamed away is read to its end before the one that
//! took its place is begun, and one that was cut off is begun again: what log
//! rotation leaves of a line at the end of the old file is an error, because
//! nobody will ever complete it.
//!
//! Memory is one line and one chunk, whatever the file holds.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{ErrorKind, TraceError};
use crate::lines::{LINE_BYTES_MAX, Line};

/// How much is asked of the file at a time, in bytes.
const CHUNK_BYTES: usize = 64 << 10;

/// How compressed files begin: gzip, zstd.
const COMPRESSED: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]];

/// What a look at a file has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Lines given.
    pub lines: u64,
    /// Times that another file was found in the place of the one being read.
    pub rotations: u64,
}

/// A file that grows.
pub struct Tail {
    path: PathBuf,
    name: Arc<str>,
    source: Source,
    /// The beginning of a line whose end is not there yet.
    torn: Vec<u8>,
    number: u64,
    line_bytes_max: usize,
    chunk: Vec<u8>,
}

enum Source {
    /// Nobody has written it yet.
    Missing,
    /// A file, as far as it was read.
    File { file: File, read: u64 },
    /// A pipe, which is never rotated.
    Pipe(Box<dyn Read + Send>),
}

impl Tail {
    /// The file at `path`, which need not be there yet.
    pub fn of_file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        Tail::new(path.to_path_buf(), Source::Missing)
    }

    /// What comes from `pipe`, which errors call `name`. A look at it waits
    /// until something is there.
    pub fn of_pipe(name: &str, pipe: impl Read + Send + 'static) -> Self {
        Tail::new(PathBuf::from(name), Source::Pipe(Box::new(pipe)))
    }

    fn new(path: PathBuf, source: Source) -> Self {
        Tail {
            name: path.to_string_lossy().into(),
            path,
            source,
            torn: Vec::new(),
            number: 0,
            line_bytes_max: LINE_BYTES_MAX,
            chunk: Vec::new(),
        }
    }

    /// Sets the longest line that is read, in bytes without the newline.
    #[must_use]
    pub fn with_line_bytes_max(mut self, line_bytes_max: usize) -> Self {
        self.line_bytes_max = line_bytes_max;
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of the line given last, counted on over rotations.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether the file ends in the middle of a line, as far as it was read.
    pub fn is_torn(&self) -> bool {
        !self.torn.is_empty()
    }

    /// Whether nobody has written the file yet.
    pub fn is_missing(&self) -> bool {
        matches!(self.source, Source::Missing)
    }

    fn error(&self, kind: ErrorKind) -> TraceError {
        TraceError::new(&self.name, self.number + 1, 0, kind)
    }

    /// Gives every line that is complete, to `each`, until it says that it has
    /// enough; a pipe is read once.
    ///
    /// # Errors
    /// When the file cannot be read, a line is longer than the limit, a rotation
    /// has torn one; or what `each` says.
    pub fn look<E: From<TraceError>>(
        &mut self,
        each: &mut dyn FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<Looked, E> {
        let mut looked = Looked::default();
        loop {
            self.open()?;
            let lines = self.read(each)?;
            looked.lines += lines;
            if matches!(self.source, Source::Pipe(_)) || !self.is_replaced() {
                return Ok(looked);
            }
            // Whoever wrote the old file may have done so until a moment ago.
            looked.lines += self.read(each)?;
            if self.is_torn() {
                let torn = "the file was rotated in the middle of a line";
                return Err(self.error(ErrorKind::Read(io::Error::other(torn))).into());
            }
            looked.rotations += 1;
            self.source = Source::Missing;
        }
    }

    fn open(&mut self) -> Result<(), TraceError> {
        if !self.is_missing() {
            return Ok(());
        }
        match File::open(&self.path) {
            Ok(file) => {
                self.source = Source::File { file, read: 0 };
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.error(ErrorKind::Open(error))),
        }
    }

    /// Whether another file stands where the one being read stood, or it was cut
    /// off below what was read.
    fn is_replaced(&mut self) -> bool {
        let Source::File { file, read } = &self.source else {
            return false;
        };
        let (Ok(old), Ok(new)) = (file.metadata(), std::fs::metadata(&self.path)) else {
            // Renamed away, and nobody has taken its place yet.
            return false;
        };
        !is_same(&old, &new) || new.len() < *read
    }

    fn read<E: From<TraceError>>(
        &mut self,
        each: &mut dyn FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut lines = 0;
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.resize(CHUNK_BYTES, 0);
        let once = matches!(self.source, Source::Pipe(_));
        loop {
            let length = match &mut self.source {
                Source::Missing => Ok(0),
                Source::Pipe(pipe) => pipe.read(&mut chunk),
                Source::File { file, read } => {
                    // Not past the end of a file that was cut off meanwhile.
                    let length = file
                        .seek(SeekFrom::Start(*read))
                        .and_then(|_| file.read(&mut chunk));
                    length.inspect(|&length| *read += length as u64)
                }
            };
            let length = match length {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.error(ErrorKind::Read(error)).into()),
            };
            if self.number == 0 && self.torn.is_empty() {
                self.is_plain(&chunk[..length])?;
            }
            lines += self.split(&chunk[..length], each)?;
            if once {
                break;
            }
        }
        self.chunk = chunk;
        Ok(lines)
    }

    /// What grows can only be followed as it is.
    fn is_plain(&self, first: &[u8]) -> Result<(), TraceError> {
        if COMPRESSED.iter().any(|magic| first.starts_with(magic)) {
            let compressed = "it is compressed, and only plain files are read while they grow";
            return Err(self.error(ErrorKind::Decompress(io::Error::new(
                io::ErrorKind::Unsupported,
                compressed,
            ))));
        }
        Ok(())
    }

    fn split<E: From<TraceError>>(
        &mut self,
        mut bytes: &[u8],
        each: &mut dyn FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut lines = 0;
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            self.within(line.len())?;
            bytes = rest;
            self.torn.extend_from_slice(line);
            self.number += 1;
            lines += 1;
            let whole = std::mem::take(&mut self.torn);
            each(Line {
                number: self.number,
                bytes: &whole,
                terminated: true,
            })?;
            self.torn = whole;
            self.torn.clear();
        }
        self.within(bytes.len())?;
        self.torn.extend_from_slice(bytes);
        Ok(lines)
    }

    fn within(&self, more: usize) -> Result<(), TraceError> {
        match self.torn.len() + more > self.line_bytes_max {
            true => Err(self.error(ErrorKind::LineTooLong {
                limit: self.line_bytes_max,
            })),
            false => Ok(()),
        }
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Without a name for files only their times tell.
#[cfg(not(unix))]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.created().ok() == other.created().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn look(tail: &mut Tail) -> Result<Vec<String>, TraceError> {
        let mut all = Vec::new();
        tail.look(&mut |line: Line<'_>| {
            all.push(String::from_utf8_lossy(line.bytes).into_owned());
            Ok::<(), TraceError>(())
        })?;
        Ok(all)
    }

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("plimsoll-tail-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    fn append(path: &Path, text: &str) {
        let file = File::options().create(true).append(true).open(path);
        file.expect("a file")
            .write_all(text.as_bytes())
            .expect("written");
    }

    #[test]
    fn a_line_is_given_once_it_has_its_newline() {
        let path = folder("torn").join("n1.ndjson");
        let mut tail = Tail::of_file(&path);
        assert!(look(&mut tail).expect("no file yet").is_empty());
        assert!(tail.is_missing());
        append(&path, "one\ntw");
        assert_eq!(look(&mut tail).expect("a line"), ["one"]);
        assert!(tail.is_torn());
        append(&path, "o\nthree\n");
        assert_eq!(look(&mut tail).expect("lines"), ["two", "three"]);
        assert_eq!((tail.number(), tail.is_torn()), (3, false));
        assert!(look(&mut tail).expect("nothing").is_empty());
    }

    #[test]
    fn a_rotated_file_is_read_to_its_end_and_then_the_new_one() {
        let folder = folder("rotated");
        let (path, old) = (folder.join("n1.ndjson"), folder.join("n1.ndjson.1"));
        let mut tail = Tail::of_file(&path);
        append(&path, "one\n");
        assert_eq!(look(&mut tail).expect("a line"), ["one"]);
        append(&path, "two\n");
        std::fs::rename(&path, &old).expect("renamed");
        append(&old, "three\n");
        assert_eq!(look(&mut tail).expect("the old file"), ["two", "three"]);
        append(&path, "four\n");
        append(&old, "late\n");
        assert_eq!(look(&mut tail).expect("both files"), ["late", "four"]);
        // Cut off in place and written anew.
        File::create(&path).expect("emptied");
        append(&path, "5\n");
        assert_eq!(look(&mut tail).expect("the new content"), ["5"]);
        assert_eq!(tail.number(), 6);
    }

    #[test]
    fn a_line_that_a_rotation_tore_is_an_error() {
        let folder = folder("torn-by-rotation");
        let path = folder.join("n1.ndjson");
        let mut tail = Tail::of_file(&path);
        append(&path, "one\ntw");
        assert_eq!(look(&mut tail).expect("a line"), ["one"]);
        std::fs::rename(&path, folder.join("old")).expect("renamed");
        append(&path, "o\n");
        let error = look(&mut tail).expect_err("torn").to_string();
        assert!(error.contains("rotated in the middle of a line"), "{error}");
        assert!(error.contains("n1.ndjson:2"), "{error}");
    }

    #[test]
    fn a_compressed_file_is_refused_at_once() {
        let path = folder("compressed").join("n1.ndjson.gz");
        std::fs::write(&path, [0x1f, 0x8b, 8, 0, 0]).expect("written");
        let error = look(&mut Tail::of_file(&path)).expect_err("compressed");
        assert!(error.to_string().contains("only plain files"), "{error}");
    }

    #[test]
    fn a_line_without_an_end_does_not_fill_the_memory() {
        let path = folder("long").join("n1.ndjson");
        let mut tail = Tail::of_file(&path).with_line_bytes_max(10);
        append(&path, "0123456789\n0123456789a");
        let error = look(&mut tail).expect_err("too long").to_string();
        assert!(error.contains("10"), "{error}");
        let mut endless = Tail::of_pipe("-", io::repeat(b'x')).with_line_bytes_max(100_000);
        look(&mut endless).expect("a chunk is below the limit");
        look(&mut endless).expect_err("two are not");
    }
}
