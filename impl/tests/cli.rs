//! The command `plimsoll-raft`: what it writes, and how it fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll-raft"))
        .args(arguments)
        .output()
        .expect("the command runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// An empty directory of this test's own.
fn directory(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _none_yet = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a directory");
    path
}

const FAULTS: &str = "--nodes 3 --steps 1500 --drop 0.05 --duplicate 0.05 --reorder \
                      --partitions 0.2 --one-way --crashes 0.5 --seed 11";

fn with_faults(more: &[&str]) -> Output {
    let mut arguments = vec!["sim"];
    arguments.extend(FAULTS.split_whitespace());
    arguments.extend(more);
    run(&arguments)
}

#[test]
fn a_run_writes_its_trace_and_history_and_sums_itself_up() {
    let directory = directory("whole");
    let path = |name| directory.join(name).display().to_string();
    let output = with_faults(&["--trace", &path("t"), "--history", &path("h")]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("steps      1500 in "));
    assert!(stdout(&output).contains("again      plimsoll-raft sim --seed 11 --nodes 3"));
    let trace = fs::read_to_string(path("t")).expect("a trace");
    assert_eq!(trace.lines().count(), 1501);
    assert!(trace.starts_with("{\"plimsoll_trace\":2,"));
    let history = fs::read_to_string(path("h")).expect("a history");
    let first = history.lines().next().expect("a line");
    for field in [
        "{\"client\":",
        ",\"ev\":",
        ",\"id\":\"",
        ",\"key\":\"k",
        ",\"node\":",
        ",\"op\":\"",
        ",\"t\":",
        ",\"type\":\"invoke\"",
        ",\"value\":\"",
    ] {
        assert!(first.contains(field), "{field} in {first}");
    }
}

#[test]
fn a_run_writes_the_same_bytes_twice() {
    let directory = directory("twice");
    let path = |name| directory.join(name).display().to_string();
    for pair in [["t1", "h1"], ["t2", "h2"]] {
        let [trace, history] = pair.map(path);
        let output = with_faults(&["--trace", &trace, "--history", &history]);
        assert_eq!(output.status.code(), Some(0));
    }
    let bytes = |name| fs::read(path(name)).expect("a file");
    assert_eq!(bytes("t1"), bytes("t2"));
    assert_eq!(bytes("h1"), bytes("h2"));
}

#[test]
fn the_files_of_the_nodes_are_the_one_file_apart() {
    let directory = directory("apart");
    let one = directory.join("t").display().to_string();
    let apart = directory.join("nodes");
    with_faults(&["--trace", &one]);
    let output = with_faults(&["--per-node", &apart.display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let one = fs::read_to_string(&one).expect("a trace");
    let header = one.lines().next().expect("a header");
    for node in ["n1", "n2", "n3"] {
        let own = fs::read_to_string(apart.join(format!("{node}.ndjson"))).expect("a trace");
        let begins = format!("{{\"node\":\"{node}\",");
        let expected =
            std::iter::once(header).chain(one.lines().filter(|l| l.starts_with(&begins)));
        assert!(own.lines().eq(expected), "{node}");
        assert!(own.lines().count() > 100);
    }
}

#[test]
fn the_summary_is_one_document_too() {
    let output = with_faults(&["--json"]);
    let document: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("a JSON document");
    assert_eq!(document["schema"], "plimsoll-raft-sim/1");
    assert_eq!(document["steps"], 1500);
    for count in [
        "elections_won",
        "committed",
        "crashes",
        "writes_ok",
        "reads_ok",
    ] {
        assert!(document[count].as_u64() > Some(0), "{count}");
    }
}

#[test]
fn bad_usage_is_told_and_ends_with_2() {
    for (arguments, message) in [
        (
            &["sim", "--drop", "2"][..],
            "error: --drop is a probability, between 0 and 1, and not 2\n",
        ),
        (
            &["sim", "--nodes", "0"],
            "error: --nodes must be between 1 and 99, and not 0\n",
        ),
        (
            &["sim", "--heartbeat-interval", "10"],
            "error: a heartbeat every 10 ticks does not keep an election timeout of 10 ticks away\n",
        ),
        (
            &["sim", "--append-entries-max", "0"],
            "error: append_entries_max must be at least 1\n",
        ),
        (
            &["sim", "--flaw", "two-changes"],
            "error: --flaw two-changes needs --changes: without it there is nothing to break\n",
        ),
        (
            &["sim", "--changes", "0.1", "--flaw", "counts-learners"],
            "error: --flaw counts-learners needs --learners: without it there is nothing to break\n",
        ),
        (
            &["sim", "--flaw", "ack-before-write"],
            "error: --flaw ack-before-write needs --async-storage: without it there is nothing to break\n",
        ),
        (
            &["sim", "--trace", "/nowhere/t"],
            "error: cannot write /nowhere/t: No such file or directory (os error 2)\n",
        ),
        (
            &["sim", "--history", "/nowhere/h"],
            "error: cannot write /nowhere/h: No such file or directory (os error 2)\n",
        ),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stderr(&output), message, "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
    for arguments in [
        &["sim", "--seed", "x"][..],
        &["sim", "--no-such-option"],
        &["sim", "--trace", "a", "--per-node", "b"],
        &["no-such-command"],
        &[],
    ] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_and_ends_with_2() {
    for option in ["--trace", "--history"] {
        let output = with_faults(&[option, "/dev/full"]);
        assert_eq!(output.status.code(), Some(2), "{option}");
        let told = stderr(&output);
        assert!(told.contains("No space left on device"), "{told}");
    }
}
