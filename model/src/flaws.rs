//! The planted bugs. Each is one named change to one rule, taken from a real
//! implementation or specification, and must be caught by the property it is
//! known to break.
//!
//! A rule asks [`crate::settings::Settings::has`] at the one place that the
//! flaw changes; nothing else knows of flaws. What is told of each stands in
//! tables, by the parts of the catalogue: votes and elections (A), replication,
//! commitment and storage (B), membership (C), PreVote and transfer (D), reads and
//! sessions (E).

mod elections;
mod handover;
mod liveness;
mod membership;
mod reads;
mod replication;
mod sessions;

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
    /// A4.
    VoteForgottenOnAppend,
    /// A5.
    OwnVoteUnrecorded,
    /// A6.
    VotesCountedNotIdentified,
    /// A8.
    VoteOnStaleLog,
    /// A9.
    NewestEntryLost,
    /// A11.
    LeaderGrantsPreVote,
    /// A12.
    CandidateKeepsCollecting,
    /// A13.
    NoUpToDateCheck,
    /// B1.
    Figure8,
    /// B2.
    CommitWithoutMax,
    /// B3.
    NextNotRaised,
    /// B4.
    StaleSuccessLowersMatch,
    /// B5.
    ErasesMatchingSuffix,
    /// B7.
    CompactedEntriesAppendedAgain,
    /// B8.
    EmptyAppendForSnapshot,
    /// B9.
    SnapshotSetsTerm,
    /// B10.
    HintStoredAsMatch,
    /// B11.
    RollsBackBeforeChecking,
    /// B12.
    AcksOwnLastIndex,
    /// B13.
    DeletesThenAppends,
    /// B14.
    CompactedIsConflict,
    /// B15.
    ProgressUnsorted,
    /// B16.
    EmptyAppendUnchecked,
    /// B17.
    ConflictsLeftByCrash,
    /// B18.
    HeartbeatRaisesLeadersTerm,
    /// B20.
    AppliedSkipsToCommit,
    /// B21.
    AckBeforeWrite,
    /// B22.
    EntriesNotSynced,
    /// B24.
    LogDroppedBeforeSnapshot,
    /// B25.
    OwnEntriesCountedBeforeWrite,
    /// B26.
    ExLeaderRollsBack,
    /// B27.
    SnapshotMovesAppliedBack,
    /// B30.
    StaleWriteAcknowledged,
    /// B31.
    VoteRequestBeforeWrite,
    /// B34.
    HeartbeatCommitUncapped,
    /// C1.
    ChangesBeforeOwnCommit,
    /// C2.
    ChangesOverlap,
    /// C3.
    CampaignsWithUnappliedConfiguration,
    /// C5.
    VotesOfUnion,
    /// C6.
    OutsidersVotesCounted,
    /// C7.
    EitherHalfIsHeard,
    /// C13.
    UncommittedChangeForgotten,
    /// C15.
    SnapshotForgetsOutgoing,
    /// C16.
    LateChangeOverSnapshot,
    /// C17.
    EarlierMembershipCounted,
    /// C18.
    CommitsWithoutOtherVoters,
    /// D6.
    PreVoteIgnoresLog,
    /// D7.
    TransferTargetAsksFirst,
    /// D8.
    WritesWhileHandingOver,
    /// E1.
    ReadBeforeOwnCommit,
    /// E2.
    ReadContextReused,
    /// E3.
    LeaseSurvivesTransfer,
    /// E4.
    LeaseReadChecksOnlyRole,
    /// E5.
    LeasePolled,
    /// E6.
    ForwardedReadBeforeOwnCommit,
    /// E7.
    NoNoop,
    /// E8.
    ReadBeforeQuorum,
    /// E9.
    ReadQuorumOneShort,
    /// E10.
    LeaseWithoutStickiness,
    /// E11.
    SingletonReadsStaleCommit,
    /// E12.
    ReadsUncommitted,
    /// E13.
    LocalReads,
    /// E14.
    LeaderReadsLocally,
    /// E15.
    RetriesAppliedAgain,
    /// E16.
    SessionsNotInSnapshot,
    /// E17.
    LatestCommandCompared,
    /// E18.
    RetryAnsweredUncommitted,
    /// E19.
    CommandsPipelined,
    /// A10.
    LogComparedByParts,
    /// B6.
    CommitScanStops,
    /// B19.
    ConflictAtSnapshotKept,
    /// B28.
    ConflictsKept,
    /// B32.
    RejectionIgnoredAfterMatch,
    /// B33.
    RejectsOwnLastIndex,
    /// D1.
    StalePreVoteIgnored,
    /// C8.
    RetiresAtOnce,
    /// C9.
    OnlyAuthorLeavesJoint,
    /// C11.
    LearnerRefusesVote,
    /// C12.
    PreVoteRefusalTeachesNoTerm,
    /// C14.
    LearnersRaiseQuorum,
    /// D3.
    PreCandidateKeepsLeader,
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

/// How many flaws there are.
const COUNT: usize = elections::TABLE.len()
    + replication::TABLE.len()
    + membership::TABLE.len()
    + handover::TABLE.len()
    + reads::TABLE.len()
    + sessions::TABLE.len()
    + liveness::TABLE.len();

/// The tables, one behind the other.
const fn joined() -> [About; COUNT] {
    let mut all = [elections::TABLE[0]; COUNT];
    let tables: [&[About]; 7] = [
        &elections::TABLE,
        &replication::TABLE,
        &membership::TABLE,
        &handover::TABLE,
        &reads::TABLE,
        &sessions::TABLE,
        &liveness::TABLE,
    ];
    let (mut table, mut at) = (0, 0);
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            all[at] = tables[table][row];
            at += 1;
            row += 1;
        }
        table += 1;
    }
    all
}

impl Flaw {
    /// Every flaw, in the order of the catalogue; first those that break safety,
    /// then those that break liveness.
    pub const ALL: [About; COUNT] = joined();

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

    /// Of every property and goal that some flaw breaks the flaw that breaks it
    /// soonest: that every one of them has teeth still, for less than all flaws
    /// cost.
    pub fn soonest_of_each_property() -> Vec<Flaw> {
        let first = |about: &&About| {
            let rivals = Self::ALL.iter().filter(|b| b.breaks == about.breaks);
            rivals.min_by_key(|b| b.expected_depth).map(|b| b.flaw) == Some(about.flaw)
        };
        let soonest = Self::ALL.iter().filter(first);
        soonest.map(|about| about.flaw).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soonest_flaws_break_every_property_that_some_flaw_breaks_once() {
        let mut soonest: Vec<_> = Flaw::soonest_of_each_property();
        let breaks: Vec<_> = soonest.iter().map(|flaw| flaw.about().breaks).collect();
        for about in &Flaw::ALL {
            let at = breaks.iter().position(|breaks| *breaks == about.breaks);
            let flaw = soonest[at.expect("every property")].about();
            assert!(flaw.expected_depth <= about.expected_depth);
        }
        soonest.dedup_by_key(|flaw| flaw.about().breaks);
        assert_eq!(soonest.len(), breaks.len());
        let all: std::collections::BTreeSet<_> = breaks.iter().collect();
        assert_eq!(all.len(), breaks.len());
    }

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
