//! A swarm of bounds over the rule book: every walk within the given bounds,
//! and most of them within tighter ones of their own.

use super::{BOUNDS, Dice, Found};
use crate::action::{self, Action};
use crate::book::RuleBook;
use crate::bounds::Bounds;
use crate::cluster::State;
use crate::counterexample::Counterexample;
use crate::field::packed;
use crate::properties;
use crate::scenario::Scenario;

/// A scenario with bounds drawn at random within those of `scenario`.
///
/// What can be reached within them, and how, can be reached in `scenario` by
/// the same actions through the same packed states. So what decides more than
/// how far a run may go stays as it is: the servers and what they start with;
/// how late a message may be, because a later one is lost by itself; how far
/// clocks may drift, because what is left of that is in the state; and that a
/// budget is not counted, unless nothing of it may be spent at all. Walks are
/// drawn so that something can still happen in them: there is a term, an
/// election and an entry wherever `scenario` has one. Where it begins with a
/// prefix that is no run within what was drawn, nothing is drawn: a walk begins
/// where that ends.
pub fn swarm_bounds(scenario: &Scenario, dice: &mut Dice) -> Scenario {
    let drawn = draw(scenario, dice);
    match drawn.prefix.is_empty() || drawn.check().is_ok() {
        true => drawn,
        false => scenario.clone(),
    }
}

fn draw(scenario: &Scenario, dice: &mut Dice) -> Scenario {
    let mut scenario = scenario.clone();
    let Bounds {
        servers,
        bootstrap: _,
        boot_applied: _,
        max_term,
        max_log,
        max_messages,
        max_lag: _,
        max_batch,
        resend,
        partial_writes,
        campaigns,
        writes,
        reads,
        restarts,
        appends,
        heartbeats,
        drops,
        duplicates,
        transfers,
        drift: _,
        voters: _,
        changes,
        joint_size,
        explicit_leave,
        wipes,
        compactions,
        snapshots,
        retries,
    } = &mut scenario.bounds;
    // Now and then, nothing but the bounds that were asked for.
    if dice.once_in(8) {
        return scenario;
    }
    lower(max_term, 1, dice);
    lower(max_log, 1, dice);
    lower(max_batch, 1, dice);
    lower(joint_size, 1, dice);
    if let Some(messages) = max_messages {
        // A candidate asks all the others at once.
        lower(messages, u32::from(*servers).saturating_sub(1), dice);
    }
    if let Some(campaigns) = campaigns {
        lower(campaigns, 1, dice);
    }
    for budget in [
        writes, reads, restarts, duplicates, transfers, changes, wipes,
    ] {
        lower(budget, 0, dice);
    }
    for budget in [appends, heartbeats, drops] {
        match budget {
            Some(budget) => lower(budget, 0, dice),
            None if dice.once_in(4) => *budget = Some(0),
            None => {}
        }
    }
    for switch in [resend, partial_writes, explicit_leave] {
        *switch &= !dice.once_in(2);
    }
    // Nothing is drawn for what there is not: a seed keeps its walks.
    if *compactions > 0 {
        lower(compactions, 0, dice);
        if let Some(snapshots) = snapshots {
            lower(snapshots, 0, dice);
        }
    }
    if *retries > 0 {
        lower(retries, 0, dice);
    }
    scenario
}

/// Every other time, lowers `bound` to anything not below `least`.
fn lower(bound: &mut u32, least: u32, dice: &mut Dice) {
    if *bound > least && dice.once_in(2) {
        *bound = least + dice.below(u64::from(*bound - least)) as u32;
    }
}

/// The rule book for walks, each within bounds of its own.
#[derive(Clone, Debug)]
pub struct Swarm {
    scenario: Scenario,
    seed: u64,
}

impl Swarm {
    /// Walks of `seed` within the bounds of `scenario`.
    pub fn new(scenario: Scenario, seed: u64) -> Self {
        Swarm { scenario, seed }
    }

    /// The scenario of walk `walk`.
    pub fn scenario(&self, walk: u64) -> Scenario {
        swarm_bounds(&self.scenario, &mut Dice::of(self.seed, walk, BOUNDS))
    }

    /// The space of walk `walk`.
    pub fn space(&self, walk: u64) -> RuleBook {
        RuleBook::new(self.scenario(walk), false)
    }

    /// What a walk found, as a run within the bounds that were asked for;
    /// `None` when it is no run there, or breaks nothing by a step.
    pub fn counterexample(&self, found: &Found) -> Option<Counterexample> {
        let ordinals = found.run.iter().map(|(ordinal, _)| *ordinal);
        let actions = actions(&self.scenario(found.walk), ordinals.skip(1))?;
        let counterexample = Counterexample {
            property: properties::ALL.get(found.property)?.name,
            scenario: self.scenario.clone(),
            actions,
        };
        let frames = counterexample.frames().ok()?;
        let mut states = frames.iter().zip(found.run.iter().skip(1));
        states
            .all(|(frame, (_, walked))| packed(&frame.step.after) == *walked)
            .then_some(counterexample)
    }
}

/// The actions of the run from the initial state in which each step is the
/// how many-th of those that are enabled where it is taken.
fn actions(scenario: &Scenario, ordinals: impl Iterator<Item = u32>) -> Option<Vec<Action>> {
    let mut state = State::initial(scenario);
    let mut run = Vec::new();
    let mut listed = Vec::new();
    for ordinal in ordinals {
        listed.clear();
        action::enabled(&state, scenario, &mut listed);
        // What a rule refuses is listed and not enabled.
        let mut enabled = listed.iter().filter_map(|action| {
            let step = state.next(action, scenario).ok()?;
            Some((action.clone(), step.after))
        });
        let (action, after) = enabled.nth(ordinal as usize)?;
        drop(enabled);
        run.push(action);
        state = after;
    }
    Some(run)
}
