//! Raft figure 2, the rules that no section's tests have by themselves.

mod common;

use common::*;
use plimsoll_raft::core::{Index, Input, Role};

/// Persistent state: updated on stable storage before responding. The core's
/// part is to name the write in the output that has the response.
#[test]
fn figure_2_what_a_response_reveals_is_written_with_it() {
    let mut raft = Server {
        log: &[1],
        ..Server::default()
    }
    .follower();
    let output = step(&mut raft, receive(2, 1, 2, request_vote(at(1, 1))));
    assert!(output.hard_state.is_some() && output.messages.len() == 1);
    let output = step(&mut raft, receive(2, 1, 3, append(at(1, 1), &[3], 0)));
    assert!(output.hard_state.is_some() && output.log.is_some());
    assert_eq!(output.messages.len(), 1);
}

#[test]
fn figure_2_append_entries_3_a_conflicting_entry_goes_with_all_that_follow_it() {
    let mut raft = Server {
        term: 3,
        log: &[1, 2, 2, 2],
        ..Server::default()
    }
    .follower();
    assert_eq!(
        text(&mut raft, receive(2, 1, 3, append(at(1, 1), &[2, 3], 0))),
        "write log after 2 [3@3:noop]\n\
         send n1@3 -> n2 AppendAck 3"
    );
    assert_eq!(terms(&raft), [1, 2, 3]);
}

#[test]
fn figure_2_append_entries_3_without_a_conflict_nothing_goes() {
    let mut raft = Server {
        log: &[1, 1, 1, 1],
        ..Server::default()
    }
    .follower();
    // A delayed append, shorter than what came after it.
    assert_eq!(
        text(&mut raft, receive(2, 1, 1, append(at(1, 1), &[1], 0))),
        "send n1@1 -> n2 AppendAck 2"
    );
    assert_eq!(terms(&raft), [1, 1, 1, 1]);
}

#[test]
fn figure_2_append_entries_4_entries_that_are_missing_are_appended() {
    let mut raft = Server {
        log: &[1],
        ..Server::default()
    }
    .follower();
    assert_eq!(
        text(&mut raft, receive(2, 1, 2, append(at(1, 1), &[1, 2], 0))),
        "write term=2 vote=none commit=0\n\
         write log after 1 [2@1:noop 3@2:noop]\n\
         send n1@2 -> n2 AppendAck 3"
    );
}

#[test]
fn figure_2_append_entries_5_commit_ends_at_the_last_new_entry() {
    let mut raft = Server {
        log: &[1, 1, 1, 1],
        ..Server::default()
    }
    .follower();
    // What lies beyond the append was not compared.
    assert_eq!(
        text(&mut raft, receive(2, 1, 1, append(at(1, 1), &[1], 4))),
        "write term=1 vote=none commit=2\n\
         send n1@1 -> n2 AppendAck 2"
    );
}

#[test]
fn figure_2_append_entries_5_commit_never_falls() {
    let mut raft = Server {
        log: &[1, 1, 1, 1],
        commit: 3,
        ..Server::default()
    }
    .follower();
    for body in [
        append(at(3, 1), &[], 1),
        append(at(4, 1), &[], 0),
        heartbeat(2),
    ] {
        step(&mut raft, receive(2, 1, 1, body));
        assert_eq!(raft.commit(), Index::new(3));
    }
}

#[test]
fn figure_2_all_servers_entries_are_applied_up_to_the_commit_index() {
    let mut raft = Server {
        log: &[1, 1, 1],
        commit: 2,
        ..Server::default()
    }
    .follower();
    assert_eq!(raft.applied(), Index::ZERO);
    assert_eq!(text(&mut raft, Input::Applied(Index::new(2))), "nothing");
    assert_eq!(raft.applied(), Index::new(2));
    for wrong in [1, 3] {
        let refused = raft.step(Input::Applied(Index::new(wrong)));
        let refused = refused.expect_err("out of range").to_string();
        assert_eq!(refused, format!("applied {wrong} is not within 2..=2"));
    }
}

#[test]
fn figure_2_followers_answer_leaders_and_candidates_and_ask_nothing() {
    let mut raft = Server::default().follower();
    for body in [
        append(at(0, 0), &[1], 0),
        heartbeat(0),
        request_vote(at(0, 0)),
    ] {
        assert_eq!(step(&mut raft, receive(2, 1, 1, body)).messages.len(), 1);
    }
    for body in [
        vote(true),
        accepted(1),
        rejected(1, at(0, 0)),
        heartbeat_ack(None),
    ] {
        assert_eq!(text(&mut raft, receive(2, 1, 1, body)), "nothing");
    }
    assert!(matches!(raft.role(), Role::Follower(_)));
}

#[test]
fn figure_2_leaders_a_success_moves_next_and_match_up() {
    let mut raft = Server {
        log: &[1, 1],
        ..Server::default()
    }
    .leader();
    step(&mut raft, receive(2, 1, 2, accepted(3)));
    let shown = raft.to_string();
    assert!(shown.contains("n2:replicate(3 4)"), "{shown}");
}

#[test]
fn figure_2_leaders_a_late_success_does_not_move_match_down() {
    let mut raft = Server {
        log: &[1, 1],
        ..Server::default()
    }
    .leader();
    step(&mut raft, receive(2, 1, 2, accepted(3)));
    assert_eq!(text(&mut raft, receive(2, 1, 2, accepted(1))), "nothing");
    let shown = raft.to_string();
    assert!(shown.contains("n2:replicate(3 4)"), "{shown}");
}

#[test]
fn figure_2_leaders_send_what_a_follower_lacks() {
    let mut raft = Server::default().leader();
    step(&mut raft, write(5, 1));
    step(&mut raft, write(5, 2));
    assert_eq!(
        text(&mut raft, receive(3, 1, 2, accepted(1))),
        "write term=2 vote=n1 commit=1\n\
         send n1@2 -> n3 Append prev=1@2 [2@2 3@2] commit=1"
    );
}
