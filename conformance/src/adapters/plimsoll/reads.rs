//! Reads that followers ask their leader about.
//!
//! In the model a request for a read index that a leader cannot answer yet comes
//! to nothing; an implementation may keep it until it can. So a request counts
//! as arrived when the line shows that the read has begun, and may have arrived
//! before: messages may arrive twice.

use plimsoll_model::ids::{Index, NodeId, ReadId, Term};
use plimsoll_model::log::{Log, Payload};
use plimsoll_model::message::{Body, Message};
use plimsoll_model::rules::{Branch, Input};
use plimsoll_model::server::Role;
use plimsoll_trace::{self as wire, Field};

use super::acks::MOST;
use super::judge::{At, Judge, READS};
use super::messages::NO_READ;
use super::named::key_of;
use crate::replay::Stop;
use crate::replay::flights::Tag;
use crate::replay::follow::RoleKind;
use crate::replay::kept::Kept;
use crate::verdict::RuleName;

/// Reads that followers have asked about.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// Each by the client operation: who asked, oldest first, and which read it
    /// is; none where a leader took it on itself.
    reads: Kept<String, Vec<(NodeId, Option<ReadId>)>>,
    /// Requests that have arrived somewhere.
    requests: Kept<(NodeId, ReadId), Message>,
    /// The operations that began in the line that is judged.
    begun: Vec<String>,
    /// Reads that their leader may have released before it changed its
    /// configuration, each with how many actions the run had by then.
    releasable: Vec<(NodeId, ReadId, usize)>,
    window: Option<usize>,
}

impl Asked {
    /// Keeps so many.
    pub(super) fn keep(&mut self, window: usize) {
        self.reads.keep(window);
        self.requests.keep(window);
        self.window = Some(window);
    }

    /// How much is kept.
    pub(super) fn len(&self) -> usize {
        self.reads.len() + self.requests.len() + self.releasable.len()
    }

    /// How much was forgotten.
    pub(super) fn forgotten(&self) -> u64 {
        self.reads.forgotten() + self.requests.forgotten()
    }
}

impl Judge {
    /// The reads of `op` that followers have asked about, newest first, with who
    /// asked.
    fn askings(&self, op: &str) -> impl Iterator<Item = (NodeId, ReadId)> {
        let all = self.asked.reads.get(op).into_iter().flatten().rev();
        all.filter_map(|(asker, read)| Some((*asker, (*read)?)))
    }

    /// The read that a follower has asked about, and that `message`, of this
    /// pattern, means; `None` where that may have been forgotten. Of several of a
    /// name it is the one whose id the message has, or the newest under way.
    pub(super) fn read_called(&self, message: &wire::Message, op: &str) -> Option<ReadId> {
        let newest = self.askings(op).next().map(|(_, read)| read);
        let forgotten = self.asked.forgotten() > 0;
        let newest = newest.or((!forgotten).then_some(NO_READ));
        if self.askings(op).nth(1).is_none() {
            return newest;
        }
        let (Some(from), Some(to)) = (self.id(&message.from), self.id(&message.to)) else {
            return newest;
        };
        let term = Term(message.term.get());
        let (asker, index) = match &message.body {
            wire::Body::ReadIndex { index, .. } => (to, Some(Index(index.get()))),
            _ => (from, None),
        };
        let all = self.askings(op).filter(|(who, _)| *who == asker);
        let mut all = all.map(|(_, read)| {
            let body = match index {
                Some(index) => Body::ReadIndex { read, index },
                None => Body::RequestRead { read },
            };
            let message = Message {
                from,
                to,
                term,
                body,
            };
            (read, message)
        });
        let named = message.id.as_ref();
        let named = named.and_then(|id| self.by_id.get(&key_of(id)));
        let server = self.follower.member(from).map(|member| &member.server);
        let under_way = |message: &Message| match named {
            Some(named) => named.tag == Tag::of(message),
            None => {
                self.follower.flights.tagged(&Tag::of(message)).is_some()
                    || server.is_some_and(|server| {
                        let queued = server.queue.iter().flat_map(|w| w.waiting.iter());
                        server.outbox.iter().chain(queued).any(|m| m == message)
                    })
            }
        };
        let found = all.find(|(_, message)| under_way(message));
        found.map(|(read, _)| read).or(newest)
    }

    /// Which read of `op` a leader tells `to` about: the newest that is open and
    /// may be released.
    pub(super) fn told(&self, at: &At<'_>, op: &str, to: NodeId, index: Index) -> Option<ReadId> {
        let Role::Leader { reads, .. } = &self.follower.member(at.id)?.server.role else {
            return None;
        };
        let is_open = |read: &ReadId| {
            let mut open = reads.iter();
            open.any(|open| (open.id, open.index) == (*read, index))
        };
        let all = self.askings(op).filter(|(asker, _)| *asker == to);
        let open: Vec<ReadId> = all.map(|(_, read)| read).filter(is_open).collect();
        if open.len() < 2 {
            return open.first().copied();
        }
        let mut open_now = open.iter().copied();
        let may = |read: &ReadId| {
            let input = Input::ReleaseRead { read: *read };
            self.follower.may(at.id, &input)
        };
        open_now.find(may).or(open.first().copied())
    }

    /// Whether this node's reads of `op` are for another node.
    fn is_for_another(&self, at: &At<'_>, op: &str) -> bool {
        let askings = self.asked.reads.get(op);
        let newest = askings.and_then(|askings| askings.last());
        newest.is_some_and(|(asker, _)| *asker != at.id)
    }

    /// Whether this leader has begun `read` and not released it.
    pub(super) fn is_open(&self, at: &At<'_>, read: ReadId) -> bool {
        match self.follower.member(at.id).map(|m| &m.server.role) {
            Some(Role::Leader { reads, .. }) => reads.iter().any(|open| open.id == read),
            _ => false,
        }
    }

    /// Whether the line begins a read of another node that was begun and answered
    /// before: its request has arrived again.
    pub(super) fn begins_again(&self, at: &At<'_>, read: ReadId) -> bool {
        let shown = at.step.reads.iter().flatten();
        let mut shown = shown.map(|shown| shown.op.as_str());
        !self.is_open(at, read)
            && shown
                .any(|op| !self.has_begun(op) && self.askings(op).any(|(_, asked)| asked == read))
    }

    /// The next entry to be applied may change the configuration. Whether a read
    /// is released is seen when it is answered, if at all; it may have been
    /// before, when fewer, or others, were enough.
    pub(super) fn before_change(&mut self, at: &At<'_>) {
        let Some(member) = self.follower.member(at.id) else {
            return;
        };
        let server = &member.server;
        let next = server.log.entry(server.applied.next());
        let changes = next.is_some_and(|e| matches!(e.payload, Payload::Config { .. }));
        let (true, Role::Leader { reads, .. }) = (changes, &server.role) else {
            return;
        };
        let own = reads.iter().filter(|read| read.asker.is_none());
        let taken = self.follower.taken();
        let new: Vec<_> = own
            .map(|read| (at.id, read.id, taken))
            .filter(|(_, read, _)| !self.asked.releasable.iter().any(|known| known.1 == *read))
            .filter(|(id, read, _)| self.follower.may(*id, &Input::ReleaseRead { read: *read }))
            .collect();
        let releasable = &mut self.asked.releasable;
        releasable.extend(new);
        let most = self.asked.window.unwrap_or(usize::MAX);
        releasable.drain(..releasable.len().saturating_sub(most));
    }

    /// The leader shows that a read is still open.
    pub(super) fn shows_open(&mut self, read: ReadId) {
        self.asked.releasable.retain(|(_, known, _)| *known != read);
    }

    /// Releases a read, now or before the configuration changed; says whether
    /// the rules let it.
    pub(super) fn release(&mut self, at: &At<'_>, read: ReadId) -> Result<bool, Stop> {
        if self.attempt(at, at.id, Input::ReleaseRead { read })? {
            return Ok(true);
        }
        let known = self.asked.releasable.iter();
        let mut known = known.filter(|(id, known, _)| (*id, *known) == (at.id, read));
        let Some(&(_, _, taken)) = known.next() else {
            return Ok(false);
        };
        self.follower.released_earlier(at.id, read, taken);
        for (_, _, later) in &mut self.asked.releasable {
            *later += usize::from(*later > taken);
        }
        self.shows_open(read);
        Ok(true)
    }

    /// Releases the node's confirmed reads, latest first, until `latest` is the
    /// latest that is open; without `latest`, all that are confirmed. A read that
    /// was released before its leader stepped down may be answered after.
    pub(super) fn release_until(
        &mut self,
        at: &At<'_>,
        latest: Option<Option<ReadId>>,
    ) -> Result<(), Stop> {
        let open: Vec<(ReadId, bool)> = match self.follower.member(at.id).map(|m| &m.server.role) {
            Some(Role::Leader { reads, .. }) => {
                let open = reads.iter();
                open.map(|read| (read.id, read.asker.is_none())).collect()
            }
            _ => return Ok(()),
        };
        // What a follower asked is released by the message that tells it, where
        // that is logged.
        let hides = self.hides_sends(at.id);
        for (read, own) in open.into_iter().rev() {
            if latest == Some(Some(read)) {
                break;
            }
            if !(own || hides) || !self.release(at, read)? {
                continue;
            }
            if own {
                self.released(read);
            } else if let Some(member) = self.follower.member_mut(at.id) {
                member.said.pop_back();
            }
        }
        Ok(())
    }

    pub(super) fn forget_begun(&mut self) {
        self.asked.begun.clear();
    }

    /// The read of `op` that the line shows is dealt with.
    pub(super) fn begins(&mut self, op: &str) {
        self.asked.begun.push(op.to_owned());
    }

    /// Whether the read of `op` that the line shows has been dealt with.
    pub(super) fn has_begun(&self, op: &str) -> bool {
        self.asked.begun.iter().any(|begun| begun == op)
    }

    /// `cause.read`: a leader's reads begin where the line says; a follower asks.
    pub(super) fn asks(&mut self, at: &At<'_>, op: &str) -> Result<(), Stop> {
        let leads = self
            .now(at)
            .is_none_or(|now| now.role != RoleKind::Follower);
        let forwards = !leads && self.follower.settings.follower_reads;
        let read = forwards.then(|| self.next_read_id());
        match self.asked.reads.get_mut(op) {
            Some(askings) => {
                // Whoever asks so often has given up on the first.
                if askings.len() >= MOST {
                    askings.remove(0);
                }
                askings.push((at.id, read));
            }
            None if forwards => {
                let first = vec![(at.id, read)];
                self.asked.reads.insert(op.to_owned(), first);
            }
            None => {}
        }
        match read {
            Some(read) => self.step(at, Input::BeginRead { read }).map(drop),
            None => Ok(()),
        }
    }

    /// A request for a read index arrives.
    pub(super) fn requested(
        &mut self,
        at: &At<'_>,
        message: Message,
        op: &str,
    ) -> Result<(), Stop> {
        let Body::RequestRead { read } = message.body else {
            return self.step(at, Input::Receive { message }).map(drop);
        };
        let request = (at.id, read);
        self.asked.requests.insert(request, message.clone());
        let shown = at.step.reads.iter().flatten();
        let mut shown = shown.map(|read| read.op.as_str());
        if shown.any(|begun| begun == op) {
            return Ok(());
        }
        let outcome = self.step(at, Input::Receive { message })?;
        if outcome.branch != Branch::ReadBegun || !self.declared(Field::Reads) {
            return Ok(());
        }
        Err(self.diverges(
            at,
            RuleName::new("a leader takes on what followers ask", "diss. §6.4", READS),
            format!(
                "{} leads and has committed in its term, and begins no read",
                at.id
            ),
            format!("read {op} begins"),
        ))
    }

    /// Begins a read of another node, if `op` is one; says whether it is.
    pub(super) fn begin_for_another(
        &mut self,
        at: &At<'_>,
        op: &str,
        index: Index,
    ) -> Result<bool, Stop> {
        if !self.is_for_another(at, op) {
            return Ok(false);
        }
        self.begins(op);
        let requests = self.askings(op).filter_map(|(_, read)| {
            let request = self.asked.requests.get(&(at.id, read))?;
            Some((self.is_open(at, read), request.clone()))
        });
        // The newest that has not begun, or else the newest.
        let mut requests: Vec<(bool, Message)> = requests.collect();
        requests.sort_by_key(|(is_open, _)| *is_open);
        let Some((_, message)) = requests.into_iter().next() else {
            return Err(self.diverges(
                at,
                RuleName::new("a read begins when somebody asks", "diss. §6.4", READS),
                format!("read {op} begins, and no request for it has arrived here"),
                "no such read".into(),
            ));
        };
        self.lead(at)?;
        self.commit_as(at, Some(index))?;
        let outcome = self.step(at, Input::Receive { message })?;
        let begun = match self.follower.member(at.id).map(|m| &m.server.role) {
            Some(Role::Leader { reads, .. }) => reads.last().map(|read| read.index),
            _ => None,
        };
        if outcome.branch == Branch::ReadBegun && begun == Some(index) {
            return Ok(true);
        }
        let (rule, why) = match outcome.reason {
            Some(reason) => (reason.into(), reason.to_string()),
            None => (
                RuleName::new("a read begins at the commit index", "diss. §6.4", READS),
                format!("read {op} begins at index {index}, and not at the commit index"),
            ),
        };
        Err(self.diverges(at, rule, why, "no such read".into()))
    }

    /// `ack` of a read that this node asked its leader about; says whether it is
    /// one.
    pub(super) fn ack_asked(&mut self, at: &At<'_>, op: &str, index: Index) -> Result<bool, Stop> {
        let Some((asker, _)) = self.askings(op).next() else {
            return Ok(false);
        };
        let told = |judge: &Judge, read: ReadId| {
            let server = &judge.follower.member(at.id)?.server;
            let asked = server.asked.iter().find(|asked| asked.id == read)?;
            asked.index
        };
        let here = self.askings(op).filter(|(asker, _)| *asker == at.id);
        let here: Vec<ReadId> = here.map(|(_, read)| read).collect();
        // A leader may have taken it on itself as well.
        let own = self.reads.get(op).into_iter().flatten();
        let own = own.filter(|known| known.node == at.id).count();
        if here.len() + own > 1 {
            let mut ready = here.iter().filter(|read| told(self, **read) == Some(index));
            let release = |read: &&ReadId| Input::ReleaseRead { read: **read };
            if let Some(read) = ready.find(|read| self.follower.may(at.id, &release(read))) {
                return self.step(at, release(&read)).map(|_| true);
            }
        }
        let Some(read) = here.first().copied().filter(|_| own == 0) else {
            if own > 0 {
                return Ok(false);
            }
            return Err(self.diverges(
                at,
                RuleName::new("a read is answered where it began", "diss. §6.4", READS),
                format!("read {op} began at {asker}"),
                format!("an answer at {asker}"),
            ));
        };
        let told = told(self, read);
        if let Some(told) = told.filter(|told| *told != index) {
            return Err(self.diverges(
                at,
                RuleName::new("a read is answered at its index", "diss. §6.4", READS),
                format!("read {op} was told index {told} and not {index}"),
                format!("index {told}"),
            ));
        }
        self.step(at, Input::ReleaseRead { read })?;
        Ok(true)
    }
}
