//! The default presets of flow control.

use super::Preset;
use crate::bounds::Bounds;
use crate::features::FLOW_CONTROL;
use crate::network::NetworkKind::Bag;
use crate::settings::Dialect::{Etcd, Paper};
use crate::settings::Durability::Atomic;

const BASE: Bounds = Bounds {
    max_lag: Some(0),
    writes: 2,
    campaigns: Some(1),
    appends: Some(4),
    ..Bounds::DEFAULT
};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset::new(
            Paper,
            "paper-flow",
            "a leader that probes, replicates to a window, and is set back by messages out of \
             order",
            Atomic,
            Bag,
            BASE,
        )
        .with(&[FLOW_CONTROL])
        .must_reach(&[
            "entry-commits",
            "append-rejected",
            "probe-waits",
            "probe-answered",
            "window-full",
            "probes-again",
        ]),
        Preset::new(
            Paper,
            "paper-flow-snapshot",
            "a leader that compacts its log, and waits until its snapshot has arrived",
            Atomic,
            Bag,
            Bounds {
                max_log: 2,
                max_messages: Some(2),
                writes: 1,
                max_batch: 2,
                compactions: 1,
                snapshots: Some(2),
                appends: Some(3),
                ..BASE
            },
        )
        .with(&[FLOW_CONTROL])
        .must_reach(&[
            "entry-commits",
            "snapshot-sent",
            "snapshot-installed",
            "waits-for-snapshot",
            "snapshot-answered",
        ]),
        Preset::new(
            Etcd,
            "etcd-flow",
            "two leaders in turn that probe what differs, and a heartbeat after which a leader \
             tries again",
            Atomic,
            Bag,
            Bounds {
                bootstrap: 1,
                boot_applied: true,
                max_messages: Some(2),
                max_log: 2,
                writes: 0,
                campaigns: Some(2),
                appends: Some(2),
                heartbeats: Some(1),
                ..BASE
            },
        )
        .with(&[FLOW_CONTROL])
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "conflict-truncated",
            "append-rejected",
            "probe-waits",
            "probe-answered",
            "waits-no-longer",
        ]),
    ]
}
