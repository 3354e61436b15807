//! Plimsoll's own traces (`docs/trace-format.md`).
//!
//! # Correspondence
//!
//! One line is one handler run. It lifts to these actions of the model, in this
//! order:
//!
//! | in the line | action of the model | rule | paper |
//! |---|---|---|---|
//! | `cause.start` | boot, or `restart` with what the recovered state shows to have survived | durability | figure 2 |
//! | `cause.campaign` | `campaign`; `lose-leader` before it, if a leader was heard | election, prevote | §5.2, diss. §9.6 |
//! | `cause.receive` | `receive-...` of that message; `lose-leader` before it, if a candidate is answered that a server with a leader disregards | all | §5 |
//! | `cause.write` | `write` | replication | §5.3 |
//! | `cause.persisted` | `write-completed`; where writes are queued, of the oldest, and of those behind it as far as `durable` shows | durability | figure 2 |
//! | `cause.apply` | `apply`, up to the index | commit | §5.3 |
//! | `cause.change` | `change` | changes | §6, diss. §4 |
//! | `cause.transfer` | `transfer` | transfer | diss. §3.10 |
//! | `cause.compact` | `compact` | snapshot | §7 |
//! | `cause.check-quorum` | `check-quorum` | quorum | diss. §6.2 |
//! | `cause.read` at a follower that asks its leader | `begin-read` | reads | diss. §6.4 |
//! | `cause.tick`, any other `cause.read`, `cause.other` | none of its own | | |
//! | `append` of a leader that applied the last change and is to leave a joint configuration by itself | `leave-joint` | changes | diss. §4.3 |
//! | `state.transfer` null at a leader that was handing over | `abort-transfer` | transfer | diss. §3.10 |
//! | `state.role` leader | `count-own-vote`, if that is what was missing | durability | figure 2 |
//! | `state.commit` at a leader | `advance-commit`, if it rose; `count-own-entries` before it, if that is what was missing | commit | §5.4.2 |
//! | `reads` | `begin-read`; for a follower that asked, `receive-request-read` | reads | diss. §6.4 |
//! | `send` append, heartbeat, snapshot, timeout-now | `send-append`, `send-heartbeat`, `send-snapshot`, `send-timeout-now` | replication, snapshot, transfer | §5.3, §7, diss. §3.10 |
//! | `send` read-index | `release-read` | reads | diss. §6.4 |
//! | `send`, anything else | none: must be what the cause's handler says | | |
//! | `ack` of a read | `release-read` | reads | diss. §6.4 |
//! | `ack` of a write | none: the entry must be committed | commit | §5.3 |
//!
//! # What no line shows, and how it is decided
//!
//! These actions are taken without a line, only when a line needs them, and
//! each is counted in the certificate: a write that completes (when a message
//! queued with it arrives and `persisted` is not declared complete), counting
//! the own vote and the own entries, a commit index that a later message or
//! read shows, the release of a confirmed read before its leader steps down or
//! changes its configuration, that a leader was not heard from for an election
//! timeout, and an append or heartbeat of a step whose sends are not logged. Where
//! their causes are not declared complete, so are a check of the quorum, a
//! compaction, and the end of handing over.
//!
//! What a line leaves out is unknown, unless the header declares that its
//! emitter always records it: then an absent part of the state is what it was,
//! and an absent list is empty.

mod check;
mod features;
mod judge;
mod messages;
mod orders;
mod reads;
mod restart;

use std::collections::HashMap;
use std::path::PathBuf;

use plimsoll_model::ids::NodeId;
use plimsoll_trace::{Header, Order, Storage, TraceReader};

use crate::replay::order::{Judging, Lanes};
use crate::replay::{InputError, Judgement, Options, Stop, place};
use crate::verdict::Ground;
pub(crate) use judge::Judge;

/// The only grounds on which a trace of this format is inconclusive.
pub const GROUNDS: [Ground; 7] = [
    Ground::NothingConsumed,
    Ground::Unsupported,
    Ground::MidRun,
    Ground::UnloggedSend,
    Ground::UnloggedStep,
    Ground::NodeMissing,
    Ground::LogEnded,
];

/// Judges the run in `files`.
///
/// # Errors
/// When a file is no trace, or the files are not of one run.
pub(crate) fn judge(files: &[PathBuf], options: &Options) -> Result<Judgement, InputError> {
    let mut readers = Vec::new();
    for file in files {
        readers.push((file.clone(), TraceReader::open(file)?));
    }
    let mut common: Option<Header> = None;
    for (file, reader) in &readers {
        let header = reader.header();
        if let Some(first) = &common
            && first != header
        {
            return Err(InputError::Apart {
                path: file.clone(),
                why: "its header is not that of the files before it".to_owned(),
            });
        }
        common.get_or_insert_with(|| header.clone());
    }
    let Some(header) = common else {
        return Err(InputError::Apart {
            path: PathBuf::new(),
            why: "no file to judge".to_owned(),
        });
    };
    let unsupported = features::unsupported(&header);
    let (dialect, settings) = features::settings(&header);
    let storage = match header.storage {
        Storage::Sync => "sync",
        Storage::ParallelAppend => "parallel-append",
        Storage::Async => "async",
    };
    let in_order = header.order == Order::File && readers.len() == 1;
    let mut judge = Judge::new(header, settings, options.keep_run);
    let (mut events, mut consumed) = (0, 0);
    let mut stop = unsupported.map(Stop::Inconclusive);
    let mut lanes = Lanes::default();
    let mut homes: HashMap<plimsoll_trace::NodeName, PathBuf> = HashMap::new();
    for (file, reader) in &mut readers {
        let mut in_file = 0;
        while let Some((line, step)) = reader.next_step()? {
            let at = place(file, line, in_file);
            in_file += 1;
            let home = homes
                .entry(step.node.clone())
                .or_insert_with(|| file.clone());
            if home != file {
                return Err(InputError::Apart {
                    path: file.clone(),
                    why: format!(
                        "node {} has lines in {} already",
                        step.node.as_str(),
                        home.display()
                    ),
                });
            }
            if let Some(id) = judge.id(&step.node) {
                judge.all.insert(id);
            }
            if !in_order {
                let node = step.node.clone();
                lanes.push(node.as_str(), at, step);
            } else if stop.is_none() && options.covers(line) {
                match judge.judge(&step, &at) {
                    Ok(()) => consumed += 1,
                    Err(early) => stop = Some(early),
                }
            }
        }
        events += in_file;
    }
    if !in_order && stop.is_none() {
        (consumed, stop) = lanes.judge(&mut judge);
    }
    let stop = stop.map(|stop| judge.allow_for_the_unseen(stop));
    Ok(Judgement {
        events,
        consumed,
        stop,
        nodes: judge.nodes(),
        facts: judge.facts,
        dialect,
        follower: judge.follower,
        storage: (storage.to_owned(), "stated in the header".to_owned()),
    })
}

/// A judge who has seen nothing of a run with this header, of which every node
/// has lines.
pub(crate) fn settled(header: Header) -> Judge {
    let (_, settings) = features::settings(&header);
    let mut judge = Judge::new(header, settings, false);
    for (at, _) in judge.nodes().iter().enumerate() {
        judge.all.insert(NodeId::from_position(at));
    }
    judge
}

/// The correspondence table above, for `plimsoll replay --correspondence`.
pub fn correspondence() -> String {
    let rows = include_str!("mod.rs").lines();
    let table = rows.filter_map(|line| line.strip_prefix("//! |"));
    table.map(|row| format!("|{row}\n")).collect()
}
