//! The rule book as a space of packed states: what the engines search.
//!
//! A state is packed as [`Field::pack`] packs it. A worker unpacks it, lists
//! what is enabled, takes each step with [`State::next`](crate::cluster::State)
//! and judges every property on it.

mod coverage;
pub mod sources;
mod worker;

pub use coverage::Coverage;
pub use worker::Reader;

use crate::engine::space::Space;
use crate::field::Renaming;
use crate::properties;
use crate::scenario::Scenario;

/// A scenario as a space of packed states.
///
/// ```
/// use plimsoll_model::book::RuleBook;
/// use plimsoll_model::engine::space::{Sink, Space, Worker};
/// use plimsoll_model::presets;
///
/// struct Count(u32);
/// impl Sink for Count {
///     fn state(&mut self, _: &[u8], _: u32, _: u64) {
///         self.0 += 1;
///     }
///     fn beyond(&mut self) {}
/// }
///
/// let preset = presets::by_name("paper-replication").unwrap();
/// let book = RuleBook::new(preset.scenario, false);
/// let mut count = Count(0);
/// book.worker().initial(&mut count);
/// assert_eq!(count.0, 1);
/// ```
#[derive(Debug)]
pub struct RuleBook {
    scenario: Scenario,
    symmetry: bool,
    group: Vec<Renaming>,
}

impl RuleBook {
    /// The space of `scenario`; `symmetry` takes states that differ only in
    /// the names of servers for one.
    pub fn new(scenario: Scenario, symmetry: bool) -> Self {
        let group = if symmetry {
            crate::symmetry::stabiliser(&scenario)
        } else {
            vec![Renaming::identity(usize::from(scenario.bounds.servers))]
        };
        RuleBook {
            scenario,
            symmetry,
            group,
        }
    }

    /// What is explored.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The renamings that symmetry uses; without it, the identity alone.
    pub fn group(&self) -> &[Renaming] {
        &self.group
    }
}

impl Space for RuleBook {
    type Worker<'s> = Reader<'s>;

    fn worker(&self) -> Reader<'_> {
        Reader::new(self)
    }

    fn properties(&self) -> Vec<String> {
        let names = properties::ALL.iter().map(|property| property.name.into());
        names.collect()
    }

    fn counters(&self) -> Vec<String> {
        Coverage::names()
    }

    fn identity(&self) -> String {
        format!(
            "plimsoll-model {} rules {:016x} symmetry {} {:?}",
            env!("CARGO_PKG_VERSION"),
            sources::hash(),
            self.symmetry,
            self.scenario
        )
    }
}
