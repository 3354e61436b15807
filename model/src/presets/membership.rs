//! The default presets of changes of the configuration: one voter at a time,
//! joint consensus, learners, servers that are removed and added again.

use super::Preset;
use crate::bounds::Bounds;
use crate::features::{CHECK_QUORUM, JOINT_CONSENSUS, LEARNERS, SINGLE_SERVER_CHANGES};
use crate::network::NetworkKind::{Bag, Set};
use crate::settings::Dialect::{Etcd, EtcdStored, Paper};
use crate::settings::Durability::Atomic;
use crate::settings::RemovedLeader;

const PAPER: Bounds = Bounds {
    max_lag: Some(0),
    writes: 0,
    campaigns: Some(1),
    max_batch: 3,
    changes: 1,
    ..Bounds::DEFAULT
};

const ETCD: Bounds = Bounds {
    bootstrap: 1,
    boot_applied: true,
    heartbeats: Some(0),
    ..PAPER
};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset::new(
            Paper,
            "paper-membership",
            "two leaders in turn, each may add or remove a voter; what is in the log is in force",
            Atomic,
            Set,
            Bounds {
                servers: 3,
                voters: Some(2),
                campaigns: Some(2),
                changes: 2,
                appends: Some(3),
                max_log: 4,
                ..PAPER
            },
        )
        .with(&[SINGLE_SERVER_CHANGES])
        .must_reach(&[
            "leader-elected",
            "leaders-of-two-terms",
            "change-commits",
            "change-in-force-uncommitted",
            "change-taken-back",
            "new-server-counts",
        ]),
        Preset::new(
            Paper,
            "paper-removal",
            "a leader removes voters, itself among them",
            Atomic,
            Set,
            Bounds {
                max_batch: 2,
                changes: 2,
                appends: Some(3),
                ..PAPER
            },
        )
        .with(&[SINGLE_SERVER_CHANGES])
        .must_reach(&[
            "change-commits",
            "removed-leader-steps-down",
            "server-added-again",
        ]),
        Preset::new(
            Paper,
            "paper-rejoin",
            "a server is removed, replaced by one that has nothing, and added again",
            Atomic,
            Set,
            Bounds {
                servers: 2,
                bootstrap: 1,
                max_batch: 4,
                changes: 2,
                appends: Some(3),
                wipes: 1,
                ..PAPER
            },
        )
        .with(&[SINGLE_SERVER_CHANGES])
        .must_reach(&[
            "change-commits",
            "server-added-again",
            "new-machine-catches-up",
        ]),
        Preset::new(
            Paper,
            "paper-joint",
            "a leader changes a voter or two through a joint configuration, which it leaves by \
             itself",
            Atomic,
            Set,
            Bounds {
                servers: 3,
                voters: Some(2),
                campaigns: Some(2),
                appends: Some(3),
                ..PAPER
            },
        )
        .with(&[JOINT_CONSENSUS])
        .must_reach(&[
            "change-commits",
            "change-in-force-uncommitted",
            "joint-entered",
            "joint-decides",
            "joint-left-by-itself",
            "removed-leader-steps-down",
        ]),
        Preset::new(
            Paper,
            "paper-learners",
            "a server learns and is promoted, a voter is demoted",
            Atomic,
            Set,
            Bounds {
                servers: 3,
                voters: Some(2),
                changes: 2,
                appends: Some(3),
                ..PAPER
            },
        )
        .with(&[SINGLE_SERVER_CHANGES, LEARNERS])
        .must_reach(&[
            "change-commits",
            "learner-promoted",
            "voter-demoted",
            "learner-acknowledges",
        ]),
        Preset::new(
            Etcd,
            "etcd-membership",
            "two leaders in turn, each may add or remove a voter; what is applied is in force",
            Atomic,
            Set,
            Bounds {
                servers: 3,
                voters: Some(2),
                campaigns: Some(2),
                appends: Some(3),
                ..ETCD
            },
        )
        .with(&[SINGLE_SERVER_CHANGES])
        .must_reach(&[
            "leader-elected",
            "leaders-of-two-terms",
            "change-commits",
            "new-server-counts",
        ]),
        Preset::new(
            Etcd,
            "etcd-rejoin",
            "a server is removed, replaced by one that has nothing, and added again; late \
             answers of the old one count",
            Atomic,
            Set,
            Bounds {
                servers: 2,
                max_batch: 4,
                changes: 2,
                appends: Some(3),
                wipes: 1,
                ..ETCD
            },
        )
        .with(&[SINGLE_SERVER_CHANGES])
        .must_reach(&[
            "change-commits",
            "server-added-again",
            "removed-leader-steps-down",
            "new-machine-catches-up",
        ]),
        Preset::new(
            Etcd,
            "etcd-removed-leader",
            "a leader that leads on after its removal, and commits without counting itself",
            Atomic,
            Bag,
            Bounds {
                servers: 2,
                writes: 1,
                max_batch: 2,
                max_messages: Some(2),
                appends: Some(4),
                ..ETCD
            },
        )
        .with(&[SINGLE_SERVER_CHANGES])
        .where_settings(|settings| settings.removed_leader = RemovedLeader::LeadsOn)
        .must_reach(&["change-commits", "removed-leader-leads-on"]),
        Preset::new(
            Etcd,
            "etcd-checkquorum-membership",
            "a leader looks who answers when it has just added a server, which cannot have yet",
            Atomic,
            Bag,
            Bounds {
                servers: 2,
                voters: Some(1),
                changes: 2,
                max_messages: Some(2),
                appends: Some(3),
                ..ETCD
            },
        )
        .with(&[SINGLE_SERVER_CHANGES, CHECK_QUORUM])
        .must_reach(&[
            "change-commits",
            "new-member-counts-as-heard",
            "leader-resigns",
        ]),
        Preset::new(
            EtcdStored,
            "etcd-stored-joint",
            "joint configurations that are left by themselves or when told, one server in place \
             of another",
            Atomic,
            Bag,
            Bounds {
                servers: 3,
                voters: Some(2),
                max_messages: Some(2),
                appends: Some(4),
                heartbeats: Some(0),
                explicit_leave: true,
                ..PAPER
            },
        )
        .with(&[SINGLE_SERVER_CHANGES, JOINT_CONSENSUS])
        .must_reach(&[
            "change-commits",
            "joint-entered",
            "joint-decides",
            "joint-left-by-itself",
            "joint-left-when-told",
            "removed-leader-steps-down",
        ]),
        Preset::new(
            Etcd,
            "etcd-joint",
            "a leader changes two servers through a joint configuration",
            Atomic,
            Set,
            Bounds {
                servers: 3,
                voters: Some(2),
                campaigns: Some(2),
                appends: Some(3),
                ..ETCD
            },
        )
        .with(&[JOINT_CONSENSUS])
        .must_reach(&[
            "change-commits",
            "joint-entered",
            "joint-decides",
            "joint-left-by-itself",
        ]),
        Preset::new(
            Etcd,
            "etcd-learners",
            "a server learns and is promoted, a voter is demoted",
            Atomic,
            Set,
            Bounds {
                servers: 3,
                voters: Some(2),
                changes: 2,
                appends: Some(3),
                ..ETCD
            },
        )
        .with(&[SINGLE_SERVER_CHANGES, LEARNERS])
        .must_reach(&[
            "change-commits",
            "learner-promoted",
            "voter-demoted",
            "learner-acknowledges",
        ]),
        Preset::new(
            EtcdStored,
            "etcd-stored-joint-learners",
            "a voter learns and another server votes in its place, through a joint configuration",
            Atomic,
            Bag,
            Bounds {
                servers: 3,
                voters: Some(2),
                max_messages: Some(2),
                appends: Some(3),
                heartbeats: Some(0),
                explicit_leave: true,
                ..PAPER
            },
        )
        .with(&[SINGLE_SERVER_CHANGES, JOINT_CONSENSUS, LEARNERS])
        .must_reach(&[
            "change-commits",
            "joint-entered",
            "joint-left-when-told",
            "voter-demoted",
        ]),
    ]
}
