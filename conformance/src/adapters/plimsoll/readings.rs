//! Where a run can be read in more than one way
//! ([`crate::replay::readings`]).
//!
//! - *Which message arrived.* Without an id a line tells a message by what it
//!   shows of it, and several that were sent may read so and not be the same: raft-rs
//!   says with a vote, or asking for one, how far it has committed, and no line
//!   shows that. The one that was sent last is taken, and each other one from
//!   which the receiver would go on in another way is followed beside it. So is
//!   one that waits at its sender, where it may have left without a line.
//! - *What a crash kept*, where the restart does not show all of the term, the
//!   vote and the end of the log.

use plimsoll_model::ids::NodeId;
use plimsoll_model::message::{Message, Messages};
use plimsoll_model::rules::{self, Input};
use plimsoll_model::server::Server;
use plimsoll_model::settings::LearnsCommit;
use plimsoll_model::storage::Survival;
use plimsoll_trace::{self as wire, Cause, CauseKind, Step};

use super::judge::{At, Judge};
use super::named::{context_of, key_of};
use crate::replay::Stop;
use crate::replay::flights::Tag;
use crate::replay::pattern::Pattern;
use crate::replay::readings::Parting;
use crate::verdict::Place;

/// How many messages that read the same are looked at.
const ALIKE: usize = 64;

/// A way to read a line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// This message arrives.
    Arrives(Tag),
    /// The crash left this, the write under way being complete or not.
    Left {
        /// Whether it was complete.
        complete: bool,
        /// What survived otherwise.
        survival: Survival,
    },
}

impl Judge {
    /// Whether the message is told by what it reads like.
    fn is_nameless(&self, message: &wire::Message) -> bool {
        match &message.id {
            None => true,
            Some(_)
                if self
                    .id(&message.from)
                    .is_none_or(|from| self.names_all(from)) =>
            {
                false
            }
            Some(id) => !self.by_id.contains_key(&key_of(id)),
        }
    }

    /// Whether this is a message of an election that tells how far its sender has
    /// committed.
    fn hides_commit(&self, message: &wire::Message) -> bool {
        let of_election = matches!(
            message.body,
            wire::Body::RequestVote { .. }
                | wire::Body::RequestPreVote { .. }
                | wire::Body::Vote { .. }
                | wire::Body::PreVote { .. }
        );
        of_election && self.follower.settings.learns_commit == LearnsCommit::FromVotes
    }

    /// Whether messages that read like this one may differ in what the model would
    /// do: in what no line shows of them. That is how far a vote tells that its
    /// sender has committed, since when a member is one, and, where it is not
    /// known, which read a context stands for. (A hint changes nothing but what is
    /// sent next, which a leader chooses.)
    fn may_hide(&self, message: &wire::Message) -> bool {
        match message.body {
            wire::Body::RequestVote { .. }
            | wire::Body::RequestPreVote { .. }
            | wire::Body::Vote { .. }
            | wire::Body::PreVote { .. } => self.hides_commit(message),
            wire::Body::Heartbeat { .. } | wire::Body::HeartbeatAck { .. } => {
                context_of(&message.body).is_some()
            }
            wire::Body::Append { .. }
            | wire::Body::AppendAck { .. }
            | wire::Body::Snapshot { .. } => {
                context_of(&message.body).is_some() || self.tells_memberships_apart()
            }
            wire::Body::TimeoutNow
            | wire::Body::ReadRequest { .. }
            | wire::Body::ReadIndex { .. }
            | wire::Body::Other { .. } => false,
        }
    }

    /// Whether another message that reads like this one, and is not the same, may
    /// stand further down in its sender's file.
    pub(super) fn may_come(&self, message: &wire::Message) -> bool {
        self.may_hide(message)
            && self.is_nameless(message)
            && (context_of(&message.body).is_none() || self.tells_memberships_apart())
    }

    /// The message that arrives in this step is one of those that were sent so far,
    /// though nodes wait for each other in a circle, and if another one of them
    /// went on first, one more may have been sent that reads the same. How far a
    /// vote says that its sender has committed shows where the receiver's line
    /// does: no other one would explain that.
    pub(super) fn note_early(&mut self, step: &Step) {
        if let Cause::Receive(message) = &step.cause
            && !(self.hides_commit(message) && step.state.commit.is_some())
            && let Some(pattern) = self.pattern(message)
        {
            let sent = self.follower.flights.alike(&pattern, ALIKE);
            let sent = sent.iter().map(Tag::of).collect();
            self.early.push((pattern, sent));
        }
    }

    /// Whether a message was sent since that may have been the one that arrived
    /// early.
    pub(super) fn went_too_early(&self) -> bool {
        self.early.iter().any(|(pattern, known)| {
            let sent = self.follower.flights.alike(pattern, ALIKE);
            sent.len() == ALIKE
                || sent
                    .iter()
                    .any(|message| !known.contains(&Tag::of(message)))
        })
    }

    fn tells_memberships_apart(&self) -> bool {
        let settings = &self.follower.settings;
        settings.tells_memberships_apart && settings.changes()
    }

    /// The same, now that it is known which read its context stands for.
    fn hides(&self, id: NodeId, message: &wire::Message, pattern: &Pattern) -> bool {
        if context_of(&message.body).is_none() || self.tells_memberships_apart() {
            return true;
        }
        let now = self.follower.member(id).map(|member| member.server.term);
        pattern.context.is_none() && pattern.term == now
    }

    /// Messages that may have left their sender without a line.
    fn waiting_to_leave(&self, pattern: &Pattern) -> impl Iterator<Item = &Message> {
        let silently = !self.declared_cause(CauseKind::Persisted);
        let leave = silently || self.is_idle(pattern.from);
        let sender = self.follower.member(pattern.from).filter(|_| leave);
        sender.into_iter().flat_map(move |member| {
            let server = &member.server;
            let queue = server.queue.iter().filter(move |_| silently);
            let queued = queue.flat_map(|write| write.waiting.iter());
            server.outbox.iter().chain(queued)
        })
    }

    /// What `id` becomes and says when `message` arrives: as it is, and as it
    /// would be if it had not heard its leader for long.
    fn outcomes(&self, at: &At<'_>, message: &Message) -> Vec<Outcome> {
        let Some(member) = self.follower.member(at.id) else {
            return Vec::new();
        };
        let message = self.follower.with_state(message.clone());
        let settings = &self.follower.settings;
        let mut all = Vec::new();
        for unheard in [false, true] {
            let (mut server, mut said) = (member.server.clone(), Messages::new());
            if unheard {
                if !server.hears_leader {
                    break;
                }
                let _ = rules::step(&mut server, &Input::LoseLeader, settings, &mut said);
            }
            let message = message.clone();
            let input = Input::Receive { message };
            let taken = rules::step(&mut server, &input, settings, &mut said).is_ok();
            all.push(taken.then_some((server, said)));
        }
        all
    }

    /// The other messages that may be the one that arrives, as far as they lead
    /// elsewhere; and whether there are more than were looked at.
    fn others_alike(&self, at: &At<'_>, message: &wire::Message) -> (Vec<Way>, bool) {
        let Some(pattern) = self.pattern(message) else {
            return (Vec::new(), false);
        };
        let mut alike = self.follower.flights.alike(&pattern, ALIKE + 1);
        for waiting in self.waiting_to_leave(&pattern) {
            if pattern.matches(waiting) && !alike.contains(waiting) {
                alike.push(waiting.clone());
            }
        }
        let more = alike.len() > ALIKE;
        alike.truncate(ALIKE);
        let mut known: Vec<Vec<Outcome>> = Vec::new();
        let mut ways = Vec::new();
        for message in &alike {
            let outcomes = self.outcomes(at, message);
            if known.contains(&outcomes) {
                continue;
            }
            if !known.is_empty() {
                ways.push(Way::Arrives(Tag::of(message)));
            }
            known.push(outcomes);
        }
        (ways, more)
    }

    /// The message of this tag, which has left by now.
    pub(super) fn brought(&mut self, at: &At<'_>, tag: &Tag) -> Result<Option<Message>, Stop> {
        loop {
            if let Some(found) = self.follower.flights.tagged(tag) {
                return Ok(Some(found));
            }
            let sender = self.follower.member(tag.from);
            let waits = sender.is_some_and(|member| {
                let queue = member.server.queue.iter();
                let queued = queue.flat_map(|write| write.waiting.iter());
                let mut waiting = member.server.outbox.iter().chain(queued);
                waiting.any(|message| Tag::of(message) == *tag)
            });
            if !waits {
                return Ok(None);
            }
            self.silent(at, tag.from, Input::WriteCompleted)?;
        }
    }
}

/// A server and what it says, if a rule lets it.
type Outcome = Option<(Server<plimsoll_model::log::GrowingLog>, Messages)>;

impl Parting for Judge {
    type Way = Way;

    fn may_part(&self, step: &Step) -> bool {
        match &step.cause {
            Cause::Receive(message) if self.may_hide(message) && self.is_nameless(message) => {
                let (Some(id), Some(pattern)) = (self.id(&step.node), self.pattern(message)) else {
                    return false;
                };
                if !self.hides(id, message, &pattern) {
                    return false;
                }
                let waiting = self.waiting_to_leave(&pattern);
                let waiting = waiting.filter(|m| pattern.matches(m)).count();
                self.follower.flights.count_alike(&pattern) + waiting > 1
            }
            Cause::Start => {
                let state = &step.state;
                let open = state.term.is_none() || state.vote.is_none() || state.last.is_none();
                let id = self.id(&step.node).filter(|_| open);
                id.is_some_and(|id| self.follower.member(id).is_some())
            }
            _ => false,
        }
    }

    fn ways(&self, step: &Step, place: &Place) -> (Vec<Way>, bool) {
        let Some(id) = self.id(&step.node) else {
            return (Vec::new(), false);
        };
        let at = At { step, place, id };
        match &step.cause {
            Cause::Receive(message) => self.others_alike(&at, message),
            Cause::Start => {
                let ways = self.others_left(&at).into_iter();
                let left = ways.map(|(complete, survival)| Way::Left { complete, survival });
                (left.collect(), false)
            }
            _ => (Vec::new(), false),
        }
    }

    fn taking(&self, way: Way) -> Self {
        let mut judge = self.clone();
        judge.chosen = Some(way);
        judge
    }

    fn settle(&mut self) {
        self.chosen = None;
    }

    fn parts(&mut self) {
        self.follower.flights.tell_apart();
    }

    fn is_same(&self, other: &Self) -> bool {
        let (mut all, mut known) = (self.follower.members(), other.follower.members());
        self.follower.flights.is_same(&other.follower.flights)
            && self.next_read == other.next_read
            && std::iter::from_fn(|| all.next().zip(known.next()))
                .all(|(one, other)| one.server == other.server && one.held == other.held)
    }
}
