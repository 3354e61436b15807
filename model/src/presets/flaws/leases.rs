//! The stories of the flaws in lease reads.

use super::{ONE_LEADER, Story, TWO_LEADERS};
use crate::bounds::Bounds;
use crate::network::NetworkKind::Bag;
use crate::settings::Dialect::Paper;
use crate::settings::Durability::Atomic;

/// Two leaders commit in turn, and one read.
const LEASES: Bounds = Bounds {
    max_batch: 2,
    max_messages: Some(2),
    drops: Some(0),
    reads: 1,
    ..TWO_LEADERS
};

pub(super) const LEASE_SURVIVES_TRANSFER: Story = Story {
    name: "flaw-lease-survives-transfer",
    about: "a leader hands over to one that commits, and reads by its lease",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_term: 2,
        max_batch: 2,
        max_messages: Some(2),
        appends: Some(2),
        drops: Some(0),
        reads: 1,
        transfers: 1,
        ..ONE_LEADER
    },
};

pub(super) const LEASE_READ_CHECKS_ONLY_ROLE: Story = Story {
    name: "flaw-lease-read-checks-only-role",
    about: "two leaders commit in turn, the first one reads when its lease is over",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: LEASES,
};

pub(super) const LEASE_POLLED: Story = Story {
    name: "flaw-lease-polled",
    about: "two leaders commit in turn, the first one reads when its lease is just over",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds { drift: 1, ..LEASES },
};

pub(super) const LEASE_WITHOUT_STICKINESS: Story = Story {
    name: "flaw-lease-without-stickiness",
    about: "a leader that one server hears, and another one that is elected by it and commits",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds { reads: 0, ..LEASES },
};
