//! Where a restart goes on to apply.
//!
//! A node comes back with the configuration that its application has stored, of
//! its snapshot or of where its machine had got, and is handed out again what was
//! committed behind that. No line shows the index, and many prefixes of a log lead
//! to the same voters. So all of them are kept in mind, the first is followed, and
//! where it does not fit what the node shows or applies, the next one that does is:
//! it has applied more, without a line, and nothing else has come to depend on
//! that.

use plimsoll_model::config::{Change, Config, Transition};
use plimsoll_model::ids::{Index, NodeId, NodeSet};
use plimsoll_model::log::{Entry, Log, Payload};
use plimsoll_model::rules::Input;

use super::entries::IDLE;
use super::event::{Event, Name, Role};
use super::judge::{At, Judge, Start};
use super::nid::Nids;
use super::state::{Booting, Deferred, Expect};
use crate::replay::Stop;

/// After so many configurations none of the other places is kept in mind.
const LINES: usize = 64;

/// Where a restart may go on to apply, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begins {
    /// Behind this index.
    pub at: Index,
    /// The configuration there.
    config: Config,
    /// How many entries of the bootstrap it applies again, to a configuration
    /// that has them all.
    pub again: u64,
    /// The change that went through a joint configuration, if that shows here.
    pub joint: Option<Index>,
}

/// Where else the last restart of a node may have gone on, and what it has applied
/// since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    others: Vec<Begins>,
    lines: Vec<Applied>,
    /// It was looked behind so many lines which of the others are left.
    looked: usize,
}

/// An `ApplyConfChange`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Applied {
    listed: Option<NodeSet>,
    /// The configuration before it.
    shown: Shown,
    /// Up to here a `Ready` had handed out what is committed.
    upto: Index,
}

/// Voters and outgoing voters.
type Shown = (NodeSet, NodeSet);

/// How far a node has applied, the configuration there, and how many entries of
/// the bootstrap it may apply again.
type Reached = (Index, Config, u64);

impl Doubt {
    /// Nothing applied yet; `None` where there is no other place.
    pub(super) fn between(others: &[Begins]) -> Option<Self> {
        (!others.is_empty()).then(|| Doubt {
            others: others.to_vec(),
            lines: Vec::new(),
            looked: 0,
        })
    }
}

impl Judge {
    /// Where a node that comes back may go on to apply, from what it shows: the
    /// first one first.
    pub(super) fn begins(&mut self, at: &At<'_>, boot: &Booting) -> Vec<Begins> {
        let node = self.node(at.event.nid);
        let (had_applied, open) = (node.had_applied, node.doubt.is_some());
        let handed_out = node.appliable;
        let own = self.follower.apply_entries(at.id, had_applied);
        let applied = match open {
            true => own.max(had_applied.max(handed_out).min(self.reaches_at_most(at))),
            false => own,
        };
        let had_applied = applied.min(Index(at.event.state.commit));
        self.node(at.event.nid).had_applied = had_applied;
        let upto = had_applied.max(Index(boot.base));
        self.begins_up_to(at, boot, upto)
    }

    /// Up to where a node may have applied, wherever it began: no change behind the
    /// last one that a line shows.
    fn reaches_at_most(&self, at: &At<'_>) -> Index {
        let Some(node) = self.node_of(at.id) else {
            return Index::ZERO;
        };
        let now = self.now(at);
        let here = (now.applied, now.config, node.again);
        let doubt = node.doubt.iter();
        let others = doubt.flat_map(|doubt| {
            let places = doubt.others.iter();
            places.filter_map(|other| self.place(at.id, other, &doubt.lines))
        });
        let next = others
            .chain([here])
            .map(|place| self.next_behind(at.id, &place));
        next.max().map_or(Index::ZERO, |next| Index(next.0 - 1))
    }

    fn begins_up_to(&self, at: &At<'_>, boot: &Booting, upto: Index) -> Vec<Begins> {
        let stored = boot.stored.as_ref().and_then(|conf| self.names.set(conf));
        let outgoing = self.names.set(&at.event.conf[1]);
        let (Some(member), Some(stored), Some(outgoing)) =
            (self.follower.member(at.id), stored, outgoing)
        else {
            return Vec::new();
        };
        let server = &member.server;
        let base = Index(boot.base);
        // How far, whether that is what it shows, and with which joint change.
        let mut here = (base, server.base, None);
        let mut all = Vec::new();
        let mut config = server.base;
        let changes = server.log.changes(Index::ZERO);
        for (index, change) in changes.take_while(|(index, _)| *index <= upto) {
            if index > base {
                all.push(here);
            }
            // Which way it went may not have shown before the crash.
            let term = server.log.term_at(index).unwrap_or_default();
            let open = self.seen.get(&(term, index)).filter(|seen| !seen.settled);
            let joint = open.map(|seen| shown(&config.after(&jointly(seen.change))));
            let before = config;
            config = before.after(&change);
            here = match joint == Some((stored, outgoing)) {
                true => {
                    let joint = open.map_or(config, |seen| before.after(&jointly(seen.change)));
                    (index.max(base), joint, Some(index))
                }
                false => (index.max(base), config, None),
            };
        }
        all.push(here);
        let bootstrap = self.bootstrapped_with().filter(|(voters, last)| {
            (stored, outgoing) == (*voters, NodeSet::EMPTY)
                && (base..=upto.max(*last)).contains(last)
        });
        let mut begins: Vec<Begins> = Vec::new();
        if let Some((_, last)) = bootstrap.filter(|(_, last)| last.0 <= at.event.state.commit) {
            // A bootstrap puts its configuration in force as a whole, so that who
            // has applied a part of it, or has a snapshot of a part, has all.
            let changes = server.log.changes(Index::ZERO);
            let all = changes.take_while(|(index, _)| *index <= last);
            let config = all.fold(server.base, |config, (_, change)| config.after(&change));
            begins.extend((1..=last.0 - base.0).rev().map(|again| Begins {
                at: last,
                config,
                again,
                joint: None,
            }));
        }
        let fitting = all.into_iter();
        let fitting = fitting.filter(|(_, config, _)| shown(config) == (stored, outgoing));
        begins.extend(fitting.map(|(at, config, joint)| Begins {
            at,
            config,
            again: 0,
            joint,
        }));
        begins.sort_by_key(|begins| begins.at);
        begins
    }

    /// The voters that a bootstrap began with, and where its entries end.
    fn bootstrapped_with(&self) -> Option<(NodeSet, Index)> {
        let Some(Start::Bootstrap(seen)) = &self.start else {
            return None;
        };
        let voters = self.names.set(seen.last()?)?;
        Some((voters, Index(seen.len() as u64)))
    }

    /// The change at `index` went through a joint configuration, as a restart
    /// shows.
    pub(super) fn was_joint(&mut self, id: NodeId, index: Index) {
        let member = self.follower.member(id);
        let term = member.and_then(|member| member.server.log.term_at(index));
        let term = term.unwrap_or_default();
        if let Some(seen) = self.seen.get_mut(&(term, index)) {
            seen.settled = true;
            seen.change = jointly(seen.change);
            let change = seen.change;
            let payload = Payload::Config { change };
            self.follower.rewrite(index, Entry { term, payload });
            self.ways_are_known();
        }
    }

    /// It is known which way a change goes: the configurations behind it are
    /// others.
    pub(super) fn ways_are_known(&mut self) {
        let (nodes, follower) = (&mut self.nodes, &self.follower);
        for node in nodes.values_mut() {
            let member = node.id.and_then(|id| follower.member(id));
            let (Some(member), Some(doubt)) = (member, &mut node.doubt) else {
                continue;
            };
            for begins in &mut doubt.others {
                let changes = member.server.log.changes(Index::ZERO);
                let before = changes.take_while(|(index, _)| *index <= begins.at);
                let joint = begins.joint;
                begins.config = before.fold(member.server.base, |config, (index, change)| {
                    match joint == Some(index) {
                        true => config.after(&jointly(change)),
                        false => config.after(&change),
                    }
                });
            }
        }
    }

    /// Where the line in hand does not fit where the node is taken to have applied
    /// to, it has applied further, if it may have.
    pub(super) fn goes_on_elsewhere(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let node = self.node(at.event.nid);
        let open = !matches!(node.deferred, Some(Deferred::Applied))
            && !matches!(node.expect.front(), Some(Expect::Restored));
        if !open {
            return Ok(());
        }
        let (again, Some(doubt)) = (node.again, node.doubt.take()) else {
            return Ok(());
        };
        self.goes_on(at, doubt, again, |judge, place| judge.fits(at, place))
    }

    /// It has applied up to `index`, as a snapshot of it shows, if it may have
    /// before its last restart.
    pub(super) fn has_applied_up_to(&mut self, at: &At<'_>, index: Index) -> Result<(), Stop> {
        let node = self.node(at.event.nid);
        if index > node.had_applied {
            return Ok(());
        }
        let again = node.again;
        if let Some(doubt) = node.doubt.take() {
            let reaches = |judge: &Self, place: &Reached| judge.next_behind(at.id, place) > index;
            self.goes_on(at, doubt, again, reaches)?;
        }
        self.follower.apply_entries(at.id, index);
        Ok(())
    }

    fn goes_on(
        &mut self,
        at: &At<'_>,
        mut doubt: Doubt,
        again: u64,
        fits: impl Fn(&Self, &Reached) -> bool,
    ) -> Result<(), Stop> {
        let now = self.now(at);
        let here = (now.applied, now.config, again);
        let reached = self.next_behind(at.id, &here);
        if doubt.looked < doubt.lines.len() {
            doubt.looked = doubt.lines.len();
            let others = std::mem::take(&mut doubt.others);
            let is_left = |other: &Begins| {
                let place = self.place(at.id, other, &doubt.lines);
                place.is_some_and(|place| {
                    let next = self.next_behind(at.id, &place);
                    next > reached || next == reached && place.2 != again
                })
            };
            doubt.others = others.into_iter().filter(is_left).collect();
        }
        if doubt.others.is_empty() || doubt.lines.len() > LINES {
            return Ok(());
        }
        if !fits(self, &here) {
            let ways = doubt
                .others
                .iter()
                .flat_map(|other| self.either_way(at.id, other, &doubt.lines))
                .flatten();
            let places = ways.filter_map(|other| {
                let place = self.place(at.id, &other, &doubt.lines)?;
                let next = self.next_behind(at.id, &place);
                (next >= reached && fits(self, &place)).then_some((next, place, other.joint))
            });
            if let Some((_, (applied, _, again), joint)) = places.min_by_key(|(next, ..)| *next) {
                if let Some(index) = joint {
                    self.was_joint(at.id, index);
                }
                self.apply_silently(at, applied)?;
                self.apply_entries(at.id);
                self.node(at.event.nid).again = again;
            }
        }
        self.node(at.event.nid).doubt = Some(doubt);
        Ok(())
    }

    /// The same place, and where the last change that was applied from there may
    /// have gone through a joint configuration, that way.
    fn either_way(&self, id: NodeId, begins: &Begins, lines: &[Applied]) -> [Option<Begins>; 2] {
        let last = self.place(id, begins, lines).map(|(applied, ..)| applied);
        let joint = last.filter(|last| *last > begins.at && self.is_open_way(id, *last));
        let joint = joint.map(|_| Begins {
            joint: last,
            ..*begins
        });
        [Some(*begins), joint]
    }

    /// Whether nothing has shown which way the change at `index` goes.
    fn is_open_way(&self, id: NodeId, index: Index) -> bool {
        let member = self.follower.member(id);
        let term = member.and_then(|member| member.server.log.term_at(index));
        let seen = self.seen.get(&(term.unwrap_or_default(), index));
        seen.is_some_and(|seen| !seen.settled)
    }

    /// Where the next change stands that is applied from there on.
    fn next_behind(&self, id: NodeId, (applied, _, again): &Reached) -> Index {
        if let (1.., Some((_, last))) = (*again, self.bootstrapped_with()) {
            return Index((last.0 + 1).saturating_sub(*again));
        }
        let next = self.change_behind(id, *applied);
        next.map_or(Index(u64::MAX), |(index, _)| index)
    }

    /// Where `id` has got if it began there; `None` where the lines since do not
    /// fit that.
    fn place(&self, id: NodeId, begins: &Begins, lines: &[Applied]) -> Option<Reached> {
        let after = |config: Config, (index, change): (Index, Change)| match begins.joint {
            Some(joint) if joint == index => config.after(&jointly(change)),
            _ => config.after(&change),
        };
        let mut place = (begins.at, begins.config, begins.again);
        for line in lines {
            let (applied, config, again) = &mut place;
            if shown(config) != line.shown {
                return None;
            }
            if *again > 0 {
                *again -= 1;
                match line.listed == Some(config.voters) {
                    true => continue,
                    false => return None,
                }
            }
            let next = self.change_behind(id, *applied);
            let next = next.filter(|(index, _)| *index <= line.upto)?;
            *config = after(*config, next);
            *applied = next.0;
            if line.listed != Some(config.voters) {
                return None;
            }
        }
        Some(place)
    }

    /// The first change behind `applied` in the log of `id`, also one that changes
    /// nothing.
    fn change_behind(&self, id: NodeId, applied: Index) -> Option<(Index, Change)> {
        let log = &self.follower.member(id)?.server.log;
        let idle = self.follower.idle.iter().filter(|at| at.index > applied);
        let mut idle = idle.filter(|at| log.has(**at));
        let idle = idle.next().map(|at| (at.index, IDLE));
        let next = log.changes(applied).next();
        next.into_iter().chain(idle).min_by_key(|(index, _)| *index)
    }

    /// Whether the line in hand may be one of a node that has got there.
    fn fits(&self, at: &At<'_>, place: &Reached) -> bool {
        let (applied, config, again) = place;
        let event = at.event;
        let [voters, outgoing] = [0, 1].map(|half| self.names.set(&event.conf[half]));
        if (voters, outgoing) != (Some(config.voters), Some(config.outgoing())) {
            return false;
        }
        let Some(node) = self.node_of(at.id) else {
            return true;
        };
        let listed = self.listed(event);
        if event.name == Name::ApplyConfChange {
            let next = self.change_behind(at.id, *applied);
            return match next.filter(|(index, _)| *again == 0 && *index <= node.appliable) {
                Some((_, change)) => listed == Some(config.after(&change).voters),
                None => *again > 0 && listed == Some(config.voters),
            };
        }
        let stands = event.name == Name::BecomeCandidate || event.role == Role::StatePreCandidate;
        let next = match stands && self.applies_late() {
            // It goes by what it was handed out.
            true => {
                let handed_out = node.appliable.max(*applied);
                self.next_behind(at.id, &(handed_out, *config, 0))
            }
            false => self.next_behind(at.id, place),
        };
        let applied_up_to = match stands {
            true => self.now(at).commit,
            false if self.shows_what_is_applied(event) => node.handed_out,
            false => Index::ZERO,
        };
        // A leader talks to the members, and hears only those.
        let other = event.msg.as_ref().and_then(|msg| match event.name {
            Name::SendAppendEntriesRequest => Some(msg.to),
            Name::ReceiveAppendEntriesResponse if !event.is_own() => Some(msg.from),
            _ => None,
        });
        let other = other.and_then(|name| self.names.id(name));
        next > applied_up_to && other.is_none_or(|id| config.members().contains(id))
    }

    /// How many changes `id` applies up to `to`.
    pub(super) fn changes_ahead(&self, id: NodeId, to: Index) -> usize {
        let applied = self.follower.member(id).map(|m| m.server.applied);
        let next = |applied: &Index| Some(self.change_behind(id, *applied)?.0);
        let ahead = std::iter::successors(applied, next).skip(1);
        ahead.take_while(|index| *index <= to).count()
    }

    /// Notes what an `ApplyConfChange` lists, for who may have begun elsewhere.
    pub(super) fn note_applied(&mut self, at: &At<'_>) {
        let shown = [0, 1].map(|half| self.names.set(&at.event.conf[half]));
        let listed = self.listed(at.event);
        let node = self.node(at.event.nid);
        let upto = node.appliable;
        if let (Some(doubt), [Some(voters), Some(outgoing)]) = (&mut node.doubt, shown) {
            doubt.lines.push(Applied {
                listed,
                shown: (voters, outgoing),
                upto,
            });
        }
    }

    /// Whether the `ApplyConfChange` in hand applies an entry of the bootstrap
    /// again, which the restart left open: what is in force has all of them.
    pub(super) fn is_of_the_bootstrap(&mut self, at: &At<'_>) -> bool {
        let (voters, listed) = (self.now(at).config.voters, self.listed(at.event));
        let node = self.node(at.event.nid);
        let is = node.again > 0 && listed == Some(voters);
        node.again -= u64::from(is);
        is
    }

    /// The voters that an `ApplyConfChange` lists; `None` when one is unknown.
    pub(super) fn listed(&self, event: &Event) -> Option<NodeSet> {
        let listed: Option<&Nids> = event.change().map(|cc| &cc.newconf);
        match listed {
            Some(listed) => self.names.set(listed),
            None => Some(NodeSet::EMPTY),
        }
    }

    /// Applies what is committed up to `to`, configurations too, without a line.
    pub(super) fn apply_silently(&mut self, at: &At<'_>, to: Index) -> Result<(), Stop> {
        while self.now(at).applied < to {
            self.follower.apply_entries(at.id, to);
            if self.now(at).applied < to {
                self.silent(at, at.id, Input::Apply)?;
            }
        }
        Ok(())
    }
}

/// What lines show of a configuration.
fn shown(config: &Config) -> Shown {
    (config.voters, config.outgoing())
}

/// The same change through a joint configuration.
fn jointly(change: Change) -> Change {
    Change {
        transition: Transition::Joint { auto_leave: false },
        ..change
    }
}
