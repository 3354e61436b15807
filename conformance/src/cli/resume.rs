//! What a checkpoint notes for whoever resumes: the task, and how it is
//! searched.

use std::path::{Path, PathBuf};

use plimsoll_model::engine::{Bits, Exhaustive, checkpoint};
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
    witnesses: Vec<String>,
    pub(super) symmetry: bool,
    wide: bool,
    /// The properties that were named.
    pub(super) properties: Vec<String>,
    pub(super) keep_going: bool,
}

impl Raft {
    pub(super) fn of(
        task: &Task,
        engine: &Exhaustive,
        properties: &[String],
        keep_going: bool,
    ) -> Self {
        Raft {
            name: task.name.clone(),
            about: task.about.clone(),
            dialect: task.dialect.to_owned(),
            scenario: task.scenario.clone(),
            witnesses: task.witnesses.iter().map(|&name| name.to_owned()).collect(),
            symmetry: engine.symmetry,
            wide: is_wide(engine.bits),
            properties: properties.to_vec(),
            keep_going,
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
        Ok(Task {
            name: self.name.clone(),
            about: self.about.clone(),
            dialect: dialect.ok_or_else(|| unknown(&self.dialect))?,
            scenario: self.scenario.clone(),
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

/// A folder below `out` that no search has used.
pub(super) fn unused(out: &Path, name: &str) -> PathBuf {
    let folder = |n: u32| match n {
        1 => out.join("searches").join(name),
        n => out.join("searches").join(format!("{name}-{n}")),
    };
    let free = (1..u32::MAX).map(folder).find(|folder| !folder.exists());
    free.unwrap_or_else(|| folder(1))
}
