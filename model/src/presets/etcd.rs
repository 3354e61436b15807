//! The default presets of etcd's dialect. Every log starts with one
//! configuration entry that names all voters.

use super::Preset;
use crate::bounds::Bounds;
use crate::network::NetworkKind::{Bag, Ordered, Set};
use crate::settings::Dialect::{Etcd, EtcdStored};
use crate::settings::Durability::{Atomic, Deferred};

const BASE: Bounds = Bounds {
    bootstrap: 1,
    boot_applied: true,
    max_lag: Some(0),
    writes: 0,
    campaigns: Some(2),
    heartbeats: Some(0),
    max_log: 2,
    ..Bounds::DEFAULT
};

/// No entry names the voters: storage holds them.
const STORED: Bounds = Bounds {
    bootstrap: 0,
    boot_applied: false,
    ..BASE
};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset::new(
            Etcd,
            "etcd-election",
            "elections and a crash, configurations to apply first, messages lost, repeated and \
             late without limit",
            Atomic,
            Set,
            Bounds {
                boot_applied: false,
                max_lag: None,
                campaigns: Some(3),
                max_log: 1,
                appends: Some(0),
                restarts: 1,
                ..BASE
            },
        )
        .must_reach(&[
            "leader-elected",
            "leaders-of-two-terms",
            "restarted-server-wins",
            "configuration-reapplied",
        ]),
        Preset::new(
            Etcd,
            "etcd-replication",
            "two leaders in turn replicate and send a heartbeat, two messages in flight",
            Atomic,
            Bag,
            Bounds {
                max_messages: Some(2),
                appends: Some(2),
                heartbeats: Some(1),
                ..BASE
            },
        )
        .must_reach(&[
            "leader-elected",
            "leaders-of-two-terms",
            "entry-commits",
            "earlier-term-commits",
            "conflict-truncated",
            "append-rejected",
            "follower-commits",
        ]),
        Preset::new(
            Etcd,
            "etcd-heartbeat",
            "a heartbeat that commits without a check, messages lost and repeated without limit",
            Atomic,
            Set,
            Bounds {
                appends: Some(1),
                heartbeats: Some(1),
                ..BASE
            },
        )
        .must_reach(&["entry-commits", "conflict-truncated", "follower-commits"]),
        Preset::new(
            Etcd,
            "etcd-replication-deferred",
            "replication over links that keep their order, writes durable later",
            Deferred,
            Ordered,
            Bounds {
                appends: Some(1),
                drops: Some(0),
                ..BASE
            },
        )
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "conflict-truncated",
            "append-rejected",
        ]),
        Preset::new(
            Etcd,
            "etcd-reads",
            "a read at either of two leaders, confirmed by a heartbeat, two messages in flight",
            Atomic,
            Bag,
            Bounds {
                max_messages: Some(2),
                appends: Some(2),
                heartbeats: Some(1),
                reads: 1,
                ..BASE
            },
        )
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "earlier-term-commits",
            "follower-commits",
            "read-served",
        ]),
        Preset::new(
            Etcd,
            "etcd-restart",
            "a crash amid replication that keeps any part of the write under way; the \
             configuration is applied again",
            Deferred,
            Bag,
            Bounds {
                max_messages: Some(2),
                appends: Some(1),
                restarts: 1,
                partial_writes: true,
                ..BASE
            },
        )
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "conflict-truncated",
            "restarted-server-wins",
            "write-lost",
            "configuration-reapplied",
        ]),
        Preset::new(
            EtcdStored,
            "etcd-stored-replication",
            "two leaders in turn replicate and send a heartbeat, the voters known from storage",
            Atomic,
            Bag,
            Bounds {
                appends: Some(2),
                heartbeats: Some(1),
                max_messages: Some(2),
                ..STORED
            },
        )
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "earlier-term-commits",
            "conflict-truncated",
            "append-rejected",
            "follower-commits",
        ]),
        Preset::new(
            EtcdStored,
            "etcd-stored-restart",
            "a crash amid replication over links that keep their order; the restarted server \
             knows the voters at once",
            Deferred,
            Ordered,
            Bounds {
                appends: Some(1),
                drops: Some(0),
                restarts: 1,
                ..STORED
            },
        )
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "restarted-server-wins",
            "write-lost",
        ]),
    ]
}
