//! What the clients of the simulated clusters see is linearizable; with one
//! answer changed it is not.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use plimsoll::history::format::{self, Read};
use plimsoll::history::{
    History, KeyId, Limits, ModelName, Operation, Options, Request, Response, ValueId, Verdict,
    judge,
};
use plimsoll_raft::sim::{Plan, Simulation, history};
use plimsoll_raft::trace::Recorder;

use crate::verdict;

const SEEDS: u64 = 24;

fn plan(seed: u64) -> Plan {
    let odd = !seed.is_multiple_of(2);
    Plan {
        seed,
        nodes: if odd { 3 } else { 5 },
        steps: 2_000,
        clients: 2 + (seed % 4) as u32,
        drop: 0.05,
        duplicate: 0.05,
        reorder: odd,
        partitions: 0.3,
        crashes: 0.2,
        reads: 0.5,
        write_retries: (seed % 3) as u32,
        pre_vote: seed.is_multiple_of(3),
        follower_reads: seed.is_multiple_of(4),
        snapshot_every: if seed.is_multiple_of(5) { 20 } else { 0 },
        ..Plan::default()
    }
}

fn read(events: &[history::Event]) -> Read {
    let mut bytes = Vec::new();
    history::write(events, &mut bytes).expect("memory takes all");
    let limits = Limits::default();
    format::read_bytes("simulated", bytes, format::Options::default(), &limits).expect("a history")
}

/// What the clients of a run with faults saw.
fn seen(seed: u64) -> Read {
    let simulation = Simulation::new(plan(seed), Recorder::off()).expect("a plan");
    let outcome = simulation.run().expect("nothing is written");
    assert_eq!(outcome.violation, None, "seed {seed}");
    read(&outcome.history)
}

#[test]
fn what_simulated_clients_see_is_linearizable() {
    let mut operations = 0;
    for seed in 1..=SEEDS {
        let read = seen(seed);
        operations += read.history.operations.len();
        let (model, verdict) = verdict(&read, &Options::default());
        assert_eq!(
            (model.as_str(), verdict.name()),
            ("kv", "linearizable"),
            "seed {seed}"
        );
    }
    assert!(operations > 50 * SEEDS as usize, "{operations}");
}

/// A read that was called when a put had returned gets what an earlier read had
/// got before that put was called. Values are written once, so nobody can see
/// that any more.
fn stale(history: &History) -> Option<(usize, ValueId)> {
    // Of each key: what was read last, and what is gone.
    let mut best: BTreeMap<KeyId, (Option<ValueId>, Option<ValueId>)> = BTreeMap::new();
    let mut ends: Vec<(u32, usize, bool)> = Vec::new();
    for (i, o) in history.operations.iter().enumerate() {
        ends.push((o.call, i, false));
        ends.extend(o.ret.map(|ret| (ret, i, true)));
    }
    ends.sort_unstable();
    let mut floors: BTreeMap<usize, Option<ValueId>> = BTreeMap::new();
    for (_, i, returns) in ends {
        let Operation {
            request, response, ..
        } = &history.operations[i];
        match (request, response, returns) {
            (Request::Read { key }, _, false) => {
                let gone = best.get(key).and_then(|(_, gone)| *gone);
                floors.insert(i, gone);
            }
            (Request::Read { key }, Response::Value(value), true) => {
                if let Some(Some(gone)) = floors.get(&i)
                    && gone != value
                {
                    return Some((i, *gone));
                }
                best.entry(*key).or_default().0 = Some(*value);
            }
            // What was read before this put was called is gone when it returns.
            (Request::Write { key, .. }, _, false) => {
                let seen = best.get(key).and_then(|(seen, _)| *seen);
                floors.insert(i, seen);
            }
            (Request::Write { key, .. }, _, true) => {
                if let Some(Some(seen)) = floors.get(&i) {
                    best.entry(*key).or_default().1 = Some(*seen);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn one_stale_answer_is_found() {
    let mut planted = 0;
    for seed in 1..=SEEDS {
        let mut read = seen(seed);
        let Some((index, value)) = stale(&read.history) else {
            continue;
        };
        planted += 1;
        read.history.operations[index].response = Response::Value(value);
        let (_, found) = verdict(&read, &Options::default());
        let Verdict::NotLinearizable(failure) = found else {
            panic!("seed {seed}: {}", found.name());
        };
        // Without it there is an order, so no conflict can do without it.
        assert!(failure.conflict.contains(&(index as u32)), "seed {seed}");
    }
    assert!(planted > SEEDS / 2, "{planted} planted");
}

#[test]
fn a_lost_write_is_found() {
    for seed in 1..=SEEDS {
        let mut read = seen(seed);
        // A write that a read has seen certainly failed.
        let history = &mut read.history;
        let reads = history.operations.iter().filter_map(|o| match o.response {
            Response::Value(value) if matches!(o.request, Request::Read { .. }) => Some(value),
            _ => None,
        });
        let Some(lost) = history.operations.iter().position(|o| match o.request {
            Request::Write { value, .. } => reads.clone().any(|read| read == value),
            _ => false,
        }) else {
            continue;
        };
        history.operations.remove(lost);
        history.places.remove(lost);
        history.times.remove(lost);
        let (_, found) = verdict(&read, &Options::default());
        assert_eq!(found.name(), "not-linearizable", "seed {seed}");
    }
}

/// The order that the trace of the nodes shows explains what their clients saw,
/// and then nothing is searched.
#[test]
fn the_order_of_commit_is_a_witness() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("witness");
    std::fs::create_dir_all(&folder).expect("a folder");
    let (mut followed, mut parts) = (0, 0);
    for seed in 1..=SEEDS {
        let plan = plan(seed);
        let path = folder.join(format!("{seed}.ndjson"));
        let file = File::create(&path).expect("a file");
        let recorder = Recorder::merged(&plan.header(), Box::new(file)).expect("a recorder");
        let outcome = Simulation::new(plan, recorder).expect("a plan").run();
        let read = read(&outcome.expect("written").history);
        let order = format::traced(&path, &read, &Limits::default()).expect("a trace");
        let options = Options {
            witness: Some(&order),
            ..Options::default()
        };
        let judged = judge(&read.history, ModelName::Kv, &options).expect("the model knows it");
        assert_eq!(judged.verdict.name(), "linearizable", "seed {seed}");
        let witness = plimsoll::history::verdict::Algorithm::Witness;
        followed += judged
            .certificate
            .algorithms
            .get(&witness)
            .copied()
            .unwrap_or(0);
        parts += judged.certificate.parts;
        // An order that is none is only a proposal.
        let backwards: Vec<u32> = order.iter().rev().copied().collect();
        let options = Options {
            witness: Some(&backwards),
            ..Options::default()
        };
        let judged = judge(&read.history, ModelName::Kv, &options).expect("the model knows it");
        assert_eq!(
            judged.verdict.name(),
            "linearizable",
            "seed {seed} backwards"
        );
    }
    assert!(followed * 10 > parts * 9, "{followed} of {parts} parts");
}
