//! Flow control takes from the free choice and adds nothing: every step under
//! it is a step without it, once what the leader keeps for it is forgotten.

use std::collections::HashSet;

use plimsoll_model::action::{self, Action};
use plimsoll_model::cluster::State;
use plimsoll_model::field::fingerprint;
use plimsoll_model::presets;
use plimsoll_model::rules::Input;
use plimsoll_model::scenario::Scenario;
use plimsoll_model::server::Role;

/// The state without what flow control keeps.
fn forgotten(state: &State) -> State {
    let mut state = state.clone();
    let leaders: Vec<_> = state
        .servers
        .iter()
        .filter(|(_, server)| server.role.is_leader())
        .map(|(id, _)| id)
        .collect();
    for id in leaders {
        if let Role::Leader { matched, .. } = &mut state.servers[id].role {
            matched.forget_flow();
        }
    }
    state
}

fn sends(actions: &[Action]) -> usize {
    let sends = actions.iter().filter(|action| {
        matches!(
            action,
            Action::Step {
                input: Input::SendAppend { .. },
                ..
            }
        )
    });
    sends.count()
}

/// Holds it for every step of `scenario`; gives how many states there are and
/// how many sends are left of how many.
fn refines(scenario: &Scenario) -> (usize, usize, usize) {
    let mut free = scenario.clone();
    free.settings.window = 0;
    let first = State::initial(scenario);
    assert_eq!(forgotten(&first), State::initial(&free));
    let mut known = HashSet::from([fingerprint(&first)]);
    let (mut waiting, mut all) = (vec![first], Vec::new());
    let (mut few, mut many) = (0, 0);
    while let Some(state) = waiting.pop() {
        let abstract_state = forgotten(&state);
        all.clear();
        action::enabled(&state, scenario, &mut all);
        let mut anything = Vec::new();
        action::enabled(&abstract_state, &free, &mut anything);
        few += sends(&all);
        many += sends(&anything);
        for action in &all {
            let Ok(step) = state.next(action, scenario) else {
                continue;
            };
            let same = abstract_state.next(action, &free);
            let same = same.unwrap_or_else(|why| panic!("{action} is refused: {why:?}"));
            assert!(anything.contains(action), "{action} is not listed");
            assert_eq!(same.after, forgotten(&step.after), "{action}");
            assert_eq!(same.released, step.released, "{action}");
            assert_eq!(same.outcome, step.outcome, "{action}");
            if step.after.within(scenario) && known.insert(fingerprint(&step.after)) {
                waiting.push(step.after);
            }
        }
    }
    (known.len(), few, many)
}

#[test]
fn every_step_under_flow_control_is_a_step_without_it() {
    for name in ["paper-flow", "paper-flow-snapshot", "etcd-flow"] {
        let mut scenario = presets::by_name(name).expect("a preset").scenario;
        // Small enough to be gone through state by state.
        let bounds = &mut scenario.bounds;
        bounds.writes = 1;
        bounds.max_log = 2;
        bounds.max_messages = Some(2);
        bounds.campaigns = Some(1);
        bounds.appends = Some(3);
        let (states, few, many) = refines(&scenario);
        assert!(states > 1_000, "{name}: {states} states");
        assert!(few > 100 && few < many, "{name}: {few} of {many} sends");
    }
}
