//! Steps whose way only the node's next line shows.
//!
//! The library says nothing where it ignores a message, and nothing of how a
//! configuration comes about. So the step waits for the next line of its node;
//! nobody else can have seen it before, for what it says leaves later still.

use plimsoll_model::ids::Term;
use plimsoll_model::message::{Body, Message};
use plimsoll_model::rules::Input;
use plimsoll_model::settings::{PreVote, Settings};

use super::event::{Event, MsgType, Name};
use super::judge::{At, Judge};
use super::state::Deferred;
use crate::replay::Stop;
use crate::verdict::Place;

impl Judge {
    /// Takes the step that the line before left open.
    pub(super) fn resolve(&mut self, at: &At<'_>) -> Result<(), Stop> {
        match self.node(at.event.nid).deferred.take() {
            None => Ok(()),
            Some(Deferred::VoteRequest { message, at: asked }) => {
                self.vote_request(at, message, &asked)
            }
            Some(Deferred::Stale { message }) => self.stale(at, message),
            Some(Deferred::Applied) => self.take_effect(at),
        }
    }

    /// Whether the way that `message` goes is open until the next line.
    pub(super) fn is_open(&self, term: Term, message: &Message, place: &Place) -> Option<Deferred> {
        let message = message.clone();
        match message.body {
            Body::RequestVote { .. } if message.term > term => Some(Deferred::VoteRequest {
                message,
                at: place.clone(),
            }),
            Body::Append { .. } | Body::Heartbeat { .. } if message.term < term => {
                Some(Deferred::Stale { message })
            }
            _ => None,
        }
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
