//! Configurations as the properties see them: read from logs and counted voter
//! by voter, without what a server takes for its configuration and without the
//! rules' own counting.

use crate::cluster::Ensemble;
use crate::config::Config;
use crate::ids::{NodeId, NodeSet};
use crate::log::{InlineLog, Log, Payload};
use crate::scenario::Scenario;
use crate::server::Server;
use crate::settings::{Configuration, TakesEffect};

/// What `id` knew of the configuration before it applied, or read, anything.
pub(super) fn start(state: &Ensemble<InlineLog>, id: NodeId, scenario: &Scenario) -> Config {
    let settings = &scenario.settings;
    let voters = scenario.bounds.voters();
    let restarted = state.history.restarted.contains(id);
    let knows = match scenario.bounds.bootstrap {
        // Storage holds it, or what was known at the first boot is lost.
        0 => !restarted || settings.configuration == Configuration::Fixed,
        // The log says it; who boots first with that log knows it before.
        _ => {
            voters.contains(id)
                && !state.history.wiped.contains(id)
                && !(restarted && settings.applies())
        }
    };
    match knows {
        true => Config::of(voters),
        false => Config::UNKNOWN,
    }
}

/// The configuration that is in force at `id`, by its log.
pub(super) fn in_force(state: &Ensemble<InlineLog>, id: NodeId, scenario: &Scenario) -> Config {
    let server = &state.servers[id];
    let settings = &scenario.settings;
    let start = start(state, id, scenario);
    let upto = match settings.takes_effect {
        _ if settings.applies() => server.applied.0,
        TakesEffect::Appended if settings.changes() => server.log.last_index().0,
        _ => return start,
    };
    after(start, server, upto)
}

/// The configuration that the first `upto` entries of the log of `server` make
/// of `start`.
pub(super) fn after(start: Config, server: &Server<InlineLog>, upto: u64) -> Config {
    let upto = usize::try_from(upto).unwrap_or(usize::MAX);
    let entries = server.log.entries().iter().take(upto);
    entries.fold(start, |config, entry| match entry.payload {
        Payload::Config { change } => config.after(&change),
        _ => config,
    })
}

/// Whether `votes` are a majority of each half of `config`.
pub(super) fn decides(config: &Config, votes: NodeSet) -> bool {
    let majority = |voters: NodeSet| {
        let (all, those) = voters.iter().fold((0, 0), |(all, those), id| {
            (all + 1, those + usize::from(votes.contains(id)))
        });
        those > all / 2
    };
    majority(config.voters) && config.joint.is_none_or(|joint| majority(joint.outgoing))
}
