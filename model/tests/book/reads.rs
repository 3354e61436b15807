//! ReadIndex reads, sentence by sentence: section 8 of the Raft paper and
//! section 6.4 of the dissertation.

use plimsoll_model::config::Config;
use plimsoll_model::ids::Index;
use plimsoll_model::message::Body;
use plimsoll_model::rules::{Branch, Input};
use plimsoll_model::server::Read;
use plimsoll_model::settings::Settings;

use crate::build::*;

fn nothing(_: &mut Srv) {}

fn begin(number: u32) -> Input {
    Input::BeginRead { read: read(number) }
}

fn release(number: u32) -> Input {
    Input::ReleaseRead { read: read(number) }
}

fn open(number: u32, index: u64, acks: &[u8]) -> Read {
    Read {
        id: read(number),
        index: Index(index),
        acks: set(acks),
        asker: None,
    }
}

/// A leader of term 3 that has committed its no-op at index 2.
fn leading(open_reads: &[Read]) -> Srv {
    leader(1, 3, &[1, 3], &[2, 2, 0]).with(|s| {
        (s.commit, s.applied) = (Index(2), Index(2));
        reads(s).extend(open_reads.iter().cloned());
    })
}

/// A confirmation from a peer, in the message the settings use for it.
fn confirm(settings: &Settings, from: u8, context: Option<u32>) -> (Input, Branch) {
    let context = context.map(read);
    if *settings == etcd() {
        let input = receive(msg(from, 1, 3, heartbeat_ack(context)));
        return (input, Branch::HeartbeatAcked);
    }
    let body = Body::AppendAck {
        reject: true,
        index: Index(2),
        hint: None,
        context,
        round: None,
        joined: Index::ZERO,
    };
    (receive(msg(from, 1, 3, body)), Branch::RejectionNoted)
}

/// "a leader must have the latest information on which entries are committed
/// ... it needs to commit an entry from its term" (§8).
#[test]
fn a_read_begins_only_after_an_own_term_commit_section_8() {
    for settings in both() {
        let fresh = leader(1, 3, &[1, 3], &[2, 0, 0]).with(|s| {
            (s.commit, s.applied) = (Index(1), Index(1));
        });
        let why = "n1 leads term 3, but the last entry it knows committed is 1@1";
        refused(&settings, &fresh, begin(1), why);
        let nobody = leader(1, 3, &[3], &[1, 0, 0]);
        let why = "n1 leads term 3, but the last entry it knows committed is 0@0";
        refused(&settings, &nobody, begin(1), why);
        let why = "n1 does not lead term 3";
        refused(&settings, &follower(1, 3, &[3]), begin(1), why);
        refused(&settings, &candidate(1, 3, &[3], &[1]), begin(1), why);
        // The read index is the commit index.
        let begun = Branch::ReadBegun;
        expect(&settings, &leading(&[]), begin(4), begun, &[], |s| {
            reads(s).push(open(4, 2, &[]));
        });
    }
}

/// "exchange heartbeat messages with a majority of the cluster before
/// responding to read-only requests" (§8): after the read began, not before.
#[test]
fn a_read_is_released_once_a_majority_has_confirmed_since_it_began_section_8() {
    for settings in both() {
        let server = leading(&[open(4, 2, &[])]);
        let why = "since read r4 began, {n1} confirmed n1, no majority of {n1 n2 n3}";
        refused(&settings, &server, release(4), why);
        // What was sent before the read began does not confirm it.
        for context in [None, Some(3)] {
            let (input, branch) = confirm(&settings, 2, context);
            expect(&settings, &server, input, branch, &[], nothing);
        }
        let (input, branch) = confirm(&settings, 2, Some(4));
        let confirmed = expect(&settings, &server, input.clone(), branch, &[], |s| {
            reads(s)[0].acks = set(&[2]);
        });
        // Twice the same is one confirmation; an outsider's is none.
        expect(&settings, &confirmed, input, branch, &[], nothing);
        expect(
            &settings,
            &confirmed,
            release(4),
            Branch::ReadReleased,
            &[],
            |s| {
                reads(s).clear();
            },
        );
        let (input, branch) = confirm(&settings, 5, Some(4));
        assert_ne!(branch, Branch::NotHeard);
        expect(&settings, &server, input, Branch::NotHeard, &[], nothing);
        let by_outsider = leading(&[open(4, 2, &[5])]);
        let why = "since read r4 began, {n1 n5} confirmed n1, no majority of {n1 n2 n3}";
        refused(&settings, &by_outsider, release(4), why);
        refused(&settings, &server, release(5), "n1 has no open read r5");
        let why = "n1 does not lead term 3";
        refused(&settings, &follower(1, 3, &[]), release(4), why);
    }
}

/// A confirmation of a later read confirms every earlier one (dissertation
/// §6.4: requests may be accumulated).
#[test]
fn a_confirmation_counts_for_every_read_begun_before_it_was_asked() {
    for settings in both() {
        let server = leading(&[open(4, 1, &[]), open(6, 2, &[3]), open(7, 2, &[])]);
        let (input, branch) = confirm(&settings, 2, Some(6));
        let after = expect(&settings, &server, input, branch, &[], |s| {
            reads(s)[0].acks = set(&[2]);
            reads(s)[1].acks = set(&[2, 3]);
        });
        // Each may be released, in any order.
        expect(
            &settings,
            &after,
            release(6),
            Branch::ReadReleased,
            &[],
            |s| {
                reads(s).remove(1);
            },
        );
    }
}

/// What goes out asks to confirm the latest read: an append in the paper, a
/// heartbeat in etcd.
#[test]
fn what_a_leader_sends_carries_the_latest_open_read() {
    let server = leading(&[open(4, 2, &[]), open(6, 2, &[])]);
    let context = Some(read(6));
    let appended = |context| Body::Append {
        prev: at(2, 3),
        entries: batch(&[]),
        commit: Index(2),
        context,
        round: None,
        joined: Index::ZERO,
    };
    let said = [msg(1, 3, 3, appended(context))];
    expect(
        &paper(),
        &server,
        send(3, 2, 0),
        Branch::SentAppend,
        &said,
        nothing,
    );
    let said = [msg(1, 3, 3, appended(None))];
    expect(
        &etcd(),
        &server,
        send(3, 2, 0),
        Branch::SentAppend,
        &said,
        nothing,
    );
    let commit = Index(0);
    let beat = Body::Heartbeat {
        commit,
        context,
        round: None,
    };
    let said = [msg(1, 3, 3, beat)];
    let beat = Input::SendHeartbeat { to: n(3) };
    expect(
        &etcd(),
        &server,
        beat,
        Branch::SentHeartbeat,
        &said,
        nothing,
    );
}

/// A cluster of one confirms itself; it too needs a commit of its own term
/// (catalogue E11).
#[test]
fn a_single_server_reads_after_its_own_commit() {
    for settings in both() {
        let alone = leader(1, 3, &[1, 3], &[2]).with(|s| {
            s.config = Config::of(set(&[1]));
            (s.commit, s.applied) = (Index(1), Index(1));
        });
        let why = "n1 leads term 3, but the last entry it knows committed is 1@1";
        refused(&settings, &alone, begin(1), why);
        let begun = alone.with(|s| {
            (s.commit, s.applied) = (Index(2), Index(2));
            reads(s).push(open(1, 2, &[]));
        });
        expect(
            &settings,
            &begun,
            release(1),
            Branch::ReadReleased,
            &[],
            |s| {
                reads(s).clear();
            },
        );
    }
}
