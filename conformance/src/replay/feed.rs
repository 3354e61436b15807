//! Where lines come from: files that are there, or files and pipes that grow.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use plimsoll_trace::{ErrorKind, Line, Lines, Seen, Tail, TraceError};
use serde::de::IgnoredAny;
use xxhash_rust::xxh3::Xxh3;

use super::InputError;

/// What an input is called that is read from the standard input.
pub const STDIN: &str = "-";

/// One input of a run.
pub struct Feed {
    path: Arc<Path>,
    name: Arc<str>,
    source: Source,
    hash: Arc<Mutex<Hash>>,
    /// It will not grow any more.
    closed: bool,
    ended: bool,
}

/// The XXH3 of what was read of an input: of a file that is all there as it lies
/// on the disk, of one that grows of its lines.
#[derive(Default)]
struct Hash {
    sum: Xxh3,
    /// How many bytes it is of.
    bytes: u64,
}

impl Hash {
    fn update(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

/// A file of which what is read is hashed: what is judged and what the
/// certificate names is then the same, and nothing is read twice.
struct Hashed {
    file: File,
    hash: Arc<Mutex<Hash>>,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        locked(&self.hash).update(&buffer[..read]);
        Ok(read)
    }
}

fn locked(hash: &Mutex<Hash>) -> std::sync::MutexGuard<'_, Hash> {
    hash.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Source {
    /// All of it is there, compressed or not.
    Whole(Box<Lines>),
    /// All of it is there, and is read by whoever took its lines.
    Taken,
    /// It may grow.
    Growing(Box<Tail>),
}

/// What there is to read now.
pub enum Fed<'a> {
    /// A line.
    Line {
        /// What stands in it.
        line: Line<'a>,
        /// Whether it is the first of a file that took the place of another.
        rotated: bool,
    },
    /// Nothing, so far.
    NotYet,
    /// Nothing, ever.
    End,
}

impl Feed {
    /// A file that is there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_file(path: &Path) -> Result<Self, TraceError> {
        let name: Arc<str> = path.to_string_lossy().into();
        let opened = File::open(path).map_err(|error| TraceError {
            at: plimsoll_trace::Place {
                file: Arc::clone(&name),
                line: 0,
                column: 0,
            },
            kind: ErrorKind::Open(error),
        });
        let hash = Arc::<Mutex<Hash>>::default();
        let file = Hashed {
            file: opened?,
            hash: Arc::clone(&hash),
        };
        let lines = Lines::new(Arc::clone(&name), file)?;
        Ok(Feed {
            path: path.into(),
            name,
            source: Source::Whole(Box::new(lines)),
            hash,
            closed: false,
            ended: false,
        })
    }

    /// An input that holds nothing.
    pub fn nothing() -> Self {
        let mut nothing = Feed::growing(Path::new(""));
        nothing.ended = true;
        nothing
    }

    /// A file that grows, and need not be there yet; or the standard input.
    pub fn growing(path: &Path) -> Self {
        let tail = match path == Path::new(STDIN) {
            true => Tail::of_pipe(STDIN, std::io::stdin()),
            false => Tail::of_file(path),
        };
        Feed {
            path: path.into(),
            name: Arc::clone(tail.name()),
            source: Source::Growing(Box::new(tail)),
            hash: Arc::default(),
            closed: false,
            ended: false,
        }
    }

    /// The file.
    pub fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// What errors call it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The next line.
    ///
    /// # Errors
    /// When it cannot be read on.
    pub fn next_line(&mut self) -> Result<Fed<'_>, TraceError> {
        if self.ended {
            return Ok(Fed::End);
        }
        match &mut self.source {
            Source::Whole(lines) => match lines.next_line()? {
                Some(line) => Ok(Fed::Line {
                    line,
                    rotated: false,
                }),
                None => {
                    self.ended = true;
                    Ok(Fed::End)
                }
            },
            Source::Taken => Ok(Fed::End),
            Source::Growing(tail) => match tail.look()? {
                Seen::Line { rotated } => {
                    let line = tail.line();
                    let mut hash = locked(&self.hash);
                    hash.update(line.bytes);
                    hash.update(b"\n");
                    Ok(Fed::Line { line, rotated })
                }
                Seen::NotYet if !self.closed => Ok(Fed::NotYet),
                Seen::NotYet | Seen::End => {
                    self.ended = true;
                    // Nobody writes on: the last line needs no newline, if it is
                    // one.
                    if !is_whole(tail.torn()) || !tail.take_rest() {
                        return Ok(Fed::End);
                    }
                    let (line, rotated) = (tail.line(), false);
                    locked(&self.hash).update(line.bytes);
                    Ok(Fed::Line { line, rotated })
                }
            },
        }
    }

    /// The lines of a file that is all there, to be read elsewhere: [`Feed::end`]
    /// is then to be told of their end.
    pub fn take_lines(&mut self) -> Option<Lines> {
        match std::mem::replace(&mut self.source, Source::Taken) {
            Source::Whole(lines) => Some(*lines),
            growing => {
                self.source = growing;
                None
            }
        }
    }

    /// The lines that were taken have ended.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The first line that is not blank, without giving it: of an input that
    /// grows, once it is there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn first_line(&mut self) -> Result<Option<&[u8]>, TraceError> {
        match &mut self.source {
            Source::Whole(_) | Source::Taken => Ok(None),
            Source::Growing(tail) => {
                let found = tail.first_line()?.is_some();
                if !found && tail.has_ended() {
                    let torn = tail.torn();
                    self.ended = !is_whole(torn);
                    return Ok((!self.ended).then_some(torn));
                }
                tail.first_line()
            }
        }
    }

    /// Looks whether another file took the place of this one, though nothing is
    /// read of it yet.
    ///
    /// # Errors
    /// When it cannot be opened, or was cut off before it was read.
    pub fn watch(&mut self) -> Result<(), TraceError> {
        match &mut self.source {
            Source::Whole(_) | Source::Taken => Ok(()),
            Source::Growing(tail) => tail.watch(),
        }
    }

    /// Takes what the input holds now for all that it will ever hold.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Whether there will be nothing more.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether nobody has written it yet.
    pub fn is_missing(&self) -> bool {
        matches!(&self.source, Source::Growing(tail) if tail.is_missing())
    }

    /// Whether it ends in the middle of a line, as far as it was read.
    pub fn is_torn(&self) -> bool {
        matches!(&self.source, Source::Growing(tail) if tail.is_torn())
    }

    /// How often another file was found in its place.
    pub fn rotations(&self) -> u64 {
        match &self.source {
            Source::Whole(_) | Source::Taken => 0,
            Source::Growing(tail) => tail.rotations(),
        }
    }

    /// The same input, to be read from its beginning; `None` where that is gone.
    pub fn again(&self) -> Option<Self> {
        match &self.source {
            Source::Growing(tail) if !tail.is_pipe() && tail.rotations() == 0 => {
                Some(Feed::growing(&self.path))
            }
            _ => None,
        }
    }

    /// The input and its XXH3, as 16 hex digits: of a file as it lies on the disk,
    /// of what was read where it grows.
    ///
    /// # Errors
    /// When what is left of a file cannot be read.
    pub fn hash(&self) -> Result<(PathBuf, String), InputError> {
        let path = self.path.to_path_buf();
        let mut hash = locked(&self.hash);
        if !matches!(self.source, Source::Growing(_)) {
            // Nothing, mostly: lines were read to the end.
            let read = read_rest(&path, &mut hash);
            let failed = |error| InputError::Read {
                path: path.clone(),
                error,
            };
            read.map_err(failed)?;
        }
        Ok((path, format!("{:016x}", hash.sum.digest())))
    }
}

/// Adds to the hash what stands in a file behind the bytes that it is of.
fn read_rest(path: &Path, hash: &mut Hash) -> io::Result<()> {
    let mut file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() || about.len() <= hash.bytes {
        return Ok(());
    }
    file.seek(SeekFrom::Start(hash.bytes))?;
    let mut chunk = vec![0; 64 << 10];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(()),
            read => hash.update(&chunk[..read]),
        }
    }
}

/// Whether what stands behind the last newline is a line all the same.
fn is_whole(torn: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(torn).is_ok()
}
