//! The stories of the flaws in sessions.

use super::{ALONE, Story, TWO_LEADERS};
use crate::bounds::Bounds;
use crate::network::NetworkKind::Bag;
use crate::settings::Dialect::Paper;
use crate::settings::Durability::{Atomic, Deferred};

pub(super) const RETRIES_APPLIED_AGAIN: Story = Story {
    name: "flaw-retries-applied-again",
    about: "a client sends its command twice to one server",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_term: 1,
        max_log: 3,
        campaigns: Some(1),
        restarts: 0,
        writes: 1,
        retries: 1,
        ..ALONE
    },
};

pub(super) const SESSIONS_NOT_IN_SNAPSHOT: Story = Story {
    name: "flaw-sessions-not-in-snapshot",
    about: "a server compacts its log and restarts from its snapshot, a client sends its command again",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_log: 4,
        writes: 1,
        retries: 1,
        compactions: 1,
        ..ALONE
    },
};

pub(super) const LATEST_COMMAND_COMPARED: Story = Story {
    name: "flaw-latest-command-compared",
    about: "a client sends two commands, and a copy of the first arrives late",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_term: 1,
        max_log: 4,
        campaigns: Some(1),
        restarts: 0,
        writes: 2,
        retries: 1,
        ..ALONE
    },
};

pub(super) const RETRY_ANSWERED_UNCOMMITTED: Story = Story {
    name: "flaw-retry-answered-uncommitted",
    about: "a leader that nobody hears is sent a command twice, another one commits",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_batch: 2,
        appends: Some(1),
        writes: 2,
        retries: 1,
        ..TWO_LEADERS
    },
};

pub(super) const COMMANDS_PIPELINED: Story = Story {
    name: "flaw-commands-pipelined",
    about: "a server loses a command in a crash, and is sent it again after a later one",
    dialect: Paper,
    durability: Deferred,
    network: Bag,
    bounds: Bounds {
        max_log: 3,
        writes: 2,
        retries: 1,
        ..ALONE
    },
};
