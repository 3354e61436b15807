//! The recorded traces of `traces/corpus/`, embedded, each with the verdict that
//! is expected of it. `traces/corpus/README.md` tells where they come from.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::verdict::Verdict;

/// A trace, as it lies in `traces/corpus/`.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The story and the trace: `etcd-raft/g02-three-happy`.
    pub name: &'static str,
    /// The file's ending: `ndjson`, or with `.gz` or `.zst` behind it.
    pub ending: &'static str,
    /// The file's content.
    pub bytes: &'static [u8],
    /// The expected verdict, as JSON: see [`Expectation`].
    pub expected: &'static str,
}

/// What is expected of a trace. What it leaves out is not compared.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// `conforms`, `diverges` or `inconclusive`.
    pub verdict: String,
    /// The event at which it is decided, from 0.
    #[serde(default)]
    pub event: Option<u64>,
    /// The line of the event, from 1.
    #[serde(default)]
    pub line: Option<u64>,
    /// The name of the rule that a diverging event breaks.
    #[serde(default)]
    pub rule: Option<String>,
    /// Why it is inconclusive, as JSON spells it.
    #[serde(default)]
    pub ground: Option<String>,
}

impl Entry {
    /// The expected verdict.
    ///
    /// # Errors
    /// When the file beside the trace is not of the form of [`Expectation`].
    pub fn expectation(&self) -> serde_json::Result<Expectation> {
        serde_json::from_str(self.expected)
    }

    /// The name of its file.
    pub fn file_name(&self) -> String {
        let name = self.name.rsplit('/').next().unwrap_or(self.name);
        format!("{name}.{}", self.ending)
    }

    /// Writes the trace into `folder`, for whoever reads files only.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_into(&self, folder: &Path) -> io::Result<PathBuf> {
        let path = folder.join(self.file_name());
        fs::write(&path, self.bytes)?;
        Ok(path)
    }
}

impl Expectation {
    /// In what `verdict` is not what was expected; `None` when it is.
    pub fn difference(&self, verdict: &Verdict) -> Option<String> {
        let (place, rule, ground) = match verdict {
            Verdict::Conforms(_) => (None, None, None),
            Verdict::Diverges(found, _) => {
                (Some(&found.place), Some(found.rule.name.as_str()), None)
            }
            Verdict::Inconclusive(found, _) => {
                let ground = serde_json::to_value(found.ground).unwrap_or_default();
                (found.place.as_ref(), None, Some(ground))
            }
        };
        let ground = ground.as_ref().and_then(serde_json::Value::as_str);
        if self.verdict != verdict.name() {
            let at = place.map_or(String::new(), |p| format!(" at line {}", p.line));
            return Some(format!(
                "expected {}, found {}{at}",
                self.verdict,
                verdict.name()
            ));
        }
        fn apart<T: PartialEq + std::fmt::Display>(
            what: &str,
            expected: Option<T>,
            found: Option<T>,
        ) -> Option<String> {
            let expected = expected?;
            if found.as_ref() == Some(&expected) {
                return None;
            }
            let found = found.map_or("none".to_owned(), |found| found.to_string());
            Some(format!("expected {what} {expected}, found {found}"))
        }
        apart("event", self.event, place.map(|p| p.event))
            .or_else(|| apart("line", self.line, place.map(|p| p.line)))
            .or_else(|| apart("rule", self.rule.as_deref(), rule))
            .or_else(|| apart("ground", self.ground.as_deref(), ground))
    }
}

/// A trace and the verdict beside it.
macro_rules! entry {
    ($name:literal, $ending:literal) => {
        Entry {
            name: $name,
            ending: $ending,
            bytes: include_bytes!(concat!("../../traces/corpus/", $name, ".", $ending)),
            expected: include_str!(concat!("../../traces/corpus/", $name, ".expect.json")),
        }
    };
}

/// Every trace of the corpus, by name. A test compares this list with the folder.
pub const ENTRIES: &[Entry] = &[
    entry!("etcd-raft/g01-single-node-happy", "ndjson.zst"),
    entry!("etcd-raft/g02-three-happy", "ndjson.gz"),
    entry!("etcd-raft/g03-five-happy", "ndjson.zst"),
    entry!("etcd-raft/g04-single-crash-restart", "ndjson.zst"),
    entry!(
        "etcd-raft/g04-single-crash-restart-second-boot",
        "ndjson.zst"
    ),
    entry!("etcd-raft/g05-three-leader-crash", "ndjson.zst"),
    entry!("etcd-raft/g06-five-crash-any", "ndjson.zst"),
    entry!("etcd-raft/g07-three-partition-heal", "ndjson.zst"),
    entry!("etcd-raft/g08-five-partition-heal", "ndjson.zst"),
    entry!("etcd-raft/g09-three-lossy", "ndjson.zst"),
    entry!("etcd-raft/g10-five-lossy", "ndjson.zst"),
    entry!("etcd-raft/g11-three-prevote", "ndjson.zst"),
    entry!("etcd-raft/g12-five-checkquorum", "ndjson.zst"),
    entry!("etcd-raft/g13-three-prevote-checkquorum", "ndjson.zst"),
    entry!("etcd-raft/g14-membership-simple", "ndjson.zst"),
    entry!("etcd-raft/g15-membership-joint", "ndjson.zst"),
    entry!("etcd-raft/g16-learners", "ndjson.zst"),
    entry!("etcd-raft/g17-leader-transfer", "ndjson.zst"),
    entry!("etcd-raft/g18-snapshot-compaction", "ndjson.zst"),
    entry!("etcd-raft/g19-readindex", "ndjson.zst"),
    entry!("etcd-raft/g20-lost-ready", "ndjson.zst"),
    entry!("etcd-raft/g21-async-storage", "ndjson.zst"),
    entry!("etcd-raft/g22-boot-from-snapshot", "ndjson.zst"),
    entry!("etcd-raft/g23-durable-applied", "ndjson.zst"),
    entry!("etcd-raft/m01-vote-twice-strong", "ndjson.gz"),
    entry!(
        "etcd-raft/m05-commit-older-term-by-count-strong",
        "ndjson.zst"
    ),
    entry!(
        "etcd-raft/m08-append-without-prev-check-strong",
        "ndjson.zst"
    ),
    entry!("etcd-raft/m15-ack-off-by-one-strong", "ndjson"),
    entry!("etcd-raft/m20-concurrent-conf-change-strong", "ndjson.zst"),
    entry!("etcd-raft/m23-learner-campaigns-quiet", "ndjson.zst"),
    entry!("etcd-raft/m28-acked-append-not-durable-quiet", "ndjson.zst"),
    entry!("plimsoll/five-everything", "ndjson.gz"),
    entry!("plimsoll/five-members", "ndjson.gz"),
    entry!("plimsoll/five-pre-vote-check-quorum", "ndjson.gz"),
    entry!("plimsoll/five-second-vote", "ndjson.gz"),
    entry!("plimsoll/five-snapshots", "ndjson.gz"),
    entry!("plimsoll/flawed-ack-before-write", "ndjson.gz"),
    entry!("plimsoll/flawed-counts-learners", "ndjson.gz"),
    entry!("plimsoll/flawed-counts-removed", "ndjson.gz"),
    entry!("plimsoll/flawed-pre-vote-ignores-log", "ndjson.gz"),
    entry!("plimsoll/flawed-snapshot-over-committed", "ndjson.gz"),
    entry!("plimsoll/flawed-two-changes", "ndjson.gz"),
    entry!("plimsoll/four-follower-reads", "ndjson.gz"),
    entry!("plimsoll/four-transfers", "ndjson.gz"),
    entry!("plimsoll/four-transfers-given-up", "ndjson.gz"),
    entry!("plimsoll/single-crashes", "ndjson.gz"),
    entry!("plimsoll/six-all-features", "ndjson.gz"),
    entry!("plimsoll/six-joint-learners", "ndjson.gz"),
    entry!("plimsoll/six-queued-writes-all-features", "ndjson.gz"),
    entry!("plimsoll/three-crashes", "ndjson.gz"),
    entry!("plimsoll/three-forgets-an-entry", "ndjson.gz"),
    entry!("plimsoll/three-happy", "ndjson.gz"),
    entry!("plimsoll/three-queued-writes", "ndjson.gz"),
    entry!("plimsoll/three-queued-writes-replaced", "ndjson.gz"),
    entry!("plimsoll/three-snapshots-overtaken", "ndjson.gz"),
];
