//! A leader is elected (section 5.2), and by those who would hear of a later
//! term: a leader of a term that some server which is up has left behind leads
//! nobody.

use super::{Asked, Attempt, Goal};
use crate::cluster::State;
use crate::ids::NodeSet;

pub(super) const GOAL: Goal = Goal {
    name: "elects",
    says: "a server becomes leader, of a term that no server which is up has passed; or one leads",
    section: "§5.2",
    presumes: "elections",
    codes: &["A10", "C8", "C11", "C12", "C14", "D1", "D3"],
    file: "elects.rs",
    asked: Asked {
        writes: 0,
        reads: 0,
        changes: 0,
    },
    means: |_| true,
    in_lassos: true,
    reached,
    stands,
};

fn reached(attempt: &Attempt<'_>) -> bool {
    let Some((before, after)) = attempt.actor() else {
        return false;
    };
    let elected = after.role.is_leader() && !(before.role.is_leader() && before.term == after.term);
    elected && after.term >= attempt.highest_term()
}

/// A leader of the highest term is there: where nobody can depose it (PreVote,
/// leader stickiness, a server alone) nobody has to.
fn stands(state: &State, up: NodeSet) -> bool {
    let servers = || state.servers.iter().filter(|(id, _)| up.contains(*id));
    let highest = servers().map(|(_, server)| server.term).max();
    servers().any(|(_, server)| server.role.is_leader() && Some(server.term) == highest)
}
