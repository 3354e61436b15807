//! What breaks where storage promises less than Raft needs: for each promise,
//! under each storage contract, all properties that a search to the end finds
//! broken. A test holds the table; `docs/properties.md` prints it.

use crate::bounds::Bounds;
use crate::network::NetworkKind;
use crate::scenario::Scenario;
use crate::settings::{Dialect, Durability, Promise, Settings, Storage};

/// A property, and the fewest actions that break it.
pub type Broken = (&'static str, usize);

/// What is known of one promise.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The promise.
    pub promise: Promise,
    /// What a crash may leave, in a sentence.
    pub says: &'static str,
    /// What is explored.
    story: Story,
    /// All that breaks, by the contracts in the order of [`CONTRACTS`].
    pub breaks: [&'static [Broken]; 3],
}

/// Where a promise matters.
#[derive(Clone, Copy, Debug)]
enum Story {
    /// Elections of two terms.
    Votes,
    /// Two leaders in turn.
    Turns,
    /// The same, and the first one's log is the longer one.
    Overwrites,
    /// A leader that commits, where the commit index is durable.
    Commits,
}

/// The storage contracts, in the order of the table.
pub const CONTRACTS: [Storage; 3] = [Storage::Sync, Storage::ParallelAppend, Storage::Async];

const BASE: Bounds = Bounds {
    max_lag: Some(0),
    max_messages: Some(2),
    campaigns: Some(2),
    writes: 0,
    restarts: 1,
    partial_writes: true,
    ..Bounds::DEFAULT
};

impl Row {
    /// What is explored under `storage`.
    pub fn scenario(&self, storage: Storage) -> Scenario {
        let (dialect, bounds) = match self.story {
            Story::Votes => (
                Dialect::Paper,
                Bounds {
                    max_log: 1,
                    campaigns: Some(3),
                    appends: Some(0),
                    ..BASE
                },
            ),
            Story::Turns => (
                Dialect::Paper,
                Bounds {
                    max_log: 2,
                    appends: Some(1),
                    ..BASE
                },
            ),
            Story::Overwrites => (
                Dialect::Paper,
                Bounds {
                    max_log: 2,
                    writes: 1,
                    appends: Some(1),
                    ..BASE
                },
            ),
            Story::Commits => (
                Dialect::EtcdStored,
                Bounds {
                    max_term: 1,
                    max_log: 2,
                    campaigns: Some(1),
                    appends: Some(2),
                    heartbeats: Some(0),
                    ..BASE
                },
            ),
        };
        Scenario {
            prefix: &[],
            settings: Settings {
                storage,
                promise: self.promise,
                ..dialect.settings(Durability::Deferred)
            },
            network: NetworkKind::Bag,
            bounds,
        }
    }
}

/// The table.
pub const ALL: [Row; 9] = [
    Row {
        promise: Promise::Whole,
        says: "a write as a whole, or nothing of it",
        story: Story::Turns,
        breaks: [&[], &[], &[]],
    },
    Row {
        promise: Promise::InOrder,
        says: "of a write its parts in order: term and vote, truncation, entries, commit index",
        story: Story::Turns,
        breaks: [&[], &[], &[]],
    },
    Row {
        promise: Promise::TermBeforeVote,
        says: "the same, or its term without its vote",
        story: Story::Votes,
        breaks: [&[], &[], &[]],
    },
    Row {
        promise: Promise::VoteBeforeTerm,
        says: "the same, or its vote without its term",
        story: Story::Votes,
        breaks: [
            &[("election-safety", 17), ("one-vote-per-term", 6)],
            &[("election-safety", 17), ("one-vote-per-term", 6)],
            &[("one-vote-per-term", 6)],
        ],
    },
    Row {
        promise: Promise::LogBeforeTerm,
        says: "the same, or its log without its term and vote",
        story: Story::Turns,
        breaks: [
            &[("log-terms-ascend", 10)],
            &[("log-terms-ascend", 9)],
            &[("log-terms-ascend", 9)],
        ],
    },
    Row {
        promise: Promise::EntriesBeforeTruncation,
        says: "the same, or its entries in front of what it was to drop",
        story: Story::Overwrites,
        breaks: [
            &[("log-terms-ascend", 19)],
            &[("log-terms-ascend", 18)],
            &[("log-terms-ascend", 17)],
        ],
    },
    Row {
        promise: Promise::CommitBeforeEntries,
        says: "the same, or its commit index without its entries",
        story: Story::Commits,
        breaks: [
            &[
                ("state-machine-safety", 17),
                ("applied-is-committed-prefix", 17),
            ],
            &[
                ("state-machine-safety", 16),
                ("applied-is-committed-prefix", 16),
            ],
            &[
                ("state-machine-safety", 16),
                ("applied-is-committed-prefix", 16),
            ],
        ],
    },
    Row {
        promise: Promise::TwoStores,
        says: "of the writes of two stores, one of term, vote and commit index, one of the log, \
               more of the one than of the other",
        story: Story::Commits,
        breaks: [
            &[
                ("log-terms-ascend", 10),
                ("state-machine-safety", 17),
                ("applied-is-committed-prefix", 17),
            ],
            &[
                ("log-terms-ascend", 9),
                ("state-machine-safety", 16),
                ("applied-is-committed-prefix", 16),
            ],
            &[
                ("log-terms-ascend", 9),
                ("state-machine-safety", 16),
                ("applied-is-committed-prefix", 16),
            ],
        ],
    },
    Row {
        promise: Promise::ReportsTooEarly,
        says: "the same, without the newest entry that was reported as durable",
        story: Story::Turns,
        breaks: [
            &[
                ("leader-completeness", 20),
                ("committed-is-durable", 14),
                ("match-agrees", 12),
            ],
            &[
                ("leader-completeness", 20),
                ("committed-is-durable", 14),
                ("match-agrees", 11),
            ],
            &[
                ("leader-completeness", 20),
                ("committed-is-durable", 14),
                ("match-agrees", 11),
            ],
        ],
    },
];
