//! The proof that a planted flaw is caught, by the property it is known to
//! break, and that without the flaw nothing is found in the same place.

use std::time::Duration;

use crate::counterexample::Counterexample;
use crate::engine::{End, Engine, Failure, Limits, Progress, Search};
use crate::flaws::{About, Flaw};
use crate::liveness::shows::{Both, Shows};
use crate::presets;

/// Which half of a proof is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The rules with the flaw.
    Flawed,
    /// The rules without it.
    Unflawed,
}

/// What was shown of one flaw.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What is told of the flaw.
    pub about: &'static About,
    /// The preset that was explored.
    pub preset: &'static str,
    /// The first property that broke: of the shortest runs that break one, the
    /// first in the table of properties.
    pub first: Option<Counterexample>,
    /// A shortest run that breaks the listed property.
    pub listed: Option<Counterexample>,
    /// The search of the flawed rules.
    pub flawed: Search,
    /// The search of the unflawed rules, which must find nothing and go at
    /// least as deep.
    pub unflawed: Search,
    /// Of a flaw that a check of liveness shows: its answers. The searches are
    /// then of properties, and none need break.
    pub liveness: Option<Both>,
}

impl Proof {
    /// Whether the flaw is caught: the listed property breaks at the expected
    /// depth, both runs break their properties when they are executed again,
    /// and the unflawed rules break nothing down to that depth.
    pub fn is_caught(&self) -> bool {
        self.objection().is_none()
    }

    /// Why the flaw does not count as caught.
    pub fn objection(&self) -> Option<String> {
        let expected = self.about.expected_depth;
        if let Some(both) = &self.liveness {
            let broken = self.unflawed.first_broken();
            let broken =
                broken.map(|found| format!("{} breaks without the flaw too", found.property));
            return both.objection(self.about.breaks, expected).or(broken);
        }
        let (Some(first), Some(listed)) = (&self.first, &self.listed) else {
            return Some(format!(
                "{} does not break: {} states, ended as {}",
                self.about.breaks,
                self.flawed.distinct,
                self.flawed.end.name()
            ));
        };
        if listed.actions.len() != expected {
            return Some(format!(
                "{} breaks at depth {}, not {expected}",
                listed.property,
                listed.actions.len()
            ));
        }
        if let Some(unconfirmed) = [first, listed].into_iter().find(|c| !c.is_confirmed()) {
            return Some(format!(
                "the run that breaks {} does not do so when executed again",
                unconfirmed.property
            ));
        }
        if let Some(broken) = self.unflawed.first_broken() {
            return Some(format!("{} breaks without the flaw too", broken.property));
        }
        let deep = match self.unflawed.end {
            End::Exhausted => true,
            End::Depth => self.unflawed.depth >= expected,
            _ => false,
        };
        (!deep).then(|| {
            format!(
                "the search without the flaw ended as {} at depth {}",
                self.unflawed.end.name(),
                self.unflawed.depth
            )
        })
    }

    /// Distinct states of both searches.
    pub fn distinct(&self) -> u64 {
        self.flawed.distinct + self.unflawed.distinct
    }

    /// Wall-clock time of all of it.
    pub fn elapsed(&self) -> Duration {
        let liveness = self.liveness.as_ref();
        let liveness = liveness.map(|both| both.flawed.elapsed() + both.unflawed.elapsed());
        self.flawed.elapsed + self.unflawed.elapsed + liveness.unwrap_or_default()
    }
}

/// Searches the rules with `flaw` to the property listed for it, through
/// states that break others first; then the rules without it, in the same
/// preset, to the end. Of a flaw that breaks liveness the listed goal is asked
/// for as well, with and without it. `limits` holds for each search; what they look for is
/// decided here.
///
/// # Errors
/// What `engine` returns.
pub fn prove(
    flaw: Flaw,
    engine: &dyn Engine,
    limits: &Limits,
    progress: &mut dyn FnMut(Half, Progress),
) -> Result<Proof, Failure> {
    let about = flaw.about();
    let preset = presets::for_flaw(flaw);
    let mut scenario = preset.scenario.clone();
    scenario.settings.flaw = Some(flaw);
    let goal = match Shows::by_name(about.breaks) {
        Some(Shows::Goal(kind, goal)) => Some((kind, goal)),
        _ => None,
    };
    let until = Limits {
        until: match goal {
            Some(_) => Vec::new(),
            None => vec![about.breaks],
        },
        keep_going: false,
        depth: None,
        ..limits.clone()
    };
    let flawed = engine.search(&scenario, &until, &mut |now| progress(Half::Flawed, now))?;
    let liveness = goal.map(|(kind, goal)| {
        Both::of(kind, goal, &scenario, limits, &mut |now| {
            progress(Half::Flawed, now)
        })
    });
    let way = liveness.as_ref().and_then(|both| both.flawed.way());
    let out_of_reach = way.map(|way| Counterexample {
        property: about.breaks,
        scenario: scenario.clone(),
        actions: way.to_vec(),
    });
    let listed = flawed.properties.iter().find(|p| p.name == about.breaks);
    let listed = listed.and_then(|p| p.counterexample.clone());
    let listed = listed.or(out_of_reach);
    // Without the flaw any broken property is an answer.
    let all = Limits {
        until: Vec::new(),
        keep_going: false,
        depth: None,
        ..limits.clone()
    };
    let unflawed = engine.search(&preset.scenario, &all, &mut |now| {
        progress(Half::Unflawed, now);
    })?;
    Ok(Proof {
        about,
        preset: preset.name,
        first: flawed.first_broken().or(listed.as_ref()).cloned(),
        listed,
        flawed,
        unflawed,
        liveness,
    })
}
