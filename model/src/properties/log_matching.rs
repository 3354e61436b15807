//! Log matching (figure 3, section 5.3): two logs that hold an entry of the
//! same index and term are identical up to it.

use super::{Check, Finding, Property};
use crate::cluster::Ensemble;
use crate::log::{InlineLog, Log};
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "log-matching",
    says: "logs that agree on an entry's index and term agree on everything before it",
    section: "§5.3",
    codes: &["B7", "B18", "B31"],
    file: "model/src/properties/log_matching.rs",
    presumes: |_| true,
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, scenario: &Scenario) -> Finding {
    let mut finding = Finding::Vacuous;
    let bootstrap = usize::from(scenario.bounds.bootstrap);
    for (id, a) in state.servers.iter() {
        for (_, b) in state.servers.iter().filter(|&(other, _)| other > id) {
            let (a, b) = (a.log.entries(), b.log.entries());
            let agree = (0..a.len().min(b.len()))
                .rev()
                .find(|&i| a[i].term == b[i].term);
            let Some(agree) = agree else { continue };
            if a[..=agree] != b[..=agree] {
                return Finding::Broken;
            }
            if agree >= bootstrap {
                finding = Finding::Holds;
            }
        }
    }
    finding
}
