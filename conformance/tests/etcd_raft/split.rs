//! A run whose nodes wrote a file each, with no order between the files, has
//! the verdict of the whole.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use plimsoll::verdict::{Ground, Verdict};
use serde_json::Value;

use crate::{entry, folder, lines, verdict};

/// Writes the trace `name` of the corpus as one file a node; the files' names
/// start with `prefix` of the node's place, so that they can come in any order.
fn split(name: &str, prefix: impl Fn(usize) -> usize) -> Vec<PathBuf> {
    let text = |line: Value| (line["event"]["nid"].clone(), line.to_string());
    let lines = lines(entry(name)).into_iter().map(text);
    write_split(&format!("split-{name}-{}", prefix(0)), lines, prefix)
}

/// Writes `lines`, each with its node, as one file a node.
pub(crate) fn write_split(
    name: &str,
    lines: impl Iterator<Item = (Value, String)>,
    prefix: impl Fn(usize) -> usize,
) -> Vec<PathBuf> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for (node, line) in lines {
        let node = node.as_str().expect("a node").to_owned();
        writeln!(files.entry(node).or_default(), "{line}").expect("a string");
    }
    let folder = folder(name);
    let mut paths: Vec<PathBuf> = files
        .values()
        .enumerate()
        .map(|(place, text)| {
            let path = folder.join(format!("{}.ndjson", prefix(place)));
            std::fs::write(&path, text).expect("a file");
            path
        })
        .collect();
    paths.sort();
    paths
}

#[test]
fn a_correct_run_split_by_node_conforms() {
    for name in [
        "g02", "g03", "g05", "g06", "g07", "g09", "g10", "g11", "g12", "g13", "g14", "g15", "g16",
        "g17", "g18", "g19", "g20", "g21", "g22", "g23",
    ] {
        for prefix in [|place: usize| 10 + place, |place: usize| 90 - place] {
            match verdict(&split(name, prefix)) {
                Verdict::Conforms(certificate) => {
                    assert!(certificate.events > 0, "{name}");
                    assert_eq!(certificate.consumed, certificate.events, "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_flawed_run_split_by_node_diverges_at_the_same_node() {
    for name in ["m01", "m05", "m08", "m15", "m20", "m23", "m28"] {
        let whole = verdict(&[entry(name)
            .write_into(&folder(&format!("whole-{name}")))
            .expect("a file")]);
        let Verdict::Diverges(whole, _) = whole else {
            panic!("{name}: {whole:?}");
        };
        match verdict(&split(name, |place| 10 + place)) {
            Verdict::Diverges(found, _) => {
                if name != "m28" {
                    assert_eq!(found.node, whole.node, "{name}: {found:#?}");
                    assert_eq!(found.rule.name, whole.rule.name, "{name}: {found:#?}");
                    continue;
                }
                // What a crash lost shows where a message of before arrives, which
                // cannot have left: no order tells which of the two came first. So
                // both lines are named.
                let (crash, what) = &found.because[0];
                assert_eq!(crash.path.file_stem(), Some("10".as_ref()), "{found:#?}");
                assert!(what.ends_with("comes back without it"), "{found:#?}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// Everybody waits in the end for whoever waits for what nobody sends: that one is
/// told of, and not the first of those that wait.
#[test]
fn of_files_that_all_wait_the_one_that_waits_in_vain_is_told_of() {
    for (n, nth) in [4, 12, 20].into_iter().enumerate() {
        let mut lines = lines(entry("g13"));
        let of_node = |line: &&mut Value| {
            let (event, kind) = (&line["event"], &line["event"]["msg"]["type"]);
            let name = event["name"].as_str().unwrap_or_default();
            event["nid"] == "3"
                && name.starts_with("Receive")
                && (*kind == "MsgHeartbeat" || *kind == "MsgAppResp")
        };
        let changed = lines.iter_mut().filter(of_node).nth(nth).expect("a line");
        changed["event"]["msg"]["term"] = 1004.into();
        let changed = changed.clone();
        let mut own = lines.iter().filter(|line| line["event"]["nid"] == "3");
        let at = own.position(|line| *line == changed).expect("the line");
        let split = lines.into_iter();
        let split = split.map(|line| (line["event"]["nid"].clone(), line.to_string()));
        match verdict(&write_split(&format!("vain-{n}"), split, |place| {
            10 + place
        })) {
            Verdict::Diverges(found, _) => {
                assert_eq!((found.node.as_str(), found.place.event), ("3", at as u64));
                assert!(found.why.contains("1004"), "{found:#?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// One of several files, taken for the whole run: what the others said is missing,
/// and nothing is wrong.
#[test]
fn one_nodes_file_alone_accuses_nobody() {
    for name in ["g02", "g05", "g13", "g14", "g16", "g21"] {
        for file in split(name, |place| 30 + place) {
            match verdict(std::slice::from_ref(&file)) {
                Verdict::Inconclusive(stopped, _) => {
                    // Who joined shows nothing of how the run began.
                    let told = [Ground::NodeMissing, Ground::MidRun];
                    assert!(told.contains(&stopped.ground), "{name}: {stopped:?}");
                }
                other => panic!("{name}, {}: {other:?}", file.display()),
            }
        }
    }
}

/// Logs that were collected at different moments, or not all of them: nothing is
/// wrong with the run, so it must not be said.
#[test]
fn a_file_that_ends_early_or_is_missing_accuses_nobody() {
    let all = split("g05", |place| 40 + place);
    for node in 0..all.len() {
        let kept = std::fs::read_to_string(&all[node]).expect("a file");
        for lines in [0, 100, 300, 900] {
            let cut: String = kept
                .lines()
                .take(lines)
                .map(|line| format!("{line}\n"))
                .collect();
            let mut files = all.clone();
            match lines {
                0 => drop(files.remove(node)),
                _ => std::fs::write(&all[node], cut).expect("a file"),
            }
            match verdict(&files) {
                Verdict::Inconclusive(stopped, _) => {
                    assert_eq!(
                        stopped.ground,
                        Ground::LogEnded,
                        "{node} {lines}: {stopped:?}"
                    );
                }
                other => panic!("{node} {lines}: {other:?}"),
            }
        }
        std::fs::write(&all[node], kept).expect("a file");
    }
}

/// What begins in mid-run has no beginning to judge from.
#[test]
fn a_run_without_its_beginning_is_inconclusive() {
    let folder = folder("mid-run");
    let path = folder.join("mid-run.ndjson");
    let lines = lines(entry("g02"));
    for skipped in [1, 5, 300] {
        let text: String = lines
            .iter()
            .skip(skipped)
            .map(|line| format!("{line}\n"))
            .collect();
        std::fs::write(&path, text).expect("a file");
        match verdict(std::slice::from_ref(&path)) {
            Verdict::Inconclusive(stopped, _) => {
                assert_eq!(stopped.ground, Ground::MidRun, "{skipped}");
            }
            other => panic!("{skipped}: {other:?}"),
        }
    }
}
