//! The stories of the flaws in membership.

use super::{ELECTIONS, Story, TWO_LEADERS};
use crate::bounds::Bounds;
use crate::network::NetworkKind::{Bag, Set};
use crate::prefix::Deed::{Arrives, Does};
use crate::prefix::{N1, N2, N3, N4, Prefix};
use crate::rules::Input;
use crate::settings::Dialect::{Etcd, EtcdStored, Paper};
use crate::settings::Durability::Atomic;

/// One leader that changes the configuration once; nobody else stands for
/// election.
const ONE_CHANGE: Bounds = Bounds {
    campaigns: Some(1),
    appends: Some(1),
    changes: 1,
    max_batch: 2,
    ..TWO_LEADERS
};

/// A leader that is the only voter, and one server more.
const ONE_VOTER: Bounds = Bounds {
    servers: 2,
    voters: Some(1),
    ..ONE_CHANGE
};

/// A leader of three that removes the others at once, through a joint
/// configuration.
const SHRINKS: Bounds = Bounds {
    campaigns: Some(2),
    appends: Some(1),
    max_log: 3,
    ..ONE_CHANGE
};

pub(super) const CHANGES_BEFORE_OWN_COMMIT: Story = Story {
    name: "flaw-changes-before-own-commit",
    about: "two leaders in turn remove each other's voter, and neither has committed anything",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        servers: 4,
        max_term: 3,
        max_log: 3,
        max_lag: Some(0),
        max_batch: 2,
        writes: 0,
        campaigns: Some(3),
        appends: Some(1),
        changes: 2,
        ..Bounds::DEFAULT
    },
};

/// n1 leads term 1 by the votes of n2 and n3, n2 term 2 by those of n3 and n4;
/// n1 has not heard of it.
pub(super) static TWO_LEADERS_OF_FOUR: Prefix = &[
    Does(N1, Input::Campaign),
    Arrives(N1, N2, "RequestVote"),
    Arrives(N1, N3, "RequestVote"),
    Arrives(N2, N1, "Vote"),
    Arrives(N3, N1, "Vote"),
    Does(N2, Input::Campaign),
    Arrives(N2, N3, "RequestVote"),
    Arrives(N2, N4, "RequestVote"),
    Arrives(N3, N2, "Vote"),
    Arrives(N4, N2, "Vote"),
];

pub(super) const CHANGES_OVERLAP: Story = Story {
    name: "flaw-changes-overlap",
    about: "a leader removes one server after the other, which they do not know",
    dialect: Paper,
    durability: Atomic,
    network: Set,
    bounds: Bounds {
        max_log: 3,
        changes: 2,
        appends: Some(1),
        ..TWO_LEADERS
    },
};

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

pub(super) const VOTES_OF_UNION: Story = Story {
    name: "flaw-votes-of-union",
    about: "a leader of three becomes the only voter; the others are as many as they were",
    dialect: Paper,
    durability: Atomic,
    network: Set,
    bounds: SHRINKS,
};

pub(super) const OUTSIDERS_VOTES_COUNTED: Story = Story {
    name: "flaw-outsiders-votes-counted",
    about: "a leader of three becomes the only voter; the others vote on",
    dialect: Paper,
    durability: Atomic,
    network: Set,
    bounds: SHRINKS,
};

pub(super) const EITHER_HALF_IS_HEARD: Story = Story {
    name: "flaw-either-half-is-heard",
    about: "a leader that is alone adds a voter through a joint configuration, and hears nobody",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: ONE_VOTER,
};

pub(super) const UNCOMMITTED_CHANGE_FORGOTTEN: Story = Story {
    name: "flaw-uncommitted-change-forgotten",
    about: "a leader that is alone adds a voter, and crashes",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        restarts: 1,
        ..ONE_VOTER
    },
};

pub(super) const SNAPSHOT_FORGETS_OUTGOING: Story = Story {
    name: "flaw-snapshot-forgets-outgoing",
    about: "a leader that is alone applies a joint configuration, compacts its log and crashes",
    dialect: EtcdStored,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        heartbeats: Some(0),
        restarts: 1,
        compactions: 1,
        snapshots: Some(0),
        ..ONE_VOTER
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

pub(super) const COMMITS_WITHOUT_OTHER_VOTERS: Story = Story {
    name: "flaw-commits-without-other-voters",
    about: "a leader that is alone adds two voters through a joint configuration",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        servers: 3,
        ..ONE_VOTER
    },
};

pub(super) const RETIRES_AT_ONCE: Story = Story {
    name: "flaw-retires-at-once",
    about: "a leader of two removes itself, and crashes before the other one knows",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        servers: 2,
        restarts: 1,
        ..ONE_CHANGE
    },
};

pub(super) const ONLY_AUTHOR_LEAVES_JOINT: Story = Story {
    name: "flaw-only-author-leaves-joint",
    about: "a leader enters a joint configuration and crashes before it has left it",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_log: 4,
        restarts: 1,
        ..ONE_VOTER
    },
};

pub(super) const LEARNER_REFUSES_VOTE: Story = Story {
    name: "flaw-learner-refuses-vote",
    about: "a learner is promoted, and the leader crashes before the learner knows",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_log: 3,
        changes: 2,
        restarts: 1,
        ..ONE_VOTER
    },
};

pub(super) const LEARNERS_RAISE_QUORUM: Story = Story {
    name: "flaw-learners-raise-quorum",
    about: "a leader that is alone adds a learner, and crashes",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        restarts: 1,
        ..ONE_VOTER
    },
};
