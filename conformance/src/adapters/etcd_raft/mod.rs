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
//! | the same, by a pre-candidate | `receive-pre-vote` of a majority, silently | prevote | diss. §9.6 | `stepCandidate` |
//! | the same, with pre-vote, by who asked before and may have asked once more | `campaign` and the same, silently | prevote | diss. §9.6 | `stepCandidate` |
//! | the same, with pre-vote, by a follower | `receive-timeout-now` | transfer | diss. §3.10 | `stepFollower` |
//! | any line with the role `StatePreCandidate` | `campaign`, silently, if it did not ask yet | prevote | diss. §9.6 | `becomePreCandidate` |
//! | `ReceiveRequestVoteRequest` | `receive-request-vote` | election, quorum | §5.2, §5.4.1, diss. §4.2.3 | `Step` |
//! | `ReceiveRequestVoteResponse` | `receive-vote` | election | §5.2 | `stepCandidate`, `poll` |
//! | the same, from == to | `count-own-vote` | durability | figure 2 | `stepCandidate` |
//! | `BecomeFollower` (later) | none: checked as part of the step before | election | §5.1 | `becomeFollower` |
//! | the same, unasked, of a higher term | `receive-pre-vote` or `receive-read-index` (for a transfer that is handed on as well), silently | prevote, reads | diss. §9.6, §6.4 | `Step` |
//! | the same, of its own term, by a leader | `check-quorum`, silently | quorum | diss. §6.2 | `stepLeader` |
//! | the same, of its own term, by a pre-candidate | `receive-pre-vote` of too many, silently | prevote | diss. §9.6 | `stepCandidate` |
//! | the same, of its own term, by who asked before | `campaign` and the same, silently | prevote | diss. §9.6 | `stepCandidate` |
//! | the same, after an `ApplyConfChange` that leaves the leader out | none: part of `apply` | membership | diss. §4.2.2 | `switchToConfig` |
//! | `BecomeLeader`, `Replicate` | none: checked as part of the step before | election | §5.2, §8 | `becomeLeader` |
//! | `Replicate` (at a leader) | `write` | replication | §5.3 | `appendEntry` |
//! | `ChangeConf` | `change` | changes | §6, diss. §4.1, §4.3 | `stepLeader` |
//! | `SendAppendEntriesResponse` to itself, the log longer by one than any line says | `change`: it leaves the joint configuration | changes | §6 | `appliedTo` |
//! | `SendAppendEntriesRequest` MsgApp | `send-append` | replication | §5.3 | `maybeSendAppend` |
//! | `SendAppendEntriesRequest` MsgHeartbeat | `send-heartbeat` | replication | §5.2 | `sendHeartbeat` |
//! | `SendAppendEntriesRequest` MsgSnap | `send-snapshot` | snapshot | §7 | `maybeSendSnapshot` |
//! | `ReceiveAppendEntriesRequest` | `receive-append`, `receive-heartbeat` | replication | §5.3 | `handleAppendEntries`, `handleHeartbeat` |
//! | the same, MsgSnap | `receive-install-snapshot` | snapshot | §7 | `handleSnapshot`, `restore` |
//! | `ApplyConfChange`, the configuration empty, before the answer to a MsgSnap | none: part of the step before | snapshot | §7 | `restore` |
//! | `SendAppendEntriesResponse`, `SendRequestVote*` | none: must be what the step before says | | | `send` |
//! | `ReceiveAppendEntriesResponse` | `receive-append-ack`, `receive-heartbeat-ack` | replication | §5.3 | `stepLeader` |
//! | the same, from == to | `count-own-entries` | durability | diss. §10.2.1 | `stepLeader` |
//! | `Commit` | `advance-commit`, if it moved | commit | §5.4.2 | `maybeCommit` |
//! | `Ready` | none: a write begins | durability | figure 2 | `Ready` |
//! | `ApplyConfChange` (later) | `apply` | membership | §6 | `applyConfChange` |
//! | (none) | `write-completed`, silently | durability | figure 2 | `Advance`, `MsgStorageAppendResp` |
//! | (none) | `apply` of entries that are no configuration, silently, once a `Ready` has handed them out | commit | §5.3 | `Advance`, `MsgStorageApplyResp` |
//! | (none) | `lose-leader`, silently, before a node that hears a leader campaigns or takes a vote request | quorum | diss. §4.2.3 | `tickElection` |
//!
//! # What no line shows, and how it is decided
//!
//! - *Switches* (`features.rs`): pre-vote, check-quorum and step-down-on-removal
//!   are open until a line shows them, and then the same everywhere. Pre-vote is
//!   on where a pre-candidate shows, off where somebody campaigns that was not
//!   one and that no leader can have told to. Check-quorum is on where a leader
//!   steps down in its own term or a vote request is ignored. A leader of a
//!   lower term is answered with either, and with neither not.
//! - *Storage* is presumed to be synchronous, until an acknowledgement of a
//!   node's own write is overtaken anywhere in the trace (`evidence.rs`). Then
//!   the whole trace is judged as with asynchronous storage. That a trace
//!   diverges is never a reason.
//! - *A write completes.* With synchronous storage nothing happens at a node
//!   between a `Ready` and the completion of its write, except a crash. So the
//!   write is complete when the node's next event is no `InitState`, or when
//!   somebody receives a message that was queued with it. Otherwise the restart
//!   shows what survived: all, nothing, or the term and vote with a part. With
//!   asynchronous storage writes complete in order, and no earlier than
//!   somebody's line shows (`storage.rs`).
//! - *A crash* shows only as the next `InitState`.
//! - *Whether a vote request or a leader of a lower term was ignored* shows in
//!   the node's next line, and so does *how a configuration comes about*, and,
//!   where that was said, *whether a follower has forgotten its leader*
//!   (`deferred.rs`). Which way a change takes is the same at every node.
//! - *Pre-votes* (`questions.rs`): as many as the voters can have given since the
//!   question left, by their terms, logs and votes at any moment since, and each
//!   with a `Ready` after that. Late answers to the attempt before count too, and
//!   may win or end the next one before any line shows it; the node's own only
//!   where writes are queued, and nothing shows that it has come.
//! - *When configurations are applied* (`storage.rs`): before a node does anything
//!   else than what follows from it, as long as no line shows that the
//!   application does that later. Where a run breaks that, it is judged again as
//!   one in which they come late; that holds if one is seen to, which no other
//!   change can be that was handed out. Then the library goes by what it has
//!   handed out, and not by what was applied.
//! - *A leader tells a follower to stand* only if it has known it to hold its
//!   whole log. *A term is heard of in a message that is not traced* only from
//!   a node that was in it and that answers a pre-vote, from a leader that was
//!   asked for a read, or, by who led in it before a crash, from a follower that
//!   hands on a transfer.
//! - *Snapshots* (`snapshots.rs`) end where their sender has applied. What a node
//!   has compacted shows in the `InitState` of its restart.
//! - *What a crash kept* where the log has the length that both the old entries
//!   and the new give it: every reading is followed (`readings.rs`). The entries
//!   of a bootstrap are in the first write.
//! - *Where a restart goes on to apply* (`begins.rs`): at any index, up to where it
//!   had applied, at which the configuration shows what it comes back with. The
//!   lowest is followed; where a line does not fit that, the next one that fits
//!   all lines since the restart. A bootstrap puts its configuration in force as a
//!   whole, also for who comes back having applied a part of it. A way that a
//!   change takes may show only there.
//! - *Which of two messages that read alike arrived*, of several files: the one
//!   that its sender had queued and may not have written, or one behind it. The
//!   first, unless the run diverges so; then it is judged again, and who receives
//!   waits until nobody else can go on.
//! - *Learners* are known from the changes.
//! - *From the 65th node on* a new one shares its id in the model with one that
//!   was removed and is silent (`members.rs`); that one may not come back.
//! - *Which read a heartbeat confirms* is not traced: reads are not judged.
//! - *Time* is not judged: an election timeout may pass at any moment.
//!
//! # Facts of the format
//!
//! - The state in a line is the state before for `Receive*`, `Replicate`,
//!   `ChangeConf` and `ApplyConfChange`; after for `Become*`, `Commit` and
//!   `Ready`; at the time of sending for `Send*`. A granted vote is set right
//!   after its `SendRequestVoteResponse`.
//! - A message to oneself is the acknowledgement of one's own write. It comes
//!   back after the `Ready` that covers it; anything else of that node in
//!   between is evidence of asynchronous storage.
//! - Entries are a count. Their terms are those of the sender's log. A `MsgSnap`
//!   shows its last index as one.
//! - `ChangeConf` comes before its proposal is appended, and the proposal may
//!   still be dropped as too long.
//! - A change that changes nothing is taken by the library; the model has a
//!   command in its place, which nobody may pass over either.
//! - Answers of who is no member of the receiver's configuration never reach the
//!   library.
//! - With a `MsgApp` a leader shows what it knows of itself: `prop.match` is how
//!   much of its own log it has counted, and `prop.next` the index behind that.
//!   Who is no member of its own configuration knows nothing. A new leader has
//!   counted all that it holds, also what is still being written; one that was
//!   removed and admitted again begins at 0, and `next` at its last index.
//!
//! # What is presumed
//!
//! That every node has the same switches, that `Config.DisableConfChangeValidation`
//! is off, that no application refuses a committed change, or calls
//! `ForgetLeader` where `--switch forget-leader=on` does not say so: what that
//! leaves is a vote of who follows a leader, which no line tells from a fault. A
//! trace of a run that does diverges.
//!
//! # Grounds for "inconclusive"
//!
//! Listed in [`GROUNDS`]. Whatever else is unexplained diverges.

mod begins;
mod boot;
mod deferred;
mod elections;
mod entries;
mod event;
mod evidence;
mod features;
mod judge;
mod live;
mod members;
mod nid;
mod questions;
mod readings;
mod restart;
mod sends;
mod snapshots;
mod state;
mod storage;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_model::settings::Storage;
use plimsoll_trace::{Line, TraceError};

pub(crate) use event::{Event, is_etcd_raft, parse};
use evidence::Evidence;
pub(crate) use evidence::Own;
use features::{Features, Switch};
use judge::How;
pub(crate) use judge::Judge;
pub(crate) use live::Live;

use crate::replay::course::{Course, Moved};
use crate::replay::feed::Feed;
use crate::replay::live::hashes;
use crate::replay::order::Judging;
use crate::replay::readings::Readings;
use crate::replay::runner::Basis;
use crate::replay::{InputError, Judgement, Options, Stop};
use crate::verdict::{Ground, Place};

/// The only grounds on which a trace of etcd-io/raft is inconclusive.
pub const GROUNDS: [Ground; 9] = [
    Ground::NothingConsumed,
    Ground::NodeMissing,
    Ground::FirstBootWithLog,
    Ground::AsynchronousStorage,
    Ground::Unsupported,
    Ground::MidRun,
    Ground::LogEnded,
    Ground::Forgotten,
    Ground::Readings,
];

/// The correspondence table above, for `plimsoll replay --correspondence`.
pub fn correspondence() -> String {
    let rows = include_str!("mod.rs").lines();
    let table = rows.filter_map(|line| line.strip_prefix("//! |"));
    table.map(|row| format!("|{row}\n")).collect()
}

/// What is known of how a trace was recorded, without looking at it.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The storage contract.
    pub storage: Option<Storage>,
    /// Switches of the library that are on, or off, by name.
    pub switches: Vec<(String, bool)>,
}

impl Given {
    /// The names of the switches that can be given.
    pub const SWITCHES: [&str; 5] = {
        let [a, b, c, d, e] = Switch::ALL;
        [a.name(), b.name(), c.name(), d.name(), e.name()]
    };

    /// Whether anything is known.
    pub(crate) fn says_something(&self) -> bool {
        self.storage.is_some() || !self.switches.is_empty()
    }

    fn features(&self) -> Features {
        let mut features = Features::default();
        for (name, on) in &self.switches {
            if let Some(switch) = Switch::by_name(name) {
                features.give(switch, *on);
            }
        }
        features
    }

    fn how(&self, ordered: bool) -> How {
        How {
            ordered,
            storage: self.storage.unwrap_or(Storage::Sync),
            storage_given: self.storage.is_some(),
            late: false,
            all_there: false,
            patient: false,
        }
    }

    /// Notes what a judgement has seen of the application, as its certificate
    /// tells it: who judges again need not find that out.
    pub(crate) fn note_shown(&mut self, switches: &[(String, String)]) {
        let late = Switch::ApplyLate.name();
        let shown = |(name, what): &(String, String)| name == late && what.starts_with("on");
        if !self.says_when_applied() && switches.iter().any(shown) {
            self.switches.push((late.to_owned(), true));
        }
    }

    /// Whether it was said how the application applies configurations.
    fn says_when_applied(&self) -> bool {
        let name = Switch::ApplyLate.name();
        self.switches.iter().any(|(known, _)| known == name)
    }
}

/// Judges the run in `files`: one in true order, or several, one a node.
///
/// Storage is presumed to be synchronous until a line shows that it is not; the
/// whole run is then judged again. Configurations are presumed to be applied
/// before anything else: where that is what a run breaks, it is judged again as
/// one in which they come late, and that holds if one is seen to.
///
/// # Errors
/// When a file cannot be read or holds something that is no event.
pub(crate) fn judge(files: &[PathBuf], options: &Options) -> Result<Judgement, InputError> {
    let given = &options.given;
    let mut how = given.how(files.len() == 1);
    let mut overtaken = None;
    loop {
        let mut judged = in_either_order(files, options, how)?;
        let may_be_late = judged.stop.as_ref().is_some_and(breaks_if_late);
        if may_be_late && !given.says_when_applied() && !judged.shows_asynchronous(how) {
            let late = in_either_order(files, options, How { late: true, ..how })?;
            if late.judge.seen_late.is_some() {
                judged = late;
            }
        }
        // Whoever was missed has its first line further down.
        if judged.missed {
            how.all_there = true;
            continue;
        }
        if judged.shows_asynchronous(how) {
            overtaken = judged.judge.overtaken.or(judged.evidence);
            how.storage = Storage::Async;
            continue;
        }
        return Ok(judgement(judged, contract(given, overtaken.as_ref())));
    }
}

/// Whether the first of two judgements of a run, each with how many events it
/// explains, leads further than the second, which diverges.
fn leads_further(one: (&Option<Stop>, u64), other: (&Option<Stop>, u64)) -> bool {
    match (one, other) {
        ((Some(Stop::Diverges(one)), explains), (Some(Stop::Diverges(other)), known)) => {
            one.place != other.place && explains > known
        }
        _ => true,
    }
}

/// Whether a run that ends so may be one in which configurations are applied
/// late.
fn breaks_if_late(stop: &Stop) -> bool {
    let Stop::Diverges(found) = stop else {
        return false;
    };
    // What must be applied before something else happens.
    let rules = [
        "what is committed is applied",
        "no campaign over an unapplied configuration",
        "one change at a time",
    ];
    rules.contains(&found.rule.name.as_str())
}

/// A run judged to its end.
struct Judged {
    judge: Judge,
    /// The files, each with its XXH3.
    inputs: Vec<(PathBuf, String)>,
    /// How many other readings of it were followed.
    tried: u64,
    events: u64,
    consumed: u64,
    stop: Option<Stop>,
    /// Where a line shows asynchronous storage.
    evidence: Option<Place>,
    /// It ended for want of the lines of a node that has some further down.
    missed: bool,
    /// Why the lines behind the verdict cannot all be read.
    unread: Option<InputError>,
}

impl Judged {
    fn diverges(&self) -> bool {
        matches!(self.stop, Some(Stop::Diverges(_)))
    }

    /// Whether lines show asynchronous storage, where it was judged as
    /// synchronous: a judgement that ended there, or one that diverges.
    fn shows_asynchronous(&self, how: How) -> bool {
        let open = how.storage == Storage::Sync && !how.storage_given;
        let seen = self.judge.overtaken.is_some() || self.diverges() && self.evidence.is_some();
        open && seen
    }

    /// Whether it explains more than `other`, which diverges.
    fn leads_further_than(&self, other: &Judged) -> bool {
        leads_further((&self.stop, self.consumed), (&other.stop, other.consumed))
    }
}

/// Judges the run. Without an order, a message that was received shows that its
/// sender had written what it waits for; but one that reads so may be sent once
/// more, after a crash that lost the first. So where the run diverges it is judged
/// again, and who receives waits for as long as that is possible.
fn in_either_order(files: &[PathBuf], options: &Options, how: How) -> Result<Judged, InputError> {
    let first = once(files, options, how)?;
    if !first.diverges() || !first.judge.hurried {
        return Ok(first);
    }
    let patient = true;
    let other = once(files, options, How { patient, ..how })?;
    match other.leads_further_than(&first) {
        true => Ok(other),
        false => Ok(first),
    }
}

/// After the verdict the rest is read still, for what it tells of the storage
/// contract, and so that a torn or foreign line never goes unnoticed.
fn once(files: &[PathBuf], options: &Options, how: How) -> Result<Judged, InputError> {
    let mut readings = Readings::new(Judge::new(how, options));
    let feeds: Result<Vec<Feed>, TraceError> = files.iter().map(|f| Feed::of_file(f)).collect();
    let parsers = options.parsers(files.len());
    let mut course = Course::new(feeds?, options.order(how.ordered), parsers.as_ref());
    let mut evidence = Evidence::default();
    let mut unread = None;
    loop {
        let had_stopped = course.stop.is_some();
        match course.advance(&mut evidence, &mut readings, None) {
            Ok(Moved::More | Moved::Stopped) => {}
            Ok(Moved::Waits | Moved::Ended) => break,
            Err(error) if had_stopped => {
                unread = Some(error);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    let mut missed = readings.first.missed.iter();
    let missed = missed.any(|node| evidence.has_lines(*node));
    Ok(Judged {
        inputs: hashes(course.feeds())?,
        unread,
        tried: readings.tried,
        judge: readings.first,
        events: course.events(),
        consumed: course.consumed,
        stop: course.stop,
        missed,
        evidence: evidence.of_asynchronous().cloned(),
    })
}

/// A judge who has seen nothing and presumes the storage contract of `basis`;
/// `ordered` where the events come in the order in which they happened.
pub(crate) fn presuming(given: &Given, basis: Basis, ordered: bool) -> Judge {
    let how = given.how(ordered);
    let how = How {
        storage: match basis.queued {
            true => Storage::Async,
            false => how.storage,
        },
        ..how
    };
    let options = Options {
        given: given.clone(),
        window: basis.window,
        ..Options::default()
    };
    let mut judge = Judge::new(how, &options);
    judge.follower.untold = true;
    judge
}

fn judgement(judged: Judged, storage: (String, String)) -> Judgement {
    let mut judge = judged.judge;
    let nodes = judge.nodes();
    if let Some(at) = &judge.seen_late {
        judge.features.applies_late(at);
    }
    judge.follower.switches = judge.features.told();
    Judgement {
        inputs: judged.inputs,
        events: judged.events,
        consumed: judged.consumed,
        stop: judged.stop,
        nodes,
        facts: judge.facts(),
        dialect: judge.dialect,
        follower: judge.follower,
        storage,
        readings: judged.tried,
        unread: judged.unread,
    }
}

/// The storage contract, and where the evidence for it stands.
fn contract(given: &Given, shown: Option<&Place>) -> (String, String) {
    let name = |storage| match storage {
        Some(Storage::Async) => "async",
        _ => "sync",
    };
    let why = match (given.storage, shown) {
        (Some(_), _) => "given".to_owned(),
        (None, None) => {
            "presumed: no acknowledgement of a node's own write was overtaken".to_owned()
        }
        (None, Some(at)) => format!(
            "shown by {}:{}: an acknowledgement of the node's own write is overtaken",
            at.path.display(),
            at.line
        ),
    };
    let storage = given.storage.or(shown.map(|_| Storage::Async));
    (name(storage).to_owned(), why)
}

/// A run judged line by line. What was judged so far can be cloned, and then
/// continued in more than one way.
#[derive(Clone)]
pub struct Session {
    judge: Judge,
    path: Arc<Path>,
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
    /// The line shows that storage is asynchronous: to be judged again, with
    /// that given.
    Asynchronous(Place),
}

impl Session {
    /// Nothing judged yet; places name `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Session::given(path, &Given::default())
    }

    /// The same, with what is known beforehand.
    pub fn given(path: impl Into<PathBuf>, given: &Given) -> Self {
        let path = path.into();
        let options = Options {
            given: given.clone(),
            ..Options::default()
        };
        Session {
            judge: Judge::new(given.how(true), &options),
            file: Arc::from(path.display().to_string()),
            path: path.into(),
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
        let place = Place {
            path: Arc::clone(&self.path),
            line: number,
            event: self.events,
        };
        self.judge
            .judge(&event, &place)
            .map_err(|stop| match self.judge.overtaken.take() {
                Some(at) => Ended::Asynchronous(at),
                None => Ended::Verdict(stop),
            })?;
        self.events += 1;
        Ok(())
    }
}
