//! Why a rule says no: a typed reason with the facts.
//!
//! A guard returns `Result<_, Refusal>` and not a `bool`. In a search a refusal
//! is a small value on the stack and costs no allocation; in replay it is the
//! explanation, printed with the rule, the paper's section and the file.

mod text;
use crate::config::Config;
use crate::ids::{Index, NodeId, NodeSet, Position, ReadId, Term};

/// A reason not to act. `node` is always the server whose rule refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The vote of this term is given to somebody else.
    VoteUsed {
        /// The voter.
        node: NodeId,
        /// The term of the vote.
        term: Term,
        /// Who has the vote.
        given_to: NodeId,
        /// Who asks for it.
        candidate: NodeId,
    },
    /// A leader of this term is known, so its election is over.
    LeaderKnown {
        /// The voter.
        node: NodeId,
        /// The term.
        term: Term,
        /// The known leader.
        leader: NodeId,
    },
    /// The candidate's log is not as up-to-date as the voter's.
    LogBehind {
        /// The voter.
        node: NodeId,
        /// The voter's last entry.
        own: Position,
        /// The candidate's last entry.
        candidate: Position,
    },
    /// A message of a lower term.
    StaleTerm {
        /// The receiver.
        node: NodeId,
        /// The receiver's term.
        term: Term,
        /// The message's term.
        message: Term,
    },
    /// An answer to a question that this server no longer asks.
    NotAsking {
        /// The receiver.
        node: NodeId,
        /// Its term.
        term: Term,
    },
    /// A leader receives an append or heartbeat of its own term.
    SecondLeader {
        /// The receiver, leader of the term.
        node: NodeId,
        /// The other leader.
        other: NodeId,
        /// The term.
        term: Term,
    },
    /// A leader does not campaign.
    AlreadyLeader {
        /// The server.
        node: NodeId,
        /// Its term.
        term: Term,
    },
    /// The configuration in force does not have this server as a voter.
    NotAVoter {
        /// The server.
        node: NodeId,
        /// The configuration.
        config: Config,
    },
    /// A configuration entry is committed and not applied.
    UnappliedConfiguration {
        /// The server.
        node: NodeId,
        /// The index of the entry.
        index: Index,
    },
    /// Only a leader does this.
    NotLeader {
        /// The server.
        node: NodeId,
        /// Its term.
        term: Term,
    },
    /// The receiver is not a peer in the configuration in force.
    NotAPeer {
        /// The leader.
        node: NodeId,
        /// The receiver.
        to: NodeId,
    },
    /// The settings have no message of this kind.
    NoSuchMessage {
        /// The server.
        node: NodeId,
    },
    /// The log does not reach so far.
    PastTheEnd {
        /// The server.
        node: NodeId,
        /// The index asked for.
        index: Index,
        /// The last index of its log.
        last: Index,
    },
    /// The previous entry of an append does not match.
    NoMatch {
        /// The receiver.
        node: NodeId,
        /// The previous entry as the append states it.
        prev: Position,
        /// The term the receiver has there; `None` past its end.
        have: Option<Term>,
    },
    /// The index is committed already.
    CommittedAlready {
        /// The leader.
        node: NodeId,
        /// The index asked for.
        index: Index,
        /// The commit index.
        commit: Index,
    },
    /// Entries of earlier terms are never committed by counting replicas.
    EarlierTerm {
        /// The leader.
        node: NodeId,
        /// The entry.
        entry: Position,
        /// The leader's term.
        term: Term,
    },
    /// Not on a majority.
    NoQuorum {
        /// The leader.
        node: NodeId,
        /// The index.
        index: Index,
        /// Who is known to hold it durably.
        holders: NodeSet,
        /// The configuration.
        config: Config,
    },
    /// Nothing is committed and not applied.
    NothingToApply {
        /// The server.
        node: NodeId,
        /// The commit index.
        commit: Index,
    },
    /// No entry of this leader's term is committed yet.
    NoOwnCommit {
        /// The leader.
        node: NodeId,
        /// Its term.
        term: Term,
        /// The last committed entry.
        commit: Position,
    },
    /// There is no such open read.
    NoSuchRead {
        /// The server.
        node: NodeId,
        /// The read.
        read: ReadId,
    },
    /// A majority has not confirmed the leader since the read began.
    Unconfirmed {
        /// The leader.
        node: NodeId,
        /// The read.
        read: ReadId,
        /// Who has confirmed, the leader included.
        acks: NodeSet,
        /// The configuration.
        config: Config,
    },
    /// A leader of this term was heard from within the minimum election timeout.
    LeaderHeard {
        /// The server.
        node: NodeId,
        /// Its term.
        term: Term,
    },
    /// The leader hands over and takes no commands.
    HandingOver {
        /// The leader.
        node: NodeId,
        /// To whom.
        to: NodeId,
    },
    /// Leadership is not being handed over to this server.
    NotHandingOver {
        /// The leader.
        node: NodeId,
        /// The server.
        to: NodeId,
    },
    /// The server that is to lead does not have the leader's whole log.
    TargetBehind {
        /// The leader.
        node: NodeId,
        /// The server.
        to: NodeId,
        /// How far it is known to match.
        matched: Index,
        /// Where the leader's log ends.
        last: Index,
    },
    /// Too few were heard from since the last check.
    QuorumLost {
        /// The leader.
        node: NodeId,
        /// Who was heard from, the leader included.
        active: NodeSet,
        /// The configuration.
        config: Config,
    },
    /// The leader has not said at which index the read is to be served.
    NoReadIndex {
        /// The follower.
        node: NodeId,
        /// The read.
        read: ReadId,
    },
    /// Less is applied than the read must see.
    NotApplied {
        /// The follower.
        node: NodeId,
        /// The read.
        read: ReadId,
        /// Its read index.
        index: Index,
        /// How much is applied.
        applied: Index,
    },
    /// What was to be counted is not durable.
    NotDurable {
        /// The server.
        node: NodeId,
        /// How far its log is durable.
        durable: Index,
        /// What was to be counted.
        index: Index,
    },
    /// The server's own vote is not durable, or counted already.
    OwnVoteNotDurable {
        /// The server.
        node: NodeId,
        /// Its term.
        term: Term,
        /// The durable term.
        durable: Term,
    },
    /// There is no write under way.
    NothingToWrite {
        /// The server.
        node: NodeId,
    },
    /// A crash cannot leave this: it was never written.
    NeverWritten {
        /// The server.
        node: NodeId,
    },
    /// The storage contract keeps what is durable.
    DurableIsKept {
        /// The server.
        node: NodeId,
    },
    /// Under flow control the leader goes on elsewhere in its log.
    NotNext {
        /// The leader.
        node: NodeId,
        /// The receiver.
        to: NodeId,
        /// The index before what was to be sent.
        after: Index,
        /// The index that it sends next.
        next: Index,
    },
    /// Under flow control the leader waits for an answer.
    Waits {
        /// The leader.
        node: NodeId,
        /// Who is to answer.
        to: NodeId,
    },
    /// The storage promises not to tear a write so.
    NotPromised {
        /// The server.
        node: NodeId,
    },
    /// No lease runs.
    NoLease {
        /// The leader.
        node: NodeId,
        /// Its term.
        term: Term,
    },
    /// The clock counts nothing.
    NoTimer {
        /// The server.
        node: NodeId,
    },
    /// A clock, and nothing else, says that a leader is not heard any more.
    TimeoutRuns {
        /// The server.
        node: NodeId,
        /// What its clock has counted.
        waited: u8,
        /// The minimum election timeout.
        timeout: u8,
    },
    /// No clock gets ahead of a leader's by more than the drift bound while a
    /// round of the leader is younger than its lease.
    ClockAhead {
        /// The server.
        node: NodeId,
        /// The leader.
        leader: NodeId,
        /// The round.
        round: u32,
    },
    /// A snapshot has replaced this part of the log.
    Compacted {
        /// The server.
        node: NodeId,
        /// The index asked for.
        index: Index,
        /// The last index that the snapshot replaces.
        base: Index,
    },
    /// A snapshot holds what was applied, no more.
    Unapplied {
        /// The server.
        node: NodeId,
        /// The index asked for.
        index: Index,
        /// The applied index.
        applied: Index,
    },
    /// The leader has the entries that the peer lacks, and sends those.
    StillInLog {
        /// The leader.
        node: NodeId,
        /// The peer.
        to: NodeId,
        /// How far it is known to match.
        matched: Index,
        /// The last index that the leader's snapshot replaces.
        base: Index,
    },
    /// A snapshot does not reach further than what is known here.
    SnapshotBehind {
        /// The receiver.
        node: NodeId,
        /// The last entry that the snapshot replaces.
        last: Position,
        /// What is known here.
        known: Index,
    },
    /// The settings have no such change of the configuration.
    NoSuchChange {
        /// The leader.
        node: NodeId,
    },
    /// The change before is still under way.
    ChangePending {
        /// The leader.
        node: NodeId,
        /// Where it stands, or may stand.
        index: Index,
        /// How far the leader has committed, or applied.
        upto: Index,
    },
    /// A single-server change needs an entry of the leader's term committed.
    ChangeBeforeOwnCommit {
        /// The leader.
        node: NodeId,
        /// Its term.
        term: Term,
        /// The last committed entry.
        commit: Position,
    },
    /// A joint configuration is left before anything else, and only that.
    Joint {
        /// The leader.
        node: NodeId,
        /// The configuration.
        config: Config,
    },
    /// The configuration in a snapshot lacks its receiver.
    NotInSnapshot {
        /// The receiver.
        node: NodeId,
        /// The configuration.
        config: Config,
    },
    /// A removed leader that leads on takes nothing new.
    NotAMember {
        /// The leader.
        node: NodeId,
        /// The configuration in force.
        config: Config,
    },
    /// The leader leaves no such configuration by itself.
    NoAutoLeave {
        /// The leader.
        node: NodeId,
        /// The configuration.
        config: Config,
    },
    /// A change does not lead from one configuration to the other.
    UnfitChange {
        /// The leader.
        node: NodeId,
        /// The configuration in force.
        config: Config,
        /// The one that would be next.
        next: Config,
    },
    /// A server that has nothing would not learn the whole configuration.
    ConfigurationNotInLog {
        /// The server.
        node: NodeId,
        /// What the log does not say.
        config: Config,
    },
    /// The sender was removed and added again since.
    EarlierMembership {
        /// The leader.
        node: NodeId,
        /// The sender.
        from: NodeId,
        /// Since which entry it is a member.
        joined: Index,
    },
}

/// Where a rule stands in the paper and in this repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The rule in a few words.
    pub name: &'static str,
    /// The section: of the Raft paper, or of Ongaro's dissertation ("diss.").
    pub section: &'static str,
    /// The file that holds the rule.
    pub file: &'static str,
}

const ELECTION: &str = "model/src/rules/election.rs";
const REPLICATION: &str = "model/src/rules/replication.rs";
const COMMIT: &str = "model/src/rules/commit.rs";
const READS: &str = "model/src/rules/reads.rs";
const DURABILITY: &str = "model/src/rules/durability.rs";
const FLOW: &str = "model/src/rules/flow.rs";
const STORAGE: &str = "model/src/storage.rs";
const TRANSFER: &str = "model/src/rules/transfer.rs";
const QUORUM: &str = "model/src/rules/quorum.rs";
const LEASE: &str = "model/src/rules/lease.rs";
const CLOCKS: &str = "model/src/clocks.rs";
const SNAPSHOT: &str = "model/src/rules/snapshot.rs";
const MEMBERSHIP: &str = "model/src/rules/membership.rs";
const CHANGES: &str = "model/src/rules/changes.rs";

impl Refusal {
    /// The rule that refused.
    pub fn rule(&self) -> Rule {
        let (name, section, file) = match self {
            Refusal::VoteUsed { .. } => ("one vote per term", "§5.2", ELECTION),
            Refusal::LeaderKnown { .. } => ("no vote once a leader is known", "§5.2", ELECTION),
            Refusal::LogBehind { .. } => ("votes only for an up-to-date log", "§5.4.1", ELECTION),
            Refusal::StaleTerm { .. } => ("messages of a lower term are stale", "§5.1", ELECTION),
            Refusal::NotAsking { .. } => ("an answer needs a question", "§5.2", ELECTION),
            Refusal::SecondLeader { .. } => ("one leader per term", "§5.2", ELECTION),
            Refusal::AlreadyLeader { .. } => ("a leader does not campaign", "§5.2", ELECTION),
            Refusal::NotAVoter { .. } => ("only a voter campaigns", "§6", MEMBERSHIP),
            Refusal::UnappliedConfiguration { .. } => (
                "no campaign over an unapplied configuration",
                "diss. §4.1",
                MEMBERSHIP,
            ),
            Refusal::NotLeader { .. } => ("only a leader replicates", "§5.3", REPLICATION),
            Refusal::NotAPeer { .. } => ("a leader talks to its configuration", "§6", REPLICATION),
            Refusal::NoSuchMessage { .. } => (
                "a heartbeat is an append without entries",
                "§5.2",
                REPLICATION,
            ),
            Refusal::PastTheEnd { .. } => ("only entries of the own log", "§5.3", REPLICATION),
            Refusal::NoMatch { .. } => ("log consistency check", "§5.3", REPLICATION),
            Refusal::CommittedAlready { .. } => ("commit only goes forward", "§5.3", COMMIT),
            Refusal::EarlierTerm { .. } => {
                ("only own-term entries commit by counting", "§5.4.2", COMMIT)
            }
            Refusal::NoQuorum { .. } => ("commit needs a majority", "§5.3", COMMIT),
            Refusal::NothingToApply { .. } => ("apply only what is committed", "§5.3", COMMIT),
            Refusal::NoOwnCommit { .. } => {
                ("a read needs an own-term commit", "§8, diss. §6.4", READS)
            }
            Refusal::NoSuchRead { .. } => ("a read must have begun", "diss. §6.4", READS),
            Refusal::Unconfirmed { .. } => ("a read needs a majority", "§8, diss. §6.4", READS),
            Refusal::NoReadIndex { .. } => (
                "a follower serves at its leader's index",
                "diss. §6.4",
                READS,
            ),
            Refusal::NotApplied { .. } => (
                "a read waits for its index to be applied",
                "diss. §6.4",
                READS,
            ),
            Refusal::LeaderHeard { .. } => (
                "who hears a leader holds no election",
                "diss. §4.2.3",
                QUORUM,
            ),
            Refusal::HandingOver { .. } => (
                "a leader that hands over takes no commands",
                "diss. §3.10",
                TRANSFER,
            ),
            Refusal::NotHandingOver { .. } => (
                "only the chosen server is told to lead",
                "diss. §3.10",
                TRANSFER,
            ),
            Refusal::TargetBehind { .. } => {
                ("the next leader has the whole log", "diss. §3.10", TRANSFER)
            }
            Refusal::QuorumLost { .. } => {
                ("a leader needs to hear a majority", "diss. §6.2", QUORUM)
            }
            Refusal::NotDurable { .. } => (
                "a leader counts what is durable",
                "diss. §10.2.1",
                DURABILITY,
            ),
            Refusal::OwnVoteNotDurable { .. } => {
                ("a vote counts once durable", "§5.2, figure 2", DURABILITY)
            }
            Refusal::NothingToWrite { .. } => ("a write completes once", "figure 2", DURABILITY),
            Refusal::NeverWritten { .. } => {
                ("a restart recovers what was written", "figure 2", STORAGE)
            }
            Refusal::DurableIsKept { .. } => {
                ("what is durable survives a crash", "figure 2", STORAGE)
            }
            Refusal::NotNext { .. } => ("a leader sends what comes next", "§5.3, figure 2", FLOW),
            Refusal::Waits { .. } => (
                "a leader waits for answers under flow control",
                "§5.3",
                FLOW,
            ),
            Refusal::NotPromised { .. } => (
                "a crash tears no write further than storage promises",
                "figure 2",
                STORAGE,
            ),
            Refusal::NoLease { .. } => (
                "a lease starts with a round that a majority answers",
                "diss. §6.4.1",
                LEASE,
            ),
            Refusal::NoTimer { .. } => (
                "a clock ticks where something is counted",
                "diss. §6.4.1",
                LEASE,
            ),
            Refusal::TimeoutRuns { .. } => (
                "a clock says when a leader is not heard any more",
                "diss. §4.2.3, §6.4.1",
                LEASE,
            ),
            Refusal::ClockAhead { .. } => ("clocks drift within a bound", "diss. §6.4.1", CLOCKS),
            Refusal::NoSuchChange { .. } => ("changes are of a kind", "§6", CHANGES),
            Refusal::ChangePending { .. } => ("one change at a time", "diss. §4.1", CHANGES),
            Refusal::ChangeBeforeOwnCommit { .. } => (
                "a change needs an own-term commit",
                "raft-dev 2015",
                CHANGES,
            ),
            Refusal::Joint { .. } => ("a joint configuration is left next", "§6", CHANGES),
            Refusal::NoAutoLeave { .. } => ("a leader leaves what says so", "§6", CHANGES),
            Refusal::UnfitChange { .. } => (
                "one voter at a time, or through a joint configuration",
                "diss. §4.1, §4.3",
                CHANGES,
            ),
            Refusal::ConfigurationNotInLog { .. } => (
                "a new server reads its configuration in the log",
                "diss. §4.2.1",
                DURABILITY,
            ),
            Refusal::EarlierMembership { .. } => (
                "an answer is to the present membership",
                "diss. §4.2",
                MEMBERSHIP,
            ),
            Refusal::Compacted { .. } => ("what is compacted is gone", "§7", SNAPSHOT),
            Refusal::Unapplied { .. } => ("a snapshot holds what is applied", "§7", SNAPSHOT),
            Refusal::StillInLog { .. } => (
                "a snapshot goes to who lacks what is compacted",
                "§7",
                SNAPSHOT,
            ),
            Refusal::SnapshotBehind { .. } => {
                ("a snapshot only goes forward", "§7, figure 13", SNAPSHOT)
            }
            Refusal::NotInSnapshot { .. } => {
                ("a snapshot names its receiver", "§7, diss. §4.1", SNAPSHOT)
            }
            Refusal::NotAMember { .. } => (
                "a removed leader takes nothing new",
                "diss. §4.2.2",
                MEMBERSHIP,
            ),
        };
        Rule {
            name,
            section,
            file,
        }
    }
}
