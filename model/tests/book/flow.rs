//! Flow control: nextIndex of figure 2, and etcd's Progress on top of it.

use plimsoll_model::features::FLOW_CONTROL;
use plimsoll_model::ids::Index;
use plimsoll_model::message::{Body, Messages};
use plimsoll_model::progress::Pace;
use plimsoll_model::rules::{Input, flow, step};
use plimsoll_model::settings::{Heartbeat, Settings};

use crate::build::*;

fn controlled(mut settings: Settings) -> Settings {
    (FLOW_CONTROL.switch_on)(&mut settings);
    settings
}

#[track_caller]
fn take(server: &mut Srv, input: Input, settings: &Settings) {
    let mut out = Messages::new();
    step(server, &input, settings, &mut out).expect("not refused");
}

/// The next index of n2, whether the leader waits for it, and how many appends
/// are under way; `None` while it probes.
fn progress(server: &Srv) -> (u64, bool, Option<usize>) {
    let flow = flow::of(server, n(2)).expect("flow control");
    let under_way = match &flow.pace {
        Pace::Probe | Pace::Snapshot { .. } => None,
        Pace::Replicate { under_way } => Some(under_way.len()),
    };
    (flow.next.0, flow.paused, under_way)
}

fn from_2(body: Body) -> Input {
    receive(msg(2, 1, 3, body))
}

/// A leader whose log ends with the no-op of its term, and that has just begun.
fn leading(settings: &Settings, terms: &[u64]) -> Srv {
    let (_, earlier) = terms.split_last().expect("a no-op");
    let mut server = candidate(1, 3, earlier, &[1]);
    take(&mut server, from_2(vote(true)), settings);
    assert_eq!(server.log, log(terms));
    server
}

/// "initialized to leader last log index + 1" (figure 2, nextIndex), before the
/// no-op of its term is there.
#[test]
fn a_leader_begins_behind_what_it_had_figure_2() {
    for settings in both().map(controlled) {
        let server = leading(&settings, &[1, 2, 3]);
        assert_eq!(progress(&server), (3, false, None));
        assert_eq!(flow::of(&server, n(1)), None);
        let why = "n1 sends n2 index 3 next, not what follows 1";
        refused(&settings, &server, send(2, 1, 1), why);
        // Without the feature nothing is kept, and any range may be sent.
        let free = Settings {
            window: 0,
            ..settings
        };
        let mut server = leading(&free, &[1, 2, 3]);
        assert_eq!(flow::of(&server, n(2)), None);
        take(&mut server, send(2, 0, 2), &free);
    }
}

/// A probe waits for its answer; an acknowledgement moves the leader on, and it
/// goes on without waiting, up to the window.
#[test]
fn a_probe_is_answered_and_the_window_fills() {
    for settings in both().map(controlled) {
        let mut server = leading(&settings, &[1, 2, 3]);
        for number in 1..=3 {
            take(&mut server, Input::Write { number }, &settings);
        }
        take(&mut server, send(2, 2, 1), &settings);
        assert_eq!(progress(&server), (3, true, None));
        let why = "n1 waits for an answer of n2 before it sends more";
        refused(&settings, &server, send(2, 2, 1), why);
        take(&mut server, from_2(ack(3)), &settings);
        assert_eq!(progress(&server), (4, false, Some(0)));
        take(&mut server, send(2, 3, 1), &settings);
        assert_eq!(progress(&server), (5, false, Some(1)));
        take(&mut server, send(2, 4, 1), &settings);
        assert_eq!(progress(&server), (6, true, Some(2)));
        refused(&settings, &server, send(2, 5, 1), why);
        // Acknowledged up to the first of the two.
        take(&mut server, from_2(ack(4)), &settings);
        assert_eq!(progress(&server), (6, false, Some(1)));
        // An answer that is late changes nothing.
        take(&mut server, from_2(ack(3)), &settings);
        assert_eq!(progress(&server), (6, false, Some(1)));
    }
}

/// "If AppendEntries fails because of log inconsistency: decrement nextIndex and
/// retry" (figure 2), with a hint by more than one.
#[test]
fn a_rejection_moves_the_probe_back_figure_2() {
    for settings in both().map(controlled) {
        let mut server = leading(&settings, &[1, 1, 2, 3]);
        take(&mut server, send(2, 3, 1), &settings);
        // Of another probe: it is late.
        take(&mut server, from_2(reject(2, None)), &settings);
        assert_eq!(progress(&server), (4, true, None));
        take(&mut server, from_2(reject(3, None)), &settings);
        assert_eq!(progress(&server), (3, false, None));
        take(&mut server, send(2, 2, 1), &settings);
        take(&mut server, from_2(reject(2, Some(at(0, 0)))), &settings);
        assert_eq!(progress(&server), (1, false, None));
        // Once something matches a rejection leads back to it, and not below.
        take(&mut server, send(2, 0, 1), &settings);
        take(&mut server, from_2(ack(1)), &settings);
        take(&mut server, send(2, 1, 1), &settings);
        take(&mut server, send(2, 2, 1), &settings);
        take(&mut server, from_2(reject(2, None)), &settings);
        assert_eq!(progress(&server), (2, false, None));
        take(&mut server, send(2, 1, 1), &settings);
        take(&mut server, from_2(ack(2)), &settings);
        take(&mut server, from_2(reject(1, None)), &settings);
        assert_eq!(progress(&server), (3, false, Some(0)));
    }
}

/// What is lost is never answered: an answer to a heartbeat ends the wait. Where
/// the heartbeat is an append without entries it never waits itself.
#[test]
fn a_heartbeat_ends_the_wait() {
    let etcd = controlled(etcd());
    let mut server = leading(&etcd, &[1, 3]);
    take(&mut server, send(2, 1, 1), &etcd);
    assert_eq!(progress(&server), (2, true, None));
    take(&mut server, from_2(heartbeat_ack(None)), &etcd);
    assert_eq!(progress(&server), (2, false, None));
    take(&mut server, send(2, 1, 1), &etcd);

    let paper = controlled(paper());
    let mut server = leading(&paper, &[1, 3]);
    take(&mut server, send(2, 1, 1), &paper);
    take(&mut server, send(2, 1, 0), &paper);
    assert_eq!(progress(&server), (2, true, None));
    take(&mut server, from_2(ack(1)), &paper);
    assert_eq!(progress(&server), (2, false, Some(0)));
    assert_eq!(*matched(&mut server, 2), Index(1));
}

/// A leader that no longer has what comes next sends its snapshot, and nothing
/// behind it before it has arrived.
#[test]
fn a_snapshot_is_waited_for_section_7() {
    for settings in both().map(controlled) {
        let mut server = leading(&settings, &[1, 2, 3]);
        (server.commit, server.applied) = (Index(2), Index(2));
        take(&mut server, send(2, 2, 1), &settings);
        take(&mut server, from_2(reject(2, Some(at(0, 0)))), &settings);
        let snapshot = Input::SendSnapshot { to: n(2) };
        take(&mut server, Input::Compact { to: Index(2) }, &settings);
        take(&mut server, snapshot.clone(), &settings);
        assert_eq!(progress(&server), (3, false, None));
        let pending = Index(2);
        let pace = |server: &Srv| flow::of(server, n(2)).map(|flow| flow.pace.clone());
        assert_eq!(pace(&server), Some(Pace::Snapshot { pending }));
        let why = "n1 waits for an answer of n2 before it sends more";
        refused(&settings, &server, send(2, 2, 1), why);
        refused(
            &settings,
            &server,
            snapshot.clone(),
            "n1 sends n2 index 3 next, not what follows 0",
        );
        let mut lost = server.clone();
        take(&mut server, from_2(ack(2)), &settings);
        assert_eq!(progress(&server), (3, false, Some(0)));
        if settings.heartbeat == Heartbeat::Separate {
            take(&mut lost, from_2(heartbeat_ack(None)), &settings);
            assert_eq!(
                (progress(&lost), pace(&lost)),
                ((1, false, None), Some(Pace::Probe))
            );
            take(&mut lost, snapshot, &settings);
        }
    }
}
