//! What is told of a divergence beside its rule: the nearest legal events, which
//! are legal, what every node had agreed on before, which the lines show, and the
//! lines that facts come from.

use std::fs;
use std::path::{Path, PathBuf};

use plimsoll::replay::{self, Options, nearest};
use plimsoll::verdict::{Divergence, Nearest, Verdict};
use plimsoll_trace::Lines;
use serde_json::Value;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../traces/corpus")
        .join(name)
}

fn values(path: &Path) -> Vec<Value> {
    let mut reader = Lines::open(path).expect("the trace");
    let mut lines = Vec::new();
    while let Some(line) = reader.next_line().expect("a line") {
        lines.push(serde_json::from_slice(line.bytes).expect("JSON"));
    }
    lines
}

/// The divergence of a trace; `None` when there is none.
fn divergence(path: &Path) -> Option<Divergence> {
    let options = Options::default();
    let mut judged = replay::judge(&[path.to_path_buf()], &options).remove(0);
    nearest::add(&mut judged, &options);
    match judged.result.expect("it can be read") {
        Verdict::Diverges(found, _) => Some(*found),
        _ => None,
    }
}

const FLAWED: [&str; 9] = [
    "etcd-raft/m01-vote-twice-strong.ndjson.gz",
    "etcd-raft/m05-commit-older-term-by-count-strong.ndjson.zst",
    "etcd-raft/m08-append-without-prev-check-strong.ndjson.zst",
    "etcd-raft/m15-ack-off-by-one-strong.ndjson",
    "etcd-raft/m20-concurrent-conf-change-strong.ndjson.zst",
    "etcd-raft/m23-learner-campaigns-quiet.ndjson.zst",
    "etcd-raft/m28-acked-append-not-durable-quiet.ndjson.zst",
    "plimsoll/flawed-counts-removed.ndjson.gz",
    "plimsoll/flawed-two-changes.ndjson.gz",
];

/// Two halves of a cluster, each with a change of the configuration of its own:
/// every step is legal, and the run is not.
#[test]
fn what_is_wrong_only_with_the_whole_run_is_named_with_both_lines() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    for (name, rule, line, other) in [
        ("two-leaders", "election safety", 57, 47),
        ("two-entries-committed", "state-machine safety", 52, 41),
    ] {
        let found = divergence(&folder.join(format!("{name}.ndjson.gz"))).expect("it diverges");
        assert_eq!(found.rule.name, rule, "{name}: {found:#?}");
        assert_eq!(found.place.line, line, "{name}: {found:#?}");
        let lines: Vec<u64> = found.because.iter().map(|(place, _)| place.line).collect();
        assert!(lines.contains(&other), "{name}: {found:#?}");
        // The line itself is no reason for what is wrong with it.
        assert!(!lines.contains(&line), "{name}: {found:#?}");
    }
}

/// What looks like a legal restart, or like one node's part of a run, and is not.
#[test]
fn what_no_line_applied_or_answered_diverges() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    for (name, rule, line) in [
        (
            "configuration-never-applied",
            "a restart keeps its configuration",
            520,
        ),
        ("leads-before-others-boot", "a majority elects", 18),
    ] {
        let found = divergence(&folder.join(format!("{name}.ndjson.gz"))).expect("it diverges");
        assert_eq!((found.rule.name.as_str(), found.place.line), (rule, line));
    }
}

#[test]
fn the_nearest_legal_event_is_legal() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("blame");
    fs::create_dir_all(&folder).expect("a folder");
    let mut told = Vec::new();
    for name in FLAWED {
        let found = divergence(&corpus(name)).expect("it diverges");
        let lines = values(&corpus(name));
        let at = usize::try_from(found.place.line).expect("a line") - 1;
        for (i, nearest) in found.nearest.iter().enumerate() {
            let mut line = lines[at].clone();
            let path = nearest.field.replace(['.', '['], "/").replace(']', "");
            let start = if name.starts_with("etcd") {
                "/event/"
            } else {
                "/"
            };
            let field = line
                .pointer_mut(&format!("{start}{path}"))
                .expect("the field");
            assert_eq!(field.to_string(), nearest.shown, "{name} {nearest:?}");
            *field = serde_json::from_str(&nearest.legal).expect("JSON");
            let mut text = String::new();
            for (other, value) in lines.iter().enumerate().take(at + 1) {
                text += &if other == at { &line } else { value }.to_string();
                text.push('\n');
            }
            let path = folder.join(format!("{}-{i}.ndjson", name.replace('/', "-")));
            fs::write(&path, text).expect("written");
            assert_eq!(
                divergence(&path).map(|found| found.why),
                None,
                "{name} {nearest:?}"
            );
        }
        told.extend(found.nearest.first().map(|nearest| (name, nearest.clone())));
    }
    let is = |name: &str, field: &str, shown: &str, legal: &str| {
        let nearest = Nearest {
            field: field.to_owned(),
            shown: shown.to_owned(),
            legal: legal.to_owned(),
        };
        assert!(told.contains(&(name, nearest)), "{name}: {told:?}");
    };
    is(FLAWED[0], "msg.reject", "false", "true");
    is(FLAWED[1], "state.commit", "18", "15");
    is(FLAWED[3], "msg.index", "5", "4");
    is(FLAWED[6], "log", "15", "17");
    is(FLAWED[7], "state.commit", "34", "33");
}

#[test]
fn what_was_agreed_is_what_the_lines_show() {
    for name in FLAWED.iter().filter(|name| name.starts_with("plimsoll")) {
        let found = divergence(&corpus(name)).expect("it diverges");
        let lines = values(&corpus(name));
        assert!(found.agreed.len() >= 5, "{name}");
        for agreed in &found.agreed {
            assert!(agreed.place.line < found.place.line, "{name}");
            let step = &lines[usize::try_from(agreed.place.line).expect("a line") - 1];
            assert_eq!(step["node"], agreed.node.as_str(), "{name}");
            let state = &step["state"];
            assert_eq!(state["term"], agreed.term, "{name}");
            assert_eq!(state["commit"], agreed.commit, "{name}");
            assert_eq!(state["role"], agreed.role, "{name}");
            assert_eq!(state["vote"].as_str(), agreed.vote.as_deref(), "{name}");
            // No line of the node lies between.
            let until = usize::try_from(found.place.line).expect("a line") - 1;
            let after = usize::try_from(agreed.place.line).expect("a line");
            let mut between = lines[after..until].iter();
            assert!(
                between.all(|line| line["node"] != agreed.node.as_str()),
                "{name}"
            );
        }
    }
}

#[test]
fn facts_come_from_lines_of_the_node() {
    let found = divergence(&corpus(FLAWED[1])).expect("it diverges");
    let lines = values(&corpus(FLAWED[1]));
    let because: Vec<(u64, &str)> = found
        .because
        .iter()
        .map(|(place, what)| (place.line, what.as_str()))
        .collect();
    let expected = [
        (769, "n5 came to term 4"),
        (789, "n5 became leader"),
        (789, "the log of n5 came to end at 19@4"),
        (677, "n5 came to commit index 15"),
    ];
    assert_eq!(because, expected);
    for (line, _) in because {
        let line = &lines[usize::try_from(line).expect("a line") - 1];
        assert_eq!(line["event"]["nid"], "5");
    }
}

/// The same run, its nodes listed in another order and called otherwise.
#[test]
fn reasons_have_the_names_of_the_trace() {
    let name = FLAWED[8];
    let before = divergence(&corpus(name)).expect("it diverges");
    let mut lines = values(&corpus(name));
    let names = lines[0]["nodes"].as_array_mut().expect("nodes");
    names.rotate_left(1);
    let numbers: Vec<String> = (1..=names.len()).map(|n| format!("\"n{n}\"")).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("blame-names");
    fs::create_dir_all(&folder).expect("a folder");
    let written = |name: &str, rename: &dyn Fn(String) -> String| {
        let file = folder.join(name);
        let text: Vec<String> = lines.iter().map(|line| rename(line.to_string())).collect();
        fs::write(&file, text.join("\n") + "\n").expect("a file");
        divergence(&file).expect("it diverges")
    };
    // The order in which they are listed is nobody's business.
    let turned = written("turned.ndjson", &|line| line);
    assert_eq!(turned.reason(), before.reason());
    assert_eq!(
        format!("{:?}", turned.nearest),
        format!("{:?}", before.nearest)
    );
    // Called otherwise, they are called so in every word.
    let renamed = written("renamed.ndjson", &|line| {
        let rename = |line: String, number: &String| {
            line.replace(number.as_str(), &number.replace("\"n", "\"kafka-"))
        };
        numbers.iter().fold(line, rename)
    });
    let expected = numbers.iter().rev().fold(before.reason(), |text, number| {
        let number = number.trim_matches('"');
        text.replace(number, &number.replace('n', "kafka-"))
    });
    assert_eq!(renamed.reason(), expected);
    assert!(renamed.why.contains("kafka-"), "{}", renamed.why);
    for agreed in &renamed.agreed {
        assert!(agreed.node.starts_with("kafka-"), "{agreed:?}");
        let configuration = agreed.configuration.as_str();
        assert!(configuration == "{}" || configuration.contains("kafka-"));
    }
}
