//! The stories of the flaws in replication, commitment and storage.

use super::{ALONE, ELECTIONS, ONE_LEADER, Story, TWO_LEADERS};
use crate::bounds::Bounds;
use crate::network::NetworkKind::{Bag, Ordered, Set};
use crate::settings::Dialect::{Etcd, EtcdStored, Paper};
use crate::settings::Durability::{Atomic, Deferred};

pub(super) const FIGURE_8: Story = Story {
    name: "flaw-figure-8",
    about: "figure 8 among three servers: two leaders in turn, each elected twice",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_term: 4,
        campaigns: Some(4),
        appends: Some(1),
        ..TWO_LEADERS
    },
};

pub(super) const COMMIT_WITHOUT_MAX: Story = Story {
    name: "flaw-commit-without-max",
    about: "one leader, whose appends arrive again and out of order",
    dialect: Paper,
    durability: Atomic,
    network: Set,
    bounds: Bounds {
        max_term: 1,
        campaigns: Some(1),
        ..TWO_LEADERS
    },
};

pub(super) const STALE_SUCCESS_LOWERS_MATCH: Story = Story {
    name: "flaw-stale-success-lowers-match",
    about: "one leader, whose appends are answered out of order",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds { ..ONE_LEADER },
};

pub(super) const ERASES_MATCHING_SUFFIX: Story = Story {
    name: "flaw-erases-matching-suffix",
    about: "one leader, whose empty append arrives behind a later full one",
    dialect: Paper,
    durability: Atomic,
    network: Set,
    bounds: Bounds {
        max_term: 1,
        campaigns: Some(1),
        ..TWO_LEADERS
    },
};

pub(super) const HINT_STORED_AS_MATCH: Story = Story {
    name: "flaw-hint-stored-as-match",
    about: "a deposed leader with an entry of its own is probed by its successor, then \
            campaigns again",
    dialect: EtcdStored,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_term: 3,
        campaigns: Some(3),
        appends: Some(1),
        heartbeats: Some(0),
        ..TWO_LEADERS
    },
};

pub(super) const ROLLS_BACK_BEFORE_CHECKING: Story = Story {
    name: "flaw-rolls-back-before-checking",
    about: "one leader that sends an empty append from the start again, on links that keep their \
            order",
    dialect: Paper,
    durability: Atomic,
    network: Ordered,
    bounds: Bounds {
        resend: true,
        ..ONE_LEADER
    },
};

pub(super) const ACKS_OWN_LAST_INDEX: Story = Story {
    name: "flaw-acks-own-last-index",
    about: "a deposed leader with an entry of its own is probed by its successor, then wins again",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_term: 3,
        campaigns: Some(3),
        appends: Some(1),
        ..TWO_LEADERS
    },
};

pub(super) const DELETES_THEN_APPENDS: Story = Story {
    name: "flaw-deletes-then-appends",
    about: "one leader, whose only append arrives twice, and a crash amid the second write",
    dialect: Paper,
    durability: Deferred,
    network: Set,
    bounds: Bounds {
        max_log: 1,
        appends: Some(1),
        restarts: 1,
        partial_writes: true,
        ..ONE_LEADER
    },
};

pub(super) const PROGRESS_UNSORTED: Story = Story {
    name: "flaw-progress-unsorted",
    about: "one leader among four servers, whose own write is later than the answer of a follower",
    dialect: Paper,
    durability: Deferred,
    network: Bag,
    bounds: Bounds {
        servers: 4,
        writes: 1,
        max_batch: 2,
        ..ONE_LEADER
    },
};

pub(super) const EMPTY_APPEND_UNCHECKED: Story = Story {
    name: "flaw-empty-append-unchecked",
    about: "two leaders in turn, and an empty append to the deposed one",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds { ..TWO_LEADERS },
};

pub(super) const HEARTBEAT_RAISES_LEADERS_TERM: Story = Story {
    name: "flaw-heartbeat-raises-leaders-term",
    about: "two leaders in turn, a heartbeat to the deposed one, and a write at each",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        writes: 2,
        appends: Some(1),
        ..TWO_LEADERS
    },
};

pub(super) const APPLIED_SKIPS_TO_COMMIT: Story = Story {
    name: "flaw-applied-skips-to-commit",
    about: "a server restarts and applies three bootstrap entries again",
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

pub(super) const ACK_BEFORE_WRITE: Story = Story {
    name: "flaw-ack-before-write",
    about: "one leader replicates, writes durable later",
    dialect: Paper,
    durability: Deferred,
    network: Bag,
    bounds: Bounds {
        max_log: 1,
        appends: Some(1),
        restarts: 1,
        ..ONE_LEADER
    },
};

pub(super) const ENTRIES_NOT_SYNCED: Story = Story {
    name: "flaw-entries-not-synced",
    about: "one leader replicates to both followers, writes durable later",
    dialect: Paper,
    durability: Deferred,
    network: Bag,
    bounds: Bounds {
        max_log: 1,
        ..ONE_LEADER
    },
};

pub(super) const OWN_ENTRIES_COUNTED_BEFORE_WRITE: Story = Story {
    name: "flaw-own-entries-counted-before-write",
    about: "one server, writes durable later, a crash",
    dialect: Paper,
    durability: Deferred,
    network: Bag,
    bounds: Bounds { ..ALONE },
};

pub(super) const EX_LEADER_ROLLS_BACK: Story = Story {
    name: "flaw-ex-leader-rolls-back",
    about: "a successor that does not know what is committed gives its vote back",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        max_term: 3,
        campaigns: Some(3),
        ..TWO_LEADERS
    },
};

pub(super) const STALE_WRITE_ACKNOWLEDGED: Story = Story {
    name: "flaw-stale-write-acknowledged",
    about: "two leaders in turn, whose entries a follower queues one behind the other",
    dialect: Paper,
    durability: Deferred,
    network: Bag,
    bounds: Bounds {
        max_log: 1,
        ..TWO_LEADERS
    },
};

pub(super) const VOTE_REQUEST_BEFORE_WRITE: Story = Story {
    name: "flaw-vote-request-before-write",
    about: "a leader that nothing is durable of crashes, and is elected again in the same term",
    dialect: Paper,
    durability: Deferred,
    network: Bag,
    bounds: Bounds {
        campaigns: Some(2),
        writes: 2,
        max_batch: 2,
        appends: Some(1),
        restarts: 1,
        ..ONE_LEADER
    },
};

pub(super) const NEXT_NOT_RAISED: Story = Story {
    name: "flaw-next-not-raised",
    about: "one leader that probes a follower",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds { ..ONE_LEADER },
};

pub(super) const HEARTBEAT_COMMIT_UNCAPPED: Story = Story {
    name: "flaw-heartbeat-commit-uncapped",
    about: "one leader that commits with one follower, and a heartbeat to the other",
    dialect: EtcdStored,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        heartbeats: Some(1),
        ..ONE_LEADER
    },
};
