//! Ongaro's dissertation, section 6.4: reads that followers serve.

mod common;

use common::*;
use plimsoll_raft::core::{Body, Index, OpId, Options, Raft, ReadState, Refused};

fn options() -> Options {
    Options {
        follower_reads: true,
        ..Options::default()
    }
}

/// A follower of n2 in term 1.
fn follower() -> Raft {
    let mut raft = Server {
        options: options(),
        ..Server::default()
    }
    .follower();
    step(&mut raft, receive(2, 1, 1, heartbeat(0)));
    raft
}

fn leader() -> Raft {
    let server = Server {
        options: options(),
        ..Server::default()
    };
    let mut raft = server.leader();
    step(&mut raft, receive(2, 1, 2, accepted(1)));
    raft
}

fn request() -> Body {
    Body::ReadRequest {
        op: OpId::new(5, 1),
    }
}

fn told(index: u64) -> Body {
    Body::ReadIndex(ReadState {
        op: OpId::new(5, 1),
        index: Index::new(index),
    })
}

#[test]
fn section_6_4_a_follower_asks_its_leader_and_serves_the_read() {
    let raft = &mut follower();
    assert_eq!(text(raft, read(5, 1)), "send n1@1 -> n2 ReadRequest 5.1");
    let released = text(raft, receive(2, 1, 1, told(7)));
    assert_eq!(released, "release read 5.1 at 7");
    // The answer counts once.
    assert_eq!(text(raft, receive(2, 1, 1, told(7))), "nothing");
}

#[test]
fn section_6_4_the_leader_answers_when_a_majority_has_confirmed_it() {
    let raft = &mut leader();
    let begun = text(raft, receive(3, 1, 2, request()));
    assert!(begun.ends_with("begin read 5.1 at 1"), "{begun}");
    // The request came twice.
    assert_eq!(text(raft, receive(3, 1, 2, request())), "nothing");
    let answer = text(raft, receive(2, 1, 2, heartbeat_ack(Some(1))));
    assert_eq!(answer, "send n1@2 -> n3 ReadIndex 5.1 at 1");
}

#[test]
fn a_request_is_answered_whatever_its_term() {
    let raft = &mut leader();
    let begun = text(raft, receive(3, 1, 1, request()));
    assert!(begun.ends_with("begin read 5.1 at 1"), "{begun}");
    let raft = &mut follower();
    assert_eq!(text(raft, receive(3, 1, 9, request())), "nothing");
}

#[test]
fn section_6_4_a_leader_that_has_committed_nothing_yet_keeps_the_request() {
    let server = Server {
        options: options(),
        ..Server::default()
    };
    let raft = &mut server.leader();
    assert_eq!(text(raft, receive(3, 1, 2, request())), "nothing");
    let begun = text(raft, receive(2, 1, 2, accepted(1)));
    assert!(begun.ends_with("begin read 5.1 at 1"), "{begun}");
}

#[test]
fn a_read_asked_of_a_leader_that_is_gone_is_dropped() {
    let raft = &mut follower();
    step(raft, read(5, 1));
    let output = text(raft, receive(3, 1, 4, heartbeat(0)));
    assert!(output.ends_with("drop read 5.1"), "{output}");
    assert_eq!(text(raft, receive(3, 1, 4, told(7))), "nothing");
}

#[test]
fn without_a_leader_there_is_nobody_to_ask() {
    let raft = &mut Server {
        options: options(),
        ..Server::default()
    }
    .follower();
    let refused = raft.step(read(5, 1)).expect_err("no leader");
    assert_eq!(refused, Refused::NotLeader { leader: None });
}
