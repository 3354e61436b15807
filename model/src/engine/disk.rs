//! Files of a search: append-only, made of checked blocks, counted.
//!
//! A block is its length, how many records it holds, the XXH3 of its bytes, and
//! the bytes. A block that does not match its checksum is an error with file
//! and offset and is never searched.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

/// Why a search cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A file does not hold what was written to it.
    #[error("{}: the block at byte {at} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the block starts.
        at: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// More would be written than the search may.
    #[error("{}: the search needs more than the {max} bytes of disk that it may use", dir.display())]
    DiskSpent {
        /// The folder.
        dir: PathBuf,
        /// The budget, in bytes.
        max: u64,
    },
    /// What is in the folder cannot be resumed.
    #[error("{}: cannot be resumed: {why}", dir.display())]
    NotResumable {
        /// The folder.
        dir: PathBuf,
        /// Why not.
        why: String,
    },
    /// The system does not give the memory.
    #[error("cannot reserve memory for the visited states: {0}")]
    Memory(std::io::Error),
    /// It was cut.
    #[error("{0}")]
    Cut(&'static str),
    /// The same search, run again, went another way.
    #[error("the run that breaks {property} was not found again: this is a bug in the engine")]
    Lost {
        /// The property.
        property: String,
    },
}

impl Failure {
    /// Whether there is no more room on disk.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Failure::DiskSpent { .. } => true,
            Failure::File { cause, .. } => matches!(
                cause.kind(),
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
            ),
            _ => false,
        }
    }

    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
        let path = path.to_owned();
        move |cause| Failure::File { path, cause }
    }
}

/// Locks also after a panic elsewhere, which ends the search by itself.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The folder of a search and what it holds.
#[derive(Debug)]
pub(super) struct Disk {
    dir: PathBuf,
    max: Option<u64>,
    /// Whether the folder was made here.
    made: AtomicBool,
    files: Mutex<Files>,
}

#[derive(Debug, Default)]
struct Files {
    bytes: BTreeMap<String, u64>,
    used: u64,
    peak: u64,
    numbered: u64,
    /// What the checkpoint names: these stay when nobody uses them.
    named: Vec<String>,
}

/// The files that belong to a search end like this.
const SUFFIX: &str = ".plimsoll";
const KINDS: [&str; 4] = ["visited", "frontier", "candidates", "trace"];

/// Whether a search gives files such names.
fn is_ours(name: &str) -> bool {
    let number = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    let parts = name
        .strip_suffix(SUFFIX)
        .and_then(|stem| stem.split_once('-'));
    parts.is_some_and(|(kind, rest)| KINDS.contains(&kind) && number(rest))
}

/// The checksum of a file: each block's, chained.
fn chained(chain: u64, block: u64) -> u64 {
    let mut both = [0; 16];
    both[..8].copy_from_slice(&chain.to_le_bytes());
    both[8..].copy_from_slice(&block.to_le_bytes());
    xxh3_64(&both)
}

/// A file as a checkpoint names it: how much of it counts, and its checksum.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    pub(super) name: String,
    bytes: u64,
    chain: u64,
}

impl Disk {
    /// The files of a search in `dir`, of at most `max` bytes in all.
    pub(super) fn new(dir: PathBuf, max: Option<u64>) -> Arc<Self> {
        Arc::new(Disk {
            dir,
            max,
            made: AtomicBool::new(false),
            files: Mutex::default(),
        })
    }

    /// Whether the folder was made here.
    pub(super) fn is_made(&self) -> bool {
        self.made.load(Relaxed)
    }

    /// The bytes in use, and the most there ever were.
    pub(super) fn used(&self) -> (u64, u64) {
        let files = lock(&self.files);
        (files.used, files.peak)
    }

    fn count(&self, name: &str, more: u64) -> Result<(), Failure> {
        let mut files = lock(&self.files);
        if let Some(max) = self.max.filter(|max| files.used + more > *max) {
            return Err(Failure::DiskSpent {
                dir: self.dir.clone(),
                max,
            });
        }
        *files.bytes.entry(name.to_owned()).or_default() += more;
        files.used += more;
        files.peak = files.peak.max(files.used);
        Ok(())
    }

    /// A new file, named after `kind`.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(super) fn create(self: &Arc<Self>, kind: &str) -> Result<Spool, Failure> {
        if !self.dir.exists() {
            std::fs::create_dir_all(&self.dir).map_err(Failure::file(&self.dir))?;
            self.made.store(true, Relaxed);
        }
        loop {
            let number = {
                let mut files = lock(&self.files);
                files.numbered += 1;
                files.numbered
            };
            let name = format!("{kind}-{number}{SUFFIX}");
            let path = self.dir.join(&name);
            match File::options()
                .create_new(true)
                .read(true)
                .append(true)
                .open(&path)
            {
                Ok(file) => return Ok(Spool::new(self, name, file, 0, 0)),
                // A checkpoint's, or another process's: not ours to write to.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(Failure::File { path, cause }),
            }
        }
    }

    /// A file that a checkpoint names, and how many records it holds.
    ///
    /// # Errors
    /// When it is not there or not what it was.
    pub(super) fn open(self: &Arc<Self>, part: &Part) -> Result<(Spool, u64), Failure> {
        let Part { name, bytes, chain } = part;
        let refuse = |why: String| Failure::NotResumable {
            dir: self.dir.clone(),
            why,
        };
        if !is_ours(name) {
            return Err(refuse(format!("{name:?} is no file of a search")));
        }
        let path = self.dir.join(name);
        let metadata = std::fs::symlink_metadata(&path).map_err(Failure::file(&path))?;
        if !metadata.is_file() {
            return Err(refuse(format!("{name} is no plain file")));
        }
        if metadata.len() < *bytes {
            return Err(refuse(format!(
                "{name} has {} bytes of {bytes}",
                metadata.len()
            )));
        }
        let mut blocks = Blocks::open(&path, *bytes)?;
        let (mut found, mut records) = (0, 0);
        while let Some((_, more, block)) = blocks.next()? {
            found = chained(found, xxh3_64(&block));
            records += u64::from(more);
        }
        if found != *chain {
            return Err(refuse(format!(
                "{name} is damaged: it is not the file that was written"
            )));
        }
        let file = File::options().read(true).append(true).open(&path);
        let file = file.map_err(Failure::file(&path))?;
        // What was written after the checkpoint does not count.
        file.set_len(*bytes).map_err(Failure::file(&path))?;
        self.count(name, *bytes)?;
        lock(&self.files).named.push(name.clone());
        Ok((
            Spool::new(self, name.clone(), file, *bytes, *chain),
            records,
        ))
    }

    /// The checkpoint names these files and no others. Deletes every other file
    /// of a search in the folder.
    pub(super) fn keep_only(&self, names: &[String]) {
        lock(&self.files).named = names.to_vec();
        let Ok(entries) = std::fs::read_dir(&self.dir) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_ours(&name) && !names.contains(&name) {
                self.delete(&name);
            }
        }
    }

    fn delete(&self, name: &str) {
        // What cannot be deleted only takes room.
        let _ = std::fs::remove_file(self.dir.join(name));
        let mut files = lock(&self.files);
        if let Some(bytes) = files.bytes.remove(name) {
            files.used -= bytes;
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.made.load(Relaxed) {
            // Only if nothing is in it.
            let _ = std::fs::remove_dir(&self.dir);
        }
    }
}

/// Where a block lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    at: u64,
    len: u32,
}

impl Block {
    /// The bytes that it takes, header and all.
    pub(super) fn bytes(self) -> u64 {
        u64::from(self.len) + HEADER as u64
    }
}

const HEADER: usize = 16;
/// No block is longer than this.
const BLOCK_MAX: u32 = 1 << 28;

/// An append-only file of blocks.
#[derive(Debug)]
pub(super) struct Spool {
    disk: Arc<Disk>,
    name: String,
    path: PathBuf,
    /// Until it is sealed; the bytes written; their checksum.
    writer: Mutex<(Option<BufWriter<File>>, u64, u64)>,
    /// Opened when it is needed: a search may have more files than a process
    /// may have open.
    reader: Mutex<Option<File>>,
}

impl Spool {
    fn new(disk: &Arc<Disk>, name: String, file: File, len: u64, chain: u64) -> Self {
        Spool {
            path: disk.dir.join(&name),
            disk: Arc::clone(disk),
            name,
            writer: Mutex::new((Some(BufWriter::with_capacity(1 << 16, file)), len, chain)),
            reader: Mutex::new(None),
        }
    }

    /// Nothing more is written: hands everything to the system and closes the
    /// file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn seal(&self) -> Result<(), Failure> {
        self.flush(false)?;
        lock(&self.writer).0 = None;
        Ok(())
    }

    /// As a checkpoint names it, once everything has reached the disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn part(&self) -> Result<Part, Failure> {
        self.flush(true)?;
        let writer = lock(&self.writer);
        Ok(Part {
            name: self.name.clone(),
            bytes: writer.1,
            chain: writer.2,
        })
    }

    /// The bytes written.
    pub(super) fn bytes(&self) -> u64 {
        lock(&self.writer).1
    }

    /// Appends a block.
    ///
    /// # Errors
    /// When it cannot be written, or the budget is spent.
    pub(super) fn append(&self, records: u32, bytes: &[u8]) -> Result<Block, Failure> {
        self.disk.count(&self.name, (HEADER + bytes.len()) as u64)?;
        let len = bytes.len() as u32;
        let mut header = [0; HEADER];
        header[..4].copy_from_slice(&len.to_le_bytes());
        header[4..8].copy_from_slice(&records.to_le_bytes());
        let sum = xxh3_64(bytes);
        header[8..].copy_from_slice(&sum.to_le_bytes());
        let mut writer = lock(&self.writer);
        let write = |file: Option<&mut BufWriter<File>>| {
            let file = file.ok_or_else(|| std::io::Error::other("written after it was sealed"))?;
            file.write_all(&header)?;
            file.write_all(bytes)
        };
        write(writer.0.as_mut()).map_err(Failure::file(&self.path))?;
        let at = writer.1;
        writer.1 += (HEADER + bytes.len()) as u64;
        writer.2 = chained(writer.2, sum);
        Ok(Block { at, len })
    }

    /// Hands everything to the system; with `sync`, to the disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn flush(&self, sync: bool) -> Result<(), Failure> {
        let mut writer = lock(&self.writer);
        let mut flush = || match &mut writer.0 {
            Some(file) => {
                file.flush()?;
                if sync {
                    file.get_ref().sync_data()
                } else {
                    Ok(())
                }
            }
            None if sync => File::open(&self.path)?.sync_data(),
            None => Ok(()),
        };
        flush().map_err(Failure::file(&self.path))
    }

    /// Reads a block: how many records, and the bytes.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub(super) fn read(&self, block: Block) -> Result<(u32, Vec<u8>), Failure> {
        if block.at + block.bytes() > self.flushed() {
            self.flush(false)?;
        }
        let mut reader = lock(&self.reader);
        let file = match &mut *reader {
            Some(file) => file,
            none => none.insert(File::open(&self.path).map_err(Failure::file(&self.path))?),
        };
        file.seek(SeekFrom::Start(block.at))
            .map_err(Failure::file(&self.path))?;
        let read = read_block(file, &self.path, block.at)?;
        read.ok_or_else(|| self.damaged(block, "it is not there"))
    }

    /// An error that names this block.
    pub(super) fn damaged(&self, block: Block, what: &'static str) -> Failure {
        Failure::Damaged {
            path: self.path.clone(),
            at: block.at,
            what,
        }
    }

    fn flushed(&self) -> u64 {
        let writer = lock(&self.writer);
        writer.1
            - writer
                .0
                .as_ref()
                .map_or(0, |file| file.buffer().len() as u64)
    }

    /// Reads all blocks from the start.
    ///
    /// # Errors
    /// When what was written cannot be flushed, or the file not opened.
    pub(super) fn blocks(&self) -> Result<Blocks, Failure> {
        self.flush(false)?;
        Blocks::open(&self.path, self.bytes())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        let named = lock(&self.disk.files).named.contains(&self.name);
        if !named {
            self.disk.delete(&self.name);
        }
    }
}

/// The blocks of a file, one after the other.
pub(super) struct Blocks {
    file: std::io::BufReader<File>,
    path: PathBuf,
    at: u64,
    end: u64,
}

impl Blocks {
    /// The blocks in the first `end` bytes.
    fn open(path: &Path, end: u64) -> Result<Self, Failure> {
        let file = File::open(path).map_err(Failure::file(path))?;
        Ok(Blocks {
            file: std::io::BufReader::with_capacity(1 << 16, file),
            path: path.to_owned(),
            at: 0,
            end,
        })
    }

    /// The next block with its place: how many records, and the bytes.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    #[allow(clippy::type_complexity)]
    pub(super) fn next(&mut self) -> Result<Option<(Block, u32, Vec<u8>)>, Failure> {
        let at = self.at;
        if at >= self.end {
            return Ok(None);
        }
        let damaged = |what| Failure::Damaged {
            path: self.path.clone(),
            at,
            what,
        };
        let block = read_block(&mut self.file, &self.path, at)?;
        let (records, bytes) = block.ok_or_else(|| damaged("it is not there"))?;
        let len = bytes.len() as u32;
        self.at += (HEADER + bytes.len()) as u64;
        Ok(Some((Block { at, len }, records, bytes)))
    }
}

fn read_block(
    file: &mut impl Read,
    path: &Path,
    at: u64,
) -> Result<Option<(u32, Vec<u8>)>, Failure> {
    let damaged = |what| Failure::Damaged {
        path: path.to_owned(),
        at,
        what,
    };
    let mut header = [0; HEADER];
    let mut got = 0;
    while got < HEADER {
        match file.read(&mut header[got..]).map_err(Failure::file(path))? {
            0 if got == 0 => return Ok(None),
            0 => return Err(damaged("its header ends early")),
            n => got += n,
        }
    }
    let word = |i: usize| u32::from_le_bytes([0, 1, 2, 3].map(|k| header[i + k]));
    let (len, records) = (word(0), word(4));
    let sum = u64::from(word(8)) | u64::from(word(12)) << 32;
    if len > BLOCK_MAX {
        return Err(damaged("its length is impossible"));
    }
    let mut bytes = vec![0; len as usize];
    file.read_exact(&mut bytes)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => damaged("it ends early"),
            _ => Failure::file(path)(error),
        })?;
    if xxh3_64(&bytes) != sum {
        return Err(damaged("its checksum does not match"));
    }
    Ok(Some((records, bytes)))
}
