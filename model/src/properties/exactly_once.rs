//! Exactly-once application (section 8; dissertation section 6.3): a command
//! that a client sends again, and that so stands in a log more than once, takes
//! effect once.
//!
//! That it does take effect is another property's
//! ([`super::linearizable_writes`]).

use super::{Check, Finding, Property, commands};
use crate::cluster::Ensemble;
use crate::log::InlineLog;
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "exactly-once",
    says: "no command takes effect twice in the state machine, however often it was sent",
    section: "diss. §6.3",
    codes: &["E15", "E16", "E17"],
    file: "model/src/properties/exactly_once.rs",
    presumes: |scenario| scenario.settings.sessions > 0 || scenario.bounds.retries > 0,
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, scenario: &Scenario) -> Finding {
    if !scenario.sends_again() {
        return Finding::Vacuous;
    }
    let twice = |server: &crate::server::Server<InlineLog>| {
        commands::is_any_twice(&commands::effects(server, scenario))
    };
    if state.servers.iter().any(|(_, server)| twice(server)) {
        return Finding::Broken;
    }
    match commands::any_twice(state) {
        true => Finding::Holds,
        false => Finding::Vacuous,
    }
}
