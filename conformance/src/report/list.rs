//! The document of `plimsoll check --list --json`.

use plimsoll_model::action::Action;
use plimsoll_model::bounds::{Bounds, Limit};
use plimsoll_model::features;
use plimsoll_model::flaws::Flaw;
use plimsoll_model::presets;
use plimsoll_model::properties;
use plimsoll_model::scenario::Scenario;
use plimsoll_model::witnesses;
use serde::Serialize;

/// The schema of [`Document`].
pub const SCHEMA: &str = "plimsoll-list/1";

/// The engines by name, with a sentence on each.
pub const ENGINES: [(&str, &str); 6] = [
    (
        "exhaustive",
        "breadth first on all threads: exact counts, shortest counterexamples, resumable",
    ),
    (
        "bitstate",
        "the same with three bits a state, for spaces too large: never exhaustive",
    ),
    (
        "simulate",
        "random walks from a seed, each within bounds of its own: never exhaustive",
    ),
    (
        "stateright-bfs",
        "stateright's, on one thread: exact counts, shortest counterexamples; the reference",
    ),
    (
        "stateright-dfs",
        "stateright's, depth first, servers renamed: counts orbits, some counterexample",
    ),
    (
        "stateright-simulation",
        "stateright's random walks from a seed: never exhaustive",
    ),
];

/// A preset.
#[derive(Clone, Debug, Serialize)]
pub struct PresetRow {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Whether it is explored when none is named.
    pub default: bool,
    /// The witnesses it must reach.
    pub witnesses: &'static [&'static str],
    /// What is explored.
    pub scenario: Scenario,
}

/// A property.
#[derive(Clone, Debug, Serialize)]
pub struct PropertyRow {
    /// Its name.
    pub name: &'static str,
    /// What must hold.
    pub says: &'static str,
    /// Whether it is judged on states or on steps.
    pub kind: &'static str,
    /// The section of the paper.
    pub section: &'static str,
    /// Catalogue codes of the bugs that break it.
    pub codes: &'static [&'static str],
    /// The file that holds it.
    pub file: &'static str,
}

/// A name and what it says.
#[derive(Clone, Debug, Serialize)]
pub struct Named {
    /// The name.
    pub name: &'static str,
    /// What it says.
    pub says: &'static str,
}

/// A feature.
#[derive(Clone, Debug, Serialize)]
pub struct FeatureRow {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub says: &'static str,
    /// The section of Ongaro's dissertation.
    pub section: &'static str,
    /// The file that holds its rules.
    pub file: &'static str,
}

/// A flaw.
#[derive(Clone, Debug, Serialize)]
pub struct FlawRow {
    /// Its name.
    pub name: &'static str,
    /// Its catalogue code.
    pub code: &'static str,
    /// What it does.
    pub mechanism: &'static str,
    /// The property it breaks.
    pub breaks: &'static str,
}

/// The document of `plimsoll check --list --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The version of this tool.
    pub tool: &'static str,
    /// The presets.
    pub presets: Vec<PresetRow>,
    /// The properties.
    pub properties: Vec<PropertyRow>,
    /// The kinds of action.
    pub actions: Vec<&'static str>,
    /// The witnesses.
    pub witnesses: Vec<Named>,
    /// The features.
    pub features: Vec<FeatureRow>,
    /// The flaws.
    pub flaws: Vec<FlawRow>,
    /// The engines.
    pub engines: Vec<Named>,
    /// The bounds, with their defaults.
    pub bounds: Vec<Limit>,
}

impl Document {
    /// Everything that has a name.
    pub fn all() -> Self {
        Document {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_VERSION"),
            presets: presets::all()
                .into_iter()
                .map(|preset| PresetRow {
                    name: preset.name,
                    about: preset.about,
                    default: preset.default,
                    witnesses: preset.witnesses,
                    scenario: preset.scenario,
                })
                .collect(),
            properties: properties::ALL
                .iter()
                .map(|property| PropertyRow {
                    name: property.name,
                    says: property.says,
                    kind: property.kind(),
                    section: property.section,
                    codes: property.codes,
                    file: property.file,
                })
                .collect(),
            actions: Action::KINDS.to_vec(),
            witnesses: witnesses::ALL
                .iter()
                .map(|witness| Named {
                    name: witness.name,
                    says: witness.says,
                })
                .collect(),
            features: features::ALL
                .iter()
                .map(|feature| FeatureRow {
                    name: feature.name,
                    says: feature.says,
                    section: feature.section,
                    file: feature.file,
                })
                .collect(),
            flaws: Flaw::ALL
                .iter()
                .map(|about| FlawRow {
                    name: about.name,
                    code: about.code,
                    mechanism: about.mechanism,
                    breaks: about.breaks,
                })
                .collect(),
            engines: ENGINES
                .iter()
                .map(|&(name, says)| Named { name, says })
                .collect(),
            bounds: Bounds::default().limits(),
        }
    }
}
