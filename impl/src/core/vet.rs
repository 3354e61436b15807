//! Messages that no correct server sends to this one are refused before they
//! touch anything, so that the rest of the core may rely on the others.

use super::entry::Entry;
use super::ids::{Index, Position, Term};
use super::io::Refused;
use super::message::{AppendAck, Body, Message};
use super::raft::Raft;
use super::role::Role;

impl Raft {
    pub(super) fn vet(&self, message: &Message) -> Result<(), Refused> {
        let &Message { from, to, term, .. } = message;
        if to != self.id || from == self.id {
            return Err(Refused::Misaddressed { from, to });
        }
        vet_shape(message)?;
        if term < self.term {
            return Ok(());
        }
        if message.body.is_from_leader() && term == self.term {
            let other = match &self.role {
                Role::Leader(_) => true,
                Role::Follower(follower) => follower.leader.is_some_and(|leader| leader != from),
                Role::PreCandidate(_) | Role::Candidate(_) => false,
            };
            if other {
                return Err(Refused::SecondLeader { from, term });
            }
        }
        let last = self.log.last().index;
        match message.body {
            Body::Heartbeat { commit: index, .. } if index > last => {
                Err(Refused::BeyondLog { index, last })
            }
            // An answer of a later term is not looked at beyond its term.
            Body::AppendAck(AppendAck::Accepted { index } | AppendAck::Rejected { index, .. })
                if term == self.term && matches!(self.role, Role::Leader(_)) && index > last =>
            {
                Err(Refused::BeyondLog { index, last })
            }
            _ => Ok(()),
        }
    }
}

/// What a message says of itself must hold together.
fn vet_shape(message: &Message) -> Result<(), Refused> {
    let term = message.term;
    // Counted one by one, no term comes near the second bound; beyond it there
    // might be no term left to depose its leader in.
    if term == Term::ZERO || term.get() > u64::MAX / 2 {
        return Err(Refused::Malformed("a term that no election reaches"));
    }
    match &message.body {
        Body::RequestVote { last, .. } | Body::RequestPreVote { last } => vet_position(*last, term),
        Body::Snapshot(snapshot) if snapshot.last.index == Index::ZERO => {
            Err(Refused::Malformed("a snapshot of nothing"))
        }
        Body::Snapshot(snapshot) if snapshot.last.index.get() > u64::MAX / 2 => {
            Err(Refused::Malformed("an index that no log reaches"))
        }
        Body::Snapshot(snapshot) => vet_position(snapshot.last, term),
        Body::Append { prev, entries, .. } => {
            vet_position(*prev, term)?;
            vet_entries(*prev, entries, term)
        }
        Body::AppendAck(AppendAck::Rejected { index, hint }) if hint.index > *index => {
            Err(Refused::Malformed("a hint beyond what was refused"))
        }
        _ => Ok(()),
    }
}

fn vet_position(position: Position, term: Term) -> Result<(), Refused> {
    if (position.index == Index::ZERO) != (position.term == Term::ZERO) {
        return Err(Refused::Malformed("index 0 and term 0 go together"));
    }
    if position.term > term {
        return Err(Refused::Malformed("a log of a later term than its owner"));
    }
    Ok(())
}

fn vet_entries(prev: Position, entries: &[Entry], term: Term) -> Result<(), Refused> {
    let index = prev.index.get();
    if index.checked_add(entries.len() as u64).is_none() {
        return Err(Refused::Malformed("an index that no log reaches"));
    }
    let mut least = prev.term.max(Term::new(1));
    for entry in entries {
        if entry.term < least || entry.term > term {
            return Err(Refused::Malformed("terms of entries fall, or lie ahead"));
        }
        least = entry.term;
    }
    Ok(())
}
