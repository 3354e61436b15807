//! The storage of a server: what raft-rs reads back, and what a crash leaves.
//!
//! raft-rs hands out writes (`Ready`) and reads what it has handed out at once,
//! whether it is durable or not. So there are two images: what was written, and
//! what is durable; between them the writes under way, in order.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use raft::prelude::*;
use raft::{Error, GetEntriesContext, StorageError};

use crate::dice::Dice;
use crate::plan::Bug;

/// What stands on a disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Image {
    pub(crate) hard: HardState,
    pub(crate) snapshot: Snapshot,
    /// The entries behind the snapshot.
    pub(crate) entries: Vec<Entry>,
}

impl Image {
    pub(crate) fn base(&self) -> u64 {
        self.snapshot.get_metadata().index
    }

    pub(crate) fn last(&self) -> (u64, u64) {
        let metadata = self.snapshot.get_metadata();
        match self.entries.last() {
            Some(entry) => (entry.index, entry.term),
            None => (metadata.index, metadata.term),
        }
    }

    fn put_snapshot(&mut self, snapshot: &Snapshot) {
        let metadata = snapshot.get_metadata();
        let (index, term) = (metadata.index, metadata.term);
        let at = self.entries.iter().position(|entry| entry.index == index);
        // What is behind it stays only if it is of the same log.
        match at.filter(|&at| self.entries[at].term == term) {
            Some(at) => drop(self.entries.drain(..=at)),
            None => self.entries.clear(),
        }
        self.snapshot = snapshot.clone();
    }

    /// Says whether what stood behind replaced entries is still there.
    fn put_entries(&mut self, entries: &[Entry], bug: Option<Bug>) -> bool {
        let Some(first) = entries.first() else {
            return false;
        };
        let at = (first.index - self.base() - 1) as usize;
        let behind = match bug {
            Some(Bug::KeepsReplacedEntries) => self.entries.get(at + entries.len()..),
            _ => None,
        };
        let behind = behind.unwrap_or_default().to_vec();
        self.entries.truncate(at);
        self.entries.extend_from_slice(entries);
        let kept = !behind.is_empty();
        self.entries.extend(behind);
        kept
    }
}

/// One write: what a `Ready` wants stored, or a compaction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Write {
    pub(crate) hard: Option<HardState>,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) entries: Vec<Entry>,
}

impl Write {
    pub(crate) fn is_empty(&self) -> bool {
        self.hard.is_none() && self.snapshot.is_none() && self.entries.is_empty()
    }

    fn apply(&self, image: &mut Image, bug: Option<Bug>) -> bool {
        if let Some(hard) = &self.hard {
            image.hard = hard.clone();
        }
        if let Some(snapshot) = &self.snapshot {
            image.put_snapshot(snapshot);
        }
        image.put_entries(&self.entries, bug)
    }

    /// The first parts of this write, in the order in which they are stored:
    /// term and vote, the snapshot, the entries one by one, the commit index.
    fn part(&self, image: &Image, dice: &mut Dice) -> Write {
        let mut part = Write::default();
        let parts = 3 + self.entries.len();
        let kept = dice.below(parts + 1);
        if let Some(hard) = self.hard.as_ref().filter(|_| kept > 0) {
            let mut hard = hard.clone();
            if kept < parts {
                hard.commit = image.hard.commit;
            }
            part.hard = Some(hard);
        }
        if kept > 1 {
            part.snapshot = self.snapshot.clone();
            part.entries = self.entries[..(kept - 2).min(self.entries.len())].to_vec();
        }
        part
    }
}

#[derive(Debug, Default)]
struct Inner {
    written: Image,
    durable: Image,
    under_way: VecDeque<Write>,
    /// Who votes where no snapshot says it.
    initial: ConfState,
    bug: Option<Bug>,
    /// How many writes have begun, and completed, since the server started.
    begun: u64,
    completed: u64,
    /// Of each incarnation that ended in a crash: how many had completed, and
    /// how many survived.
    ended: Vec<(u64, u64)>,
    /// Replaced entries were kept, for the first time.
    kept: bool,
}

impl Inner {
    fn complete(&mut self) {
        if let Some(write) = self.under_way.pop_front() {
            self.kept |= write.apply(&mut self.durable, self.bug);
            self.completed += 1;
        }
    }
}

/// The storage of one server, shared between raft-rs and the application.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Rc<RefCell<Inner>>);

impl Disk {
    pub(crate) fn new(voters: u64, bug: Option<Bug>) -> Self {
        let disk = Disk::default();
        {
            let mut inner = disk.0.borrow_mut();
            inner.initial = ConfState::from((1..=voters, []));
            inner.bug = bug;
        }
        disk
    }

    /// Stores `write`, and begins to make it durable.
    pub(crate) fn write(&self, write: Write) {
        let inner = &mut *self.0.borrow_mut();
        write.apply(&mut inner.written, None);
        inner.under_way.push_back(write);
        inner.begun += 1;
    }

    /// The oldest write is durable.
    pub(crate) fn complete(&self) {
        self.0.borrow_mut().complete();
    }

    /// The newest write that has begun: which incarnation's, and its number.
    pub(crate) fn newest(&self) -> (usize, u64) {
        let inner = self.0.borrow();
        (inner.ended.len(), inner.begun)
    }

    /// Whether a write is durable as far as its server has shown, which is up
    /// again, or not.
    pub(crate) fn is_durable(&self, (incarnation, write): (usize, u64), up: bool) -> bool {
        let inner = self.0.borrow();
        match inner.ended.get(incarnation) {
            Some((completed, survived)) => *completed >= write || (up && *survived >= write),
            None => inner.completed >= write,
        }
    }

    /// Whether replaced entries were kept since this was asked last.
    pub(crate) fn has_kept(&self) -> bool {
        std::mem::take(&mut self.0.borrow_mut().kept)
    }

    /// A crash: what is durable stays, and of the writes under way the oldest,
    /// with a part of the next. Where there is one at a time, it or a part.
    pub(crate) fn crash(&self, dice: &mut Dice) {
        let inner = &mut *self.0.borrow_mut();
        let completed = inner.completed;
        let whole = dice.below(inner.under_way.len() + 1);
        for _ in 0..whole {
            inner.complete();
        }
        if let Some(next) = inner.under_way.pop_front().filter(|_| dice.chance(50)) {
            let part = next.part(&inner.durable, dice);
            let mut all = inner.durable.clone();
            next.apply(&mut all, inner.bug);
            inner.kept |= part.apply(&mut inner.durable, inner.bug);
            // The part may be all that it had.
            inner.completed += u64::from(inner.durable == all);
        }
        inner.under_way.clear();
        inner.ended.push((completed, inner.completed));
        (inner.begun, inner.completed) = (0, 0);
        let base = inner.durable.base();
        let hard = &mut inner.durable.hard;
        hard.commit = hard.commit.max(base);
        inner.written = inner.durable.clone();
    }

    /// What raft-rs finds at a restart is not the vote.
    pub(crate) fn forget_vote(&self) {
        self.0.borrow_mut().written.hard.vote = 0;
    }

    /// The last entry of the durable log.
    pub(crate) fn durable_last(&self) -> (u64, u64) {
        self.0.borrow().durable.last()
    }

    pub(crate) fn durable_hard(&self) -> HardState {
        self.0.borrow().durable.hard.clone()
    }

    pub(crate) fn snapshot_position(&self) -> (u64, u64) {
        let inner = self.0.borrow();
        let metadata = inner.written.snapshot.get_metadata();
        (metadata.index, metadata.term)
    }

    /// The snapshot, or the configuration that storage began with.
    pub(crate) fn start(&self) -> (Snapshot, ConfState) {
        let inner = self.0.borrow();
        let snapshot = inner.written.snapshot.clone();
        match snapshot.is_empty() {
            true => (snapshot, inner.initial.clone()),
            false => {
                let conf = snapshot.get_metadata().get_conf_state().clone();
                (snapshot, conf)
            }
        }
    }
}

impl Storage for Disk {
    fn initial_state(&self) -> raft::Result<RaftState> {
        let (_, conf) = self.start();
        let hard = self.0.borrow().written.hard.clone();
        Ok(RaftState::new(hard, conf))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        let inner = self.0.borrow();
        let base = inner.written.base();
        if low <= base {
            return Err(Error::Store(StorageError::Compacted));
        }
        let (from, to) = ((low - base - 1) as usize, (high - base - 1) as usize);
        let Some(entries) = inner.written.entries.get(from..to) else {
            return Err(Error::Store(StorageError::Unavailable));
        };
        let mut entries = entries.to_vec();
        raft::util::limit_size(&mut entries, max_size.into());
        Ok(entries)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        let inner = self.0.borrow();
        let base = inner.written.base();
        if index == base {
            return Ok(inner.written.snapshot.get_metadata().term);
        }
        if index < base {
            return Err(Error::Store(StorageError::Compacted));
        }
        let entry = inner.written.entries.get((index - base - 1) as usize);
        entry
            .map(|entry| entry.term)
            .ok_or(Error::Store(StorageError::Unavailable))
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.0.borrow().written.base() + 1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.0.borrow().written.last().0)
    }

    fn snapshot(&self, _: u64, _: u64) -> raft::Result<Snapshot> {
        Ok(self.0.borrow().written.snapshot.clone())
    }
}
