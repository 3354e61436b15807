//! Inputs that no correct server or driver gives: each is refused by its name,
//! and changes nothing.

mod common;

use common::*;
use plimsoll_raft::core::{
    Configuration, Entry, HardState, Index, Input, Log, Options, Raft, Stored, Term,
};

/// Refused, with this message, and without an effect.
fn assert_refused(raft: &mut Raft, input: Input, message: &str) {
    let before = format!("{raft:?}");
    let refused = raft.step(input.clone());
    let refused = refused.expect_err(&input.to_string()).to_string();
    assert_eq!(refused, message);
    assert_eq!(format!("{raft:?}"), before, "{input} had an effect");
}

fn follower() -> Raft {
    Server {
        term: 3,
        log: &[1, 2],
        ..Server::default()
    }
    .follower()
}

#[test]
fn messages_for_another_or_from_oneself() {
    let raft = &mut follower();
    let message = "the message is from n3 to n2";
    assert_refused(raft, receive(3, 2, 3, heartbeat(0)), message);
    let message = "the message is from n1 to n1";
    assert_refused(raft, receive(1, 1, 3, heartbeat(0)), message);
}

#[test]
fn messages_that_do_not_hold_together() {
    let raft = &mut follower();
    let term = "the message is malformed: a term that no election reaches";
    assert_refused(raft, receive(2, 1, 0, heartbeat(0)), term);
    assert_refused(raft, receive(2, 1, u64::MAX, heartbeat(0)), term);
    let zero = "the message is malformed: index 0 and term 0 go together";
    assert_refused(raft, receive(2, 1, 3, append(at(0, 1), &[], 0)), zero);
    assert_refused(raft, receive(2, 1, 3, request_vote(at(1, 0))), zero);
    let ahead = "the message is malformed: a log of a later term than its owner";
    assert_refused(raft, receive(2, 1, 3, request_vote(at(1, 4))), ahead);
    let falls = "the message is malformed: terms of entries fall, or lie ahead";
    for terms in [&[1][..], &[3, 2], &[4], &[0]] {
        let body = append(at(2, 2), terms, 0);
        assert_refused(raft, receive(2, 1, 3, body), falls);
    }
    let body = append(at(u64::MAX, 2), &[3], 0);
    let beyond = "the message is malformed: an index that no log reaches";
    assert_refused(raft, receive(2, 1, 3, body), beyond);
    let hint = "the message is malformed: a hint beyond what was refused";
    assert_refused(raft, receive(2, 1, 3, rejected(1, at(2, 2))), hint);
}

/// The bug in which a follower acknowledges more than it has, or forgets what
/// it has acknowledged.
#[test]
fn messages_that_speak_of_what_is_not_there() {
    let raft = &mut follower();
    let message = "the message speaks of index 3, and this log ends at 2";
    assert_refused(raft, receive(2, 1, 3, heartbeat(3)), message);
    let raft = &mut Server::default().leader();
    let message = "the message speaks of index 2, and this log ends at 1";
    assert_refused(raft, receive(2, 1, 2, accepted(2)), message);
    assert_refused(raft, receive(2, 1, 2, rejected(2, at(0, 0))), message);
}

#[test]
fn a_second_leader_of_a_term() {
    let raft = &mut follower();
    step(raft, receive(2, 1, 3, heartbeat(0)));
    let message = "n3 leads in term 3, and so does this server";
    assert_refused(raft, receive(3, 1, 3, heartbeat(0)), message);
}

#[test]
fn options_that_contradict_themselves() {
    let make = |options: Options| {
        let voters = Configuration::new([n(1)]);
        let made = Raft::new(n(1), options, Stored::default(), voters);
        made.expect_err("a contradiction").to_string()
    };
    assert_eq!(
        make(Options {
            heartbeat_interval_ticks: 10,
            ..Options::default()
        }),
        "a heartbeat every 10 ticks does not keep an election timeout of 10 ticks away"
    );
    assert_eq!(
        make(Options {
            append_entries_max: 0,
            ..Options::default()
        }),
        "append_entries_max must be at least 1"
    );
}

#[test]
fn a_disk_that_contradicts_itself() {
    let start = |term, commit, terms: &[u64]| {
        let stored = Stored {
            hard_state: HardState {
                term: Term::new(term),
                vote: None,
                commit: Index::new(commit),
            },
            log: Log::new(terms.iter().map(|&t| Entry::noop(Term::new(t))).collect())
                .expect("terms in order"),
        };
        let voters = Configuration::new([n(1)]);
        let made = Raft::new(n(1), Options::default(), stored, voters);
        made.expect_err("a contradiction").to_string()
    };
    assert_eq!(
        start(1, 2, &[1]),
        "the stored commit 2 is beyond the stored log, which ends at 1"
    );
    assert_eq!(
        start(1, 0, &[2]),
        "the stored log ends in term 2, after the stored term 1"
    );
}
