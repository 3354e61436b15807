//! A leader is elected (section 5.2), and by those who would hear of a later
//! term: a leader of a term that some server which is up has left behind leads
//! nobody.

use super::{Asked, Attempt, Goal};

pub(super) const GOAL: Goal = Goal {
    name: "elects",
    says: "a server becomes leader, of a term that no server which is up has passed",
    section: "§5.2",
    presumes: "elections",
    codes: &["A10", "D1"],
    file: "elects.rs",
    asked: Asked {
        writes: 0,
        reads: 0,
    },
    in_lassos: true,
    reached,
};

fn reached(attempt: &Attempt<'_>) -> bool {
    let Some((before, after)) = attempt.actor() else {
        return false;
    };
    let elected = after.role.is_leader() && !(before.role.is_leader() && before.term == after.term);
    elected && after.term >= attempt.highest_term()
}
