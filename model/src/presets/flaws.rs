//! A preset for each planted flaw: its story, and little else. Most are of the
//! paper's dialect, which is where the flaws were found.

mod elections;
mod handover;
mod leases;
mod liveness;
mod membership;
mod reads;
mod replication;
mod sessions;
mod snapshots;

use super::Preset;
use crate::bounds::Bounds;
use crate::features::{
    ASYNC_STORAGE, CHECK_QUORUM, FLOW_CONTROL, FOLLOWER_READS, Feature, JOINT_CONSENSUS, LEARNERS,
    LEASE_READS, PRE_VOTE, PRE_VOTE_LEADERLESS, RESTART_WAITS, SESSIONS, SINGLE_SERVER_CHANGES,
    STICKY_LEADER,
};
use crate::flaws::Flaw;
use crate::network::NetworkKind;
use crate::prefix::Prefix;
use crate::settings::{Dialect, Durability};

/// Elections only.
const ELECTIONS: Bounds = Bounds {
    max_term: 1,
    max_log: 1,
    writes: 0,
    campaigns: Some(2),
    appends: Some(0),
    ..Bounds::DEFAULT
};

/// Two leaders in turn, the messages of their own terms.
const TWO_LEADERS: Bounds = Bounds {
    max_lag: Some(0),
    max_log: 2,
    writes: 0,
    campaigns: Some(2),
    appends: Some(2),
    ..Bounds::DEFAULT
};

/// One leader, who is the only candidate.
const ONE_LEADER: Bounds = Bounds {
    max_term: 1,
    campaigns: Some(1),
    ..TWO_LEADERS
};

/// One server, which crashes once.
const ALONE: Bounds = Bounds {
    servers: 1,
    restarts: 1,
    ..TWO_LEADERS
};

/// What is explored for a flaw.
struct Story {
    name: &'static str,
    about: &'static str,
    dialect: Dialect,
    durability: Durability,
    network: NetworkKind,
    bounds: Bounds,
}

fn story(flaw: Flaw) -> Story {
    match flaw {
        Flaw::StaleVoteCounted => elections::STALE_VOTE_COUNTED,
        Flaw::VoteForgottenOnRestart => elections::VOTE_FORGOTTEN_ON_RESTART,
        Flaw::VoteClearedBeforeTerm => elections::VOTE_CLEARED_BEFORE_TERM,
        Flaw::VoteForgottenOnAppend => elections::VOTE_FORGOTTEN_ON_APPEND,
        Flaw::OwnVoteUnrecorded => elections::OWN_VOTE_UNRECORDED,
        Flaw::VotesCountedNotIdentified => elections::VOTES_COUNTED_NOT_IDENTIFIED,
        Flaw::VoteOnStaleLog => elections::VOTE_ON_STALE_LOG,
        Flaw::NewestEntryLost => elections::NEWEST_ENTRY_LOST,
        Flaw::LeaderGrantsPreVote => handover::LEADER_GRANTS_PRE_VOTE,
        Flaw::CandidateKeepsCollecting => elections::CANDIDATE_KEEPS_COLLECTING,
        Flaw::NoUpToDateCheck => elections::NO_UP_TO_DATE_CHECK,
        Flaw::Figure8 => replication::FIGURE_8,
        Flaw::CommitWithoutMax => replication::COMMIT_WITHOUT_MAX,
        Flaw::NextNotRaised => replication::NEXT_NOT_RAISED,
        Flaw::StaleSuccessLowersMatch => replication::STALE_SUCCESS_LOWERS_MATCH,
        Flaw::ErasesMatchingSuffix => replication::ERASES_MATCHING_SUFFIX,
        Flaw::CompactedEntriesAppendedAgain => snapshots::COMPACTED_ENTRIES_APPENDED_AGAIN,
        Flaw::EmptyAppendForSnapshot => snapshots::EMPTY_APPEND_FOR_SNAPSHOT,
        Flaw::SnapshotSetsTerm => snapshots::SNAPSHOT_SETS_TERM,
        Flaw::HintStoredAsMatch => replication::HINT_STORED_AS_MATCH,
        Flaw::RollsBackBeforeChecking => replication::ROLLS_BACK_BEFORE_CHECKING,
        Flaw::AcksOwnLastIndex => replication::ACKS_OWN_LAST_INDEX,
        Flaw::DeletesThenAppends => replication::DELETES_THEN_APPENDS,
        Flaw::CompactedIsConflict => snapshots::COMPACTED_IS_CONFLICT,
        Flaw::ProgressUnsorted => replication::PROGRESS_UNSORTED,
        Flaw::EmptyAppendUnchecked => replication::EMPTY_APPEND_UNCHECKED,
        Flaw::ConflictsLeftByCrash => snapshots::CONFLICTS_LEFT_BY_CRASH,
        Flaw::HeartbeatRaisesLeadersTerm => replication::HEARTBEAT_RAISES_LEADERS_TERM,
        Flaw::AppliedSkipsToCommit => replication::APPLIED_SKIPS_TO_COMMIT,
        Flaw::AckBeforeWrite => replication::ACK_BEFORE_WRITE,
        Flaw::EntriesNotSynced => replication::ENTRIES_NOT_SYNCED,
        Flaw::LogDroppedBeforeSnapshot => snapshots::LOG_DROPPED_BEFORE_SNAPSHOT,
        Flaw::OwnEntriesCountedBeforeWrite => replication::OWN_ENTRIES_COUNTED_BEFORE_WRITE,
        Flaw::ExLeaderRollsBack => replication::EX_LEADER_ROLLS_BACK,
        Flaw::SnapshotMovesAppliedBack => snapshots::SNAPSHOT_MOVES_APPLIED_BACK,
        Flaw::StaleWriteAcknowledged => replication::STALE_WRITE_ACKNOWLEDGED,
        Flaw::VoteRequestBeforeWrite => replication::VOTE_REQUEST_BEFORE_WRITE,
        Flaw::HeartbeatCommitUncapped => replication::HEARTBEAT_COMMIT_UNCAPPED,
        Flaw::LateChangeOverSnapshot => snapshots::LATE_CHANGE_OVER_SNAPSHOT,
        Flaw::EarlierMembershipCounted => membership::EARLIER_MEMBERSHIP_COUNTED,
        Flaw::ChangesBeforeOwnCommit => membership::CHANGES_BEFORE_OWN_COMMIT,
        Flaw::ChangesOverlap => membership::CHANGES_OVERLAP,
        Flaw::CampaignsWithUnappliedConfiguration => {
            membership::CAMPAIGNS_WITH_UNAPPLIED_CONFIGURATION
        }
        Flaw::VotesOfUnion => membership::VOTES_OF_UNION,
        Flaw::OutsidersVotesCounted => membership::OUTSIDERS_VOTES_COUNTED,
        Flaw::EitherHalfIsHeard => membership::EITHER_HALF_IS_HEARD,
        Flaw::UncommittedChangeForgotten => membership::UNCOMMITTED_CHANGE_FORGOTTEN,
        Flaw::SnapshotForgetsOutgoing => membership::SNAPSHOT_FORGETS_OUTGOING,
        Flaw::CommitsWithoutOtherVoters => membership::COMMITS_WITHOUT_OTHER_VOTERS,
        Flaw::PreVoteIgnoresLog => handover::PRE_VOTE_IGNORES_LOG,
        Flaw::TransferTargetAsksFirst => handover::TRANSFER_TARGET_ASKS_FIRST,
        Flaw::WritesWhileHandingOver => handover::WRITES_WHILE_HANDING_OVER,
        Flaw::ReadBeforeOwnCommit => reads::READ_BEFORE_OWN_COMMIT,
        Flaw::ReadContextReused => reads::READ_CONTEXT_REUSED,
        Flaw::LeaseSurvivesTransfer => leases::LEASE_SURVIVES_TRANSFER,
        Flaw::LeaseReadChecksOnlyRole => leases::LEASE_READ_CHECKS_ONLY_ROLE,
        Flaw::LeasePolled => leases::LEASE_POLLED,
        Flaw::LeaseWithoutStickiness => leases::LEASE_WITHOUT_STICKINESS,
        Flaw::ForwardedReadBeforeOwnCommit => reads::FORWARDED_READ_BEFORE_OWN_COMMIT,
        Flaw::NoNoop => reads::NO_NOOP,
        Flaw::ReadBeforeQuorum => reads::READ_BEFORE_QUORUM,
        Flaw::ReadQuorumOneShort => reads::READ_QUORUM_ONE_SHORT,
        Flaw::SingletonReadsStaleCommit => reads::SINGLETON_READS_STALE_COMMIT,
        Flaw::ReadsUncommitted => reads::READS_UNCOMMITTED,
        Flaw::LocalReads => reads::LOCAL_READS,
        Flaw::LeaderReadsLocally => reads::LEADER_READS_LOCALLY,
        Flaw::RetriesAppliedAgain => sessions::RETRIES_APPLIED_AGAIN,
        Flaw::SessionsNotInSnapshot => sessions::SESSIONS_NOT_IN_SNAPSHOT,
        Flaw::LatestCommandCompared => sessions::LATEST_COMMAND_COMPARED,
        Flaw::RetryAnsweredUncommitted => sessions::RETRY_ANSWERED_UNCOMMITTED,
        Flaw::CommandsPipelined => sessions::COMMANDS_PIPELINED,
        Flaw::LogComparedByParts => liveness::LOG_COMPARED_BY_PARTS,
        Flaw::CommitScanStops => liveness::COMMIT_SCAN_STOPS,
        Flaw::ConflictAtSnapshotKept => snapshots::CONFLICT_AT_SNAPSHOT_KEPT,
        Flaw::ConflictsKept => liveness::CONFLICTS_KEPT,
        Flaw::RejectionIgnoredAfterMatch => liveness::REJECTION_IGNORED_AFTER_MATCH,
        Flaw::RejectsOwnLastIndex => liveness::REJECTS_OWN_LAST_INDEX,
        Flaw::StalePreVoteIgnored => liveness::STALE_PRE_VOTE_IGNORED,
        Flaw::RetiresAtOnce => membership::RETIRES_AT_ONCE,
        Flaw::OnlyAuthorLeavesJoint => membership::ONLY_AUTHOR_LEAVES_JOINT,
        Flaw::LearnerRefusesVote => membership::LEARNER_REFUSES_VOTE,
        Flaw::PreVoteRefusalTeachesNoTerm => liveness::PRE_VOTE_REFUSAL_TEACHES_NO_TERM,
        Flaw::LearnersRaiseQuorum => membership::LEARNERS_RAISE_QUORUM,
        Flaw::PreCandidateKeepsLeader => liveness::PRE_CANDIDATE_KEEPS_LEADER,
    }
}

pub(super) fn preset(flaw: Flaw) -> Preset {
    let story = story(flaw);
    let mut preset = Preset::new(
        story.dialect,
        story.name,
        story.about,
        story.durability,
        story.network,
        story.bounds,
    )
    .with(features(flaw));
    preset.scenario.prefix = prefix(flaw);
    preset
}

/// What has happened before the search begins, where a search from the start
/// would take too long.
fn prefix(flaw: Flaw) -> Prefix {
    match flaw {
        Flaw::ConflictAtSnapshotKept => snapshots::SUCCEEDED,
        Flaw::ConflictsLeftByCrash => snapshots::WRITTEN,
        Flaw::LogDroppedBeforeSnapshot => snapshots::ACKNOWLEDGED,
        Flaw::LateChangeOverSnapshot => snapshots::REMOVED_AND_ADDED,
        Flaw::ChangesBeforeOwnCommit => membership::TWO_LEADERS_OF_FOUR,
        _ => &[],
    }
}

/// What is switched on beside the dialect.
fn features(flaw: Flaw) -> &'static [Feature] {
    match flaw {
        Flaw::EarlierMembershipCounted | Flaw::LateChangeOverSnapshot => &[SINGLE_SERVER_CHANGES],
        Flaw::ForwardedReadBeforeOwnCommit => &[FOLLOWER_READS],
        Flaw::StalePreVoteIgnored | Flaw::PreVoteRefusalTeachesNoTerm => &[PRE_VOTE],
        Flaw::ChangesBeforeOwnCommit
        | Flaw::ChangesOverlap
        | Flaw::UncommittedChangeForgotten
        | Flaw::RetiresAtOnce => &[SINGLE_SERVER_CHANGES],
        Flaw::VotesOfUnion
        | Flaw::OutsidersVotesCounted
        | Flaw::SnapshotForgetsOutgoing
        | Flaw::CommitsWithoutOtherVoters => &[JOINT_CONSENSUS],
        Flaw::OnlyAuthorLeavesJoint => &[JOINT_CONSENSUS, LEARNERS],
        Flaw::EitherHalfIsHeard => &[JOINT_CONSENSUS, CHECK_QUORUM],
        Flaw::LearnerRefusesVote => &[SINGLE_SERVER_CHANGES, LEARNERS],
        Flaw::LearnersRaiseQuorum => &[LEARNERS],
        Flaw::LeaderGrantsPreVote | Flaw::PreVoteIgnoresLog | Flaw::TransferTargetAsksFirst => {
            &[PRE_VOTE_LEADERLESS]
        }
        Flaw::PreCandidateKeepsLeader => &[PRE_VOTE, CHECK_QUORUM, STICKY_LEADER],
        Flaw::LeaseSurvivesTransfer
        | Flaw::LeaseReadChecksOnlyRole
        | Flaw::LeasePolled
        | Flaw::LeaseWithoutStickiness => &[LEASE_READS, RESTART_WAITS],
        Flaw::NextNotRaised | Flaw::RejectionIgnoredAfterMatch | Flaw::RejectsOwnLastIndex => {
            &[FLOW_CONTROL]
        }
        Flaw::RetriesAppliedAgain
        | Flaw::SessionsNotInSnapshot
        | Flaw::LatestCommandCompared
        | Flaw::RetryAnsweredUncommitted
        | Flaw::CommandsPipelined => &[SESSIONS],
        Flaw::StaleWriteAcknowledged | Flaw::VoteRequestBeforeWrite => &[ASYNC_STORAGE],
        _ => &[],
    }
}
