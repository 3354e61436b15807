//! Reads: part E of the catalogue.

use super::{About, Flaw};

pub(super) const TABLE: [About; 9] = [
    About {
        flaw: Flaw::ReadBeforeOwnCommit,
        name: "read-before-own-commit",
        code: "E1",
        source: "etcd #7331",
        mechanism: "a new leader serves a read before it has committed an entry of its term",
        breaks: "linearizable-reads",
        expected_depth: 15,
    },
    About {
        flaw: Flaw::ReadContextReused,
        name: "read-context-reused",
        code: "E2",
        source: "etcd #20418",
        mechanism: "reads share one context, so a late answer to an earlier read's heartbeat \
                    confirms a later read",
        breaks: "linearizable-reads",
        expected_depth: 20,
    },
    About {
        flaw: Flaw::NoNoop,
        name: "no-noop",
        code: "E7",
        source: "redisraft #18, PR #22",
        mechanism: "a new leader appends no no-op and serves reads at the commit index that it \
                    has",
        breaks: "linearizable-reads",
        expected_depth: 7,
    },
    About {
        flaw: Flaw::ReadBeforeQuorum,
        name: "read-before-quorum",
        code: "E8",
        source: "d-engine #381",
        mechanism: "a leader serves a read before a majority has confirmed it",
        breaks: "linearizable-reads",
        expected_depth: 16,
    },
    About {
        flaw: Flaw::ReadQuorumOneShort,
        name: "read-quorum-one-short",
        code: "E9",
        source: "openraft d60f1e85",
        mechanism: "a read is served once a majority less one has confirmed it",
        breaks: "linearizable-reads",
        expected_depth: 16,
    },
    About {
        flaw: Flaw::SingletonReadsStaleCommit,
        name: "singleton-reads-stale-commit",
        code: "E11",
        source: "etcd-io/raft PR #105",
        mechanism: "a server that is alone serves a read at the commit index that it restarted \
                    with",
        breaks: "linearizable-reads",
        expected_depth: 12,
    },
    About {
        flaw: Flaw::ReadsUncommitted,
        name: "reads-uncommitted",
        code: "E12",
        source: "redpanda PR #5025",
        mechanism: "a new leader takes all of its log for final, and reads what is not \
                    committed",
        breaks: "linearizable-reads",
        expected_depth: 8,
    },
    About {
        flaw: Flaw::LocalReads,
        name: "local-reads",
        code: "E13",
        source: "xraft-kv (SandTable, EuroSys 2024)",
        mechanism: "any server answers a read at once from what it has applied",
        breaks: "linearizable-reads",
        expected_depth: 8,
    },
    About {
        flaw: Flaw::LeaderReadsLocally,
        name: "leader-reads-locally",
        code: "E14",
        source: "etcd #741 (Jepsen 2014)",
        mechanism: "a server that takes itself for the leader answers a read at once from what \
                    it has applied",
        breaks: "linearizable-reads",
        expected_depth: 11,
    },
];
