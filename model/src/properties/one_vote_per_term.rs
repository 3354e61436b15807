//! One vote a term (section 5.2), over votes that are durable or were released,
//! across restarts.
//!
//! A vote shows in a grant that leaves a server, in a vote request that leaves
//! it (a candidate has voted for itself), and in its durable vote. No list of
//! past votes is kept; every step is judged by itself:
//!
//! 1. the durable (term, vote) only goes up: to a later term, or from no vote
//!    to a vote;
//! 2. a vote that leaves is of a term not above the durable one, and it is the
//!    durable vote if it is of the durable term;
//! 3. nor does it contradict what was durable before the step: it is not of an
//!    earlier term, and in the same term it is the vote that was durable;
//! 4. votes that leave together and are of one term are the same vote.
//!
//! Together these forbid two votes: say `a` and then `b` leave in term `t`. Not
//! in one step, by 4. When `a` left, the durable state was `(t, a)` or later, by
//! 2. It still is, by 1. If it is later than `t`, then `b` breaks 3, else `b` is
//! `a`, by 3. Rule 3 holds because all that leaves was said after the last
//! write, in a term not below the one then durable.

use smallvec::SmallVec;

use super::{Check, Finding, Property, StepView};
use crate::ids::{NodeId, Term};
use crate::log::Log;
use crate::message::{Body, Message};
use crate::scenario::Scenario;
use crate::server::Server;

pub(super) const PROPERTY: Property = Property {
    name: "one-vote-per-term",
    says: "a server gives at most one vote a term, and a vote that left it is durable",
    section: "§5.2",
    codes: &["A2", "A3", "A4", "A5", "B9", "B31"],
    file: "model/src/properties/one_vote_per_term.rs",
    presumes: |_| true,
    check: Check::Step(check),
};

/// The vote that `message` shows.
fn vote(message: &Message) -> Option<(Term, NodeId)> {
    match *message.body.plain() {
        Body::Vote { granted: true } => Some((message.term, message.to)),
        Body::RequestVote { .. } => Some((message.term, message.from)),
        _ => None,
    }
}

/// Whether a vote of `term` for `whom` agrees with the durable vote of `server`.
fn agrees<L: Log>(server: &Server<L>, term: Term, whom: NodeId) -> bool {
    term != server.durable.term || server.durable.vote == Some(whom)
}

fn check(view: &StepView<'_>, _: &Scenario) -> Finding {
    let Some((before, after)) = view.actor().filter(|_| !view.is_wipe()) else {
        return Finding::Vacuous;
    };
    let (old, new) = (&before.durable, &after.durable);
    let mut released = view.step.released.iter().filter_map(vote).peekable();
    if (old.term, old.vote) == (new.term, new.vote) && released.peek().is_none() {
        return Finding::Vacuous;
    }
    let upward = new.term > old.term
        || (new.term == old.term && (old.vote.is_none() || old.vote == new.vote));
    // Votes of the term that was durable before must be the vote that was, if
    // there was one; see rules 2 to 4 above.
    let votes: SmallVec<[_; 4]> = released.collect();
    let one = votes.iter().all(|&(term, whom)| {
        (old.term..=new.term).contains(&term)
            && agrees(after, term, whom)
            && (old.vote.is_none() || agrees(before, term, whom))
            && votes.iter().all(|&(t, w)| t != term || w == whom)
    });
    Finding::of(upward && one)
}
