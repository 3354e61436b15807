//! Runs that can be read in more than one way: a message without an id may be any
//! of those that read so, and a restart that shows little may have kept anything.
//! No legal run diverges for that, no illegal one conforms, and what is followed
//! is bounded.

use std::path::PathBuf;

use plimsoll::corpus;
use plimsoll::replay::{self, Options};
use plimsoll::verdict::{Ground, Verdict};
use serde_json::{Value, json};

fn judged(name: &str, lines: &[Value]) -> Verdict {
    let folder = tempfile::tempdir().expect("a folder");
    let file: PathBuf = folder.path().join(format!("{name}.ndjson"));
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(&file, lines.join("\n") + "\n").expect("a file");
    let judge = || {
        let judged = replay::judge(std::slice::from_ref(&file), &Options::default()).remove(0);
        judged.result.expect("a trace")
    };
    let (one, two) = (judge(), judge());
    assert_eq!(format!("{one:?}"), format!("{two:?}"), "{name} twice");
    one
}

/// Lines written by hand, without the ids of messages.
struct Script {
    lines: Vec<Value>,
    at: [(u32, u32); 3],
}

const NAMES: [&str; 3] = ["n1", "n2", "n3"];

impl Script {
    fn new(settings: &str, features: &[&str], durability: &str, fields: &[&str]) -> Self {
        let causes = [
            "start",
            "campaign",
            "tick",
            "receive",
            "write",
            "persisted",
            "apply",
            "change",
            "transfer",
            "compact",
            "check-quorum",
        ];
        let header = json!({
            "plimsoll_trace": 2, "emitter": "by hand", "nodes": NAMES,
            "config": {"voters": NAMES}, "settings": settings, "features": features,
            "storage": "sync", "durability": durability, "order": "file",
            "complete": {"causes": causes, "fields": fields},
        });
        Script {
            lines: vec![header],
            at: [(1, 1); 3],
        }
    }

    fn line(&mut self, node: usize, cause: Value, rest: Value) -> &mut Self {
        let (inc, seq) = &mut self.at[node];
        if cause.get("start").is_some() && self.lines.len() > 3 {
            (*inc, *seq) = (*inc + 1, 1);
        }
        let mut line = json!({"node": NAMES[node], "inc": inc, "seq": seq, "cause": cause});
        *seq += 1;
        for (name, value) in rest.as_object().expect("fields") {
            line[name] = value.clone();
        }
        self.lines.push(line);
        self
    }

    fn receives(&mut self, node: usize, message: Value, rest: Value) -> &mut Self {
        self.line(node, json!({ "receive": message }), rest)
    }
}

fn message(kind: &str, from: usize, to: usize, term: u64, more: Value) -> Value {
    let mut message = json!({"type": kind, "from": NAMES[from], "to": NAMES[to], "term": term});
    for (name, value) in more.as_object().expect("fields") {
        message[name] = value.clone();
    }
    message
}

fn position(index: u64) -> Value {
    json!({"index": index, "term": u64::from(index > 0)})
}

fn append(to: usize, prev: u64, count: u64, commit: u64) -> Value {
    let runs = match count {
        0 => json!([]),
        count => json!([[1, count]]),
    };
    let entries = json!({"after": prev, "runs": runs});
    let more = json!({"prev": position(prev), "entries": entries, "commit": commit});
    message("append", 0, to, 1, more)
}

fn ack(from: usize, reject: bool, index: u64) -> Value {
    message(
        "append-ack",
        from,
        0,
        1,
        json!({"reject": reject, "index": index}),
    )
}

fn grown(after: u64, kind: &str, op: &Value) -> Value {
    json!({"after": after, "runs": [[1, 1]], "kinds": [kind], "ops": [op]})
}

/// A run of three servers that follow raft-rs, in which n3 asks `asks` times
/// whether n2 would vote for it, each time having committed one entry more. It
/// says how far with its question, and a trace does not show that. The last line
/// is n2's, which holds one entry more, and learns from one of the questions.
fn questions(asks: u64, fields: &[&str]) -> Script {
    let mut script = Script::new("raft-rs", &["pre-vote"], "atomic", fields);
    let state = |term: u64, vote: Option<&str>, role: &str, commit: u64, last: u64| json!({"term": term, "vote": vote, "role": role, "commit": commit, "last": position(last)});
    for node in 0..3 {
        let state = state(0, None, "follower", 0, 0);
        script.line(node, json!({"start": {}}), json!({ "state": state }));
    }
    let ask = |from, to, last| {
        let term = if last == 0 { 1 } else { 2 };
        message(
            "request-pre-vote",
            from,
            to,
            term,
            json!({"last": position(last)}),
        )
    };
    script.line(
        0,
        json!({"campaign": {}}),
        json!({"state": state(0, None, "pre-candidate", 0, 0), "send": [ask(0, 1, 0), ask(0, 2, 0)]}),
    );
    let would = message("pre-vote", 1, 0, 1, json!({"granted": true}));
    let idle = state(0, None, "follower", 0, 0);
    script.receives(1, ask(0, 1, 0), json!({"state": idle, "send": [would]}));
    let request = |to| message("request-vote", 0, to, 1, json!({"last": position(0)}));
    let stands = state(1, Some("n1"), "candidate", 0, 0);
    let sends = json!([request(1), request(2)]);
    script.receives(0, would.clone(), json!({"state": stands, "send": sends}));
    let vote = message("vote", 1, 0, 1, json!({"granted": true}));
    let voted = state(1, Some("n1"), "follower", 0, 0);
    script.receives(1, request(1), json!({"state": voted, "send": [vote]}));
    let leads = state(1, Some("n1"), "leader", 0, 1);
    let sends = json!([append(1, 0, 1, 0), append(2, 0, 1, 0)]);
    let noop = grown(0, "noop", &Value::Null);
    script.receives(
        0,
        vote.clone(),
        json!({"state": leads, "send": sends, "append": noop}),
    );
    let follows = |node: usize, commit, last| {
        let vote = (node == 1).then_some("n1");
        state(1, vote, "follower", commit, last)
    };
    for node in [1, 2] {
        let entry = json!({"after": 0, "runs": [[1, 1]]});
        let send = json!([ack(node, false, 1)]);
        let rest = json!({"state": follows(node, 0, 1), "send": send, "append": entry});
        script.receives(node, append(node, 0, 1, 0), rest);
    }
    // The log grows, everywhere but that n3 lacks the last entry.
    let end = asks + 2;
    for last in 2..=end {
        let op = json!(format!("w{last}"));
        let to: &[usize] = if last == end { &[1] } else { &[1, 2] };
        let sends: Vec<Value> = to.iter().map(|to| append(*to, last - 1, 1, 0)).collect();
        let leads = state(1, Some("n1"), "leader", 0, last);
        let entry = grown(last - 1, "write", &op);
        let rest = json!({"state": leads, "send": sends, "append": entry});
        script.line(0, json!({"write": {"op": op}}), rest);
        for node in to.iter().copied() {
            let entry = json!({"after": last - 1, "runs": [[1, 1]]});
            let send = json!([ack(node, false, last)]);
            let rest = json!({"state": follows(node, 0, last), "send": send, "append": entry});
            script.receives(node, append(node, last - 1, 1, 0), rest);
        }
    }
    // n1 commits one entry after the other, tells n3, and n3 asks.
    for commit in 1..=asks {
        let leads = state(1, Some("n1"), "leader", commit, end);
        let send = json!([append(2, end - 1, 0, commit)]);
        let rest = json!({"state": leads, "send": send});
        script.receives(0, ack(1, false, commit), rest);
        let send = json!([ack(2, false, end - 1)]);
        let rest = json!({"state": follows(2, commit, end - 1), "send": send});
        script.receives(2, append(2, end - 1, 0, commit), rest);
        let asks = state(1, None, "pre-candidate", commit, end - 1);
        let send = json!([ask(2, 0, end - 1), ask(2, 1, end - 1)]);
        script.line(
            2,
            json!({"campaign": {}}),
            json!({"state": asks, "send": send}),
        );
    }
    let refused = message("pre-vote", 1, 2, 1, json!({"granted": false}));
    let rest = json!({"state": follows(1, 0, end), "send": [refused]});
    script.receives(1, ask(2, 1, end - 1), rest);
    script
}

const FIELDS: [&str; 7] = [
    "state.term",
    "state.vote",
    "state.role",
    "state.commit",
    "state.last",
    "append",
    "send",
];

/// The same, where n2 has committed so far in the end; what it is left out.
fn learns(asks: u64, commit: u64) -> Vec<Value> {
    let mut lines = questions(asks, &FIELDS).lines;
    let last = lines.last_mut().expect("lines");
    last["state"]["commit"] = json!(commit);
    lines
}

#[test]
fn a_message_is_not_always_the_latest_that_reads_so() {
    for asks in [1, 2, 5, 12] {
        for commit in 1..=asks {
            match judged("latest", &learns(asks, commit)) {
                Verdict::Conforms(certificate) => {
                    let other = u64::from(commit < asks);
                    assert_eq!(certificate.readings, other, "{commit} of {asks}");
                }
                other => panic!("{commit} of {asks}: {other:#?}"),
            }
        }
    }
}

/// The verdict where every server wrote a file of its own.
fn split(lines: &[Value]) -> Verdict {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |node: &&str| {
        let own = lines.iter().enumerate();
        let own = own.filter(|(at, line)| *at == 0 || line["node"] == **node);
        let text: String = own.map(|(_, line)| format!("{line}\n")).collect();
        let file = folder.path().join(format!("{node}.ndjson"));
        std::fs::write(&file, text).expect("a file");
        file
    };
    let files: Vec<PathBuf> = NAMES.iter().map(write).collect();
    let options = Options {
        together: true,
        ..Options::default()
    };
    let judged = replay::judge(&files, &options).remove(0);
    judged.result.expect("a trace")
}

/// A message that has been sent may read like one that arrives, and not be it:
/// that one may come further down in its sender's file.
#[test]
fn without_an_order_a_message_is_not_the_first_that_reads_so() {
    for asks in [2, 5] {
        for commit in 0..=asks + 1 {
            let verdict = split(&learns(asks, commit));
            let legal = (1..=asks).contains(&commit);
            match verdict {
                Verdict::Conforms(_) => assert!(legal, "{commit} of {asks}"),
                Verdict::Diverges(..) => assert!(!legal, "{commit} of {asks}"),
                Verdict::Inconclusive(..) => panic!("{commit} of {asks}: {verdict:#?}"),
            }
        }
    }
}

/// A run in which n1 refuses n3's question twice, once before it commits and once
/// behind that, and says how far it has committed with the refusal, which a trace
/// does not show. In the last line n3, which hears one of the two, has committed
/// so far.
fn refused_twice(commit: u64) -> Vec<Value> {
    let mut script = questions(0, &FIELDS);
    script.lines.pop();
    script.at[1].1 -= 1;
    let asks = |commit| {
        json!({"term": 1, "vote": null, "role": "pre-candidate", "commit": commit,
            "last": position(1)})
    };
    let leads = |commit| {
        json!({"term": 1, "vote": "n1", "role": "leader", "commit": commit,
            "last": position(2)})
    };
    let ask = |to| message("request-pre-vote", 2, to, 2, json!({"last": position(1)}));
    let refused = message("pre-vote", 0, 2, 1, json!({"granted": false}));
    script.line(
        2,
        json!({"campaign": {}}),
        json!({"state": asks(0), "send": [ask(0), ask(1)]}),
    );
    let refuses = |commit| json!({"state": leads(commit), "send": [refused]});
    script.receives(0, ask(0), refuses(0));
    script.receives(0, ack(1, false, 1), json!({"state": leads(1), "send": []}));
    script.receives(0, ask(0), refuses(1));
    let send = json!([append(1, 2, 0, 1)]);
    script.line(
        0,
        json!({"tick": {}}),
        json!({"state": leads(1), "send": send}),
    );
    let follows = json!({"term": 1, "vote": "n1", "role": "follower", "commit": 1,
        "last": position(2)});
    let rest = json!({"state": follows, "send": [ack(1, false, 2)]});
    script.receives(1, append(1, 2, 0, 1), rest);
    script.receives(
        2,
        refused.clone(),
        json!({"state": asks(commit), "send": []}),
    );
    script.lines
}

/// In files of their own n1 waits for another question and n3 for another refusal,
/// each of the other one, and it may be that only one of them can go on.
#[test]
fn nodes_that_wait_in_a_circle_go_on_as_the_lines_say() {
    for commit in 0..=2 {
        let lines = refused_twice(commit);
        for verdict in [judged("circle", &lines), split(&lines)] {
            match verdict {
                Verdict::Conforms(_) => assert!(commit < 2, "{commit}"),
                Verdict::Diverges(..) => assert_eq!(commit, 2),
                Verdict::Inconclusive(..) => panic!("{commit}: {verdict:#?}"),
            }
        }
    }
}

#[test]
fn what_no_reading_explains_diverges() {
    for (asks, commit) in [(2, 0), (2, 3), (5, 7)] {
        let lines = learns(asks, commit);
        match judged("none", &lines) {
            Verdict::Diverges(found, _) => {
                assert_eq!(found.place.line, lines.len() as u64);
                let shows = format!("the line shows commit {commit}");
                assert!(found.why.contains(&shows), "{}", found.why);
            }
            other => panic!("{commit} of {asks}: {other:#?}"),
        }
    }
}

/// The same run, of which n2's last line leaves out how far it has committed; its
/// next one shows it.
fn shows_later(asks: u64, commit: u64) -> Vec<Value> {
    let fields: Vec<&str> = FIELDS
        .into_iter()
        .filter(|field| *field != "state.commit")
        .collect();
    let mut script = questions(asks, &fields);
    let last = script.lines.last_mut().expect("lines");
    let state = last["state"].as_object_mut().expect("a state");
    state.remove("commit");
    let state = json!({"state": {"commit": commit}, "send": []});
    script.line(1, json!({"tick": {}}), state);
    script.lines
}

#[test]
fn which_message_it_was_may_show_later() {
    for commit in 1..=5 {
        match judged("later", &shows_later(5, commit)) {
            Verdict::Conforms(certificate) => assert_eq!(certificate.readings, 4),
            other => panic!("{commit}: {other:#?}"),
        }
    }
    // A reading that ends late tells why.
    match judged("later-none", &shows_later(5, 6)) {
        Verdict::Inconclusive(stopped, _) => {
            assert_eq!(stopped.ground, Ground::UnloggedStep);
            assert!(stopped.what.contains("commit 6"), "{}", stopped.what);
        }
        other => panic!("{other:#?}"),
    }
}

#[test]
fn no_more_than_eight_readings_are_followed() {
    // The latest is kept, and seven before it.
    for commit in 13..=20 {
        match judged("most", &shows_later(20, commit)) {
            Verdict::Conforms(certificate) => assert_eq!(certificate.readings, 8),
            other => panic!("{commit}: {other:#?}"),
        }
    }
    match judged("left-out", &shows_later(20, 5)) {
        Verdict::Inconclusive(stopped, _) => assert_eq!(stopped.ground, Ground::Readings),
        other => panic!("{other:#?}"),
    }
}

/// n2 crashes with an entry under way, and its restart shows its term and vote;
/// what it holds shows in its next answer.
fn comes_back(kept: bool) -> Vec<Value> {
    let fields = [
        "state.term",
        "state.vote",
        "state.role",
        "state.commit",
        "append",
        "send",
    ];
    let mut script = Script::new("paper", &[], "deferred", &fields);
    let state = |term: u64, vote: Option<&str>, role: &str| json!({"term": term, "vote": vote, "role": role, "commit": 0});
    for node in 0..3 {
        let state = state(0, None, "follower");
        script.line(node, json!({"start": {}}), json!({ "state": state }));
    }
    let persisted = || json!({"persisted": {}});
    let request = |to| message("request-vote", 0, to, 1, json!({"last": position(0)}));
    let stands = state(1, Some("n1"), "candidate");
    let sends = json!([request(1), request(2)]);
    script.line(
        0,
        json!({"campaign": {}}),
        json!({"state": stands, "send": sends}),
    );
    script.line(0, persisted(), json!({}));
    let vote = message("vote", 1, 0, 1, json!({"granted": true}));
    let voted = state(1, Some("n1"), "follower");
    script.receives(1, request(1), json!({"state": voted, "send": [vote]}));
    script.line(1, persisted(), json!({}));
    let leads = state(1, Some("n1"), "leader");
    let send = json!([append(1, 0, 1, 0)]);
    let noop = grown(0, "noop", &Value::Null);
    script.receives(
        0,
        vote.clone(),
        json!({"state": leads, "send": send, "append": noop}),
    );
    script.line(0, persisted(), json!({}));
    let entry = json!({"after": 0, "runs": [[1, 1]]});
    let send = json!([ack(1, false, 1)]);
    script.receives(
        1,
        append(1, 0, 1, 0),
        json!({"send": send, "append": entry}),
    );
    script.line(1, json!({"start": {}}), json!({ "state": voted }));
    let send = json!([append(1, 1, 0, 0)]);
    script.line(0, json!({"tick": {}}), json!({ "send": send }));
    let send = json!([ack(1, !kept, 1)]);
    script.receives(1, append(1, 1, 0, 0), json!({ "send": send }));
    script.lines
}

#[test]
fn what_a_crash_kept_may_show_later() {
    for kept in [true, false] {
        match judged("crash", &comes_back(kept)) {
            Verdict::Conforms(certificate) => assert_eq!(certificate.readings, 1),
            other => panic!("{kept}: {other:#?}"),
        }
    }
    let mut neither = comes_back(true);
    let last = neither.last_mut().expect("lines");
    last["send"][0]["index"] = json!(2);
    match judged("crash-neither", &neither) {
        Verdict::Diverges(found, _) => assert_eq!(found.place.line, neither.len() as u64),
        other => panic!("{other:#?}"),
    }
}

/// Every recorded run of this repository's implementation, its messages without
/// ids and hints: those that conform do, and those that diverge do not.
#[test]
fn recorded_runs_are_judged_alike_without_ids() {
    let mut count = [0, 0];
    for entry in corpus::ENTRIES
        .iter()
        .filter(|entry| entry.name.starts_with("plimsoll/"))
    {
        let lines: Vec<Value> = lines_of(entry).iter().map(without_ids).collect();
        let name = entry.name.replace('/', "-");
        let wanted = entry.expectation().expect("an expectation").verdict;
        let verdict = judged(&name, &lines);
        match wanted.as_str() {
            "conforms" => {
                count[0] += 1;
                assert!(
                    matches!(verdict, Verdict::Conforms(_)),
                    "{name}: {verdict:#?}"
                );
            }
            _ => {
                count[1] += 1;
                assert!(!matches!(verdict, Verdict::Conforms(_)), "{name}");
            }
        }
    }
    assert!(count[0] >= 16 && count[1] >= 8, "{count:?}");
}

fn lines_of(entry: &corpus::Entry) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = entry.write_into(folder.path()).expect("a file");
    let mut lines = plimsoll_trace::Lines::open(&file).expect("lines");
    let mut all = Vec::new();
    while let Some(line) = lines.next_line().expect("a line") {
        all.push(serde_json::from_slice(line.bytes).expect("JSON"));
    }
    all
}

fn without_ids(line: &Value) -> Value {
    let mut line = line.clone();
    let strip = |message: &mut Value| {
        if let Some(message) = message.as_object_mut() {
            message.remove("id");
            message.remove("hint");
        }
    };
    if let Some(message) = line.pointer_mut("/cause/receive") {
        strip(message);
    }
    if let Some(sent) = line.get_mut("send").and_then(Value::as_array_mut) {
        sent.iter_mut().for_each(strip);
    }
    line
}

/// A sender that leaves ids out, always or at times, is none whose messages are
/// told by them.
#[test]
fn a_message_may_have_an_id_where_it_arrives_and_none_where_it_is_sent() {
    let mut judged_runs = 0;
    for entry in corpus::ENTRIES {
        if !entry.name.starts_with("plimsoll/three-") {
            continue;
        }
        let lines = lines_of(entry);
        let whole = judged(&format!("named-{judged_runs}"), &lines);
        for every in [1, 2] {
            let (mut stripped, mut nth) = (lines.clone(), 0);
            for line in &mut stripped {
                let sends = line.get_mut("send").and_then(Value::as_array_mut);
                for message in sends.into_iter().flatten() {
                    nth += 1;
                    if nth % every == 0
                        && let Some(message) = message.as_object_mut()
                    {
                        message.remove("id");
                    }
                }
            }
            let name = format!("half-named-{judged_runs}-{every}");
            let verdict = judged(&name, &stripped);
            match &whole {
                Verdict::Conforms(_) => {
                    assert!(
                        matches!(verdict, Verdict::Conforms(_)),
                        "{} {every}: {verdict:?}",
                        entry.name
                    );
                }
                _ => assert!(!matches!(verdict, Verdict::Conforms(_)), "{}", entry.name),
            }
        }
        judged_runs += 1;
    }
    assert!(judged_runs >= 6, "{judged_runs}");
}
