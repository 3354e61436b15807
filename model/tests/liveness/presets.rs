//! The presets of liveness: everything in them is judged, by the unflawed rules
//! every goal is reached, and the counts are what they are.

use plimsoll_model::bounds::Bounds;
use plimsoll_model::counterexample::execute;
use plimsoll_model::engine::{End, Limits};
use plimsoll_model::features::{FLOW_CONTROL, SESSIONS};
use plimsoll_model::liveness::goals::ALL;
use plimsoll_model::liveness::lassos::{Unfit, lassos};
use plimsoll_model::liveness::recover::{SPARE_TERMS, Why, recoverability};
use plimsoll_model::liveness::{Goal, Verdict};
use plimsoll_model::network::NetworkKind;
use plimsoll_model::presets;
use plimsoll_model::scenario::Scenario;

/// Name, reachable states, states to start from. A number that changes means
/// that the rules or the bounds changed.
const RECOVERED: [(&str, u64, u64); 4] = [
    ("paper-liveness", 166_999, 2_643),
    ("etcd-liveness", 325_426, 8_196),
    ("etcd-stored-liveness", 153_484, 2_793),
    ("paper-recovery-deferred", 291_205, 14_007),
];

/// Name, states, edges within bounds, and, of the runs that never catch up,
/// components with cycles.
const LASSOED: [(&str, u64, u64, u64); 3] = [
    ("paper-liveness", 318_754, 821_220, 25_776),
    ("etcd-liveness", 289_741, 950_733, 17_193),
    ("etcd-stored-liveness", 65_764, 173_466, 3_900),
];

fn goals(scenario: &Scenario) -> Vec<&'static Goal> {
    let settings = &scenario.settings;
    ALL.iter().filter(|goal| (goal.means)(settings)).collect()
}

fn lasting() -> Vec<&'static Goal> {
    ALL.iter().filter(|goal| goal.in_lassos).collect()
}

#[test]
fn the_pins_are_of_the_presets_of_liveness() {
    let pinned: Vec<&str> = RECOVERED.iter().map(|row| row.0).collect();
    let named: Vec<&str> = presets::liveness().iter().map(|p| p.name).collect();
    assert_eq!(pinned, named);
    let names = named.into_iter().filter(|name| name.ends_with("liveness"));
    assert!(names.eq(LASSOED.iter().map(|row| row.0)));
}

#[test]
fn every_state_recovers() {
    for (name, states, starts) in RECOVERED {
        let preset = presets::by_name(name).expect(name);
        let limits = Limits::default();
        let answers = recoverability(
            &preset.scenario,
            &goals(&preset.scenario),
            SPARE_TERMS,
            &limits,
            &mut |_| {},
        );
        for answer in answers {
            let goal = answer.goal.name;
            assert_eq!(answer.verdict(), Verdict::Holds, "{name} {goal}");
            assert_eq!(answer.end, End::Exhausted, "{name} {goal}");
            assert_eq!(answer.undetermined, [0; 4], "{name} {goal}");
            assert_eq!(
                (answer.states, answer.starts),
                (states, starts),
                "{name} {goal}"
            );
            assert_eq!(answer.recoverable, starts, "{name} {goal}");
        }
    }
}

/// A leader under flow control always gets across what is missing: whatever it
/// waits for is answered, rejected, or given up after a heartbeat.
#[test]
fn every_state_recovers_under_flow_control() {
    for (name, states, starts) in [
        ("paper-liveness", 174_223, 4_815),
        ("etcd-stored-liveness", 168_220, 3_507),
    ] {
        let mut scenario = presets::by_name(name).expect(name).scenario;
        (FLOW_CONTROL.switch_on)(&mut scenario.settings);
        let goals = ["commits", "catches-up"].map(|goal| Goal::by_name(goal).expect(goal));
        let limits = Limits::default();
        let answers = recoverability(&scenario, &goals, SPARE_TERMS, &limits, &mut |_| {});
        for answer in answers {
            let goal = answer.goal.name;
            assert_eq!(answer.verdict(), Verdict::Holds, "{name} {goal}");
            assert_eq!((answer.states, answer.starts), (states, starts));
            assert_eq!(answer.recoverable, starts, "{name} {goal}");
        }
    }
}

/// A client that waits for the answer to a command that is lost keeps nobody
/// else from theirs.
#[test]
fn every_state_recovers_where_clients_have_sessions() {
    let scenario = presets::by_name("etcd-stored-liveness").expect("a preset");
    let mut scenario = scenario.scenario;
    (SESSIONS.switch_on)(&mut scenario.settings);
    scenario.bounds = Bounds {
        max_log: 3,
        campaigns: Some(1),
        writes: 1,
        retries: 1,
        ..scenario.bounds
    };
    let goals = ["commits", "catches-up"].map(|goal| Goal::by_name(goal).expect(goal));
    let limits = Limits::default();
    let answers = recoverability(&scenario, &goals, SPARE_TERMS, &limits, &mut |_| {});
    for answer in answers {
        let goal = answer.goal.name;
        assert_eq!(answer.verdict(), Verdict::Holds, "{goal}");
        assert_eq!((answer.states, answer.starts), (67_231, 999));
        assert_eq!(answer.recoverable, answer.starts, "{goal}");
    }
}

/// Two terms are enough, and one is not: where the server with the best log
/// leads, another one must depose it before it can be elected again. That is no
/// violation: states that need one more term are undetermined.
#[test]
fn terms_are_spared_for_a_reason() {
    let preset = presets::by_name("etcd-stored-liveness").expect("a preset");
    let elects = Goal::by_name("elects").expect("a goal");
    let ask = |spare| {
        let limits = Limits::default();
        let answers = recoverability(&preset.scenario, &[elects], spare, &limits, &mut |_| {});
        answers.into_iter().next().expect("an answer")
    };
    assert_eq!(ask(2).verdict(), Verdict::Holds);
    let one = ask(1);
    assert_eq!(one.verdict(), Verdict::Inconclusive);
    assert!(one.undetermined[Why::Terms as usize] > 0 && one.violating == 0);
    assert!(one.recoverable > 0);
    let (way, up, why) = one.open.expect("the nearest of them");
    assert_eq!((up.len(), why), (2, Why::Terms));
    let frames = execute(&preset.scenario, &way).expect("a run");
    let last = &frames.last().expect("a step").step.after;
    assert!(up.iter().any(|id| last.servers[id].role.is_leader()));
}

#[test]
fn no_fair_run_never_reaches_a_goal() {
    for (name, states, edges, components) in LASSOED {
        let preset = presets::by_name(name).expect(name);
        let limits = Limits::default();
        let answers = lassos(&preset.scenario, &lasting(), &limits, &mut |_| {});
        for answer in answers.expect(name) {
            let goal = answer.goal.name;
            assert_eq!(answer.verdict(), Verdict::Holds, "{name} {goal}");
            assert_eq!(
                (answer.states, answer.edges),
                (states, edges),
                "{name} {goal}"
            );
            assert!(
                answer.reaching > 0 && answer.judged.fair == 0,
                "{name} {goal}"
            );
            if goal == "catches-up" {
                assert_eq!(answer.judged.components, components, "{name}");
            }
        }
    }
}

#[test]
fn what_is_cut_short_is_inconclusive() {
    let preset = presets::by_name("paper-liveness").expect("a preset");
    for (limits, end) in [
        (
            Limits {
                states: Some(1_000),
                ..Limits::default()
            },
            End::States,
        ),
        (
            Limits {
                memory: Some(1 << 20),
                ..Limits::default()
            },
            End::Memory,
        ),
        (
            Limits {
                time: Some(std::time::Duration::ZERO),
                ..Limits::default()
            },
            End::Time,
        ),
    ] {
        for answer in recoverability(
            &preset.scenario,
            &goals(&preset.scenario),
            2,
            &limits,
            &mut |_| {},
        ) {
            assert_eq!((answer.end, answer.verdict()), (end, Verdict::Inconclusive));
        }
        let answers = lassos(&preset.scenario, &lasting(), &limits, &mut |_| {});
        for answer in answers.expect("a bag") {
            assert_eq!((answer.end, answer.verdict()), (end, Verdict::Inconclusive));
        }
    }
}

#[test]
fn lassos_refuse_what_they_cannot_judge() {
    let mut scenario = presets::by_name("paper-liveness")
        .expect("a preset")
        .scenario;
    let ask =
        |scenario: &Scenario| lassos(scenario, &lasting(), &Limits::default(), &mut |_| {}).err();
    scenario.network = NetworkKind::Set;
    assert_eq!(ask(&scenario), Some(Unfit::Set));
    scenario.network = NetworkKind::Bag;
    scenario.bounds = Bounds {
        max_messages: None,
        ..scenario.bounds
    };
    assert_eq!(ask(&scenario), Some(Unfit::Unbounded));
}

/// Bounds that let nobody win leave nothing to judge: no pass.
#[test]
fn a_goal_that_nothing_reaches_is_no_pass() {
    let mut scenario = presets::by_name("paper-liveness")
        .expect("a preset")
        .scenario;
    scenario.bounds.max_log = 0;
    let answers = lassos(&scenario, &lasting(), &Limits::default(), &mut |_| {});
    for answer in answers.expect("a bag") {
        assert_eq!(answer.end, End::Exhausted);
        let wins = answer.goal.name == "elects" && answer.reaching > 0;
        let verdict = if wins {
            Verdict::Holds
        } else {
            Verdict::Inconclusive
        };
        assert_eq!(answer.verdict(), verdict, "{}", answer.goal.name);
    }
}

/// A lone server has nobody to change, so it is not asked; where nobody else is
/// asked, that is no evidence.
#[test]
fn nobody_to_change_is_no_pass() {
    let goal = Goal::by_name("changes-configuration").expect("a goal");
    let limits = Limits::default();
    for (name, verdict) in [
        ("paper-joint", Verdict::Holds),
        ("alone", Verdict::Inconclusive),
    ] {
        let mut scenario = presets::by_name("paper-joint").expect("a preset").scenario;
        if name == "alone" {
            scenario.bounds.servers = 1;
            scenario.bounds.voters = None;
        }
        let answers = recoverability(&scenario, &[goal], SPARE_TERMS, &limits, &mut |_| {});
        assert_eq!(answers[0].verdict(), verdict, "{name}");
        assert!(answers[0].recoverable > 0, "{name}");
    }
}
