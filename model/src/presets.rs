//! Named scenarios: what `plimsoll check` explores, and what each must reach.
//!
//! A preset fails when one of its witnesses is missed: then its bounds are too
//! tight to show anything.

use crate::bounds::Bounds;
use crate::flaws::Flaw;
use crate::network::NetworkKind;
use crate::scenario::Scenario;
use crate::settings::{Dialect, Durability};

/// A named scenario.
#[derive(Clone, Debug)]
pub struct Preset {
    /// The name, as flags and tables spell it.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub about: &'static str,
    /// Whose rules.
    pub dialect: Dialect,
    /// What is explored.
    pub scenario: Scenario,
    /// The witnesses that must be reached.
    pub witnesses: &'static [&'static str],
    /// Whether `plimsoll check` and `plimsoll verify` explore it by default.
    pub default: bool,
}

fn scenario(
    dialect: Dialect,
    durability: Durability,
    network: NetworkKind,
    bounds: Bounds,
) -> Scenario {
    Scenario {
        settings: dialect.settings(durability),
        network,
        bounds,
    }
}

/// The preset called `name`.
pub fn by_name(name: &str) -> Option<Preset> {
    all().into_iter().find(|preset| preset.name == name)
}

/// Every preset.
pub fn all() -> Vec<Preset> {
    vec![Preset {
        name: "election",
        about: "elections of the paper, with crashes, over a network that does anything",
        dialect: Dialect::Paper,
        scenario: scenario(
            Dialect::Paper,
            Durability::Atomic,
            NetworkKind::Set,
            Bounds {
                servers: 3,
                max_term: 2,
                max_log: 1,
                writes: 0,
                restarts: 1,
                appends: Some(0),
                ..Bounds::default()
            },
        ),
        witnesses: &["leader-elected", "leaders-of-two-terms"],
        default: true,
    }]
}
