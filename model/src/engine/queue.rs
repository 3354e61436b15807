//! Frontiers: states that wait, in chunks of bytes, in memory as long as there
//! is room, compressed when there is little, and then on disk.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use super::disk::{Block, Disk, Failure, Part, Spool, lock};
use super::key::Key;

/// A chunk is handed over when it holds so many bytes.
pub(super) const CHUNK: usize = 32 << 10;

/// Where chunks are put.
pub(super) struct Store {
    pub(super) disk: Arc<Disk>,
    /// The most bytes that chunks may take in memory, in all queues together.
    memory_max: AtomicU64,
    memory: AtomicU64,
}

/// So many bytes of chunks are not worth the time to compress them.
const PLAIN: u64 = 48 << 20;

impl Store {
    pub(super) fn new(disk: Arc<Disk>, memory_max: u64) -> Arc<Self> {
        Arc::new(Store {
            disk,
            memory_max: AtomicU64::new(memory_max),
            memory: AtomicU64::new(0),
        })
    }

    /// From now on chunks may take so many bytes.
    pub(super) fn limit(&self, memory_max: u64) {
        self.memory_max.store(memory_max, Relaxed);
    }

    /// The bytes of all chunks in memory.
    pub(super) fn memory(&self) -> u64 {
        self.memory.load(Relaxed)
    }
}

enum Held {
    Plain(Vec<u8>),
    Packed(Vec<u8>),
    Disk(Arc<Spool>, Block),
}

/// A chunk that waits.
pub(super) struct Chunk {
    records: u32,
    held: Held,
}

impl Chunk {
    fn memory(&self) -> u64 {
        match &self.held {
            Held::Plain(bytes) | Held::Packed(bytes) => bytes.capacity() as u64,
            Held::Disk(..) => 0,
        }
    }

    /// The bytes as they were put.
    ///
    /// # Errors
    /// When they lie on disk and cannot be read.
    pub(super) fn load(self) -> Result<Vec<u8>, Failure> {
        match self.held {
            Held::Plain(bytes) => Ok(bytes),
            Held::Packed(bytes) => Ok(inflate(&bytes).unwrap_or_default()),
            Held::Disk(spool, block) => inflate(&spool.read(block)?.1)
                .map_err(|_| spool.damaged(block, "it does not unpack")),
        }
    }
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    lz4_flex::compress_prepend_size(bytes)
}

pub(super) fn inflate(bytes: &[u8]) -> Result<Vec<u8>, lz4_flex::block::DecompressError> {
    lz4_flex::decompress_size_prepended(bytes)
}

/// Chunks that wait for a level, first in, first out.
pub(super) struct Queue {
    store: Arc<Store>,
    kind: &'static str,
    spool: Option<Arc<Spool>>,
    chunks: VecDeque<Chunk>,
    records: u64,
}

impl Queue {
    /// An empty queue; its file, if it needs one, is named after `kind`.
    pub(super) fn new(store: &Arc<Store>, kind: &'static str) -> Self {
        Queue {
            store: Arc::clone(store),
            kind,
            spool: None,
            chunks: VecDeque::new(),
            records: 0,
        }
    }

    /// How many records wait.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// How many chunks wait.
    pub(super) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// Prepares bytes for [`Queue::push`]: what takes time is done here, by
    /// many threads at once.
    pub(super) fn pack(store: &Store, records: u32, bytes: Vec<u8>) -> Chunk {
        let held = if store.memory() < PLAIN.min(store.memory_max.load(Relaxed) / 2) {
            Held::Plain(bytes)
        } else {
            Held::Packed(deflate(&bytes))
        };
        Chunk { records, held }
    }

    /// Puts a chunk at the end.
    ///
    /// # Errors
    /// When it must go to disk and cannot.
    pub(super) fn push(&mut self, chunk: Chunk) -> Result<(), Failure> {
        self.records += u64::from(chunk.records);
        let chunk = if self.store.memory() + chunk.memory() > self.store.memory_max.load(Relaxed) {
            self.spooled(chunk)?
        } else {
            chunk
        };
        self.store.memory.fetch_add(chunk.memory(), Relaxed);
        self.chunks.push_back(chunk);
        Ok(())
    }

    fn spooled(&mut self, chunk: Chunk) -> Result<Chunk, Failure> {
        let packed = match chunk.held {
            Held::Plain(bytes) => deflate(&bytes),
            Held::Packed(bytes) => bytes,
            Held::Disk(..) => return Ok(chunk),
        };
        let spool = match &self.spool {
            Some(spool) => Arc::clone(spool),
            None => {
                let spool = Arc::new(self.store.disk.create(self.kind)?);
                self.spool = Some(Arc::clone(&spool));
                spool
            }
        };
        let block = spool.append(chunk.records, &packed)?;
        Ok(Chunk {
            records: chunk.records,
            held: Held::Disk(spool, block),
        })
    }

    /// Takes the first chunk.
    pub(super) fn pop(&mut self) -> Option<Chunk> {
        let chunk = self.chunks.pop_front()?;
        self.store.memory.fetch_sub(chunk.memory(), Relaxed);
        self.records -= u64::from(chunk.records);
        Some(chunk)
    }

    /// Puts everything that waits, and nothing else, in one file, and has it
    /// reach the disk.
    ///
    /// # Errors
    /// When that cannot be written.
    pub(super) fn save(&mut self) -> Result<Part, Failure> {
        // A file may hold chunks that were taken since.
        let all_there = self.spool.as_ref().is_none_or(|spool| {
            let here = |c: &Chunk| matches!(&c.held, Held::Disk(of, _) if Arc::ptr_eq(of, spool));
            let waiting: u64 = self
                .chunks
                .iter()
                .filter(|c| here(c))
                .map(Chunk::on_disk)
                .sum();
            waiting == spool.bytes()
        });
        if !all_there {
            self.spool = None;
        }
        let kept = self.spool.clone();
        for mut chunk in std::mem::take(&mut self.chunks) {
            self.store.memory.fetch_sub(chunk.memory(), Relaxed);
            if let Held::Disk(of, block) = &chunk.held
                && !kept.as_ref().is_some_and(|kept| Arc::ptr_eq(of, kept))
            {
                chunk.held = Held::Packed(of.read(*block)?.1);
            }
            let chunk = self.spooled(chunk)?;
            self.chunks.push_back(chunk);
        }
        let spool = match &self.spool {
            Some(spool) => Arc::clone(spool),
            None => Arc::new(self.store.disk.create(self.kind)?),
        };
        self.spool = Some(Arc::clone(&spool));
        spool.part()
    }

    /// What [`Queue::save`] has put in the file `name`.
    ///
    /// # Errors
    /// When the file is not whole.
    pub(super) fn load(
        store: &Arc<Store>,
        kind: &'static str,
        part: &Part,
    ) -> Result<Self, Failure> {
        let spool = Arc::new(store.disk.open(part)?.0);
        let mut queue = Queue::new(store, kind);
        let mut blocks = spool.blocks()?;
        while let Some((block, records, _)) = blocks.next()? {
            queue.records += u64::from(records);
            let held = Held::Disk(Arc::clone(&spool), block);
            queue.chunks.push_back(Chunk { records, held });
        }
        queue.spool = Some(spool);
        Ok(queue)
    }
}

impl Chunk {
    fn on_disk(&self) -> u64 {
        match &self.held {
            Held::Disk(_, block) => block.bytes(),
            _ => 0,
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let held: u64 = self.chunks.iter().map(Chunk::memory).sum();
        self.store.memory.fetch_sub(held, Relaxed);
    }
}

/// Appends a state to a chunk.
pub(super) fn put(chunk: &mut Vec<u8>, packed: &[u8]) {
    let mut len = packed.len();
    while len >= 0x80 {
        chunk.push(len as u8 | 0x80);
        len >>= 7;
    }
    chunk.push(len as u8);
    chunk.extend_from_slice(packed);
}

/// The state of a chunk that starts at `at`; moves `at` behind it.
pub(super) fn next<'c>(chunk: &'c [u8], at: &mut usize) -> Option<&'c [u8]> {
    let (mut len, mut shift) = (0, 0);
    loop {
        let byte = *chunk.get(*at)?;
        *at += 1;
        len |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    let packed = chunk.get(*at..*at + len)?;
    *at += len;
    Some(packed)
}

/// Writes states to a queue.
pub(super) struct Out<'a> {
    store: &'a Store,
    queue: &'a Mutex<Queue>,
    chunk: Vec<u8>,
    records: u32,
}

impl<'a> Out<'a> {
    pub(super) fn new(store: &'a Store, queue: &'a Mutex<Queue>) -> Self {
        Out {
            store,
            queue,
            chunk: Vec::new(),
            records: 0,
        }
    }

    pub(super) fn put(&mut self, packed: &[u8]) -> Result<(), Failure> {
        put(&mut self.chunk, packed);
        self.records += 1;
        if self.chunk.len() >= CHUNK {
            self.ship()?;
        }
        Ok(())
    }

    pub(super) fn ship(&mut self) -> Result<(), Failure> {
        if self.records == 0 {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.chunk);
        let chunk = Queue::pack(self.store, std::mem::take(&mut self.records), bytes);
        lock(self.queue).push(chunk)
    }
}

/// Keys with their tags.
pub(super) struct Pairs {
    store: Arc<Store>,
    queue: Queue,
    chunk: Vec<u8>,
    records: u32,
}

impl Pairs {
    pub(super) fn new(store: &Arc<Store>) -> Self {
        Pairs {
            store: Arc::clone(store),
            queue: Queue::new(store, "trace"),
            chunk: Vec::new(),
            records: 0,
        }
    }

    pub(super) fn put<K: Key>(&mut self, key: K, tag: u64) -> Result<(), Failure> {
        let [first, second] = key.words();
        for word in [first, second, tag] {
            self.chunk.extend_from_slice(&word.to_le_bytes());
        }
        self.records += 1;
        if self.chunk.len() >= CHUNK {
            self.ship()?;
        }
        Ok(())
    }

    fn ship(&mut self) -> Result<(), Failure> {
        let bytes = std::mem::take(&mut self.chunk);
        let records = std::mem::take(&mut self.records);
        self.queue.push(Queue::pack(&self.store, records, bytes))
    }

    pub(super) fn finish(mut self) -> Result<Queue, Failure> {
        if self.records > 0 {
            self.ship()?;
        }
        Ok(self.queue)
    }
}
