//! A counterexample as plain data: the property, the actions, the states.

use std::fmt;

use crate::action::Action;
use crate::cluster::{State, Step};
use crate::log::Log;
use crate::properties::{self, Check, Finding, StepView};
use crate::refusal::Refusal;
use crate::scenario::Scenario;
use crate::server::Server;

/// A run that breaks a property.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// The property that breaks in the last step.
    pub property: &'static str,
    /// What was explored.
    pub scenario: Scenario,
    /// The actions, from the initial state.
    pub actions: Vec<Action>,
}

/// One step of a run, with the state it left.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What happened.
    pub action: Action,
    /// What came of it.
    pub step: Step,
}

/// Why a list of actions is no run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("action {at} ({action}) is not enabled{}", reason.map_or(String::new(), |r| format!(": {r}")))]
pub struct NotARun {
    /// Which action, from zero.
    pub at: usize,
    /// The action, printed.
    pub action: String,
    /// The rule's reason; `None` when the network cannot do it.
    pub reason: Option<Refusal>,
}

/// Executes `actions` from the initial state of `scenario` with the rule book.
///
/// # Errors
/// The first action that is not enabled.
pub fn execute(scenario: &Scenario, actions: &[Action]) -> Result<Vec<Frame>, NotARun> {
    let mut state = State::initial(scenario);
    let mut frames = Vec::with_capacity(actions.len());
    for (at, action) in actions.iter().enumerate() {
        let step = state.next(action, scenario).map_err(|reason| NotARun {
            at,
            action: action.to_string(),
            reason,
        })?;
        state = step.after.clone();
        frames.push(Frame {
            action: action.clone(),
            step,
        });
    }
    Ok(frames)
}

impl Counterexample {
    /// Executes the counterexample again and returns its frames.
    ///
    /// # Errors
    /// When it is no run of the rule book.
    pub fn frames(&self) -> Result<Vec<Frame>, NotARun> {
        execute(&self.scenario, &self.actions)
    }

    /// Whether the run exists and breaks the property in its last step, judged
    /// again from nothing.
    pub fn is_confirmed(&self) -> bool {
        let (Ok(frames), Some(at)) = (self.frames(), properties::Property::position(self.property))
        else {
            return false;
        };
        let Some((last, earlier)) = frames.split_last() else {
            return false;
        };
        let before = match earlier.last() {
            Some(frame) => frame.step.after.clone(),
            None => State::initial(&self.scenario),
        };
        let finding = match properties::ALL[at].check {
            Check::State(check) => check(&last.step.after, &self.scenario),
            Check::Step(check) => check(
                &StepView {
                    before: &before,
                    action: &last.action,
                    step: &last.step,
                },
                &self.scenario,
            ),
        };
        finding == Finding::Broken
    }
}

/// Prints a state: one line a server, then the messages in flight.
///
/// # Errors
/// When the formatter does.
pub fn describe(state: &State, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (_, server) in state.servers.iter() {
        writeln!(f, "{}", describe_server(server))?;
    }
    for flight in state.network.flights() {
        writeln!(f, "in flight: {}", flight.message)?;
    }
    Ok(())
}

/// One server in a line.
pub fn describe_server<L: Log>(server: &Server<L>) -> String {
    let mut line = format!("{}@{} {}", server.id, server.term, server.role.name());
    match server.vote {
        Some(vote) => line += &format!(", voted for {vote}"),
        None => line += ", no vote",
    }
    let base = server.log.snapshot().len();
    let terms = server.log.entries().iter().skip(base);
    let terms: Vec<_> = terms.map(|e| e.term.to_string()).collect();
    if base > 0 {
        line += &format!(", snapshot to {base}");
    }
    line += &format!(", log [{}], commit {}", terms.join(" "), server.commit);
    let durable = server.durable_last();
    if server.durable.term != server.term || durable != server.log.last() {
        line += &format!(
            ", durable term {}, durable log to {durable}",
            server.durable.term
        );
    }
    line
}

/// What a step changed, in a few lines.
pub fn changes(before: &State, step: &Step) -> String {
    let mut lines = Vec::new();
    if let Some(outcome) = step.outcome {
        let mut line = outcome.branch.name().replace('-', " ");
        if let Some(reason) = outcome.reason {
            line += &format!(": {reason}");
        }
        lines.push(line);
    }
    for (id, server) in step.after.servers.iter() {
        if before.servers[id] != *server {
            lines.push(describe_server(server));
        }
    }
    lines.extend(step.released.iter().map(|m| format!("sends {m}")));
    lines.join("\n")
}

/// A sequence diagram of a run, one lane a server, as SVG.
pub fn svg(scenario: &Scenario, frames: &[Frame]) -> String {
    const LANE: usize = 160;
    const ROW: usize = 28;
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let servers = usize::from(scenario.bounds.servers);
    let x = |id: crate::ids::NodeId| id.position() * LANE + LANE / 2;
    let height = (frames.len() + 2) * ROW;
    let width = servers * LANE + 420;
    let mut out = format!(
        "<svg version='1.1' baseProfile='full' width='{width}' height='{height}' \
         viewbox='0 0 {width} {height}' xmlns='http://www.w3.org/2000/svg' \
         font-family='monospace' font-size='12'>"
    );
    for id in crate::ids::NodeSet::first(servers).iter() {
        out += &format!(
            "<text x='{0}' y='14' text-anchor='middle'>{id}</text>\
             <line x1='{0}' y1='18' x2='{0}' y2='{height}' stroke='gray'/>",
            x(id)
        );
    }
    for (row, frame) in frames.iter().enumerate() {
        let y = (row + 1) * ROW + 8;
        match &frame.action {
            Action::Step {
                node,
                input: crate::rules::Input::Receive { message },
            } => {
                out += &format!(
                    "<line x1='{}' y1='{}' x2='{}' y2='{y}' stroke='black'/>\
                     <circle cx='{2}' cy='{y}' r='4'/>",
                    x(message.from),
                    y - ROW / 2,
                    x(*node)
                );
            }
            Action::Step { node, .. } => {
                out += &format!(
                    "<circle cx='{}' cy='{y}' r='4' fill='white' stroke='black'/>",
                    x(*node)
                );
            }
            _ => {}
        }
        out += &format!(
            "<text x='{}' y='{}'>{}</text>",
            servers * LANE + 10,
            y + 4,
            escape(&frame.action.to_string())
        );
    }
    out + "</svg>"
}
