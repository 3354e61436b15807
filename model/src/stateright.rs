//! The rule book as a [`stateright::Model`], and what is counted on the way.
//!
//! Two things that stateright leaves to its model are done here. A property of
//! a step has no place in its interface, so a step that breaks one sets a mark
//! that is part of the state. And its counters know neither enabled actions
//! that leave the bounds nor which rule branches fired, so the model counts.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use ::stateright::{Expectation, Model, Path, Property, Representative};

use crate::action::{self, Action};
use crate::cluster::State;
use crate::counterexample::Frame;
use crate::field::{Renaming, fingerprint};
use crate::properties::{self, Check, Finding, StepView};
use crate::rules::Branch;
use crate::scenario::Scenario;
use crate::witnesses;

/// How many properties there are.
pub const PROPERTIES: usize = properties::ALL.len();

/// A state, with the properties of a step that were broken on the way to it.
#[derive(Clone)]
pub struct Marked {
    /// The state.
    pub state: State,
    /// Bit `i`: the property in row `i` of the table was broken by a step.
    pub broken: u32,
    /// The renamings that symmetry may use; the same in every state of a
    /// search, so no part of the state's identity.
    group: Arc<[Renaming]>,
}

impl PartialEq for Marked {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state && self.broken == other.broken
    }
}

impl std::hash::Hash for Marked {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        self.state.hash(hasher);
        hasher.write_u32(self.broken);
    }
}

impl std::fmt::Debug for Marked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        crate::counterexample::describe(&self.state, f)
    }
}

impl Representative for Marked {
    fn representative(&self) -> Self {
        Marked {
            state: crate::symmetry::representative(&self.state, &self.group),
            broken: self.broken,
            group: Arc::clone(&self.group),
        }
    }
}

/// What is counted during a search.
#[derive(Debug)]
pub struct Tally {
    /// Initial states plus one for every enabled action.
    pub generated: AtomicU64,
    /// Successors outside the constraints of the bounds.
    pub out_of_bounds: AtomicU64,
    /// How often each rule branch fired, in the order of [`Branch::ALL`].
    pub branches: [AtomicU64; Branch::ALL.len()],
    /// How often each kind of action fired, in the order of [`Action::KINDS`].
    pub actions: [AtomicU64; Action::KINDS.len()],
    /// How often each witness was seen, in the order of [`witnesses::ALL`].
    pub witnesses: [AtomicU64; witnesses::ALL.len()],
    /// How often each property was judged, vacuously or not.
    pub judged: [AtomicU64; PROPERTIES],
    /// How often each property had something to judge.
    pub evaluated: [AtomicU64; PROPERTIES],
    /// The first state that broke each property.
    first: [Mutex<Option<u64>>; PROPERTIES],
}

fn zeros<const N: usize>() -> [AtomicU64; N] {
    std::array::from_fn(|_| AtomicU64::new(0))
}

impl Default for Tally {
    fn default() -> Self {
        Tally {
            generated: AtomicU64::new(0),
            out_of_bounds: AtomicU64::new(0),
            branches: zeros(),
            actions: zeros(),
            witnesses: zeros(),
            judged: zeros(),
            evaluated: zeros(),
            first: std::array::from_fn(|_| Mutex::new(None)),
        }
    }
}

impl Tally {
    fn found(&self, property: usize, finding: Finding) {
        self.judged[property].fetch_add(1, Relaxed);
        if finding != Finding::Vacuous {
            self.evaluated[property].fetch_add(1, Relaxed);
        }
    }

    /// Whether `state` is the first to break `property`. stateright keeps the
    /// last discovery of a block of states; the first one is the shortest.
    fn is_first(&self, property: usize, state: &Marked) -> bool {
        let here = fingerprint(&state.state) ^ u64::from(state.broken);
        match self.first[property].lock() {
            Ok(mut first) => *first.get_or_insert(here) == here,
            Err(_) => true,
        }
    }
}

/// A scenario as a model.
pub struct RaftModel {
    /// What is explored.
    pub scenario: Scenario,
    /// What is counted.
    pub tally: Arc<Tally>,
    /// Set from outside, ends the search: no action is enabled any more.
    pub stop: Arc<AtomicBool>,
    group: Arc<[Renaming]>,
}

impl RaftModel {
    /// The model of `scenario`; `symmetry` lets servers be renamed.
    pub fn new(scenario: Scenario, symmetry: bool) -> Self {
        let group = if symmetry {
            crate::symmetry::stabiliser(&scenario)
        } else {
            vec![Renaming::identity(usize::from(scenario.bounds.servers))]
        };
        RaftModel {
            scenario,
            tally: Arc::default(),
            stop: Arc::default(),
            group: group.into(),
        }
    }

    /// How many renamings symmetry uses.
    pub fn group_size(&self) -> usize {
        self.group.len()
    }

    fn marks(&self, view: &StepView<'_>) -> u32 {
        let mut broken = 0;
        for (i, property) in properties::ALL.iter().enumerate() {
            if let Check::Step(check) = property.check {
                let finding = check(view, &self.scenario);
                self.tally.found(i, finding);
                broken |= u32::from(finding == Finding::Broken) << i;
            }
        }
        broken
    }

    fn holds(&self, i: usize, marked: &Marked) -> bool {
        let broken = match properties::ALL[i].check {
            Check::Step(_) => marked.broken & (1 << i) != 0,
            Check::State(check) => {
                let finding = check(&marked.state, &self.scenario);
                self.tally.found(i, finding);
                finding == Finding::Broken
            }
        };
        !(broken && self.tally.is_first(i, marked))
    }
}

fn holds<const I: usize>(model: &RaftModel, marked: &Marked) -> bool {
    model.holds(I, marked)
}

impl Model for RaftModel {
    type State = Marked;
    type Action = Action;

    fn init_states(&self) -> Vec<Marked> {
        self.tally.generated.fetch_add(1, Relaxed);
        vec![Marked {
            state: State::initial(&self.scenario),
            broken: 0,
            group: Arc::clone(&self.group),
        }]
    }

    fn actions(&self, marked: &Marked, actions: &mut Vec<Action>) {
        if !self.stop.load(Relaxed) {
            action::enabled(&marked.state, &self.scenario, actions);
        }
    }

    fn next_state(&self, last: &Marked, action: Action) -> Option<Marked> {
        let step = last.state.next(&action, &self.scenario).ok()?;
        let tally = &self.tally;
        tally.generated.fetch_add(1, Relaxed);
        if let Some(at) = Action::KINDS.iter().position(|k| *k == action.kind()) {
            tally.actions[at].fetch_add(1, Relaxed);
        }
        if let Some(outcome) = step.outcome {
            tally.branches[outcome.branch as usize].fetch_add(1, Relaxed);
        }
        if !step.after.within(&self.scenario) {
            tally.out_of_bounds.fetch_add(1, Relaxed);
            return None;
        }
        let view = StepView {
            before: &last.state,
            action: &action,
            step: &step,
        };
        for (i, witness) in witnesses::ALL.iter().enumerate() {
            if (witness.shows)(&view, &self.scenario) {
                tally.witnesses[i].fetch_add(1, Relaxed);
            }
        }
        let broken = last.broken | self.marks(&view);
        Some(Marked {
            state: step.after,
            broken,
            group: Arc::clone(&self.group),
        })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let conditions: [fn(&RaftModel, &Marked) -> bool; PROPERTIES] = [
            holds::<0>,
            holds::<1>,
            holds::<2>,
            holds::<3>,
            holds::<4>,
            holds::<5>,
            holds::<6>,
            holds::<7>,
            holds::<8>,
            holds::<9>,
            holds::<10>,
            holds::<11>,
        ];
        let rows = properties::ALL.iter().zip(conditions);
        rows.map(|(property, condition)| Property {
            expectation: Expectation::Always,
            name: property.name,
            condition,
        })
        .collect()
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn format_step(&self, last: &Marked, action: Action) -> Option<String> {
        let step = last.state.next(&action, &self.scenario).ok()?;
        Some(crate::counterexample::changes(&last.state, &step))
    }

    fn as_svg(&self, path: Path<Marked, Action>) -> Option<String> {
        let actions = path.into_actions();
        let frames: Vec<Frame> = crate::counterexample::execute(&self.scenario, &actions).ok()?;
        Some(crate::counterexample::svg(&self.scenario, &frames))
    }
}
