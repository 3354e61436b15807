//! Traces of etcd-io/raft: the corpus, all that was recorded where it is at
//! hand, traces split by node, the quirks of the format, and damaged input.

mod damaged;
mod document;
mod expected;
mod legal;
mod many;
mod quirks;
mod recorded;
mod split;

use std::io::Cursor;
use std::path::PathBuf;

use plimsoll::adapters::etcd_raft::{Ended, Given, Session};
use plimsoll::corpus::{ENTRIES, Entry};
use plimsoll::replay::{Judged, Options, Stop, judge};
use plimsoll::verdict::{Ground, Verdict};
use plimsoll_trace::Lines;
use serde_json::Value;

/// The trace of the corpus called `etcd-raft/NAME...`.
fn entry(name: &str) -> &'static Entry {
    let start = format!("etcd-raft/{name}-");
    let found = ENTRIES.iter().find(|entry| entry.name.starts_with(&start));
    found.expect("a trace of the corpus")
}

/// The lines of a trace.
fn lines(entry: &Entry) -> Vec<Value> {
    let mut lines = Lines::new(entry.name, Cursor::new(entry.bytes)).expect("readable");
    let mut found = Vec::new();
    while let Some(line) = lines.next_line().expect("readable") {
        found.push(serde_json::from_slice(line.bytes).expect("JSON"));
    }
    found
}

/// What is found in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Conforms,
    /// At this event, from 0, for this rule.
    Diverges(usize, String),
    Inconclusive(usize, Ground),
    /// The line shows asynchronous storage.
    Asynchronous(usize),
    /// The line is no event.
    Refused(usize),
}

/// Judges `lines`.
fn found(lines: &[Value]) -> Found {
    found_given(lines, &Given::default())
}

/// Judges `lines`, of whose recording something is known.
fn found_given(lines: &[Value], given: &Given) -> Found {
    let mut session = Session::given("test", given);
    for (at, line) in lines.iter().enumerate() {
        let text = serde_json::to_vec(line).expect("JSON");
        match session.line(&text) {
            Ok(()) => {}
            Err(Ended::Input(_)) => return Found::Refused(at),
            Err(Ended::Asynchronous(_)) => return Found::Asynchronous(at),
            Err(Ended::Verdict(Stop::Diverges(found))) => {
                assert_eq!(found.place.event, at as u64);
                assert_eq!(found.place.line, at as u64 + 1);
                return Found::Diverges(at, found.rule.name);
            }
            Err(Ended::Verdict(Stop::Inconclusive(stopped))) => {
                return Found::Inconclusive(at, stopped.ground);
            }
        }
    }
    Found::Conforms
}

/// A folder for the files of one test, empty.
fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("etcd_raft")
        .join(test);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("an old folder goes");
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// The verdict on `paths` as one run, or on the one path there is.
fn verdict(paths: &[PathBuf]) -> Verdict {
    verdict_given(paths, &Given::default())
}

/// The same, of whose recording something is known.
fn verdict_given(paths: &[PathBuf], given: &Given) -> Verdict {
    let options = Options {
        together: paths.len() > 1,
        given: given.clone(),
        ..Options::default()
    };
    let mut judged: Vec<Judged> = judge(paths, &options);
    assert_eq!(judged.len(), 1, "one trace, one verdict");
    judged.remove(0).result.expect("readable")
}
