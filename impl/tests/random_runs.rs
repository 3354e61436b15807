//! proptest drives the simulator: whatever the faults, what must hold between
//! nodes and for clients holds (`sim/checks.rs`, `sim/witness.rs`, and the
//! assertions in the core).

mod common;

use common::runs::{assert_held, run};
use plimsoll_raft::sim::Plan;
use proptest::prelude::*;

fn plans() -> impl Strategy<Value = Plan> {
    let shape = (any::<u64>(), 1..=5_u32, 500..5000_u64);
    let network = (0.0..0.3, 0.0..0.3, 0.0..0.2, 1..60_u64, any::<bool>());
    let faults = (0.0..0.8, any::<bool>(), 0.0..0.8, 0..=3_u32);
    let clients = (0..6_u32, 0.0..1.0, 1..4_u32, 0..3_u32, 1..80_u64);
    let pace = (1..30_u64, 1..5_u32, 1..4_u32);
    let often = || prop_oneof![Just(0.0), 0.0..0.6];
    let orders = (often(), often(), 0..3_u32, prop_oneof![Just(0), 1..30_u64]);
    let features = (any::<[bool; 6]>(), orders);
    let all = (shape, network, faults, clients, pace, features);
    all.prop_map(|(shape, network, faults, clients, pace, features)| {
        let (on, (transfers, changes, joiners, snapshot_every)) = features;
        let [
            pre_vote,
            check_quorum,
            follower_reads,
            joint,
            learners,
            async_storage,
        ] = on;
        let (seed, nodes, steps) = shape;
        let (drop, duplicate, slow, delay_max, reorder) = network;
        let (partitions, one_way, crashes, down_max) = faults;
        let (clients, reads, keys, write_retries, think_max) = clients;
        let (sync_max, append_entries_max, appends_in_flight_max) = pace;
        Plan {
            seed,
            nodes,
            steps,
            drop,
            duplicate,
            slow,
            delay_max,
            reorder,
            partitions,
            one_way,
            crashes,
            down_max: Some(down_max.min(nodes)),
            clients,
            reads,
            keys,
            write_retries,
            think_max,
            sync_max,
            append_entries_max,
            appends_in_flight_max,
            pre_vote,
            check_quorum,
            follower_reads,
            snapshot_every,
            transfers,
            changes,
            joint,
            learners,
            async_storage,
            joiners: joiners.min(nodes - 1),
            ..Plan::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_property_holds_whatever_the_faults(plan in plans()) {
        let outcome = run(&plan);
        assert_held(&plan, &outcome);
        let alone = plan.voters() == 1 || plan.changes > 0.0;
        let idle = alone && plan.clients == 0;
        prop_assert!(outcome.summary.steps == plan.steps || idle, "{}", plan.command());
    }

    #[test]
    fn every_operation_ends_once_and_begins_before(plan in plans()) {
        use plimsoll_raft::sim::history::Phase;
        let outcome = run(&plan);
        let mut open = std::collections::BTreeMap::new();
        let mut unknown = std::collections::BTreeSet::new();
        let mut time = 0;
        for event in &outcome.history {
            let client = event.op.client;
            prop_assert!(event.time >= time, "time goes back; {}", plan.command());
            time = event.time;
            prop_assert!(!unknown.contains(&client), "heard again; {}", plan.command());
            let before = match event.phase {
                Phase::Invoke => open.insert(client, event.op),
                Phase::Ok | Phase::Info | Phase::Fail => {
                    let begun = open.remove(&client);
                    prop_assert_eq!(begun, Some(event.op), "{}", plan.command());
                    None
                }
            };
            prop_assert_eq!(before, None, "two at once; {}", plan.command());
            if event.phase == Phase::Info {
                unknown.insert(client);
            }
        }
        prop_assert!(open.is_empty(), "never ended; {}", plan.command());
    }
}

/// The runs above prove nothing if nothing happens in them.
#[test]
fn faults_happen_and_progress_is_made_all_the_same() {
    let mut sum = plimsoll_raft::sim::Summary::default();
    for seed in 1..=20 {
        let plan = Plan {
            seed,
            nodes: 3 + u32::try_from(seed % 3).expect("small"),
            steps: 5000,
            drop: 0.05,
            duplicate: 0.05,
            reorder: true,
            partitions: 0.3,
            one_way: true,
            crashes: 0.3,
            write_retries: 1,
            ..Plan::default()
        };
        let outcome = run(&plan);
        assert_held(&plan, &outcome);
        let summary = outcome.summary;
        assert!(summary.elections_won > 1, "{}", plan.command());
        assert!(summary.writes_ok > 10, "{}", plan.command());
        assert!(summary.reads_ok > 5, "{}", plan.command());
        sum.truncated += summary.truncated;
        sum.writes_lost += summary.writes_lost;
        sum.writes_torn += summary.writes_torn;
        sum.writes_repeated += summary.writes_repeated;
        sum.partitions += summary.partitions;
        sum.messages_lost += summary.messages_lost;
        sum.messages_duplicated += summary.messages_duplicated;
        sum.unknown += summary.unknown;
    }
    for (what, count) in [
        ("entries cut off", sum.truncated),
        ("writes lost", sum.writes_lost),
        ("writes torn", sum.writes_torn),
        ("writes repeated", sum.writes_repeated),
        ("partitions", sum.partitions),
        ("messages lost", sum.messages_lost),
        ("messages duplicated", sum.messages_duplicated),
        ("operations of unknown outcome", sum.unknown),
    ] {
        assert!(count >= 20, "{count} {what}");
    }
}

/// The same of the features.
#[test]
fn features_are_used_and_progress_is_made_all_the_same() {
    let mut sum = plimsoll_raft::sim::Summary::default();
    for seed in 1..=20 {
        let plan = Plan {
            seed,
            nodes: 5,
            joiners: 2,
            steps: 5000,
            drop: 0.03,
            partitions: 0.1,
            crashes: 0.1,
            pre_vote: seed % 2 == 0,
            check_quorum: seed % 3 != 0,
            follower_reads: true,
            snapshot_every: 5,
            transfers: 0.1,
            changes: 0.3,
            joint: true,
            learners: true,
            async_storage: seed % 4 == 0,
            ..Plan::default()
        };
        let outcome = run(&plan);
        assert_held(&plan, &outcome);
        let summary = outcome.summary;
        assert!(summary.writes_ok > 5, "{}", plan.command());
        sum.reads_ok += summary.reads_ok;
        sum.pre_elections += summary.pre_elections;
        sum.quorums_lost += summary.quorums_lost;
        sum.transfers += summary.transfers;
        sum.changes += summary.changes;
        sum.compactions += summary.compactions;
        sum.snapshots_installed += summary.snapshots_installed;
    }
    for (what, count) in [
        ("reads", sum.reads_ok),
        ("times asked first", sum.pre_elections),
        ("leaders that heard no majority", sum.quorums_lost),
        ("transfers", sum.transfers),
        ("changes", sum.changes),
        ("logs compacted", sum.compactions),
        ("snapshots installed", sum.snapshots_installed),
    ] {
        assert!(count >= 20, "{count} {what}");
    }
}

#[test]
fn without_faults_every_operation_is_done() {
    for nodes in [1, 2, 3, 4, 5] {
        let plan = Plan {
            nodes,
            seed: 7,
            ..Plan::default()
        };
        let outcome = run(&plan);
        assert_held(&plan, &outcome);
        let summary = outcome.summary;
        assert_eq!(summary.elections_won, 1, "{}", plan.command());
        // The last operation of each client may be under way at the end.
        let ended = summary.writes_ok + summary.reads_ok;
        let begun = summary.writes + summary.reads;
        assert!(begun - ended <= 3, "{}", plan.command());
        assert!(ended > 50, "{}", plan.command());
    }
}
