//! A search that has outgrown its memory: visited keys lie on disk in sorted
//! runs, and duplicates are found late, a level at a time.
//!
//! Threads sort what may be new and write it in runs of candidates. When the
//! level is complete, one pass merges those runs with each other and with the
//! visited ones; what is in no visited run is new (delayed duplicate
//! detection: Stern and Dill, "Using magnetic disk instead of main memory in
//! the Murφ verifier", 1998; Korf, 2004). Visited runs are merged two by two,
//! a run with one at most twice its size, so that there are only as many as
//! the logarithm of the states.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::disk::{Blocks, Disk, Failure, Spool};
use super::key::Key;
use super::queue::{deflate, inflate};
use super::sieve::Item;

/// Blocks of runs hold about so many bytes.
const BLOCK: usize = 64 << 10;

/// What may be new, gathered by one thread.
pub(super) struct Candidates<K> {
    items: Vec<(K, u64, u32, u32, u32)>,
    bytes: Vec<u8>,
}

impl<K: Key> Candidates<K> {
    pub(super) fn new() -> Self {
        Candidates {
            items: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// The memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len() + self.items.len() * std::mem::size_of::<(K, u64, u32, u32, u32)>()
    }

    pub(super) fn push(&mut self, item: &Item<K>, packed: &[u8]) {
        let at = self.bytes.len() as u32;
        self.items
            .push((item.key, item.tag, item.orbit, at, packed.len() as u32));
        self.bytes.extend_from_slice(packed);
    }

    /// Writes them as a sorted run, each key once with its least tag.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&mut self, disk: &Arc<Disk>) -> Result<Option<Spool>, Failure> {
        if self.items.is_empty() {
            return Ok(None);
        }
        self.items.sort_unstable();
        self.items.dedup_by_key(|item| item.0);
        let spool = disk.create("candidates")?;
        let (mut block, mut records) = (Vec::with_capacity(BLOCK * 2), 0);
        for &(key, tag, orbit, at, len) in &self.items {
            let packed = &self.bytes[at as usize..(at + len) as usize];
            put_candidate(&mut block, key, tag, orbit, packed);
            records += 1;
            if block.len() >= BLOCK {
                spool.append(std::mem::take(&mut records), &deflate(&block))?;
                block.clear();
            }
        }
        if records > 0 {
            spool.append(records, &deflate(&block))?;
        }
        spool.seal()?;
        self.items.clear();
        self.bytes.clear();
        Ok(Some(spool))
    }
}

fn put_key<K: Key>(to: &mut Vec<u8>, key: K) {
    for word in key.words().iter().take(K::WORDS) {
        to.extend_from_slice(&word.to_le_bytes());
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + 8)?;
    bytes.try_into().ok().map(u64::from_le_bytes)
}

fn get_key<K: Key>(bytes: &[u8], at: usize) -> Option<K> {
    let second = if K::WORDS == 2 {
        word(bytes, at + 8)?
    } else {
        0
    };
    Some(K::from_words([word(bytes, at)?, second]))
}

/// Keys written in ascending order, or in any.
pub(super) struct KeyWriter<K> {
    spool: Spool,
    block: Vec<u8>,
    records: u32,
    keys: u64,
    key: std::marker::PhantomData<K>,
}

impl<K: Key> KeyWriter<K> {
    /// # Errors
    /// When the file cannot be created.
    pub(super) fn new(disk: &Arc<Disk>) -> Result<Self, Failure> {
        Ok(KeyWriter {
            spool: disk.create("visited")?,
            block: Vec::with_capacity(BLOCK),
            records: 0,
            keys: 0,
            key: std::marker::PhantomData,
        })
    }

    /// # Errors
    /// When it cannot be written.
    pub(super) fn put(&mut self, key: K) -> Result<(), Failure> {
        put_key(&mut self.block, key);
        self.records += 1;
        self.keys += 1;
        if self.block.len() >= BLOCK {
            self.spool
                .append(std::mem::take(&mut self.records), &self.block)?;
            self.block.clear();
        }
        Ok(())
    }

    /// # Errors
    /// When it cannot be written.
    pub(super) fn finish(mut self) -> Result<KeyRun, Failure> {
        if self.records > 0 {
            self.spool.append(self.records, &self.block)?;
            self.block.clear();
        }
        self.spool.seal()?;
        Ok(KeyRun {
            spool: self.spool,
            keys: self.keys,
        })
    }
}

/// A file of keys.
pub(super) struct KeyRun {
    pub(super) spool: Spool,
    pub(super) keys: u64,
}

/// Reads a file of keys from the start.
pub(super) struct KeyReader<K> {
    blocks: Blocks,
    block: Vec<u8>,
    at: usize,
    key: std::marker::PhantomData<K>,
}

impl<K: Key> KeyReader<K> {
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn new(spool: &Spool) -> Result<Self, Failure> {
        Ok(KeyReader {
            blocks: spool.blocks()?,
            block: Vec::new(),
            at: 0,
            key: std::marker::PhantomData,
        })
    }

    /// # Errors
    /// When the file cannot be read or is damaged.
    pub(super) fn next(&mut self) -> Result<Option<K>, Failure> {
        while self.at >= self.block.len() {
            let Some((_, _, block)) = self.blocks.next()? else {
                return Ok(None);
            };
            (self.block, self.at) = (block, 0);
        }
        let key = get_key(&self.block, self.at);
        self.at += K::WORDS * 8;
        Ok(key)
    }
}

/// Reads a run of candidates.
struct CandidateReader<K> {
    spool: Spool,
    blocks: Blocks,
    block: Vec<u8>,
    at: usize,
    head: Option<Head<K>>,
}

#[derive(Clone, Copy)]
struct Head<K> {
    key: K,
    tag: u64,
    orbit: u32,
    from: usize,
    to: usize,
}

impl<K: Key> CandidateReader<K> {
    fn new(spool: Spool) -> Result<Self, Failure> {
        let mut reader = CandidateReader {
            blocks: spool.blocks()?,
            spool,
            block: Vec::new(),
            at: 0,
            head: None,
        };
        reader.advance()?;
        Ok(reader)
    }

    fn advance(&mut self) -> Result<(), Failure> {
        if self.at >= self.block.len() {
            let Some((block, _, bytes)) = self.blocks.next()? else {
                self.head = None;
                return Ok(());
            };
            let damaged = |_| self.spool.damaged(block, "it does not unpack");
            (self.block, self.at) = (inflate(&bytes).map_err(damaged)?, 0);
        }
        let from = self.at + K::WORDS * 8 + 16;
        self.head = (|| {
            let key = get_key(&self.block, self.at)?;
            let tag = word(&self.block, from - 16)?;
            let both = word(&self.block, from - 8)?;
            let to = from + (both >> 32) as usize;
            self.block.get(from..to)?;
            Some(Head {
                key,
                tag,
                orbit: both as u32,
                from,
                to,
            })
        })();
        self.at = self.head.map_or(usize::MAX, |head| head.to);
        Ok(())
    }
}

/// So many runs of candidates are merged into one before there are more: each
/// takes a buffer and an open file when it is read.
pub(super) const RUNS_MAX: usize = 64;

/// Merges runs of candidates into one.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn merge_candidates<K: Key>(
    disk: &Arc<Disk>,
    candidates: Vec<Spool>,
) -> Result<Spool, Failure> {
    let spool = disk.create("candidates")?;
    let (mut block, mut records) = (Vec::with_capacity(BLOCK * 2), 0);
    each::<K>(candidates, |key, tag, orbit, packed| {
        put_candidate(&mut block, key, tag, orbit, packed);
        records += 1;
        if block.len() >= BLOCK {
            spool.append(std::mem::take(&mut records), &deflate(&block))?;
            block.clear();
        }
        Ok(())
    })?;
    if records > 0 {
        spool.append(records, &deflate(&block))?;
    }
    spool.seal()?;
    Ok(spool)
}

fn put_candidate<K: Key>(block: &mut Vec<u8>, key: K, tag: u64, orbit: u32, packed: &[u8]) {
    put_key(block, key);
    block.extend_from_slice(&tag.to_le_bytes());
    block.extend_from_slice(&orbit.to_le_bytes());
    block.extend_from_slice(&(packed.len() as u32).to_le_bytes());
    block.extend_from_slice(packed);
}

/// Hands every key of these runs once, with its least tag, in ascending order.
fn each<K: Key>(
    candidates: Vec<Spool>,
    mut to: impl FnMut(K, u64, u32, &[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut runs = Vec::new();
    let mut heap = BinaryHeap::new();
    for (i, spool) in candidates.into_iter().enumerate() {
        let reader = CandidateReader::<K>::new(spool)?;
        if let Some(head) = reader.head {
            heap.push(Reverse((head.key, head.tag, i)));
        }
        runs.push(reader);
    }
    let mut last = None;
    while let Some(Reverse((key, tag, i))) = heap.pop() {
        if last != Some(key) {
            last = Some(key);
            if let Some(head) = runs[i].head {
                to(key, tag, head.orbit, &runs[i].block[head.from..head.to])?;
            }
        }
        runs[i].advance()?;
        if let Some(head) = runs[i].head {
            heap.push(Reverse((head.key, head.tag, i)));
        }
    }
    Ok(())
}

/// Merges `candidates` with each other and with `visited`; hands every new key,
/// with its least tag, its orbit and its state, to `new`, in ascending order.
/// Returns the run of the new keys.
///
/// # Errors
/// When a file cannot be read or written, or what `new` returns.
pub(super) fn merge<K: Key>(
    disk: &Arc<Disk>,
    visited: &[KeyRun],
    candidates: Vec<Spool>,
    mut new: impl FnMut(K, u64, u32, &[u8]) -> Result<(), Failure>,
) -> Result<KeyRun, Failure> {
    let mut written = KeyWriter::new(disk)?;
    let mut known = Vec::new();
    for run in visited {
        let mut reader = KeyReader::<K>::new(&run.spool)?;
        let head = reader.next()?;
        known.push((reader, head));
    }
    each::<K>(candidates, |key, tag, orbit, packed| {
        let mut is_known = false;
        for (reader, head) in &mut known {
            while head.is_some_and(|seen| seen < key) {
                *head = reader.next()?;
            }
            is_known |= *head == Some(key);
        }
        if is_known {
            return Ok(());
        }
        written.put(key)?;
        new(key, tag, orbit, packed)
    })?;
    written.finish()
}

/// Adds a run to the visited ones, and merges runs of about a size.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn add_run<K: Key>(
    disk: &Arc<Disk>,
    visited: &mut Vec<KeyRun>,
    run: KeyRun,
) -> Result<(), Failure> {
    if run.keys == 0 {
        return Ok(());
    }
    visited.push(run);
    while let [.., a, b] = visited.as_slice() {
        if b.keys * 2 < a.keys {
            break;
        }
        let mut merged = KeyWriter::<K>::new(disk)?;
        let (mut left, mut right) = (KeyReader::<K>::new(&a.spool)?, KeyReader::new(&b.spool)?);
        let (mut l, mut r) = (left.next()?, right.next()?);
        loop {
            match (l, r) {
                (Some(key), other) if other.is_none_or(|other| key < other) => {
                    merged.put(key)?;
                    l = left.next()?;
                }
                (_, Some(key)) => {
                    merged.put(key)?;
                    r = right.next()?;
                }
                _ => break,
            }
        }
        let merged = merged.finish()?;
        visited.truncate(visited.len() - 2);
        visited.push(merged);
    }
    Ok(())
}
