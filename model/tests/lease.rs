//! Lease reads (dissertation section 6.4.1): safe exactly as far as lease and
//! drift fit the election timeout, and only if who restarts waits.

use plimsoll_model::bounds::Bounds;
use plimsoll_model::cluster::boot;
use plimsoll_model::counterexample::Counterexample;
use plimsoll_model::engine::{End, Engine, Exhaustive, Limits};
use plimsoll_model::features::{LEASE_READS, RESTART_WAITS, STICKY_LEADER};
use plimsoll_model::ids::{Index, NodeId, Position, Term};
use plimsoll_model::log::InlineLog;
use plimsoll_model::message::{Body, Message, Messages};
use plimsoll_model::network::NetworkKind;
use plimsoll_model::presets;
use plimsoll_model::properties::Property;
use plimsoll_model::rules::{Branch, Input, step};
use plimsoll_model::scenario::Scenario;
use plimsoll_model::server::Server;
use plimsoll_model::settings::{Dialect, Durability};

/// Two elections, a round of the first leader and a commit of the second.
fn scenario(dialect: Dialect, timeout: u8, lease: u8, drift: u32) -> Scenario {
    let mut settings = dialect.settings(Durability::Atomic);
    (LEASE_READS.switch_on)(&mut settings);
    (RESTART_WAITS.switch_on)(&mut settings);
    settings.election_timeout_ticks = timeout;
    settings.lease_ticks = lease;
    Scenario {
        prefix: &[],
        settings,
        network: NetworkKind::Bag,
        bounds: Bounds {
            max_log: 1,
            max_messages: Some(2),
            max_lag: Some(0),
            writes: 0,
            campaigns: Some(2),
            appends: Some(if dialect == Dialect::Paper { 2 } else { 1 }),
            heartbeats: Some(1),
            drift,
            ..Bounds::default()
        },
    }
}

/// A shortest run that breaks `property`, if any does.
fn broken(scenario: &Scenario, property: &'static str) -> Option<Counterexample> {
    let engine = Exhaustive {
        symmetry: true,
        ..Exhaustive::on(2)
    };
    let until = Limits {
        until: vec![property],
        ..Limits::default()
    };
    let search = engine.search(scenario, &until, &mut |_| {});
    let search = search.expect("a search");
    let at = Property::position(property).expect("a property");
    let seen = &search.properties[at];
    assert!(seen.evaluated > 0, "{property} was not judged");
    match &seen.counterexample {
        Some(found) => {
            assert_eq!(search.end, End::Found);
            assert!(found.is_confirmed());
        }
        None => assert_eq!(search.end, End::Exhausted),
    }
    seen.counterexample.clone()
}

#[test]
fn a_lease_is_exclusive_exactly_if_lease_and_drift_fit_the_timeout() {
    for dialect in [Dialect::Paper, Dialect::EtcdStored] {
        for (timeout, lease) in [(2, 1), (3, 2)] {
            for drift in 1..=2 {
                let scenario = scenario(dialect, timeout, lease, drift);
                let found = broken(&scenario, "lease-exclusive");
                let fits = u32::from(lease) + drift <= u32::from(timeout);
                assert_eq!(
                    found.is_none(),
                    fits,
                    "{} timeout {timeout} lease {lease} drift {drift}",
                    dialect.name()
                );
            }
        }
    }
}

/// The default presets hold; with one more tick of drift a read is stale.
#[test]
fn clocks_that_drift_beyond_the_bound_show_a_stale_read() {
    let preset = presets::by_name("paper-lease").expect("a preset");
    let mut scenario = preset.scenario;
    scenario.bounds.drift += 1;
    scenario.bounds.max_messages = Some(2);
    let found = broken(&scenario, "linearizable-reads").expect("a stale read");
    let last = found.actions.last().map(|action| action.kind());
    assert_eq!(last, Some("begin-read"), "{:?}", found.actions);
    assert!(found.actions.iter().any(|action| action.kind() == "tick"));
}

/// A restarted server has forgotten whom it heard. etcd's may vote at once.
#[test]
fn who_restarts_must_wait_or_a_lease_is_worth_nothing() {
    let mut scenario = scenario(Dialect::Paper, 2, 1, 0);
    scenario.bounds.restarts = 1;
    assert!(broken(&scenario, "lease-exclusive").is_none());
    scenario.settings.restart_waits = false;
    let found = broken(&scenario, "lease-exclusive").expect("an overlap");
    let restarts = |action: &&_| plimsoll_model::action::Action::kind(action) == "restart";
    assert_eq!(found.actions.iter().filter(restarts).count(), 1);
    // Not a tick was needed.
    assert!(found.actions.iter().all(|action| action.kind() != "tick"));
}

/// A late answer of a higher term raises the term and frees no vote: who has
/// answered a round waits all the same.
#[test]
fn what_was_heard_survives_a_higher_term() {
    for leases in [false, true] {
        let mut settings = Dialect::Paper.settings(Durability::Atomic);
        (STICKY_LEADER.switch_on)(&mut settings);
        settings.lease_reads = leases;
        let of = |from: u8, term, body| Message {
            from: NodeId(from),
            to: NodeId(1),
            term: Term(term),
            body,
        };
        let append = Body::Append {
            prev: Position::default(),
            entries: Default::default(),
            commit: Index::ZERO,
            context: None,
            round: Some(1),
            joined: Index::ZERO,
        };
        let last = Position::default();
        let asked = Body::RequestVote {
            last,
            forced: false,
        };
        let mut server: Server<InlineLog> = boot(NodeId(1), 3, 0, &settings);
        let mut branch = Branch::Unexpected;
        for message in [
            of(0, 1, append),
            of(2, 2, Body::Vote { granted: false }),
            of(2, 3, asked),
        ] {
            let input = Input::Receive { message };
            let mut said = Messages::new();
            let outcome = step(&mut server, &input, &settings, &mut said);
            branch = outcome.expect("messages arrive").branch;
        }
        let withheld = branch == Branch::CandidateDisregarded;
        assert_eq!(withheld, leases, "{branch:?}");
        assert_eq!(server.term, Term(if leases { 2 } else { 3 }));
    }
}
