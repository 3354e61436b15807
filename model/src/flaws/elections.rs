//! Votes and elections: part A of the catalogue.

use super::{About, Flaw};

pub(super) const TABLE: [About; 11] = [
    About {
        flaw: Flaw::StaleVoteCounted,
        name: "stale-vote-counted",
        code: "A1",
        source: "xraft #33 (SandTable, EuroSys 2024)",
        mechanism: "a candidate counts a granted vote of an earlier term",
        breaks: "election-safety",
        expected_depth: 7,
    },
    About {
        flaw: Flaw::VoteForgottenOnRestart,
        name: "vote-forgotten-on-restart",
        code: "A2",
        source: "stateright 0.31 examples/raft.rs",
        mechanism: "term and vote are not read back after a restart",
        breaks: "election-safety",
        expected_depth: 7,
    },
    About {
        flaw: Flaw::VoteClearedBeforeTerm,
        name: "vote-cleared-before-term",
        code: "A3",
        source: "after hashicorp/raft #661",
        mechanism: "a higher term first durably clears the vote, then durably raises the \
                    term; a crash comes between",
        breaks: "election-safety",
        expected_depth: 14,
    },
    About {
        flaw: Flaw::VoteForgottenOnAppend,
        name: "vote-forgotten-on-append",
        code: "A4",
        source: "camunda #5356 (PR #5368); akka-raft #56",
        mechanism: "a server forgets its vote when it hears from the leader of the term, and \
                    gives another one",
        breaks: "election-safety",
        expected_depth: 8,
    },
    About {
        flaw: Flaw::OwnVoteUnrecorded,
        name: "own-vote-unrecorded",
        code: "A5",
        source: "vesoft-inc/nebula PR #3415",
        mechanism: "a candidate does not record its vote for itself and grants another one",
        breaks: "election-safety",
        expected_depth: 6,
    },
    About {
        flaw: Flaw::VotesCountedNotIdentified,
        name: "votes-counted-not-identified",
        code: "A6",
        source: "coyote-samples #7, #8",
        mechanism: "votes are counted by a counter, so a duplicated vote counts twice",
        breaks: "election-safety",
        expected_depth: 8,
    },
    About {
        flaw: Flaw::VoteOnStaleLog,
        name: "vote-on-stale-log",
        code: "A8",
        source: "braft, told in sofa-jraft #882",
        mechanism: "a vote handler compares the logs, lets go of its lock, and grants the vote \
                    after its log has grown",
        breaks: "leader-completeness",
        expected_depth: 12,
    },
    About {
        flaw: Flaw::NewestEntryLost,
        name: "newest-entry-lost",
        code: "A9",
        source: "eBay/NuRaft #185",
        mechanism: "a server whose newest entry is damaged on disk restarts without it, and \
                    votes and campaigns as if it had never had it",
        breaks: "leader-completeness",
        expected_depth: 11,
    },
    About {
        flaw: Flaw::LeaderGrantsPreVote,
        name: "leader-grants-pre-vote",
        code: "A11",
        source: "daos raft PR #70",
        mechanism: "a leader, which has heard no leader itself, would vote for another server",
        breaks: "pre-vote-is-a-vote",
        expected_depth: 13,
    },
    About {
        flaw: Flaw::CandidateKeepsCollecting,
        name: "candidate-keeps-collecting",
        code: "A12",
        source: "openraft PR #159 (4015cc38)",
        mechanism: "a candidate that is refused with a higher term takes over the term and \
                    goes on counting its votes",
        breaks: "election-safety",
        expected_depth: 8,
    },
    About {
        flaw: Flaw::NoUpToDateCheck,
        name: "no-up-to-date-check",
        code: "A13",
        source: "hydro PR #3082",
        mechanism: "a vote is granted without comparing logs (section 5.4.1)",
        breaks: "leader-completeness",
        expected_depth: 10,
    },
];
