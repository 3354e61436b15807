//! Durability, crash and restart: "Persistent state on all servers (updated on
//! stable storage before responding to RPCs)" (figure 2), and the storage
//! contract `sync`.

use plimsoll_model::config::Config;
use plimsoll_model::ids::{Index, NodeSet, Term};
use plimsoll_model::message::{Body, Messages};
use plimsoll_model::rules::{Branch, Input, step};
use plimsoll_model::server::Role;
use plimsoll_model::settings::{Settings, Storage};
use plimsoll_model::storage::Survival;

use crate::build::*;

fn count_entries(to: u64) -> Input {
    Input::CountOwnEntries { to: Index(to) }
}

fn restart(survival: Survival) -> Input {
    Input::Restart { survival }
}

fn written(kept: Option<u64>, commit: bool) -> Input {
    let kept = kept.map(Index);
    restart(Survival::Written { kept, commit })
}

/// What waits leaves with the write, and not before: the term, the vote and the
/// log that it reveals are durable then.
#[test]
fn what_is_said_waits_until_it_is_durable_figure_2() {
    for settings in both() {
        let fresh = follower(1, 2, &[1]);
        let granted = msg(1, 2, 3, vote(true));
        let input = receive(msg(2, 1, 3, request(at(1, 1))));
        let said = [granted.clone()];
        let voted = expect(&settings, &fresh, input, Branch::VoteGranted, &said, |s| {
            s.term = Term(3);
            s.vote = Some(n(2));
        });
        // The leader's append comes before the vote is written: both wait.
        let input = receive(msg(2, 1, 3, append(at(1, 1), &[3, 3], 1)));
        let acked = msg(1, 2, 3, ack(3));
        let commits = Index(1);
        let said = [acked.clone()];
        let appended = expect(&settings, &voted, input, Branch::Appended, &said, |s| {
            s.log = log(&[1, 3, 3]);
            s.commit = commits;
            if settings == etcd() {
                s.leader = Some(n(2));
            } else {
                s.applied = commits;
            }
        });
        let (mut after, mut out) = (appended.clone(), Messages::new());
        let outcome = step(&mut after, &Input::WriteCompleted, &settings, &mut out);
        assert_eq!(outcome.expect("something waits").branch, Branch::WriteDone);
        assert_eq!(out.as_slice(), [granted, acked]);
        let mut expected = appended;
        expected.outbox.clear();
        expected.durable.term = Term(3);
        expected.durable.vote = Some(n(2));
        expected.durable.shared = Index(3);
        if settings.durable_commit {
            expected.durable.commit = commits;
        }
        assert_eq!(after, expected);
        let why = "n1 has no write under way";
        refused(&settings, &after, Input::WriteCompleted, why);
    }
}

/// Answers wait also where nothing is to be written: they leave with the next
/// write, which is empty.
#[test]
fn an_answer_waits_also_when_everything_is_durable() {
    for settings in both() {
        let mut server = follower(1, 2, &[1]);
        server.outbox.push(msg(1, 2, 2, vote(false)));
        let (mut after, mut out) = (server.clone(), Messages::new());
        step(&mut after, &Input::WriteCompleted, &settings, &mut out).expect("it leaves");
        assert_eq!(out.as_slice(), [msg(1, 2, 2, vote(false))]);
        server.outbox.clear();
        assert_eq!(after, server);
    }
}

/// "the leader can write to disk in parallel with replicating to the followers"
/// (dissertation §10.2.1): a setting. Nothing but AppendEntries may go ahead.
#[test]
fn an_append_leaves_before_the_leaders_write_only_where_the_settings_say_so() {
    for base in both() {
        for storage in [Storage::ParallelAppend, Storage::Sync] {
            let settings = Settings { storage, ..base };
            let mut leading = leader(1, 3, &[1, 3], &[1, 0, 0]);
            leading.durable.shared = Index(1);
            let said = [msg(1, 2, 3, append(at(1, 1), &[3], 0))];
            // `expect` holds what leaves apart from what waits.
            let after = expect(
                &settings,
                &leading,
                send(2, 1, 1),
                Branch::SentAppend,
                &said,
                |_| {},
            );
            let ahead = storage == Storage::ParallelAppend;
            assert_eq!(after.outbox.is_empty(), ahead);
        }
    }
}

/// "the leader may even commit an entry before it has been written to its own
/// disk, if a majority of followers have" (dissertation §10.2.1): a leader
/// counts itself only up to what is durable.
#[test]
fn a_leader_counts_its_own_entries_once_they_are_durable() {
    for settings in both() {
        let mut leading = leader(1, 3, &[1, 3, 3], &[1, 0, 0]);
        leading.durable.shared = Index(2);
        let counted = Branch::OwnEntriesCounted;
        let after = expect(&settings, &leading, count_entries(2), counted, &[], |s| {
            *matched(s, 1) = Index(2);
        });
        let why = "n1's log is durable up to index 2, not up to 3";
        refused(&settings, &after, count_entries(3), why);
        let why = "n1's log is durable up to index 2, not up to 2";
        refused(&settings, &after, count_entries(2), why);
        let why = "n1 does not lead term 3";
        refused(&settings, &follower(1, 3, &[3]), count_entries(1), why);
        // A new leader counts at once what was durable before it led.
        let mut asks = candidate(1, 3, &[1, 2], &[1]);
        asks.durable.shared = Index(1);
        let (mut won, mut out) = (asks, Messages::new());
        let input = receive(msg(2, 1, 3, vote(true)));
        step(&mut won, &input, &settings, &mut out).expect("it wins");
        assert_eq!(*matched(&mut won, 1), Index(1));
    }
}

/// A candidate counts its own vote once it is durable.
#[test]
fn a_candidate_counts_its_own_vote_once_it_is_durable() {
    for settings in both() {
        let durable = candidate(1, 3, &[], &[]);
        let counted = Branch::OwnVoteCounted;
        let after = expect(
            &settings,
            &durable,
            Input::CountOwnVote,
            counted,
            &[],
            |s| {
                s.role = Role::Candidate {
                    granted: set(&[1]),
                    refused: NodeSet::EMPTY,
                    surplus: 0,
                };
            },
        );
        let mut waits = durable.clone();
        waits.durable.term = Term(2);
        waits.durable.vote = None;
        for (server, term) in [(&waits, 2), (&after, 3)] {
            let why = format!(
                "n1's vote for itself in term 3 is not durable (durable term {term}) or is \
                 counted already"
            );
            refused(&settings, server, Input::CountOwnVote, &why);
        }
        let why = "n1 in term 3 is not waiting for this answer";
        refused(&settings, &follower(1, 3, &[]), Input::CountOwnVote, why);
        // It decides where the others have voted already, and where it is alone.
        for (granted, servers) in [(&[2][..], 3), (&[], 1)] {
            let asks = candidate(1, 3, &[], granted)
                .with(|s| s.config = Config::of(NodeSet::first(servers)));
            let (mut won, mut out) = (asks, Messages::new());
            let outcome = step(&mut won, &Input::CountOwnVote, &settings, &mut out);
            assert_eq!(outcome.expect("it wins").branch, Branch::BecameLeader);
        }
    }
}

/// A server in the middle of a write: it has voted in term 4, dropped the
/// entries behind index 1, appended two and committed one.
fn writing(settings: &Settings) -> Srv {
    let mut server = follower(1, 3, &[1, 2, 2]).with(|s| {
        (s.commit, s.applied) = (Index(1), Index(1));
    });
    server.term = Term(4);
    server.vote = Some(n(2));
    server.leader = Some(n(2));
    server.log = log(&[1, 4, 4]);
    server.durable.shared = Index(1);
    server.durable.tail = batch(&[2, 2]);
    server.commit = Index(2);
    if !settings.durable_commit {
        server.durable.commit = Index(0);
    }
    server.outbox.push(msg(1, 2, 4, vote(true)));
    server.outbox.push(msg(1, 2, 4, ack(3)));
    server
}

/// What a restart leaves: the durable part, nothing applied where
/// configurations come from applied entries, nothing said.
fn recovered(s: &mut Srv, settings: &Settings, term: u64, vote: Option<u8>, terms: &[u64]) {
    s.term = Term(term);
    s.vote = vote.map(n);
    s.log = log(terms);
    s.durable.term = s.term;
    s.durable.vote = s.vote;
    s.durable.shared = Index(terms.len() as u64);
    s.durable.tail.clear();
    s.commit = s.durable.commit;
    s.applied = s.commit;
    if *settings == etcd() {
        s.applied = Index(0);
        s.config = Config::UNKNOWN;
    }
    s.leader = None;
    s.role = Role::Follower;
    s.outbox.clear();
}

/// "currentTerm, votedFor, log[]" survive a crash, all else is volatile (figure
/// 2); etcd keeps the commit index too. A batch of which nothing left may be
/// lost as a whole.
#[test]
fn a_crash_leaves_what_was_durable_figure_2() {
    for settings in both() {
        let nothing = restart(Survival::Nothing);
        let after = tried(&settings, &writing(&settings), nothing, |s| {
            recovered(s, &settings, 3, None, &[1, 2, 2]);
        });
        let commit = if settings.durable_commit { 1 } else { 0 };
        assert_eq!(after.commit, Index(commit));
        // A leader that restarts is a follower of its term, without reads.
        let leading = leader(1, 4, &[1, 4], &[2, 2, 0]).with(|s| {
            (s.commit, s.applied) = (Index(2), Index(2));
        });
        let leading = Srv {
            durable: plimsoll_model::server::Durable {
                commit: Index(if settings.durable_commit { 2 } else { 0 }),
                ..leading.durable.clone()
            },
            ..leading
        };
        tried(&settings, &leading, restart(Survival::Nothing), |s| {
            recovered(s, &settings, 4, Some(1), &[1, 4]);
        });
    }
}

/// As `expect`, but the outbox is the test's own business.
#[track_caller]
fn tried(settings: &Settings, before: &Srv, input: Input, change: impl FnOnce(&mut Srv)) -> Srv {
    let (mut after, mut out) = (before.clone(), Messages::new());
    step(&mut after, &input, settings, &mut out).expect("not refused");
    let mut expected = before.clone();
    change(&mut expected);
    assert_eq!(after, expected, "the server after {input:?}");
    assert!(out.is_empty());
    after
}

/// The contract `sync`: of a batch none of whose messages left, the term and
/// vote may survive with any prefix of the new log, with or without the commit
/// index. What was durable is not lost.
#[test]
fn a_crash_may_leave_part_of_the_write_under_way() {
    for settings in both() {
        let server = writing(&settings);
        let branch = |input: &Input| {
            let (mut s, mut out) = (server.clone(), Messages::new());
            step(&mut s, input, &settings, &mut out).map(|o| o.branch)
        };
        for (kept, terms) in [
            (None, &[1, 2, 2][..]), // the log was not touched yet
            (Some(1), &[1]),        // truncated
            (Some(2), &[1, 4]),     // and one entry of two
            (Some(3), &[1, 4, 4]),  // all of it
        ] {
            let input = written(kept, false);
            assert_eq!(branch(&input), Ok(Branch::RestartedWritten));
            tried(&settings, &server, input, |s| {
                recovered(s, &settings, 4, Some(2), terms);
            });
        }
        if settings.durable_commit {
            for (kept, terms) in [(2, &[1, 4][..]), (3, &[1, 4, 4])] {
                tried(&settings, &server, written(Some(kept), true), |s| {
                    s.durable.commit = Index(2);
                    recovered(s, &settings, 4, Some(2), terms);
                });
            }
        }
        // A commit index does not survive without the entries below it, and
        // not at all where it is volatile.
        let never = "n1 never wrote what it recovered";
        refused(&settings, &server, written(Some(1), true), never);
        refused(&settings, &server, written(None, true), never);
        if !settings.durable_commit {
            refused(&settings, &server, written(Some(3), true), never);
        }
        refused(&settings, &server, written(Some(4), false), never);
        let less = "n1 recovered less than was durable";
        refused(&settings, &server, written(Some(0), false), less);
        // Without a write under way nothing survives of it.
        let idle = follower(1, 3, &[1]);
        refused(&settings, &idle, written(None, false), never);
        // Term and vote are written together: that is a planted flaw.
        refused(&settings, &server, restart(Survival::VoteCleared), never);
    }
}

/// The durable log is the shared prefix and the dropped tail, also after
/// several truncations without a write.
#[test]
fn the_durable_log_is_known_through_every_truncation() {
    let settings = etcd();
    let mut server = follower(1, 5, &[1, 2, 2, 2]);
    let mut out = Messages::new();
    let mut take = |server: &mut Srv, prev, terms: &[u64]| {
        let input = receive(msg(2, 1, 5, append(prev, terms, 0)));
        step(server, &input, &settings, &mut out).expect("an append is handled");
    };
    take(&mut server, at(2, 2), &[3]);
    assert_eq!(server.durable.shared, Index(2));
    assert_eq!(server.durable.tail, batch(&[2, 2]));
    take(&mut server, at(1, 1), &[4, 4, 4]);
    assert_eq!(server.durable.shared, Index(1));
    assert_eq!(server.durable.tail, batch(&[2, 2, 2]));
    let terms = (1..=5).map(|i| server.durable_term_at(Index(i)).map(|t| t.0));
    let durable: Vec<_> = terms.collect();
    assert_eq!(durable, [Some(1), Some(2), Some(2), Some(2), None]);
    assert_eq!(server.durable_last(), at(4, 2));
    assert!(!server.is_synced(false));
    let nothing = restart(Survival::Nothing);
    step(&mut server, &nothing, &settings, &mut out).expect("it restarts");
    assert_eq!(server.log, log(&[1, 2, 2, 2]));
    assert!(server.is_synced(true) && server.check());
}

/// A read, a vote or an acknowledgement that waited for a lost write is never
/// sent: the next incarnation may decide otherwise.
#[test]
fn a_vote_that_did_not_leave_may_be_given_again_after_a_crash() {
    for settings in both() {
        let mut server = follower(1, 2, &[]);
        let mut out = Messages::new();
        let mut take = |input| step(&mut server, &input, &settings, &mut out).map(|o| o.branch);
        let ask = |from| receive(msg(from, 1, 3, request(at(0, 0))));
        assert_eq!(take(ask(2)), Ok(Branch::VoteGranted));
        let nothing = restart(Survival::Nothing);
        assert_eq!(take(nothing.clone()), Ok(Branch::RestartedDurable));
        assert_eq!(take(ask(3)), Ok(Branch::VoteGranted));
        assert_eq!(take(Input::WriteCompleted), Ok(Branch::WriteDone));
        // Once it has left, no crash takes it back.
        assert_eq!(take(nothing), Ok(Branch::RestartedDurable));
        assert_eq!(take(ask(2)), Ok(Branch::VoteRefused));
        assert_eq!(out.as_slice(), [msg(1, 3, 3, vote(true))]);
        assert_eq!(server.outbox.len(), 1);
        assert_eq!(server.outbox[0].body, Body::Vote { granted: false });
    }
}
