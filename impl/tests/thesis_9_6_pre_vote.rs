//! Ongaro's dissertation, section 9.6: asking first.

mod common;

use common::*;
use plimsoll_raft::core::{Body, Input, Options, Raft, Role};

fn options() -> Options {
    Options {
        pre_vote: true,
        ..Options::default()
    }
}

fn follower(log: &'static [u64]) -> Raft {
    Server {
        term: 2,
        log,
        options: options(),
        ..Server::default()
    }
    .follower()
}

fn ask(index: u64, term: u64) -> Body {
    Body::RequestPreVote {
        last: at(index, term),
    }
}

fn answer(granted: bool) -> Body {
    Body::PreVote { granted }
}

#[test]
fn section_9_6_it_asks_before_it_raises_its_term() {
    let mut raft = follower(&[1, 2]);
    assert_eq!(
        text(&mut raft, Input::Campaign),
        "send n1@3 -> n2 RequestPreVote last=2@2\n\
         send n1@3 -> n3 RequestPreVote last=2@2"
    );
    assert_eq!(raft.term().get(), 2);
    assert_eq!(raft.vote(), None);
}

#[test]
fn section_9_6_a_majority_starts_the_election() {
    let mut raft = follower(&[1, 2]);
    step(&mut raft, Input::Campaign);
    assert_eq!(
        text(&mut raft, receive(2, 1, 3, answer(true))),
        "write term=3 vote=n1 commit=0\n\
         send n1@3 -> n2 RequestVote last=2@2\n\
         send n1@3 -> n3 RequestVote last=2@2"
    );
    assert!(matches!(raft.role(), Role::Candidate(_)));
}

#[test]
fn section_9_6_who_would_lose_raises_no_term() {
    let mut raft = follower(&[1, 2]);
    step(&mut raft, Input::Campaign);
    step(&mut raft, receive(2, 1, 2, answer(false)));
    assert!(matches!(raft.role(), Role::PreCandidate(_)));
    step(&mut raft, receive(3, 1, 2, answer(false)));
    assert!(matches!(raft.role(), Role::Follower(_)));
    assert_eq!(raft.term().get(), 2);
}

#[test]
fn section_9_6_who_is_asked_gives_no_vote_and_enters_no_term() {
    let mut raft = follower(&[1, 2]);
    let yes = "send n1@9 -> n2 PreVote granted";
    assert_eq!(text(&mut raft, receive(2, 1, 9, ask(2, 2))), yes);
    let yes = "send n1@9 -> n3 PreVote granted";
    assert_eq!(text(&mut raft, receive(3, 1, 9, ask(2, 2))), yes);
    assert_eq!((raft.term().get(), raft.vote()), (2, None));
}

#[test]
fn section_9_6_only_a_log_that_is_up_to_date_would_get_a_vote() {
    let mut raft = follower(&[1, 2]);
    let no = "send n1@2 -> n2 PreVote refused";
    assert_eq!(text(&mut raft, receive(2, 1, 9, ask(9, 1))), no);
    assert_eq!(text(&mut raft, receive(2, 1, 9, ask(1, 2))), no);
}

#[test]
fn section_9_6_who_asks_about_a_term_gone_by_learns_of_it() {
    let mut raft = follower(&[1, 2]);
    let no = "send n1@2 -> n2 PreVote refused";
    assert_eq!(text(&mut raft, receive(2, 1, 1, ask(9, 1))), no);
    let mut asker = follower(&[1, 2]);
    step(&mut asker, Input::Campaign);
    step(&mut asker, receive(2, 1, 7, answer(false)));
    assert_eq!(asker.term().get(), 7);
    assert!(matches!(asker.role(), Role::Follower(_)));
}

#[test]
fn section_9_6_a_leader_deposes_who_asks() {
    let mut raft = follower(&[1, 2]);
    step(&mut raft, Input::Campaign);
    step(&mut raft, receive(2, 1, 2, heartbeat(0)));
    assert_eq!(raft.leader(), Some(n(2)));
    let late = step(&mut raft, receive(3, 1, 3, answer(true)));
    assert!(late.is_empty(), "{late}");
    assert_eq!(raft.leader(), Some(n(2)));
}

#[test]
fn a_lone_voter_need_not_ask() {
    let server = Server {
        voters: 1,
        options: options(),
        ..Server::default()
    };
    let mut raft = server.follower();
    let output = text(&mut raft, Input::Campaign);
    assert_eq!(output, "write term=2 vote=n1 commit=0");
    persist(&mut raft);
    assert!(matches!(raft.role(), Role::Leader(_)));
}
