//! Raft section 6, and chapter 4 of Ongaro's dissertation: changes of the
//! configuration, as etcd has them: in force when applied.

mod common;

use common::*;
use plimsoll_raft::core::{Change, Index, Input, NodeId, Raft, Refused, Role, Transition};

fn ids(numbers: &[u32]) -> Vec<NodeId> {
    numbers.iter().copied().map(n).collect()
}

fn change(voters: &[u32], learners: &[u32], removed: &[u32], transition: Transition) -> Input {
    let change = Change::new(ids(voters), ids(learners), ids(removed), transition);
    Input::Change(change.expect("apart"))
}

fn simple(voters: &[u32], learners: &[u32], removed: &[u32]) -> Input {
    change(voters, learners, removed, Transition::Simple)
}

fn joint(voters: &[u32], learners: &[u32], removed: &[u32], auto_leave: bool) -> Input {
    change(voters, learners, removed, Transition::Joint { auto_leave })
}

fn apply(raft: &mut Raft, index: u64) -> String {
    text(raft, Input::Applied(Index::new(index)))
}

/// The leader n1 of three in term 2 that has committed and applied its first
/// entry, at index 1.
fn leader() -> Raft {
    let mut raft = Server::default().leader();
    step(&mut raft, receive(2, 1, 2, accepted(1)));
    step(&mut raft, receive(3, 1, 2, accepted(1)));
    apply(&mut raft, 1);
    raft
}

/// Makes index `index` durable and committed at the leader by n2 and n3.
fn commit(raft: &mut Raft, index: u64) {
    persist(raft);
    for other in [2, 3] {
        step(raft, receive(other, 1, 2, accepted(index)));
    }
    assert_eq!(raft.commit().get(), index);
}

fn refused(raft: &mut Raft, input: Input) -> Refused {
    raft.step(input).expect_err("refused")
}

#[test]
fn section_4_1_a_change_is_in_force_once_it_is_applied() {
    let raft = &mut leader();
    let output = text(raft, simple(&[4], &[], &[]));
    assert!(
        output.starts_with("write log after 1 [2@2:+n4]"),
        "{output}"
    );
    assert!(!output.contains("-> n4"), "{output}");
    commit(raft, 2);
    assert_eq!(raft.configuration().to_string(), "{n1 n2 n3}");
    apply(raft, 2);
    assert_eq!(raft.configuration().to_string(), "{n1 n2 n3 n4}");
}

#[test]
fn section_4_1_one_change_at_a_time() {
    let raft = &mut leader();
    step(raft, simple(&[4], &[], &[]));
    let under_way = Refused::ChangeUnderWay {
        index: Index::new(2),
    };
    assert_eq!(refused(raft, simple(&[5], &[], &[])), under_way);
    commit(raft, 2);
    assert_eq!(refused(raft, simple(&[5], &[], &[])), under_way);
    apply(raft, 2);
    step(raft, simple(&[5], &[], &[]));
}

#[test]
fn a_new_leader_takes_what_it_begins_with_for_a_change() {
    let raft = &mut Server {
        log: &[1, 1],
        ..Server::default()
    }
    .leader();
    let under_way = Refused::ChangeUnderWay {
        index: Index::new(2),
    };
    assert_eq!(refused(raft, simple(&[4], &[], &[])), under_way);
    step(raft, receive(2, 1, 2, accepted(3)));
    apply(raft, 2);
    step(raft, simple(&[4], &[], &[]));
}

#[test]
fn section_4_1_one_voter_more_or_less_at_once_and_no_more() {
    let raft = &mut leader();
    for unfit in [
        simple(&[4, 5], &[], &[]),
        simple(&[4], &[], &[2]),
        simple(&[], &[], &[5]),
        simple(&[2], &[], &[]),
        Input::Change(Change::leave()),
    ] {
        assert_eq!(refused(raft, unfit), Refused::UnfitChange);
    }
    let other = &mut Server::default().follower();
    let no = refused(other, simple(&[4], &[], &[]));
    assert_eq!(no, Refused::NotLeader { leader: None });
}

#[test]
fn section_6_a_joint_configuration_needs_both_halves() {
    let raft = &mut leader();
    step(raft, joint(&[4, 5], &[], &[2, 3], false));
    commit(raft, 2);
    apply(raft, 2);
    assert_eq!(raft.configuration().to_string(), "{n1 n4 n5}&{n1 n2 n3}");
    step(raft, write(1, 1));
    persist(raft);
    step(raft, receive(2, 1, 2, accepted(3)));
    step(raft, receive(3, 1, 2, accepted(3)));
    assert_eq!(raft.commit().get(), 2, "the incoming half has not");
    step(raft, receive(4, 1, 2, accepted(3)));
    assert_eq!(raft.commit().get(), 3);
    // It stays until somebody says so.
    apply(raft, 3);
    assert_eq!(refused(raft, simple(&[6], &[], &[])), Refused::UnfitChange);
    step(raft, Input::Change(Change::leave()));
}

#[test]
fn section_4_3_the_leader_leaves_a_joint_configuration_by_itself() {
    let raft = &mut leader();
    step(raft, joint(&[4, 5], &[], &[], true));
    commit(raft, 2);
    let output = apply(raft, 2);
    assert!(
        output.starts_with("write log after 2 [3@2:leave]"),
        "{output}"
    );
    persist(raft);
    for other in [2, 4, 5] {
        step(raft, receive(other, 1, 2, accepted(3)));
    }
    apply(raft, 3);
    assert_eq!(raft.configuration().to_string(), "{n1 n2 n3 n4 n5}");
}

#[test]
fn section_4_2_1_a_learner_receives_the_log_and_is_not_counted() {
    let raft = &mut leader();
    step(raft, simple(&[], &[3], &[]));
    commit(raft, 2);
    apply(raft, 2);
    assert_eq!(raft.configuration().to_string(), "{n1 n2} learners={n3}");
    let output = text(raft, write(1, 1));
    assert!(output.contains("-> n3 Append"), "{output}");
    persist(raft);
    step(raft, receive(3, 1, 2, accepted(3)));
    assert_eq!(raft.commit().get(), 2);
    step(raft, receive(2, 1, 2, accepted(3)));
    assert_eq!(raft.commit().get(), 3);
    // Promoted, it counts.
    step(raft, simple(&[3], &[], &[]));
    persist(raft);
    step(raft, receive(2, 1, 2, accepted(4)));
    apply(raft, 4);
    assert_eq!(raft.configuration().to_string(), "{n1 n2 n3}");
}

#[test]
fn section_4_2_1_a_learner_does_not_campaign() {
    let raft = &mut Server {
        id: 2,
        voters: 1,
        log: &[],
        ..Server::default()
    }
    .follower();
    assert_eq!(refused(raft, Input::Campaign), Refused::NotAVoter);
}

#[test]
fn section_4_2_2_a_leader_that_is_removed_steps_down() {
    let raft = &mut leader();
    step(raft, simple(&[], &[], &[1]));
    commit(raft, 2);
    assert!(matches!(raft.role(), Role::Leader(_)));
    apply(raft, 2);
    assert!(matches!(raft.role(), Role::Follower(_)));
    assert_eq!(refused(raft, Input::Campaign), Refused::NotAVoter);
}

#[test]
fn what_a_leader_knew_of_a_server_does_not_come_back_with_it() {
    let raft = &mut leader();
    step(raft, simple(&[], &[], &[3]));
    commit(raft, 2);
    apply(raft, 2);
    let output = step(raft, receive(3, 1, 2, accepted(2)));
    assert!(output.is_empty(), "{output}");
    step(raft, simple(&[3], &[], &[]));
    persist(raft);
    step(raft, receive(2, 1, 2, accepted(3)));
    apply(raft, 3);
    let Role::Leader(leader) = raft.role() else {
        panic!("leads");
    };
    let known: Vec<_> = leader
        .progress()
        .map(|(node, p)| format!("{node}:{p}"))
        .collect();
    assert_eq!(known[1], "n3:probe(0 4)");
}
