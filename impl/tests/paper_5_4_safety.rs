//! Raft section 5.4: who may win, and what may be committed.

mod common;

use common::*;
use plimsoll_raft::core::{Index, Role};

#[test]
fn section_5_4_1_a_vote_goes_only_to_a_log_that_is_not_behind() {
    // The voter's log; the end of the candidate's; whether it gets the vote.
    let cases: [(&'static [u64], (u64, u64), bool); 11] = [
        // Of logs that end in different terms, the later term is ahead.
        (&[1], (1, 2), true),
        (&[1, 1, 1], (1, 2), true),
        (&[2], (1, 1), false),
        (&[2], (3, 1), false),
        // Of logs that end in one term, the longer is.
        (&[1, 2], (2, 2), true),
        (&[1, 2], (3, 2), true),
        (&[1, 2], (1, 2), false),
        (&[1, 1, 2], (2, 2), false),
        // An empty log is behind every other.
        (&[], (0, 0), true),
        (&[], (1, 1), true),
        (&[1], (0, 0), false),
    ];
    for (log, (index, term), granted) in cases {
        let mut raft = Server {
            term: 3,
            log,
            ..Server::default()
        }
        .follower();
        let expected = if granted {
            "write term=4 vote=n2 commit=0\nsend n1@4 -> n2 Vote granted"
        } else {
            "write term=4 vote=none commit=0\nsend n1@4 -> n2 Vote refused"
        };
        let ask = receive(2, 1, 4, request_vote(at(index, term)));
        assert_eq!(text(&mut raft, ask), expected, "{log:?} {index}@{term}");
    }
}

#[test]
fn section_5_4_1_a_refused_candidate_leaves_the_vote_to_another() {
    let mut raft = Server {
        term: 2,
        log: &[1, 2],
        ..Server::default()
    }
    .follower();
    let ask = |from, last| receive(from, 1, 3, request_vote(last));
    assert_eq!(
        text(&mut raft, ask(2, at(1, 1))),
        "write term=3 vote=none commit=0\n\
         send n1@3 -> n2 Vote refused"
    );
    assert_eq!(
        text(&mut raft, ask(3, at(2, 2))),
        "write term=3 vote=n3 commit=0\n\
         send n1@3 -> n3 Vote granted"
    );
}

/// Figure 8: entries of earlier terms on a majority may still be replaced, so
/// they are committed only with an entry of the leader's own term.
#[test]
fn section_5_4_2_figure_8_an_entry_of_an_earlier_term_is_not_committed_by_counting() {
    let mut raft = Server {
        term: 3,
        log: &[1, 2],
        ..Server::default()
    }
    .leader();
    assert_eq!(raft.log().last(), at(3, 4));
    // A majority has 2@2, which is not the leader's own.
    assert_eq!(text(&mut raft, receive(2, 1, 4, rejected(2, at(1, 1)))), {
        "send n1@4 -> n2 Append prev=1@1 [2@2 3@4] commit=0"
    });
    assert_eq!(text(&mut raft, receive(2, 1, 4, accepted(2))), {
        "send n1@4 -> n2 Append prev=2@2 [3@4] commit=0"
    });
    assert_eq!(raft.commit(), Index::ZERO);
    // With its own entry on a majority, the earlier ones are committed too.
    assert_eq!(
        text(&mut raft, receive(2, 1, 4, accepted(3))),
        "write term=4 vote=n1 commit=3\n\
         send n1@4 -> n2 Append prev=3@4 [] commit=3"
    );
}

#[test]
fn section_5_4_2_entries_keep_the_term_they_were_made_in() {
    let mut raft = Server {
        term: 3,
        log: &[1, 2],
        ..Server::default()
    }
    .leader();
    step(&mut raft, receive(2, 1, 4, rejected(2, at(0, 0))));
    assert_eq!(terms(&raft), [1, 2, 4]);
}

#[test]
fn section_5_4_3_a_leader_lacks_nothing_that_is_committed() {
    // n1 misses the committed entry 2@2; of five, only n4 misses it as well.
    let mut raft = Server {
        term: 2,
        voters: 5,
        log: &[1],
        ..Server::default()
    }
    .candidate();
    for (voter, log) in [(2, &[1, 2][..]), (3, &[1, 2, 2]), (4, &[1]), (5, &[1, 2])] {
        let mut other = Server {
            id: voter,
            term: 2,
            voters: 5,
            log: match log.len() {
                1 => &[1],
                2 => &[1, 2],
                _ => &[1, 2, 2],
            },
            ..Server::default()
        }
        .follower();
        let answers = step(&mut other, receive(1, voter, 3, request_vote(at(1, 1))));
        for answer in answers.messages {
            step(&mut raft, plimsoll_raft::core::Input::Receive(answer));
        }
    }
    assert!(matches!(raft.role(), Role::Follower(_)));
}
