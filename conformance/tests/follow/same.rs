//! The verdict on a run that is followed is the one on the run as a whole.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use plimsoll::corpus::ENTRIES;
use plimsoll::replay::live::{self, Watch};
use plimsoll::replay::{Judged, Options, judge};
use plimsoll::verdict::Verdict;

use crate::{append, entry, folder, follow, lines, split, write};

/// What of a verdict does not depend on how it came about.
fn gist(judged: &Judged) -> String {
    let verdict = match &judged.result {
        Ok(verdict) => verdict,
        Err(error) => return error.to_string(),
    };
    let certificate = verdict.certificate();
    let mut gist = format!(
        "{}, storage {}, {:?}",
        verdict.name(),
        certificate.storage,
        certificate.nodes
    );
    let _ = match verdict {
        Verdict::Conforms(_) => write!(gist, ", {}", certificate.consumed),
        Verdict::Diverges(found, _) => write!(gist, ": {found:?}"),
        Verdict::Inconclusive(stopped, _) => write!(gist, ": {stopped:?}"),
    };
    gist
}

/// The whole run, judged at once.
fn at_once(paths: &[PathBuf]) -> Judged {
    let options = Options {
        together: true,
        ..Options::default()
    };
    let mut judged = judge(paths, &options);
    judged.remove(0)
}

#[test]
fn every_trace_of_the_corpus_has_the_same_verdict_whole_and_split() {
    for entry in ENTRIES {
        let lines = lines(entry);
        let folder = folder(&format!("same/{}", entry.name));
        for (form, files) in [("whole", vec![lines.clone()]), ("split", split(&lines))] {
            let paths = write(&folder, &files);
            let (followed, _) = follow(&paths, &Options::default());
            let (followed, whole) = (gist(&followed), gist(&at_once(&paths)));
            assert_eq!(followed, whole, "{} {form}", entry.name);
        }
    }
}

/// Writes the files of a run a few bytes at a time, in an order that `seed`
/// shuffles.
fn grow(paths: &[PathBuf], files: &[Vec<String>], mut seed: u64) {
    let texts: Vec<String> = files
        .iter()
        .map(|lines| lines.iter().map(|line| format!("{line}\n")).collect())
        .collect();
    let mut written = vec![0; texts.len()];
    loop {
        let open = |file: &usize| written[*file] < texts[*file].len();
        let left: Vec<usize> = (0..texts.len()).filter(open).collect();
        if left.is_empty() {
            return;
        }
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let draw = usize::try_from(seed >> 33).unwrap_or_default();
        let file = left[draw % left.len()];
        let rest = &texts[file][written[file]..];
        let length = rest.len().min(1 + draw % 200_000);
        append(&paths[file], &rest[..length]);
        written[file] += length;
        thread::sleep(Duration::from_millis(2));
    }
}

/// The files are written while they are followed, and none is there at first.
fn while_it_grows(folder: &Path, files: &[Vec<String>], seed: u64) -> Judged {
    let paths: Vec<PathBuf> = (0..files.len())
        .map(|i| folder.join(format!("grows-{i}.ndjson")))
        .collect();
    let enough = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            grow(&paths, files, seed);
            enough.store(true, Ordering::Relaxed);
        });
        let mut watch = Watch {
            enough: &enough,
            complete: true,
            notice: &mut |_| {},
        };
        live::follow(&paths, &Options::default(), &mut watch).0
    })
}

#[test]
fn a_run_that_is_written_meanwhile_has_the_same_verdict() {
    for name in [
        "etcd-raft/g05",
        "etcd-raft/g13",
        "etcd-raft/g14",
        "etcd-raft/g21",
        "etcd-raft/g23",
        "etcd-raft/m08",
        "etcd-raft/m28",
        "plimsoll/three-crashes",
        "plimsoll/six-all-features",
        "plimsoll/six-queued-writes-all-features",
        "plimsoll/three-forgets-an-entry",
        "plimsoll/flawed-ack-before-write",
    ] {
        let lines = lines(entry(name));
        for (seed, files) in [
            (1, vec![lines.clone()]),
            (2, split(&lines)),
            (3, split(&lines)),
        ] {
            let folder = folder(&format!("grows/{name}/{seed}"));
            let whole = at_once(&write(&folder, &files));
            let meanwhile = while_it_grows(&folder, &files, seed);
            let alike = |judged: &Judged| gist(judged).replace("grows-", "n");
            assert_eq!(alike(&meanwhile), alike(&whole), "{name} {seed}");
        }
    }
}
