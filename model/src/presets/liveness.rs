//! Presets small enough for the checks of liveness to judge all of them.

use super::Preset;
use crate::bounds::Bounds;
use crate::network::NetworkKind::{Bag, Ordered};
use crate::settings::Dialect::{Etcd, EtcdStored, Paper};
use crate::settings::Durability::{Atomic, Deferred};

/// Two leaders in turn, a crash, two messages in flight. Sends and elections
/// are counted where there are faults; without faults they cost nothing.
const BASE: Bounds = Bounds {
    max_term: 2,
    max_log: 1,
    max_messages: Some(2),
    max_lag: Some(0),
    writes: 0,
    campaigns: Some(2),
    appends: Some(1),
    restarts: 1,
    ..Bounds::DEFAULT
};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset::new(
            Paper,
            "paper-liveness",
            "two leaders in turn, a crash, two messages in flight",
            Atomic,
            Bag,
            Bounds {
                max_log: 2,
                appends: Some(2),
                ..BASE
            },
        ),
        Preset::new(
            Etcd,
            "etcd-liveness",
            "two leaders in turn, a crash after which the configuration is applied again, two \
             messages in flight",
            Atomic,
            Bag,
            Bounds {
                bootstrap: 1,
                boot_applied: true,
                heartbeats: Some(1),
                ..BASE
            },
        ),
        Preset::new(
            EtcdStored,
            "etcd-stored-liveness",
            "two leaders in turn, a crash, a heartbeat, two messages in flight",
            Atomic,
            Bag,
            Bounds {
                heartbeats: Some(1),
                ..BASE
            },
        ),
        Preset::new(
            Paper,
            "paper-recovery-deferred",
            "two leaders in turn over links that keep their order and lose a message, writes \
             durable later, a crash; too many fair runs to look for lassos",
            Deferred,
            Ordered,
            Bounds {
                drops: Some(1),
                ..BASE
            },
        ),
    ]
}
