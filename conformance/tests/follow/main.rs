//! Runs that are judged while they grow: the verdict is that of the whole run,
//! memory does not grow with it, and the command comes back when it should.

mod command;
mod memory;
mod same;
mod window;

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use plimsoll::corpus::{ENTRIES, Entry};
use plimsoll::replay::live::{self, Followed, Watch};
use plimsoll::replay::{Judged, Options};
use plimsoll_trace::Lines;
use serde_json::Value;

/// The trace of the corpus whose name begins so.
fn entry(name: &str) -> &'static Entry {
    let found = ENTRIES.iter().find(|entry| entry.name.starts_with(name));
    found.expect("a trace of the corpus")
}

/// The lines of a trace.
fn lines(entry: &Entry) -> Vec<String> {
    let mut lines = Lines::new(entry.name, Cursor::new(entry.bytes)).expect("readable");
    let mut found = Vec::new();
    while let Some(line) = lines.next_line().expect("readable") {
        found.push(String::from_utf8(line.bytes.to_vec()).expect("UTF-8"));
    }
    found
}

/// The node of a line; `None` for a header.
fn node(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).expect("JSON");
    let nid = line.get("event").and_then(|event| event.get("nid"));
    Some(nid.or_else(|| line.get("node"))?.as_str()?.to_owned())
}

/// The lines of each node, with the header before them if there is one.
fn split(lines: &[String]) -> Vec<Vec<String>> {
    let mut header = Vec::new();
    let mut nodes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines {
        match node(line) {
            None => header.push(line.clone()),
            Some(node) => nodes
                .entry(node)
                .or_insert_with(|| header.clone())
                .push(line.clone()),
        }
    }
    nodes.into_values().collect()
}

/// A folder for the files of one test, empty.
fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("follow")
        .join(test);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("an old folder goes");
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Writes `text` at the end of a file.
fn append(path: &Path, text: &str) {
    let file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(path);
    let written = file.expect("a file").write_all(text.as_bytes());
    written.expect("written");
}

/// Writes each list of lines as a file.
fn write(folder: &Path, files: &[Vec<String>]) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for (i, lines) in files.iter().enumerate() {
        let path = folder.join(format!("n{i}.ndjson"));
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&path, text).expect("written");
        paths.push(path);
    }
    paths
}

/// Follows what stands in `paths` now to its end.
fn follow(paths: &[PathBuf], options: &Options) -> (Judged, Followed) {
    let enough = AtomicBool::new(true);
    let mut watch = Watch {
        enough: &enough,
        complete: true,
        notice: &mut |_| {},
    };
    let (judged, followed) = live::follow(paths, options, &mut watch);
    let error = judged.result.as_ref().err().map(ToString::to_string);
    (judged, followed.unwrap_or_else(|| panic!("{error:?}")))
}
