//! What must be reached where the configuration changes.

use super::{Witness, branch};
use crate::action::Action;
use crate::config::{Change, Config, Transition};
use crate::ids::{Index, NodeId, NodeSet};
use crate::log::InlineLog;
use crate::message::Body;
use crate::properties::StepView;
use crate::rules::{Branch, Input, membership};
use crate::server::{Role, Server};
use crate::settings::TakesEffect;

pub(super) const TABLE: [Witness; 16] = [
    Witness {
        name: "change-commits",
        says: "a leader commits a change of the configuration",
        shows: |view, scenario| {
            let Some((before, after)) = view.actor() else {
                return false;
            };
            let bootstrap = u64::from(scenario.bounds.bootstrap);
            let mut new = (before.commit.0.max(bootstrap) + 1..=after.commit.0).map(Index);
            branch(view) == Some(Branch::Committed)
                && new.any(|index| membership::change_at(after, index).is_some())
        },
    },
    Witness {
        name: "change-in-force-uncommitted",
        says: "a follower has a change in force that it does not know to be committed",
        shows: |view, _| {
            changed(view).is_some_and(|(_, after)| {
                !after.role.is_leader() && membership::latest_change(after) > after.commit
            })
        },
    },
    Witness {
        name: "change-taken-back",
        says: "a change is in force no more, because its entry is dropped",
        shows: |view, _| {
            branch(view) == Some(Branch::AppendReplaced)
                && changed(view).is_some_and(|(before, after)| {
                    membership::latest_change(after) < membership::latest_change(before)
                })
        },
    },
    Witness {
        name: "joint-entered",
        says: "a joint configuration is in force",
        shows: |view, _| {
            changed(view)
                .is_some_and(|(before, after)| after.config.is_joint() && !before.config.is_joint())
        },
    },
    Witness {
        name: "joint-decides",
        says: "an entry commits by majorities of both halves",
        shows: |view, _| match view.actor() {
            Some((before, _)) => {
                branch(view) == Some(Branch::Committed) && before.config.is_joint()
            }
            None => false,
        },
    },
    Witness {
        name: "joint-left-by-itself",
        says: "a leader leaves a joint configuration by itself",
        shows: |view, _| branch(view) == Some(Branch::JointLeft),
    },
    Witness {
        name: "joint-left-when-told",
        says: "a leader leaves a joint configuration because a client asks for it",
        shows: |view, _| {
            branch(view) == Some(Branch::ChangeAppended)
                && appended(view).is_some_and(|change| change.transition == Transition::Leave)
        },
    },
    Witness {
        name: "learner-promoted",
        says: "a learner becomes a voter",
        shows: |view, _| moved(view, |config| config.learners, |config| config.voters),
    },
    Witness {
        name: "voter-demoted",
        says: "a voter becomes a learner",
        shows: |view, _| moved(view, Config::voters, |config| config.learners),
    },
    Witness {
        name: "learner-acknowledges",
        says: "a leader hears from a learner that it holds entries",
        shows: |view, _| {
            let (Some((before, _)), Action::Step { input, .. }) = (view.actor(), view.action)
            else {
                return false;
            };
            let Input::Receive { message } = input else {
                return false;
            };
            let holds = matches!(message.body, Body::AppendAck { reject: false, index, .. }
                if index > Index::ZERO);
            let heard = before.role.is_leader() && before.term == message.term;
            holds && heard && before.config.learners.contains(message.from)
        },
    },
    Witness {
        name: "removed-leader-steps-down",
        says: "a leader that the configuration leaves out steps down",
        shows: |view, _| match view.actor() {
            Some((before, after)) => {
                before.role.is_leader()
                    && after.role == Role::Follower
                    && before.term == after.term
                    && branch(view) != Some(Branch::QuorumLost)
                    && !after.config.contains_voter(after.id)
                    && matches!(
                        branch(view),
                        Some(Branch::Committed | Branch::ConfigurationApplied)
                    )
            }
            None => false,
        },
    },
    Witness {
        name: "removed-leader-leads-on",
        says: "a leader commits an entry although it has applied its removal",
        shows: |view, scenario| match view.actor() {
            Some((before, _)) => {
                scenario.settings.takes_effect == TakesEffect::Applied
                    && branch(view) == Some(Branch::Committed)
                    && !before.config.members().contains(before.id)
            }
            None => false,
        },
    },
    Witness {
        name: "new-member-counts-as-heard",
        says: "a leader finds that it hears a majority, with a new member that has not answered yet",
        shows: |view, _| match view.actor() {
            Some((before, _)) => {
                let Role::Leader { active, .. } = &before.role else {
                    return false;
                };
                // Whoever has answered in a term has reached it.
                let reached = |id: &NodeId| view.before.server(*id).term >= before.term;
                let spoke: NodeSet = active.iter().filter(reached).collect();
                branch(view) == Some(Branch::QuorumHeard)
                    && !before.config.has_quorum(spoke.with(before.id))
            }
            None => false,
        },
    },
    Witness {
        name: "server-added-again",
        says: "a server that was removed is a member again",
        shows: |view, _| {
            changed(view).is_some_and(|(before, after)| {
                let new = after.config.members().minus(before.config.members());
                new.iter().any(|id| was_removed(after, id))
            })
        },
    },
    Witness {
        name: "new-server-counts",
        says: "an entry commits that no majority of the first voters is known to hold",
        shows: |view, scenario| {
            let Some((before, after)) = view.actor() else {
                return false;
            };
            let Role::Leader { matched, .. } = &before.role else {
                return false;
            };
            let holds = matched.iter().filter(|(_, known)| **known >= after.commit);
            let holders: NodeSet = holds.map(|(id, _)| id).collect();
            branch(view) == Some(Branch::Committed) && !scenario.bounds.voters().has_quorum(holders)
        },
    },
    Witness {
        name: "new-machine-catches-up",
        says: "a server that started anew commits an entry",
        shows: |view, _| match view.actor() {
            Some((before, after)) => {
                view.before.history.wiped.contains(after.id) && after.commit > before.commit
            }
            None => false,
        },
    },
];

type Servers<'a> = (&'a Server<InlineLog>, &'a Server<InlineLog>);

/// The server that acted, if another configuration is in force there now.
fn changed<'a>(view: &StepView<'a>) -> Option<Servers<'a>> {
    view.actor()
        .filter(|(before, after)| before.config != after.config)
}

/// The change that a client asked for.
fn appended(view: &StepView<'_>) -> Option<Change> {
    match view.action {
        Action::Step {
            input: Input::Change { change },
            ..
        } => Some(*change),
        _ => None,
    }
}

/// Whether a server that was in the one set is in the other now, and was not.
fn moved(view: &StepView<'_>, from: fn(&Config) -> NodeSet, to: fn(&Config) -> NodeSet) -> bool {
    changed(view).is_some_and(|(before, after)| {
        let new = to(&after.config).minus(to(&before.config));
        new.overlap(from(&before.config)) > 0
    })
}

/// Whether the log of `server` removes `id`.
fn was_removed(server: &Server<InlineLog>, id: NodeId) -> bool {
    let indexes = (1..=membership::latest_change(server).0).map(Index);
    let mut changes = indexes.filter_map(|index| membership::change_at(server, index));
    changes.any(|change| change.removed.contains(id))
}
