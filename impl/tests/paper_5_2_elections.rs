//! Raft section 5.2: leader election.

mod common;

use common::*;
use plimsoll_raft::core::{Durable, Index, Input, Options, Raft, Role, Term};

fn ticks_until_campaign(raft: &mut Raft) -> u32 {
    let mut ticks = 0;
    loop {
        ticks += 1;
        assert!(ticks < 100, "no campaign");
        if !step(raft, Input::Tick).is_empty() {
            return ticks;
        }
    }
}

fn follower() -> Raft {
    Server {
        log: &[1, 1],
        ..Server::default()
    }
    .follower()
}

#[test]
fn section_5_2_servers_start_up_as_followers() {
    let raft = follower();
    assert!(matches!(raft.role(), Role::Follower(_)));
    assert_eq!(raft.leader(), None);
}

#[test]
fn section_5_2_a_follower_that_hears_nothing_begins_an_election() {
    let mut raft = follower();
    let ticks = ticks_until_campaign(&mut raft);
    assert!((10..20).contains(&ticks), "after {ticks} ticks");
    assert!(matches!(raft.role(), Role::Candidate(_)));
    assert_eq!(raft.term(), Term::new(2));
}

#[test]
fn section_5_2_a_follower_stays_one_while_it_hears_from_its_leader() {
    for body in [heartbeat(0), append(at(2, 1), &[], 0)] {
        let mut raft = follower();
        for _ in 0..20 {
            for _ in 0..9 {
                assert_eq!(text(&mut raft, Input::Tick), "nothing");
            }
            step(&mut raft, receive(2, 1, 1, body.clone()));
        }
        assert!(matches!(raft.role(), Role::Follower(_)), "{body}");
    }
}

#[test]
fn section_5_2_a_granted_vote_also_puts_the_timeout_off() {
    let mut raft = follower();
    for _ in 0..9 {
        step(&mut raft, Input::Tick);
    }
    step(&mut raft, receive(2, 1, 2, request_vote(at(2, 1))));
    assert!(ticks_until_campaign(&mut raft) >= 10);
}

#[test]
fn section_5_2_a_refused_vote_in_the_same_term_does_not_put_the_timeout_off() {
    let mut raft = follower();
    let mut twin = follower();
    for _ in 0..9 {
        step(&mut raft, Input::Tick);
        step(&mut twin, Input::Tick);
    }
    step(&mut raft, receive(2, 1, 1, request_vote(at(1, 1))));
    assert_eq!(
        ticks_until_campaign(&mut raft),
        ticks_until_campaign(&mut twin)
    );
}

#[test]
fn section_5_2_a_candidate_raises_its_term_votes_for_itself_and_asks_all_others() {
    let mut raft = Server {
        voters: 5,
        log: &[1, 1],
        ..Server::default()
    }
    .follower();
    assert_eq!(
        text(&mut raft, Input::Campaign),
        "write term=2 vote=n1 commit=0\n\
         send n1@2 -> n2 RequestVote last=2@1\n\
         send n1@2 -> n3 RequestVote last=2@1\n\
         send n1@2 -> n4 RequestVote last=2@1\n\
         send n1@2 -> n5 RequestVote last=2@1"
    );
}

#[test]
fn section_5_2_a_candidate_wins_with_the_votes_of_a_majority() {
    // For each size: how many votes of others win, beside the own.
    for (voters, needed) in [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (7, 3)] {
        let mut raft = Server {
            voters,
            ..Server::default()
        }
        .candidate();
        for voter in 2..=needed + 1 {
            assert!(matches!(raft.role(), Role::Candidate(_)), "{voters} voters");
            step(&mut raft, receive(voter, 1, 2, vote(true)));
        }
        assert!(matches!(raft.role(), Role::Leader(_)), "{voters} voters");
    }
}

#[test]
fn section_5_2_a_vote_counts_once_however_often_it_arrives() {
    let mut raft = Server {
        voters: 5,
        ..Server::default()
    }
    .candidate();
    for _ in 0..4 {
        assert_eq!(text(&mut raft, receive(2, 1, 2, vote(true))), "nothing");
    }
    assert!(matches!(raft.role(), Role::Candidate(_)));
}

#[test]
fn section_5_2_only_votes_of_the_same_term_count() {
    let mut raft = Server::default().candidate();
    step(&mut raft, Input::Campaign);
    persist(&mut raft);
    assert_eq!(text(&mut raft, receive(2, 1, 2, vote(true))), "nothing");
    assert!(matches!(raft.role(), Role::Candidate(_)));
}

#[test]
fn section_5_2_only_votes_of_voters_count() {
    let mut raft = Server::default().candidate();
    assert_eq!(text(&mut raft, receive(9, 1, 2, vote(true))), "nothing");
    assert!(matches!(raft.role(), Role::Candidate(_)));
}

#[test]
fn section_5_2_the_own_vote_counts_once_it_is_durable() {
    let mut raft = Server::default().follower();
    step(&mut raft, Input::Campaign);
    assert_eq!(text(&mut raft, receive(2, 1, 2, vote(true))), "nothing");
    // Word of an older write says nothing of the vote.
    assert!(step(&mut raft, Input::Persisted(Durable::default())).is_empty());
    let output = persist(&mut raft);
    assert_eq!(
        output.to_string(),
        "write log after 0 [1@2:noop]\n\
         send n1@2 -> n2 Append prev=0@0 [1@2] commit=0\n\
         send n1@2 -> n3 Append prev=0@0 [1@2] commit=0"
    );
}

#[test]
fn section_5_2_a_server_votes_for_one_candidate_in_a_term_first_come_first_served() {
    let mut raft = follower();
    let ask = |from| receive(from, 1, 2, request_vote(at(2, 1)));
    assert_eq!(
        text(&mut raft, ask(2)),
        "write term=2 vote=n2 commit=0\n\
         send n1@2 -> n2 Vote granted"
    );
    assert_eq!(text(&mut raft, ask(3)), "send n1@2 -> n3 Vote refused");
    // The same candidate, asking again, has its vote still.
    assert_eq!(text(&mut raft, ask(2)), "send n1@2 -> n2 Vote granted");
}

#[test]
fn section_5_2_a_vote_outlives_a_restart() {
    let mut raft = Server {
        term: 2,
        vote: Some(2),
        log: &[1, 1],
        ..Server::default()
    }
    .follower();
    let ask = |from| receive(from, 1, 2, request_vote(at(2, 1)));
    assert_eq!(text(&mut raft, ask(3)), "send n1@2 -> n3 Vote refused");
    assert_eq!(text(&mut raft, ask(2)), "send n1@2 -> n2 Vote granted");
}

/// Not in the paper: etcd gives no unused vote in a term whose leader is known.
#[test]
fn section_5_2_a_follower_of_a_leader_gives_no_vote_in_its_term() {
    let mut raft = follower();
    step(&mut raft, receive(2, 1, 2, heartbeat(0)));
    assert_eq!(
        text(&mut raft, receive(3, 1, 2, request_vote(at(2, 1)))),
        "send n1@2 -> n3 Vote refused"
    );
}

#[test]
fn section_5_2_a_winner_sends_to_all_others_at_once() {
    let mut raft = Server {
        log: &[1, 1],
        ..Server::default()
    }
    .candidate();
    assert_eq!(
        text(&mut raft, receive(3, 1, 2, vote(true))),
        "write log after 2 [3@2:noop]\n\
         send n1@2 -> n2 Append prev=2@1 [3@2] commit=0\n\
         send n1@2 -> n3 Append prev=2@1 [3@2] commit=0"
    );
}

#[test]
fn section_5_2_a_leader_sends_heartbeats_to_all_others_periodically() {
    let mut raft = Server::default().leader();
    for _ in 0..3 {
        assert_eq!(text(&mut raft, Input::Tick), "nothing");
        assert_eq!(text(&mut raft, Input::Tick), "nothing");
        assert_eq!(
            text(&mut raft, Input::Tick),
            "send n1@2 -> n2 Heartbeat commit=0\n\
             send n1@2 -> n3 Heartbeat commit=0"
        );
    }
}

#[test]
fn section_5_2_a_candidate_yields_to_a_leader_of_its_term() {
    let mut raft = Server::default().candidate();
    assert_eq!(
        text(&mut raft, receive(3, 1, 2, heartbeat(0))),
        "send n1@2 -> n3 HeartbeatAck"
    );
    assert_eq!(raft.leader(), Some(n(3)));

    let mut raft = Server::default().candidate();
    assert_eq!(
        text(&mut raft, receive(3, 1, 2, append(at(0, 0), &[2], 0))),
        "write log after 0 [1@2:noop]\n\
         send n1@2 -> n3 AppendAck 1"
    );
    assert_eq!(raft.leader(), Some(n(3)));
}

#[test]
fn section_5_2_a_candidate_stays_one_before_a_leader_of_an_older_term() {
    let mut raft = Server::default().candidate();
    assert_eq!(text(&mut raft, receive(3, 1, 1, heartbeat(0))), "nothing");
    assert!(matches!(raft.role(), Role::Candidate(_)));
}

#[test]
fn section_5_2_a_candidate_that_times_out_begins_the_next_election() {
    let mut raft = Server::default().candidate();
    step(&mut raft, receive(2, 1, 2, vote(false)));
    let ticks = ticks_until_campaign(&mut raft);
    assert!((10..20).contains(&ticks), "after {ticks} ticks");
    assert_eq!(raft.term(), Term::new(3));
    assert_eq!(raft.vote(), Some(n(1)));
    let Role::Candidate(candidate) = raft.role() else {
        panic!("no candidate");
    };
    assert_eq!(candidate.votes().count(), 0, "votes of the last election");
}

/// Not in the paper: a candidate gives up, in its term, when it can no longer
/// win.
#[test]
fn section_5_2_a_candidate_gives_up_when_too_many_have_refused() {
    // For each size: how many refusals leave no majority.
    for (voters, enough) in [(2, 1), (3, 2), (4, 2), (5, 3), (6, 3), (7, 4)] {
        let mut raft = Server {
            voters,
            ..Server::default()
        }
        .candidate();
        for voter in 2..=enough + 1 {
            assert!(matches!(raft.role(), Role::Candidate(_)), "{voters} voters");
            assert_eq!(
                text(&mut raft, receive(voter, 1, 2, vote(false))),
                "nothing"
            );
        }
        assert!(matches!(raft.role(), Role::Follower(_)), "{voters} voters");
        assert_eq!(raft.term(), Term::new(2));
        assert_eq!(raft.vote(), Some(n(1)));
    }
}

#[test]
fn section_5_2_election_timeouts_are_drawn_anew_each_time_from_a_fixed_interval() {
    let timeouts = |seed| {
        let options = Options {
            election_seed: seed,
            ..Options::default()
        };
        let mut raft = Server {
            options,
            ..Server::default()
        }
        .follower();
        let drawn: Vec<_> = (0..50).map(|_| ticks_until_campaign(&mut raft)).collect();
        drawn
    };
    let mut drawn = timeouts(1);
    assert_eq!(drawn, timeouts(1), "the same seed");
    assert_ne!(drawn, timeouts(2), "different seeds");
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn, (10..20).collect::<Vec<_>>());
}

#[test]
fn section_5_2_a_server_without_a_configuration_does_not_campaign() {
    let stored = plimsoll_raft::core::Stored::bootstrap(&[n(1), n(2), n(3)]).0;
    let mut raft =
        Raft::new(n(1), Options::default(), stored, Default::default()).expect("a sound server");
    for _ in 0..100 {
        assert_eq!(text(&mut raft, Input::Tick), "nothing");
    }
    let refused = raft.step(Input::Campaign).expect_err("no voter");
    assert_eq!(
        refused.to_string(),
        "not a voter of the configuration in force"
    );
    // With a part of the configuration applied it knows too few voters.
    step(&mut raft, Input::Applied(Index::new(2)));
    let refused = raft.step(Input::Campaign).expect_err("a change unapplied");
    assert_eq!(
        refused.to_string(),
        "a committed change of configuration is not applied"
    );
    for _ in 0..100 {
        assert_eq!(text(&mut raft, Input::Tick), "nothing");
    }
    step(&mut raft, Input::Applied(Index::new(3)));
    assert_eq!(
        text(&mut raft, Input::Campaign),
        "write term=2 vote=n1 commit=3\n\
         send n1@2 -> n2 RequestVote last=3@1\n\
         send n1@2 -> n3 RequestVote last=3@1"
    );
}
