//! What a divergence rests on: since which lines the facts hold that its reason
//! names, and what every node had last agreed on.

use plimsoll_model::ids::NodeId;

use super::follow::{Follower, Scalars};
use crate::verdict::{Agreed, Place};

/// Where each part of a server's state became what it is; `None` from the start.
#[derive(Clone, Debug, Default)]
pub struct Since {
    /// The term.
    pub term: Option<Place>,
    /// The vote.
    pub vote: Option<Place>,
    /// The role.
    pub role: Option<Place>,
    /// The last entry.
    pub last: Option<Place>,
    /// The commit index.
    pub commit: Option<Place>,
    /// The configuration in force.
    pub config: Option<Place>,
}

impl Since {
    /// Notes what a step has changed, shown by the line at `place`.
    pub fn note(&mut self, before: &Scalars, after: &Scalars, place: &Place) {
        let new = || Some(place.clone());
        if after.term != before.term {
            self.term = new();
        }
        if (after.term, after.vote) != (before.term, before.vote) && after.vote.is_some() {
            self.vote = new();
        }
        if after.role != before.role {
            self.role = new();
        }
        if after.last != before.last {
            self.last = new();
        }
        if after.commit != before.commit {
            self.commit = new();
        }
        if after.config != before.config {
            self.config = new();
        }
    }
}

impl Follower {
    /// The lines before `here` from which on those facts of `id` hold that `reason`
    /// names.
    pub fn because(&self, id: NodeId, reason: &str, here: &Place) -> Vec<(Place, String)> {
        let Some(member) = self.member(id) else {
            return Vec::new();
        };
        let (now, since) = (Scalars::of(&member.server), &member.since);
        let said: Vec<&str> = reason
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '@')
            .collect();
        let says = |word: &&str| said.iter().any(|said| said == word);
        let positions = said.iter().any(|said| said.contains('@'));
        let names = |words: &[&str]| words.iter().any(says) || positions && words.contains(&"@");
        let mut because = Vec::new();
        let mut fact = |place: &Option<Place>, words: &[&str], what: String| {
            let place = place.as_ref().filter(|place| *place != here);
            if let Some(place) = place.filter(|_| names(words)) {
                because.push((place.clone(), what));
            }
        };
        fact(
            &since.term,
            &["term", "terms", "vote", "votes", "voted", "@"],
            format!("{id} came to term {}", now.term),
        );
        if let Some(vote) = now.vote {
            fact(
                &since.vote,
                &["vote", "votes", "voted"],
                format!("{id} voted for {vote}"),
            );
        }
        fact(
            &since.role,
            &["lead", "leads", "leader", "candidate", "follower"],
            format!("{id} became {}", now.role.name()),
        );
        fact(
            &since.last,
            &["index", "log", "entry", "entries", "holds", "hold"],
            format!("the log of {id} came to end at {}", now.last),
        );
        fact(
            &since.commit,
            &["commit", "committed", "commits", "applied", "applies"],
            format!("{id} came to commit index {}", now.commit),
        );
        fact(
            &since.config,
            &[
                "configuration",
                "majority",
                "voter",
                "voters",
                "member",
                "members",
            ],
            format!("{id} came to the configuration {}", now.config),
        );
        because
    }

    /// What each node had agreed on in the last of its lines that was explained.
    /// `nodes`: the name in the model, the name in the trace.
    pub fn agreed(&self, nodes: &[(String, String)]) -> Vec<Agreed> {
        let named = |id: NodeId| {
            let model = id.to_string();
            let found = nodes.iter().find(|(known, _)| *known == model);
            found.map_or(model, |(_, name)| name.clone())
        };
        let members = self.members().filter_map(|member| {
            let (place, state) = member.agreed.as_ref()?;
            Some(Agreed {
                node: named(member.server.id),
                model: member.server.id.to_string(),
                place: place.clone(),
                term: state.term.0,
                vote: state.vote.map(named),
                role: state.role.name(),
                commit: state.commit.0,
                applied: state.applied.0,
                last_index: state.last.index.0,
                last_term: state.last.term.0,
                configuration: state.config.to_string(),
            })
        });
        members.collect()
    }
}
