//! Which readable states are within the bounds, so that they can be packed.

use super::bounds::Bounds;
use super::message::Message;
use super::readable::{Entry, Server, State};

/// Whether `state` is within `bounds`, and of their number of servers.
pub(super) fn within(state: &State, bounds: &Bounds) -> bool {
    let limits = Limits {
        servers: bounds.servers as usize,
        values: bounds.values.into(),
        term: bounds.max_term.into(),
        log: bounds.max_log.into(),
    };
    let copies = || state.messages.values().copied();
    state.servers.len() == limits.servers
        && state.servers.iter().all(|server| limits.server(server))
        && state.messages.keys().all(|message| limits.message(message))
        && copies().all(|copies| (1..=bounds.max_copies as usize).contains(&copies))
        && copies().sum::<usize>() <= bounds.max_messages as usize
}

struct Limits {
    servers: usize,
    values: u64,
    term: u64,
    log: u64,
}

impl Limits {
    fn term(&self, term: u64) -> bool {
        (1..=self.term).contains(&term)
    }

    fn entry(&self, entry: &Entry) -> bool {
        self.term(entry.term) && entry.value < self.values
    }

    fn server(&self, server: &Server) -> bool {
        let voters = server.votes_responded.union(&server.votes_granted);
        let mut named = voters.chain(&server.voted_for);
        self.term(server.term)
            && named.all(|&j| j < self.servers)
            && server.log.len() as u64 <= self.log
            && server.log.iter().all(|entry| self.entry(entry))
            && server.commit_index <= self.log
            && server.next_index.len() == self.servers
            && server.match_index.len() == self.servers
            && (server.next_index.iter()).all(|i| (1..=self.log + 1).contains(i))
            && server.match_index.iter().all(|&i| i <= self.log)
    }

    fn message(&self, message: &Message) -> bool {
        let (term, source, dest) = message.frame();
        let rest = match *message {
            Message::RequestVoteRequest {
                last_log_term,
                last_log_index,
                ..
            } => last_log_term <= self.term && last_log_index <= self.log,
            Message::RequestVoteResponse { .. } => true,
            Message::AppendEntriesRequest {
                prev_log_index,
                prev_log_term,
                entry,
                commit_index,
                ..
            } => {
                prev_log_index <= self.log
                    && prev_log_term <= self.term
                    && entry.is_none_or(|entry| self.entry(&entry))
                    && commit_index <= self.log
            }
            Message::AppendEntriesResponse { match_index, .. } => match_index <= self.log,
        };
        rest && self.term(term) && source < self.servers && dest < self.servers
    }
}
