//! What a leader knows to match does match, and is durable there (section 5.3;
//! figure 2, matchIndex; dissertation section 10.2.1): the premise on which the
//! leader commits.
//!
//! It is judged for servers of the leader's own term. One of a later term may
//! have dropped what it acknowledged, if that was not committed. It is not
//! judged across a removal after which a server started anew, with nothing.

use super::{Check, Finding, Property};
use crate::cluster::Ensemble;
use crate::ids::{Index, NodeId};
use crate::log::{InlineLog, Log, Payload};
use crate::scenario::Scenario;
use crate::server::{Role, Server};

pub(super) const PROPERTY: Property = Property {
    name: "match-agrees",
    says: "a server of the leader's term holds the leader's log, durably, as far as the leader \
           knows it to match",
    section: "§5.3, diss. §10.2.1",
    codes: &[
        "A9", "B5", "B7", "B10", "B11", "B12", "B13", "B14", "B16", "B21", "B22", "B24", "B25",
        "B30", "B31", "C17",
    ],
    file: "model/src/properties/match_agrees.rs",
    presumes: |_| true,
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, scenario: &Scenario) -> Finding {
    let mut finding = Finding::Vacuous;
    for (_, leader) in state.servers.iter() {
        let Role::Leader { matched, .. } = &leader.role else {
            continue;
        };
        for (id, &known) in matched.iter() {
            let Some(server) = state.servers.get(id) else {
                continue;
            };
            // Who starts anew holds nothing of what it acknowledged. Only a
            // leader that has added it again, and tells what it acknowledged
            // since, has a reason to know.
            let wiped = state.history.wiped.contains(id);
            if wiped && !is_added_again(leader, id, scenario) {
                continue;
            }
            // Bootstrap entries are everywhere from the start.
            if server.term != leader.term || known.0 <= u64::from(scenario.bounds.bootstrap) {
                continue;
            }
            if !holds(server, leader, known) {
                return Finding::Broken;
            }
            finding = Finding::Holds;
        }
    }
    finding
}

/// Whether the leader's log removes `id`, and adds it again.
fn is_added_again(leader: &Server<InlineLog>, id: NodeId, scenario: &Scenario) -> bool {
    let removes = leader
        .log
        .entries()
        .iter()
        .any(|entry| match entry.payload {
            Payload::Config { change } => change.removed.contains(id),
            _ => false,
        });
    removes && scenario.settings.tells_memberships_apart && leader.config.members().contains(id)
}

/// Whether `server` holds the log of `leader` up to `known`, also on disk.
fn holds(server: &Server<InlineLog>, leader: &Server<InlineLog>, known: Index) -> bool {
    let upto = usize::try_from(known.0).unwrap_or(usize::MAX);
    let prefix = leader.log.entries().get(..upto);
    prefix.is_some()
        && server.log.entries().get(..upto) == prefix
        && (1..=known.0).map(Index).all(|index| {
            let term = leader.log.held(index).map(|entry| entry.term);
            term.is_some() && server.durable_term_at(index) == term
        })
}
