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
    /// How many parts of the rules the model reaches in these dialects.
    pub reachable: u64,
    /// How many of them a trace did.
    pub exercised: u64,
    /// How many faults can happen.
    pub faults_possible: u64,
    /// How many of them happened in a trace.
    pub faults_happened: u64,
    /// What became of the messages of each kind.
    pub messages: Vec<Messages>,
    /// Every item, holes first.
    pub items: Vec<Item>,
}

/// What became of the messages of a kind.
#[derive(Clone, Debug, Serialize)]
pub struct Messages {
    /// The kind.
    pub kind: &'static str,
    /// How many were sent.
    pub sent: u64,
    /// How often one arrived.
    pub received: u64,
    /// How many never arrived though a later one of their link did.
    pub lost: u64,
    /// How many never arrived, and nothing later of their link did.
    pub never_received: u64,
    /// How often one arrived that had arrived before.
    pub repeated: u64,
    /// How many arrived after a later one of their link.
    pub overtaken: u64,
    /// How often one of an earlier term than its receiver's arrived.
    pub late: u64,
}

impl Document {
    /// What `coverage` says of traces with these verdicts; what is `unreadable`
    /// is not in it.
    pub fn new(coverage: &Coverage, verdicts: &[&str]) -> Self {
        let with = |verdict| verdicts.iter().filter(|other| **other == verdict).count() as u64;
        let items = coverage.items();
        let count = |standing, fault: bool| {
            items
                .iter()
                .filter(|item| item.standing == standing && (item.kind == "fault") == fault)
                .count() as u64
        };
        let exercised = count(Standing::Exercised, false);
        let faults_happened = count(Standing::Exercised, true);
        let messages = coverage.faults().messages.iter();
        Document {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_VERSION"),
            traces: coverage.traces(),
            conform: with("conforms"),
            diverge: with("diverges"),
            inconclusive: with("inconclusive"),
            unreadable: with("unreadable"),
            dialects: coverage.dialects().map(str::to_owned).collect(),
            reachable: exercised + count(Standing::Hole, false),
            exercised,
            faults_possible: faults_happened + count(Standing::Hole, true),
            faults_happened,
            messages: messages
                .map(|(kind, tally)| Messages {
                    kind,
                    sent: tally.sent,
                    received: tally.received,
                    lost: tally.lost,
                    never_received: tally.never_received,
                    repeated: tally.repeated,
                    overtaken: tally.overtaken,
                    late: tally.late,
                })
                .collect(),
            items,
        }
    }
}
