//! Exit codes: 0 holds, 1 violated, 2 usage or input, 3 inconclusive.

use super::*;

fn with(extra: &[&'static str]) -> Vec<&'static str> {
    let mut args = SMALL.to_vec();
    args.extend_from_slice(extra);
    args
}

#[test]
fn what_holds_is_0() {
    assert_eq!(code(&SMALL), 0);
    assert_eq!(code(&["check", "--list"]), 0);
    assert_eq!(code(&["flaws"]), 0);
    assert_eq!(code(&["flaws", "--prove", "A5"]), 0);
    assert_eq!(code(&["replay", &corpus("g02-three-happy.ndjson.gz")]), 0);
    assert_eq!(code(&["--help"]), 0);
    assert_eq!(code(&["--version"]), 0);
}

/// The answer does not depend on how many traces are judged at once, and comes
/// in the order of the inputs.
#[test]
fn traces_are_judged_alike_on_any_number_of_threads() {
    let folder = format!("{}/../traces/corpus/plimsoll", env!("CARGO_MANIFEST_DIR"));
    let on = |threads: &str| stdout(&run("threads", &["replay", &folder, "--threads", threads]));
    let one = on("1");
    assert!(one.lines().count() > 20);
    assert_eq!(one, on("2"));
    assert_eq!(one, on("7"));
    // Of one trace the other threads parse the lines.
    let trace = format!("{folder}/five-everything.ndjson.gz");
    let on = |threads: &str| stdout(&run("threads", &["replay", &trace, "--threads", threads]));
    assert_eq!(on("1"), on("3"));
}

/// What is known of a trace is held against it.
#[test]
fn what_is_given_of_a_trace_counts() {
    let trace = corpus("g02-three-happy.ndjson.gz");
    for given in [
        &["--switch", "pre-vote=off"][..],
        &["--storage", "sync"],
        &["--storage", "async", "--switch", "check-quorum=off"],
    ] {
        assert_eq!(code(&[&["replay", &trace], given].concat()), 0, "{given:?}");
    }
    let asynchronous = corpus("g21-async-storage.ndjson.zst");
    assert_eq!(code(&["replay", &asynchronous]), 0);
    assert_eq!(code(&["replay", &asynchronous, "--storage", "sync"]), 1);
    assert_eq!(code(&["replay", &trace, "--switch", "pre-vote=maybe"]), 2);
    assert_eq!(code(&["replay", &trace, "--switch", "leases=on"]), 2);
    let both = ["--switch", "pre-vote=on", "--switch", "pre-vote=off"];
    assert_eq!(code(&[&["replay", &trace][..], &both].concat()), 2);
    // The header of a Plimsoll trace says it.
    let own = format!(
        "{}/../traces/corpus/plimsoll/five-members.ndjson.gz",
        env!("CARGO_MANIFEST_DIR")
    );
    assert_eq!(code(&["replay", &own, "--storage", "async"]), 2);
    assert_eq!(code(&["replay", &own, "--switch", "pre-vote=on"]), 2);
    assert_eq!(code(&["replay", "--together", &trace, &trace]), 2);
    assert_eq!(code(&["replay"]), 2);
    assert_eq!(code(&["replay", "--correspondence", "etcd-raft"]), 0);
    assert_eq!(code(&["replay", "--correspondence", "plimsoll", &trace]), 2);
}

#[test]
fn what_is_violated_is_1() {
    assert_eq!(code(&["check", "--flaw", "own-vote-unrecorded"]), 1);
    assert_eq!(code(&["check", "--flaw", "a5", "--fail-on", "violated"]), 1);
    assert_eq!(
        code(&["replay", &corpus("m15-ack-off-by-one-strong.ndjson")]),
        1
    );
}

#[test]
fn liveness_has_all_codes() {
    let code_of = |args: &[&'static str]| {
        let check = ["check", "--liveness"];
        code(&[&check[..], args].concat())
    };
    let small = [
        "recoverability",
        "--preset",
        "etcd-stored-liveness",
        "--goal",
        "elects",
    ];
    assert_eq!(code_of(&small), 0);
    assert_eq!(
        code_of(&[&small[..], &["--max-states", "1000"]].concat()),
        3
    );
    assert_eq!(code_of(&[&small[..], &["--spare-terms", "1"]].concat()), 3);
    assert_eq!(
        code_of(&["recoverability", "--flaw", "A10", "--goal", "elects"]),
        1
    );
}

#[test]
fn bad_usage_is_2() {
    for args in [
        &["check", "--preset", "no-such"][..],
        &["check", "--flaw", "no-such"],
        &["check", "--property", "no-such"],
        &["check", "--engine", "no-such"],
        &["check", "--set", "max-terms=3"],
        &["check", "--set", "max-term"],
        &["check", "--set", "servers=0"],
        &["check", "--set", "max-term=unbounded"],
        &["check", "--time", "soon"],
        &["check", "--memory", "much"],
        &["check", "--engine", "stateright-dfs", "--set", "servers=7"],
        &["check", "--symmetry", "--set", "servers=7"],
        &["check", "--liveness", "no-such"],
        &["check", "--liveness", "lassos", "--goal", "no-such"],
        &["check", "--liveness", "lassos", "--goal", "serves-read"],
        &["check", "--liveness", "lassos", "--spare-terms", "1"],
        &[
            "check",
            "--liveness",
            "lassos",
            "--preset",
            "paper-election",
        ],
        &["check", "--liveness", "recoverability", "--symmetry"],
        &[
            "check",
            "--liveness",
            "recoverability",
            "--model",
            "yardstick",
        ],
        &["check", "--goal", "elects"],
        &["flaws", "--prove", "no-such"],
        &["flaws", "--out", "x"],
        &["explore", "--address", "0.0.0.0:3000"],
        &["explore", "--address", "[::]:3000"],
        &["replay"],
        &["verify", "--jobs", "0"],
        &["no-such"],
        &[],
    ] {
        assert_eq!(code(args), 2, "{args:?}");
    }
}

/// A flag that changes nothing would let a user believe that it did.
#[test]
fn what_an_engine_does_not_heed_is_refused() {
    let bounds = yardstick(["2", "1", "2", "1", "1", "1"]);
    let out_of_range = [
        ["0", "1", "2", "1", "1", "1"],
        ["99", "1", "2", "1", "1", "1"],
        ["2", "0", "2", "1", "1", "1"],
        ["2", "1", "0", "1", "1", "1"],
        ["2", "1", "2", "99999", "1", "1"],
        ["2", "1", "2", "1", "99999", "1"],
        ["2", "1", "2", "1", "1", "-1"],
    ];
    let mut refused = vec![
        vec!["check", "--simulate", "--disk", "x"],
        vec!["check", "--simulate", "--disk-max", "1G"],
        vec!["check", "--simulate", "--symmetry"],
        vec!["check", "--simulate", "--max-states", "9"],
        vec!["check", "--simulate", "--memory", "1G"],
        vec!["check", "--simulate", "--bitstate"],
        vec!["check", "--simulate", "--engine", "exhaustive"],
        vec!["check", "--bitstate", "--disk", "x"],
        vec!["check", "--bitstate", "--fingerprint", "128"],
        vec!["check", "--walks", "9"],
        vec!["check", "--seed", "9"],
        vec!["check", "--engine", "stateright-bfs", "--symmetry"],
        vec!["check", "--engine", "stateright-bfs", "--threads", "2"],
        vec![
            "check",
            "--engine",
            "stateright-dfs",
            "--fingerprint",
            "128",
        ],
        vec!["check", "--threads", "0"],
        vec!["check", "--fingerprint", "96"],
        vec!["check", "--values", "1"],
        vec!["check", "--max-copies", "1"],
        vec!["check", "--servers", "0"],
        vec!["check", "--model", "yardstick"],
        bounds[..bounds.len() - 2].to_vec(),
    ];
    refused.extend(out_of_range.map(yardstick));
    for extra in [
        &["--preset", "paper-reads"][..],
        &["--set", "max-term=3"],
        &["--property", "log-matching"],
        &["--symmetry"],
        &["--simulate"],
    ] {
        refused.push([&bounds[..], extra].concat());
    }
    for args in refused {
        let output = run("refused", &args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(
            !error.is_empty() && !error.contains("panicked"),
            "{args:?}: {error}"
        );
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    assert!(!scratch("refused").join("x").exists());
}

#[test]
fn what_is_not_read_is_told_and_changes_no_verdict() {
    let folder = scratch("not-read");
    let name = "m15-ack-off-by-one-strong.ndjson";
    let trace = std::fs::read_to_string(corpus(name)).expect("a trace");
    std::fs::write(folder.join(name), trace + "junk\n").expect("written");
    std::fs::write(folder.join("notes.txt"), "no trace\n").expect("written");
    let output = run("not-read", &["replay", "."]);
    let (out, error) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(out.starts_with("DIVERGES"), "{out}");
    let says = |what: &str| assert!(error.contains(what), "{error}");
    says("1 file not read: the names of traces end in .ndjson");
    says("behind the verdict");
    says(&format!("{name}:68"));
}

#[test]
fn unreadable_input_is_2_and_says_where() {
    let folder = scratch("codes");
    std::fs::write(folder.join("bad.toml"), "servers = 3\nmax-terms = 4\n").expect("written");
    std::fs::write(
        folder.join("bad.timeline.json"),
        "{\"schema\": \"plimsoll-timeline/9\"",
    )
    .expect("written");
    std::fs::write(folder.join("bad.ndjson"), "no trace\n").expect("written");
    for (args, says) in [
        (&["check", "--bounds", "none.toml"][..], "none.toml"),
        (&["check", "--bounds", "bad.toml"], "bad.toml: line 2"),
        (&["explain", "none.json"], "none.json"),
        (
            &["explain", "bad.timeline.json"],
            "bad.timeline.json: not a timeline",
        ),
        (&["explain", "bad.ndjson"], "bad.ndjson"),
        (&["replay", "none.ndjson"], "none.ndjson"),
        (&["replay", "bad.ndjson"], "bad.ndjson"),
    ] {
        let output = run("codes", args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains(says), "{args:?}: {error}");
        assert!(!error.contains("panicked"), "{error}");
    }
}

#[test]
fn a_limit_makes_it_inconclusive() {
    assert_eq!(code(&with(&["--max-depth", "2"])), 3);
    assert_eq!(
        code(&with(&["--max-depth", "2", "--fail-on", "violated"])),
        0
    );
    // Limits that are looked at now and then: on a search that takes longer.
    let large = ["check", "--set", "max-term=3", "--set", "writes=3"];
    for engine in ["exhaustive", "stateright-bfs"] {
        for limit in [["--time", "0s"], ["--max-states", "1"]] {
            let args = [&large[..], &["--engine", engine], &limit].concat();
            assert_eq!(code(&args), 3, "{args:?}");
        }
    }
    // The exhaustive engine goes to disk instead.
    let memory = ["--engine", "stateright-bfs", "--memory", "1K"];
    assert_eq!(code(&[&large[..], &memory].concat()), 3);
    assert_eq!(code(&["flaws", "--prove", "A3", "--time", "0s"]), 3);
}

#[test]
fn random_walks_are_never_a_pass() {
    assert_eq!(code(&with(&["--simulate", "--walks", "20"])), 3);
    let theirs = ["--engine", "stateright-simulation", "--max-states", "200"];
    assert_eq!(code(&with(&theirs)), 3);
}

#[test]
fn a_property_without_evidence_is_no_pass() {
    let mut args = SMALL.to_vec();
    args.extend(["--property", "linearizable-reads"]);
    let output = run("codes", &args);
    assert_eq!(output.status.code(), Some(3));
    assert!(stdout(&output).contains("linearizable-reads never had anything to judge"));
}

#[test]
fn a_missed_witness_is_no_pass() {
    let args = [
        "check",
        "--preset",
        "paper-election-five",
        "--property",
        "election-safety",
    ];
    let tight = [&args[..], &["--set", "servers=3", "--set", "campaigns=0"]].concat();
    let output = run("codes", &tight);
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
    assert!(stdout(&output).contains("the witness leader-elected is missed"));
}

#[test]
fn a_trace_outside_the_model_is_inconclusive() {
    let trace = corpus("g04-single-crash-restart-second-boot.ndjson.zst");
    assert_eq!(code(&["replay", &trace]), 3);
    assert_eq!(code(&["replay", &trace, "--fail-on", "violated"]), 0);
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("plimsoll"))
        .args(["check", "--list"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// Ctrl-C ends a search as inconclusive, with what was covered.
#[cfg(unix)]
#[test]
fn an_interruption_keeps_what_was_covered() {
    let child = std::process::Command::new(assert_cmd::cargo::cargo_bin("plimsoll"))
        .args([
            "check",
            "--json",
            "--set",
            "max-term=4",
            "--set",
            "writes=3",
        ])
        .args(["--max-states", "3000000"])
        .current_dir(scratch("codes"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.is_ok_and(|status| status.success()));
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(3));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["searches"][0]["end"], "interrupted");
    assert!(document["distinct_states"].as_u64() > Some(0));
}
