//! What shows a planted flaw: a broken property, or a goal that one of the
//! checks of liveness finds out of reach.

use std::time::Duration;

use super::goals::Goal;
use super::lassos::{Lassos, lassos};
use super::recover::{Recoverability, SPARE_TERMS, recoverability};
use super::{Kind, Verdict};
use crate::action::Action;
use crate::engine::{Limits, Progress};
use crate::properties::Property;
use crate::scenario::Scenario;

/// What [`About::breaks`](crate::flaws::About::breaks) names.
#[derive(Clone, Copy, Debug)]
pub enum Shows {
    /// A property, by its place in the table.
    Property(usize),
    /// A goal of liveness, as `recoverability/elects`.
    Goal(Kind, &'static Goal),
}

impl Shows {
    /// What `name` names.
    pub fn by_name(name: &str) -> Option<Self> {
        match name.split_once('/') {
            None => Property::position(name).map(Shows::Property),
            Some((kind, goal)) => Some(Shows::Goal(Kind::by_name(kind)?, Goal::by_name(goal)?)),
        }
    }

    /// The codes of the bug catalogue that break it.
    pub fn codes(self) -> &'static [&'static str] {
        match self {
            Shows::Property(at) => crate::properties::ALL[at].codes,
            Shows::Goal(_, goal) => goal.codes,
        }
    }
}

/// What a check of liveness answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Recoverability.
    Recoverability(Box<Recoverability>),
    /// Lassos, or nothing where they mean nothing.
    Lassos(Option<Box<Lassos>>),
}

impl Answer {
    /// Asks whether `goal` is reached.
    pub fn of(
        kind: Kind,
        goal: &'static Goal,
        spare_terms: u32,
        scenario: &Scenario,
        limits: &Limits,
        progress: &mut dyn FnMut(Progress),
    ) -> Self {
        match kind {
            Kind::Recoverability => {
                let answers = recoverability(scenario, &[goal], spare_terms, limits, progress);
                let answer = answers.into_iter().next();
                Answer::Recoverability(Box::new(answer.expect("one answer a goal")))
            }
            Kind::Lassos => {
                let answers = lassos(scenario, &[goal], limits, progress).ok();
                let answer = answers.and_then(|answers| answers.into_iter().next());
                Answer::Lassos(answer.map(Box::new))
            }
        }
    }

    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        match self {
            Answer::Recoverability(answer) => answer.verdict(),
            Answer::Lassos(Some(answer)) => answer.verdict(),
            Answer::Lassos(None) => Verdict::Inconclusive,
        }
    }

    /// The way to where the goal is out of reach.
    pub fn way(&self) -> Option<&[Action]> {
        match self {
            Answer::Recoverability(answer) => Some(&answer.violation.as_ref()?.actions),
            Answer::Lassos(answer) => Some(&answer.as_ref()?.lasso.as_ref()?.stem),
        }
    }

    /// Whether what was found is what it is said to be, worked out anew.
    pub fn is_confirmed(&self) -> bool {
        match self {
            Answer::Recoverability(answer) => answer
                .violation
                .as_ref()
                .is_some_and(|found| found.is_confirmed()),
            Answer::Lassos(answer) => {
                let lasso = answer.as_ref().and_then(|answer| answer.lasso.as_ref());
                lasso.is_some_and(|found| found.is_confirmed())
            }
        }
    }

    /// Wall-clock time.
    pub fn elapsed(&self) -> Duration {
        match self {
            Answer::Recoverability(answer) => answer.elapsed,
            Answer::Lassos(answer) => answer.as_ref().map_or(Duration::ZERO, |a| a.elapsed),
        }
    }
}

/// A check of the rules with a flaw, and of those without it.
#[derive(Clone, Debug)]
pub struct Both {
    /// With the flaw.
    pub flawed: Answer,
    /// Without it.
    pub unflawed: Answer,
}

impl Both {
    /// Asks for `goal` with and without the flaw of `flawed`. Recoverability
    /// spares the fewest terms with which the unflawed rules recover.
    pub fn of(
        kind: Kind,
        goal: &'static Goal,
        flawed: &Scenario,
        limits: &Limits,
        progress: &mut dyn FnMut(Progress),
    ) -> Self {
        let mut clean = flawed.clone();
        clean.settings.flaw = None;
        let mut spare_terms = 1;
        loop {
            let unflawed = Answer::of(kind, goal, spare_terms, &clean, limits, progress);
            let holds = unflawed.verdict() == Verdict::Holds;
            if holds || kind == Kind::Lassos || spare_terms >= SPARE_TERMS {
                return Both {
                    flawed: Answer::of(kind, goal, spare_terms, flawed, limits, progress),
                    unflawed,
                };
            }
            spare_terms += 1;
        }
    }

    /// Why this does not show that a flaw breaks `breaks` after so many steps.
    pub fn objection(&self, breaks: &str, expected_depth: usize) -> Option<String> {
        let Some(way) = self.flawed.way() else {
            return Some(format!("{breaks} is not broken"));
        };
        if way.len() != expected_depth {
            let depth = way.len();
            return Some(format!(
                "{breaks} breaks at depth {depth}, not {expected_depth}"
            ));
        }
        if !self.flawed.is_confirmed() {
            return Some(format!("what breaks {breaks} does not when executed again"));
        }
        match self.unflawed.verdict() {
            Verdict::Holds => None,
            Verdict::Violated => Some(format!("{breaks} is broken without the flaw too")),
            Verdict::Inconclusive => Some(format!("{breaks} is not decided without the flaw")),
        }
    }
}
