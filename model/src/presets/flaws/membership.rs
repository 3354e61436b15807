//! The stories of the flaws in membership.

use super::{ELECTIONS, Story, TWO_LEADERS};
use crate::bounds::Bounds;
use crate::network::NetworkKind::Bag;
use crate::settings::Dialect::{Etcd, Paper};
use crate::settings::Durability::Atomic;

pub(super) const CAMPAIGNS_WITH_UNAPPLIED_CONFIGURATION: Story = Story {
    name: "flaw-campaigns-with-unapplied-configuration",
    about: "a server restarts and campaigns when the first of three bootstrap entries is applied",
    dialect: Etcd,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        bootstrap: 3,
        boot_applied: true,
        heartbeats: Some(0),
        restarts: 1,
        ..ELECTIONS
    },
};

pub(super) const EARLIER_MEMBERSHIP_COUNTED: Story = Story {
    name: "flaw-earlier-membership-counted",
    about: "one of two servers is removed, replaced by one that has nothing, and added again, \
            while an answer of it is late",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        servers: 2,
        bootstrap: 1,
        max_log: 3,
        max_messages: Some(2),
        max_batch: 4,
        campaigns: Some(1),
        appends: Some(3),
        changes: 2,
        wipes: 1,
        ..TWO_LEADERS
    },
};
