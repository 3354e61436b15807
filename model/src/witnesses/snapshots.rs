//! What must be reached with compaction and snapshots.

use super::{Witness, branch};
use crate::action::Action;
use crate::ids::Index;
use crate::log::Log;
use crate::rules::{Branch, Input};
use crate::server::Role;

pub(super) const TABLE: [Witness; 8] = [
    Witness {
        name: "log-compacted",
        says: "a server replaces a prefix of its log by a snapshot",
        shows: |view, _| branch(view) == Some(Branch::Compacted),
    },
    Witness {
        name: "snapshot-sent",
        says: "a leader sends a snapshot in place of entries that it no longer has",
        shows: |view, _| branch(view) == Some(Branch::SentSnapshot),
    },
    Witness {
        name: "snapshot-installed",
        says: "a follower whose log ends before the compaction point installs a snapshot",
        shows: |view, _| match view.actor() {
            Some((before, after)) => {
                branch(view) == Some(Branch::SnapshotInstalled)
                    && before.log.last_index() < after.log.base()
            }
            None => false,
        },
    },
    Witness {
        name: "snapshot-ignored",
        says: "a snapshot that tells nothing new is ignored",
        shows: |view, _| branch(view) == Some(Branch::SnapshotIgnored),
    },
    Witness {
        name: "entries-retained",
        says: "a follower that holds the last entry of a snapshot keeps the entries behind it",
        shows: |view, _| match view.actor() {
            Some((before, after)) => {
                let last = before.log.last_index();
                let retained =
                    Some(Branch::SnapshotRetained) == branch(view) && last > after.log.base();
                let forwarded =
                    Some(Branch::SnapshotFastForwarded) == branch(view) && last > after.commit;
                retained || forwarded
            }
            None => false,
        },
    },
    Witness {
        name: "log-dropped",
        says: "a follower drops conflicting entries for a snapshot",
        shows: |view, _| match view.actor() {
            Some((before, after)) => {
                branch(view) == Some(Branch::SnapshotInstalled)
                    && !after.log.entries().starts_with(before.log.entries())
            }
            None => false,
        },
    },
    Witness {
        name: "restart-from-snapshot",
        says: "a server restarts from a snapshot",
        shows: |view, _| match view.actor() {
            Some((_, after)) => view.is_restart() && after.log.base() > Index::ZERO,
            None => false,
        },
    },
    Witness {
        name: "snapshot-not-needed",
        says: "a leader sends its snapshot to a server that is known to hold as much",
        shows: |view, _| match (view.actor(), view.action) {
            (
                Some((before, _)),
                Action::Step {
                    input: Input::SendSnapshot { to },
                    ..
                },
            ) => match &before.role {
                Role::Leader { matched, .. } => matched
                    .get(*to)
                    .is_some_and(|known| *known >= before.log.base()),
                _ => false,
            },
            _ => false,
        },
    },
];
