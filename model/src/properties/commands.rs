//! What commands lead to, by the properties' own account of it.
//!
//! Nothing here asks a rule. The rules keep sessions and compare sequence
//! numbers; here a command that stands in a log more than once has the effect
//! of its first copy, and that is all.

use crate::cluster::Ensemble;
use crate::log::{Entry, InlineLog, Log, Payload};
use crate::scenario::Scenario;
use crate::server::Server;
use crate::sessions::{Machine, Session, command};

/// The commands among `entries`, by number, every copy.
pub(super) fn copies(entries: &[Entry]) -> impl Iterator<Item = u32> {
    entries.iter().filter_map(|entry| match entry.payload {
        Payload::Write { number } => Some(number),
        _ => None,
    })
}

/// The entries that `server` has applied.
pub(super) fn applied(server: &Server<InlineLog>) -> &[Entry] {
    let length = usize::try_from(server.applied.0).unwrap_or(usize::MAX);
    let entries = server.log.entries();
    &entries[..length.min(entries.len())]
}

/// What the machine of `server` says has taken effect. Without sessions it
/// keeps no account: every copy that it applied has.
pub(super) fn effects(server: &Server<InlineLog>, scenario: &Scenario) -> Vec<u32> {
    match (scenario.settings.sessions, &server.machine) {
        (0, _) => copies(applied(server)).collect(),
        (_, Some(machine)) => machine.effects.to_vec(),
        (_, None) => Vec::new(),
    }
}

/// Whether some command stands twice in what a server has applied.
pub(super) fn any_twice(state: &Ensemble<InlineLog>) -> bool {
    state.servers.iter().any(|(_, server)| {
        let copies: Vec<u32> = copies(applied(server)).collect();
        is_any_twice(&copies)
    })
}

/// Whether one of `numbers` stands there twice.
pub(super) fn is_any_twice(numbers: &[u32]) -> bool {
    (1..numbers.len()).any(|at| numbers[..at].contains(&numbers[at]))
}

/// The state of a machine to which `entries` were applied: each command takes
/// effect where its first copy stands, and the session of a client has its
/// latest one.
pub(super) fn machine_after(entries: &[Entry], clients: u32) -> Machine {
    let mut machine = Machine::default();
    for number in copies(entries) {
        if !machine.effects.contains(&number) {
            machine.effects.push(number);
        }
    }
    let answers = machine.effects.clone();
    let answers = answers.iter().zip(1..);
    let mut sessions: Vec<Session> = answers
        .map(|(&number, response)| {
            let (client, sequence) = command(number, clients);
            Session {
                client,
                sequence,
                response,
            }
        })
        .collect();
    sessions.sort_by_key(|session| (session.client, session.sequence));
    for session in sessions {
        match machine.sessions.last_mut() {
            Some(last) if last.client == session.client => *last = session,
            _ => machine.sessions.push(session),
        }
    }
    machine
}
