//! The document of `plimsoll linearize --json`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::check::peak_memory;
use super::{Answer, seconds};
use crate::history::format::{Error, Read};
use crate::history::verdict::{
    Attempt, Certificate, Failure, Ground, Judged, Outcomes, SessionBreak, Stale, Unexamined,
    Untold, Verdict, Why,
};
use crate::history::{History, KeyId, ModelName, Request, Response, words};

/// The schema of [`Document`].
pub const SCHEMA: &str = "plimsoll-linearize/1";

/// One history.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryReport {
    /// The file.
    pub path: String,
    /// `linearizable`, `not-linearizable`, `inconclusive`; `unreadable` with an
    /// `error`.
    pub verdict: &'static str,
    /// Why it could not be read.
    pub error: Option<String>,
    /// The line of the error, from 1.
    pub line: Option<u64>,
    /// The format.
    pub format: Option<&'static str>,
    /// The model that it was judged by.
    pub model: Option<&'static str>,
    /// Whether the model was chosen by what the history holds.
    pub model_chosen: bool,
    /// Operations in the file.
    pub operations: u64,
    /// Clients in the file.
    pub clients: u64,
    /// Operations that certainly had no effect, and are left out.
    pub failed: u64,
    /// Lines of others than clients.
    pub passed: u64,
    /// The algorithms that decided it, the one of most parts first.
    pub algorithm: Option<String>,
    /// Why it is inconclusive.
    pub grounds: Vec<&'static str>,
    /// Wall-clock time, with reading.
    pub seconds: f64,
    /// Of which reading took so long.
    pub reading: Took,
    /// Of which judging took so long.
    pub judging: Took,
    /// What the verdict rests on.
    pub certificate: Option<CertificateReport>,
    /// Why it is not linearizable.
    pub conflict: Option<Conflict>,
    /// What weaker guarantees hold.
    pub weaker: Option<WeakerReport>,
}

/// A time on its own.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Took {
    /// Wall-clock time.
    pub seconds: f64,
}

/// Operations of one kind.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Counted {
    /// They returned, and what they answered is known.
    pub known: u64,
    /// They returned; what they answered is not known.
    pub unread: u64,
    /// Nobody knows whether they happened.
    pub unknown: u64,
}

/// What a verdict rests on.
#[derive(Clone, Debug, Serialize)]
pub struct CertificateReport {
    /// Operations by kind and outcome.
    pub operations: BTreeMap<&'static str, Counted>,
    /// Operations of parts that came to a verdict.
    pub operations_judged: u64,
    /// Parts judged on their own.
    pub parts: u64,
    /// Why that is sound.
    pub partition: &'static str,
    /// How many parts each algorithm decided.
    pub algorithms: BTreeMap<&'static str, u64>,
    /// Parts without a verdict.
    pub parts_open: u64,
    /// Configurations that searches visited.
    pub states: u64,
    /// The most memory of tables and stacks, in bytes.
    pub memory_bytes: u64,
    /// Operations left out, by the reason why that is sound.
    pub dropped: BTreeMap<&'static str, u64>,
}

/// An operation of a conflict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperationReport {
    /// Its index in the history, from 0.
    pub operation: u32,
    /// The client.
    pub client: String,
    /// What was asked and answered.
    pub what: String,
    /// The line of the call.
    pub call_line: u32,
    /// The line of the return.
    pub return_line: Option<u32>,
    /// The position of the call among all calls and returns, from 0.
    pub call: u32,
    /// The position of the return; none when its outcome is not known.
    pub returned: Option<u32>,
    /// When it was called.
    pub called_at: Option<u64>,
    /// When it returned.
    pub returned_at: Option<u64>,
}

/// Operations without an order.
#[derive(Clone, Debug, Serialize)]
pub struct Conflict {
    /// The keys of the part.
    pub keys: Vec<String>,
    /// The keys of other parts without an order.
    pub other_parts: Vec<Vec<String>>,
    /// Up to before this line the part has an order.
    pub prefix_line: Option<u32>,
    /// The operations, in the order of their calls.
    pub operations: Vec<OperationReport>,
    /// Whether none of them can be left out.
    pub minimal: bool,
    /// The longest orders of some of them.
    pub attempts: Vec<AttemptReport>,
}

/// An order that cannot be carried on.
#[derive(Clone, Debug, Serialize)]
pub struct AttemptReport {
    /// The operations in it, by their index.
    pub order: Vec<u32>,
    /// The others.
    pub blocked: Vec<BlockedReport>,
}

/// An operation that cannot come next.
#[derive(Clone, Debug, Serialize)]
pub struct BlockedReport {
    /// Its index.
    pub operation: u32,
    /// Why not, in a sentence.
    pub why: String,
}

/// What holds of a part that is not linearizable.
#[derive(Clone, Debug, Serialize)]
pub struct WeakerReport {
    /// How old the answers of reads are: `by`, `never` (no age explains it),
    /// `unknown`.
    pub stale: &'static str,
    /// In calls and returns.
    pub stale_events: Option<u32>,
    /// In the unit of the history's times.
    pub stale_time: Option<u64>,
    /// That unit.
    pub time_unit: Option<&'static str>,
    /// Guarantees of a session that broke; null: not examined.
    pub sessions: Option<Vec<SessionReport>>,
    /// Why they were not examined.
    #[serde(serialize_with = "unexamined")]
    pub sessions_unknown: Option<Unexamined>,
    /// Whether it is sequentially consistent; null: not known.
    pub sequential: Option<bool>,
    /// Why that is not known.
    #[serde(serialize_with = "untold")]
    pub sequential_unknown: Option<Untold>,
}

fn unexamined<S: Serializer>(why: &Option<Unexamined>, to: S) -> Result<S::Ok, S::Error> {
    why.map(Unexamined::name).serialize(to)
}

fn untold<S: Serializer>(why: &Option<Untold>, to: S) -> Result<S::Ok, S::Error> {
    why.map(Untold::name).serialize(to)
}

/// A guarantee that broke.
#[derive(Clone, Debug, Serialize)]
pub struct SessionReport {
    /// Its name.
    pub guarantee: &'static str,
    /// The operations that show it.
    pub operations: Vec<OperationReport>,
}

/// A file in a folder that is no history.
#[derive(Clone, Debug, Serialize)]
pub struct Other {
    /// The file.
    pub path: String,
    /// Why it is none.
    pub why: String,
}

/// The document of `plimsoll linearize --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The version of this tool.
    pub tool: &'static str,
    /// The worst of all histories: `holds` when every one is linearizable, at
    /// best `inconclusive` when one could not be read or there is none.
    pub verdict: Answer,
    /// Wall-clock time.
    pub seconds: f64,
    /// The most memory that the process held, in bytes; only on Linux.
    pub peak_memory_bytes: Option<u64>,
    /// The histories, in the order of the inputs.
    pub histories: Vec<HistoryReport>,
    /// Files in folders that are none.
    pub others: Vec<Other>,
}

/// How long it took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// Reading the file.
    pub reading: Duration,
    /// Judging it.
    pub judging: Duration,
}

impl HistoryReport {
    fn empty(path: &str, times: Times) -> Self {
        let took = |time| Took {
            seconds: fine(time),
        };
        HistoryReport {
            path: path.to_owned(),
            verdict: "unreadable",
            error: None,
            line: None,
            format: None,
            model: None,
            model_chosen: false,
            operations: 0,
            clients: 0,
            failed: 0,
            passed: 0,
            algorithm: None,
            grounds: Vec::new(),
            seconds: fine(times.reading + times.judging),
            reading: took(times.reading),
            judging: took(times.judging),
            certificate: None,
            conflict: None,
            weaker: None,
        }
    }

    /// A file that is no history, or an impossible one.
    pub fn unreadable(path: &str, error: &Error, times: Times) -> Self {
        HistoryReport {
            error: Some(error.to_string()),
            line: (error.line > 0).then_some(error.line),
            ..HistoryReport::empty(path, times)
        }
    }

    /// A history of which a limit let only so many operations be read.
    pub fn stopped(path: &str, ground: Ground, operations: u64, times: Times) -> Self {
        HistoryReport {
            verdict: "inconclusive",
            operations,
            grounds: vec![ground.name()],
            ..HistoryReport::empty(path, times)
        }
    }

    /// A history without operations, which no model is chosen for.
    pub fn nothing(path: &str, read: &Read, times: Times) -> Self {
        HistoryReport {
            verdict: "inconclusive",
            grounds: vec![Ground::Empty.name()],
            ..HistoryReport::of(path, read, times)
        }
    }

    fn of(path: &str, read: &Read, times: Times) -> Self {
        HistoryReport {
            format: Some(read.format.name()),
            operations: read.history.operations.len() as u64 + read.failed,
            clients: read.history.clients.len() as u64,
            failed: read.failed,
            passed: read.passed,
            ..HistoryReport::empty(path, times)
        }
    }

    /// A history that was judged. `chosen`: the model, by what it holds.
    pub fn new(
        path: &str,
        read: &Read,
        model: ModelName,
        chosen: bool,
        judged: &Judged,
        times: Times,
    ) -> Self {
        let mut report = HistoryReport {
            verdict: judged.verdict.name(),
            model: Some(model.name()),
            model_chosen: chosen,
            algorithm: algorithm(&judged.certificate),
            certificate: Some(certificate(&judged.certificate)),
            ..HistoryReport::of(path, read, times)
        };
        match &judged.verdict {
            Verdict::Linearizable => {}
            Verdict::NotLinearizable(failure) => {
                report.conflict = Some(conflict(&read.history, failure));
                report.weaker = Some(weaker(&read.history, failure));
            }
            Verdict::Inconclusive(grounds) => {
                report.grounds = grounds.iter().map(|ground| ground.name()).collect();
            }
        }
        report
    }

    /// The answer; `None` for what could not be read.
    pub fn answer(&self) -> Option<Answer> {
        match self.verdict {
            "linearizable" => Some(Answer::Holds),
            "not-linearizable" => Some(Answer::Violated),
            "inconclusive" => Some(Answer::Inconclusive),
            _ => None,
        }
    }
}

/// Seconds to the microsecond: many histories take less than a millisecond.
fn fine(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}

fn algorithm(certificate: &Certificate) -> Option<String> {
    let mut all: Vec<_> = certificate.algorithms.iter().collect();
    all.sort_by(|(a, n), (b, m)| m.cmp(n).then(a.cmp(b)));
    let names: Vec<_> = all.iter().map(|(algorithm, _)| algorithm.name()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn certificate(certificate: &Certificate) -> CertificateReport {
    let counted = |outcomes: &Outcomes| Counted {
        known: outcomes.known,
        unread: outcomes.unread,
        unknown: outcomes.unknown,
    };
    let operations = certificate.operations.iter();
    let algorithms = certificate.algorithms.iter();
    let dropped = certificate.dropped.iter();
    CertificateReport {
        operations: operations.map(|(kind, n)| (*kind, counted(n))).collect(),
        operations_judged: certificate.operations_judged,
        parts: certificate.parts,
        partition: certificate.partition,
        algorithms: algorithms.map(|(a, n)| (a.name(), *n)).collect(),
        parts_open: certificate.parts_open,
        states: certificate.states,
        memory_bytes: certificate.memory_bytes,
        dropped: dropped.map(|(why, n)| (why.name(), *n)).collect(),
    }
}

fn operation(history: &History, index: u32) -> Option<OperationReport> {
    let operation = history.operations.get(index as usize)?;
    let place = history
        .places
        .get(index as usize)
        .copied()
        .unwrap_or_default();
    let times = history.times.get(index as usize);
    Some(OperationReport {
        operation: index,
        client: history.clients.get(operation.client.0).to_owned(),
        what: words::operation(history, index),
        call_line: place.call_line,
        return_line: (place.ret_line > 0).then_some(place.ret_line),
        call: operation.call,
        returned: operation.ret,
        called_at: times.map(|times| times.0),
        returned_at: times
            .filter(|_| operation.ret.is_some())
            .map(|times| times.1),
    })
}

fn operations(history: &History, indexes: &[u32]) -> Vec<OperationReport> {
    let mut all: Vec<_> = indexes
        .iter()
        .filter_map(|i| operation(history, *i))
        .collect();
    all.sort_by_key(|operation| operation.call);
    all
}

fn conflict(history: &History, failure: &Failure) -> Conflict {
    let names = |keys: &[crate::history::KeyId]| -> Vec<String> {
        let names = keys.iter().map(|key| history.keys.get(key.0).to_owned());
        names.collect()
    };
    let line = |index: u32| {
        history
            .places
            .get(index as usize)
            .map(|place| place.ret_line)
    };
    Conflict {
        keys: names(&failure.keys),
        other_parts: failure.others.iter().map(|keys| names(keys)).collect(),
        prefix_line: failure.first_return.and_then(line),
        operations: operations(history, &failure.conflict),
        minimal: failure.minimal,
        attempts: failure
            .attempts
            .iter()
            .map(|a| attempt(history, a))
            .collect(),
    }
}

fn attempt(history: &History, attempt: &Attempt) -> AttemptReport {
    let blocked = attempt.blocked.iter().map(|blocked| BlockedReport {
        operation: blocked.operation,
        why: named(
            history,
            attempt,
            blocked.operation,
            why(history, &blocked.why),
        ),
    });
    AttemptReport {
        order: attempt.points.iter().map(|point| point.operation).collect(),
        blocked: blocked.collect(),
    }
}

/// The sentence with the value that was written last to the key of an operation,
/// where the judgement keeps no more of it than that no answer shows it.
fn named(history: &History, attempt: &Attempt, blocked: u32, why: String) -> String {
    const UNSEEN: &str = "one that no answer shows";
    if !why.contains(UNSEEN) {
        return why;
    }
    let operation = |index: u32| history.operations.get(index as usize);
    let Some(key) = operation(blocked).and_then(|o| key_of(&o.request)) else {
        return why;
    };
    let order = attempt.points.iter().rev();
    let last = order
        .filter_map(|point| operation(point.operation))
        .find(|o| {
            let reads = matches!(o.request, Request::Read { .. } | Request::Range { .. })
                || o.response == Response::Flag(false);
            !reads && key_of(&o.request).is_none_or(|other| other == key)
        });
    let value = match last.map(|o| (&o.request, &o.response)) {
        Some((Request::Write { value, .. }, _)) => value,
        Some((Request::Cas { to, .. }, Response::Flag(true))) => to,
        // Texts that were appended, and transactions, name no one value.
        _ => return why,
    };
    why.replacen(UNSEEN, &format!("{:?}", history.values.get(value.0)), 1)
}

/// The one key of a request.
fn key_of(request: &Request) -> Option<KeyId> {
    match request {
        Request::Read { key }
        | Request::Write { key, .. }
        | Request::Cas { key, .. }
        | Request::Append { key, .. }
        | Request::Delete { key } => Some(*key),
        _ => None,
    }
}

/// Why an operation cannot come next, in a sentence.
fn why(history: &History, why: &Why) -> String {
    let other = |index: u32| {
        let lines = history.places.get(index as usize).copied();
        let lines = lines.map_or(0, |place| place.call_line);
        format!("{} (line {lines})", words::operation(history, index))
    };
    match why {
        Why::Refused(text) => text.clone(),
        Why::CalledAfter(index) => format!(
            "it was called after the return of {}, which has no place yet",
            other(*index)
        ),
        Why::LeavesBehind(index) => {
            format!("it fits, and then {} can never follow", other(*index))
        }
    }
}

fn weaker(history: &History, failure: &Failure) -> WeakerReport {
    let (stale, events, time) = match failure.weaker.stale {
        Stale::Unknown => ("unknown", None, None),
        Stale::Never => ("never", None, None),
        Stale::By { events, time } => ("by", Some(events), time),
    };
    let session = |broken: &SessionBreak| SessionReport {
        guarantee: broken.session.name(),
        operations: operations(history, &broken.operations),
    };
    let sessions = failure.weaker.sessions.as_ref().ok();
    let sessions = sessions.map(|broken| broken.iter().map(session).collect());
    let timed = !history.times.is_empty();
    WeakerReport {
        stale,
        stale_events: events,
        stale_time: time,
        time_unit: timed.then_some(history.time_unit),
        sessions,
        sessions_unknown: failure.weaker.sessions.as_ref().err().copied(),
        sequential: failure.weaker.sequential.ok(),
        sequential_unknown: failure.weaker.sequential.err(),
    }
}

impl Document {
    /// Sums up `histories`, which took so long.
    pub fn new(histories: Vec<HistoryReport>, others: Vec<Other>, time: Duration) -> Self {
        let answers = histories.iter().map(HistoryReport::answer);
        let worst = answers.map(|a| a.unwrap_or(Answer::Inconclusive)).max();
        Document {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_VERSION"),
            verdict: worst.unwrap_or(Answer::Inconclusive),
            seconds: seconds::rounded(time),
            peak_memory_bytes: peak_memory(),
            histories,
            others,
        }
    }
}
