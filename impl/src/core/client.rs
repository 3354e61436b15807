//! What clients ask of a leader (Raft section 8).

use std::sync::Arc;

use super::entry::Entry;
use super::ids::OpId;
use super::io::Refused;
use super::raft::Raft;
use super::reads::ReadState;
use super::role::Role;

impl Raft {
    /// Puts a command into the log and sends it on (section 5.3).
    pub(super) fn write(&mut self, op: OpId, command: Arc<[u8]>) -> Result<(), Refused> {
        self.require_leader()?;
        let entry = Entry::write(self.term, op, command);
        self.out.log = Some(self.log.push(entry));
        self.broadcast_append();
        Ok(())
    }

    /// Takes on a read.
    ///
    /// A new leader has every committed entry but does not know which they
    /// are until it has committed one of its own (section 8); until then the
    /// read waits.
    pub(super) fn read(&mut self, op: OpId) -> Result<(), Refused> {
        self.require_leader()?;
        if self.log.term_at(self.commit) == Some(self.term) {
            self.begin_reads(vec![op]);
        } else if let Role::Leader(leader) = &mut self.role {
            leader.reads.postpone(op);
        }
        Ok(())
    }

    /// Begins the reads that waited for the first commit of this term.
    pub(super) fn begin_postponed_reads(&mut self) {
        if let Role::Leader(leader) = &mut self.role {
            let ops = leader.reads.take_postponed();
            self.begin_reads(ops);
        }
    }

    /// Gives reads the commit index of now, and asks a quorum whether this
    /// server leads still: a later leader may have committed more. A leader
    /// that is the only voter need not ask.
    fn begin_reads(&mut self, ops: Vec<OpId>) {
        let Role::Leader(leader) = &mut self.role else {
            unreachable!("only a leader begins reads");
        };
        let index = self.commit;
        let alone = self.configuration.voters() == [self.id];
        for &op in &ops {
            let read = ReadState { op, index };
            self.out.reads_begun.push(read);
            if alone {
                self.out.reads_released.push(read);
            } else {
                leader.reads.begin(read);
            }
        }
        if !ops.is_empty() && !alone {
            self.broadcast_heartbeat();
        }
    }

    fn require_leader(&self) -> Result<(), Refused> {
        match self.role {
            Role::Leader(_) => Ok(()),
            Role::Follower(_) | Role::Candidate(_) => Err(Refused::NotLeader {
                leader: self.leader(),
            }),
        }
    }
}
