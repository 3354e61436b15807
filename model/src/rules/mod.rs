//! The rule book: Raft's rules, each family in a file, each on one server.
//!
//! A rule takes one server, one input and the settings. It changes the server
//! and gives its outputs, or refuses and leaves the server as it was. It never
//! sees the network, the history or another server. The checker explores
//! exactly these rules, and the replayer steps exactly these rules: both call
//! [`step`] and nothing else.
//!
//! One input is one handler run: all its state changes, all its outputs.
//! Sending entries to one peer, advancing the commit index and the completion
//! of a write are inputs of their own.
//!
//! | family | rules | paper |
//! |---|---|---|
//! | [`election`] | campaign, vote, count votes, step down | §5.1, §5.2, §5.4.1 |
//! | [`prevote`] | ask first whether an election would be won | dissertation §9.6 |
//! | [`quorum`] | who hears a leader holds no election; a leader checks its quorum | dissertation §4.2.3, §6.2 |
//! | [`transfer`] | leadership is handed over | dissertation §3.10 |
//! | [`replication`] | client write, append, consistency check, heartbeat | §5.3 |
//! | [`flow`] | which part of the log goes to whom next, and when to wait | §5.3, figure 2 |
//! | [`commit`] | advance the commit index, apply | §5.3, §5.4.2 |
//! | [`reads`] | begin, confirm and release a linearizable read | §8, dissertation §6.4 |
//! | [`lease`] | clocks; reads without a round while a lease runs | dissertation §6.4.1 |
//! | [`membership`] | configurations from applied entries | §6, dissertation §4.1 |
//! | [`membership`] | which configuration is in force | §6, dissertation §4.1 |
//! | [`changes`] | which changes of it a leader may append | §6, dissertation §4.1, §4.3 |
//! | [`sessions`] | apply commands once, however often they are sent | §8, dissertation §6.3 |
//! | [`snapshot`] | compact the log, send and install snapshots | §7, dissertation §5 |
//! | [`durability`] | writes complete, own acknowledgements, crash and restart | figure 2 |

pub mod changes;
pub mod commit;
pub mod durability;
pub mod election;
pub mod flow;
pub mod lease;
pub mod membership;
pub mod prevote;
pub mod quorum;
pub mod reads;
pub mod replication;
pub mod sessions;
pub mod snapshot;
pub mod transfer;

use crate::choice;
use crate::config::Change;
use crate::flaws::Flaw;
use crate::ids::{Index, NodeId, Position, ReadId};
use crate::log::Log;
use crate::message::{Body, Message, Messages};
use crate::refusal::Refusal;
use crate::server::Server;
use crate::settings::{Durability, Settings};
use crate::storage::Survival;

choice! {
    /// What happens to one server.
    pub enum Input {
        /// Its election timer fires.
        Campaign = 0,
        /// A message arrives.
        Receive {
            /// The message.
            message: Message,
        } = 1,
        /// A client hands it a command.
        Write {
            /// The number of the command.
            number: u32,
        } = 2,
        /// It sends entries of its log to a peer.
        SendAppend {
            /// The peer.
            to: NodeId,
            /// The index before the first entry.
            after: Index,
            /// How many entries.
            count: u32,
        } = 3,
        /// It sends a heartbeat to a peer.
        SendHeartbeat {
            /// The peer.
            to: NodeId,
        } = 4,
        /// It raises its commit index.
        AdvanceCommit {
            /// Up to here.
            to: Index,
        } = 5,
        /// It applies the next committed entry.
        Apply = 6,
        /// A client asks it for a linearizable read.
        BeginRead {
            /// Which read.
            read: ReadId,
        } = 7,
        /// It releases a read: its read index may be served.
        ReleaseRead {
            /// Which read.
            read: ReadId,
        } = 8,
        /// Its write completes: all it holds is durable, all that waited leaves.
        WriteCompleted = 9,
        /// It counts its own durable vote.
        CountOwnVote = 10,
        /// It counts its own durable entries.
        CountOwnEntries {
            /// Up to here.
            to: Index,
        } = 11,
        /// It crashes and restarts.
        Restart {
            /// What survives of the write under way.
            survival: Survival,
        } = 12,
        /// The minimum election timeout passes without a word from the leader.
        LoseLeader = 13,
        /// An election timeout has passed since it, a leader, last looked who
        /// answers.
        CheckQuorum = 14,
        /// It is told to hand leadership over.
        Transfer {
            /// The next leader.
            to: NodeId,
        } = 15,
        /// It tells the next leader to start an election.
        SendTimeoutNow {
            /// The next leader.
            to: NodeId,
        } = 16,
        /// An election timeout has passed since it began to hand over.
        AbortTransfer = 17,
        /// Its clock ticks, where there are clocks.
        Tick = 18,
        /// A client asks it to change the configuration.
        Change {
            /// The change.
            change: Change,
        } = 19,
        /// It leaves a joint configuration by itself.
        LeaveJoint = 20,
        /// Its machine is replaced by one that has nothing.
        Wipe = 21,
        /// It replaces a prefix of its log by a snapshot.
        Compact {
            /// Up to here.
            to: Index,
        } = 22,
        /// It sends its snapshot to a peer.
        SendSnapshot {
            /// The peer.
            to: NodeId,
        } = 23,
        /// A client hands it a command that it has sent before, here or
        /// elsewhere. To a server that is a command like any other.
        Retry {
            /// The number of the command.
            number: u32,
        } = 24,
    }
}

/// Which way through a rule a step took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Branch {
    /// An election began.
    Campaigned,
    /// A vote was granted.
    VoteGranted,
    /// A vote was refused.
    VoteRefused,
    /// A granted vote was counted, no majority yet.
    VoteCounted,
    /// A refused vote was noted.
    RefusalCounted,
    /// A majority granted: the candidate leads.
    BecameLeader,
    /// Too many refused for a majority to grant: the candidate gave up.
    VoteLost,
    /// A message of a lower term was ignored.
    StaleIgnored,
    /// A request of a lower term was refused.
    StaleRefused,
    /// A message had nobody waiting for it.
    Unexpected,
    /// A client's command was appended.
    Wrote,
    /// Entries went out.
    SentAppend,
    /// A heartbeat went out.
    SentHeartbeat,
    /// An append matched and added nothing.
    AppendMatched,
    /// An append added entries.
    Appended,
    /// An append replaced conflicting entries.
    AppendReplaced,
    /// An append did not match.
    AppendRejected,
    /// An append below the commit index was answered with it.
    AppendBelowCommit,
    /// A follower's progress was noted.
    ProgressNoted,
    /// A rejected append was noted.
    RejectionNoted,
    /// A heartbeat arrived.
    HeartbeatReceived,
    /// An answer to a heartbeat arrived.
    HeartbeatAcked,
    /// The commit index rose.
    Committed,
    /// An entry was applied.
    Applied,
    /// A configuration took effect.
    ConfigurationApplied,
    /// A read began.
    ReadBegun,
    /// A read was released.
    ReadReleased,
    /// A write completed.
    WriteDone,
    /// The own vote was counted, no majority yet.
    OwnVoteCounted,
    /// The own entries were counted.
    OwnEntriesCounted,
    /// A restart with what was durable.
    RestartedDurable,
    /// A restart with all or part of the write that was under way.
    RestartedWritten,
    /// A restart with what Raft's storage must not leave (only under a planted
    /// flaw, or a promise of the storage that is too weak).
    RestartedTorn,
    /// A follower asked its leader for a read index.
    ReadForwarded,
    /// A leader told a follower its read index.
    ReadIndexSent,
    /// A follower was told its read index.
    ReadIndexLearned,
    /// A handler let go of its lock halfway (only under a planted flaw).
    HandlerPaused,
    /// A read was answered in the step in which it began (only under a planted
    /// flaw).
    ReadAnsweredAtOnce,
    /// A server asked whether it would win.
    PreCampaigned,
    /// A vote would be given.
    PreVoteGranted,
    /// A vote would not be given.
    PreVoteRefused,
    /// Somebody would give its vote, no majority yet.
    PreVoteCounted,
    /// A candidate was disregarded: there is a leader.
    CandidateDisregarded,
    /// A leader was not heard from for the minimum election timeout.
    LeaderUnheard,
    /// A leader has heard from a majority.
    QuorumHeard,
    /// A leader has not, and stepped down.
    QuorumLost,
    /// A leader began to hand over.
    TransferBegun,
    /// The next leader was told to start an election.
    SentTimeoutNow,
    /// The leader gave up to hand over.
    TransferAborted,
    /// An election began because the leader asked for it.
    CampaignedAtOnce,
    /// A write completed whose entries had been replaced meanwhile.
    StaleWriteDone,
    /// A clock ticked, and nothing came of it.
    Ticked,
    /// A clock ticked, and a lease was over.
    LeaseExpired,
    /// A read was served without a round, by a lease.
    ReadServedByLease,
    /// A change of the configuration was appended.
    ChangeAppended,
    /// The leader appended by itself that a joint configuration is left.
    JointLeft,
    /// An answer came from who is no member, or was none when it gave it.
    NotHeard,
    /// A server starts anew, with nothing.
    Wiped,
    /// A prefix of the log was replaced by a snapshot.
    Compacted,
    /// A snapshot went out.
    SentSnapshot,
    /// A snapshot told nothing new.
    SnapshotIgnored,
    /// A snapshot of what the log holds: its receiver committed up to there.
    SnapshotFastForwarded,
    /// A snapshot replaced a prefix of its receiver's log.
    SnapshotRetained,
    /// A snapshot replaced its receiver's log.
    SnapshotInstalled,
    /// An append ended where its receiver's log is compacted.
    AppendBelowSnapshot,
    /// A command that was sent again was answered in the step in which it
    /// arrived (only under a planted flaw).
    RetryAnsweredAtOnce,
    /// A vote request, the refusal of one, or the answer to a read said what is
    /// committed.
    CommitTold,
    /// The same, and a configuration is among it: the candidate gave up.
    CandidacyDropped,
}

impl Branch {
    /// Every branch, in order.
    pub const ALL: [Branch; 68] = [
        Branch::Campaigned,
        Branch::VoteGranted,
        Branch::VoteRefused,
        Branch::VoteCounted,
        Branch::RefusalCounted,
        Branch::BecameLeader,
        Branch::VoteLost,
        Branch::StaleIgnored,
        Branch::StaleRefused,
        Branch::Unexpected,
        Branch::Wrote,
        Branch::SentAppend,
        Branch::SentHeartbeat,
        Branch::AppendMatched,
        Branch::Appended,
        Branch::AppendReplaced,
        Branch::AppendRejected,
        Branch::AppendBelowCommit,
        Branch::ProgressNoted,
        Branch::RejectionNoted,
        Branch::HeartbeatReceived,
        Branch::HeartbeatAcked,
        Branch::Committed,
        Branch::Applied,
        Branch::ConfigurationApplied,
        Branch::ReadBegun,
        Branch::ReadReleased,
        Branch::WriteDone,
        Branch::OwnVoteCounted,
        Branch::OwnEntriesCounted,
        Branch::RestartedDurable,
        Branch::RestartedWritten,
        Branch::RestartedTorn,
        Branch::ReadForwarded,
        Branch::ReadIndexSent,
        Branch::ReadIndexLearned,
        Branch::HandlerPaused,
        Branch::ReadAnsweredAtOnce,
        Branch::PreCampaigned,
        Branch::PreVoteGranted,
        Branch::PreVoteRefused,
        Branch::PreVoteCounted,
        Branch::CandidateDisregarded,
        Branch::LeaderUnheard,
        Branch::QuorumHeard,
        Branch::QuorumLost,
        Branch::TransferBegun,
        Branch::SentTimeoutNow,
        Branch::TransferAborted,
        Branch::CampaignedAtOnce,
        Branch::StaleWriteDone,
        Branch::Ticked,
        Branch::LeaseExpired,
        Branch::ReadServedByLease,
        Branch::ChangeAppended,
        Branch::JointLeft,
        Branch::NotHeard,
        Branch::Wiped,
        Branch::Compacted,
        Branch::SentSnapshot,
        Branch::SnapshotIgnored,
        Branch::SnapshotFastForwarded,
        Branch::SnapshotRetained,
        Branch::SnapshotInstalled,
        Branch::AppendBelowSnapshot,
        Branch::RetryAnsweredAtOnce,
        Branch::CommitTold,
        Branch::CandidacyDropped,
    ];

    /// Whether only a planted flaw takes this branch.
    pub fn is_flawed(self) -> bool {
        matches!(
            self,
            Branch::RestartedTorn
                | Branch::HandlerPaused
                | Branch::ReadAnsweredAtOnce
                | Branch::RetryAnsweredAtOnce
        )
    }

    /// The name, in kebab case, as coverage tables and JSON spell it.
    pub fn name(self) -> String {
        let mut name = String::new();
        for c in format!("{self:?}").chars() {
            if c.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(c.to_ascii_lowercase());
        }
        name
    }
}

/// How a step went: the branch taken, and why not the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The branch.
    pub branch: Branch,
    /// The reason of a branch that says no (a vote refused, an append rejected).
    pub reason: Option<Refusal>,
}

impl From<Branch> for Outcome {
    fn from(branch: Branch) -> Self {
        Outcome {
            branch,
            reason: None,
        }
    }
}

impl Branch {
    /// This branch, taken because of `reason`.
    pub fn because(self, reason: Refusal) -> Outcome {
        Outcome {
            branch: self,
            reason: Some(reason),
        }
    }
}

/// Runs one handler of one server.
///
/// Takes the server, the input and the settings. Returns the branch taken and
/// appends to `out` the messages that leave the server now; those that must
/// wait for a write stay in its outbox. With atomic durability the write and
/// the server's own acknowledgements are part of the same step.
///
/// # Errors
/// The reason why this input is not possible here; the server is unchanged.
pub fn step<L: Log>(
    server: &mut Server<L>,
    input: &Input,
    settings: &Settings,
    out: &mut Messages,
) -> Result<Outcome, Refusal> {
    if matches!(input, Input::WriteCompleted) {
        return durability::write_completed(server, settings, out);
    }
    let restarts = matches!(input, Input::Restart { .. });
    let before = (settings.queues_writes() && !restarts)
        .then(|| durability::Before::of(server, input, settings));
    let mut said = Messages::new();
    let outcome = handle(server, input, settings, &mut said)?;
    durability::queue(server, before.as_ref(), settings, said, out);
    if settings.durability == Durability::Atomic {
        durability::complete_at_once(server, settings);
    }
    flow::admit(server, settings);
    Ok(outcome)
}

fn handle<L: Log>(
    server: &mut Server<L>,
    input: &Input,
    settings: &Settings,
    out: &mut Messages,
) -> Result<Outcome, Refusal> {
    match input {
        Input::Campaign => election::campaign(server, settings, out),
        Input::Receive { message } => {
            if let Body::Heartbeat { .. } | Body::HeartbeatAck { .. } = message.body {
                replication::known_message(server, settings)?;
            }
            Ok(receive(server, message, settings, out))
        }
        Input::Write { number } => replication::write(server, *number, settings),
        Input::Retry { number } => sessions::retried(server, *number, settings),
        Input::SendAppend { to, after, count } => {
            replication::send_append(server, *to, *after, *count, settings, out)
        }
        Input::SendHeartbeat { to } => replication::send_heartbeat(server, *to, settings, out),
        Input::AdvanceCommit { to } => commit::advance(server, *to, settings),
        Input::Apply => commit::apply(server, settings),
        Input::BeginRead { read } => reads::begin(server, *read, settings, out),
        Input::ReleaseRead { read } => reads::release(server, *read, settings, out),
        Input::WriteCompleted => durability::write_completed(server, settings, out),
        Input::CountOwnVote => durability::count_own_vote(server, settings),
        Input::CountOwnEntries { to } => durability::count_own_entries(server, *to, settings),
        Input::Restart { survival } => durability::restart(server, survival, settings),
        Input::LoseLeader => quorum::lose_leader(server, settings),
        Input::CheckQuorum => quorum::check(server, settings),
        Input::Transfer { to } => transfer::begin(server, *to),
        Input::SendTimeoutNow { to } => transfer::send_timeout_now(server, *to, settings, out),
        Input::AbortTransfer => transfer::abort(server),
        Input::Tick => lease::tick(server, settings),
        Input::Change { change } => changes::change(server, change, settings),
        Input::LeaveJoint => changes::leave(server, settings),
        Input::Wipe => durability::wipe(server),
        Input::Compact { to } => snapshot::compact(server, *to),
        Input::SendSnapshot { to } => snapshot::send(server, *to, settings, out),
    }
}

/// A message arrives. What it says for itself comes first, then what it says
/// beside it of its sender's commit index.
fn receive<L: Log>(
    server: &mut Server<L>,
    message: &Message,
    settings: &Settings,
    out: &mut Messages,
) -> Outcome {
    let Body::Telling { commit, .. } = message.body else {
        return hear(server, message, settings, out);
    };
    let plain = Message {
        body: message.body.plain().into_owned(),
        ..*message
    };
    let listens = commit::listens(server, &plain);
    let outcome = hear(server, &plain, settings, out);
    commit::told(server, &plain, commit, listens, outcome, settings)
}

/// What a message says for itself: first its term (section 5.1), then the rest.
fn hear<L: Log>(
    server: &mut Server<L>,
    message: &Message,
    settings: &Settings,
    out: &mut Messages,
) -> Outcome {
    let Message {
        from, term, body, ..
    } = message;
    if let Body::RequestRead { read } = body {
        return reads::requested(server, *from, *read, settings, out);
    }
    if *term < server.term {
        return election::stale(server, message, settings, out);
    }
    let led = server.role.is_leader();
    if *term > server.term {
        if let Some(refusal) = quorum::disregards(server, message, settings) {
            return Branch::CandidateDisregarded.because(refusal);
        }
        if let Some(outcome) = election::paused(server, message, settings, out) {
            return outcome;
        }
        // What is asked about a term that nobody has reached yet, and the
        // answer that its vote would be given, raise no term.
        let hypothetical = match body {
            Body::RequestPreVote { .. } | Body::PreVote { granted: true } => true,
            Body::PreVote { granted: false } => settings.has(Flaw::PreVoteRefusalTeachesNoTerm),
            _ => false,
        };
        if !hypothetical {
            election::higher_term(server, message, settings);
        }
    }
    match body {
        Body::RequestVote { last, .. } => {
            let outcome = election::vote_requested(server, *from, *last, settings, out);
            if led && outcome.branch == Branch::VoteGranted && settings.has(Flaw::ExLeaderRollsBack)
            {
                durability::truncate(server, server.commit);
                membership::log_changed(server, settings);
            }
            outcome
        }
        Body::Vote { granted } => election::vote_received(server, *from, *granted, settings),
        Body::Append {
            prev,
            entries,
            commit,
            context,
            round,
            joined,
        } => {
            if let Err(refusal) = election::follow(server, *from, settings) {
                return Branch::Unexpected.because(refusal);
            }
            replication::appended(
                server, *from, *prev, entries, *commit, *context, *round, *joined, settings, out,
            )
        }
        Body::Heartbeat {
            commit,
            context,
            round,
        } => {
            if let Err(refusal) = election::follow(server, *from, settings) {
                return Branch::Unexpected.because(refusal);
            }
            replication::heartbeat_received(server, *from, *commit, *context, *round, settings, out)
        }
        Body::AppendAck {
            reject,
            index,
            hint,
            context,
            round,
            joined,
        } => {
            if let Err(refusal) = membership::is_heard(server, *from, Some(*joined), settings) {
                return Branch::NotHeard.because(refusal);
            }
            quorum::heard_from(server, *from, settings);
            lease::answered(server, *from, *round);
            replication::append_answered(server, *from, *reject, *index, *hint, *context, settings)
        }
        Body::HeartbeatAck { context, round } => {
            if let Err(refusal) = membership::is_heard(server, *from, None, settings) {
                return Branch::NotHeard.because(refusal);
            }
            quorum::heard_from(server, *from, settings);
            lease::answered(server, *from, *round);
            replication::heartbeat_answered(server, *from, *context, settings)
        }
        Body::RequestPreVote { last } => {
            prevote::requested(server, *from, *term, *last, settings, out)
        }
        Body::PreVote { granted } => {
            prevote::received(server, *from, *term, *granted, settings, out)
        }
        Body::TimeoutNow => transfer::timeout_now(server, settings, out),
        Body::RequestRead { read } => reads::requested(server, *from, *read, settings, out),
        Body::ReadIndex { read, index } => {
            let outcome = reads::answered(server, *read, *index);
            let read = Position::new(*index, *term);
            commit::told_by_read(server, read, outcome, settings)
        }
        Body::InstallSnapshot {
            last,
            config,
            state,
            joined,
        } => {
            if let Err(refusal) = election::follow(server, *from, settings) {
                return Branch::Unexpected.because(refusal);
            }
            snapshot::received(server, *from, *last, *config, state, *joined, settings, out)
        }
        // [`receive`] has taken it apart.
        Body::Telling { .. } => Branch::Unexpected.into(),
    }
}

/// The XXH3 of the sources of the rules: which rule book judged.
pub fn hash() -> u64 {
    let sources = [
        include_str!("mod.rs"),
        include_str!("election.rs"),
        include_str!("replication.rs"),
        include_str!("changes.rs"),
        include_str!("flow.rs"),
        include_str!("commit.rs"),
        include_str!("membership.rs"),
        include_str!("prevote.rs"),
        include_str!("quorum.rs"),
        include_str!("transfer.rs"),
        include_str!("reads.rs"),
        include_str!("lease.rs"),
        include_str!("snapshot.rs"),
        include_str!("sessions.rs"),
        include_str!("durability.rs"),
        include_str!("../config.rs"),
        include_str!("../progress.rs"),
        include_str!("../sessions.rs"),
        include_str!("../settings.rs"),
        include_str!("../storage.rs"),
    ];
    xxhash_rust::xxh3::xxh3_64(sources.concat().as_bytes())
}
