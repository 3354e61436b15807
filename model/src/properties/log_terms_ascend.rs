//! The terms of a log never go down, and none is above the term of its server
//! (figure 2: a leader appends entries of its own term, and a follower has
//! raised its term before it takes them).
//!
//! The comparison of logs in elections (section 5.4.1) rests on it: the last
//! entry stands for the whole log. Storage that tears writes apart breaks it.

use super::{Check, Finding, Property};
use crate::cluster::Ensemble;
use crate::log::{self, InlineLog, Log};
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "log-terms-ascend",
    says: "the terms of a log never go down, and none is above the term of its server",
    section: "figure 2, §5.4.1",
    codes: &["A2", "B17"],
    file: "model/src/properties/log_terms_ascend.rs",
    presumes: |_| true,
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, _: &Scenario) -> Finding {
    let mut finding = Finding::Vacuous;
    for (_, server) in state.servers.iter() {
        if server.log.entries().is_empty() {
            continue;
        }
        if !log::check(&server.log) || server.log.last().term > server.term {
            return Finding::Broken;
        }
        finding = Finding::Holds;
    }
    finding
}
