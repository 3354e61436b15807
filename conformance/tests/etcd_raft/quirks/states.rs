//! Quirks of states and boots.

use plimsoll::adapters::etcd_raft::Given;
use plimsoll_model::settings::Storage;
use serde_json::{Value, json};

use super::trace::{Trace, diverges, is, own};
use crate::{Found, found, found_given};

#[test]
fn quirk_1_receive_shows_the_state_before_and_become_the_state_after() {
    let trace = Trace::of("g02");
    let asked = trace.find(0, |e| is(e, "ReceiveRequestVoteRequest", "MsgVote"));
    let became = trace.next(asked);
    assert_eq!(trace.event(became)["name"], "BecomeFollower");
    assert_eq!(
        (
            &trace.event(asked)["state"]["term"],
            &trace.event(became)["state"]["term"]
        ),
        (&json!(1), &json!(2))
    );
    diverges(trace.with(asked, "/state/term", json!(2)), asked);
    diverges(trace.with(became, "/state/term", json!(1)), became);
}

#[test]
fn quirk_2_a_granted_vote_shows_in_the_next_event() {
    let trace = Trace::of("g02");
    let grants = trace.find(0, |e| {
        is(e, "SendRequestVoteResponse", "MsgVoteResp") && !own(e)
    });
    let next = trace.next(grants);
    assert_eq!(trace.event(grants)["state"]["vote"], "0");
    assert_eq!(trace.event(next)["state"]["vote"], "2");
    diverges(trace.with(grants, "/state/vote", json!("2")), grants);
    diverges(trace.with(next, "/state/vote", json!("0")), next);
}

#[test]
fn quirk_3_nothing_leaves_before_a_ready() {
    let trace = Trace::of("g02");
    let answered = trace.find(0, |e| {
        is(e, "SendAppendEntriesResponse", "MsgAppResp") && !own(e)
    });
    let ready = trace.next(answered);
    assert_eq!(trace.event(ready)["name"], "Ready");
    let message = trace.event(answered)["msg"].clone();
    let arrives = trace.find(ready, |e| {
        e["name"] == "ReceiveAppendEntriesResponse" && e["msg"] == message
    });
    diverges(trace.without(ready), arrives - 1);
    // What a leader sends of its own accord as well.
    let trace = Trace::of("g05");
    let ready = trace.find(1, |e| e["name"] == "Ready" && e["role"] == "StateLeader");
    let ready = trace.find(ready, |e| {
        let at = (0..trace.0.len()).find(|&k| std::ptr::eq(trace.event(k), e));
        let before = at.and_then(|at| at.checked_sub(1)).map(|k| trace.event(k));
        e["name"] == "Ready"
            && before.is_some_and(|b| {
                is(b, "SendAppendEntriesRequest", "MsgHeartbeat") && b["nid"] == e["nid"]
            })
    });
    let message = trace.event(ready - 1)["msg"].clone();
    let arrives = trace.find(ready, |e| {
        e["name"] == "ReceiveAppendEntriesRequest" && e["msg"] == message
    });
    assert!(matches!(trace.without(ready), Found::Diverges(at, _) if at < arrives));
}

/// g20 loses every `Ready` that a crash caught; a vote that was lost with it may
/// be given again.
#[test]
fn quirk_4_the_last_ready_may_be_lost_in_a_crash() {
    let trace = Trace::of("g20");
    let lost = (0..trace.0.len()).filter(|&at| {
        let crash = trace.event(at);
        let before = (0..at)
            .rev()
            .find(|&k| trace.event(k)["nid"] == crash["nid"]);
        crash["name"] == "InitState"
            && before.is_some_and(|k| {
                trace.event(k)["name"] == "Ready"
                    && trace.event(k)["log"].as_u64() > crash["log"].as_u64()
            })
    });
    let lost: Vec<usize> = lost.collect();
    assert!(!lost.is_empty());
    // What was durable before it may not.
    for at in lost {
        let log = trace.event(at)["log"].as_u64().expect("a log");
        diverges(trace.with(at, "/log", json!(log - 1)), at);
    }
}

#[test]
fn quirk_4_an_overtaken_acknowledgement_of_a_write_is_asynchronous_storage() {
    let trace = Trace::of("g02");
    let ready = trace.find(0, |e| e["name"] == "Ready" && e["role"] == "StateLeader");
    let acknowledged = trace.next(ready);
    assert!(
        own(trace.event(acknowledged))
            && trace.event(acknowledged)["name"] == "ReceiveAppendEntriesResponse"
    );
    // A vote that arrived twice, before the acknowledgement.
    let vote = (0..ready).rfind(|&at| {
        let event = trace.event(at);
        is(event, "ReceiveRequestVoteResponse", "MsgVoteResp") && !own(event)
    });
    let mut line = trace.0[acknowledged].clone();
    line["event"]["name"] = json!("ReceiveRequestVoteResponse");
    line["event"]["msg"] = trace.event(vote.expect("a vote"))["msg"].clone();
    let mut overtaken = trace.0.clone();
    overtaken.insert(acknowledged, line);
    assert_eq!(found(&overtaken), Found::Asynchronous(acknowledged),);
}

#[test]
fn quirk_5_a_crash_shows_only_as_the_next_init_state() {
    let trace = Trace::of("g04");
    let crash = trace.find(1, |e| e["name"] == "InitState");
    diverges(trace.without(crash), crash);
}

#[test]
fn quirk_6_a_boot_shows_its_log_then_its_configuration_then_the_rest() {
    let trace = Trace::of("g04");
    let init = trace.find(1, |e| e["name"] == "InitState");
    let (configuration, restored) = (init + 1, init + 2);
    assert_eq!(trace.event(restored)["name"], "BecomeFollower");
    assert!(trace.event(restored)["state"]["term"].as_u64() > Some(0));
    diverges(trace.with(init, "/state/term", json!(1)), init);
    diverges(
        trace.with(configuration, "/state/term", json!(1)),
        configuration,
    );
    diverges(trace.with(configuration, "/log", json!(9)), configuration);
    diverges(trace.with(restored, "/state/vote", json!("0")), restored);
    diverges(trace.moved(configuration, restored), configuration);
    diverges(trace.without(restored), restored);
}

#[test]
fn quirk_8_the_configuration_is_empty_until_it_is_applied_again() {
    let trace = Trace::of("g04");
    let init = trace.find(1, |e| e["name"] == "InitState");
    let applied = trace.find(init + 2, |e| e["name"] == "ApplyConfChange");
    let campaign = trace.find(applied, |e| e["name"] == "BecomeCandidate");
    assert_eq!(trace.event(applied)["conf"], json!([[], []]));
    diverges(trace.with(init + 2, "/conf/0", json!(["1"])), init + 2);
    diverges(trace.with(applied, "/conf/0", json!(["1"])), applied);
    // Without one nobody can campaign.
    let Found::Diverges(at, _) = trace.without(applied) else {
        panic!("it campaigns without a configuration");
    };
    assert!(at < campaign, "{at}");
}

#[test]
fn quirk_9_a_bootstrap_adds_one_node_an_entry() {
    let trace = Trace::of("g02");
    let first = trace.find(2, |e| e["name"] == "ApplyConfChange");
    assert_eq!(trace.event(first)["state"]["commit"], 3);
    for at in first..first + 3 {
        assert!(matches!(trace.without(at), Found::Diverges(..)), "{at}");
        diverges(trace.with(at, "/state/commit", json!(2)), at);
        assert!(matches!(trace.twice(at), Found::Diverges(..)), "{at}");
    }
}

#[test]
fn quirk_4_with_asynchronous_storage_what_is_not_acknowledged_may_be_lost() {
    let trace = Trace::of_async("g21");
    let session = |lines: &[Value]| {
        found_given(
            lines,
            &Given {
                storage: Some(Storage::Async),
                ..Given::default()
            },
        )
    };
    // No crash loses what was acknowledged: an answer that arrived, an own
    // acknowledgement that came back.
    let shorter = (0..trace.0.len()).filter(|&at| trace.event(at)["name"] == "InitState");
    let shorter: Vec<usize> = shorter.skip(3).collect();
    assert!(!shorter.is_empty());
    for at in shorter {
        let mut lost = trace.0.clone();
        lost[at]["event"]["log"] = json!(3);
        assert!(
            matches!(session(&lost), Found::Diverges(found, _) if (at..at + 3).contains(&found))
        );
    }
    // With synchronous storage given it diverges, at the latest where it shows.
    let given = Given {
        storage: Some(Storage::Sync),
        ..Given::default()
    };
    assert!(matches!(found_given(&trace.0, &given), Found::Diverges(at, _) if at <= 61));
}

#[test]
fn quirk_23_what_a_ready_hands_out_is_applied_before_anything_else() {
    let trace = Trace::of("g14");
    let change = trace.find(0, |e| e["name"] == "ChangeConf");
    let applies = trace.find(change, |e| e["name"] == "ApplyConfChange" && e["log"] != 0);
    assert!(matches!(trace.without(applies), Found::Diverges(..)));
    diverges(
        trace.with(applies, "/prop/cc/newconf", json!(["1", "2", "3"])),
        applies,
    );
}

#[test]
fn quirk_24_a_removed_leader_steps_down_everywhere_or_nowhere() {
    let trace = Trace::of("g14");
    let steps_down = trace.find(0, |e| {
        e["name"] == "BecomeFollower"
            && e["conf"][0]
                .as_array()
                .is_some_and(|conf| !conf.is_empty() && !conf.contains(&e["nid"]))
            && e["state"]["vote"] == e["nid"]
    });
    // Without the line it leads on, and so it does not show up as follower.
    let next = trace.next(steps_down);
    diverges(trace.without(steps_down), next - 1);
    let off = |name: &str| (name.to_owned(), false);
    let leads_on = Given {
        switches: vec![off("step-down-on-removal"), off("check-quorum")],
        ..Given::default()
    };
    diverges(found_given(&trace.0, &leads_on), steps_down);
}

#[test]
fn switches_that_are_given_hold_from_the_start() {
    let given = |name: &str, on| Given {
        switches: vec![(name.to_owned(), on)],
        ..Given::default()
    };
    let trace = Trace::of("g11");
    assert_eq!(
        found_given(&trace.0, &given("pre-vote", true)),
        Found::Conforms
    );
    let asks = trace.find(0, |e| e["role"] == "StatePreCandidate");
    diverges(found_given(&trace.0, &given("pre-vote", false)), asks);
    let trace = Trace::of("g13");
    let lost = (0..trace.0.len()).find(|&at| {
        let event = trace.event(at);
        let before = (0..at)
            .rev()
            .find(|&k| trace.event(k)["nid"] == event["nid"]);
        event["name"] == "BecomeFollower"
            && before.is_some_and(|k| {
                let before = trace.event(k);
                before["role"] == "StateLeader" && before["state"]["term"] == event["state"]["term"]
            })
    });
    let lost = lost.expect("a leader that lost its quorum");
    assert_eq!(
        found_given(&trace.0, &given("check-quorum", true)),
        Found::Conforms
    );
    diverges(found_given(&trace.0, &given("check-quorum", false)), lost);
}
