//! Where the latest configuration in the log is in force (section 6;
//! dissertation section 4.1), it is: committed or not, after a truncation and
//! after a restart. Where configurations are applied,
//! `applied-is-committed-prefix` says as much.

use super::{Check, Finding, Property, configs};
use crate::cluster::Ensemble;
use crate::log::{InlineLog, Log};
use crate::scenario::Scenario;
use crate::settings::TakesEffect;

pub(super) const PROPERTY: Property = Property {
    name: "configuration-from-log",
    says: "the latest configuration in the log is in force, committed or not",
    section: "§6, diss. §4.1",
    codes: &["C13"],
    file: "model/src/properties/configuration_from_log.rs",
    presumes: |scenario| {
        scenario.settings.changes() && scenario.settings.takes_effect == TakesEffect::Appended
    },
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, scenario: &Scenario) -> Finding {
    let settings = &scenario.settings;
    if !settings.changes() || settings.takes_effect != TakesEffect::Appended {
        return Finding::Vacuous;
    }
    let bootstrap = u64::from(scenario.bounds.bootstrap);
    let mut finding = Finding::Vacuous;
    for (id, server) in state.servers.iter() {
        if server.config != configs::in_force(state, id, scenario) {
            return Finding::Broken;
        }
        if server.log.last_index().0 > bootstrap {
            finding = Finding::Holds;
        }
    }
    finding
}
