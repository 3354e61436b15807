//! Everything: all features that can be on at once, in one preset for each of
//! the two ways to change a configuration and to answer who asks for a vote.
//!
//! All budgets at once are more than can be searched to the end. Each preset is
//! searched in bounds that have room for most; the situations that take a
//! third server, or more of everything, are left to random walks in wider
//! bounds, which are told apart in every report.

use super::{Preset, Wider};
use crate::bounds::Bounds;
use crate::features::{
    ASYNC_STORAGE, CHECK_QUORUM, FLOW_CONTROL, FOLLOWER_READS, JOINT_CONSENSUS, LEARNERS,
    LEASE_READS, PRE_VOTE, PRE_VOTE_LEADERLESS, RESTART_WAITS, SESSIONS, SINGLE_SERVER_CHANGES,
    STICKY_LEADER,
};
use crate::network::NetworkKind::Bag;
use crate::settings::Dialect::{EtcdStored, Paper};
use crate::settings::Durability::Atomic;

/// A voter and a server that joins through a joint configuration, as learner or
/// voter, and each budget spent once.
const JOINS: Bounds = Bounds {
    servers: 2,
    voters: Some(1),
    max_log: 3,
    max_messages: Some(2),
    max_lag: Some(0),
    max_batch: 2,
    writes: 0,
    reads: 1,
    restarts: 1,
    campaigns: Some(1),
    appends: Some(1),
    heartbeats: Some(0),
    changes: 1,
    compactions: 1,
    snapshots: Some(1),
    ..Bounds::DEFAULT
};

/// Three servers, two of which vote, and room for what takes several steps.
const WALKED: Bounds = Bounds {
    servers: 3,
    voters: Some(2),
    max_term: 4,
    max_log: 5,
    max_messages: Some(5),
    max_lag: Some(1),
    max_batch: 2,
    writes: 1,
    retries: 1,
    reads: 2,
    restarts: 1,
    campaigns: Some(4),
    heartbeats: Some(4),
    transfers: 1,
    changes: 2,
    compactions: 2,
    ..Bounds::DEFAULT
};

/// Walks in these bounds, for what the search has no room for.
const fn walks(witnesses: &'static [&'static str]) -> Wider {
    Wider {
        bounds: WALKED,
        seed: 1,
        walks: 40_000,
        witnesses,
    }
}

pub(super) fn presets() -> Vec<Preset> {
    let joint = Preset::new(
        EtcdStored,
        "etcd-stored-everything",
        "all features of etcd at once: a server joins, hears a snapshot, serves a read; a crash",
        Atomic,
        Bag,
        JOINS,
    )
    .with(&[
        PRE_VOTE,
        CHECK_QUORUM,
        STICKY_LEADER,
        FOLLOWER_READS,
        ASYNC_STORAGE,
        LEASE_READS,
        RESTART_WAITS,
        FLOW_CONTROL,
        JOINT_CONSENSUS,
        LEARNERS,
        SESSIONS,
    ])
    .and_walks(
        &[
            "leader-elected",
            "entry-commits",
            "leader-resigns",
            "read-served",
            "follower-read-served",
            "read-served-by-lease",
            "lease-expired",
            "restarted-server-wins",
            "writes-queued",
            "write-lost",
            "probe-waits",
            "waits-for-snapshot",
            "snapshot-answered",
            "log-compacted",
            "snapshot-installed",
            "restart-from-snapshot",
            "change-commits",
            "joint-entered",
            "joint-decides",
            "joint-left-by-itself",
            "learner-promoted",
            "voter-demoted",
        ],
        walks(&[
            "pre-vote-won",
            "pre-vote-refused",
            "candidate-disregarded",
            "vote-withheld-by-clock",
            "election-on-request",
            "probe-answered",
            "window-full",
            "probes-again",
            "duplicate-in-log",
            "skipped-on-apply",
        ]),
    );
    let single = Preset::new(
        Paper,
        "paper-everything",
        "all features of the dissertation at once: a server joins, hears a snapshot, serves a read; \
         a crash",
        Atomic,
        Bag,
        JOINS,
    )
    .with(&[
        PRE_VOTE_LEADERLESS,
        CHECK_QUORUM,
        STICKY_LEADER,
        FOLLOWER_READS,
        ASYNC_STORAGE,
        LEASE_READS,
        RESTART_WAITS,
        FLOW_CONTROL,
        SINGLE_SERVER_CHANGES,
        LEARNERS,
        SESSIONS,
    ])
    .and_walks(
        &[
            "leader-elected",
            "entry-commits",
            "leader-resigns",
            "read-served",
            "follower-read-served",
            "read-served-by-lease",
            "lease-expired",
            "restarted-server-wins",
            "writes-queued",
            "write-lost",
            "probe-waits",
            "probe-answered",
            "waits-for-snapshot",
            "snapshot-answered",
            "log-compacted",
            "snapshot-installed",
            "restart-from-snapshot",
            "change-commits",
        ],
        walks(&[
            "pre-vote-won",
            "pre-vote-refused",
            "candidate-disregarded",
            "vote-withheld-by-clock",
            "election-on-request",
            "learner-promoted",
            "voter-demoted",
            "duplicate-in-log",
            "skipped-on-apply",
        ]),
    );
    vec![joint, single]
}
