//! Steps of the rule book become frames.
//!
//! A [`Recorder`] is fed step by step with one server before and after, so a
//! checker's run and a followed trace go the same way. It remembers in which
//! step each message left, so that an arrow can say how long it was under way.

use plimsoll_model::action::Action;
use plimsoll_model::cluster::State;
use plimsoll_model::counterexample::{Counterexample, NotARun, execute};
use plimsoll_model::log::Log;
use plimsoll_model::message::Message;
use plimsoll_model::properties;
use plimsoll_model::rules::{Input, Outcome};
use plimsoll_model::server::Server;
use plimsoll_model::settings::Settings;

use super::notes::notes;
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

    /// Adds a note to the frame that came last.
    fn mark(&mut self, text: &str) {
        if let Some(frame) = self.timeline.frames.last_mut() {
            frame.notes.push(Note {
                kind: NoteKind::Info,
                text: text.to_owned(),
            });
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
        let mut frames = scenario.before();
        let prefix = frames.len();
        let mut title = format!(
            "{title} in {steps} step{}",
            if steps == 1 { "" } else { "s" }
        );
        if prefix > 0 {
            title += &format!(" after a prefix of {prefix}");
        }
        frames.extend(execute(scenario, &found.actions)?);
        let mut before = State::booted(scenario);
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
            if at == 0 && prefix > 0 {
                recorder.mark(&format!("prefix: the search begins after step {prefix}"));
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
