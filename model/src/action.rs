//! All that can happen, in one enum, and what is enabled.
//!
//! The order in which [`enabled`] lists actions is fixed: it decides which of
//! several shortest counterexamples is shown.

use std::fmt;

use crate::bounds::{Bounds, Budget, Spent};
use crate::choice;
use crate::cluster::{Cluster, Ensemble};
use crate::config::{Change, Joint, Transition};
use crate::flaws::Flaw;
use crate::history::History;
use crate::ids::{Index, NodeId, NodeSet, ReadId};
use crate::log::{Log, Payload};
use crate::message::{Body, Electing, Message};
use crate::network::NetworkKind;
use crate::rules::{Input, changes, commit, durability, flow, lease, quorum, reads};
use crate::scenario::Scenario;
use crate::server::{Memory, Role, Server};
use crate::settings::{Durability, Heartbeat, Settings};
use crate::shared::Shared;
use crate::storage::{self, Part, Survival};

choice! {
    /// One thing that happens.
    pub enum Action {
        /// A server handles an input. A message that is received is delivered.
        Step {
            /// The server.
            node: NodeId,
            /// The input.
            input: Input,
        } = 0,
        /// A message is lost.
        Drop {
            /// The message.
            message: Message,
        } = 1,
        /// A message is copied.
        Duplicate {
            /// The message.
            message: Message,
        } = 2,
    }
}

impl Action {
    /// The name of the kind of action, as coverage tables spell it.
    pub fn kind(&self) -> &'static str {
        Self::KINDS[self.kind_position()]
    }

    /// The place of the kind of action in [`Action::KINDS`].
    pub fn kind_position(&self) -> usize {
        match self {
            Action::Step { input, .. } => match input {
                Input::Campaign => 0,
                Input::Receive { message } => match message.body {
                    Body::RequestVote { .. } => 1,
                    Body::Vote { .. } => 2,
                    Body::Append { .. } => 3,
                    Body::AppendAck { .. } => 4,
                    Body::Heartbeat { .. } => 5,
                    Body::HeartbeatAck { .. } => 6,
                    Body::RequestPreVote { .. } => 20,
                    Body::PreVote { .. } => 21,
                    Body::TimeoutNow => 22,
                    Body::RequestRead { .. } => 28,
                    Body::ReadIndex { .. } => 29,
                    Body::InstallSnapshot { .. } => 36,
                    Body::Telling { says, .. } => match says {
                        Electing::RequestVote { .. } => 1,
                        Electing::VoteRefused => 2,
                        Electing::RequestPreVote { .. } => 20,
                        Electing::PreVoteRefused => 21,
                    },
                },
                Input::Write { .. } => 7,
                Input::SendAppend { .. } => 8,
                Input::SendHeartbeat { .. } => 9,
                Input::AdvanceCommit { .. } => 10,
                Input::Apply => 11,
                Input::BeginRead { .. } => 12,
                Input::ReleaseRead { .. } => 13,
                Input::WriteCompleted => 14,
                Input::CountOwnVote => 15,
                Input::CountOwnEntries { .. } => 16,
                Input::Restart { .. } => 17,
                Input::LoseLeader => 23,
                Input::CheckQuorum => 24,
                Input::Transfer { .. } => 25,
                Input::SendTimeoutNow { .. } => 26,
                Input::AbortTransfer => 27,
                Input::Tick => 30,
                Input::Change { .. } => 31,
                Input::LeaveJoint => 32,
                Input::Wipe => 33,
                Input::Compact { .. } => 34,
                Input::SendSnapshot { .. } => 35,
                Input::Retry { .. } => 37,
            },
            Action::Drop { .. } => 18,
            Action::Duplicate { .. } => 19,
        }
    }

    /// The budget that the action is paid from, if it counts.
    pub fn budget(&self, bounds: &Bounds) -> Option<Budget> {
        let counted = |budget, limit: Option<u32>| limit.is_some().then_some(budget);
        match self {
            Action::Step { input, .. } => match input {
                Input::Campaign => counted(Budget::Campaign, bounds.campaigns),
                Input::SendAppend { .. } => counted(Budget::Append, bounds.appends),
                Input::SendHeartbeat { .. } => counted(Budget::Heartbeat, bounds.heartbeats),
                // Writes and reads are numbered, so they always count.
                Input::Write { .. } => Some(Budget::Write),
                Input::BeginRead { .. } => Some(Budget::Read),
                Input::Restart { .. } => Some(Budget::Restart),
                Input::Transfer { .. } => Some(Budget::Transfer),
                // Who has entered a joint configuration may leave it.
                Input::Change { change } if change.transition == Transition::Leave => None,
                Input::Change { .. } => Some(Budget::Change),
                Input::Wipe => Some(Budget::Wipe),
                Input::Compact { .. } => Some(Budget::Compaction),
                Input::SendSnapshot { .. } => counted(Budget::Snapshot, bounds.snapshots),
                Input::Retry { .. } => Some(Budget::Retry),
                _ => None,
            },
            Action::Drop { .. } => counted(Budget::Drop, bounds.drops),
            Action::Duplicate { .. } => Some(Budget::Duplicate),
        }
    }

    /// The kinds of action, in the order of the enum.
    pub const KINDS: [&'static str; 38] = [
        "campaign",
        "receive-request-vote",
        "receive-vote",
        "receive-append",
        "receive-append-ack",
        "receive-heartbeat",
        "receive-heartbeat-ack",
        "write",
        "send-append",
        "send-heartbeat",
        "advance-commit",
        "apply",
        "begin-read",
        "release-read",
        "write-completed",
        "count-own-vote",
        "count-own-entries",
        "restart",
        "drop",
        "duplicate",
        "receive-request-pre-vote",
        "receive-pre-vote",
        "receive-timeout-now",
        "lose-leader",
        "check-quorum",
        "transfer",
        "send-timeout-now",
        "abort-transfer",
        "receive-request-read",
        "receive-read-index",
        "tick",
        "change",
        "leave-joint",
        "wipe",
        "compact",
        "send-snapshot",
        "receive-install-snapshot",
        "retry",
    ];
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Step { node, input } => match input {
                Input::Campaign => write!(f, "{node} starts an election"),
                Input::Receive { message } => write!(f, "{node} receives {message}"),
                Input::Write { number } => write!(f, "{node} appends write w{number}"),
                Input::Retry { number } => write!(f, "{node} appends write w{number} again"),
                Input::SendAppend { to, after, count } => {
                    write!(f, "{node} sends {to} {count} entries after {after}")
                }
                Input::SendHeartbeat { to } => write!(f, "{node} sends {to} a heartbeat"),
                Input::AdvanceCommit { to } => write!(f, "{node} commits up to {to}"),
                Input::Apply => write!(f, "{node} applies its next entry"),
                Input::BeginRead { read } => write!(f, "{node} begins read {read}"),
                Input::ReleaseRead { read } => write!(f, "{node} serves read {read}"),
                Input::WriteCompleted => write!(f, "{node}'s write completes"),
                Input::LoseLeader => {
                    write!(
                        f,
                        "{node} has not heard from a leader for an election timeout"
                    )
                }
                Input::CheckQuorum => write!(f, "{node} looks whether a majority answers"),
                Input::Transfer { to } => write!(f, "{node} is to hand over to {to}"),
                Input::SendTimeoutNow { to } => write!(f, "{node} tells {to} to start an election"),
                Input::AbortTransfer => write!(f, "{node} gives up to hand over"),
                Input::Tick => write!(f, "{node}'s clock ticks"),
                Input::Change { change } => write!(f, "{node} appends a change: {change}"),
                Input::LeaveJoint => write!(f, "{node} leaves the joint configuration by itself"),
                Input::Wipe => write!(f, "{node} is replaced by a server that has nothing"),
                Input::Compact { to } => {
                    write!(f, "{node} replaces its log up to {to} by a snapshot")
                }
                Input::SendSnapshot { to } => write!(f, "{node} sends {to} its snapshot"),
                Input::CountOwnVote => write!(f, "{node} counts its own vote"),
                Input::CountOwnEntries { to } => {
                    write!(f, "{node} counts its own entries up to {to}")
                }
                Input::Restart { survival } => {
                    write!(f, "{node} crashes and restarts")?;
                    survived(f, survival)
                }
            },
            Action::Drop { message } => write!(f, "lost: {message}"),
            Action::Duplicate { message } => write!(f, "copied: {message}"),
        }
    }
}

/// What a crash left of the writes under way.
fn survived(f: &mut fmt::Formatter<'_>, survival: &Survival) -> fmt::Result {
    match survival {
        Survival::Nothing => Ok(()),
        Survival::Written { kept, commit } => {
            f.write_str("; its write survived with ")?;
            ordered(f, *kept, *commit)
        }
        Survival::VoteCleared => f.write_str("; its vote was cleared, its term not raised"),
        Survival::Queued { writes, part } => {
            match writes {
                0 => f.write_str("; of its oldest write survived ")?,
                1 => f.write_str("; its oldest write survived")?,
                writes => write!(f, "; its {writes} oldest writes survived")?,
            }
            match (writes, part) {
                (_, Part::Nothing) => return Ok(()),
                (0, _) => {}
                _ => f.write_str(", and of the next one ")?,
            }
            match part {
                Part::Nothing => Ok(()),
                Part::Ordered { kept, commit } => ordered(f, *kept, *commit),
                Part::Term => f.write_str("the term without the vote"),
                Part::Vote => f.write_str("the vote without the term"),
                Part::Log { kept } => write!(f, "the log up to {kept} without term and vote"),
                Part::Overwritten { kept } => write!(
                    f,
                    "the entries up to {kept}, with those behind them that were to be dropped"
                ),
            }
        }
        Survival::Stores { states, logs } => write!(
            f,
            "; of its oldest writes {states} survived in the store of terms, {logs} in that of \
             the log"
        ),
        Survival::NewestLost => f.write_str("; its newest entry is lost"),
        Survival::SnapshotTorn { saved: true } => {
            f.write_str("; the snapshot survived, and the log was not dropped")
        }
        Survival::SnapshotTorn { saved: false } => {
            f.write_str("; the log was dropped, and the snapshot did not survive")
        }
    }
}

/// The parts of a write that survived in order.
fn ordered(f: &mut fmt::Formatter<'_>, kept: Option<Index>, commit: bool) -> fmt::Result {
    match kept {
        Some(kept) => write!(f, "the log up to {kept}")?,
        None => write!(f, "the log untouched")?,
    }
    f.write_str(match commit {
        true => " and the commit index",
        false => ", without the commit index",
    })
}

fn left(spent: u32, budget: Option<u32>) -> bool {
    budget.is_none_or(|budget| spent < budget)
}

/// Lists what may happen next in `cluster`: every binding of every action that
/// the budgets leave and that a look at the server does not rule out. The rule
/// itself still may refuse; a refused action is not enabled.
///
/// First what arrives, then what servers do by themselves ([`own`]), then what
/// is lost and what is copied.
pub fn enabled<L: Log>(cluster: &Cluster<L>, scenario: &Scenario, out: &mut Vec<Action>) {
    let (ensemble, spent) = (&*cluster.ensemble, &cluster.spent);
    out.extend(cluster.network.deliverable().map(received));
    own(ensemble, spent, scenario, |node, input| {
        out.push(Action::Step { node, input });
    });
    if may_drop(spent, scenario) {
        out.extend(cluster.network.deliverable().map(lost));
    }
    if may_duplicate(spent, scenario) {
        out.extend(cluster.network.deliverable().map(copied));
    }
}

/// That `message` arrives.
pub fn received(message: &Message) -> Action {
    Action::Step {
        node: message.to,
        input: Input::Receive {
            message: message.clone(),
        },
    }
}

/// That `message` is lost.
pub fn lost(message: &Message) -> Action {
    let message = message.clone();
    Action::Drop { message }
}

/// That `message` is copied.
pub fn copied(message: &Message) -> Action {
    let message = message.clone();
    Action::Duplicate { message }
}

/// Lists what servers may do without a message, server by server.
pub fn own<L: Log>(
    ensemble: &Ensemble<L>,
    spent: &Spent,
    scenario: &Scenario,
    mut out: impl FnMut(NodeId, Input),
) {
    for (node, server) in ensemble.servers.iter() {
        let mut add = |input| out(node, input);
        writes(server, scenario, &mut add);
        leader(server, scenario, spent, &ensemble.history, &mut add);
        let applying = matches!(server.memory, Some(Memory::Applying { .. }));
        if scenario.settings.applies() && (server.applied < server.commit || applying) {
            add(Input::Apply);
        }
        if lease::counts(server, &scenario.settings) {
            add(Input::Tick);
        }
        if server.hears_leader && !scenario.settings.lease_reads {
            add(Input::LoseLeader);
        }
        if !server.role.is_leader()
            && left(spent.campaigns, scenario.bounds.campaigns)
            && quorum::may_campaign(server, &scenario.settings).is_ok()
        {
            add(Input::Campaign);
        }
        for asked in server.asked.iter().filter(|asked| asked.index.is_some()) {
            add(Input::ReleaseRead { read: asked.id });
        }
        if spent.reads < scenario.bounds.reads && reads::may_be_asked(server, &scenario.settings) {
            add(Input::BeginRead {
                read: ReadId {
                    number: spent.reads + 1,
                },
            });
        }
        if spent.compactions < scenario.bounds.compactions {
            // Bootstrap entries are everywhere: nobody lacks them.
            let from = server.log.base().0.max(scenario.bounds.bootstrap.into());
            for to in from + 1..=server.applied.0 {
                add(Input::Compact { to: Index(to) });
            }
        }
        if spent.restarts < scenario.bounds.restarts {
            restarts(server, scenario, &mut add);
        }
        if spent.wipes < scenario.bounds.wipes && replaceable(ensemble, node, &scenario.bounds) {
            add(Input::Wipe);
        }
    }
}

/// Whether messages may be lost by an action. That matters only where it makes
/// room or uncovers the next of a link.
pub fn may_drop(spent: &Spent, scenario: &Scenario) -> bool {
    let bounds = &scenario.bounds;
    let matters = scenario.network == NetworkKind::Ordered || bounds.max_messages.is_some();
    matters && left(spent.drops, bounds.drops)
}

/// Whether messages may be copied by an action.
pub fn may_duplicate(spent: &Spent, scenario: &Scenario) -> bool {
    scenario.network == NetworkKind::Bag && spent.duplicates < scenario.bounds.duplicates
}

fn writes<L: Log>(server: &Server<L>, scenario: &Scenario, add: &mut impl FnMut(Input)) {
    if scenario.settings.durability == Durability::Atomic {
        return;
    }
    let pending = match scenario.settings.queues_writes() {
        true => !server.queue.is_empty(),
        false => !server.is_synced(scenario.settings.durable_commit) || !server.outbox.is_empty(),
    };
    if pending {
        add(Input::WriteCompleted);
    }
    match &server.role {
        Role::Follower | Role::PreCandidate { .. } => {}
        Role::Candidate { granted, .. } => {
            if server.durable.term == server.term && !granted.contains(server.id) {
                add(Input::CountOwnVote);
            }
        }
        Role::Leader { matched, .. } => {
            let countable = durability::countable(server, &scenario.settings);
            for to in matched[server.id].0 + 1..=countable.0 {
                add(Input::CountOwnEntries { to: Index(to) });
            }
        }
    }
}

fn leader<L: Log>(
    server: &Server<L>,
    scenario: &Scenario,
    spent: &Spent,
    history: &History,
    add: &mut impl FnMut(Input),
) {
    let Role::Leader {
        matched,
        reads,
        transfer,
        ..
    } = &server.role
    else {
        return;
    };
    let (bounds, settings) = (&scenario.bounds, &scenario.settings);
    let last = server.log.last_index();
    for to in server.commit.0 + 1..=last.0 {
        if commit::may_advance(server, Index(to), settings).is_ok() {
            add(Input::AdvanceCommit { to: Index(to) });
        }
    }
    if settings.check_quorum {
        add(Input::CheckQuorum);
    }
    if spent.transfers < bounds.transfers {
        for to in server.config.voters().without(server.id).iter() {
            add(Input::Transfer { to });
        }
    }
    if let Some(to) = *transfer {
        if matched.get(to).is_some_and(|&matched| matched >= last) {
            add(Input::SendTimeoutNow { to });
        }
        add(Input::AbortTransfer);
    }
    let number = spent.writes + 1;
    if number <= bounds.writes && may_send(number, history, settings) {
        add(Input::Write { number });
    }
    if spent.retries < bounds.retries {
        for number in 1..=spent.writes {
            add(Input::Retry { number });
        }
    }
    if left(spent.appends, bounds.appends) {
        for to in server.config.members().without(server.id).iter() {
            let known = matched.get(to).copied().unwrap_or_default();
            let from = if bounds.resend { 0 } else { known.0 };
            // Nobody sends bootstrap entries to who has them from the start.
            let lacks = !bounds.voters().contains(to) || bounds.wipes > 0;
            let booted = if lacks { 0 } else { bounds.bootstrap };
            let from = from.max(u64::from(booted));
            for after in from.max(server.log.base().0)..=last.0 {
                for count in 0..=u64::from(bounds.max_batch).min(last.0 - after) {
                    let (after, count) = (Index(after), count as u32);
                    if flow::may_send(server, to, after, count, settings).is_ok() {
                        add(Input::SendAppend { to, after, count });
                    }
                }
            }
        }
    }
    if left(spent.snapshots, bounds.snapshots) {
        let base = server.log.base();
        for to in server.config.members().without(server.id).iter() {
            let behind = matched.get(to).copied().unwrap_or_default() < base;
            let anybody = settings.snapshot_to_anybody && base > Index::ZERO;
            if (behind || anybody) && flow::may_send_snapshot(server, to).is_ok() {
                add(Input::SendSnapshot { to });
            }
        }
    }
    if settings.heartbeat == Heartbeat::Separate && left(spent.heartbeats, bounds.heartbeats) {
        for to in server.config.members().without(server.id).iter() {
            add(Input::SendHeartbeat { to });
        }
    }
    for read in reads {
        add(Input::ReleaseRead { read: read.id });
    }
    if settings.changes() {
        change(server, scenario, spent, add);
    }
}

/// Whether a client sends command `number`. One that has a session has one
/// command under way at a time: it sends the next one when it has an answer
/// (dissertation section 6.3). What it has sent again meanwhile may arrive
/// whenever it likes.
fn may_send(number: u32, history: &History, settings: &Settings) -> bool {
    let clients = settings.sessions;
    clients == 0
        || number <= clients
        || history.answered(number - clients)
        || settings.has(Flaw::CommandsPipelined)
}

/// The changes that a leader may append.
fn change<L: Log>(
    server: &Server<L>,
    scenario: &Scenario,
    spent: &Spent,
    add: &mut impl FnMut(Input),
) {
    let (bounds, settings) = (&scenario.bounds, &scenario.settings);
    let mut offer = |change: Change| {
        if changes::may_change(server, &change, settings).is_ok() {
            add(Input::Change { change });
        }
    };
    match server.config.joint {
        Some(Joint {
            auto_leave: true, ..
        }) if changes::may_leave(server, settings).is_ok() => add(Input::LeaveJoint),
        Some(Joint {
            auto_leave: true, ..
        }) => {}
        Some(_) => offer(Change::LEAVE),
        None if spent.changes < bounds.changes => {
            let all = NodeSet::first(usize::from(bounds.servers));
            let (size, explicit) = (bounds.joint_size, bounds.explicit_leave);
            changes::possible(server, all, size, explicit, settings, offer);
        }
        None => {}
    }
}

/// Whether the machine of `id` may be replaced by one that has nothing: it is
/// no member of the committed configuration, is not about to become one again,
/// and a majority has the entry which says so. Earlier, a vote that it gave or an entry that it holds
/// may still be needed by servers which do not know yet that it is removed.
fn replaceable<L: Log>(ensemble: &Ensemble<L>, id: NodeId, bounds: &Bounds) -> bool {
    let history = &ensemble.history;
    if bounds.bootstrap == 0 || history.wiped.contains(id) {
        return false;
    }
    let latest = history.committed.iter().map(|c| c.position);
    let Some(committed) = latest.max_by_key(|at| at.index) else {
        return false;
    };
    let holds = |server: &&Shared<Server<L>>| server.log.holds(committed);
    let mut servers = ensemble.servers.iter().map(|(_, server)| server);
    let Some(holder) = servers.find(holds) else {
        return false;
    };
    let length = usize::try_from(committed.index.0).unwrap_or(usize::MAX);
    let mut config = holder.base;
    let mut since = Index::ZERO;
    for (i, entry) in holder.log.entries().iter().take(length).enumerate() {
        if let Payload::Config { change } = entry.payload {
            config = config.after(&change);
            since = Index::ZERO.plus(i + 1);
        }
    }
    let term = holder
        .log
        .held(since)
        .map_or_else(Default::default, |entry| entry.term);
    let have = ensemble.servers.iter();
    let have = have.filter(|(_, s)| s.durable_term_at(since) == Some(term));
    let added_again = |server: &Server<L>| {
        let later = server.log.entries().iter().skip(length);
        server.log.holds(committed) && config.fold(later).members().contains(id)
    };
    !config.members().contains(id)
        && config.has_quorum(have.map(|(id, _)| id).collect())
        && !ensemble
            .servers
            .iter()
            .any(|(_, server)| added_again(server))
}

fn restarts<L: Log>(server: &Server<L>, scenario: &Scenario, add: &mut impl FnMut(Input)) {
    let settings = &scenario.settings;
    let mut restart = |survival| add(Input::Restart { survival });
    storage::survivals(
        server,
        settings,
        scenario.bounds.partial_writes,
        &mut restart,
    );
    if settings.has(Flaw::VoteClearedBeforeTerm) && server.durable.term < server.term {
        restart(Survival::VoteCleared);
    }
}
