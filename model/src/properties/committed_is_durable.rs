//! Committed is durable (sections 5.3 and 5.4; dissertation section 10.2.1):
//! a majority holds every committed entry durably, so that every set of servers
//! able to elect a leader has one that does.
//!
//! Where the configuration changes there is no one majority to ask. What is
//! judged is what it is for: no server that lacks the entry finds a majority of
//! its own configuration whose durable logs are no more up-to-date than its log
//! is (section 5.4.1). That is leader completeness for elections yet to come.
//!
//! Bootstrap entries are part of every voter's log from the start and exempt.

use super::{Check, Finding, Property, configs};
use crate::cluster::Ensemble;
use crate::ids::{NodeSet, Position};
use crate::log::{InlineLog, Log};
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "committed-is-durable",
    says: "a majority holds every committed entry on stable storage",
    section: "§5.4, diss. §10.2.1",
    codes: &[
        "A9", "B5", "B10", "B11", "B12", "B13", "B14", "B15", "B16", "B20", "B21", "B22", "B25",
        "B26", "B30", "C1", "C2", "C3", "C5", "C6",
    ],
    file: "model/src/properties/committed_is_durable.rs",
    presumes: |_| true,
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, scenario: &Scenario) -> Finding {
    let mut finding = Finding::Vacuous;
    let voters = scenario.bounds.voters();
    for committed in &state.history.committed {
        let position = committed.position;
        if position.index.0 <= u64::from(scenario.bounds.bootstrap) {
            continue;
        }
        let holders: NodeSet = state
            .servers
            .iter()
            .filter(|(_, s)| s.durable_term_at(position.index) == Some(position.term))
            .map(|(id, _)| id)
            .collect();
        let durable = match scenario.settings.changes() {
            true => !electable_without(state, position, scenario),
            false => voters.has_quorum(holders),
        };
        if !durable {
            return Finding::Broken;
        }
        finding = Finding::Holds;
    }
    finding
}

/// Whether some server that lacks the entry at `position` could be elected, as
/// far as logs decide it.
fn electable_without(state: &Ensemble<InlineLog>, position: Position, scenario: &Scenario) -> bool {
    let mut lacking = state.servers.iter().filter(|(_, s)| !s.log.holds(position));
    lacking.any(|(id, candidate)| {
        let config = configs::in_force(state, id, scenario);
        // What is committed and not applied it applies first, where that counts.
        let unapplied = scenario.settings.applies() && {
            let start = configs::start(state, id, scenario);
            configs::after(start, candidate, candidate.commit.0) != config
        };
        let own = candidate.log.last();
        let votes = state
            .servers
            .iter()
            .filter(|(voter, s)| *voter == id || s.durable_last() <= own);
        !unapplied
            && config.contains_voter(id)
            && configs::decides(&config, votes.map(|(voter, _)| voter).collect())
    })
}
