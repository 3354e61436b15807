//! Raft section 8: clients. Repeated requests are the state machine's affair
//! (`kv.rs`); here are the reads.

mod common;

use common::*;
use plimsoll_raft::core::{Input, Raft};

/// The leader of five in term 2, with its first entry committed; n2 and n3
/// have it.
fn leader_of_five() -> Raft {
    let mut raft = Server {
        voters: 5,
        ..Server::default()
    }
    .leader();
    step(&mut raft, receive(2, 1, 2, accepted(1)));
    step(&mut raft, receive(3, 1, 2, accepted(1)));
    assert_eq!(raft.commit().get(), 1);
    raft
}

#[test]
fn section_8_a_leader_begins_its_term_with_an_entry_of_nothing() {
    let mut raft = Server::default().candidate();
    assert_eq!(
        text(&mut raft, receive(2, 1, 2, vote(true))),
        "write log after 0 [1@2:noop]\n\
         send n1@2 -> n2 Append prev=0@0 [1@2] commit=0\n\
         send n1@2 -> n3 Append prev=0@0 [1@2] commit=0"
    );
}

#[test]
fn section_8_reads_wait_until_the_leader_knows_what_is_committed() {
    let mut raft = Server::default().leader();
    assert_eq!(text(&mut raft, read(5, 1)), "nothing");
    assert_eq!(text(&mut raft, read(6, 1)), "nothing");
    assert_eq!(
        text(&mut raft, receive(2, 1, 2, accepted(1))),
        "write term=2 vote=n1 commit=1\n\
         send n1@2 -> n2 Heartbeat commit=1 context=2\n\
         send n1@2 -> n3 Heartbeat commit=0 context=2\n\
         send n1@2 -> n2 Append prev=1@2 [] commit=1\n\
         begin read 5.1 at 1\n\
         begin read 6.1 at 1"
    );
    assert_eq!(
        text(&mut raft, receive(3, 1, 2, heartbeat_ack(Some(2)))),
        "send n1@2 -> n3 Append prev=0@0 [1@2] commit=1\n\
         release read 5.1 at 1\n\
         release read 6.1 at 1"
    );
}

#[test]
fn section_8_a_read_is_answered_once_a_majority_has_confirmed_the_leader() {
    let mut raft = leader_of_five();
    assert_eq!(
        text(&mut raft, read(5, 1)),
        "send n1@2 -> n2 Heartbeat commit=1 context=1\n\
         send n1@2 -> n3 Heartbeat commit=1 context=1\n\
         send n1@2 -> n4 Heartbeat commit=0 context=1\n\
         send n1@2 -> n5 Heartbeat commit=0 context=1\n\
         begin read 5.1 at 1"
    );
    let ack = |from| receive(from, 1, 2, heartbeat_ack(Some(1)));
    assert_eq!(text(&mut raft, ack(2)), "nothing");
    assert_eq!(text(&mut raft, ack(2)), "nothing", "the same voter again");
    assert_eq!(text(&mut raft, ack(9)), "nothing", "no voter");
    assert_eq!(text(&mut raft, ack(3)), "release read 5.1 at 1");
    assert_eq!(text(&mut raft, ack(3)), "nothing", "released once");
}

#[test]
fn section_8_an_answer_from_before_the_read_does_not_confirm_it() {
    let mut raft = leader_of_five();
    step(&mut raft, read(5, 1));
    step(&mut raft, read(6, 1));
    let ack = |from, context| receive(from, 1, 2, heartbeat_ack(context));
    assert_eq!(text(&mut raft, ack(2, None)), "nothing");
    assert_eq!(text(&mut raft, ack(3, None)), "nothing");
    assert_eq!(text(&mut raft, ack(2, Some(1))), "nothing");
    assert_eq!(text(&mut raft, ack(3, Some(1))), "release read 5.1 at 1");
    // A context that was never sent vouches for nothing.
    assert_eq!(text(&mut raft, ack(2, Some(3))), "nothing");
    assert_eq!(text(&mut raft, ack(3, Some(3))), "nothing");
    assert_eq!(text(&mut raft, ack(2, Some(2))), "nothing");
    assert_eq!(text(&mut raft, ack(3, Some(2))), "release read 6.1 at 1");
}

#[test]
fn section_8_a_later_confirmation_is_good_for_earlier_reads() {
    let mut raft = leader_of_five();
    step(&mut raft, read(5, 1));
    step(&mut raft, read(6, 1));
    let ack = |from, context| receive(from, 1, 2, heartbeat_ack(context));
    assert_eq!(text(&mut raft, ack(2, Some(2))), "nothing");
    assert_eq!(text(&mut raft, ack(3, Some(1))), "release read 5.1 at 1");
    assert_eq!(text(&mut raft, ack(3, Some(2))), "release read 6.1 at 1");
}

#[test]
fn section_8_periodic_heartbeats_ask_for_confirmation_again() {
    let mut raft = leader_of_five();
    step(&mut raft, read(5, 1));
    step(&mut raft, Input::Tick);
    step(&mut raft, Input::Tick);
    assert_eq!(
        text(&mut raft, Input::Tick),
        "send n1@2 -> n2 Heartbeat commit=1 context=1\n\
         send n1@2 -> n3 Heartbeat commit=1 context=1\n\
         send n1@2 -> n4 Heartbeat commit=0 context=1\n\
         send n1@2 -> n5 Heartbeat commit=0 context=1"
    );
}

#[test]
fn section_8_a_leader_alone_confirms_itself() {
    let mut raft = Server {
        voters: 1,
        ..Server::default()
    }
    .candidate();
    // It leads, but its first entry is not durable, so not committed.
    assert_eq!(text(&mut raft, read(5, 1)), "nothing");
    assert_eq!(
        persist(&mut raft).to_string(),
        "write term=2 vote=n1 commit=1\n\
         begin read 5.1 at 1\n\
         release read 5.1 at 1"
    );
    assert_eq!(
        text(&mut raft, read(5, 2)),
        "begin read 5.2 at 1\n\
         release read 5.2 at 1"
    );
}

#[test]
fn section_8_a_leader_that_steps_down_drops_its_reads() {
    let mut raft = leader_of_five();
    step(&mut raft, read(5, 1));
    assert_eq!(
        text(&mut raft, receive(4, 1, 3, heartbeat(0))),
        "write term=3 vote=none commit=1\n\
         send n1@3 -> n4 HeartbeatAck\n\
         drop read 5.1"
    );
    let mut raft = Server::default().leader();
    step(&mut raft, read(5, 1));
    assert_eq!(
        text(&mut raft, receive(2, 1, 3, vote(false))),
        "write term=3 vote=none commit=0\n\
         drop read 5.1"
    );
}

#[test]
fn section_8_only_a_leader_takes_reads() {
    let mut raft = Server::default().follower();
    step(&mut raft, receive(2, 1, 1, heartbeat(0)));
    let refused = raft.step(read(5, 1)).expect_err("a follower");
    assert_eq!(refused.to_string(), "not the leader; n2 may be");
}
