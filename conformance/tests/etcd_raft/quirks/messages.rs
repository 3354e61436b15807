//! Quirks of messages, commits and configurations.

use plimsoll::verdict::Ground;
use serde_json::json;

use super::trace::{Trace, diverges, is, own};
use crate::{Found, found};

#[test]
fn quirk_11_a_pre_candidate_shows_only_as_a_role() {
    let trace = Trace::of("g02");
    let ready = trace.find(0, |e| e["name"] == "Ready");
    assert_eq!(
        trace.with(ready, "/role", json!("StatePreCandidate")),
        Found::Inconclusive(ready, Ground::PreCandidate),
    );
}

#[test]
fn quirk_12_an_own_acknowledgement_comes_back_once_written() {
    let trace = Trace::of("g02");
    let campaign = trace.find(0, |e| e["name"] == "BecomeCandidate");
    let ready = trace.find(campaign, |e| {
        e["name"] == "Ready" && e["nid"] == trace.event(campaign)["nid"]
    });
    let vote = trace.next(ready);
    assert!(
        is(
            trace.event(vote),
            "ReceiveRequestVoteResponse",
            "MsgVoteResp"
        ) && own(trace.event(vote))
    );
    diverges(trace.moved(vote, ready), ready);
    diverges(trace.twice(vote), vote + 1);
}

/// Entries are a count: their terms are those of the sender's log, and with
/// them the answer is checked.
#[test]
fn quirk_13_the_entries_of_an_append_come_from_the_senders_log() {
    let trace = Trace::of("g02");
    let sent = trace.find(0, |e| {
        is(e, "SendAppendEntriesRequest", "MsgApp") && e["msg"]["entries"] == 1
    });
    diverges(trace.with(sent, "/msg/entries", json!(2)), sent);
    diverges(trace.with(sent, "/msg/logTerm", json!(2)), sent);
}

#[test]
fn quirk_14_a_heartbeat_says_what_its_receiver_has() {
    let trace = Trace::of("g02");
    let sent = trace.find(0, |e| is(e, "SendAppendEntriesRequest", "MsgHeartbeat"));
    let commit = trace.event(sent)["msg"]["commit"]
        .as_u64()
        .expect("a commit");
    diverges(trace.with(sent, "/msg/commit", json!(commit + 1)), sent);
    diverges(trace.with(sent, "/msg/index", json!(1)), sent);
    diverges(trace.with(sent, "/msg/logTerm", json!(1)), sent);
}

#[test]
fn quirk_16_an_append_is_answered_with_what_it_leaves_or_why_not() {
    let trace = Trace::of("g09");
    let accepts = trace.find(0, |e| {
        is(e, "SendAppendEntriesResponse", "MsgAppResp") && !own(e)
    });
    let index = trace.event(accepts)["msg"]["index"]
        .as_u64()
        .expect("an index");
    diverges(trace.with(accepts, "/msg/index", json!(index - 1)), accepts);
    diverges(trace.with(accepts, "/msg/reject", json!(true)), accepts);
    let refuses = trace.find(0, |e| {
        is(e, "SendAppendEntriesResponse", "MsgAppResp") && e["msg"]["reject"] == true
    });
    let hint = trace.event(refuses)["msg"]["rejectHint"]
        .as_u64()
        .expect("a hint");
    diverges(
        trace.with(refuses, "/msg/rejectHint", json!(hint + 1)),
        refuses,
    );
    diverges(trace.with(refuses, "/msg/reject", json!(false)), refuses);
    // Below the commit index nothing is looked at.
    let below = trace.find(0, |e| {
        is(e, "ReceiveAppendEntriesRequest", "MsgApp")
            && e["msg"]["index"].as_u64() < e["state"]["commit"].as_u64()
    });
    let answer = trace.next(below);
    assert_eq!(
        trace.event(answer)["msg"]["index"],
        trace.event(below)["state"]["commit"]
    );
    let beyond = trace.event(below)["msg"]["index"]
        .as_u64()
        .unwrap_or_default()
        + trace.event(below)["msg"]["entries"]
            .as_u64()
            .unwrap_or_default();
    if trace.event(answer)["msg"]["index"] != beyond {
        diverges(trace.with(answer, "/msg/index", json!(beyond)), answer);
    }
}

#[test]
fn quirk_17_a_message_of_an_earlier_term_is_received_and_ignored() {
    let trace = Trace::of("g07");
    let stale = trace.find(0, |e| {
        e["name"] == "ReceiveAppendEntriesRequest"
            && e["msg"]["term"].as_u64() < e["state"]["term"].as_u64()
    });
    let next = trace.next(stale);
    assert_eq!(trace.event(stale)["state"], trace.event(next)["state"]);
    let answer = json!({
        "type": "MsgAppResp", "term": trace.event(stale)["state"]["term"], "from": trace.event(stale)["nid"],
        "to": trace.event(stale)["msg"]["from"], "entries": 0, "logTerm": 0, "index": 0, "commit": 0,
        "vote": "0", "reject": false, "rejectHint": 0,
    });
    // An answer of index 0 is how check-quorum and pre-vote say no.
    let mut answered = trace.0.clone();
    let mut line = answered[stale].clone();
    line["event"]["name"] = json!("SendAppendEntriesResponse");
    line["event"]["msg"] = answer;
    answered.insert(stale + 1, line.clone());
    assert_eq!(
        found(&answered),
        Found::Inconclusive(stale + 1, Ground::StaleAppendAnswered)
    );
    // Anything else is no answer to it.
    answered[stale + 1]["event"]["msg"]["index"] = json!(1);
    diverges(found(&answered), stale + 1);
}

#[test]
fn quirk_18_a_message_may_arrive_twice_but_only_if_it_was_sent() {
    let trace = Trace::of("g02");
    let again = trace.find(0, |e| {
        is(e, "ReceiveAppendEntriesResponse", "MsgHeartbeatResp")
    });
    assert_eq!(trace.twice(again), Found::Conforms);
    diverges(trace.with(again, "/msg/term", json!(1)), again);
    // Earlier than it was sent it cannot.
    let message = trace.event(again)["msg"].clone();
    let sent = trace.find(0, |e| {
        e["name"] == "SendAppendEntriesResponse" && e["msg"] == message
    });
    assert!(matches!(trace.moved(again, sent), Found::Diverges(at, _) if at == sent));
}

#[test]
fn quirk_19_commit_shows_also_when_nothing_moved_and_never_unasked() {
    let trace = Trace::of("g02");
    let still = trace.find(0, |e| e["name"] == "Commit" && e["state"]["commit"] == 3);
    diverges(trace.twice(still), still + 1);
    let moved = trace.find(0, |e| e["name"] == "Commit" && e["state"]["commit"] == 4);
    diverges(trace.with(moved, "/state/commit", json!(3)), moved);
    diverges(trace.with(moved, "/state/commit", json!(5)), moved);
    assert!(matches!(trace.without(still), Found::Diverges(..)));
}

#[test]
fn quirk_20_replicate_shows_the_log_before_it_grows() {
    let trace = Trace::of("g02");
    let appends = trace.find(0, |e| e["name"] == "Replicate");
    let acknowledges = trace.next(appends);
    let before = trace.event(appends)["log"].as_u64().expect("a log");
    assert_eq!(trace.event(acknowledges)["log"], before + 1);
    diverges(trace.with(appends, "/log", json!(before + 1)), appends);
    assert!(matches!(trace.without(appends), Found::Diverges(..)));
}

#[test]
fn quirk_21_changes_of_the_configuration_are_grounds_until_they_are_modelled() {
    let trace = Trace::of("g02");
    let append = trace.find(60, |e| e["name"] == "Replicate");
    assert_eq!(
        trace.with(append, "/name", json!("ChangeConf")),
        Found::Inconclusive(append, Ground::ConfigurationChange),
    );
    let ready = trace.find(60, |e| e["name"] == "Ready");
    assert_eq!(
        trace.with(ready, "/conf/1", json!(["1", "2", "3"])),
        Found::Inconclusive(ready, Ground::JointConfiguration),
    );
    diverges(trace.with(ready, "/conf/0", json!(["1", "2"])), ready);
}

#[test]
fn quirk_25_nobody_is_the_text_0() {
    let trace = Trace::of("g02");
    let first = trace.find(0, |e| e["name"] == "Ready");
    assert_eq!(trace.event(first)["state"]["vote"], "0");
    assert_eq!(
        trace.with(first, "/state/vote", json!(0)),
        Found::Refused(first)
    );
    diverges(trace.with(first, "/state/vote", json!("9")), first);
}
