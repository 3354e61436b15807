//! The document of `plimsoll check --liveness KIND --json`.

use plimsoll_model::counterexample::describe_server;
use plimsoll_model::engine::End;
use plimsoll_model::liveness::lassos::{ASSUMPTION, Kept};
use plimsoll_model::liveness::recover::Why;
use plimsoll_model::liveness::{Goal, Kind, Lassos, Recoverability, Verdict};
use plimsoll_model::scenario::Scenario;
use serde::Serialize;

use super::Answer;
use super::check::{Seen, Task};
use super::seconds::rounded;

/// The schema of [`Document`].
pub const SCHEMA: &str = "plimsoll-liveness/1";

/// How many states of a closed set are listed.
pub const MEMBERS_MAX: usize = 12;

/// One goal in one preset. What the other check knows is `null`.
#[derive(Clone, Debug, Serialize)]
pub struct GoalReport {
    /// The preset.
    pub preset: String,
    /// The planted flaw.
    pub flaw: Option<&'static str>,
    /// The goal.
    pub goal: &'static str,
    /// When it is reached.
    pub says: &'static str,
    /// The section of the paper.
    pub section: &'static str,
    /// The features without which it means nothing.
    pub presumes: &'static str,
    /// The file that holds it.
    pub file: &'static str,
    /// The verdict.
    pub verdict: Answer,
    /// Why it is inconclusive, a sentence each.
    pub grounds: Vec<String>,
    /// How the check ended.
    pub end: &'static str,
    /// States: reachable ones with faults, or those of the fault-free graph.
    pub states: u64,
    /// The most actions on a shortest way to one.
    pub depth: usize,
    /// Successors out of bounds.
    pub out_of_bounds: u64,
    /// Wall-clock time, from the start of the check of the preset.
    pub seconds: f64,
    /// What was explored.
    pub scenario: Scenario,
    /// What recoverability found.
    pub recoverability: Option<Recovered>,
    /// What the search for lassos found.
    pub lassos: Option<Looked>,
    /// A violation.
    pub violation: Option<Found>,
}

/// What recoverability found.
#[derive(Clone, Debug, Serialize)]
pub struct Recovered {
    /// Terms to spare.
    pub spare_terms: u32,
    /// States after the last faults, with each majority that may be up.
    pub starts: u64,
    /// Of these, how many were judged.
    pub judged: u64,
    /// From how many the goal is reached.
    pub recoverable: u64,
    /// From how many it is not.
    pub violating: u64,
    /// How many are neither, by reason.
    pub undetermined: Vec<Seen>,
    /// States looked at on the way to goals.
    pub looked_at: u64,
    /// The most actions that a way to the goal took.
    pub longest: usize,
}

/// What the search for lassos found.
#[derive(Clone, Debug, Serialize)]
pub struct Looked {
    /// Edges within bounds.
    pub edges: u64,
    /// Edges that reach the goal.
    pub reaching: u64,
    /// States that runs reach which avoid the goal.
    pub avoiding: u64,
    /// Of these, components that hold cycles.
    pub components: u64,
    /// The states of the largest.
    pub largest: u64,
    /// Components whose runs may be fair.
    pub fair: u64,
    /// States in which a fair run may end.
    pub ends: u64,
    /// The unfair components, by the kind of action that every run in them owes.
    pub owed: Vec<Seen>,
}

/// A violation.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// How many actions lead there.
    pub depth: usize,
    /// The actions: to the state that does not recover, or to the cycle.
    pub actions: Vec<String>,
    /// Whether it is one when it is executed again.
    pub confirmed: bool,
    /// Where the timeline of these actions was saved.
    pub timeline: Option<String>,
    /// Who is up from then on.
    pub up: Vec<String>,
    /// How many states the closed set has.
    pub closed_states: Option<u64>,
    /// The first of them.
    pub members: Vec<MemberReport>,
    /// The messages that may arrive in any of them.
    pub messages: Vec<String>,
    /// The actions of the cycle; none when the run ends.
    pub cycle: Option<Vec<String>>,
    /// How the cycle is fair to each action that is enabled on it.
    pub fairness: Vec<Fair>,
}

/// A state of a closed set.
#[derive(Clone, Debug, Serialize)]
pub struct MemberReport {
    /// The servers that are up.
    pub servers: Vec<String>,
    /// What changes it, and into which member, from zero.
    pub moves: Vec<Led>,
}

/// An action and where it leads.
#[derive(Clone, Debug, Serialize)]
pub struct Led {
    /// The action.
    pub action: String,
    /// The number of the member.
    pub to: usize,
}

/// How a cycle is fair to one action.
#[derive(Clone, Debug, Serialize)]
pub struct Fair {
    /// The action.
    pub action: String,
    /// The step of the cycle that takes it, from one.
    pub taken: Option<usize>,
    /// The step of the cycle after which it is disabled; 0 before the first.
    pub disabled: Option<usize>,
}

fn answer(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Holds => Answer::Holds,
        Verdict::Violated => Answer::Violated,
        Verdict::Inconclusive => Answer::Inconclusive,
    }
}

fn printed(actions: &[plimsoll_model::action::Action]) -> Vec<String> {
    actions.iter().map(ToString::to_string).collect()
}

impl GoalReport {
    fn new(task: &Task, goal: &'static Goal, scenario: &Scenario, verdict: Verdict) -> Self {
        GoalReport {
            preset: task.name.clone(),
            flaw: scenario.settings.flaw.map(|flaw| flaw.about().name),
            goal: goal.name,
            says: goal.says,
            section: goal.section,
            presumes: goal.presumes,
            file: goal.file,
            verdict: answer(verdict),
            grounds: Vec::new(),
            end: "",
            states: 0,
            depth: 0,
            out_of_bounds: 0,
            seconds: 0.0,
            scenario: scenario.clone(),
            recoverability: None,
            lassos: None,
            violation: None,
        }
    }

    /// What recoverability found of a goal.
    pub fn recovered(task: &Task, found: &Recoverability) -> Self {
        let undetermined = Why::ALL.iter().zip(found.undetermined);
        let undetermined: Vec<Seen> = undetermined
            .map(|(why, count)| Seen {
                name: why.name().to_owned(),
                count,
            })
            .collect();
        let mut report = Self::new(task, found.goal, &found.scenario, found.verdict());
        if found.verdict() == Verdict::Inconclusive {
            if found.end != End::Exhausted {
                report
                    .grounds
                    .push(format!("the check ended early: {}", found.end.name()));
            }
            let open: u64 = found.undetermined.iter().sum();
            if open > 0 {
                let nearest = found.open.as_ref().map_or(String::new(), |(way, up, why)| {
                    let depth = way.len();
                    format!(
                        ", the nearest after {depth} actions with {up} up: {}",
                        why.name()
                    )
                });
                report
                    .grounds
                    .push(format!("{open} states are undetermined{nearest}"));
            }
            if found.recoverable == 0 {
                report.grounds.push("no state was judged".to_owned());
            }
        }
        let violation = found.violation.as_ref().map(|violation| {
            let (members, messages) = violation.members(MEMBERS_MAX).unwrap_or_default();
            let members = members.iter().map(|member| MemberReport {
                servers: violation
                    .up
                    .iter()
                    .map(|id| describe_server(member.state.server(id)))
                    .collect(),
                moves: member
                    .moves
                    .iter()
                    .map(|(action, to)| Led {
                        action: action.to_string(),
                        to: *to,
                    })
                    .collect(),
            });
            Found {
                depth: violation.actions.len(),
                actions: printed(&violation.actions),
                confirmed: violation.is_confirmed(),
                timeline: None,
                up: violation.up.iter().map(|id| id.to_string()).collect(),
                closed_states: Some(violation.size),
                members: members.collect(),
                messages: messages.iter().map(ToString::to_string).collect(),
                cycle: None,
                fairness: Vec::new(),
            }
        });
        GoalReport {
            end: found.end.name(),
            states: found.states,
            depth: found.depth,
            out_of_bounds: found.out_of_bounds,
            seconds: rounded(found.elapsed),
            recoverability: Some(Recovered {
                spare_terms: found.spare_terms,
                starts: found.starts,
                judged: found.judged,
                recoverable: found.recoverable,
                violating: found.violating,
                undetermined,
                looked_at: found.looked_at,
                longest: found.longest,
            }),
            violation,
            ..report
        }
    }

    /// What the search for lassos found of a goal.
    pub fn looked(task: &Task, found: &Lassos) -> Self {
        let mut report = Self::new(task, found.goal, &found.scenario, found.verdict());
        if found.verdict() == Verdict::Inconclusive {
            if found.end != End::Exhausted {
                report
                    .grounds
                    .push(format!("the check ended early: {}", found.end.name()));
            }
            if found.reaching == 0 {
                report
                    .grounds
                    .push("nothing reaches the goal within the bounds".to_owned());
                let room = found.scenario.bounds.max_messages;
                if let (Some(room), true) = (room, found.cut > 0) {
                    report.grounds.push(format!(
                        "max-messages={room} may leave no room: who asks for votes or pre-votes \
                         says so to all others at once (--set max-messages={})",
                        room + 1
                    ));
                }
            }
        }
        let violation = found.lasso.as_ref().map(|lasso| {
            let executed = lasso.execute();
            let fairness = executed
                .as_ref()
                .map(|executed| executed.fairness.as_slice());
            let fairness = fairness.unwrap_or_default().iter().map(|(action, kept)| {
                let (taken, disabled) = match *kept {
                    Kept::Taken(step) => (Some(step), None),
                    Kept::Disabled(step) => (None, Some(step)),
                };
                Fair {
                    action: action.to_string(),
                    taken,
                    disabled,
                }
            });
            let servers = 1..=found.scenario.bounds.servers;
            Found {
                depth: lasso.stem.len(),
                actions: printed(&lasso.stem),
                confirmed: executed.is_ok(),
                timeline: None,
                up: servers.map(|i| format!("n{i}")).collect(),
                closed_states: None,
                members: Vec::new(),
                messages: Vec::new(),
                cycle: Some(printed(&lasso.cycle)),
                fairness: fairness.collect(),
            }
        });
        let judged = &found.judged;
        let owed = found.owed.iter().map(|&(name, count)| Seen {
            name: name.to_owned(),
            count,
        });
        GoalReport {
            end: found.end.name(),
            states: found.states,
            depth: found.depth,
            out_of_bounds: found.cut,
            seconds: rounded(found.elapsed),
            lassos: Some(Looked {
                edges: found.edges,
                reaching: found.reaching,
                avoiding: judged.nodes,
                components: judged.components,
                largest: judged.largest,
                fair: judged.fair,
                ends: judged.ends,
                owed: owed.collect(),
            }),
            violation,
            ..report
        }
    }
}

/// The document of `plimsoll check --liveness KIND --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The version of this tool.
    pub tool: &'static str,
    /// Which check.
    pub check: &'static str,
    /// What it assumes.
    pub assumption: String,
    /// Over all goals.
    pub verdict: Answer,
    /// The goals, preset by preset.
    pub goals: Vec<GoalReport>,
}

impl Document {
    /// Sums up `goals`.
    pub fn new(kind: Kind, goals: Vec<GoalReport>) -> Self {
        let worst = goals.iter().map(|goal| goal.verdict).max();
        let assumption = match kind {
            Kind::Lassos => ASSUMPTION,
            Kind::Recoverability => {
                "faults have ended with the loss of all that was in flight; a minority stays \
                 down, whichever; whoever is up goes on without a fault, with so many terms to \
                 spare; some continuation is asked for, not every one"
            }
        };
        Document {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_VERSION"),
            check: kind.name(),
            assumption: assumption.to_owned(),
            verdict: worst.unwrap_or(Answer::Inconclusive),
            goals,
        }
    }
}
