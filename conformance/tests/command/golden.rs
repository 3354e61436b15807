//! What people read, held by golden files in `tests/golden/`. After a change
//! that is meant: `PLIMSOLL_BLESS=1 cargo test -p plimsoll --test command`, and
//! read the difference before it is accepted.

use super::*;
use std::path::Path;

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("PLIMSOLL_BLESS").is_some() {
        std::fs::write(&path, text).expect("the golden file is written");
    }
    let expected = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(text, expected, "{} differs", path.display());
}

/// Which of the shortest runs is found: here by the order of actions. What the
/// exhaustive engine shows depends on how states are packed, and is of no
/// interest to a test of how it reads.
const FIRST: [&str; 2] = ["--engine", "stateright-bfs"];

/// Plants `flaw`, searches to `property` and returns the saved timeline's path.
fn planted(flaw: &str, property: &str, engine: &[&str]) -> String {
    let folder = format!("golden-{flaw}{}", engine.len());
    let args = [
        "check",
        "--flaw",
        flaw,
        "--property",
        property,
        "--out",
        "out",
    ];
    let output = run(&folder, &[&args[..], engine].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let name = format!("out/flaw-{flaw}.{property}.timeline.json");
    let path = scratch(&folder).join(name);
    // The command that shows it again is longer than lines may be.
    let saved = std::fs::read_to_string(&path).expect("the saved timeline");
    let engine = format!(" {}", FIRST.join(" "));
    std::fs::write(&path, saved.replace(&engine, "")).expect("written");
    path.display().to_string()
}

fn explain(path: &str, extra: &[&str]) -> String {
    let output = run("golden", &[&["explain", path], extra].concat());
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    stdout(&output)
}

#[test]
fn figure_8_reads_as_it_should() {
    let path = planted("figure-8", "leader-completeness", &FIRST);
    let text = explain(&path, &[]);
    assert!(
        text.lines().all(|line| line.chars().count() <= 110),
        "{text}"
    );
    golden("figure-8.txt", &text);
}

#[test]
fn a_forgotten_vote_reads_as_it_should() {
    let path = planted("vote-forgotten-on-restart", "election-safety", &FIRST);
    golden("vote-forgotten-on-restart.txt", &explain(&path, &[]));
}

#[test]
fn four_servers_fit() {
    let path = planted("votes-counted-not-identified", "election-safety", &FIRST);
    let text = explain(&path, &[]);
    assert!(
        text.lines().all(|line| line.chars().count() <= 110),
        "{text}"
    );
    golden("votes-counted-not-identified.txt", &text);
}

#[test]
fn a_diagram_for_a_pull_request_is_mermaid() {
    let path = planted("no-up-to-date-check", "leader-completeness", &FIRST);
    let text = explain(&path, &["--format", "mermaid"]);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("sequenceDiagram"));
    for line in lines {
        let line = line
            .strip_prefix("    ")
            .unwrap_or_else(|| panic!("{line:?}"));
        let known = line.starts_with("title ")
            || line.starts_with("participant ")
            || line.starts_with("Note over ") && line.contains(": ")
            || line.contains("->>") && line.contains(": ");
        assert!(known, "{line:?}");
        let said = line.split_once(": ").map_or("", |(_, said)| said);
        assert!(
            !said
                .replace("#lt;", "")
                .replace("#gt;", "")
                .contains([';', '#']),
            "{line:?}"
        );
    }
    golden("no-up-to-date-check.mmd", &text);
}

#[test]
fn a_saved_timeline_comes_back_as_it_was() {
    let path = planted("read-before-quorum", "linearizable-reads", &[]);
    let saved = std::fs::read_to_string(&path).expect("the saved timeline");
    assert_eq!(explain(&path, &["--format", "json"]), saved);
}

/// The step that breaks the property, and the step in which the flaw acts, are
/// told in the diagram of every flaw.
#[test]
fn every_flaw_is_told_where_it_acts() {
    let document = json(&["flaws", "--json"]);
    for flaw in document["flaws"].as_array().expect("flaws") {
        let name = flaw["name"].as_str().expect("a name");
        let property = flaw["expected_property"].as_str().expect("a property");
        if property.contains('/') {
            // Shown by a check of liveness, in no single step.
            continue;
        }
        let text = explain(&planted(name, property, &[]), &[]);
        let flat: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
        assert!(flat.contains("THEFLAW"), "{name}:\n{text}");
        assert!(
            text.contains(&format!("BROKEN  {property}")),
            "{name}:\n{text}"
        );
        assert!(text.contains("\n  - "), "{name} without facts:\n{text}");
    }
}

#[test]
fn a_divergence_is_a_timeline_too() {
    let trace = corpus("m15-ack-off-by-one-strong.ndjson");
    let text = explain(&trace, &[]);
    assert!(text.contains("! DIVERGES: "), "{text}");
    assert!(
        text.contains("a server acknowledges what it holds"),
        "{text}"
    );
    let earlier = explain(&trace, &["--line", "48"]);
    assert!(
        !earlier.contains("DIVERGES") && earlier.contains("line 48"),
        "{earlier}"
    );
}

/// What `docs/model.md` shows of commands that are sent again without sessions
/// is what the command line says.
#[test]
fn the_document_shows_what_sessions_are_for() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/model.md");
    let text = std::fs::read_to_string(path).expect("the document");
    let block = text.split("```").find(|block| block.contains("retries=1"));
    let mut lines = block.expect("a command with retries").trim().lines();
    let command = lines.next().unwrap_or_default();
    let command = command.split("    #").next().unwrap_or_default();
    let args: Vec<&str> = command.split_whitespace().skip(2).collect();
    let output = run("retries", &args);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let said = stdout(&output);
    let facts: Vec<&str> = lines.collect();
    assert!(facts.len() > 1);
    for fact in facts {
        assert!(said.contains(fact.trim()), "{fact} is not in {said}");
    }
}
