//! A second foreign implementation: tikv's raft-rs (the crate `raft`, unmodified),
//! driven in this process by an application that is ours, over a network and
//! disks that fail, all decided by a seed. Its runs are recorded with
//! `plimsoll-trace` and judged: correct runs conform, whole and split by server,
//! and runs with a bug planted in the application diverge where it shows.
//!
//! `PLIMSOLL_RAFT_RS=FOLDER cargo test -p plimsoll --release --test raft_rs`
//! keeps the traces; `PLIMSOLL_RAFT_RS_SEEDS=200` makes more of them.

mod cluster;
mod dice;
mod disk;
mod node;
mod plan;
mod record;

use std::collections::BTreeSet;
use std::path::PathBuf;

use plimsoll::replay::{self, Options};
use plimsoll::verdict::{Ground, Verdict};
use plimsoll_trace::Storage;

use cluster::Recorded;
use plan::{Bug, Plan};

/// How many runs of each kind, under each contract.
fn seeds() -> u64 {
    let wanted = std::env::var("PLIMSOLL_RAFT_RS_SEEDS").ok();
    wanted.map_or(20, |seeds| seeds.parse().expect("a number"))
}

const CONTRACTS: [(Storage, &str); 3] = [
    (Storage::Sync, "sync"),
    (Storage::ParallelAppend, "parallel-append"),
    (Storage::Async, "async"),
];

/// A folder of traces, which goes with it unless it was asked for.
struct Folder {
    path: PathBuf,
    keeps: bool,
}

impl Folder {
    fn new(name: &str) -> Self {
        let wanted = std::env::var_os("PLIMSOLL_RAFT_RS").filter(|path| !path.is_empty());
        let keeps = wanted.is_some();
        let above = wanted.map_or_else(std::env::temp_dir, PathBuf::from);
        let path = match keeps {
            true => above.join(name),
            false => above.join(format!("plimsoll-raft-rs-{name}-{}", std::process::id())),
        };
        std::fs::create_dir_all(&path).expect("a folder");
        Folder { path, keeps }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keeps {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn judge(files: &[PathBuf], together: bool) -> Verdict {
    let options = Options {
        together,
        threads: 1,
        ..Options::default()
    };
    let judged = replay::judge(files, &options).remove(0);
    judged.result.expect("a trace")
}

/// The verdicts on the whole file and on the files of the servers.
fn verdicts(recorded: &Recorded, folder: &Folder, name: &str) -> [Verdict; 2] {
    let whole = folder.path.join(format!("{name}.ndjson"));
    recorded.write_whole(&whole);
    let split = folder.path.join(name);
    std::fs::create_dir_all(&split).expect("a folder");
    let split = recorded.write_split(&split);
    [judge(&[whole], false), judge(&split, true)]
}

/// The verdicts where no message has an id or a hint: which of those that read
/// the same arrives, raft-rs knows by what no line shows.
fn without_ids(recorded: &Recorded, folder: &Folder, name: &str) -> [Verdict; 2] {
    let whole = folder.path.join(format!("{name}-without-ids.ndjson"));
    recorded.write_whole(&whole);
    let split = folder.path.join(format!("{name}-without-ids"));
    std::fs::create_dir_all(&split).expect("a folder");
    let split = recorded.write_split(&split);
    split.iter().chain([&whole]).for_each(strip_ids);
    [judge(&[whole], false), judge(&split, true)]
}

fn strip_ids(path: &PathBuf) {
    let text = std::fs::read_to_string(path).expect("the file");
    let strip = |message: &mut serde_json::Value| {
        let message = message.as_object_mut().expect("a message");
        message.remove("id");
        message.remove("hint");
    };
    let lines = text.lines().map(|line| {
        let mut line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        line.pointer_mut("/cause/receive").map(strip);
        let sent = line.get_mut("send").and_then(|sent| sent.as_array_mut());
        sent.into_iter().flatten().for_each(strip);
        format!("{line}\n")
    });
    std::fs::write(path, lines.collect::<String>()).expect("the file");
}

fn correct(name: &str) {
    let plans = plan::correct();
    let plan = plans.iter().find(|plan| plan.name == name).expect("a plan");
    let folder = Folder::new(name);
    for (storage, contract) in CONTRACTS {
        let mut shown = BTreeSet::new();
        for seed in 0..seeds() {
            let plan = Plan {
                storage,
                ..plan.clone()
            };
            let recorded = cluster::run(&plan, seed);
            let name = format!("{contract}-{seed}");
            let nameless = (seed < 4).then(|| without_ids(&recorded, &folder, &name));
            for verdict in nameless.iter().flatten() {
                assert!(
                    matches!(verdict, Verdict::Conforms(_)),
                    "{} {name} without ids: {verdict:#?}",
                    plan.name
                );
            }
            for verdict in verdicts(&recorded, &folder, &name) {
                assert!(
                    matches!(verdict, Verdict::Conforms(_)),
                    "{} {name}, {} lines: {verdict:#?}",
                    plan.name,
                    recorded.lines.len()
                );
                shown.extend(verdict.certificate().branches.keys().cloned());
            }
        }
        for branch in plan.shows {
            assert!(shown.contains(*branch), "{name} {contract}: no {branch}");
        }
    }
}

macro_rules! correct {
    ($($test:ident: $name:literal),* $(,)?) => {
        $(#[test]
        fn $test() {
            correct($name);
        })*
    };
}

correct! {
    elections_and_replication_conform: "core",
    crashes_conform: "crashes",
    five_servers_conform: "five",
    pre_vote_and_check_quorum_conform: "pre-vote-check-quorum",
    pre_vote_conforms: "pre-vote",
    snapshots_conform: "snapshots",
    reads_conform: "reads",
    transfers_conform: "transfers",
    changes_of_one_server_conform: "members",
    joint_changes_conform: "joint",
    everything_together_conforms: "everything",
}

/// What a trace of which the files of all servers are whole shows of a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Split {
    /// The same.
    Diverges,
    /// A message arrives that nobody is known to have sent: the sender's lines
    /// have ended, and without an order there might be more.
    Ends,
}

/// Every run in which the bug shows diverges at the line that shows it first, by
/// one of these rules, of which the first is the usual one.
fn planted(bug: Bug, plan: Plan, split: Split, rules: &[&str]) {
    let folder = Folder::new(plan.name);
    let plan = Plan {
        bug: Some(bug),
        ..plan
    };
    let (mut shown, mut by) = (0, BTreeSet::new());
    for seed in 0..seeds() {
        let recorded = cluster::run(&plan, seed);
        let Some(line) = recorded.planted else {
            continue;
        };
        shown += 1;
        let name = format!("seed-{seed}");
        let [whole, apart] = verdicts(&recorded, &folder, &name);
        let Verdict::Diverges(divergence, _) = &whole else {
            panic!("{bug:?} {name} at line {line}: {whole:#?}");
        };
        assert_eq!(divergence.place.line, line, "{bug:?} {name}: {whole:#?}");
        let rule = divergence.rule.name.as_str();
        assert!(rules.contains(&rule), "{bug:?} {name}: {whole:#?}");
        by.insert(rule.to_owned());
        match (split, &apart) {
            (Split::Diverges, Verdict::Diverges(divergence, _)) => {
                assert!(rules.contains(&divergence.rule.name.as_str()), "{apart:#?}");
            }
            (Split::Ends, Verdict::Inconclusive(stopped, _)) => {
                assert_eq!(stopped.ground, Ground::LogEnded, "{bug:?} {name}");
            }
            _ => panic!("{bug:?} {name} at line {line}: {apart:#?}"),
        }
    }
    assert!(2 * shown >= seeds(), "{bug:?} shows in {shown} runs only");
    assert!(by.contains(rules[0]), "{bug:?}: {by:?}");
}

macro_rules! planted {
    ($($test:ident: $bug:ident, $plan:expr, $split:ident, $rules:expr;)*) => {
        $(#[test]
        fn $test() {
            planted(Bug::$bug, $plan, Split::$split, &$rules);
        })*
    };
}

planted! {
    messages_that_leave_before_their_write_diverge: SendsBeforeWriting, Plan {
        name: "sends-before-writing",
        storage: Storage::Async,
        ..Plan::CORE
    }, Ends, ["what is said must be durable first"];
    messages_of_a_write_that_a_crash_lost_diverge: SendsBeforeWriting, Plan {
        name: "sends-before-writing-and-crashes",
        crashes: true,
        ..Plan::CORE
    }, Ends, ["what is said must be durable first", "only what was sent arrives"];
    a_vote_that_is_forgotten_diverges: ForgetsVote, Plan {
        name: "forgets-vote",
        crashes: true,
        ..Plan::CORE
    }, Diverges, ["what is durable survives a crash"];
    entries_that_should_be_replaced_diverge: KeepsReplacedEntries, Plan {
        name: "keeps-replaced-entries",
        crashes: true,
        ..Plan::CORE
    }, Diverges, ["what is written is durable", "what is durable survives a crash"];
    reads_without_a_round_diverge: ReadsAtOnce, Plan {
        name: "reads-at-once",
        reads: true,
        ..Plan::CORE
    }, Diverges, ["a read needs a majority"];
    changes_that_are_applied_when_appended_diverge: AppliesChangeWhenAppended, Plan {
        name: "applies-change-when-appended",
        servers: 4,
        simple_changes: true,
        ..Plan::CORE
    }, Diverges, ["configurations come from the log"];
    acknowledgements_of_what_is_only_appended_diverge: AcknowledgesWhenAppended, Plan {
        name: "acknowledges-when-appended",
        ..Plan::CORE
    }, Diverges, ["commit needs a majority"];
}
