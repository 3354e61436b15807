//! Restarts: what a crash left of a node that ran before, and from where it
//! applies its log again.

use plimsoll_model::cluster::boot;
use plimsoll_model::config::Config;
use plimsoll_model::ids::{Index, NodeId, Term};
use plimsoll_model::log::{GrowingLog, Log};
use plimsoll_model::rules::Input;
use plimsoll_model::server::{Server, Write};
use plimsoll_model::storage::{Disk, Part, Survival};

use super::begins::{Begins, Doubt};
use super::event::Event;
use super::judge::{At, Judge, MEMBERSHIP, Start};
use super::nid::Nid;
use super::state::Booting;
use super::storage::DURABILITY;
use crate::replay::Stop;
use crate::verdict::RuleName;

/// How many messages that were lost in crashes are kept, to tell of them.
const LOST: usize = 256;

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
    pub(super) fn is_member(&self, id: NodeId) -> bool {
        let members = self.follower.members().filter(|m| m.server.id != id);
        let latest = members.max_by_key(|m| (m.server.applied, m.server.log.last()));
        let Some(latest) = latest else {
            return true;
        };
        let server = &latest.server;
        let mut config = server.config;
        if config.members().contains(id) {
            return true;
        }
        let mut ahead = server.log.changes(server.applied);
        ahead.any(|(_, change)| {
            config = config.after(&change);
            config.members().contains(id)
        })
    }

    /// The entries of a bootstrap are in a node's first write, which the model
    /// does not have: it boots with them. A crash that came before that was
    /// complete may have left nothing of it, or a part.
    pub(super) fn unwrite_bootstrap(&mut self, name: Nid, id: NodeId) {
        let Some(Start::Bootstrap(seen)) = &self.start else {
            return;
        };
        let (voters, queues) = (seen.len(), self.queues());
        let node = self.node(name);
        if node.kept || !node.bootstrapped {
            return;
        }
        if queues {
            node.handed.iter_mut().for_each(|mark| *mark += 1);
        }
        let entries = self.follower.bootstrap_entries();
        let begun: Server<GrowingLog> = boot(id, voters, entries, &self.follower.settings);
        let Some(member) = self.follower.member_mut(id) else {
            return;
        };
        let server = &mut member.server;
        server.durable = Server::<GrowingLog>::new(id, Config::UNKNOWN).durable;
        if queues {
            let write = Write {
                term: begun.term,
                vote: begun.vote,
                commit: begun.commit,
                keep: Index::ZERO,
                entries: begun.log.batch(Index::ZERO, voters),
                base: Index::ZERO,
                waiting: Default::default(),
            };
            server.queue.insert(0, write);
        }
    }

    /// Whether the recovered log can be what the crash left.
    pub(super) fn may_recover(&mut self, at: &At<'_>) -> Result<(), Stop> {
        self.facts.of("durability").note(true);
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
        let stood = self.follower.standing(at.id);
        let pending = self.node(at.event.nid).ready.take().is_some();
        let vote = match state.vote == Nid::NOBODY {
            true => None,
            false => self.names.id(state.vote),
        };
        let restored = (Term(state.term), vote, Index(state.commit));
        self.facts.of("durability").note(true);
        self.follower.doubt(true);
        let survival = match self.queues() {
            true => self.queued_survival(at, restored, Index(boot.log))?,
            false => self.survival(at, restored, Index(boot.log), pending)?,
        };
        let Some(survival) = survival else {
            return Err(self.not_durable(at, restored, pending));
        };
        // What survived was applied as far as a Ready has handed it out.
        self.apply_entries(at.id);
        let begun = matches!(&self.start, Some(Start::Stored { last, .. }) if last.0 > 0);
        if let (true, 0, Some(member)) = (begun, boot.log, self.follower.member_mut(at.id)) {
            // The snapshot that it joined with is lost, and what the log began
            // with was known from that.
            member.server.base = Config::UNKNOWN;
        }
        let begins = self.begins(at, boot);
        if let Some(index) = begins.first().and_then(|begins| begins.joint) {
            self.was_joint(at.id, index);
        }
        self.compacted(at, Index(boot.base), Index(boot.log))?;
        let node = self.node(at.event.nid);
        node.booting = None;
        node.handed.clear();
        node.bootstrapped = false;
        node.written = 0;
        self.loses_what_waits(at);
        self.step(at, Input::Restart { survival })?;
        self.follower.crashed(at.id, stood);
        self.applies_on(at, boot, &begins)?;
        let now = self.now(at);
        self.check(at, &now)?;
        let node = self.node(at.event.nid);
        // What its application passes over is handed out all the same.
        (node.appliable, node.handed_out) = (now.applied, Index(boot.base));
        Ok(())
    }

    /// What waits for a write is lost with it.
    fn loses_what_waits(&mut self, at: &At<'_>) {
        let Some(member) = self.follower.member(at.id) else {
            return;
        };
        let waiting = member.server.waiting();
        self.lost
            .extend(waiting.map(|message| (message.clone(), at.place.clone())));
        let many = self.lost.len().saturating_sub(LOST);
        self.lost.drain(..many);
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

    /// Whether the restart that `event` ends may have kept entries that were to
    /// be replaced, or those that replace them: its log is as long with either.
    pub(super) fn keeps_either(&self, event: &Event) -> bool {
        let Some(node) = self.nodes.get(&event.nid) else {
            return false;
        };
        let (Some(boot), Some(member)) = (
            node.booting.as_ref(),
            node.id.and_then(|id| self.follower.member(id)),
        ) else {
            return false;
        };
        let server = &member.server;
        let (log, durable) = (Index(boot.log), server.durable_last());
        if !self.queues() {
            // With other terms where both end, they are not the same entries.
            return node.ready.is_some()
                && durable.index == log
                && server
                    .log
                    .term_at(log)
                    .is_some_and(|term| term != durable.term);
        }
        let handed = node.handed.back().map_or(0, |mark| mark - node.written);
        let handed = usize::try_from(handed).unwrap_or(usize::MAX);
        let mut end = durable.index;
        server.queue.iter().take(handed).any(|write| {
            let replaces = write.keep < end && write.keep < log;
            end = write.end();
            replaces
        })
    }

    /// The same judge, who takes it that the next restart kept what comes to mind
    /// behind so many other things.
    pub(super) fn keeping_other(mut self, behind: usize) -> Self {
        self.keeps_other = behind;
        self
    }

    /// With synchronous storage: what survived of the one write under way.
    fn survival(
        &mut self,
        at: &At<'_>,
        restored: Restored,
        log: Index,
        pending: bool,
    ) -> Result<Option<Survival>, Stop> {
        let other = std::mem::take(&mut self.keeps_other) > 0;
        let Some(member) = self.follower.member(at.id) else {
            return Ok(None);
        };
        let server = &member.server;
        let durable = &server.durable;
        let old = (durable.term, durable.vote, durable.commit);
        let new = (server.term, server.vote, server.commit);
        let unwritten = log == server.durable_last().index;
        let written = pending && (restored.0, restored.1) == (new.0, new.1);
        let legal = restored.2 == old.2 || restored.2 == new.2;
        let commit = restored.2 != old.2;
        let whole = pending && restored == new && log == server.log.last_index();
        let within = log >= durable.shared && log <= server.log.last_index();
        // A log of this length may hold the old entries, and the new.
        let kept = match (restored == old, written && legal) {
            _ if !unwritten => None,
            (true, _) => Some(Survival::Nothing),
            (false, true) => Some(Survival::Written { kept: None, commit }),
            (false, false) => None,
        };
        let taken = (written && legal && within).then_some(Survival::Written {
            kept: Some(log),
            commit,
        });
        let unchanged = restored == old && unwritten;
        let new_first = whole || !unchanged && taken.is_some();
        if new_first == other && kept.is_some() {
            return Ok(kept);
        }
        if whole {
            self.complete(at, at.id)?;
            return Ok(Some(Survival::Nothing));
        }
        Ok(taken.or(kept))
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
        let mut known = Known {
            behind: std::mem::take(&mut self.keeps_other),
            disks: Vec::new(),
        };
        loop {
            let Some(member) = self.follower.member(at.id) else {
                return Ok(None);
            };
            let server = &member.server;
            if OnDisk::of(server).shows(restored, log) && known.takes(|| Disk::of(server)) {
                return Ok(Some(Survival::Nothing));
            }
            let handed = self
                .node_of(at.id)
                .and_then(|node| node.handed.front().copied());
            let Some(mark) = handed else {
                return Ok(None);
            };
            // All of it comes to mind before a part of it.
            let whole = self.whole(at.id, mark, restored, log);
            let is_taken = whole.is_some_and(|writes| known.takes(|| after(server, writes)));
            if !is_taken && let Some(survival) = self.torn(at.id, mark, restored, log, &mut known) {
                return Ok(Some(survival));
            }
            self.complete_up_to(at, at.id, mark)?;
            if is_taken {
                return Ok(Some(Survival::Nothing));
            }
        }
    }

    /// The writes up to `mark`, if a restart shows what all of them leave.
    fn whole(&self, id: NodeId, mark: u64, restored: Restored, log: Index) -> Option<&[Write]> {
        let (member, node) = (self.follower.member(id)?, self.node_of(id)?);
        let server = &member.server;
        let upto = usize::try_from(mark - node.written).ok()?;
        let writes = server.queue.get(..upto)?;
        let disk = writes.iter().fold(OnDisk::of(server), |disk, write| {
            disk.with(write, Some(write.end()), true)
        });
        disk.shows(restored, log).then_some(writes)
    }

    /// The part that survived of the writes up to `mark`, if that is what a
    /// restart shows: the term and vote that they end with, and a prefix of what
    /// they append.
    fn torn(
        &self,
        id: NodeId,
        mark: u64,
        restored: Restored,
        log: Index,
        known: &mut Known,
    ) -> Option<Survival> {
        let (member, node) = (self.follower.member(id)?, self.node_of(id)?);
        let server = &member.server;
        let upto = usize::try_from(mark - node.written).ok()?;
        let writes = server.queue.get(..upto)?;
        let state = (restored.0, restored.1);
        let ends = writes.last().map(|write| (write.term, write.vote));
        if ends != Some(state) {
            return None;
        }
        let mut before = OnDisk::of(server);
        for (i, write) in writes.iter().enumerate() {
            let disk = before;
            before = before.with(write, Some(write.end()), true);
            if (write.term, write.vote) != state {
                continue;
            }
            let writes = u32::try_from(i).ok()?;
            let kept = (write.keep.0..=write.end().0).map(|kept| Some(Index(kept)));
            for kept in std::iter::once(None).chain(kept) {
                for commit in [false, true] {
                    let part = Part::Ordered { kept, commit };
                    let survival = Survival::Queued { writes, part };
                    if !disk.with(write, kept, commit).shows(restored, log) {
                        continue;
                    }
                    let mut left = Disk::of(server);
                    let crash = left.crash(server, &survival, &self.follower.settings);
                    if crash.is_ok() && known.takes(|| left) {
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

    /// It goes on to apply at the first of these, unless a line shows that it was
    /// another one.
    fn applies_on(&mut self, at: &At<'_>, boot: &Booting, begins: &[Begins]) -> Result<(), Stop> {
        let now = self.now(at);
        let Some((first, others)) = begins.split_first() else {
            return Err(self.diverges(
                at.event,
                at.place,
                RuleName::new("a restart keeps its configuration", "§6", MEMBERSHIP),
                format!(
                    "{} comes back with the voters {:?} {:?}, which no prefix of its log behind \
                     {} makes, as far as it had applied",
                    at.id, boot.stored, at.event.conf[1], boot.base
                ),
                format!("the voters of {}", now.config),
            ));
        };
        self.apply_silently(at, first.at)?;
        let node = self.node(at.event.nid);
        node.again = first.again;
        node.doubt = Doubt::between(others);
        Ok(())
    }
}

/// What `writes` leave, if all of them survive.
fn after(server: &Server<GrowingLog>, writes: &[Write]) -> Disk {
    let mut disk = Disk::of(server);
    writes.iter().for_each(|write| disk.write(write));
    disk
}

/// What a crash may have left, as it comes to mind.
struct Known {
    /// How many other things come before the one that is taken.
    behind: usize,
    /// Those that were passed over.
    disks: Vec<Disk>,
}

impl Known {
    /// Whether this one is taken.
    fn takes(&mut self, disk: impl FnOnce() -> Disk) -> bool {
        if self.behind == 0 && self.disks.is_empty() {
            return true;
        }
        let disk = disk();
        if self.disks.contains(&disk) {
            return false;
        }
        if self.disks.len() == self.behind {
            return true;
        }
        self.disks.push(disk);
        false
    }
}

/// What stands on a disk, as far as a restart shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OnDisk {
    term: Term,
    vote: Option<NodeId>,
    commit: Index,
    last: Index,
    base: Index,
}

impl OnDisk {
    fn of(server: &Server<GrowingLog>) -> Self {
        let durable = &server.durable;
        OnDisk {
            term: durable.term,
            vote: durable.vote,
            commit: durable.commit,
            last: server.durable_last().index,
            base: durable.base,
        }
    }

    /// With `write`, up to `kept` of what it makes of the log.
    fn with(self, write: &Write, kept: Option<Index>, commit: bool) -> Self {
        OnDisk {
            term: write.term,
            vote: write.vote,
            commit: match commit {
                true => self.commit.max(write.commit),
                false => self.commit,
            },
            last: kept.unwrap_or(self.last),
            base: match kept {
                Some(kept) if kept >= write.base => write.base,
                _ => self.base,
            },
        }
    }

    fn shows(&self, restored: Restored, log: Index) -> bool {
        (self.term, self.vote, self.commit.max(self.base)) == restored && self.last == log
    }
}
