//! What must be reached: situations without which a pass would say nothing.
//!
//! A preset lists the witnesses it must reach, and fails when one is missed.

mod membership;
mod sessions;
mod snapshots;

use crate::action::Action;
use crate::config::Config;
use crate::log::{InlineLog, Log};
use crate::message::Body;
use crate::progress::{Flow, Pace};
use crate::properties::StepView;
use crate::rules::{Branch, Input, flow};
use crate::scenario::Scenario;
use crate::server::{Role, Server};
use crate::storage::{Part, Survival};

/// A situation, seen on a step.
#[derive(Clone, Copy)]
pub struct Witness {
    /// The name, as flags and tables spell it.
    pub name: &'static str,
    /// The situation in a sentence.
    pub says: &'static str,
    /// Whether this step shows it.
    pub shows: fn(&StepView<'_>, &Scenario) -> bool,
}

/// The table of witnesses.
pub const ALL: [Witness; COUNT] = joined();

/// How many witnesses there are.
const COUNT: usize =
    CORE.len() + membership::TABLE.len() + snapshots::TABLE.len() + sessions::TABLE.len();

/// The tables, one behind the other.
const fn joined() -> [Witness; COUNT] {
    let mut all = [CORE[0]; COUNT];
    let tables: [&[Witness]; 4] = [
        &CORE,
        &membership::TABLE,
        &snapshots::TABLE,
        &sessions::TABLE,
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

/// What needs no change of the configuration.
const CORE: [Witness; 38] = [
    Witness {
        name: "leader-elected",
        says: "a server becomes leader",
        shows: |view, _| became_leader(view),
    },
    Witness {
        name: "leaders-of-two-terms",
        says: "leaders of different terms exist at once",
        shows: |view, _| {
            let leaders = view.step.after.servers.iter();
            became_leader(view) && leaders.filter(|(_, s)| s.role.is_leader()).count() > 1
        },
    },
    Witness {
        name: "entry-commits",
        says: "a leader commits an entry",
        shows: |view, _| branch(view) == Some(Branch::Committed),
    },
    Witness {
        name: "earlier-term-commits",
        says: "an entry of an earlier term commits through a later one (section 5.4.2)",
        shows: earlier_term_commits,
    },
    Witness {
        name: "conflict-truncated",
        says: "a conflicting suffix is dropped and replaced",
        shows: |view, _| branch(view) == Some(Branch::AppendReplaced),
    },
    Witness {
        name: "append-rejected",
        says: "an append does not match the previous entry",
        shows: |view, _| branch(view) == Some(Branch::AppendRejected),
    },
    Witness {
        name: "follower-commits",
        says: "a follower learns that an entry is committed",
        shows: |view, _| match view.actor() {
            Some((before, after)) => !after.role.is_leader() && after.commit > before.commit,
            None => false,
        },
    },
    Witness {
        name: "read-served",
        says: "a read is released",
        shows: |view, _| branch(view) == Some(Branch::ReadReleased),
    },
    Witness {
        name: "restarted-server-wins",
        says: "a server that crashed becomes leader",
        shows: |view, _| {
            let Action::Step { node, .. } = view.action else {
                return false;
            };
            became_leader(view) && view.before.history.restarted.contains(*node)
        },
    },
    Witness {
        name: "write-lost",
        says: "a crash loses a write that was under way",
        shows: write_lost,
    },
    Witness {
        name: "configuration-reapplied",
        says: "a restarted server applies its configuration again and knows all voters",
        shows: |view, scenario| match view.actor() {
            Some((before, after)) => {
                let voters = Config::of(scenario.bounds.voters());
                before.config != voters
                    && after.config == voters
                    && view.before.history.restarted.contains(after.id)
            }
            None => false,
        },
    },
    Witness {
        name: "follower-read-served",
        says: "a follower serves a read at the index that its leader told it",
        shows: |view, _| match view.actor() {
            Some((before, after)) => {
                branch(view) == Some(Branch::ReadReleased) && before.asked.len() > after.asked.len()
            }
            None => false,
        },
    },
    Witness {
        name: "pre-vote-won",
        says: "a majority would vote for a server, and its election begins",
        shows: |view, _| match view.actor() {
            Some((before, after)) => {
                matches!(before.role, Role::PreCandidate { .. })
                    && matches!(after.role, Role::Candidate { .. })
            }
            None => false,
        },
    },
    Witness {
        name: "pre-vote-refused",
        says: "a server would not give its vote",
        shows: |view, _| branch(view) == Some(Branch::PreVoteRefused),
    },
    Witness {
        name: "candidate-disregarded",
        says: "a server that hears a leader takes no notice of a candidate",
        shows: |view, _| branch(view) == Some(Branch::CandidateDisregarded),
    },
    Witness {
        name: "leader-resigns",
        says: "a leader that does not hear a majority steps down",
        shows: |view, _| branch(view) == Some(Branch::QuorumLost),
    },
    Witness {
        name: "leadership-transferred",
        says: "the server to which a leader hands over becomes leader",
        shows: |view, _| became_leader(view) && hands_over(view),
    },
    Witness {
        name: "election-on-request",
        says: "a server starts an election because its leader asked for it",
        shows: |view, _| branch(view) == Some(Branch::CampaignedAtOnce),
    },
    Witness {
        name: "forced-vote",
        says: "a server that hears a leader votes because the leader wants it",
        shows: |view, _| match (view.actor(), view.action) {
            (
                Some((before, _)),
                Action::Step {
                    input: Input::Receive { message },
                    ..
                },
            ) => {
                branch(view) == Some(Branch::VoteGranted)
                    && before.hears_leader
                    && matches!(
                        *message.body.plain(),
                        Body::RequestVote { forced: true, .. }
                    )
            }
            _ => false,
        },
    },
    Witness {
        name: "writes-queued",
        says: "a write is queued behind one that is not durable yet",
        shows: |view, _| match view.actor() {
            Some((before, after)) => after.queue.len() > before.queue.len().max(1),
            None => false,
        },
    },
    Witness {
        name: "read-served-by-lease",
        says: "a leader serves a read without a round, by its lease",
        shows: |view, _| branch(view) == Some(Branch::ReadServedByLease),
    },
    Witness {
        name: "lease-expired",
        says: "the clock of a leader says that its lease is over",
        shows: |view, _| branch(view) == Some(Branch::LeaseExpired),
    },
    Witness {
        name: "vote-withheld-by-clock",
        says: "a server that is asked for its vote has not waited long enough by its own clock",
        shows: |view, scenario| match view.actor() {
            Some((before, _)) => {
                branch(view) == Some(Branch::CandidateDisregarded)
                    && scenario.settings.lease_reads
                    && before.hears_leader
            }
            None => false,
        },
    },
    Witness {
        name: "stale-write-ignored",
        says: "a write completes whose entries were replaced meanwhile, and counts for nothing",
        shows: |view, _| branch(view) == Some(Branch::StaleWriteDone),
    },
    Witness {
        name: "queue-cut-off",
        says: "a crash keeps the oldest write of a queue and loses a later one",
        shows: |view, _| queue_cut_off(view),
    },
    Witness {
        name: "write-torn",
        says: "a crash keeps a part of a queued write",
        shows: |view, _| {
            matches!(
                survival(view),
                Some(Survival::Queued { part, .. }) if part != Part::Nothing
            )
        },
    },
    Witness {
        name: "leader-after-lease",
        says: "a leader is elected while the one before leads on, with no round young enough for a lease",
        shows: leader_after_lease,
    },
    Witness {
        name: "probe-waits",
        says: "a leader that has probed a server waits for its answer",
        shows: |view, _| {
            flows(view, |before, after| {
                !before.paused && after.paused && after.pace == Pace::Probe
            })
        },
    },
    Witness {
        name: "probe-answered",
        says: "a server has acknowledged a probe, and the leader replicates to it",
        shows: |view, _| {
            flows(view, |before, after| {
                before.pace == Pace::Probe && matches!(after.pace, Pace::Replicate { .. })
            })
        },
    },
    Witness {
        name: "window-full",
        says: "a leader has as many appends under way to a server as it may",
        shows: |view, scenario| {
            let window = scenario.settings.window;
            flows(view, |before, after| {
                !before.is_full(window) && after.is_full(window)
            })
        },
    },
    Witness {
        name: "probes-again",
        says: "a rejection makes a leader probe a server again that it replicated to",
        shows: |view, _| {
            flows(view, |before, after| {
                matches!(before.pace, Pace::Replicate { .. }) && after.pace == Pace::Probe
            })
        },
    },
    Witness {
        name: "waits-for-snapshot",
        says: "a leader waits until the snapshot that it has sent has arrived",
        shows: |view, _| {
            flows(view, |before, after| {
                before.pace == Pace::Probe && matches!(after.pace, Pace::Snapshot { .. })
            })
        },
    },
    Witness {
        name: "snapshot-answered",
        says: "a snapshot has arrived, and the leader goes on behind it",
        shows: |view, _| {
            flows(view, |before, after| {
                matches!(before.pace, Pace::Snapshot { .. })
                    && matches!(after.pace, Pace::Replicate { .. })
            })
        },
    },
    Witness {
        name: "waits-no-longer",
        says: "the answer to a heartbeat ends a leader's wait for an answer that may be lost",
        shows: |view, _| {
            branch(view) == Some(Branch::HeartbeatAcked)
                && flows(view, |before, after| before.paused && !after.paused)
        },
    },
    Witness {
        name: "commit-told",
        says: "a server learns from a vote request, or from the refusal of one, what is committed",
        shows: |view, _| is_told(view, |body| matches!(body, Body::Telling { .. })),
    },
    Witness {
        name: "commit-told-by-read",
        says: "a follower learns from the answer to its read what is committed",
        shows: |view, _| is_told(view, |body| matches!(body, Body::ReadIndex { .. })),
    },
    Witness {
        name: "joint-left-while-handing-over",
        says: "a leader that hands over leaves a joint configuration by itself",
        shows: |view, _| match view.actor() {
            Some((before, _)) => {
                let handing = matches!(
                    before.role,
                    Role::Leader {
                        transfer: Some(_),
                        ..
                    }
                );
                handing && branch(view) == Some(Branch::JointLeft)
            }
            None => false,
        },
    },
    Witness {
        name: "candidacy-dropped",
        says: "a candidate is told that a configuration is committed, and gives up",
        shows: |view, _| branch(view) == Some(Branch::CandidacyDropped),
    },
];

/// Whether a message of such a kind said what is committed, and was heeded.
fn is_told(view: &StepView<'_>, by: fn(&Body) -> bool) -> bool {
    match view.action {
        Action::Step {
            input: Input::Receive { message },
            ..
        } => branch(view) == Some(Branch::CommitTold) && by(&message.body),
        _ => false,
    }
}

fn leader_after_lease(view: &StepView<'_>, _: &Scenario) -> bool {
    let ran_out = |server: &Server<InlineLog>| match &server.role {
        Role::Leader { lease, .. } => lease.begun > 0 && !lease.void && lease.rounds.is_empty(),
        _ => false,
    };
    became_leader(view)
        && view
            .before
            .servers
            .iter()
            .any(|(_, server)| ran_out(server))
}

/// Whether some server is still of the opinion that it hands over to the one
/// that acted.
fn hands_over(view: &StepView<'_>) -> bool {
    let Some((before, _)) = view.actor() else {
        return false;
    };
    view.before.servers.iter().any(|(_, server)| {
        matches!(server.role, Role::Leader { transfer: Some(to), .. } if to == before.id)
    })
}

impl Witness {
    /// The place of the witness called `name` in [`ALL`].
    pub fn position(name: &str) -> Option<usize> {
        ALL.iter().position(|witness| witness.name == name)
    }
}

fn branch(view: &StepView<'_>) -> Option<Branch> {
    view.step.outcome.map(|outcome| outcome.branch)
}

fn became_leader(view: &StepView<'_>) -> bool {
    match view.actor() {
        Some((before, after)) => {
            after.role.is_leader() && !(before.role.is_leader() && before.term == after.term)
        }
        None => false,
    }
}

/// Whether the leader that acted goes on with some server in such a way.
fn flows(view: &StepView<'_>, shows: impl Fn(&Flow, &Flow) -> bool) -> bool {
    let Some((old, new)) = view.actor() else {
        return false;
    };
    let (Role::Leader { matched: known, .. }, true) = (&new.role, old.term == new.term) else {
        return false;
    };
    let mut pairs = known.iter().filter_map(|(id, _)| {
        let before = flow::of(old, id)?;
        Some((before, known.flow(id)?))
    });
    pairs.any(|(before, after)| shows(before, after))
}

/// What a crash left.
fn survival(view: &StepView<'_>) -> Option<Survival> {
    match view.action {
        Action::Step {
            input: Input::Restart { survival },
            ..
        } => Some(*survival),
        _ => None,
    }
}

fn queue_cut_off(view: &StepView<'_>) -> bool {
    match (survival(view), view.actor()) {
        (Some(Survival::Queued { writes, part }), Some((before, _))) => {
            part == Part::Nothing && writes > 0 && (writes as usize) < before.queue.len()
        }
        _ => false,
    }
}

fn earlier_term_commits(view: &StepView<'_>, scenario: &Scenario) -> bool {
    let Some((before, after)) = view.actor() else {
        return false;
    };
    let bootstrap = u64::from(scenario.bounds.bootstrap);
    branch(view) == Some(Branch::Committed)
        && (before.commit.0.max(bootstrap) + 1..=after.commit.0)
            .filter_map(|i| after.log.term_at(crate::ids::Index(i)))
            .any(|term| term < after.term)
}

fn write_lost(view: &StepView<'_>, scenario: &Scenario) -> bool {
    let Action::Step {
        node,
        input: Input::Restart { .. },
    } = view.action
    else {
        return false;
    };
    let (before, after) = (view.before.server(*node), view.step.after.server(*node));
    !before.is_synced(scenario.settings.durable_commit)
        && (before.term, before.vote, &before.log) != (after.term, after.vote, &after.log)
}
