//! The rule book as a [`stateright::Model`], and what is counted on the way.
//!
//! Two things that stateright leaves to its model are done here. A property of
//! a step has no place in its interface, so a step that breaks one sets a mark
//! that is part of the state. And its counters know neither enabled actions
//! that leave the bounds nor which rule branches fired, so the model counts.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use ::stateright::{Expectation, Model, Path, Property, Representative};

use crate::action::{self, Action};
use crate::cluster::State;
use crate::counterexample::Frame;
use crate::engine::tally::{PROPERTIES, Tally};
use crate::field::{Field, Renaming, fingerprint_of};
use crate::properties::{self, Check, Finding, StepView};
use crate::scenario::Scenario;
use crate::witnesses;

/// A state, with the properties of a step that were broken on the way to it.
///
/// It is held packed: a search keeps many states waiting, and what waits takes a
/// twentieth of the room. The first look at it unpacks it.
#[derive(Clone)]
pub struct Marked {
    packed: Box<[u8]>,
    opened: OnceLock<Box<State>>,
    /// Bit `i`: the property in row `i` of the table was broken by a step.
    broken: u32,
    /// How many actions led here; no part of the state's identity.
    depth: u32,
    /// The renamings that symmetry may use; the same in every state of a
    /// search, so no part of the state's identity.
    group: Arc<[Renaming]>,
}

thread_local! {
    /// Where states are packed, to allocate each byte string once, at its size.
    static PACKING: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Marked {
    fn new(state: &State, broken: u32, depth: u32, group: &Arc<[Renaming]>) -> Self {
        let packed = PACKING.with_borrow_mut(|buffer| {
            buffer.clear();
            state.pack(buffer);
            buffer.as_slice().into()
        });
        Marked {
            packed,
            opened: OnceLock::new(),
            broken,
            depth,
            group: Arc::clone(group),
        }
    }

    /// The state.
    pub fn state(&self) -> &State {
        self.opened.get_or_init(|| {
            let state = State::unpack(&mut &*self.packed);
            Box::new(state.expect("a packed state unpacks: a property test holds it"))
        })
    }
}

impl PartialEq for Marked {
    fn eq(&self, other: &Self) -> bool {
        self.packed == other.packed && self.broken == other.broken
    }
}

impl std::hash::Hash for Marked {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(fingerprint_of(&self.packed));
        hasher.write_u32(self.broken);
    }
}

impl std::fmt::Debug for Marked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        crate::counterexample::describe(self.state(), f)
    }
}

impl Representative for Marked {
    fn representative(&self) -> Self {
        let least = crate::symmetry::representative(self.state(), &self.group);
        Marked::new(&least, self.broken, self.depth, &self.group)
    }
}

/// The discovery that ends random walks from outside.
pub(crate) const STOPPED: &str = "stopped";

/// A scenario as a model.
pub struct RaftModel {
    /// What is explored.
    pub scenario: Scenario,
    /// What is counted.
    pub(crate) tally: Arc<Tally>,
    /// Set from outside, ends the search: no action is enabled any more.
    pub stop: Arc<AtomicBool>,
    /// The most actions in a row.
    pub depth_max: Option<usize>,
    /// Random walks. stateright forgets which actions it passed over when one
    /// leads nowhere, so here only those are offered that lead on; and it ends
    /// only at a discovery, so being stopped is one.
    pub sampled: bool,
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
            depth_max: None,
            sampled: false,
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
        if self.stop.load(Relaxed) {
            // What still waits is only put away.
            return true;
        }
        let broken = match properties::ALL[i].check {
            Check::Step(_) => marked.broken & (1 << i) != 0,
            Check::State(check) => {
                let finding = check(marked.state(), &self.scenario);
                self.tally.found(i, finding);
                finding == Finding::Broken
            }
        };
        let here = || fingerprint_of(&marked.packed) ^ u64::from(marked.broken);
        !(broken && self.tally.is_first(i, here))
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
        let state = State::initial(&self.scenario);
        vec![Marked::new(&state, 0, 0, &self.group)]
    }

    fn actions(&self, marked: &Marked, actions: &mut Vec<Action>) {
        if self.stop.load(Relaxed) {
            return;
        }
        action::enabled(marked.state(), &self.scenario, actions);
        if self
            .depth_max
            .is_some_and(|max| marked.depth as usize >= max)
        {
            // Some of them may refuse still; then the cut hides nothing.
            self.tally.cut.fetch_or(!actions.is_empty(), Relaxed);
            actions.clear();
        }
        if self.sampled {
            let here = marked.state();
            actions.retain(|action| {
                here.next(action, &self.scenario)
                    .is_ok_and(|step| step.after != *here && step.after.within(&self.scenario))
            });
        }
    }

    fn next_state(&self, last: &Marked, action: Action) -> Option<Marked> {
        let step = last.state().next(&action, &self.scenario).ok()?;
        let tally = &self.tally;
        tally.generated.fetch_add(1, Relaxed);
        tally.actions[action.kind_position()].fetch_add(1, Relaxed);
        if let Some(outcome) = step.outcome {
            tally.branches[outcome.branch as usize].fetch_add(1, Relaxed);
        }
        if !step.after.within(&self.scenario) {
            tally.out_of_bounds.fetch_add(1, Relaxed);
            return None;
        }
        let view = StepView {
            before: last.state(),
            action: &action,
            step: &step,
        };
        for (i, witness) in witnesses::ALL.iter().enumerate() {
            if (witness.shows)(&view, &self.scenario) {
                tally.witnesses[i].fetch_add(1, Relaxed);
            }
        }
        let broken = last.broken | self.marks(&view);
        Some(Marked::new(
            &step.after,
            broken,
            last.depth + 1,
            &self.group,
        ))
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
            holds::<12>,
            holds::<13>,
            holds::<14>,
            holds::<15>,
            holds::<16>,
            holds::<17>,
            holds::<18>,
            holds::<19>,
            holds::<20>,
            holds::<21>,
            holds::<22>,
            holds::<23>,
            holds::<24>,
            holds::<25>,
            holds::<26>,
            holds::<27>,
            holds::<28>,
        ];
        let rows = properties::ALL.iter().zip(conditions);
        let rows = rows.map(|(property, condition)| Property {
            expectation: Expectation::Always,
            name: property.name,
            condition,
        });
        let stopped = self.sampled.then_some(Property {
            expectation: Expectation::Sometimes,
            name: STOPPED,
            condition: |model: &RaftModel, _: &Marked| model.stop.load(Relaxed),
        });
        rows.chain(stopped).collect()
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn format_step(&self, last: &Marked, action: Action) -> Option<String> {
        let step = last.state().next(&action, &self.scenario).ok()?;
        Some(crate::counterexample::changes(last.state(), &step))
    }

    fn as_svg(&self, path: Path<Marked, Action>) -> Option<String> {
        let actions = path.into_actions();
        let frames: Vec<Frame> = crate::counterexample::execute(&self.scenario, &actions).ok()?;
        Some(crate::counterexample::svg(&self.scenario, &frames))
    }
}
