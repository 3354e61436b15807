//! All that was recorded, where it is at hand: `PLIMSOLL_TRACES` names the
//! folder that holds `etcd-raft/` and `etcd-raft-flawed/`; without it,
//! `../shared/traces` beside the workspace is looked at.

use std::path::PathBuf;

use plimsoll::verdict::Verdict;

use plimsoll_trace::Lines;
use serde_json::Value;

use crate::split::write_split;
use crate::verdict;

fn recorded() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/traces");
    let folder = std::env::var_os("PLIMSOLL_TRACES").map_or_else(|| beside.into(), PathBuf::from);
    if folder.join("etcd-raft").is_dir() {
        return Some(folder);
    }
    println!(
        "SKIPPED: no recorded traces at {} (PLIMSOLL_TRACES)",
        folder.display()
    );
    None
}

fn traces(folder: &str) -> Vec<(String, PathBuf)> {
    let Some(recorded) = recorded() else {
        return Vec::new();
    };
    let listed = std::fs::read_dir(recorded.join(folder)).expect("a folder");
    let mut found: Vec<(String, PathBuf)> = listed
        .map(|file| file.expect("a file").path())
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            (
                name.split('-').next().unwrap_or_default().to_owned(),
                path.clone(),
            )
        })
        .filter(|(_, path)| path.to_string_lossy().contains(".ndjson"))
        .collect();
    found.sort();
    found
}

/// What must diverge, and where.
const DIVERGING: [(&str, u64); 7] = [
    ("m01", 444),
    ("m05", 821),
    ("m08", 1077),
    ("m15", 63),
    ("m20", 106),
    ("m23", 2136),
    ("m28", 1053),
];

#[test]
fn correct_runs_conform() {
    for (name, path) in traces("etcd-raft") {
        match verdict(&[path]) {
            Verdict::Conforms(certificate) => {
                assert!(certificate.events > 0, "{name}");
                assert_eq!(certificate.consumed, certificate.events, "{name}");
            }
            other => panic!("{name}: {other:#?}"),
        }
    }
}

#[test]
fn flawed_runs_diverge_at_their_first_illegal_event() {
    for (name, path) in traces("etcd-raft-flawed") {
        let listed = DIVERGING.iter().find(|(flaw, _)| *flaw == name);
        match verdict(&[path]) {
            Verdict::Diverges(found, _) => {
                let event = listed.map(|(_, event)| *event);
                assert_eq!(Some(found.place.event), event, "{name}");
            }
            other => panic!("{name}: {other:#?}"),
        }
    }
}

/// The verdict on the trace at `path`, once each node has a file of its own.
fn verdict_split(name: &str, path: &PathBuf) -> Verdict {
    let mut lines = Lines::open(path).expect("a trace");
    let mut found = Vec::new();
    while let Some(line) = lines.next_line().expect("a trace") {
        let value: Value = serde_json::from_slice(line.bytes).expect("JSON");
        let text = String::from_utf8(line.bytes.to_vec()).expect("UTF-8");
        found.push((value["event"]["nid"].clone(), text));
    }
    let folder = format!("recorded-{name}");
    verdict(&write_split(&folder, found.into_iter(), |place| 10 + place))
}

#[test]
fn split_by_node_correct_runs_conform_and_flawed_runs_diverge() {
    for (name, path) in traces("etcd-raft") {
        let split = verdict_split(&name, &path);
        assert_eq!(split.name(), "conforms", "{name}: {split:?}");
    }
    for (name, path) in traces("etcd-raft-flawed") {
        let split = verdict_split(&name, &path);
        assert_eq!(split.name(), "diverges", "{name}: {split:?}");
    }
}
