//! What breaks liveness, of all parts of the catalogue.

use super::{About, Flaw};

pub(super) const TABLE: [About; 11] = [
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
        expected_depth: 12,
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
    About {
        flaw: Flaw::RetiresAtOnce,
        name: "retires-at-once",
        code: "C8",
        source: "microsoft/CCF PR #5973; openraft #2091",
        mechanism: "a server whose removal is in its log starts no election any more, although \
                    the removal is not committed",
        breaks: "recoverability/elects",
        expected_depth: 9,
    },
    About {
        flaw: Flaw::OnlyAuthorLeavesJoint,
        name: "only-author-leaves-joint",
        code: "C9",
        source: "etcd #12136 (PR #12137)",
        mechanism: "a joint configuration is left by itself only under the leader that entered \
                    it, and under no later one",
        breaks: "recoverability/changes-configuration",
        expected_depth: 3,
    },
    About {
        flaw: Flaw::LearnerRefusesVote,
        name: "learner-refuses-vote",
        code: "C11",
        source: "raft-rs #57, PR #58; etcd #10998",
        mechanism: "a server that takes itself for a learner refuses its vote, also after it was \
                    promoted",
        breaks: "recoverability/elects",
        expected_depth: 8,
    },
    About {
        flaw: Flaw::PreVoteRefusalTeachesNoTerm,
        name: "pre-vote-refusal-teaches-no-term",
        code: "C12",
        source: "openraft #1796 (PR #1800)",
        mechanism: "who asks for a pre-vote takes no notice of the higher term of a refusal",
        breaks: "recoverability/elects",
        expected_depth: 12,
    },
    About {
        flaw: Flaw::LearnersRaiseQuorum,
        name: "learners-raise-quorum",
        code: "C14",
        source: "camunda #57387",
        mechanism: "a candidate needs the votes of a majority of all members, learners included, \
                    who are not asked",
        breaks: "recoverability/elects",
        expected_depth: 4,
    },
    About {
        flaw: Flaw::PreCandidateKeepsLeader,
        name: "pre-candidate-keeps-leader",
        code: "D3",
        source: "etcd PR #8334; raft-rs #84",
        mechanism: "a server that asks who would vote still has its old leader in mind, its \
                    timer begun anew, and so takes no notice of the others that ask",
        breaks: "recoverability/elects",
        expected_depth: 13,
    },
];
