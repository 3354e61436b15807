//! Settings: where Rafts legally differ, and which flaw, if any, is planted.
//!
//! A rule variant exists only as a value here, every preset of settings is
//! explored exhaustively, and replay uses no variant that a preset lacks.

use serde::{Deserialize, Serialize};

use crate::flaws::Flaw;

mod assign;

pub use assign::SettingError;

/// How a leader keeps its followers (section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heartbeat {
    /// An append without entries, checked like any other (the paper).
    EmptyAppend,
    /// A message of its own that commits `min(match, commit)` without a check
    /// of the previous entry (etcd).
    Separate,
}

/// What an append is answered whose previous entry lies below the commit index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BelowCommit {
    /// It is handled like any other (the paper).
    Check,
    /// It is answered with the commit index and not looked at (etcd).
    AnswerCommit,
}

/// What becomes of a request of a lower term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StaleRequest {
    /// It is refused, with the current term (figure 2).
    Refuse,
    /// It is ignored (etcd without check-quorum and pre-vote).
    Ignore,
}

/// Where the configuration comes from that servers start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Configuration {
    /// It is given from outside, and storage keeps it.
    Fixed,
    /// From the configuration entries that were applied; empty after a
    /// restart until they are applied again (etcd).
    Applied,
}

/// When a change of the configuration takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TakesEffect {
    /// When it is appended: the latest configuration in the log is in force,
    /// committed or not (section 6; dissertation section 4.1).
    Appended,
    /// When it is applied (etcd).
    Applied,
}

/// What a leader does once it has applied a configuration that leaves it out,
/// or, where changes take effect in the log, once that is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemovedLeader {
    /// It steps down (dissertation section 4.2.2; etcd with StepDownOnRemoval).
    #[default]
    StepsDown,
    /// It leads on, without counting itself (etcd without).
    LeadsOn,
}

/// The storage contract: what waits for which write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// One write is under way: all that has changed since the last one. What
    /// was said meanwhile leaves only once it is durable.
    Sync,
    /// The same, but a leader's AppendEntries leave before its own write
    /// (dissertation section 10.2.1).
    ParallelAppend,
    /// Each step queues a write of its own and the server goes on. Writes
    /// complete in order; votes, vote requests and acknowledgements leave with
    /// theirs, and nothing else waits (etcd's AsyncStorageWrites, but for vote
    /// requests).
    Async,
}

/// What the storage promises of a write that a crash cuts off. It is part of
/// the contract: what breaks under which stands in
/// [`crate::contracts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Promise {
    /// It survives as a whole or not at all.
    Whole,
    /// Its parts survive in order: the term together with the vote, the
    /// truncation, the entries one by one, the commit index.
    #[default]
    InOrder,
    /// The same, but the term may survive without the vote.
    TermBeforeVote,
    /// The same, but the vote may survive without the term.
    VoteBeforeTerm,
    /// The same, but the log may survive without term and vote.
    LogBeforeTerm,
    /// The same, but entries may survive without the truncation: what was to
    /// be dropped still stands behind them.
    EntriesBeforeTruncation,
    /// The same, but the commit index may survive without the entries.
    CommitBeforeEntries,
    /// The same, but there are two stores, one of term, vote and commit index,
    /// one of the log, and each may keep more writes than the other.
    TwoStores,
    /// The same, but the newest entry may be lost although its write was
    /// reported as complete.
    ReportsTooEarly,
}

impl Promise {
    /// Every promise, the strongest first.
    pub const ALL: [Promise; 9] = [
        Promise::Whole,
        Promise::InOrder,
        Promise::TermBeforeVote,
        Promise::VoteBeforeTerm,
        Promise::LogBeforeTerm,
        Promise::EntriesBeforeTruncation,
        Promise::CommitBeforeEntries,
        Promise::TwoStores,
        Promise::ReportsTooEarly,
    ];

    /// The name, as flags and tables spell it.
    pub fn name(self) -> &'static str {
        match self {
            Promise::Whole => "whole",
            Promise::InOrder => "in-order",
            Promise::TermBeforeVote => "term-before-vote",
            Promise::VoteBeforeTerm => "vote-before-term",
            Promise::LogBeforeTerm => "log-before-term",
            Promise::EntriesBeforeTruncation => "entries-before-truncation",
            Promise::CommitBeforeEntries => "commit-before-entries",
            Promise::TwoStores => "two-stores",
            Promise::ReportsTooEarly => "reports-too-early",
        }
    }
}

/// When a write is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// With the step that made it.
    Atomic,
    /// In a later action of its own; a crash before it loses the write.
    Deferred,
}

/// Whether a server asks first if it would win (dissertation section 9.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PreVote {
    /// It does not: every election raises the term.
    #[default]
    Off,
    /// It asks who would vote for its log (etcd). Whoever hears a leader says
    /// so only under [`Settings::sticky`].
    Log,
    /// It asks who would vote for its log and hears no leader (the
    /// dissertation).
    LogAndLeader,
}

/// What a follower makes of a snapshot whose last entry its log has (section 7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldSnapshot {
    /// It saves the snapshot, unless its own reaches as far, and keeps the
    /// entries behind (figure 13, rule 6).
    #[default]
    Retain,
    /// It commits up to there and keeps its log and its own snapshot; at or
    /// below its commit index it ignores the snapshot (etcd).
    FastForward,
}

/// Who tells a server what is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LearnsCommit {
    /// Its leader, by appends, heartbeats and snapshots (the paper, etcd).
    #[default]
    FromLeader,
    /// Also who asks for its vote or refuses it one, and who answers its read,
    /// where its own log has the entry that they name (raft-rs).
    FromVotes,
}

/// The rule variants in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// How a leader keeps its followers.
    pub heartbeat: Heartbeat,
    /// Whether the commit index is durable and survives a crash.
    pub durable_commit: bool,
    /// Where the configuration comes from that servers start with.
    pub configuration: Configuration,
    /// When a change of it takes effect.
    pub takes_effect: TakesEffect,
    /// Whether a leader must have committed an entry of its own term before it
    /// appends a single-server change (Ongaro's correction of 2015).
    pub own_commit_before_change: bool,
    /// Whether a leader tells answers that a server gave before it was removed
    /// and added again from those it gave since.
    pub tells_memberships_apart: bool,
    /// How an append below the commit index is answered.
    pub append_below_commit: BelowCommit,
    /// What becomes of a request of a lower term.
    pub stale_request: StaleRequest,
    /// Whether a server that knows the leader of this term may still grant its
    /// unused vote in it.
    pub vote_with_known_leader: bool,
    /// Whether a candidate that can no longer win, so many have refused,
    /// becomes a follower.
    pub lost_vote_ends_candidacy: bool,
    /// Whether a rejected append says where a probe may match.
    pub reject_hint: bool,
    /// The storage contract.
    pub storage: Storage,
    /// What the storage promises of a write that a crash cuts off.
    #[serde(default)]
    pub promise: Promise,
    /// When a write is durable.
    pub durability: Durability,
    /// Whether a server asks first if it would win.
    #[serde(default)]
    pub pre_vote: PreVote,
    /// Whether a leader that has not heard from a majority for an election
    /// timeout steps down (dissertation section 6.2; etcd's CheckQuorum).
    #[serde(default)]
    pub check_quorum: bool,
    /// Whether a server that hears a leader takes no notice of candidates,
    /// unless the leader asked for the election (dissertation section 4.2.3).
    #[serde(default)]
    pub sticky: bool,
    /// Whether a follower serves reads, at an index that it asks its leader
    /// for (dissertation section 6.4).
    #[serde(default)]
    pub follower_reads: bool,
    /// Whether a leader serves reads without a round while its lease runs
    /// (dissertation section 6.4.1). Servers have clocks then, and whoever has
    /// heard a leader is sticky until its own clock has counted
    /// [`Settings::election_timeout_ticks`] since.
    #[serde(default)]
    pub lease_reads: bool,
    /// Whether a server that restarts takes itself to have just heard a leader:
    /// it has forgotten whom it heard.
    #[serde(default)]
    pub restart_waits: bool,
    /// The minimum election timeout, where there are clocks.
    #[serde(default = "election_timeout_ticks")]
    pub election_timeout_ticks: u8,
    /// How long a lease lasts from when its round was sent, by the leader's
    /// clock.
    #[serde(default = "lease_ticks")]
    pub lease_ticks: u8,
    /// Whether the configuration may change by one voter at a time
    /// (dissertation sections 4.1 to 4.3).
    #[serde(default)]
    pub single_server_changes: bool,
    /// Whether it may change through joint configurations (section 6).
    #[serde(default)]
    pub joint_consensus: bool,
    /// Whether there are learners: servers that receive entries and are not
    /// counted (dissertation section 4.2.1).
    #[serde(default)]
    pub learners: bool,
    /// What a follower makes of a snapshot whose last entry its log has.
    #[serde(default)]
    pub held_snapshot: HeldSnapshot,
    /// Whether a server ignores a snapshot whose configuration lacks it.
    #[serde(default)]
    pub snapshot_names_receiver: bool,
    /// How many appends with entries a leader has under way to a server that it
    /// replicates to; zero without flow control: any range may be sent.
    #[serde(default)]
    pub window: u32,
    /// How many clients have a session, so that what they send again is applied
    /// once (dissertation section 6.3); zero without sessions.
    #[serde(default)]
    pub sessions: u32,
    /// What a leader does that a configuration leaves out.
    #[serde(default)]
    pub removed_leader: RemovedLeader,
    /// Whether a leader that checks its quorum takes a server for heard that
    /// has just become a member: it had no time to answer yet (etcd).
    #[serde(default)]
    pub counts_new_members: bool,
    /// Who tells a server what is committed.
    #[serde(default)]
    pub learns_commit: LearnsCommit,
    /// Whether a leader may also send its snapshot to who is known to hold as
    /// much (raft-rs, whose probe a late rejection moves below what matches).
    #[serde(default)]
    pub snapshot_to_anybody: bool,
    /// Whether a leader that hands over leaves a joint configuration by itself
    /// all the same: no client asks for that (raft-rs).
    #[serde(default)]
    pub leaves_while_handing_over: bool,
    /// The planted flaw.
    #[serde(skip)]
    pub flaw: Option<Flaw>,
}

fn election_timeout_ticks() -> u8 {
    2
}

fn lease_ticks() -> u8 {
    1
}

/// The dialects of Raft that are known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// The paper, to the letter.
    Paper,
    /// etcd-io/raft without pre-vote and check-quorum.
    Etcd,
    /// The same, with a configuration that storage holds from the start.
    EtcdStored,
    /// tikv's raft-rs, which grew from etcd's.
    RaftRs,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Dialect; 4] = [
        Dialect::Paper,
        Dialect::Etcd,
        Dialect::EtcdStored,
        Dialect::RaftRs,
    ];

    /// The name, as flags and trace headers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::Paper => "paper",
            Dialect::Etcd => "etcd",
            Dialect::EtcdStored => "etcd-stored",
            Dialect::RaftRs => "raft-rs",
        }
    }

    /// The dialect called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.name() == name)
    }

    /// The settings of this dialect.
    pub fn settings(self, durability: Durability) -> Settings {
        match self {
            Dialect::Paper => Settings {
                heartbeat: Heartbeat::EmptyAppend,
                durable_commit: false,
                configuration: Configuration::Fixed,
                takes_effect: TakesEffect::Appended,
                own_commit_before_change: true,
                tells_memberships_apart: true,
                append_below_commit: BelowCommit::Check,
                stale_request: StaleRequest::Refuse,
                vote_with_known_leader: true,
                lost_vote_ends_candidacy: false,
                reject_hint: false,
                storage: Storage::ParallelAppend,
                promise: Promise::InOrder,
                durability,
                pre_vote: PreVote::Off,
                check_quorum: false,
                sticky: false,
                follower_reads: false,
                lease_reads: false,
                restart_waits: false,
                election_timeout_ticks: election_timeout_ticks(),
                lease_ticks: lease_ticks(),
                single_server_changes: false,
                joint_consensus: false,
                learners: false,
                held_snapshot: HeldSnapshot::Retain,
                snapshot_names_receiver: false,
                window: 0,
                sessions: 0,
                removed_leader: RemovedLeader::StepsDown,
                counts_new_members: false,
                learns_commit: LearnsCommit::FromLeader,
                snapshot_to_anybody: false,
                leaves_while_handing_over: false,
                flaw: None,
            },
            Dialect::Etcd => Settings {
                heartbeat: Heartbeat::Separate,
                durable_commit: true,
                configuration: Configuration::Applied,
                takes_effect: TakesEffect::Applied,
                own_commit_before_change: false,
                tells_memberships_apart: false,
                append_below_commit: BelowCommit::AnswerCommit,
                stale_request: StaleRequest::Ignore,
                vote_with_known_leader: false,
                lost_vote_ends_candidacy: true,
                reject_hint: true,
                storage: Storage::Sync,
                promise: Promise::InOrder,
                durability,
                pre_vote: PreVote::Off,
                check_quorum: false,
                sticky: false,
                follower_reads: false,
                lease_reads: false,
                restart_waits: false,
                election_timeout_ticks: election_timeout_ticks(),
                lease_ticks: lease_ticks(),
                single_server_changes: false,
                joint_consensus: false,
                learners: false,
                held_snapshot: HeldSnapshot::FastForward,
                snapshot_names_receiver: true,
                window: 0,
                sessions: 0,
                removed_leader: RemovedLeader::StepsDown,
                counts_new_members: true,
                learns_commit: LearnsCommit::FromLeader,
                snapshot_to_anybody: false,
                leaves_while_handing_over: false,
                flaw: None,
            },
            Dialect::EtcdStored => Settings {
                configuration: Configuration::Fixed,
                ..Dialect::Etcd.settings(durability)
            },
            Dialect::RaftRs => Settings {
                storage: Storage::ParallelAppend,
                removed_leader: RemovedLeader::LeadsOn,
                learns_commit: LearnsCommit::FromVotes,
                snapshot_to_anybody: true,
                leaves_while_handing_over: true,
                ..Dialect::EtcdStored.settings(durability)
            },
        }
    }
}

impl Settings {
    /// Whether anything asks how long ago a leader was heard from.
    pub fn times_leaders(&self) -> bool {
        self.is_sticky() || self.pre_vote == PreVote::LogAndLeader
    }

    /// Whether a server that hears a leader takes no notice of candidates. No
    /// lease holds without that.
    pub fn is_sticky(&self) -> bool {
        self.sticky || self.lease_reads
    }

    /// Whether a server keeps in mind who leads its term.
    pub fn knows_leader(&self) -> bool {
        !self.vote_with_known_leader || self.follower_reads
    }

    /// Whether a message of a lower term is answered although
    /// [`StaleRequest::Ignore`] stands: its sender may be a leader that no
    /// other message would ever tell of the higher term (etcd).
    pub fn frees_stale_leaders(&self) -> bool {
        self.check_quorum || self.pre_vote != PreVote::Off
    }

    /// Whether writes are queued: each step has one of its own.
    pub fn queues_writes(&self) -> bool {
        self.storage == Storage::Async && self.durability == Durability::Deferred
    }

    /// Whether the configuration may change.
    pub fn changes(&self) -> bool {
        self.single_server_changes || self.joint_consensus || self.learners
    }

    /// Whether entries are applied by an action of their own, because it means
    /// something when they are. Otherwise what commits is applied with it.
    pub fn applies(&self) -> bool {
        let from_entries = self.configuration == Configuration::Applied;
        self.takes_effect == TakesEffect::Applied && (from_entries || self.changes())
    }

    /// Whether `flaw` is planted.
    pub fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }
}
