//! What a trace that leaves something out still shows: `docs/instrument.md` has
//! the table, and this writes and holds it.
//!
//! From every trace of the implementation one thing is taken, and from the
//! header's declaration of what is complete. Runs that conform must still
//! conform, or be inconclusive: what is left out never makes a correct run wrong.
//! How many of the runs with a planted bug are still rejected is the price.

use std::path::{Path, PathBuf};

use plimsoll::replay::{self, Options};
use plimsoll::verdict::Verdict;
use plimsoll_trace::Lines;
use serde_json::Value;

/// What is left out: its name, and how it is taken from a line.
struct Left {
    name: &'static str,
    field: fn(&mut Value),
    /// The names that the header must no longer declare.
    declared: &'static [&'static str],
}

fn from_state(line: &mut Value, name: &str) {
    if let Some(state) = line.get_mut("state").and_then(Value::as_object_mut) {
        state.remove(name);
    }
}

fn from_line(line: &mut Value, name: &str) {
    if let Some(line) = line.as_object_mut() {
        line.remove(name);
    }
}

/// Every message of a line, sent or received.
fn messages(line: &mut Value, each: fn(&mut Value)) {
    if let Some(received) = line.pointer_mut("/cause/receive") {
        each(received);
    }
    if let Some(sent) = line.get_mut("send").and_then(Value::as_array_mut) {
        sent.iter_mut().for_each(each);
    }
}

const LEFT: [Left; 15] = [
    Left {
        name: "nothing",
        field: |_| {},
        declared: &[],
    },
    Left {
        name: "`state.term`",
        field: |line| from_state(line, "term"),
        declared: &["state.term"],
    },
    Left {
        name: "`state.vote`",
        field: |line| from_state(line, "vote"),
        declared: &["state.vote"],
    },
    Left {
        name: "`state.role`",
        field: |line| from_state(line, "role"),
        declared: &["state.role"],
    },
    Left {
        name: "`state.leader`",
        field: |line| from_state(line, "leader"),
        declared: &["state.leader"],
    },
    Left {
        name: "`state.commit`",
        field: |line| from_state(line, "commit"),
        declared: &["state.commit"],
    },
    Left {
        name: "`state.applied`",
        field: |line| from_state(line, "applied"),
        declared: &["state.applied"],
    },
    Left {
        name: "`state.last`",
        field: |line| from_state(line, "last"),
        declared: &["state.last"],
    },
    Left {
        name: "`state.config`",
        field: |line| from_state(line, "config"),
        declared: &["state.config"],
    },
    Left {
        name: "`durable`",
        field: |line| from_line(line, "durable"),
        declared: &[
            "durable.term",
            "durable.vote",
            "durable.commit",
            "durable.last",
        ],
    },
    Left {
        name: "`append`",
        field: |line| from_line(line, "append"),
        declared: &["append"],
    },
    Left {
        name: "`send`",
        field: |line| from_line(line, "send"),
        declared: &["send"],
    },
    Left {
        name: "`ack`",
        field: |line| from_line(line, "ack"),
        declared: &["ack"],
    },
    Left {
        name: "message `id`",
        field: |line| {
            messages(line, |message| {
                if let Some(message) = message.as_object_mut() {
                    message.remove("id");
                }
            });
        },
        declared: &[],
    },
    Left {
        name: "the declaration of causes",
        field: |_| {},
        declared: &[
            "start",
            "campaign",
            "tick",
            "receive",
            "write",
            "read",
            "persisted",
            "apply",
            "change",
            "transfer",
            "compact",
            "check-quorum",
        ],
    },
];

fn undeclare(header: &mut Value, names: &[&str]) {
    for list in ["/complete/causes", "/complete/fields"] {
        if let Some(list) = header.pointer_mut(list).and_then(Value::as_array_mut) {
            list.retain(|name| name.as_str().is_none_or(|name| !names.contains(&name)));
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The lines of a trace without what is left out.
fn without(trace: &Path, left: &Left) -> String {
    let mut lines = Lines::open(trace).expect("a trace");
    let mut text = String::new();
    while let Some(line) = lines.next_line().expect("a line") {
        let mut value: Value = serde_json::from_slice(line.bytes).expect("JSON");
        match line.number {
            1 => undeclare(&mut value, left.declared),
            _ => (left.field)(&mut value),
        }
        text += &format!("{value}\n");
    }
    text
}

#[test]
fn the_table_says_what_leaving_out_costs() {
    let folder = std::env::temp_dir().join(format!("plimsoll-instrument-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let corpus = std::fs::read_dir(root().join("traces/corpus/plimsoll")).expect("the corpus");
    let mut traces: Vec<PathBuf> = corpus.map(|entry| entry.expect("a file").path()).collect();
    traces.retain(|path| path.extension().is_some_and(|ending| ending == "gz"));
    traces.sort();
    let mut table = String::from(
        "| left out | correct runs: conform | inconclusive | wrong runs: rejected | inconclusive | conform |\n\
         |---|---:|---:|---:|---:|---:|\n",
    );
    for left in &LEFT {
        let mut counts = [[0u32; 3]; 2];
        for trace in &traces {
            let name = trace
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            // By hand or by a planted bug: the rest of the corpus is correct.
            let wrong = ["flawed-", "five-second-vote", "three-forgets-an-entry"];
            let wrong = wrong.iter().any(|begin| name.starts_with(begin));
            let path = folder.join(name.replace(".gz", ""));
            std::fs::write(&path, without(trace, left)).expect("written");
            let judged = replay::judge(std::slice::from_ref(&path), &Options::default());
            let verdict = judged[0].result.as_ref().expect("a verdict");
            let at = match verdict {
                Verdict::Conforms(_) => 0,
                Verdict::Diverges(found, _) => {
                    assert!(wrong, "{name} without {}: {found:?}", left.name);
                    1
                }
                Verdict::Inconclusive(..) => 2,
            };
            counts[usize::from(wrong)][at] += 1;
        }
        let [[conform, _, unknown], [missed, rejected, undecided]] = counts;
        table += &format!(
            "| {} | {conform} | {unknown} | {rejected} | {undecided} | {missed} |\n",
            left.name
        );
    }
    let _ = std::fs::remove_dir_all(&folder);
    hold(&table);
}

/// Holds the generated part of the page to `table`.
fn hold(table: &str) {
    let path = root().join("docs/instrument.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (begin, end) = (
        "<!-- generated: what leaving out costs -->\n",
        "<!-- end: what leaving out costs -->",
    );
    let (before, rest) = page.split_once(begin).expect("the beginning");
    let (found, after) = rest.split_once(end).expect("the end");
    if std::env::var_os("PLIMSOLL_UPDATE").is_some_and(|value| !value.is_empty() && value != "0") {
        std::fs::write(&path, format!("{before}{begin}{table}{end}{after}")).expect("written");
        return;
    }
    assert_eq!(found, table, "PLIMSOLL_UPDATE=1 writes it anew");
}
