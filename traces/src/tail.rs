//! A file that grows while it is read.
//!
//! Whatever is there is given line by line, as it is asked for; a line without
//! its newline is not there yet. A file that was renamed away is read to its end
//! before the one that took its place is begun, and one that was cut off is
//! begun again: what log rotation leaves of a line at the end of the old file is
//! an error, because nobody will ever complete it.
//!
//! Memory is one line and one chunk, whatever the file holds; of a pipe also the
//! few chunks that were read ahead.

use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use crate::error::{ErrorKind, TraceError};
use crate::lines::{LINE_BYTES_MAX, Line};

/// How much is asked of the file at a time, in bytes.
const CHUNK_BYTES: usize = 64 << 10;

/// How many chunks of a pipe are read ahead.
const CHUNKS_AHEAD: usize = 16;

/// How compressed files begin: gzip, zstd.
const COMPRESSED: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]];

/// What there is to read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A line that is complete: [`Tail::line`].
    Line {
        /// Whether it is the first of a file that took the place of another.
        rotated: bool,
    },
    /// Nothing, so far.
    NotYet,
    /// Nothing, ever: the pipe was closed.
    End,
}

/// A file that grows.
pub struct Tail {
    path: PathBuf,
    name: Arc<str>,
    source: Source,
    /// What was read and not given: the part from `given` on.
    buffer: Vec<u8>,
    given: usize,
    /// Up to here no newline is in what was read and not given.
    looked: usize,
    /// Where the line given last stands.
    line: (usize, usize),
    number: u64,
    rotations: u64,
    /// No line was given since the last rotation.
    rotated: bool,
    line_bytes_max: usize,
    /// The files that took its place since, oldest first.
    later: VecDeque<File>,
    /// The pipe was closed.
    ended: bool,
}

enum Source {
    /// Nobody has written it yet.
    Missing,
    /// A file, as far as it was read, and how long it was seen to be.
    File { file: File, read: u64, seen: u64 },
    /// A pipe, which is never rotated: what a thread reads of it.
    Pipe(Receiver<io::Result<Vec<u8>>>),
}

/// What asking for more has brought.
enum More {
    Bytes,
    NotYet,
    End,
}

impl Tail {
    /// The file at `path`, which need not be there yet. What is no plain file
    /// (a named pipe) is read as a pipe.
    pub fn of_file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        Tail::new(path.to_path_buf(), Source::Missing)
    }

    /// What comes from `pipe`, which errors call `name`; a thread of its own
    /// waits for it.
    pub fn of_pipe(name: &str, pipe: impl Read + Send + 'static) -> Self {
        Tail::new(PathBuf::from(name), Source::Pipe(read_ahead(|| Ok(pipe))))
    }

    fn new(path: PathBuf, source: Source) -> Self {
        Tail {
            name: path.to_string_lossy().into(),
            path,
            source,
            buffer: Vec::new(),
            given: 0,
            looked: 0,
            line: (0, 0),
            number: 0,
            rotations: 0,
            rotated: false,
            line_bytes_max: LINE_BYTES_MAX,
            later: VecDeque::new(),
            ended: false,
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

    /// What errors call the file.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The number of the line given last, counted on over rotations.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Times that another file was found in the place of the one being read.
    pub fn rotations(&self) -> u64 {
        self.rotations
    }

    /// Whether what was read ends in the middle of a line.
    pub fn is_torn(&self) -> bool {
        let rest = self.buffer.get(self.given..).unwrap_or_default();
        !rest.is_empty() && memchr::memchr(b'\n', rest).is_none()
    }

    /// Whether nobody has written the file yet.
    pub fn is_missing(&self) -> bool {
        matches!(self.source, Source::Missing)
    }

    /// Whether it is a pipe that was closed and read to its end.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether it is a pipe: what was read of it cannot be read again.
    pub fn is_pipe(&self) -> bool {
        matches!(self.source, Source::Pipe(_))
    }

    fn error(&self, kind: ErrorKind) -> TraceError {
        TraceError::new(&self.name, self.number + 1, 0, kind)
    }

    /// Looks for the next line that is complete.
    ///
    /// # Errors
    /// When the file cannot be read, a line is longer than the limit, or a
    /// rotation has torn one.
    pub fn look(&mut self) -> Result<Seen, TraceError> {
        loop {
            let unseen = self.buffer.get(self.looked..).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', unseen) {
                let (from, end) = (self.given, self.looked + end);
                self.is_within(end - from)?;
                self.number += 1;
                self.line = (from, end);
                (self.given, self.looked) = (end + 1, end + 1);
                let rotated = std::mem::take(&mut self.rotated);
                return Ok(Seen::Line { rotated });
            }
            self.buffer.drain(..self.given);
            (self.given, self.looked, self.line) = (0, self.buffer.len(), (0, 0));
            self.is_within(self.buffer.len())?;
            match self.more()? {
                More::Bytes => {}
                More::NotYet => return Ok(Seen::NotYet),
                More::End => return Ok(Seen::End),
            }
        }
    }

    /// The line that was found last, until the next look.
    pub fn line(&self) -> Line<'_> {
        let (from, end) = self.line;
        Line {
            number: self.number,
            bytes: self.buffer.get(from..end).unwrap_or_default(),
            terminated: end < self.given,
        }
    }

    /// The first line that is complete and not blank, without giving it.
    ///
    /// # Errors
    /// See [`Tail::look`].
    pub fn first_line(&mut self) -> Result<Option<&[u8]>, TraceError> {
        let mut from = self.given;
        loop {
            let unseen = self.buffer.get(from..).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', unseen) {
                if unseen[..end].iter().all(u8::is_ascii_whitespace) {
                    from += end + 1;
                    continue;
                }
                return Ok(Some(&self.buffer[from..from + end]));
            }
            self.is_within(unseen.len())?;
            if !matches!(self.more()?, More::Bytes) {
                return Ok(None);
            }
        }
    }

    /// What stands behind the last newline, as far as it was read.
    pub fn torn(&self) -> &[u8] {
        match self.is_torn() {
            true => self.buffer.get(self.given..).unwrap_or_default(),
            false => &[],
        }
    }

    /// Takes what stands behind the last newline for a line: for when nobody will
    /// write on. Says whether there is anything.
    pub fn take_rest(&mut self) -> bool {
        let (from, end) = (self.given, self.buffer.len());
        if from >= end {
            return false;
        }
        self.number += 1;
        (self.line, self.given, self.looked) = ((from, end), end, end);
        true
    }

    /// Reads a chunk, of the file that took the place of this one if there is
    /// one and this one was read to its end.
    fn more(&mut self) -> Result<More, TraceError> {
        loop {
            self.open()?;
            if self.chunk()? {
                return Ok(More::Bytes);
            }
            match &self.source {
                Source::Missing => return Ok(More::NotYet),
                Source::Pipe(_) => return self.piped(),
                Source::File { .. } => {}
            }
            self.watch()?;
            // Whoever wrote the old file may go on with it until the new one has
            // something.
            let is_begun = |file: &File| file.metadata().is_ok_and(|data| data.len() > 0);
            if self.later.len() == 1 && !self.later.front().is_some_and(is_begun) {
                return Ok(More::NotYet);
            }
            let Some(file) = self.later.pop_front() else {
                return Ok(More::NotYet);
            };
            // Whoever wrote the old file may have done so until a moment ago.
            if self.chunk()? {
                self.later.push_front(file);
                return Ok(More::Bytes);
            }
            if self.is_torn() {
                let torn = "the file was rotated in the middle of a line";
                return Err(self.error(ErrorKind::Read(io::Error::other(torn))));
            }
            self.rotations += 1;
            self.rotated = true;
            self.source = Source::File {
                file,
                read: 0,
                seen: 0,
            };
        }
    }

    /// Looks whether another file stands where this one stood, and opens it if
    /// so: whoever does not read for a while loses none, so long as there
    /// is one look between two rotations.
    ///
    /// # Errors
    /// When the file cannot be opened, or was cut off before it was read.
    pub fn watch(&mut self) -> Result<(), TraceError> {
        self.open()?;
        let Source::File { file, read, seen } = &mut self.source else {
            return Ok(());
        };
        let newest = self.later.back().unwrap_or(file);
        let (Ok(old), Ok(new)) = (newest.metadata(), std::fs::metadata(&self.path)) else {
            // Renamed away, and nobody has taken its place yet.
            return Ok(());
        };
        let same = is_same(&old, &new);
        if same && !self.later.is_empty() {
            return Ok(());
        }
        if same && old.len() >= *seen {
            *seen = old.len();
            return Ok(());
        }
        if same && *read < *seen {
            let cut = "the file was cut off before it was read to its end";
            return Err(self.error(ErrorKind::Read(io::Error::other(cut))));
        }
        match File::open(&self.path) {
            Ok(file) => self.later.push_back(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(self.error(ErrorKind::Open(error))),
        }
        if same && let Source::File { seen, read, .. } = &mut self.source {
            // Nothing more is read of what was cut off.
            (*seen, *read) = (u64::MAX, u64::MAX);
        }
        Ok(())
    }

    fn open(&mut self) -> Result<(), TraceError> {
        if !self.is_missing() {
            return Ok(());
        }
        let failed = |error| ErrorKind::Open(error);
        match std::fs::metadata(&self.path) {
            Ok(found) if found.is_file() => {}
            Ok(found) if found.is_dir() => {
                let folder = io::Error::new(io::ErrorKind::IsADirectory, "it is a folder");
                return Err(self.error(failed(folder)));
            }
            Ok(_) => {
                let path = self.path.clone();
                self.source = Source::Pipe(read_ahead(move || File::open(path)));
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.error(failed(error))),
        }
        match File::open(&self.path) {
            Ok(file) => {
                self.source = Source::File {
                    file,
                    read: 0,
                    seen: 0,
                };
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.error(failed(error))),
        }
    }

    /// Reads a chunk of the file; says whether there was something.
    fn chunk(&mut self) -> Result<bool, TraceError> {
        let Source::File { file, read, .. } = &mut self.source else {
            return Ok(false);
        };
        if *read == u64::MAX {
            return Ok(false);
        }
        let before = self.buffer.len();
        self.buffer.resize(before + CHUNK_BYTES, 0);
        let length = loop {
            // Not past the end of a file that was cut off meanwhile.
            let length = file
                .seek(SeekFrom::Start(*read))
                .and_then(|_| file.read(&mut self.buffer[before..]));
            match length {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                length => break length,
            }
        };
        self.buffer
            .truncate(before + length.as_ref().map_or(0, |length| *length));
        let length = length.map_err(|error| self.error(ErrorKind::Read(error)))?;
        if let Source::File { read, seen, .. } = &mut self.source {
            *read += length as u64;
            *seen = (*seen).max(*read);
        }
        self.is_plain()?;
        Ok(length > 0)
    }

    /// Takes what the thread at the pipe has read.
    fn piped(&mut self) -> Result<More, TraceError> {
        let Source::Pipe(pipe) = &self.source else {
            return Ok(More::NotYet);
        };
        match pipe.try_recv() {
            Ok(Ok(chunk)) => {
                self.buffer.extend_from_slice(&chunk);
                self.is_plain()?;
                Ok(More::Bytes)
            }
            Ok(Err(error)) => Err(self.error(ErrorKind::Read(error))),
            Err(TryRecvError::Empty) => Ok(More::NotYet),
            Err(TryRecvError::Disconnected) => {
                self.ended = true;
                Ok(More::End)
            }
        }
    }

    /// What grows can only be followed as it is.
    fn is_plain(&self) -> Result<(), TraceError> {
        let compressed = |magic: &&[u8]| self.buffer.starts_with(magic);
        if self.number == 0 && COMPRESSED.iter().any(compressed) {
            let compressed = "it is compressed, and only plain files are read while they grow";
            return Err(self.error(ErrorKind::Decompress(io::Error::new(
                io::ErrorKind::Unsupported,
                compressed,
            ))));
        }
        Ok(())
    }

    fn is_within(&self, length: usize) -> Result<(), TraceError> {
        match length > self.line_bytes_max {
            true => Err(self.error(ErrorKind::LineTooLong {
                limit: self.line_bytes_max,
            })),
            false => Ok(()),
        }
    }
}

/// Reads a pipe on a thread of its own, a few chunks ahead. The thread ends with
/// the pipe, or with the process: who waits for a pipe cannot be told to stop.
fn read_ahead<R: Read + Send + 'static>(
    open: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = sync_channel(CHUNKS_AHEAD);
    thread::spawn(move || {
        let mut pipe = match open() {
            Ok(pipe) => pipe,
            Err(error) => return drop(sender.send(Err(error))),
        };
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            let read = match pipe.read(&mut chunk) {
                Ok(0) => return,
                Ok(length) => {
                    chunk.truncate(length);
                    Ok(chunk)
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let failed = read.is_err();
            if sender.send(read).is_err() || failed {
                return;
            }
        }
    });
    receiver
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
        while let Seen::Line { .. } = tail.look()? {
            all.push(String::from_utf8_lossy(tail.line().bytes).into_owned());
        }
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
        let error = loop {
            if let Err(error) = look(&mut endless) {
                break error.to_string();
            }
        };
        assert!(error.contains("100000"), "{error}");
    }

    #[test]
    fn a_pipe_ends_and_what_stands_behind_its_last_newline_is_left() {
        let mut tail = Tail::of_pipe("-", &b"one\ntwo\nthr"[..]);
        let mut all = Vec::new();
        loop {
            match tail.look().expect("a pipe") {
                Seen::Line { .. } => {
                    all.push(String::from_utf8_lossy(tail.line().bytes).into_owned());
                }
                Seen::NotYet => {}
                Seen::End => break,
            }
        }
        assert_eq!(all, ["one", "two"]);
        assert_eq!(tail.torn(), b"thr");
        assert!(tail.take_rest());
        let rest = tail.line();
        assert_eq!(
            (rest.number, rest.bytes, rest.terminated),
            (3, &b"thr"[..], false)
        );
        assert!(!tail.take_rest() && !tail.is_torn());
    }

    #[test]
    fn rotations_are_kept_for_who_reads_later() {
        let folder = folder("later");
        let path = folder.join("n1.ndjson");
        append(&path, "one\ntwo\n");
        let mut tail = Tail::of_file(&path);
        assert!(matches!(tail.look(), Ok(Seen::Line { rotated: false })));
        for (n, text) in ["three\n", "four\nfive\n", "six\n"].iter().enumerate() {
            std::fs::rename(&path, folder.join(n.to_string())).expect("renamed");
            tail.watch().expect("nothing there");
            append(&path, text);
            tail.watch().expect("another file");
        }
        // What is gone from the folder is held still.
        std::fs::remove_file(folder.join("1")).expect("removed");
        assert_eq!(
            look(&mut tail).expect("all"),
            ["two", "three", "four", "five", "six"]
        );
        assert_eq!((tail.rotations(), tail.number()), (3, 6));
    }

    #[test]
    fn what_was_cut_off_before_it_was_read_is_an_error() {
        let path = folder("cut").join("n1.ndjson");
        append(&path, "one\n");
        let mut tail = Tail::of_file(&path);
        assert_eq!(look(&mut tail).expect("a line"), ["one"]);
        append(&path, "two\nthree\n");
        tail.watch().expect("it has grown");
        File::create(&path).expect("emptied");
        append(&path, "four\n");
        let error = tail.watch().expect_err("lost").to_string();
        assert!(error.contains("cut off before it was read"), "{error}");
    }

    #[test]
    fn lines_wait_until_they_are_asked_for() {
        let path = folder("asked").join("n1.ndjson");
        append(&path, "one\ntwo\n");
        let mut tail = Tail::of_file(&path);
        assert!(matches!(tail.look(), Ok(Seen::Line { rotated: false })));
        assert_eq!((tail.number(), tail.is_torn()), (1, false));
        assert_eq!(look(&mut tail).expect("the other"), ["two"]);
    }
}
