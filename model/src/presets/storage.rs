//! The default presets of storage whose writes are queued.

use super::Preset;
use crate::bounds::Bounds;
use crate::features::ASYNC_STORAGE;
use crate::network::NetworkKind::{Bag, Ordered};
use crate::settings::Dialect::{Etcd, Paper};
use crate::settings::Durability::Deferred;

const BASE: Bounds = Bounds {
    max_lag: Some(0),
    writes: 0,
    campaigns: Some(2),
    appends: Some(1),
    restarts: 1,
    partial_writes: true,
    max_log: 2,
    ..Bounds::DEFAULT
};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset::new(
            Paper,
            "paper-async-storage",
            "writes that are queued amid replication, a crash that keeps any part of the queue",
            Deferred,
            Bag,
            BASE,
        )
        .with(&[ASYNC_STORAGE])
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "restarted-server-wins",
            "writes-queued",
            "stale-write-ignored",
            "queue-cut-off",
            "write-torn",
        ]),
        Preset::new(
            Etcd,
            "etcd-async-storage",
            "writes that are queued over links that keep their order, a crash that keeps any \
             part of the queue; the configuration is applied again",
            Deferred,
            Ordered,
            Bounds {
                bootstrap: 1,
                boot_applied: true,
                heartbeats: Some(0),
                drops: Some(0),
                ..BASE
            },
        )
        .with(&[ASYNC_STORAGE])
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "restarted-server-wins",
            "configuration-reapplied",
            "writes-queued",
            "stale-write-ignored",
            "queue-cut-off",
            "write-torn",
        ]),
    ]
}
