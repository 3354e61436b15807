//! One vote a term (section 5.2), over votes that are durable or were released,
//! across restarts.
//!
//! No list of past votes is kept. A server's durable (term, vote) only goes up:
//! to a later term, or from no vote to a vote; and a granted vote that leaves a
//! server is its durable vote of that term, or the server is durably in a later
//! term. So by induction no two votes of one server and term ever differ.

use super::{Check, Finding, Property, StepView};
use crate::message::Body;
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "one-vote-per-term",
    says: "a server gives at most one vote a term, and a vote that left it is durable",
    section: "§5.2",
    codes: &["A2", "A3", "A4", "A5"],
    file: "model/src/properties/one_vote_per_term.rs",
    check: Check::Step(check),
};

fn check(view: &StepView<'_>, _: &Scenario) -> Finding {
    let Some((before, after)) = view.actor() else {
        return Finding::Vacuous;
    };
    let (old, new) = (&before.durable, &after.durable);
    let grants = view.step.released.iter().filter_map(|m| match m.body {
        Body::Vote { granted: true } => Some((m.term, m.to)),
        _ => None,
    });
    let mut released = 0;
    for (term, to) in grants {
        released += 1;
        if new.term < term || (new.term == term && new.vote != Some(to)) {
            return Finding::Broken;
        }
    }
    if (old.term, old.vote) == (new.term, new.vote) && released == 0 {
        return Finding::Vacuous;
    }
    let upward = new.term > old.term
        || (new.term == old.term && (old.vote.is_none() || old.vote == new.vote));
    Finding::of(upward)
}
