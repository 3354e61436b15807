//! The exhaustive search: breadth first, a level at a time.
//!
//! A level is explored in rounds. Within a round threads take chunks of the
//! frontier, expand them, and put what is new in the next frontier; between
//! rounds one thread has everything to itself and does what must not be
//! disturbed: the table grows, or goes to disk, or a checkpoint is written.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::bits::BitTable;
use super::checkpoint::{self, Manifest, Noted};
use super::disk::{Disk, Failure, Spool, lock};
use super::explore::{Options, Report};
use super::external::{self, KeyReader, KeyRun, KeyWriter};
use super::key::Key;
use super::queue::{self, CHUNK, Queue, Store};
use super::sieve::{Broken, Hand, Older, Round, Visited, judged, note};
use super::space::{Space, Worker};
use super::table::{Insert, Table};
use super::{End, Progress};

/// What is known of visited states.
enum Memory<K> {
    /// All keys.
    One(Table<K>),
    /// Those of earlier levels, and those of this one with their parents.
    Two(Past<K>, Table<K, true>),
    /// Those on disk; and a filter of some of them, but in a traced run, where
    /// every parent counts.
    Outer(Option<Table<K>>, Vec<KeyRun>),
}

/// Visited states of earlier levels.
enum Past<K> {
    Exact(Table<K>, u64),
    Bits(BitTable),
}

/// What has been counted.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Totals {
    pub(super) distinct: u64,
    pub(super) represented: u64,
    pub(super) generated: u64,
    pub(super) beyond: u64,
    pub(super) counts: Vec<u64>,
}

/// A broken property and the level of the state after the step.
pub(super) type Found<K> = Vec<Option<(usize, Broken<K>)>>;

/// A search under way.
pub(super) struct Run<'s, S: Space, K: Key> {
    space: &'s S,
    options: &'s Options,
    properties: usize,
    disk: Arc<Disk>,
    store: Arc<Store>,
    hands: Vec<Hand<S::Worker<'s>, K>>,
    memory: Memory<K>,
    /// Keys in the table that is being filled.
    held: u64,
    current: Mutex<Queue>,
    next: Mutex<Queue>,
    /// Candidates on disk.
    candidates: Mutex<Vec<Spool>>,
    /// Files of the keys in the table, for checkpoints.
    logs: Vec<Spool>,
    /// Up to which level they were begun.
    logged: usize,
    /// The folder, for this process alone.
    taken: Option<File>,
    /// What earlier runs, and merges, have counted.
    base: Totals,
    levels: Vec<u64>,
    found: Found<K>,
    /// Of every level, each key with the least of its parents.
    trace: Option<Vec<Queue>>,
    resumed: Option<usize>,
    started: Instant,
    before: Duration,
}

/// Shares of the memory that a search may use.
const TABLE: u64 = 65;
const STORE: u64 = 12;
const CANDIDATES: u64 = 12;

impl<'s, S: Space, K: Key> Run<'s, S, K> {
    /// A search that has not begun, or the one that the options resume.
    pub(super) fn new(space: &'s S, options: &'s Options) -> Result<Self, Failure> {
        let disk = Disk::new(options.dir.clone(), options.disk_max, options.checkpoints);
        let share = |percent| options.memory / 100 * percent;
        let memory = if options.bitstate {
            let bits = BitTable::new(share(TABLE / 2)).map_err(Failure::Memory)?;
            let current = Table::new(share(TABLE / 2)).map_err(Failure::Memory)?;
            Memory::Two(Past::Bits(bits), current)
        } else {
            Memory::One(Table::new(share(TABLE)).map_err(Failure::Memory)?)
        };
        let mut run = Self::with(space, options, disk, memory, false);
        if options.resume || options.checkpoints {
            run.taken = Some(checkpoint::take(&options.dir)?);
        }
        if options.resume {
            let manifest = checkpoint::read(&options.dir)?;
            manifest.is_of(&options.dir, &checkpoint::identity::<K>(space, options))?;
            run.restore(&manifest)?;
        } else if options.checkpoints {
            checkpoint::refuse_to_overwrite(&options.dir)?;
        }
        Ok(run)
    }

    /// A run of a search again, to learn the parents of its states. It keeps
    /// its visited states where the search kept them.
    pub(super) fn traced(
        space: &'s S,
        options: &'s Options,
        external: bool,
    ) -> Result<Self, Failure> {
        let disk = Disk::new(options.dir.clone(), options.disk_max, false);
        let share = |percent| options.memory / 100 * percent;
        let table = |percent| Table::new(share(percent)).map_err(Failure::Memory);
        let memory = if external {
            Memory::Outer(None, Vec::new())
        } else {
            let past = if options.bitstate {
                Past::Bits(BitTable::new(share(TABLE / 2)).map_err(Failure::Memory)?)
            } else {
                Past::Exact(table(TABLE + 5)?, 0)
            };
            // Twice the share: a run that fitted is found again, whatever the
            // tags need.
            let current = Table::new(share(TABLE) * 2).map_err(Failure::Memory)?;
            Memory::Two(past, current)
        };
        Ok(Self::with(space, options, disk, memory, true))
    }

    fn with(
        space: &'s S,
        options: &'s Options,
        disk: Arc<Disk>,
        memory: Memory<K>,
        trace: bool,
    ) -> Self {
        let properties = space.properties().len();
        let store = Store::new(Arc::clone(&disk), options.memory / 100 * STORE);
        let hands = (0..options.threads.max(1))
            .map(|_| Hand::new(space.worker(), properties, trace))
            .collect();
        Run {
            space,
            options,
            properties,
            hands,
            memory,
            held: 0,
            current: Mutex::new(Queue::new(&store, "frontier")),
            next: Mutex::new(Queue::new(&store, "frontier")),
            candidates: Mutex::default(),
            logs: Vec::new(),
            logged: 0,
            taken: None,
            base: Totals::default(),
            levels: Vec::new(),
            found: vec![None; properties],
            trace: trace.then(Vec::new),
            resumed: None,
            started: Instant::now(),
            before: Duration::ZERO,
            disk,
            store,
        }
    }

    /// Searches until the end.
    pub(super) fn search(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<End, Failure> {
        if self.resumed.is_none() {
            self.hands[0].begin();
        }
        loop {
            if let Some(end) = self.expand_level(progress)? {
                return Ok(match self.is_found() {
                    true => End::Found,
                    false => end,
                });
            }
            if self.is_found() {
                return Ok(End::Found);
            }
            if lock(&self.current).records() == 0 {
                return Ok(match self.options.bitstate {
                    true => End::Sampled,
                    false => End::Exhausted,
                });
            }
            if self
                .options
                .depth
                .is_some_and(|depth| self.levels.len() > depth)
            {
                return Ok(End::Depth);
            }
            if self.options.checkpoints && self.trace.is_none() && !self.options.bitstate {
                match self.checkpoint() {
                    Err(Failure::DiskSpent { .. }) => return Ok(End::DiskSpent),
                    other => other?,
                };
            }
        }
    }

    /// Explores until the level `depth` is complete.
    pub(super) fn search_levels(&mut self, depth: usize) -> Result<(), Failure> {
        self.hands[0].begin();
        while self.levels.len() <= depth {
            let levels = self.levels.len();
            if self.expand_level(&mut |_| {})?.is_some() || self.levels.len() == levels {
                break;
            }
        }
        Ok(())
    }

    fn is_found(&self) -> bool {
        let here = |i: usize| {
            self.found[i].is_some() || self.hands.iter().any(|hand| hand.found[i].is_some())
        };
        !self.options.keep_going
            && self.trace.is_none()
            && (0..self.properties).any(|i| self.options.until & (1 << i) != 0 && here(i))
    }

    /// Explores what waits; says why, where it stops before the level is
    /// complete.
    fn expand_level(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<Option<End>, Failure> {
        loop {
            match self.round(progress) {
                Err(Failure::DiskSpent { .. }) => return Ok(Some(End::DiskSpent)),
                Err(failure) => return Err(failure),
                Ok(Some(end)) => return Ok(Some(end)),
                Ok(None) => {}
            }
            let idle = self.hands.iter().all(Hand::is_idle);
            if idle && lock(&self.current).chunks() == 0 {
                break;
            }
            match self.make_room() {
                Err(Failure::DiskSpent { .. }) => return Ok(Some(End::DiskSpent)),
                Ok(false) => return Ok(Some(End::Memory)),
                other => other?,
            };
        }
        match self.complete_level() {
            Err(Failure::DiskSpent { .. }) => Ok(Some(End::DiskSpent)),
            other => other.map(|()| None),
        }
    }

    fn round(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<Option<End>, Failure> {
        let totals = self.totals();
        let pause = AtomicBool::new(false);
        let held = AtomicU64::new(self.held);
        let (distinct, generated) = (totals.distinct.into(), totals.generated.into());
        let log = match self.options.checkpoints && self.trace.is_none() {
            true if matches!(self.memory, Memory::One(_)) => {
                if self.logged <= self.levels.len() {
                    self.logged = self.levels.len() + 1;
                    self.logs.push(self.disk.create("visited")?);
                }
                self.logs.last()
            }
            _ => None,
        };
        let (visited, comfortable) = share(&mut self.memory);
        let round = Round {
            visited,
            store: &self.store,
            current: &self.current,
            next: &self.next,
            log,
            runs: &self.candidates,
            candidates_max: usize::try_from(self.options.memory / 100 * CANDIDATES)
                .unwrap_or(usize::MAX)
                / self.hands.len(),
            held: &held,
            comfortable,
            pause: &pause,
            distinct: &distinct,
            generated: &generated,
        };
        let mut end = None;
        let (options, started, before) = (self.options, self.started, self.before);
        let (levels, disk, traced) = (&self.levels, &self.disk, self.trace.is_some());
        let mut last = started;
        let mut poll = || {
            let now = Instant::now();
            if traced {
                // What was found is told, also to those who want to leave.
            } else if options.interrupt.load(Relaxed) {
                end = Some(End::Interrupted);
            } else if options.time.is_some_and(|time| now - started >= time) {
                end = end.or(Some(End::Time));
            } else if options.states.is_some_and(|n| distinct.load(Relaxed) >= n) {
                end = end.or(Some(End::States));
            }
            if end.is_some() {
                pause.store(true, Relaxed);
            }
            if now - last >= Duration::from_millis(100) {
                last = now;
                let waiting = lock(round.current).records();
                progress(Progress {
                    distinct: distinct.load(Relaxed),
                    generated: generated.load(Relaxed),
                    depth: levels.len(),
                    waiting,
                    left: estimate(levels, distinct.load(Relaxed)),
                    disk: disk.used().0,
                    elapsed: before + (now - started),
                });
            }
        };
        // A level of one chunk is not worth a thread.
        let many = lock(round.current).chunks() > 1;
        let result = std::thread::scope(|scope| {
            let round = &round;
            let mut hands = self.hands.iter_mut();
            let first = hands.next();
            let threads: Vec<_> = hands
                .filter(|hand| many || !hand.is_idle())
                .map(|hand| {
                    scope.spawn(move || {
                        let result = hand.work(round, || {});
                        if result.is_err() {
                            round.pause.store(true, Relaxed);
                        }
                        result
                    })
                })
                .collect();
            let mut result = first.map_or(Ok(()), |hand| hand.work(round, &mut poll));
            if result.is_err() {
                round.pause.store(true, Relaxed);
            }
            for thread in threads {
                match thread.join() {
                    Ok(other) => result = result.and(other),
                    // A panic is a broken invariant: pass it on.
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            result
        });
        self.held = held.load(Relaxed);
        result.map(|()| end)
    }

    /// Makes room for more keys; says whether there is any.
    fn make_room(&mut self) -> Result<bool, Failure> {
        match &mut self.memory {
            Memory::One(table) => {
                if !table.grow() {
                    self.spill()?;
                }
            }
            Memory::Two(_, current) => return Ok(current.grow()),
            Memory::Outer(filter, _) => {
                // It only spares candidates.
                if let Some(filter) = filter {
                    filter.clear();
                }
                self.held = 0;
            }
        }
        Ok(true)
    }

    /// Puts the visited keys on disk; from here on the search is external.
    fn spill(&mut self) -> Result<(), Failure> {
        let Memory::One(table) = &mut self.memory else {
            return Ok(());
        };
        let mut run = KeyWriter::new(&self.disk)?;
        table.drain(|key, _| run.put(key))?;
        let run = run.finish()?;
        let filter = std::mem::replace(table, Table::new(0).map_err(Failure::Memory)?);
        self.memory = Memory::Outer(Some(filter), vec![run]);
        self.held = 0;
        // A checkpoint may still name the logs: they are swept with the next.
        self.logs.clear();
        Ok(())
    }

    /// Looks up what is still gathered and hands everything over.
    fn settle(&mut self) -> Result<(), Failure> {
        loop {
            let (pause, zero) = (AtomicBool::new(false), AtomicU64::new(0));
            let held = AtomicU64::new(self.held);
            let (visited, _) = share(&mut self.memory);
            let round = Round {
                visited,
                store: &self.store,
                current: &self.current,
                next: &self.next,
                log: match self.options.checkpoints && self.trace.is_none() {
                    true => self.logs.last(),
                    false => None,
                },
                runs: &self.candidates,
                candidates_max: usize::MAX,
                held: &held,
                comfortable: u64::MAX,
                pause: &pause,
                distinct: &zero,
                generated: &zero,
            };
            let mut settled = true;
            for hand in &mut self.hands {
                settled &= hand.sift(&round)?;
                hand.finish(&round)?;
                if let Some((records, rest)) = hand.put_back() {
                    let chunk = Queue::pack(round.store, records, rest);
                    lock(round.current).push(chunk)?;
                }
            }
            self.held = held.load(Relaxed);
            if settled || !self.make_room()? {
                return Ok(());
            }
        }
    }

    /// Ends a level: what is new is known, and waits in the next frontier.
    fn complete_level(&mut self) -> Result<(), Failure> {
        self.settle()?;
        let mut trace = match &self.trace {
            Some(_) => Some(Pairs::new(&self.store)),
            None => None,
        };
        match &mut self.memory {
            Memory::One(_) => {}
            Memory::Two(past, current) => {
                if let Past::Exact(table, held) = past {
                    while *held + self.held > table.comfortable() && table.grow() {}
                    *held += self.held;
                }
                current.drain(|key, tag| {
                    match past {
                        Past::Exact(table, _) => {
                            if table.view().insert(key, 0) == Insert::Full {
                                table.grow();
                                table.view().insert(key, 0);
                            }
                        }
                        Past::Bits(bits) => bits.insert(key.words()[0]),
                    }
                    match &mut trace {
                        Some(pairs) => pairs.put(key, tag),
                        None => Ok(()),
                    }
                })?;
                self.held = 0;
            }
            Memory::Outer(_, visited) => {
                let candidates = std::mem::take(&mut *lock(&self.candidates));
                let mut out = Out::new(&self.store, &self.next);
                let worker = &mut self.hands[0];
                let mut base = std::mem::take(&mut self.base);
                let run = external::merge::<K>(
                    &self.disk,
                    visited,
                    candidates,
                    |key, tag, orbit, packed| {
                        base.distinct += 1;
                        base.represented += u64::from(orbit);
                        let broken = worker.worker.judge(packed);
                        if broken != 0 {
                            note(&mut worker.found, broken, judged(key));
                        }
                        if let Some(pairs) = &mut trace {
                            pairs.put(key, tag)?;
                        }
                        out.put(packed)
                    },
                )?;
                self.base = base;
                out.ship()?;
                external::add_run::<K>(&self.disk, visited, run)?;
            }
        }
        let level = self.levels.len();
        let new = self.totals().distinct - self.levels.iter().sum::<u64>();
        if new > 0 {
            self.levels.push(new);
            if let (Some(logs), Some(pairs)) = (&mut self.trace, trace) {
                logs.push(pairs.finish()?);
            }
        }
        for hand in &mut self.hands {
            for (i, broken) in hand.found.iter_mut().enumerate() {
                let Some(broken) = broken.take() else {
                    continue;
                };
                match &mut self.found[i] {
                    Some((at, known)) if *at == level => {
                        let mut least = Some(*known);
                        broken.note(&mut least);
                        *known = least.unwrap_or(broken);
                    }
                    Some(_) => {}
                    none => *none = Some((level, broken)),
                }
            }
        }
        let empty = Queue::new(&self.store, "frontier");
        *lock(&self.current) = std::mem::replace(&mut *lock(&self.next), empty);
        Ok(())
    }

    fn totals(&self) -> Totals {
        let mut totals = self.base.clone();
        totals.counts.resize(self.space.counters().len(), 0);
        for hand in &self.hands {
            let (generated, beyond) = hand.generated();
            totals.distinct += hand.distinct;
            totals.represented += hand.represented;
            totals.generated += generated;
            totals.beyond += beyond;
            for (total, count) in totals.counts.iter_mut().zip(hand.worker.counts()) {
                *total += count;
            }
        }
        totals
    }

    /// Writes a checkpoint. Afterwards the search can go on.
    fn checkpoint(&mut self) -> Result<(), Failure> {
        self.disk.keep();
        self.settle()?;
        let mut visited = Vec::new();
        let mut add = |spool: &Spool| -> Result<(), Failure> {
            spool.flush(true)?;
            visited.push((spool.name().to_owned(), spool.bytes()));
            Ok(())
        };
        let external = match &self.memory {
            Memory::Outer(_, runs) => {
                runs.iter().try_for_each(|run| add(&run.spool))?;
                true
            }
            _ => {
                self.logs.iter().try_for_each(&mut add)?;
                false
            }
        };
        let mut candidates = Vec::new();
        for spool in lock(&self.candidates).iter() {
            spool.flush(true)?;
            candidates.push((spool.name().to_owned(), spool.bytes()));
        }
        let mut found = Vec::new();
        for i in 0..self.properties {
            let complete = self.found[i].map(|(level, broken)| (level, true, broken));
            let open = self.hands.iter().filter_map(|hand| hand.found[i]);
            let open = open.map(|broken| (self.levels.len(), false, broken));
            let noted = complete.into_iter().chain(open);
            found.extend(
                noted.map(|(level, complete, broken)| Noted::of(i, level, complete, broken)),
            );
        }
        let manifest = Manifest {
            format: checkpoint::FORMAT,
            identity: checkpoint::identity::<K>(self.space, self.options),
            about: self.options.about.clone(),
            levels: self.levels.clone(),
            totals: self.totals(),
            found,
            external,
            visited,
            candidates,
            current: lock(&self.current).save()?,
            next: lock(&self.next).save()?,
            elapsed: self.elapsed(),
        };
        checkpoint::write(&self.options.dir, &manifest)?;
        self.disk.sweep(&manifest.files());
        Ok(())
    }

    /// Writes a checkpoint of a search that stops here; says where, if it can
    /// be resumed.
    pub(super) fn checkpoint_at_the_end(&mut self, end: End) -> Result<Option<PathBuf>, Failure> {
        if self.options.bitstate {
            return Ok(None);
        }
        if end == End::DiskSpent {
            // There is no room for another: the last one stands.
            self.disk.keep();
            return Ok(checkpoint::exists(&self.options.dir).then(|| self.options.dir.clone()));
        }
        self.disk.keep();
        self.settle()?;
        if let (Memory::One(table), false) = (&mut self.memory, self.options.checkpoints) {
            // Without a log of keys the table itself is written, and is gone.
            let mut keys = KeyWriter::new(&self.disk)?;
            table.drain(|key, _| keys.put(key))?;
            self.logs = vec![keys.finish()?.spool];
        }
        self.checkpoint()?;
        Ok(Some(self.options.dir.clone()))
    }

    fn restore(&mut self, manifest: &Manifest) -> Result<(), Failure> {
        self.levels.clone_from(&manifest.levels);
        self.base = manifest.totals.clone();
        self.before = manifest.elapsed;
        self.resumed = Some(manifest.levels.len());
        self.logged = manifest.levels.len();
        for noted in &manifest.found {
            let (i, level, complete, broken) = noted.to();
            if i >= self.properties {
                continue;
            }
            match complete {
                true => self.found[i] = Some((level, broken)),
                false => broken.note(&mut self.hands[0].found[i]),
            }
        }
        if manifest.external {
            let mut visited = Vec::new();
            for (name, bytes) in &manifest.visited {
                let spool = self.disk.open(name, *bytes)?;
                let keys = spool.records()?;
                visited.push(KeyRun { spool, keys });
            }
            let filter = match std::mem::replace(&mut self.memory, Memory::Outer(None, Vec::new()))
            {
                Memory::One(table) => Some(table),
                _ => None,
            };
            self.memory = Memory::Outer(filter, visited);
            let mut candidates = Vec::new();
            for (name, bytes) in &manifest.candidates {
                candidates.push(self.disk.open(name, *bytes)?);
            }
            *lock(&self.candidates) = candidates;
        } else {
            // Room first: keys may come in order, and those of a part of the
            // range would crowd a table that is still small.
            if let Memory::One(table) = &mut self.memory {
                while table.comfortable() < manifest.totals.distinct && table.grow() {}
            }
            for (name, bytes) in &manifest.visited {
                let spool = self.disk.open(name, *bytes)?;
                self.read_keys(&spool)?;
                self.logs.push(spool);
            }
        }
        *lock(&self.current) = Queue::load(&self.store, "frontier", &manifest.current)?;
        *lock(&self.next) = Queue::load(&self.store, "frontier", &manifest.next)?;
        Ok(())
    }

    fn read_keys(&mut self, spool: &Spool) -> Result<(), Failure> {
        let mut reader = KeyReader::<K>::new(spool)?;
        while let Some(key) = reader.next()? {
            let mut read = |table: &mut Table<K>| {
                let came = table.view().insert(key, 0);
                self.held += u64::from(came == Insert::New);
                came != Insert::Full && self.held <= table.comfortable()
            };
            match &mut self.memory {
                Memory::One(table) => {
                    while !read(table) {
                        if !table.grow() {
                            return Err(Failure::NotResumable {
                                dir: self.options.dir.clone(),
                                why: "it needs more memory than it may use now: the visited \
                                      states of the checkpoint do not fit"
                                    .to_owned(),
                            });
                        }
                    }
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    fn elapsed(&self) -> Duration {
        self.before + self.started.elapsed()
    }

    /// The level logs of a traced run: every key with the least of its parents.
    pub(super) fn into_trace(self) -> Vec<Queue> {
        self.trace.unwrap_or_default()
    }

    /// Ends the search: what broke, and what is reported. Deletes its files
    /// unless there is a checkpoint.
    pub(super) fn finish(mut self, end: End, checkpoint: Option<PathBuf>) -> (Found<K>, Report) {
        let totals = self.totals();
        let level = self.levels.len();
        for i in 0..self.properties {
            for hand in &mut self.hands {
                if let (None, Some(broken)) = (&self.found[i], hand.found[i].take()) {
                    self.found[i] = Some((level, broken));
                }
            }
        }
        let (table, external, bitstate) = match &self.memory {
            Memory::One(table) => (table.bytes(), false, None),
            Memory::Two(Past::Bits(bits), current) => (
                bits.bytes() + current.bytes(),
                false,
                Some((bits.fill(), bits.omitted())),
            ),
            Memory::Two(Past::Exact(past, _), current) => {
                (past.bytes() + current.bytes(), false, None)
            }
            Memory::Outer(filter, _) => (filter.as_ref().map_or(0, Table::bytes), true, None),
        };
        let report = Report {
            end,
            distinct: totals.distinct,
            represented: totals.represented,
            generated: totals.generated,
            beyond: totals.beyond,
            counts: totals.counts,
            levels: std::mem::take(&mut self.levels),
            trails: Vec::new(),
            threads: self.hands.len(),
            bits: K::BITS,
            table,
            disk: self.disk.used().1,
            external,
            bitstate,
            resumed: self.resumed,
            elapsed: self.before + self.started.elapsed(),
            checkpoint,
        };
        if report.checkpoint.is_none() && (self.options.checkpoints || self.options.resume) {
            self.disk.sweep(&[]);
            checkpoint::remove(&self.options.dir);
        }
        (std::mem::take(&mut self.found), report)
    }
}

/// The visited states as threads share them, and how many keys the table that
/// is filled should hold.
fn share<K: Key>(memory: &mut Memory<K>) -> (Visited<'_, K>, u64) {
    match memory {
        Memory::One(table) => {
            let comfortable = table.comfortable();
            (Visited::One(table.view()), comfortable)
        }
        Memory::Two(past, current) => {
            let older = match past {
                Past::Exact(table, _) => Older::Exact(table.view()),
                Past::Bits(bits) => Older::Bits(bits),
            };
            let comfortable = current.comfortable();
            (Visited::Two(older, current.view()), comfortable)
        }
        Memory::Outer(Some(filter), _) => {
            let comfortable = filter.comfortable();
            (Visited::Some(Some(filter.view())), comfortable)
        }
        Memory::Outer(None, _) => (Visited::Some(None), u64::MAX),
    }
}

/// How many states are left, where levels shrink: as if they went on to shrink
/// at the rate of the last two.
fn estimate(levels: &[u64], distinct: u64) -> Option<u64> {
    let [.., before, last] = levels else {
        return None;
    };
    let rate = *last as f64 / *before as f64;
    let complete: u64 = levels.iter().sum();
    let left = *last as f64 * rate / (1.0 - rate) - (distinct.saturating_sub(complete)) as f64;
    (rate < 0.98).then_some(left.max(0.0) as u64)
}

/// Writes states to a queue.
struct Out<'a> {
    store: &'a Store,
    queue: &'a Mutex<Queue>,
    chunk: Vec<u8>,
    records: u32,
}

impl<'a> Out<'a> {
    fn new(store: &'a Store, queue: &'a Mutex<Queue>) -> Self {
        Out {
            store,
            queue,
            chunk: Vec::new(),
            records: 0,
        }
    }

    fn put(&mut self, packed: &[u8]) -> Result<(), Failure> {
        queue::put(&mut self.chunk, packed);
        self.records += 1;
        if self.chunk.len() >= CHUNK {
            self.ship()?;
        }
        Ok(())
    }

    fn ship(&mut self) -> Result<(), Failure> {
        if self.records == 0 {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.chunk);
        let chunk = Queue::pack(self.store, std::mem::take(&mut self.records), bytes);
        lock(self.queue).push(chunk)
    }
}

/// Keys with their tags.
struct Pairs {
    store: Arc<Store>,
    queue: Queue,
    chunk: Vec<u8>,
    records: u32,
}

impl Pairs {
    fn new(store: &Arc<Store>) -> Self {
        Pairs {
            store: Arc::clone(store),
            queue: Queue::new(store, "trace"),
            chunk: Vec::new(),
            records: 0,
        }
    }

    fn put<K: Key>(&mut self, key: K, tag: u64) -> Result<(), Failure> {
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

    fn finish(mut self) -> Result<Queue, Failure> {
        if self.records > 0 {
            self.ship()?;
        }
        Ok(self.queue)
    }
}
