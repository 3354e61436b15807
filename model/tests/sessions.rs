//! What client sessions are for, and that they are per client, searched to the
//! end.

use plimsoll_model::bounds::Bounds;
use plimsoll_model::engine::{End, Engine, Exhaustive, Limits, Search};
use plimsoll_model::features::SESSIONS;
use plimsoll_model::network::NetworkKind;
use plimsoll_model::scenario::Scenario;
use plimsoll_model::settings::{Dialect, Durability};

/// One leader, one command or more, and one that is sent again.
fn scenario(dialect: Dialect, writes: u32) -> Scenario {
    let mut bounds = Bounds {
        max_lag: Some(0),
        max_messages: Some(2),
        max_term: 1,
        max_log: writes + 2,
        max_batch: 4,
        campaigns: Some(1),
        appends: Some(2),
        heartbeats: Some(0),
        writes,
        retries: 1,
        ..Bounds::default()
    };
    if dialect == Dialect::Etcd {
        (bounds.bootstrap, bounds.boot_applied) = (1, true);
    }
    Scenario {
        prefix: &[],
        settings: dialect.settings(Durability::Atomic),
        network: NetworkKind::Bag,
        bounds,
    }
}

fn search(scenario: &Scenario, until: &[&'static str]) -> Search {
    let limits = Limits {
        until: until.to_vec(),
        ..Limits::default()
    };
    let search = Exhaustive::on(2).search(scenario, &limits, &mut |_| {});
    search.expect("a search")
}

fn seen(search: &Search, witness: &str) -> u64 {
    let found = search.witnesses.iter().find(|seen| seen.name == witness);
    found.map_or(0, |seen| seen.count)
}

/// Nothing but the switch makes the difference.
#[test]
fn without_sessions_a_command_that_is_sent_again_is_applied_again() {
    for dialect in Dialect::ALL {
        let mut scenario = scenario(dialect, 1);
        for property in ["exactly-once", "linearizable-writes"] {
            let broken = search(&scenario, &[property]);
            let found = broken.properties.iter().find(|p| p.name == property);
            let run = found.and_then(|p| p.counterexample.as_ref());
            assert!(run.is_some_and(|run| run.is_confirmed()), "{property}");
        }
        (SESSIONS.switch_on)(&mut scenario.settings);
        let held = search(&scenario, &[]);
        assert_eq!(held.end, End::Exhausted);
        let broken = held.first_broken().map(|c| c.property);
        assert_eq!(broken, None, "{}", dialect.name());
        assert!(seen(&held, "skipped-on-apply") > 0);
        assert!(seen(&held, "answered-from-session") > 0);
    }
}

/// Two clients have a command under way at the same time, and the sequence
/// number of the one says nothing of the other's. One command later the first
/// one goes on, and a copy of its first one arrives late.
#[test]
fn each_client_has_a_session_of_its_own() {
    for (writes, late) in [(2, false), (3, true)] {
        let mut scenario = scenario(Dialect::Paper, writes);
        scenario.settings.sessions = 2;
        let held = search(&scenario, &[]);
        assert_eq!(held.end, End::Exhausted);
        assert_eq!(held.first_broken().map(|c| c.property), None);
        assert!(seen(&held, "skipped-on-apply") > 0);
        assert_eq!(seen(&held, "skipped-late") > 0, late, "{writes}");
    }
}
