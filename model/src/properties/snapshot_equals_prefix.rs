//! A snapshot equals the prefix that it replaces (section 7; dissertation
//! chapter 5): its state is what the committed entries up to its last one lead
//! to, in memory, on disk and under way.
//!
//! The state of a snapshot is the list of the entries that it replaces
//! ([`crate::log`]), so each snapshot is compared, entry by entry,
//!
//! 1. with what the ghost knows to be committed: nothing else, nothing more;
//! 2. with what every server holds as committed, in its log or in a snapshot.

use super::{Check, Finding, Property};
use crate::cluster::Ensemble;
use crate::ids::Index;
use crate::log::{Entry, InlineLog, Log};
use crate::message::Body;
use crate::scenario::Scenario;
use crate::server::Server;

pub(super) const PROPERTY: Property = Property {
    name: "snapshot-equals-prefix",
    says: "a snapshot holds what the committed entries that it replaces lead to, no more and no \
           less",
    section: "§7",
    codes: &[],
    file: "model/src/properties/snapshot_equals_prefix.rs",
    presumes: |scenario| scenario.bounds.compactions > 0,
    check: Check::State(check),
};

fn check(state: &Ensemble<InlineLog>, scenario: &Scenario) -> Finding {
    let mut finding = Finding::Vacuous;
    let bootstrap = u64::from(scenario.bounds.bootstrap);
    for (_, server) in state.servers.iter() {
        let base = usize::try_from(server.durable.base.0).unwrap_or(usize::MAX);
        let on_disk: Vec<Entry> = on_disk(server).take(base).collect();
        let under_way = server
            .outbox
            .iter()
            .filter_map(|message| match &message.body {
                Body::InstallSnapshot { state, .. } => Some(&state[..]),
                _ => None,
            });
        for snapshot in [server.log.snapshot(), &on_disk]
            .into_iter()
            .chain(under_way)
        {
            if snapshot.is_empty() {
                continue;
            }
            if !is_committed(snapshot, state, bootstrap) {
                return Finding::Broken;
            }
            finding = Finding::Holds;
        }
    }
    finding
}

/// The durable log of `server`, the state of the snapshot on disk first.
fn on_disk(server: &Server<InlineLog>) -> impl Iterator<Item = Entry> {
    let shared = usize::try_from(server.durable.shared.0).unwrap_or(usize::MAX);
    let entries = server.log.entries().iter().take(shared);
    entries.chain(&server.durable.tail).copied()
}

/// Whether `snapshot` is a committed prefix, as far as ghost and servers know.
fn is_committed(snapshot: &[Entry], state: &Ensemble<InlineLog>, bootstrap: u64) -> bool {
    let last = Index::ZERO.plus(snapshot.len());
    let history = &state.history;
    let known = history.highest_commit().0.max(bootstrap);
    let ghost = history.committed.iter().map(|c| c.position);
    let mut ghost = ghost.filter(|at| at.index <= last);
    let agrees = |server: &Server<InlineLog>| {
        let both = usize::try_from(last.min(server.commit).0).unwrap_or(usize::MAX);
        server.log.entries().get(..both) == snapshot.get(..both)
    };
    last.0 <= known
        && ghost.all(|at| {
            let held = usize::try_from(at.index.0 - 1).ok();
            let held = held.and_then(|held| snapshot.get(held));
            held.is_some_and(|entry| entry.term == at.term)
        })
        && state.servers.iter().all(|(_, server)| agrees(server))
}
