//! Whatever needs a majority has one of the voters, and nobody else is counted
//! (sections 5.2, 5.3 and 6): who becomes leader, what commits, which read is
//! served, which leader finds that it is heard. Of a joint configuration it is
//! a majority of either half.
//!
//! The rules' own counting is not asked. Who voted, who holds the entries, who
//! has answered is taken from the server that acts; which of them count is read
//! from its log again, and counted voter by voter.

use super::{Check, Finding, Property, StepView, configs};
use crate::action::Action;
use crate::ids::NodeSet;
use crate::message::Body;
use crate::rules::{Branch, Input};
use crate::scenario::Scenario;
use crate::server::Role;

pub(super) const PROPERTY: Property = Property {
    name: "quorum-of-voters",
    says: "who becomes leader, commits, serves a read or finds that it is heard has a majority \
           of the voters that its log names, of either half of a joint configuration",
    section: "§5.2, §5.3, §6",
    codes: &[
        "A6", "B15", "B18", "B20", "C5", "C6", "C7", "C18", "E8", "E9",
    ],
    file: "model/src/properties/quorum_of_voters.rs",
    presumes: |_| true,
    check: Check::Step(check),
};

fn check(view: &StepView<'_>, scenario: &Scenario) -> Finding {
    let (Some((before, after)), Action::Step { node, input }) = (view.actor(), view.action) else {
        return Finding::Vacuous;
    };
    let own = NodeSet::EMPTY.with(*node);
    let counted = if after.role.is_leader()
        && !(before.role.is_leader() && before.term == after.term)
    {
        let granted = match &before.role {
            Role::Candidate { granted, .. } if before.term == after.term => *granted,
            _ => NodeSet::EMPTY,
        };
        let vote = match input {
            Input::Receive { message } if message.body == (Body::Vote { granted: true }) => {
                NodeSet::EMPTY.with(message.from)
            }
            _ => NodeSet::EMPTY,
        };
        let durable = (after.durable.term, after.durable.vote) == (after.term, Some(*node));
        let own = if durable { own } else { NodeSet::EMPTY };
        granted.union(vote).union(own)
    } else {
        let Role::Leader {
            matched,
            reads,
            active,
            ..
        } = &before.role
        else {
            return Finding::Vacuous;
        };
        match (view.branch(), input) {
            (Some(Branch::Committed), _) => {
                let holds = matched.iter().filter(|(_, known)| **known >= after.commit);
                holds.map(|(id, _)| id).collect()
            }
            (Some(Branch::QuorumHeard), _) => active.union(own),
            (Some(Branch::ReadReleased | Branch::ReadIndexSent), Input::ReleaseRead { read }) => {
                match reads.iter().find(|open| open.id == *read) {
                    Some(open) => open.acks.union(own),
                    None => return Finding::Vacuous,
                }
            }
            _ => return Finding::Vacuous,
        }
    };
    let config = configs::in_force(view.before, *node, scenario);
    Finding::of(configs::decides(&config, counted))
}
