//! The stories of the flaws in reads.

use super::{ALONE, ONE_LEADER, Story, TWO_LEADERS};
use crate::bounds::Bounds;
use crate::network::NetworkKind::Bag;
use crate::settings::Dialect::{EtcdStored, Paper};
use crate::settings::Durability::{Atomic, Deferred};

pub(super) const READ_BEFORE_OWN_COMMIT: Story = Story {
    name: "flaw-read-before-own-commit",
    about: "a leader commits, its successor is asked for a read before it has committed",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        reads: 1,
        ..TWO_LEADERS
    },
};

pub(super) const READ_CONTEXT_REUSED: Story = Story {
    name: "flaw-read-context-reused",
    about: "two leaders commit in turn, an answer to the first of two reads arrives late",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_batch: 2,
        appends: Some(3),
        reads: 2,
        ..TWO_LEADERS
    },
};

pub(super) const NO_NOOP: Story = Story {
    name: "flaw-no-noop",
    about: "one server restarts after a commit and is asked for a read",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_log: 3,
        writes: 1,
        reads: 1,
        ..ALONE
    },
};

pub(super) const READ_BEFORE_QUORUM: Story = Story {
    name: "flaw-read-before-quorum",
    about: "two leaders commit in turn, the deposed one is asked for a read",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_batch: 2,
        reads: 1,
        ..TWO_LEADERS
    },
};

pub(super) const READ_QUORUM_ONE_SHORT: Story = Story {
    name: "flaw-read-quorum-one-short",
    about: "two leaders commit in turn, the deposed one is asked for a read",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_batch: 2,
        reads: 1,
        ..TWO_LEADERS
    },
};

pub(super) const SINGLETON_READS_STALE_COMMIT: Story = Story {
    name: "flaw-singleton-reads-stale-commit",
    about: "one server whose commit index is durable later restarts and is asked for a read",
    dialect: EtcdStored,
    durability: Deferred,
    network: Bag,
    bounds: Bounds {
        reads: 1,
        heartbeats: Some(0),
        ..ALONE
    },
};

pub(super) const READS_UNCOMMITTED: Story = Story {
    name: "flaw-reads-uncommitted",
    about: "one leader is asked for a read before it has committed",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        reads: 1,
        ..ONE_LEADER
    },
};

pub(super) const LOCAL_READS: Story = Story {
    name: "flaw-local-reads",
    about: "one leader commits, a follower that has not heard of it is asked for a read",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_log: 1,
        appends: Some(1),
        reads: 1,
        ..ONE_LEADER
    },
};

pub(super) const LEADER_READS_LOCALLY: Story = Story {
    name: "flaw-leader-reads-locally",
    about: "two leaders commit in turn, the deposed one is asked for a read",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_batch: 2,
        reads: 1,
        ..TWO_LEADERS
    },
};
