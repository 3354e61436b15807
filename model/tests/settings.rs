//! Any combination of settings is explored without a panic: who sets them one by
//! one may ask for what no dialect and no preset has.

use plimsoll_model::action;
use plimsoll_model::bounds::Bounds;
use plimsoll_model::cluster::State;
use plimsoll_model::network::NetworkKind;
use plimsoll_model::scenario::Scenario;
use plimsoll_model::settings::{Dialect, Durability, Promise, Settings};
use proptest::prelude::*;

/// Every setting with values that it takes.
const VALUES: [(&str, &[&str]); 29] = [
    ("heartbeat", &["empty-append", "separate"]),
    ("durable-commit", &["true", "false"]),
    ("configuration", &["fixed", "applied"]),
    ("takes-effect", &["appended", "applied"]),
    ("own-commit-before-change", &["true", "false"]),
    ("tells-memberships-apart", &["true", "false"]),
    ("append-below-commit", &["check", "answer-commit"]),
    ("stale-request", &["refuse", "ignore"]),
    ("vote-with-known-leader", &["true", "false"]),
    ("lost-vote-ends-candidacy", &["true", "false"]),
    ("reject-hint", &["true", "false"]),
    ("storage", &["sync", "parallel-append", "async"]),
    (
        "promise",
        &[
            "whole",
            "in-order",
            "term-before-vote",
            "entries-before-truncation",
            "commit-before-entries",
            "two-stores",
            "reports-too-early",
        ],
    ),
    ("durability", &["atomic", "deferred"]),
    ("pre-vote", &["off", "log", "log-and-leader"]),
    ("check-quorum", &["true", "false"]),
    ("sticky", &["true", "false"]),
    ("follower-reads", &["true", "false"]),
    ("lease-reads", &["true", "false"]),
    ("restart-waits", &["true", "false"]),
    ("election-timeout-ticks", &["1", "3"]),
    ("lease-ticks", &["0", "1", "5"]),
    ("single-server-changes", &["true", "false"]),
    ("joint-consensus", &["true", "false"]),
    ("learners", &["true", "false"]),
    ("held-snapshot", &["retain", "fast-forward"]),
    ("snapshot-names-receiver", &["true", "false"]),
    ("window", &["0", "1", "2"]),
    ("sessions", &["0", "1", "2"]),
];

const LATER: [(&str, &[&str]); 5] = [
    ("removed-leader", &["steps-down", "leads-on"]),
    ("counts-new-members", &["true", "false"]),
    ("learns-commit", &["from-leader", "from-votes"]),
    ("snapshot-to-anybody", &["true", "false"]),
    ("leaves-while-handing-over", &["true", "false"]),
];

#[test]
fn every_setting_is_here_and_takes_the_values_that_it_is_said_to_take() {
    let settings = Dialect::EtcdStored.settings(Durability::Deferred);
    let fields = serde_json::to_value(settings).expect("settings");
    let mut names: Vec<&str> = VALUES.iter().chain(&LATER).map(|row| row.0).collect();
    let mut fields: Vec<&str> = fields
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    fields.sort_unstable();
    assert_eq!(names, fields);
    for (name, values) in VALUES.iter().chain(&LATER) {
        for value in *values {
            let set = settings.set(&format!("{name}={value}")).expect("a setting");
            assert_eq!(set.check(), Ok(()), "{name}={value}");
        }
    }
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let rows = VALUES.iter().chain(&LATER).count();
    let choices = prop::collection::vec((0..rows, 0..9usize), 0..14);
    (0..Dialect::ALL.len(), choices).prop_map(|(dialect, choices)| {
        let mut settings = Dialect::ALL[dialect].settings(Durability::Deferred);
        for (row, value) in choices {
            let (name, values) = VALUES.iter().chain(&LATER).nth(row).expect("a row");
            let value = values[value % values.len()];
            let set = settings.set(&format!("{name}={value}")).expect("a setting");
            // What cannot stand together is no settings.
            if set.check().is_ok() {
                settings = set;
            }
        }
        settings
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_walk_under_any_settings_ends_without_a_panic(
        settings in any_settings(),
        network in 0..3usize,
        bootstrap in 0..3u8,
        dice in prop::collection::vec(any::<u32>(), 60),
    ) {
        let scenario = Scenario {
            prefix: &[],
            settings,
            network: [NetworkKind::Set, NetworkKind::Bag, NetworkKind::Ordered][network],
            bounds: Bounds {
                servers: 3,
                bootstrap,
                boot_applied: bootstrap == 1,
                voters: Some(2),
                changes: 3,
                joint_size: 2,
                explicit_leave: true,
                wipes: 1,
                max_term: 4,
                max_log: 5,
                max_messages: Some(10),
                max_batch: 2,
                resend: true,
                partial_writes: true,
                writes: 3,
                reads: 2,
                restarts: 2,
                duplicates: 1,
                transfers: 1,
                drift: 1,
                compactions: 2,
                retries: 2,
                ..Bounds::default()
            },
        };
        let mut state = State::initial(&scenario);
        let mut actions = Vec::new();
        for roll in dice {
            actions.clear();
            action::enabled(&state, &scenario, &mut actions);
            if actions.is_empty() {
                break;
            }
            let action = &actions[roll as usize % actions.len()];
            if let Ok(step) = state.next(action, &scenario)
                && step.after.within(&scenario)
            {
                let kept = matches!(settings.promise, Promise::Whole | Promise::InOrder);
                for (_, server) in step.after.servers.iter() {
                    prop_assert!(server.check() || !kept, "{action:?} leads to {server:?}");
                }
                state = step.after;
            }
        }
    }
}
