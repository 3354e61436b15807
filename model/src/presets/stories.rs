//! Stories: real outages as they were reported, told as far as the moment
//! before which nothing was wrong. Each begins behind a prefix
//! ([`crate::prefix`]), because it is longer than a search from the start can
//! go; a page in `docs/` tells it.

use super::Preset;
use crate::bounds::Bounds;
use crate::config::{Change, Transition};
use crate::features::{JOINT_CONSENSUS, PRE_VOTE};
use crate::ids::{Index, NodeSet};
use crate::network::NetworkKind::Bag;
use crate::prefix::Deed::{Arrives, Does, Lost};
use crate::prefix::{N1, N2, N3, N4, N5, N6, Prefix, append};
use crate::rules::Input;
use crate::settings::Dialect::Paper;
use crate::settings::Durability::Atomic;

/// openraft #1796. n1 leads term 1; n4 asks who would vote for it while logs
/// are alike, and hears from n3, n5 and n6 that they would. Then n1 removes n6
/// through a joint configuration, which reaches n2 and n3 and nobody else. Then
/// n4 begins term 2, which reaches n5 and n6 and nobody else.
static COHORTS: Prefix = &[
    Does(N1, Input::Campaign),
    Arrives(N1, N2, "RequestPreVote"),
    Arrives(N1, N3, "RequestPreVote"),
    Arrives(N1, N4, "RequestPreVote"),
    Arrives(N2, N1, "PreVote"),
    Arrives(N3, N1, "PreVote"),
    Arrives(N4, N1, "PreVote"),
    Arrives(N1, N2, "RequestVote"),
    Arrives(N1, N3, "RequestVote"),
    Arrives(N1, N4, "RequestVote"),
    Arrives(N1, N5, "RequestVote"),
    Arrives(N1, N6, "RequestVote"),
    Arrives(N2, N1, "Vote"),
    Arrives(N3, N1, "Vote"),
    Arrives(N4, N1, "Vote"),
    Does(N1, append(N2, 0, 1)),
    Arrives(N1, N2, "Append"),
    Arrives(N2, N1, "AppendAck"),
    Does(N1, append(N3, 0, 1)),
    Arrives(N1, N3, "Append"),
    Arrives(N3, N1, "AppendAck"),
    Does(N1, append(N4, 0, 1)),
    Arrives(N1, N4, "Append"),
    Arrives(N4, N1, "AppendAck"),
    Does(N1, Input::AdvanceCommit { to: Index(1) }),
    Does(N4, Input::Campaign),
    Arrives(N4, N3, "RequestPreVote"),
    Arrives(N4, N5, "RequestPreVote"),
    Arrives(N4, N6, "RequestPreVote"),
    Lost(N1, N5, "RequestPreVote"),
    Lost(N1, N6, "RequestPreVote"),
    Lost(N4, N1, "RequestPreVote"),
    Lost(N4, N2, "RequestPreVote"),
    Lost(N5, N1, "Vote"),
    Lost(N6, N1, "Vote"),
    Does(
        N1,
        Input::Change {
            change: Change {
                voters: NodeSet::EMPTY,
                learners: NodeSet::EMPTY,
                removed: NodeSet(0b10_0000),
                transition: Transition::Joint { auto_leave: true },
            },
        },
    ),
    Does(N1, append(N2, 1, 1)),
    Arrives(N1, N2, "Append"),
    Lost(N2, N1, "AppendAck"),
    Does(N1, append(N3, 1, 1)),
    Arrives(N1, N3, "Append"),
    Lost(N3, N1, "AppendAck"),
    Arrives(N3, N4, "PreVote"),
    Arrives(N5, N4, "PreVote"),
    Arrives(N6, N4, "PreVote"),
    Arrives(N4, N5, "RequestVote"),
    Arrives(N4, N6, "RequestVote"),
];

pub(super) fn presets() -> Vec<Preset> {
    let mut cohorts = Preset::new(
        Paper,
        "paper-prevote-joint-cohorts",
        "three servers with the longer log and three of the later term, in a joint configuration \
         of six",
        Atomic,
        Bag,
        Bounds {
            servers: 6,
            max_term: 2,
            max_log: 2,
            writes: 0,
            campaigns: Some(2),
            appends: Some(5),
            heartbeats: Some(0),
            drops: Some(8),
            max_messages: Some(12),
            changes: 1,
            ..Bounds::DEFAULT
        },
    )
    .with(&[PRE_VOTE, JOINT_CONSENSUS]);
    cohorts.scenario.prefix = COHORTS;
    vec![cohorts]
}
