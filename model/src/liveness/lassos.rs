//! Lassos: runs without faults that are fair and never reach the goal.
//!
//! The assumption, which is stated with every answer: no server crashes, no
//! message is lost or repeated, every action is weakly fair, and an election
//! timeout passes only when no message is under way ([`may_time_out`]).
//!
//! An *action* is a server and its input, and of messages each is its own: that
//! this message arrives, that this range of entries goes to that server. What
//! clients and operators ask for is theirs to choose, so no fairness forces a
//! write, a read or a transfer. Whether an action is enabled does not depend on bounds: one that leads
//! out of them, or whose budget is spent, is enabled and not taken. So a run
//! that stops at a bound is unfair, and no bound makes a violation.

use std::collections::HashMap;
use std::time::Duration;

use super::aftermath::untroubled;
use super::fairness::{self, Run};
use super::goals::{self, Attempt, Goal};
use super::graph::{Avoiding, CUT, Edge, Graph};
use super::recover::MEMORY;
use super::{Verdict, Watch, key};
use crate::action::{Action, enabled};
use crate::bounds::Bounds;
use crate::cluster::{State, Step};
use crate::counterexample::NotARun;
use crate::engine::{End, Limits, Progress};
use crate::field::packed;
use crate::ids::NodeSet;
use crate::network::NetworkKind;
use crate::rules::Input;
use crate::scenario::Scenario;

/// The assumption in words, as it is printed with every answer.
pub const ASSUMPTION: &str = "no server crashes; no message is lost or repeated; every action that \
    stays enabled is taken in the end (weak fairness, each message and each range of entries an \
    action of its own; clients need not ask for anything); an election timeout passes only when no \
    message is in flight or waits to leave";

/// Why lassos of a scenario cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// In a set no message is ever gone, so no server ever times out.
    #[error("a set keeps every message in flight for ever: take a bag or ordered links")]
    Set,
    /// Sends cost nothing here, so something else must bound them.
    #[error("without max-messages there is no end of what may be in flight")]
    Unbounded,
}

/// What was found of one goal.
#[derive(Clone, Debug)]
pub struct Lassos {
    /// The goal.
    pub goal: &'static Goal,
    /// What was explored, faults taken away.
    pub scenario: Scenario,
    /// How the check ended.
    pub end: End,
    /// States of the fault-free graph.
    pub states: u64,
    /// Its edges within bounds.
    pub edges: u64,
    /// Its edges that lead out of bounds.
    pub cut: u64,
    /// The most actions on a shortest way.
    pub depth: usize,
    /// Edges that reach the goal.
    pub reaching: u64,
    /// What was judged.
    pub judged: fairness::Judged,
    /// For each kind of action, how many components owe one of it.
    pub owed: Vec<(&'static str, u64)>,
    /// A fair run that never reaches the goal, with a shortest stem.
    pub lasso: Option<Lasso>,
    /// Wall-clock time.
    pub elapsed: Duration,
}

impl Lassos {
    /// What it comes to. A goal that nothing reaches within the bounds was not
    /// judged: the runs that would reach it are cut.
    pub fn verdict(&self) -> Verdict {
        if self.lasso.is_some() {
            return Verdict::Violated;
        }
        let judged = self.end == End::Exhausted && self.reaching > 0 && self.judged.nodes > 0;
        match judged {
            true => Verdict::Holds,
            false => Verdict::Inconclusive,
        }
    }
}

/// A fair run that never reaches the goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasso {
    /// The goal.
    pub goal: &'static str,
    /// What was explored, faults taken away.
    pub scenario: Scenario,
    /// The actions from the initial state to the cycle.
    pub stem: Vec<Action>,
    /// The actions of the cycle; none when the run ends, because nothing is
    /// enabled that fairness asks for.
    pub cycle: Vec<Action>,
}

/// How a cycle is fair to one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is taken in this step of the cycle, from one.
    Taken(usize),
    /// It is disabled after this step of the cycle; after none at its start.
    Disabled(usize),
}

/// Why a run is no violation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotALasso {
    /// It is no run.
    #[error(transparent)]
    NotARun(#[from] NotARun),
    /// A step needs what the assumption or a bound excludes.
    #[error("step {0} is not one of a fault-free run within bounds")]
    Excluded(usize),
    /// A step reaches the goal.
    #[error("step {0} reaches the goal")]
    Reached(usize),
    /// The cycle ends in another state than it begins in.
    #[error("the cycle does not close")]
    Open,
    /// Something stays enabled and is not taken.
    #[error("the run is not fair: {0} stays enabled and is not taken")]
    Unfair(String),
}

/// The scenario without faults, and with all that servers do by themselves for
/// free.
///
/// # Errors
/// When lassos mean nothing in it.
pub fn fault_free(scenario: &Scenario) -> Result<Scenario, Unfit> {
    if scenario.network == NetworkKind::Set {
        return Err(Unfit::Set);
    }
    if scenario.bounds.max_messages.is_none() {
        return Err(Unfit::Unbounded);
    }
    Ok(Scenario {
        bounds: Bounds {
            // What comes late is not lost either.
            max_lag: None,
            ..untroubled(&scenario.bounds)
        },
        ..scenario.clone()
    })
}

/// Whether election timers may fire: nothing is in flight, and nothing waits
/// for a write to leave.
pub fn may_time_out(state: &State) -> bool {
    let mut servers = state.servers.iter();
    state.network.is_empty() && servers.all(|(_, server)| server.waiting().next().is_none())
}

/// Whether fairness asks for `action`: what clients do is their choice.
pub fn is_fair(action: &Action) -> bool {
    let Action::Step { input, .. } = action else {
        return false;
    };
    !matches!(
        input,
        Input::Write { .. }
            | Input::Retry { .. }
            | Input::BeginRead { .. }
            | Input::Transfer { .. }
            | Input::Change { .. }
            | Input::Wipe
            | Input::Compact { .. }
    )
}

/// What is enabled in `state` under the assumption, with the steps; bounds on
/// states do not matter.
pub(super) fn steps(state: &State, scenario: &Scenario) -> Vec<(Action, Step)> {
    let mut actions = Vec::new();
    enabled(state, scenario, &mut actions);
    let quiet = may_time_out(state);
    let timeout = |action: &Action| {
        let input = |input: &Input| {
            matches!(
                input,
                Input::Campaign | Input::LoseLeader | Input::CheckQuorum | Input::AbortTransfer
            )
        };
        matches!(action, Action::Step { input: i, .. } if input(i))
    };
    let may = |action: &Action| quiet || !timeout(action);
    let actions = actions.into_iter().filter(may);
    let step = |action: Action| {
        let step = state.next(&action, scenario).ok()?;
        Some((action, step))
    };
    actions.filter_map(step).collect()
}

/// The goals that a step reaches, a bit each.
pub(super) fn goals_of(before: &State, action: &Action, step: &Step, scenario: &Scenario) -> u8 {
    let attempt = Attempt {
        before,
        action,
        step,
        up: NodeSet::first(usize::from(scenario.bounds.servers)),
        write: None,
        read: None,
    };
    let all = goals::ALL.iter().enumerate();
    all.filter(|(_, goal)| (goal.reached)(&attempt))
        .fold(0, |bits, (i, _)| bits | 1 << i)
}

pub(super) fn bit(goal: &Goal) -> u8 {
    let at = goals::ALL.iter().position(|other| other.name == goal.name);
    at.map_or(0, |at| 1 << at)
}

/// The fault-free graph of a scenario.
struct Whole {
    graph: Graph,
    actions: Vec<Action>,
    depth: usize,
    end: End,
}

fn explore(scenario: &Scenario, watch: &mut Watch<'_, '_>) -> Whole {
    let initial = State::initial(scenario);
    let mut numbers = HashMap::from([(key(&initial), 0u32)]);
    let mut labels: HashMap<Vec<u8>, u32> = HashMap::new();
    let mut whole = Whole {
        graph: Graph::default(),
        actions: Vec::new(),
        depth: 0,
        end: End::Exhausted,
    };
    let mut level = vec![initial];
    while !level.is_empty() {
        let mut next_level = Vec::new();
        for state in level {
            let mut edges = Vec::new();
            for (action, step) in steps(&state, scenario) {
                let goals = goals_of(&state, &action, &step, scenario);
                let new = labels.len() as u32;
                let label = *labels.entry(packed(&action)).or_insert(new);
                if label == new {
                    whole.actions.push(action);
                }
                let to = match step.after.within(scenario) {
                    false => CUT,
                    true => {
                        let new = numbers.len() as u32;
                        let number = *numbers.entry(key(&step.after)).or_insert(new);
                        if number == new {
                            next_level.push(step.after);
                        }
                        number
                    }
                };
                edges.push(Edge { label, to, goals });
            }
            whole.graph.push(edges);
            let bytes = 40 * numbers.capacity() as u64
                + 600 * next_level.len() as u64
                + whole.graph.footprint();
            if let Some(end) = watch.spent(numbers.len() as u64, bytes, whole.depth) {
                whole.end = end;
                return whole;
            }
        }
        whole.depth += usize::from(!next_level.is_empty());
        level = next_level;
    }
    whole
}

/// Looks for fair runs of `scenario`, faults taken away, that never reach one
/// of `goals`. One answer a goal, in their order.
///
/// # Errors
/// When lassos mean nothing in the scenario.
pub fn lassos(
    scenario: &Scenario,
    goals: &[&'static Goal],
    limits: &Limits,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Lassos>, Unfit> {
    let scenario = fault_free(scenario)?;
    let limits = Limits {
        memory: Some(limits.memory.unwrap_or(MEMORY)),
        ..limits.clone()
    };
    let mut watch = Watch::new(&limits, progress);
    let whole = explore(&scenario, &mut watch);
    let fair: Vec<bool> = whole.actions.iter().map(is_fair).collect();
    let (cut, within): (Vec<&Edge>, Vec<&Edge>) = whole
        .graph
        .all_edges()
        .iter()
        .partition(|edge| edge.to == CUT);
    let (cut, edges) = (cut.len() as u64, within.len() as u64);
    let answer = |goal: &'static Goal| {
        let avoiding = Avoiding {
            graph: &whole.graph,
            goal: bit(goal),
        };
        let judged = match whole.end {
            End::Exhausted => fairness::judge(avoiding, &fair),
            // The edges of what is not explored are not known.
            _ => fairness::Judged::default(),
        };
        let reaches = |edge: &&Edge| edge.goals & bit(goal) != 0;
        let mut owed: Vec<(&'static str, u64)> = Vec::new();
        for (&label, &count) in &judged.unfair {
            let kind = whole.actions[label as usize].kind();
            match owed.iter_mut().find(|row| row.0 == kind) {
                Some(row) => row.1 += count,
                None => owed.push((kind, count)),
            }
        }
        let name = |labels: &[u32]| {
            let actions = labels.iter().map(|&l| whole.actions[l as usize].clone());
            actions.collect::<Vec<_>>()
        };
        let lasso = judged.run.as_ref().map(|Run { stem, cycle, .. }| Lasso {
            goal: goal.name,
            scenario: scenario.clone(),
            stem: name(stem),
            cycle: name(cycle),
        });
        Lassos {
            goal,
            scenario: scenario.clone(),
            end: match lasso {
                Some(_) => End::Found,
                None => whole.end,
            },
            states: whole.graph.len() as u64,
            edges,
            cut,
            depth: whole.depth,
            reaching: whole.graph.all_edges().iter().filter(reaches).count() as u64,
            judged,
            owed,
            lasso,
            elapsed: watch.elapsed(),
        }
    };
    Ok(goals.iter().map(|goal| answer(goal)).collect())
}
