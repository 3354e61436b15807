//! The judgement, event by event.

use std::collections::{BTreeMap, VecDeque};

use plimsoll_model::flaws::Flaw;
use plimsoll_model::ids::{Index, NodeId, NodeSet, Term};
use plimsoll_model::message::Message;
use plimsoll_model::refusal::Refusal;
use plimsoll_model::rules::{Input, Outcome};
use plimsoll_model::settings::{Dialect, Durability, PreVote, RemovedLeader, Settings, Storage};

use super::event::{Event, MsgType, Name, Role, SHOWN};
use super::features::{Conflict, Features, Switch};
use super::nid::{ByNid, Nid, Nids};
use super::questions::Questions;
use super::state::{Expect, Names, Node, Seen, differs};
use crate::replay::follow::{Fault, Follower, RoleKind, Scalars};
use crate::replay::kept::Kept;
use crate::replay::order::Judging;
use crate::replay::tally::Tally;
use crate::replay::{Options, Stop};
use crate::verdict::{Divergence, Facts, Ground, Place, RuleName, Stopped};

/// Judges a run of etcd-io/raft, event by event in causal order.
#[derive(Clone)]
pub(crate) struct Judge {
    /// The model of the run.
    pub follower: Follower,
    /// How many facts but those of states were checked, by kind.
    pub(super) facts: Tally<&'static str, Facts>,
    /// Whose settings are followed; known once the first node has booted.
    pub dialect: Dialect,
    /// Where storage was first seen to be asynchronous.
    pub overtaken: Option<Place>,
    pub(super) how: How,
    pub(super) features: Features,
    pub(super) names: Names,
    pub(super) nodes: ByNid<Node>,
    /// What every first boot shows, as the first node showed it.
    pub(super) start: Option<Start>,
    /// Changes of the configuration, by the position of their entry.
    pub(super) seen: Kept<(Term, Index), Seen>,
    /// Who was in each term, with a `Ready`.
    pub(super) terms: Kept<Term, NodeSet>,
    /// Elections that a leader may have told somebody to start.
    pub(super) told: Kept<(Term, NodeId), ()>,
    /// Pre-votes, and what each node can have answered.
    pub(super) questions: Questions,
    /// Who was taken to have its lines in another file.
    pub(super) missed: Vec<Nid>,
    /// What was said and lost in a crash before it could leave, the last of it, and
    /// where that shows.
    pub(super) lost: VecDeque<(Message, Place)>,
    /// The event at which each id was last given or proposed.
    pub(super) mentioned: Vec<u64>,
    /// A node has no id: 64 are members already, or its own was given away.
    pub(super) nameless: bool,
    /// The next restart kept other entries than it seems to.
    pub(super) keeps_other: usize,
    /// A message that was received shows that its sender has written something,
    /// though it may be one that reads so and is sent later.
    pub(super) hurried: bool,
    /// Where a configuration was applied behind something else.
    pub(super) seen_late: Option<Place>,
    /// How many events were judged.
    pub(super) events: u64,
    /// How many states were compared.
    states: u64,
}

/// How a run is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    /// The lines come in the order in which they happened.
    pub ordered: bool,
    /// The storage contract.
    pub storage: Storage,
    /// The contract was given, and no line can show another.
    pub storage_given: bool,
    /// Configurations may be applied behind something else, which is to be seen.
    pub late: bool,
    /// Every node of the run has a line, if only further down.
    pub all_there: bool,
    /// Without an order: who receives a message waits until its sender is seen to
    /// have written what it waits for, as long as anybody else can go on.
    pub patient: bool,
}

/// What the first boot of a node shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// One configuration an entry.
    Bootstrap(Vec<Nids>),
    /// A configuration that storage held, and where its log begins.
    Stored {
        config: Nids,
        last: Index,
        /// The term of the entry there; provisional until a line names it.
        term: Term,
        named: bool,
    },
}

/// A node, taken apart from the judge while an event of it is handled.
pub(super) struct At<'a> {
    pub event: &'a Event,
    pub place: &'a Place,
    pub id: NodeId,
}

impl Judge {
    /// A judge who has seen nothing.
    pub(super) fn new(how: How, options: &Options) -> Self {
        let dialect = Dialect::Etcd;
        let mut judge = Judge {
            follower: Follower::new(dialect.settings(Durability::Deferred), options.keep_run),
            facts: Tally::default(),
            dialect,
            overtaken: None,
            how,
            features: options.given.features(),
            names: Names::default(),
            nodes: ByNid::default(),
            start: None,
            seen: Kept::default(),
            terms: Kept::default(),
            told: Kept::default(),
            questions: Questions::default(),
            missed: Vec::new(),
            lost: VecDeque::new(),
            mentioned: Vec::new(),
            nameless: false,
            keeps_other: 0,
            seen_late: None,
            hurried: false,
            events: 0,
            states: 0,
        };
        judge.set_settings();
        judge.follower.holds_back = judge.queues();
        judge.follower.light = !options.keep_run;
        if options.count_faults {
            judge.follower.count_faults(&SHOWN, true);
        }
        if let Some(window) = options.window {
            judge.follower.keep(window);
            judge.seen.keep(window);
            judge.terms.keep(window);
            judge.told.keep(window);
        }
        judge
    }

    /// Puts what is known of the switches into the settings. What is open is
    /// followed: who hears a leader, who answers it.
    pub(super) fn set_settings(&mut self) {
        let settings = self.dialect.settings(Durability::Deferred);
        let watched = self.features.is(Switch::CheckQuorum) != Some(false);
        self.follower.settings = Settings {
            storage: self.how.storage,
            single_server_changes: true,
            joint_consensus: true,
            learners: true,
            sticky: watched,
            check_quorum: watched,
            pre_vote: match self.features.is(Switch::PreVote) {
                Some(true) => PreVote::Log,
                _ => PreVote::Off,
            },
            removed_leader: match self.features.is(Switch::StepDownOnRemoval) {
                Some(false) => RemovedLeader::LeadsOn,
                _ => RemovedLeader::StepsDown,
            },
            // The library goes by what it has handed out to be applied, and so
            // does the adapter (`elections.rs`).
            flaw: self
                .applies_late()
                .then_some(Flaw::CampaignsWithUnappliedConfiguration),
            ..settings
        };
    }

    /// Whether the application applies configurations behind something else.
    pub(super) fn applies_late(&self) -> bool {
        self.how.late || self.features.is(Switch::ApplyLate) == Some(true)
    }

    /// Whether storage is asynchronous.
    pub(super) fn queues(&self) -> bool {
        self.how.storage == Storage::Async
    }

    /// The nodes of the run: the name in the model, the name in the trace.
    pub(crate) fn nodes(&self) -> Vec<(String, String)> {
        let all = self.names.iter();
        all.map(|(id, name)| (id.to_string(), name.to_owned()))
            .collect()
    }

    /// How many facts were checked, by kind.
    pub(super) fn facts(&self) -> BTreeMap<&'static str, Facts> {
        let mut facts = self.facts.map();
        let compared = Facts {
            checked: self.states,
            of: self.states,
        };
        if self.states > 0 {
            for kind in ["term", "vote", "role", "commit", "log", "configuration"] {
                facts.insert(kind, compared);
            }
        }
        facts
    }

    /// Judges one event.
    ///
    /// # Errors
    /// Why the judgement ends here.
    pub(super) fn event(&mut self, event: &Event, place: &Place) -> Result<(), Stop> {
        self.events += 1;
        if let Name::SendSnapshot | Name::ReceiveSnapshot = event.name {
            return Err(inconclusive(Ground::Unsupported, event, place));
        }
        if self.names.has_gone(event.nid) {
            self.nameless = true;
            return Ok(());
        }
        if event.name == Name::InitState {
            return self.init(event, place);
        }
        let Some(node) = self.nodes.get(&event.nid) else {
            return Err(self.unbooted(event, place));
        };
        if node.booting.is_some() {
            self.booting(event, place)?;
            // It joined, and this is the first thing that it does.
            if !self.joined_by(event) {
                return Ok(());
            }
        }
        let id = self.nodes.get(&event.nid).and_then(|node| node.id);
        let Some(id) = id else {
            return Err(self.unbooted(event, place));
        };
        let at = At { event, place, id };
        self.goes_on_elsewhere(&at)?;
        self.write_under_way(&at)?;
        if self.resolve(&at)? {
            return Ok(());
        }
        if event.role == Role::StatePreCandidate {
            self.asks(&at)?;
        }
        if event.name == Name::Ready {
            // What it is here it was before, when it may have been asked.
            self.may_be_asked(id, self.events - 1);
        }
        if event.name != Name::Commit {
            self.node(event.nid).may_commit = false;
        }
        match event.name {
            Name::BecomeCandidate | Name::BecomeFollower | Name::BecomeLeader => {
                let judged = match event.name {
                    Name::BecomeCandidate => self.campaign(&at),
                    _ => self.became(&at),
                };
                judged.map_err(|stop| self.unless_alone(&at, stop))
            }
            Name::Replicate => self.replicate(&at),
            Name::ChangeConf => self.change(&at),
            Name::Commit => self.commit(&at),
            Name::Ready => self.ready(&at),
            Name::ApplyConfChange => self.apply(&at),
            name if name.is_receive() => self.receive(&at),
            _ => self.send(&at),
        }
    }

    /// Whether the boot that `event` was judged as part of has ended before it.
    fn joined_by(&self, event: &Event) -> bool {
        let node = self.nodes.get(&event.nid);
        node.is_some_and(|node| node.booting.is_none())
            && !matches!(event.name, Name::ApplyConfChange | Name::BecomeFollower)
    }

    fn unbooted(&self, event: &Event, place: &Place) -> Stop {
        if self
            .nodes
            .values()
            .all(|node| node.id.is_none() && node.booting.is_none())
        {
            return inconclusive(Ground::MidRun, event, place);
        }
        self.diverges(
            event,
            place,
            RuleName::new("a node acts only once it has booted", "-", FORMAT),
            format!("node {} has shown no InitState", event.nid),
            "an InitState first".into(),
        )
    }

    pub(super) fn node(&mut self, name: Nid) -> &mut Node {
        self.nodes.entry(name).or_default()
    }

    /// What is kept of the node that the model calls `id`.
    pub(super) fn node_of(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&self.names.of(id)?)
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
        self.states += 1;
        let mut model = *model;
        if self.node(at.event.nid).asks_itself {
            model.role = RoleKind::PreCandidate;
        }
        let Some(fact) = differs(at.event, &model, &self.names) else {
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
        let settings = self.follower.settings;
        self.step_under(at, &settings, input)
    }

    /// The same, under other settings.
    pub(super) fn step_under(
        &mut self,
        at: &At<'_>,
        settings: &Settings,
        input: Input,
    ) -> Result<Outcome, Stop> {
        self.follower
            .step_under(settings, at.id, input, at.place, false)
            .map_err(|fault| self.fault(at, fault))
    }

    /// Takes a step of the model that no line shows.
    pub(super) fn silent(
        &mut self,
        at: &At<'_>,
        id: NodeId,
        input: Input,
    ) -> Result<Outcome, Stop> {
        self.follower
            .step(id, input, at.place, true)
            .map_err(|fault| self.fault(at, fault))
    }

    pub(super) fn fault(&self, at: &At<'_>, fault: Fault) -> Stop {
        match fault {
            Fault::Forgotten { what } => forgotten(at, what),
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

    /// Notes what the line shows of a switch.
    pub(super) fn show(
        &mut self,
        at: &At<'_>,
        switch: Switch,
        on: bool,
        because: &'static str,
    ) -> Result<(), Stop> {
        let shown = self.features.show(switch, on, at.place, because);
        shown.map_err(|conflict| self.conflict(at, &conflict))?;
        self.set_settings();
        Ok(())
    }

    pub(super) fn conflict(&self, at: &At<'_>, conflict: &Conflict) -> Stop {
        let Conflict {
            switch,
            before,
            because,
        } = conflict;
        let was = if before.on { "on" } else { "off" };
        let stop = self.diverges(
            at.event,
            at.place,
            RuleName::new("a run has one configuration", "-", FORMAT),
            format!("{because}, but {switch} is {was}: {}", before.because),
            format!("what a node does with {switch} {was}"),
        );
        match (stop, &before.at) {
            (Stop::Diverges(mut divergence), Some(place)) => {
                let because = before.because.to_owned();
                divergence.because.push((place.clone(), because));
                Stop::Diverges(divergence)
            }
            (stop, _) => stop,
        }
    }

    /// Everything the last step obliged the node to show must have been shown
    /// before it does something new.
    pub(super) fn settle(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let node = self.node(at.event.nid);
        let appends = node.proposed.iter().any(Option::is_none);
        let expect = node.expect.front().cloned();
        let Some(expect) = expect.or(appends.then_some(Expect::OwnEntries)) else {
            // A change that is not appended by now was dropped.
            if at.event.name != Name::ChangeConf {
                node.proposed.clear();
            }
            return Ok(());
        };
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

    /// Notes what the step just taken obliges the node to show; `before` is
    /// given when the step may have changed its role.
    pub(super) fn oblige(&mut self, at: &At<'_>, before: Option<Scalars>) {
        let now = self.now(at);
        let mut expect: Vec<Expect> = Vec::new();
        let raised = before.is_some_and(|before| now.term > before.term);
        if let Some(before) = before {
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
        let node = self.node(at.event.nid);
        if raised || before.is_none() {
            node.asks_itself = false;
        }
        node.expect.extend(expect);
    }

    /// Whether the one file may hold a part of the run.
    pub(super) fn may_be_a_part(&self) -> bool {
        self.how.ordered && !self.how.all_there
    }

    /// Whether a node has shown itself.
    pub(super) fn has_lines(&self, id: NodeId) -> bool {
        let node = self.node_of(id);
        node.is_some_and(|node| node.id.is_some() || node.booting.is_some())
    }

    /// The same, unless it may be what others have said, and no other member of
    /// its configuration has a line: the trace is one node's part of a run.
    fn unless_alone(&mut self, at: &At<'_>, stop: Stop) -> Stop {
        let heard = [
            "a role changes for a reason",
            "an election is asked for first",
            "a majority would vote",
            "a lost vote ends the attempt",
        ];
        let others = self.now(at).config.members().without(at.id);
        let alone = others != NodeSet::EMPTY && !others.iter().any(|id| self.has_lines(id));
        match &stop {
            Stop::Diverges(found)
                if self.may_be_a_part() && alone && heard.contains(&found.rule.name.as_str()) =>
            {
                let others = others.iter().filter_map(|id| self.names.of(id));
                self.missed = others.collect();
                inconclusive(Ground::NodeMissing, at.event, at.place)
            }
            _ => stop,
        }
    }

    pub(super) fn diverges(
        &self,
        event: &Event,
        place: &Place,
        rule: RuleName,
        why: String,
        expected: String,
    ) -> Stop {
        let what = self.describe(event);
        let reason = format!("{what} {} {why}", rule.name);
        let id = self.names.id(event.nid);
        let because = id.map(|id| self.follower.because(id, &reason, place));
        Stop::Diverges(Box::new(Divergence {
            place: place.clone(),
            node: event.nid.to_string(),
            what,
            rule,
            why,
            expected,
            because: because.unwrap_or_default(),
            nearest: Vec::new(),
            agreed: Vec::new(),
        }))
    }
}

pub(super) const FORMAT: &str = "conformance/src/adapters/etcd_raft/mod.rs";
pub(super) const ELECTION: &str = "model/src/rules/election.rs";
pub(super) const MEMBERSHIP: &str = "model/src/rules/membership.rs";

pub(super) fn inconclusive(ground: Ground, event: &Event, place: &Place) -> Stop {
    Stop::Inconclusive(Stopped {
        ground,
        place: Some(place.clone()),
        what: format!("{:?} at node {}", event.name, event.nid),
    })
}

/// The line rests on what was forgotten.
pub(super) fn forgotten(at: &At<'_>, what: String) -> Stop {
    Stop::Inconclusive(Stopped {
        ground: Ground::Forgotten,
        place: Some(at.place.clone()),
        what: format!("{:?} at node {}; {what}", at.event.name, at.event.nid),
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

impl Judging for Judge {
    type Event = Event;

    fn lane<'a>(&self, event: &'a Event) -> &'a str {
        event.nid.as_str()
    }

    fn is_ready(&self, event: &Event) -> bool {
        let there = match self.how.patient {
            true => self.is_in_flight(event),
            false => self.has_arrived(event),
        };
        there && !self.awaits_others(event)
    }

    fn is_ready_silently(&self, event: &Event) -> bool {
        self.has_arrived(event)
    }

    fn has_come(&self, event: &Event) -> bool {
        self.has_arrived(event)
    }

    fn waits_for<'a>(&self, event: &'a Event) -> Option<&'a str> {
        let message = event.msg.as_ref().filter(|_| event.name.is_receive());
        message.map(|message| message.from.as_str())
    }

    fn sends(&self, later: &Event, event: &Event) -> bool {
        if later.name == Name::Ready {
            // It lets out what is queued.
            let pattern = event.msg.as_ref().and_then(|m| self.pattern(m));
            let queued = pattern.and_then(|pattern| self.waiting(&pattern));
            return queued.is_some_and(|(_, mark)| mark.is_none());
        }
        later.name.is_send() && later.msg.is_some() && later.msg == event.msg
    }

    fn may_be_forgotten(&self, event: &Event) -> bool {
        !self.has_arrived(event) && self.was_maybe_sent(event)
    }

    fn judge(&mut self, event: &Event, place: &Place) -> Result<(), Stop> {
        let judged = self.event(event, place);
        if self.nameless {
            return Err(inconclusive(Ground::Unsupported, event, place));
        }
        judged?;
        let events = self.events;
        let seen = |node: &mut Node| {
            node.last_seen = events;
            node.id
        };
        if let Some(id) = self.nodes.get_mut(&event.nid).and_then(seen) {
            self.follower.agree(id, place);
            self.may_be_asked(id, self.events);
            self.may_drop_its_own(event.nid, id);
            let term = self.follower.member(id).map(|m| m.server.term);
            let passed = &mut self.node(event.nid).passed;
            if event.name != Name::Ready && term.is_some() && passed.last().copied() != term {
                passed.extend(term);
            }
        }
        Ok(())
    }
}

impl Judge {
    /// Whether another node's lane may still show why `event` happens: the
    /// start of the run for who joins it, and that it joins, a term that the node has not heard of
    /// in any message, a leader that hands over.
    fn awaits_others(&self, event: &Event) -> bool {
        let Some(node) = self.nodes.get(&event.nid) else {
            return false;
        };
        if let Some(boot) = &node.booting {
            let starts = matches!(event.name, Name::ApplyConfChange | Name::BecomeFollower);
            let unknown = self.start.is_none() || self.names.id(event.nid).is_none();
            return node.id.is_none() && boot.restored && !starts && unknown;
        }
        let Some(id) = node.id else {
            return false;
        };
        if node.deferred.is_some() || !node.expect.is_empty() {
            return false;
        }
        let Some(member) = self.follower.member(id) else {
            return false;
        };
        match event.name {
            Name::BecomeFollower => {
                let term = Term(event.state.term);
                term > member.server.term && self.untraced(id, term).is_none()
            }
            Name::BecomeCandidate => {
                self.features.is(Switch::PreVote) == Some(true)
                    && matches!(member.server.role, plimsoll_model::server::Role::Follower)
                    && !node.asks_itself
                    && self.hands_over(id).is_none()
                    && !self.may_have_asked_again(id)
            }
            _ => false,
        }
    }

    /// Whether a line shows that storage is asynchronous: it comes before an
    /// acknowledgement of the node's own write that a `Ready` has covered.
    /// With synchronous storage nothing does, but for what belongs to the
    /// acknowledgement before it, and entries being applied.
    pub(super) fn overtakes(&self, event: &Event, node: &Node) -> bool {
        let covered = node.own.front().is_some_and(|(_, cover)| cover.is_some());
        if !covered {
            return false;
        }
        match event.name {
            Name::Ready | Name::BecomeCandidate => true,
            Name::Replicate | Name::ChangeConf => {
                !matches!(node.expect.front(), Some(Expect::Noop | Expect::OwnEntries))
            }
            // What nobody sent is no evidence of anything.
            name if name.is_receive() => !event.is_own() && self.has_arrived(event),
            Name::SendAppendEntriesRequest => event.carries(MsgType::MsgHeartbeat),
            _ => false,
        }
    }
}
