//! Changes of the configuration, rule by rule (section 6; dissertation chapter
//! 4; etcd's `ConfChangeV2`).

use plimsoll_model::config::{Change, Config, Transition};
use plimsoll_model::features::{
    CHECK_QUORUM, Feature, JOINT_CONSENSUS, LEARNERS, SINGLE_SERVER_CHANGES,
};
use plimsoll_model::ids::{Index, NodeSet, Term};
use plimsoll_model::log::{Entry, Log, Payload};
use plimsoll_model::message::Body;
use plimsoll_model::rules::{Branch, Input};
use plimsoll_model::server::Role;
use plimsoll_model::settings::{RemovedLeader, Settings};
use plimsoll_model::storage::Survival;

use crate::build::*;

fn with(mut settings: Settings, features: &[Feature]) -> Settings {
    for feature in features {
        (feature.switch_on)(&mut settings);
    }
    settings
}

fn of(voters: &[u8], learners: &[u8], removed: &[u8], transition: Transition) -> Change {
    Change {
        voters: set(voters),
        learners: set(learners),
        removed: set(removed),
        transition,
    }
}

fn add(server: u8) -> Change {
    Change::joins(set(&[server]))
}

fn remove(server: u8) -> Change {
    of(&[], &[], &[server], Transition::Simple)
}

fn written(term: u64, number: u32) -> Entry {
    Entry {
        term: Term(term),
        payload: Payload::Write { number },
    }
}

fn ask(change: Change) -> Input {
    Input::Change { change }
}

fn entry(term: u64, change: Change) -> Entry {
    Entry {
        term: Term(term),
        payload: Payload::Config { change },
    }
}

/// A leader of term 3 and three servers that has committed, and applied, one
/// entry of its term; the others hold it.
fn settled() -> Srv {
    leader(1, 3, &[3], &[1, 1, 1]).with(|s| {
        s.commit = Index(1);
        s.applied = Index(1);
    })
}

/// "A server always uses the latest configuration in its log, regardless of
/// whether the entry is committed" (§6, diss. §4.1).
#[test]
fn the_latest_configuration_in_the_log_is_in_force_at_once() {
    let settings = with(paper(), &[SINGLE_SERVER_CHANGES]);
    let branch = Branch::ChangeAppended;
    let all = Config::of(NodeSet::first(4));
    let after = expect(&settings, &settled(), ask(add(4)), branch, &[], |s| {
        s.log.push(entry(3, add(4)));
        s.config = all;
        members(s, &[1, 1, 1, 0]);
    });
    // One change at a time (diss. §4.1).
    let why = "there may be a change at index 2, and n1 is only at 1";
    refused(&settings, &after, ask(remove(2)), why);
    // Three of the four must hold it.
    let after = after.with(|s| *matched(s, 1) = Index(2));
    let why = "index 2 is durable on {n1} as far as n1 knows, no majority of {n1 n2 n3 n4}";
    refused(
        &settings,
        &after,
        Input::AdvanceCommit { to: Index(2) },
        why,
    );
}

/// Ongaro's correction of 2015: an entry of the leader's term first.
#[test]
fn a_single_server_change_needs_an_entry_of_the_leaders_term_committed() {
    let settings = with(paper(), &[SINGLE_SERVER_CHANGES, JOINT_CONSENSUS]);
    let fresh = leader(1, 3, &[2, 3], &[2, 0, 0]).with(|s| s.commit = Index(1));
    let why = "n1 leads term 3, and the last entry it knows committed is 1@2, so others may have \
               changed the configuration since";
    refused(&settings, &fresh, ask(add(4)), why);
    // A joint configuration needs a majority of the old one, whoever leads.
    let joint = of(&[4], &[], &[], Transition::Joint { auto_leave: true });
    let branch = Branch::ChangeAppended;
    expect(&settings, &fresh, ask(joint), branch, &[], |s| {
        s.log.push(entry(3, joint));
        s.config = s.config.after(&joint);
        members(s, &[2, 0, 0, 0]);
    });
}

/// Where a change takes effect when applied, it does only then, and a new
/// leader takes all that it begins with for one (etcd's `pendingConfIndex`).
#[test]
fn what_is_applied_is_in_force() {
    let settings = with(etcd(), &[SINGLE_SERVER_CHANGES]);
    let branch = Branch::ChangeAppended;
    let asked = expect(&settings, &settled(), ask(add(4)), branch, &[], |s| {
        s.log.push(entry(3, add(4)));
        pending(s, 2);
    });
    let why = "there may be a change at index 2, and n1 is only at 1";
    refused(&settings, &asked, ask(remove(2)), why);
    let committed = asked.with(|s| s.commit = Index(2));
    let branch = Branch::ConfigurationApplied;
    let applied = expect(&settings, &committed, Input::Apply, branch, &[], |s| {
        s.applied = Index(2);
        s.config = Config::of(NodeSet::first(4));
        members(s, &[1, 1, 1, 0]);
    });
    let branch = Branch::ChangeAppended;
    expect(&settings, &applied, ask(remove(2)), branch, &[], |s| {
        s.log.push(entry(3, remove(2)));
        pending(s, 3);
    });
    let candidate = candidate(1, 3, &[2, 2], &[1]);
    expect(
        &settings,
        &candidate,
        receive(msg(2, 1, 3, vote(true))),
        Branch::BecameLeader,
        &[],
        |s| {
            *s = leader(1, 3, &[2, 2, 3], &[2, 0, 0]);
            s.durable = candidate.durable.clone();
            pending(s, 2);
        },
    );
}

/// A server goes back to the configuration before when its entry goes (diss.
/// §4.1), and starts with the latest after a crash.
#[test]
fn a_configuration_goes_and_comes_with_its_entry() {
    let settings = with(paper(), &[SINGLE_SERVER_CHANGES]);
    let mut behind = follower(2, 3, &[1]);
    behind.log.push(entry(2, remove(3)));
    behind.config = Config::of(set(&[1, 2]));
    let behind = synced(behind);
    let restart = Input::Restart {
        survival: Survival::Nothing,
    };
    expect(
        &settings,
        &behind,
        restart,
        Branch::RestartedDurable,
        &[],
        |_| {},
    );
    let said = [msg(2, 1, 3, ack(2))];
    let input = receive(msg(1, 2, 3, append(at(1, 1), &[3], 0)));
    expect(
        &settings,
        &behind,
        input,
        Branch::AppendReplaced,
        &said,
        |s| {
            s.durable.tail = s.log.batch(Index(1), 1);
            s.durable.shared = Index(1);
            s.log = log(&[1, 3]);
            s.config = Config::of(NodeSet::first(3));
        },
    );
}

/// "The leader manages the cluster without counting itself in majorities, and
/// steps down once C_new is committed" (§6, diss. §4.2.2).
#[test]
fn a_removed_leader_leads_without_counting_itself_and_steps_down() {
    let settings = with(paper(), &[SINGLE_SERVER_CHANGES]);
    let branch = Branch::ChangeAppended;
    let leaves = expect(&settings, &settled(), ask(remove(1)), branch, &[], |s| {
        s.log.push(entry(3, remove(1)));
        s.config = Config::of(set(&[2, 3]));
        keep(s, &[2, 3]);
    });
    let leaves = synced(leaves);
    let count = Input::CountOwnEntries { to: Index(2) };
    let why = "n1 is no voter of its configuration {n2 n3}";
    refused(&settings, &leaves, count, why);
    let commit = Input::AdvanceCommit { to: Index(2) };
    let held = leaves.with(|s| *matched(s, 2) = Index(2));
    let why = "index 2 is durable on {n2} as far as n1 knows, no majority of {n2 n3}";
    refused(&settings, &held, commit.clone(), why);
    let held = held.with(|s| *matched(s, 3) = Index(2));
    let gone = expect(&settings, &held, commit, Branch::Committed, &[], |s| {
        s.commit = Index(2);
        s.applied = Index(2);
        s.leader = None;
        s.role = Role::Follower;
    });
    refused(&settings, &gone, Input::Campaign, why_not(&[2, 3]));
}

fn why_not(config: &[u8]) -> &'static str {
    match config {
        [2, 3] => "n1 is no voter of its configuration {n2 n3}",
        _ => "n1 is no voter of its configuration {n2 n3} learners {n1}",
    }
}

/// In etcd it steps down when it has applied its removal, and a transfer to who
/// is removed is given up.
#[test]
fn an_applied_removal_ends_leadership_and_transfers() {
    let settings = with(etcd(), &[SINGLE_SERVER_CHANGES]);
    let removing = |server: u8| {
        settled().with(|s| {
            s.log.push(entry(3, remove(server)));
            s.commit = Index(2);
            if let Role::Leader { transfer, .. } = &mut s.role {
                *transfer = Some(n(2));
            }
        })
    };
    let branch = Branch::ConfigurationApplied;
    expect(&settings, &removing(1), Input::Apply, branch, &[], |s| {
        s.applied = Index(2);
        s.config = Config::of(set(&[2, 3]));
        s.leader = None;
        s.role = Role::Follower;
    });
    let after = expect(&settings, &removing(2), Input::Apply, branch, &[], |s| {
        s.applied = Index(2);
        s.config = Config::of(set(&[1, 3]));
        keep(s, &[1, 3]);
        if let Role::Leader { transfer, .. } = &mut s.role {
            *transfer = None;
        }
    });
    // What it says now is not heard (etcd: no progress for it).
    let late = receive(msg(2, 1, 3, ack(1)));
    expect(
        &settings,
        &after,
        late.clone(),
        Branch::NotHeard,
        &[],
        |_| {},
    );
    reason(
        &settings,
        &after,
        late,
        "n2 is no peer in n1's configuration",
    );
}

/// Without etcd's StepDownOnRemoval a removed leader leads on: it commits what it
/// has by the others, and appends nothing more. One that only learns does append.
#[test]
fn a_removed_leader_may_lead_on_and_takes_nothing_new() {
    let settings = with(etcd(), &[SINGLE_SERVER_CHANGES, LEARNERS]);
    let leads_on = Settings {
        removed_leader: RemovedLeader::LeadsOn,
        ..settings
    };
    let after = |change| {
        let before = settled().with(|s| {
            s.log.push(entry(3, change));
            s.log.push(written(3, 1));
            s.commit = Index(2);
            *matched(s, 2) = Index(3);
            *matched(s, 3) = Index(3);
        });
        let branch = Branch::ConfigurationApplied;
        expect(&leads_on, &before, Input::Apply, branch, &[], |s| {
            s.applied = Index(2);
            s.config = s.config.after(&change);
            let members: Vec<u8> = s.config.members().iter().map(|id| id.0 + 1).collect();
            keep(s, &members);
        })
    };
    let removed = after(remove(1));
    let commit = Input::AdvanceCommit { to: Index(3) };
    expect(&leads_on, &removed, commit, Branch::Committed, &[], |s| {
        s.commit = Index(3);
    });
    let why = "n1 leads on and is no member of its configuration {n2 n3}";
    refused(&leads_on, &removed, Input::Write { number: 2 }, why);
    refused(&leads_on, &removed, ask(add(1)), why);
    let learns = after(of(&[], &[1], &[], Transition::Simple));
    let write = Input::Write { number: 2 };
    expect(&leads_on, &learns, write, Branch::Wrote, &[], |s| {
        s.log.push(written(3, 2));
    });
}

/// A server that has just become a member had no time to answer: etcd's leader
/// takes it for heard, and forgets who is removed. The dissertation says nothing
/// of it (section 6.2).
#[test]
fn a_check_of_the_quorum_counts_new_members_in_etcd() {
    let heard = |s: &mut Srv, ids: &[u8]| {
        if let Role::Leader { active, .. } = &mut s.role {
            *active = set(ids);
        }
    };
    let before = settled().with(|s| {
        s.log.push(entry(3, add(4)));
        s.commit = Index(2);
        heard(s, &[2]);
    });
    let branch = Branch::ConfigurationApplied;
    for (counts, active) in [(true, &[2, 4][..]), (false, &[2][..])] {
        let settings = Settings {
            counts_new_members: counts,
            ..with(etcd(), &[SINGLE_SERVER_CHANGES, CHECK_QUORUM])
        };
        let added = expect(&settings, &before, Input::Apply, branch, &[], |s| {
            s.applied = Index(2);
            s.config = Config::of(set(&[1, 2, 3, 4]));
            keep(s, &[1, 2, 3, 4]);
            heard(s, active);
        });
        let mut after = added.clone();
        let mut out = plimsoll_model::message::Messages::new();
        let input = Input::CheckQuorum;
        let outcome = plimsoll_model::rules::step(&mut after, &input, &settings, &mut out);
        let expected = if counts {
            Branch::QuorumHeard
        } else {
            Branch::QuorumLost
        };
        assert_eq!(outcome.expect("a leader checks").branch, expected);
        let gone = added.with(|s| {
            s.log.push(entry(3, remove(2)));
            s.commit = Index(3);
        });
        expect(&settings, &gone, Input::Apply, branch, &[], |s| {
            s.applied = Index(3);
            s.config = Config::of(set(&[1, 3, 4]));
            keep(s, &[1, 3, 4]);
            heard(s, if counts { &[4] } else { &[] });
        });
    }
}

/// Learners receive entries, are not counted, do not campaign, and vote when
/// they are asked (diss. §4.2.1; etcd issue 10998).
#[test]
fn learners_are_not_counted_and_vote_when_asked() {
    for base in both() {
        let settings = with(base, &[SINGLE_SERVER_CHANGES, LEARNERS]);
        let learns = |server: &mut Srv| {
            server.config = Config::of(set(&[2, 3])).after(&of(&[], &[1], &[], Transition::Simple));
        };
        let learner = follower(1, 2, &[1]).with(learns);
        refused(&settings, &learner, Input::Campaign, why_not(&[1, 2, 3]));
        let said = [msg(1, 2, 2, vote(true))];
        let request = receive(msg(2, 1, 2, request(at(1, 1))));
        expect(
            &settings,
            &learner,
            request,
            Branch::VoteGranted,
            &said,
            |s| {
                s.vote = Some(n(2));
            },
        );
        let leads = settled().with(|s| {
            s.config = Config::of(set(&[1, 2])).after(&of(&[], &[3], &[], Transition::Simple));
            s.log.push(noop(3));
            for known in [1, 3] {
                *matched(s, known) = Index(2);
            }
        });
        let why = "index 2 is durable on {n1} as far as n1 knows, no majority of {n1 n2} learners \
                   {n3}";
        refused(
            &settings,
            &leads,
            Input::AdvanceCommit { to: Index(2) },
            why,
        );
        expect(
            &settings,
            &leads,
            send(3, 2, 0),
            Branch::SentAppend,
            &[msg(1, 3, 3, append(at(2, 3), &[], 1))],
            |_| {},
        );
        let handed = Input::Transfer { to: n(3) };
        refused(
            &settings,
            &leads,
            handed,
            "n3 is no peer in n1's configuration",
        );
    }
}

/// "Agreement requires separate majorities from both the old and new
/// configurations" (§6); nothing else changes before it is left.
#[test]
fn a_joint_configuration_decides_by_both_halves_and_is_left() {
    for base in both() {
        let settings = with(base, &[SINGLE_SERVER_CHANGES, JOINT_CONSENSUS]);
        let joint = |auto_leave| of(&[4, 5], &[], &[2, 3], Transition::Joint { auto_leave });
        let within = |auto_leave| {
            let config = Config::of(NodeSet::first(3)).after(&joint(auto_leave));
            leader(1, 3, &[3], &[2, 0, 0, 2, 2]).with(|s| {
                s.log.push(entry(3, joint(auto_leave)));
                s.config = config;
                s.commit = Index(1);
                s.applied = Index(1);
            })
        };
        let commit = Input::AdvanceCommit { to: Index(2) };
        let why = "index 2 is durable on {n1 n4 n5} as far as n1 knows, no majority of {n1 n4 \
                   n5}&{n1 n2 n3}";
        refused(&settings, &within(true), commit.clone(), why);
        let both_halves = within(true).with(|s| *matched(s, 2) = Index(2));
        expect(
            &settings,
            &both_halves,
            commit,
            Branch::Committed,
            &[],
            |s| {
                s.commit = Index(2);
                if !settings.applies() {
                    s.applied = Index(2);
                }
            },
        );
        let decided = |auto_leave| {
            within(auto_leave).with(|s| {
                s.commit = Index(2);
                s.applied = Index(2);
            })
        };
        let why = "n1's configuration {n1 n4 n5}&{n1 n2 n3} is joint, and must be left first";
        refused(&settings, &decided(true), ask(add(2)), why);
        let why = "n1 does not leave {n1 n4 n5}&{n1 n2 n3} by itself";
        refused(&settings, &decided(false), Input::LeaveJoint, why);
        let left = |s: &mut Srv| {
            s.log.push(entry(3, Change::LEAVE));
            if settings.applies() {
                pending(s, 3);
            } else {
                s.config = Config::of(set(&[1, 4, 5]));
                keep(s, &[1, 4, 5]);
            }
        };
        let branch = Branch::JointLeft;
        expect(
            &settings,
            &decided(true),
            Input::LeaveJoint,
            branch,
            &[],
            left,
        );
        let told = ask(Change::LEAVE);
        let branch = Branch::ChangeAppended;
        expect(&settings, &decided(false), told.clone(), branch, &[], left);
        let why = "n1's configuration {n1 n2 n3} is not joint, so there is nothing to leave";
        refused(&settings, &settled(), told, why);
    }
}

/// More than one voter at a time needs a joint configuration, somebody must
/// vote, and a change must change something.
#[test]
fn changes_that_lead_nowhere_are_refused() {
    let settings = with(paper(), &[SINGLE_SERVER_CHANGES]);
    let two = of(&[4], &[], &[3], Transition::Simple);
    let why = "n1's configuration {n1 n2 n3} must not be followed by {n1 n2 n4}";
    refused(&settings, &settled(), ask(two), why);
    let why = "n1's configuration {n1 n2 n3} must not be followed by {n1 n2 n3}";
    refused(&settings, &settled(), ask(add(3)), why);
    let last = settled().with(|s| s.config = Config::of(set(&[1])));
    let why = "n1's configuration {n1} must not be followed by {}";
    refused(&settings, &last, ask(remove(1)), why);
    let why = "n1's settings have no change of this kind";
    let joint = of(&[4], &[], &[3], Transition::Joint { auto_leave: true });
    refused(&settings, &settled(), ask(joint), why);
    refused(
        &settings,
        &settled(),
        ask(of(&[], &[4], &[], Transition::Simple)),
        why,
    );
    refused(&paper(), &settled(), ask(add(4)), why);
}

/// A server that was removed and added again starts from nothing, and what it
/// answered before is told apart where the settings say so (C17).
#[test]
fn answers_from_before_a_removal_count_only_where_they_are_not_told_apart() {
    let again = |s: &mut Srv| {
        s.log.push(entry(3, remove(3)));
        s.log.push(entry(3, add(3)));
        *matched(s, 3) = Index(0);
        s.commit = Index(3);
        s.applied = Index(3);
    };
    let late = || receive(msg(3, 1, 3, ack(1)));
    let settings = with(paper(), &[SINGLE_SERVER_CHANGES]);
    let back = settled().with(again);
    expect(&settings, &back, late(), Branch::NotHeard, &[], |_| {});
    let why = "n3 is a member since index 3, and answers what n1 sent before";
    reason(&settings, &back, late(), why);
    let said = Body::Append {
        prev: at(3, 3),
        entries: batch(&[]),
        commit: Index(3),
        context: None,
        round: None,
        joined: Index(3),
    };
    let branch = Branch::SentAppend;
    expect(
        &settings,
        &back,
        send(3, 3, 0),
        branch,
        &[msg(1, 3, 3, said)],
        |_| {},
    );
    let settings = with(etcd(), &[SINGLE_SERVER_CHANGES]);
    let branch = Branch::ProgressNoted;
    expect(&settings, &back, late(), branch, &[], |s| {
        *matched(s, 3) = Index(1)
    });
}

/// What a leader knows, in the order of the servers.
fn members(server: &mut Srv, known: &[u64]) {
    if let Role::Leader { matched, .. } = &mut server.role {
        *matched = progress(known);
    }
}

/// Only these stay known to a leader.
fn keep(server: &mut Srv, known: &[u8]) {
    if let Role::Leader { matched, .. } = &mut server.role {
        matched.keep(set(known));
    }
}

fn pending(server: &mut Srv, upto: u64) {
    if let Role::Leader { pending, .. } = &mut server.role {
        *pending = Index(upto);
    }
}
