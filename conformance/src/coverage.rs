//! What recorded traces have exercised of the rules, and what they have not.
//!
//! Counted are the actions that replay took and the branches of rules that they
//! fired, the messages that arrived, and the changes of role. Against them stands
//! what the model reaches ([`plimsoll_model::reachable`]) in the dialects of the
//! traces. What is missing is a hole: a part of the rules of which the verdicts
//! on these traces say nothing.

pub mod scenarios;

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::features;
use plimsoll_model::reachable::{self, Kind};
use plimsoll_model::settings::Dialect;
use serde::Serialize;

use crate::verdict::Certificate;

/// Which corpus trace of this repository's implementation shows what; a test
/// writes and holds it.
const SHOWN: &str = include_str!("coverage/shown.txt");

/// The commands that made these traces.
const CORPUS: &str = include_str!("../../traces/corpus/README.md");

/// How an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The model reaches it in a dialect of the traces, and no trace does.
    Hole,
    /// A trace did it.
    Exercised,
    /// Only other dialects do it.
    OtherDialect,
}

/// One item.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    /// `action`, `branch` or `role`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// How often the traces did it.
    pub count: u64,
    /// In how many traces.
    pub traces: u64,
    /// How it stands.
    pub standing: Standing,
    /// Presets in which the model shows it, in the dialects of the traces.
    pub presets: Vec<&'static str>,
    /// The features of the first of these presets, or that a change of role needs.
    pub features: Vec<&'static str>,
    /// The scenario that fills the hole, in a sentence.
    pub scenario: &'static str,
    /// The command of this repository's implementation that makes a trace with it.
    pub command: Option<&'static str>,
}

/// What traces have exercised.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    dialects: BTreeSet<String>,
    counts: BTreeMap<(&'static str, String), (u64, u64)>,
    traces: u64,
}

impl Coverage {
    /// Counts what one trace did.
    pub fn add(&mut self, certificate: &Certificate) {
        self.traces += 1;
        self.dialects.insert(certificate.settings.clone());
        let of = [
            ("action", &certificate.actions),
            ("branch", &certificate.branches),
            ("role", &certificate.roles),
        ];
        for (kind, counts) in of {
            for (name, count) in counts.iter().filter(|(_, count)| **count > 0) {
                let entry = self.counts.entry((kind, name.clone())).or_default();
                entry.0 += count;
                entry.1 += 1;
            }
        }
    }

    /// How many traces were counted.
    pub fn traces(&self) -> u64 {
        self.traces
    }

    /// The dialects of the traces.
    pub fn dialects(&self) -> impl Iterator<Item = &str> {
        self.dialects.iter().map(String::as_str)
    }

    /// Whether a trace follows `dialect`, or one that differs from it only in
    /// where the configuration comes from.
    fn follows(&self, dialect: Dialect) -> bool {
        let alike = match dialect {
            Dialect::Paper => &[Dialect::Paper][..],
            Dialect::Etcd | Dialect::EtcdStored => &[Dialect::Etcd, Dialect::EtcdStored],
            Dialect::RaftRs => &[Dialect::RaftRs],
        };
        let mut names = alike.iter().map(|dialect| dialect.name());
        names.any(|name| self.dialects.contains(name))
    }

    /// Every item, holes first.
    pub fn items(&self) -> Vec<Item> {
        let mut items: Vec<Item> = reachable::all()
            .into_iter()
            .filter(|(kind, name, presets)| {
                // What only a planted flaw does, and what only a network does.
                let network = matches!(*name, "drop" | "duplicate") && *kind == Kind::Action;
                !presets.is_empty() && !network
            })
            .map(|(kind, name, presets)| {
                let mut here: Vec<_> = presets
                    .iter()
                    .filter(|preset| self.follows(preset.dialect))
                    .collect();
                let on = |preset: &plimsoll_model::presets::Preset| {
                    let on = features::of(&preset.scenario.settings);
                    on.map(|feature| feature.name).collect::<Vec<_>>()
                };
                here.sort_by_key(|preset| on(preset).len());
                let with = here.first().map(|preset| on(preset)).unwrap_or_default();
                let names = here.iter().map(|preset| preset.name).collect();
                self.item(kind.name(), name.to_owned(), with, names)
            })
            .collect();
        items.extend(scenarios::ROLES.iter().map(|(name, with, _)| {
            let mut item = self.item("role", (*name).to_owned(), with.to_vec(), Vec::new());
            if item.standing == Standing::OtherDialect {
                item.standing = Standing::Hole;
            }
            item
        }));
        items.sort_by_key(|item| item.standing);
        items
    }

    fn item(
        &self,
        kind: &'static str,
        name: String,
        features: Vec<&'static str>,
        presets: Vec<&'static str>,
    ) -> Item {
        let key = (kind, name);
        let (count, traces) = self.counts.get(&key).copied().unwrap_or_default();
        let (_, name) = key;
        Item {
            standing: match (count > 0, presets.is_empty()) {
                (true, _) => Standing::Exercised,
                (false, false) => Standing::Hole,
                (false, true) => Standing::OtherDialect,
            },
            scenario: scenarios::of(kind, &name),
            command: command(kind, &name),
            kind,
            name,
            count,
            traces,
            features,
            presets,
        }
    }
}

/// The command that made the first corpus trace which shows an item.
fn command(kind: &str, name: &str) -> Option<&'static str> {
    let wanted = format!("{kind} {name} ");
    let shown = SHOWN.lines().find_map(|line| line.strip_prefix(&wanted))?;
    made_by(shown)
}

/// The command beside the trace called `name` in the corpus' own list.
pub fn made_by(name: &str) -> Option<&'static str> {
    let wanted = format!("| `{name}` | `");
    let row = CORPUS.lines().find_map(|line| line.strip_prefix(&wanted))?;
    let (command, _) = row.split_once('`')?;
    command.starts_with("plimsoll-raft sim").then_some(command)
}
