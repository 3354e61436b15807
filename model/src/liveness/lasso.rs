//! A lasso is executed again before it is shown: every step by the rule book,
//! the cycle back to the very state it began in, and fairness by its
//! definition, from nothing that the search has worked out.

use super::goals::Goal;
use super::lassos::{Kept, Lasso, NotALasso, goals_of, is_fair, steps};
use crate::action::Action;
use crate::cluster::State;
use crate::counterexample::{Frame, NotARun};
use crate::scenario::Scenario;

/// A lasso that was executed again.
#[derive(Clone, Debug)]
pub struct Executed {
    /// The steps of the stem.
    pub stem: Vec<Frame>,
    /// The steps of the cycle.
    pub cycle: Vec<Frame>,
    /// For every action that fairness asks for and that is enabled somewhere on
    /// the cycle, how the cycle is fair to it.
    pub fairness: Vec<(Action, Kept)>,
}

impl Lasso {
    /// Executes the run again.
    ///
    /// # Errors
    /// Why it is no fair run that avoids the goal.
    pub fn execute(&self) -> Result<Executed, NotALasso> {
        let goal = Goal::by_name(self.goal).ok_or(NotALasso::Open)?;
        let mut state = State::initial(&self.scenario);
        let stem = follow(&mut state, &self.stem, 0, goal, &self.scenario)?;
        let start = state.clone();
        let cycle = follow(&mut state, &self.cycle, stem.len(), goal, &self.scenario)?;
        if state != start {
            return Err(NotALasso::Open);
        }
        // What is enabled at the start of the cycle and after each step.
        let after = cycle.iter().map(|frame| &frame.step.after);
        let states: Vec<&State> = std::iter::once(&start).chain(after).collect();
        let enabled: Vec<Vec<Action>> = states
            .iter()
            .map(|state| asked_for(state, &self.scenario))
            .collect();
        let mut fairness: Vec<(Action, Kept)> = Vec::new();
        for action in enabled.iter().flatten() {
            if fairness.iter().any(|(known, _)| known == action) {
                continue;
            }
            let taken = self.cycle.iter().position(|step| step == action);
            let disabled = enabled.iter().position(|here| !here.contains(action));
            let kept = match (taken, disabled) {
                (Some(at), _) => Kept::Taken(at + 1),
                (None, Some(at)) => Kept::Disabled(at),
                (None, None) => return Err(NotALasso::Unfair(action.to_string())),
            };
            fairness.push((action.clone(), kept));
        }
        Ok(Executed {
            stem,
            cycle,
            fairness,
        })
    }

    /// Whether the run exists, is fair and never reaches the goal.
    pub fn is_confirmed(&self) -> bool {
        self.execute().is_ok()
    }
}

/// What is enabled in `state` that fairness asks for.
fn asked_for(state: &State, scenario: &Scenario) -> Vec<Action> {
    let steps = steps(state, scenario).into_iter();
    steps.map(|(action, _)| action).filter(is_fair).collect()
}

/// Takes `actions` from `state` on, which are steps of a run from number
/// `before` on.
fn follow(
    state: &mut State,
    actions: &[Action],
    before: usize,
    goal: &Goal,
    scenario: &Scenario,
) -> Result<Vec<Frame>, NotALasso> {
    let mut frames = Vec::with_capacity(actions.len());
    for (i, action) in actions.iter().enumerate() {
        let at = before + i + 1;
        let step = state.next(action, scenario).map_err(|reason| NotARun {
            at: at - 1,
            action: action.to_string(),
            reason,
        })?;
        let allowed = steps(state, scenario)
            .into_iter()
            .any(|(a, _)| a == *action);
        if !allowed || !step.after.within(scenario) {
            return Err(NotALasso::Excluded(at));
        }
        if goals_of(state, action, &step, scenario) & super::lassos::bit(goal) != 0 {
            return Err(NotALasso::Reached(at));
        }
        *state = step.after.clone();
        frames.push(Frame {
            action: action.clone(),
            step,
        });
    }
    Ok(frames)
}
