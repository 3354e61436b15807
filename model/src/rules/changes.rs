//! Changes of the configuration: what a leader may append (section 6;
//! dissertation sections 4.1 and 4.3; etcd's `ConfChangeV2`).
//!
//! - One change at a time: the one before must be committed (the paper), or
//!   applied by the leader (etcd), where a new leader takes all that it begins
//!   with for a change (`settled`).
//! - A *single-server change* makes one voter more or less, so that majorities
//!   before and after overlap. The leader must have committed an entry of its
//!   own term first: without, two leaders may each start from a configuration
//!   that the other has changed (Ongaro, raft-dev, 2015; [`may_change`]).
//! - Any other change goes through a *joint* configuration, in which both
//!   halves decide. It is left by one more entry, which the leader appends by
//!   itself ([`leave`]) or when it is told.
//! - Learners come and go with either kind, or alone.

use super::{Branch, Outcome};
use crate::config::{Change, Config, Transition};
use crate::flaws::Flaw;
use crate::ids::{NodeId, NodeSet, Position};
use crate::log::{Entry, Log, Payload};
use crate::refusal::Refusal;
use crate::rules::{membership, transfer};
use crate::server::{Role, Server};
use crate::settings::{Settings, TakesEffect};

/// Whether the settings know changes of this kind.
///
/// # Errors
/// When they do not.
fn is_known<L: Log>(
    server: &Server<L>,
    change: &Change,
    settings: &Settings,
) -> Result<(), Refusal> {
    let (voters, learners) = (server.config.voters, server.config.learners);
    let votes = !change.voters.minus(voters).is_empty()
        || voters.overlap(change.learners.union(change.removed)) > 0;
    let learns = !change.learners.is_empty() || learners.overlap(change.named()) > 0;
    let known = match change.transition {
        Transition::Simple => !votes || settings.single_server_changes,
        Transition::Joint { .. } | Transition::Leave => settings.joint_consensus,
    };
    match known && (!learns || settings.learners) {
        true => Ok(()),
        false => Err(Refusal::NoSuchChange { node: server.id }),
    }
}

/// Whether no change is under way.
///
/// # Errors
/// When one is not committed, or not applied.
fn settled<L: Log>(server: &Server<L>, settings: &Settings) -> Result<(), Refusal> {
    let (pending, upto) = match (&server.role, settings.takes_effect) {
        (Role::Leader { pending, .. }, TakesEffect::Applied) => (*pending, server.applied),
        _ => (membership::latest_change(server), server.commit),
    };
    match pending <= upto {
        true => Ok(()),
        false => Err(Refusal::ChangePending {
            node: server.id,
            index: pending,
            upto,
        }),
    }
}

/// Whether an entry of the leader's own term is committed.
///
/// # Errors
/// When none is.
fn committed_in_term<L: Log>(server: &Server<L>) -> Result<(), Refusal> {
    let committed = server.log.term_at(server.commit).unwrap_or_default();
    match committed == server.term {
        true => Ok(()),
        false => Err(Refusal::ChangeBeforeOwnCommit {
            node: server.id,
            term: server.term,
            commit: Position::new(server.commit, committed),
        }),
    }
}

/// Whether the configuration in force may be followed by the one that `change`
/// leads to.
///
/// # Errors
/// When it is joint and `change` does not leave it, or the other way round;
/// when nobody would vote, nothing would change, or more than one voter without
/// a joint configuration.
fn fits<L: Log>(server: &Server<L>, change: &Change) -> Result<(), Refusal> {
    let (node, config) = (server.id, server.config);
    let leaves = change.transition == Transition::Leave;
    if config.is_joint() != leaves {
        return Err(Refusal::Joint { node, config });
    }
    let next = config.after(change);
    let differ = config.voters.minus(next.voters).len() + next.voters.minus(config.voters).len();
    let one = change.transition != Transition::Simple || differ <= 1;
    let named = [change.voters, change.learners, change.removed];
    let apart = named.iter().map(|ids| ids.len()).sum::<usize>() == change.named().len();
    let other = Config {
        joint: None,
        ..next
    } != config;
    if one && apart && (leaves || other) && !next.voters.is_empty() {
        return Ok(());
    }
    Err(Refusal::UnfitChange { node, config, next })
}

/// Whether the leader may append `change`.
///
/// # Errors
/// Why it may not.
pub fn may_change<L: Log>(
    server: &Server<L>,
    change: &Change,
    settings: &Settings,
) -> Result<(), Refusal> {
    may_append(server, change, false, settings)
}

/// The same; `handing_over` tells that it may hand over meanwhile.
fn may_append<L: Log>(
    server: &Server<L>,
    change: &Change,
    handing_over: bool,
    settings: &Settings,
) -> Result<(), Refusal> {
    if !server.role.is_leader() {
        return Err(Refusal::NotLeader {
            node: server.id,
            term: server.term,
        });
    }
    membership::may_append(server, settings)?;
    if !handing_over {
        transfer::may_write(server, settings)?;
    }
    is_known(server, change, settings)?;
    if !settings.has(Flaw::ChangesOverlap) {
        settled(server, settings)?;
    }
    let own_commit =
        settings.own_commit_before_change && !settings.has(Flaw::ChangesBeforeOwnCommit);
    if own_commit && change.transition == Transition::Simple {
        committed_in_term(server)?;
    }
    fits(server, change)
}

/// A client asks for a change: it is appended to the leader's log.
///
/// # Errors
/// See [`may_change`].
pub fn change<L: Log>(
    server: &mut Server<L>,
    change: &Change,
    settings: &Settings,
) -> Result<Outcome, Refusal> {
    may_change(server, change, settings)?;
    append(server, *change, settings);
    Ok(Branch::ChangeAppended.into())
}

/// Whether the leader may leave a joint configuration by itself.
///
/// # Errors
/// When it is not joint, or left only when a client asks for it; or why no
/// change may be appended.
pub fn may_leave<L: Log>(server: &Server<L>, settings: &Settings) -> Result<(), Refusal> {
    let (node, config) = (server.id, server.config);
    let entered = server.log.term_at(membership::latest_change(server));
    let not_its_own = entered != Some(server.term) && settings.has(Flaw::OnlyAuthorLeavesJoint);
    if not_its_own || config.joint.is_none_or(|joint| !joint.auto_leave) {
        return Err(Refusal::NoAutoLeave { node, config });
    }
    let handing_over = settings.leaves_while_handing_over;
    may_append(server, &Change::LEAVE, handing_over, settings)
}

/// The leader leaves a joint configuration by itself.
///
/// # Errors
/// See [`may_leave`].
pub fn leave<L: Log>(server: &mut Server<L>, settings: &Settings) -> Result<Outcome, Refusal> {
    may_leave(server, settings)?;
    append(server, Change::LEAVE, settings);
    Ok(Branch::JointLeft.into())
}

fn append<L: Log>(server: &mut Server<L>, change: Change, settings: &Settings) {
    server.log.push(Entry {
        term: server.term,
        payload: Payload::Config { change },
    });
    let last = server.log.last_index();
    if let (Role::Leader { pending, .. }, TakesEffect::Applied) =
        (&mut server.role, settings.takes_effect)
    {
        *pending = last;
    }
    membership::log_changed(server, settings);
}

/// The changes of at most `size` servers, of those in `all`, that lead from the
/// configuration in force to another one, simple ones first. Whether they may
/// be appended is for [`may_change`] to say.
pub fn possible<L: Log>(
    server: &Server<L>,
    all: NodeSet,
    size: u32,
    explicit: bool,
    settings: &Settings,
    mut each: impl FnMut(Change),
) {
    let single = singles(server, all, settings);
    for change in &single {
        each(*change);
    }
    if !settings.joint_consensus {
        return;
    }
    // One voter more or less goes through a joint configuration only where it
    // has to.
    let mut layer: Vec<Change> = single.clone();
    for named in 1..=size.max(1) {
        if named > 1 || !settings.single_server_changes {
            let votes =
                |change: &&Change| server.config.after(change).voters != server.config.voters;
            for change in layer.iter().filter(votes) {
                for auto_leave in [true, false].into_iter().take(1 + usize::from(explicit)) {
                    each(Change {
                        transition: Transition::Joint { auto_leave },
                        ..*change
                    });
                }
            }
        }
        layer = wider(&layer, &single);
    }
}

/// Each single change that leads to another configuration.
fn singles<L: Log>(server: &Server<L>, all: NodeSet, settings: &Settings) -> Vec<Change> {
    let config = &server.config;
    let of = |id: NodeId| NodeSet::EMPTY.with(id);
    let mut single = Vec::new();
    for id in all.iter() {
        let mut add = |voters, learners, removed| {
            single.push(Change {
                voters,
                learners,
                removed,
                transition: Transition::Simple,
            });
        };
        if !config.voters.contains(id) {
            add(of(id), NodeSet::EMPTY, NodeSet::EMPTY);
        }
        if settings.learners && !config.learners.contains(id) {
            add(NodeSet::EMPTY, of(id), NodeSet::EMPTY);
        }
        if config.members().contains(id) {
            add(NodeSet::EMPTY, NodeSet::EMPTY, of(id));
        }
    }
    single
}

/// The changes of `layer`, each with one more of a later server.
fn wider(layer: &[Change], single: &[Change]) -> Vec<Change> {
    let mut wider = Vec::new();
    for change in layer {
        for more in single {
            // Each set of servers once.
            if change.named().0 < more.named().0 {
                wider.push(Change {
                    voters: change.voters.union(more.voters),
                    learners: change.learners.union(more.learners),
                    removed: change.removed.union(more.removed),
                    transition: Transition::Simple,
                });
            }
        }
    }
    wider
}
