//! Quirks of messages, commits and configurations.

use serde_json::{Value, json};

use super::trace::{Trace, diverges, is, own};
use crate::{Found, found};

fn campaigns(trace: &Trace) -> impl Iterator<Item = usize> {
    let all = (0..trace.0.len()).filter(|&at| trace.event(at)["name"] == "BecomeCandidate");
    all.collect::<Vec<_>>().into_iter()
}

#[test]
fn quirk_11_a_pre_candidate_shows_only_as_a_role() {
    let trace = Trace::of("g11");
    let asks = |e: &Value| e["role"] == "StatePreCandidate";
    let first = campaigns(&trace).next().expect("an election");
    let mut unasked = trace.0.clone();
    for line in &mut unasked[..first] {
        if asks(&line["event"]) {
            line["event"]["role"] = json!("StateFollower");
        }
    }
    // In the first election no leader can have told anybody to stand: so there
    // is no pre-vote, and then nobody is ever pre-candidate.
    let next = trace.find(first, asks);
    diverges(found(&unasked), next);
    // It asks as it would campaign: not over a configuration to be applied. And
    // it becomes a follower again with a line for it.
    let trace = Trace::of("g02");
    let ready = trace.find(0, |e| e["name"] == "Ready");
    diverges(
        trace.with(ready, "/role", json!("StatePreCandidate")),
        ready,
    );
    let granted = trace.find(0, |e| {
        is(e, "SendRequestVoteResponse", "MsgVoteResp") && !own(e)
    });
    let ready = trace.next(granted);
    let next = trace.next(ready);
    assert!(matches!(
        trace.with(ready, "/role", json!("StatePreCandidate")),
        Found::Diverges(at, _) if at == ready || at == next
    ));
}

#[test]
fn quirk_11_a_majority_has_answered_before_a_pre_candidate_campaigns() {
    let trace = Trace::of("g11");
    let alone = campaigns(&trace).filter(|&campaign| {
        let node = &trace.event(campaign)["nid"];
        let before = (0..campaign)
            .rev()
            .filter(|&at| &trace.event(at)["nid"] == node);
        let asked = before.take_while(|&at| trace.event(at)["role"] == "StatePreCandidate");
        let asked = asked.last().expect("it asked");
        // Right behind its question nobody can have answered yet, unless it has
        // asked before in this term.
        let moved = trace.moved(campaign, asked + 1);
        matches!(moved, Found::Diverges(at, _) if at == asked + 1)
    });
    let alone = alone.count();
    assert!(2 * alone > campaigns(&trace).count(), "{alone}");
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
    // Then those later on should have been, too.
    let unanswered = |from: usize| {
        let stale = trace.find(from, |e| {
            let append = is(e, "ReceiveAppendEntriesRequest", "MsgApp");
            let heartbeat = is(e, "ReceiveAppendEntriesRequest", "MsgHeartbeat");
            (append || heartbeat) && e["msg"]["term"].as_u64() < e["state"]["term"].as_u64()
        });
        trace.next(stale)
    };
    diverges(found(&answered), unanswered(stale + 1) + 1);
    // Anything else is no answer to it.
    answered[stale + 1]["event"]["msg"]["index"] = json!(1);
    diverges(found(&answered), stale + 1);
}

#[test]
fn quirk_16_with_pre_vote_a_leader_of_a_lower_term_is_answered() {
    let trace = Trace::of("g11");
    let answers = |e: &Value| {
        is(e, "SendAppendEntriesResponse", "MsgAppResp")
            && e["msg"]["index"] == 0
            && e["msg"]["reject"] == false
    };
    let first = trace.find(0, answers);
    let second = trace.find(first + 1, answers);
    let next = trace.next(second);
    diverges(trace.with(second, "/msg/index", json!(1)), second);
    diverges(trace.without(second), next - 1);
}

#[test]
fn quirk_17_a_vote_request_is_ignored_only_by_who_has_a_leader() {
    // In the first election nobody has one.
    let trace = Trace::of("g02");
    let asked = trace.find(0, |e| is(e, "ReceiveRequestVoteRequest", "MsgVote"));
    let became = trace.next(asked);
    assert_eq!(trace.event(became)["name"], "BecomeFollower");
    diverges(trace.without(became), became);
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
fn quirk_20_a_joint_configuration_is_left_without_a_line() {
    let trace = Trace::of("g15");
    let leaves = (1..trace.0.len()).find(|&at| {
        let event = trace.event(at);
        let before = (0..at)
            .rev()
            .find(|&k| trace.event(k)["nid"] == event["nid"]);
        is(event, "SendAppendEntriesResponse", "MsgAppResp")
            && own(event)
            && before.is_some_and(|k| {
                let before = trace.event(k);
                before["log"].as_u64() < event["log"].as_u64()
                    && before["name"] != "Replicate"
                    && before["name"] != "ChangeConf"
            })
    });
    let leaves = leaves.expect("a joint configuration that is left");
    assert_eq!(
        trace.event(leaves)["conf"][1].as_array().map(Vec::is_empty),
        Some(false)
    );
    let next = trace.next(leaves);
    diverges(trace.without(leaves), next - 1);
}

#[test]
fn quirk_21_the_next_line_shows_whether_a_change_is_joint() {
    let trace = Trace::of("g15");
    let change = trace.find(0, |e| e["name"] == "ChangeConf");
    let applies = trace.find(change, |e| e["name"] == "ApplyConfChange" && e["log"] != 0);
    let next = trace.next(applies);
    assert!(
        !trace.event(next)["conf"][1]
            .as_array()
            .expect("voters")
            .is_empty()
    );
    diverges(trace.with(next, "/conf/1", json!([])), next);
    diverges(
        trace.with(applies, "/prop/cc/newconf", json!(["1", "2"])),
        applies,
    );
    // One with a single node may be joint or not, and is the same everywhere.
    let single = trace.find(change + 1, |e| e["name"] == "ChangeConf");
    assert_eq!(
        trace.event(single)["prop"]["cc"]["changes"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[test]
fn quirk_14_a_snapshot_shows_its_last_index_as_a_count() {
    let trace = Trace::of("g18");
    let sent = trace.find(0, |e| is(e, "SendAppendEntriesRequest", "MsgSnap"));
    let commit = trace.event(sent)["state"]["commit"]
        .as_u64()
        .expect("commit");
    diverges(trace.with(sent, "/msg/entries", json!(commit + 1)), sent);
    diverges(trace.with(sent, "/msg/index", json!(1)), sent);
    let arrives = trace.find(sent, |e| is(e, "ReceiveAppendEntriesRequest", "MsgSnap"));
    diverges(trace.with(arrives, "/msg/entries", json!(7)), arrives);
}

#[test]
fn quirk_22_a_restored_snapshot_applies_its_configuration() {
    let trace = Trace::of("g18");
    let arrives = trace.find(0, |e| is(e, "ReceiveAppendEntriesRequest", "MsgSnap"));
    let restores = trace.next(arrives);
    let answers = trace.next(restores);
    let event = trace.event(restores);
    assert_eq!(event["name"], "ApplyConfChange");
    assert_eq!(event["conf"], json!([[], []]));
    assert_eq!(event["log"], trace.event(arrives)["msg"]["entries"]);
    diverges(trace.without(restores), answers - 1);
    diverges(
        trace.with(restores, "/prop/cc/newconf", json!(["1", "2"])),
        restores,
    );
    diverges(trace.with(answers, "/msg/index", json!(3)), answers);
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

/// `vote` belongs to messages to storage, which no trace shows.
#[test]
fn a_message_names_no_vote() {
    let trace = Trace::of("g01");
    let sent = |event: &Value| {
        event["name"]
            .as_str()
            .is_some_and(|n| n.starts_with("Send"))
    };
    let at = trace.find(0, sent);
    assert_eq!(trace.event(at)["msg"]["vote"], "0");
    diverges(trace.with(at, "/msg/vote", json!("1")), at);
}

#[test]
fn a_leader_shows_with_its_entries_what_it_has_counted_of_its_own() {
    for name in ["g02", "g15"] {
        let trace = Trace::of(name);
        let shows = |at: &usize| trace.event(*at)["prop"]["match"].is_u64();
        let all: Vec<usize> = (0..trace.0.len()).filter(shows).collect();
        assert!(all.len() > 100, "{name}");
        for &at in all.iter().step_by(all.len() / 7) {
            let number = |field: &str| trace.event(at)["prop"][field].as_u64().expect("a number");
            let (matched, next) = (number("match"), number("next"));
            for wrong in [matched + 1, matched - 1, 0] {
                diverges(trace.with(at, "/prop/match", json!(wrong)), at);
            }
            diverges(trace.with(at, "/prop/next", json!(next + 1)), at);
            // As one who is no member: a library that knows nothing of it.
            let mut silent = trace.0.clone();
            silent[at]["event"]["prop"] = json!({});
            assert_eq!(found(&silent), Found::Conforms, "{name} {at}");
        }
    }
}
