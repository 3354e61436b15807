//! The storage contract `async`: writes are queued, complete in order, and a
//! crash cuts the queue off.

use plimsoll_model::ids::{Index, Term};
use plimsoll_model::log::Log;
use plimsoll_model::message::{Message, Messages};
use plimsoll_model::refusal::Refusal;
use plimsoll_model::rules::{Branch, Input, step};
use plimsoll_model::settings::{Promise, Settings, Storage};
use plimsoll_model::storage::{Part, Survival};

use crate::build::*;

fn queued(settings: Settings) -> Settings {
    let storage = Storage::Async;
    Settings {
        storage,
        ..settings
    }
}

/// Takes a step; gives the branch and what leaves.
#[track_caller]
fn take(server: &mut Srv, input: Input, settings: &Settings) -> (Branch, Vec<Message>) {
    let mut out = Messages::new();
    let outcome = step(server, &input, settings, &mut out).expect("not refused");
    assert!(server.check(), "{server:#?}");
    (outcome.branch, out.to_vec())
}

fn complete(server: &mut Srv, settings: &Settings) -> (Branch, Vec<Message>) {
    take(server, Input::WriteCompleted, settings)
}

fn disk(server: &Srv) -> Vec<u64> {
    server.durable_log().map(|entry| entry.term.0).collect()
}

/// A follower of term 2 that has taken an entry of n2, voted for n3 in term 3,
/// and replaced the entry by one of n3: three writes, none durable.
fn behind(settings: &Settings) -> Srv {
    let mut server = follower(1, 1, &[1]);
    let appended = receive(msg(2, 1, 2, append(at(1, 1), &[2], 0)));
    assert_eq!(
        take(&mut server, appended, settings),
        (Branch::Appended, vec![])
    );
    let asked = receive(msg(3, 1, 3, request(at(2, 2))));
    assert_eq!(
        take(&mut server, asked, settings),
        (Branch::VoteGranted, vec![])
    );
    let replaced = receive(msg(3, 1, 3, append(at(1, 1), &[3, 3], 0)));
    assert_eq!(
        take(&mut server, replaced, settings),
        (Branch::AppendReplaced, vec![])
    );
    assert_eq!(server.queue.len(), 3);
    server
}

/// "updated on stable storage before responding to RPCs" (figure 2): each
/// answer leaves with its own write, in order, and no earlier.
#[test]
fn each_answer_leaves_with_its_own_write_figure_2() {
    for settings in both().map(queued) {
        let mut server = behind(&settings);
        // The entry of term 2 is durable now, but no longer in the log.
        let acked = msg(1, 2, 2, ack(2));
        assert_eq!(
            complete(&mut server, &settings),
            (Branch::StaleWriteDone, vec![acked])
        );
        assert_eq!((disk(&server), server.durable.term), (vec![1, 2], Term(2)));
        assert_eq!(server.durable.shared, Index(1));
        let granted = msg(1, 3, 3, vote(true));
        assert_eq!(
            complete(&mut server, &settings),
            (Branch::WriteDone, vec![granted])
        );
        assert_eq!(
            (server.durable.term, server.durable.vote),
            (Term(3), Some(n(3)))
        );
        let acked = msg(1, 3, 3, ack(3));
        assert_eq!(
            complete(&mut server, &settings),
            (Branch::WriteDone, vec![acked])
        );
        assert_eq!(disk(&server), [1, 3, 3]);
        let why = "n1 has no write under way";
        refused(&settings, &server, Input::WriteCompleted, why);
    }
}

/// What a step says that changes nothing waits for the newest write, and leaves
/// at once where none is queued.
#[test]
fn what_needs_no_write_waits_for_none_of_its_own() {
    for settings in both().map(queued) {
        let mut server = follower(1, 3, &[1, 3]);
        let again = || receive(msg(2, 1, 3, append(at(1, 1), &[3], 0)));
        let acked = msg(1, 2, 3, ack(2));
        let now = (Branch::AppendMatched, vec![acked.clone()]);
        assert_eq!(take(&mut server, again(), &settings), now);
        let more = receive(msg(2, 1, 3, append(at(2, 3), &[3], 0)));
        take(&mut server, more, &settings);
        let later = (Branch::AppendMatched, vec![]);
        assert_eq!(take(&mut server, again(), &settings), later);
        assert_eq!(server.queue.len(), 1);
        let (_, left) = complete(&mut server, &settings);
        assert_eq!(left, [msg(1, 2, 3, ack(3)), acked]);
    }
}

/// A candidate shows its own vote and its log with its request; a leader shows
/// nothing with what it replicates (dissertation §10.2.1).
#[test]
fn a_request_for_votes_waits_and_an_append_does_not() {
    for settings in both().map(queued) {
        let mut server = follower(1, 3, &[1]);
        assert_eq!(
            take(&mut server, Input::Campaign, &settings),
            (Branch::Campaigned, vec![])
        );
        let (_, asked) = complete(&mut server, &settings);
        assert_eq!(asked.len(), 2);
        let counted = receive(msg(2, 1, 4, vote(true)));
        take(&mut server, counted, &settings);
        let (branch, _) = take(&mut server, Input::CountOwnVote, &settings);
        assert_eq!((branch, server.queue.len()), (Branch::BecameLeader, 1));
        let (_, sent) = take(&mut server, send(2, 1, 1), &settings);
        assert_eq!(sent, [msg(1, 2, 4, append(at(1, 1), &[4], 0))]);
        let why = "n1's log is durable up to index 1, not up to 2";
        let own = Input::CountOwnEntries { to: Index(2) };
        refused(&settings, &server, own, why);
    }
}

fn restarted(server: &Srv, survival: Survival, settings: &Settings) -> Result<Srv, Refusal> {
    let (mut after, mut out) = (server.clone(), Messages::new());
    step(&mut after, &Input::Restart { survival }, settings, &mut out)?;
    assert!(out.is_empty() && after.queue.is_empty());
    Ok(after)
}

fn left(server: &Srv) -> (u64, Option<u8>, Vec<u64>) {
    let terms = server.log.entries().iter().map(|entry| entry.term.0);
    (
        server.term.0,
        server.vote.map(|id| id.0 + 1),
        terms.collect(),
    )
}

/// A crash keeps the oldest writes, and of the next one a part.
#[test]
fn a_crash_cuts_the_queue_off() {
    for settings in both().map(queued) {
        let server = behind(&settings);
        let keeps = |writes, part| {
            let survival = Survival::Queued { writes, part };
            restarted(&server, survival, &settings).map(|after| left(&after))
        };
        let ordered = |kept: Option<u64>| Part::Ordered {
            kept: kept.map(Index),
            commit: false,
        };
        let nothing = restarted(&server, Survival::Nothing, &settings).map(|after| left(&after));
        assert_eq!(nothing, Ok((1, None, vec![1])));
        assert_eq!(keeps(0, ordered(None)), Ok((2, None, vec![1])));
        assert_eq!(keeps(1, Part::Nothing), Ok((2, None, vec![1, 2])));
        assert_eq!(keeps(2, Part::Nothing), Ok((3, Some(3), vec![1, 2])));
        // The third write: nothing of the log, the truncation, an entry, all.
        assert_eq!(keeps(2, ordered(None)), Ok((3, Some(3), vec![1, 2])));
        assert_eq!(keeps(2, ordered(Some(1))), Ok((3, Some(3), vec![1])));
        assert_eq!(keeps(2, ordered(Some(2))), Ok((3, Some(3), vec![1, 3])));
        assert_eq!(keeps(3, Part::Nothing), Ok((3, Some(3), vec![1, 3, 3])));
        let never = Err(Refusal::NeverWritten { node: n(1) });
        assert_eq!(keeps(4, Part::Nothing), never);
        assert_eq!(keeps(0, Part::Nothing), never);
        assert_eq!(keeps(2, ordered(Some(4))), never);
        let less = Err(Refusal::DurableIsKept { node: n(1) });
        assert_eq!(keeps(2, ordered(Some(0))), less);
    }
}

/// What a crash may leave of one write is what the storage promises, and no
/// other promise's.
#[test]
fn a_crash_leaves_what_storage_promises_and_no_more() {
    let part = |writes, part| Survival::Queued { writes, part };
    let (kept, commit) = (Some(Index(2)), false);
    let cases = [
        (
            Promise::TermBeforeVote,
            part(1, Part::Term),
            (3, None, vec![1, 2]),
        ),
        (
            Promise::VoteBeforeTerm,
            part(1, Part::Vote),
            (2, Some(3), vec![1, 2]),
        ),
        (
            Promise::LogBeforeTerm,
            part(0, Part::Log { kept: Index(2) }),
            (1, None, vec![1, 2]),
        ),
        (
            Promise::TwoStores,
            Survival::Stores { states: 2, logs: 0 },
            (3, Some(3), vec![1]),
        ),
        (
            Promise::TwoStores,
            Survival::Stores { states: 0, logs: 1 },
            (1, None, vec![1, 2]),
        ),
        (
            Promise::ReportsTooEarly,
            Survival::NewestLost,
            (1, None, vec![]),
        ),
        (
            Promise::InOrder,
            part(2, Part::Ordered { kept, commit }),
            (3, Some(3), vec![1, 3]),
        ),
    ];
    let queued = queued(paper());
    for (needs, survival, expected) in cases {
        let server = behind(&queued);
        for promise in Promise::ALL {
            let settings = Settings { promise, ..queued };
            let after = restarted(&server, survival, &settings).map(|after| left(&after));
            // All but the strongest keep the parts in order.
            let may = promise == needs || needs == Promise::InOrder && promise != Promise::Whole;
            let weak = Refusal::NotPromised { node: n(1) };
            let expected = if may { Ok(expected.clone()) } else { Err(weak) };
            assert_eq!(after, expected, "{survival:?} where {promise:?}");
        }
    }
    // Entries in front of what was to be dropped: the last of three old ones
    // still stands behind the new one.
    let settings = Settings {
        promise: Promise::EntriesBeforeTruncation,
        ..queued
    };
    let mut server = follower(1, 2, &[1, 2, 2]);
    let replaced = receive(msg(3, 1, 3, append(at(1, 1), &[3], 0)));
    take(&mut server, replaced, &settings);
    let kept = Index(2);
    let after = restarted(&server, part(0, Part::Overwritten { kept }), &settings);
    assert_eq!(
        after.map(|after| left(&after)),
        Ok((3, None, vec![1, 3, 2]))
    );
}
