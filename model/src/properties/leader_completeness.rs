//! Leader completeness (figure 3, section 5.4): what was committed in a term is
//! in the logs of the leaders of all later terms.

use super::{Check, Finding, Property};
use crate::cluster::Ensemble;
use crate::log::{InlineLog, Log};
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "leader-completeness",
    says: "a leader holds every entry that was committed in an earlier term",
    section: "§5.4",
    codes: &[
        "A8", "A9", "A13", "B1", "B10", "B12", "B16", "B25", "C1", "C2", "C5", "C6",
    ],
    file: "model/src/properties/leader_completeness.rs",
    presumes: |_| true,
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, _: &Scenario) -> Finding {
    let mut finding = Finding::Vacuous;
    let leaders = state.servers.iter().filter(|(_, s)| s.role.is_leader());
    for (_, leader) in leaders {
        for committed in &state.history.committed {
            if committed.term >= leader.term {
                continue;
            }
            if !leader.log.holds(committed.position) {
                return Finding::Broken;
            }
            finding = Finding::Holds;
        }
    }
    finding
}
