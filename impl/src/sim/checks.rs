//! What must hold between nodes, checked at every step of every run.
//!
//! | property | Raft | how |
//! | --- | --- | --- |
//! | election safety | 5.2 | one leader to a term |
//! | log matching | 5.3 | all logs of all times share one table: an index and term name one entry and one predecessor |
//! | leader completeness | 5.4 | a new leader's log holds everything that was committed in earlier terms |
//! | state machine safety | 5.4.3 | what nodes commit agrees, entry for entry |
//! | reads see the committed | 8 | a released read's index is not below what anyone had committed when a leader took the read on |
//!
//! What one server can check by itself stands in the core (`invariants.rs`),
//! what the clients see in `witness.rs`. This is the simulator's own check. It
//! shares nothing with the judge of traces.

use std::collections::BTreeMap;

use crate::core::{
    Entry, Index, LogWrite, NodeId, OpId, Payload, Position, Raft, ReadState, Role, Term,
};

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
            if !raft.log().contains(position) {
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
        let ours = common.get().checked_sub(1).and_then(|place| {
            let place = usize::try_from(place).expect("a log fits in memory");
            self.committed.get(place)
        });
        if ours != raft.log().get(common) {
            let what = format!("{} committed another entry at {common}", raft.id());
            return broken("state machine safety", what);
        }
        while self.commit() < commit {
            let entry = raft.log().get(self.commit().next());
            let entry = entry.expect("a commit index within the log");
            self.committed.push(entry.clone());
            self.committed_in.push(raft.term());
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
