//! Ongaro's dissertation, sections 6.2 and 4.2.3: a leader checks that it is
//! heard, and who hears a leader takes no notice of candidates.

mod common;

use common::*;
use plimsoll_raft::core::{Body, Input, Options, Raft, Role};

fn options() -> Options {
    Options {
        check_quorum: true,
        ..Options::default()
    }
}

fn leader(voters: u32) -> Raft {
    Server {
        voters,
        options: options(),
        ..Server::default()
    }
    .leader()
}

/// A follower of n2 in term 3.
fn follower() -> Raft {
    let mut raft = Server {
        term: 3,
        log: &[1],
        options: options(),
        ..Server::default()
    }
    .follower();
    step(&mut raft, receive(2, 1, 3, heartbeat(0)));
    raft
}

fn tick(raft: &mut Raft, count: u32) {
    for _ in 0..count {
        step(raft, Input::Tick);
    }
}

#[test]
fn section_6_2_a_leader_that_hears_no_majority_for_an_election_timeout_steps_down() {
    let mut raft = leader(5);
    step(&mut raft, receive(2, 1, 2, heartbeat_ack(None)));
    tick(&mut raft, 9);
    assert!(matches!(raft.role(), Role::Leader(_)));
    let output = step(&mut raft, Input::Tick);
    assert!(output.events.checked_quorum);
    assert!(matches!(raft.role(), Role::Follower(_)));
    assert_eq!((raft.term().get(), raft.leader()), (2, None));
}

#[test]
fn section_6_2_a_leader_that_is_heard_goes_on_and_asks_again() {
    let mut raft = leader(5);
    step(&mut raft, receive(2, 1, 2, heartbeat_ack(None)));
    step(&mut raft, receive(3, 1, 2, accepted(1)));
    tick(&mut raft, 10);
    assert!(matches!(raft.role(), Role::Leader(_)));
    // Answers count once.
    tick(&mut raft, 10);
    assert!(matches!(raft.role(), Role::Follower(_)));
}

#[test]
fn section_4_2_3_who_hears_a_leader_takes_no_notice_of_candidates() {
    let mut raft = follower();
    assert_eq!(
        text(&mut raft, receive(3, 1, 9, request_vote(at(5, 5)))),
        "nothing"
    );
    let ask = Body::RequestPreVote { last: at(5, 5) };
    assert_eq!(text(&mut raft, receive(3, 1, 9, ask)), "nothing");
    assert_eq!(raft.term().get(), 3);
    let mut raft = leader(3);
    assert_eq!(
        text(&mut raft, receive(3, 1, 9, request_vote(at(5, 5)))),
        "nothing"
    );
}

#[test]
fn section_4_2_3_until_it_has_not_heard_it_for_an_election_timeout() {
    let mut raft = follower();
    tick(&mut raft, 9);
    assert_eq!(
        text(&mut raft, receive(3, 1, 9, request_vote(at(5, 5)))),
        "nothing"
    );
    tick(&mut raft, 1);
    let output = text(&mut raft, receive(3, 1, 9, request_vote(at(5, 5))));
    assert!(output.contains("Vote granted"), "{output}");
}

#[test]
fn section_4_2_3_unless_the_leader_asked_for_the_election() {
    let mut raft = follower();
    let body = Body::RequestVote {
        last: at(5, 5),
        forced: true,
    };
    let output = text(&mut raft, receive(3, 1, 9, body));
    assert!(output.contains("Vote granted"), "{output}");
}

#[test]
fn a_leader_that_nobody_deposes_learns_of_a_later_term() {
    let mut raft = follower();
    assert_eq!(
        text(&mut raft, receive(3, 1, 2, heartbeat(0))),
        "send n1@3 -> n3 AppendAck 0"
    );
    // Where candidates depose it, it is left to them.
    let mut raft = Server {
        term: 3,
        ..Server::default()
    }
    .follower();
    assert_eq!(text(&mut raft, receive(3, 1, 2, heartbeat(0))), "nothing");
}
