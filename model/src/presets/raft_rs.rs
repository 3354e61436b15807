//! The default presets of raft-rs's dialect: what is committed is also told by
//! vote requests, by the refusals of votes, and by the answers to reads.

use super::Preset;
use crate::bounds::Bounds;
use crate::features::{FOLLOWER_READS, JOINT_CONSENSUS, PRE_VOTE, SINGLE_SERVER_CHANGES};
use crate::network::NetworkKind::{Bag, Ordered};
use crate::settings::Dialect::RaftRs;
use crate::settings::Durability::{Atomic, Deferred};

const BASE: Bounds = Bounds {
    max_lag: Some(0),
    writes: 0,
    campaigns: Some(2),
    appends: Some(1),
    heartbeats: Some(0),
    max_log: 2,
    ..Bounds::DEFAULT
};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset::new(
            RaftRs,
            "raft-rs-election",
            "a leader that knows what is committed crashes, and stands against a server that \
             does not know it",
            Deferred,
            Ordered,
            Bounds {
                campaigns: Some(3),
                max_messages: Some(2),
                drops: Some(0),
                restarts: 1,
                ..BASE
            },
        )
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "restarted-server-wins",
            "commit-told",
        ]),
        Preset::new(
            RaftRs,
            "raft-rs-prevote",
            "servers that ask first, and learn by the refusal what is committed",
            Atomic,
            Bag,
            Bounds {
                writes: 1,
                max_messages: Some(2),
                ..BASE
            },
        )
        .with(&[PRE_VOTE])
        .must_reach(&["entry-commits", "pre-vote-refused", "commit-told"]),
        Preset::new(
            RaftRs,
            "raft-rs-membership",
            "a server that asks first learns by the refusal that a configuration is committed, \
             and gives up",
            Atomic,
            Bag,
            Bounds {
                writes: 1,
                changes: 1,
                max_log: 3,
                max_batch: 2,
                max_messages: Some(2),
                ..BASE
            },
        )
        .with(&[PRE_VOTE, SINGLE_SERVER_CHANGES])
        .must_reach(&["change-commits", "commit-told", "candidacy-dropped"]),
        Preset::new(
            RaftRs,
            "raft-rs-snapshot",
            "a leader sends its snapshot to whom it likes, also to who is known to hold as much",
            Atomic,
            Bag,
            Bounds {
                writes: 1,
                campaigns: Some(1),
                max_batch: 2,
                max_messages: Some(2),
                compactions: 1,
                snapshots: Some(2),
                ..BASE
            },
        )
        .must_reach(&[
            "snapshot-installed",
            "snapshot-ignored",
            "snapshot-not-needed",
        ]),
        Preset::new(
            RaftRs,
            "raft-rs-joint",
            "a leader hands over in a joint configuration, which it leaves by itself meanwhile",
            Atomic,
            Bag,
            Bounds {
                voters: Some(2),
                campaigns: Some(1),
                transfers: 1,
                changes: 1,
                max_log: 3,
                max_batch: 2,
                max_messages: Some(2),
                appends: Some(2),
                ..BASE
            },
        )
        .with(&[JOINT_CONSENSUS])
        .must_reach(&[
            "change-commits",
            "joint-left-while-handing-over",
            "election-on-request",
        ]),
        Preset::new(
            RaftRs,
            "raft-rs-follower-read",
            "a follower learns by the answer to its read what is committed",
            Atomic,
            Bag,
            Bounds {
                reads: 1,
                max_messages: Some(2),
                heartbeats: Some(1),
                ..BASE
            },
        )
        .with(&[FOLLOWER_READS])
        .must_reach(&[
            "leaders-of-two-terms",
            "entry-commits",
            "follower-read-served",
            "commit-told-by-read",
        ]),
    ]
}
