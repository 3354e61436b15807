//! The judgement, line by line.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use plimsoll_model::config::Config;
use plimsoll_model::ids::{Index, NodeId, NodeSet, Position, ReadId, SERVERS_MAX};
use plimsoll_model::refusal::Refusal;
use plimsoll_model::rules::{Input, Outcome, commit};
use plimsoll_model::settings::{Configuration, Durability, Settings};
use plimsoll_trace::{Cause, CauseKind, Field, Header, Roster, SmolStr, Step};

use super::acks::KnownRead;
use super::named::Named;
use super::readings::Way;
use super::reads::Asked;
use super::unlogged::Unlogged;
use crate::replay::flights::{Mixed, Tag};
use crate::replay::follow::{Fault, Follower, RoleKind, Scalars};
use crate::replay::kept::Kept;
use crate::replay::order::Judging;
use crate::replay::pattern::Pattern;
use crate::replay::tally::Tally;
use crate::replay::{Options, Stop, faults, live};
use crate::verdict::{Divergence, Facts, Ground, Place, RuleName, Stopped};

/// Judges a run in Plimsoll's format, line by line in causal order.
#[derive(Clone)]
pub(crate) struct Judge {
    /// The model of the run.
    pub follower: Follower,
    /// How many facts were checked, by kind.
    pub facts: Tally<&'static str, Facts>,
    pub(super) header: Header,
    /// The nodes of the header, whose places are their numbers in the model.
    roster: Roster,
    /// Which message an id names, in the model and as it was shown.
    pub(super) by_id: Kept<u128, Named, BuildHasherDefault<Mixed>>,
    /// The nodes that have shown a message without an id.
    pub(super) unnamed: NodeSet,
    /// The nodes that have a line anywhere in the run's files.
    pub(super) all: NodeSet,
    /// Which read a context of a leader and its term stands for.
    pub(super) contexts: Kept<(NodeId, u64, SmolStr), ReadId>,
    /// Reads that leaders took for themselves, by the client operation.
    pub(super) reads: Kept<String, Vec<KnownRead>>,
    /// The largest index of a read that was forgotten.
    pub(super) forgotten_read: Option<Index>,
    /// Reads that followers have asked about.
    pub(super) asked: Asked,
    /// The content hash of each snapshot, by position.
    pub(super) snapshots: Kept<Position, (u64, Place)>,
    pub(super) next_read: u32,
    /// How the next line is to be read, if not as this judge would by itself.
    pub(super) chosen: Option<Way>,
    /// What messages were told by that were taken before others like them could
    /// be sent, and which of those that read so there were.
    pub(super) early: Vec<(Pattern, Vec<Tag>)>,
    /// The client operation of each write, by number.
    pub(super) ops: Kept<u32, String>,
    /// Every client operation that was written.
    pub(super) written: Kept<String, ()>,
    /// The content hash of each entry, by position.
    pub(super) hashes: Kept<(u64, u64), (u64, Place)>,
    /// What each node's lines showed last of each part of the state.
    pub(super) shown: HashMap<NodeId, Shown, BuildHasherDefault<Mixed>>,
    /// Steps without logged sends.
    pub(super) unlogged: Unlogged,
}

/// What a node's lines showed last.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// Of each part of the state.
    pub state: Arc<plimsoll_trace::State>,
    /// Of what is durable.
    pub durable: Arc<plimsoll_trace::Durable>,
    /// The model's configuration, with which the one of the state agreed.
    pub config: Option<Config>,
}

/// A line while it is handled.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub step: &'a Step,
    pub place: &'a Place,
    pub id: NodeId,
}

impl Judge {
    pub(super) fn new(mut header: Header, settings: Settings, options: &Options) -> Self {
        // In the model the voters of the start come first.
        let voters = header.config.voters.clone();
        header.nodes.sort_by_key(|node| !voters.contains(node));
        let mut follower = Follower::new(settings, options.keep_run);
        let on = header.features.iter();
        follower.switches = on
            .map(|name| (name.clone(), "on, stated in the header".to_owned()))
            .collect();
        follower.light = !options.keep_run;
        let nodes = header.nodes.len();
        let mut judge = Judge {
            follower,
            facts: Tally::default(),
            roster: header.nodes.iter().collect(),
            header,
            by_id: Kept::default(),
            unnamed: NodeSet::EMPTY,
            all: NodeSet::EMPTY,
            contexts: Kept::default(),
            reads: Kept::default(),
            forgotten_read: None,
            asked: Asked::default(),
            snapshots: Kept::default(),
            next_read: 0,
            chosen: None,
            early: Vec::new(),
            ops: Kept::default(),
            written: Kept::default(),
            hashes: Kept::default(),
            shown: HashMap::default(),
            unlogged: Unlogged::default(),
        };
        if options.count_faults {
            judge.follower.count_faults(&faults::KINDS, false);
        }
        if let Some(window) = options.window {
            judge.keep(window, nodes);
        }
        judge
    }

    /// Keeps as much as `window` says of what grows with the run.
    fn keep(&mut self, window: usize, nodes: usize) {
        self.follower.keep(window);
        // A link of each two nodes, in both directions.
        let links = nodes * nodes.saturating_sub(1);
        self.by_id.keep(window.saturating_mul(links));
        self.contexts.keep(window);
        self.reads.keep(window);
        self.asked.keep(window);
        self.snapshots.keep(window);
        self.ops.keep(window);
        self.written.keep(window);
        self.hashes.keep(window);
        self.unlogged.keep(window);
    }

    /// How much is kept, and how much was forgotten.
    pub(super) fn kept(&self) -> live::Kept {
        let mut kept = live::Kept::of(&self.follower);
        let kinds = [
            ("ids", self.by_id.len(), self.by_id.forgotten()),
            ("contexts", self.contexts.len(), self.contexts.forgotten()),
            ("reads", self.reads.len(), self.reads.forgotten()),
            ("asked", self.asked.len(), self.asked.forgotten()),
            (
                "snapshots",
                self.snapshots.len(),
                self.snapshots.forgotten(),
            ),
            (
                "operations",
                self.ops.len() + self.written.len(),
                self.ops.forgotten(),
            ),
            ("hashes", self.hashes.len(), self.hashes.forgotten()),
            ("unlogged", self.unlogged.len(), self.unlogged.forgotten()),
        ];
        for (kind, len, forgotten) in kinds {
            kept.note(kind, len);
            kept.forgotten += forgotten;
        }
        kept
    }

    /// The nodes of the run: the name in the model, the name in the trace.
    pub(crate) fn nodes(&self) -> Vec<(String, String)> {
        let all = self.header.nodes.iter().enumerate().take(SERVERS_MAX);
        all.map(|(i, name)| {
            let id = NodeId::from_position(i);
            (id.to_string(), name.as_str().to_owned())
        })
        .collect()
    }

    /// The node of this name; none behind as many as the model holds, where no
    /// line is judged.
    #[inline]
    pub(super) fn id(&self, name: &plimsoll_trace::NodeName) -> Option<NodeId> {
        let place = self.roster.place(name)?;
        (place < SERVERS_MAX).then(|| NodeId::from_position(place))
    }

    #[inline]
    pub(super) fn now(&self, at: &At<'_>) -> Option<Scalars> {
        self.follower
            .member(at.id)
            .map(|member| Scalars::of(&member.server))
    }

    fn line(&mut self, at: &At<'_>) -> Result<(), Stop> {
        if matches!(at.step.cause, Cause::Resume) {
            return Err(self.inconclusive(at, Ground::MidRun));
        }
        self.forget_begun();
        let last = self.now(at).map(|now| now.last);
        if self.deposes(at) {
            self.release_until(at, None)?;
        }
        if let Cause::Start = at.step.cause {
            self.start(at)?;
        } else {
            if self.follower.member(at.id).is_none() {
                return Err(self.diverges(
                    at,
                    RuleName::new("a node acts only once it has booted", "-", FORMAT),
                    format!("{} has shown no `start`", at.id),
                    "a `start` first".into(),
                ));
            }
            if !matches!(at.step.cause, Cause::Persisted) {
                self.leaves_before(at)?;
            }
            self.forgets_leader(at)?;
            self.cause(at)?;
        }
        self.role(at)?;
        self.leaves_joint(at)?;
        self.timers(at)?;
        self.commit_as(at, at.step.state.commit.map(|c| Index(c.get())))?;
        // What is applied or durably committed is committed.
        for shown in [at.step.state.applied, at.step.durable.commit] {
            self.commit_if(at, shown.map(|c| Index(c.get())))?;
        }
        self.sends(at)?;
        self.acks(at)?;
        self.appended(at, last)?;
        self.check(at)
    }

    /// Where `append` is always recorded, a log that has grown shows it.
    fn appended(&self, at: &At<'_>, before: Option<Position>) -> Result<(), Stop> {
        let (Some(before), Some(now)) = (before, self.now(at)) else {
            return Ok(());
        };
        let grown = now.last.index > before.index || now.last.term > before.term;
        if !grown || at.step.append.is_some() || !self.declared(Field::Append) {
            return Ok(());
        }
        // A snapshot that replaces the log shows as the message that brought it.
        let replaced = match &at.step.cause {
            Cause::Receive(message) => {
                matches!(message.body, plimsoll_trace::Body::Snapshot { .. })
            }
            _ => false,
        };
        if replaced || matches!(at.step.cause, Cause::Start) {
            return Ok(());
        }
        Err(self.diverges(
            at,
            RuleName::new("a log changes by appends", "§5.3", REPLICATION),
            format!(
                "the line appends nothing, but the log grows to {}",
                now.last
            ),
            format!("an append up to {}", now.last),
        ))
    }

    pub(super) fn inconclusive(&self, at: &At<'_>, ground: Ground) -> Stop {
        Stop::Inconclusive(Stopped {
            ground,
            place: Some(at.place.clone()),
            what: format!("{} at node {}", at.step.cause.kind_name(), at.id),
        })
    }

    fn cause(&mut self, at: &At<'_>) -> Result<(), Stop> {
        match &at.step.cause {
            Cause::Start | Cause::Resume | Cause::Tick | Cause::Other { .. } => Ok(()),
            Cause::Change(_)
            | Cause::Transfer { .. }
            | Cause::Compact { .. }
            | Cause::CheckQuorum => self.order(at),
            Cause::Read { op } => self.asks(at, op.as_str()),
            Cause::Campaign => self.step(at, Input::Campaign).map(drop),
            Cause::Receive(message) => self.receive(at, message),
            Cause::Write { op } => {
                let number = self.follower.next_write();
                self.lead(at)?;
                self.takes_again(at)?;
                self.step(at, Input::Write { number })?;
                self.ops.insert(number, op.as_str().to_owned());
                self.written.insert(op.as_str().to_owned(), ());
                Ok(())
            }
            Cause::Persisted => {
                self.lead_if_longer(at)?;
                if self.follower.settings.queues_writes() {
                    return self.oldest_persisted(at);
                }
                let durable_commit = self.follower.settings.durable_commit;
                let idle = self.follower.member(at.id).is_none_or(|m| {
                    m.server.is_synced(durable_commit) && m.server.outbox.is_empty()
                });
                if idle {
                    return Ok(());
                }
                self.commit_if(at, at.step.durable.commit.map(|c| Index(c.get())))?;
                self.step(at, Input::WriteCompleted).map(drop)
            }
            Cause::Apply { index } => {
                let index = Index(index.get());
                self.commit_if(at, Some(index))?;
                while self.now(at).is_some_and(|now| now.applied < index) {
                    self.before_change(at);
                    self.step(at, Input::Apply)?;
                }
                Ok(())
            }
        }
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

    /// Takes a step that no line shows if the rules let it; says whether.
    pub(super) fn attempt(&mut self, at: &At<'_>, id: NodeId, input: Input) -> Result<bool, Stop> {
        match self.follower.step(id, input, at.place, true) {
            Ok(_) => Ok(true),
            Err(Fault::Refused(_)) => Ok(false),
            Err(fault) => Err(self.fault(at, fault)),
        }
    }

    fn fault(&self, at: &At<'_>, fault: Fault) -> Stop {
        match fault {
            Fault::Forgotten { what } => self.forgotten(at, what),
            Fault::Refused(refusal) => self.refused(at, refusal),
            Fault::Broken {
                property,
                section,
                file,
                why,
                other,
            } => {
                let rule = RuleName::new(property, section, file);
                let mut stop = self.diverges(at, rule, why, "no such contradiction".into());
                if let (Stop::Diverges(divergence), Some(other)) = (&mut stop, other) {
                    let half = (other, "the other half of the contradiction".to_owned());
                    divergence.because.push(half);
                }
                stop
            }
        }
    }

    pub(super) fn refused(&self, at: &At<'_>, refusal: Refusal) -> Stop {
        let expected = format!("{} does not do this here", at.id);
        self.diverges(at, refusal.into(), refusal.to_string(), expected)
    }

    /// Whether the node must lead for what the line shows: a candidate whose own
    /// vote is all that is missing has counted it.
    pub(super) fn lead(&mut self, at: &At<'_>) -> Result<(), Stop> {
        if self
            .now(at)
            .is_some_and(|now| now.role == RoleKind::Candidate)
        {
            self.attempt(at, at.id, Input::CountOwnVote)?;
        }
        Ok(())
    }

    /// A leader shows: it says so, or its log has grown by its no-op.
    fn role(&mut self, at: &At<'_>) -> Result<(), Stop> {
        if at.step.state.role == Some(plimsoll_trace::Role::Leader) {
            return self.lead(at);
        }
        self.lead_if_longer(at)
    }

    /// A candidate whose log shows longer than it is has won and appended its
    /// no-op.
    pub(super) fn lead_if_longer(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let append = at.step.append.as_ref().map(|a| a.last_index().get());
        let last = at.step.state.last.map(|last| last.index.get());
        let durable = at.step.durable.last.map(|last| last.index.get());
        let shown = append.max(last).max(durable);
        let now = self.now(at);
        if now.is_some_and(|now| shown > Some(now.last.index.0)) {
            self.lead(at)?;
        }
        Ok(())
    }

    /// Raises a leader's commit index to `to`, if the rules let it: an earlier
    /// line may have left out that it rose.
    pub(super) fn commit_if(&mut self, at: &At<'_>, to: Option<Index>) -> Result<(), Stop> {
        let (Some(to), Some(now)) = (to, self.now(at)) else {
            return Ok(());
        };
        if to > now.commit && now.role == RoleKind::Leader {
            let own = self.follower.member(at.id).map(|m| m.server.durable.shared);
            if !self.attempt(at, at.id, Input::AdvanceCommit { to })?
                && let Some(own) = own
            {
                self.attempt(at, at.id, Input::CountOwnEntries { to: own })?;
                self.attempt(at, at.id, Input::AdvanceCommit { to })?;
            }
        }
        Ok(())
    }

    /// Raises a leader's commit index to `to`, if it is not there yet.
    pub(super) fn commit_as(&mut self, at: &At<'_>, to: Option<Index>) -> Result<(), Stop> {
        let (Some(to), Some(now)) = (to, self.now(at)) else {
            return Ok(());
        };
        if to <= now.commit || now.role != RoleKind::Leader {
            return Ok(());
        }
        let settings = self.follower.settings;
        let refusal = self.follower.member(at.id).and_then(|m| {
            let may = commit::may_advance(&m.server, to, &settings);
            may.err()
        });
        if let Some(Refusal::NoQuorum { .. }) = refusal {
            let durable = self.follower.member(at.id).map(|m| m.server.durable.shared);
            if let Some(to) = durable {
                self.attempt(at, at.id, Input::CountOwnEntries { to })?;
            }
        }
        let advanced = self.step(at, Input::AdvanceCommit { to });
        advanced.map(drop).map_err(|mut stop| {
            // What is wrong in the line is that, and not what caused it.
            if let Stop::Diverges(divergence) = &mut stop {
                divergence.expected = format!("commit {}", now.commit);
            }
            stop
        })
    }

    /// Whether the line ends the node's leadership.
    fn deposes(&self, at: &At<'_>) -> bool {
        match &at.step.cause {
            Cause::Start => true,
            Cause::Receive(message) => {
                let now = self.now(at);
                let later = now.is_some_and(|now| message.term.get() > now.term.0);
                // What is asked about a term raises none, and with stickiness a
                // leader takes no notice of who asks for votes.
                let entered = match message.body {
                    plimsoll_trace::Body::RequestPreVote { .. }
                    | plimsoll_trace::Body::PreVote { granted: true } => false,
                    plimsoll_trace::Body::RequestVote { forced, .. } => {
                        forced || !self.follower.settings.is_sticky()
                    }
                    _ => true,
                };
                later && entered
            }
            _ => false,
        }
    }

    /// A divergence that a step without a line could explain is none: causes
    /// that the header does not declare complete may be missing, and so may
    /// whole nodes of the run.
    pub(crate) fn allow_for_the_unseen(&self, stop: Stop) -> Stop {
        let Stop::Diverges(divergence) = &stop else {
            return stop;
        };
        let settings = &self.follower.settings;
        let mut needed = vec![CauseKind::Campaign, CauseKind::Receive, CauseKind::Write];
        if settings.durability == Durability::Deferred {
            needed.push(CauseKind::Persisted);
        }
        if settings.configuration == Configuration::Applied {
            needed.push(CauseKind::Apply);
        }
        if self.header.version >= 2 {
            needed.extend([CauseKind::Transfer, CauseKind::Compact]);
        }
        if settings.changes() {
            needed.push(CauseKind::Change);
        }
        if settings.check_quorum {
            needed.push(CauseKind::CheckQuorum);
        }
        // That a node leads, that a leader commits, and that it leaves a joint
        // configuration is its own choice, and shows nowhere else.
        let mut shown = vec![Field::StateRole, Field::StateCommit];
        if settings.joint_consensus {
            shown.push(Field::Append);
        }
        let unlogged = needed.iter().any(|kind| !self.declared_cause(*kind))
            || shown.iter().any(|field| !self.declared(*field));
        let missing = self.all.len() < self.header.nodes.len();
        let ground = match (missing, unlogged) {
            (true, _) => Ground::NodeMissing,
            (false, true) => Ground::UnloggedStep,
            (false, false) if self.went_too_early() => Ground::Readings,
            (false, false) => return stop,
        };
        Stop::Inconclusive(Stopped {
            ground,
            place: Some(divergence.place.clone()),
            what: format!("{}; {}", divergence.what, divergence.why),
        })
    }

    pub(super) fn declared(&self, field: Field) -> bool {
        self.header.complete.field(field)
    }

    pub(super) fn declared_cause(&self, kind: CauseKind) -> bool {
        self.header.complete.cause(kind)
    }

    pub(super) fn diverges(
        &self,
        at: &At<'_>,
        rule: RuleName,
        why: String,
        expected: String,
    ) -> Stop {
        let what = self.describe(at);
        let because =
            self.follower
                .because(at.id, &format!("{what} {} {why}", rule.name), at.place);
        Stop::Diverges(Box::new(Divergence {
            place: at.place.clone(),
            node: at.step.node.as_str().to_owned(),
            what,
            rule,
            why,
            expected,
            because,
            nearest: Vec::new(),
            agreed: Vec::new(),
        }))
    }

    /// What a line shows, in a sentence.
    fn describe(&self, at: &At<'_>) -> String {
        let term = at.step.state.term.map(|t| t.get());
        let term = term.or_else(|| self.now(at).map(|now| now.term.0));
        let who = format!("{}@{}", at.id, term.unwrap_or_default());
        match &at.step.cause {
            Cause::Start => format!("{} starts", at.id),
            Cause::Campaign => format!("{who} starts an election"),
            Cause::Receive(message) => match self.pattern(message) {
                Some(pattern) => format!("{who} receives {pattern}"),
                None => format!("{who} receives {}", message.body.kind()),
            },
            Cause::Write { op } => format!("{who} appends write {op}"),
            Cause::Read { op } => format!("{who} takes read {op}"),
            Cause::Persisted => format!("{who}'s write completes"),
            Cause::Apply { index } => format!("{who} applies up to {}", index.get()),
            Cause::Change(change) => {
                format!("{who} appends the change {}", self.change_of(change))
            }
            Cause::Transfer { to } => format!("{who} hands over to {}", to.as_str()),
            Cause::Compact { index } => format!("{who} compacts its log up to {}", index.get()),
            Cause::CheckQuorum => format!("{who} looks who answers"),
            Cause::Tick => format!("{who}'s timer ticks"),
            Cause::Resume => format!("{who} resumes"),
            Cause::Other { what } => format!("{who}: {what}"),
        }
    }
}

trait KindName {
    fn kind_name(&self) -> String;
}

impl KindName for Cause {
    fn kind_name(&self) -> String {
        format!("{:?}", self.kind()).to_lowercase()
    }
}

pub(super) const FORMAT: &str = "docs/trace-format.md";
pub(super) const READS: &str = "model/src/rules/reads.rs";
const REPLICATION: &str = "model/src/rules/replication.rs";
pub(super) const COMMIT: &str = "model/src/rules/commit.rs";

impl Judging for Judge {
    type Event = Step;

    fn lane<'a>(&self, step: &'a Step) -> &'a str {
        step.node.as_str()
    }

    fn is_ready(&self, step: &Step) -> bool {
        match &step.cause {
            Cause::Receive(message) => self.has_arrived(message) && !self.may_come(message),
            _ => true,
        }
    }

    fn is_ready_silently(&self, step: &Step) -> bool {
        match &step.cause {
            Cause::Receive(message) => self.may_arrive(message) || self.has_arrived(message),
            _ => false,
        }
    }

    fn may_be_unlogged(&self, step: &Step) -> bool {
        matches!(&step.cause, Cause::Receive(message) if self.may_be_unlogged(message))
    }

    fn has_come(&self, step: &Step) -> bool {
        matches!(&step.cause, Cause::Receive(message) if self.has_arrived(message))
    }

    fn goes_early(&mut self, step: &Step) {
        self.note_early(step);
    }

    fn waits_for<'a>(&self, step: &'a Step) -> Option<&'a str> {
        match &step.cause {
            Cause::Receive(message) => Some(message.from.as_str()),
            _ => None,
        }
    }

    fn sends(&self, later: &Step, step: &Step) -> bool {
        let Cause::Receive(awaited) = &step.cause else {
            return false;
        };
        let mut sent = later.send.iter().flatten();
        sent.any(|message| match &awaited.id {
            Some(id) => message.id.as_ref() == Some(id),
            None => message == awaited,
        })
    }

    fn may_be_forgotten(&self, step: &Step) -> bool {
        match &step.cause {
            Cause::Receive(message) => {
                let pattern = self.pattern(message);
                let forgotten = |p| self.may_have_forgotten(message, &p);
                !self.has_arrived(message) && pattern.is_some_and(forgotten)
            }
            _ => false,
        }
    }

    fn judge(&mut self, step: &Step, place: &Place) -> Result<(), Stop> {
        // The reader has held that the header lists the node.
        let Some(id) = self.id(&step.node) else {
            return Ok(());
        };
        let at = At { step, place, id };
        self.line(&at)?;
        self.follower.agree(id, place);
        Ok(())
    }
}
