//! What a checkpoint notes for whoever resumes: the task, and how it is
//! searched.

use std::path::{Path, PathBuf};

use plimsoll_model::engine::{Bits, Exhaustive, checkpoint};
use plimsoll_model::flaws::Flaw;
use plimsoll_model::presets;
use plimsoll_model::scenario::Scenario;
use plimsoll_model::settings::Dialect;
use plimsoll_model::witnesses;
use serde::{Deserialize, Serialize};

use super::{Failure, yardstick};
use crate::report::check::Task;

/// The note.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case")]
pub(super) enum Note {
    /// Of the rule book.
    Raft(Box<Raft>),
    /// Of the yardstick.
    Yardstick(yardstick::Noted),
}

impl Note {
    /// As a checkpoint keeps it.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A search of the rule book.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Raft {
    name: String,
    about: String,
    dialect: String,
    scenario: Scenario,
    /// The planted flaw, which is not written with a scenario.
    flaw: Option<String>,
    witnesses: Vec<String>,
    pub(super) symmetry: bool,
    wide: bool,
    pub(super) how: How,
}

/// How a search was asked for, beside the task and the engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct How {
    /// The properties that were named.
    pub(super) properties: Vec<String>,
    pub(super) keep_going: bool,
    /// Whether a preset is explored as it is, and so held to its witnesses only.
    pub(super) chosen: bool,
    /// The command that shows the answer again: the first one, because a
    /// checkpoint is gone when its search has ended.
    pub(super) rerun: String,
}

impl Raft {
    pub(super) fn of(task: &Task, engine: &Exhaustive, how: &How) -> Self {
        let flaw = task.scenario.settings.flaw;
        Raft {
            name: task.name.clone(),
            about: task.about.clone(),
            dialect: task.dialect.to_owned(),
            scenario: task.scenario.clone(),
            flaw: flaw.map(|flaw| flaw.about().name.to_owned()),
            witnesses: task.witnesses.iter().map(|&name| name.to_owned()).collect(),
            symmetry: engine.symmetry,
            wide: is_wide(engine.bits),
            how: how.clone(),
        }
    }

    pub(super) fn bits(&self) -> Bits {
        bits(self.wide)
    }

    /// The task.
    pub(super) fn task(&self) -> Result<Task, Failure> {
        let unknown = |name: &str| Failure::Usage(format!("the checkpoint names {name:?}"));
        let mut dialects = Dialect::ALL.iter().map(|dialect| dialect.name());
        let dialect = dialects.find(|name| *name == self.dialect);
        let witness = |name: &String| -> Result<&'static str, Failure> {
            let at = witnesses::Witness::position(name).ok_or_else(|| unknown(name))?;
            Ok(witnesses::ALL[at].name)
        };
        let mut scenario = self.scenario.clone();
        scenario.settings.flaw = match &self.flaw {
            Some(name) => Some(Flaw::by_name(name).ok_or_else(|| unknown(name))?),
            None => None,
        };
        // A checkpoint keeps no prefix: it is that of its preset. Walks belong to
        // a preset as it stands.
        let preset = presets::by_name(&self.name);
        if let Some(preset) = &preset {
            scenario.prefix = preset.scenario.prefix;
        }
        let flawless = self.flaw.is_none();
        let preset = preset.filter(|preset| flawless && preset.scenario == scenario);
        Ok(Task {
            wider: preset.and_then(|preset| preset.wider),
            name: self.name.clone(),
            about: self.about.clone(),
            dialect: dialect.ok_or_else(|| unknown(&self.dialect))?,
            scenario,
            witnesses: self
                .witnesses
                .iter()
                .map(witness)
                .collect::<Result<_, _>>()?,
        })
    }
}

pub(super) fn bits(wide: bool) -> Bits {
    match wide {
        true => Bits::B128,
        false => Bits::B64,
    }
}

pub(super) fn is_wide(bits: Bits) -> bool {
    bits == Bits::B128
}

/// The note of the checkpoint in `dir`.
pub(super) fn read(dir: &Path) -> Result<Note, Failure> {
    let text = checkpoint::about(dir)?;
    serde_json::from_str(&text).map_err(|_| Failure::Input {
        path: dir.display().to_string(),
        reason: "the checkpoint is not one of plimsoll check".to_owned(),
    })
}

/// A folder below `out` that no search has used, and that none beside this one
/// will.
pub(super) fn unused(out: &Path, name: &str) -> PathBuf {
    let name = format!("{name}-{}", std::process::id());
    let folder = |n: u32| match n {
        1 => out.join("searches").join(&name),
        n => out.join("searches").join(format!("{name}-{n}")),
    };
    let free = (1..u32::MAX).map(folder).find(|folder| !folder.exists());
    free.unwrap_or_else(|| folder(1))
}
