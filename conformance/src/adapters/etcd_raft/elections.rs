//! Elections: who campaigns and why, and roles that change without a message
//! that is traced.
//!
//! With pre-vote a node asks before it campaigns. Neither the question nor the
//! answers are traced, but that it asks is: the `Ready` that lets the question
//! out shows `StatePreCandidate`. So an election is allowed where a majority
//! could have answered yes since, each as the rules say, with a `Ready` of its
//! own. A node that was not asking campaigns only because its leader told it to,
//! and that is allowed where the leader knew it to hold its whole log.

use plimsoll_model::ids::{NodeId, NodeSet, ReadId, Term};
use plimsoll_model::message::{Body, Message};
use plimsoll_model::refusal::Refusal;
use plimsoll_model::rules::{Branch, Input, membership, quorum};
use plimsoll_model::server::Role;
use plimsoll_model::settings::{PreVote, Settings};

use super::event::Name;
use super::features::Switch;
use super::judge::{At, ELECTION, Judge, forgotten};
use super::questions::{Asked, Known};
use super::state::Expect;
use crate::replay::Stop;
use crate::replay::follow::{Fault, RoleKind, Scalars};
use crate::verdict::RuleName;

const PRE_VOTE: &str = "model/src/rules/prevote.rs";
const QUORUM: &str = "model/src/rules/quorum.rs";

/// A message that the format does not trace, and that may have raised a term.
#[derive(Clone, Copy, Debug)]
pub(super) enum Untraced {
    /// A pre-vote was refused by somebody of a higher term.
    Refusal(NodeId),
    /// The leader of a higher term answered about a read.
    ReadIndex(NodeId),
    /// A follower of a higher term, in which this node led before a crash that
    /// lost it, handed on to it that the leadership is to be transferred.
    Transfer(NodeId),
}

impl Judge {
    pub(super) fn campaign(&mut self, at: &At<'_>) -> Result<(), Stop> {
        self.settle(at)?;
        let now = self.now(at);
        if self.node(at.event.nid).installed {
            return Err(self.diverges(
                at.event,
                at.place,
                RuleName::new("a snapshot is written first", "§7", ELECTION),
                format!("{} has installed a snapshot that is not written yet", at.id),
                format!("{} stays {}", at.id, now.role.name()),
            ));
        }
        self.lose_leader(at)?;
        if let Some(index) = self.unapplied_idle(at.id) {
            let node = at.id;
            let refusal = Refusal::UnappliedConfiguration { node, index };
            return Err(self.fault(at, Fault::Refused(refusal)));
        }
        self.has_handed_out(at)?;
        let told = self.hands_over(at.id);
        let asks = now.role == RoleKind::PreCandidate || self.node(at.event.nid).asks_itself;
        let leader = told.filter(|_| now.role == RoleKind::Follower);
        if asks {
            self.wins_the_question(at)?;
        } else if self.may_have_asked_again(at.id) {
            // Whoever was told as well may be refused as one that was not.
            self.asks_silently(at)?;
            if self.now(at).role == RoleKind::PreCandidate {
                self.wins_the_question(at)?;
            }
        } else if self.features.is(Switch::PreVote) == Some(true) {
            let Some(leader) = leader else {
                return Err(self.diverges(
                    at.event,
                    at.place,
                    RuleName::new("an election is asked for first", "diss. §9.6", PRE_VOTE),
                    format!(
                        "{} did not ask whether it would win, and no leader that knew it to \
                         hold its whole log could tell it to stand",
                        at.id
                    ),
                    format!("{} becomes pre-candidate", at.id),
                ));
            };
            let message = Message {
                from: leader,
                to: at.id,
                term: now.term,
                body: Body::TimeoutNow,
            };
            self.step(at, Input::Receive { message })?;
        } else {
            let may_be_told =
                told.is_some() || !self.how.ordered && self.follower.leader_of(now.term).is_some();
            if !may_be_told || now.role != RoleKind::Follower {
                self.show(at, Switch::PreVote, false, "an election begins unasked")?;
            }
            let settings = Settings {
                pre_vote: PreVote::Off,
                ..self.follower.settings
            };
            self.step_under(at, &settings, Input::Campaign)?;
        }
        let now = self.now(at);
        self.check_candidate(at)?;
        if told.is_some() {
            self.told.insert((now.term, at.id), ());
        }
        self.oblige(at, None);
        Ok(())
    }

    fn check_candidate(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let now = self.now(at);
        self.node(at.event.nid).asks_itself = false;
        self.check(at, &now)
    }

    /// Where configurations are applied late, the rule does not hold back who
    /// stands before it has applied them; but the library does where it has not
    /// even handed them out (`hup` in `raft.go`).
    fn has_handed_out(&self, at: &At<'_>) -> Result<(), Stop> {
        let handed_out = self.handed_out_late(at.id).unwrap_or_default();
        let Some(member) = self.follower.member(at.id) else {
            return Ok(());
        };
        let server = &member.server;
        let next = server.log.next_change(handed_out.max(server.applied));
        match next.filter(|index| self.applies_late() && *index <= server.commit) {
            Some(index) => {
                let node = at.id;
                let refusal = Refusal::UnappliedConfiguration { node, index };
                Err(self.fault(at, Fault::Refused(refusal)))
            }
            None => Ok(()),
        }
    }

    /// The election timeout of a node that hears its leader may have passed.
    pub(super) fn lose_leader(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let member = self.follower.member(at.id);
        if member.is_some_and(|m| m.server.hears_leader) {
            self.silent(at, at.id, Input::LoseLeader)?;
        }
        Ok(())
    }

    /// The leader of the term of `id`, if that may have told it to stand.
    pub(super) fn hands_over(&self, id: NodeId) -> Option<NodeId> {
        let term = self.follower.member(id)?.server.term;
        let (leader, _) = self.follower.leader_of(term)?;
        let (of, who) = self.node_of(*leader)?.caught_up;
        (*leader != id && of == term && who.contains(id)).then_some(*leader)
    }

    /// A line shows a pre-candidate: it asks whether it would win.
    pub(super) fn asks(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let now = self.now(at);
        let node = self.node(at.event.nid);
        let asks = now.role == RoleKind::PreCandidate || node.asks_itself;
        let may = matches!(now.role, RoleKind::Follower | RoleKind::Candidate)
            && Term(at.event.state.term) == now.term;
        if asks || !may || !node.expect.is_empty() {
            return Ok(());
        }
        self.show(at, Switch::PreVote, true, "a node is pre-candidate")?;
        self.lose_leader(at)?;
        self.has_handed_out(at)?;
        if now.config.has_quorum(NodeSet::EMPTY.with(at.id)) {
            let settings = self.follower.settings;
            let member = self.follower.member(at.id);
            let may = member.map(|m| membership::may_campaign(&m.server, &settings));
            if let Some(Err(refusal)) = may {
                return Err(self.fault(at, Fault::Refused(refusal)));
            }
            self.node(at.event.nid).asks_itself = true;
            return Ok(());
        }
        self.silent(at, at.id, Input::Campaign)?;
        if let Some(member) = self.follower.member_mut(at.id) {
            // The question is not traced.
            member.said.clear();
            let asked = Asked::by(&member.server);
            self.node(at.event.nid).asked.push(asked);
        }
        Ok(())
    }

    /// A `Ready` lets out what the node asks: of a pre-candidate, which may have
    /// asked again, and of who was one before.
    pub(super) fn lets_out_its_questions(&mut self, at: &At<'_>) {
        let term = self.now(at).term;
        let node = self.node(at.event.nid);
        let own = node.asks_itself.then(|| term.next()).or(node.asked_itself);
        node.asked_itself = None;
        let mut asked = std::mem::take(&mut node.asked);
        let Some(asker) = self.follower.member(at.id) else {
            return;
        };
        let again = Asked::by(&asker.server);
        if matches!(asker.server.role, Role::PreCandidate { .. }) && !asked.contains(&again) {
            asked.push(again);
        }
        if let Some(about) = asked.last().map(|asked| asked.term).or(own) {
            let node = self.node(at.event.nid);
            node.own_answer = Some((about, node.own.len()));
        }
        if asked.is_empty() {
            return;
        }
        let known = self.how_nodes_answer();
        for asked in asked {
            let others = self.follower.members().map(|member| &member.server);
            self.questions.ask(at.id, asked, others, self.events, known);
        }
        self.node(at.event.nid).ever_asked = true;
    }

    /// What has been asked may arrive at `id`, as it is behind `event`.
    pub(super) fn may_be_asked(&mut self, id: NodeId, event: u64) {
        let known = self.how_nodes_answer();
        if let Some(member) = self.follower.member(id) {
            self.questions.arrive(&member.server, event, known);
        }
    }

    fn how_nodes_answer(&self) -> Known {
        Known {
            sticky: self.features.is(Switch::CheckQuorum) == Some(true),
            forgets: self.features.is(Switch::ForgetLeader) == Some(true),
        }
    }

    /// Whether `id` may have asked once more since its last line: late answers to
    /// an attempt before let it stand before any line shows a pre-candidate. Its
    /// own is among them only where writes are queued, and what it has written
    /// since was not seen to be complete.
    pub(super) fn may_have_asked_again(&self, id: NodeId) -> bool {
        let (Some(member), Some(node)) = (self.follower.member(id), self.node_of(id)) else {
            return false;
        };
        let server = &member.server;
        let stands = matches!(server.role, Role::Follower | Role::Candidate { .. });
        if !stands || self.features.is(Switch::PreVote) != Some(true) {
            return false;
        }
        let own = node.own_answer.filter(|_| self.queues());
        let mut late = NodeSet::EMPTY;
        if own.is_some_and(|(about, _)| about >= server.term) {
            late.insert(id);
        }
        if self.questions.has_asked(id, server.term) {
            for voter in server.config.voters().without(id).iter() {
                if self.says_yes(id, voter).is_some() {
                    late.insert(voter);
                }
            }
        }
        server.config.has_quorum(late)
    }

    /// Whether who asked before may have asked once more since its last line, and
    /// been refused at once: by answers that come late.
    fn may_have_lost_again(&self, at: &At<'_>) -> bool {
        let now = self.now(at);
        let may_ask = matches!(now.role, RoleKind::Follower | RoleKind::Candidate);
        let asked = self.node_of(at.id).is_some_and(|node| node.ever_asked);
        if !may_ask || !asked || self.features.is(Switch::PreVote) != Some(true) {
            return false;
        }
        let mut rest = NodeSet::EMPTY;
        for voter in now.config.voters().iter() {
            if voter == at.id || !self.may_say_no(at.id, voter) {
                rest.insert(voter);
            }
        }
        !now.config.has_quorum(rest)
    }

    /// It asks once more, before any line shows that.
    fn asks_silently(&mut self, at: &At<'_>) -> Result<(), Stop> {
        self.lose_leader(at)?;
        let about = self.now(at).term.next();
        self.node(at.event.nid).asked_itself = Some(about);
        self.silent(at, at.id, Input::Campaign)?;
        if let Some(member) = self.follower.member_mut(at.id)
            && matches!(member.server.role, Role::PreCandidate { .. })
        {
            // The question is not traced.
            member.said.clear();
            let asked = Asked::by(&member.server);
            self.node(at.event.nid).asked.push(asked);
        }
        Ok(())
    }

    /// The answers to its question arrive, as many as may say yes.
    fn wins_the_question(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let now = self.now(at);
        if self.node(at.event.nid).asks_itself {
            self.step(at, Input::Campaign)?;
            return Ok(());
        }
        let mut yes = NodeSet::EMPTY.with(at.id);
        for voter in now.config.voters().without(at.id).iter() {
            let Some(term) = self.says_yes(at.id, voter) else {
                continue;
            };
            yes.insert(voter);
            let message = Message {
                from: voter,
                to: at.id,
                term,
                body: Body::PreVote { granted: true },
            };
            let outcome = self.silent(at, at.id, Input::Receive { message })?;
            if outcome.branch == Branch::Campaigned {
                return Ok(());
            }
        }
        Err(self.diverges(
            at.event,
            at.place,
            RuleName::new("a majority would vote", "diss. §9.6", PRE_VOTE),
            format!(
                "since {} asked in term {}, only {yes} can have said that they would vote for \
                 it, no majority of {}",
                at.id, now.term, now.config
            ),
            format!("{} stays pre-candidate", at.id),
        ))
    }

    /// Of which term `voter` can have said, since `asker` asked, that it would
    /// vote for it.
    fn says_yes(&self, asker: NodeId, voter: NodeId) -> Option<Term> {
        let term = self.follower.member(asker)?.server.term;
        // Without an order nothing is known of the moment.
        if !self.how.ordered {
            return Some(term.next());
        }
        let ready = self.node_of(voter)?.last_ready;
        let said = self.questions.yes(asker, term, voter, ready)?;
        Some(said.min(term.next()))
    }

    /// Whether `voter` can have said, since `asker` asked, that it would not
    /// vote for it, in the term of `asker`.
    fn may_say_no(&self, asker: NodeId, voter: NodeId) -> bool {
        if !self.how.ordered {
            return true;
        }
        let (Some(member), Some(node)) = (self.follower.member(asker), self.node_of(voter)) else {
            return false;
        };
        let term = member.server.term;
        let was_in = self.was_in(voter, term);
        self.questions
            .no(asker, term, voter, node.last_ready, was_in)
    }

    pub(super) fn became(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let role = match at.event.name {
            Name::BecomeLeader => RoleKind::Leader,
            _ => RoleKind::Follower,
        };
        let now = self.now(at);
        let node = self.node(at.event.nid);
        if let Some(Expect::Became(state)) = node.expect.front().cloned()
            && state.role == role
        {
            node.expect.pop_front();
            node.asks_itself = false;
            return self.check(at, &state);
        }
        self.settle(at)?;
        let term = Term(at.event.state.term);
        let asks = now.role == RoleKind::PreCandidate || self.node(at.event.nid).asks_itself;
        match role {
            RoleKind::Follower if term > now.term => {
                if let Some(cause) = self.untraced(at.id, term) {
                    return self.raised(at, term, cause);
                }
                if self.forgot_term(term) {
                    return Err(forgotten(at, format!("who was in term {term}")));
                }
            }
            RoleKind::Follower if term == now.term && now.role == RoleKind::Leader => {
                return self.lost_its_quorum(at);
            }
            RoleKind::Follower if term == now.term && asks => return self.lost_the_question(at),
            RoleKind::Follower if term == now.term && self.may_have_lost_again(at) => {
                self.asks_silently(at)?;
                return self.lost_the_question(at);
            }
            _ => {}
        }
        let (rule, why, expected) = match role {
            RoleKind::Leader => {
                let votes = match self.follower.member(at.id).map(|m| &m.server.role) {
                    Some(Role::Candidate { granted, .. }) => {
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
                format!("nothing made {} a follower of term {term}", at.id),
                format!("{} stays {} of term {}", at.id, now.role.name(), now.term),
            ),
        };
        Err(self.diverges(at.event, at.place, rule, why, expected))
    }

    /// A message that the format does not trace, by which `id` may have learnt
    /// of `term`.
    pub(super) fn untraced(&self, id: NodeId, term: Term) -> Option<Untraced> {
        let node = self.node_of(id)?;
        if node.ever_asked && self.features.is(Switch::PreVote) != Some(false) {
            let others = self.follower.members().filter(|m| m.server.id != id);
            let mut there =
                others.filter(|m| m.server.term >= term && self.was_in(m.server.id, term));
            if let Some(member) = there.next() {
                return Some(Untraced::Refusal(member.server.id));
            }
        }
        let (leader, _) = self.follower.leader_of(term)?;
        if *leader == id {
            let mut others = self.follower.members().filter(|m| m.server.id != id);
            let follower = others.find(|m| self.was_in(m.server.id, term))?;
            return Some(Untraced::Transfer(follower.server.id));
        }
        let asks = self.reaches(node.followed).contains(*leader);
        asks.then_some(Untraced::ReadIndex(*leader))
    }

    /// Who may get a question about a read that was sent to `leaders`: who is no
    /// leader any more hands it on to the leader that it follows.
    fn reaches(&self, leaders: NodeSet) -> NodeSet {
        let mut reached = leaders;
        loop {
            let next = reached.iter().filter_map(|id| self.node_of(id));
            let next = next.fold(reached, |all, node| all.union(node.followed));
            if next == reached {
                return reached;
            }
            reached = next;
        }
    }

    /// Whether it was forgotten who was in `term`.
    fn forgot_term(&self, term: Term) -> bool {
        self.terms.forgotten() > 0
            && !self.terms.contains_key(&term)
            && self.follower.members().any(|m| m.server.term > term)
    }

    /// Whether `id` was ever in `term`.
    fn was_in(&self, id: NodeId, term: Term) -> bool {
        let now = self.follower.member(id).map(|m| m.server.term);
        now == Some(term) || self.terms.get(&term).is_some_and(|who| who.contains(id))
    }

    /// A message that is not traced raised the term.
    fn raised(&mut self, at: &At<'_>, term: Term, cause: Untraced) -> Result<(), Stop> {
        let now = self.now(at);
        self.heard_of(at, term, cause)?;
        let became = Scalars {
            role: RoleKind::Follower,
            term,
            vote: None,
            ..now
        };
        self.check(at, &became)
    }

    /// It hears of `term` in a message that is not traced.
    pub(super) fn heard_of(
        &mut self,
        at: &At<'_>,
        term: Term,
        cause: Untraced,
    ) -> Result<(), Stop> {
        let now = self.now(at);
        let (from, body) = match cause {
            Untraced::Refusal(from) => (from, Body::PreVote { granted: false }),
            Untraced::ReadIndex(from) | Untraced::Transfer(from) => {
                let read = ReadId { number: 0 };
                let index = now.commit;
                (from, Body::ReadIndex { read, index })
            }
        };
        let message = Message {
            from,
            to: at.id,
            term,
            body,
        };
        self.silent(at, at.id, Input::Receive { message })?;
        self.oblige(at, Some(now));
        self.node(at.event.nid).expect.pop_front();
        Ok(())
    }

    /// A leader becomes a follower in its own term: it has not heard from a
    /// majority.
    fn lost_its_quorum(&mut self, at: &At<'_>) -> Result<(), Stop> {
        self.show(
            at,
            Switch::CheckQuorum,
            true,
            "a leader steps down in its own term",
        )?;
        // Between two looks nobody may have answered.
        for _ in 0..2 {
            let outcome = self.silent(at, at.id, Input::CheckQuorum)?;
            if outcome.branch == Branch::QuorumLost {
                let now = self.now(at);
                return self.check(at, &now);
            }
        }
        let now = self.now(at);
        Err(self.diverges(
            at.event,
            at.place,
            RuleName::new("a leader checks its quorum", "diss. §6.2", QUORUM),
            format!("{} alone is a majority of {}", at.id, now.config),
            format!("{} leads on", at.id),
        ))
    }

    /// A pre-candidate becomes a follower in its own term: too many would not
    /// vote for it.
    fn lost_the_question(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let now = self.now(at);
        let mut no = NodeSet::EMPTY;
        for voter in now.config.voters().without(at.id).iter() {
            if !self.may_say_no(at.id, voter) {
                continue;
            }
            no.insert(voter);
            let message = Message {
                from: voter,
                to: at.id,
                term: now.term,
                body: Body::PreVote { granted: false },
            };
            let outcome = self.silent(at, at.id, Input::Receive { message })?;
            if outcome.branch == Branch::VoteLost {
                let now = self.now(at);
                return self.check(at, &now);
            }
        }
        Err(self.diverges(
            at.event,
            at.place,
            RuleName::new("a lost vote ends the attempt", "diss. §9.6", PRE_VOTE),
            format!(
                "since {} asked in term {}, only {no} can have said that they would not vote \
                 for it, and the others of {} are a majority",
                at.id, now.term, now.config
            ),
            format!("{} stays pre-candidate", at.id),
        ))
    }

    /// A vote request of a higher term that the node's next line shows looked
    /// at, or ignored.
    pub(super) fn vote_request(
        &mut self,
        at: &At<'_>,
        mut message: Message,
        asked: &crate::verdict::Place,
        taken: bool,
    ) -> Result<(), Stop> {
        let before = self.now(at);
        let mut settings = self.follower.settings;
        if taken {
            self.lose_leader(at)?;
            if before.role == RoleKind::Leader {
                // A leader hears itself, unless it asked for the election.
                // Without an order it may have told who stood before that shows.
                let told =
                    self.told.contains_key(&(message.term, message.from)) || !self.how.ordered;
                match self.features.is(Switch::CheckQuorum) {
                    Some(true) if told => forced(&mut message),
                    Some(true) => {}
                    _ => settings.sticky = false,
                }
            }
        } else if self.features.is(Switch::CheckQuorum) == Some(false) {
            settings.sticky = false;
        }
        let disregards = self
            .follower
            .member(at.id)
            .and_then(|m| quorum::disregards(&m.server, &message, &settings));
        self.step_under(at, &settings, Input::Receive { message })?;
        if disregards.is_some() && !taken {
            let because = "a vote request of a higher term is ignored";
            let shown = self
                .features
                .show(Switch::CheckQuorum, true, asked, because);
            shown.map_err(|conflict| self.conflict(at, &conflict))?;
            self.set_settings();
        }
        self.oblige(at, Some(before));
        self.node(at.event.nid).vote_before = None;
        Ok(())
    }
}

/// Says that the leader asked for this election.
fn forced(message: &mut Message) {
    if let Body::RequestVote { forced, .. } = &mut message.body {
        *forced = true;
    }
}
