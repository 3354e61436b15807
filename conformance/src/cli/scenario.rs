//! Flags on what to explore: presets, flaws, and scenarios put together here.

use std::collections::HashSet;
use std::path::PathBuf;

use clap::ValueEnum;
use plimsoll_model::bounds::Bounds;
use plimsoll_model::contracts;
use plimsoll_model::features;
use plimsoll_model::flaws::Flaw;
use plimsoll_model::network::NetworkKind;
use plimsoll_model::presets::{self, Preset};
use plimsoll_model::scenario::Scenario;
use plimsoll_model::settings::{Dialect, Durability};

use super::Failure;
use crate::report::check::Task;

/// What to explore.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct What {
    /// Explore this preset (several times for several). Without a preset, a
    /// flaw or a flag that changes what is explored: every default preset.
    #[arg(long, value_name = "NAME")]
    pub(super) preset: Vec<String>,
    /// Plant this bug (name or catalogue code). Without a preset: in its own.
    #[arg(long, value_name = "NAME")]
    pub(super) flaw: Option<String>,
    /// Read bounds from a TOML file; what it leaves out stays as it is.
    #[arg(long, value_name = "FILE.toml")]
    pub(super) bounds: Option<PathBuf>,
    /// Set one bound, as in max-term=3; `unbounded` lifts one.
    #[arg(long, value_name = "BOUND=VALUE")]
    pub(super) set: Vec<String>,
    /// Short for --set servers=N.
    #[arg(long, value_name = "N")]
    pub(super) servers: Option<u32>,
    /// Short for --set max-term=N.
    #[arg(long, value_name = "N")]
    pub(super) max_term: Option<u32>,
    /// Short for --set max-log=N.
    #[arg(long, value_name = "N")]
    pub(super) max_log: Option<u32>,
    /// Short for --set max-messages=N.
    #[arg(long, value_name = "N")]
    pub(super) max_messages: Option<u32>,
    /// Whose rules.
    #[arg(long, value_enum)]
    pub(super) dialect: Option<DialectName>,
    /// Switch a feature on (several times for several), beside those that the
    /// preset has.
    #[arg(long, value_enum, value_name = "NAME")]
    pub(super) feature: Vec<FeatureName>,
    /// Set one rule variant that the dialect has otherwise, as in
    /// removed-leader=leads-on (docs/model.md has the table).
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) setting: Vec<String>,
    /// Whether a write is durable with its step, or in a step of its own.
    #[arg(long, value_enum)]
    pub(super) durability: Option<DurabilityName>,
    /// What the storage promises of a write that a crash cuts off; shows with
    /// crashes and --set partial-writes=true.
    #[arg(long, value_enum)]
    pub(super) promise: Option<PromiseName>,
    /// What the network may do.
    #[arg(long, value_enum)]
    pub(super) network: Option<NetworkName>,
}

/// A dialect by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DialectName(Dialect);

impl ValueEnum for DialectName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [DialectName; Dialect::ALL.len()] = {
            let mut all = [DialectName(Dialect::ALL[0]); Dialect::ALL.len()];
            let mut at = 0;
            while at < all.len() {
                all[at] = DialectName(Dialect::ALL[at]);
                at += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.name()))
    }
}

/// A feature by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FeatureName(usize);

impl ValueEnum for FeatureName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [FeatureName; features::ALL.len()] = {
            let mut all = [FeatureName(0); features::ALL.len()];
            let mut at = 0;
            while at < all.len() {
                all[at] = FeatureName(at);
                at += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let feature = features::ALL.get(self.0)?;
        Some(clap::builder::PossibleValue::new(feature.name).help(feature.says))
    }
}

/// When a write is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DurabilityName {
    /// With the step that made it.
    Atomic,
    /// In a later step; a crash before it loses the write.
    Deferred,
}

/// A promise of the storage by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PromiseName(usize);

impl ValueEnum for PromiseName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [PromiseName; contracts::ALL.len()] = {
            let mut all = [PromiseName(0); contracts::ALL.len()];
            let mut at = 0;
            while at < all.len() {
                all[at] = PromiseName(at);
                at += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let row = contracts::ALL.get(self.0)?;
        let name = row.promise.name();
        Some(clap::builder::PossibleValue::new(name).help(format!("a crash leaves {}", row.says)))
    }
}

/// What the network may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum NetworkName {
    /// What was sent once may arrive any number of times, or never.
    Set,
    /// Every copy arrives at most once.
    Bag,
    /// A queue for each pair of servers.
    Ordered,
}

impl What {
    /// Whether no flag says what to explore.
    pub(super) fn is_empty(&self) -> bool {
        self.preset.is_empty() && self.flaw.is_none() && !self.is_changed()
    }

    /// Whether a flag is given that means something to the rule book only.
    pub(super) fn is_of_rule_book(&self) -> bool {
        !self.preset.is_empty()
            || self.flaw.is_some()
            || self.bounds.is_some()
            || !self.set.is_empty()
            || self.dialect.is_some()
            || !self.feature.is_empty()
            || !self.setting.is_empty()
            || self.durability.is_some()
            || self.promise.is_some()
            || self.network.is_some()
    }

    /// The bounds that have flags of their own, as `--set` takes them.
    fn short(&self) -> impl Iterator<Item = String> {
        let flags = [
            ("servers", self.servers),
            ("max-term", self.max_term),
            ("max-log", self.max_log),
            ("max-messages", self.max_messages),
        ];
        let given = flags
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        given.map(|(name, value)| format!("{name}={value}"))
    }

    /// Whether a flag changes what a preset would explore.
    fn is_changed(&self) -> bool {
        self.bounds.is_some()
            || !self.set.is_empty()
            || self.short().next().is_some()
            || self.dialect.is_some()
            || !self.feature.is_empty()
            || !self.setting.is_empty()
            || self.durability.is_some()
            || self.promise.is_some()
            || self.network.is_some()
    }

    /// Whether flags change a scenario and none names one.
    pub(super) fn only_changes(&self) -> bool {
        self.preset.is_empty() && self.flaw.is_none() && self.is_changed()
    }

    /// Whether presets were chosen by name and are explored as they are. What
    /// such a preset must show is stated: its witnesses. Properties that it
    /// cannot judge are another preset's.
    pub(super) fn is_chosen(&self) -> bool {
        !self.preset.is_empty() && !self.is_changed()
    }

    /// Everything that is to be explored, in order.
    pub(super) fn tasks(&self) -> Result<Vec<Task>, Failure> {
        let flaw = match &self.flaw {
            Some(name) => Some(flaw(name)?),
            None => None,
        };
        let custom = self.is_changed();
        let presets = match (self.preset.as_slice(), flaw) {
            ([], Some(flaw)) => vec![presets::for_flaw(flaw)],
            ([], None) if custom => return Ok(vec![self.change(plain())?]),
            ([], None) => presets::defaults(),
            (names, _) => {
                let named: Result<Vec<_>, _> = names.iter().map(|name| preset(name)).collect();
                named?.into_iter().flatten().collect()
            }
        };
        // What is named twice is explored once.
        let mut names = HashSet::new();
        presets
            .into_iter()
            .filter(|preset| names.insert(preset.name))
            .map(|preset| {
                let mut task = self.change(task(preset))?;
                task.scenario.settings.flaw = flaw;
                if flaw.is_some() {
                    // A flaw is there to be caught: its run may end before a
                    // witness is reached.
                    task.witnesses.clear();
                }
                if custom || flaw.is_some() {
                    // The walks are of the preset as it stands.
                    task.wider = None;
                }
                Ok(task)
            })
            .collect()
    }

    /// `task` with what the flags change.
    pub(super) fn change(&self, mut task: Task) -> Result<Task, Failure> {
        let scenario = &mut task.scenario;
        if self.dialect.is_some() || self.durability.is_some() {
            let durability = match self.durability {
                Some(DurabilityName::Atomic) => Durability::Atomic,
                Some(DurabilityName::Deferred) => Durability::Deferred,
                None => scenario.settings.durability,
            };
            match self.dialect {
                Some(DialectName(dialect)) => {
                    // Another dialect, with what is switched on beside it.
                    let (before, promise) = (scenario.settings, scenario.settings.promise);
                    scenario.settings = dialect.settings(durability);
                    scenario.settings.promise = promise;
                    for feature in features::of(&before) {
                        (feature.switch_on)(&mut scenario.settings);
                    }
                    task.dialect = dialect.name();
                }
                None => scenario.settings.durability = durability,
            }
        }
        for feature in self.feature.iter().filter_map(|at| features::ALL.get(at.0)) {
            (feature.switch_on)(&mut scenario.settings);
        }
        for assignment in &self.setting {
            let set = scenario.settings.set(assignment);
            scenario.settings =
                set.map_err(|error| Failure::Usage(format!("--setting {assignment}: {error}")))?;
        }
        let asked = self.feature.iter().filter_map(|at| features::ALL.get(at.0));
        for feature in asked {
            let same = |other: &features::Feature| {
                // Of two variants of one feature the last counts.
                other.name != feature.name && other.file == feature.file
            };
            let variant = features::of(&scenario.settings).any(same);
            if !(feature.is_on)(&scenario.settings) && !variant {
                let name = feature.name;
                let off = format!("--feature {name}: a --setting switches it off again");
                return Err(Failure::Usage(off));
            }
        }
        let together = scenario.settings.check();
        together.map_err(|error| Failure::Usage(format!("--setting: {error}")))?;
        let spelled = self.durability.map(|durability| match durability {
            DurabilityName::Atomic => Durability::Atomic,
            DurabilityName::Deferred => Durability::Deferred,
        });
        if spelled.is_some_and(|durability| scenario.settings.durability != durability) {
            return Err(Failure::Usage(
                "--durability atomic: a feature that is on queues writes, which are durable later"
                    .to_owned(),
            ));
        }
        let promise = self.promise.and_then(|at| contracts::ALL.get(at.0));
        if let Some(row) = promise {
            scenario.settings.promise = row.promise;
        }
        match self.network {
            Some(NetworkName::Set) => scenario.network = NetworkKind::Set,
            Some(NetworkName::Bag) => scenario.network = NetworkKind::Bag,
            Some(NetworkName::Ordered) => scenario.network = NetworkKind::Ordered,
            None => {}
        }
        scenario.bounds = self.bounded(&scenario.bounds)?;
        let prefix = scenario.check();
        prefix.map_err(|error| Failure::Usage(format!("{}: {error}", task.name)))?;
        Ok(task)
    }

    fn bounded(&self, bounds: &Bounds) -> Result<Bounds, Failure> {
        let mut bounds = bounds.clone();
        if let Some(path) = &self.bounds {
            let input = |reason: String| Failure::Input {
                path: path.display().to_string(),
                reason,
            };
            let text = std::fs::read_to_string(path).map_err(|error| input(error.to_string()))?;
            bounds = bounds
                .overlaid(&text)
                .map_err(|error| input(error.to_string()))?;
        }
        for assignment in self.set.iter().cloned().chain(self.short()) {
            let set = bounds.set(&assignment);
            bounds = set.map_err(|error| Failure::Usage(format!("--set {assignment}: {error}")))?;
        }
        match bounds.voters {
            Some(voters) if voters > u32::from(bounds.servers) => Err(Failure::Usage(format!(
                "{voters} voters are more than there are servers ({})",
                bounds.servers
            ))),
            _ => Ok(bounds),
        }
    }
}

fn plain() -> Task {
    Task {
        name: "custom".to_owned(),
        about: "put together by flags".to_owned(),
        dialect: Dialect::Paper.name(),
        scenario: Scenario {
            prefix: &[],
            settings: Dialect::Paper.settings(Durability::Atomic),
            network: NetworkKind::Set,
            bounds: Bounds::default(),
        },
        witnesses: Vec::new(),
        wider: None,
    }
}

/// A preset as it stands.
pub(super) fn task(preset: Preset) -> Task {
    Task {
        name: preset.name.to_owned(),
        about: preset.about.to_owned(),
        dialect: preset.dialect.name(),
        scenario: preset.scenario,
        witnesses: preset.witnesses.to_vec(),
        wider: preset.wider,
    }
}

fn preset(name: &str) -> Result<Vec<Preset>, Failure> {
    let named = presets::named(name);
    if !named.is_empty() {
        return Ok(named);
    }
    let names: Vec<&str> = presets::defaults().iter().map(|p| p.name).collect();
    Err(Failure::Usage(format!(
        "no preset {name:?}; there are {}, and those of pairs, flaws and liveness that \
         `plimsoll check --list` names",
        names.join(", ")
    )))
}

/// The flaw called `name`.
pub(super) fn flaw(name: &str) -> Result<Flaw, Failure> {
    Flaw::by_name(name).ok_or_else(|| {
        let names: Vec<&str> = Flaw::ALL.iter().map(|about| about.name).collect();
        Failure::Usage(format!("no flaw {name:?}; there are {}", names.join(", ")))
    })
}
