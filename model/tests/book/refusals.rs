//! Refusals: a refused step changes nothing, every refusal explains itself, and
//! the list of enabled actions forgets nothing that a rule would do.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::action::{self, Action};
use plimsoll_model::cluster::State;
use plimsoll_model::config::{Change, Config, Transition};
use plimsoll_model::ids::{Index, NodeId, NodeSet, Position, ReadId, Term};
use plimsoll_model::log::{Batch, Entry, InlineLog, Log, Payload};
use plimsoll_model::message::{Body, Message, Messages};
use plimsoll_model::refusal::Refusal;
use plimsoll_model::rules::{Branch, Input, step};
use plimsoll_model::scenario::Scenario;
use plimsoll_model::server::Server;
use plimsoll_model::settings::{RemovedLeader, Settings, TakesEffect};
use plimsoll_model::storage::{Part, Survival};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::golden;
use crate::walk::{Dice, SCENARIOS, reached, scenario, walk_where};

fn node() -> impl Strategy<Value = NodeId> {
    (0..5u8).prop_map(NodeId)
}

/// Mostly near to what a walk reaches, now and then absurd.
fn index() -> impl Strategy<Value = Index> {
    prop_oneof![9 => 0..8u64, 1 => Just(u64::MAX)].prop_map(Index)
}

fn position() -> impl Strategy<Value = Position> {
    (index(), 0..6u64).prop_map(|(index, term)| Position::new(index, Term(term)))
}

fn context() -> impl Strategy<Value = Option<ReadId>> {
    prop::option::of((1..4u32).prop_map(|number| ReadId { number }))
}

fn round() -> impl Strategy<Value = Option<u32>> {
    prop::option::of(1..4u32)
}

fn batch() -> impl Strategy<Value = Batch> {
    entries(3)
}

/// Fewer entries than `end`, in the order of their terms.
fn entries(end: usize) -> impl Strategy<Value = Batch> {
    let entry = (1..6u64, 0..3u32).prop_map(|(term, number)| Entry {
        term: Term(term),
        payload: match number {
            0 => Payload::Noop,
            number => Payload::Write { number },
        },
    });
    prop::collection::vec(entry, 0..end).prop_map(|mut entries| {
        entries.sort();
        entries.into_iter().collect()
    })
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        plain_body(),
        (plain_body(), position()).prop_map(|(body, commit)| body.telling(commit)),
    ]
}

fn plain_body() -> impl Strategy<Value = Body> {
    prop_oneof![
        (position(), any::<bool>()).prop_map(|(last, forced)| Body::RequestVote { last, forced }),
        position().prop_map(|last| Body::RequestPreVote { last }),
        any::<bool>().prop_map(|granted| Body::PreVote { granted }),
        Just(Body::TimeoutNow),
        (1..4u32).prop_map(|number| Body::RequestRead {
            read: ReadId { number },
        }),
        (1..4u32, index()).prop_map(|(number, index)| Body::ReadIndex {
            read: ReadId { number },
            index,
        }),
        any::<bool>().prop_map(|granted| Body::Vote { granted }),
        (position(), batch(), index(), context(), round()).prop_map(
            |(prev, entries, commit, context, round)| {
                Body::Append {
                    prev,
                    entries,
                    commit,
                    context,
                    round,
                    joined: Index::ZERO,
                }
            }
        ),
        (any::<bool>(), index(), context(), round(), 0..3u64).prop_map(
            |(reject, index, context, round, joined)| {
                Body::AppendAck {
                    reject,
                    index,
                    hint: None,
                    context,
                    round,
                    joined: Index(joined),
                }
            }
        ),
        (index(), context(), round()).prop_map(|(commit, context, round)| Body::Heartbeat {
            commit,
            context,
            round
        }),
        (context(), round()).prop_map(|(context, round)| Body::HeartbeatAck { context, round }),
        snapshot(),
    ]
}

fn servers() -> impl Strategy<Value = NodeSet> {
    (0..32u64).prop_map(NodeSet)
}

/// Mostly of one server or two, now and then absurd.
fn change() -> impl Strategy<Value = Change> {
    let transition = prop_oneof![
        3 => Just(Transition::Simple),
        3 => any::<bool>().prop_map(|auto_leave| Transition::Joint { auto_leave }),
        1 => Just(Transition::Leave),
    ];
    let one = || {
        prop_oneof![
            3 => Just(NodeSet::EMPTY),
            3 => node().prop_map(|id| NodeSet::EMPTY.with(id)),
            1 => servers(),
        ]
    };
    (one(), one(), one(), transition).prop_map(|(voters, learners, removed, transition)| Change {
        voters,
        learners,
        removed,
        transition,
    })
}

fn snapshot() -> impl Strategy<Value = Body> {
    (entries(8), 0..16u64).prop_map(|(state, config)| Body::InstallSnapshot {
        last: Position::new(
            Index(state.len() as u64),
            state.last().map_or(Term(0), |entry| entry.term),
        ),
        config: Config::of(NodeSet(config)),
        state,
        joined: Index::ZERO,
    })
}

fn survival() -> impl Strategy<Value = Survival> {
    prop_oneof![
        Just(Survival::Nothing),
        (prop::option::of(index()), any::<bool>())
            .prop_map(|(kept, commit)| Survival::Written { kept, commit }),
        Just(Survival::VoteCleared),
        (0..4u32, part()).prop_map(|(writes, part)| Survival::Queued { writes, part }),
        (0..3u32, 0..3u32).prop_map(|(states, logs)| Survival::Stores { states, logs }),
        Just(Survival::NewestLost),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        Just(Part::Nothing),
        (prop::option::of(index()), any::<bool>())
            .prop_map(|(kept, commit)| Part::Ordered { kept, commit }),
        Just(Part::Term),
        Just(Part::Vote),
        index().prop_map(|kept| Part::Log { kept }),
        index().prop_map(|kept| Part::Overwritten { kept }),
    ]
}

/// Any input at all, addressed to `to` where it is a message.
fn input() -> impl Strategy<Value = Input> {
    let read = (0..4u32).prop_map(|number| ReadId { number });
    prop_oneof![
        2 => Just(Input::Campaign),
        4 => (node(), 0..6u64, body()).prop_map(|(from, term, body)| Input::Receive {
            message: Message { from, to: NodeId(0), term: Term(term), body },
        }),
        1 => (0..9u32).prop_map(|number| Input::Write { number }),
        1 => (0..9u32).prop_map(|number| Input::Retry { number }),
        2 => (node(), index(), 0..4u8)
            .prop_map(|(to, after, count)| Input::SendAppend { to, after, count: count.into() }),
        2 => node().prop_map(|to| Input::SendHeartbeat { to }),
        2 => index().prop_map(|to| Input::AdvanceCommit { to }),
        1 => Just(Input::Apply),
        1 => read.clone().prop_map(|read| Input::BeginRead { read }),
        2 => read.prop_map(|read| Input::ReleaseRead { read }),
        1 => Just(Input::WriteCompleted),
        1 => Just(Input::CountOwnVote),
        2 => index().prop_map(|to| Input::CountOwnEntries { to }),
        3 => survival().prop_map(|survival| Input::Restart { survival }),
        1 => Just(Input::LoseLeader),
        1 => Just(Input::CheckQuorum),
        1 => node().prop_map(|to| Input::Transfer { to }),
        2 => node().prop_map(|to| Input::SendTimeoutNow { to }),
        1 => Just(Input::AbortTransfer),
        1 => Just(Input::Tick),
        4 => change().prop_map(|change| Input::Change { change }),
        2 => Just(Input::LeaveJoint),
        1 => Just(Input::Wipe),
        2 => index().prop_map(|to| Input::Compact { to }),
        2 => node().prop_map(|to| Input::SendSnapshot { to }),
    ]
}

/// Hands `input` to `server`; a refusal must change nothing and say nothing.
fn try_step(
    server: &Server<InlineLog>,
    input: &Input,
    settings: &Settings,
) -> Result<Server<InlineLog>, Refusal> {
    let (mut after, mut out) = (server.clone(), Messages::new());
    match step(&mut after, input, settings, &mut out) {
        Ok(_) => Ok(after),
        Err(refusal) => {
            assert_eq!(after, *server, "changed and refused: {refusal}");
            assert!(out.is_empty(), "said {out:?} and refused: {refusal}");
            Err(refusal)
        }
    }
}

/// The place of a refusal in [`every_refusal`]. No wildcard: a new refusal
/// does not compile before it has a place.
fn place(refusal: &Refusal) -> usize {
    match refusal {
        Refusal::VoteUsed { .. } => 0,
        Refusal::LeaderKnown { .. } => 1,
        Refusal::LogBehind { .. } => 2,
        Refusal::StaleTerm { .. } => 3,
        Refusal::NotAsking { .. } => 4,
        Refusal::SecondLeader { .. } => 5,
        Refusal::AlreadyLeader { .. } => 6,
        Refusal::NotAVoter { .. } => 7,
        Refusal::UnappliedConfiguration { .. } => 8,
        Refusal::NotLeader { .. } => 9,
        Refusal::NotAPeer { .. } => 10,
        Refusal::NoSuchMessage { .. } => 11,
        Refusal::PastTheEnd { .. } => 12,
        Refusal::NoMatch { .. } => 13,
        Refusal::CommittedAlready { .. } => 14,
        Refusal::EarlierTerm { .. } => 15,
        Refusal::NoQuorum { .. } => 16,
        Refusal::NothingToApply { .. } => 17,
        Refusal::NoOwnCommit { .. } => 18,
        Refusal::NoSuchRead { .. } => 19,
        Refusal::Unconfirmed { .. } => 20,
        Refusal::NotDurable { .. } => 21,
        Refusal::OwnVoteNotDurable { .. } => 22,
        Refusal::NothingToWrite { .. } => 23,
        Refusal::NeverWritten { .. } => 24,
        Refusal::DurableIsKept { .. } => 25,
        Refusal::LeaderHeard { .. } => 26,
        Refusal::HandingOver { .. } => 27,
        Refusal::NotHandingOver { .. } => 28,
        Refusal::TargetBehind { .. } => 29,
        Refusal::QuorumLost { .. } => 30,
        Refusal::NoReadIndex { .. } => 31,
        Refusal::NotApplied { .. } => 32,
        Refusal::NotNext { .. } => 38,
        Refusal::Waits { .. } => 39,
        Refusal::NotPromised { .. } => 33,
        Refusal::NoLease { .. } => 34,
        Refusal::NoTimer { .. } => 35,
        Refusal::TimeoutRuns { .. } => 36,
        Refusal::ClockAhead { .. } => 37,
        Refusal::NoSuchChange { .. } => 38,
        Refusal::ChangePending { .. } => 39,
        Refusal::ChangeBeforeOwnCommit { .. } => 40,
        Refusal::Joint { .. } => 41,
        Refusal::NoAutoLeave { .. } => 42,
        Refusal::UnfitChange { .. } => 43,
        Refusal::ConfigurationNotInLog { .. } => 44,
        Refusal::EarlierMembership { .. } => 45,
        Refusal::Compacted { .. } => 46,
        Refusal::Unapplied { .. } => 47,
        Refusal::StillInLog { .. } => 48,
        Refusal::SnapshotBehind { .. } => 49,
        Refusal::NotInSnapshot { .. } => 50,
        Refusal::NotAMember { .. } => 51,
    }
}

/// One of each kind, in the order of [`place`]; where the text has two forms,
/// both.
fn every_refusal() -> Vec<Refusal> {
    let (node, other, third) = (NodeId(0), NodeId(1), NodeId(2));
    let (term, index) = (Term(4), Index(7));
    let read = ReadId { number: 3 };
    let config = Config::of(NodeSet::first(3));
    let joint = config.after(&Change {
        removed: NodeSet::EMPTY.with(other),
        transition: Transition::Joint { auto_leave: false },
        ..Change::joins(NodeSet::EMPTY.with(NodeId(3)))
    });
    let at = |index, term| Position::new(Index(index), Term(term));
    vec![
        Refusal::VoteUsed {
            node,
            term,
            given_to: other,
            candidate: third,
        },
        Refusal::LeaderKnown {
            node,
            term,
            leader: other,
        },
        Refusal::LogBehind {
            node,
            own: at(5, 3),
            candidate: at(6, 2),
        },
        Refusal::StaleTerm {
            node,
            term,
            message: Term(3),
        },
        Refusal::NotAsking { node, term },
        Refusal::SecondLeader { node, other, term },
        Refusal::AlreadyLeader { node, term },
        Refusal::NotAVoter {
            node: NodeId(3),
            config,
        },
        Refusal::NotAVoter {
            node,
            config: Config::UNKNOWN,
        },
        Refusal::UnappliedConfiguration { node, index },
        Refusal::NotLeader { node, term },
        Refusal::NotAPeer {
            node,
            to: NodeId(3),
        },
        Refusal::NoSuchMessage { node },
        Refusal::PastTheEnd {
            node,
            index,
            last: Index(5),
        },
        Refusal::NoMatch {
            node,
            prev: at(5, 3),
            have: Some(Term(2)),
        },
        Refusal::NoMatch {
            node,
            prev: at(5, 3),
            have: None,
        },
        Refusal::CommittedAlready {
            node,
            index,
            commit: Index(8),
        },
        Refusal::EarlierTerm {
            node,
            entry: at(7, 2),
            term,
        },
        Refusal::NoQuorum {
            node,
            index,
            holders: NodeSet::first(1),
            config,
        },
        Refusal::NothingToApply {
            node,
            commit: Index(8),
        },
        Refusal::NoOwnCommit {
            node,
            term,
            commit: at(7, 3),
        },
        Refusal::NoSuchRead { node, read },
        Refusal::Unconfirmed {
            node,
            read,
            acks: NodeSet::first(1),
            config,
        },
        Refusal::NotDurable {
            node,
            durable: Index(5),
            index,
        },
        Refusal::OwnVoteNotDurable {
            node,
            term,
            durable: Term(3),
        },
        Refusal::NothingToWrite { node },
        Refusal::NeverWritten { node },
        Refusal::DurableIsKept { node },
        Refusal::LeaderHeard { node, term },
        Refusal::HandingOver { node, to: other },
        Refusal::NotHandingOver { node, to: other },
        Refusal::TargetBehind {
            node,
            to: other,
            matched: Index(5),
            last: index,
        },
        Refusal::QuorumLost {
            node,
            active: NodeSet::first(1),
            config,
        },
        Refusal::NoReadIndex { node, read },
        Refusal::NotApplied {
            node,
            read,
            index,
            applied: Index(5),
        },
        Refusal::NotPromised { node },
        Refusal::NotNext {
            node,
            to: other,
            after: Index(5),
            next: index,
        },
        Refusal::Waits { node, to: other },
        Refusal::NoLease { node, term },
        Refusal::NoTimer { node },
        Refusal::TimeoutRuns {
            node,
            waited: 1,
            timeout: 3,
        },
        Refusal::ClockAhead {
            node,
            leader: other,
            round: 1,
        },
        Refusal::NoSuchChange { node },
        Refusal::ChangePending {
            node,
            index,
            upto: Index(5),
        },
        Refusal::ChangeBeforeOwnCommit {
            node,
            term,
            commit: at(6, 3),
        },
        Refusal::Joint { node, config },
        Refusal::Joint {
            node,
            config: joint,
        },
        Refusal::NoAutoLeave { node, config },
        Refusal::UnfitChange {
            node,
            config,
            next: Config::of(NodeSet::first(5)),
        },
        Refusal::ConfigurationNotInLog { node, config },
        Refusal::EarlierMembership {
            node,
            from: other,
            joined: index,
        },
        Refusal::Compacted {
            node,
            index: Index(3),
            base: Index(5),
        },
        Refusal::Unapplied {
            node,
            index,
            applied: Index(5),
        },
        Refusal::StillInLog {
            node,
            to: other,
            matched: Index(5),
            base: Index(3),
        },
        Refusal::SnapshotBehind {
            node,
            last: at(5, 3),
            known: Index(6),
        },
        Refusal::NotInSnapshot {
            node: NodeId(3),
            config,
        },
        Refusal::NotAMember {
            node: NodeId(3),
            config,
        },
    ]
}

fn name(refusal: &Refusal) -> String {
    let text = format!("{refusal:?}");
    text.split([' ', '{']).next().unwrap_or_default().to_owned()
}

#[test]
fn every_refusal_says_what_and_names_a_rule_a_section_and_the_file_that_refuses() {
    let mut places = BTreeSet::new();
    let mut listing = String::new();
    for refusal in every_refusal() {
        places.insert(place(&refusal));
        let (rule, name) = (refusal.rule(), name(&refusal));
        assert!(!rule.name.is_empty() && !rule.section.is_empty());
        assert!(refusal.to_string().len() > 10, "{name} says nothing");
        let source = std::fs::read_to_string(golden::root().join(rule.file));
        let source = source.unwrap_or_else(|error| panic!("{}: {error}", rule.file));
        assert!(
            source.contains(&format!("Refusal::{name}")),
            "{} is not the file that refuses with {name}",
            rule.file
        );
        listing += &format!(
            "{name}\n  {refusal}\n  rule {} ({}) {}\n\n",
            rule.name, rule.section, rule.file
        );
    }
    let all: BTreeSet<_> = (0..places.len()).collect();
    assert_eq!(places, all, "a refusal is missing from the list");
    golden::hold("model/tests/refusals.txt", &listing);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_refused_step_leaves_the_server_as_it_was(
        number in 0..SCENARIOS,
        seed in any::<u64>(),
        steps in 0..120usize,
        inputs in prop::collection::vec(input(), 1..30),
    ) {
        let (scenario, state) = reached(number, seed, steps);
        for (_, server) in state.servers.iter() {
            for input in &inputs {
                // What comes of it is judged elsewhere.
                let _ = try_step(server, input, &scenario.settings);
            }
        }
    }
}

/// The test above is no proof if the inputs never provoke some refusal.
#[test]
fn random_inputs_provoke_every_refusal() {
    let mut provoked: BTreeMap<usize, Refusal> = BTreeMap::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let inputs = prop::collection::vec(input(), 40);
    for number in 0..SCENARIOS {
        for seed in 0..35 {
            let (scenario, state) = reached(number, seed, 5 * seed as usize);
            let inputs = inputs.new_tree(&mut runner).expect("inputs").current();
            for (node, server) in state.servers.iter() {
                // What the environment refuses, no rule sees.
                let input = Input::Tick;
                if let Err(Some(refusal)) = state.next(&Action::Step { node, input }, &scenario) {
                    provoked.entry(place(&refusal)).or_insert(refusal);
                }
                for input in &inputs {
                    let (mut after, mut out) = (server.clone(), Messages::new());
                    let why = match step(&mut after, input, &scenario.settings, &mut out) {
                        Ok(outcome) => outcome.reason,
                        Err(refusal) => Some(refusal),
                    };
                    if let Some(refusal) = why {
                        provoked.entry(place(&refusal)).or_insert(refusal);
                    }
                }
            }
        }
    }
    provoke_removed_leaders(&mut provoked);
    let all = every_refusal();
    let missed: Vec<_> = all
        .iter()
        .filter(|refusal| !provoked.contains_key(&place(refusal)))
        .collect();
    assert!(missed.is_empty(), "never provoked: {missed:?}");
}

/// Leaders that have applied their own removal and lead on are rare where any
/// change may be asked for: here leaders remove themselves.
fn provoke_removed_leaders(provoked: &mut BTreeMap<usize, Refusal>) {
    let of_itself = |_: &State, action: &Action| match action {
        Action::Step {
            node,
            input: Input::Change { change },
        } => change.removed.contains(*node) && change.transition == Transition::Simple,
        _ => true,
    };
    let leads_on = |scenario: &Scenario| {
        scenario.settings.changes()
            && scenario.settings.removed_leader == RemovedLeader::LeadsOn
            && scenario.settings.takes_effect == TakesEffect::Applied
    };
    for scenario in (0..SCENARIOS).map(scenario).filter(leads_on) {
        for seed in 0..20 {
            walk_where(&scenario, seed, 150, of_itself, |_, action, taken| {
                let Action::Step { node, .. } = action else {
                    return;
                };
                let (mut after, mut out) = (taken.after.server(*node).clone(), Messages::new());
                let write = Input::Write { number: 9 };
                let refused = step(&mut after, &write, &scenario.settings, &mut out);
                if let Err(refusal @ Refusal::NotAMember { .. }) = refused {
                    provoked.entry(place(&refusal)).or_insert(refusal);
                }
            });
        }
    }
}

/// Every input without a budget that a server could get.
fn unbudgeted(scenario: &Scenario) -> Vec<Input> {
    let mut all = vec![
        Input::Campaign,
        Input::Apply,
        Input::WriteCompleted,
        Input::CountOwnVote,
        Input::LoseLeader,
        Input::CheckQuorum,
        Input::AbortTransfer,
        Input::Tick,
        Input::LeaveJoint,
    ];
    let indexes = || (0..9).map(Index);
    all.extend(indexes().map(|to| Input::AdvanceCommit { to }));
    all.extend(indexes().map(|to| Input::CountOwnEntries { to }));
    all.extend((0..9).map(|number| Input::ReleaseRead {
        read: ReadId { number },
    }));
    for to in NodeSet::first(usize::from(scenario.bounds.servers) + 1).iter() {
        all.push(Input::SendHeartbeat { to });
        all.push(Input::SendTimeoutNow { to });
        all.push(Input::SendSnapshot { to });
        for after in indexes().skip(usize::from(scenario.bounds.bootstrap)) {
            let counts = 0..=scenario.bounds.max_batch;
            all.extend(counts.map(|count| Input::SendAppend { to, after, count }));
        }
    }
    all.push(Input::Restart {
        survival: Survival::Nothing,
    });
    for kept in std::iter::once(None).chain(indexes().map(Some)) {
        for commit in [false, true] {
            all.push(Input::Restart {
                survival: Survival::Written { kept, commit },
            });
            for writes in 0..4 {
                for part in [Part::Nothing, Part::Ordered { kept, commit }] {
                    all.push(Input::Restart {
                        survival: Survival::Queued { writes, part },
                    });
                }
            }
        }
    }
    for survival in [Survival::VoteCleared, Survival::NewestLost] {
        all.push(Input::Restart { survival });
    }
    all
}

/// What the checker does not list it does not explore. So whatever a rule
/// accepts must be listed, or lead where something listed leads.
#[test]
fn whatever_a_rule_accepts_is_listed_as_enabled() {
    let mut accepted = 0;
    for number in 0..SCENARIOS {
        for seed in 0..20 {
            let (mut scenario, state) = reached(number, 1000 + seed, 8 * seed as usize);
            scenario.bounds.restarts = 99;
            let mut listed = Vec::new();
            action::enabled(&state, &scenario, &mut listed);
            let leads_to = |action: &Action| state.next(action, &scenario).ok().map(|s| s.after);
            for (node, server) in state.servers.iter() {
                let successors: Vec<State> = listed
                    .iter()
                    .filter(|a| matches!(a, Action::Step { node: n, .. } if *n == node))
                    .filter_map(leads_to)
                    .collect();
                for input in unbudgeted(&scenario) {
                    if try_step(server, &input, &scenario.settings).is_err() {
                        continue;
                    }
                    accepted += 1;
                    let action = Action::Step { node, input };
                    let after = match state.next(&action, &scenario) {
                        Ok(step) => step.after,
                        // The rule accepts it and the environment does not.
                        Err(Some(Refusal::ClockAhead { .. })) => continue,
                        Err(refusal) => panic!("the rule accepts {action}: {refusal:?}"),
                    };
                    assert!(
                        listed.contains(&action) || successors.contains(&after),
                        "scenario {number} seed {seed}: {action} is not listed"
                    );
                }
            }
        }
    }
    assert!(accepted > 5_000, "only {accepted} were accepted");
}

/// Atomic durability is no other Raft: each of its steps is a run of deferred
/// durability, in which the write completes and the own acknowledgements are
/// counted at once.
#[test]
fn an_atomic_step_is_a_run_of_deferred_steps() {
    use plimsoll_model::settings::Durability;
    let mut dice = Dice(11);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let inputs = prop::collection::vec(input(), 60);
    let mut steps = 0;
    for number in 0..SCENARIOS {
        let (scenario, _) = reached(number, 0, 0);
        if scenario.settings.durability != Durability::Atomic {
            continue;
        }
        let atomic = scenario.settings;
        let deferred = Settings {
            durability: Durability::Deferred,
            ..atomic
        };
        for _ in 0..20 {
            let length = dice.below(100);
            let (_, state) = reached(number, dice.roll(), length);
            let inputs = inputs.new_tree(&mut runner).expect("inputs").current();
            for (_, server) in state.servers.iter() {
                for input in &inputs {
                    steps += u32::from(same_as_deferred(server, input, &atomic, &deferred));
                }
            }
        }
    }
    assert!(steps > 5_000, "only {steps} steps");
}

/// Compares one atomic step with the deferred steps it stands for; says whether
/// the rule accepts the input.
fn same_as_deferred(
    server: &Server<InlineLog>,
    input: &Input,
    atomic: &Settings,
    deferred: &Settings,
) -> bool {
    let (mut at_once, mut said) = (server.clone(), Messages::new());
    let outcome = step(&mut at_once, input, atomic, &mut said);
    let (mut later, mut left) = (server.clone(), Messages::new());
    let mut then = |input: &Input| {
        let outcome = step(&mut later, input, deferred, &mut left);
        outcome.map(|outcome| (outcome.branch, later.log.last_index()))
    };
    let Ok((_, mut to)) = then(input) else {
        assert!(outcome.is_err(), "refused only when deferred: {input:?}");
        return false;
    };
    assert!(outcome.is_ok(), "refused only at once: {input:?}");
    // Refused where nothing is to be written or counted.
    let _ = then(&Input::WriteCompleted);
    if let Ok((Branch::BecameLeader, last)) = then(&Input::CountOwnVote) {
        let _ = then(&Input::WriteCompleted);
        to = last;
    }
    let _ = then(&Input::CountOwnEntries { to });
    assert_eq!(at_once, later, "{input:?}");
    said.sort();
    left.sort();
    assert_eq!(said, left, "{input:?}");
    true
}
