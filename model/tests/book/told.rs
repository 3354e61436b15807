//! What raft-rs says of the commit index beside votes and reads: who says it,
//! who heeds it, and what comes of it.

use plimsoll_model::config::{Change, Config, Transition};
use plimsoll_model::ids::{Index, NodeSet, Term};
use plimsoll_model::log::{Entry, Log, Payload};
use plimsoll_model::message::Body;
use plimsoll_model::rules::{Branch, Input};
use plimsoll_model::server::{Asked, Role};
use plimsoll_model::settings::{Dialect, Durability, PreVote, Settings};

use crate::build::*;

fn raft_rs() -> Settings {
    Dialect::RaftRs.settings(Durability::Atomic)
}

fn with_pre_vote() -> Settings {
    Settings {
        pre_vote: PreVote::Log,
        ..raft_rs()
    }
}

/// `body`, and that its sender has committed up to `index@term`.
fn telling(body: Body, index: u64, term: u64) -> Body {
    body.telling(at(index, term))
}

fn commits(index: u64) -> impl FnOnce(&mut Srv) {
    move |s| {
        s.commit = Index(index);
        s.applied = Index(index);
        s.durable.commit = Index(index);
    }
}

fn committed(server: Srv, index: u64) -> Srv {
    server.with(|s| {
        s.commit = Index(index);
        s.applied = Index(index);
    })
}

#[test]
fn who_asks_for_votes_says_what_is_committed_as_the_entry_of_its_log() {
    let server = committed(follower(1, 2, &[1, 2]), 1);
    let asks = telling(request(at(2, 2)), 1, 1);
    expect(
        &raft_rs(),
        &server,
        Input::Campaign,
        Branch::Campaigned,
        &[msg(1, 2, 3, asks.clone()), msg(1, 3, 3, asks)],
        |s| {
            s.term = Term(3);
            s.vote = Some(n(1));
            s.role = candidate(1, 3, &[], &[1]).role;
            s.durable.term = Term(3);
            s.durable.vote = Some(n(1));
        },
    );
    let asks = telling(Body::RequestPreVote { last: at(2, 2) }, 1, 1);
    expect(
        &with_pre_vote(),
        &server,
        Input::Campaign,
        Branch::PreCampaigned,
        &[msg(1, 2, 3, asks.clone()), msg(1, 3, 3, asks)],
        |s| {
            s.role = Role::PreCandidate {
                granted: set(&[1]),
                refused: NodeSet::EMPTY,
            };
        },
    );
}

#[test]
fn who_refuses_a_vote_says_it_and_heeds_it_and_who_grants_does_neither() {
    let voter = committed(follower(1, 2, &[1, 1, 2]), 1);
    // Its log is longer, and its answer says what it knew before it listened.
    expect(
        &raft_rs(),
        &voter,
        receive(msg(2, 1, 2, telling(request(at(2, 1)), 2, 1))),
        Branch::CommitTold,
        &[msg(1, 2, 2, telling(vote(false), 1, 1))],
        commits(2),
    );
    expect(
        &raft_rs(),
        &voter,
        receive(msg(2, 1, 2, telling(request(at(3, 2)), 3, 2))),
        Branch::VoteGranted,
        &[msg(1, 2, 2, vote(true))],
        |s| {
            s.vote = Some(n(2));
            s.durable.vote = Some(n(2));
        },
    );
    let asks = Body::RequestPreVote { last: at(2, 1) };
    let no = Body::PreVote { granted: false };
    expect(
        &with_pre_vote(),
        &voter,
        receive(msg(2, 1, 3, telling(asks.clone(), 2, 1))),
        Branch::CommitTold,
        &[msg(1, 2, 2, telling(no.clone(), 1, 1))],
        commits(2),
    );
    // A question of an earlier term is answered, and tells nothing.
    expect(
        &with_pre_vote(),
        &voter,
        receive(msg(2, 1, 1, telling(asks, 2, 1))),
        Branch::PreVoteRefused,
        &[msg(1, 2, 2, no)],
        |_| {},
    );
}

#[test]
fn only_the_entry_that_is_named_is_taken_for_committed() {
    let voter = committed(follower(1, 3, &[1, 1, 2]), 1);
    let asks = |index, term| receive(msg(2, 1, 3, telling(request(at(1, 1)), index, term)));
    for (index, term) in [(3, 1), (3, 3), (4, 2), (1, 1), (0, 0)] {
        let refused = msg(1, 2, 3, telling(vote(false), 1, 1));
        expect(
            &raft_rs(),
            &voter,
            asks(index, term),
            Branch::VoteRefused,
            &[refused],
            |_| {},
        );
    }
    // A leader knows better.
    let leading = committed(leader(1, 3, &[1, 1, 3], &[3, 0, 0]), 1);
    expect(
        &raft_rs(),
        &leading,
        asks(2, 1),
        Branch::VoteRefused,
        &[msg(1, 2, 3, telling(vote(false), 1, 1))],
        |_| {},
    );
}

#[test]
fn a_candidate_heeds_the_refusals_of_its_own_election() {
    let standing = committed(candidate(1, 3, &[1, 1, 2], &[1]), 1);
    let refused = |term| receive(msg(2, 1, term, telling(vote(false), 2, 1)));
    expect(
        &raft_rs(),
        &standing,
        refused(3),
        Branch::CommitTold,
        &[],
        |s| {
            if let Role::Candidate { refused, .. } = &mut s.role {
                *refused = set(&[2]);
            }
            commits(2)(s);
        },
    );
    expect(
        &raft_rs(),
        &standing,
        refused(2),
        Branch::StaleIgnored,
        &[],
        |_| {},
    );
    // A later term ends the election, and with it the question.
    expect(
        &raft_rs(),
        &standing,
        refused(4),
        Branch::Unexpected,
        &[],
        |s| {
            s.term = Term(4);
            s.vote = None;
            s.role = Role::Follower;
            s.durable.term = Term(4);
            s.durable.vote = None;
        },
    );
}

#[test]
fn a_candidate_that_has_a_configuration_to_apply_stands_no_more() {
    let settings = Settings {
        single_server_changes: true,
        ..raft_rs()
    };
    let standing = candidate(1, 2, &[1], &[1]).with(|s| {
        let change = Change {
            voters: set(&[4]),
            learners: NodeSet::EMPTY,
            removed: NodeSet::EMPTY,
            transition: Transition::Simple,
        };
        s.log.push(Entry {
            term: Term(1),
            payload: Payload::Config { change },
        });
        s.config = Config::of(NodeSet::first(3));
    });
    let told = |index| receive(msg(2, 1, 2, telling(vote(false), index, 1)));
    let counts = |s: &mut Srv| {
        if let Role::Candidate { refused, .. } = &mut s.role {
            *refused = set(&[2]);
        }
    };
    expect(
        &settings,
        &standing,
        told(1),
        Branch::CommitTold,
        &[],
        |s| {
            counts(s);
            s.commit = Index(1);
            s.durable.commit = Index(1);
        },
    );
    expect(
        &settings,
        &standing,
        told(2),
        Branch::CandidacyDropped,
        &[],
        |s| {
            s.role = Role::Follower;
            s.commit = Index(2);
            s.durable.commit = Index(2);
        },
    );
}

#[test]
fn the_answer_to_a_read_is_such_a_word_to_a_follower() {
    let settings = Settings {
        follower_reads: true,
        ..raft_rs()
    };
    let asks = |server: Srv| {
        committed(server, 1).with(|s| {
            s.asked.push(Asked {
                id: read(1),
                index: None,
            });
        })
    };
    let answer = receive(msg(
        2,
        1,
        2,
        Body::ReadIndex {
            read: read(1),
            index: Index(2),
        },
    ));
    let learns = |s: &mut Srv| s.asked[0].index = Some(Index(2));
    expect(
        &settings,
        &asks(follower(1, 2, &[1, 2])),
        answer.clone(),
        Branch::CommitTold,
        &[],
        |s| {
            learns(s);
            commits(2)(s);
        },
    );
    // Another entry stands there: its leader's is on the way.
    expect(
        &settings,
        &asks(follower(1, 2, &[1, 1])),
        answer.clone(),
        Branch::ReadIndexLearned,
        &[],
        learns,
    );
    let etcd = Settings {
        follower_reads: true,
        ..Dialect::EtcdStored.settings(Durability::Atomic)
    };
    expect(
        &etcd,
        &asks(follower(1, 2, &[1, 2])),
        answer,
        Branch::ReadIndexLearned,
        &[],
        learns,
    );
}
