//! The default presets of log compaction and snapshots.

use super::Preset;
use crate::bounds::Bounds;
use crate::network::NetworkKind::{Bag, Ordered};
use crate::settings::Dialect::{Etcd, Paper};
use crate::settings::Durability::{Atomic, Deferred};

const PAPER: Bounds = Bounds {
    max_lag: Some(0),
    writes: 1,
    campaigns: Some(2),
    appends: Some(2),
    max_batch: 2,
    max_log: 2,
    compactions: 1,
    snapshots: Some(1),
    ..Bounds::DEFAULT
};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset::new(
            Paper,
            "paper-snapshot",
            "a leader compacts its log, and sends its snapshot to who lacks what is gone",
            Atomic,
            Bag,
            Bounds {
                max_messages: Some(2),
                snapshots: Some(2),
                ..PAPER
            },
        )
        .must_reach(&[
            "log-compacted",
            "snapshot-sent",
            "snapshot-installed",
            "snapshot-ignored",
            "entries-retained",
            "log-dropped",
        ]),
        Preset::new(
            Paper,
            "paper-snapshot-restart",
            "a crash amid compaction and installation that keeps any part of the write under way",
            Deferred,
            Ordered,
            Bounds {
                campaigns: Some(1),
                max_term: 1,
                restarts: 1,
                partial_writes: true,
                drops: Some(0),
                ..PAPER
            },
        )
        .must_reach(&["snapshot-installed", "write-lost", "restart-from-snapshot"]),
        Preset::new(
            Etcd,
            "etcd-snapshot",
            "a leader compacts its log, and sends its snapshot with the configuration",
            Atomic,
            Bag,
            Bounds {
                bootstrap: 1,
                boot_applied: true,
                max_messages: Some(2),
                heartbeats: Some(0),
                ..PAPER
            },
        )
        .must_reach(&[
            "log-compacted",
            "snapshot-sent",
            "snapshot-installed",
            "snapshot-ignored",
            "entries-retained",
            "log-dropped",
        ]),
    ]
}
