//! What must hold between nodes, checked at every step of every run.
//!
//! | property | Raft | how |
//! | --- | --- | --- |
//! | election safety | 5.2 | one leader to a term |
//! | log matching | 5.3 | all logs of all times share one table: an index and term name one entry and one predecessor |
//! | leader completeness | 5.4 | a new leader's log holds everything that was committed in earlier terms |
//! | state machine safety | 5.4.3 | what nodes commit agrees, entry for entry |
//! | configurations | 6 | what is in force at a node is what the entries it has applied say |
//! | one change at a time | thesis 4.1 | a change is put into a log only when the one before is committed |
//! | snapshots | 7 | the machine, sessions included, and the configuration are those of the entries replaced |
//! | reads see the committed | 8 | a released read's index is not below what anyone had committed when a leader took the read on |
//!
//! What one server can check by itself stands in the core (`invariants.rs`),
//! what the clients see in `witness.rs`. This is the simulator's own check. It
//! shares nothing with the judge of traces.

use std::collections::BTreeMap;

use crate::core::{
    Configuration, Entry, Index, LogWrite, NodeId, OpId, Payload, Position, Raft, ReadState, Role,
    Term,
};
use crate::kv::KeyValue;

/// What was seen of a run so far.
#[derive(Debug, Default)]
pub struct Checks {
    leaders: BTreeMap<Term, NodeId>,
    /// Every entry that ever stood in a log, with its predecessor's term.
    entries: BTreeMap<Position, (Term, Payload)>,
    committed: Vec<Entry>,
    /// In which term each of them was committed: its leader's, who knew first.
    committed_in: Vec<Term>,
    floors: BTreeMap<OpId, Index>,
    /// The configurations of the committed entries, each with the index of the
    /// entry that made it.
    configurations: Vec<(Index, Configuration)>,
    /// The snapshots seen, each as the machine was saved, and the machine as of
    /// the last of them.
    snapshots: BTreeMap<Index, Vec<u8>>,
    machine: (Index, KeyValue),
    /// Up to where each node's log was last seen to be replaced.
    bases: BTreeMap<NodeId, Index>,
}

/// A property that a run has broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{property} is broken: {what}")]
pub struct Violation {
    /// Which property.
    pub property: &'static str,
    /// By what.
    pub what: String,
}

fn is_change(entry: &Entry) -> bool {
    matches!(entry.payload, Payload::Change(_))
}

fn broken<T>(property: &'static str, what: String) -> Result<T, Violation> {
    Err(Violation { property, what })
}

impl Checks {
    /// Looks at a node after one of its steps, which wrote `log`.
    ///
    /// # Errors
    ///
    /// When a property is broken.
    pub fn observe(&mut self, raft: &Raft, log: Option<&LogWrite>) -> Result<(), Violation> {
        if let Some(write) = log {
            self.observe_log(raft, write)?;
        }
        if matches!(raft.role(), Role::Leader(_)) {
            self.observe_leader(raft)?;
        }
        self.observe_commit(raft)
    }

    fn observe_log(&mut self, raft: &Raft, write: &LogWrite) -> Result<(), Violation> {
        let mut before = raft.log().term_at(write.after).unwrap_or_default();
        for (i, entry) in write.entries.iter().enumerate() {
            let position = Position {
                term: entry.term,
                index: write.after.plus(i + 1),
            };
            let seen = (before, entry.payload.clone());
            let known = self.entries.entry(position).or_insert_with(|| seen.clone());
            if *known != seen {
                let what = format!("{} holds {position} as {seen:?}, once {known:?}", raft.id());
                return broken("log matching", what);
            }
            before = entry.term;
        }
        let leads = matches!(raft.role(), Role::Leader(_));
        let changes = write.entries.iter().any(is_change);
        let under_way = raft.log().after(self.commit(), usize::MAX);
        if leads && changes && under_way.iter().filter(|&entry| is_change(entry)).count() > 1 {
            let what = format!("{} has two changes that are not committed", raft.id());
            return broken("one change at a time", what);
        }
        Ok(())
    }

    fn observe_leader(&mut self, raft: &Raft) -> Result<(), Violation> {
        let (id, term) = (raft.id(), raft.term());
        match self.leaders.get(&term) {
            Some(&leader) if leader == id => return Ok(()),
            Some(leader) => {
                let what = format!("{leader} and {id} both lead in term {term}");
                return broken("election safety", what);
            }
            None => self.leaders.insert(term, id),
        };
        // The logs match, so the last entry committed in an earlier term stands
        // for all of them. A leader elected late, by votes that were under way
        // while a later term already committed, owes nothing to that term.
        let earlier = self.committed_in.partition_point(|&known| known < term);
        if let Some(last) = earlier.checked_sub(1).map(|at| &self.committed[at]) {
            let position = Position {
                term: last.term,
                index: Index::ZERO.plus(earlier),
            };
            let compacted = position.index < raft.log().base().index;
            if !compacted && !raft.log().contains(position) {
                let what = format!("{id} leads in term {term} without {position}");
                return broken("leader completeness", what);
            }
        }
        Ok(())
    }

    fn observe_commit(&mut self, raft: &Raft) -> Result<(), Violation> {
        let commit = raft.commit();
        // Only the end is compared again; what lies before it was compared
        // when it was committed, and the core keeps it.
        let common = commit.min(self.commit());
        let ours = self.committed_at(common);
        let base = raft.log().base();
        // Of what a snapshot replaced the last term is known.
        let agrees = match common == base.index {
            true => ours.map(|entry| entry.term).unwrap_or_default() == base.term,
            false => ours == raft.log().get(common),
        };
        if !agrees {
            let what = format!("{} committed another entry at {common}", raft.id());
            return broken("state machine safety", what);
        }
        while self.commit() < commit {
            let index = self.commit().next();
            let Some(entry) = raft.log().get(index) else {
                let what = format!("{} committed {index}, which nobody has", raft.id());
                return broken("state machine safety", what);
            };
            if let Payload::Change(change) = &entry.payload {
                let before = self.configurations.last();
                let before = before.map(|(_, known)| known.clone()).unwrap_or_default();
                self.configurations.push((index, before.after(change)));
            }
            self.committed.push(entry.clone());
            self.committed_in.push(raft.term());
        }
        Ok(())
    }

    fn committed_at(&self, index: Index) -> Option<&Entry> {
        let place = usize::try_from(index.get().checked_sub(1)?);
        self.committed.get(place.expect("a log fits in memory"))
    }

    /// Looks at the configuration in force at a node, of a cluster that began
    /// with so many voters.
    ///
    /// # Errors
    ///
    /// When it is not what the node has applied.
    pub fn observe_configuration(&self, raft: &Raft, voters: u32) -> Result<(), Violation> {
        // At its first boot a node has the bootstrap's in force and not yet
        // applied.
        let applied = raft.applied();
        if applied.get() < u64::from(voters) {
            return Ok(());
        }
        let place = self
            .configurations
            .partition_point(|&(at, _)| at <= applied);
        let known = place
            .checked_sub(1)
            .map(|last| &self.configurations[last].1);
        if known != Some(raft.configuration()) {
            let (id, is) = (raft.id(), raft.configuration());
            let known = known.map(ToString::to_string).unwrap_or_default();
            let what = format!("{id} has {is} in force at {applied}, which is {known}");
            return broken("configurations", what);
        }
        Ok(())
    }

    /// Looks at the snapshot of a node.
    ///
    /// # Errors
    ///
    /// When it is not what the committed entries make.
    pub fn observe_snapshot(&mut self, raft: &Raft) -> Result<(), Violation> {
        let snapshot = raft.log().snapshot();
        let index = snapshot.last.index;
        let before = self.bases.insert(raft.id(), index).unwrap_or_default();
        if index == before || index == Index::ZERO {
            // A crash may have lost one that was not durable yet.
            return Ok(());
        }
        if !self.snapshots.contains_key(&index) {
            if index < self.machine.0 {
                self.machine = <(Index, KeyValue)>::default();
            }
            while self.machine.0 < index {
                self.machine.0 = self.machine.0.next();
                let entry = self.committed_at(self.machine.0).cloned();
                if let Some(Payload::Write { op, command }) = entry.map(|entry| entry.payload) {
                    self.machine.1.apply(op, &command);
                }
            }
            self.snapshots.insert(index, self.machine.1.save());
        }
        let place = self.configurations.partition_point(|&(at, _)| at <= index);
        let known = place
            .checked_sub(1)
            .map(|last| &self.configurations[last].1);
        let same = self.snapshots[&index] == *snapshot.data;
        if !same || known != Some(&snapshot.configuration) {
            let what = format!("the snapshot of {} at {index} is another", raft.id());
            return broken("snapshots", what);
        }
        Ok(())
    }

    /// A leader has taken on a read.
    pub fn read_taken(&mut self, op: OpId) {
        self.floors.insert(op, self.commit());
    }

    /// A read may be answered.
    ///
    /// # Errors
    ///
    /// When it could miss what was committed before it began.
    pub fn read_released(&mut self, read: ReadState) -> Result<(), Violation> {
        let floor = self.floors.remove(&read.op).unwrap_or_default();
        if read.index < floor {
            let what = format!("read {} at {}, begun after {floor}", read.op, read.index);
            return broken("reads see the committed", what);
        }
        Ok(())
    }

    /// Up to where any node knows entries to be committed.
    #[must_use]
    pub fn commit(&self) -> Index {
        Index::ZERO.plus(self.committed.len())
    }

    /// What any node knows to be committed.
    #[must_use]
    pub fn committed(&self) -> &[Entry] {
        &self.committed
    }

    /// Who led in each term.
    #[must_use]
    pub const fn leaders(&self) -> &BTreeMap<Term, NodeId> {
        &self.leaders
    }
}
