//! The document of `plimsoll replay --coverage --json`.

use serde::Serialize;

use crate::coverage::{Coverage, Item, Standing};

/// The schema of [`Document`].
pub const SCHEMA: &str = "plimsoll-coverage/1";

/// What traces have exercised.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The version of this tool.
    pub tool: &'static str,
    /// How many traces were counted.
    pub traces: u64,
    /// How many of them conform.
    pub conform: u64,
    /// How many diverge: they count up to there.
    pub diverge: u64,
    /// How many are inconclusive: they count up to there.
    pub inconclusive: u64,
    /// How many could not be read, and were not.
    pub unreadable: u64,
    /// The dialects of the traces.
    pub dialects: Vec<String>,
    /// How many items the model reaches in these dialects.
    pub reachable: u64,
    /// How many of them a trace did.
    pub exercised: u64,
    /// Every item, holes first.
    pub items: Vec<Item>,
}

impl Document {
    /// What `coverage` says of traces with these verdicts; what is `unreadable`
    /// is not in it.
    pub fn new(coverage: &Coverage, verdicts: &[&str]) -> Self {
        let with = |verdict| verdicts.iter().filter(|other| **other == verdict).count() as u64;
        let items = coverage.items();
        let count = |standing| {
            items
                .iter()
                .filter(|item| item.standing == standing)
                .count() as u64
        };
        let exercised = count(Standing::Exercised);
        Document {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_VERSION"),
            traces: coverage.traces(),
            conform: with("conforms"),
            diverge: with("diverges"),
            inconclusive: with("inconclusive"),
            unreadable: with("unreadable"),
            dialects: coverage.dialects().map(str::to_owned).collect(),
            reachable: exercised + count(Standing::Hole),
            exercised,
            items,
        }
    }
}
