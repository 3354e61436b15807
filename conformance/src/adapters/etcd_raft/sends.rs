//! Messages: what arrives must have been sent, what is sent must follow from
//! what the node did.

use plimsoll_model::ids::{Index, NodeId, Position, Term};
use plimsoll_model::message::Message;
use plimsoll_model::refusal::Refusal;
use plimsoll_model::rules::{Branch, Input};
use plimsoll_model::server::Role;

use super::event::{Event, Msg, MsgType, Name};
use super::judge::{At, FORMAT, Judge, inconclusive};
use super::state::{Expect, Own};
use crate::replay::Stop;
use crate::replay::flights::{Pattern, Shape};
use crate::replay::follow::{RoleKind, Scalars};
use crate::verdict::{Ground, RuleName};

const REPLICATION: &str = "model/src/rules/replication.rs";

impl Judge {
    /// What the trace says of a message; `None` when a node in it is unknown.
    fn pattern(&self, message: &Msg) -> Option<Pattern> {
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
            MsgType::MsgSnap => return None,
        };
        Some(Pattern {
            from: self.names.id(&message.from)?,
            to: self.names.id(&message.to)?,
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
        if message.from == message.to || message.kind == MsgType::MsgSnap {
            return true;
        }
        let Some(pattern) = self.pattern(message) else {
            return false;
        };
        self.follower.flights.find(&pattern).is_some()
            || self.follower.waiting(&pattern).is_some() && self.is_ready(&pattern)
    }

    fn is_ready(&self, pattern: &Pattern) -> bool {
        let sender = self.nodes.values().find(|n| n.id == Some(pattern.from));
        sender.is_some_and(|n| n.ready.is_some())
    }

    pub(super) fn receive(&mut self, at: &At<'_>) -> Result<(), Stop> {
        self.settle(at)?;
        let now = self.now(at);
        self.check(at, &now)?;
        let Some(message) = &at.event.msg else {
            return Ok(());
        };
        if *message.to != *at.event.nid {
            return Err(self.misaddressed(at, message));
        }
        self.says_only(at, message)?;
        if message.from == message.to {
            return self.receive_own(at, message, &now);
        }
        let message = self.arrive(at, message)?;
        let stale = message.term < now.term;
        let asks = matches!(
            message.body,
            plimsoll_model::message::Body::RequestVote { .. }
        ) && message.term > now.term;
        let from = message.from;
        let known = self.matched(at.id, from);
        // Known already: whether the library looks depends on how it probes.
        let again = match message.body {
            plimsoll_model::message::Body::AppendAck {
                reject: false,
                index,
                ..
            } => now.role == RoleKind::Leader && message.term == now.term && known == Some(index),
            _ => false,
        };
        let outcome = self.step(at, Input::Receive { message })?;
        self.oblige(at, Some(now));
        let progressed =
            outcome.branch == Branch::ProgressNoted && self.matched(at.id, from) > known;
        let node = self.node(&at.event.nid);
        if progressed {
            node.expect.push_back(Expect::Commit);
        }
        node.may_commit = again;
        node.asked = asks;
        node.stale = stale;
        Ok(())
    }

    fn matched(&self, leader: NodeId, follower: NodeId) -> Option<Index> {
        match &self.follower.member(leader)?.server.role {
            Role::Leader { matched, .. } => matched.get(follower).copied(),
            _ => None,
        }
    }

    /// The message of the model that the trace says arrived.
    fn arrive(&mut self, at: &At<'_>, message: &Msg) -> Result<Message, Stop> {
        let Some(pattern) = self.pattern(message) else {
            return Err(inconclusive(
                Ground::ConfigurationChange,
                at.event,
                at.place,
            ));
        };
        let (stated, of) = pattern.facts();
        let facts = self.facts.entry("message").or_default();
        facts.checked += stated;
        facts.of += of;
        if let Some(found) = self.follower.flights.find(&pattern) {
            return Ok(found.clone());
        }
        if let Some(found) = self.follower.waiting(&pattern).cloned() {
            if !self.is_ready(&pattern) {
                return Err(self.diverges(
                    at.event,
                    at.place,
                    RuleName::new(
                        "what is said must be durable first",
                        "figure 2",
                        "model/src/rules/durability.rs",
                    ),
                    format!(
                        "{found} arrives before {} could write what it says",
                        found.from
                    ),
                    "it arrives after a Ready of its sender".into(),
                ));
            }
            // Its arrival shows that its sender's write is complete.
            let sender = self.nodes.values_mut().find(|n| n.id == Some(pattern.from));
            if let Some(sender) = sender {
                sender.ready = None;
            }
            self.complete(at, pattern.from)?;
            return Ok(found);
        }
        let (why, expected) = match self.follower.flights.nearest(&pattern) {
            Some(nearest) => {
                let field = pattern.difference(nearest).map_or(String::new(), |d| {
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

    /// The acknowledgement of the node's own write.
    fn receive_own(&mut self, at: &At<'_>, message: &Msg, now: &Scalars) -> Result<(), Stop> {
        let own = own_of(message);
        let node = self.node(&at.event.nid);
        let covered = node.covered > 0;
        if !covered || node.own.front() != Some(&own) || message.reject {
            let why = if message.reject {
                "it does not refuse itself"
            } else if node.own.contains(&own) {
                "no Ready has covered it yet"
            } else {
                "it never queued this"
            };
            let expected = match node.own.front().filter(|_| covered) {
                Some(next) if next.vote => format!("its own vote of term {}", next.term),
                Some(next) => format!("its own entries up to {}", next.index),
                None => "nothing of its own arrives".to_owned(),
            };
            return Err(self.diverges(
                at.event,
                at.place,
                RuleName::new(
                    "a server counts only what is durable",
                    "figure 2",
                    "model/src/rules/durability.rs",
                ),
                why.into(),
                expected,
            ));
        }
        node.own.pop_front();
        node.covered -= 1;
        if own.term < now.term {
            return Ok(());
        }
        match (own.vote, now.role) {
            (true, RoleKind::Candidate) => {
                self.step(at, Input::CountOwnVote)?;
                self.oblige(at, Some(*now));
            }
            (false, RoleKind::Leader) if self.matched(at.id, at.id) < Some(own.index) => {
                self.step(at, Input::CountOwnEntries { to: own.index })?;
                self.node(&at.event.nid).expect.push_back(Expect::Commit);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn send(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let Some(message) = &at.event.msg else {
            return Ok(());
        };
        if *message.from != *at.event.nid {
            return Err(self.misaddressed(at, message));
        }
        self.says_only(at, message)?;
        if message.from == message.to {
            return self.send_own(at, message);
        }
        match message.kind {
            MsgType::MsgApp | MsgType::MsgHeartbeat => self.send_as_leader(at, message),
            _ => self.send_answer(at, message),
        }
    }

    fn send_own(&mut self, at: &At<'_>, message: &Msg) -> Result<(), Stop> {
        let own = own_of(message);
        let vote = at.event.name == Name::SendRequestVoteResponse;
        let node = self.node(&at.event.nid);
        match (node.expect.front(), vote) {
            (Some(Expect::OwnVote), true) | (Some(Expect::OwnEntries), false) => {
                node.expect.pop_front();
            }
            _ => {
                self.settle(at)?;
                return Err(self.unasked(at, "it has nothing of its own to acknowledge"));
            }
        }
        self.node(&at.event.nid).unshown = 0;
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
        let Some(pattern) = self.pattern(message) else {
            return Err(inconclusive(
                Ground::ConfigurationChange,
                at.event,
                at.place,
            ));
        };
        let to = pattern.to;
        let input = match message.kind {
            MsgType::MsgHeartbeat => Input::SendHeartbeat { to },
            _ => Input::SendAppend {
                to,
                after: Index(message.index),
                count: u32::try_from(message.entries).unwrap_or(u32::MAX),
            },
        };
        self.step(at, input)?;
        let said = self
            .follower
            .member_mut(at.id)
            .and_then(|m| m.said.pop_back());
        match said {
            Some(said) => self.compare(at, &pattern, &said),
            None => Ok(()),
        }
    }

    /// An answer, or a vote request: the step before said it.
    fn send_answer(&mut self, at: &At<'_>, message: &Msg) -> Result<(), Stop> {
        let Some(pattern) = self.pattern(message) else {
            return Err(inconclusive(
                Ground::ConfigurationChange,
                at.event,
                at.place,
            ));
        };
        let node = self.node(&at.event.nid);
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
            if node.stale && message.kind == MsgType::MsgAppResp && message.index == 0 {
                return Err(inconclusive(
                    Ground::StaleAppendAnswered,
                    at.event,
                    at.place,
                ));
            }
            self.settle(at)?;
            return Err(self.unasked(at, "nothing it did says this"));
        };
        node.expect.remove(place);
        node.asked = false;
        self.compare(at, &pattern, &said)?;
        // A vote is set right after its message is queued.
        let mut now = self.now(at);
        if let plimsoll_model::message::Body::Vote { granted: true } = said.body {
            now.vote = self.vote_before(at.id).filter(|vote| *vote == said.to);
        }
        self.check(at, &now)
    }

    /// The vote a node had before the step that granted one.
    fn vote_before(&self, id: NodeId) -> Option<NodeId> {
        let moments = self.follower.moments.iter().rev();
        let mut own = moments.filter(|m| {
            matches!(&m.action, plimsoll_model::action::Action::Step { node, .. } if *node == id)
        });
        let last = own.next()?;
        if last.after.term == last.before.term {
            last.before.vote
        } else {
            None
        }
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
        let facts = self.facts.entry("message").or_default();
        facts.checked += stated;
        facts.of += of;
        let Some(difference) = pattern.difference(said) else {
            return Ok(());
        };
        let reason = self.follower.member(at.id).and_then(|m| m.reason);
        let rule = match reason {
            Some(reason) => reason.into(),
            None => RuleName::new(
                match pattern.body {
                    Shape::RequestVote { .. } | Shape::Vote { .. } => "what a vote says",
                    Shape::Append { .. } | Shape::Heartbeat { .. } => "a leader sends its own log",
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
            .id(&event.nid)
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
            (Name::Ready, None) => format!("{who} begins to write"),
            (Name::ApplyConfChange, None) => format!("{who} applies a configuration"),
            (name, None) => format!("{who} {name:?}"),
        }
    }
}

fn own_of(message: &Msg) -> Own {
    Own {
        vote: message.kind == MsgType::MsgVoteResp,
        term: Term(message.term),
        index: Index(message.index),
    }
}

/// The first field that `message` uses and its kind does not.
fn unused(message: &Msg) -> Option<&'static str> {
    let reject = u64::from(message.reject);
    let fields = [
        ("entries", message.entries),
        ("logTerm", message.log_term),
        ("index", message.index),
        ("commit", message.commit),
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
        MsgType::MsgSnap => return None,
    };
    let (field, _) = fields
        .into_iter()
        .find(|(field, value)| *value > 0 && !used.contains(field))?;
    Some(field)
}
