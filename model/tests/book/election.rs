//! Elections, sentence by sentence: figure 2 and sections 5.1, 5.2 and 5.4.1 of
//! the Raft paper. Each test states what is said and the whole server after it.

use plimsoll_model::config::{Change, Config};
use plimsoll_model::ids::{Index, NodeSet, Term};
use plimsoll_model::log::{Entry, Log, Payload};
use plimsoll_model::rules::{Branch, Input};
use plimsoll_model::server::Role;

use crate::build::*;

fn nothing(_: &mut Srv) {}

/// "If RPC request or response contains term T > currentTerm: set currentTerm =
/// T, convert to follower (§5.1)" (figure 2, all servers).
#[test]
fn a_higher_term_makes_anybody_a_follower_of_it_section_5_1() {
    for settings in both() {
        let mut leading = leader(1, 2, &[1, 2], &[2, 2, 0]);
        (leading.commit, leading.applied) = (Index(2), Index(2));
        reads(&mut leading).push(plimsoll_model::server::Read {
            id: read(1),
            index: Index(2),
            acks: set(&[2]),
            asker: None,
        });
        let servers = [
            follower(1, 2, &[1, 2]).with(|s| s.vote = Some(n(3))),
            candidate(1, 2, &[1, 2], &[1]),
            leading,
        ];
        for server in &servers {
            let steps_down = |s: &mut Srv| {
                s.term = Term(5);
                s.vote = None;
                s.leader = None;
                s.role = Role::Follower;
            };
            let answer = |body, branch| {
                expect(
                    &settings,
                    server,
                    receive(msg(2, 1, 5, body)),
                    branch,
                    &[],
                    steps_down,
                )
            };
            // Responses: the new term is all there is to them.
            answer(vote(true), Branch::Unexpected);
            answer(vote(false), Branch::Unexpected);
            answer(ack(2), Branch::Unexpected);
            answer(reject(2, None), Branch::Unexpected);
            // Requests: they are then handled as of the new term.
            expect(
                &settings,
                server,
                receive(msg(2, 1, 5, request(at(1, 1)))),
                Branch::VoteRefused,
                &[msg(1, 2, 5, vote(false))],
                steps_down,
            );
            let knows_leader = !settings.vote_with_known_leader;
            expect(
                &settings,
                server,
                receive(msg(2, 1, 5, append(at(2, 2), &[], 0))),
                Branch::AppendMatched,
                &[msg(1, 2, 5, ack(2))],
                |s| {
                    steps_down(s);
                    s.leader = knows_leader.then_some(n(2));
                },
            );
        }
    }
    for (body, branch) in [
        (heartbeat(0), Branch::HeartbeatReceived),
        (heartbeat_ack(None), Branch::Unexpected),
    ] {
        let leads = matches!(branch, Branch::HeartbeatReceived);
        let said = msg(1, 2, 5, heartbeat_ack(None));
        expect(
            &etcd(),
            &candidate(1, 2, &[1], &[1]),
            receive(msg(2, 1, 5, body)),
            branch,
            if leads {
                std::slice::from_ref(&said)
            } else {
                &[]
            },
            |s| {
                s.term = Term(5);
                s.vote = None;
                s.role = Role::Follower;
                s.leader = leads.then_some(n(2));
            },
        );
    }
}

/// "If a server receives a request with a stale term number, it rejects the
/// request" (§5.1); "Reply false if term < currentTerm" (figure 2).
#[test]
fn a_request_of_a_lower_term_is_refused_with_the_current_term_section_5_1() {
    for server in [
        follower(1, 4, &[1]),
        candidate(1, 4, &[1], &[1]),
        leader(1, 4, &[1, 4], &[2, 0, 0]),
    ] {
        let stale = |body| receive(msg(2, 1, 3, body));
        let refuse = |body, answer| {
            let said = [msg(1, 2, 4, answer)];
            expect(
                &paper(),
                &server,
                stale(body),
                Branch::StaleRefused,
                &said,
                nothing,
            );
        };
        refuse(request(at(9, 3)), vote(false));
        refuse(append(at(1, 1), &[3], 1), reject(1, None));
        // etcd without pre-vote and check-quorum does not answer (raft.go,
        // Step, lower term).
        for body in [
            request(at(9, 3)),
            append(at(1, 1), &[3], 1),
            heartbeat(1),
            heartbeat_ack(Some(read(1))),
        ] {
            expect(
                &etcd(),
                &server,
                stale(body),
                Branch::StaleIgnored,
                &[],
                nothing,
            );
        }
        // An answer of a lower term is of no use to anybody.
        for settings in both() {
            for body in [vote(true), vote(false), ack(1), reject(1, None)] {
                expect(
                    &settings,
                    &server,
                    stale(body),
                    Branch::StaleIgnored,
                    &[],
                    nothing,
                );
            }
        }
        reason(
            &paper(),
            &server,
            stale(request(at(9, 3))),
            "n1 is in term 4, the message is of term 3",
        );
    }
}

/// "On conversion to candidate, start election: increment currentTerm, vote for
/// self, send RequestVote RPCs to all other servers" (figure 2, candidates).
#[test]
fn a_timeout_raises_the_term_votes_for_itself_and_asks_everybody_section_5_2() {
    for settings in both() {
        for server in [
            follower(2, 4, &[1, 4]).with(|s| s.vote = Some(n(1))),
            follower(2, 4, &[1, 4]).with(|s| s.leader = Some(n(3))),
            // "if election timeout elapses: start new election"
            candidate(2, 4, &[1, 4], &[2]),
        ] {
            expect(
                &settings,
                &server,
                Input::Campaign,
                Branch::Campaigned,
                &[
                    msg(2, 1, 5, request(at(2, 4))),
                    msg(2, 3, 5, request(at(2, 4))),
                ],
                |s| {
                    s.term = Term(5);
                    s.vote = Some(n(2));
                    s.leader = None;
                    s.role = Role::Candidate {
                        granted: NodeSet::EMPTY,
                        refused: NodeSet::EMPTY,
                        surplus: 0,
                    };
                },
            );
        }
        let leading = leader(2, 4, &[4], &[0, 1, 0]);
        refused(&settings, &leading, Input::Campaign, "n2 leads term 4");
    }
}

/// Dissertation §4.1 and etcd issues 7280 and 5004: who does not know the
/// configuration in force must not count a majority of it.
#[test]
fn who_does_not_know_the_configuration_does_not_campaign() {
    let outsider = follower(1, 2, &[]).with(|s| s.config = Config::of(set(&[2, 3])));
    for settings in both() {
        let why = "n1 is no voter of its configuration {n2 n3}";
        refused(&settings, &outsider, Input::Campaign, why);
    }
    let mut restarted = follower(1, 1, &[]);
    restarted.config = Config::UNKNOWN;
    for voters in [&[1][..], &[1, 2], &[1, 2, 3]] {
        restarted.log.push(Entry {
            term: Term(1),
            payload: Payload::Config {
                change: Change::joins(set(voters)),
            },
        });
    }
    restarted.commit = Index(3);
    let restarted = synced(restarted);
    let why = "n1 knows no configuration yet";
    refused(&etcd(), &restarted, Input::Campaign, why);
    // It applies one entry after the other; only then may it campaign.
    let one = expect(
        &etcd(),
        &restarted,
        Input::Apply,
        Branch::ConfigurationApplied,
        &[],
        |s| {
            s.applied = Index(1);
            s.config = Config::of(set(&[1]));
        },
    );
    let why = "n1 has not applied the committed configuration at index 2";
    refused(&etcd(), &one, Input::Campaign, why);
    // What is not committed may still go: it does not count.
    let uncommitted = one.with(|s| s.commit = Index(1));
    let campaigns = |s: &mut Srv| {
        s.term = Term(2);
        s.vote = Some(n(1));
        s.role = Role::Candidate {
            granted: NodeSet::EMPTY,
            refused: NodeSet::EMPTY,
            surplus: 0,
        };
    };
    let branch = Branch::Campaigned;
    expect(
        &etcd(),
        &uncommitted,
        Input::Campaign,
        branch,
        &[],
        campaigns,
    );
}

/// A first boot in etcd has all bootstrap voters in force and applies the
/// bootstrap entries once more; that must not shrink the configuration.
#[test]
fn applying_bootstrap_entries_again_changes_nothing() {
    let all = set(&[1, 2, 3]);
    let mut fresh = follower(1, 1, &[]);
    for voters in [&[1][..], &[1, 2], &[1, 2, 3]] {
        fresh.log.push(Entry {
            term: Term(1),
            payload: Payload::Config {
                change: Change::joins(set(voters)),
            },
        });
    }
    let mut server = fresh.with(|s| s.commit = Index(3));
    for index in 1..=3 {
        let branch = Branch::ConfigurationApplied;
        server = expect(&etcd(), &server, Input::Apply, branch, &[], |s| {
            s.applied = Index(index);
        });
        assert_eq!(server.config, Config::of(all));
    }
}

/// "Each server will vote for at most one candidate in a given term, on a
/// first-come-first-served basis" (§5.2); "If votedFor is null or candidateId"
/// (figure 2).
#[test]
fn one_vote_a_term_first_come_first_served_section_5_2() {
    for settings in both() {
        let fresh = follower(1, 3, &[1, 2]);
        let ask = |from| receive(msg(from, 1, 3, request(at(2, 2))));
        let voted = expect(
            &settings,
            &fresh,
            ask(2),
            Branch::VoteGranted,
            &[msg(1, 2, 3, vote(true))],
            |s| s.vote = Some(n(2)),
        );
        let said = [msg(1, 3, 3, vote(false))];
        expect(
            &settings,
            &voted,
            ask(3),
            Branch::VoteRefused,
            &said,
            nothing,
        );
        // Asked again by the same candidate, it says so again.
        let said = [msg(1, 2, 3, vote(true))];
        expect(
            &settings,
            &voted,
            ask(2),
            Branch::VoteGranted,
            &said,
            nothing,
        );
        let why = "n1 voted for n2 in term 3, so it must not vote for n3 in term 3";
        reason(&settings, &voted, ask(3), why);
        // A candidate and a leader have voted for themselves.
        for server in [candidate(1, 3, &[], &[1]), leader(1, 3, &[3], &[1, 0, 0])] {
            let input = receive(msg(2, 1, 3, request(at(9, 3))));
            let said = [msg(1, 2, 3, vote(false))];
            expect(
                &settings,
                &server,
                input,
                Branch::VoteRefused,
                &said,
                nothing,
            );
        }
    }
}

/// The paper lets a server that follows the leader of a term still give its
/// unused vote in it; etcd does not (raft.go, Step, MsgVote: `r.lead == None`).
#[test]
fn a_known_leader_costs_the_vote_in_etcd_only() {
    let ask = receive(msg(2, 1, 3, request(at(0, 0))));
    let following = follower(1, 3, &[]).with(|s| s.leader = Some(n(3)));
    let said = [msg(1, 2, 3, vote(false))];
    let refused = Branch::VoteRefused;
    expect(&etcd(), &following, ask.clone(), refused, &said, nothing);
    let why = "n1 already follows n3, the leader of term 3";
    reason(&etcd(), &following, ask.clone(), why);
    let said = [msg(1, 2, 3, vote(true))];
    let granted = Branch::VoteGranted;
    expect(
        &paper(),
        &follower(1, 3, &[]),
        ask.clone(),
        granted,
        &said,
        |s| {
            s.vote = Some(n(2));
        },
    );
    // The vote given to a candidate stays given, whoever leads.
    let voted = following.with(|s| s.vote = Some(n(2)));
    expect(&etcd(), &voted, ask, granted, &said, nothing);
}

/// "the voter denies its vote if its own log is more up-to-date than that of
/// the candidate ... If the logs have last entries with different terms, then
/// the log with the later term is more up-to-date. If the logs end with the
/// same term, then whichever log is longer is more up-to-date" (§5.4.1).
#[test]
fn the_vote_goes_only_to_a_log_at_least_as_up_to_date_section_5_4_1() {
    let own = follower(1, 5, &[1, 2, 2]);
    for settings in both() {
        for (last, granted) in [
            (at(3, 2), true),  // the same end
            (at(4, 2), true),  // the same term, longer
            (at(2, 2), false), // the same term, shorter
            (at(1, 3), true),  // a later term, shorter
            (at(9, 1), false), // an earlier term, longer
            (at(0, 0), false), // no log
        ] {
            let branch = if granted {
                Branch::VoteGranted
            } else {
                Branch::VoteRefused
            };
            let input = receive(msg(2, 1, 5, request(last)));
            let said = [msg(1, 2, 5, vote(granted))];
            expect(&settings, &own, input, branch, &said, |s| {
                s.vote = granted.then_some(n(2));
            });
        }
        let input = receive(msg(2, 1, 5, request(at(9, 1))));
        let why = "n1's log ends at 3@2, the candidate's only at 9@1";
        reason(&settings, &own, input, why);
    }
}

fn won(matched: &[u64]) -> impl Fn(&mut Srv) {
    let matched = progress(matched);
    move |s: &mut Srv| {
        s.leader = Some(s.id);
        s.log.push(noop(s.term.0));
        s.role = Role::Leader {
            matched: matched.clone(),
            reads: Default::default(),
            active: NodeSet::EMPTY,
            transfer: None,
            lease: Default::default(),
        };
    }
}

fn counted(granted: &'static [u8]) -> impl Fn(&mut Srv) {
    move |s: &mut Srv| {
        if let Role::Candidate { granted: votes, .. } = &mut s.role {
            *votes = set(granted);
        }
    }
}

/// "A candidate wins an election if it receives votes from a majority of the
/// servers in the full cluster for the same term" (§5.2); a new leader appends
/// a no-op (§8) and knows nothing of the others' logs (figure 2, matchIndex).
#[test]
fn a_majority_of_distinct_voters_makes_a_leader_with_a_noop_sections_5_2_and_8() {
    for settings in both() {
        let asks = candidate(1, 2, &[1, 1], &[1]);
        let grant = |from| receive(msg(from, 1, 2, vote(true)));
        expect(
            &settings,
            &asks,
            grant(3),
            Branch::BecameLeader,
            &[],
            won(&[2, 0, 0]),
        );
        // Others may decide it before the own vote is durable and counted.
        let asks = candidate(1, 2, &[1, 1], &[2]);
        expect(
            &settings,
            &asks,
            grant(3),
            Branch::BecameLeader,
            &[],
            won(&[2, 0, 0]),
        );
        // A vote that comes twice is one vote; five servers need three.
        let asks = candidate(1, 2, &[], &[1]).with(|s| s.config = Config::of(NodeSet::first(5)));
        let counts = Branch::VoteCounted;
        let two = expect(&settings, &asks, grant(2), counts, &[], counted(&[1, 2]));
        expect(&settings, &two, grant(2), counts, &[], nothing);
        // So is a vote of somebody outside of the configuration no vote.
        let three = expect(&settings, &two, grant(6), counts, &[], counted(&[1, 2, 6]));
        expect(
            &settings,
            &three,
            grant(5),
            Branch::BecameLeader,
            &[],
            won(&[0, 0, 0, 0, 0]),
        );
        // Four need three as well.
        let asks = candidate(1, 2, &[], &[1]).with(|s| s.config = Config::of(NodeSet::first(4)));
        expect(&settings, &asks, grant(2), counts, &[], counted(&[1, 2]));
        // Who asks no more does not count.
        for server in [follower(1, 2, &[]), leader(1, 2, &[2], &[1, 0, 0])] {
            for granted in [true, false] {
                let input = receive(msg(2, 1, 2, vote(granted)));
                expect(&settings, &server, input, Branch::Unexpected, &[], nothing);
            }
        }
    }
}

/// "If AppendEntries RPC received from new leader: convert to follower" (figure
/// 2, candidates; §5.2).
#[test]
fn a_candidate_that_hears_from_a_leader_of_its_term_follows_section_5_2() {
    for settings in both() {
        let follows = |s: &mut Srv| {
            s.role = Role::Follower;
            s.leader = (!settings.vote_with_known_leader).then_some(n(2));
        };
        let asks = candidate(1, 2, &[], &[1]);
        let input = receive(msg(2, 1, 2, append(at(0, 0), &[], 0)));
        let said = [msg(1, 2, 2, ack(0))];
        expect(
            &settings,
            &asks,
            input,
            Branch::AppendMatched,
            &said,
            follows,
        );
        // Also where the append does not match.
        let input = receive(msg(2, 1, 2, append(at(3, 2), &[2], 0)));
        let hint = settings.reject_hint.then_some(at(0, 0));
        let said = [msg(1, 2, 2, reject(3, hint))];
        expect(
            &settings,
            &asks,
            input,
            Branch::AppendRejected,
            &said,
            follows,
        );
        // A second leader of a term cannot be; its append does nothing.
        let leading = leader(1, 2, &[2], &[1, 0, 0]);
        let input = receive(msg(2, 1, 2, append(at(1, 2), &[2], 2)));
        expect(
            &settings,
            &leading,
            input.clone(),
            Branch::Unexpected,
            &[],
            nothing,
        );
        let why = "n1 leads term 2, so n2 cannot lead it too";
        reason(&settings, &leading, input, why);
    }
}

/// etcd's candidate becomes a follower once it cannot win any more (raft.go,
/// stepCandidate, VoteLost; quorum/majority.go, VoteResult). The paper's waits.
#[test]
fn a_lost_vote_ends_the_candidacy_in_etcd_only() {
    let refuse = |from| receive(msg(from, 1, 2, vote(false)));
    let noted = Branch::RefusalCounted;
    // How many refusals end it: what is left has no majority.
    for (servers, refusals) in [(2, 1), (3, 2), (4, 2), (5, 3), (6, 3)] {
        let asks =
            candidate(1, 2, &[], &[]).with(|s| s.config = Config::of(NodeSet::first(servers)));
        let mut server = asks.clone();
        for from in 2..2 + refusals {
            let last = from == 1 + refusals;
            let branch = if last { Branch::VoteLost } else { noted };
            server = expect(&etcd(), &server, refuse(from), branch, &[], |s| {
                if last {
                    s.role = Role::Follower;
                } else if let Role::Candidate { refused, .. } = &mut s.role {
                    refused.insert(n(from));
                }
            });
            expect(&paper(), &asks, refuse(from), noted, &[], nothing);
        }
    }
    // The first answer counts, in both orders.
    let asks = candidate(1, 2, &[], &[]).with(|s| s.config = Config::of(NodeSet::first(5)));
    let said_no = expect(&etcd(), &asks, refuse(2), noted, &[], |s| {
        if let Role::Candidate { refused, .. } = &mut s.role {
            refused.insert(n(2));
        }
    });
    let grant = receive(msg(2, 1, 2, vote(true)));
    expect(
        &etcd(),
        &said_no,
        grant.clone(),
        Branch::Unexpected,
        &[],
        nothing,
    );
    let said_yes = expect(
        &etcd(),
        &asks,
        grant,
        Branch::VoteCounted,
        &[],
        counted(&[2]),
    );
    expect(&etcd(), &said_yes, refuse(2), noted, &[], nothing);
}
