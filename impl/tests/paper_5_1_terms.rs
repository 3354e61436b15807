//! Raft section 5.1: terms.

mod common;

use common::*;
use plimsoll_raft::core::{Input, Role};

#[test]
fn section_5_1_a_smaller_term_gives_way_to_a_larger_one_in_every_message() {
    let bodies = [
        request_vote(at(9, 3)),
        vote(false),
        append(at(9, 3), &[], 0),
        accepted(1),
        heartbeat(0),
        heartbeat_ack(None),
    ];
    for body in bodies {
        let mut raft = Server {
            term: 4,
            vote: Some(1),
            log: &[1, 1],
            ..Server::default()
        }
        .follower();
        let output = step(&mut raft, receive(2, 1, 7, body.clone()));
        let written = output.hard_state.expect("a new term is written");
        assert_eq!(written.term.get(), 7, "{body}");
        let votes_now = matches!(body, plimsoll_raft::core::Body::RequestVote { .. });
        assert_eq!(written.vote, votes_now.then(|| n(2)), "{body}");
    }
}

#[test]
fn section_5_1_a_term_never_falls() {
    let mut raft = Server {
        term: 4,
        log: &[1, 1],
        ..Server::default()
    }
    .follower();
    for term in [5, 3, 9, 8, 9] {
        let before = raft.term();
        step(&mut raft, receive(2, 1, term, heartbeat(0)));
        assert_eq!(raft.term().get(), before.get().max(term));
    }
}

#[test]
fn section_5_1_a_candidate_that_is_out_of_date_becomes_a_follower_at_once() {
    let mut raft = Server::default().candidate();
    assert!(matches!(raft.role(), Role::Candidate(_)));
    assert_eq!(
        text(&mut raft, receive(2, 1, 3, vote(false))),
        "write term=3 vote=none commit=0"
    );
    assert_eq!(raft.leader(), None);
    assert!(matches!(raft.role(), Role::Follower(_)));
}

#[test]
fn section_5_1_a_leader_that_is_out_of_date_becomes_a_follower_at_once() {
    let mut raft = Server::default().leader();
    assert!(matches!(raft.role(), Role::Leader(_)));
    assert_eq!(
        text(&mut raft, receive(3, 1, 3, append(at(0, 0), &[], 0))),
        "write term=3 vote=none commit=0\n\
         send n1@3 -> n3 AppendAck 0"
    );
    assert_eq!(raft.leader(), Some(n(3)));
    assert!(matches!(raft.role(), Role::Follower(_)));
}

/// The paper has it rejected; here, as in etcd, there is no answer. Either way
/// it has no effect.
#[test]
fn section_5_1_a_request_of_a_stale_term_has_no_effect() {
    let bodies = [
        request_vote(at(9, 3)),
        append(at(2, 1), &[3], 3),
        heartbeat(2),
        vote(true),
        accepted(2),
        rejected(2, at(1, 1)),
        heartbeat_ack(None),
    ];
    for body in bodies {
        let server = || Server {
            term: 4,
            log: &[1, 1],
            ..Server::default()
        };
        for mut raft in [server().follower(), server().candidate(), server().leader()] {
            let before = raft.to_string();
            assert_eq!(text(&mut raft, receive(2, 1, 3, body.clone())), "nothing");
            assert_eq!(raft.to_string(), before, "{body}");
        }
    }
}

#[test]
fn section_5_1_a_server_has_one_role_in_a_term_that_it_leads() {
    let mut raft = Server::default().leader();
    let refused = raft.step(Input::Campaign).expect_err("a leader");
    assert_eq!(refused.to_string(), "already the leader");
}
