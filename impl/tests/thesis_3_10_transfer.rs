//! Ongaro's dissertation, section 3.10: leadership is handed over.

mod common;

use common::*;
use plimsoll_raft::core::{Body, Input, Options, Raft, Refused, Role};

fn leader() -> Raft {
    let mut raft = Server::default().leader();
    step(&mut raft, receive(2, 1, 2, accepted(1)));
    raft
}

fn transfer(to: u32) -> Input {
    Input::Transfer { to: n(to) }
}

#[test]
fn section_3_10_who_has_the_whole_log_is_told_at_once() {
    let raft = &mut leader();
    assert_eq!(text(raft, transfer(2)), "send n1@2 -> n2 TimeoutNow");
}

#[test]
fn section_3_10_the_next_leader_is_brought_up_to_date_first() {
    let raft = &mut leader();
    let output = text(raft, transfer(3));
    assert!(!output.contains("TimeoutNow"), "{output}");
    let output = text(raft, receive(3, 1, 2, accepted(1)));
    assert!(output.ends_with("send n1@2 -> n3 TimeoutNow"), "{output}");
}

#[test]
fn section_3_10_meanwhile_no_command_is_taken() {
    let raft = &mut leader();
    step(raft, transfer(3));
    let refused = raft.step(write(1, 1)).expect_err("hands over");
    assert_eq!(refused, Refused::HandingOver { to: n(3) });
}

#[test]
fn section_3_10_after_an_election_timeout_the_leader_goes_on() {
    let raft = &mut leader();
    step(raft, transfer(3));
    for _ in 0..9 {
        step(raft, Input::Tick);
    }
    assert!(raft.step(write(1, 1)).is_err());
    let output = step(raft, Input::Tick);
    assert!(output.events.kept_leadership);
    step(raft, write(1, 1));
}

#[test]
fn only_another_voter_can_be_the_next_leader() {
    let raft = &mut leader();
    for to in [1, 9] {
        let refused = raft.step(transfer(to)).expect_err("no other voter");
        assert_eq!(refused, Refused::NotAPeer { to: n(to) });
    }
    let follower = &mut Server::default().follower();
    let refused = follower.step(transfer(2)).expect_err("does not lead");
    assert_eq!(refused, Refused::NotLeader { leader: None });
}

#[test]
fn section_3_10_who_is_told_campaigns_without_asking_and_says_why() {
    let options = Options {
        pre_vote: true,
        check_quorum: true,
        ..Options::default()
    };
    let raft = &mut Server {
        options,
        ..Server::default()
    }
    .follower();
    step(raft, receive(2, 1, 1, heartbeat(0)));
    assert_eq!(
        text(raft, receive(2, 1, 1, Body::TimeoutNow)),
        "write term=2 vote=n1 commit=0\n\
         send n1@2 -> n2 RequestVote last=0@0 forced\n\
         send n1@2 -> n3 RequestVote last=0@0 forced"
    );
    // Once is enough.
    assert_eq!(text(raft, receive(2, 1, 2, Body::TimeoutNow)), "nothing");
    assert!(matches!(raft.role(), Role::Candidate(_)));
}
