//! Legal runs that look wrong: recorded from the library with answers that come
//! late, nodes that are removed while they wait for themselves, and snapshots
//! that are lost. Each was once called a divergence. Split by node they conform
//! too.

use std::path::{Path, PathBuf};

use plimsoll::verdict::Verdict;
use plimsoll_trace::Lines;
use serde_json::Value;

use crate::split::write_split;
use crate::verdict;

/// A trace, and what is special about it.
const LEGAL: [(&str, &str); 10] = [
    (
        "stale-prevote-grant-2",
        "a pre-vote granted for the attempt before counts",
    ),
    (
        "stale-prevote-rejection",
        "so does one refused, for any attempt before, in the asker's term",
    ),
    (
        "prevote-granted-after-restart",
        "who grants has restarted since it was asked",
    ),
    (
        "prevote-granted-by-pre-candidate",
        "who grants asks too, and stands before its answer arrives",
    ),
    (
        "prevote-reject-after-crash",
        "who refuses has restarted since it was asked",
    ),
    (
        "voteresp-ignored-by-pre-candidate",
        "who asks again does not count its own vote of before",
    ),
    (
        "async-self-ack-dropped",
        "a removed node drops what it has acknowledged to itself",
    ),
    (
        "partial-keeps-old-entry",
        "a crash keeps entries that were to be replaced, under a log of the same length",
    ),
    (
        "partial-keeps-old-entry-2",
        "the same, seen only when the node asks for votes",
    ),
    (
        "lost-snapshot-joiner",
        "who joined loses its only snapshot, and comes back with nothing",
    ),
];

fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/etcd_raft/legal");
    folder.join(format!("{name}.ndjson.gz"))
}

fn conforms(name: &str, what: &str, paths: &[PathBuf]) {
    match verdict(paths) {
        Verdict::Conforms(certificate) => assert_eq!(certificate.consumed, certificate.events),
        other => panic!("{name}: {what}: {other:?}"),
    }
}

#[test]
fn legal_runs_that_look_wrong_conform() {
    for (name, what) in LEGAL {
        conforms(name, what, &[path(name)]);
        let mut lines = Lines::open(path(name)).expect("the trace");
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().expect("a line") {
            let value: Value = serde_json::from_slice(line.bytes).expect("JSON");
            all.push((value["event"]["nid"].clone(), value.to_string()));
        }
        let split = write_split(&format!("legal-{name}"), all.into_iter(), |place| {
            10 + place
        });
        conforms(name, what, &split);
    }
}
