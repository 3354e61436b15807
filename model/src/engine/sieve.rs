//! One thread of a search: expands states, and keeps of what they lead to only
//! what nobody has seen before.
//!
//! Successors are gathered for a few expansions before they are looked up, so
//! that the look-ups wait for memory together.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::bits::BitTable;
use super::disk::{Failure, Spool, lock};
use super::external::{Candidates, RUNS_MAX};
use super::key::Key;
use super::queue::{self, CHUNK, Queue, Store};
use super::space::{Sink, Worker};
use super::table::{Insert, View};

/// So many successors are looked up together.
const BATCH: usize = 64;
/// So many new states are told to the other threads together: the words that
/// count them are in everybody's way.
const TELL: u64 = 128;

/// What one thread writes while others read its neighbours: apart from them by
/// two lines of the cache, which are fetched in pairs.
#[repr(align(128))]
#[derive(Debug, Default)]
pub(super) struct Apart<T>(pub(super) T);

/// A successor that waits to be looked up.
#[derive(Clone, Copy)]
pub(super) struct Item<K> {
    pub(super) key: K,
    /// The first word of its parent's key, where the run is traced.
    pub(super) tag: u64,
    pub(super) orbit: u32,
    at: u32,
    len: u32,
}

/// A step that breaks a property.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broken<K> {
    /// The state before; `None` where the state itself was judged.
    pub(super) parent: Option<K>,
    /// The how many-th successor of its parent it is.
    pub(super) ordinal: u32,
    /// The state after.
    pub(super) child: K,
}

impl<K: Key> Broken<K> {
    /// Of the steps of one level that break a property, the least is shown.
    fn rank(&self) -> (K, u32, K) {
        (self.parent.unwrap_or(self.child), self.ordinal, self.child)
    }

    /// Puts `self` where nothing greater or equal was found before.
    pub(super) fn note(self, found: &mut Option<Broken<K>>) {
        if found
            .as_ref()
            .is_none_or(|known| self.rank() < known.rank())
        {
            *found = Some(self);
        }
    }
}

/// Gathers successors.
pub(super) struct Sieve<K> {
    bytes: Vec<u8>,
    items: Vec<Item<K>>,
    /// How many of them have been looked up.
    done: usize,
    tag: u64,
    ordinal: u32,
    broken: Vec<(u64, Broken<K>)>,
    generated: u64,
    beyond: u64,
}

impl<K: Key> Sieve<K> {
    fn new() -> Self {
        Sieve {
            bytes: Vec::new(),
            items: Vec::new(),
            done: 0,
            tag: 0,
            ordinal: 0,
            broken: Vec::new(),
            generated: 0,
            beyond: 0,
        }
    }
}

impl<K: Key> Sink for Sieve<K> {
    #[inline]
    fn state(&mut self, packed: &[u8], orbit: u32, broken: u64) {
        let key = K::of(packed);
        self.items.push(Item {
            key,
            tag: self.tag,
            orbit,
            at: self.bytes.len() as u32,
            len: packed.len() as u32,
        });
        self.bytes.extend_from_slice(packed);
        if broken != 0 {
            let step = Broken {
                parent: None,
                ordinal: self.ordinal,
                child: key,
            };
            self.broken.push((broken, step));
        }
        self.ordinal += 1;
        self.generated += 1;
    }

    #[inline]
    fn beyond(&mut self) {
        self.ordinal += 1;
        self.generated += 1;
        self.beyond += 1;
    }
}

/// What is known of the states seen so far.
pub(super) enum Visited<'a, K> {
    /// All of them.
    One(View<'a, K, false>),
    /// Those of earlier levels, frozen, and those of this one with their
    /// parents.
    Two(Older<'a, K>, View<'a, K, true>),
    /// Some of them: what is not there is only a candidate. Without a filter
    /// every successor is one.
    Some(Option<View<'a, K, false>>),
}

/// The states of earlier levels.
pub(super) enum Older<'a, K> {
    Exact(View<'a, K, false>),
    Bits(&'a BitTable),
}

impl<K: Key> Older<'_, K> {
    fn contains(&self, key: K) -> bool {
        match self {
            Older::Exact(view) => view.contains(key),
            Older::Bits(bits) => bits.contains(key.words()[0]),
        }
    }
}

/// What the threads of a round share.
pub(super) struct Round<'a, K> {
    pub(super) visited: Visited<'a, K>,
    pub(super) store: &'a Store,
    pub(super) current: &'a Mutex<Queue>,
    pub(super) next: &'a Mutex<Queue>,
    /// Where new keys are logged, for checkpoints.
    pub(super) log: Option<&'a Spool>,
    /// Candidate runs that went to disk.
    pub(super) runs: &'a Mutex<Vec<Spool>>,
    /// Bytes of candidates that one thread may hold.
    pub(super) candidates_max: usize,
    /// How many keys the table should hold.
    pub(super) comfortable: u64,
    /// Whether everybody is to come back.
    pub(super) pause: &'a Apart<AtomicBool>,
    pub(super) counted: &'a Apart<Counted>,
}

impl<K> Round<'_, K> {
    /// Has everybody come back.
    pub(super) fn stop(&self) {
        self.pause.0.store(true, Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.pause.0.load(Relaxed)
    }
}

/// What the threads of a round have counted together.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Keys in the table.
    pub(super) held: AtomicU64,
    /// Distinct and generated states, for progress and limits.
    pub(super) distinct: AtomicU64,
    pub(super) generated: AtomicU64,
}

/// What one thread has counted and not told.
#[derive(Debug, Default)]
struct Untold {
    held: u64,
    distinct: u64,
    generated: u64,
}

/// One thread's part of a search, between rounds too.
#[repr(align(128))]
pub(super) struct Hand<W, K> {
    pub(super) worker: W,
    sieve: Sieve<K>,
    /// The chunk at hand and how far it is expanded.
    cursor: Option<(Vec<u8>, usize)>,
    out: Vec<u8>,
    out_records: u32,
    log: Vec<u8>,
    log_records: u32,
    seen: Vec<u64>,
    pub(super) candidates: Candidates<K>,
    trace: bool,
    untold: Untold,
    /// New states, and how many states they stand for.
    pub(super) distinct: u64,
    pub(super) represented: u64,
    /// The least step that breaks each property.
    pub(super) found: Vec<Option<Broken<K>>>,
}

impl<W: Worker, K: Key> Hand<W, K> {
    pub(super) fn new(worker: W, properties: usize, trace: bool) -> Self {
        Hand {
            worker,
            sieve: Sieve::new(),
            cursor: None,
            out: Vec::new(),
            out_records: 0,
            log: Vec::new(),
            log_records: 0,
            seen: Vec::new(),
            candidates: Candidates::new(),
            trace,
            untold: Untold::default(),
            distinct: 0,
            represented: 0,
            found: vec![None; properties],
        }
    }

    /// Generated states, and how many of them out of bounds.
    pub(super) fn generated(&self) -> (u64, u64) {
        (self.sieve.generated, self.sieve.beyond)
    }

    /// Whether nothing is left to do here.
    pub(super) fn is_idle(&self) -> bool {
        self.cursor.is_none() && self.sieve.items.is_empty()
    }

    /// Generates the initial states.
    pub(super) fn begin(&mut self) {
        self.worker.initial(&mut self.sieve);
        for (mask, step) in self.sieve.broken.drain(..) {
            note(&mut self.found, mask, step);
        }
    }

    /// Gives back what is left of the chunk at hand.
    pub(super) fn put_back(&mut self) -> Option<(u32, Vec<u8>)> {
        let (chunk, mut at) = self.cursor.take()?;
        let rest = chunk[at..].to_vec();
        let mut records = 0;
        while queue::next(&chunk, &mut at).is_some() {
            records += 1;
        }
        (records > 0).then_some((records, rest))
    }

    /// Expands chunks until none is left or the round pauses. Calls `poll`
    /// before every chunk.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub(super) fn work(
        &mut self,
        round: &Round<'_, K>,
        mut poll: impl FnMut(),
    ) -> Result<(), Failure> {
        loop {
            poll();
            let sifted = self.sift(round)?;
            self.tell(round);
            if !sifted || round.is_stopped() {
                return Ok(());
            }
            if self.cursor.is_none() {
                let Some(chunk) = lock(round.current).pop() else {
                    return Ok(());
                };
                self.cursor = Some((chunk.load()?, 0));
            }
            if self.expand_chunk(round)? {
                self.cursor = None;
            }
        }
    }

    /// Expands the chunk at hand; says whether all of it is.
    fn expand_chunk(&mut self, round: &Round<'_, K>) -> Result<bool, Failure> {
        while let Some((chunk, at)) = &mut self.cursor {
            let Some(packed) = queue::next(chunk, at) else {
                return Ok(true);
            };
            if self.trace {
                self.sieve.tag = K::of(packed).words()[0];
            }
            self.sieve.ordinal = 0;
            self.worker.expand(packed, &mut self.sieve);
            if !self.sieve.broken.is_empty() {
                let parent = Some(K::of(packed));
                for (mask, step) in self.sieve.broken.drain(..) {
                    note(&mut self.found, mask, Broken { parent, ..step });
                }
            }
            if self.sieve.items.len() >= BATCH {
                let sifted = self.sift(round)?;
                if self.untold.held >= TELL {
                    self.tell(round);
                }
                if !sifted || round.is_stopped() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Looks up what is gathered; says whether all of it could be.
    pub(super) fn sift(&mut self, round: &Round<'_, K>) -> Result<bool, Failure> {
        let before = self.distinct;
        let generated = self.sieve.items.len() - self.sieve.done;
        let sifted = match &round.visited {
            Visited::One(view) => {
                self.touch(view);
                self.sift_with(round, true, |item, seen| {
                    if K::WORDS == 1 && seen == item.key.words()[0] {
                        return Insert::Known;
                    }
                    view.insert(item.key, 0)
                })
            }
            Visited::Two(older, view) => {
                if let Older::Exact(older) = older {
                    self.touch(older);
                }
                self.sift_with(round, true, |item, _| {
                    if older.contains(item.key) {
                        return Insert::Known;
                    }
                    view.insert(item.key, item.tag)
                })
            }
            Visited::Some(Some(view)) => {
                self.touch(view);
                self.sift_with(round, false, |item, _| view.insert(item.key, 0))
            }
            Visited::Some(None) => self.sift_with(round, false, |_, _| Insert::New),
        }?;
        self.untold.generated += generated as u64;
        self.untold.distinct += self.distinct - before;
        if self.candidates.bytes() > round.candidates_max {
            self.ship_candidates(round)?;
        }
        Ok(sifted)
    }

    /// Adds what was counted here to what all have; stops the round where the
    /// table should grow.
    pub(super) fn tell(&mut self, round: &Round<'_, K>) {
        let untold = std::mem::take(&mut self.untold);
        let Counted {
            held,
            distinct,
            generated,
        } = &round.counted.0;
        let before = held.fetch_add(untold.held, Relaxed);
        if before + untold.held > round.comfortable {
            round.stop();
        }
        distinct.fetch_add(untold.distinct, Relaxed);
        generated.fetch_add(untold.generated, Relaxed);
    }

    fn touch<const TAGGED: bool>(&mut self, view: &View<'_, K, TAGGED>) {
        self.seen.clear();
        let items = &self.sieve.items[self.sieve.done..];
        self.seen
            .extend(items.iter().map(|item| view.touch(item.key)));
    }

    fn sift_with(
        &mut self,
        round: &Round<'_, K>,
        exact: bool,
        mut insert: impl FnMut(&Item<K>, u64) -> Insert,
    ) -> Result<bool, Failure> {
        let (first, mut new) = (self.sieve.done, 0);
        let mut full = false;
        for i in first..self.sieve.items.len() {
            let item = self.sieve.items[i];
            let seen = self.seen.get(i - first).copied().unwrap_or(0);
            match insert(&item, seen) {
                Insert::Known => {}
                Insert::New => {
                    new += 1;
                    let (from, to) = (item.at as usize, (item.at + item.len) as usize);
                    if exact {
                        self.accept(item, from, to, round)?;
                    } else {
                        self.candidates.push(&item, &self.sieve.bytes[from..to]);
                    }
                }
                Insert::Full => {
                    full = true;
                    self.sieve.done = i;
                    break;
                }
            }
        }
        self.untold.held += new;
        if full {
            round.stop();
            return Ok(false);
        }
        self.sieve.items.clear();
        self.sieve.bytes.clear();
        self.sieve.done = 0;
        Ok(true)
    }

    /// A state that nobody has seen.
    fn accept(
        &mut self,
        item: Item<K>,
        from: usize,
        to: usize,
        round: &Round<'_, K>,
    ) -> Result<(), Failure> {
        let packed = &self.sieve.bytes[from..to];
        self.distinct += 1;
        self.represented += u64::from(item.orbit);
        let broken = self.worker.judge(packed);
        if broken != 0 {
            note(&mut self.found, broken, judged(item.key));
        }
        if let Some(log) = round.log {
            for word in item.key.words().iter().take(K::WORDS) {
                self.log.extend_from_slice(&word.to_le_bytes());
            }
            self.log_records += 1;
            if self.log.len() >= CHUNK {
                log.append(std::mem::take(&mut self.log_records), &self.log)?;
                self.log.clear();
            }
        }
        queue::put(&mut self.out, packed);
        self.out_records += 1;
        if self.out.len() >= CHUNK {
            self.ship(round)?;
        }
        Ok(())
    }

    fn ship(&mut self, round: &Round<'_, K>) -> Result<(), Failure> {
        if self.out_records > 0 {
            let records = std::mem::take(&mut self.out_records);
            let room = self.out.len() + CHUNK / 8;
            let out = std::mem::replace(&mut self.out, Vec::with_capacity(room));
            let chunk = Queue::pack(round.store, records, out);
            lock(round.next).push(chunk)?;
        }
        Ok(())
    }

    fn ship_candidates(&mut self, round: &Round<'_, K>) -> Result<(), Failure> {
        if let Some(run) = self.candidates.write(&round.store.disk)? {
            let mut runs = lock(round.runs);
            runs.push(run);
            if runs.len() >= RUNS_MAX {
                round.stop();
            }
        }
        Ok(())
    }

    /// Hands over everything that is still here, at the end of a level.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn finish(&mut self, round: &Round<'_, K>) -> Result<(), Failure> {
        self.ship(round)?;
        self.ship_candidates(round)?;
        if let (Some(log), true) = (round.log, self.log_records > 0) {
            log.append(std::mem::take(&mut self.log_records), &self.log)?;
            self.log.clear();
        }
        Ok(())
    }
}

/// What breaks a property of a state.
pub(super) fn judged<K>(child: K) -> Broken<K> {
    Broken {
        parent: None,
        ordinal: u32::MAX,
        child,
    }
}

/// Notes `step` for every property in `mask`.
pub(super) fn note<K: Key>(found: &mut [Option<Broken<K>>], mask: u64, step: Broken<K>) {
    for (i, found) in found.iter_mut().enumerate() {
        if mask & (1 << i) != 0 {
            step.note(found);
        }
    }
}
