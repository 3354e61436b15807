//! What is kept does not grow with the run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Parser;
use plimsoll::replay::Options;
use plimsoll::verdict::Verdict;
use plimsoll_raft::sim::{Plan, Simulation};
use plimsoll_raft::trace::Recorder;

use crate::{folder, follow};

const WINDOW: usize = 300;

#[derive(Parser)]
struct Sim {
    #[command(flatten)]
    plan: Plan,
}

/// A run of this repository's implementation with everything that is kept, cut
/// after each of `lengths` lines.
fn runs(folder: &Path, lengths: &[u64]) -> Vec<PathBuf> {
    let most = lengths
        .iter()
        .max()
        .copied()
        .unwrap_or_default()
        .to_string();
    let args = "sim --seed 5 --nodes 5 --joiners 1 --changes 0.05 --snapshot-every 15 \
                --crashes 0.05 --drop 0.02 --duplicate 0.02 --reorder --follower-reads \
                --transfers 0.05 --pre-vote --write-retries 1 --steps";
    let args = args.split_whitespace().chain([most.as_str()]);
    let plan = Sim::parse_from(args).plan;
    let whole = folder.join("whole.ndjson");
    let file = File::create(&whole).expect("a file");
    let recorder = Recorder::merged(&plan.header(), Box::new(file)).expect("a recorder");
    let simulation = Simulation::new(plan, recorder).expect("a plan");
    simulation.run().expect("a run");
    let mut paths = Vec::new();
    for length in lengths {
        let path = folder.join(format!("{length}.ndjson"));
        let mut cut = File::create(&path).expect("a file");
        let lines = BufReader::new(File::open(&whole).expect("the run")).lines();
        let length = usize::try_from(*length).expect("short");
        for line in lines.take(length + 1) {
            writeln!(cut, "{}", line.expect("a line")).expect("written");
        }
        paths.push(path);
    }
    paths
}

/// How much is kept of each kind after so many events.
fn kept(path: &Path, events: u64) -> BTreeMap<&'static str, u64> {
    let options = Options {
        window: Some(WINDOW),
        ..Options::default()
    };
    let (judged, followed) = follow(&[path.to_path_buf()], &options);
    match judged.result {
        Ok(Verdict::Conforms(certificate)) => assert_eq!(certificate.consumed, events),
        other => panic!("{other:?}"),
    }
    assert!(followed.forgotten > 0);
    followed.kept
}

#[test]
fn what_is_kept_does_not_grow_with_the_run() {
    let folder = folder("memory");
    let lengths = [20_000, 40_000, 80_000];
    let paths = runs(&folder, &lengths);
    let each: Vec<_> = paths
        .iter()
        .zip(lengths)
        .map(|(path, length)| kept(path, length))
        .collect();
    for (kind, most) in [
        ("messages", 20 * WINDOW),
        ("ids", 20 * WINDOW),
        ("operations", 2 * WINDOW),
        ("committed", 2 * WINDOW),
        ("reads", WINDOW),
        ("asked", 3 * WINDOW),
        ("contexts", WINDOW),
        ("hashes", WINDOW),
        ("snapshots", WINDOW),
        ("leaders", WINDOW),
        ("unlogged", WINDOW),
    ] {
        for (kept, length) in each.iter().zip(lengths) {
            let kept = kept[kind];
            assert!(kept <= most as u64, "{kind} after {length}: {kept}");
        }
    }
    // Logs are packed: they take as much as they have terms and changes.
    let entries = |length: usize| each[length]["entries"];
    assert!(entries(2) < 2 * entries(0).max(10_000), "{each:?}");
    let known: Vec<_> = each[0].keys().collect();
    assert_eq!(known.len(), 12, "a kind is not bounded here: {known:?}");
}
