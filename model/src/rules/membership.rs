//! Configurations (section 6; dissertation chapter 4): which one is in force at
//! a server, and what comes with it.
//!
//! - In the paper the latest configuration in the log is in force, committed or
//!   not; a server that drops entries goes back to the one before
//!   ([`log_changed`]).
//! - In etcd a configuration takes effect when its entry is applied, at each
//!   server for itself ([`take_effect`]). A restarted server has none until it
//!   has applied its log again, and until then it must not campaign: it would
//!   count a majority of servers it does not know ([`may_campaign`]).
//! - A leader knows progress only of the members of its configuration. One that
//!   is no voter any more leads on, without counting itself, until that is
//!   committed ([`commit_rose`]) or applied (section 4.2.2), or for good
//!   ([`RemovedLeader::LeadsOn`]), and then takes nothing new ([`may_append`]).
//!
//! Whoever is asked answers, member or not: a server votes for candidates and
//! takes entries from leaders that are not in its configuration (section
//! 4.2.2), for it may be the one that is behind. Learners vote too when they
//! are asked: they may have been promoted and not know it (etcd issue 10998).

use crate::config::{Change, Config};
use crate::flaws::Flaw;
use crate::ids::{Index, NodeId};
use crate::log::{Log, Payload};
use crate::refusal::Refusal;
use crate::rules::election;
use crate::server::{Role, Server};
use crate::settings::{Configuration, RemovedLeader, Settings, TakesEffect};

/// Whether `server` may campaign as far as its configuration goes.
///
/// # Errors
/// When it is no voter as far as it knows, and no longer needed, or has a
/// committed configuration still to apply (etcd issues 7280 and 5004: a stale quorum elects).
pub fn may_campaign<L: Log>(server: &Server<L>, settings: &Settings) -> Result<(), Refusal> {
    if !server.config.contains_voter(server.id) && !may_be_needed(server, settings) {
        return Err(Refusal::NotAVoter {
            node: server.id,
            config: server.config,
        });
    }
    if settings.applies()
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

/// Whether a server that votes in no configuration any more may have to lead
/// once more: the change that leaves it out is not committed as far as it knows,
/// and its log may be the only one that is up-to-date enough to win (dissertation
/// section 4.2.2). Its own vote does not count.
fn may_be_needed<L: Log>(server: &Server<L>, settings: &Settings) -> bool {
    if !settings.changes()
        || settings.takes_effect != TakesEffect::Appended
        || settings.has(Flaw::RetiresAtOnce)
    {
        return false;
    }
    let mut config = at_base(server);
    for (index, change) in server.log.changes(server.log.base()) {
        if index > server.commit && config.contains_voter(server.id) {
            return true;
        }
        config = config.after(&change);
    }
    false
}

/// The configuration where the log begins: that of the snapshot, if there is
/// one, which the snapshot holds.
fn at_base<L: Log>(server: &Server<L>) -> Config {
    server.log.configuration_of_snapshot(server.base)
}

/// The first committed configuration that is not applied.
fn first_unapplied<L: Log>(server: &Server<L>) -> Option<Index> {
    let behind = server.applied.max(server.log.base());
    let next = server.log.changes(behind).next().map(|(index, _)| index);
    next.filter(|index| *index <= server.commit)
}

/// The change at `index` of the log, if there is one.
pub fn change_at<L: Log>(server: &Server<L>, index: Index) -> Option<Change> {
    match server.log.entry(index)?.payload {
        Payload::Config { change } => Some(change),
        _ => None,
    }
}

/// Where the latest change in the log stands; zero without one.
pub fn latest_change<L: Log>(server: &Server<L>) -> Index {
    server.log.latest_change()
}

/// A configuration entry was applied. etcd starts a fresh server with all
/// bootstrap voters in force and then applies the bootstrap entries a second
/// time, which changes nothing.
pub fn take_effect<L: Log>(server: &mut Server<L>, change: &Change, settings: &Settings) {
    let config = server.config.after(change);
    in_force(server, config, settings);
    if server.role.is_leader() && !config.contains_voter(server.id) {
        steps_down(server, settings);
    }
}

/// The log has changed: where the latest configuration in it is in force, that
/// may be another one now.
pub fn log_changed<L: Log>(server: &mut Server<L>, settings: &Settings) {
    if settings.changes() && settings.takes_effect == TakesEffect::Appended {
        let changes = server.log.changes(server.log.base());
        let config = changes.fold(at_base(server), |config, (_, change)| config.after(&change));
        in_force(server, config, settings);
    }
}

/// The configuration as of the last entry that the snapshot of `server`
/// replaces; without one, the configuration that a restart begins with.
pub fn of_snapshot<L: Log>(server: &Server<L>, settings: &Settings) -> Config {
    if !settings.applies() && !settings.changes() {
        return server.config;
    }
    let start = match settings.configuration {
        Configuration::Applied => Config::UNKNOWN,
        Configuration::Fixed => server.base,
    };
    let config = server.log.configuration_of_snapshot(start);
    match settings.has(Flaw::SnapshotForgetsOutgoing) {
        true => Config {
            joint: None,
            ..config
        },
        false => config,
    }
}

/// The machine has been reset to a snapshot that has the configuration
/// `config`.
pub fn loaded<L: Log>(server: &mut Server<L>, config: Config, settings: &Settings) {
    if settings.applies() {
        in_force(server, config, settings);
    }
}

/// The configuration after a restart; `committed` is what the server knew to be
/// committed before.
pub fn recovered<L: Log>(server: &mut Server<L>, committed: Index, settings: &Settings) {
    if settings.applies() {
        server.config = of_snapshot(server, settings);
    }
    log_changed(server, settings);
    if settings.has(Flaw::UncommittedChangeForgotten) {
        let behind = committed.0.saturating_sub(server.log.base().0);
        let behind = usize::try_from(behind).unwrap_or(usize::MAX);
        server.config = at_base(server).fold(server.log.tail().iter().take(behind));
    }
}

/// `config` is in force from now on. What a leader knew of those who are no
/// members goes, and comes not back with them (etcd; a server may come back
/// with nothing); it hands over to nobody who cannot lead.
fn in_force<L: Log>(server: &mut Server<L>, config: Config, settings: &Settings) {
    let new = config.members().minus(server.config.members());
    server.config = config;
    if let Role::Leader {
        matched,
        transfer,
        active,
        ..
    } = &mut server.role
    {
        matched.keep(config.members());
        *transfer = transfer.filter(|&to| config.contains_voter(to));
        *active = active.minus(active.minus(config.members()));
        if settings.check_quorum && settings.counts_new_members {
            *active = active.union(new);
        }
    }
}

/// The commit index of a leader has risen. In the paper a leader that the
/// latest configuration leaves out steps down once that is committed
/// (dissertation section 4.2.2).
pub fn commit_rose<L: Log>(server: &mut Server<L>, settings: &Settings) {
    if settings.changes()
        && settings.takes_effect == TakesEffect::Appended
        && server.role.is_leader()
        && !server.config.contains_voter(server.id)
        && latest_change(server) <= server.commit
    {
        steps_down(server, settings);
    }
}

fn steps_down<L: Log>(server: &mut Server<L>, settings: &Settings) {
    if settings.removed_leader == RemovedLeader::LeadsOn {
        return;
    }
    server.role = Role::Follower;
    election::lose_leader(server);
}

/// Whether clients may still append to the log of this leader: one that has
/// applied its removal, and leads on, takes nothing more (etcd).
///
/// # Errors
/// When it is no member any more.
pub fn may_append<L: Log>(server: &Server<L>, settings: &Settings) -> Result<(), Refusal> {
    let (node, config) = (server.id, server.config);
    let leads_on = settings.changes()
        && settings.takes_effect == TakesEffect::Applied
        && settings.removed_leader == RemovedLeader::LeadsOn;
    match leads_on && !config.members().contains(node) {
        true => Err(Refusal::NotAMember { node, config }),
        false => Ok(()),
    }
}

/// Up to where a new leader must have applied before it may append a change:
/// the end of the log that it begins with, for there may be one in it that it
/// does not know to be committed (etcd).
pub fn pending_at_start<L: Log>(server: &Server<L>, settings: &Settings) -> Index {
    match settings.changes() && settings.takes_effect == TakesEffect::Applied {
        true => server.log.last_index(),
        false => Index::ZERO,
    }
}

/// Since which entry `id` is a member, where the settings tell one membership
/// from another; zero from the start. Of members that joined before the log
/// begins the snapshot says it with its configuration: without, an answer of an
/// earlier membership would count once the entries between are compacted.
pub fn joined<L: Log>(server: &Server<L>, id: NodeId, settings: &Settings) -> Index {
    if !settings.changes() || !settings.tells_memberships_apart {
        return Index::ZERO;
    }
    let (mut config, mut joined) = (server.base, Index::ZERO);
    for (index, change) in server.log.changes(Index::ZERO) {
        let next = config.after(&change);
        if !config.members().contains(id) && next.members().contains(id) {
            joined = index;
        }
        config = next;
    }
    joined
}

/// Whether an answer of `from` says anything to this server if it leads;
/// `to_append` is the membership that an answer to an append gives back.
///
/// # Errors
/// When `from` is no member of its configuration, or has been removed and added
/// again since what it answers was sent.
pub fn is_heard<L: Log>(
    server: &Server<L>,
    from: NodeId,
    to_append: Option<Index>,
    settings: &Settings,
) -> Result<(), Refusal> {
    if !server.role.is_leader() {
        return Ok(());
    }
    if !server.config.members().contains(from) {
        return Err(Refusal::NotAPeer {
            node: server.id,
            to: from,
        });
    }
    let joined = joined(server, from, settings);
    match to_append {
        Some(then)
            if then != joined
                && settings.tells_memberships_apart
                && !settings.has(Flaw::EarlierMembershipCounted) =>
        {
            Err(Refusal::EarlierMembership {
                node: server.id,
                from,
                joined,
            })
        }
        _ => Ok(()),
    }
}
