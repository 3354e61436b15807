//! The stories of the flaws in membership.

use super::{ELECTIONS, Story};
use crate::bounds::Bounds;
use crate::network::NetworkKind::Bag;
use crate::settings::Dialect::Etcd;
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
