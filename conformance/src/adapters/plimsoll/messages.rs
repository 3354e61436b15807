//! Messages: what arrives must have been sent, what is sent must follow from
//! what the node did or be the leader's own choice.

use std::collections::HashSet;

use plimsoll_model::ids::{Index, NodeId, Position, ReadId, Term};
use plimsoll_model::log::{Log, Payload};
use plimsoll_model::message::{Body, Message};
use plimsoll_model::rules::Input;
use plimsoll_model::server::Role;
use plimsoll_model::settings::Heartbeat;
use plimsoll_trace::{self as wire, CauseKind, Entries, Field};

use super::judge::{At, FORMAT, Judge, READS};
use super::named::{Content, Named, context_of, key_of, name_of};
use super::readings::Way;
use crate::replay::Stop;
use crate::replay::flights::Tag;
use crate::replay::follow::Member;
use crate::replay::pattern::{Pattern, Shape};
use crate::verdict::{Ground, RuleName};

const REPLICATION: &str = "model/src/rules/replication.rs";

pub(super) fn position(position: wire::Position) -> Position {
    Position::new(Index(position.index.get()), Term(position.term.get()))
}

/// A context that no leader has given yet: no message carries it.
pub(super) const NO_READ: ReadId = ReadId { number: u32::MAX };

/// The terms of entries, one by one; `None` when there are more than any log
/// that is followed can hold.
fn terms(entries: &Entries) -> Option<Vec<Term>> {
    const MOST: u64 = 1 << 20;
    if entries.len() > MOST {
        return None;
    }
    let runs = entries.runs().iter();
    let each = runs.flat_map(|run| (0..run.count).map(move |_| Term(run.term.get())));
    Some(each.collect())
}

/// The pattern with a context that nobody has given taken for unknown.
pub(super) fn unknown_context(pattern: Pattern) -> Pattern {
    let context = pattern.context.filter(|c| *c != Some(NO_READ));
    Pattern { context, ..pattern }
}

impl Judge {
    /// What the trace says of a message; `None` when the model has no such kind.
    pub(super) fn pattern(&self, message: &wire::Message) -> Option<Pattern> {
        let body = match &message.body {
            wire::Body::RequestVote { last, .. } => Shape::RequestVote {
                last: Some(position(*last)),
            },
            wire::Body::RequestPreVote { last } => Shape::RequestPreVote {
                last: Some(position(*last)),
            },
            wire::Body::PreVote { granted } => Shape::PreVote {
                granted: Some(*granted),
            },
            wire::Body::TimeoutNow => Shape::TimeoutNow,
            wire::Body::ReadRequest { op } => Shape::RequestRead {
                read: self.read_called(message, op.as_str()),
            },
            wire::Body::ReadIndex { op, index } => Shape::ReadIndex {
                read: self.read_called(message, op.as_str()),
                index: Some(Index(index.get())),
            },
            wire::Body::Snapshot { last, .. } => Shape::InstallSnapshot {
                last: Some(Index(last.index.get())),
            },
            wire::Body::Vote { granted } => Shape::Vote {
                granted: Some(*granted),
            },
            wire::Body::Append {
                prev,
                entries,
                commit,
                ..
            } => Shape::Append {
                prev: Some(position(*prev)),
                count: Some(entries.len()),
                terms: terms(entries),
                commit: Some(Index(commit.get())),
            },
            wire::Body::AppendAck {
                reject,
                index,
                hint,
                ..
            } => Shape::AppendAck {
                reject: Some(*reject),
                index: Some(Index(index.get())),
                // An absent hint is unknown: not every Raft gives one.
                hint: hint.map(|hint| Some(position(hint))),
            },
            wire::Body::Heartbeat { commit, .. } => Shape::Heartbeat {
                commit: Some(Index(commit.get())),
            },
            wire::Body::HeartbeatAck { .. } => Shape::HeartbeatAck,
            wire::Body::Other { .. } => return None,
        };
        let (from, to) = (self.id(&message.from)?, self.id(&message.to)?);
        // A request belongs to its sender, an answer to the one who asked; a
        // context means something to the leader of one term.
        let leader = match message.body {
            wire::Body::Append { .. } | wire::Body::Heartbeat { .. } => from,
            _ => to,
        };
        // A message is shown whole: without a context it confirms no read.
        let context = match context_of(&message.body) {
            None => Some(None),
            Some(text) => {
                let key = (leader, message.term.get(), text.clone());
                match self.contexts.get(&key) {
                    Some(read) => Some(Some(*read)),
                    // The answer to a stale request has a later term than the
                    // leader who gave the context.
                    None if leader == to || self.contexts.forgotten() > 0 => None,
                    None => Some(Some(NO_READ)),
                }
            }
        };
        Some(Pattern {
            from,
            to,
            term: Some(Term(message.term.get())),
            context,
            body,
        })
    }

    /// Whether every message that `from` sends is shown with an id, as far as it
    /// is known.
    pub(super) fn names_all(&self, from: NodeId) -> bool {
        self.declared(Field::Send) && !self.unnamed.contains(from)
    }

    pub(super) fn sent(&self, message: &wire::Message, pattern: &Pattern) -> Option<Message> {
        if let Some(id) = &message.id {
            if let Some(named) = self.by_id.get(&key_of(id)) {
                return self.follower.flights.tagged(&named.tag);
            }
            // With ids on every message, another one of the same content is
            // not this one.
            if self.names_all(pattern.from) {
                return None;
            }
        }
        self.follower.flights.find(pattern)
    }

    /// Whether `message` may have been sent, and that be forgotten: itself, or
    /// which of those that read so it is.
    pub(super) fn may_have_forgotten(&self, message: &wire::Message, pattern: &Pattern) -> bool {
        let flights = &self.follower.flights;
        let nameless = message.id.is_some() && self.by_id.forgotten() > 0;
        flights.may_have_forgotten(pattern) || nameless && flights.find(pattern).is_some()
    }

    /// Whether a message is there to arrive.
    pub(super) fn has_arrived(&self, message: &wire::Message) -> bool {
        let named = message.id.as_ref();
        let named = named.and_then(|id| self.by_id.get(&key_of(id)));
        if named.is_some_and(|named| self.follower.flights.holds(&named.tag)) {
            return true;
        }
        match self.pattern(message) {
            Some(pattern) => {
                self.sent(message, &pattern).is_some() || self.waits_for_nothing(message, &pattern)
            }
            None => true,
        }
    }

    /// Whether a message stands in the outbox of a sender that has nothing to
    /// write: then it has left.
    pub(super) fn waits_for_nothing(&self, message: &wire::Message, pattern: &Pattern) -> bool {
        let known = message.id.as_ref();
        let known = known.and_then(|id| self.by_id.get(&key_of(id)));
        let waits = |member: &Member| match known {
            Some(named) => member.server.outbox.iter().any(|m| Tag::of(m) == named.tag),
            None if message.id.is_some() && self.names_all(pattern.from) => false,
            None => member.server.outbox.iter().any(|m| pattern.matches(m)),
        };
        self.is_idle(pattern.from) && self.follower.member(pattern.from).is_some_and(waits)
    }

    /// Whether a message may have been sent in a step that does not show it, and
    /// the model cannot tell.
    pub(super) fn may_be_unlogged(&self, message: &wire::Message) -> bool {
        let pattern = self.pattern(message).map(unknown_context);
        pattern.is_some_and(|pattern| self.could_send(&pattern))
    }

    /// Whether a message may have been sent without a line.
    pub(super) fn may_arrive(&self, message: &wire::Message) -> bool {
        let Some(pattern) = self.pattern(message).map(unknown_context) else {
            return true;
        };
        self.waiting(&pattern).is_some() && !self.declared_cause(CauseKind::Persisted)
            || self.could_choose(&pattern)
    }

    /// Whether all that a node has written is durable: what it says then waits
    /// for nothing, and leaves without a `persisted`.
    pub(super) fn is_idle(&self, id: NodeId) -> bool {
        let durable_commit = self.follower.settings.durable_commit;
        let member = self.follower.member(id);
        member.is_some_and(|member| member.server.is_synced(durable_commit))
    }

    /// What a node said when it had nothing to write has left before its next
    /// step, which may write something.
    pub(super) fn leaves_before(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let says = |member: &Member| !member.server.outbox.is_empty();
        let held = self.follower.member(at.id).is_some_and(says);
        match held && self.is_idle(at.id) {
            true => self.silent(at, at.id, Input::WriteCompleted),
            false => Ok(()),
        }
    }

    pub(super) fn receive(&mut self, at: &At<'_>, message: &wire::Message) -> Result<(), Stop> {
        let Some(pattern) = self.pattern(message) else {
            return Err(self.inconclusive(at, Ground::Unsupported));
        };
        self.note_message(&pattern);
        let chosen = match self.chosen.take() {
            Some(Way::Arrives(tag)) => self.brought(at, &tag)?,
            _ => None,
        };
        let found = match chosen {
            Some(chosen) => chosen,
            None => self.arrives(at, message, &pattern)?,
        };
        let pattern = self.knows_context(message, pattern, &found);
        let difference = pattern.difference(&found).map(|difference| {
            format!(
                "{} {} arrives, {} was sent",
                difference.field, difference.trace, difference.model
            )
        });
        let apart = difference
            .or_else(|| self.changed(message, &found))
            .or_else(|| self.differs_beyond(message, &found));
        if let Some(why) = apart {
            if self.may_be_another(message, &pattern) {
                return Err(self.inconclusive(at, Ground::UnloggedSend));
            }
            return Err(self.diverges(
                at,
                RuleName::new("a message arrives as it was sent", "§5.1", FORMAT),
                why,
                found.to_string(),
            ));
        }
        let name = name_of(message).filter(|name| self.by_id.contains_key(name));
        self.follower.received(at.id, &found, name);
        self.snapshot_content(at, message)?;
        if let wire::Body::ReadRequest { op } = &message.body {
            return self.requested(at, found, op.as_str());
        }
        let message = self.follower.with_state(found);
        self.step(at, Input::Receive { message }).map(drop)
    }

    /// In what a message is not what its sender showed under the same id.
    fn changed(&self, arrived: &wire::Message, found: &Message) -> Option<String> {
        let (from, to) = (self.id(&arrived.from), self.id(&arrived.to));
        if from != Some(found.from) || to != Some(found.to) {
            return Some(format!("it was sent by {} to {}", found.from, found.to));
        }
        let sent = &self.by_id.get(&key_of(arrived.id.as_ref()?))?.content;
        let arrived = Content::of(&arrived.body);
        let apart = |what| Some(format!("its {what} is not what {} sent", found.from));
        fn differ(a: Option<u64>, b: Option<u64>) -> bool {
            a.is_some() && b.is_some() && a != b
        }
        if differ(arrived.context, sent.context) {
            return apart("context");
        }
        if differ(arrived.hashes, sent.hashes) {
            return apart("content");
        }
        if differ(arrived.entries, sent.entries) || differ(arrived.ops, sent.ops) {
            return apart("list of entries");
        }
        None
    }

    fn note_message(&mut self, pattern: &Pattern) {
        let (stated, of) = pattern.facts();
        let facts = self.facts.of("message");
        facts.checked += stated;
        facts.of += of;
    }

    /// What the line says the node sent.
    pub(super) fn sends(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let none = Vec::new();
        let shown = match &at.step.send {
            Some(sent) => sent,
            None if self.declared(Field::Send) => &none,
            None => {
                // Unknown: what the handler said may have left; what a leader
                // sends of its own accord, too.
                self.notes_unlogged(at);
                self.facts.of("message").note(false);
                return self.begin_reads(at, usize::MAX);
            }
        };
        let term = shown.first().map_or(0, |m| m.term.get());
        let contexts: HashSet<&wire::SmolStr> = shown
            .iter()
            .filter(|m| {
                matches!(
                    m.body,
                    wire::Body::Append { .. } | wire::Body::Heartbeat { .. }
                )
            })
            .filter_map(|m| context_of(&m.body))
            .filter(|text| {
                let key = (at.id, term, (*text).clone());
                let known = self.contexts.get(&key);
                known.is_none_or(|read| self.begins_again(at, *read))
            })
            .collect();
        let mut new_contexts = contexts.len();
        for message in shown {
            if let Some(text) = context_of(&message.body).filter(|c| contexts.contains(c)) {
                let key = (at.id, term, text.clone());
                let known = self.contexts.get(&key);
                if known.is_none_or(|read| self.begins_again(at, *read)) {
                    new_contexts -= 1;
                    self.begin_for_context(at, key, new_contexts)?;
                }
            }
            self.send(at, message)?;
        }
        self.begin_reads(at, usize::MAX)?;
        let unsent = self
            .follower
            .member_mut(at.id)
            .and_then(|m| m.said.pop_front());
        match unsent {
            None => Ok(()),
            Some(unsent) => {
                let reason = self.follower.member(at.id).and_then(|m| m.reason);
                let rule = match reason {
                    Some(reason) => reason.into(),
                    None => RuleName::new("a handler runs to its end", "figure 2", FORMAT),
                };
                let why = format!("{} has to send {unsent}, and the line does not", at.id);
                Err(self.diverges(at, rule, why, unsent.to_string()))
            }
        }
    }

    /// A new context stands for the reads begun with it: one of the line's
    /// reads, or all that are left when no other new context follows.
    fn begin_for_context(
        &mut self,
        at: &At<'_>,
        key: (NodeId, u64, wire::SmolStr),
        contexts_left: usize,
    ) -> Result<(), Stop> {
        let count = if contexts_left == 0 { usize::MAX } else { 1 };
        self.begin_reads(at, count)?;
        let latest = match self.follower.member(at.id).map(|m| &m.server.role) {
            Some(Role::Leader { reads, .. }) => reads.last().map(|r| r.id),
            _ => None,
        };
        match latest {
            Some(read) => {
                self.contexts.insert(key, read);
                Ok(())
            }
            // A read that no line shows began.
            None if at.step.reads.is_none() && !self.declared(Field::Reads) => {
                let read = self.next_read_id();
                self.silent(at, at.id, Input::BeginRead { read })?;
                self.contexts.insert(key, read);
                Ok(())
            }
            None => Err(self.diverges(
                at,
                RuleName::new("a context stands for a read", "diss. §6.4", READS),
                format!("{} has no open read for context {:?}", at.id, key.2),
                "no context".into(),
            )),
        }
    }

    /// Begins up to `count` of the line's reads that have not begun.
    fn begin_reads(&mut self, at: &At<'_>, count: usize) -> Result<(), Stop> {
        let reads = at.step.reads.iter().flatten();
        let new: Vec<_> = reads
            .filter(|read| !self.has_begun(read.op.as_str()))
            .take(count)
            .cloned()
            .collect();
        for read in new {
            self.facts.of("read").note(true);
            self.begin_read(at, read.op.as_str(), Index(read.index.get()))?;
        }
        Ok(())
    }

    /// One message that the line shows being queued.
    fn send(&mut self, at: &At<'_>, message: &wire::Message) -> Result<(), Stop> {
        let Some(mut pattern) = self.pattern(message) else {
            return Err(self.inconclusive(at, Ground::Unsupported));
        };
        if let (wire::Body::ReadIndex { op, .. }, Shape::ReadIndex { read, index }) =
            (&message.body, &mut pattern.body)
            && let Some(index) = *index
        {
            *read = self.told(at, op.as_str(), pattern.to, index).or(*read);
        }
        self.note_message(&pattern);
        if let wire::Cause::Receive(asked) = &at.step.cause
            && let (Some(asked), Some(answer)) =
                (context_of(&asked.body), context_of(&message.body))
            && matches!(pattern.body, Shape::AppendAck { .. } | Shape::HeartbeatAck)
            && asked != answer
        {
            return Err(self.diverges(
                at,
                RuleName::new("an answer repeats the context", "diss. §6.4", READS),
                format!("the context asked is {asked}, the one answered is {answer}"),
                format!("context {asked}"),
            ));
        }
        let said = match pattern.body {
            Shape::Append { .. }
            | Shape::Heartbeat { .. }
            | Shape::InstallSnapshot { .. }
            | Shape::TimeoutNow
            | Shape::ReadIndex { .. } => self.lead_send(at, &pattern)?,
            _ => self.answer(at, &pattern)?,
        };
        if let wire::Body::Snapshot { .. } = &message.body {
            self.snapshot_content(at, message)?;
        }
        if let Some(why) = self.differs_beyond(message, &said) {
            let rule = RuleName::new("what is sent follows from what is held", "§5.1", FORMAT);
            return Err(self.diverges(at, rule, why, said.to_string()));
        }
        if let Some(difference) = pattern.difference(&said) {
            let reason = self.follower.member(at.id).and_then(|m| m.reason);
            let (rule, why) = match reason {
                Some(reason) => (reason.into(), reason.to_string()),
                None => (
                    RuleName::new(
                        "what is sent follows from what is held",
                        "§5.3",
                        REPLICATION,
                    ),
                    format!(
                        "{} {}, but what {} holds makes it {}",
                        difference.field, difference.trace, at.id, difference.model
                    ),
                ),
            };
            let mut stop = self.diverges(at, rule, why, said.to_string());
            if let Stop::Diverges(divergence) = &mut stop {
                let term = pattern.term.unwrap_or_default();
                divergence.what = format!("{}@{term} sends {pattern:#}", at.id);
            }
            return Err(stop);
        }
        self.contents(at, message, &said)?;
        if message.id.is_none() {
            self.unnamed.insert(at.id);
        }
        let named = Named::new(&said, message);
        self.follower.flights.shown(&said, name_of(message));
        if let Some(id) = &message.id
            && self.by_id.insert(key_of(id), named).0.is_some()
        {
            return Err(self.diverges(
                at,
                RuleName::new("an id names one message", "-", FORMAT),
                format!("the id {id:?} has named another message before"),
                "an id of its own".into(),
            ));
        }
        Ok(())
    }

    /// A message that a leader sends of its own accord.
    fn lead_send(&mut self, at: &At<'_>, pattern: &Pattern) -> Result<Message, Stop> {
        self.lead(at)?;
        if let Shape::ReadIndex {
            read: Some(read), ..
        } = &pattern.body
            && !self.is_open(at, *read)
        {
            // It may have begun in this step: where no majority has to answer.
            self.begin_reads(at, usize::MAX)?;
        }
        let commit = match &pattern.body {
            Shape::Append { commit, .. } | Shape::Heartbeat { commit } => *commit,
            _ => None,
        };
        self.commit_as(at, commit)?;
        // Appends carry contexts where they are the heartbeats, and only there.
        let separate = self.follower.settings.heartbeat == Heartbeat::Separate;
        let carries = match pattern.body {
            Shape::Append { .. } => !separate,
            Shape::Heartbeat { .. } => separate,
            _ => false,
        };
        if pattern.context.is_some() && carries {
            self.release_until(at, pattern.context)?;
            if let Some(Some(read)) = pattern.context {
                self.shows_open(read);
            }
        }
        let input = match &pattern.body {
            Shape::Append {
                prev: Some(prev),
                count: Some(count),
                ..
            } => Input::SendAppend {
                to: pattern.to,
                after: prev.index,
                count: u32::try_from(*count).unwrap_or(u32::MAX),
            },
            Shape::InstallSnapshot { last } => {
                let last = last.unwrap_or_default();
                self.compacted_silently(at, last)?;
                Input::SendSnapshot { to: pattern.to }
            }
            Shape::TimeoutNow => Input::SendTimeoutNow { to: pattern.to },
            Shape::ReadIndex {
                read: Some(read), ..
            } => Input::ReleaseRead { read: *read },
            _ => Input::SendHeartbeat { to: pattern.to },
        };
        self.step(at, input)?;
        let said = self
            .follower
            .member_mut(at.id)
            .and_then(|m| m.said.pop_back());
        said.ok_or_else(|| self.inconclusive(at, Ground::Unsupported))
    }

    /// A message that the cause's handler said.
    fn answer(&mut self, at: &At<'_>, pattern: &Pattern) -> Result<Message, Stop> {
        let member = self.follower.member_mut(at.id);
        let said = member.map(|m| &mut m.said);
        let found = said.and_then(|said| {
            let exact = said.iter().position(|m| pattern.matches(m));
            let peer = said.iter().position(|m| m.to == pattern.to);
            exact.or(peer).and_then(|place| said.remove(place))
        });
        if let Some(found) = found {
            return Ok(found);
        }
        let reason = self.follower.member(at.id).and_then(|m| m.reason);
        let (rule, why) = match reason {
            Some(reason) => (reason.into(), reason.to_string()),
            None => (
                RuleName::new("an answer needs a question", "§5.1", FORMAT),
                format!("nothing that {} did in this step says {pattern}", at.id),
            ),
        };
        Err(self.diverges(at, rule, why, format!("{} does not send this", at.id)))
    }

    /// What the entries of a message carry, where the line says so.
    fn contents(
        &mut self,
        at: &At<'_>,
        message: &wire::Message,
        said: &Message,
    ) -> Result<(), Stop> {
        let (wire::Body::Append { entries, .. }, Body::Append { .. }) = (&message.body, &said.body)
        else {
            return Ok(());
        };
        self.entries(at, entries)
    }

    /// Compares entries, where the line shows them, with the node's log.
    pub(super) fn entries(&mut self, at: &At<'_>, entries: &Entries) -> Result<(), Stop> {
        let Some(member) = self.follower.member(at.id) else {
            return Ok(());
        };
        let first = entries.after_index().get();
        let last = member.server.log.last_index().0;
        let count = entries.len();
        let rule = |name: &str| RuleName::new(name, "§5.3", REPLICATION);
        if first.checked_add(count).is_none_or(|end| end > last) {
            return Err(self.diverges(
                at,
                rule("only entries of the own log"),
                format!("the log of {} ends at index {last}", at.id),
                format!("no entry after index {last}"),
            ));
        }
        let mut wrong = None;
        for i in 0..count {
            let index = first + 1 + i;
            let Some(entry) = member.server.log.entry(Index(index)) else {
                break;
            };
            let place = usize::try_from(i).unwrap_or(usize::MAX);
            let shown = entries.term_at(wire::Index(index)).map(|t| t.get());
            if shown != Some(entry.term.0) {
                let shown = shown.unwrap_or_default();
                wrong = Some(format!(
                    "entry {index} has term {}, not {shown}",
                    entry.term
                ));
                break;
            }
            let kind = entries.kinds().and_then(|kinds| kinds.get(place)).copied();
            let is = match entry.payload {
                Payload::Noop => wire::EntryKind::Noop,
                Payload::Write { .. } => wire::EntryKind::Write,
                Payload::Config { .. } => wire::EntryKind::Config,
            };
            if let Some(kind) = kind.filter(|kind| *kind != is) {
                wrong = Some(format!("entry {index} is a {is:?} and not a {kind:?}"));
                break;
            }
            let op = entries.ops().and_then(|ops| ops.get(place)).cloned();
            if let (Some(Some(op)), Payload::Write { number }) = (op, entry.payload)
                && let Some(known) = self.ops.get(&number)
                && known != op.as_str()
            {
                wrong = Some(format!(
                    "entry {index} carries {known} and not {}",
                    op.as_str()
                ));
                break;
            }
            let hash = entries.hashes().and_then(|hashes| hashes.get(place));
            if let Some(hash) = hash {
                let key = (entry.term.0, index);
                let first = (hash.0, at.place.clone());
                let (known, _) = self.hashes.or_insert(key, first);
                if *known != hash.0 {
                    wrong = Some(format!(
                        "entry {index}@{} has another content than it had before",
                        entry.term
                    ));
                    break;
                }
            }
        }
        let facts = self.facts.of("entries");
        facts.checked += count;
        facts.of += count;
        match wrong {
            None => Ok(()),
            Some(why) => {
                let why = format!("{why} in the log of {}", at.id);
                Err(self.diverges(at, rule("logs agree"), why, "the entries of its log".into()))
            }
        }
    }
}
