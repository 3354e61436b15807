//! The judgement, event by event.

use std::collections::{BTreeMap, HashMap};

use plimsoll_model::config::Config;
use plimsoll_model::ids::{Index, NodeId, Term};
use plimsoll_model::log::{Log, Payload};
use plimsoll_model::refusal::Refusal;
use plimsoll_model::rules::{Branch, Input, Outcome, commit};
use plimsoll_model::settings::{Dialect, Durability};

use super::event::{Event, MsgType, Name, Role};
use super::state::{Expect, Names, Node, Own, differs};
use crate::replay::Stop;
use crate::replay::follow::{Fault, Follower, RoleKind, Scalars};
use crate::replay::order::Judging;
use crate::verdict::{Divergence, Facts, Ground, Place, RuleName, Stopped};

/// Judges a run of etcd-io/raft, event by event in causal order.
#[derive(Clone)]
pub(crate) struct Judge {
    /// The model of the run.
    pub follower: Follower,
    /// How many facts were checked, by kind.
    pub facts: BTreeMap<&'static str, Facts>,
    /// Whose settings are followed; known once the first node has booted.
    pub dialect: Dialect,
    /// The last thing judged is what a crash left.
    pub recovery: bool,
    pub(super) names: Names,
    pub(super) nodes: HashMap<Box<str>, Node>,
    /// Configurations of the bootstrap entries, as the first node showed them.
    pub(super) bootstrap: Option<Vec<Vec<Box<str>>>>,
}

/// A node, taken apart from the judge while an event of it is handled.
pub(super) struct At<'a> {
    pub event: &'a Event,
    pub place: &'a Place,
    pub id: NodeId,
}

impl Judge {
    /// A judge who has seen nothing; `keep_run` keeps every action.
    pub(super) fn new(keep_run: bool) -> Self {
        let dialect = Dialect::Etcd;
        Judge {
            follower: Follower::new(dialect.settings(Durability::Deferred), keep_run),
            facts: BTreeMap::new(),
            dialect,
            recovery: false,
            names: Names::default(),
            nodes: HashMap::new(),
            bootstrap: None,
        }
    }

    /// The nodes of the run: the name in the model, the name in the trace.
    pub(super) fn nodes(&self) -> Vec<(String, String)> {
        let all = self.names.iter();
        all.map(|(id, name)| (id.to_string(), name.to_owned()))
            .collect()
    }

    /// Judges one event.
    ///
    /// # Errors
    /// Why the judgement ends here.
    pub(super) fn event(&mut self, event: &Event, place: &Place) -> Result<(), Stop> {
        let known = self.nodes.get(&event.nid);
        self.recovery = event.name == Name::InitState
            || known.is_some_and(|node| node.id.is_some() && node.booting.is_some());
        self.grounds(event, place)?;
        if event.name == Name::InitState {
            return self.init(event, place);
        }
        let known = self.nodes.get(&event.nid);
        let Some(node) = known else {
            return Err(self.unbooted(event, place));
        };
        if node.booting.is_some() {
            return self.booting(event, place);
        }
        let Some(id) = node.id else {
            return Err(self.unbooted(event, place));
        };
        let at = At { event, place, id };
        self.write_under_way(&at)?;
        if event.name != Name::Commit {
            self.node(&event.nid).may_commit = false;
        }
        match event.name {
            Name::BecomeCandidate => self.campaign(&at),
            Name::BecomeFollower | Name::BecomeLeader => self.became(&at),
            Name::Replicate => self.replicate(&at),
            Name::Commit => self.commit(&at),
            Name::Ready => self.ready(&at),
            Name::ApplyConfChange => self.apply(&at),
            name if name.is_receive() => self.receive(&at),
            _ => self.send(&at),
        }
    }

    /// What lies outside the model, whatever the node does.
    fn grounds(&self, event: &Event, place: &Place) -> Result<(), Stop> {
        let ground = match event.name {
            Name::ChangeConf => Ground::ConfigurationChange,
            Name::SendSnapshot | Name::ReceiveSnapshot => Ground::Snapshot,
            _ if event.role == Role::StatePreCandidate => Ground::PreCandidate,
            _ if !event.conf[1].is_empty() => Ground::JointConfiguration,
            _ if event
                .msg
                .as_ref()
                .is_some_and(|m| m.kind == MsgType::MsgSnap) =>
            {
                Ground::Snapshot
            }
            _ => return Ok(()),
        };
        Err(inconclusive(ground, event, place))
    }

    fn unbooted(&self, event: &Event, place: &Place) -> Stop {
        self.diverges(
            event,
            place,
            RuleName::new("a node acts only once it has booted", "-", FORMAT),
            format!("node {} has shown no InitState", event.nid),
            "an InitState first".into(),
        )
    }

    pub(super) fn node(&mut self, name: &str) -> &mut Node {
        self.nodes.entry(name.into()).or_default()
    }

    /// What the model has of the node, and the trace should show.
    pub(super) fn now(&self, at: &At<'_>) -> Scalars {
        match self.follower.member(at.id) {
            Some(member) => Scalars::of(&member.server),
            // An id is given only to nodes that have booted.
            None => unreachable!("{} has an id and no model", at.event.nid),
        }
    }

    /// Compares the state in the event with `model`.
    pub(super) fn check(&mut self, at: &At<'_>, model: &Scalars) -> Result<(), Stop> {
        for kind in ["term", "vote", "role", "commit", "log", "configuration"] {
            self.facts.entry(kind).or_default().note(true);
        }
        let Some(fact) = differs(at.event, model, &self.names) else {
            return Ok(());
        };
        let member = self.follower.member(at.id);
        let reason = member.and_then(|m| m.reason);
        let why = format!(
            "the line shows {} {}, but the steps before it lead to {}",
            fact.field, fact.trace, fact.model
        );
        let rule = match (fact.field, reason) {
            ("vote", Some(reason @ Refusal::VoteUsed { .. })) => reason.into(),
            (field, _) => state_rule(field),
        };
        let expected = format!("{} {}", fact.field, fact.model);
        Err(self.diverges(at.event, at.place, rule, why, expected))
    }

    /// Takes a step of the model that a line shows.
    pub(super) fn step(&mut self, at: &At<'_>, input: Input) -> Result<Outcome, Stop> {
        self.follower
            .step(at.id, input, at.place, false)
            .map_err(|fault| self.fault(at, fault))
    }

    /// Takes a step of the model that no line shows.
    pub(super) fn silent(&mut self, at: &At<'_>, id: NodeId, input: Input) -> Result<(), Stop> {
        match self.follower.step(id, input, at.place, true) {
            Ok(_) => Ok(()),
            Err(fault) => Err(self.fault(at, fault)),
        }
    }

    pub(super) fn fault(&self, at: &At<'_>, fault: Fault) -> Stop {
        match fault {
            Fault::Refused(refusal) => self.diverges(
                at.event,
                at.place,
                refusal.into(),
                refusal.to_string(),
                format!("{} does not do this here", at.id),
            ),
            Fault::Broken {
                property,
                section,
                file,
                why,
                other,
            } => {
                let rule = RuleName::new(property, section, file);
                let stop = self.diverges(
                    at.event,
                    at.place,
                    rule,
                    why,
                    "no such contradiction".into(),
                );
                match (stop, other) {
                    (Stop::Diverges(mut divergence), Some(other)) => {
                        divergence
                            .because
                            .push((other, "the other half of the contradiction".into()));
                        Stop::Diverges(divergence)
                    }
                    (stop, _) => stop,
                }
            }
        }
    }

    /// Everything the last step obliged the node to show must have been shown
    /// before it does something new.
    pub(super) fn settle(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let now = self.now(at);
        let node = self.node(&at.event.nid);
        let Some(expect) = node.expect.front().cloned() else {
            node.asked = false;
            node.stale = false;
            return Ok(());
        };
        // The model raised the term for a vote request that the node, inside
        // the lease of its leader, did not even look at.
        if node.asked && Term(at.event.state.term) < now.term {
            return Err(inconclusive(Ground::VoteRequestIgnored, at.event, at.place));
        }
        let reason = self.follower.member(at.id).and_then(|m| m.reason);
        let rule = match (&expect, reason) {
            (_, Some(reason)) => reason.into(),
            _ => RuleName::new("a handler runs to its end", "figure 2", FORMAT),
        };
        Err(self.diverges(
            at.event,
            at.place,
            rule,
            format!("before this, {expect}"),
            expect.to_string(),
        ))
    }

    /// The node's next event after a `Ready` shows that the write is complete.
    fn write_under_way(&mut self, at: &At<'_>) -> Result<(), Stop> {
        // What nobody sent is no evidence of anything.
        let arrived = self.has_arrived(at.event);
        let node = self.node(&at.event.nid);
        if node.covered > 0 && arrived && overtakes(at.event, node) {
            return Err(inconclusive(
                Ground::AsynchronousStorage,
                at.event,
                at.place,
            ));
        }
        if node.ready.take().is_some() {
            self.complete(at, at.id)?;
        }
        Ok(())
    }

    /// The write under way at `id` completes, if there is one.
    pub(super) fn complete(&mut self, at: &At<'_>, id: NodeId) -> Result<(), Stop> {
        let durable_commit = self.follower.settings.durable_commit;
        let idle = self
            .follower
            .member(id)
            .is_none_or(|m| m.server.is_synced(durable_commit) && m.server.outbox.is_empty());
        if idle {
            return Ok(());
        }
        self.silent(at, id, Input::WriteCompleted)
    }

    fn campaign(&mut self, at: &At<'_>) -> Result<(), Stop> {
        self.settle(at)?;
        self.step(at, Input::Campaign)?;
        let now = self.now(at);
        self.check(at, &now)?;
        self.oblige(at, None);
        Ok(())
    }

    /// Notes what the step just taken obliges the node to show; `before` is
    /// given when the step may have changed its role.
    pub(super) fn oblige(&mut self, at: &At<'_>, before: Option<Scalars>) {
        let now = self.now(at);
        let mut expect = Vec::new();
        if let Some(before) = before {
            let raised = now.term > before.term;
            let fell = before.role != RoleKind::Follower && now.role == RoleKind::Follower;
            if raised || fell {
                expect.push(Expect::Became(Scalars {
                    role: RoleKind::Follower,
                    term: now.term,
                    vote: if raised { None } else { before.vote },
                    ..before
                }));
            }
            if now.role == RoleKind::Leader && before.role != RoleKind::Leader {
                expect.push(Expect::Became(Scalars {
                    role: RoleKind::Leader,
                    ..before
                }));
                expect.push(Expect::Noop);
                expect.push(Expect::OwnEntries);
            }
        } else {
            expect.push(Expect::OwnVote);
        }
        if let Some(member) = self.follower.member_mut(at.id) {
            expect.extend(member.said.drain(..).map(Expect::Said));
        }
        self.node(&at.event.nid).expect.extend(expect);
    }

    fn became(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let role = match at.event.name {
            Name::BecomeLeader => RoleKind::Leader,
            _ => RoleKind::Follower,
        };
        let now = self.now(at);
        let node = self.node(&at.event.nid);
        if let Some(Expect::Became(state)) = node.expect.front().cloned()
            && state.role == role
        {
            node.expect.pop_front();
            node.asked = false;
            return self.check(at, &state);
        }
        if role == RoleKind::Follower {
            if now.role == RoleKind::Leader && at.event.state.term == now.term.0 {
                return Err(inconclusive(Ground::LeaderStepDown, at.event, at.place));
            }
            let term = Term(at.event.state.term);
            if term > now.term && self.follower.leader_of(term).is_some() {
                return Err(inconclusive(Ground::UntracedMessage, at.event, at.place));
            }
        }
        self.settle(at)?;
        let (rule, why, expected) = match role {
            RoleKind::Leader => {
                let votes = match self.follower.member(at.id).map(|m| &m.server.role) {
                    Some(plimsoll_model::server::Role::Candidate { granted, .. }) => {
                        format!("{} has votes of {granted} in term {}", at.id, now.term)
                    }
                    _ => format!("{} is no candidate", at.id),
                };
                (
                    RuleName::new("a majority elects", "§5.2", ELECTION),
                    format!("{votes}, no majority of {}", now.config),
                    format!("{} stays {}", at.id, now.role.name()),
                )
            }
            _ => (
                RuleName::new("a role changes for a reason", "§5.1", ELECTION),
                format!(
                    "nothing made {} a follower of term {}",
                    at.id, at.event.state.term
                ),
                format!("{} stays {} of term {}", at.id, now.role.name(), now.term),
            ),
        };
        Err(self.diverges(at.event, at.place, rule, why, expected))
    }

    fn replicate(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let node = self.node(&at.event.nid);
        match node.expect.front() {
            Some(Expect::Noop) => {
                node.expect.pop_front();
                node.unshown = 1;
            }
            // Several commands of one proposal: appended together at its end.
            Some(Expect::OwnEntries) if node.unshown > 0 => {
                self.append(at)?;
            }
            _ => {
                self.settle(at)?;
                self.append(at)?;
                let node = self.node(&at.event.nid);
                node.expect.push_back(Expect::OwnEntries);
            }
        }
        let unshown = self.node(&at.event.nid).unshown;
        let mut now = self.now(at);
        now.last.index = Index(now.last.index.0 - unshown);
        self.check(at, &now)
    }

    fn append(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let number = self.follower.next_write();
        self.step(at, Input::Write { number })?;
        self.node(&at.event.nid).unshown += 1;
        Ok(())
    }

    fn commit(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let node = self.node(&at.event.nid);
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

    fn ready(&mut self, at: &At<'_>) -> Result<(), Stop> {
        self.settle(at)?;
        let now = self.now(at);
        self.check(at, &now)?;
        let node = self.node(&at.event.nid);
        node.covered = node.own.len();
        node.ready = Some(at.place.clone());
        Ok(())
    }

    fn apply(&mut self, at: &At<'_>) -> Result<(), Stop> {
        self.settle(at)?;
        let now = self.now(at);
        self.check(at, &now)?;
        let newconf = at.event.prop.as_ref().and_then(|p| p.cc.as_ref());
        let shown = newconf.map(|cc| cc.newconf.as_slice()).unwrap_or_default();
        loop {
            let member = self.follower.member(at.id);
            let next = member.and_then(|m| m.server.log.entry(m.server.applied.next()));
            let is_config = next.is_some_and(|e| matches!(e.payload, Payload::Config { .. }));
            if is_config {
                break;
            }
            self.silent(at, at.id, Input::Apply)?;
        }
        let outcome = self.step(at, Input::Apply)?;
        debug_assert_eq!(outcome.branch, Branch::ConfigurationApplied);
        let now = self.now(at);
        let config = now.config;
        self.node(&at.event.nid).may_commit = now.role == RoleKind::Leader;
        if self.names.set(shown).map(Config::of) == Some(config) {
            return Ok(());
        }
        Err(self.diverges(
            at.event,
            at.place,
            RuleName::new("configurations come from the log", "§6", MEMBERSHIP),
            format!("the committed entry makes the voters {config}, the line says {shown:?}"),
            format!("voters {config}"),
        ))
    }

    /// Queues an acknowledgement to oneself.
    pub(super) fn own(&mut self, at: &At<'_>, own: Own) {
        self.node(&at.event.nid).own.push_back(own);
    }

    pub(super) fn diverges(
        &self,
        event: &Event,
        place: &Place,
        rule: RuleName,
        why: String,
        expected: String,
    ) -> Stop {
        let mut because = Vec::new();
        if let Some(member) = self
            .names
            .id(&event.nid)
            .and_then(|id| self.follower.member(id))
        {
            let id = member.server.id;
            if let Some(place) = &member.raised {
                because.push((
                    place.clone(),
                    format!("{id} came to term {}", member.server.term),
                ));
            }
            if let (Some(place), Some(vote)) = (&member.voted, member.server.vote) {
                because.push((place.clone(), format!("{id} voted for {vote}")));
            }
        }
        Stop::Diverges(Box::new(Divergence {
            place: place.clone(),
            node: event.nid.to_string(),
            what: self.describe(event),
            rule,
            why,
            expected,
            because,
        }))
    }
}

pub(super) const FORMAT: &str = "conformance/src/adapters/etcd_raft/mod.rs";
const ELECTION: &str = "model/src/rules/election.rs";
const MEMBERSHIP: &str = "model/src/rules/membership.rs";

pub(super) fn inconclusive(ground: Ground, event: &Event, place: &Place) -> Stop {
    Stop::Inconclusive(Stopped {
        ground,
        place: Some(place.clone()),
        what: format!("{:?} at node {}", event.name, event.nid),
    })
}

/// The rule behind a fact of a node's state.
fn state_rule(field: &str) -> RuleName {
    match field {
        "term" => RuleName::new("a term changes for a reason", "§5.1", ELECTION),
        "vote" => RuleName::new("a vote changes for a reason", "§5.2", ELECTION),
        "role" => RuleName::new("a role changes for a reason", "§5.2", ELECTION),
        "commit" => RuleName::new(
            "the commit index follows from what is replicated",
            "§5.3, §5.4.2",
            "model/src/rules/commit.rs",
        ),
        "log" => RuleName::new(
            "a log changes by appends",
            "§5.3",
            "model/src/rules/replication.rs",
        ),
        _ => RuleName::new("configurations come from the log", "§6", MEMBERSHIP),
    }
}

/// Whether `event` comes before an acknowledgement of the node's own write that
/// a `Ready` has covered: with synchronous storage nothing does, but for what
/// belongs to the acknowledgement before it, and entries being applied.
fn overtakes(event: &Event, node: &Node) -> bool {
    let own = event.msg.as_ref().is_some_and(|m| m.from == m.to);
    match event.name {
        Name::Ready | Name::BecomeCandidate => true,
        Name::Replicate => !matches!(node.expect.front(), Some(Expect::Noop | Expect::OwnEntries)),
        name if name.is_receive() => !own,
        Name::SendAppendEntriesRequest => {
            let message = event.msg.as_ref();
            message.is_some_and(|m| m.kind == MsgType::MsgHeartbeat)
        }
        _ => false,
    }
}

impl Judging for Judge {
    type Event = Event;

    fn lane<'a>(&self, event: &'a Event) -> &'a str {
        &event.nid
    }

    fn is_ready(&self, event: &Event) -> bool {
        self.has_arrived(event) && !self.awaits_a_leader(event)
    }

    fn is_ready_silently(&self, _: &Event) -> bool {
        false
    }

    fn judge(&mut self, event: &Event, place: &Place) -> Result<(), Stop> {
        self.event(event, place)
    }
}

impl Judge {
    /// Whether `event` shows a term whose leader has not been seen yet: another
    /// node's lane may still show it.
    fn awaits_a_leader(&self, event: &Event) -> bool {
        let Some(node) = self.nodes.get(&event.nid) else {
            return false;
        };
        let term = Term(event.state.term);
        let member = node.id.and_then(|id| self.follower.member(id));
        event.name == Name::BecomeFollower
            && node.booting.is_none()
            && node.expect.is_empty()
            && member.is_some_and(|m| term > m.server.term)
            && self.follower.leader_of(term).is_none()
    }
}
