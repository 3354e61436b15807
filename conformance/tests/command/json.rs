//! The JSON documents: the names in `docs/json-output.md` are the names that
//! the tool prints, no more and no less; and the same command prints the same.

use std::collections::BTreeSet;

use super::*;

/// Below these the names are data, or documented as a whole.
const WHOLE: [&str; 15] = [
    "goals[].scenario",
    "searches[].scenario",
    "presets[].scenario",
    "origin.scenario",
    "traces[].certificate.inputs",
    "traces[].certificate.nodes",
    "traces[].certificate.facts",
    "traces[].certificate.actions",
    "traces[].certificate.branches",
    "traces[].certificate.roles",
    "traces[].certificate.silent",
    "traces[].followed.kept",
    "histories[].certificate.operations",
    "histories[].certificate.algorithms",
    "histories[].certificate.dropped",
];

fn names(value: &Value, at: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if at.is_empty() {
                    name.clone()
                } else {
                    format!("{at}.{name}")
                };
                out.insert(path.clone());
                if !WHOLE.contains(&path.as_str()) {
                    names(value, &path, out);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                names(item, &format!("{at}[]"), out);
            }
        }
        _ => {}
    }
}

fn all_names(documents: &[Value]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for document in documents {
        names(document, "", &mut out);
    }
    out
}

/// The section of the page on a schema: the names in its table, its example.
fn documented(schema: &str) -> (BTreeSet<String>, Value) {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/json-output.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let title = format!("## `{schema}`");
    let section = page
        .split("\n## ")
        .find(|s| format!("## {s}").starts_with(&title));
    let section = section.unwrap_or_else(|| panic!("no section {title}"));
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows
        .filter_map(|row| row.split_once('`'))
        .map(|(name, _)| name.to_owned());
    let example = section
        .split("```json")
        .nth(1)
        .and_then(|s| s.split("```").next());
    let example = serde_json::from_str(example.expect("an example"));
    (names.collect(), example.expect("the example is JSON"))
}

fn agrees(schema: &str, documents: &[Value]) {
    let (told, example) = documented(schema);
    for document in documents {
        assert_eq!(document["schema"], schema);
    }
    assert_eq!(all_names(documents), told, "names of {schema}");
    let shown = all_names(&[example]);
    let unknown: Vec<_> = shown.difference(&told).collect();
    assert!(
        unknown.is_empty(),
        "the example of {schema} names {unknown:?}"
    );
}

#[test]
fn check_is_documented() {
    let holds = [&SMALL[..], &["--json"]].concat();
    let documents = [
        json(&holds),
        json(&["check", "--flaw", "A5", "--json"]),
        json(&[&SMALL[..], &["--simulate", "--walks", "5", "--json"]].concat()),
        json(&["check", "--preset", "paper-everything", "--json"]),
    ];
    agrees("plimsoll-check/1", &documents);
    assert_eq!(documents[0]["verdict"], "holds");
    assert_eq!(documents[0]["complete"], true);
    assert_eq!(documents[0]["properties"][0]["result"], "holds");
    assert_eq!(documents[1]["verdict"], "violated");
    assert_eq!(documents[1]["complete"], false);
    let broken = &documents[1]["properties"][0]["counterexample"];
    let actions = broken["actions"].as_array().map(Vec::len);
    assert_eq!(broken["depth"].as_u64(), actions.map(|n| n as u64));
}

#[test]
fn sums_are_those_of_the_searches() {
    let args = [
        "check",
        "--preset",
        "paper-election-five",
        "--preset",
        "flaw-own-vote-unrecorded",
    ];
    let document = json(&[&args[..], &["--json"]].concat());
    let searches = document["searches"].as_array().expect("searches");
    assert_eq!(searches.len(), 2);
    for name in ["distinct_states", "generated_states"] {
        let sum: u64 = searches
            .iter()
            .filter_map(|search| search[name].as_u64())
            .sum();
        assert_eq!(document[name].as_u64(), Some(sum), "{name}");
    }
}

#[test]
fn the_list_is_documented() {
    agrees("plimsoll-list/1", &[json(&["check", "--list", "--json"])]);
}

#[test]
fn liveness_is_documented() {
    let check = |args: &[&str]| json(&[&["check", "--json", "--liveness"], args].concat());
    let documents = [
        check(&["recoverability", "--flaw", "A10", "--goal", "elects"]),
        check(&["lassos", "--flaw", "B28", "--goal", "catches-up"]),
    ];
    agrees("plimsoll-liveness/1", &documents);
    let (_, example) = documented("plimsoll-liveness/1");
    let (shown, found) = (&example["goals"][0], &documents[0]["goals"][0]);
    for name in [
        "states", "depth", "end", "verdict", "goal", "preset", "flaw",
    ] {
        assert_eq!(shown[name], found[name], "{name} in the example");
    }
    for name in ["starts", "judged", "recoverable", "violating"] {
        let (shown, found) = (&shown["recoverability"], &found["recoverability"]);
        assert_eq!(shown[name], found[name], "{name} in the example");
    }
    for document in &documents {
        let violation = &document["goals"][0]["violation"];
        assert_eq!(violation["confirmed"], true);
        let actions = violation["actions"].as_array().map(Vec::len);
        assert_eq!(violation["depth"].as_u64(), actions.map(|n| n as u64));
    }
    let fairness = documents[1]["goals"][0]["violation"]["fairness"].as_array();
    let kept = |fair: &Value| fair["taken"].is_u64() != fair["disabled"].is_u64();
    assert!(fairness.is_some_and(|all| !all.is_empty() && all.iter().all(kept)));
}

#[test]
fn flaws_are_documented() {
    let proved = json(&["flaws", "--prove", "A5", "own-vote-unrecorded", "--json"]);
    agrees(
        "plimsoll-flaws/1",
        &[json(&["flaws", "--json"]), proved.clone()],
    );
    assert_eq!(
        proved["flaws"].as_array().map(Vec::len),
        Some(1),
        "named twice, proved once"
    );
    let (flaw, (_, example)) = (&proved["flaws"][0], documented("plimsoll-flaws/1"));
    for (name, value) in example["flaws"][0].as_object().expect("an example") {
        if name != "seconds" {
            assert_eq!(&flaw[name], value, "{name} in the example");
        }
    }
}

#[test]
fn bench_replay_is_documented() {
    let trace = corpus("g02-three-happy.ndjson.gz");
    let document = json(&[
        "bench", "replay", &trace, "--split", "--runs", "1", "--json",
    ]);
    agrees("plimsoll-bench-replay/1", std::slice::from_ref(&document));
    let rows = document["rows"].as_array().expect("rows");
    let forms = rows
        .iter()
        .map(|row| (row["form"].as_str(), row["median"]["events"].as_u64()));
    let forms: Vec<_> = forms
        .map(|(form, events)| (form.expect("a form"), events))
        .collect();
    let all = Some(1007);
    let expected = [
        ("one file", Some(1000)),
        ("a file a node", Some(1000)),
        ("one file", all),
        ("compressed", all),
        ("a file a node", all),
    ];
    assert_eq!(forms, expected);
}

#[test]
fn linearize_is_documented() {
    let folder = scratch("linearize");
    let (torn, other) = (folder.join("torn.jsonl"), folder.join("mixed"));
    std::fs::write(&torn, "{\"client\":1,\"type\":\"ok\",\"op\":\"get\",\"k").expect("written");
    std::fs::create_dir_all(&other).expect("a folder");
    std::fs::write(other.join("README.md"), "no history\n").expect("written");
    std::fs::write(other.join("x.log"), "0 :invoke :read nil\n").expect("written");
    let (torn, other) = (
        torn.to_str().expect("a path"),
        other.to_str().expect("a path"),
    );
    let (stale, back) = (history("stale-read.jsonl"), history("read-goes-back.jsonl"));
    let (good, empty) = (history("transactions.jsonl"), history("empty.log"));
    let document = json(&[
        "linearize",
        &stale,
        &good,
        &empty,
        torn,
        other,
        &back,
        "--json",
    ]);
    agrees("plimsoll-linearize/1", std::slice::from_ref(&document));
    let histories = document["histories"].as_array().expect("histories");
    let verdicts: Vec<_> = histories.iter().map(|h| h["verdict"].as_str()).collect();
    let expected = [
        "not-linearizable",
        "linearizable",
        "inconclusive",
        "unreadable",
        "linearizable",
        "not-linearizable",
    ];
    assert_eq!(verdicts, expected.map(Some));
    assert_eq!(document["verdict"], "violated");
    assert_eq!(document["others"].as_array().map(Vec::len), Some(1));
    assert_eq!(histories[3]["line"], 1);
    assert_eq!(histories[2]["grounds"][0], "empty");
    let (_, example) = documented("plimsoll-linearize/1");
    let (shown, told) = (&example["histories"][0], &histories[0]);
    for name in ["verdict", "format", "model", "operations", "algorithm"] {
        assert_eq!(told[name], shown[name], "{name} in the example");
    }
    let shown = &shown["conflict"]["operations"][0];
    assert_eq!(&told["conflict"]["operations"][0], shown, "in the example");
}

#[test]
fn bench_linearize_is_documented() {
    let folder = history("");
    let document = json(&["bench", "linearize", &folder, "--runs", "1", "--json"]);
    agrees(
        "plimsoll-bench-linearize/1",
        std::slice::from_ref(&document),
    );
    let quick = json(&["bench", "linearize", "--quick", "--runs", "1", "--json"]);
    let rows = quick["rows"].as_array().expect("rows");
    let verdicts: Vec<_> = rows.iter().map(|row| row["verdict"].as_str()).collect();
    let both = ["linearizable", "not-linearizable"].map(Some);
    assert_eq!(verdicts, [both, both].concat());
}

#[test]
fn coverage_is_documented() {
    let traces = [
        "g02-three-happy.ndjson.gz",
        "g18-snapshot-compaction.ndjson.zst",
    ]
    .map(corpus);
    let page = scratch("coverage").join("coverage.html");
    let page = page.to_str().expect("a path");
    let flags = ["replay", "--coverage", "--json", "--html", page];
    let document = json(&[&flags[..], &[&traces[0], &traces[1]]].concat());
    agrees("plimsoll-coverage/1", std::slice::from_ref(&document));
    let items = document["items"].as_array().expect("items");
    let standing = |name: &str| {
        let item = items.iter().find(|item| item["name"] == name);
        item.map(|item| item["standing"].clone()).expect(name)
    };
    assert_eq!(standing("snapshot-installed"), "exercised");
    assert_eq!(standing("quorum-lost"), "hole");
    assert_eq!(standing("snapshot-retained"), "other-dialect");
    let page = std::fs::read_to_string(page).expect("the page");
    assert!(
        page.contains("quorum-lost") && !page.contains("http"),
        "{page}"
    );
}

#[test]
fn replay_is_documented() {
    let (good, bad, outside) = (
        corpus("g02-three-happy.ndjson.gz"),
        corpus("m15-ack-off-by-one-strong.ndjson"),
        corpus("g04-single-crash-restart-second-boot.ndjson.zst"),
    );
    let document = json(&["replay", &good, &bad, &outside, "--json"]);
    let left = scratch("json").join("left.ndjson");
    let left = left.to_str().expect("a path");
    let reduced = json(&["replay", &bad, "--reduce", left, "--json"]);
    let input = std::fs::read(corpus("m15-ack-off-by-one-strong.ndjson")).expect("a trace");
    let mut follow = plimsoll("json");
    follow.args(["replay", "--follow", "-", "--json"]);
    let followed = follow.write_stdin(input).output().expect("it runs");
    let followed = serde_json::from_str(&stdout(&followed)).expect("JSON");
    let documents = [document.clone(), reduced.clone(), followed];
    agrees("plimsoll-replay/1", &documents);
    assert_eq!(reduced["traces"][0]["reduced"]["minimal"], true);
    let verdicts = document["traces"].as_array().expect("traces").iter();
    let verdicts: Vec<_> = verdicts
        .filter_map(|trace| trace["verdict"].as_str())
        .collect();
    assert_eq!(verdicts, ["conforms", "diverges", "inconclusive"]);
    let (conforms, diverges) = (&document["traces"][0], &document["traces"][1]);
    assert_eq!(conforms["events"], conforms["consumed"]);
    assert_eq!(
        diverges["line"].as_u64(),
        diverges["event"].as_u64().map(|event| event + 1)
    );
}

#[test]
fn a_timeline_is_documented() {
    let folder = scratch("json");
    let saved = |flaw: &str, property: &str| -> Value {
        let document = json(&["check", "--flaw", flaw, "--property", property, "--json"]);
        let properties = document["properties"].as_array().expect("properties");
        let path = properties
            .iter()
            .find_map(|p| p["counterexample"]["timeline"].as_str());
        let text = std::fs::read_to_string(folder.join(path.expect("a path"))).expect("saved");
        serde_json::from_str(&text).expect("JSON")
    };
    agrees("plimsoll-timeline/1", &[saved("A5", "election-safety")]);
}

/// Nothing is searched in no time: that is inconclusive, and the document has
/// all its names.
#[test]
fn verify_is_documented() {
    let document = json(&["verify", "--time", "0s", "--json"]);
    assert_eq!(document["schema"], "plimsoll-verify/1");
    assert_ne!(document["verdict"], "holds");
    let parts = ["properties[]", "searches[]", "flaws[]"];
    let own = |names: BTreeSet<String>| -> BTreeSet<String> {
        let own = names.into_iter();
        own.filter(|name| !parts.iter().any(|part| name.starts_with(part)))
            .collect()
    };
    let (told, example) = documented("plimsoll-verify/1");
    assert_eq!(own(all_names(std::slice::from_ref(&document))), told);
    assert!(all_names(&[example]).is_subset(&told));
    for part in ["properties", "searches", "flaws", "traces"] {
        assert!(
            document[part]
                .as_array()
                .is_some_and(|items| items.len() > 10),
            "{part}"
        );
    }
}

#[test]
fn the_same_command_prints_the_same() {
    for args in [
        &["check", "--flaw", "A2", "--json"][..],
        &[
            "check",
            "--flaw",
            "A5",
            "--engine",
            "stateright-dfs",
            "--json",
        ],
        &["flaws", "--prove", "A2", "--json"],
    ] {
        let twice = [json(args), json(args)].map(comparable);
        assert_eq!(twice[0].to_string(), twice[1].to_string(), "{args:?}");
    }
    let list = || run("json", &["check", "--list"]).stdout;
    assert_eq!(list(), list());
}

#[test]
fn a_seed_decides_random_walks() {
    for engine in ["simulate", "stateright-simulation"] {
        let walk = |seed: &str| {
            let args = ["check", "--flaw", "A1", "--engine", engine, "--seed", seed];
            comparable(json(&[&args[..], &["--json"]].concat()))
        };
        let seven = walk("7");
        assert_eq!(seven, walk("7"), "{engine}");
        assert_eq!(seven["searches"][0]["seed"], 7);
        assert_ne!(seven, walk("8"), "{engine}");
    }
}
