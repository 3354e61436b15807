//! What is applied is the committed prefix, entry by entry (figure 3, state
//! machine safety; section 5.3: a server applies entries in log order).
//!
//! Three things, on every state and so also after every restart:
//!
//! 1. nothing is applied that no leader has committed;
//! 2. what is applied is what was committed there, by the ghost;
//! 3. the machine is in the state that these entries lead to, none left out.
//!
//! Two machines have a state of their own. One is the configuration, where it
//! comes from applied entries: it starts with all voters on a first boot, with
//! none after a restart, and each entry makes its change; those that a snapshot
//! replaces count as applied. The other is that of the clients, where they have
//! sessions: each command has the effect of its first copy, and the sessions are
//! what that comes to. Without sessions its state is the entries themselves.

use super::{Check, Finding, Property, commands, configs};
use crate::cluster::Ensemble;
use crate::log::{InlineLog, Log};
use crate::scenario::Scenario;

pub(super) const PROPERTY: Property = Property {
    name: "applied-is-committed-prefix",
    says: "what a server has applied is the committed prefix, and its state what that leads to",
    section: "figure 3, §5.3",
    codes: &[
        "B8", "B14", "B16", "B20", "B25", "C15", "C16", "E15", "E16", "E17", "E19",
    ],
    file: "model/src/properties/applied_is_committed_prefix.rs",
    presumes: |_| true,
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, scenario: &Scenario) -> Finding {
    let mut finding = Finding::Vacuous;
    let history = &state.history;
    let bootstrap = u64::from(scenario.bounds.bootstrap);
    let committed = history.highest_commit().0.max(bootstrap);
    for (id, server) in state.servers.iter() {
        if server.applied.0 > committed {
            return Finding::Broken;
        }
        let mut known = history.committed.iter().map(|c| c.position);
        if known.any(|at| at.index <= server.applied && !server.log.holds(at)) {
            return Finding::Broken;
        }
        let restarted = history.restarted.contains(id);
        if scenario.settings.applies() {
            let start = configs::start(state, id, scenario);
            if server.config != configs::after(start, server, server.applied.0) {
                return Finding::Broken;
            }
            if restarted && server.applied.0 > 0 {
                finding = Finding::Holds;
            }
        }
        let clients = scenario.settings.sessions;
        if clients > 0 {
            let machine = server.machine.as_deref().cloned().unwrap_or_default();
            if machine != commands::machine_after(commands::applied(server), clients) {
                return Finding::Broken;
            }
        }
        if server.applied.0 > bootstrap {
            finding = Finding::Holds;
        }
    }
    finding
}
