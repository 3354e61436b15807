//! One timeline for everything that is shown: counterexamples of the checker
//! and divergences of a trace.
//!
//! A [`Timeline`] is plain data. It says who did what, which messages arrived,
//! what each step changed, and what is wrong at the end. It is saved as JSON
//! (schema [`SCHEMA`]) and every printer of [`crate::render`] starts from it;
//! nothing that is printed is computed from the model a second time.
//!
//! | file | holds |
//! |---|---|
//! | [`view`] | one server as small strings, and what differs between two |
//! | [`record`] | steps of the rule book -> frames |
//! | [`trace`] | the steps of a followed trace -> frames |
//! | `notes` | what a step means, in words |
//! | [`why`] | a broken property -> the facts that show it |

mod notes;
pub mod record;
pub mod trace;
pub mod view;
pub mod why;

use plimsoll_model::scenario::Scenario;
use serde::{Deserialize, Serialize};

use view::{Change, View};

/// The schema of a saved timeline.
pub const SCHEMA: &str = "plimsoll-timeline/1";

/// A run, step by step, and what is wrong with its last step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// [`SCHEMA`].
    pub schema: String,
    /// What this shows, in a line.
    pub title: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The servers, as they were before the first frame.
    pub nodes: Vec<Node>,
    /// The steps.
    pub frames: Vec<Frame>,
    /// What is wrong; `None` when the run is only shown.
    pub conclusion: Option<Conclusion>,
}

/// Where a timeline comes from, and how to get it again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The preset that was explored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The planted flaw, and what it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flaw: Option<PlantedFlaw>,
    /// Rules, network and bounds of the exploration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<Scenario>,
    /// The trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The command that shows it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<String>,
}

/// A flaw as a timeline names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlantedFlaw {
    /// Its name.
    pub name: String,
    /// Its catalogue code.
    pub code: String,
    /// What it does, in a sentence.
    pub mechanism: String,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name, as in `n2`.
    pub id: String,
    /// Its state before the first frame.
    pub before: View,
    /// Its state after the last frame.
    pub after: View,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The number of the step, from 1.
    pub step: u64,
    /// What happened, in a line.
    pub action: String,
    /// The kind of action: `campaign`, `receive-append`, `restart` ...
    pub kind: String,
    /// Who acted; `None` when the network did.
    pub node: Option<String>,
    /// The message that arrived, was lost or was copied.
    pub message: Option<Arrow>,
    /// The messages that left in this step.
    pub sends: Vec<Arrow>,
    /// What changed, in the order of the fields of [`View`].
    pub changes: Vec<Change>,
    /// What it means.
    pub notes: Vec<Note>,
    /// The line of the trace that records it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrow {
    /// Who sent it.
    pub from: String,
    /// Whom it is for.
    pub to: String,
    /// The term it was sent in.
    pub term: u64,
    /// What it says: `Append prev=1@1 [2@1] commit=1`.
    pub text: String,
    /// The step in which it left, in a trace the line; `None` when it left before
    /// the first frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
}

/// What a step means, for a reader who knows Raft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What kind of note.
    pub kind: NoteKind,
    /// The note.
    pub text: String,
}

/// Kinds of notes, which printers mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// A server became leader.
    Elected,
    /// Entries were committed by a leader.
    Committed,
    /// A read was served.
    Served,
    /// A server crashed and restarted.
    Crashed,
    /// A rule said no, and why.
    Refused,
    /// Entries were dropped from a log.
    Truncated,
    /// A message was lost or copied.
    Network,
    /// Here the planted flaw made the difference.
    Flaw,
    /// Here a trace leaves what the rules allow.
    Wrong,
    /// Anything else.
    Info,
}

/// What is wrong at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conclusion {
    /// What is broken: a property of the model or a rule by a trace.
    pub kind: ConclusionKind,
    /// The name of the property or rule.
    pub name: String,
    /// What it says, in a sentence.
    pub says: String,
    /// The section of the paper.
    pub section: String,
    /// The file that holds it.
    pub file: String,
    /// The facts, a sentence each.
    pub why: Vec<String>,
}

/// What a conclusion is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConclusionKind {
    /// A property of the model is broken.
    Property,
    /// A trace breaks a rule.
    Rule,
}

/// Why a text is no saved timeline.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not JSON, or not of this shape.
    #[error("not a timeline: {0}")]
    Json(#[from] serde_json::Error),
    /// It is of another schema.
    #[error("schema {found:?}, expected {SCHEMA:?}")]
    Schema {
        /// The schema it names.
        found: String,
    },
    /// A frame names a server that the timeline does not list.
    #[error("step {step} names {node:?}, which is not among the nodes")]
    Stranger {
        /// The step.
        step: u64,
        /// The name.
        node: String,
    },
}

impl Timeline {
    /// Reads a saved timeline.
    ///
    /// # Errors
    /// When the text is not one.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        let timeline: Timeline = serde_json::from_str(text)?;
        if timeline.schema != SCHEMA {
            return Err(ReadError::Schema {
                found: timeline.schema,
            });
        }
        for frame in &timeline.frames {
            let arrows = frame.message.iter().chain(&frame.sends);
            let named = arrows
                .flat_map(|arrow| [&arrow.from, &arrow.to])
                .chain(&frame.node)
                .chain(frame.changes.iter().map(|change| &change.node));
            for name in named {
                if timeline.position(name).is_none() {
                    return Err(ReadError::Stranger {
                        step: frame.step,
                        node: name.clone(),
                    });
                }
            }
        }
        Ok(timeline)
    }

    /// The timeline as it is saved.
    pub fn to_json(&self) -> String {
        // A value of strings and numbers always serialises.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The column of the server called `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == name)
    }
}
