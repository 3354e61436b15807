//! Entries: what a leader appends, what it commits, and changes of the
//! configuration from their proposal until they are in force.
//!
//! A line lists what a change names, and not whether it goes through a joint
//! configuration: that shows when it is first applied, in the node's next line.
//! Nothing depends on it before. Leaving a joint configuration has no line: the
//! log is longer by one at an acknowledgement to oneself. Learners are never
//! shown: the model knows them from the changes.

use plimsoll_model::config::{Change, Config, Transition};
use plimsoll_model::ids::{Index, NodeId, NodeSet, Position, Term};
use plimsoll_model::log::{Entry, Log, Payload};
use plimsoll_model::refusal::Refusal;
use plimsoll_model::rules::{Input, changes, commit};
use plimsoll_model::server::Role;

use super::event::{Becomes, Event, Name};
use super::features::Switch;
use super::judge::{At, FORMAT, Judge, MEMBERSHIP};
use super::state::{Deferred, Expect, Seen};
use crate::replay::Stop;
use crate::replay::follow::{Fault, RoleKind};
use crate::verdict::RuleName;

/// A change that changes nothing.
pub(super) const IDLE: Change = Change {
    voters: NodeSet::EMPTY,
    learners: NodeSet::EMPTY,
    removed: NodeSet::EMPTY,
    transition: Transition::Simple,
};

/// Whether the only reason not to take `seen` is that it leaves the
/// configuration as it is; the library takes such a change.
fn changes_nothing(config: &Config, seen: &Seen, refusal: Refusal) -> bool {
    matches!(refusal, Refusal::UnfitChange { .. })
        && seen.change.transition == Transition::Simple
        && config.after(&seen.change) == *config
}

impl Judge {
    pub(super) fn replicate(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let node = self.node(at.event.nid);
        match node.expect.front() {
            Some(Expect::Noop) => {
                node.expect.pop_front();
                node.unshown = 1;
            }
            // Several commands of one proposal: appended together at its end.
            Some(Expect::OwnEntries) if node.unshown > 0 => {
                self.append(at)?;
            }
            None if !node.proposed.is_empty() => {
                node.proposed.push(None);
            }
            _ => {
                self.settle(at)?;
                self.append(at)?;
                let node = self.node(at.event.nid);
                node.expect.push_back(Expect::OwnEntries);
            }
        }
        let unshown = self.node(at.event.nid).unshown;
        let mut now = self.now(at);
        now.last.index = Index(now.last.index.0 - unshown);
        self.check(at, &now)
    }

    fn append(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let number = self.follower.next_write();
        self.step(at, Input::Write { number })?;
        self.node(at.event.nid).unshown += 1;
        Ok(())
    }

    /// `ChangeConf`: a change is let in. It is appended with the rest of its
    /// proposal, unless that is too long for what may be uncommitted.
    pub(super) fn change(&mut self, at: &At<'_>) -> Result<(), Stop> {
        self.settle(at)?;
        let now = self.now(at);
        self.check(at, &now)?;
        self.no_change_pends(at.id);
        let seen = self.change_in(at.event);
        let settings = self.follower.settings;
        let may = self
            .follower
            .member(at.id)
            .map(|m| changes::may_change(&m.server, &seen.change, &settings));
        let idle = match may {
            Some(Err(refusal)) if !changes_nothing(&now.config, &seen, refusal) => {
                return Err(self.fault(at, Fault::Refused(refusal)));
            }
            Some(Err(_)) => true,
            _ => false,
        };
        let seen = Seen { idle, ..seen };
        self.node(at.event.nid).proposed.push(Some(seen));
        Ok(())
    }

    /// Up to where the last `Ready` of `id` has handed out what is to be applied,
    /// where the application does that later; 0 where it does not.
    pub(super) fn handed_out_late(&self, id: NodeId) -> Option<Index> {
        let node = self.node_of(id)?;
        Some(match self.applies_late() {
            true => node.appliable,
            false => Index::ZERO,
        })
    }

    /// The library takes the next change once it has handed out the one before.
    fn no_change_pends(&mut self, id: NodeId) {
        let handed_out = self.handed_out_late(id).unwrap_or_default();
        let member = self.follower.member_mut(id);
        if let Some(Role::Leader { pending, .. }) = member.map(|m| &mut m.server.role)
            && *pending <= handed_out
        {
            *pending = Index::ZERO;
        }
    }

    /// What was proposed is appended, up to `last`: all of it, or what is left
    /// when proposals before it were dropped.
    pub(super) fn appended(&mut self, at: &At<'_>, last: Index) -> Result<(), Stop> {
        let now = self.now(at);
        let node = self.node(at.event.nid);
        let mut proposed = std::mem::take(&mut node.proposed);
        let count = last.0.saturating_sub(now.last.index.0);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        // Changes come first in a proposal; those of proposals that were dropped
        // come before them.
        let mut dropped = proposed.len().saturating_sub(count);
        proposed.retain(|entry| {
            let drop = entry.is_some() && dropped > 0;
            dropped -= usize::from(drop);
            !drop
        });
        if proposed.is_empty() && count == 1 && node.expect.is_empty() {
            return self.unlisted(at);
        }
        if proposed.is_empty() {
            return Ok(());
        }
        for entry in proposed {
            match entry {
                Some(seen) if !seen.idle => {
                    let change = seen.change;
                    self.step(at, Input::Change { change })?;
                }
                _ => {
                    let number = self.follower.next_write();
                    self.step(at, Input::Write { number })?;
                }
            }
            if let Some(seen) = entry {
                self.note_change(at, seen);
            }
        }
        self.node(at.event.nid).expect.push_back(Expect::OwnEntries);
        Ok(())
    }

    /// Notes the change that was appended last.
    fn note_change(&mut self, at: &At<'_>, seen: Seen) {
        let now = self.now(at);
        self.seen.insert((now.last.term, now.last.index), seen);
        if !seen.idle {
            return;
        }
        self.follower.note_idle(now.last);
        let member = self.follower.member_mut(at.id);
        if let Some(Role::Leader { pending, .. }) = member.map(|m| &mut m.server.role) {
            *pending = now.last.index;
        }
    }

    /// The log of a leader has grown without a line for it: it leaves a joint
    /// configuration; or, where there is none, it has let in a change that
    /// leaves the configuration as it is, of which the library lists nothing.
    fn unlisted(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let now = self.now(at);
        if now.role != RoleKind::Leader {
            return Ok(());
        }
        self.no_change_pends(at.id);
        let change = Change::LEAVE;
        if now.config.is_joint() {
            self.step(at, Input::Change { change })?;
        } else {
            let settings = self.follower.settings;
            let may = self
                .follower
                .member(at.id)
                .map(|m| changes::may_change(&m.server, &IDLE, &settings));
            if let Some(Err(refusal)) = may
                && !matches!(refusal, Refusal::UnfitChange { .. })
            {
                return Err(self.fault(at, Fault::Refused(refusal)));
            }
            let number = self.follower.next_write();
            self.step(at, Input::Write { number })?;
            let (change, settled, idle) = (IDLE, true, true);
            self.note_change(
                at,
                Seen {
                    change,
                    settled,
                    idle,
                },
            );
        }
        self.node(at.event.nid).expect.push_back(Expect::OwnEntries);
        Ok(())
    }

    /// The change that a line lists; with one server it is open whether it goes
    /// through a joint configuration.
    fn change_in(&mut self, event: &Event) -> Seen {
        let changes = event.change().map(|cc| cc.changes.as_slice());
        let changes = changes.unwrap_or_default();
        let mut sets = [NodeSet::EMPTY; 3];
        for change in changes {
            let Some(id) = self.name(change.nid) else {
                continue;
            };
            // The last that is said of a server holds.
            sets = sets.map(|set| set.without(id));
            let set = match change.action {
                Becomes::Voter => 0,
                Becomes::Learner => 1,
                Becomes::Removed => 2,
            };
            sets[set].insert(id);
        }
        let [voters, learners, removed] = sets;
        let joint = changes.len() > 1;
        let change = Change {
            voters,
            learners,
            removed,
            transition: match joint {
                true => Transition::Joint { auto_leave: false },
                false => Transition::Simple,
            },
        };
        Seen {
            change,
            settled: joint,
            idle: false,
        }
    }

    pub(super) fn commit(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let node = self.node(at.event.nid);
        let mut asked = std::mem::take(&mut node.may_commit);
        if matches!(node.expect.front(), Some(Expect::Commit)) {
            node.expect.pop_front();
            asked = true;
        } else {
            self.settle(at)?;
        }
        let to = Index(at.event.state.commit);
        if to > self.now(at).commit {
            self.step(at, Input::AdvanceCommit { to })?;
        }
        // The library commits as far as it may.
        let settings = self.follower.settings;
        let further = self.follower.member(at.id).and_then(|m| {
            let last = m.server.log.last_index().0;
            let may = |&i: &u64| commit::may_advance(&m.server, Index(i), &settings).is_ok();
            (m.server.commit.0 + 1..=last).rev().find(may)
        });
        let mut now = self.now(at);
        if let Some(further) = further {
            now.commit = Index(further);
        }
        self.check(at, &now)?;
        if asked {
            return Ok(());
        }
        Err(self.diverges(
            at.event,
            at.place,
            RuleName::new(
                "a leader looks when something was acknowledged",
                "§5.3",
                FORMAT,
            ),
            "nothing that it received before this makes it look whether it can commit".into(),
            "an acknowledgement first".into(),
        ))
    }

    /// `ApplyConfChange`: a configuration is applied, or comes with a snapshot.
    pub(super) fn apply(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let node = self.node(at.event.nid);
        if matches!(node.expect.front(), Some(Expect::Restored)) {
            node.expect.pop_front();
            return self.restored(at);
        }
        self.settle(at)?;
        let now = self.now(at);
        self.check(at, &now)?;
        let shown = self.listed(at.event);
        self.note_applied(at);
        if self.is_of_the_bootstrap(at) {
            if now.role == RoleKind::Leader && now.config.contains_voter(at.id) {
                self.node(at.event.nid).expect.push_back(Expect::Commit);
            }
            return Ok(());
        }
        if let (true, Some(next)) = (self.queues(), self.next_listed(at.id)) {
            self.durable_up_to(at, next)?;
        }
        let appliable = self.node(at.event.nid).appliable;
        let next = self.next_change(at.id).filter(|(at, _)| *at <= appliable);
        let fits = next.is_some_and(|(_, change)| shown == Some(now.config.after(&change).voters));
        if !fits && self.is_outdated(at, shown, &now.config) {
            return Ok(());
        }
        let Some((index, change)) = next else {
            return Err(self.diverges(
                at.event,
                at.place,
                RuleName::new("configurations come from the log", "§6", MEMBERSHIP),
                format!(
                    "{} has no configuration to apply: it has applied up to {}, and the last \
                     Ready had commit {appliable}",
                    at.id,
                    self.now(at).applied
                ),
                "no configuration is applied".to_owned(),
            ));
        };
        // One that was left out would look so where another was handed out too.
        let only = self.changes_ahead(at.id, appliable) == 1;
        let node = self.node(at.event.nid);
        node.handed_out = node.handed_out.max(index);
        if node.overdue.take() == Some(index) && only {
            self.seen_late.get_or_insert_with(|| at.place.clone());
        }
        let after = now.config.after(&change);
        if shown != Some(after.voters) {
            return Err(self.not_the_configuration(at, &after));
        }
        if self.is_open_change(at, index, &after) {
            self.node(at.event.nid).deferred = Some(Deferred::Applied);
            return Ok(());
        }
        self.take_effect(at)
    }

    /// How many changes of the configuration `id` was handed out to apply, and no
    /// line shows yet.
    pub(super) fn handed_out_changes(&self, id: NodeId) -> usize {
        let Some(node) = self.node_of(id) else {
            return 0;
        };
        if !self.queues() && !self.applies_late() {
            return 0;
        }
        self.changes_ahead(id, node.appliable) + usize::try_from(node.again).unwrap_or(0)
    }

    /// Whether the line applies a change that a snapshot has come before, so that
    /// it changes nothing any more: what was handed out stays so.
    fn is_outdated(&mut self, at: &At<'_>, shown: Option<NodeSet>, config: &Config) -> bool {
        let node = self.node(at.event.nid);
        let is = node.outdated > 0 && shown == Some(config.voters);
        node.outdated -= usize::from(is);
        is
    }

    fn not_the_configuration(&self, at: &At<'_>, config: &Config) -> Stop {
        let listed = at.event.change().map(|cc| &*cc.newconf);
        let listed = listed.unwrap_or_default();
        let voters = config.voters;
        self.diverges(
            at.event,
            at.place,
            RuleName::new("configurations come from the log", "§6", MEMBERSHIP),
            format!("the committed entry makes the voters {voters}, the line says {listed:?}"),
            format!("voters {voters}"),
        )
    }

    /// The next entry that `id` applies, if it is a configuration.
    pub(super) fn next_change(&self, id: NodeId) -> Option<(Index, Change)> {
        let server = &self.follower.member(id)?.server;
        let index = server.applied.next();
        let entry = server.log.entry(index)?;
        match entry.payload {
            Payload::Config { change } => Some((index, change)),
            _ if self.is_idle(index, entry.term) => Some((index, IDLE)),
            _ => None,
        }
    }

    /// Whether the entry there is a change that changes nothing.
    pub(super) fn is_idle(&self, index: Index, term: Term) -> bool {
        self.follower.idle.contains(&Position::new(index, term))
    }

    /// Where the next configuration that `id` has committed stands.
    fn next_listed(&self, id: NodeId) -> Option<Index> {
        let server = &self.follower.member(id)?.server;
        let change = server.log.next_change(server.applied);
        let idle = self.unapplied_idle(id);
        let next = change.into_iter().chain(idle).min();
        next.filter(|index| *index <= server.commit)
    }

    /// A committed change that changes nothing and is not applied yet: over it
    /// nobody campaigns.
    pub(super) fn unapplied_idle(&self, id: NodeId) -> Option<Index> {
        if self.follower.idle.is_empty() {
            return None;
        }
        let server = &self.follower.member(id)?.server;
        let from = server.applied.max(self.handed_out_late(id)?);
        let ahead = |at: &Position| (from.next()..=server.commit).contains(&at.index);
        let mut idle = self.follower.idle.iter().filter(|at| ahead(at));
        idle.find(|at| server.log.has(**at)).map(|at| at.index)
    }

    /// Whether only the next line shows what the change at `index` leads to.
    fn is_open_change(&self, at: &At<'_>, index: Index, after: &Config) -> bool {
        let Some(member) = self.follower.member(at.id) else {
            return false;
        };
        let term = member.server.log.term_at(index).unwrap_or_default();
        let seen = self.seen.get(&(term, index));
        let way = seen.is_some_and(|seen| !seen.settled);
        let leads = member.server.role.is_leader();
        let leads_on = leads && self.features.is(Switch::StepDownOnRemoval).is_none();
        way || leads_on && !after.contains_voter(at.id)
    }

    /// The next configuration is applied, as the line in hand shows it.
    pub(super) fn take_effect(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let before = self.now(at);
        let Some((index, _)) = self.next_change(at.id) else {
            return Ok(());
        };
        let boots = at.event.name == Name::InitState;
        if !boots && at.event.name != Name::ApplyConfChange {
            self.learn_the_way(at, index);
        }
        let Some((_, change)) = self.next_change(at.id) else {
            return Ok(());
        };
        let after = before.config.after(&change);
        let leads = before.role == RoleKind::Leader;
        if leads && !after.contains_voter(at.id) && !boots {
            let steps_down =
                at.event.name == Name::BecomeFollower && Term(at.event.state.term) == before.term;
            if self.features.is(Switch::StepDownOnRemoval).is_none() {
                let because = match steps_down {
                    true => "a leader that is removed steps down",
                    false => "a leader that is removed leads on",
                };
                self.show(at, Switch::StepDownOnRemoval, steps_down, because)?;
            }
        }
        let counted = self.matched(at.id, at.id);
        self.step(at, Input::Apply)?;
        self.apply_entries(at.id);
        let now = self.now(at);
        if leads && counted.is_none() && self.matched(at.id, at.id).is_some() {
            self.node(at.event.nid).admitted = Some((now.term, now.last.index));
        }
        if leads && now.role != RoleKind::Leader {
            self.node(at.event.nid)
                .expect
                .push_back(Expect::Became(now));
        } else if leads && now.config.contains_voter(at.id) {
            self.node(at.event.nid).expect.push_back(Expect::Commit);
        }
        Ok(())
    }

    /// The first line after a change was first applied: whether it went through
    /// a joint configuration.
    fn learn_the_way(&mut self, at: &At<'_>, index: Index) {
        let Some(member) = self.follower.member(at.id) else {
            return;
        };
        let term = member.server.log.term_at(index).unwrap_or_default();
        let joint = !at.event.conf[1].is_empty();
        let Some(seen) = self.seen.get_mut(&(term, index)) else {
            return;
        };
        if seen.settled {
            return;
        }
        seen.settled = true;
        if joint && !member.server.config.is_joint() {
            seen.change.transition = Transition::Joint { auto_leave: false };
            let payload = Payload::Config {
                change: seen.change,
            };
            self.follower.rewrite(index, Entry { term, payload });
            self.ways_are_known();
        }
    }
}
