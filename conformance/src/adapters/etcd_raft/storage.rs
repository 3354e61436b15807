//! Writes: when they begin, when they are complete, and what waits for them.
//!
//! With synchronous storage one write is under way at a time, and a node does
//! nothing until it is complete. With asynchronous storage each `Ready` hands
//! out what was queued since the one before, and writes complete in order,
//! whenever somebody shows that they must have: an acknowledgement to oneself
//! comes back, an answer arrives, an entry is applied.

use plimsoll_model::config::Change;
use plimsoll_model::ids::{Index, NodeId, NodeSet, Term};
use plimsoll_model::message::Message;
use plimsoll_model::rules::{Branch, Input};

use super::event::{Event, Msg, MsgType, Name};
use super::judge::{At, Judge, inconclusive};
use super::nid::Nid;
use super::state::Own;
use crate::replay::Stop;
use crate::replay::follow::RoleKind;
use crate::replay::pattern::Pattern;
use crate::verdict::{Ground, RuleName};

pub(super) const DURABILITY: &str = "model/src/rules/durability.rs";

impl Judge {
    /// The node's next event after a `Ready` shows that the write is complete.
    pub(super) fn write_under_way(&mut self, at: &At<'_>) -> Result<(), Stop> {
        if self.queues() {
            return Ok(());
        }
        let Some(node) = self.nodes.get(&at.event.nid) else {
            return Ok(());
        };
        if self.overtakes(at.event, node) {
            return Err(self.overtaken(at));
        }
        if self.node(at.event.nid).ready.take().is_some() {
            self.complete(at, at.id)?;
        }
        let own = at.event.is_own();
        match at.event.name {
            // What follows from applying it; and a Ready may come in two.
            Name::ApplyConfChange | Name::Commit | Name::BecomeFollower | Name::Ready => Ok(()),
            name if self.applies_late() && (own || !name.is_send()) => {
                let overdue = self.overdue(at.id).map(|(index, _)| index);
                let node = self.node(at.event.nid);
                node.overdue = overdue.or(node.overdue);
                Ok(())
            }
            _ if self.shows_what_is_applied(at.event) => self.has_applied(at),
            _ => Ok(()),
        }
    }

    /// Whether a node is seen to have applied what it was handed out, where it does
    /// something else.
    pub(super) fn shows_what_is_applied(&self, event: &Event) -> bool {
        let follows = matches!(
            event.name,
            Name::ApplyConfChange | Name::Commit | Name::BecomeFollower | Name::Ready
        );
        !self.queues() && !self.applies_late() && !follows && !event.name.is_send()
    }

    /// The change of the configuration that `id` was handed out to apply, and
    /// has not applied.
    fn overdue(&self, id: NodeId) -> Option<(Index, Change)> {
        let node = self.node_of(id)?;
        if node.again > 0 || node.deferred.is_some() {
            return None;
        }
        let next = self.next_change(id);
        next.filter(|(index, _)| *index <= node.handed_out)
    }

    /// With synchronous storage what a `Ready` hands out is applied before the
    /// node does anything else, unless the application is seen to do that later.
    fn has_applied(&self, at: &At<'_>) -> Result<(), Stop> {
        let Some((index, change)) = self.overdue(at.id) else {
            return Ok(());
        };
        Err(self.diverges(
            at.event,
            at.place,
            RuleName::new(
                "what is committed is applied",
                "§5.3",
                super::judge::MEMBERSHIP,
            ),
            format!(
                "{} has been ready often enough to have applied the configuration at index \
                 {index} ({change}), and no line shows it",
                at.id
            ),
            "an ApplyConfChange first (or --switch apply-late=on, if the application applies \
             configurations later)"
                .to_owned(),
        ))
    }

    /// Storage is seen to be asynchronous.
    fn overtaken(&mut self, at: &At<'_>) -> Stop {
        if self.how.storage_given {
            return self.diverges(
                at.event,
                at.place,
                RuleName::new("nothing overtakes a write", "figure 2", DURABILITY),
                "an acknowledgement of its own write, which a Ready has covered, has not come \
                 back"
                    .to_owned(),
                "the acknowledgement first: storage is synchronous".to_owned(),
            );
        }
        self.overtaken = Some(at.place.clone());
        inconclusive(Ground::AsynchronousStorage, at.event, at.place)
    }

    /// The write under way at `id` completes, if there is one.
    pub(super) fn complete(&mut self, at: &At<'_>, id: NodeId) -> Result<(), Stop> {
        let durable_commit = self.follower.settings.durable_commit;
        let idle = self
            .follower
            .member(id)
            .is_none_or(|m| m.server.is_synced(durable_commit) && m.server.outbox.is_empty());
        if let Some(node) = self.names.of(id).and_then(|name| self.nodes.get_mut(&name)) {
            node.kept = true;
            node.installed = false;
        }
        if idle {
            return Ok(());
        }
        self.silent(at, id, Input::WriteCompleted)?;
        Ok(())
    }

    /// How many writes `id` has queued since it booted.
    fn queued(&self, id: NodeId) -> u64 {
        let done = self.node_of(id).map_or(0, |node| node.written);
        let queue = self.follower.member(id).map_or(0, |m| m.server.queue.len());
        done + queue as u64
    }

    /// The first `upto` writes of `id` are complete, and with them what the
    /// first `Ready` that reaches as far has handed out.
    pub(super) fn complete_up_to(
        &mut self,
        at: &At<'_>,
        id: NodeId,
        upto: u64,
    ) -> Result<(), Stop> {
        loop {
            let Some(name) = self.names.of(id) else {
                return Ok(());
            };
            let node = self.node(name);
            if node.written >= upto {
                node.kept = true;
                node.installed = false;
                let written = node.written;
                while node.handed.front().is_some_and(|&mark| mark <= written) {
                    node.handed.pop_front();
                }
                return Ok(());
            }
            node.written += 1;
            self.silent(at, id, Input::WriteCompleted)?;
        }
    }

    pub(super) fn ready(&mut self, at: &At<'_>) -> Result<(), Stop> {
        self.settle(at)?;
        let now = self.now(at);
        self.check(at, &now)?;
        if self.queues() {
            let node = self.node(at.event.nid);
            let handed = node.handed.back().map_or(0, |mark| mark - node.written);
            let handed = usize::try_from(handed).unwrap_or(usize::MAX);
            self.follower.merge_writes(at.id, handed);
        }
        let queued = self.queued(at.id);
        let (events, queues) = (self.events, self.queues());
        let node = self.node(at.event.nid);
        for (_, cover) in node.own.iter_mut().filter(|(_, cover)| cover.is_none()) {
            *cover = Some(queued);
        }
        node.last_ready = events;
        node.appliable = now.commit;
        if !node.installed && node.handed_out < now.commit {
            node.handed_out = node.handed_out.next();
        }
        if queues {
            // It is handed out; when it is written nothing shows.
            node.installed = false;
            if node.handed.back() != Some(&queued) {
                node.handed.push_back(queued);
            }
            self.follower.let_out(at.id);
        } else {
            node.ready = Some(at.place.clone());
        }
        self.lets_out_its_questions(at);
        // What it said in a term that it has left since leaves as well.
        let mut terms = std::mem::take(&mut self.node(at.event.nid).passed);
        terms.push(now.term);
        for term in terms {
            self.terms.or_insert(term, NodeSet::EMPTY).insert(at.id);
        }
        self.apply_entries(at.id);
        Ok(())
    }

    /// Applies what may have been applied, up to the next configuration: what
    /// the last `Ready` has handed out, and with asynchronous storage what is
    /// durable of that.
    pub(super) fn apply_entries(&mut self, id: NodeId) {
        let Some(node) = self.node_of(id) else {
            return;
        };
        let mut to = node.appliable;
        if let (true, Some(member)) = (self.queues(), self.follower.member(id)) {
            to = to.min(member.server.durable.shared);
        }
        self.follower.apply_entries(id, to);
    }

    /// Before index `index` is applied it is durable, where storage is
    /// asynchronous.
    pub(super) fn durable_up_to(&mut self, at: &At<'_>, index: Index) -> Result<(), Stop> {
        loop {
            let Some(member) = self.follower.member(at.id) else {
                return Ok(());
            };
            let node = self.node_of(at.id);
            let mark = node.and_then(|node| node.handed.front().copied());
            match mark {
                Some(mark) if member.server.durable.shared < index => {
                    self.complete_up_to(at, at.id, mark)?;
                }
                _ => {
                    self.apply_entries(at.id);
                    return Ok(());
                }
            }
        }
    }

    /// Queues an acknowledgement to oneself.
    pub(super) fn own(&mut self, at: &At<'_>, own: Own) {
        self.node(at.event.nid).own.push_back((own, None));
    }

    /// The acknowledgement of the node's own write.
    pub(super) fn receive_own(&mut self, at: &At<'_>, message: &Msg) -> Result<(), Stop> {
        let now = self.now(at);
        let own = own_of(message);
        let node = self.node(at.event.nid);
        // Who was no member of its configuration got none of its own either.
        while node.droppable > 0
            && let Some((queued, Some(_))) = node.own.front()
            && *queued != own
        {
            node.own.pop_front();
            node.droppable -= 1;
            node.acknowledged();
        }
        let front = node.own.front().copied();
        let covered = front.and_then(|(_, cover)| cover);
        let (Some(mark), true, false) = (
            covered,
            front.is_some_and(|(queued, _)| queued == own),
            message.reject,
        ) else {
            let why = if message.reject {
                "it does not refuse itself"
            } else if node.own.iter().any(|(queued, _)| *queued == own) {
                "no Ready has covered it yet"
            } else {
                "it never queued this"
            };
            let expected = match front.filter(|_| covered.is_some()) {
                Some((next, _)) if next.vote => format!("its own vote of term {}", next.term),
                Some((next, _)) => format!("its own entries up to {}", next.index),
                None => "nothing of its own arrives".to_owned(),
            };
            return Err(self.diverges(
                at.event,
                at.place,
                RuleName::new(
                    "a server counts only what is durable",
                    "figure 2",
                    DURABILITY,
                ),
                why.into(),
                expected,
            ));
        };
        node.own.pop_front();
        node.droppable = node.droppable.saturating_sub(1);
        node.acknowledged();
        let asks_itself = node.asks_itself;
        if self.queues() {
            self.complete_up_to(at, at.id, mark)?;
            self.apply_entries(at.id);
        }
        if own.term < now.term {
            return Ok(());
        }
        match (own.vote, now.role) {
            // Who asks again takes only answers to that.
            (true, RoleKind::Candidate) if !asks_itself => {
                self.step(at, Input::CountOwnVote)?;
                self.oblige(at, Some(now));
            }
            (false, RoleKind::Leader) => {
                let known = self.matched(at.id, at.id);
                if known.is_some() && known < Some(own.index) {
                    let outcome = self.step(at, Input::CountOwnEntries { to: own.index })?;
                    debug_assert_eq!(outcome.branch, Branch::OwnEntriesCounted);
                    let commit = super::state::Expect::Commit;
                    self.node(at.event.nid).expect.push_back(commit);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Who is no member of its own configuration may never receive what it has
    /// queued for itself.
    pub(super) fn may_drop_its_own(&mut self, name: Nid, id: NodeId) {
        if !self.queues() {
            return;
        }
        let member = self.follower.member(id);
        if member.is_some_and(|m| !m.server.config.members().contains(id)) {
            let node = self.node(name);
            node.droppable = node.own.len();
        }
    }

    /// A message that waits for a write of its sender, and how many writes must
    /// be complete before it leaves; `None` for those where no `Ready` has
    /// handed that one out.
    pub(super) fn waiting(&self, pattern: &Pattern) -> Option<(Message, Option<u64>)> {
        let sender = self.follower.member(pattern.from)?;
        let node = self.node_of(pattern.from)?;
        if !self.queues() {
            let found = self.follower.waiting(pattern)?;
            return Some((found.clone(), node.ready.is_some().then_some(0)));
        }
        let queue = sender.server.queue.iter().enumerate();
        let mut all = queue.flat_map(|(i, write)| write.waiting.iter().map(move |m| (i, m)));
        let (i, found) = all.find(|(_, m)| pattern.matches(m))?;
        let after = node.written + i as u64 + 1;
        let mark = node.handed.iter().copied().find(|&mark| mark >= after);
        Some((found.clone(), mark))
    }

    /// A message that waited has arrived: the write of its sender is complete.
    pub(super) fn has_left(&mut self, at: &At<'_>, sender: NodeId, mark: u64) -> Result<(), Stop> {
        if self.queues() {
            return self.complete_up_to(at, sender, mark);
        }
        if let Some(name) = self.names.of(sender) {
            self.node(name).ready = None;
        }
        self.complete(at, sender)
    }
}

pub(super) fn own_of(message: &Msg) -> Own {
    Own {
        vote: message.kind == MsgType::MsgVoteResp,
        term: Term(message.term),
        index: Index(message.index),
    }
}
