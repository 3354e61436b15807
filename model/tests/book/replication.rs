//! Replication and commitment, sentence by sentence: figure 2 and sections 5.3
//! and 5.4.2 of the Raft paper, and where etcd differs.

use plimsoll_model::config::Config;
use plimsoll_model::ids::Index;
use plimsoll_model::log::{Entry, Log, Payload};
use plimsoll_model::message::Body;
use plimsoll_model::rules::{Branch, Input};
use plimsoll_model::settings::{Configuration, Settings};

use crate::build::*;

fn nothing(_: &mut Srv) {}

/// The commit index rises; where nothing asks when, it is applied at once.
fn commits(s: &mut Srv, to: u64, settings: &Settings) {
    s.commit = Index(to);
    if settings.configuration == Configuration::Fixed {
        s.applied = Index(to);
    }
}

/// A follower of leader n2 in `term`, as it is after a first append.
fn following(settings: &Settings, term: u64, terms: &[u64], commit: u64) -> Srv {
    follower(1, term, terms).with(|s| {
        commits(s, commit, settings);
        s.leader = (!settings.vote_with_known_leader).then_some(n(2));
    })
}

fn advance(to: u64) -> Input {
    Input::AdvanceCommit { to: Index(to) }
}

/// "If command received from client: append entry to local log" (figure 2,
/// leaders; §5.3).
#[test]
fn a_leader_appends_the_commands_of_clients_section_5_3() {
    for settings in both() {
        let leading = leader(1, 3, &[1, 3], &[2, 0, 0]);
        let write = Input::Write { number: 7 };
        expect(
            &settings,
            &leading,
            write.clone(),
            Branch::Wrote,
            &[],
            |s| {
                s.log.push(Entry {
                    term: plimsoll_model::ids::Term(3),
                    payload: Payload::Write { number: 7 },
                });
            },
        );
        let why = "n1 does not lead term 3";
        refused(&settings, &follower(1, 3, &[1, 3]), write.clone(), why);
        refused(&settings, &candidate(1, 3, &[1, 3], &[1]), write, why);
    }
}

/// "send AppendEntries RPC with log entries starting at nextIndex" (figure 2);
/// "the leader includes the index and term of the entry in its log that
/// immediately precedes the new entries" (§5.3). Any range may be sent.
#[test]
fn a_leader_sends_any_range_of_its_log_behind_its_previous_entry_section_5_3() {
    for settings in both() {
        let leading = leader(1, 3, &[1, 1, 3], &[3, 0, 0]).with(|s| commits(s, 2, &settings));
        for (after, count, prev, terms) in [
            (0, 3, at(0, 0), &[1, 1, 3][..]),
            (0, 0, at(0, 0), &[]),
            (1, 1, at(1, 1), &[1]),
            (2, 1, at(2, 1), &[3]),
            (3, 0, at(3, 3), &[]),
        ] {
            let said = [msg(1, 3, 3, append(prev, terms, 2))];
            let input = send(3, after, count);
            expect(
                &settings,
                &leading,
                input,
                Branch::SentAppend,
                &said,
                nothing,
            );
        }
        let why = "n1's log ends at index 3, before index 4";
        refused(&settings, &leading, send(3, 2, 2), why);
        refused(&settings, &leading, send(3, 4, 0), why);
        let why = "n1's log ends at index 3, before index 18446744073709551615";
        refused(&settings, &leading, send(3, u64::MAX, 1), why);
        let why = "n4 is no peer in n1's configuration";
        refused(&settings, &leading, send(4, 0, 0), why);
        let why = "n1 is no peer in n1's configuration";
        refused(&settings, &leading, send(1, 0, 0), why);
        let why = "n1 does not lead term 3";
        refused(&settings, &follower(1, 3, &[]), send(2, 0, 0), why);
    }
}

/// "Reply false if log doesn't contain an entry at prevLogIndex whose term
/// matches prevLogTerm" (figure 2, AppendEntries 2; §5.3).
#[test]
fn an_append_that_does_not_match_the_previous_entry_is_rejected_section_5_3() {
    for settings in both() {
        let server = following(&settings, 5, &[1, 1, 4, 4], 1);
        for (prev, hint, why) in [
            (at(5, 4), at(4, 4), "n1 has no entry at index 5"),
            // Past the end, and all terms near it are too high.
            (at(6, 3), at(2, 1), "n1 has no entry at index 6"),
            (
                at(4, 3),
                at(2, 1),
                "n1 has term 4 at index 4, the append says 4@3",
            ),
            (
                at(3, 5),
                at(3, 4),
                "n1 has term 4 at index 3, the append says 3@5",
            ),
        ] {
            let input = receive(msg(2, 1, 5, append(prev, &[5], 9)));
            let hint = settings.reject_hint.then_some(hint);
            let said = [msg(1, 2, 5, reject(prev.index.0, hint))];
            let branch = Branch::AppendRejected;
            expect(&settings, &server, input.clone(), branch, &said, nothing);
            reason(&settings, &server, input, why);
        }
    }
}

/// "If an existing entry conflicts with a new one (same index but different
/// terms), delete the existing entry and all that follow it" and "Append any
/// new entries not already in the log" (figure 2, AppendEntries 3 and 4).
#[test]
fn a_conflict_drops_the_rest_and_nothing_else_does_section_5_3() {
    struct Row {
        have: &'static [u64],
        prev: (u64, u64),
        sent: &'static [u64],
        then: &'static [u64],
        branch: Branch,
    }
    let row = |have, prev, sent, then, branch| Row {
        have,
        prev,
        sent,
        then,
        branch,
    };
    let rows = [
        // New entries behind the end.
        row(&[1], (1, 1), &[2, 4], &[1, 2, 4], Branch::Appended),
        row(&[], (0, 0), &[1], &[1], Branch::Appended),
        // Known entries: nothing happens, the rest stays.
        row(&[1, 2, 2], (1, 1), &[2], &[1, 2, 2], Branch::AppendMatched),
        row(&[1, 2, 2], (1, 1), &[], &[1, 2, 2], Branch::AppendMatched),
        row(
            &[1, 2, 2],
            (0, 0),
            &[1, 2],
            &[1, 2, 2],
            Branch::AppendMatched,
        ),
        // Known entries first, then new ones.
        row(&[1, 2], (0, 0), &[1, 2, 2], &[1, 2, 2], Branch::Appended),
        // A conflict at the first, in the middle, at the last entry.
        row(&[1, 2, 2], (1, 1), &[3], &[1, 3], Branch::AppendReplaced),
        row(
            &[1, 2, 2, 2],
            (1, 1),
            &[2, 4],
            &[1, 2, 4],
            Branch::AppendReplaced,
        ),
        row(
            &[1, 2, 2],
            (0, 0),
            &[1, 1, 3, 4],
            &[1, 1, 3, 4],
            Branch::AppendReplaced,
        ),
        // A conflict with an entry of a later term.
        row(&[1, 4, 4], (1, 1), &[2], &[1, 2], Branch::AppendReplaced),
    ];
    for settings in both() {
        for Row {
            have,
            prev,
            sent,
            then,
            branch,
        } in &rows
        {
            let server = following(&settings, 5, have, 0);
            let input = receive(msg(2, 1, 5, append(at(prev.0, prev.1), sent, 0)));
            let end = prev.0 + sent.len() as u64;
            let said = [msg(1, 2, 5, ack(end))];
            expect(&settings, &server, input, *branch, &said, |s| {
                let same = have.iter().zip(*then).take_while(|(a, b)| a == b).count();
                // What the disk holds and the server has dropped.
                s.durable.shared = Index(same.min(have.len()) as u64);
                s.durable.tail = batch(&have[same..]);
                s.log = log(then);
            });
        }
    }
}

/// "If leaderCommit > commitIndex, set commitIndex = min(leaderCommit, index of
/// last new entry)" (figure 2, AppendEntries 5).
#[test]
fn a_follower_commits_what_it_shares_with_its_leader_section_5_3() {
    for settings in both() {
        // (own commit, previous index, entries sent, leader's commit, then)
        for (own, prev, sent, leads, then) in [
            (0, 0, 2, 9, 2), // no further than the last new entry
            (0, 0, 3, 2, 2), // no further than the leader
            (1, 1, 0, 9, 1), // a heartbeat shares what lies before it
            (0, 3, 0, 9, 3),
            (2, 2, 1, 1, 2), // never back
            (2, 2, 0, 9, 2), // the rest of the log is not known to match
        ] {
            let server = following(&settings, 5, &[1, 2, 3, 4], own);
            let term = [0, 1, 2, 3, 4][prev as usize];
            let terms = &[1, 2, 3, 4][prev as usize..][..sent];
            let input = receive(msg(2, 1, 5, append(at(prev, term), terms, leads)));
            let said = [msg(1, 2, 5, ack(prev + sent as u64))];
            let branch = Branch::AppendMatched;
            expect(&settings, &server, input, branch, &said, |s| {
                commits(s, then, &settings);
            });
        }
    }
}

/// etcd answers an append below its commit index with the commit index and does
/// not look at it (raft.go, handleAppendEntries); the paper handles it.
#[test]
fn an_append_below_commit_is_answered_with_commit_in_etcd_only() {
    for settings in both() {
        let server = following(&settings, 5, &[1, 2, 3], 2);
        let input = receive(msg(2, 1, 5, append(at(1, 1), &[2], 3)));
        if settings == etcd() {
            let said = [msg(1, 2, 5, ack(2))];
            expect(
                &settings,
                &server,
                input,
                Branch::AppendBelowCommit,
                &said,
                nothing,
            );
            // Whatever it carries; also what the check would reject.
            let odd = receive(msg(2, 1, 5, append(at(1, 9), &[9, 9], 3)));
            expect(
                &settings,
                &server,
                odd,
                Branch::AppendBelowCommit,
                &said,
                nothing,
            );
            // At the commit index itself it is looked at.
            let input = receive(msg(2, 1, 5, append(at(2, 2), &[], 2)));
            expect(
                &settings,
                &server,
                input,
                Branch::AppendMatched,
                &said,
                nothing,
            );
        } else {
            let said = [msg(1, 2, 5, ack(2))];
            expect(
                &settings,
                &server,
                input,
                Branch::AppendMatched,
                &said,
                nothing,
            );
            let odd = receive(msg(2, 1, 5, append(at(1, 9), &[9, 9], 3)));
            let said = [msg(1, 2, 5, reject(1, None))];
            expect(
                &settings,
                &server,
                odd,
                Branch::AppendRejected,
                &said,
                nothing,
            );
        }
    }
}

/// "send initial empty AppendEntries RPCs (heartbeat) to each server" (figure
/// 2, leaders; §5.2): in the paper a heartbeat is an append without entries and
/// nothing else; in etcd it carries min(match, commit) and is not checked.
#[test]
fn a_heartbeat_is_an_empty_append_or_commits_up_to_the_match_section_5_2() {
    let lead = |settings: &Settings| {
        leader(1, 5, &[1, 2, 5], &[3, 2, 0]).with(|s| commits(s, 3, settings))
    };
    let beat = |to| Input::SendHeartbeat { to: n(to) };
    let why = "n1's settings have no heartbeat but the append without entries";
    refused(&paper(), &lead(&paper()), beat(2), why);
    for body in [heartbeat(0), heartbeat_ack(None)] {
        let input = receive(msg(2, 1, 6, body));
        refused(&paper(), &follower(1, 5, &[]), input, why);
    }
    let (settings, leading) = (etcd(), lead(&etcd()));
    for (to, commit) in [(2, 2), (3, 0)] {
        let said = [msg(1, to, 5, heartbeat(commit))];
        expect(
            &settings,
            &leading,
            beat(to),
            Branch::SentHeartbeat,
            &said,
            nothing,
        );
    }
    let why = "n1 is no peer in n1's configuration";
    refused(&settings, &leading, beat(1), why);
    let why = "n1 does not lead term 5";
    refused(&settings, &follower(1, 5, &[]), beat(2), why);
    // The receiver does not check, does not go back, follows.
    for (own, commit, then) in [(0, 2, 2), (2, 1, 2), (1, 0, 1)] {
        let server = follower(1, 5, &[1, 2, 3]).with(|s| s.commit = Index(own));
        let said = [msg(1, 2, 5, heartbeat_ack(None))];
        let input = receive(msg(2, 1, 5, heartbeat(commit)));
        expect(
            &settings,
            &server,
            input,
            Branch::HeartbeatReceived,
            &said,
            |s| {
                s.commit = Index(then);
                s.leader = Some(n(2));
            },
        );
    }
    let input = receive(msg(2, 1, 5, heartbeat_ack(None)));
    let branch = Branch::HeartbeatAcked;
    expect(&settings, &leading, input.clone(), branch, &[], nothing);
    let follows = follower(1, 5, &[]);
    expect(&settings, &follows, input, Branch::Unexpected, &[], nothing);
}

/// "matchIndex: index of highest log entry known to be replicated on server
/// (initialized to 0, increases monotonically)" (figure 2).
#[test]
fn what_is_known_to_match_only_grows_section_5_3() {
    for settings in both() {
        let leading = leader(1, 5, &[1, 2, 5], &[3, 2, 0]);
        let noted = Branch::ProgressNoted;
        for (from, index, then) in [(2, 3, 3), (2, 1, 2), (3, 0, 0), (3, 2, 2)] {
            let input = receive(msg(from, 1, 5, ack(index)));
            expect(&settings, &leading, input, noted, &[], |s| {
                *matched(s, from) = Index(then);
            });
        }
        // A rejection says nothing about the match.
        for hint in [None, Some(at(1, 1))] {
            let input = receive(msg(2, 1, 5, reject(2, hint)));
            let branch = Branch::RejectionNoted;
            expect(&settings, &leading, input, branch, &[], nothing);
        }
        // Nobody can hold more of this term than its leader.
        let input = receive(msg(2, 1, 5, ack(4)));
        expect(
            &settings,
            &leading,
            input.clone(),
            Branch::Unexpected,
            &[],
            nothing,
        );
        let why = "n1's log ends at index 3, before index 4";
        reason(&settings, &leading, input, why);
        // Whoever is outside of the configuration is not counted.
        let input = receive(msg(6, 1, 5, ack(3)));
        expect(&settings, &leading, input, Branch::NotHeard, &[], nothing);
        let input = receive(msg(2, 1, 5, ack(3)));
        expect(
            &settings,
            &follower(1, 5, &[]),
            input,
            Branch::Unexpected,
            &[],
            nothing,
        );
    }
}

/// "If there exists an N such that N > commitIndex, a majority of
/// matchIndex\[i\] >= N, and log\[N\].term == currentTerm: set commitIndex = N"
/// (figure 2, leaders; §5.3, §5.4).
#[test]
fn a_majority_commits_entries_of_the_own_term_section_5_4_2() {
    for settings in both() {
        let leading = leader(1, 5, &[1, 2, 5, 5], &[4, 3, 0]);
        expect(
            &settings,
            &leading,
            advance(3),
            Branch::Committed,
            &[],
            |s| {
                commits(s, 3, &settings); // 1@1 and 2@2 commit with it
            },
        );
        let why = "index 4 is durable on {n1} as far as n1 knows, no majority of {n1 n2 n3}";
        refused(&settings, &leading, advance(4), why);
        let why = "n1 leads term 5, and entry 2@2 is of an earlier term";
        refused(&settings, &leading, advance(2), why);
        let why = "n1's log ends at index 4, before index 5";
        refused(&settings, &leading, advance(5), why);
        let done = leading.clone().with(|s| commits(s, 3, &settings));
        let why = "n1 has committed up to 3, index 3 is not new";
        refused(&settings, &done, advance(3), why);
        let why = "n1 does not lead term 5";
        refused(&settings, &follower(1, 5, &[5]), advance(1), why);
        // The leader's own entries count only once they are durable: two
        // followers make a majority without it, one does not.
        let behind = leader(1, 5, &[5], &[0, 1, 0]);
        let why = "index 1 is durable on {n2} as far as n1 knows, no majority of {n1 n2 n3}";
        refused(&settings, &behind, advance(1), why);
        let without = leader(1, 5, &[5], &[0, 1, 1]);
        expect(
            &settings,
            &without,
            advance(1),
            Branch::Committed,
            &[],
            |s| {
                commits(s, 1, &settings);
            },
        );
        // Four servers need three.
        let four =
            leader(1, 5, &[5], &[1, 1, 0, 0]).with(|s| s.config = Config::of(set(&[1, 2, 3, 4])));
        let why = "index 1 is durable on {n1 n2} as far as n1 knows, no majority of {n1 n2 n3 n4}";
        refused(&settings, &four, advance(1), why);
    }
}

/// Figure 8: an entry of an earlier term on a majority may still be replaced,
/// so counting replicas never commits it.
#[test]
fn an_earlier_term_never_commits_by_counting_figure_8() {
    for settings in both() {
        let leading = leader(1, 4, &[1, 2, 4], &[3, 2, 2]);
        let why = "n1 leads term 4, and entry 2@2 is of an earlier term";
        refused(&settings, &leading, advance(2), why);
        let leading = leader(1, 4, &[1, 2, 4], &[3, 3, 2]);
        expect(
            &settings,
            &leading,
            advance(3),
            Branch::Committed,
            &[],
            |s| {
                commits(s, 3, &settings);
            },
        );
    }
}

/// "If commitIndex > lastApplied: increment lastApplied, apply
/// log[lastApplied]" (figure 2, all servers; §5.3).
#[test]
fn committed_entries_are_applied_in_order_section_5_3() {
    let mut server = follower(1, 5, &[1, 2, 3]).with(|s| s.commit = Index(2));
    for index in 1..=2 {
        server = expect(&etcd(), &server, Input::Apply, Branch::Applied, &[], |s| {
            s.applied = Index(index);
        });
    }
    let why = "n1 has applied everything up to its commit index 2";
    refused(&etcd(), &server, Input::Apply, why);
    let applied = following(&paper(), 5, &[1, 2, 3], 2);
    refused(&paper(), &applied, Input::Apply, why);
}

/// The context of an append comes back with its answer, whatever the answer.
#[test]
fn an_answer_gives_the_context_back() {
    let with = |context, body: Body| match body {
        Body::Append {
            prev,
            entries,
            commit,
            ..
        } => Body::Append {
            prev,
            entries,
            commit,
            context,
            round: None,
            joined: Index::ZERO,
        },
        Body::AppendAck {
            reject,
            index,
            hint,
            ..
        } => Body::AppendAck {
            reject,
            index,
            hint,
            context,
            round: None,
            joined: Index::ZERO,
        },
        other => other,
    };
    let (settings, context) = (paper(), Some(read(3)));
    let server = following(&settings, 5, &[1], 0);
    for (prev, answer, branch) in [
        (at(1, 1), ack(1), Branch::AppendMatched),
        (at(2, 1), reject(2, None), Branch::AppendRejected),
    ] {
        let input = receive(msg(2, 1, 5, with(context, append(prev, &[], 0))));
        let said = [msg(1, 2, 5, with(context, answer))];
        expect(&settings, &server, input, branch, &said, nothing);
    }
    let input = receive(msg(2, 1, 4, with(context, append(at(1, 1), &[], 0))));
    let said = [msg(1, 2, 5, with(context, reject(1, None)))];
    expect(
        &settings,
        &server,
        input,
        Branch::StaleRefused,
        &said,
        nothing,
    );
    let input = receive(msg(
        2,
        1,
        5,
        Body::Heartbeat {
            commit: Index(0),
            context,
            round: None,
        },
    ));
    let said = [msg(1, 2, 5, heartbeat_ack(context))];
    let server = following(&etcd(), 5, &[1], 0);
    expect(
        &etcd(),
        &server,
        input,
        Branch::HeartbeatReceived,
        &said,
        nothing,
    );
}
