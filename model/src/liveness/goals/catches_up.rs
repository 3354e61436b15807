//! Every server that is up catches up (section 5.3: a leader tries until all
//! followers store all its entries): it holds and has committed all that its
//! leader holds.

use super::{Asked, Attempt, Goal};
use crate::log::{Log, Payload};

pub(super) const GOAL: Goal = Goal {
    name: "catches-up",
    says: "every server that is up holds and has committed all that a leader of the latest term \
           holds, a command handed in since included",
    section: "§5.3",
    presumes: "elections, replication",
    codes: &["B19", "B28", "B32", "B33"],
    file: "catches_up.rs",
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
    let after = &attempt.step.after;
    let servers = || {
        after
            .servers
            .iter()
            .filter(|(id, _)| attempt.up.contains(*id))
    };
    let latest = attempt.highest_term();
    let mut leaders = servers().filter(|(_, s)| s.role.is_leader() && s.term == latest);
    let Some((_, leader)) = leaders.next() else {
        return false;
    };
    let has = |number| {
        let mut entries = leader.log.entries().iter();
        entries.any(|entry| entry.payload == Payload::Write { number })
    };
    let last = leader.log.last_index();
    attempt.write.is_none_or(has)
        && servers()
            .filter(|(id, _)| leader.config.members().contains(*id))
            .all(|(_, s)| s.commit == last && s.log.entries() == leader.log.entries())
}
