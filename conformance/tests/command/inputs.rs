//! What a trace is read from, and what is said of one that is only a part.

use std::fs;
use std::process::Output;

use super::*;

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The trace as a file for each node, in a folder of its own.
fn split(name: &str, trace: &str) -> Vec<String> {
    let folder = scratch(name);
    let mut nodes: Vec<(String, String)> = Vec::new();
    for line in fs::read_to_string(trace).expect("the trace").lines() {
        let value: Value = serde_json::from_str(line).expect("JSON");
        let node = value["event"]["nid"].as_str().expect("a node").to_owned();
        let at = nodes.iter().position(|(known, _)| *known == node);
        let at = at.unwrap_or_else(|| {
            nodes.push((node, String::new()));
            nodes.len() - 1
        });
        nodes[at].1 += &format!("{line}\n");
    }
    let write = |(node, text): (String, String)| {
        let path = folder.join(format!("n{node}.ndjson"));
        fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    nodes.into_iter().map(write).collect()
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_nothing_of_it_is_lost() {
    let trace = corpus("m15-ack-off-by-one-strong.ndjson");
    for input in ["/dev/stdin", "-"] {
        let mut command = plimsoll("pipe");
        let output = command.args(["replay", input]).write_stdin("").output();
        let output = output.expect("the command runs");
        assert_eq!(output.status.code(), Some(2), "{input}");
        assert!(stderr(&output).contains("--follow"), "{}", stderr(&output));
    }
    // A file that is the standard input can be read as often as one wants.
    let file = fs::File::open(trace).expect("the trace");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    let output = command.args(["replay", "/dev/stdin"]).stdin(file).output();
    assert_eq!(output.expect("the command runs").status.code(), Some(1));
}

#[cfg(unix)]
#[test]
fn a_pipe_among_the_outputs_is_refused() {
    let trace = corpus("m15-ack-off-by-one-strong.ndjson");
    let files = split("pipe-parts", &trace);
    let out = scratch("pipe-out");
    let pipe = out.join("n2.ndjson");
    let _ = fs::remove_file(&pipe);
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()));
    let out = out.display().to_string();
    let mut args = vec!["replay", "--together", "--reduce", &out];
    args.extend(files.iter().map(String::as_str));
    let output = run("pipe-out-run", &args);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("it is a pipe"),
        "{}",
        stderr(&output)
    );
}

/// One node's file alone says that it may be one of several, and nobody is sent to
/// look again at what judged alone ends elsewhere.
#[test]
fn a_part_of_a_run_is_told_from_the_run() {
    let trace = corpus("m15-ack-off-by-one-strong.ndjson");
    let files = split("parts", &trace);
    let alone = run("parts-run", &["replay", &files[0]]);
    assert_eq!(alone.status.code(), Some(3));
    assert!(stdout(&alone).contains("--together"), "{alone:?}");
    let whole = stdout(&run("parts-run", &["replay", &trace]));
    assert!(!whole.contains("--together"), "{whole}");
    let words: Vec<&str> = whole.split_whitespace().collect();
    let explain = format!("plimsoll explain {trace} --line 64");
    assert!(words.join(" ").contains(&explain), "{whole}");
    let mut args = vec!["replay", "--together"];
    args.extend(files.iter().map(String::as_str));
    let together = stdout(&run("parts-run", &args));
    assert!(together.contains("with --out DIR"), "{together}");
    assert!(!together.contains("--line"), "{together}");
    // Alone it ends before the line that was asked for.
    let last = fs::read_to_string(&files[0])
        .expect("a file")
        .lines()
        .count();
    let last = last.to_string();
    let explained = run("parts-run", &["explain", &files[0], "--line", &last]);
    assert!(stderr(&explained).contains("is not reached"));
    let explained = run("parts-run", &["explain", &trace, "--line", "64"]);
    assert_eq!(stderr(&explained), "");
}
