//! The stories of the flaws in votes and elections.

use super::{ELECTIONS, Story, TWO_LEADERS};
use crate::bounds::Bounds;
use crate::network::NetworkKind::{Bag, Set};
use crate::settings::Dialect::Paper;
use crate::settings::Durability::{Atomic, Deferred};

pub(super) const STALE_VOTE_COUNTED: Story = Story {
    name: "flaw-stale-vote-counted",
    about: "a candidate that campaigns again while a vote of its earlier term is under way",
    dialect: Paper,
    durability: Atomic,
    network: Set,
    bounds: Bounds {
        max_term: 2,
        campaigns: Some(3),
        ..ELECTIONS
    },
};

pub(super) const VOTE_FORGOTTEN_ON_RESTART: Story = Story {
    name: "flaw-vote-forgotten-on-restart",
    about: "two candidates of one term, and a crash between their requests",
    dialect: Paper,
    durability: Atomic,
    network: Set,
    bounds: Bounds {
        restarts: 1,
        ..ELECTIONS
    },
};

pub(super) const VOTE_CLEARED_BEFORE_TERM: Story = Story {
    name: "flaw-vote-cleared-before-term",
    about: "two candidates of one term and a later one, a crash amid the write of its term",
    dialect: Paper,
    durability: Deferred,
    network: Bag,
    bounds: Bounds {
        max_term: 2,
        max_lag: Some(0),
        campaigns: Some(3),
        restarts: 1,
        ..ELECTIONS
    },
};

pub(super) const VOTE_FORGOTTEN_ON_APPEND: Story = Story {
    name: "flaw-vote-forgotten-on-append",
    about: "two candidates of one term, and an append of the one that won",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        appends: Some(1),
        ..ELECTIONS
    },
};

pub(super) const OWN_VOTE_UNRECORDED: Story = Story {
    name: "flaw-own-vote-unrecorded",
    about: "two candidates of one term that ask each other",
    dialect: Paper,
    durability: Atomic,
    network: Set,
    bounds: ELECTIONS,
};

pub(super) const VOTES_COUNTED_NOT_IDENTIFIED: Story = Story {
    name: "flaw-votes-counted-not-identified",
    about: "two candidates among four servers, a vote to each, each delivered twice",
    dialect: Paper,
    durability: Atomic,
    network: Set,
    bounds: Bounds {
        servers: 4,
        ..ELECTIONS
    },
};

pub(super) const VOTE_ON_STALE_LOG: Story = Story {
    name: "flaw-vote-on-stale-log",
    about: "a leader commits while a vote for the next one is being decided",
    dialect: Paper,
    durability: Atomic,
    network: Set,
    bounds: Bounds {
        appends: Some(1),
        ..TWO_LEADERS
    },
};

pub(super) const NEWEST_ENTRY_LOST: Story = Story {
    name: "flaw-newest-entry-lost",
    about: "a leader commits, a holder of the entry restarts without it and campaigns",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        appends: Some(1),
        restarts: 1,
        ..TWO_LEADERS
    },
};

pub(super) const CANDIDATE_KEEPS_COLLECTING: Story = Story {
    name: "flaw-candidate-keeps-collecting",
    about: "two candidates, one a term ahead, that refuse and are voted for",
    dialect: Paper,
    durability: Atomic,
    network: Set,
    bounds: Bounds {
        max_term: 2,
        campaigns: Some(3),
        ..ELECTIONS
    },
};

pub(super) const NO_UP_TO_DATE_CHECK: Story = Story {
    name: "flaw-no-up-to-date-check",
    about: "a leader commits, a server that lacks the entry campaigns",
    dialect: Paper,
    durability: Atomic,
    network: Bag,
    bounds: Bounds {
        appends: Some(1),
        ..TWO_LEADERS
    },
};
