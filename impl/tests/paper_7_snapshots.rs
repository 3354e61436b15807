//! Raft section 7: log compaction.

mod common;

use std::sync::Arc;

use common::*;
use plimsoll_raft::core::{
    Body, Configuration, HardState, Index, Input, Log, Options, Raft, Refused, Snapshot,
    SnapshotWrite, Stored, Term,
};

fn compact(index: u64) -> Input {
    Input::Compact {
        index: Index::new(index),
        data: Arc::from(*b"state"),
    }
}

fn snapshot(index: u64, term: u64, members: u32) -> Snapshot {
    Snapshot {
        last: at(index, term),
        configuration: Configuration::new((1..=members).map(n)),
        data: Arc::from(*b"state"),
    }
}

/// A follower in term 3 whose log has the terms 1 1 2 2, two entries committed
/// and applied.
fn follower() -> Raft {
    let mut raft = Server {
        term: 3,
        log: &[1, 1, 2, 2],
        commit: 2,
        ..Server::default()
    }
    .follower();
    step(&mut raft, Input::Applied(Index::new(2)));
    raft
}

#[test]
fn section_7_a_snapshot_replaces_what_is_applied_and_nothing_else() {
    let raft = &mut follower();
    assert_eq!(text(raft, compact(2)), "write snapshot 2@1");
    assert_eq!(raft.log().base(), at(2, 1));
    assert_eq!(terms(raft), [2, 2]);
    for index in [0, 1, 2, 3, 9] {
        let refused = raft.step(compact(index)).expect_err("out of range");
        assert!(matches!(refused, Refused::CompactOutOfRange { .. }));
    }
}

#[test]
fn section_7_the_last_entry_replaced_is_kept_for_the_consistency_check() {
    let raft = &mut follower();
    step(raft, compact(2));
    let ok = text(raft, receive(2, 1, 3, append(at(2, 1), &[2, 2, 3], 0)));
    assert_eq!(
        ok,
        "write log after 4 [5@3:noop]\nsend n1@3 -> n2 AppendAck 5"
    );
}

#[test]
fn section_7_a_leader_sends_its_snapshot_when_the_next_entry_is_gone() {
    let mut raft = Server {
        log: &[1, 1],
        ..Server::default()
    }
    .leader();
    step(&mut raft, receive(2, 1, 2, accepted(3)));
    step(&mut raft, Input::Applied(Index::new(3)));
    step(&mut raft, compact(3));
    let sent = text(&mut raft, receive(3, 1, 2, rejected(2, at(0, 0))));
    assert_eq!(sent, "send n1@2 -> n3 Snapshot last=3@2 voters={}");
    // It waits for the answer, and goes on behind the snapshot.
    assert_eq!(
        text(&mut raft, receive(3, 1, 2, heartbeat_ack(None))),
        "nothing"
    );
    let write = text(&mut raft, write(1, 1));
    assert!(
        write.contains("-> n2 Append") && !write.contains("-> n3"),
        "{write}"
    );
    let next = text(&mut raft, receive(3, 1, 2, accepted(3)));
    assert_eq!(next, "send n1@2 -> n3 Append prev=3@2 [4@2] commit=3");
}

#[test]
fn a_snapshot_that_is_not_answered_is_taken_for_lost() {
    let mut raft = Server {
        log: &[1, 1],
        ..Server::default()
    }
    .leader();
    step(&mut raft, receive(2, 1, 2, accepted(3)));
    step(&mut raft, Input::Applied(Index::new(3)));
    step(&mut raft, compact(3));
    step(&mut raft, receive(3, 1, 2, rejected(2, at(0, 0))));
    for _ in 0..10 {
        step(&mut raft, Input::Tick);
    }
    let again = text(&mut raft, receive(3, 1, 2, heartbeat_ack(None)));
    assert_eq!(again, "send n1@2 -> n3 Snapshot last=3@2 voters={}");
}

#[test]
fn figure_13_rule_7_a_log_that_lacks_its_last_entry_is_discarded() {
    let raft = &mut follower();
    let output = step(raft, receive(2, 1, 3, Body::Snapshot(snapshot(4, 3, 3))));
    let whole = SnapshotWrite::Installed(snapshot(4, 3, 3));
    assert_eq!(output.snapshot, Some(whole));
    assert_eq!(raft.log().last(), at(4, 3));
    assert_eq!(
        (raft.commit(), raft.applied()),
        (Index::new(4), Index::new(4))
    );
    let answer = output.messages[0].to_string();
    assert_eq!(answer, "n1@3 -> n2 AppendAck 4");
}

#[test]
fn figure_13_rule_6_entries_behind_one_that_is_held_stay() {
    let raft = &mut follower();
    let output = text(raft, receive(2, 1, 3, Body::Snapshot(snapshot(3, 2, 3))));
    assert_eq!(
        output,
        "write term=3 vote=none commit=3\nsend n1@3 -> n2 AppendAck 3"
    );
    assert_eq!(terms(raft), [1, 1, 2, 2]);
}

#[test]
fn a_snapshot_of_what_is_committed_changes_nothing() {
    let raft = &mut follower();
    let output = text(raft, receive(2, 1, 3, Body::Snapshot(snapshot(2, 2, 3))));
    assert_eq!(output, "send n1@3 -> n2 AppendAck 2");
}

#[test]
fn a_snapshot_that_leaves_its_receiver_out_changes_nothing() {
    let raft = &mut Server {
        id: 3,
        term: 3,
        ..Server::default()
    }
    .follower();
    let output = text(raft, receive(2, 3, 3, Body::Snapshot(snapshot(4, 3, 2))));
    assert_eq!(output, "send n3@3 -> n2 AppendAck 0");
}

#[test]
fn a_server_starts_from_its_snapshot_and_what_stands_behind_it() {
    let mut log = Log::new(entries(&[1, 1, 2])).expect("in order");
    log.compact(snapshot(2, 1, 3));
    let stored = Stored {
        hard_state: HardState {
            term: Term::new(2),
            ..HardState::default()
        },
        log,
    };
    let configuration = stored.log.snapshot().configuration.clone();
    let raft = Raft::new(n(1), Options::default(), stored, configuration);
    let raft = raft.expect("a sound server");
    assert_eq!(
        raft.to_string(),
        "n1@2 follower vote=none commit=2 applied=2 last=3@2 voters={n1 n2 n3} snapshot=2@1"
    );
}
