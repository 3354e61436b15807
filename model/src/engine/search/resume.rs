//! Checkpoints of a search, and back.

use std::path::PathBuf;

use super::{Memory, Run};
use crate::engine::End;
use crate::engine::checkpoint::{self, Manifest, Noted};
use crate::engine::disk::{Failure, Part, Spool, lock};
use crate::engine::external::{KeyReader, KeyRun, KeyWriter, add_run};
use crate::engine::key::Key;
use crate::engine::queue::Queue;
use crate::engine::space::Space;
use crate::engine::table::Insert;

impl<S: Space, K: Key> Run<'_, S, K> {
    /// Writes a checkpoint. Afterwards the search can go on.
    pub(super) fn checkpoint(&mut self) -> Result<(), Failure> {
        self.settle()?;
        let external = matches!(self.memory, Memory::Outer(..));
        let visited: Result<Vec<Part>, Failure> = match &self.memory {
            Memory::Outer(_, runs) => runs.iter().map(|run| run.spool.part()).collect(),
            _ => self.logs.iter().map(Spool::part).collect(),
        };
        let candidates: Result<Vec<Part>, Failure> =
            lock(&self.candidates).iter().map(Spool::part).collect();
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
            visited: visited?,
            candidates: candidates?,
            current: lock(&self.current).save()?,
            next: lock(&self.next).save()?,
            elapsed: self.elapsed(),
            folder_made: self.folder_made,
        };
        checkpoint::write(&self.options.dir, &manifest)?;
        self.disk.keep_only(&manifest.files());
        Ok(())
    }

    /// Writes a checkpoint of a search that stops here; says where, if it can
    /// be resumed. Where there is no room for another, the last one stands.
    pub(in crate::engine) fn checkpoint_at_the_end(&mut self, end: End) -> Option<PathBuf> {
        if self.options.bitstate {
            return None;
        }
        if end != End::DiskSpent && self.last_checkpoint().is_ok() {
            return Some(self.options.dir.clone());
        }
        let stands = self.options.checkpoints && checkpoint::exists(&self.options.dir);
        stands.then(|| self.options.dir.clone())
    }

    fn last_checkpoint(&mut self) -> Result<(), Failure> {
        if self.taken.is_none() {
            let (lock, made) = checkpoint::take(&self.options.dir)?;
            (self.taken, self.folder_made) = (Some(lock), made || self.disk.is_made());
        }
        self.settle()?;
        if let (Memory::One(table), false) = (&mut self.memory, self.options.checkpoints) {
            // Without a log of keys the table itself is written, and is gone.
            let mut keys = KeyWriter::new(&self.disk)?;
            table.drain(|key, _| keys.put(key))?;
            self.logs = vec![keys.finish()?.spool];
        }
        self.checkpoint()
    }

    pub(super) fn restore(&mut self, manifest: &Manifest) -> Result<(), Failure> {
        self.levels.clone_from(&manifest.levels);
        self.base = manifest.totals.clone();
        self.before = manifest.elapsed;
        self.resumed = Some(manifest.levels.len());
        self.logged = manifest.levels.len();
        self.folder_made = manifest.folder_made;
        // What was written after the checkpoint is of no use; from here on new
        // files may be written.
        self.disk.keep_only(&manifest.files());
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
            for part in &manifest.visited {
                let (spool, keys) = self.disk.open(part)?;
                visited.push(KeyRun { spool, keys });
            }
            let filter = match std::mem::replace(&mut self.memory, Memory::Outer(None, Vec::new()))
            {
                Memory::One(table) => Some(table),
                _ => None,
            };
            self.memory = Memory::Outer(filter, visited);
            for part in &manifest.candidates {
                let spool = self.disk.open(part)?.0;
                lock(&self.candidates).push(spool);
            }
        } else {
            // Room first: keys may come in order, and those of a part of the
            // range would crowd a table that is still small.
            if let Memory::One(table) = &mut self.memory {
                while table.comfortable() < manifest.totals.distinct && table.grow() {}
            }
            for part in &manifest.visited {
                let (spool, _) = self.disk.open(part)?;
                self.read_keys(&spool)?;
                self.logs.push(spool);
            }
            if matches!(self.memory, Memory::Outer(..)) {
                // There is less memory now than there was.
                self.stash()?;
                self.logs.clear();
            }
        }
        *lock(&self.current) = Queue::load(&self.store, "frontier", &manifest.current)?;
        *lock(&self.next) = Queue::load(&self.store, "frontier", &manifest.next)?;
        Ok(())
    }

    fn read_keys(&mut self, spool: &Spool) -> Result<(), Failure> {
        let mut reader = KeyReader::<K>::new(spool)?;
        while let Some(key) = reader.next()? {
            loop {
                let (Memory::One(table) | Memory::Outer(Some(table), _)) = &mut self.memory else {
                    return Ok(());
                };
                if self.held < table.comfortable() {
                    match table.view().insert(key, 0) {
                        Insert::Full => {}
                        came => {
                            self.held += u64::from(came == Insert::New);
                            break;
                        }
                    }
                }
                let grown = match &mut self.memory {
                    Memory::One(table) => table.grow(),
                    _ => false,
                };
                if !grown {
                    self.stash()?;
                }
            }
        }
        Ok(())
    }

    /// Puts the keys in the table on disk, as a run of visited ones.
    fn stash(&mut self) -> Result<(), Failure> {
        if let Memory::One(_) = self.memory {
            return self.spill();
        }
        if let Memory::Outer(Some(table), runs) = &mut self.memory {
            let mut run = KeyWriter::new(&self.disk)?;
            table.drain(|key, _| run.put(key))?;
            add_run::<K>(&self.disk, runs, run.finish()?)?;
            self.held = 0;
        }
        Ok(())
    }
}
