//! What is told of steps: counted for each kind of telling, not for each of
//! the things that it tells.

use super::Coverage;
use super::names::Names;
use crate::action::Action;
use crate::cluster::{Ensemble, Turn};
use crate::log::InlineLog;
use crate::properties::{self, Check, Finding, StepView};
use crate::rules::Branch;
use crate::scenario::Scenario;
use crate::witnesses;

/// All that is told of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Telling {
    /// The place of the kind of action in [`Action::KINDS`].
    kind: usize,
    branch: Option<Branch>,
    /// Masks, in the order of their tables.
    witnesses: u128,
    evaluated: u64,
    pub(super) broken: u64,
}

/// Every witness and every property has its bit.
const _: () = assert!(witnesses::ALL.len() <= 128 && properties::ALL.len() <= 64);

impl Telling {
    /// Judges a turn that stays within bounds, by every property and witness.
    pub(super) fn of(
        before: &Ensemble<InlineLog>,
        action: &Action,
        turn: &Turn,
        scenario: &Scenario,
    ) -> Self {
        let view = StepView {
            before,
            action,
            step: turn,
        };
        let mut telling = Telling::unjudged(action, turn);
        for (i, witness) in witnesses::ALL.iter().enumerate() {
            telling.witnesses |= u128::from((witness.shows)(&view, scenario)) << i;
        }
        for (i, property) in properties::ALL.iter().enumerate() {
            let finding = property.judge(&view, scenario);
            telling.evaluated |= u64::from(finding != Finding::Vacuous) << i;
            telling.broken |= u64::from(finding == Finding::Broken) << i;
        }
        telling
    }

    /// The telling in bytes, no other one's.
    fn bytes(&self) -> [u8; 34] {
        let mut bytes = [0; 34];
        bytes[0] = self.kind as u8;
        bytes[1] = self.branch.map_or(u8::MAX, |branch| branch as u8);
        bytes[2..18].copy_from_slice(&self.witnesses.to_le_bytes());
        bytes[18..26].copy_from_slice(&self.evaluated.to_le_bytes());
        bytes[26..].copy_from_slice(&self.broken.to_le_bytes());
        bytes
    }

    /// Of a turn out of bounds only the action and the branch are told.
    pub(super) fn unjudged(action: &Action, turn: &Turn) -> Self {
        Telling {
            kind: action.kind_position(),
            branch: turn.outcome.map(|outcome| outcome.branch),
            witnesses: 0,
            evaluated: 0,
            broken: 0,
        }
    }
}

/// How often each telling was met.
#[derive(Debug)]
pub(super) struct Tally {
    numbers: Names,
    met: Vec<Met>,
    /// What the initial state adds.
    initial: Vec<u64>,
}

#[derive(Debug)]
struct Met {
    telling: Telling,
    within: u64,
    beyond: u64,
}

const BRANCHES: usize = Action::KINDS.len();
const WITNESSES: usize = BRANCHES + Branch::ALL.len();
const JUDGED: usize = WITNESSES + witnesses::ALL.len();
const EVALUATED: usize = JUDGED + properties::ALL.len();

impl Tally {
    pub(super) fn new() -> Self {
        Tally {
            numbers: Names::default(),
            met: Vec::new(),
            initial: vec![0; Coverage::LEN],
        }
    }

    /// The number of a telling.
    pub(super) fn number(&mut self, telling: Telling) -> u32 {
        let (number, new) = self.numbers.number(&telling.bytes());
        if new {
            self.met.push(Met {
                telling,
                within: 0,
                beyond: 0,
            });
        }
        number
    }

    /// A step within bounds was told as `number`: the properties it broke.
    pub(super) fn within(&mut self, number: u32) -> u64 {
        let met = &mut self.met[number as usize];
        met.within += 1;
        met.telling.broken
    }

    /// A step told as `number` left the bounds.
    pub(super) fn beyond(&mut self, number: u32) {
        self.met[number as usize].beyond += 1;
    }

    /// Judges an initial state: the properties it breaks.
    pub(super) fn initial(&mut self, state: &Ensemble<InlineLog>, scenario: &Scenario) -> u64 {
        let mut broken = 0;
        for (i, property) in properties::ALL.iter().enumerate() {
            if let Check::State(check) = property.check {
                let finding = check(state, scenario);
                self.initial[JUDGED + i] += 1;
                self.initial[EVALUATED + i] += u64::from(finding != Finding::Vacuous);
                broken |= u64::from(finding == Finding::Broken) << i;
            }
        }
        broken
    }

    /// The counts, in the order of [`Coverage`].
    pub(super) fn counts(&self) -> Vec<u64> {
        let mut counts = self.initial.clone();
        for met in &self.met {
            let telling = &met.telling;
            counts[telling.kind] += met.within + met.beyond;
            if let Some(branch) = telling.branch {
                counts[BRANCHES + branch as usize] += met.within + met.beyond;
            }
            for i in 0..witnesses::ALL.len() {
                counts[WITNESSES + i] += met.within * u64::from(telling.witnesses >> i & 1 > 0);
            }
            for i in 0..properties::ALL.len() {
                counts[JUDGED + i] += met.within;
                counts[EVALUATED + i] += met.within * (telling.evaluated >> i & 1);
            }
        }
        counts
    }
}
