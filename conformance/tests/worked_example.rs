//! The worked example of `docs/trace-format.md` is a run that conforms, and
//! damage to it shows.

use std::path::{Path, PathBuf};

use plimsoll::replay::{self, Options};
use plimsoll::verdict::{Ground, Verdict};

fn example() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/trace-format.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let (_, rest) = page.split_once("```ndjson\n").expect("the example");
    let (lines, _) = rest.split_once("```").expect("its end");
    lines.lines().map(str::to_owned).collect()
}

fn judged(name: &str, lines: &[String]) -> Verdict {
    let file: PathBuf = std::env::temp_dir().join(format!(
        "plimsoll-example-{}-{name}.ndjson",
        std::process::id()
    ));
    std::fs::write(&file, lines.join("\n") + "\n").expect("a file");
    let judged = replay::judge(std::slice::from_ref(&file), &Options::default()).remove(0);
    let _ = std::fs::remove_file(&file);
    judged.result.expect("a trace")
}

#[test]
fn the_worked_example_conforms() {
    let lines = example();
    match judged("whole", &lines) {
        Verdict::Conforms(certificate) => {
            assert_eq!(certificate.consumed, lines.len() as u64 - 1);
        }
        other => panic!("{other:#?}"),
    }
}

#[test]
fn a_higher_commit_index_than_was_replicated_diverges() {
    let mut lines = example();
    let at = lines
        .iter()
        .position(|line| line.contains("\"role\":\"leader\""))
        .expect("a leader");
    lines[at] = lines[at].replacen("\"commit\":0", "\"commit\":1", 1);
    match judged("commit", &lines) {
        Verdict::Diverges(divergence, _) => assert_eq!(divergence.place.line, at as u64 + 1),
        other => panic!("{other:#?}"),
    }
}

#[test]
fn without_the_lines_of_a_node_a_run_is_inconclusive_and_not_wrong() {
    let lines: Vec<String> = example()
        .into_iter()
        .filter(|line| !line.starts_with("{\"node\":\"n2\""))
        .collect();
    match judged("missing", &lines) {
        Verdict::Inconclusive(stopped, _) => assert_eq!(stopped.ground, Ground::NodeMissing),
        other => panic!("{other:#?}"),
    }
}
