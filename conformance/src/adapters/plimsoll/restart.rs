//! Boots, restarts, and what a crash left.

use plimsoll_model::ids::Index;
use plimsoll_model::log::{GrowingLog, Log};
use plimsoll_model::message::Messages;
use plimsoll_model::rules::{self, Input};
use plimsoll_model::server::Server;
use plimsoll_model::storage::{self, Survival};

use super::check;
use super::judge::{At, Judge};
use crate::replay::Stop;
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
        let server = member.server.clone();
        let settings = self.follower.settings;
        self.facts.of("durability").note(true);
        // What the state leaves open may show in what is durable.
        let (mut nearest, mut likeliest) = (None, None);
        let mut possible = Vec::new();
        if settings.queues_writes() {
            storage::survivals(&server, &settings, true, |survival| {
                possible.push((false, survival));
            });
        } else {
            possible = survivals(&server);
        }
        for (complete, survival) in possible {
            let mut tried = server.clone();
            let mut left = Messages::new();
            let whole = !complete
                || rules::step(&mut tried, &Input::WriteCompleted, &settings, &mut left).is_ok();
            let input = Input::Restart { survival };
            if !whole || rules::step(&mut tried, &input, &settings, &mut left).is_err() {
                continue;
            }
            let recovered = Scalars::of(&tried);
            if let Some(fact) = check::differs(self, at, &tried) {
                nearest.get_or_insert((recovered, fact));
                continue;
            }
            let fits = self.durable_differs_from(at, &tried).is_none();
            if fits || likeliest.is_none() {
                likeliest = Some((complete, input));
            }
            if fits {
                break;
            }
        }
        if let Some((complete, input)) = likeliest {
            if complete {
                self.follower.doubt(true);
                self.silent(at, at.id, Input::WriteCompleted)?;
            }
            self.step(at, input)?;
            self.follower.crashed(at.id, stood);
            return Ok(());
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
