//! Expands states on one thread.

use super::{Coverage, RuleBook};
use crate::action::{self, Action};
use crate::cluster::State;
use crate::engine::space::{Sink, Worker};
use crate::field::{Field, packed};
use crate::properties::{self, Check, Finding, StepView};
use crate::rules::Branch;
use crate::witnesses;

/// What expands the states of a rule book.
pub struct Reader<'s> {
    book: &'s RuleBook,
    counts: Vec<u64>,
}

const BRANCHES: usize = Action::KINDS.len();
const WITNESSES: usize = BRANCHES + Branch::ALL.len();
const JUDGED: usize = WITNESSES + witnesses::ALL.len();
const EVALUATED: usize = JUDGED + properties::ALL.len();

impl<'s> Reader<'s> {
    pub(super) fn new(book: &'s RuleBook) -> Self {
        Reader {
            book,
            counts: vec![0; Coverage::LEN],
        }
    }

    fn found(&mut self, property: usize, finding: Finding) -> u64 {
        self.counts[JUDGED + property] += 1;
        self.counts[EVALUATED + property] += u64::from(finding != Finding::Vacuous);
        u64::from(finding == Finding::Broken) << property
    }

    fn hand(&self, state: &State, broken: u64, sink: &mut impl Sink) {
        let mut images: Vec<_> = self
            .book
            .group
            .iter()
            .map(|by| packed(&state.rename(by)))
            .collect();
        images.sort();
        let same = images
            .iter()
            .take_while(|image| **image == images[0])
            .count();
        sink.state(&images[0], (images.len() / same) as u32, broken);
    }
}

impl Worker for Reader<'_> {
    fn initial(&mut self, sink: &mut impl Sink) {
        let scenario = &self.book.scenario;
        let state = State::initial(scenario);
        let mut broken = 0;
        for (i, property) in properties::ALL.iter().enumerate() {
            if let Check::State(check) = property.check {
                broken |= self.found(i, check(&state, scenario));
            }
        }
        self.hand(&state, broken, sink);
    }

    fn expand(&mut self, mut packed: &[u8], sink: &mut impl Sink) {
        let scenario = &self.book.scenario;
        let before = State::unpack(&mut packed).expect("a state that this space packed");
        let mut actions = Vec::new();
        action::enabled(&before, scenario, &mut actions);
        for action in &actions {
            let Ok(step) = before.next(action, scenario) else {
                continue;
            };
            self.counts[action.kind_position()] += 1;
            if let Some(outcome) = step.outcome {
                self.counts[BRANCHES + outcome.branch as usize] += 1;
            }
            if !step.after.within(scenario) {
                sink.beyond();
                continue;
            }
            let view = StepView {
                before: &before,
                action,
                step: &step,
            };
            for (i, witness) in witnesses::ALL.iter().enumerate() {
                self.counts[WITNESSES + i] += u64::from((witness.shows)(&view, scenario));
            }
            let mut broken = 0;
            for (i, property) in properties::ALL.iter().enumerate() {
                let finding = match property.check {
                    Check::State(check) => check(&step.after, scenario),
                    Check::Step(check) => check(&view, scenario),
                };
                broken |= self.found(i, finding);
            }
            self.hand(&step.after, broken, sink);
        }
    }

    fn counts(&self) -> Vec<u64> {
        self.counts.clone()
    }
}
