//! Steps of the rule book become frames.
//!
//! A [`Recorder`] is fed step by step with one server before and after, so a
//! checker's run and a followed trace go the same way. It remembers in which
//! step each message left, so that an arrow can say how long it was under way.

use plimsoll_model::action::Action;
use plimsoll_model::cluster::State;
use plimsoll_model::counterexample::{Counterexample, NotARun, execute};
use plimsoll_model::ids::{Index, NodeId};
use plimsoll_model::log::Log;
use plimsoll_model::message::{Message, Messages};
use plimsoll_model::properties;
use plimsoll_model::rules::{self, Branch, Input, Outcome};
use plimsoll_model::server::{Role, Server};
use plimsoll_model::settings::Settings;

use super::view::{View, changes};
use super::{
    Arrow, Conclusion, ConclusionKind, Frame, Node, Note, NoteKind, Origin, PlantedFlaw, SCHEMA,
    Timeline, why,
};

/// Messages remembered to say when they left.
const REMEMBERED: usize = 4096;

/// Makes a [`Timeline`] step by step.
#[derive(Clone, Debug)]
pub struct Recorder {
    settings: Settings,
    sent: Vec<(Message, u64)>,
    timeline: Timeline,
}

/// A step of one server, as the rule book took it.
#[derive(Clone, Copy, Debug)]
pub struct Stepped<'a, L: Log> {
    /// The server before.
    pub before: &'a Server<L>,
    /// The server after.
    pub after: &'a Server<L>,
    /// What it was given.
    pub input: &'a Input,
    /// How the rule went.
    pub outcome: Outcome,
    /// What left it.
    pub released: &'a [Message],
}

impl Recorder {
    /// Starts a timeline with the servers as they are before the first step.
    pub fn new<'a, L: Log + 'a>(
        title: String,
        origin: Origin,
        settings: Settings,
        servers: impl Iterator<Item = &'a Server<L>>,
    ) -> Self {
        let nodes = servers.map(|server| {
            let view = View::of(server, &settings);
            Node {
                id: server.id.to_string(),
                before: view.clone(),
                after: view,
            }
        });
        Recorder {
            settings,
            sent: Vec::new(),
            timeline: Timeline {
                schema: SCHEMA.to_owned(),
                title,
                origin,
                nodes: nodes.collect(),
                frames: Vec::new(),
                conclusion: None,
            },
        }
    }

    fn arrow(&self, message: &Message) -> Arrow {
        let left = self.sent.iter().rev().find(|(m, _)| m == message);
        Arrow {
            from: message.from.to_string(),
            to: message.to.to_string(),
            term: message.term.0,
            text: message.body.to_string(),
            sent: left.map(|&(_, step)| step),
        }
    }

    fn leave(&mut self, messages: &[Message], step: u64) -> Vec<Arrow> {
        if self.sent.len() > REMEMBERED {
            self.sent.drain(..REMEMBERED / 2);
        }
        let left = messages.iter().map(|message| (message.clone(), step));
        self.sent.extend(left);
        messages.iter().map(|message| self.arrow(message)).collect()
    }

    /// Adds what a server did. `line` is the line of the trace that says so.
    pub fn step<L: Log>(&mut self, step: u64, stepped: &Stepped<'_, L>, line: Option<u64>) {
        let Stepped {
            before,
            after,
            input,
            released,
            ..
        } = *stepped;
        let message = match input {
            Input::Receive { message } => Some(self.arrow(message)),
            _ => None,
        };
        let action = Action::Step {
            node: after.id,
            input: input.clone(),
        };
        let frame = Frame {
            step,
            action: action.to_string(),
            kind: action.kind().to_owned(),
            node: Some(after.id.to_string()),
            message,
            sends: self.leave(released, step),
            changes: changes(before, after, &self.settings),
            notes: notes(stepped, &self.settings),
            line,
        };
        if let Some(at) = self.timeline.position(&after.id.to_string()) {
            self.timeline.nodes[at].after = View::of(after, &self.settings);
        }
        self.timeline.frames.push(frame);
    }

    /// Adds what the network did.
    pub fn network(&mut self, step: u64, action: &Action, line: Option<u64>) {
        let (message, text) = match action {
            Action::Drop { message } => (message, "lost"),
            Action::Duplicate { message } => (message, "copied: it may arrive twice"),
            Action::Step { .. } => return,
        };
        self.timeline.frames.push(Frame {
            step,
            action: action.to_string(),
            kind: action.kind().to_owned(),
            node: None,
            message: Some(self.arrow(message)),
            sends: Vec::new(),
            changes: Vec::new(),
            notes: vec![Note {
                kind: NoteKind::Network,
                text: text.to_owned(),
            }],
            line,
        });
    }

    /// Ends the timeline.
    pub fn finish(mut self, conclusion: Option<Conclusion>) -> Timeline {
        self.timeline.conclusion = conclusion;
        self.timeline
    }
}

impl Timeline {
    /// The timeline of a counterexample; `preset` and `rerun` say where it
    /// comes from.
    ///
    /// # Errors
    /// When it is no run of the rule book.
    pub fn of_counterexample(
        found: &Counterexample,
        preset: Option<&str>,
        rerun: Option<String>,
    ) -> Result<Self, NotARun> {
        let scenario = &found.scenario;
        let flaw = scenario.settings.flaw.map(|flaw| flaw.about());
        let by = flaw.map_or(String::new(), |flaw| format!("{} breaks ", flaw.name));
        let steps = found.actions.len();
        let title = match by.as_str() {
            "" => format!("{} is broken", found.property),
            by => format!("{by}{}", found.property),
        };
        let origin = Origin {
            preset: preset.map(str::to_owned),
            flaw: flaw.map(|flaw| PlantedFlaw {
                name: flaw.name.to_owned(),
                code: flaw.code.to_owned(),
                mechanism: flaw.mechanism.to_owned(),
            }),
            scenario: Some(scenario.clone()),
            trace: None,
            rerun,
        };
        let title = format!("{title} in {steps} steps");
        let frames = execute(scenario, &found.actions)?;
        let mut before = State::initial(scenario);
        let servers = before.servers.iter().map(|(_, server)| &**server);
        let mut recorder = Recorder::new(title, origin, scenario.settings, servers);
        let mut facts = Vec::new();
        for (at, frame) in frames.iter().enumerate() {
            let step = at as u64 + 1;
            if at + 1 == frames.len() {
                facts = why::broken(found.property, &before, frame, scenario);
            }
            match (&frame.action, frame.step.outcome) {
                (Action::Step { node, input }, Some(outcome)) => recorder.step(
                    step,
                    &Stepped {
                        before: &before.servers[*node],
                        after: &frame.step.after.servers[*node],
                        input,
                        outcome,
                        released: &frame.step.released,
                    },
                    None,
                ),
                (action, _) => recorder.network(step, action, None),
            }
            before = frame.step.after.clone();
        }
        let row = properties::Property::position(found.property).map(|at| &properties::ALL[at]);
        Ok(recorder.finish(row.map(|property| Conclusion {
            kind: ConclusionKind::Property,
            name: property.name.to_owned(),
            says: property.says.to_owned(),
            section: property.section.to_owned(),
            file: property.file.to_owned(),
            why: facts,
        })))
    }
}

/// What a step means, in words.
fn notes<L: Log>(stepped: &Stepped<'_, L>, settings: &Settings) -> Vec<Note> {
    let Stepped {
        before,
        after,
        input,
        outcome,
        ..
    } = *stepped;
    let mut notes = Vec::new();
    let mut note = |kind, text: String| notes.push(Note { kind, text });
    let from = match input {
        Input::Receive { message } => Some(message.from),
        _ => None,
    };
    if before.role.is_leader() && !after.role.is_leader() && !is_restart(input) {
        note(
            NoteKind::Info,
            format!("steps down from term {}", before.term),
        );
    }
    if matches!(input, Input::Restart { .. }) {
        note(NoteKind::Crashed, "CRASHES and restarts".to_owned());
        if let Some(lost) = lost(before, after) {
            note(NoteKind::Info, format!("loses {lost}"));
        }
    }
    if let Some((kind, text)) = said(outcome, from, stepped) {
        note(kind, text);
    }
    if after.role.is_leader() && (!before.role.is_leader() || before.term != after.term) {
        note(NoteKind::Elected, format!("LEADER of term {}", after.term));
    }
    if outcome.branch != Branch::Committed && after.commit > before.commit && !is_restart(input) {
        note(
            NoteKind::Info,
            format!("learns that {} is committed", at(after, after.commit)),
        );
    }
    if let Some(text) = flaw(stepped, settings) {
        note(NoteKind::Flaw, text);
    }
    notes
}

/// Where the planted flaw made a difference in this step, and which.
fn flaw<L: Log>(stepped: &Stepped<'_, L>, settings: &Settings) -> Option<String> {
    settings.flaw?;
    let right = Settings {
        flaw: None,
        ..*settings
    };
    let (mut server, mut released) = (stepped.before.clone(), Messages::new());
    let ruled = rules::step(&mut server, stepped.input, &right, &mut released);
    let outcome = match ruled {
        Err(refusal) => return Some(format!("THE FLAW: the rule refuses, as {refusal}")),
        Ok(outcome) => outcome,
    };
    if outcome.branch != stepped.outcome.branch {
        let instead = outcome.branch.name().replace('-', " ");
        let because = outcome.reason.map(|reason| format!(": {reason}"));
        let because = because.unwrap_or_default();
        return Some(format!("THE FLAW: by the rule, {instead}{because}"));
    }
    if released[..] != *stepped.released {
        let said = released.iter().map(|m| format!("{} to {}", m.body, m.to));
        let said: Vec<String> = said.collect();
        return Some(format!("THE FLAW: by the rule it says {}", said.join(", ")));
    }
    let differs = changes(&server, stepped.after, &right);
    let differs =
        differs.iter().map(
            |change| match (change.field.as_str(), change.before.as_str()) {
                (field, "") => format!("no {field} {}", change.after),
                (field, before) => format!("{field} {before}"),
            },
        );
    let differs: Vec<String> = differs.collect();
    (!differs.is_empty()).then(|| format!("THE FLAW: by the rule, {}", differs.join(", ")))
}

fn is_restart(input: &Input) -> bool {
    matches!(input, Input::Restart { .. })
}

fn at<L: Log>(server: &Server<L>, index: Index) -> String {
    match server.log.term_at(index) {
        Some(term) => format!("{index}@{term}"),
        None => format!("index {index}"),
    }
}

/// What a crash lost, if anything.
fn lost<L: Log>(before: &Server<L>, after: &Server<L>) -> Option<String> {
    let mut parts = Vec::new();
    if before.term != after.term {
        parts.push(format!("term {}", before.term));
    }
    if before.vote != after.vote
        && let Some(vote) = before.vote
    {
        parts.push(format!("its vote for {vote}"));
    }
    if before.log != after.log {
        parts.push("part of its log".to_owned());
    }
    if after.commit < before.commit {
        parts.push("its commit index".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The branch in words. The arrow and the changes say the rest.
fn said<L: Log>(
    outcome: Outcome,
    from: Option<NodeId>,
    stepped: &Stepped<'_, L>,
) -> Option<(NoteKind, String)> {
    let Stepped {
        before,
        after,
        input,
        ..
    } = *stepped;
    let from = from.map_or(String::new(), |from| from.to_string());
    let because = |text: &str| match outcome.reason {
        Some(reason) => (NoteKind::Refused, format!("{text}: {reason}")),
        None => (NoteKind::Refused, text.to_owned()),
    };
    let info = |text: String| (NoteKind::Info, text);
    Some(match outcome.branch {
        Branch::Campaigned => info(format!("starts an election for term {}", after.term)),
        Branch::VoteGranted => info(format!("grants its vote to {from}")),
        Branch::VoteRefused => because("refuses its vote"),
        Branch::VoteCounted | Branch::BecameLeader if !from.is_empty() => {
            info(format!("counts {from}'s vote"))
        }
        Branch::VoteCounted | Branch::BecameLeader => info("counts its own vote".to_owned()),
        Branch::OwnVoteCounted => info("counts its own vote".to_owned()),
        Branch::RefusalCounted => info(format!("notes {from}'s refusal")),
        Branch::VoteLost => info("is refused by a majority and gives up".to_owned()),
        Branch::StaleIgnored => because("ignores it"),
        Branch::StaleRefused => because("refuses it"),
        Branch::Unexpected => because("has no use for it"),
        Branch::Wrote => match input {
            Input::Write { number } => info(format!("a client writes w{number}")),
            _ => return None,
        },
        Branch::AppendMatched => info("matches, nothing new".to_owned()),
        Branch::AppendReplaced => (NoteKind::Truncated, "drops what conflicts".to_owned()),
        Branch::AppendRejected => because("rejects it"),
        Branch::AppendBelowCommit => because("answers with its commit index"),
        Branch::ProgressNoted if before.role == after.role => info("nothing new".to_owned()),
        Branch::RejectionNoted => info(format!("notes {from}'s rejection")),
        Branch::Committed => (
            NoteKind::Committed,
            format!("COMMITS {}", at(after, after.commit)),
        ),
        Branch::Applied | Branch::ConfigurationApplied => {
            info(format!("applies {}", at(after, after.applied)))
        }
        Branch::ReadBegun => match (&after.role, input) {
            (Role::Leader { reads, .. }, Input::BeginRead { read }) => {
                let index = reads.iter().find(|open| open.id == *read)?.index;
                info(format!("a client begins read {read}: read index {index}"))
            }
            _ => return None,
        },
        Branch::ReadReleased => match (&before.role, input) {
            (Role::Leader { reads, .. }, Input::ReleaseRead { read }) => {
                let index = reads.iter().find(|open| open.id == *read)?.index;
                (
                    NoteKind::Served,
                    format!("SERVES read {read} at index {index}"),
                )
            }
            _ => return None,
        },
        Branch::WriteDone => info("its write is durable".to_owned()),
        Branch::OwnEntriesCounted => info("counts its own durable entries".to_owned()),
        Branch::RestartedTorn => info("its vote was cleared, its term not raised".to_owned()),
        Branch::RestartedWritten => info("part of the write under way survives".to_owned()),
        Branch::SentAppend
        | Branch::SentHeartbeat
        | Branch::Appended
        | Branch::ProgressNoted
        | Branch::HeartbeatReceived
        | Branch::HeartbeatAcked
        | Branch::RestartedDurable => return None,
    })
}
