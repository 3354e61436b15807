//! Teeth: of the ways to break one line of a correct trace, those that the
//! unbroken run shows to be illegal are rejected, and not later than it shows.
//!
//! `PLIMSOLL_MUTANTS=all cargo test -p plimsoll --release --test mutation -- --nocapture`
//! judges every mutant and prints the survivors; without it a sample is drawn,
//! the same at every run. `docs/replay.md` holds what was found in the sample;
//! `PLIMSOLL_UPDATE=1` writes it.

#[path = "../common/document.rs"]
mod document;
mod mutant;
mod oracle;
mod run;
mod tally;

use std::collections::BTreeMap;
use std::io::Cursor;

use plimsoll::adapters::etcd_raft::{Ended, Given, Session};
use plimsoll::corpus::{ENTRIES, Entry};
use plimsoll::replay::Stop;
use plimsoll_model::settings::Storage;
use plimsoll_trace::Lines;

use mutant::{Mutant, Mutation};
use oracle::rule;
use run::Run;
use tally::{Found, Tally};

/// How many mutants of a class (a mutation of a kind of line) of a run are drawn.
const DRAWN: usize = 3;

/// The share of illegal mutants that must be rejected in time.
const REQUIRED: f64 = 0.95;

/// The lines of a file that may be compressed.
fn lines(name: &str, bytes: &'static [u8]) -> Vec<Vec<u8>> {
    let mut lines = Lines::new(name, Cursor::new(bytes)).expect("the corpus is readable");
    let mut found = Vec::new();
    while let Some(line) = lines.next_line().expect("the corpus is readable") {
        found.push(line.bytes.to_vec());
    }
    found
}

/// What was applied in the correct runs of the corpus.
macro_rules! applied {
    ($($name:literal),* $(,)?) => {
        [$((
            concat!("etcd-raft/", $name),
            include_bytes!(concat!("../../../traces/corpus/etcd-raft/", $name, ".applied.json.zst"))
                as &[u8],
        )),*]
    };
}

fn runs() -> Vec<Run> {
    let applied: BTreeMap<&str, &'static [u8]> = applied![
        "g01-single-node-happy",
        "g02-three-happy",
        "g03-five-happy",
        "g04-single-crash-restart",
        "g05-three-leader-crash",
        "g06-five-crash-any",
        "g07-three-partition-heal",
        "g08-five-partition-heal",
        "g09-three-lossy",
        "g10-five-lossy",
        "g11-three-prevote",
        "g12-five-checkquorum",
        "g13-three-prevote-checkquorum",
        "g14-membership-simple",
        "g15-membership-joint",
        "g16-learners",
        "g17-leader-transfer",
        "g18-snapshot-compaction",
        "g19-readindex",
        "g20-lost-ready",
        "g21-async-storage",
        "g22-boot-from-snapshot",
        "g23-durable-applied",
    ]
    .into();
    let conforming = |entry: &&Entry| {
        let expected = entry.expectation().expect("an expectation");
        applied.contains_key(entry.name) && expected.verdict == "conforms"
    };
    let entries = ENTRIES.iter().filter(conforming);
    let load = |entry: &Entry| {
        let beside = lines(entry.name, applied[entry.name]).concat();
        Run::of(entry, &beside)
    };
    entries.map(load).collect()
}

/// What a run shows beside the core of Raft, by its name.
const FEATURES: [(&str, &str); 11] = [
    ("g11", "pre-vote"),
    ("g12", "check-quorum"),
    ("g13", "pre-vote and check-quorum"),
    ("g14", "single-server changes"),
    ("g15", "joint consensus"),
    ("g16", "learners"),
    ("g17", "transfer"),
    ("g18", "snapshots"),
    ("g21", "asynchronous storage"),
    ("g22", "a snapshot from the start"),
    ("g23", "restarts that go on where they had applied"),
];

/// The feature of `run`; `None` for a run of the core.
fn feature(run: &Run) -> Option<&'static str> {
    let name = run.name.trim_start_matches("etcd-raft/");
    let found = FEATURES.iter().find(|(start, _)| name.starts_with(start));
    found.map(|(_, feature)| *feature)
}

/// What is known of how `run` was recorded.
fn given(run: &Run) -> Given {
    let queued = feature(run) == Some("asynchronous storage");
    Given {
        storage: queued.then_some(Storage::Async),
        ..Given::default()
    }
}

/// Whether the oracle can rule on `mutant`: what lines a node leaves out or shows
/// twice under these features it does not know.
fn is_ruled_on(run: &Run, mutant: &Mutant) -> bool {
    feature(run).is_none() || matches!(mutant.mutation, Mutation::Change(..))
}

/// Numbers that look random and are the same at every run (splitmix64).
struct Seed(u64);

impl Seed {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// At most [`DRAWN`] mutants of each class, in the order of their lines.
fn sample(run: &Run, mutants: Vec<Mutant>, seed: &mut Seed) -> Vec<Mutant> {
    let mut classes: BTreeMap<String, Vec<Mutant>> = BTreeMap::new();
    for mutant in mutants {
        classes.entry(mutant.class(run)).or_default().push(mutant);
    }
    let mut drawn = Vec::new();
    for mut class in classes.into_values() {
        for _ in 0..DRAWN.min(class.len()) {
            drawn.push(class.swap_remove(seed.below(class.len())));
        }
    }
    drawn.sort_by_key(|mutant| mutant.line);
    drawn
}

/// What the judge finds in `mutant`, given all lines before the mutated one.
fn judged(run: &Run, mutant: &Mutant, before: &Session) -> Found {
    let mut session = before.clone();
    for (at, value) in mutant.lines(run) {
        let line = serde_json::to_vec(&value).expect("a JSON line");
        match session.line(&line) {
            Ok(()) => {}
            // Judged as asynchronous it is no evidence of anything else.
            Err(Ended::Asynchronous(_)) => {
                return Found::Inconclusive(plimsoll::verdict::Ground::AsynchronousStorage);
            }
            Err(Ended::Verdict(Stop::Diverges(_)) | Ended::Input(_)) => return Found::Rejected(at),
            Err(Ended::Verdict(Stop::Inconclusive(stopped))) => {
                return Found::Inconclusive(stopped.ground);
            }
        }
    }
    Found::Conforming
}

#[test]
fn mutants_that_are_shown_illegal_are_rejected() {
    let all = std::env::var("PLIMSOLL_MUTANTS").is_ok_and(|value| value == "all");
    let mut seed = Seed(0x5eed);
    let mut tally = Tally::default();
    for run in runs() {
        let mut mutants = Mutant::all(&run);
        mutants.retain(|mutant| is_ruled_on(&run, mutant));
        if !all {
            mutants = sample(&run, mutants, &mut seed);
        }
        let mut session = Session::given(run.name, &given(&run));
        let mut judged_to = 0;
        for mutant in mutants {
            while judged_to < mutant.line {
                let line = serde_json::to_vec(&run.values[judged_to]).expect("a JSON line");
                session.line(&line).expect("the unmutated run conforms");
                judged_to += 1;
            }
            let ruling = rule(&run, &mutant);
            let found = judged(&run, &mutant, &session);
            let of = feature(&run).unwrap_or("the core");
            tally.note(&run, of, &mutant, &ruling, &found);
        }
    }
    println!("{tally}");
    assert!(
        tally.illegal() > if all { 100_000 } else { 2_000 },
        "{tally}"
    );
    assert!(tally.share() >= REQUIRED, "{tally}");
    assert!(tally.least_share() >= REQUIRED, "{tally}");
    if !all {
        document::holds("replay.md", "mutants", &tally.to_string());
    }
    assert_eq!(tally.wrongly(), [""; 0], "legal runs that were rejected");
}
