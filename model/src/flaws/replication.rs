//! Replication, commitment and storage: part B of the catalogue.

use super::{About, Flaw};

pub(super) const TABLE: [About; 19] = [
    About {
        flaw: Flaw::Figure8,
        name: "figure-8",
        code: "B1",
        source: "logcabin #44; PySyncObj #169",
        mechanism: "a leader commits an entry of an earlier term by counting replicas \
                    (figure 8)",
        breaks: "leader-completeness",
        expected_depth: 18,
    },
    About {
        flaw: Flaw::CommitWithoutMax,
        name: "commit-without-max",
        code: "B2",
        source: "PySyncObj #166",
        mechanism: "a follower sets its commit index to min(leader's commit, last index) \
                    without the max with its own",
        breaks: "commit-monotonic",
        expected_depth: 10,
    },
    About {
        flaw: Flaw::NextNotRaised,
        name: "next-not-raised",
        code: "B3",
        source: "PySyncObj #167; WRaft #7",
        mechanism: "an acknowledgement raises what a leader knows to match, and not what it \
                    sends next",
        breaks: "next-above-match",
        expected_depth: 6,
    },
    About {
        flaw: Flaw::StaleSuccessLowersMatch,
        name: "stale-success-lowers-match",
        code: "B4",
        source: "PySyncObj #167; raftos #25",
        mechanism: "a leader sets what it knows to match to what an answer says, also when a \
                    later answer said more",
        breaks: "match-monotonic",
        expected_depth: 9,
    },
    About {
        flaw: Flaw::ErasesMatchingSuffix,
        name: "erases-matching-suffix",
        code: "B5",
        source: "raftos #26",
        mechanism: "an append drops everything behind the entries it carries, also what \
                    matches",
        breaks: "committed-is-durable",
        expected_depth: 9,
    },
    About {
        flaw: Flaw::HintStoredAsMatch,
        name: "hint-stored-as-match",
        code: "B10",
        source: "microsoft/CCF #5325",
        mechanism: "a leader stores where a rejected append may match as what is known to \
                    match",
        breaks: "leader-completeness",
        expected_depth: 13,
    },
    About {
        flaw: Flaw::RollsBackBeforeChecking,
        name: "rolls-back-before-checking",
        code: "B11",
        source: "microsoft/CCF #5991, #6016",
        mechanism: "a follower drops everything behind the previous entry of an append before \
                    it looks for a conflict",
        breaks: "committed-is-durable",
        expected_depth: 9,
    },
    About {
        flaw: Flaw::AcksOwnLastIndex,
        name: "acks-own-last-index",
        code: "B12",
        source: "microsoft/CCF #6001",
        mechanism: "a follower acknowledges its own last index and not the end of the append",
        breaks: "leader-completeness",
        expected_depth: 13,
    },
    About {
        flaw: Flaw::DeletesThenAppends,
        name: "deletes-then-appends",
        code: "B13",
        source: "openraft 9540c904",
        mechanism: "a follower durably deletes everything behind the previous entry, then \
                    appends what it got; a crash comes between",
        breaks: "committed-is-durable",
        expected_depth: 15,
    },
    About {
        flaw: Flaw::ProgressUnsorted,
        name: "progress-unsorted",
        code: "B15",
        source: "openraft #1802",
        mechanism: "a leader sorts a server's progress again only when it passes the commit \
                    index, and takes the list for sorted",
        breaks: "committed-is-durable",
        expected_depth: 22,
    },
    About {
        flaw: Flaw::EmptyAppendUnchecked,
        name: "empty-append-unchecked",
        code: "B16",
        source: "openraft 6202138f",
        mechanism: "an append without entries is accepted whether or not its previous entry \
                    matches",
        breaks: "state-machine-safety",
        expected_depth: 9,
    },
    About {
        flaw: Flaw::HeartbeatRaisesLeadersTerm,
        name: "heartbeat-raises-leaders-term",
        code: "B18",
        source: "hashicorp/raft #695 (PR #701)",
        mechanism: "a heartbeat raises the term of a leader whose loop runs on, and stamps the \
                    next entry with the new term",
        breaks: "log-matching",
        expected_depth: 10,
    },
    About {
        flaw: Flaw::AppliedSkipsToCommit,
        name: "applied-skips-to-commit",
        code: "B20",
        source: "etcd #10063; cockroach #28918",
        mechanism: "one page of the committed entries is applied, and the applied index is set \
                    to the commit index",
        breaks: "applied-is-committed-prefix",
        expected_depth: 2,
    },
    About {
        flaw: Flaw::AckBeforeWrite,
        name: "ack-before-write",
        code: "B21",
        source: "tikv #994",
        mechanism: "a follower acknowledges entries before they are durable",
        breaks: "committed-is-durable",
        expected_depth: 12,
    },
    About {
        flaw: Flaw::EntriesNotSynced,
        name: "entries-not-synced",
        code: "B22",
        source: "raft-rs #372 (closes #128)",
        mechanism: "a write is made durable only if it changes term or vote: entries alone are \
                    not",
        breaks: "committed-is-durable",
        expected_depth: 15,
    },
    About {
        flaw: Flaw::OwnEntriesCountedBeforeWrite,
        name: "own-entries-counted-before-write",
        code: "B25",
        source: "etcd #14370",
        mechanism: "a server alone counts its own entries, and so commits and answers, before \
                    they are durable",
        breaks: "committed-is-durable",
        expected_depth: 5,
    },
    About {
        flaw: Flaw::ExLeaderRollsBack,
        name: "ex-leader-rolls-back",
        code: "B26",
        source: "vesoft-inc/nebula PR #1303",
        mechanism: "a leader that gives its vote to another one first drops what it does not \
                    know to be committed",
        breaks: "committed-is-durable",
        expected_depth: 14,
    },
    About {
        flaw: Flaw::StaleWriteAcknowledged,
        name: "stale-write-acknowledged",
        code: "B30",
        source: "ruled out by the term checks of raft-rs `maybe_persist` and etcd-io/raft `stableTo`",
        mechanism: "a completed write is taken to make durable whatever the log now holds at its \
                    indexes, so entries that have replaced its own are acknowledged with it",
        breaks: "committed-is-durable",
        expected_depth: 19,
    },
    About {
        flaw: Flaw::VoteRequestBeforeWrite,
        name: "vote-request-before-write",
        code: "B31",
        source: "etcd-io/raft, `raft.send` with AsyncStorageWrites",
        mechanism: "a candidate asks for votes before its term, its vote and its log are durable",
        breaks: "log-matching",
        expected_depth: 17,
    },
];
