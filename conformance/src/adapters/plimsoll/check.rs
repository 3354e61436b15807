//! Comparing what a line shows with the model.

use std::borrow::Cow;
use std::sync::Arc;

use plimsoll_model::config::{Config, Joint};
use plimsoll_model::ids::{Index, NodeSet, Position, Term};
use plimsoll_model::log::{GrowingLog, Log};
use plimsoll_model::refusal::Refusal;
use plimsoll_model::server::Server;
use plimsoll_model::settings::Configuration;
use plimsoll_trace::{Durable, Field, State};

use super::judge::{At, Judge, Shown};
use super::messages::position;
use crate::replay::Stop;
use crate::replay::follow::{Member, Scalars};
use crate::verdict::RuleName;

/// A fact of a line and the model's.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub field: &'static str,
    pub trace: String,
    pub model: String,
}

fn role(role: plimsoll_trace::Role) -> &'static str {
    match role {
        plimsoll_trace::Role::Follower => "follower",
        plimsoll_trace::Role::Candidate => "candidate",
        plimsoll_trace::Role::Leader => "leader",
        plimsoll_trace::Role::PreCandidate => "pre-candidate",
        plimsoll_trace::Role::Learner => "learner",
    }
}

/// The configuration that a line shows, if it is not `model`. A part that it
/// leaves out is unknown.
pub(super) fn config_differs(
    judge: &Judge,
    shown: &plimsoll_trace::Config,
    model: &Config,
) -> Option<String> {
    let set = |names: &Option<Vec<_>>, model: NodeSet| {
        names.as_ref().map_or(model, |names| judge.set_of(names))
    };
    let voters = judge.set_of(&shown.voters);
    let outgoing = set(&shown.outgoing, model.outgoing());
    let mut config = Config {
        voters,
        learners: set(&shown.learners, model.learners),
        joint: (!outgoing.is_empty()).then_some(Joint {
            outgoing,
            learners_next: NodeSet::EMPTY,
            auto_leave: false,
        }),
    };
    let (next, auto) = model.joint.map_or((NodeSet::EMPTY, false), |joint| {
        (joint.learners_next, joint.auto_leave)
    });
    let shown_next = set(&shown.learners_next, next);
    let shown_auto = shown.auto_leave.unwrap_or(auto);
    if let Some(joint) = &mut config.joint {
        joint.learners_next = shown_next;
        joint.auto_leave = shown_auto;
    }
    let how = match (shown_auto, auto) {
        (true, false) => " left by itself",
        (false, true) => " left when told",
        _ => "",
    };
    // Outside joint consensus there is nothing to leave.
    let apart = config != *model || (shown_next, shown_auto) != (next, auto);
    apart.then(|| format!("{config}{how}"))
}

/// The first fact of the line's state that `server` does not share.
pub(super) fn differs(judge: &Judge, at: &At<'_>, server: &Server<GrowingLog>) -> Option<Fact> {
    differs_from(judge, at, &judge.state_shown(at), server)
}

/// The first fact of `state` that `server` does not share.
fn differs_from(
    judge: &Judge,
    at: &At<'_>,
    state: &State,
    server: &Server<GrowingLog>,
) -> Option<Fact> {
    let model = &Scalars::of(server);
    let fact = |field, trace: String, model: String| {
        Some(Fact {
            field,
            trace,
            model,
        })
    };
    if let Some(term) = state.term.filter(|term| term.get() != model.term.0) {
        return fact("term", term.get().to_string(), model.term.to_string());
    }
    if let Some(shown) = &state.vote {
        let vote = shown.as_ref().map(|name| judge.id(name));
        if vote != model.vote.map(Some) {
            let vote = match shown {
                None => "none".to_owned(),
                Some(name) => judge
                    .id(name)
                    .map_or_else(|| format!("unknown {}", name.as_str()), |id| id.to_string()),
            };
            let own = model.vote.map_or("none".to_owned(), |id| id.to_string());
            return fact("vote", vote, own);
        }
    }
    if let Some(shown) = state.role {
        // A learner is a follower that its own configuration lets learn.
        let shown = match shown {
            plimsoll_trace::Role::Learner if model.config.learners.contains(at.id) => "follower",
            shown => role(shown),
        };
        if shown != model.role.name() {
            return fact("role", shown.to_owned(), model.role.name().to_owned());
        }
    }
    if let Some(last) = state.last.map(position).filter(|last| *last != model.last) {
        return fact("log", last.to_string(), model.last.to_string());
    }
    if let Some(commit) = state.commit.filter(|commit| commit.get() != model.commit.0) {
        return fact("commit", commit.get().to_string(), model.commit.to_string());
    }
    if let Some(shown) = state.applied.map(|applied| applied.get()) {
        // Where no rule asks what is applied, the model applies what commits;
        // an implementation may be behind.
        let fixed = judge.follower.settings.configuration == Configuration::Fixed;
        if shown != model.applied.0 && !(fixed && shown <= model.commit.0) {
            return fact("applied", shown.to_string(), model.applied.to_string());
        }
    }
    if let Some(shown) = state.snapshot.map(position) {
        let base = server.log.base();
        let base = Position::new(base, server.log.term_at(base).unwrap_or_default());
        if shown != base {
            return fact("snapshot", shown.to_string(), base.to_string());
        }
    }
    let shown = state.config.as_ref()?;
    // Most lines repeat what was found to agree.
    let known = judge.shown.get(&at.id).filter(|known| {
        let same = |before| Arc::ptr_eq(before, shown);
        known.config == Some(model.config) && known.state.config.as_ref().is_some_and(same)
    });
    if known.is_some() {
        return None;
    }
    let config = config_differs(judge, shown, &model.config)?;
    fact("configuration", config, model.config.to_string())
}

impl Judge {
    /// What the line shows of the state: a part that its emitter always records
    /// and that is absent is what it was.
    fn state_shown<'a>(&self, at: &At<'a>) -> Cow<'a, State> {
        let mut state = Cow::Borrowed(&*at.step.state);
        let Some(Shown { state: before, .. }) = self.shown.get(&at.id) else {
            return state;
        };
        macro_rules! carry {
            ($($field:ident: $name:ident),*) => {$(
                if state.$field.is_none() && self.declared(Field::$name) && before.$field.is_some() {
                    state.to_mut().$field = before.$field.clone();
                }
            )*};
        }
        carry!(term: StateTerm, vote: StateVote, role: StateRole, leader: StateLeader, commit: StateCommit,
               applied: StateApplied, last: StateLast, snapshot: StateSnapshot, config: StateConfig,
               transfer: StateTransfer);
        state
    }

    fn durable_shown<'a>(&self, at: &At<'a>) -> Cow<'a, Durable> {
        let mut durable = Cow::Borrowed(&*at.step.durable);
        let Some(Shown {
            durable: before, ..
        }) = self.shown.get(&at.id)
        else {
            return durable;
        };
        macro_rules! carry {
            ($($field:ident: $name:ident),*) => {$(
                if durable.$field.is_none() && self.declared(Field::$name) && before.$field.is_some() {
                    durable.to_mut().$field = before.$field.clone();
                }
            )*};
        }
        carry!(term: DurableTerm, vote: DurableVote, commit: DurableCommit, last: DurableLast);
        durable
    }

    /// Remembers what the line shows, for the lines that leave it out.
    fn note_shown(&mut self, at: &At<'_>, state: Cow<'_, State>, durable: Cow<'_, Durable>) {
        let config = self.follower.member(at.id).map(|m| m.server.config);
        let known = self.shown.entry(at.id).or_default();
        known.config = config;
        match state {
            Cow::Borrowed(_) if Arc::ptr_eq(&known.state, &at.step.state) => {}
            Cow::Borrowed(_) => known.state = Arc::clone(&at.step.state),
            Cow::Owned(state) => known.state = Arc::new(state),
        }
        match durable {
            Cow::Borrowed(_) if Arc::ptr_eq(&known.durable, &at.step.durable) => {}
            Cow::Borrowed(_) => known.durable = Arc::clone(&at.step.durable),
            Cow::Owned(durable) => known.durable = Arc::new(durable),
        }
    }

    /// Compares everything that the line shows with the model after the step.
    pub(super) fn check(&mut self, at: &At<'_>) -> Result<(), Stop> {
        if let Some(append) = &at.step.append {
            self.entries(at, append)?;
        }
        if self.follower.member(at.id).is_none() {
            return Ok(());
        }
        let state = self.state_shown(at);
        for (kind, shown) in [
            ("term", state.term.is_some()),
            ("vote", state.vote.is_some()),
            ("role", state.role.is_some()),
            ("commit", state.commit.is_some()),
            ("applied", state.applied.is_some()),
            ("log", state.last.is_some()),
            ("configuration", state.config.is_some()),
        ] {
            self.facts.of(kind).note(shown);
        }
        let member = self.follower.member(at.id);
        let differs = |member: &Member| differs_from(self, at, &state, &member.server);
        if let Some(fact) = member.and_then(differs) {
            return Err(self.contradicts(at, &fact));
        }
        self.check_orders(at, &state)?;
        self.check_leader(at, &state)?;
        self.check_durable(at)?;
        let durable = self.durable_shown(at);
        self.note_shown(at, state, durable);
        Ok(())
    }

    /// Compares who leads as far as the node knows, where the rules ask for it.
    /// Elsewhere the model does not know, and the certificate says so.
    fn check_leader(&mut self, at: &At<'_>, state: &State) -> Result<(), Stop> {
        let asked = !self.follower.settings.vote_with_known_leader;
        let shown = state.leader.as_ref();
        let checked = shown.is_some() && asked;
        self.facts.of("leader").note(checked);
        let (Some(shown), true) = (shown, asked) else {
            return Ok(());
        };
        let model = self.follower.member(at.id).and_then(|m| m.server.leader);
        let named = shown.as_ref().map(|name| self.id(name));
        if named == model.map(Some) {
            return Ok(());
        }
        let none = || "none".to_owned();
        let fact = Fact {
            field: "leader",
            trace: shown.as_ref().map_or_else(none, |n| n.as_str().to_owned()),
            model: model.map_or_else(none, |id| id.to_string()),
        };
        Err(self.contradicts(at, &fact))
    }

    fn contradicts(&self, at: &At<'_>, fact: &Fact) -> Stop {
        let reason = self.follower.member(at.id).and_then(|m| m.reason);
        let rule = match (fact.field, reason) {
            ("vote", Some(reason @ Refusal::VoteUsed { .. })) => reason.into(),
            (_, Some(reason)) => reason.into(),
            ("term", _) => rule("a term changes for a reason", "§5.1", "election"),
            ("vote", _) => rule("a vote changes for a reason", "§5.2", "election"),
            ("role", _) => rule("a role changes for a reason", "§5.2", "election"),
            ("commit", _) => rule(
                "the commit index follows from what is replicated",
                "§5.3, §5.4.2",
                "commit",
            ),
            ("leader", _) => rule("a leader is who sends appends", "§5.2", "election"),
            ("applied", _) => rule("entries are applied in order", "§5.3", "commit"),
            ("log", _) => rule("a log changes by appends", "§5.3", "replication"),
            ("snapshot", _) => rule("a snapshot replaces what is applied", "§7", "snapshot"),
            ("configuration", _) => rule("configurations come from the log", "§6", "membership"),
            _ => rule("what is written is durable", "figure 2", "durability"),
        };
        let also = reason.map_or(String::new(), |reason| format!(" ({reason})"));
        let why = format!(
            "the line shows {} {}, but the steps lead to {}{also}",
            fact.field, fact.trace, fact.model
        );
        self.diverges(at, rule, why, format!("{} {}", fact.field, fact.model))
    }

    /// What the line shows to be durable and the model does not share.
    pub(super) fn durable_differs(&self, at: &At<'_>) -> Option<Fact> {
        let member = self.follower.member(at.id)?;
        self.durable_differs_from(at, &member.server)
    }

    /// The same, if the node were `server`.
    pub(super) fn durable_differs_from(
        &self,
        at: &At<'_>,
        server: &Server<GrowingLog>,
    ) -> Option<Fact> {
        let durable = self.durable_shown(at);
        let is = &server.durable;
        let last = server.durable_last();
        let name = |vote: &Option<plimsoll_trace::NodeName>| match vote {
            None => Some(None),
            Some(name) => self.id(name).map(Some),
        };
        let vote = durable.vote.as_ref().map(name);
        let fact = |field, trace: String, model: String| Fact {
            field,
            trace,
            model,
        };
        if let Some(term) = durable.term.filter(|t| Term(t.get()) != is.term) {
            Some(fact(
                "durable term",
                term.get().to_string(),
                is.term.to_string(),
            ))
        } else if vote.is_some_and(|vote| vote != Some(is.vote)) {
            let shown = durable.vote.as_ref().and_then(Option::as_ref);
            let shown = shown.map_or("none".to_owned(), |n| n.as_str().to_owned());
            let model = is.vote.map_or("none".to_owned(), |v| v.to_string());
            Some(fact("durable vote", shown, model))
        } else if let Some(shown) = durable.last.map(position).filter(|shown| *shown != last) {
            Some(fact("durable log", shown.to_string(), last.to_string()))
        } else {
            durable
                .commit
                .map(|c| Index(c.get()))
                .filter(|c| self.follower.settings.durable_commit && *c != is.commit)
                .map(|c| fact("durable commit", c.to_string(), is.commit.to_string()))
        }
    }

    fn check_durable(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let shown = [
            at.step.durable.term.is_some(),
            at.step.durable.vote.is_some(),
            at.step.durable.last.is_some(),
        ];
        let facts = self.facts.of("durability");
        shown.into_iter().for_each(|shown| facts.note(shown));
        match self.durable_differs(at) {
            None => Ok(()),
            Some(fact) => Err(self.contradicts(at, &fact)),
        }
    }
}

fn rule(name: &str, section: &str, family: &str) -> RuleName {
    RuleName::new(name, section, &format!("model/src/rules/{family}.rs"))
}
