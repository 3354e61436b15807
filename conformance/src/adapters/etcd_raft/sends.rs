//! Messages: what arrives must have been sent, what is sent must follow from
//! what the node did.

use plimsoll_model::config::Config;
use plimsoll_model::ids::{Index, NodeId, Position, Term};
use plimsoll_model::log::Log;
use plimsoll_model::message::{Body, Message};
use plimsoll_model::refusal::Refusal;
use plimsoll_model::rules::{Branch, Input};
use plimsoll_model::server::Role;

use super::event::{Event, Msg, MsgType, Name};
use super::judge::{At, FORMAT, Judge, forgotten, inconclusive};
use super::state::{Expect, Own};
use super::storage::{DURABILITY, own_of};
use crate::replay::Stop;
use crate::replay::follow::{Fault, RoleKind};
use crate::replay::pattern::{Pattern, Shape};
use crate::verdict::{Ground, Place, RuleName};

const REPLICATION: &str = "model/src/rules/replication.rs";

impl Judge {
    /// What the trace says of a message; `None` when a node in it is unknown.
    pub(super) fn pattern(&self, message: &Msg) -> Option<Pattern> {
        let position = |index, term| Position::new(Index(index), Term(term));
        let body = match message.kind {
            MsgType::MsgVote => Shape::RequestVote {
                last: Some(position(message.index, message.log_term)),
            },
            MsgType::MsgVoteResp => Shape::Vote {
                granted: Some(!message.reject),
            },
            MsgType::MsgApp => Shape::Append {
                prev: Some(position(message.index, message.log_term)),
                count: Some(message.entries),
                terms: None,
                commit: Some(Index(message.commit)),
            },
            MsgType::MsgAppResp => Shape::AppendAck {
                reject: Some(message.reject),
                index: Some(Index(message.index)),
                hint: Some(
                    message
                        .reject
                        .then(|| position(message.reject_hint, message.log_term)),
                ),
            },
            MsgType::MsgHeartbeat => Shape::Heartbeat {
                commit: Some(Index(message.commit)),
            },
            MsgType::MsgHeartbeatResp => Shape::HeartbeatAck,
            MsgType::MsgSnap => Shape::InstallSnapshot {
                last: Some(Index(message.entries)),
            },
        };
        Some(Pattern {
            from: self.names.id(message.from)?,
            to: self.names.id(message.to)?,
            term: Some(Term(message.term)),
            context: None,
            body,
        })
    }

    /// Whether the event's message can be judged now: what it receives is
    /// there. Anything else never waits.
    pub(super) fn has_arrived(&self, event: &Event) -> bool {
        let Some(message) = event.msg.as_ref().filter(|_| event.name.is_receive()) else {
            return true;
        };
        if message.from == message.to {
            return true;
        }
        let Some(pattern) = self.pattern(message) else {
            return false;
        };
        self.follower.flights.find(&pattern).is_some()
            || self
                .waiting(&pattern)
                .is_some_and(|(_, mark)| mark.is_some())
    }

    /// The same, but for what waits for a write of its sender, which is taken to
    /// be complete only where nobody else can go on.
    pub(super) fn is_in_flight(&self, event: &Event) -> bool {
        let Some(message) = event.msg.as_ref().filter(|_| event.name.is_receive()) else {
            return true;
        };
        let found = |pattern: Pattern| self.follower.flights.find(&pattern).is_some();
        message.from == message.to || self.pattern(message).is_some_and(found)
    }

    /// Whether the message that the event receives may have been forgotten.
    pub(super) fn was_maybe_sent(&self, event: &Event) -> bool {
        let pattern = event.msg.as_ref().and_then(|m| self.pattern(m));
        pattern.is_some_and(|pattern| self.follower.flights.may_have_forgotten(&pattern))
    }

    pub(super) fn receive(&mut self, at: &At<'_>) -> Result<(), Stop> {
        self.settle(at)?;
        let now = self.now(at);
        self.check(at, &now)?;
        let Some(message) = &at.event.msg else {
            return Ok(());
        };
        if message.to != at.event.nid {
            return Err(self.misaddressed(at, message));
        }
        self.says_only(at, message)?;
        if message.from == message.to {
            return self.receive_own(at, message);
        }
        let message = self.arrive(at, message)?;
        self.is_let_in(at, &message, &now.config)?;
        if let Some(deferred) = self.is_open(now.term, &message, at.place) {
            self.node(at.event.nid).deferred = Some(deferred);
            return Ok(());
        }
        let from = message.from;
        let known = self.matched(at.id, from);
        // Known already: whether the library looks depends on how it probes.
        let again = match message.body {
            Body::AppendAck {
                reject: false,
                index,
                ..
            } => now.role == RoleKind::Leader && message.term == now.term && known == Some(index),
            _ => false,
        };
        // Who asks itself alone is a follower to the model, and hears its leader
        // as any pre-candidate does.
        let leads = matches!(
            message.body,
            Body::Append { .. } | Body::Heartbeat { .. } | Body::InstallSnapshot { .. }
        );
        let mut before = now;
        if leads && message.term == now.term && self.node(at.event.nid).asks_itself {
            before.role = RoleKind::PreCandidate;
        }
        let outdated = match message.body {
            Body::InstallSnapshot { .. } => self.handed_out_changes(at.id),
            _ => 0,
        };
        let outcome = self.step(at, Input::Receive { message })?;
        self.oblige(at, Some(before));
        let matched = self.matched(at.id, from);
        if outcome.branch == Branch::ProgressNoted && matched.is_some() {
            if matched > known {
                self.node(at.event.nid).expect.push_back(Expect::Commit);
            }
            self.note_caught_up(at, from, matched.unwrap_or_default());
        }
        if outcome.branch == Branch::SnapshotInstalled {
            self.installed(at);
            let node = self.node(at.event.nid);
            node.outdated += outdated;
            let said = node
                .expect
                .iter()
                .position(|e| matches!(e, Expect::Said(_)));
            let before = said.unwrap_or(node.expect.len());
            node.expect.insert(before, Expect::Restored);
        }
        let after = self.now(at);
        let member = self.follower.member(at.id);
        let leader = member.and_then(|m| m.server.leader);
        let node = self.node(at.event.nid);
        if let Some(leader) = leader {
            node.followed.insert(leader);
        }
        node.vote_before = (after.term == now.term).then_some(now.vote).flatten();
        node.may_commit = again;
        Ok(())
    }

    /// Who is known to hold the whole log of a leader may be told to stand.
    fn note_caught_up(&mut self, at: &At<'_>, from: NodeId, matched: Index) {
        let now = self.now(at);
        if matched != now.last.index {
            return;
        }
        let (term, who) = &mut self.node(at.event.nid).caught_up;
        if *term != now.term {
            *term = now.term;
            *who = Default::default();
        }
        who.insert(from);
    }

    /// The library lets in no answer of who is no member, and the event is
    /// written behind that.
    fn is_let_in(&self, at: &At<'_>, message: &Message, config: &Config) -> Result<(), Stop> {
        let answers = matches!(
            message.body,
            Body::Vote { .. } | Body::AppendAck { .. } | Body::HeartbeatAck { .. }
        );
        let unsure = self.node_of(at.id).is_some_and(|node| node.doubt.is_some());
        if !answers || unsure || config.members().contains(message.from) {
            return Ok(());
        }
        Err(self.diverges(
            at.event,
            at.place,
            RuleName::new("only members are answered to", "§6", FORMAT),
            format!("{} is no member of {config}", message.from),
            "no answer of it is let in".to_owned(),
        ))
    }

    pub(super) fn matched(&self, leader: NodeId, follower: NodeId) -> Option<Index> {
        match &self.follower.member(leader)?.server.role {
            Role::Leader { matched, .. } => matched.get(follower).copied(),
            _ => None,
        }
    }

    /// The message of the model that the trace says arrived.
    fn arrive(&mut self, at: &At<'_>, message: &Msg) -> Result<Message, Stop> {
        let Some(pattern) = self.pattern(message) else {
            return Err(self.unnamed(at));
        };
        let (stated, of) = pattern.facts();
        let facts = self.facts.of("message");
        facts.checked += stated;
        facts.of += of;
        if let Some(found) = self.follower.flights.find(&pattern) {
            self.follower.received(at.id, &found, None);
            let found = self.follower.with_state(found);
            return Ok(self.as_known(found));
        }
        if let Some((found, mark)) = self.waiting(&pattern) {
            let Some(mark) = mark else {
                return Err(self.diverges(
                    at.event,
                    at.place,
                    RuleName::new("what is said must be durable first", "figure 2", DURABILITY),
                    format!(
                        "{found} arrives before {} could write what it says",
                        found.from
                    ),
                    "it arrives after a Ready of its sender".into(),
                ));
            };
            // Its arrival shows that its sender's write is complete.
            self.hurried |= !self.how.ordered;
            self.has_left(at, pattern.from, mark)?;
            self.follower.received(at.id, &found, None);
            let found = self.follower.with_state(found);
            return Ok(self.as_known(found));
        }
        if self.follower.flights.may_have_forgotten(&pattern) {
            return Err(forgotten(at, format!("{} may have sent it", pattern.from)));
        }
        let lost = self.lost.iter().rev();
        if let Some((_, crash)) = lost.clone().find(|(lost, _)| pattern.matches(lost)) {
            return Err(self.was_lost(at, pattern.from, crash));
        }
        if self.may_be_a_part() && !self.has_lines(pattern.from) {
            self.missed = vec![message.from];
            return Err(inconclusive(Ground::NodeMissing, at.event, at.place));
        }
        let (why, expected) = match self.follower.flights.nearest(&pattern) {
            Some(nearest) => {
                let field = pattern.difference(&nearest).map_or(String::new(), |d| {
                    format!(" ({} {} and not {})", d.field, d.model, d.trace)
                });
                (
                    format!("{} never sent this{field}", pattern.from),
                    format!("the nearest it sent is {nearest}"),
                )
            }
            None => (
                format!(
                    "{} never sent {} anything of the kind",
                    pattern.from, pattern.to
                ),
                "nothing arrives".to_owned(),
            ),
        };
        Err(self.diverges(
            at.event,
            at.place,
            RuleName::new("only what was sent arrives", "§5.1", FORMAT),
            why,
            expected,
        ))
    }

    /// The message was lost in a crash, before it could leave.
    fn was_lost(&self, at: &At<'_>, sender: NodeId, crash: &Place) -> Stop {
        let stop = self.diverges(
            at.event,
            at.place,
            RuleName::new("what is said must be durable first", "figure 2", DURABILITY),
            format!("{sender} crashed before it had written what this says, so that it never left"),
            format!("{sender} comes back with what it had written"),
        );
        match stop {
            Stop::Diverges(mut found) => {
                let shows = format!("{sender} comes back without it");
                found.because.insert(0, (crash.clone(), shows));
                Stop::Diverges(found)
            }
            stop => stop,
        }
    }

    /// The message is from or to a node that the run has not shown.
    fn unnamed(&self, at: &At<'_>) -> Stop {
        self.diverges(
            at.event,
            at.place,
            RuleName::new("messages go between nodes of the run", "-", FORMAT),
            "it names a node that has not booted and that no configuration names".to_owned(),
            "a node of the run".to_owned(),
        )
    }

    /// What a kind of message does not use is zero in it.
    fn says_only(&self, at: &At<'_>, message: &Msg) -> Result<(), Stop> {
        let Some(field) = unused(message) else {
            return Ok(());
        };
        Err(self.diverges(
            at.event,
            at.place,
            RuleName::new("a message says only what its kind says", "-", FORMAT),
            format!("{:?} does not use {field}, and here it does", message.kind),
            format!("{field} 0"),
        ))
    }

    fn misaddressed(&self, at: &At<'_>, message: &Msg) -> Stop {
        self.diverges(
            at.event,
            at.place,
            RuleName::new("a message reaches its receiver", "-", FORMAT),
            format!(
                "the message is from {} to {}, the event at {}",
                message.from, message.to, at.event.nid
            ),
            "sender and receiver as the event says".into(),
        )
    }

    pub(super) fn send(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let Some(message) = &at.event.msg else {
            return Ok(());
        };
        if message.from != at.event.nid {
            return Err(self.misaddressed(at, message));
        }
        self.says_only(at, message)?;
        if message.from == message.to {
            return self.send_own(at, message);
        }
        match message.kind {
            MsgType::MsgApp | MsgType::MsgHeartbeat | MsgType::MsgSnap => {
                self.send_as_leader(at, message)
            }
            _ => self.send_answer(at, message),
        }
    }

    fn send_own(&mut self, at: &At<'_>, message: &Msg) -> Result<(), Stop> {
        let own = own_of(message);
        let vote = at.event.name == Name::SendRequestVoteResponse;
        if !vote {
            self.appended(at, own.index)?;
        }
        let node = self.node(at.event.nid);
        match (node.expect.front(), vote) {
            (Some(Expect::OwnVote), true) | (Some(Expect::OwnEntries), false) => {
                node.expect.pop_front();
            }
            _ => {
                self.settle(at)?;
                return Err(self.unasked(at, "it has nothing of its own to acknowledge"));
            }
        }
        self.node(at.event.nid).unshown = 0;
        let now = self.now(at);
        self.check(at, &now)?;
        let index = if vote { Index::ZERO } else { now.last.index };
        let right = Own {
            vote,
            term: now.term,
            index,
        };
        if own != right || message.reject {
            return Err(self.diverges(
                at.event,
                at.place,
                RuleName::new("a server acknowledges what it holds", "§5.3", REPLICATION),
                format!("its log ends at {}, it is in term {}", now.last, now.term),
                format!("term {}, index {index}", right.term),
            ));
        }
        self.own(at, own);
        Ok(())
    }

    /// A message that a leader sends of its own accord.
    fn send_as_leader(&mut self, at: &At<'_>, message: &Msg) -> Result<(), Stop> {
        self.settle(at)?;
        let now = self.now(at);
        self.check(at, &now)?;
        self.learn_the_start(message);
        let Some(pattern) = self.pattern(message) else {
            return Err(self.unnamed(at));
        };
        let to = pattern.to;
        match message.kind {
            MsgType::MsgSnap => self.send_snapshot(at, to, Index(message.entries))?,
            MsgType::MsgHeartbeat => {
                self.step(at, Input::SendHeartbeat { to })?;
            }
            _ => {
                self.own_progress(at)?;
                let after = Index(message.index);
                let Ok(count) = u32::try_from(message.entries) else {
                    let past = Refusal::PastTheEnd {
                        node: at.id,
                        index: Index(message.index.saturating_add(message.entries)),
                        last: now.last.index,
                    };
                    return Err(self.fault(at, Fault::Refused(past)));
                };
                self.step(at, Input::SendAppend { to, after, count })?;
            }
        }
        let said = self
            .follower
            .member_mut(at.id)
            .and_then(|m| m.said.pop_back());
        match said {
            Some(said) => self.compare(at, &pattern, &said),
            None => Ok(()),
        }
    }

    /// What a leader knows of itself, which the library shows with the entries
    /// that it sends: up to where its own log is durable and that was counted.
    fn own_progress(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let shown = at.event.own_progress();
        let term = self.now(at).term;
        let admitted = self.node_of(at.id).and_then(|node| node.admitted);
        let admitted = admitted.filter(|(when, _)| *when == term);
        let mut known = self.matched(at.id, at.id);
        // The library counts all that a new leader holds, also what is not
        // durable yet where writes are queued.
        if let (true, None, Some(counted)) = (self.queues(), admitted, known) {
            known = self.inherited(at.id, counted).or(known);
        }
        let from = admitted.map_or(0, |(_, last)| last.0);
        let known = known.map(|known| known.0);
        let right = (known, known.map(|known| from.max(known + 1)));
        let is_shown = shown != (None, None);
        self.facts.of("own progress").note(is_shown);
        // A library before it showed this does not.
        if !is_shown || shown == right {
            return Ok(());
        }
        let said = |progress: (Option<u64>, Option<u64>)| match progress {
            (None, None) => "nothing".to_owned(),
            (matched, next) => {
                let of = |number: Option<u64>| number.map_or("none".to_owned(), |n| n.to_string());
                format!("match {}, next {}", of(matched), of(next))
            }
        };
        Err(self.diverges(
            at.event,
            at.place,
            RuleName::new("a leader counts what is durable", "§5.3", DURABILITY),
            format!("{} shows of itself {}", at.id, said(shown)),
            said(right),
        ))
    }

    /// The last index that a leader held when it was elected, if that is behind
    /// `known`.
    fn inherited(&self, id: NodeId, known: Index) -> Option<Index> {
        let server = &self.follower.member(id)?.server;
        let of_before = |index: &u64| {
            let term = server.log.term_at(Index(*index));
            term.is_some_and(|term| term < server.term)
        };
        let behind = known.0.max(server.log.base().0) + 1..;
        let last = behind.take_while(of_before).last()?;
        Some(Index(last))
    }

    /// An answer, or a vote request: the step before said it.
    fn send_answer(&mut self, at: &At<'_>, message: &Msg) -> Result<(), Stop> {
        self.learn_the_start(message);
        let Some(pattern) = self.pattern(message) else {
            return Err(self.unnamed(at));
        };
        let node = self.node(at.event.nid);
        let due: Vec<_> = node
            .expect
            .iter()
            .enumerate()
            .take_while(|(_, e)| matches!(e, Expect::Said(_) | Expect::OwnVote))
            .filter_map(|(i, e)| match e {
                Expect::Said(message) => Some((i, message.clone())),
                _ => None,
            })
            .collect();
        let exact = due.iter().find(|(_, said)| pattern.matches(said));
        let same_peer = || due.iter().find(|(_, said)| said.to == pattern.to);
        let Some((place, said)) = exact.or_else(same_peer).or(due.first()).cloned() else {
            self.settle(at)?;
            return Err(self.unasked(at, "nothing it did says this"));
        };
        node.expect.remove(place);
        self.compare(at, &pattern, &said)?;
        // A vote is set right after its message is queued.
        let mut now = self.now(at);
        if let Body::Vote { granted: true } = said.body {
            let before = self.node(at.event.nid).vote_before;
            now.vote = before.filter(|vote| *vote == said.to);
        }
        self.check(at, &now)
    }

    fn unasked(&self, at: &At<'_>, why: &str) -> Stop {
        let member = self.follower.member(at.id);
        let reason: Option<Refusal> = member.and_then(|m| m.reason);
        let rule = match reason {
            Some(reason) => reason.into(),
            None => RuleName::new("an answer needs a question", "§5.1", FORMAT),
        };
        let why = match reason {
            Some(reason) => format!("{why}: {reason}"),
            None => why.to_owned(),
        };
        self.diverges(
            at.event,
            at.place,
            rule,
            why,
            format!("{} sends nothing", at.id),
        )
    }

    /// Compares what the trace says was sent with what the model said.
    fn compare(&mut self, at: &At<'_>, pattern: &Pattern, said: &Message) -> Result<(), Stop> {
        let (stated, of) = pattern.facts();
        let facts = self.facts.of("message");
        facts.checked += stated;
        facts.of += of;
        self.follower.flights.shown(said, None);
        let Some(difference) = pattern.difference(said) else {
            return Ok(());
        };
        let reason = self.follower.member(at.id).and_then(|m| m.reason);
        let rule = match reason {
            Some(reason) => reason.into(),
            None => RuleName::new(
                match pattern.body {
                    Shape::RequestVote { .. } | Shape::Vote { .. } => "what a vote says",
                    Shape::Append { .. }
                    | Shape::Heartbeat { .. }
                    | Shape::InstallSnapshot { .. } => "a leader sends its own log",
                    _ => "a server acknowledges what it holds",
                },
                match pattern.body {
                    Shape::RequestVote { .. } | Shape::Vote { .. } => "§5.2",
                    _ => "§5.3",
                },
                REPLICATION,
            ),
        };
        let why = match reason {
            Some(reason) => reason.to_string(),
            None => format!(
                "{} {}, but what {} holds makes it {}",
                difference.field, difference.trace, at.id, difference.model
            ),
        };
        Err(self.diverges(at.event, at.place, rule, why, said.to_string()))
    }

    /// What an event shows, in a sentence.
    pub(super) fn describe(&self, event: &Event) -> String {
        let id = self
            .names
            .id(event.nid)
            .map_or_else(|| format!("node {}", event.nid), |id| id.to_string());
        let who = format!("{id}@{}", event.state.term);
        let message = event.msg.as_ref().and_then(|m| self.pattern(m));
        match (event.name, message) {
            (Name::SendRequestVoteResponse, Some(m)) if m.from != m.to => match m.body {
                Shape::Vote {
                    granted: Some(true),
                } => format!("{who} grants its vote to {}", m.to),
                _ => format!("{who} refuses {} its vote", m.to),
            },
            (name, Some(m)) if name.is_receive() => format!("{who} receives {m}"),
            (_, Some(m)) => format!("{who} sends {m:#}"),
            (Name::InitState, None) => {
                format!("{id} restarts with a log up to index {}", event.log)
            }
            (Name::Commit, None) => format!("{who} has committed up to {}", event.state.commit),
            (Name::BecomeCandidate, None) => format!("{who} starts an election"),
            (Name::BecomeFollower, None) => format!("{who} becomes a follower"),
            (Name::BecomeLeader, None) => format!("{who} becomes leader"),
            (Name::Replicate, None) => format!("{who} appends an entry"),
            (Name::ChangeConf, None) => format!("{who} appends a change of the configuration"),
            (Name::Ready, None) => format!("{who} begins to write"),
            (Name::ApplyConfChange, None) => format!("{who} applies a configuration"),
            (name, None) => format!("{who} {name:?}"),
        }
    }
}

/// The first field that `message` uses and its kind does not.
fn unused(message: &Msg) -> Option<&'static str> {
    let reject = u64::from(message.reject);
    let votes = message.vote.as_ref().is_some_and(|to| to.as_str() != "0");
    let fields = [
        ("entries", message.entries),
        ("logTerm", message.log_term),
        ("index", message.index),
        ("commit", message.commit),
        ("vote", u64::from(votes)),
        ("reject", reject),
        ("rejectHint", message.reject_hint),
    ];
    let used: &[&str] = match message.kind {
        MsgType::MsgApp => &["entries", "logTerm", "index", "commit"],
        MsgType::MsgAppResp if message.reject => &["logTerm", "index", "reject", "rejectHint"],
        MsgType::MsgAppResp => &["index"],
        MsgType::MsgHeartbeat => &["commit"],
        MsgType::MsgHeartbeatResp => &[],
        MsgType::MsgVote => &["logTerm", "index"],
        MsgType::MsgVoteResp => &["reject"],
        MsgType::MsgSnap => &["entries"],
    };
    let (field, _) = fields
        .into_iter()
        .find(|(field, value)| *value > 0 && !used.contains(field))?;
    Some(field)
}
