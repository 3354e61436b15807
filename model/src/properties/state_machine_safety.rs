//! State-machine safety (figure 3, section 5.4.3): no two servers apply
//! different entries at one index.

use super::{Check, Finding, Property};
use crate::cluster::Ensemble;
use crate::log::{InlineLog, Log};
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "state-machine-safety",
    says: "what two servers have committed, and so may apply, agrees index by index",
    section: "§5.4.3",
    codes: &["B7", "B8", "B14", "B16", "B25", "B29"],
    file: "model/src/properties/state_machine_safety.rs",
    presumes: |_| true,
    check: Check::State(check),
};

/// Every committed prefix is compared with every other one, and with the ghost:
/// a server that has forgotten its commit index in a crash is held to it still.
fn check(state: &Ensemble<InlineLog>, scenario: &Scenario) -> Finding {
    let mut finding = Finding::Vacuous;
    let bootstrap = u64::from(scenario.bounds.bootstrap);
    for (id, a) in state.servers.iter() {
        for committed in &state.history.committed {
            if committed.position.index <= a.commit {
                if !a.log.holds(committed.position) {
                    return Finding::Broken;
                }
                finding = Finding::Holds;
            }
        }
        for (_, b) in state.servers.iter().filter(|&(other, _)| other > id) {
            let both = a.commit.min(b.commit).0;
            let length = usize::try_from(both).unwrap_or(usize::MAX);
            let left = a.log.entries().get(..length);
            let right = b.log.entries().get(..length);
            if left.is_none() || left != right {
                return Finding::Broken;
            }
            if both > bootstrap {
                finding = Finding::Holds;
            }
        }
    }
    finding
}
