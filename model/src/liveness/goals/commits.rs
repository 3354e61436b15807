//! A write commits (sections 5.3 and 5.4.2). Recoverability asks for a command
//! that a client hands in after the faults; in a fair run nobody need hand one
//! in, and the no-op of the term will do (section 8).

use super::{Asked, Attempt, Goal};
use crate::ids::Index;
use crate::log::{Log, Payload};
use crate::rules::Branch;

pub(super) const GOAL: Goal = Goal {
    name: "commits",
    says: "a leader commits: a command handed in since, or, where none is, an entry of its term",
    section: "§5.3",
    presumes: "elections, replication",
    codes: &["B6", "B28"],
    file: "commits.rs",
    asked: Asked {
        writes: 1,
        reads: 0,
        changes: 0,
    },
    means: |_| true,
    in_lassos: true,
    reached,
    stands: |_, _| false,
};

fn reached(attempt: &Attempt<'_>) -> bool {
    if attempt.branch() != Some(Branch::Committed) {
        return false;
    }
    let Some((before, after)) = attempt.actor() else {
        return false;
    };
    let mut entries =
        (before.commit.0 + 1..=after.commit.0).filter_map(|i| after.log.entry(Index(i)));
    match attempt.write {
        Some(number) => entries.any(|entry| entry.payload == Payload::Write { number }),
        None => entries.any(|entry| entry.term == after.term),
    }
}
