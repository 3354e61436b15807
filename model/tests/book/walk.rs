//! Random walks of the model within bounds, from a seed.

use plimsoll_model::action::{self, Action};
use plimsoll_model::bounds::Bounds;
use plimsoll_model::cluster::{State, Step};
use plimsoll_model::features::{
    CHECK_QUORUM, FLOW_CONTROL, FOLLOWER_READS, Feature, JOINT_CONSENSUS, LEARNERS, LEASE_READS,
    PRE_VOTE, PRE_VOTE_LEADERLESS, RESTART_WAITS, SESSIONS, SINGLE_SERVER_CHANGES, STICKY_LEADER,
};
use plimsoll_model::field::Field;
use plimsoll_model::ids::NodeId;
use plimsoll_model::network::NetworkKind;
use plimsoll_model::rules::Input;
use plimsoll_model::scenario::Scenario;
use plimsoll_model::settings::{Dialect, Durability, LearnsCommit, RemovedLeader, Storage};

/// SplitMix64: a few lines, the same everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// How many scenarios [`scenario`] knows.
pub(crate) const SCENARIOS: usize = 2 * 2 * 3 * 3 * 5;

/// Every combination of dialect, durability, storage contract, network and what
/// is there beyond the core, with every budget open.
pub(crate) fn scenario(number: usize) -> Scenario {
    let dialect = Dialect::ALL[number % 2];
    let durability = [Durability::Atomic, Durability::Deferred][number / 2 % 2];
    let network = [NetworkKind::Set, NetworkKind::Bag, NetworkKind::Ordered][number / 12 % 3];
    let mut settings = dialect.settings(durability);
    settings.storage = [Storage::ParallelAppend, Storage::Sync, Storage::Async][number / 4 % 3];
    let more: [&[Feature]; 5] = [
        &[],
        &[PRE_VOTE, CHECK_QUORUM, STICKY_LEADER, SESSIONS],
        &[PRE_VOTE_LEADERLESS, FOLLOWER_READS, FLOW_CONTROL],
        &[LEASE_READS, RESTART_WAITS, FOLLOWER_READS],
        &[SINGLE_SERVER_CHANGES, JOINT_CONSENSUS, LEARNERS],
    ];
    for feature in more[number / 36 % 5] {
        (feature.switch_on)(&mut settings);
    }
    let etcd = dialect == Dialect::Etcd;
    let changes = settings.changes();
    if changes && network == NetworkKind::Bag {
        settings.removed_leader = RemovedLeader::LeadsOn;
    }
    if network == NetworkKind::Set || (changes && etcd) {
        settings.learns_commit = LearnsCommit::FromVotes;
        settings.snapshot_to_anybody = true;
        settings.leaves_while_handing_over = true;
    }
    Scenario {
        prefix: &[],
        settings,
        network,
        bounds: Bounds {
            servers: if number % 3 == 2 || changes { 4 } else { 3 },
            // The paper's servers start with what storage holds, or read it.
            bootstrap: match (etcd, changes) {
                (true, _) => 2,
                (false, true) => (number / 4 % 2) as u8,
                (false, false) => 0,
            },
            voters: changes.then_some(3),
            changes: 4,
            explicit_leave: true,
            wipes: 1,
            max_term: 5,
            max_log: 5,
            max_messages: Some(12),
            max_batch: 2,
            resend: true,
            partial_writes: true,
            campaigns: None,
            writes: 3,
            reads: 3,
            restarts: 3,
            appends: None,
            heartbeats: None,
            drops: None,
            duplicates: 2,
            transfers: 2,
            drift: 1,
            compactions: 3,
            // Without sessions what is sent again is applied again.
            retries: if settings.sessions > 0 { 2 } else { 0 },
            ..Bounds::default()
        },
    }
}

/// Walks `steps` actions from the initial state. A kind of action is drawn
/// first and then one of the kind, so that the rare is not drowned.
pub(crate) fn walk(
    scenario: &Scenario,
    seed: u64,
    steps: usize,
    visit: impl FnMut(&State, &Action, &Step),
) -> State {
    walk_where(scenario, seed, steps, |_, _| true, visit)
}

/// The same, of the actions that `may` happen.
pub(crate) fn walk_where(
    scenario: &Scenario,
    seed: u64,
    steps: usize,
    may: impl Fn(&State, &Action) -> bool,
    mut visit: impl FnMut(&State, &Action, &Step),
) -> State {
    let mut dice = Dice(seed);
    let mut state = State::initial(scenario);
    let mut actions = Vec::new();
    for _ in 0..steps {
        actions.clear();
        action::enabled(&state, scenario, &mut actions);
        actions.retain(|action| may(&state, action));
        // Where writes are queued, one disk is slow in every other walk: what
        // it has to write is replaced before it is written.
        if scenario.settings.queues_writes() && seed % 2 == 1 && dice.below(8) > 0 {
            actions.retain(|action| !is_write_of(action, NodeId(0)));
        }
        let mut kinds: Vec<_> = actions.iter().map(Action::kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        // An election begins now and then, not at every second step.
        if dice.below(4) > 0 && kinds.len() > 1 {
            kinds.retain(|kind| !matches!(*kind, "campaign" | "restart" | "drop"));
        }
        // What has begun goes on, more often than something new begins.
        let goes_on: [fn(&str) -> bool; 2] = [
            |kind| matches!(kind, "advance-commit" | "apply" | "write-completed"),
            |kind| kind.starts_with("receive") || kind.starts_with("count"),
        ];
        for more in goes_on {
            if dice.below(3) == 0 && kinds.iter().any(|kind| more(kind)) {
                kinds.retain(|kind| more(kind));
            }
        }
        if kinds.is_empty() {
            continue;
        }
        let kind = *dice.pick(&kinds);
        actions.retain(|action| action.kind() == kind);
        let action = dice.pick(&actions).clone();
        let Ok(step) = state.next(&action, scenario) else {
            continue;
        };
        if !step.after.within(scenario) {
            continue;
        }
        visit(&state, &action, &step);
        state = step.after;
    }
    state
}

/// Whether `action` completes a write of `id`.
fn is_write_of(action: &Action, id: NodeId) -> bool {
    matches!(action, Action::Step { node, input: Input::WriteCompleted } if *node == id)
}

/// A state `steps` actions away from the initial one.
pub(crate) fn reached(number: usize, seed: u64, steps: usize) -> (Scenario, State) {
    let scenario = scenario(number % SCENARIOS);
    let state = walk(&scenario, seed, steps, |_, _, _| {});
    (scenario, state)
}

/// Reads a value back from its bytes, all of them.
pub(crate) fn unpacked<T: Field>(mut bytes: &[u8]) -> T {
    let value = T::unpack(&mut bytes).expect("packed bytes unpack");
    assert!(bytes.is_empty(), "{} bytes are left", bytes.len());
    value
}

mod tests {
    use super::*;
    use plimsoll_model::properties::{self, Check, Finding, StepView};
    use plimsoll_model::rules::Branch;
    use std::collections::BTreeSet;

    /// What the other tests rest on: the walks go everywhere, and nowhere that
    /// breaks the invariants of a server or a property.
    #[test]
    fn walks_take_every_branch_and_break_nothing() {
        let (mut branches, mut kinds) = (BTreeSet::new(), BTreeSet::new());
        let mut judged = [0u32; properties::ALL.len()];
        for number in 0..SCENARIOS {
            let scenario = scenario(number);
            for seed in 0..40 {
                walk(&scenario, seed, 150, |before, action, step| {
                    kinds.insert(action.kind());
                    branches.extend(step.outcome.map(|outcome| outcome.branch));
                    for (_, server) in step.after.servers.iter() {
                        assert!(server.check(), "scenario {number} seed {seed}: {server:#?}");
                    }
                    let view = StepView {
                        before,
                        action,
                        step,
                    };
                    for (i, property) in properties::ALL.iter().enumerate() {
                        let finding = match property.check {
                            Check::State(check) => check(&step.after, &scenario),
                            Check::Step(check) => check(&view, &scenario),
                        };
                        assert_ne!(
                            finding,
                            Finding::Broken,
                            "{} in scenario {number} seed {seed} after {action}",
                            property.name
                        );
                        judged[i] += u32::from(finding == Finding::Holds);
                    }
                });
            }
        }
        let missed: Vec<_> = Branch::ALL
            .into_iter()
            .filter(|b| !branches.contains(b) && !b.is_flawed())
            .collect();
        assert!(missed.is_empty(), "no walk took {missed:?}");
        assert_eq!(kinds.len(), Action::KINDS.len(), "only {kinds:?}");
        for (property, judged) in properties::ALL.iter().zip(judged) {
            assert!(judged > 100, "{} judged {judged} times", property.name);
        }
    }

    #[test]
    fn a_seed_decides_a_walk() {
        let (_, one) = reached(5, 7, 80);
        let (_, two) = reached(5, 7, 80);
        assert_eq!(one, two);
        let (_, other) = reached(5, 8, 80);
        assert_ne!(one, other);
    }
}
