//! Steps whose sends are not logged: a line without `send`, where the header does
//! not declare it complete. Whoever took such a step may have sent in it what no
//! line shows.
//!
//! What a leader sends of its own accord it is taken to send when it arrives, if
//! it can still. What else arrives that nobody is seen to send is no
//! contradiction, and the model can no longer tell what came of sending it.

use std::collections::BTreeMap;

use plimsoll_model::ids::NodeId;
use plimsoll_model::message::Message;
use plimsoll_model::rules::Input;
use plimsoll_model::server::Role;
use plimsoll_trace::{self as wire, CauseKind};

use super::judge::{At, Judge};
use super::messages::NO_READ;
use super::named::key_of;
use crate::replay::Stop;
use crate::replay::kept::Kept;
use crate::replay::pattern::{Pattern, Shape};
use crate::verdict::Ground;

/// Who has taken steps whose sends are not logged, and in which terms.
#[derive(Clone, Debug, Default)]
pub(super) struct Unlogged {
    steps: Kept<(NodeId, u64), ()>,
    /// The first such term of each.
    first: BTreeMap<NodeId, u64>,
}

impl Unlogged {
    /// Keeps so many.
    pub(super) fn keep(&mut self, window: usize) {
        self.steps.keep(window);
    }

    /// How much is kept.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// How much was forgotten.
    pub(super) fn forgotten(&self) -> u64 {
        self.steps.forgotten()
    }

    /// A step of `id` in `term`.
    pub(super) fn note(&mut self, id: NodeId, term: u64) {
        self.steps.insert((id, term), ());
        let first = self.first.entry(id).or_insert(term);
        *first = term.min(*first);
    }

    /// Whether `id` took such a step in `term`, or that may have been forgotten.
    fn has(&self, id: NodeId, term: u64) -> bool {
        let forgotten = self.steps.forgotten() > 0 && self.since(id, term);
        forgotten || self.steps.contains_key(&(id, term))
    }

    /// Whether `id` took such a step in `term` or before.
    fn since(&self, id: NodeId, term: u64) -> bool {
        self.first.get(&id).is_some_and(|first| *first <= term)
    }
}

/// Whether a leader sends it of its own accord.
fn is_choice(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::Append { .. }
            | Shape::Heartbeat { .. }
            | Shape::InstallSnapshot { .. }
            | Shape::TimeoutNow
            | Shape::ReadIndex { .. }
    )
}

impl Judge {
    /// What the node sent in this step no line shows.
    pub(super) fn notes_unlogged(&mut self, at: &At<'_>) {
        if let Some(member) = self.follower.member_mut(at.id) {
            member.said.clear();
            self.unlogged.note(at.id, member.server.term.0);
        }
        self.follower.flights.unlogged(at.id);
    }

    /// Whether this node has taken a step in its term whose sends are not logged.
    pub(super) fn hides_sends(&self, id: NodeId) -> bool {
        let term = self.follower.member(id).map(|member| member.server.term.0);
        term.is_some_and(|term| self.unlogged.has(id, term))
    }

    /// Whether the sender may have sent it in a step whose sends are not logged.
    pub(super) fn could_send(&self, pattern: &Pattern) -> bool {
        let Some(term) = pattern.term.map(|term| term.0) else {
            return false;
        };
        let from = pattern.from;
        match pattern.body {
            // A question about a term comes from the one before, and the yes to
            // it is of the term that was asked about.
            Shape::RequestPreVote { .. } => {
                self.unlogged.has(from, term) || self.unlogged.has(from, term.saturating_sub(1))
            }
            Shape::PreVote { granted } if granted != Some(false) => self.unlogged.since(from, term),
            _ => self.unlogged.has(from, term),
        }
    }

    /// The same of what a leader sends of its own accord, as far as it can be told.
    pub(super) fn could_choose(&self, pattern: &Pattern) -> bool {
        let now = || {
            let input = self.chosen_input(pattern);
            input.is_some_and(|input| self.follower.may(pattern.from, &input))
        };
        match pattern.body {
            Shape::Append { .. } | Shape::Heartbeat { .. } => self.could_send(pattern),
            _ => is_choice(&pattern.body) && self.could_send(pattern) && now(),
        }
    }

    /// Whether the sender may have sent the same before what waits for its write.
    /// What handlers say shows without `send`, but for who would have a vote: a
    /// server that hears a leader says so only after an election timeout.
    pub(super) fn could_send_before(&self, pattern: &Pattern) -> bool {
        let says = matches!(pattern.body, Shape::PreVote { .. });
        (says || is_choice(&pattern.body)) && self.could_send(pattern)
    }

    /// Whether a message may not be the one that it reads like: nobody is seen to
    /// send this one.
    pub(super) fn may_be_another(&self, message: &wire::Message, pattern: &Pattern) -> bool {
        let known = message.id.as_ref();
        let known = known.is_some_and(|id| self.by_id.contains_key(&key_of(id)));
        !known && self.could_send(pattern)
    }

    /// What the sender does that sends it, if it leads in the message's term.
    fn chosen_input(&self, pattern: &Pattern) -> Option<Input> {
        let to = pattern.to;
        let sender = &self.follower.member(pattern.from)?.server;
        if !matches!(sender.role, Role::Leader { .. }) || Some(sender.term) != pattern.term {
            return None;
        }
        match &pattern.body {
            Shape::Append { prev, count, .. } => prev.zip(*count).map(|(prev, count)| {
                let count = u32::try_from(count).unwrap_or(u32::MAX);
                let after = prev.index;
                Input::SendAppend { to, after, count }
            }),
            Shape::Heartbeat { .. } => Some(Input::SendHeartbeat { to }),
            Shape::InstallSnapshot { .. } => Some(Input::SendSnapshot { to }),
            Shape::TimeoutNow => Some(Input::SendTimeoutNow { to }),
            Shape::ReadIndex { read, .. } => {
                let read = read.filter(|read| *read != NO_READ);
                read.map(|read| Input::ReleaseRead { read })
            }
            _ => None,
        }
    }

    /// The sender sends it now, if it can still: its step left no line.
    pub(super) fn send_silently(
        &mut self,
        at: &At<'_>,
        message: &wire::Message,
        pattern: &Pattern,
    ) -> Result<Message, Stop> {
        let from = pattern.from;
        let later = self.inconclusive(at, Ground::UnloggedSend);
        let Some(input) = self.chosen_input(pattern) else {
            return Err(later);
        };
        if let Shape::InstallSnapshot { last: Some(to) } = pattern.body
            && !self.declared_cause(CauseKind::Compact)
        {
            self.attempt(at, from, Input::Compact { to })?;
        }
        if !self.attempt(at, from, input)? {
            return Err(later);
        }
        let said = self
            .follower
            .member_mut(from)
            .and_then(|m| m.said.pop_back());
        let fits =
            |said: &Message| pattern.matches(said) && self.differs_beyond(message, said).is_none();
        let Some(said) = said.filter(fits) else {
            return Err(later);
        };
        if self.waiting(pattern).is_some() {
            if self.declared_cause(CauseKind::Persisted) {
                return Err(later);
            }
            self.complete_silently(at, pattern)?;
        }
        Ok(said)
    }
}
