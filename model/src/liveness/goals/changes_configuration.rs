//! A change of the configuration is completed (section 6; dissertation section
//! 4.1) that a client asks for after the faults: it is committed, and no joint
//! configuration is left in force by what is committed.

use super::{Asked, Attempt, Goal};
use crate::ids::Index;
use crate::log::Log;
use crate::rules::{Branch, membership};
use crate::server::Server;

pub(super) const GOAL: Goal = Goal {
    name: "changes-configuration",
    says: "a change of the configuration, appended in the leader's term, commits, and with it \
           the last of its entries",
    section: "§6, diss. §4.1",
    presumes: "elections, replication, single-server changes or joint consensus or learners",
    codes: &["C9"],
    file: "changes_configuration.rs",
    asked: Asked {
        writes: 0,
        reads: 0,
        changes: 1,
    },
    means: crate::settings::Settings::changes,
    in_lassos: false,
    reached,
    // A lone server has nobody to change: whom it adds is down.
    stands: |_, up| up.len() < 2,
};

fn reached(attempt: &Attempt<'_>) -> bool {
    let Some((before, after)) = attempt.actor() else {
        return false;
    };
    if attempt.branch() != Some(Branch::Committed) {
        return false;
    }
    let own = |index: &Index| {
        membership::change_at(after, *index).is_some()
            && after.log.term_at(*index) == Some(before.term)
    };
    let mut new = (before.commit.0 + 1..=after.commit.0).map(Index);
    new.any(|index| own(&index)) && !is_joint_at(after)
}

/// Whether what is committed leads to a joint configuration.
fn is_joint_at<L: Log>(server: &Server<L>) -> bool {
    let committed = usize::try_from(server.commit.0).unwrap_or(usize::MAX);
    let entries = server.log.entries().iter().take(committed);
    server.base.fold(entries).is_joint()
}
