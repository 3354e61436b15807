//! Steps whose way only the node's next line shows.
//!
//! The library says nothing where it ignores a message, and nothing of how a
//! configuration comes about. So the step waits for the next line of its node;
//! nobody else can have seen it before, for what it says leaves later still.

use plimsoll_model::ids::{NodeId, Term};
use plimsoll_model::message::{Body, Message};
use plimsoll_model::rules::{Input, quorum};
use plimsoll_model::settings::{PreVote, Settings};

use super::event::{Event, MsgType, Name};
use super::features::Switch;
use super::judge::{At, Judge};
use super::state::Deferred;
use crate::replay::Stop;
use crate::replay::follow::{RoleKind, Scalars};
use crate::verdict::Place;

impl Judge {
    /// Takes the step that the line before left open; says whether the line in
    /// hand is part of that, and it is open still.
    pub(super) fn resolve(&mut self, at: &At<'_>) -> Result<bool, Stop> {
        match self.node(at.event.nid).deferred.take() {
            None => {}
            Some(Deferred::VoteRequest { message, at: asked }) => {
                if self.raises_for_two_reasons(at, &message) {
                    let became = Scalars {
                        role: RoleKind::Follower,
                        term: message.term,
                        vote: None,
                        ..self.now(at)
                    };
                    self.check(at, &became)?;
                    let raised = Deferred::Raised { message, at: asked };
                    self.node(at.event.nid).deferred = Some(raised);
                    return Ok(true);
                }
                let taken = at.event.name == Name::BecomeFollower
                    && Term(at.event.state.term) == message.term;
                self.vote_request(at, message, &asked, taken)?;
            }
            Some(Deferred::Raised { message, at: asked }) => {
                let to = at.event.msg.as_ref().and_then(|m| self.names.id(m.to));
                let taken =
                    at.event.name == Name::SendRequestVoteResponse && to == Some(message.from);
                let term = message.term;
                self.vote_request(at, message, &asked, taken)?;
                match self.untraced(at.id, term) {
                    _ if taken => {
                        // It was shown by the line before.
                        self.node(at.event.nid).expect.pop_front();
                    }
                    Some(cause) => self.heard_of(at, term, cause)?,
                    None => {}
                }
            }
            Some(Deferred::Stale { message }) => self.stale(at, message)?,
            Some(Deferred::Forgotten { message }) => self.forgotten_leader(at, message)?,
            Some(Deferred::Applied) => self.take_effect(at)?,
        }
        Ok(false)
    }

    /// Whether the line in hand makes the node a follower of the term of the
    /// vote request before it, and may do so for another reason, the request
    /// being ignored.
    fn raises_for_two_reasons(&self, at: &At<'_>, message: &Message) -> bool {
        let member = self.follower.member(at.id);
        let disregards = member.is_some_and(|m| {
            quorum::disregards(&m.server, message, &self.follower.settings).is_some()
        });
        at.event.name == Name::BecomeFollower
            && Term(at.event.state.term) == message.term
            && disregards
            && self.untraced(at.id, message.term).is_some()
    }

    /// Whether the way that `message` goes is open until the next line.
    pub(super) fn is_open(&self, term: Term, message: &Message, place: &Place) -> Option<Deferred> {
        let message = message.clone();
        match message.body {
            Body::RequestVote { .. } if message.term > term => Some(Deferred::VoteRequest {
                message,
                at: place.clone(),
            }),
            Body::RequestVote { .. }
                if message.term == term
                    && self.features.is(Switch::ForgetLeader) == Some(true)
                    && self.follows_a_leader(message.to) =>
            {
                Some(Deferred::Forgotten { message })
            }
            Body::Append { .. } | Body::Heartbeat { .. } if message.term < term => {
                Some(Deferred::Stale { message })
            }
            _ => None,
        }
    }

    fn follows_a_leader(&self, id: NodeId) -> bool {
        let member = self.follower.member(id);
        member.is_some_and(|m| !m.server.role.is_leader() && m.server.leader.is_some())
    }

    /// A vote request of the node's own term, where the application may have
    /// made it forget its leader (`ForgetLeader` in `raft.go`).
    fn forgotten_leader(&mut self, at: &At<'_>, message: Message) -> Result<(), Stop> {
        let before = self.now(at);
        let answer = at.event.msg.as_ref();
        let grants = answer.is_some_and(|m| {
            m.kind == MsgType::MsgVoteResp && !m.reject && self.names.id(m.to) == Some(message.from)
        });
        let settings = self.follower.settings;
        let settings = Settings {
            vote_with_known_leader: grants || settings.vote_with_known_leader,
            ..settings
        };
        self.step_under(at, &settings, Input::Receive { message })?;
        self.oblige(at, Some(before));
        self.node(at.event.nid).vote_before = before.vote;
        Ok(())
    }

    /// An append or heartbeat of a lower term: with pre-vote or check-quorum it
    /// is answered.
    fn stale(&mut self, at: &At<'_>, message: Message) -> Result<(), Stop> {
        let before = self.now(at);
        let answers = match self.features.answers_stale() {
            Some(answers) => answers,
            None => {
                let answers = self.answers(at.event, &message);
                let shown = self.features.show_answers_stale(answers, at.place);
                shown.map_err(|conflict| self.conflict(at, &conflict))?;
                self.set_settings();
                answers
            }
        };
        let settings = Settings {
            check_quorum: answers,
            pre_vote: PreVote::Off,
            ..self.follower.settings
        };
        self.step_under(at, &settings, Input::Receive { message })?;
        self.oblige(at, Some(before));
        Ok(())
    }

    /// Whether `event` is the answer to a leader of a lower term.
    fn answers(&self, event: &Event, to: &Message) -> bool {
        let Some(message) = &event.msg else {
            return false;
        };
        event.name == Name::SendAppendEntriesResponse
            && message.kind == MsgType::MsgAppResp
            && message.index == 0
            && !message.reject
            && self.names.id(message.to) == Some(to.from)
    }
}
