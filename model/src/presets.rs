//! Named scenarios: what `plimsoll check` explores, and what each must reach.
//!
//! A preset fails when one of its witnesses is missed: then its bounds are too
//! tight to show anything. Together the default presets reach every witness,
//! fire every rule branch that is no flaw's, and give every property something
//! to judge; a test holds that, and the exact count of every preset.
//!
//! Each planted flaw has a preset of its own ([`for_flaw`]), as small as its
//! story allows, so that a search reaches the listed property through states
//! that break others first.

mod elections;
mod etcd;
mod everything;
mod flaws;
mod flow;
mod liveness;
mod membership;
mod pairs;
mod paper;
mod raft_rs;
mod reads;
mod sessions;
mod snapshots;
mod storage;
mod stories;

use crate::bounds::Bounds;
use crate::features::Feature;
use crate::flaws::Flaw;
use crate::network::NetworkKind;
use crate::scenario::Scenario;
use crate::settings::{Dialect, Durability, Settings};

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
    /// Random walks for what the search's bounds leave out, if some must be.
    pub wider: Option<Wider>,
}

/// Random walks beside a search, in wider bounds, for situations that no search
/// to the end has room for. They are a sample: what only they came by is
/// labelled so, and that they broke nothing is no evidence.
#[derive(Clone, Debug)]
pub struct Wider {
    /// How far they go.
    pub bounds: Bounds,
    /// Decides every walk.
    pub seed: u64,
    /// How many.
    pub walks: u64,
    /// The witnesses that they must come by.
    pub witnesses: &'static [&'static str],
}

impl Wider {
    /// `scenario` in these bounds, from the start.
    pub fn scenario(&self, scenario: &Scenario) -> Scenario {
        Scenario {
            bounds: self.bounds.clone(),
            prefix: &[],
            ..scenario.clone()
        }
    }
}

impl Preset {
    fn new(
        dialect: Dialect,
        name: &'static str,
        about: &'static str,
        durability: Durability,
        network: NetworkKind,
        bounds: Bounds,
    ) -> Self {
        Preset {
            name,
            about,
            dialect,
            scenario: Scenario {
                prefix: &[],
                settings: dialect.settings(durability),
                network,
                bounds,
            },
            witnesses: &[],
            default: false,
            wider: None,
        }
    }

    /// This preset with these features switched on.
    fn with(mut self, features: &[Feature]) -> Self {
        for feature in features {
            (feature.switch_on)(&mut self.scenario.settings);
        }
        self
    }

    /// This preset with settings that no feature switches.
    fn where_settings(mut self, change: fn(&mut Settings)) -> Self {
        change(&mut self.scenario.settings);
        self
    }

    /// This preset, with what its search must reach, and with random walks
    /// beside it for what they must.
    fn and_walks(mut self, witnesses: &'static [&'static str], wider: Wider) -> Self {
        self.witnesses = witnesses;
        self.wider = Some(wider);
        self
    }

    /// This preset, explored by default, with what it must reach.
    fn must_reach(mut self, witnesses: &'static [&'static str]) -> Self {
        self.witnesses = witnesses;
        self.default = true;
        self
    }
}

/// The presets that `name` stands for: the one called so, or where it names no
/// dialect those of every dialect (`replication` is
/// `paper-replication` and `etcd-replication`); `pairs` are all [`pairs`].
pub fn named(name: &str) -> Vec<Preset> {
    if let Some(preset) = by_name(name) {
        return vec![preset];
    }
    if name == "pairs" {
        return pairs();
    }
    let is_so_called = |preset: &Preset| {
        preset.name.strip_prefix(preset.dialect.name()) == Some(&format!("-{name}"))
    };
    all().into_iter().filter(is_so_called).collect()
}

/// The preset called `name`.
pub fn by_name(name: &str) -> Option<Preset> {
    all().into_iter().find(|preset| preset.name == name)
}

/// Every preset: first those that are explored by default, then those of the
/// flaws, in the order of the catalogue, then every two features together, then
/// all of them, then those of liveness and the
/// stories.
pub fn all() -> Vec<Preset> {
    let flaws = Flaw::ALL.iter().map(|about| for_flaw(about.flaw));
    let safety = defaults().into_iter().chain(flaws);
    let together = pairs().into_iter().chain(everything());
    let liveness = liveness().into_iter().chain(stories());
    safety.chain(together).chain(liveness).collect()
}

/// Every two features that can be on at once, each two in a preset.
pub fn pairs() -> Vec<Preset> {
    pairs::presets()
}

/// Real outages, each behind a prefix that leads to the moment before it.
pub fn stories() -> Vec<Preset> {
    stories::presets()
}

/// All features that can be on at once, once in etcd's way and once in the
/// paper's.
pub fn everything() -> Vec<Preset> {
    everything::presets()
}

/// The presets that the checks of liveness judge to the end: recoverability
/// all of them, lassos those whose name ends in `liveness`.
pub fn liveness() -> Vec<Preset> {
    liveness::presets()
}

/// The presets that are explored by default.
pub fn defaults() -> Vec<Preset> {
    let mut presets = paper::presets();
    presets.extend(etcd::presets());
    presets.extend(elections::presets());
    presets.extend(reads::presets());
    presets.extend(storage::presets());
    presets.extend(membership::presets());
    presets.extend(snapshots::presets());
    presets.extend(flow::presets());
    presets.extend(sessions::presets());
    presets.extend(raft_rs::presets());
    presets
}

/// The preset in which `flaw` is shown. The flaw itself is not planted.
pub fn for_flaw(flaw: Flaw) -> Preset {
    flaws::preset(flaw)
}
