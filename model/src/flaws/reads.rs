//! Reads: part E of the catalogue.

use super::{About, Flaw};

pub(super) const TABLE: [About; 14] = [
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
        flaw: Flaw::LeaseSurvivesTransfer,
        name: "lease-survives-transfer",
        code: "E3",
        source: "raft-rs #234",
        mechanism: "a leader that has told another server to start an election goes on to read by \
                    its lease, also when it has given up to hand over and the message is late",
        breaks: "linearizable-reads",
        expected_depth: 17,
    },
    About {
        flaw: Flaw::LeaseReadChecksOnlyRole,
        name: "lease-read-checks-only-role",
        code: "E4",
        source: "sofa-jraft #25, #26",
        mechanism: "a leader reads by its lease and does not look whether the lease runs",
        breaks: "linearizable-reads",
        expected_depth: 18,
    },
    About {
        flaw: Flaw::LeasePolled,
        name: "lease-polled",
        code: "E5",
        source: "sofa-jraft #34",
        mechanism: "a leader looks at its lease when its clock ticks, before it counts the tick, \
                    and takes what it found for true until the next one",
        breaks: "linearizable-reads",
        expected_depth: 18,
    },
    About {
        flaw: Flaw::ForwardedReadBeforeOwnCommit,
        name: "forwarded-read-before-own-commit",
        code: "E6",
        source: "tikv #9208, #9239",
        mechanism: "a new leader answers a follower's request for a read index before it has \
                    committed an entry of its term",
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
        flaw: Flaw::LeaseWithoutStickiness,
        name: "lease-without-stickiness",
        code: "E10",
        source: "raft-rs #141",
        mechanism: "a leader reads by its lease among servers that vote although they hear it",
        breaks: "lease-exclusive",
        expected_depth: 15,
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
