//! A linearizable read is served (section 8, dissertation section 6.4) that a
//! client asks for after the faults.

use super::{Asked, Attempt, Goal};
use crate::rules::{Branch, Input};

pub(super) const GOAL: Goal = Goal {
    name: "serves-read",
    says: "a read that was asked for since is served",
    section: "§8",
    presumes: "elections, replication, reads (ReadIndex)",
    codes: &[],
    file: "serves_read.rs",
    asked: Asked {
        writes: 0,
        reads: 1,
        changes: 0,
    },
    means: |_| true,
    in_lassos: false,
    reached,
    stands: |_, _| false,
};

fn reached(attempt: &Attempt<'_>) -> bool {
    let Some(Input::ReleaseRead { read }) = attempt.input() else {
        return false;
    };
    attempt.branch() == Some(Branch::ReadReleased)
        && attempt.read.is_none_or(|wanted| wanted == *read)
}
