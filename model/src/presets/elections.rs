//! The default presets of what Rafts do about elections beyond the paper:
//! PreVote, leader stickiness, CheckQuorum, leadership transfer.

use super::Preset;
use crate::bounds::Bounds;
use crate::features::{CHECK_QUORUM, PRE_VOTE, PRE_VOTE_LEADERLESS, STICKY_LEADER};
use crate::network::NetworkKind::{Bag, Set};
use crate::settings::Dialect::{Etcd, Paper};
use crate::settings::Durability::{Atomic, Deferred};

const PAPER: Bounds = Bounds {
    max_lag: Some(0),
    writes: 0,
    campaigns: Some(2),
    appends: Some(1),
    max_log: 2,
    ..Bounds::DEFAULT
};

const ETCD: Bounds = Bounds {
    bootstrap: 1,
    boot_applied: true,
    heartbeats: Some(1),
    appends: Some(0),
    ..PAPER
};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset::new(
            Paper,
            "paper-prevote",
            "servers that ask first, and do not vote while they hear a leader",
            Atomic,
            Set,
            Bounds {
                max_log: 1,
                ..PAPER
            },
        )
        .with(&[PRE_VOTE_LEADERLESS])
        .must_reach(&[
            "leader-elected",
            "leaders-of-two-terms",
            "pre-vote-won",
            "pre-vote-refused",
        ]),
        Preset::new(
            Etcd,
            "etcd-prevote",
            "servers that ask first, messages of a term late",
            Atomic,
            Set,
            Bounds {
                max_lag: Some(1),
                ..ETCD
            },
        )
        .with(&[PRE_VOTE])
        .must_reach(&[
            "leader-elected",
            "leaders-of-two-terms",
            "pre-vote-won",
            "pre-vote-refused",
        ]),
        Preset::new(
            Etcd,
            "etcd-prevote-deferred",
            "servers that ask first, votes durable later, a crash",
            Deferred,
            Bag,
            Bounds {
                max_messages: Some(2),
                max_log: 1,
                heartbeats: Some(0),
                restarts: 1,
                ..ETCD
            },
        )
        .with(&[PRE_VOTE])
        .must_reach(&["leader-elected", "pre-vote-won", "pre-vote-refused"]),
        Preset::new(
            Paper,
            "paper-prevote-four",
            "two servers of four that ask first",
            Atomic,
            Set,
            Bounds {
                servers: 4,
                max_term: 1,
                max_log: 1,
                appends: Some(0),
                ..PAPER
            },
        )
        .with(&[PRE_VOTE])
        .must_reach(&["leader-elected", "pre-vote-won"]),
        Preset::new(
            Paper,
            "paper-sticky",
            "servers that hear a leader take no notice of candidates; nobody checks a quorum",
            Atomic,
            Set,
            Bounds {
                campaigns: Some(3),
                appends: Some(2),
                ..PAPER
            },
        )
        .with(&[STICKY_LEADER])
        .must_reach(&["leader-elected", "candidate-disregarded", "entry-commits"]),
        Preset::new(
            Paper,
            "paper-checkquorum",
            "leaders that step down when they do not hear a majority",
            Atomic,
            Set,
            Bounds {
                appends: Some(2),
                ..PAPER
            },
        )
        .with(&[CHECK_QUORUM])
        .must_reach(&["leader-elected", "leaders-of-two-terms", "leader-resigns"]),
        Preset::new(
            Etcd,
            "etcd-checkquorum",
            "CheckQuorum as etcd has it: leaders check, and who hears one is sticky",
            Atomic,
            Set,
            Bounds {
                appends: Some(1),
                ..ETCD
            },
        )
        .with(&[CHECK_QUORUM, STICKY_LEADER])
        .must_reach(&[
            "leader-elected",
            "leaders-of-two-terms",
            "leader-resigns",
            "candidate-disregarded",
        ]),
        Preset::new(
            Etcd,
            "etcd-prevote-checkquorum",
            "PreVote and CheckQuorum together, as etcd recommends",
            Atomic,
            Set,
            ETCD,
        )
        .with(&[PRE_VOTE, CHECK_QUORUM, STICKY_LEADER])
        .must_reach(&[
            "leader-elected",
            "pre-vote-won",
            "pre-vote-refused",
            "leader-resigns",
            "candidate-disregarded",
        ]),
        Preset::new(
            Paper,
            "paper-transfer",
            "a leader hands over, and takes no command meanwhile",
            Atomic,
            Set,
            Bounds {
                campaigns: Some(1),
                writes: 1,
                appends: Some(2),
                transfers: 1,
                ..PAPER
            },
        )
        .must_reach(&[
            "leader-elected",
            "leaders-of-two-terms",
            "leadership-transferred",
            "entry-commits",
            "election-on-request",
        ]),
        Preset::new(
            Etcd,
            "etcd-transfer",
            "a leader hands over among servers that ask first and hear leaders",
            Atomic,
            Set,
            Bounds {
                campaigns: Some(1),
                appends: Some(1),
                transfers: 1,
                ..ETCD
            },
        )
        .with(&[PRE_VOTE, CHECK_QUORUM, STICKY_LEADER])
        .must_reach(&[
            "leader-elected",
            "pre-vote-won",
            "leadership-transferred",
            "forced-vote",
        ]),
    ]
}
