//! The stories of the flaws that break liveness.

use super::{Story, TWO_LEADERS};
use crate::bounds::Bounds;
use crate::network::NetworkKind::Bag;
use crate::settings::Dialect::{EtcdStored, Paper};
use crate::settings::Durability::Atomic;

pub(super) const LOG_COMPARED_BY_PARTS: Story = Story {
    name: "flaw-log-compared-by-parts",
    about: "a leader with a write, and a later one without that crashes, nothing replicated",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        writes: 1,
        appends: Some(0),
        restarts: 1,
        ..TWO_LEADERS
    },
};

pub(super) const COMMIT_SCAN_STOPS: Story = Story {
    name: "flaw-commit-scan-stops",
    about: "a leader that crashes before it has committed anything",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        appends: Some(1),
        restarts: 1,
        ..TWO_LEADERS
    },
};

pub(super) const CONFLICTS_KEPT: Story = Story {
    name: "flaw-conflicts-kept",
    about: "a leader, and a later one whose entry conflicts with its",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_log: 1,
        max_messages: Some(2),
        appends: Some(1),
        ..TWO_LEADERS
    },
};

pub(super) const PRE_VOTE_REFUSAL_TEACHES_NO_TERM: Story = Story {
    name: "flaw-pre-vote-refusal-teaches-no-term",
    about: "a leader that replicated nothing crashes, a candidate without its entry is a term \
            ahead",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_term: 2,
        max_log: 1,
        max_messages: Some(2),
        campaigns: Some(2),
        appends: Some(0),
        restarts: 1,
        ..TWO_LEADERS
    },
};

pub(super) const STALE_PRE_VOTE_IGNORED: Story = Story {
    name: "flaw-stale-pre-vote-ignored",
    about: "a leader that replicated nothing crashes, a candidate without its entry goes ahead",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_term: 3,
        max_log: 1,
        max_messages: Some(2),
        campaigns: Some(3),
        appends: Some(0),
        restarts: 1,
        ..TWO_LEADERS
    },
};

pub(super) const PRE_CANDIDATE_KEEPS_LEADER: Story = Story {
    name: "flaw-pre-candidate-keeps-leader",
    about: "a leader that steps down, and one that has heard it and asks who would vote",
    dialect: EtcdStored,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_term: 1,
        max_log: 1,
        max_messages: Some(2),
        appends: Some(0),
        heartbeats: Some(1),
        ..TWO_LEADERS
    },
};
