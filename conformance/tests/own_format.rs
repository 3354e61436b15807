//! Runs of this repository's implementation, one for each feature, with one field
//! of one line changed: each is rejected, at that line. Whatever is changed here
//! follows from the lines before, so no legal run shows it. Of every class (a
//! field of a kind of line, or of a kind of message) the first is tried.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use plimsoll::replay::{self, Options};
use plimsoll::verdict::{Ground, Verdict};
use plimsoll_trace::Lines;
use serde_json::{Value, json};

const TRACES: [&str; 9] = [
    "five-pre-vote-check-quorum",
    "five-snapshots",
    "five-members",
    "six-joint-learners",
    "four-transfers",
    "four-follower-reads",
    "six-all-features",
    "three-queued-writes",
    "six-queued-writes-all-features",
];

fn lines(name: &str) -> Vec<Value> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../traces/corpus/plimsoll");
    let mut reader = Lines::open(corpus.join(format!("{name}.ndjson.gz"))).expect("the corpus");
    let mut lines = Vec::new();
    while let Some(line) = reader.next_line().expect("a line") {
        lines.push(serde_json::from_slice(line.bytes).expect("JSON"));
    }
    lines
}

fn add(value: &mut Value) {
    *value = json!(value.as_u64().expect("a number") + 1);
}

fn flip(value: &mut Value) {
    *value = json!(!value.as_bool().expect("true or false"));
}

/// Another node, or nobody where there was one.
fn other_node(value: &mut Value) {
    *value = match value.as_str() {
        Some("n2") => Value::Null,
        _ => json!("n2"),
    };
}

fn other_role(value: &mut Value) {
    *value = match value.as_str() {
        Some("follower") => json!("candidate"),
        _ => json!("follower"),
    };
}

/// One node less, or one more where there was none.
fn other_list(value: &mut Value) {
    let list = value.as_array_mut().expect("a list");
    if list.is_empty() {
        list.push(json!("n1"));
    } else {
        list.remove(0);
    }
}

fn other_transition(value: &mut Value) {
    *value = match value.as_str() {
        Some("simple") => json!("joint"),
        Some("joint") => json!("joint-until-told"),
        _ => json!("joint"),
    };
}

fn other_hash(value: &mut Value) {
    *value = json!("0123456789abcdef");
}

fn other_op(value: &mut Value) {
    *value = json!("99.99");
}

type Change = fn(&mut Value);

/// What is changed, by its place in a line.
const CHANGES: [(&str, Change); 24] = [
    ("/state/term", add),
    ("/state/vote", other_node),
    ("/state/role", other_role),
    ("/state/leader", other_node),
    ("/state/commit", add),
    ("/state/applied", add),
    ("/state/last/index", add),
    ("/state/last/term", add),
    ("/state/snapshot/index", add),
    ("/state/snapshot/term", add),
    ("/state/transfer", other_node),
    ("/state/config/voters", other_list),
    ("/state/config/outgoing", other_list),
    ("/durable/term", add),
    ("/durable/vote", other_node),
    ("/durable/commit", add),
    ("/durable/last/index", add),
    ("/reads/0/index", add),
    ("/reads/0/op", other_op),
    ("/ack/0/index", add),
    ("/cause/change/transition", other_transition),
    ("/cause/compact/index", add),
    ("/cause/apply/index", add),
    ("/append/after", add),
];

/// The same in a message that is sent or received.
const IN_MESSAGES: [(&str, Change); 10] = [
    ("/term", add),
    ("/granted", flip),
    ("/forced", flip),
    ("/reject", flip),
    ("/index", add),
    ("/commit", add),
    ("/last/index", add),
    ("/op", other_op),
    ("/hash", other_hash),
    ("/config/voters", other_list),
];

/// Every change of `line` that has a class nobody has tried, with the class.
fn changes(line: &Value, tried: &mut BTreeSet<String>) -> Vec<(String, Value)> {
    let cause = line["cause"]
        .as_object()
        .and_then(|cause| cause.keys().next());
    let cause = cause.map_or("", String::as_str);
    let mut places: Vec<(String, String, Change)> = CHANGES
        .iter()
        .map(|(place, change)| (format!("{cause} {place}"), (*place).to_owned(), *change))
        .collect();
    for (root, what) in [("/cause/receive", "received"), ("/send/0", "sent")] {
        let kind = line.pointer(&format!("{root}/type"));
        let kind = kind.and_then(Value::as_str).unwrap_or_default();
        for (place, change) in IN_MESSAGES {
            let class = format!("{what} {kind} {place}");
            places.push((class, format!("{root}{place}"), change));
        }
    }
    let outgoing = line.pointer("/state/config/outgoing");
    let outgoing = outgoing.and_then(Value::as_array);
    let joint = outgoing.is_some_and(|list| !list.is_empty());
    let place = "/state/config/auto_leave".to_owned();
    let when = if joint { "joint" } else { "simple" };
    places.push((format!("{cause} {when} {place}"), place, flip));
    if !joint {
        let place = "/state/config/learners_next".to_owned();
        places.push((format!("{cause} {when} {place}"), place, other_list));
    }
    let mut changed = Vec::new();
    for (class, place, change) in places {
        let mut line = line.clone();
        let Some(value) = line.pointer_mut(&place) else {
            continue;
        };
        if tried.insert(class.clone()) {
            change(value);
            changed.push((class, line));
        }
    }
    changed
}

/// What contradicts nothing before it is answered or arrives.
const SEEN_LATER: [&str; 2] = ["/reads/0/op", "/hash"];

/// What is said of traces of these lines, all judged together.
fn verdicts(name: &str, traces: &[Vec<Value>], options: &Options) -> Vec<Verdict> {
    let folder = std::env::temp_dir().join(format!("plimsoll-own-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut files = Vec::new();
    for (i, lines) in traces.iter().enumerate() {
        let file = folder.join(format!("{i}.ndjson"));
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&file, text).expect("a file");
        files.push(file);
    }
    let judged = replay::judge(&files, options);
    std::fs::remove_dir_all(&folder).expect("the folder");
    let verdict = |judged: replay::Judged| judged.result.expect("a trace");
    judged.into_iter().map(verdict).collect()
}

fn judged(name: &str, lines: &[Value], at: usize, class: &str, line: &Value) -> Result<(), String> {
    let file: PathBuf =
        std::env::temp_dir().join(format!("plimsoll-own-{}-{name}.ndjson", std::process::id()));
    let mut text = String::new();
    for (i, old) in lines.iter().enumerate() {
        let shown = if i == at { line } else { old };
        text += &format!("{shown}\n");
    }
    std::fs::write(&file, text).expect("a file");
    let judged = replay::judge(std::slice::from_ref(&file), &Options::default()).remove(0);
    std::fs::remove_file(&file).expect("the file");
    let expected = at as u64 + 1;
    let later = SEEN_LATER.iter().any(|place| class.ends_with(place));
    match judged.result {
        Ok(Verdict::Diverges(found, _)) if found.place.line == expected => Ok(()),
        Ok(Verdict::Diverges(found, _)) if later && found.place.line > expected => Ok(()),
        // What does not even fit together is no trace.
        Err(_) => Ok(()),
        Ok(Verdict::Diverges(found, _)) => Err(format!("diverges at line {}", found.place.line)),
        Ok(other) => Err(other.name().to_owned()),
    }
}

#[test]
fn a_run_with_one_field_changed_is_rejected_where_it_was_changed() {
    let (mut tried, mut wrong) = (BTreeSet::new(), Vec::new());
    for name in TRACES {
        let lines = lines(name);
        for (at, line) in lines.iter().enumerate().skip(1) {
            for (class, changed) in changes(line, &mut tried) {
                if let Err(found) = judged(name, &lines, at, &class, &changed) {
                    wrong.push(format!("{name} line {}: {class}: {found}", at + 1));
                }
            }
        }
    }
    assert!(tried.len() > 250, "only {} classes", tried.len());
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        tried.len(),
        wrong.join("\n")
    );
}

const KINDS: [&str; 12] = [
    "request-vote",
    "vote",
    "request-pre-vote",
    "pre-vote",
    "append",
    "append-ack",
    "heartbeat",
    "heartbeat-ack",
    "snapshot",
    "timeout-now",
    "read-request",
    "read-index",
];

/// `lines` without what is sent in those at `gaps`, as an emitter that does not
/// always record it, or claims to.
fn unlogged(lines: &[Value], gaps: &[usize], claimed: bool) -> Vec<Value> {
    let mut lines = lines.to_vec();
    for at in gaps {
        let line = lines[*at].as_object_mut().expect("a line");
        line.remove("send");
    }
    let fields = lines[0]["complete"]["fields"].as_array_mut();
    fields
        .expect("fields")
        .retain(|field| claimed || field != "send");
    lines
}

/// Where a message of `kind` is sent that arrives.
fn sends(lines: &[Value], kind: &str) -> Vec<usize> {
    let arrives = |line: &Value| line["cause"]["receive"]["id"].as_str().map(str::to_owned);
    let arrived: BTreeSet<String> = lines.iter().filter_map(arrives).collect();
    let sends = |line: &&Value| {
        let sent = line["send"].as_array();
        sent.into_iter().flatten().any(|message| {
            let id = message["id"].as_str().expect("an id");
            message["type"] == kind && arrived.contains(id)
        })
    };
    let places = lines.iter().enumerate();
    places.filter(|(_, l)| sends(l)).map(|(at, _)| at).collect()
}

#[test]
fn what_was_sent_may_be_left_out_where_it_is_not_declared_complete() {
    let (mut wrong, mut kinds) = (Vec::new(), BTreeSet::new());
    for name in ["six-all-features", "six-queued-writes-all-features"] {
        let lines = lines(name);
        let options = Options::default();
        for kind in KINDS {
            let all = sends(&lines, kind);
            let some = all.iter().take(6).map(|at| vec![*at]);
            let gaps: Vec<_> = some.chain([all.clone()]).collect();
            let gaps: Vec<_> = gaps.iter().filter(|gaps| !gaps.is_empty()).collect();
            if !gaps.is_empty() {
                kinds.insert(kind);
            }
            let of = |claimed: bool| {
                let without = gaps.iter().map(|gaps| unlogged(&lines, gaps, claimed));
                verdicts(name, &without.collect::<Vec<_>>(), &options)
            };
            let (open, claimed) = (of(false), of(true));
            for ((gaps, open), claimed) in gaps.iter().zip(open).zip(claimed) {
                match open {
                    Verdict::Conforms(_) => {}
                    Verdict::Inconclusive(stopped, _) if stopped.ground == Ground::UnloggedSend => {
                    }
                    other => wrong.push(format!("{name}: {kind}, at {gaps:?}: {other:?}")),
                }
                if !matches!(claimed, Verdict::Diverges(..)) {
                    let found = claimed.name();
                    wrong.push(format!("{name}: {kind}, at {gaps:?}, claimed: {found}"));
                }
            }
        }
    }
    assert_eq!(kinds.len(), KINDS.len(), "only {kinds:?}");
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// `lines` with every operation named `from` called `to`.
fn renamed(lines: &[Value], from: &str, to: &str) -> Vec<Value> {
    fn rename(value: &mut Value, from: &str, to: &str) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if name == "op" && value == from {
                        *value = json!(to);
                    }
                    rename(value, from, to);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
            _ => {}
        }
    }
    let mut lines = lines.to_vec();
    lines.iter_mut().for_each(|line| rename(line, from, to));
    lines
}

#[test]
fn a_read_that_is_asked_again_is_a_new_one_of_its_name() {
    let mut wrong = Vec::new();
    for name in [
        "three-crashes",
        "four-follower-reads",
        "six-all-features",
        "six-queued-writes-all-features",
    ] {
        let lines = lines(name);
        let asked = lines.iter().map(|line| &line["cause"]["read"]["op"]);
        let asked: Vec<&str> = asked.filter_map(Value::as_str).collect();
        let pairs: Vec<_> = asked.windows(2).filter(|pair| pair[0] != pair[1]).collect();
        assert!(pairs.len() > 1, "{name}: {} reads", asked.len());
        let options = Options::default();
        for pairs in pairs[..pairs.len().min(25)].chunks(5) {
            let (mut legal, mut illegal) = (Vec::new(), Vec::new());
            for pair in pairs {
                let again = renamed(&lines, pair[1], pair[0]);
                let answers = |line: &Value| line["ack"][0]["op"] == pair[1];
                if let Some(at) = lines.iter().position(answers) {
                    let mut late = again.clone();
                    add(&mut late[at]["ack"][0]["index"]);
                    illegal.push(late);
                }
                legal.push(again);
            }
            for (pair, verdict) in pairs.iter().zip(verdicts(name, &legal, &options)) {
                if !matches!(verdict, Verdict::Conforms(_)) {
                    wrong.push(format!("{name}, {pair:?}: {verdict:?}"));
                }
            }
            for verdict in verdicts(name, &illegal, &options) {
                if !matches!(verdict, Verdict::Diverges(..)) {
                    wrong.push(format!("{name}, answered late: {}", verdict.name()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// A node alone that leads and has committed up to index 2, with a read of r1
/// begun there, and then `more`: what each line shows beside its place.
fn alone(more: &[Value]) -> Vec<Value> {
    let header = json!({"plimsoll_trace": 2, "emitter": "by hand", "nodes": ["n1"],
        "config": {"voters": ["n1"]}, "settings": "paper", "storage": "sync",
        "durability": "atomic", "order": "file", "complete": {
            "causes": ["start", "campaign", "tick", "receive", "write", "read", "apply",
                "change", "transfer", "compact", "check-quorum"],
            "fields": ["state.term", "state.vote", "state.role", "state.commit", "state.last",
                "append", "send", "reads", "ack"]}});
    let last = |index: u64, term: u64| json!({"index": index, "term": term});
    let mut lines = vec![
        json!({"cause": {"start": {}}, "state": {"term": 0, "vote": null, "role": "follower",
            "commit": 0, "last": last(0, 0)}}),
        json!({"cause": {"campaign": {}}, "state": {"term": 1, "vote": "n1", "role": "leader",
            "last": last(1, 1)}, "append": {"after": 0, "runs": [[1, 1]]}}),
        json!({"cause": {"write": {"op": "w1"}}, "state": {"commit": 2, "last": last(2, 1)},
            "append": {"after": 1, "runs": [[1, 1]]}}),
        json!({"cause": {"read": {"op": "r1"}}, "reads": [{"op": "r1", "index": 2}]}),
    ];
    lines.extend_from_slice(more);
    let (mut inc, mut seq) = (0, 0);
    for line in &mut lines {
        if !line["cause"]["start"].is_null() {
            (inc, seq) = (inc + 1, 0);
        }
        seq += 1;
        line["node"] = json!("n1");
        line["inc"] = json!(inc);
        line["seq"] = json!(seq);
    }
    lines.insert(0, header);
    lines
}

#[test]
fn each_asking_of_a_read_is_answered_at_its_own_index() {
    let last = |index: u64, term: u64| json!({"index": index, "term": term});
    let crash = [
        json!({"cause": {"start": {}}, "state": {"term": 1, "vote": "n1", "role": "follower",
            "commit": 0, "last": last(2, 1)}}),
        json!({"cause": {"campaign": {}}, "state": {"term": 2, "vote": "n1", "role": "leader",
            "last": last(3, 2)}, "append": {"after": 2, "runs": [[2, 1]]}}),
        json!({"cause": {"tick": {}}, "state": {"commit": 3}}),
    ];
    let write = [
        json!({"cause": {"write": {"op": "w2"}}, "state": {"commit": 3, "last": last(3, 1)},
            "append": {"after": 2, "runs": [[1, 1]]}}),
    ];
    let asked = json!({"cause": {"read": {"op": "r1"}}, "reads": [{"op": "r1", "index": 3}]});
    let begun =
        |index: u64| json!({"cause": {"tick": {}}, "reads": [{"op": "r1", "index": index}]});
    let ack = |index: u64| json!({"cause": {"tick": {}}, "ack": [{"op": "r1", "index": index}]});
    let run = |begin: &[Value], more: &[&Value]| {
        let more = more.iter().map(|line| (*line).clone());
        alone(&begin.iter().cloned().chain(more).collect::<Vec<_>>())
    };
    let legal = [
        run(&[], &[&ack(2)]),
        run(&[], &[&begun(2), &ack(2)]),
        run(&crash, &[&asked, &ack(3)]),
        run(&crash, &[&begun(3), &ack(3)]),
        run(&write, &[&asked, &ack(3)]),
        run(&write, &[&asked, &ack(2)]),
        run(&write, &[&asked, &ack(2), &ack(3)]),
        run(&write, &[&ack(2), &asked, &ack(3)]),
    ];
    let illegal = [
        run(&[], &[&ack(3)]),
        run(&[], &[&begun(9999)]),
        run(&[], &[&ack(2), &begun(9999)]),
        run(&crash[..1], &[&begun(2)]),
        run(&crash, &[&asked, &ack(4)]),
        run(&crash, &[&begun(2)]),
        run(&write, &[&asked, &ack(4)]),
        run(&write, &[&begun(9999)]),
    ];
    let options = Options::default();
    for (at, verdict) in verdicts("again", &legal, &options).iter().enumerate() {
        assert!(matches!(verdict, Verdict::Conforms(_)), "{at}: {verdict:?}");
    }
    for (at, verdict) in verdicts("wrong", &illegal, &options).iter().enumerate() {
        let name = verdict.name();
        assert!(matches!(verdict, Verdict::Diverges(..)), "{at}: {name}");
    }
}

/// A run of `count` nodes that boot, three of which vote.
fn boots(count: usize) -> Vec<Value> {
    let names: Vec<String> = (1..=count).map(|n| format!("n{n}")).collect();
    let header = json!({"plimsoll_trace": 2, "emitter": "by hand", "nodes": names,
        "config": {"voters": names[..3]}, "settings": "paper", "storage": "sync",
        "durability": "atomic"});
    let start = |name| json!({"node": name, "inc": 1, "seq": 1, "cause": {"start": {}}});
    let starts = names.iter().map(start);
    std::iter::once(header).chain(starts).collect()
}

#[test]
fn more_nodes_than_the_model_holds_are_unsupported() {
    let runs = [boots(64), boots(65), boots(70)];
    for count_faults in [false, true] {
        let options = Options {
            count_faults,
            ..Options::default()
        };
        match verdicts("nodes", &runs, &options).as_slice() {
            [
                Verdict::Conforms(_),
                Verdict::Inconclusive(one, _),
                Verdict::Inconclusive(other, _),
            ] => {
                assert_eq!(one.ground, Ground::Unsupported);
                assert_eq!(other.ground, Ground::Unsupported);
            }
            other => panic!("{other:?}"),
        }
    }
}
