//! Checkpoints of a search, and back.

use std::path::PathBuf;

use super::{Memory, Run};
use crate::engine::End;
use crate::engine::checkpoint::{self, Manifest, Noted};
use crate::engine::disk::{Failure, Spool, lock};
use crate::engine::external::{KeyReader, KeyRun, KeyWriter};
use crate::engine::key::Key;
use crate::engine::queue::Queue;
use crate::engine::space::Space;
use crate::engine::table::{Insert, Table};

impl<S: Space, K: Key> Run<'_, S, K> {
    /// Writes a checkpoint. Afterwards the search can go on.
    pub(super) fn checkpoint(&mut self) -> Result<(), Failure> {
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
    pub(in crate::engine) fn checkpoint_at_the_end(
        &mut self,
        end: End,
    ) -> Result<Option<PathBuf>, Failure> {
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

    pub(super) fn restore(&mut self, manifest: &Manifest) -> Result<(), Failure> {
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

    pub(super) fn read_keys(&mut self, spool: &Spool) -> Result<(), Failure> {
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
}
