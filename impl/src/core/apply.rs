//! Entries are applied; a configuration takes effect when its entry is, at each
//! server for itself (Raft section 6; thesis chapter 4; as in etcd).

use super::change::{Change, Transition};
use super::entry::{Entry, Payload};
use super::flaw::Flaw;
use super::ids::Index;
use super::io::Refused;
use super::progress::Progress;
use super::raft::Raft;
use super::role::Role;

impl Raft {
    pub(super) fn applied_to(&mut self, index: Index) -> Result<(), Refused> {
        if index < self.applied || index > self.commit {
            return Err(Refused::AppliedOutOfRange {
                index,
                applied: self.applied,
                commit: self.commit,
            });
        }
        let mut changed = false;
        while self.applied < index {
            self.applied = self.applied.next();
            let entry = self.log.get(self.applied).expect("committed, so present");
            if let Payload::Change(change) = &entry.payload {
                let change = change.clone();
                self.take_effect(&change);
                changed = true;
            }
        }
        if let (true, Role::Leader(_)) = (changed, &self.role) {
            // Fewer may be enough for what is there; and who is new has
            // nothing yet.
            if self.advance_commit() {
                self.tell_of_commit();
            } else {
                for to in self.others() {
                    self.send_append(to, false);
                }
            }
        }
        self.leave_if_done();
        Ok(())
    }

    /// The next configuration is in force. What a leader knew of those who are
    /// no members any more goes, and does not come back with them.
    fn take_effect(&mut self, change: &Change) {
        let configuration = std::mem::take(&mut self.configuration);
        self.configuration = configuration.after(change);
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        if !self.configuration.contains(self.id) {
            // It has replicated its own removal; others lead on (thesis
            // section 4.2.2, etcd's StepDownOnRemoval).
            return self.become_follower(self.term, None);
        }
        let members = self.configuration.members();
        if !self.options.has(Flaw::CountsRemoved) {
            leader.progress.retain(|node, _| members.contains(node));
        }
        let last = self.log.last().index;
        for node in members {
            if node != self.id {
                let joined = || Progress::joined(last);
                leader.progress.entry(node).or_insert_with(joined);
            }
        }
        let electable = |&to: &_| self.configuration.contains(to);
        leader.transfer = leader.transfer.filter(electable);
    }

    /// A leader leaves a joint configuration that is to be left by itself, once
    /// it has applied all changes that it knows of.
    fn leave_if_done(&mut self) {
        let auto = self.configuration.is_joint() && self.configuration.auto_leave();
        if auto && self.takes_entries().is_ok() && self.no_change_under_way().is_ok() {
            self.append_change(Change::leave());
        }
    }

    /// Somebody asks for another configuration: one change at a time, and one
    /// that fits (thesis section 4.1, 4.3).
    pub(super) fn change(&mut self, change: Change) -> Result<(), Refused> {
        self.takes_entries()?;
        if !self.options.has(Flaw::TwoChanges) {
            self.no_change_under_way()?;
        }
        if !self.configuration.allows(&change) {
            return Err(Refused::UnfitChange);
        }
        self.append_change(change);
        Ok(())
    }

    fn no_change_under_way(&self) -> Result<(), Refused> {
        match &self.role {
            Role::Leader(leader) if leader.change_may_be_at > self.applied => {
                Err(Refused::ChangeUnderWay {
                    index: leader.change_may_be_at,
                })
            }
            _ => Ok(()),
        }
    }

    fn append_change(&mut self, change: Change) {
        let leaves = change.transition() == Transition::Leave;
        assert_eq!(leaves, self.configuration.is_joint(), "an unfit change");
        self.out.log = Some(self.log.push(Entry::change(self.term, change)));
        let last = self.log.last().index;
        if let Role::Leader(leader) = &mut self.role {
            leader.change_may_be_at = last;
        }
        self.broadcast_append();
    }
}
