//! Client sessions (section 8; dissertation section 6.3, figure 6.1).
//!
//! - A command that a client sends again is appended like any other: only the
//!   log tells whether an earlier copy of it was committed ([`retried`]).
//! - When a committed command is applied whose sequence number its client's
//!   session has reached, it has no effect; whoever leads answers from the
//!   session ([`applied`], [`response`]).
//! - Sessions are state of the machine: every server keeps them, they move with
//!   what is applied and with nothing else, and a snapshot holds them
//!   ([`loaded`]).

use super::{Branch, Outcome, replication};
use crate::flaws::Flaw;
use crate::ids::Index;
use crate::log::{Entry, Log, Payload};
use crate::refusal::Refusal;
use crate::server::Server;
use crate::sessions::{Machine, Session, command};
use crate::settings::Settings;

/// A client's command that it has sent before is appended to the leader's log.
///
/// # Errors
/// When the server does not lead.
pub fn retried<L: Log>(
    server: &mut Server<L>,
    number: u32,
    settings: &Settings,
) -> Result<Outcome, Refusal> {
    if settings.has(Flaw::RetryAnsweredUncommitted) && holds(server, number) {
        replication::must_lead(server)?;
        return Ok(Branch::RetryAnsweredAtOnce.into());
    }
    replication::write(server, number, settings)
}

/// Whether command `number` stands in the log of `server`.
fn holds<L: Log>(server: &Server<L>, number: u32) -> bool {
    let is_it = |entry: &Entry| entry.payload == Payload::Write { number };
    server.log.entries().iter().any(is_it)
}

/// Whether the session of its client says that a command was applied.
fn is_duplicate(machine: &Machine, number: u32, settings: &Settings) -> bool {
    let (client, sequence) = command(number, settings.sessions);
    let Some(known) = machine.session(client) else {
        return false;
    };
    if settings.has(Flaw::RetriesAppliedAgain) {
        return false;
    }
    if settings.has(Flaw::LatestCommandCompared) {
        return sequence == known.sequence;
    }
    sequence <= known.sequence
}

/// What the machine makes of an entry.
fn run(machine: &mut Machine, entry: &Entry, settings: &Settings) {
    let Payload::Write { number } = entry.payload else {
        return;
    };
    if is_duplicate(machine, number, settings) {
        return;
    }
    machine.effects.push(number);
    let (client, sequence) = command(number, settings.sessions);
    machine.record(Session {
        client,
        sequence,
        response: machine.effects.len() as u32,
    });
}

/// `entry` is applied.
pub fn applied<L: Log>(server: &mut Server<L>, entry: &Entry, settings: &Settings) {
    let is_command = matches!(entry.payload, Payload::Write { .. });
    if settings.sessions > 0 && is_command {
        run(server.machine.get_or_insert_default(), entry, settings);
    }
}

/// All that is not applied yet is applied up to `to`. Where the applied index
/// stands then is for the caller to say.
pub(super) fn applied_up_to<L: Log>(server: &mut Server<L>, to: Index, settings: &Settings) {
    if settings.sessions == 0 {
        return;
    }
    for index in (server.applied.0 + 1..=to.0).map(Index) {
        if let Some(entry) = server.log.entry(index) {
            applied(server, &entry, settings);
        }
    }
}

/// The machine is reset to the state of the server's snapshot, to that of none
/// without one: the list and the sessions.
pub fn loaded<L: Log>(server: &mut Server<L>, settings: &Settings) {
    if settings.sessions == 0 {
        return;
    }
    let mut machine = Machine::default();
    for entry in server.log.snapshot() {
        run(&mut machine, entry, settings);
    }
    if settings.has(Flaw::SessionsNotInSnapshot) {
        machine.sessions.clear();
    }
    server.machine = (machine != Machine::default()).then(|| machine.into());
}

/// What a server that has just applied command `number` answers: what its
/// client's session says. Once that has a later command, the client has had its
/// answer, and is told nothing.
pub fn response<L: Log>(server: &Server<L>, number: u32, settings: &Settings) -> Option<u32> {
    let (client, sequence) = command(number, settings.sessions);
    let known = server.machine.as_ref()?.session(client)?;
    (known.sequence == sequence).then_some(known.response)
}
