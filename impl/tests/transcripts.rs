//! Golden transcripts: stories of the protocol, step by step.
//!
//! A transcript in `transcripts/` has comments (`#`), commands (`>`), and
//! below each command what came of it. The test runs the commands again and
//! compares the whole. To accept a change after reading it, set
//! `UPDATE_TRANSCRIPTS=1` and look at the difference.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::cluster::Cluster;
use plimsoll_raft::core::Options;

/// Runs the commands of a transcript and writes it anew.
fn retell(old: &str) -> String {
    let mut cluster = None;
    let mut new = String::new();
    for line in old.lines() {
        let Some(command) = line.strip_prefix("> ") else {
            if line.is_empty() || line.starts_with('#') {
                new.push_str(line);
                new.push('\n');
            }
            continue;
        };
        new.push_str(line);
        new.push('\n');
        match (command.strip_prefix("cluster "), &mut cluster) {
            (Some(shape), _) => cluster = Some(build(shape)),
            (None, Some(cluster)) => new.push_str(&cluster.command(command)),
            (None, None) => panic!("a transcript begins with a cluster"),
        }
    }
    new
}

/// A cluster of a shape such as `3` or `3 append-entries-max=1`.
fn build(shape: &str) -> Cluster {
    let mut words = shape.split_whitespace();
    let count = words.next().and_then(|word| word.parse().ok());
    let mut options = Options::default();
    let mut spare = 0;
    for word in words {
        match word {
            "pre-vote" => options.pre_vote = true,
            "check-quorum" => options.check_quorum = true,
            "follower-reads" => options.follower_reads = true,
            _ => {}
        }
        if !word.contains('=') {
            continue;
        }
        let (name, value) = word.split_once('=').expect("an option, such as name=1");
        let value = value.parse().expect("a number");
        match name {
            "spare" => spare = u32::try_from(value).expect("a number of nodes"),
            "append-entries-max" => options.append_entries_max = value,
            "appends-in-flight-max" => options.appends_in_flight_max = value,
            _ => panic!("no such option: {name}"),
        }
    }
    Cluster::new(count.expect("a number of nodes"), spare, options)
}

fn transcripts() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut paths: Vec<_> = fs::read_dir(directory)
        .expect("the directory of transcripts")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn transcripts_are_as_they_were() {
    let update = std::env::var_os("UPDATE_TRANSCRIPTS").is_some();
    let mut changed = Vec::new();
    for path in transcripts() {
        let old = fs::read_to_string(&path).expect("a transcript");
        let new = retell(&old);
        if old == new {
            continue;
        }
        if update {
            fs::write(&path, new).expect("a transcript that can be written");
            continue;
        }
        let difference = old
            .lines()
            .zip(new.lines())
            .enumerate()
            .find(|(_, (old, new))| old != new)
            .map_or("one is longer".to_owned(), |(at, (old, new))| {
                format!("line {}:\n  was {old}\n  is  {new}", at + 1)
            });
        changed.push(format!("{}: {difference}", path.display()));
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
    assert!(transcripts().len() >= 15, "a story is missing");
}
