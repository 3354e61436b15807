//! Log compaction, and snapshots from a leader (Raft section 7).

use std::sync::Arc;

use super::flaw::Flaw;
use super::ids::{Index, NodeId};
use super::io::{Refused, SnapshotWrite};
use super::log::Snapshot;
use super::message::{AppendAck, Body};
use super::raft::Raft;

impl Raft {
    /// Replaces the log up to `index` by the state of the machine as of then.
    pub(super) fn compact(&mut self, index: Index, data: Arc<[u8]>) -> Result<(), Refused> {
        let out_of_range = Refused::CompactOutOfRange {
            index,
            base: self.log.base().index,
            applied: self.applied,
        };
        if index > self.applied {
            return Err(out_of_range);
        }
        let snapshot = self.log.snapshot_at(index, data).ok_or(out_of_range)?;
        self.log.compact(snapshot.clone());
        self.out.snapshot = Some(SnapshotWrite::Compacted(snapshot));
        Ok(())
    }

    /// The leader has no longer what comes next here. It is answered as an
    /// append is: with up to where the logs are known to agree.
    pub(super) fn snapshot_received(&mut self, leader: NodeId, snapshot: Snapshot) {
        let last = snapshot.last;
        let flawed = self.options.has(Flaw::SnapshotOverCommitted);
        let base = self.log.base().index;
        let known = if flawed { base } else { self.commit };
        if last.index > known && snapshot.configuration.has_member(self.id) {
            if self.log.contains(last) && !flawed {
                // The entries are here, and by log matching they are those
                // that the snapshot replaces.
                self.commit = self.commit.max(last.index);
            } else {
                self.install(snapshot);
            }
        }
        let index = self.commit;
        self.send(leader, Body::AppendAck(AppendAck::Accepted { index }));
    }

    fn install(&mut self, snapshot: Snapshot) {
        let index = snapshot.last.index;
        self.commit = index;
        self.applied = index;
        self.configuration = snapshot.configuration.clone();
        self.log.reset(snapshot.clone());
        self.out.snapshot = Some(SnapshotWrite::Installed(snapshot));
    }
}
