//! The quirks of the format, one test each, numbered as in the README of the
//! recorded traces: what the quirk allows conforms, and the same place read
//! without the quirk diverges.

use plimsoll::verdict::Ground;
use serde_json::{Value, json};

use crate::{Found, entry, found, lines};

/// A correct trace of the corpus.
struct Trace(Vec<Value>);

impl Trace {
    fn of(name: &str) -> Trace {
        let lines = lines(entry(name));
        assert_eq!(found(&lines), Found::Conforms, "{name}");
        Trace(lines)
    }

    fn event(&self, at: usize) -> &Value {
        &self.0[at]["event"]
    }

    /// The first event from `start` on that is as `wanted`.
    fn find(&self, start: usize, wanted: impl Fn(&Value) -> bool) -> usize {
        let mut places = start..self.0.len();
        places
            .find(|&at| wanted(self.event(at)))
            .expect("an event of the kind")
    }

    /// The next event of the same node.
    fn next(&self, at: usize) -> usize {
        self.find(at + 1, |e| e["nid"] == self.event(at)["nid"])
    }

    /// What is found once the field at `path` in event `at` is `value`.
    fn with(&self, at: usize, path: &str, value: Value) -> Found {
        let mut changed = self.0.clone();
        *changed[at]["event"].pointer_mut(path).expect("a field") = value;
        found(&changed)
    }

    fn without(&self, at: usize) -> Found {
        let mut changed = self.0.clone();
        changed.remove(at);
        found(&changed)
    }

    /// What is found once event `from` stands where `to` stood.
    fn moved(&self, from: usize, to: usize) -> Found {
        let mut changed = self.0.clone();
        let line = changed.remove(from);
        changed.insert(to, line);
        found(&changed)
    }

    fn twice(&self, at: usize) -> Found {
        let mut changed = self.0.clone();
        changed.insert(at, changed[at].clone());
        found(&changed)
    }
}

fn is(event: &Value, name: &str, kind: &str) -> bool {
    event["name"] == name && event["msg"]["type"] == kind
}

fn own(event: &Value) -> bool {
    event["msg"]["from"] == event["msg"]["to"]
}

#[track_caller]
fn diverges(found: Found, at: usize) {
    assert!(
        matches!(&found, Found::Diverges(event, _) if *event == at),
        "{at}: {found:?}"
    );
}

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
    assert_eq!(
        found(&overtaken),
        Found::Inconclusive(acknowledged, Ground::AsynchronousStorage),
    );
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
