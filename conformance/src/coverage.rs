//! What recorded traces have exercised of the rules, and what they have not.
//!
//! Counted are the actions that replay took and the branches of rules that they
//! fired, the messages that arrived, the changes of role, and what went wrong
//! ([`crate::replay::faults`]). Against them stands what the model reaches
//! ([`plimsoll_model::reachable`]) in the dialects of the traces. What is missing
//! is a hole: a part of the rules, or a fault, of which the verdicts on these
//! traces say nothing.
//!
//! The network that replay follows is a set: it loses, repeats and reorders
//! anything, and keeps it for as long. So every fault of a message can happen to
//! each kind that the model receives. What a crash may leave follows from when
//! writes become durable.

pub mod scenarios;

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::features;
use plimsoll_model::presets::Preset;
use plimsoll_model::reachable::{self, Kind};
use plimsoll_model::settings::Dialect;
use serde::Serialize;

use crate::replay::faults::{Crash, Faults, Tally};
use crate::verdict::Certificate;

/// Which corpus trace of this repository's implementation shows what; a test
/// writes and holds it.
const SHOWN: &str = include_str!("coverage/shown.txt");

/// The commands that made these traces.
const CORPUS: &str = include_str!("../../traces/corpus/README.md");

/// The name of the fault that a link carries nothing for a while.
const CUT_OFF: &str = "link cut off";

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
    /// `action`, `branch`, `role` or `fault`.
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
    pub scenario: String,
    /// The command of this repository's implementation that makes a trace with it.
    pub command: Option<&'static str>,
    /// Why there is none, if there is none.
    pub no_command: Option<&'static str>,
}

/// What traces have exercised.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    dialects: BTreeSet<String>,
    counts: BTreeMap<(&'static str, String), (u64, u64)>,
    faults: Faults,
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
            for (name, count) in counts {
                self.count(kind, name.clone(), *count);
            }
        }
        let Some(faults) = &certificate.faults else {
            return;
        };
        self.faults.add(faults);
        for (kind, tally) in &faults.messages {
            for (fault, count) in tally.faults() {
                self.count("fault", format!("{kind} {fault}"), count);
            }
        }
        for (crash, count) in &faults.crashes {
            self.count("fault", crash.name().to_owned(), *count);
        }
        self.count("fault", CUT_OFF.to_owned(), faults.cut_off);
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Coverage) {
        self.traces += other.traces;
        self.dialects.extend(other.dialects.iter().cloned());
        self.faults.add(&other.faults);
        for (key, (count, traces)) in &other.counts {
            let entry = self.counts.entry(key.clone()).or_default();
            (entry.0, entry.1) = (entry.0 + count, entry.1 + traces);
        }
    }

    fn count(&mut self, kind: &'static str, name: String, count: u64) {
        if count > 0 {
            let entry = self.counts.entry((kind, name)).or_default();
            entry.0 += count;
            entry.1 += 1;
        }
    }

    /// What went wrong, of which kind.
    pub fn faults(&self) -> &Faults {
        &self.faults
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
                let (with, names) = self.followed(&presets);
                self.item(kind.name(), name.to_owned(), with, names)
            })
            .collect();
        items.extend(self.fault_items());
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

    /// Those of `presets` whose dialect a trace follows, the plainest first, and
    /// the features of that.
    fn followed(&self, presets: &[Preset]) -> (Vec<&'static str>, Vec<&'static str>) {
        let here = presets.iter();
        let mut here: Vec<_> = here.filter(|preset| self.follows(preset.dialect)).collect();
        let on = |preset: &Preset| {
            let on = features::of(&preset.scenario.settings);
            on.map(|feature| feature.name).collect::<Vec<_>>()
        };
        here.sort_by_key(|preset| on(preset).len());
        let with = here.first().map(|preset| on(preset)).unwrap_or_default();
        (with, here.iter().map(|preset| preset.name).collect())
    }

    /// What can go wrong: every fault of every kind of message, by where the
    /// model receives it; what a crash may leave; and a link that is cut off.
    fn fault_items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for (kind, name, presets) in reachable::all() {
            let of: Vec<String> = match (kind, name) {
                (Kind::Action, "drop") => vec![CUT_OFF.to_owned()],
                (Kind::Branch, "restarted-durable") => {
                    let crashes = [Crash::Durable, Crash::KeptNothing];
                    self.possible(&crashes).collect()
                }
                (Kind::Branch, "restarted-written") => {
                    let crashes = [Crash::KeptAll, Crash::KeptPart];
                    self.possible(&crashes).collect()
                }
                (Kind::Action, name) => {
                    let received = name.strip_prefix("receive-").into_iter();
                    let all = Tally::default().faults();
                    let each = |kind| all.map(|(fault, _)| format!("{kind} {fault}"));
                    received.flat_map(each).collect()
                }
                _ => continue,
            };
            let (with, names) = self.followed(&presets);
            let each = of.into_iter();
            items.extend(each.map(|name| self.item("fault", name, with.clone(), names.clone())));
        }
        items
    }

    /// Those that the settings of a trace allow.
    fn possible(&self, crashes: &[Crash]) -> impl Iterator<Item = String> {
        let known = |crash: &&Crash| self.faults.crashes.contains_key(*crash);
        crashes
            .iter()
            .filter(known)
            .map(|crash| crash.name().to_owned())
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
        let command = command(kind, &name);
        Item {
            standing: match (count > 0, presets.is_empty()) {
                (true, _) => Standing::Exercised,
                (false, false) => Standing::Hole,
                (false, true) => Standing::OtherDialect,
            },
            scenario: scenarios::of(kind, &name),
            command,
            no_command: match command {
                None => Some(scenarios::beyond(kind, &name).unwrap_or(scenarios::ELSEWHERE)),
                Some(_) => None,
            },
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
