//! The default presets of the paper's dialect.

use super::Preset;
use crate::bounds::Bounds;
use crate::network::NetworkKind::{Bag, Ordered, Set};
use crate::settings::Dialect::Paper;
use crate::settings::Durability::{Atomic, Deferred};

const BASE: Bounds = Bounds {
    max_lag: Some(0),
    writes: 0,
    campaigns: Some(2),
    max_log: 2,
    ..Bounds::DEFAULT
};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset::new(
            Paper,
            "paper-election",
            "elections and a crash, messages lost, repeated and late without limit",
            Atomic,
            Set,
            Bounds {
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
        ]),
        Preset::new(
            Paper,
            "paper-election-five",
            "two candidates of one term among five servers",
            Atomic,
            Set,
            Bounds {
                servers: 5,
                max_term: 1,
                max_log: 1,
                appends: Some(0),
                ..BASE
            },
        )
        .must_reach(&["leader-elected"]),
        Preset::new(
            Paper,
            "paper-election-deferred",
            "elections whose votes become durable later, a crash that keeps any part of a write",
            Deferred,
            Bag,
            Bounds {
                max_log: 1,
                appends: Some(0),
                restarts: 1,
                partial_writes: true,
                ..BASE
            },
        )
        .must_reach(&[
            "leader-elected",
            "leaders-of-two-terms",
            "restarted-server-wins",
            "write-lost",
        ]),
        Preset::new(
            Paper,
            "paper-replication",
            "two leaders in turn replicate, messages lost and repeated without limit",
            Atomic,
            Set,
            Bounds {
                writes: 1,
                appends: Some(2),
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
            Paper,
            "paper-replication-late",
            "replication with messages that arrive a term late, one of them twice",
            Atomic,
            Bag,
            Bounds {
                max_lag: Some(1),
                max_messages: Some(3),
                appends: Some(1),
                duplicates: 1,
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
            Paper,
            "paper-replication-deferred",
            "replication over links that keep their order and lose a message, writes durable later",
            Deferred,
            Ordered,
            Bounds {
                appends: Some(1),
                drops: Some(1),
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
            Paper,
            "paper-reads",
            "a read at either of two leaders that commit in turn",
            Atomic,
            Bag,
            Bounds {
                max_batch: 2,
                appends: Some(2),
                reads: 1,
                ..BASE
            },
        )
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "earlier-term-commits",
            "conflict-truncated",
            "follower-commits",
            "read-served",
        ]),
        Preset::new(
            Paper,
            "paper-restart",
            "a crash amid replication that keeps any part of the write under way",
            Deferred,
            Bag,
            Bounds {
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
        ]),
    ]
}
