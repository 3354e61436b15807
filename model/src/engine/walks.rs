//! Random walks as an engine of the rule book.

use super::exhaustive::answer;
use super::simulate::{self, Coverage, Swarm};
use super::{End, Engine, Failure, Limits, Progress, Search};
use crate::book::RuleBook;
use crate::properties;
use crate::scenario::Scenario;

/// Random walks from a seed, each within bounds of its own.
#[derive(Clone, Copy, Debug)]
pub struct Simulate {
    /// Decides every walk.
    pub seed: u64,
    /// How many walks; without a number some thousands, or as many as there is
    /// time for where the time is limited.
    pub walks: Option<u64>,
    /// How many threads. The answer does not depend on it, unless time ends it.
    pub threads: usize,
}

/// What random walks came by.
#[derive(Clone, Copy, Debug)]
pub struct Walks {
    /// How many.
    pub walks: u64,
    /// The steps of all of them.
    pub steps: u64,
    /// The steps of the longest.
    pub longest: usize,
    /// What that says of the states not seen.
    pub coverage: Coverage,
}

impl Engine for Simulate {
    fn name(&self) -> &'static str {
        "simulate"
    }

    fn search(
        &self,
        scenario: &Scenario,
        limits: &Limits,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Search, Failure> {
        let defaults = simulate::Options::default();
        let options = simulate::Options {
            seed: self.seed,
            walks: self.walks.or(match limits.time {
                Some(_) => None,
                None => defaults.walks,
            }),
            depth: limits.depth.unwrap_or(defaults.depth),
            threads: self.threads,
            time: limits.time,
            until: limits.until_mask(),
            keep_going: limits.keep_going,
            interrupt: limits.interrupt.clone(),
            ..defaults
        };
        let swarm = Swarm::new(scenario.clone(), self.seed);
        let report = simulate::simulate(&|walk| swarm.space(walk), &options, &mut |now| {
            progress(Progress {
                distinct: now.distinct,
                generated: now.steps,
                depth: 0,
                waiting: 0,
                left: None,
                disk: 0,
                elapsed: now.elapsed,
            });
        });
        let mut found = vec![None; properties::ALL.len()];
        for run in &report.found {
            let counterexample = swarm.counterexample(run);
            let confirmed = counterexample.filter(|found| found.is_confirmed());
            found[run.property] = Some(confirmed.ok_or_else(|| Failure::Lost {
                property: properties::ALL[run.property].name.to_owned(),
            })?);
        }
        let book = RuleBook::new(scenario.clone(), false);
        let mut search = answer(
            self.name(),
            &book,
            &super::explore::Report {
                distinct: report.coverage.distinct,
                generated: report.generated,
                beyond: report.beyond,
                counts: match report.counts.is_empty() {
                    true => vec![0; crate::book::Coverage::LEN],
                    false => report.counts,
                },
                threads: self.threads,
                elapsed: report.elapsed,
                ..super::explore::Report::new(match report.end {
                    // All the walks are never all there is.
                    End::Exhausted => End::Sampled,
                    end => end,
                })
            },
            found,
        );
        search.depth = report.longest;
        search.storage = None;
        search.walks = Some(Walks {
            walks: report.walks,
            steps: report.steps,
            longest: report.longest,
            coverage: report.coverage,
        });
        Ok(search)
    }
}
