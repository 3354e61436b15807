//! The state machine where clients have sessions (section 8; dissertation
//! section 6.3).
//!
//! A client whose leader goes away without an answer does not know whether its
//! command took effect, and sends it again: a log may hold it twice. So each
//! client has a session, a record in the state machine of the latest command of
//! it that was applied and of the answer to it, and each command carries its
//! client and a sequence number. The machine applies a command that is in
//! the record no second time; it gives the same answer again.
//!
//! The commands of this machine are all alike: each adds itself at the end of
//! a list, and the answer is its place there. Nothing that a machine could do
//! tells more of which commands it has applied, in which order, and how often.
//!
//! Commands have numbers ([`Payload::Write`](crate::log::Payload::Write)); with
//! `c` clients they go round, so that command `n` is of client `(n - 1) mod c +
//! 1`. Clients have registered before the run begins and no session expires:
//! those are commands of their own, agreed on in the log like any other.
//!
//! The state in a snapshot is the prefix that it replaces ([`crate::log`]): it
//! holds list and sessions, and what a server that loads it makes of them is a
//! rule ([`crate::rules::sessions::loaded`]).

use smallvec::SmallVec;

use crate::record;

record! {
    /// A client's session.
    #[derive(Copy, Hash)]
    pub struct Session {
        /// The client.
        pub client: u32,
        /// The sequence number of its latest command that was applied.
        pub sequence: u32,
        /// The answer to that one.
        pub response: u32,
    }
}

record! {
    /// The state of the machine: what the commands did, and the sessions.
    #[derive(Default)]
    pub struct Machine {
        /// The numbers of the commands that took effect, in order.
        pub effects: SmallVec<[u32; 4]>,
        /// The sessions, by client.
        pub sessions: SmallVec<[Session; 2]>,
    }
}

/// Client and sequence number of command `number`, where there are `clients`.
pub fn command(number: u32, clients: u32) -> (u32, u32) {
    let (before, clients) = (number.saturating_sub(1), clients.max(1));
    (before % clients + 1, before / clients + 1)
}

impl Machine {
    /// The session of `client`, once a command of it was applied.
    pub fn session(&self, client: u32) -> Option<&Session> {
        self.sessions.iter().find(|known| known.client == client)
    }

    /// Writes down the latest command of a client.
    pub fn record(&mut self, session: Session) {
        match self
            .sessions
            .binary_search_by_key(&session.client, |known| known.client)
        {
            Ok(at) => self.sessions[at] = session,
            Err(at) => self.sessions.insert(at, session),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_go_round_the_clients() {
        let one: Vec<_> = (1..=3).map(|number| command(number, 1)).collect();
        assert_eq!(one, [(1, 1), (1, 2), (1, 3)]);
        let two: Vec<_> = (1..=4).map(|number| command(number, 2)).collect();
        assert_eq!(two, [(1, 1), (2, 1), (1, 2), (2, 2)]);
    }
}
