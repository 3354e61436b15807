//! Configurations (section 6; dissertation chapter 4), as far as the core goes:
//! where the configuration in force comes from.
//!
//! In etcd a configuration takes effect when its entry is applied, at each
//! server for itself. A restarted server has none until it has applied its log
//! again, and until then it must not campaign: it would count a majority of
//! servers it does not know.

use crate::config::{Change, Config};
use crate::flaws::Flaw;
use crate::ids::Index;
use crate::log::{Log, Payload};
use crate::refusal::Refusal;
use crate::server::{Role, Server};
use crate::settings::{Configuration, Settings};

/// Whether `server` may campaign as far as its configuration goes.
///
/// # Errors
/// When it is no voter as far as it knows, or has a committed configuration
/// still to apply (etcd issues 7280 and 5004: a stale quorum elects).
pub fn may_campaign<L: Log>(server: &Server<L>, settings: &Settings) -> Result<(), Refusal> {
    if !server.config.contains_voter(server.id) {
        return Err(Refusal::NotAVoter {
            node: server.id,
            config: server.config,
        });
    }
    if settings.configuration == Configuration::Applied
        && !settings.has(Flaw::CampaignsWithUnappliedConfiguration)
        && let Some(index) = first_unapplied(server)
    {
        return Err(Refusal::UnappliedConfiguration {
            node: server.id,
            index,
        });
    }
    Ok(())
}

/// The first committed configuration that is not applied.
fn first_unapplied<L: Log>(server: &Server<L>) -> Option<Index> {
    let unapplied = (server.applied.0 + 1..=server.commit.0).map(Index);
    unapplied.into_iter().find(|&index| {
        let entry = server.log.entry(index);
        matches!(
            entry.map(|entry| entry.payload),
            Some(Payload::Config { .. })
        )
    })
}

/// The configuration that the snapshot of `server` has: the one as of the last
/// entry that it replaces.
pub fn of_snapshot<L: Log>(server: &Server<L>, settings: &Settings) -> Config {
    match settings.configuration {
        Configuration::Fixed => server.config,
        Configuration::Applied => Config::UNKNOWN.fold(server.log.snapshot()),
    }
}

/// A configuration entry was applied. etcd starts a fresh server with all bootstrap voters in force and then
/// applies the bootstrap entries a second time, which changes nothing.
pub fn take_effect<L: Log>(server: &mut Server<L>, change: &Change) {
    server.config = server.config.after(change);
    if let Role::Leader { matched, .. } = &mut server.role {
        matched.keep(server.config.members());
    }
}
