//! Which message of the model a line receives: one in flight, one that has left
//! without a line, or one that a step sent whose sends are not logged.

use plimsoll_model::message::Message;
use plimsoll_model::rules::Input;
use plimsoll_trace::{self as wire, CauseKind};

use super::judge::{At, FORMAT, Judge};
use super::messages::{NO_READ, unknown_context};
use super::named::context_of;
use crate::replay::Stop;
use crate::replay::pattern::{Pattern, read_of};
use crate::verdict::{Ground, RuleName};

impl Judge {
    /// What the trace says of `message`, now that it is known to be `found`: a step
    /// whose sends are not logged may have given its context.
    pub(super) fn knows_context(
        &mut self,
        message: &wire::Message,
        pattern: Pattern,
        found: &Message,
    ) -> Pattern {
        if pattern.context != Some(Some(NO_READ)) || !self.could_send(&pattern) {
            return pattern;
        }
        if let (Some(text), Some(read)) = (context_of(&message.body), read_of(&found.body)) {
            let key = (pattern.from, message.term.get(), text.clone());
            self.contexts.insert(key, read);
        }
        unknown_context(pattern)
    }

    /// The message that arrives, by its id or, without one, the latest that reads
    /// so.
    pub(super) fn arrives(
        &mut self,
        at: &At<'_>,
        message: &wire::Message,
        pattern: &Pattern,
    ) -> Result<Message, Stop> {
        let mut found = self.sent(message, pattern);
        // Whether an equal one has left before matters to who counts them.
        let counts = self.follower.flights.ledger.is_some();
        if (counts || found.is_none()) && self.waits_for_nothing(message, pattern) {
            self.silent(at, pattern.from, Input::WriteCompleted)?;
            found = self.sent(message, pattern);
        }
        match found {
            Some(found) => Ok(found),
            None => self.explain(at, message, pattern),
        }
    }

    /// The message of the model behind one that no line shows being sent.
    fn explain(
        &mut self,
        at: &At<'_>,
        message: &wire::Message,
        pattern: &Pattern,
    ) -> Result<Message, Stop> {
        // A step whose sends are not logged may have given a new context.
        let pattern = &unknown_context(pattern.clone());
        let forgotten = self.may_have_forgotten(message, pattern);
        if let Some(found) = self.waiting(pattern) {
            if self.declared_cause(CauseKind::Persisted) && forgotten {
                return Err(self.forgotten(at, format!("{} may have sent it", pattern.from)));
            }
            let before = self.may_be_another(message, pattern) && self.could_send_before(pattern);
            if self.declared_cause(CauseKind::Persisted) && before {
                return Err(self.inconclusive(at, Ground::UnloggedSend));
            }
            if self.declared_cause(CauseKind::Persisted) {
                return Err(self.diverges(
                    at,
                    RuleName::new(
                        "what is said must be durable first",
                        "figure 2",
                        "model/src/rules/durability.rs",
                    ),
                    format!("{found} arrives before {}'s write completes", found.from),
                    "it arrives after a `persisted` of its sender".into(),
                ));
            }
            self.complete_silently(at, pattern)?;
            return Ok(found);
        }
        if self.could_send(pattern) {
            return self.send_silently(at, message, pattern);
        }
        if forgotten {
            return Err(self.forgotten(at, format!("{} may have sent it", pattern.from)));
        }
        let nearest = self.follower.flights.nearest(pattern);
        let (why, expected) = match nearest {
            Some(nearest) => {
                let field = pattern.difference(&nearest).map_or(String::new(), |d| {
                    format!(" ({} {} and not {})", d.field, d.model, d.trace)
                });
                (
                    format!("{} never sent this{field}", pattern.from),
                    format!("the nearest it sent is {nearest}"),
                )
            }
            None => (
                format!(
                    "{} never sent {} anything of the kind",
                    pattern.from, pattern.to
                ),
                "nothing arrives".to_owned(),
            ),
        };
        let rule = RuleName::new("only what was sent arrives", "§5.1", FORMAT);
        Err(self.diverges(at, rule, why, expected))
    }

    /// A message that waits for a write of its sender and fits `pattern`.
    pub(super) fn waiting(&self, pattern: &Pattern) -> Option<Message> {
        let server = &self.follower.member(pattern.from)?.server;
        let queued = server.queue.iter().flat_map(|write| write.waiting.iter());
        let mut waiting = server.outbox.iter().chain(queued);
        waiting.find(|message| pattern.matches(message)).cloned()
    }

    /// Writes of the sender complete until what fits `pattern` waits no more.
    pub(super) fn complete_silently(&mut self, at: &At<'_>, pattern: &Pattern) -> Result<(), Stop> {
        while self.waiting(pattern).is_some() {
            self.silent(at, pattern.from, Input::WriteCompleted)?;
        }
        Ok(())
    }

    /// The line rests on what was forgotten.
    pub(super) fn forgotten(&self, at: &At<'_>, what: String) -> Stop {
        let stop = self.inconclusive(at, Ground::Forgotten);
        match stop {
            Stop::Inconclusive(mut stopped) => {
                stopped.what = format!("{}; {what}", stopped.what);
                Stop::Inconclusive(stopped)
            }
            stop => stop,
        }
    }
}
