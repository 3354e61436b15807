//! The default presets of client sessions.

use super::Preset;
use crate::bounds::Bounds;
use crate::features::SESSIONS;
use crate::network::NetworkKind::Bag;
use crate::settings::Dialect::{Etcd, Paper};
use crate::settings::Durability::{Atomic, Deferred};

/// One command, which is sent twice.
const TWICE: Bounds = Bounds {
    max_lag: Some(0),
    max_messages: Some(2),
    max_log: 4,
    max_batch: 2,
    campaigns: Some(2),
    appends: Some(2),
    writes: 1,
    retries: 1,
    ..Bounds::DEFAULT
};

/// The same, with one leader.
const ONE_LEADER: Bounds = Bounds {
    max_term: 1,
    max_batch: 4,
    campaigns: Some(1),
    ..TWICE
};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset::new(
            Paper,
            "paper-sessions",
            "a client sends its command again, to the same leader or to the next one",
            Atomic,
            Bag,
            TWICE,
        )
        .with(&[SESSIONS])
        .must_reach(&[
            "duplicate-in-log",
            "duplicate-of-earlier-term",
            "skipped-on-apply",
            "answered-from-session",
        ]),
        Preset::new(
            Paper,
            "paper-sessions-next",
            "a client goes on to its next command, and a copy of the first one arrives late",
            Atomic,
            Bag,
            Bounds {
                writes: 2,
                ..ONE_LEADER
            },
        )
        .with(&[SESSIONS])
        .must_reach(&["duplicate-in-log", "skipped-on-apply", "skipped-late"]),
        Preset::new(
            Paper,
            "paper-sessions-snapshot",
            "sessions that come with the snapshot of another server",
            Atomic,
            Bag,
            Bounds {
                max_log: 3,
                max_batch: 3,
                compactions: 1,
                snapshots: Some(1),
                ..ONE_LEADER
            },
        )
        .with(&[SESSIONS])
        .must_reach(&[
            "snapshot-installed",
            "skipped-on-apply",
            "skipped-after-snapshot",
            "answered-from-session",
        ]),
        Preset::new(
            Paper,
            "paper-sessions-restart",
            "sessions that are read back from a snapshot after a crash, which may also lose a command",
            Deferred,
            Bag,
            Bounds {
                servers: 2,
                max_batch: 2,
                writes: 2,
                compactions: 1,
                restarts: 1,
                ..ONE_LEADER
            },
        )
        .with(&[SESSIONS])
        .must_reach(&[
            "write-lost",
            "restart-from-snapshot",
            "skipped-after-restart",
            "skipped-late",
            "answered-from-session",
        ]),
        Preset::new(
            Etcd,
            "etcd-sessions",
            "the same, and applied entry by entry",
            Atomic,
            Bag,
            Bounds {
                bootstrap: 1,
                boot_applied: true,
                heartbeats: Some(0),
                drops: Some(0),
                ..TWICE
            },
        )
        .with(&[SESSIONS])
        .must_reach(&[
            "duplicate-in-log",
            "duplicate-of-earlier-term",
            "skipped-on-apply",
            "answered-from-session",
        ]),
    ]
}
