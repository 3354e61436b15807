//! Reads that a leader takes for itself, and what is answered to clients.
//!
//! A client that has no answer asks again: each time a read of that name begins,
//! and whichever of them can be answered is.

use plimsoll_model::ids::{Index, NodeId, ReadId};
use plimsoll_model::log::{Log, Payload};
use plimsoll_model::rules::Input;
use plimsoll_model::server::Role;
use plimsoll_trace::{Cause, Field};

use super::judge::{At, COMMIT, Judge, READS};
use crate::replay::Stop;
use crate::verdict::RuleName;

/// How many reads of one name are kept.
pub(super) const MOST: usize = 64;

/// A read as the trace knows it.
#[derive(Clone, Debug)]
pub(super) struct KnownRead {
    pub node: NodeId,
    pub id: ReadId,
    pub index: Index,
    pub released: bool,
}

impl Judge {
    pub(super) fn next_read_id(&mut self) -> ReadId {
        self.next_read += 1;
        ReadId {
            number: self.next_read,
        }
    }

    pub(super) fn begin_read(&mut self, at: &At<'_>, op: &str, index: Index) -> Result<(), Stop> {
        if self.begin_for_another(at, op, index)? || self.is_open_at(at, op, index) {
            return Ok(());
        }
        self.lead(at)?;
        self.commit_as(at, Some(index))?;
        let id = self.next_read_id();
        self.step(at, Input::BeginRead { read: id })?;
        let begun = match self.follower.member(at.id).map(|m| &m.server.role) {
            Some(Role::Leader { reads, .. }) => reads.last().map(|r| r.index),
            _ => None,
        };
        if begun != Some(index) {
            let is = begun.map_or("none".to_owned(), |i| i.to_string());
            return Err(self.diverges(
                at,
                RuleName::new("a read begins at the commit index", "diss. §6.4", READS),
                format!("read {op} begins at index {index}, the commit index is {is}"),
                format!("read index {is}"),
            ));
        }
        let known = KnownRead {
            node: at.id,
            id,
            index,
            released: false,
        };
        self.begins(op);
        self.know_read(op, known);
        Ok(())
    }

    /// Whether a read of `op` is open here that began at `index`: what begins in a
    /// line may be shown again.
    fn is_open_at(&self, at: &At<'_>, op: &str, index: Index) -> bool {
        let asked = matches!(&at.step.cause, Cause::Read { op: asked } if asked.as_str() == op);
        let mut known = self.reads.get(op).into_iter().flatten();
        !asked
            && known.any(|known| {
                (known.node, known.index) == (at.id, index) && self.is_open(at, known.id)
            })
    }

    /// Notes a read that began; those of its name from before may be answered too,
    /// if they can be still.
    fn know_read(&mut self, op: &str, read: KnownRead) {
        let mut known = self.reads.get(op).cloned().unwrap_or_default();
        if known.len() >= MOST {
            let gone = known.remove(0);
            self.forgotten_read = self.forgotten_read.max(Some(gone.index));
        }
        known.push(read);
        if let (_, Some((_, gone))) = self.reads.insert(op.to_owned(), known) {
            let last = gone.iter().map(|gone| gone.index).max();
            self.forgotten_read = self.forgotten_read.max(last);
        }
    }

    /// What the line says was answered.
    pub(super) fn acks(&mut self, at: &At<'_>) -> Result<(), Stop> {
        for ack in at.step.ack.iter().flatten() {
            let (op, index) = (ack.op.as_str(), Index(ack.index.get()));
            self.facts.of("acknowledgement").note(true);
            if self.ack_asked(at, op, index)? {
                continue;
            }
            match self.reads.get(op).cloned() {
                Some(known) => self.ack_read(at, op, index, &known)?,
                None => self.ack_write(at, op, index)?,
            }
        }
        Ok(())
    }

    /// A read is answered: the newest of its name that can be.
    fn ack_read(
        &mut self,
        at: &At<'_>,
        op: &str,
        index: Index,
        known: &[KnownRead],
    ) -> Result<(), Stop> {
        let fits = |read: &&KnownRead| (read.node, read.index) == (at.id, index);
        for read in known.iter().rev().filter(fits) {
            if read.released || self.release(at, read.id)? {
                let mut all = self.reads.get_mut(op).into_iter().flatten();
                if let Some(known) = all.find(|known| known.id == read.id) {
                    known.released = true;
                }
                return Ok(());
            }
        }
        if let Some(read) = known.iter().rev().find(fits) {
            return self
                .step(at, Input::ReleaseRead { read: read.id })
                .map(drop);
        }
        if known.len() >= MOST && self.forgotten_read >= Some(index) {
            return Err(self.forgotten(at, format!("whether {op} has begun at index {index}")));
        }
        let here = known.iter().rev().find(|read| read.node == at.id);
        let (rule, why, expected) = match (here, known.last()) {
            (Some(read), _) => (
                "a read is answered at its index",
                format!("read {op} began at index {} and not {index}", read.index),
                format!("index {}", read.index),
            ),
            (None, Some(read)) if read.index != index => (
                "a read is answered at its index",
                format!("read {op} began at index {} and not {index}", read.index),
                format!("index {}", read.index),
            ),
            (None, read) => {
                let node = read.map_or_else(|| "no node".to_owned(), |read| read.node.to_string());
                (
                    "a read is answered where it began",
                    format!("read {op} began at {node}"),
                    format!("an answer at {node}"),
                )
            }
        };
        let rule = RuleName::new(rule, "diss. §6.4", READS);
        Err(self.diverges(at, rule, why, expected))
    }

    /// A leader's own read is released, and may be answered.
    pub(super) fn released(&mut self, read: ReadId) {
        let mut known = self.reads.values_mut().flatten();
        if let Some(known) = known.find(|known| known.id == read) {
            known.released = true;
        }
    }

    /// A write is acknowledged once its entry is committed where it is said.
    fn ack_write(&mut self, at: &At<'_>, op: &str, index: Index) -> Result<(), Stop> {
        self.commit_as(at, Some(index))?;
        let Some(now) = self.now(at) else {
            return Ok(());
        };
        let entry = self
            .follower
            .member(at.id)
            .and_then(|m| m.server.log.entry(index));
        // Where reads, and the writes that entries carry, are always recorded,
        // an operation that is neither was never there to be acknowledged.
        let reads_known = self.declared(Field::Reads);
        let carries = match entry.map(|e| e.payload) {
            Some(Payload::Write { number }) => self.ops.get(&number),
            _ => None,
        };
        let is_write = matches!(entry.map(|e| e.payload), Some(Payload::Write { .. }));
        let wrong = if index > now.commit {
            format!("{} has committed up to {} only", at.id, now.commit)
        } else if carries.is_some_and(|carried| carried == op) {
            return Ok(());
        } else if is_write && carries.is_none() && self.ops.forgotten() > 0 {
            let what = format!("which operation index {index} carries");
            return Err(self.forgotten(at, what));
        } else if self.written.contains_key(op) {
            format!("the entry at index {index} does not carry it")
        } else if !reads_known {
            return Ok(());
        } else if self.forgotten_read >= Some(index) || self.asked.forgotten() > 0 {
            return Err(self.forgotten(at, format!("whether {op} has begun")));
        } else if let Some(carried) = carries {
            format!("index {index} carries {carried}")
        } else if is_write {
            // Its command came before the trace shows any.
            return Ok(());
        } else {
            format!("index {index} carries no command, and no such read has begun")
        };
        Err(self.diverges(
            at,
            RuleName::new("only what is committed is acknowledged", "§5.3", COMMIT),
            format!("{op} is acknowledged at index {index}, but {wrong}"),
            format!("no acknowledgement of {op} yet"),
        ))
    }
}
