//! The verdict on a trace: three-valued, with what it rests on.
//!
//! A trace *conforms* when every event in it was consumed and explained by the
//! rule book; it *diverges* when an event has no explanation; it is
//! *inconclusive* when something in it lies outside what is modelled, or when
//! it holds no evidence. There is no pass without a [`Certificate`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Serialize, Serializer};

use plimsoll_model::refusal::Refusal;

use crate::replay::faults::Faults;
use crate::replay::names::Names;

/// A place in a trace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file, which all places in it share.
    #[serde(serialize_with = "as_path")]
    pub path: Arc<Path>,
    /// The line, from 1.
    pub line: u64,
    /// The event in the file, from 0.
    pub event: u64,
}

impl Place {
    /// The line, with its file where that is another one than that of `other`.
    pub(crate) fn beside(&self, other: &Place) -> String {
        match self.path == other.path {
            true => format!("line {}", self.line),
            false => format!("{}:{}", self.path.display(), self.line),
        }
    }
}

fn as_path<S: Serializer>(path: &Arc<Path>, to: S) -> Result<S::Ok, S::Error> {
    path.as_ref().serialize(to)
}

/// A rule as it is printed: name, section, file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleName {
    /// The rule in a few words.
    pub name: String,
    /// The section: of the Raft paper, or of Ongaro's dissertation ("diss.").
    pub section: String,
    /// The file that holds it.
    pub file: String,
}

impl RuleName {
    /// A rule that no guard of the rule book states.
    pub fn new(name: &str, section: &str, file: &str) -> Self {
        RuleName {
            name: name.into(),
            section: section.into(),
            file: file.into(),
        }
    }
}

impl From<Refusal> for RuleName {
    fn from(refusal: Refusal) -> Self {
        let rule = refusal.rule();
        RuleName::new(rule.name, rule.section, rule.file)
    }
}

/// The first event that no legal run explains.
#[derive(Clone, Debug, Serialize)]
pub struct Divergence {
    /// Where it stands.
    pub place: Place,
    /// The node it happened at, as the trace calls it.
    pub node: String,
    /// What happened, in a sentence.
    pub what: String,
    /// The rule it breaks.
    pub rule: RuleName,
    /// The facts, in a sentence.
    pub why: String,
    /// What the model would have allowed.
    pub expected: String,
    /// Where the facts come from: earlier lines, with what happened there.
    pub because: Vec<(Place, String)>,
    /// The nearest events that are legal there.
    pub nearest: Vec<Nearest>,
    /// What each node had agreed on before, in the last of its lines that was
    /// explained.
    pub agreed: Vec<Agreed>,
}

impl Divergence {
    /// The same, with the names that the trace has for its nodes: the model
    /// counts those that it meets.
    #[must_use]
    pub fn named(mut self, names: &Names) -> Self {
        for text in [&mut self.what, &mut self.why, &mut self.expected] {
            *text = names.text(text);
        }
        for (_, what) in &mut self.because {
            *what = names.text(what);
        }
        for agreed in &mut self.agreed {
            agreed.configuration = names.text(&agreed.configuration);
        }
        self
    }

    /// What happened, the rule that does not allow it, the facts and what was
    /// expected.
    pub fn reason(&self) -> String {
        let rule = &self.rule;
        let all = [
            &self.what,
            &rule.name,
            &rule.section,
            &self.why,
            &self.expected,
        ];
        all.map(String::as_str).join("\n")
    }
}

/// An event that would have been explained in the place of one that is not: the
/// same, but for one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Nearest {
    /// The field, by its path in the line.
    pub field: String,
    /// What the trace shows there.
    pub shown: String,
    /// What is legal there.
    pub legal: String,
}

/// The state of a node that the trace and the model agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Agreed {
    /// The node, as the trace calls it.
    pub node: String,
    /// The node, as the model calls it.
    pub model: String,
    /// The line that left it so.
    pub place: Place,
    /// The term.
    pub term: u64,
    /// Whom it voted for in that term.
    pub vote: Option<String>,
    /// The role.
    pub role: &'static str,
    /// The commit index.
    pub commit: u64,
    /// The applied index.
    pub applied: u64,
    /// The index of the last entry; 0 when there is none.
    pub last_index: u64,
    /// Its term.
    pub last_term: u64,
    /// The configuration in force.
    pub configuration: String,
}

/// Why a trace is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// There was no event in it.
    NothingConsumed,
    /// A node booted for the first time with entries in its log.
    FirstBootWithLog,
    /// Storage was asynchronous.
    AsynchronousStorage,
    /// The trace holds a message or state that this version does not know.
    Unsupported,
    /// The trace begins in mid-run.
    MidRun,
    /// A message arrived that a step whose sends are not logged may have sent.
    UnloggedSend,
    /// A step that the emitter does not always record may explain the line.
    UnloggedStep,
    /// Nodes of the run have no line in any file.
    NodeMissing,
    /// A message arrived that its sender may have sent behind its last line.
    LogEnded,
    /// What the line rests on was forgotten, as far back as it lies.
    Forgotten,
    /// The trace can be read in more ways than are followed at once.
    Readings,
}

impl Ground {
    /// Every ground.
    pub const ALL: [Ground; 11] = [
        Ground::NothingConsumed,
        Ground::FirstBootWithLog,
        Ground::AsynchronousStorage,
        Ground::Unsupported,
        Ground::MidRun,
        Ground::UnloggedSend,
        Ground::UnloggedStep,
        Ground::NodeMissing,
        Ground::LogEnded,
        Ground::Forgotten,
        Ground::Readings,
    ];

    /// What it says, in a sentence.
    pub fn says(self) -> &'static str {
        match self {
            Ground::NothingConsumed => "the trace holds no event",
            Ground::FirstBootWithLog => {
                "a node shows up for the first time with a log that nobody saw grow"
            }
            Ground::AsynchronousStorage => {
                "storage turns out to be asynchronous, and the beginning of the run is gone, so that \
                 it cannot be judged again with that contract"
            }
            Ground::Unsupported => "the trace holds something that this version does not know",
            Ground::UnloggedStep => {
                "the line has no explanation, but the header does not declare that every step has \
                 its line"
            }
            Ground::NodeMissing => {
                "the line has no explanation, but nodes of the run have no line in these files \
                 (several files of one run: --together)"
            }
            Ground::UnloggedSend => {
                "a message arrives that a step without logged sends may have sent, and the model \
                 can no longer tell"
            }
            Ground::LogEnded => {
                "a message arrives that its sender may have sent after its last line: a file of \
                 the run is missing, or ends before the others"
            }
            Ground::Readings => {
                "the trace can be read in more ways than are followed at once: none of those that \
                 were explains the line"
            }
            Ground::Forgotten => {
                "the line rests on what lies so far back that it was forgotten (--window)"
            }
            Ground::MidRun => {
                "the trace begins in mid-run: what the logs held by then, and what was under way, \
                 no line shows"
            }
        }
    }
}

/// Where and why the judgement stopped short.
#[derive(Clone, Debug, Serialize)]
pub struct Stopped {
    /// Why.
    pub ground: Ground,
    /// Where, if at an event.
    pub place: Option<Place>,
    /// What was seen there.
    pub what: String,
}

/// How many facts of a kind the trace could have shown, and how many were
/// checked against the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Shown by the trace and compared with the model.
    pub checked: u64,
    /// Places where the trace could have shown one.
    pub of: u64,
}

impl Facts {
    /// Notes one place, and whether the trace showed the fact there.
    pub fn note(&mut self, shown: bool) {
        self.of += 1;
        self.checked += u64::from(shown);
    }
}

/// What a verdict rests on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Certificate {
    /// The version of this tool.
    pub tool: String,
    /// XXH3 of the sources of the rules, as 16 hex digits.
    pub rule_book: String,
    /// XXH3 of each input file's content, as 16 hex digits.
    pub inputs: Vec<(PathBuf, String)>,
    /// The format of the trace.
    pub format: String,
    /// The settings preset that was followed.
    pub settings: String,
    /// The storage contract.
    pub storage: String,
    /// Where the evidence for the storage contract stands.
    pub storage_evidence: String,
    /// Switches of the implementation: what each is, and how that is known.
    pub switches: Vec<(String, String)>,
    /// Events read.
    pub events: u64,
    /// Events explained.
    pub consumed: u64,
    /// Nodes seen, with the name each has in the model.
    pub nodes: Vec<(String, String)>,
    /// How strict it was: facts by kind.
    pub facts: BTreeMap<&'static str, Facts>,
    /// How often each kind of action was taken.
    pub actions: BTreeMap<String, u64>,
    /// How often each rule branch fired.
    pub branches: BTreeMap<String, u64>,
    /// How often a server changed its role, by the role before and after.
    pub roles: BTreeMap<String, u64>,
    /// Actions that no line shows, by kind.
    pub silent: BTreeMap<String, u64>,
    /// How many other readings of the trace were followed beside the one that
    /// explains it, where no line shows what a crash has kept, or which of several
    /// messages arrived.
    pub readings: u64,
    /// What went wrong in the run, where that was counted
    /// ([`Options::count_faults`](crate::replay::Options::count_faults)).
    #[serde(skip)]
    pub faults: Option<Faults>,
}

/// The verdict on a trace.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Consumed whole, every event explained.
    Conforms(Certificate),
    /// An event has no explanation.
    Diverges(Box<Divergence>, Certificate),
    /// Neither.
    Inconclusive(Stopped, Certificate),
}

impl Verdict {
    /// The name, as JSON spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Conforms(_) => "conforms",
            Verdict::Diverges(..) => "diverges",
            Verdict::Inconclusive(..) => "inconclusive",
        }
    }

    /// What it rests on.
    pub fn certificate(&self) -> &Certificate {
        match self {
            Verdict::Conforms(certificate)
            | Verdict::Diverges(_, certificate)
            | Verdict::Inconclusive(_, certificate) => certificate,
        }
    }
}
