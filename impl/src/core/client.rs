//! What clients ask of a leader (Raft section 8).

use std::sync::Arc;

use super::entry::Entry;
use super::ids::{Index, NodeId, OpId};
use super::io::Refused;
use super::message::Body;
use super::raft::Raft;
use super::reads::{Asked, ReadState};
use super::role::Role;

impl Raft {
    /// Puts a command into the log and sends it on (section 5.3).
    pub(super) fn write(&mut self, op: OpId, command: Arc<[u8]>) -> Result<(), Refused> {
        self.takes_entries()?;
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
    ///
    /// A follower asks its leader, if it takes reads at all.
    pub(super) fn read(&mut self, op: OpId) -> Result<(), Refused> {
        if let (true, Role::Follower(_), Some(leader)) =
            (self.options.follower_reads, &self.role, self.leader())
        {
            self.asked.insert(op);
            self.send(leader, Body::ReadRequest { op });
            return Ok(());
        }
        self.require_leader()?;
        self.take_on(Asked { op, asker: None });
        Ok(())
    }

    /// A follower asks from when on it may read. Who does not lead leaves the
    /// question alone.
    pub(super) fn read_requested(&mut self, asker: NodeId, op: OpId) {
        let asked = Asked {
            op,
            asker: Some(asker),
        };
        if let Role::Leader(leader) = &self.role
            && !leader.reads.has(asked)
        {
            self.take_on(asked);
        }
    }

    /// The leader says from when on a read may be answered. What this server
    /// has not asked, or has dropped, is not answered.
    pub(super) fn read_index_received(&mut self, read: ReadState) {
        if self.asked.remove(&read.op) {
            self.out.reads_released.push(read);
        }
    }

    fn take_on(&mut self, asked: Asked) {
        if self.log.term_at(self.commit) == Some(self.term) {
            self.begin_reads(vec![asked]);
        } else if let Role::Leader(leader) = &mut self.role {
            leader.reads.postpone(asked);
        }
    }

    /// Begins the reads that waited for the first commit of this term.
    pub(super) fn begin_postponed_reads(&mut self) {
        if let Role::Leader(leader) = &mut self.role {
            let postponed = leader.reads.take_postponed();
            self.begin_reads(postponed);
        }
    }

    /// Gives reads the commit index of now, and asks a quorum whether this
    /// server leads still: a later leader may have committed more. A leader
    /// that is the only voter need not ask.
    fn begin_reads(&mut self, reads: Vec<Asked>) {
        let index = self.commit;
        let alone = self.configuration.all_voters() == [self.id];
        for &asked in &reads {
            let read = ReadState {
                op: asked.op,
                index,
            };
            self.out.reads_begun.push(read);
            if alone {
                self.release(asked, index);
            } else if let Role::Leader(leader) = &mut self.role {
                leader.reads.begin(asked, index);
            }
        }
        if !reads.is_empty() && !alone {
            self.broadcast_heartbeat();
        }
    }

    /// Lets a read be answered, here or by the follower that asked.
    pub(super) fn release(&mut self, asked: Asked, index: Index) {
        let read = ReadState {
            op: asked.op,
            index,
        };
        match asked.asker {
            Some(asker) => self.send(asker, Body::ReadIndex(read)),
            None => self.out.reads_released.push(read),
        }
    }

    /// Whether clients may have entries put into this log.
    pub(super) fn takes_entries(&self) -> Result<(), Refused> {
        self.require_leader()?;
        match &self.role {
            Role::Leader(leader) => match leader.transfer {
                Some(to) => Err(Refused::HandingOver { to }),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    pub(super) fn require_leader(&self) -> Result<(), Refused> {
        match self.role {
            Role::Leader(_) => Ok(()),
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => {
                Err(Refused::NotLeader {
                    leader: self.leader(),
                })
            }
        }
    }
}
