//! A preset for each planted flaw: its story, and little else. All are of the
//! paper's dialect, which is where the flaws were found.

use super::Preset;
use crate::bounds::Bounds;
use crate::flaws::Flaw;
use crate::network::NetworkKind::{Bag, Set};
use crate::settings::Dialect::Paper;
use crate::settings::Durability::{Atomic, Deferred};

/// Elections only.
const ELECTIONS: Bounds = Bounds {
    max_term: 1,
    max_log: 1,
    writes: 0,
    campaigns: Some(2),
    appends: Some(0),
    ..Bounds::DEFAULT
};

/// Two leaders in turn, the messages of their own terms.
const TWO_LEADERS: Bounds = Bounds {
    max_lag: Some(0),
    max_log: 2,
    writes: 0,
    campaigns: Some(2),
    appends: Some(2),
    ..Bounds::DEFAULT
};

pub(super) fn preset(flaw: Flaw) -> Preset {
    let (name, about, durability, network, bounds) = match flaw {
        Flaw::StaleVoteCounted => (
            "flaw-stale-vote-counted",
            "a candidate that campaigns again while a vote of its earlier term is under way",
            Atomic,
            Set,
            Bounds {
                max_term: 2,
                campaigns: Some(3),
                ..ELECTIONS
            },
        ),
        Flaw::VoteForgottenOnRestart => (
            "flaw-vote-forgotten-on-restart",
            "two candidates of one term, and a crash between their requests",
            Atomic,
            Set,
            Bounds {
                restarts: 1,
                ..ELECTIONS
            },
        ),
        Flaw::VoteClearedBeforeTerm => (
            "flaw-vote-cleared-before-term",
            "two candidates of one term and a later one, a crash amid the write of its term",
            Deferred,
            Bag,
            Bounds {
                max_term: 2,
                max_lag: Some(0),
                campaigns: Some(3),
                restarts: 1,
                ..ELECTIONS
            },
        ),
        Flaw::OwnVoteUnrecorded => (
            "flaw-own-vote-unrecorded",
            "two candidates of one term that ask each other",
            Atomic,
            Set,
            ELECTIONS,
        ),
        Flaw::VotesCountedNotIdentified => (
            "flaw-votes-counted-not-identified",
            "two candidates among four servers, a vote to each, each delivered twice",
            Atomic,
            Set,
            Bounds {
                servers: 4,
                ..ELECTIONS
            },
        ),
        Flaw::NoUpToDateCheck => (
            "flaw-no-up-to-date-check",
            "a leader commits, a server that lacks the entry campaigns",
            Atomic,
            Bag,
            Bounds {
                appends: Some(1),
                ..TWO_LEADERS
            },
        ),
        Flaw::Figure8 => (
            "flaw-figure-8",
            "figure 8 among three servers: two leaders in turn, each elected twice",
            Atomic,
            Bag,
            Bounds {
                max_term: 4,
                campaigns: Some(4),
                appends: Some(1),
                ..TWO_LEADERS
            },
        ),
        Flaw::CommitWithoutMax => (
            "flaw-commit-without-max",
            "one leader, whose appends arrive again and out of order",
            Atomic,
            Set,
            Bounds {
                max_term: 1,
                campaigns: Some(1),
                ..TWO_LEADERS
            },
        ),
        Flaw::ErasesMatchingSuffix => (
            "flaw-erases-matching-suffix",
            "one leader, whose empty append arrives behind a later full one",
            Atomic,
            Set,
            Bounds {
                max_term: 1,
                campaigns: Some(1),
                ..TWO_LEADERS
            },
        ),
        Flaw::AcksOwnLastIndex => (
            "flaw-acks-own-last-index",
            "a deposed leader with an entry of its own is probed by its successor, then wins again",
            Atomic,
            Bag,
            Bounds {
                max_term: 3,
                campaigns: Some(3),
                appends: Some(1),
                ..TWO_LEADERS
            },
        ),
        Flaw::ReadBeforeOwnCommit => (
            "flaw-read-before-own-commit",
            "a leader commits, its successor is asked for a read before it has committed",
            Atomic,
            Bag,
            Bounds {
                reads: 1,
                ..TWO_LEADERS
            },
        ),
        Flaw::ReadBeforeQuorum => (
            "flaw-read-before-quorum",
            "two leaders commit in turn, the deposed one is asked for a read",
            Atomic,
            Bag,
            Bounds {
                max_batch: 2,
                reads: 1,
                ..TWO_LEADERS
            },
        ),
        Flaw::LogComparedByParts => (
            "flaw-log-compared-by-parts",
            "a leader with a write, and a later one without that crashes, nothing replicated",
            Atomic,
            Bag,
            Bounds {
                writes: 1,
                appends: Some(0),
                restarts: 1,
                ..TWO_LEADERS
            },
        ),
        Flaw::CommitScanStops => (
            "flaw-commit-scan-stops",
            "a leader that crashes before it has committed anything",
            Atomic,
            Bag,
            Bounds {
                appends: Some(1),
                restarts: 1,
                ..TWO_LEADERS
            },
        ),
        Flaw::ConflictsKept => (
            "flaw-conflicts-kept",
            "a leader, and a later one whose entry conflicts with its",
            Atomic,
            Bag,
            Bounds {
                max_log: 1,
                max_messages: Some(2),
                appends: Some(1),
                ..TWO_LEADERS
            },
        ),
    };
    Preset::new(Paper, name, about, durability, network, bounds)
}
