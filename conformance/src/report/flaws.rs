//! The document of `plimsoll flaws --json`.

use plimsoll_model::engine::End;
use plimsoll_model::features;
use plimsoll_model::flaws::{About, Flaw};
use plimsoll_model::presets;
use plimsoll_model::prove::Proof;
use serde::Serialize;

use super::Answer;
use super::seconds::rounded;

/// The schema of [`Document`].
pub const SCHEMA: &str = "plimsoll-flaws/1";

/// One flaw. What only a proof knows is `null` in a list.
#[derive(Clone, Debug, Serialize)]
pub struct FlawReport {
    /// Its name.
    pub name: &'static str,
    /// Its catalogue code.
    pub code: &'static str,
    /// The implementation or specification that had it.
    pub source: &'static str,
    /// What it does.
    pub mechanism: &'static str,
    /// The preset it is searched in.
    pub preset: &'static str,
    /// Whose rules.
    pub dialect: &'static str,
    /// The features that are on.
    pub features: Vec<&'static str>,
    /// What the network may do.
    pub network: &'static str,
    /// The bounds that are not at their defaults, as `--set` has them.
    pub bounds: Vec<String>,
    /// How many steps of a prefix come before the search: a run of the rules
    /// without the flaw.
    pub prefix: usize,
    /// The property that it must be shown to break.
    pub expected_property: &'static str,
    /// The depth at which it must break it.
    pub expected_depth: usize,
    /// The first property that broke.
    pub first_broken: Option<&'static str>,
    /// Its depth.
    pub first_depth: Option<usize>,
    /// The depth at which the expected property broke.
    pub caught_depth: Option<usize>,
    /// Whether it was caught as expected.
    pub caught: Option<bool>,
    /// Why it does not count as caught.
    pub objection: Option<String>,
    /// Distinct states of the search with the flaw.
    pub distinct_states: Option<u64>,
    /// Wall-clock time of both searches.
    pub seconds: Option<f64>,
    /// The search of the same preset without the flaw.
    pub unflawed: Option<Unflawed>,
    /// Where the timelines were saved.
    pub timelines: Vec<String>,
    /// Whether a limit or an interruption cut one of the searches.
    #[serde(skip)]
    pub cut: bool,
}

/// The rules without the flaw, in the same preset.
#[derive(Clone, Debug, Serialize)]
pub struct Unflawed {
    /// How it ended.
    pub end: &'static str,
    /// Whether every state within the bounds was visited.
    pub complete: bool,
    /// Distinct states.
    pub distinct_states: u64,
    /// The most actions in a row.
    pub depth: usize,
    /// What broke; nothing may.
    pub broken: Option<&'static str>,
}

impl FlawReport {
    /// What is told of `flaw` without a search.
    pub fn listed(flaw: Flaw) -> Self {
        let About {
            name,
            code,
            source,
            mechanism,
            breaks,
            expected_depth,
            ..
        } = *flaw.about();
        let preset = presets::for_flaw(flaw);
        let scenario = &preset.scenario;
        FlawReport {
            name,
            code,
            source,
            mechanism,
            preset: preset.name,
            dialect: preset.dialect.name(),
            features: features::of(&scenario.settings).map(|f| f.name).collect(),
            network: scenario.network.name(),
            bounds: scenario.bounds.brief(),
            prefix: scenario.prefix.len(),
            expected_property: breaks,
            expected_depth,
            first_broken: None,
            first_depth: None,
            caught_depth: None,
            caught: None,
            objection: None,
            distinct_states: None,
            seconds: None,
            unflawed: None,
            timelines: Vec::new(),
            cut: false,
        }
    }

    /// What was shown of a flaw.
    pub fn proved(proof: &Proof) -> Self {
        let unflawed = &proof.unflawed;
        let limit = |end| {
            matches!(
                end,
                End::Time | End::States | End::Memory | End::Interrupted
            )
        };
        FlawReport {
            first_broken: proof.first.as_ref().map(|found| found.property),
            first_depth: proof.first.as_ref().map(|found| found.actions.len()),
            caught_depth: proof.listed.as_ref().map(|found| found.actions.len()),
            caught: Some(proof.is_caught()),
            objection: proof.objection(),
            distinct_states: Some(proof.flawed.distinct),
            seconds: Some(rounded(proof.elapsed())),
            unflawed: Some(Unflawed {
                end: unflawed.end.name(),
                complete: unflawed.end == End::Exhausted,
                distinct_states: unflawed.distinct,
                depth: unflawed.depth,
                broken: unflawed.first_broken().map(|found| found.property),
            }),
            cut: limit(proof.flawed.end) || limit(unflawed.end),
            ..Self::listed(proof.about.flaw)
        }
    }

    /// Caught, not caught, or cut before that was known.
    pub fn answer(&self) -> Answer {
        let broken = self.unflawed.as_ref().and_then(|search| search.broken);
        match self.caught {
            Some(true) => Answer::Holds,
            Some(false) if self.cut && broken.is_none() => Answer::Inconclusive,
            Some(false) => Answer::Violated,
            None => Answer::Inconclusive,
        }
    }
}

/// The document of `plimsoll flaws --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The version of this tool.
    pub tool: &'static str,
    /// `holds` when every flaw was caught; `null` in a list.
    pub verdict: Option<Answer>,
    /// The flaws.
    pub flaws: Vec<FlawReport>,
}

impl Document {
    /// Sums up `flaws`.
    pub fn new(flaws: Vec<FlawReport>, proved: bool) -> Self {
        let worst = flaws.iter().map(FlawReport::answer).max();
        Document {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_VERSION"),
            verdict: proved.then(|| worst.unwrap_or(Answer::Inconclusive)),
            flaws,
        }
    }
}
