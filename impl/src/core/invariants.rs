//! What holds after every step of one server, and between a step and the
//! next (Raft figure 3, as far as one server can tell).
//!
//! These are assertions: a server that breaks one must stop before it answers
//! anyone. They look at ends and changes, not at whole logs, so that they can
//! stay on. What only several servers together can break (one leader a term,
//! logs that match, what is committed everywhere) the simulator asserts.

use super::flaw::Flaw;
use super::ids::{Index, NodeId, Position, Term};
use super::raft::Raft;
use super::role::Role;

/// What a step must not take back.
pub(super) struct Before {
    term: Term,
    vote: Option<NodeId>,
    commit: Index,
    committed: Option<Term>,
    applied: Index,
    last: Position,
    led: bool,
}

impl Before {
    pub(super) fn of(raft: &Raft) -> Self {
        Self {
            term: raft.term,
            vote: raft.vote,
            commit: raft.commit,
            committed: raft.log.term_at(raft.commit),
            applied: raft.applied,
            last: raft.log.last(),
            led: matches!(raft.role, Role::Leader(_)),
        }
    }

    /// Compares the server after a step with the one before, then looks at
    /// the server by itself.
    pub(super) fn check(&self, raft: &Raft) {
        if raft.options.has(Flaw::SnapshotOverCommitted) {
            // It takes all of this back.
            return;
        }
        let id = raft.id;
        assert!(raft.term >= self.term, "{id}: term falls");
        assert!(raft.commit >= self.commit, "{id}: commit falls");
        assert!(raft.applied >= self.applied, "{id}: applied falls");
        if raft.log.base().index <= self.commit {
            assert_eq!(
                raft.log.term_at(self.commit),
                self.committed,
                "{id}: the committed entry {} was replaced",
                self.commit
            );
        }
        if raft.term == self.term {
            let kept = self.vote.is_none() || raft.vote == self.vote;
            assert!(kept, "{id}: a second vote in term {}", self.term);
            if self.led {
                // Leader append-only (section 5.3).
                let compacted = raft.log.base().index > self.last.index;
                let kept = compacted || raft.log.contains(self.last);
                assert!(kept, "{id}: a leader removed {}", self.last);
            }
        }
        check_state(raft);
    }
}

fn check_state(raft: &Raft) {
    let id = raft.id;
    let last = raft.log.last();
    let base = raft.log.base().index;
    assert!(base <= raft.applied, "{id}: compacted beyond applied");
    assert!(raft.applied <= raft.commit, "{id}: applied beyond commit");
    assert!(raft.commit <= last.index, "{id}: commit beyond the log");
    assert!(last.term <= raft.term, "{id}: an entry of a later term");
    match &raft.role {
        Role::Follower(follower) => {
            assert_ne!(follower.leader, Some(id), "{id}: follows itself");
        }
        Role::PreCandidate(_) => {
            assert!(raft.options.pre_vote, "{id}: asks first");
        }
        Role::Candidate(_) => {
            assert_eq!(raft.vote, Some(id), "{id}: campaigns without its vote");
        }
        Role::Leader(leader) => {
            assert_eq!(raft.vote, Some(id), "{id}: leads without its vote");
            assert_eq!(last.term, raft.term, "{id}: leads without an entry");
            for (node, progress) in leader.progress() {
                let (matched, next) = (progress.matched(), progress.next());
                let holds = matched < next && next <= last.index.next();
                assert!(holds, "{id}: matches {node} to {matched}, next {next}");
            }
            let knows_commit = raft.log.term_at(raft.commit) == Some(raft.term);
            let waits = leader.reads().has_postponed();
            assert!(!(knows_commit && waits), "{id}: a read waits for nothing");
        }
    }
}
