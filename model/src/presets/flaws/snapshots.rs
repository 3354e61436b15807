//! The stories of the flaws in compaction and snapshots.

use super::{ONE_LEADER, Story, TWO_LEADERS};
use crate::bounds::Bounds;
use crate::config::{Change, Transition};
use crate::ids::{Index, NodeSet};
use crate::network::NetworkKind::{Bag, Ordered, Set};
use crate::prefix::Deed::{Arrives, Does};
use crate::prefix::{N1, N2, N3, Prefix, append};
use crate::rules::Input;
use crate::settings::Dialect::{EtcdStored, Paper};
use crate::settings::Durability::{Atomic, Deferred};

/// One leader, who compacts once and sends one snapshot.
const COMPACTS: Bounds = Bounds {
    compactions: 1,
    snapshots: Some(1),
    ..ONE_LEADER
};

/// Two leaders in turn, one of whom compacts once and sends one snapshot.
const TWO_COMPACT: Bounds = Bounds {
    compactions: 1,
    snapshots: Some(1),
    ..TWO_LEADERS
};

pub(super) const COMPACTED_ENTRIES_APPENDED_AGAIN: Story = Story {
    name: "flaw-compacted-entries-appended-again",
    about: "a follower that compacts what it has from its first append, which arrives twice",
    dialect: Paper,
    durability: Atomic,
    network: Set,
    bounds: Bounds {
        servers: 2,
        writes: 1,
        appends: Some(4),
        snapshots: Some(0),
        ..COMPACTS
    },
};

pub(super) const EMPTY_APPEND_FOR_SNAPSHOT: Story = Story {
    name: "flaw-empty-append-for-snapshot",
    about: "a deposed leader that shares one entry with its successor and has another one of its \
            own; the successor compacts the first",
    dialect: Paper,
    durability: Atomic,
    network: Ordered,
    bounds: Bounds {
        writes: 1,
        appends: Some(3),
        max_batch: 2,
        drops: Some(0),
        snapshots: Some(0),
        ..TWO_COMPACT
    },
};

pub(super) const SNAPSHOT_SETS_TERM: Story = Story {
    name: "flaw-snapshot-sets-term",
    about: "a successor compacts what it has of the leader before, and sends it on",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_batch: 2,
        ..TWO_COMPACT
    },
};

pub(super) const COMPACTED_IS_CONFLICT: Story = Story {
    name: "flaw-compacted-is-conflict",
    about: "a follower that compacts the first of two entries, and hears of the first once more",
    dialect: Paper,
    durability: Atomic,
    network: Set,
    bounds: Bounds {
        writes: 1,
        appends: Some(3),
        snapshots: Some(0),
        ..COMPACTS
    },
};

pub(super) const CONFLICTS_LEFT_BY_CRASH: Story = Story {
    name: "flaw-conflicts-left-by-crash",
    about: "a deposed leader with entries of its own crashes \
            amid the installation of its successor's snapshot",
    dialect: Paper,
    durability: Deferred,
    network: Bag,
    bounds: Bounds {
        writes: 1,
        appends: Some(1),
        max_messages: Some(2),
        restarts: 1,
        ..TWO_COMPACT
    },
};

pub(super) const LOG_DROPPED_BEFORE_SNAPSHOT: Story = Story {
    name: "flaw-log-dropped-before-snapshot",
    about: "a follower that has acknowledged an entry crashes amid the installation of a snapshot \
            that ends behind it",
    dialect: Paper,
    durability: Deferred,
    network: Bag,
    bounds: Bounds {
        writes: 1,
        appends: Some(2),
        max_batch: 2,
        max_messages: Some(2),
        restarts: 1,
        ..COMPACTS
    },
};

pub(super) const SNAPSHOT_MOVES_APPLIED_BACK: Story = Story {
    name: "flaw-snapshot-moves-applied-back",
    about: "a follower that has applied two entries is sent a snapshot of the first",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        writes: 1,
        max_batch: 2,
        ..COMPACTS
    },
};

pub(super) const CONFLICT_AT_SNAPSHOT_KEPT: Story = Story {
    name: "flaw-conflict-at-snapshot-kept",
    about: "a deposed leader with an entry of its own is sent its successor's snapshot",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        writes: 1,
        max_messages: Some(3),
        appends: Some(1),
        ..TWO_COMPACT
    },
};

pub(super) const LATE_CHANGE_OVER_SNAPSHOT: Story = Story {
    name: "flaw-late-change-over-snapshot",
    about: "a server has begun to apply that a voter is removed, and is sent a snapshot in which \
            it is back",
    dialect: EtcdStored,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        servers: 4,
        max_log: 3,
        changes: 2,
        appends: Some(6),
        heartbeats: Some(0),
        ..COMPACTS
    },
};

/// n1 leads term 1 by the vote of n2; its no-op is durable.
macro_rules! led_by_n1 {
    ($($more:expr),* $(,)?) => {
        &[
            Does(N1, Input::Campaign),
            Does(N1, Input::WriteCompleted),
            Does(N1, Input::CountOwnVote),
            Arrives(N1, N2, "RequestVote"),
            Does(N2, Input::WriteCompleted),
            Arrives(N2, N1, "Vote"),
            Does(N1, Input::WriteCompleted),
            $($more),*
        ]
    };
}

/// n1 leads and has a write that it has told nobody.
pub(super) static WRITTEN: Prefix = led_by_n1![
    Does(N1, Input::Write { number: 1 }),
    Does(N1, Input::WriteCompleted),
];

/// n1 has an entry that it has told nobody; n2 leads now, has committed another
/// one in its place and compacted it, and has a write behind it.
pub(super) static SUCCEEDED: Prefix = &[
    Does(N1, Input::Campaign),
    Arrives(N1, N2, "RequestVote"),
    Arrives(N2, N1, "Vote"),
    Does(N2, Input::Campaign),
    Arrives(N2, N3, "RequestVote"),
    Arrives(N3, N2, "Vote"),
    Arrives(N2, N1, "RequestVote"),
    Does(N2, append(N3, 0, 1)),
    Arrives(N2, N3, "Append"),
    Arrives(N3, N2, "AppendAck"),
    Does(N2, Input::AdvanceCommit { to: Index(1) }),
    Does(N2, Input::Compact { to: Index(1) }),
    Does(N2, Input::Write { number: 1 }),
];

/// n2 has acknowledged the first entry of n1, and n3 two entries.
pub(super) static ACKNOWLEDGED: Prefix = led_by_n1![
    Does(N1, append(N2, 0, 1)),
    Arrives(N1, N2, "Append"),
    Does(N2, Input::WriteCompleted),
    Arrives(N2, N1, "AppendAck"),
    Does(N1, Input::Write { number: 1 }),
    Does(N1, Input::WriteCompleted),
    Does(N1, Input::CountOwnEntries { to: Index(2) }),
    Does(N1, append(N3, 0, 2)),
    Arrives(N1, N3, "Append"),
    Does(N3, Input::WriteCompleted),
    Arrives(N3, N1, "AppendAck"),
];

/// The fourth server votes from now on, or it is no member any more.
const fn fourth(votes: bool) -> Input {
    const FOURTH: NodeSet = NodeSet(0b1000);
    Input::Change {
        change: Change {
            voters: if votes { FOURTH } else { NodeSet::EMPTY },
            learners: NodeSet::EMPTY,
            removed: if votes { NodeSet::EMPTY } else { FOURTH },
            transition: Transition::Simple,
        },
    }
}

/// n1 removes n4 and adds it again. n3 knows that the removal is committed and
/// is about to apply it; it has not heard that n4 is back.
pub(super) static REMOVED_AND_ADDED: Prefix = &[
    Does(N1, Input::Campaign),
    Arrives(N1, N2, "RequestVote"),
    Arrives(N2, N1, "Vote"),
    Arrives(N1, N3, "RequestVote"),
    Arrives(N3, N1, "Vote"),
    Does(N1, append(N2, 0, 1)),
    Arrives(N1, N2, "Append"),
    Arrives(N2, N1, "AppendAck"),
    Does(N1, append(N3, 0, 1)),
    Arrives(N1, N3, "Append"),
    Arrives(N3, N1, "AppendAck"),
    Does(N1, Input::AdvanceCommit { to: Index(1) }),
    Does(N1, Input::Apply),
    Does(N1, fourth(false)),
    Does(N1, append(N2, 1, 1)),
    Arrives(N1, N2, "Append"),
    Arrives(N2, N1, "AppendAck"),
    Does(N1, append(N3, 1, 1)),
    Arrives(N1, N3, "Append"),
    Arrives(N3, N1, "AppendAck"),
    Does(N1, Input::AdvanceCommit { to: Index(2) }),
    Does(N1, append(N3, 2, 0)),
    Arrives(N1, N3, "Append"),
    Does(N3, Input::Apply),
    Does(N1, Input::Apply),
    Does(N1, fourth(true)),
    Does(N1, append(N2, 2, 1)),
    Arrives(N1, N2, "Append"),
    Arrives(N2, N1, "AppendAck"),
    Does(N1, Input::AdvanceCommit { to: Index(3) }),
    Does(N1, Input::Apply),
];
