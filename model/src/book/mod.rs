//! The rule book as a space of packed states: what the engines search.
//!
//! A state is packed as [`Field::pack`](crate::field::Field::pack) packs it. A
//! worker tells the parts of those bytes apart (the ensemble of servers and
//! ghost, each message in flight, the budgets), gives each a number, and knows
//! by number what an action makes of an ensemble (`turns`); what is left to
//! do for a successor is a few copies of numbers and bytes. The rules, the
//! properties and the network are those of [`State::next`]: a worker calls the
//! same functions, [`Ensemble::turn`] where it does not know the answer yet
//! and [`Network::pass`] on numbers of messages, and tests hold that it hands
//! out the same bytes.
//!
//! | file | holds |
//! |---|---|
//! | `names` | numbers for byte strings |
//! | `post` | messages by number |
//! | `servers` | servers by number, and what rules make of them |
//! | `turns` | what actions make of ensembles, worked out once; why that is exact |
//! | `tally`, [`Coverage`] | what is counted |
//! | `worker` | the expansion of a state |
//! | [`sources`] | which rule book it is |
//!
//! [`State::next`]: crate::cluster::State
//! [`Ensemble::turn`]: crate::cluster::Ensemble::turn
//! [`Network::pass`]: crate::network::Network::pass

mod coverage;
mod names;
mod post;
mod servers;
pub mod sources;
mod tally;
mod turns;
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
    memory_max: usize,
}

impl RuleBook {
    /// How many bytes of memory each worker may take, where nothing is said.
    pub const MEMORY_MAX: usize = 48 << 20;

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
            memory_max: Self::MEMORY_MAX,
        }
    }

    /// The same space, each worker of which forgets what it knows by heart once
    /// that takes more than about `bytes` of memory. What it answers stays.
    #[must_use]
    pub fn with_memory(self, bytes: usize) -> Self {
        RuleBook {
            memory_max: bytes,
            ..self
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
