//! Quorums of adjacent configurations overlap (section 6; dissertation section
//! 4.1, figure 4.3): every majority of one meets every majority of the next.
//!
//! It is computed over the configurations that the logs contain, by trying all
//! sets of servers.

use super::{Check, Finding, Property, configs};
use crate::cluster::Ensemble;
use crate::config::Config;
use crate::ids::NodeSet;
use crate::log::{InlineLog, Log, Payload};
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "adjacent-quorums-overlap",
    says: "every majority of a configuration in a log meets every majority of the next",
    section: "§6, diss. §4.1",
    codes: &[],
    file: "model/src/properties/adjacent_quorums.rs",
    presumes: |scenario| scenario.settings.changes(),
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, scenario: &Scenario) -> Finding {
    if !scenario.settings.changes() {
        return Finding::Vacuous;
    }
    let bootstrap = usize::from(scenario.bounds.bootstrap);
    let mut finding = Finding::Vacuous;
    for (_, server) in state.servers.iter() {
        let start = Config::of(scenario.bounds.voters());
        // Bootstrap entries lead to the same.
        let entries = server.log.entries().iter().skip(bootstrap);
        let mut config = start;
        for entry in entries {
            let Payload::Config { change } = entry.payload else {
                continue;
            };
            let next = config.after(&change);
            if !overlap(&config, &next) {
                return Finding::Broken;
            }
            finding = Finding::Holds;
            config = next;
        }
    }
    finding
}

/// Whether no majority of `one` is apart from one of `next`.
fn overlap(one: &Config, next: &Config) -> bool {
    let all = one.voters().union(next.voters());
    let mut votes = all;
    // All subsets of `all`, the largest first.
    loop {
        if configs::decides(one, votes) && configs::decides(next, all.minus(votes)) {
            return false;
        }
        if votes.is_empty() {
            return true;
        }
        votes = NodeSet((votes.0 - 1) & all.0);
    }
}
