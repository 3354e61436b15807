//! The default presets of reads that are not served by the leader alone.

use super::Preset;
use crate::bounds::Bounds;
use crate::features::{FOLLOWER_READS, LEASE_READS, RESTART_WAITS};
use crate::network::NetworkKind::Bag;
use crate::settings::Dialect::{Etcd, EtcdStored, Paper};
use crate::settings::Durability::Atomic;

const BASE: Bounds = Bounds {
    max_lag: Some(0),
    writes: 0,
    reads: 1,
    campaigns: Some(2),
    max_log: 2,
    ..Bounds::DEFAULT
};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset::new(
            Paper,
            "paper-follower-read",
            "a read at a follower, confirmed by an append",
            Atomic,
            Bag,
            Bounds {
                campaigns: Some(1),
                appends: Some(3),
                ..BASE
            },
        )
        .with(&[FOLLOWER_READS])
        .must_reach(&["entry-commits", "read-served", "follower-read-served"]),
        Preset::new(
            EtcdStored,
            "etcd-stored-follower-read",
            "a read at a follower of either of two leaders, confirmed by a heartbeat",
            Atomic,
            Bag,
            Bounds {
                appends: Some(1),
                heartbeats: Some(2),
                ..BASE
            },
        )
        .with(&[FOLLOWER_READS])
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "read-served",
            "follower-read-served",
        ]),
        Preset::new(
            Paper,
            "paper-lease",
            "reads by a lease on a round of appends, and a later leader; clocks within the bound",
            Atomic,
            Bag,
            Bounds {
                max_batch: 2,
                appends: Some(2),
                drift: 1,
                ..BASE
            },
        )
        .with(&[LEASE_READS, RESTART_WAITS])
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "read-served-by-lease",
            "lease-expired",
            "vote-withheld-by-clock",
            "leader-after-lease",
        ]),
        Preset::new(
            Etcd,
            "etcd-lease",
            "reads by a lease on a round of heartbeats, and a later leader; clocks within the bound",
            Atomic,
            Bag,
            Bounds {
                bootstrap: 1,
                boot_applied: true,
                appends: Some(1),
                heartbeats: Some(1),
                drift: 1,
                ..BASE
            },
        )
        .with(&[LEASE_READS, RESTART_WAITS])
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "read-served-by-lease",
            "lease-expired",
            "vote-withheld-by-clock",
            "leader-after-lease",
        ]),
    ]
}
