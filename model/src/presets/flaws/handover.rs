//! The stories of the flaws in PreVote and leadership transfer that properties
//! show.

use super::{ONE_LEADER, Story};
use crate::bounds::Bounds;
use crate::network::NetworkKind::Bag;
use crate::settings::Dialect::Paper;
use crate::settings::Durability::Atomic;

pub(super) const LEADER_GRANTS_PRE_VOTE: Story = Story {
    name: "flaw-leader-grants-pre-vote",
    about: "a leader replicates its entry to a server that then hears it no more",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_log: 1,
        max_messages: Some(2),
        campaigns: Some(2),
        appends: Some(1),
        ..ONE_LEADER
    },
};

pub(super) const PRE_VOTE_IGNORES_LOG: Story = Story {
    name: "flaw-pre-vote-ignores-log",
    about: "a leader that replicated nothing crashes, and is asked by who lacks its entry",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_log: 1,
        max_messages: Some(2),
        campaigns: Some(2),
        appends: Some(0),
        restarts: 1,
        ..ONE_LEADER
    },
};

pub(super) const TRANSFER_TARGET_ASKS_FIRST: Story = Story {
    name: "flaw-transfer-target-asks-first",
    about: "a leader replicates its entry to one server and hands over to it",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_term: 2,
        max_log: 1,
        max_messages: Some(2),
        appends: Some(1),
        transfers: 1,
        ..ONE_LEADER
    },
};

pub(super) const WRITES_WHILE_HANDING_OVER: Story = Story {
    name: "flaw-writes-while-handing-over",
    about: "a leader is told to hand over, and a client hands it a command",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_term: 2,
        writes: 1,
        appends: Some(1),
        transfers: 1,
        ..ONE_LEADER
    },
};
