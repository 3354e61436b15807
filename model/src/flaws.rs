//! The planted bugs. Each is one named change to one rule, taken from a real
//! implementation or specification, and must be caught by the property it is
//! known to break.
//!
//! A rule asks [`crate::settings::Settings::has`] at the one place that the
//! flaw changes; nothing else knows of flaws.

use serde::{Deserialize, Serialize};

/// A planted bug. [`Flaw::about`] tells its story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// A1.
    StaleVoteCounted,
    /// A2.
    VoteForgottenOnRestart,
    /// A3.
    VoteClearedBeforeTerm,
    /// A5.
    OwnVoteUnrecorded,
    /// A6.
    VotesCountedNotIdentified,
    /// A13.
    NoUpToDateCheck,
    /// B1.
    Figure8,
    /// B2.
    CommitWithoutMax,
    /// B5.
    ErasesMatchingSuffix,
    /// B12.
    AcksOwnLastIndex,
    /// E1.
    ReadBeforeOwnCommit,
    /// E8.
    ReadBeforeQuorum,
    /// A10.
    LogComparedByParts,
    /// B6.
    CommitScanStops,
    /// B28.
    ConflictsKept,
}

/// What is told of a flaw.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The flaw.
    pub flaw: Flaw,
    /// Its name, as flags and tables spell it.
    pub name: &'static str,
    /// Its code in the catalogue of real bugs (`docs/properties.md`).
    pub code: &'static str,
    /// The implementation or specification that had it.
    pub source: &'static str,
    /// What the broken code does, in a sentence.
    pub mechanism: &'static str,
    /// What it must be shown to break: a property, or a goal of liveness behind
    /// the name of its check ([`crate::liveness::Shows`]).
    pub breaks: &'static str,
    /// The fewest actions that break it, in the preset of the flaw
    /// ([`crate::presets::for_flaw`]).
    pub expected_depth: usize,
}

impl Flaw {
    /// Every flaw, in the order of the catalogue; first those that break safety,
    /// then those that break liveness.
    pub const ALL: [About; 15] = [
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
            flaw: Flaw::NoUpToDateCheck,
            name: "no-up-to-date-check",
            code: "A13",
            source: "hydro PR #3082",
            mechanism: "a vote is granted without comparing logs (section 5.4.1)",
            breaks: "leader-completeness",
            expected_depth: 10,
        },
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
            flaw: Flaw::AcksOwnLastIndex,
            name: "acks-own-last-index",
            code: "B12",
            source: "microsoft/CCF #6001",
            mechanism: "a follower acknowledges its own last index and not the end of the append",
            breaks: "leader-completeness",
            expected_depth: 13,
        },
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
            flaw: Flaw::ReadBeforeQuorum,
            name: "read-before-quorum",
            code: "E8",
            source: "d-engine #381",
            mechanism: "a leader serves a read before a majority has confirmed it",
            breaks: "linearizable-reads",
            expected_depth: 16,
        },
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
            flaw: Flaw::ConflictsKept,
            name: "conflicts-kept",
            code: "B28",
            source: "openraft 6d53aa12",
            mechanism: "an append that conflicts with more entries than a limit, here with any, is \
                        rejected, and nothing is dropped",
            breaks: "lassos/catches-up",
            expected_depth: 16,
        },
    ];

    /// What is told of this flaw.
    pub fn about(self) -> &'static About {
        // The list is complete and in declaration order; a test holds it.
        &Self::ALL[self as usize]
    }

    /// The flaw called `name` (its name or its catalogue code).
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|about| about.name == name || about.code.eq_ignore_ascii_case(name))
            .map(|about| about.flaw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_declaration_order() {
        for (i, about) in Flaw::ALL.iter().enumerate() {
            assert_eq!(about.flaw as usize, i);
            assert_eq!(about.flaw.about().name, about.name);
            assert_eq!(Flaw::by_name(about.name), Some(about.flaw));
            assert_eq!(Flaw::by_name(about.code), Some(about.flaw));
        }
    }
}
