//! The command as a user runs it: exit codes, JSON, golden texts, the same
//! bytes twice.

#[path = "command/codes.rs"]
mod codes;
#[path = "command/golden.rs"]
mod golden;
#[path = "command/inputs.rs"]
mod inputs;
#[path = "command/json.rs"]
mod json;
#[path = "command/resume.rs"]
mod resume;
#[path = "command/search.rs"]
mod search;
#[path = "command/stories.rs"]
mod stories;

use std::path::PathBuf;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

/// The command, in a folder of its own under the target folder.
fn plimsoll(folder: &str) -> Command {
    let mut command = Command::cargo_bin("plimsoll").expect("the command is built");
    command.current_dir(scratch(folder));
    command
}

/// A folder for what a test writes.
fn scratch(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

/// A trace of the corpus.
fn corpus(name: &str) -> String {
    format!(
        "{}/../traces/corpus/etcd-raft/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// A history of the corpus.
fn history(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../traces/histories");
    format!("{folder}/{name}")
}

fn run(folder: &str, args: &[&str]) -> Output {
    plimsoll(folder).args(args).output().expect("it runs")
}

fn code(args: &[&str]) -> i32 {
    let output = run("codes", args);
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("{args:?} was killed"))
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn json(args: &[&str]) -> Value {
    let output = run("json", args);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{args:?}: {error}: {}", stdout(&output)))
}

/// The document without what depends on the machine and on its load: times,
/// memory, threads. Nothing else does.
fn comparable(mut value: Value) -> Value {
    const LOOSE: [&str; 4] = ["seconds", "threads", "peak_memory_bytes", "table_bytes"];
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| !LOOSE.contains(&name.as_str()));
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut value);
    value
}

/// A check of the yardstick: servers, values, terms, log, messages, copies.
fn yardstick(bounds: [&'static str; 6]) -> Vec<&'static str> {
    let names = [
        "--servers",
        "--values",
        "--max-term",
        "--max-log",
        "--max-messages",
        "--max-copies",
    ];
    let mut args = vec!["check", "--model", "yardstick"];
    args.extend(
        names
            .iter()
            .zip(bounds)
            .flat_map(|(&name, value)| [name, value]),
    );
    args
}

/// A search of a fraction of a second that holds.
const SMALL: [&str; 9] = [
    "check",
    "--set",
    "max-term=1",
    "--set",
    "appends=0",
    "--set",
    "writes=0",
    "--property",
    "election-safety",
];
