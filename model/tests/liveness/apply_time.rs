//! Configurations that take effect when applied, as in etcd, may leave nobody
//! who can be elected although a majority is up (etcd issue 12359): with every
//! rule as it is.
//!
//! A learner is promoted. It has the promotion and more, but has not heard that
//! it is committed, so it takes itself for a learner and does not stand. The
//! only other server that knows of the promotion has less, and needs its vote.
//! Where the latest configuration in the log is in force the same servers elect
//! the promoted one. The removal of one of two voters has the same trouble.

use plimsoll_model::action::Action;
use plimsoll_model::bounds::Bounds;
use plimsoll_model::cluster::State;
use plimsoll_model::config::{Change, Transition};
use plimsoll_model::engine::{End, Limits};
use plimsoll_model::features::{JOINT_CONSENSUS, LEARNERS, SINGLE_SERVER_CHANGES};
use plimsoll_model::ids::{Index, NodeId, NodeSet};
use plimsoll_model::liveness::aftermath::quorums;
use plimsoll_model::liveness::recover::{Recoverability, SPARE_TERMS, recoverability};
use plimsoll_model::liveness::{Goal, Verdict};
use plimsoll_model::log::Log as _;
use plimsoll_model::network::NetworkKind;
use plimsoll_model::prefix::Deed::{self, Arrives, Does};
use plimsoll_model::prefix::{N1, N2, N3, N4, Prefix};
use plimsoll_model::rules::Input;
use plimsoll_model::scenario::Scenario;
use plimsoll_model::server::Role;
use plimsoll_model::settings::{Dialect, Durability};

const fn append(to: NodeId, after: u64, count: u32) -> Input {
    let after = Index(after);
    Input::SendAppend { to, after, count }
}

const NONE: NodeSet = NodeSet::EMPTY;
const FIRST: NodeSet = NodeSet(0b0001);
const SECOND: NodeSet = NodeSet(0b0010);
const FOURTH: NodeSet = NodeSet(0b1000);

const fn change(
    voters: NodeSet,
    learners: NodeSet,
    removed: NodeSet,
    transition: Transition,
) -> Deed {
    let change = Change {
        voters,
        learners,
        removed,
        transition,
    };
    Does(N1, Input::Change { change })
}

/// n4 learns.
const LEARNS: Deed = change(NONE, FOURTH, NONE, Transition::Simple);
/// n4 votes.
const PROMOTED: Deed = change(FOURTH, NONE, NONE, Transition::Simple);
/// n4 votes and n2 learns, as in the report.
const SWAPPED: Deed = change(FOURTH, SECOND, NONE, Transition::Joint { auto_leave: true });

/// n1 leads and has n4 for a learner; then a change that makes n4 a voter, and
/// a write. n4 has all of it, n2 the change, and only n2 knows that it is
/// committed.
macro_rules! applied {
    ($change:expr) => {
        &[
            Does(N1, Input::Campaign),
            Arrives(N1, N2, "RequestVote"),
            Arrives(N2, N1, "Vote"),
            LEARNS,
            Does(N1, append(N2, 0, 2)),
            Arrives(N1, N2, "Append"),
            Arrives(N2, N1, "AppendAck"),
            Does(N1, Input::AdvanceCommit { to: Index(2) }),
            Does(N1, Input::Apply),
            Does(N1, Input::Apply),
            $change,
            Does(N1, Input::Write { number: 1 }),
            Does(N1, append(N4, 0, 4)),
            Arrives(N1, N4, "Append"),
            Does(N1, append(N2, 2, 1)),
            Arrives(N1, N2, "Append"),
            Arrives(N2, N1, "AppendAck"),
            Does(N1, Input::AdvanceCommit { to: Index(3) }),
            Does(N1, append(N2, 3, 0)),
            Arrives(N1, N2, "Append"),
        ]
    };
}

/// The same, where changes take effect when they are appended.
macro_rules! appended {
    ($change:expr) => {
        &[
            Does(N1, Input::Campaign),
            Arrives(N1, N2, "RequestVote"),
            Arrives(N2, N1, "Vote"),
            Does(N1, append(N2, 0, 1)),
            Arrives(N1, N2, "Append"),
            Arrives(N2, N1, "AppendAck"),
            Does(N1, Input::AdvanceCommit { to: Index(1) }),
            LEARNS,
            Does(N1, append(N2, 1, 1)),
            Arrives(N1, N2, "Append"),
            Arrives(N2, N1, "AppendAck"),
            Does(N1, Input::AdvanceCommit { to: Index(2) }),
            $change,
            Does(N1, Input::Write { number: 1 }),
            Does(N1, append(N4, 0, 4)),
            Arrives(N1, N4, "Append"),
            Arrives(N4, N1, "AppendAck"),
            Does(N1, append(N2, 2, 1)),
            Arrives(N1, N2, "Append"),
            Arrives(N2, N1, "AppendAck"),
            Does(N1, Input::AdvanceCommit { to: Index(3) }),
            Does(N1, append(N2, 3, 0)),
            Arrives(N1, N2, "Append"),
        ]
    };
}

static PROMOTED_APPLIED: Prefix = applied![PROMOTED];
static SWAPPED_APPLIED: Prefix = applied![SWAPPED];
static PROMOTED_APPENDED: Prefix = appended![PROMOTED];
static SWAPPED_APPENDED: Prefix = appended![SWAPPED];

/// Nothing but the prefix, and what arrives after it.
fn scenario(dialect: Dialect, prefix: Prefix) -> Scenario {
    let sends = |deed: &&Deed| matches!(deed, Does(_, Input::SendAppend { .. }));
    let sent = prefix.iter().filter(sends).count() as u32;
    let mut settings = dialect.settings(Durability::Atomic);
    for feature in [SINGLE_SERVER_CHANGES, JOINT_CONSENSUS, LEARNERS] {
        (feature.switch_on)(&mut settings);
    }
    Scenario {
        settings,
        network: NetworkKind::Bag,
        prefix,
        bounds: Bounds {
            servers: 4,
            voters: Some(3),
            max_term: 1,
            max_log: 4,
            max_batch: 4,
            campaigns: Some(1),
            appends: Some(sent),
            heartbeats: Some(0),
            drops: Some(0),
            changes: 2,
            ..Bounds::DEFAULT
        },
    }
}

fn elects(scenario: &Scenario) -> Recoverability {
    assert_eq!(scenario.check(), Ok(()));
    let goal = Goal::by_name("elects").expect("a goal");
    let limits = Limits {
        keep_going: true,
        ..Limits::default()
    };
    let answers = recoverability(scenario, &[goal], SPARE_TERMS, &limits, &mut |_| {});
    answers.into_iter().next().expect("an answer")
}

#[test]
fn a_promoted_learner_that_does_not_know_it_is_needed_and_does_not_stand() {
    for prefix in [PROMOTED_APPLIED, SWAPPED_APPLIED] {
        let scenario = scenario(Dialect::EtcdStored, prefix);
        let answer = elects(&scenario);
        assert_eq!(answer.verdict(), Verdict::Violated);
        assert_eq!((answer.end, answer.undetermined), (End::Exhausted, [0; 4]));
        let violation = answer.violation.expect("a violation");
        assert!(violation.is_confirmed());
        assert!(violation.actions.is_empty(), "nothing has to follow");
        assert_eq!(violation.up, [N2, N3, N4].into_iter().collect());
        // A majority of every configuration that anybody has.
        let state = State::initial(&scenario);
        assert!(quorums(&state, &scenario).contains(&violation.up));
        let (members, _) = violation.members(usize::MAX).expect("a run");
        let mut stands = NodeSet::EMPTY;
        for member in &members {
            for (id, server) in member
                .state
                .servers
                .iter()
                .filter(|(id, _)| violation.up.contains(*id))
            {
                assert!(!server.role.is_leader());
                if let Role::Candidate { .. } = server.role {
                    stands.insert(id);
                }
            }
        }
        assert_eq!(stands, [N2, N3].into_iter().collect());
    }
}

#[test]
fn where_it_votes_as_soon_as_it_has_the_entry_it_is_elected() {
    for prefix in [PROMOTED_APPENDED, SWAPPED_APPENDED] {
        let answer = elects(&scenario(Dialect::Paper, prefix));
        assert_eq!(answer.verdict(), Verdict::Holds);
        let up = [N2, N3, N4].into_iter().collect();
        let state = State::initial(&answer.scenario);
        assert!(quorums(&state, &answer.scenario).contains(&up));
    }
}

/// n1, which is alone, adds n2, removes itself and takes a write. n2 has all but
/// the write, and has not heard that the removal is committed.
macro_rules! removed {
    ($($adds:expr),* ; $($ends:expr),*) => {
        &[
            Does(N1, Input::Campaign),
            $($adds,)*
            change(NONE, NONE, FIRST, Transition::Simple),
            Does(N1, Input::Write { number: 1 }),
            Does(N1, append(N2, 2, 1)),
            Arrives(N1, N2, "Append"),
            Arrives(N2, N1, "AppendAck"),
            Does(N1, Input::AdvanceCommit { to: Index(3) }),
            $($ends),*
        ]
    };
}

const ADDED: Deed = change(SECOND, NONE, NONE, Transition::Simple);

static REMOVED_APPLIED: Prefix = removed![
    ADDED,
    Does(N1, Input::AdvanceCommit { to: Index(2) }),
    Does(N1, Input::Apply),
    Does(N1, Input::Apply),
    Does(N1, append(N2, 0, 2)),
    Arrives(N1, N2, "Append"),
    Arrives(N2, N1, "AppendAck");
    Does(N1, Input::Apply)
];

static REMOVED_APPENDED: Prefix = removed![
    Does(N1, Input::AdvanceCommit { to: Index(1) }),
    ADDED,
    Does(N1, append(N2, 0, 2)),
    Arrives(N1, N2, "Append"),
    Arrives(N2, N1, "AppendAck"),
    Does(N1, Input::AdvanceCommit { to: Index(2) });
];

fn of_two(dialect: Dialect, prefix: Prefix) -> Scenario {
    let mut scenario = scenario(dialect, prefix);
    scenario.bounds.servers = 2;
    scenario.bounds.voters = Some(1);
    scenario
}

/// The leader has applied its removal and leads no more, and the other one needs
/// a vote that it does not get (etcd issue 10563).
#[test]
fn a_leader_that_removes_itself_leaves_who_has_not_heard_of_it_alone() {
    let answer = elects(&of_two(Dialect::EtcdStored, REMOVED_APPLIED));
    assert_eq!(answer.verdict(), Verdict::Violated);
    let violation = answer.violation.expect("a violation");
    assert!(violation.is_confirmed() && violation.actions.is_empty());
    assert_eq!(violation.up, NodeSet::first(2));
    let state = violation.start().expect("a run");
    let (left, needs) = (&state.servers[N1], &state.servers[N2]);
    assert!(left.role == Role::Follower && !left.config.contains_voter(N1));
    assert!(left.log.last() > needs.log.last() && needs.commit < Index(3));
    let answer = elects(&of_two(Dialect::Paper, REMOVED_APPENDED));
    assert_eq!(answer.verdict(), Verdict::Holds);
}

/// Alone the other one is a majority of what is committed, and not of what it has
/// in force once it has applied what it knows. So it is not asked to go on alone,
/// whether or not it has applied that.
#[test]
fn who_has_not_heard_of_a_removal_is_not_enough_alone() {
    let scenario = of_two(Dialect::EtcdStored, REMOVED_APPLIED);
    let mut state = State::initial(&scenario);
    assert_eq!(state.servers[N2].applied, Index::ZERO);
    for _ in 0..2 {
        assert_eq!(quorums(&state, &scenario), [NodeSet::first(2)]);
        let (node, input) = (N2, Input::Apply);
        let step = state.next(&Action::Step { node, input }, &scenario);
        state = step.expect("committed").after;
    }
    assert_eq!(quorums(&state, &scenario), [NodeSet::first(2)]);
    assert_eq!(state.servers[N2].config.voters, NodeSet::first(2));
}
