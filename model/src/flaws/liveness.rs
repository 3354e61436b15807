//! What breaks liveness, of all parts of the catalogue.

use super::{About, Flaw};

pub(super) const TABLE: [About; 5] = [
    About {
        flaw: Flaw::LogComparedByParts,
        name: "log-compared-by-parts",
        code: "A10",
        source: "openraft a48a3282; hashicorp/raft #94",
        mechanism: "a vote is refused when the term or the index of the candidate's last \
                    entry is lower, and not by the term first",
        breaks: "recoverability/elects",
        expected_depth: 8,
    },
    About {
        flaw: Flaw::CommitScanStops,
        name: "commit-scan-stops",
        code: "B6",
        source: "raftos PR #30",
        mechanism: "a leader that looks for an entry to commit stops at the first one of an \
                    earlier term",
        breaks: "recoverability/commits",
        expected_depth: 6,
    },
    About {
        flaw: Flaw::ConflictAtSnapshotKept,
        name: "conflict-at-snapshot-kept",
        code: "B19",
        source: "hashicorp/raft #697",
        mechanism: "a follower keeps its own entry at the last index of a snapshot that it installs, and compares appends with it",
        breaks: "lassos/catches-up",
        expected_depth: 21,
    },
    About {
        flaw: Flaw::ConflictsKept,
        name: "conflicts-kept",
        code: "B28",
        source: "openraft 6d53aa12",
        mechanism: "an append that conflicts with more entries than a limit, here with any, is \
                    rejected, and nothing is dropped",
        breaks: "lassos/catches-up",
        expected_depth: 16,
    },
    About {
        flaw: Flaw::StalePreVoteIgnored,
        name: "stale-pre-vote-ignored",
        code: "D1",
        source: "etcd #8243",
        mechanism: "who is asked for a pre-vote of a lower term ignores it, so the asker never \
                    learns of the higher term",
        breaks: "recoverability/elects",
        expected_depth: 18,
    },
];
