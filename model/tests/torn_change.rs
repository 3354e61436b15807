//! Configurations that take effect when applied rest on the commit index that
//! came with an entry: a crash that keeps the entry and loses the index breaks
//! leader completeness, with every rule as it is.
//!
//! A leader appends a change only when it has applied the one before, so every
//! message with the later one says that the earlier one is committed, and
//! whoever holds the later one must apply the earlier one before it campaigns.
//! Storage that keeps the parts of a write in order may keep the entries of a
//! message and lose its commit index. Such a server has a configuration two
//! changes old, and majorities of that need not meet those of the present one.

use plimsoll_model::action::{Action, enabled};
use plimsoll_model::bounds::Bounds;
use plimsoll_model::cluster::State;
use plimsoll_model::config::{Change, Transition};
use plimsoll_model::features::SINGLE_SERVER_CHANGES;
use plimsoll_model::ids::{Index, NodeId, NodeSet};
use plimsoll_model::log::Log as _;
use plimsoll_model::network::NetworkKind;
use plimsoll_model::properties::{ALL, Finding, StepView};
use plimsoll_model::refusal::Refusal;
use plimsoll_model::rules::Input;
use plimsoll_model::scenario::Scenario;
use plimsoll_model::settings::{Dialect, Durability};
use plimsoll_model::storage::Survival;

const N1: NodeId = NodeId(0);
const N2: NodeId = NodeId(1);
const N3: NodeId = NodeId(2);
const N4: NodeId = NodeId(3);

/// etcd's rules, three voters and one server more.
fn scenario() -> Scenario {
    let mut settings = Dialect::EtcdStored.settings(Durability::Deferred);
    (SINGLE_SERVER_CHANGES.switch_on)(&mut settings);
    Scenario {
        settings,
        network: NetworkKind::Bag,
        prefix: &[],
        bounds: Bounds {
            servers: 4,
            voters: Some(3),
            max_log: 6,
            max_batch: 3,
            partial_writes: true,
            restarts: 1,
            changes: 2,
            ..Bounds::DEFAULT
        },
    }
}

struct Run {
    scenario: Scenario,
    state: State,
    broken: Vec<&'static str>,
}

impl Run {
    fn enabled(&self) -> Vec<Action> {
        let mut all = Vec::new();
        enabled(&self.state, &self.scenario, &mut all);
        all
    }

    /// One action that the checker explores.
    #[track_caller]
    fn does(&mut self, node: NodeId, input: Input) {
        let action = Action::Step { node, input };
        assert!(self.enabled().contains(&action), "{action} is not enabled");
        let step = self.state.next(&action, &self.scenario);
        let step = step.unwrap_or_else(|why| panic!("{action}: {why:?}"));
        let view = StepView {
            before: &self.state,
            action: &action,
            step: &step,
        };
        let broken = ALL
            .iter()
            .filter(|p| p.judge(&view, &self.scenario) == Finding::Broken);
        self.broken.extend(broken.map(|property| property.name));
        self.state = step.after;
    }

    /// A message of this kind arrives, and what its receiver writes is durable.
    #[track_caller]
    fn hears(&mut self, to: NodeId, from: NodeId, kind: &str) {
        let arrives = self.enabled().into_iter().find_map(|action| match action {
            Action::Step {
                node,
                input: Input::Receive { message },
            } if node == to && message.from == from && message.kind() == kind => {
                Some(Input::Receive { message })
            }
            _ => None,
        });
        let arrives = arrives.unwrap_or_else(|| panic!("no {kind} from {from} to {to}"));
        self.does(to, arrives);
    }

    fn writes(&mut self, node: NodeId) {
        self.does(node, Input::WriteCompleted);
    }

    /// n1 appends `input`, and counts itself.
    fn appends(&mut self, input: Input) {
        self.does(N1, input);
        self.writes(N1);
        let to = self.state.servers[N1].log.last_index();
        self.does(N1, Input::CountOwnEntries { to });
    }

    fn sends(&mut self, to: NodeId, after: u64, count: u32) {
        let after = Index(after);
        self.does(N1, Input::SendAppend { to, after, count });
        self.writes(N1);
        self.hears(to, N1, "Append");
    }

    fn holds(&mut self, to: NodeId, after: u64, count: u32) {
        self.sends(to, after, count);
        self.writes(to);
        self.hears(N1, to, "AppendAck");
    }
}

/// n4 is added, n2 removed; n3 crashes amid the message that tells it of both.
fn torn(commit_survives: bool) -> Run {
    let scenario = scenario();
    let mut run = Run {
        state: State::initial(&scenario),
        scenario,
        broken: Vec::new(),
    };
    let remove = Change {
        voters: NodeSet::EMPTY,
        learners: NodeSet::EMPTY,
        removed: NodeSet::EMPTY.with(N2),
        transition: Transition::Simple,
    };
    let add = Change::joins(NodeSet::EMPTY.with(N4));
    run.does(N1, Input::Campaign);
    run.writes(N1);
    run.does(N1, Input::CountOwnVote);
    run.hears(N2, N1, "RequestVote");
    run.writes(N2);
    run.hears(N1, N2, "Vote");
    run.appends(Input::Change { change: add });
    run.holds(N2, 0, 2);
    run.does(N1, Input::AdvanceCommit { to: Index(2) });
    run.does(N1, Input::Apply);
    run.does(N1, Input::Apply);
    run.appends(Input::Change { change: remove });
    run.sends(N3, 0, 3);
    let survival = Survival::Written {
        kept: Some(Index(3)),
        commit: commit_survives,
    };
    run.does(N3, Input::Restart { survival });
    run.holds(N2, 2, 1);
    run.holds(N4, 0, 3);
    run.does(N1, Input::AdvanceCommit { to: Index(3) });
    run.does(N1, Input::Apply);
    run.appends(Input::Write { number: 1 });
    run.holds(N4, 3, 1);
    run.does(N1, Input::AdvanceCommit { to: Index(4) });
    run
}

#[test]
fn entries_that_survive_without_their_commit_index_elect_by_an_old_configuration() {
    let mut run = torn(false);
    assert!(run.broken.contains(&"committed-is-durable"));
    run.broken.clear();
    run.does(N3, Input::Campaign);
    run.writes(N3);
    run.does(N3, Input::CountOwnVote);
    run.hears(N2, N3, "RequestVote");
    run.writes(N2);
    run.hears(N3, N2, "Vote");
    assert!(run.state.servers[N3].role.is_leader());
    assert!(run.broken.contains(&"leader-completeness"));
}

#[test]
fn with_their_commit_index_they_do_not() {
    let run = torn(true);
    assert_eq!(run.broken, [""; 0]);
    let campaign = Action::Step {
        node: N3,
        input: Input::Campaign,
    };
    let why = run.state.next(&campaign, &run.scenario).err().flatten();
    assert_eq!(
        why,
        Some(Refusal::UnappliedConfiguration {
            node: N3,
            index: Index(2)
        })
    );
}
