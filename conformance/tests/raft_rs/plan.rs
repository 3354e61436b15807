//! What a run is to be: the options of raft-rs, how the application drives it,
//! what goes wrong, and which bug is planted.

use plimsoll_trace::Storage;

/// A bug of the application around the crate, as people write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The messages of a `Ready` that must wait for its write leave at once.
    SendsBeforeWriting,
    /// A restart reads the term and not the vote.
    ForgetsVote,
    /// Entries are written over the ones that they replace, and what stood
    /// behind those stays.
    KeepsReplacedEntries,
    /// A leader's reads are served at its commit index, without asking anybody.
    ReadsAtOnce,
    /// A change of the configuration is given to raft-rs when it is appended.
    AppliesChangeWhenAppended,
    /// Clients are told of success when their write is appended.
    AcknowledgesWhenAppended,
}

/// A kind of run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    /// How many servers there are, and how many of them vote at the start.
    pub(crate) servers: u64,
    pub(crate) voters: u64,
    pub(crate) storage: Storage,
    pub(crate) pre_vote: bool,
    pub(crate) check_quorum: bool,
    /// Writes, reads at the leader, reads at followers.
    pub(crate) writes: bool,
    pub(crate) reads: bool,
    pub(crate) follower_reads: bool,
    pub(crate) crashes: bool,
    pub(crate) partitions: bool,
    pub(crate) compacts: bool,
    pub(crate) transfers: bool,
    /// Changes of one voter; of more, through joint configurations; learners.
    pub(crate) simple_changes: bool,
    pub(crate) joint_changes: bool,
    pub(crate) learners: bool,
    /// How many events.
    pub(crate) events: usize,
    /// Branches of the rules that its runs must take.
    pub(crate) shows: &'static [&'static str],
    pub(crate) bug: Option<Bug>,
}

impl Plan {
    /// Three servers that elect and replicate, over a network that loses,
    /// repeats and reorders.
    pub(crate) const CORE: Plan = Plan {
        name: "core",
        servers: 3,
        voters: 3,
        storage: Storage::Sync,
        pre_vote: false,
        check_quorum: false,
        writes: true,
        reads: false,
        follower_reads: false,
        crashes: false,
        partitions: true,
        compacts: false,
        transfers: false,
        simple_changes: false,
        joint_changes: false,
        learners: false,
        events: 3000,
        shows: &["committed", "append-replaced", "commit-told"],
        bug: None,
    };

    pub(crate) fn changes(&self) -> bool {
        self.simple_changes || self.joint_changes || self.learners
    }

    /// The features that the header names.
    pub(crate) fn features(&self) -> Vec<&'static str> {
        let named = [
            (self.pre_vote, "pre-vote"),
            (self.check_quorum, "check-quorum"),
            // What raft-rs calls its lease goes with its check of the quorum.
            (self.check_quorum, "sticky-leader"),
            (self.follower_reads, "follower-reads"),
            (self.simple_changes, "single-server-changes"),
            (self.joint_changes, "joint-consensus"),
            (self.learners, "learners"),
        ];
        let on = named.into_iter().filter(|(on, _)| *on);
        on.map(|(_, name)| name).collect()
    }
}

/// What is run without a bug, and must conform. Every storage contract meets
/// every feature.
pub(crate) fn correct() -> Vec<Plan> {
    let plans = [
        Plan::CORE,
        Plan {
            name: "crashes",
            crashes: true,
            shows: &["restarted-durable", "append-replaced"],
            ..Plan::CORE
        },
        Plan {
            name: "five",
            servers: 5,
            voters: 5,
            crashes: true,
            reads: true,
            shows: &["read-released", "commit-told"],
            ..Plan::CORE
        },
        Plan {
            name: "pre-vote-check-quorum",
            pre_vote: true,
            check_quorum: true,
            crashes: true,
            shows: &["pre-vote-refused", "candidate-disregarded", "quorum-lost"],
            ..Plan::CORE
        },
        Plan {
            name: "pre-vote",
            pre_vote: true,
            crashes: true,
            shows: &["pre-vote-refused", "commit-told"],
            ..Plan::CORE
        },
        Plan {
            name: "snapshots",
            compacts: true,
            crashes: true,
            shows: &["compacted", "snapshot-installed", "snapshot-ignored"],
            ..Plan::CORE
        },
        Plan {
            name: "reads",
            reads: true,
            follower_reads: true,
            crashes: true,
            shows: &["read-released", "read-index-sent", "read-index-learned"],
            ..Plan::CORE
        },
        Plan {
            name: "transfers",
            transfers: true,
            check_quorum: true,
            crashes: true,
            shows: &["campaigned-at-once", "transfer-aborted"],
            ..Plan::CORE
        },
        Plan {
            name: "members",
            servers: 5,
            simple_changes: true,
            learners: true,
            compacts: true,
            crashes: true,
            shows: &[
                "change-appended",
                "configuration-applied",
                "snapshot-installed",
            ],
            ..Plan::CORE
        },
        Plan {
            name: "joint",
            servers: 6,
            simple_changes: true,
            joint_changes: true,
            learners: true,
            crashes: true,
            shows: &["joint-left", "configuration-applied"],
            ..Plan::CORE
        },
        Plan {
            name: "everything",
            servers: 6,
            pre_vote: true,
            check_quorum: true,
            reads: true,
            follower_reads: true,
            crashes: true,
            compacts: true,
            transfers: true,
            simple_changes: true,
            joint_changes: true,
            learners: true,
            events: 5000,
            shows: &[
                "joint-left",
                "snapshot-installed",
                "campaigned-at-once",
                "read-index-learned",
                "quorum-lost",
                "commit-told",
            ],
            ..Plan::CORE
        },
    ];
    plans.to_vec()
}
