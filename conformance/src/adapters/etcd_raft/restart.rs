//! Restarts: what a crash left of a node that ran before, and from where it
//! applies its log again.

use plimsoll_model::config::Config;
use plimsoll_model::ids::{Index, NodeId, NodeSet, Term};
use plimsoll_model::log::{GrowingLog, Log, Payload};
use plimsoll_model::rules::Input;
use plimsoll_model::server::Server;
use plimsoll_model::storage::{Disk, Part, Survival};

use super::judge::{At, Judge, MEMBERSHIP};
use super::nid::Nid;
use super::state::{Booting, Reapplied, visible};
use super::storage::DURABILITY;
use crate::replay::Stop;
use crate::verdict::RuleName;

/// Term, vote and commit index, as a restart restores them.
type Restored = (Term, Option<NodeId>, Index);

impl Judge {
    /// Whether the node has nothing that a crash must leave: no write of its
    /// first incarnation is complete, or it is no member any more and its
    /// machine is replaced.
    fn may_start_anew(&self, at: &At<'_>) -> bool {
        let nothing = at.event.log == 0 && at.event.state.commit == 0;
        let kept = self.node_of(at.id).is_some_and(|node| node.kept);
        nothing && (!kept || !self.is_member(at.id))
    }

    /// Whether `id` is a member of the latest configuration that any server has
    /// applied, or is about to be one.
    fn is_member(&self, id: NodeId) -> bool {
        let members = self.follower.members().filter(|m| m.server.id != id);
        let latest = members.max_by_key(|m| (m.server.applied, m.server.log.last()));
        let Some(latest) = latest else {
            return true;
        };
        let server = &latest.server;
        let from = usize::try_from(server.applied.0).unwrap_or(usize::MAX);
        let mut config = server.config;
        if config.members().contains(id) {
            return true;
        }
        for entry in server.log.entries().iter().skip(from) {
            if let Payload::Config { change } = entry.payload {
                config = config.after(&change);
                if config.members().contains(id) {
                    return true;
                }
            }
        }
        false
    }

    /// Whether the recovered log can be what the crash left.
    pub(super) fn may_recover(&mut self, at: &At<'_>) -> Result<(), Stop> {
        self.facts.entry("durability").or_default().note(true);
        let queues = self.queues();
        let pending = self.node(at.event.nid).ready.is_some();
        let Some(member) = self.follower.member(at.id) else {
            return Ok(());
        };
        let log = at.event.log;
        let server = &member.server;
        let (durable, last) = (server.durable_last().index.0, server.log.last_index().0);
        let shared = server.durable.shared.0;
        let fits = match queues {
            true => self.lengths(at.id).contains(&log),
            false => log == durable || (pending && (shared..=last).contains(&log)),
        };
        if fits || self.may_start_anew(at) {
            return Ok(());
        }
        let (rule, expected) = if pending && last != durable {
            let all = format!("a log of {durable}, or of {shared} to {last}");
            ("a restart recovers what was written", all)
        } else {
            (
                "what is durable survives a crash",
                format!("a log of {durable}"),
            )
        };
        let why = format!(
            "{} had made its log durable up to index {durable}, and recovers up to {log}",
            at.id
        );
        Err(self.diverges(
            at.event,
            at.place,
            RuleName::new(rule, "figure 2", DURABILITY),
            why,
            expected,
        ))
    }

    /// With asynchronous storage: how long the log may be that a crash leaves.
    fn lengths(&self, id: NodeId) -> Vec<u64> {
        let (Some(member), Some(node)) = (self.follower.member(id), self.node_of(id)) else {
            return Vec::new();
        };
        let mut lengths = vec![member.server.durable_last().index.0];
        let handed = node.handed.back().map_or(0, |mark| mark - node.written);
        let handed = usize::try_from(handed).unwrap_or(usize::MAX);
        for write in member.server.queue.iter().take(handed) {
            lengths.extend(write.keep.0..=write.end().0);
        }
        lengths
    }

    /// The restored term, vote and commit of a node that ran before: with the
    /// log they decide what survived of the write under way.
    pub(super) fn restart(&mut self, at: &At<'_>, boot: &Booting) -> Result<(), Stop> {
        let state = &at.event.state;
        if state.term == 0 && boot.log == 0 && boot.base == 0 {
            let kept = self.node(at.event.nid).kept;
            if !kept || !self.is_member(at.id) {
                return self.starts_anew(at, boot.clone());
            }
        }
        let pending = self.node(at.event.nid).ready.take().is_some();
        let vote = match state.vote == Nid::NOBODY {
            true => None,
            false => self.names.id(state.vote),
        };
        let restored = (Term(state.term), vote, Index(state.commit));
        self.facts.entry("durability").or_default().note(true);
        let survival = match self.queues() {
            true => self.queued_survival(at, restored, Index(boot.log))?,
            false => self.survival(at, restored, Index(boot.log), pending)?,
        };
        let Some(survival) = survival else {
            return Err(self.not_durable(at, restored, pending));
        };
        // What survived was applied as far as a Ready has handed it out.
        self.apply_entries(at.id);
        let before = self.now(at);
        self.compacted(at, Index(boot.base), Index(boot.log))?;
        let node = self.node(at.event.nid);
        node.booting = None;
        node.handed.clear();
        node.written = 0;
        self.step(at, Input::Restart { survival })?;
        let known = self.node(at.event.nid).reapplied.map(|open| open.to);
        self.applies_again(at, boot, before.applied.max(known.unwrap_or_default()))?;
        let now = self.now(at);
        self.check(at, &now)?;
        let node = self.node(at.event.nid);
        node.appliable = now.applied;
        Ok(())
    }

    /// A node starts again with nothing.
    fn starts_anew(&mut self, at: &At<'_>, mut boot: Booting) -> Result<(), Stop> {
        boot.restored = true;
        let node = self.node(at.event.nid);
        node.id = None;
        node.ready = None;
        node.handed.clear();
        node.written = 0;
        self.first_boot(at.event, at.place, boot)
    }

    /// With synchronous storage: what survived of the one write under way.
    fn survival(
        &mut self,
        at: &At<'_>,
        restored: Restored,
        log: Index,
        pending: bool,
    ) -> Result<Option<Survival>, Stop> {
        let Some(member) = self.follower.member(at.id) else {
            return Ok(None);
        };
        let server = &member.server;
        let durable = &server.durable;
        let old = (durable.term, durable.vote, durable.commit);
        let new = (server.term, server.vote, server.commit);
        let unwritten = log == server.durable_last().index;
        if pending && restored == new && log == server.log.last_index() {
            self.complete(at, at.id)?;
            return Ok(Some(Survival::Nothing));
        }
        if restored == old && unwritten {
            return Ok(Some(Survival::Nothing));
        }
        if pending && (restored.0, restored.1) == (new.0, new.1) {
            let kept = (log >= durable.shared && log <= server.log.last_index()).then_some(log);
            let commit = restored.2 != old.2;
            let legal = restored.2 == old.2 || restored.2 == new.2;
            return Ok(legal.then_some(Survival::Written { kept, commit }));
        }
        Ok(None)
    }

    /// With asynchronous storage: how many of the writes that were handed out
    /// survived, up to a `Ready` or to a part of the next one. What survived as
    /// a whole was complete, and what waited for it may have left.
    fn queued_survival(
        &mut self,
        at: &At<'_>,
        restored: Restored,
        log: Index,
    ) -> Result<Option<Survival>, Stop> {
        loop {
            let Some(member) = self.follower.member(at.id) else {
                return Ok(None);
            };
            let server = &member.server;
            if matches(server, &Disk::of(server), restored, log) {
                return Ok(Some(Survival::Nothing));
            }
            let handed = self
                .node_of(at.id)
                .and_then(|node| node.handed.front().copied());
            let Some(mark) = handed else {
                return Ok(None);
            };
            if !self.is_whole(at.id, mark, restored, log) {
                let survival = self.torn(at.id, mark, restored, log);
                if survival.is_some() {
                    return Ok(survival);
                }
            }
            self.complete_up_to(at, at.id, mark)?;
        }
    }

    /// Whether a restart shows what all writes up to `mark` leave.
    fn is_whole(&self, id: NodeId, mark: u64, restored: Restored, log: Index) -> bool {
        let (Some(member), Some(node)) = (self.follower.member(id), self.node_of(id)) else {
            return false;
        };
        let server = &member.server;
        let mut disk = Disk::of(server);
        let upto = usize::try_from(mark - node.written).unwrap_or(usize::MAX);
        for write in server.queue.iter().take(upto) {
            disk.write(write);
        }
        matches(server, &disk, restored, log)
    }

    /// The part that survived of the writes up to `mark`, if that is what a
    /// restart shows: the term and vote that they end with, and a prefix of what
    /// they append.
    fn torn(&self, id: NodeId, mark: u64, restored: Restored, log: Index) -> Option<Survival> {
        let (member, node) = (self.follower.member(id)?, self.node_of(id)?);
        let server = &member.server;
        let upto = usize::try_from(mark - node.written).ok()?;
        let writes = server.queue.get(..upto)?;
        let state = (restored.0, restored.1);
        let ends = writes.last().map(|write| (write.term, write.vote));
        if ends != Some(state) {
            return None;
        }
        let own = writes.iter().enumerate();
        for (i, write) in own.filter(|(_, write)| (write.term, write.vote) == state) {
            let writes = u32::try_from(i).ok()?;
            let kept = (write.keep.0..=write.end().0).map(|kept| Some(Index(kept)));
            for kept in std::iter::once(None).chain(kept) {
                for commit in [false, true] {
                    let part = Part::Ordered { kept, commit };
                    let survival = Survival::Queued { writes, part };
                    let mut disk = Disk::of(server);
                    let settings = &self.follower.settings;
                    if disk.crash(server, &survival, settings).is_ok()
                        && matches(server, &disk, restored, log)
                    {
                        return Some(survival);
                    }
                }
            }
        }
        None
    }

    fn not_durable(&self, at: &At<'_>, restored: Restored, pending: bool) -> Stop {
        let Some(member) = self.follower.member(at.id) else {
            unreachable!("{} has an id and no model", at.event.nid)
        };
        let server = &member.server;
        let durable = &server.durable;
        let old = (durable.term, durable.vote, durable.commit);
        let new = (server.term, server.vote, server.commit);
        let show = |(term, vote, commit): Restored| {
            let vote = vote.map_or("none".to_owned(), |v| v.to_string());
            format!("term {term}, vote {vote}, commit {commit}")
        };
        let also = if pending || self.queues() {
            format!(", or {}", show(new))
        } else {
            String::new()
        };
        self.diverges(
            at.event,
            at.place,
            RuleName::new("what is durable survives a crash", "figure 2", DURABILITY),
            format!("{} recovers {}", at.id, show(restored)),
            format!("{}{also}", show(old)),
        )
    }

    /// Up to where the recovered log is compacted: the application has dropped
    /// what it had applied, at once and on disk.
    fn compacted(&mut self, at: &At<'_>, base: Index, last: Index) -> Result<(), Stop> {
        let Some(member) = self.follower.member(at.id) else {
            return Ok(());
        };
        let (known, held) = (member.server.durable.base, member.server.log.base());
        if base < known || base > last {
            return Err(self.diverges(
                at.event,
                at.place,
                RuleName::new("what is durable survives a crash", "figure 2", DURABILITY),
                format!("{} had compacted its log up to {known}", at.id),
                format!("a log that begins behind {known} or later"),
            ));
        }
        if base == known {
            return Ok(());
        }
        if base > held {
            self.may_compact(at, base)?;
        }
        if let Some(member) = self.follower.member_mut(at.id) {
            member.server.durable.base = base;
        }
        Ok(())
    }

    /// From where the node applies its log again: from its snapshot on, or,
    /// where the application keeps what it has applied, from there. Which of
    /// the two, the configuration shows that it comes back with.
    fn applies_again(&mut self, at: &At<'_>, boot: &Booting, before: Index) -> Result<(), Stop> {
        let shown = |conf: &super::nid::Nids| self.names.set(conf);
        let stored = boot.stored.as_ref().and_then(shown);
        let outgoing = shown(&at.event.conf[1]).unwrap_or(NodeSet::EMPTY);
        let Some(member) = self.follower.member(at.id) else {
            return Ok(());
        };
        let server = &member.server;
        let fits = |config: &Config| Some(config.voters) == stored && config.outgoing() == outgoing;
        let (from, upto) = (server.applied, before.min(server.commit));
        let mut config = server.config;
        let mut last = fits(&config).then_some(from);
        for index in (from.0 + 1..=upto.0).map(Index) {
            if last == Some(from) {
                break;
            }
            if let Some(Payload::Config { change }) = server.log.entry(index).map(|e| e.payload) {
                config = config.after(&change);
            }
            if fits(&config) {
                last = Some(index);
            }
        }
        let Some(to) = last else {
            return Err(self.diverges(
                at.event,
                at.place,
                RuleName::new("a restart keeps its configuration", "§6", MEMBERSHIP),
                format!(
                    "{} comes back with the voters {:?} {:?}, which no prefix of its log between \
                     {from} and {upto} makes",
                    at.id, boot.stored, at.event.conf[1]
                ),
                format!("the voters of {}", server.config),
            ));
        };
        while self.now(at).applied < to {
            self.follower.apply_entries(at.id, to);
            if self.now(at).applied < to {
                self.silent(at, at.id, Input::Apply)?;
            }
        }
        let node = self.node(at.event.nid);
        node.reapplied = (upto > from).then_some(Reapplied { from, to: upto });
        Ok(())
    }

    /// What the restart left open is applied again without a line for it: the
    /// application may pass over what its snapshot has.
    pub(super) fn skip_reapplied(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let Some(Reapplied { to, .. }) = self.node(at.event.nid).reapplied else {
            return Ok(());
        };
        let now = self.now(at);
        let to = to.min(now.commit);
        let Some(member) = self.follower.member(at.id) else {
            return Ok(());
        };
        // What it came back with is what it shows still: it has taken no
        // configuration since.
        let log = &member.server.log;
        let ahead = (now.applied.0 + 1..=to.0).filter_map(|index| log.entry(Index(index)));
        let ahead: Vec<_> = ahead.collect();
        if visible(&now.config.fold(&ahead)) != visible(&now.config) {
            return Ok(());
        }
        while self.now(at).applied < to {
            self.follower.apply_entries(at.id, to);
            if self.now(at).applied < to {
                self.silent(at, at.id, Input::Apply)?;
            }
        }
        Ok(())
    }

    /// Whether the `ApplyConfChange` in hand is one that the restart left open:
    /// of an entry that the node holds to be applied. Configurations that it
    /// may have come back with are passed over.
    pub(super) fn is_reapplied(&mut self, at: &At<'_>, shown: Option<NodeSet>) -> bool {
        let Some(Reapplied { from, to }) = self.node(at.event.nid).reapplied else {
            return false;
        };
        let Some(member) = self.follower.member(at.id) else {
            return false;
        };
        let server = &member.server;
        let appliable = self
            .node_of(at.id)
            .map_or(Index::ZERO, |node| node.appliable);
        if server.applied >= to && appliable > to {
            self.node(at.event.nid).reapplied = None;
            return false;
        }
        let change = |index: Index| match server.log.entry(index).map(|e| e.payload) {
            Some(Payload::Config { change }) => Some(change),
            _ => None,
        };
        let mut config = server.config;
        // The next one, or one behind it that it came back with.
        let mut skipped = Vec::new();
        for index in (server.applied.0 + 1..=appliable.0).map(Index) {
            let Some(change) = change(index) else {
                continue;
            };
            config = config.after(&change);
            if shown == Some(config.voters) {
                for _ in &skipped {
                    let _ = self.follower.step(at.id, Input::Apply, at.place, true);
                    self.apply_entries(at.id);
                }
                return false;
            }
            if index > to {
                break;
            }
            skipped.push(index);
        }
        // One that it holds to be applied, and that changes nothing.
        let again = (from.0 + 1..=server.applied.0).map(Index);
        shown == Some(server.config.voters) && again.into_iter().any(|i| change(i).is_some())
    }
}

/// Whether `disk` is what a restart shows.
fn matches(server: &Server<GrowingLog>, disk: &Disk, restored: Restored, log: Index) -> bool {
    let mut server = server.clone();
    disk.clone().put(&mut server);
    let durable = &server.durable;
    (durable.term, durable.vote, durable.commit.max(durable.base)) == restored
        && server.durable_last().index == log
}
