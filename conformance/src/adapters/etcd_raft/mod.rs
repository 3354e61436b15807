//! etcd-io/raft's own traces: one `TracingEvent` a line, as the library writes
//! them when it is built with the tag `with_tla`.
//!
//! # Correspondence
//!
//! | event | action of the model | rule | paper | etcd-raft function |
//! |---|---|---|---|---|
//! | `InitState`, `ApplyConfChange`, `BecomeFollower` (in a row) | boot, or `restart` | durability | figure 2 | `newRaft` |
//! | `BecomeFollower` at term 1 and `ApplyConfChange` x N, log = commit = N | boot with N configuration entries | membership | §6 | `Bootstrap` |
//! | `BecomeCandidate` | `campaign` | election | §5.2 | `campaign` |
//! | `ReceiveRequestVoteRequest` | `receive-request-vote` | election | §5.2, §5.4.1 | `Step` |
//! | `ReceiveRequestVoteResponse` | `receive-vote` | election | §5.2 | `stepCandidate`, `poll` |
//! | the same, from == to | `count-own-vote` | durability | figure 2 | `stepCandidate` |
//! | `BecomeFollower` (later) | none: checked as part of the step before | election | §5.1 | `becomeFollower` |
//! | `BecomeLeader`, `Replicate` | none: checked as part of the step before | election | §5.2, §8 | `becomeLeader` |
//! | `Replicate` (at a leader) | `write` | replication | §5.3 | `appendEntry` |
//! | `SendAppendEntriesRequest` MsgApp | `send-append` | replication | §5.3 | `maybeSendAppend` |
//! | `SendAppendEntriesRequest` MsgHeartbeat | `send-heartbeat` | replication | §5.2 | `sendHeartbeat` |
//! | `ReceiveAppendEntriesRequest` | `receive-append`, `receive-heartbeat` | replication | §5.3 | `handleAppendEntries`, `handleHeartbeat` |
//! | `SendAppendEntriesResponse`, `SendRequestVote*` | none: must be what the step before says | | | `send` |
//! | `ReceiveAppendEntriesResponse` | `receive-append-ack`, `receive-heartbeat-ack` | replication | §5.3 | `stepLeader` |
//! | the same, from == to | `count-own-entries` | durability | diss. §10.2.1 | `stepLeader` |
//! | `Commit` | `advance-commit`, if it moved | commit | §5.4.2 | `maybeCommit` |
//! | `Ready` | none: the write under way begins | durability | figure 2 | `Ready` |
//! | `ApplyConfChange` (later) | `apply` | membership | §6 | `applyConfChange` |
//! | (none) | `write-completed`, silently | durability | figure 2 | `Advance` |
//! | (none) | `apply` of entries that are no configuration, silently, before one that is | commit | §5.3 | `Advance` |
//!
//! # What no line shows, and how it is decided
//!
//! - *A write completes.* With synchronous storage nothing happens at a node
//!   between a `Ready` and the completion of its write, except a crash. So the
//!   write is complete when the node's next event is no `InitState`, or when
//!   somebody receives a message that was queued with it. Otherwise the restart
//!   shows what survived: all, nothing, or the term and vote with a part.
//! - *A crash* shows only as the next `InitState`.
//! - *Which read a heartbeat confirms* is not traced: reads are not judged.
//!
//! # Facts of the format
//!
//! - The state in a line is the state before for `Receive*`, `Replicate` and
//!   `ApplyConfChange`; after for `Become*`, `Commit` and `Ready`; at the time
//!   of sending for `Send*`. A granted vote is set right after its
//!   `SendRequestVoteResponse`.
//! - A message to oneself is the acknowledgement of one's own write. It comes
//!   back after the `Ready` that covers it; anything else of that node in
//!   between is evidence of asynchronous storage.
//! - Entries are a count. Their terms are those of the sender's log.
//! - `msg.vote` and `prop` of a message are not looked at.
//!
//! # Grounds for "inconclusive"
//!
//! Listed in [`GROUNDS`]. Whatever else is unexplained diverges.

mod boot;
mod event;
mod evidence;
mod judge;
mod sends;
mod state;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use plimsoll_trace::{Line, Lines, TraceError};

pub(crate) use event::is_etcd_raft;
use judge::Judge;

use crate::replay::order::{Judging, Lanes};
use crate::replay::{InputError, Judgement, Options, Stop, place};
use crate::verdict::Ground;

/// The only grounds on which a trace of etcd-io/raft is inconclusive.
pub const GROUNDS: [Ground; 11] = [
    Ground::NothingConsumed,
    Ground::PreCandidate,
    Ground::Snapshot,
    Ground::ConfigurationChange,
    Ground::JointConfiguration,
    Ground::FirstBootWithLog,
    Ground::AsynchronousStorage,
    Ground::LeaderStepDown,
    Ground::VoteRequestIgnored,
    Ground::StaleAppendAnswered,
    Ground::UntracedMessage,
];

/// The correspondence table above, for `plimsoll replay --correspondence`.
pub fn correspondence() -> String {
    let rows = include_str!("mod.rs").lines();
    let table = rows.filter_map(|line| line.strip_prefix("//! |"));
    table.map(|row| format!("|{row}\n")).collect()
}

/// Judges the run in `files`: one in true order, or several, one a node.
///
/// # Errors
/// When a file cannot be read or holds something that is no event.
pub(crate) fn judge(files: &[PathBuf], options: &Options) -> Result<Judgement, InputError> {
    let mut judge = Judge::new(options.keep_run);
    let (events, consumed, stop) = match files {
        [file] => in_file_order(file, options, &mut judge)?,
        files => without_order(files, &mut judge)?,
    };
    let stop = match stop {
        Some(Stop::Diverges(_)) if judge.recovery => evidence::asynchronous(files)?.or(stop),
        stop => stop,
    };
    let nodes = judge.nodes();
    Ok(Judgement {
        events,
        consumed,
        stop,
        nodes,
        facts: judge.facts,
        dialect: judge.dialect,
        follower: judge.follower,
        storage: (
            "sync".to_owned(),
            "presumed: no acknowledgement of a node's own write was overtaken".to_owned(),
        ),
    })
}

type Judged = (u64, u64, Option<Stop>);

/// The lines of one file are in true order. After the verdict the rest is read
/// still, so that a torn or foreign line never goes unnoticed.
fn in_file_order(
    file: &PathBuf,
    options: &Options,
    judge: &mut Judge,
) -> Result<Judged, InputError> {
    let mut lines = Lines::open(file)?;
    let (mut events, mut consumed, mut stop) = (0, 0, None);
    while let Some((line, event)) = event::next(&mut lines)? {
        if stop.is_none() && options.covers(line) {
            match judge.judge(&event, &place(file, line, events)) {
                Ok(()) => consumed += 1,
                Err(early) => stop = Some(early),
            }
        }
        events += 1;
    }
    Ok((events, consumed, stop))
}

fn without_order(files: &[PathBuf], judge: &mut Judge) -> Result<Judged, InputError> {
    let mut lanes = Lanes::default();
    let mut homes: HashMap<Box<str>, &PathBuf> = HashMap::new();
    let mut events = 0;
    for file in files {
        let mut lines = Lines::open(file)?;
        let mut in_file = 0;
        while let Some((line, event)) = event::next(&mut lines)? {
            let node = judge.lane(&event).to_owned();
            let home = homes.entry(node.as_str().into()).or_insert(file);
            if *home != file {
                return Err(InputError::Apart {
                    path: file.clone(),
                    why: format!("node {node} has events in {} already", home.display()),
                });
            }
            lanes.push(&node, place(file, line, in_file), event);
            in_file += 1;
        }
        events += in_file;
    }
    let (consumed, stop) = lanes.judge(judge);
    Ok((events, consumed, stop))
}

/// A run judged line by line. What was judged so far can be cloned, and then
/// continued in more than one way.
#[derive(Clone)]
pub struct Session {
    judge: Judge,
    path: PathBuf,
    file: Arc<str>,
    events: u64,
}

/// Why a [`Session`] ended.
#[derive(Debug)]
pub enum Ended {
    /// A verdict fell.
    Verdict(Stop),
    /// The line is no event.
    Input(TraceError),
}

impl Session {
    /// Nothing judged yet; places name `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Session {
            judge: Judge::new(false),
            file: Arc::from(path.display().to_string()),
            path,
            events: 0,
        }
    }

    /// Judges the next line, without its newline.
    ///
    /// # Errors
    /// When a verdict falls, or the line is no event. The session is over then.
    pub fn line(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        let number = self.events + 1;
        let line = Line {
            number,
            bytes,
            terminated: true,
        };
        let event = event::parse(&self.file, line).map_err(Ended::Input)?;
        let place = place(&self.path, number, self.events);
        self.judge.judge(&event, &place).map_err(Ended::Verdict)?;
        self.events += 1;
        Ok(())
    }
}
