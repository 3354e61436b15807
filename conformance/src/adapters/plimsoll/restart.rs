//! Boots, restarts, and what a crash left.

use plimsoll_model::ids::Index;
use plimsoll_model::log::{GrowingLog, Log};
use plimsoll_model::message::Messages;
use plimsoll_model::rules::{self, Input};
use plimsoll_model::server::Server;
use plimsoll_model::settings::Settings;
use plimsoll_model::storage::{self, Survival};

use super::check;
use super::judge::{At, Judge};
use super::readings::Way;
use crate::replay::Stop;
use crate::replay::faults::Standing;
use crate::replay::follow::Scalars;
use crate::verdict::RuleName;

const DURABILITY: &str = "model/src/rules/durability.rs";

impl Judge {
    /// `start`: the node boots, or restarts with what survived.
    pub(super) fn start(&mut self, at: &At<'_>) -> Result<(), Stop> {
        if self.follower.member(at.id).is_none() {
            let voters = self.header.config.voters.len();
            let bootstrap = u8::try_from(self.header.bootstrap).unwrap_or(u8::MAX);
            self.follower.boot(at.id, voters, bootstrap);
            return Ok(());
        }
        let stood = self.follower.standing(at.id);
        self.lead_if_longer(at)?;
        self.commit_if(at, at.step.state.commit.map(|c| Index(c.get())))?;
        let Some(member) = self.follower.member(at.id) else {
            return Ok(());
        };
        if let Some(Way::Left { complete, survival }) = self.chosen.take() {
            return self.comes_back(at, stood, complete, survival);
        }
        let server = member.server.clone();
        let settings = self.follower.settings;
        self.facts.of("durability").note(true);
        // What the state leaves open may show in what is durable.
        let (mut nearest, mut likeliest) = (None, None);
        for (complete, survival) in self.possible(&server) {
            let Some(tried) = restarted(&server, complete, survival, &settings) else {
                continue;
            };
            let recovered = Scalars::of(&tried);
            if let Some(fact) = check::differs(self, at, &tried) {
                nearest.get_or_insert((recovered, fact));
                continue;
            }
            let fits = self.durable_differs_from(at, &tried).is_none();
            if fits || likeliest.is_none() {
                likeliest = Some((complete, survival));
            }
            if fits {
                break;
            }
        }
        if let Some((complete, survival)) = likeliest {
            return self.comes_back(at, stood, complete, survival);
        }
        let recovers = self.recovered(at);
        let expected = nearest.map_or("a restart".to_owned(), |(is, _)| {
            let vote = is.vote.map_or("none".to_owned(), |v| v.to_string());
            format!(
                "term {}, vote {vote}, commit {}, log to {}",
                is.term, is.commit, is.last
            )
        });
        Err(self.diverges(
            at,
            RuleName::new("what is durable survives a crash", "figure 2", DURABILITY),
            format!(
                "{} recovers {recovers}, which is neither what was durable nor a part of the \
                 write under way",
                at.id
            ),
            expected,
        ))
    }

    /// What a crash may have left, likeliest first.
    fn possible(&self, server: &Server<GrowingLog>) -> Vec<(bool, Survival)> {
        if !self.follower.settings.queues_writes() {
            return survivals(server);
        }
        let mut possible = Vec::new();
        storage::survivals(server, &self.follower.settings, true, |survival| {
            possible.push((false, survival));
        });
        possible
    }

    /// The node restarts with what was left.
    fn comes_back(
        &mut self,
        at: &At<'_>,
        stood: Option<Standing>,
        complete: bool,
        survival: Survival,
    ) -> Result<(), Stop> {
        if complete {
            self.follower.doubt(true);
            self.silent(at, at.id, Input::WriteCompleted)?;
        }
        self.step(at, Input::Restart { survival })?;
        self.follower.crashed(at.id, stood);
        Ok(())
    }

    /// What else than [`Judge::start`] takes a crash may have left, as far as the
    /// line shows and another server comes of it.
    pub(super) fn others_left(&self, at: &At<'_>) -> Vec<(bool, Survival)> {
        let Some(member) = self.follower.member(at.id) else {
            return Vec::new();
        };
        let settings = self.follower.settings;
        let (mut known, mut ways): (Vec<Server<GrowingLog>>, _) = (Vec::new(), Vec::new());
        for (complete, survival) in self.possible(&member.server) {
            let tried = restarted(&member.server, complete, survival, &settings);
            let fits = |tried: &Server<GrowingLog>| {
                check::differs(self, at, tried).is_none()
                    && self.durable_differs_from(at, tried).is_none()
            };
            let Some(tried) = tried.filter(fits).filter(|tried| !known.contains(tried)) else {
                continue;
            };
            known.push(tried);
            ways.push((complete, survival));
        }
        // The first is what is taken without being told.
        ways.drain(..ways.len().min(1));
        ways
    }

    /// `persisted` where writes are queued: the oldest is complete. A line of
    /// several steps has queued several, which its emitter may write as one.
    pub(super) fn oldest_persisted(&mut self, at: &At<'_>) -> Result<(), Stop> {
        loop {
            let member = self.follower.member(at.id);
            if member.is_none_or(|member| member.server.queue.is_empty()) {
                return Ok(());
            }
            self.step(at, Input::WriteCompleted)?;
            if self.durable_differs(at).is_none() {
                return Ok(());
            }
        }
    }

    fn recovered(&self, at: &At<'_>) -> String {
        let state = &at.step.state;
        let show = |value: Option<String>| value.unwrap_or_else(|| "?".to_owned());
        let vote = state.vote.as_ref().map(|vote| match vote {
            Some(name) => name.as_str().to_owned(),
            None => "none".to_owned(),
        });
        format!(
            "term {}, vote {}, commit {}, log to {}",
            show(state.term.map(|t| t.get().to_string())),
            show(vote),
            show(state.commit.map(|c| c.get().to_string())),
            show(
                state
                    .last
                    .map(|l| format!("{}@{}", l.index.get(), l.term.get()))
            ),
        )
    }
}

/// `server` behind a crash that left this.
fn restarted(
    server: &Server<GrowingLog>,
    complete: bool,
    survival: Survival,
    settings: &Settings,
) -> Option<Server<GrowingLog>> {
    let (mut tried, mut left) = (server.clone(), Messages::new());
    if complete {
        rules::step(&mut tried, &Input::WriteCompleted, settings, &mut left).ok()?;
    }
    let input = Input::Restart { survival };
    rules::step(&mut tried, &input, settings, &mut left).ok()?;
    Some(tried)
}

/// What a crash may leave, likeliest first: everything (then the messages of
/// the write may have left, too), nothing of the write, or a part of it.
fn survivals(server: &Server<GrowingLog>) -> Vec<(bool, Survival)> {
    let mut all = vec![(true, Survival::Nothing), (false, Survival::Nothing)];
    let kept = server.durable.shared.0..=server.log.last_index().0;
    for kept in kept.rev().map(|i| Some(Index(i))).chain([None]) {
        for commit in [true, false] {
            all.push((false, Survival::Written { kept, commit }));
        }
    }
    all
}
