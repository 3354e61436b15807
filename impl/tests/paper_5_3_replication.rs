//! Raft sections 5.3 and 5.5: log replication, and messages that come again.

mod common;

use common::*;
use plimsoll_raft::core::{Durable, HardState, Index, Input, Options, Raft};

/// The leader of term 2 with one committed entry, `1@2`, which all hold.
fn settled_leader() -> Raft {
    let mut raft = Server::default().leader();
    for follower in [2, 3] {
        step(&mut raft, receive(follower, 1, 2, accepted(1)));
    }
    raft
}

#[test]
fn section_5_3_a_leader_appends_a_command_and_sends_it_to_all_at_once() {
    let mut raft = settled_leader();
    assert_eq!(
        text(&mut raft, write(5, 1)),
        "write log after 1 [2@2:5.1]\n\
         send n1@2 -> n2 Append prev=1@2 [2@2] commit=1\n\
         send n1@2 -> n3 Append prev=1@2 [2@2] commit=1"
    );
}

#[test]
fn section_5_3_only_a_leader_takes_commands() {
    let mut raft = Server::default().follower();
    let refused = raft.step(write(5, 1)).expect_err("a follower");
    assert_eq!(refused.to_string(), "not the leader");
    step(&mut raft, receive(2, 1, 1, heartbeat(0)));
    let refused = raft.step(write(5, 1)).expect_err("a follower");
    assert_eq!(refused.to_string(), "not the leader; n2 may be");
}

#[test]
fn section_5_3_an_entry_is_committed_once_a_majority_has_it() {
    // For each size: how many others must have it, beside the leader.
    for (voters, needed) in [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (7, 3)] {
        let mut raft = Server {
            voters,
            ..Server::default()
        }
        .leader();
        for follower in 2..=needed + 1 {
            assert_eq!(raft.commit(), Index::ZERO, "{voters} voters");
            step(&mut raft, receive(follower, 1, 2, accepted(1)));
        }
        assert_eq!(raft.commit(), Index::new(1), "{voters} voters");
    }
}

#[test]
fn section_5_3_a_leader_counts_its_own_entry_once_it_is_durable() {
    let mut raft = Server {
        voters: 2,
        ..Server::default()
    }
    .candidate();
    step(&mut raft, receive(2, 1, 2, vote(true)));
    let before = Durable {
        hard_state: raft.hard_state(),
        last: at(0, 0),
    };
    step(&mut raft, receive(2, 1, 2, accepted(1)));
    assert_eq!(raft.commit(), Index::ZERO);
    assert!(step(&mut raft, Input::Persisted(before)).is_empty());
    assert_eq!(
        persist(&mut raft).to_string(),
        "write term=2 vote=n1 commit=1\n\
         send n1@2 -> n2 Append prev=1@2 [] commit=1"
    );
}

/// What the disk holds counts only as far as it is what the leader holds.
#[test]
fn section_5_3_another_log_on_the_disk_does_not_count() {
    let mut raft = Server {
        voters: 2,
        ..Server::default()
    }
    .candidate();
    step(&mut raft, receive(2, 1, 2, vote(true)));
    step(&mut raft, receive(2, 1, 2, accepted(1)));
    let other = Durable {
        hard_state: HardState::default(),
        last: at(1, 1),
    };
    assert!(step(&mut raft, Input::Persisted(other)).is_empty());
    assert_eq!(raft.commit(), Index::ZERO);
}

#[test]
fn section_5_3_with_an_entry_all_before_it_are_committed() {
    let mut raft = settled_leader();
    for sequence in 1..=3 {
        step(&mut raft, write(5, sequence));
    }
    persist(&mut raft);
    assert_eq!(
        text(&mut raft, receive(3, 1, 2, accepted(4))),
        "write term=2 vote=n1 commit=4\n\
         send n1@2 -> n2 Append prev=4@2 [] commit=4\n\
         send n1@2 -> n3 Append prev=4@2 [] commit=4"
    );
}

#[test]
fn section_5_3_later_appends_and_heartbeats_tell_the_commit_index() {
    let mut raft = settled_leader();
    assert_eq!(
        text(&mut raft, write(5, 1)),
        "write log after 1 [2@2:5.1]\n\
         send n1@2 -> n2 Append prev=1@2 [2@2] commit=1\n\
         send n1@2 -> n3 Append prev=1@2 [2@2] commit=1"
    );
    step(&mut raft, Input::Tick);
    step(&mut raft, Input::Tick);
    assert_eq!(
        text(&mut raft, Input::Tick),
        "send n1@2 -> n2 Heartbeat commit=1\n\
         send n1@2 -> n3 Heartbeat commit=1"
    );
}

#[test]
fn section_5_3_a_follower_commits_what_its_leader_has_committed() {
    let mut raft = Server {
        log: &[1],
        ..Server::default()
    }
    .follower();
    assert_eq!(
        text(&mut raft, receive(2, 1, 1, append(at(1, 1), &[1, 1], 2))),
        "write term=1 vote=none commit=2\n\
         write log after 1 [2@1:noop 3@1:noop]\n\
         send n1@1 -> n2 AppendAck 3"
    );
    assert_eq!(
        text(&mut raft, receive(2, 1, 1, heartbeat(3))),
        "write term=1 vote=none commit=3\n\
         send n1@1 -> n2 HeartbeatAck"
    );
}

#[test]
fn section_5_3_a_heartbeat_commits_no_further_than_the_follower_is_known_to_match() {
    let mut raft = Server {
        voters: 3,
        ..Server::default()
    }
    .leader();
    step(&mut raft, receive(2, 1, 2, accepted(1)));
    assert_eq!(raft.commit(), Index::new(1));
    step(&mut raft, Input::Tick);
    step(&mut raft, Input::Tick);
    assert_eq!(
        text(&mut raft, Input::Tick),
        "send n1@2 -> n2 Heartbeat commit=1\n\
         send n1@2 -> n3 Heartbeat commit=0"
    );
}

#[test]
fn section_5_3_an_append_names_the_entry_before_it() {
    let mut raft = Server {
        log: &[1, 1, 1],
        ..Server::default()
    }
    .candidate();
    assert_eq!(
        text(&mut raft, receive(2, 1, 2, vote(true))),
        "write log after 3 [4@2:noop]\n\
         send n1@2 -> n2 Append prev=3@1 [4@2] commit=0\n\
         send n1@2 -> n3 Append prev=3@1 [4@2] commit=0"
    );
}

#[test]
fn section_5_3_a_follower_refuses_what_does_not_fit_its_log() {
    let mut raft = Server {
        term: 3,
        log: &[1, 1, 2],
        ..Server::default()
    }
    .follower();
    // The entry before is missing; then it is of another term.
    assert_eq!(
        text(&mut raft, receive(2, 1, 3, append(at(5, 3), &[3], 5))),
        "send n1@3 -> n2 AppendAck rejected 5 hint=3@2"
    );
    assert_eq!(
        text(&mut raft, receive(2, 1, 3, append(at(3, 1), &[3], 5))),
        "send n1@3 -> n2 AppendAck rejected 3 hint=2@1"
    );
    assert_eq!(terms(&raft), [1, 1, 2]);
    assert_eq!(raft.commit(), Index::ZERO);
}

/// Figure 7: the leader of term 8 brings every such follower to its own log.
#[test]
fn section_5_3_figure_7_a_leader_makes_every_log_like_its_own() {
    const LEADER: &[u64] = &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    let followers: [&'static [u64]; 6] = [
        &[1, 1, 1, 4, 4, 5, 5, 6, 6],
        &[1, 1, 1, 4],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
        &[1, 1, 1, 4, 4, 4, 4],
        &[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    ];
    for log in followers {
        let mut leader = Server {
            term: 7,
            log: LEADER,
            ..Server::default()
        }
        .leader();
        let mut follower = Server {
            id: 2,
            term: 7,
            log,
            ..Server::default()
        }
        .follower();
        // The append of the leader's first entry, and then what each answers.
        let mut to_follower = vec![message(1, 2, 8, append(at(10, 6), &[8], 0))];
        let mut trips = 0;
        while let Some(message) = to_follower.pop() {
            trips += 1;
            let answers = step(&mut follower, Input::Receive(message)).messages;
            for answer in answers {
                let more = step(&mut leader, Input::Receive(answer)).messages;
                to_follower.extend(more.into_iter().filter(|m| m.to == n(2)));
            }
        }
        assert_eq!(follower.log(), leader.log(), "{log:?}");
        assert!(trips <= 5, "{trips} round trips for {log:?}");
    }
}

#[test]
fn section_5_3_a_new_leader_begins_right_after_its_last_entry() {
    let raft = Server {
        log: &[1, 1],
        ..Server::default()
    }
    .leader();
    let shown = raft.to_string();
    assert!(
        shown.ends_with("n2:probe(0 3 waiting) n3:probe(0 3 waiting)"),
        "{shown}"
    );
}

#[test]
fn section_5_3_after_a_refusal_a_leader_goes_back_and_tries_again() {
    let mut raft = Server {
        log: &[1, 1],
        ..Server::default()
    }
    .leader();
    // The follower's log is empty.
    assert_eq!(
        text(&mut raft, receive(2, 1, 2, rejected(2, at(0, 0)))),
        "send n1@2 -> n2 Append prev=0@0 [1@1 2@1 3@2] commit=0"
    );
}

#[test]
fn section_5_3_a_refusal_skips_the_terms_that_cannot_agree() {
    // The example in which the leader does it.
    let mut raft = Server {
        term: 5,
        log: &[1, 3, 3, 3, 5, 5, 5, 5, 5],
        ..Server::default()
    }
    .leader();
    assert_eq!(
        text(&mut raft, receive(2, 1, 6, rejected(9, at(6, 2)))),
        "send n1@6 -> n2 Append prev=1@1 [2@3 3@3 4@3 5@5 6@5 7@5 8@5 9@5 10@6] commit=0"
    );
    // And the one in which the follower does.
    let mut raft = Server {
        term: 7,
        log: &[1, 3, 3, 4, 4, 5, 5, 5, 6],
        ..Server::default()
    }
    .follower();
    assert_eq!(
        text(&mut raft, receive(2, 1, 7, append(at(8, 3), &[7], 0))),
        "send n1@7 -> n2 AppendAck rejected 8 hint=3@3"
    );
}

#[test]
fn section_5_3_a_leader_never_overwrites_or_deletes_its_own_entries() {
    let mut raft = Server {
        log: &[1, 1],
        ..Server::default()
    }
    .leader();
    let refused = raft
        .step(receive(2, 1, 2, append(at(1, 1), &[2], 0)))
        .expect_err("a second leader");
    assert_eq!(
        refused.to_string(),
        "n2 leads in term 2, and so does this server"
    );
    assert_eq!(terms(&raft), [1, 1, 2]);
}

#[test]
fn section_5_3_an_append_holds_as_many_entries_as_the_options_allow() {
    let options = Options {
        append_entries_max: 2,
        ..Options::default()
    };
    let mut raft = Server {
        options,
        log: &[1, 1, 1, 1],
        ..Server::default()
    }
    .leader();
    assert_eq!(
        text(&mut raft, receive(2, 1, 2, rejected(4, at(0, 0)))),
        "send n1@2 -> n2 Append prev=0@0 [1@1 2@1] commit=0"
    );
    // Now that it knows where to go on, it need not wait for answers.
    assert_eq!(
        text(&mut raft, receive(2, 1, 2, accepted(2))),
        "send n1@2 -> n2 Append prev=2@1 [3@1 4@1] commit=0\n\
         send n1@2 -> n2 Append prev=4@1 [5@2] commit=0"
    );
}

#[test]
fn section_5_3_an_append_below_the_commit_index_is_answered_with_it() {
    let mut raft = Server {
        log: &[1, 1, 1, 1],
        commit: 3,
        ..Server::default()
    }
    .follower();
    assert_eq!(
        text(&mut raft, receive(2, 1, 1, append(at(1, 1), &[1], 1))),
        "send n1@1 -> n2 AppendAck 3"
    );
}

#[test]
fn section_5_3_a_lost_append_is_sent_again_when_a_heartbeat_is_answered() {
    let mut raft = Server::default().leader();
    // To n2 the first append was lost: it waits, so a write is not sent there.
    assert_eq!(text(&mut raft, write(5, 1)), "write log after 1 [2@2:5.1]");
    assert_eq!(
        text(&mut raft, receive(2, 1, 2, heartbeat_ack(None))),
        "send n1@2 -> n2 Append prev=0@0 [1@2 2@2] commit=0"
    );
}

#[test]
fn section_5_5_an_append_that_comes_again_is_acknowledged_and_changes_nothing() {
    let mut raft = Server {
        log: &[1],
        ..Server::default()
    }
    .follower();
    let again = || receive(2, 1, 1, append(at(1, 1), &[1, 1], 0));
    assert_eq!(
        text(&mut raft, again()),
        "write log after 1 [2@1:noop 3@1:noop]\n\
         send n1@1 -> n2 AppendAck 3"
    );
    assert_eq!(text(&mut raft, again()), "send n1@1 -> n2 AppendAck 3");
}

#[test]
fn section_5_5_an_answer_that_comes_again_or_late_changes_nothing() {
    let mut raft = settled_leader();
    step(&mut raft, write(5, 1));
    persist(&mut raft);
    step(&mut raft, receive(2, 1, 2, accepted(2)));
    let before = raft.to_string();
    for body in [accepted(2), accepted(1), rejected(1, at(0, 0))] {
        assert_eq!(text(&mut raft, receive(2, 1, 2, body)), "nothing");
        assert_eq!(raft.to_string(), before);
    }
}
