//! Plimsoll's own format: a JSON object a line (docs/linearizability.md).
//!
//! ```text
//! {"client":1,"id":"1.1","op":"put","key":"k0","type":"invoke","value":"v1","t":46}
//! {"client":1,"id":"1.1","op":"put","key":"k0","type":"ok","value":"v1","t":52}
//! ```

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::value::RawValue;

use super::answers::{self, Answer};
use super::build::{Builder, Ending};
use super::error::{Error, NOTHING_PUT, Reason};
use super::flat::{Flat, flat};
use super::source::Source;
use super::text::{Notations, Text, some};
use super::{Format, Read, Stopped};
use crate::history::{
    Compare, CompareOp, CompareWith, KeyId, Limits, RangeEnd, Request, Response, Revision, Txn,
    ValueId,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    Invoke,
    Ok,
    Fail,
    Info,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    #[serde(alias = "read")]
    Get,
    #[serde(alias = "write")]
    Put,
    Append,
    Cas,
    Delete,
    Range,
    Txn,
    Enqueue,
    Dequeue,
    Add,
    Remove,
    Contains,
    Members,
}

impl Op {
    fn kind(self) -> &'static str {
        match self {
            Op::Get => "read",
            Op::Put => "write",
            Op::Append => "append",
            Op::Cas => "cas",
            Op::Delete => "delete",
            Op::Range => "range",
            Op::Txn => "txn",
            Op::Enqueue => "enqueue",
            Op::Dequeue => "dequeue",
            Op::Add => "add",
            Op::Remove => "remove",
            Op::Contains => "contains",
            Op::Members => "members",
        }
    }
}

/// What is asked, on a line or within a transaction.
#[derive(Debug, Deserialize)]
struct Asked<'a> {
    op: Op,
    #[serde(borrow, default)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some")]
    value: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "some")]
    from: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "some")]
    to: Option<Text<'a>>,
    #[serde(borrow, default)]
    end: Option<Cow<'a, str>>,
    #[serde(default)]
    limit: Option<u32>,
}

/// One comparison of a transaction.
#[derive(Debug, Deserialize)]
struct Compared<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(default)]
    is: Is,
    #[serde(borrow, default, deserialize_with = "some")]
    value: Option<Text<'a>>,
    version: Option<u64>,
    mod_revision: Option<u64>,
    create_revision: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
enum Is {
    #[default]
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = ">")]
    Greater,
}

/// One line. What stands in it beyond this is not looked at. The fields of
/// `Asked` are repeated: nothing may be copied for what nearly no line has.
#[derive(Debug, Deserialize)]
struct Line<'a> {
    #[serde(borrow, alias = "process")]
    client: Text<'a>,
    #[serde(rename = "type")]
    phase: Phase,
    op: Op,
    #[serde(borrow, default)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some")]
    value: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "some")]
    from: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "some")]
    to: Option<Text<'a>>,
    #[serde(borrow, default)]
    end: Option<Cow<'a, str>>,
    #[serde(default)]
    limit: Option<u32>,
    #[serde(borrow, default, deserialize_with = "some")]
    id: Option<Text<'a>>,
    #[serde(default, alias = "time", deserialize_with = "time")]
    t: Option<u64>,
    #[serde(borrow, default)]
    compares: Option<Vec<Compared<'a>>>,
    #[serde(borrow, default)]
    then: Option<Vec<Asked<'a>>>,
    #[serde(borrow, default)]
    otherwise: Option<Vec<Asked<'a>>>,
    answer: Option<bool>,
    #[serde(borrow, default)]
    values: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pairs: Option<Vec<(Cow<'a, str>, Text<'a>)>>,
    succeeded: Option<bool>,
    #[serde(borrow, default)]
    results: Option<Vec<&'a RawValue>>,
    revision: Option<u64>,
    mod_revision: Option<u64>,
    create_revision: Option<u64>,
    version: Option<u64>,
}

/// Whether the beginning of a line has something of this format.
pub(super) fn begins_like(first: &[u8]) -> bool {
    let has = |name: &str| memchr::memmem::find(first, name.as_bytes()).is_some();
    has("\"client\"") || has("\"process\"") || has("\"op\"")
}

/// Whether a file that begins with a brace is a history of this format.
pub(super) fn detect(first: &[u8]) -> Result<Format, &'static str> {
    let end = memchr::memchr(b'\n', first).unwrap_or(first.len());
    let line = &first[..end];
    let has = |name: &str| memchr::memmem::find(line, name.as_bytes()).is_some();
    if has("\"plimsoll_trace\"") || has("\"tag\":\"trace\"") {
        return Err("it is a trace of nodes (plimsoll replay judges those)");
    }
    match has("\"type\"") && has("\"op\"") && (has("\"client\"") || has("\"process\"")) {
        true => Ok(Format::Plimsoll),
        false => Err("it is JSON, and its first line has no `client`, `type` and `op`"),
    }
}

/// Reads a history.
pub(super) fn read(source: &mut Source, limits: &Limits<'_>) -> Result<Read, Stopped> {
    let file = source.file().clone();
    let lines = source.lines_about()?;
    let mut begun: Option<Reader<'_>> = None;
    loop {
        let piece = source.next_line().map_err(|error| {
            let stopped = Stopped::from(error);
            match &begun {
                Some(reader) => stopped.behind(&reader.builder),
                None => stopped,
            }
        })?;
        let Some(piece) = piece else {
            break;
        };
        if piece.bytes.trim_ascii().is_empty() {
            continue;
        }
        let reader =
            begun.get_or_insert_with(|| Reader::new(is_of_queue(piece.bytes), lines, limits));
        reader.line = piece.line;
        if let Some(taken) = flat(piece.bytes).and_then(|line| reader.quick(piece.line, line)) {
            taken.map_err(|why| Error::new(&file, piece.line, Reason::Impossible(why)))?;
        } else {
            let line = serde_json::from_slice(piece.bytes).map_err(|error| {
                if !piece.terminated && error.is_eof() {
                    return Reason::Torn("the last line has no end".to_owned());
                }
                Reason::Form(match std::str::from_utf8(piece.bytes) {
                    Err(error) => format!("not UTF-8 (byte {})", error.valid_up_to() + 1),
                    Ok(_) => said(&error),
                })
            });
            line.and_then(|line| reader.take(line))
                .map_err(|reason| Error::new(&file, piece.line, reason))?;
        }
        if let Some(ground) = reader.builder.reached() {
            return Err(reader.builder.stopped(ground));
        }
    }
    let reader = begun.unwrap_or_else(|| Reader::new(false, 0, limits));
    let values = &reader.builder.history.values;
    if let Some((line, reason)) = reader.notations.clash(values) {
        return Err(Error::new(&file, line, reason).into());
    }
    Ok(reader.builder.finish(Format::Plimsoll))
}

/// Whether a line, the first of a history, is one of a queue.
fn is_of_queue(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Only {
        op: Op,
    }
    let only: Result<Only, _> = serde_json::from_slice(line);
    only.is_ok_and(|only| matches!(only.op, Op::Enqueue | Op::Dequeue))
}

/// What `null` is called in a queue.
const NULL: &str = "null";

/// A history while it is read.
struct Reader<'l> {
    builder: Builder<'l>,
    /// It is one of a queue, which may hold the empty text: `null` says that
    /// there is nothing. A key that holds the empty text reads like one that is
    /// not there.
    queue: bool,
    /// The line that is read.
    line: u64,
    notations: Notations,
}

impl<'l> Reader<'l> {
    fn new(queue: bool, lines: usize, limits: &'l Limits<'l>) -> Self {
        let mut builder = Builder::new(if queue { NULL } else { "" }, "units", limits);
        builder.expect_lines(lines);
        Reader {
            builder,
            queue,
            line: 0,
            notations: Notations::default(),
        }
    }

    /// Takes a flat line; `None`: it is left to [`Reader::take`].
    fn quick(&mut self, at: u64, line: Flat<'_>) -> Option<Result<(), String>> {
        let (key, value) = (line.key?, line.value?);
        let builder = &mut self.builder;
        if line.phase == "invoke" {
            let history = &mut builder.history;
            let key = history.key(key);
            let request = match line.op {
                "get" => Request::Read { key },
                "put" => Request::Write {
                    key,
                    value: history.value(value),
                },
                "append" => Request::Append {
                    key,
                    value: history.value(value),
                },
                _ => return None,
            };
            let called = builder.call(line.client, at, line.t, request);
            return Some(called.and_then(|called| match line.id {
                Some(id) => builder.name(called, id),
                None => Ok(()),
            }));
        }
        if line.phase != "ok" {
            return None;
        }
        let (open, operation) = builder.open(line.client).ok()?;
        let history = &builder.history;
        let answered = match (&operation.request, line.op) {
            (Request::Read { key: known }, "get") if history.keys.get(known.0) == key => None,
            (
                Request::Write {
                    key: known,
                    value: v,
                },
                "put",
            )
            | (
                Request::Append {
                    key: known,
                    value: v,
                },
                "append",
            ) if history.keys.get(known.0) == key && history.values.get(v.0) == value => {
                Some(Response::Done)
            }
            _ => return None,
        };
        if line.id.is_some_and(|id| !builder.is_named(open, id)) {
            return None;
        }
        let ending = Ending::Ok {
            request: None,
            response: answered.unwrap_or_else(|| Response::Value(builder.history.value(value))),
            revision: None,
        };
        Some(builder.ret(line.client, at, line.t, None, ending))
    }

    fn take(&mut self, mut line: Line<'_>) -> Result<(), Reason> {
        let at = self.line;
        let client = match line.client.text() {
            None => return Err(Reason::Form("`client` is null".to_owned())),
            Some(name) => name.to_owned(),
        };
        let id = line.id.take();
        let id = id.as_ref().and_then(Text::text);
        if line.phase == Phase::Invoke {
            let request = self.asked(&line)?;
            let called = self.builder.call(&client, at, line.t, request);
            let called = called.map_err(Reason::Impossible)?;
            if let Some(id) = id {
                self.builder.name(called, id).map_err(Reason::Impossible)?;
            }
            return Ok(());
        }
        if let Some(id) = id {
            let (open, _) = self.builder.open(&client).map_err(Reason::Impossible)?;
            if !self.builder.is_named(open, id) {
                return Err(Reason::Impossible(format!(
                    "client {client} returns from operation {id:?}, which is not the one it has \
                     open"
                )));
            }
        }
        let ending = match line.phase {
            Phase::Info => Ending::Unknown,
            Phase::Fail => Ending::Failed,
            Phase::Ok | Phase::Invoke => {
                self.agrees(&client, &line)?;
                Ending::Ok {
                    request: None,
                    response: self.answered(&client, &line)?,
                    revision: revision(&line),
                }
            }
        };
        let kind = Some(line.op.kind());
        self.builder
            .ret(&client, at, line.t, kind, ending)
            .map_err(Reason::Impossible)
    }

    /// What a return says of what was asked must be what was asked. It need not
    /// say it all.
    fn agrees(&mut self, client: &str, line: &Line<'_>) -> Result<(), Reason> {
        let said = match line.op {
            Op::Txn => line.then.is_some(),
            Op::Range => line.key.is_some(),
            Op::Cas => line.from.is_some() && line.to.is_some(),
            Op::Get | Op::Delete | Op::Dequeue | Op::Members => line.key.is_some(),
            Op::Put | Op::Append | Op::Enqueue | Op::Add | Op::Remove | Op::Contains => {
                line.value.is_some()
            }
        };
        if !said {
            return Ok(());
        }
        let request = self.asked(line)?;
        let (open, operation) = self.builder.open(client).map_err(Reason::Impossible)?;
        if operation.request == request {
            return Ok(());
        }
        let history = &self.builder.history;
        let words = |request| crate::history::words::request(history, request);
        Err(Reason::Impossible(format!(
            "client {client} returns from {}, and its open operation is {} (line {})",
            words(&request),
            words(&operation.request),
            history.places[open as usize].call_line
        )))
    }

    fn key(&mut self, key: Option<&Cow<'_, str>>) -> KeyId {
        self.builder.history.key(key.map_or("", |key| key))
    }

    fn value(&mut self, text: &Text<'_>) -> Result<ValueId, Reason> {
        let text = match text {
            Text::Null => return Ok(ValueId::ABSENT),
            Text::Words(text) => text,
            Text::Number(number) => {
                self.notations.note(number, self.line)?;
                *number
            }
        };
        if text == NULL && self.queue {
            let why =
                "the text \"null\" cannot be told from null, which says that a queue is empty";
            return Err(Reason::Model(why.to_owned()));
        }
        Ok(self.builder.history.value(text))
    }

    fn needed(&mut self, op: Op, name: &str, text: Option<&Text<'_>>) -> Result<ValueId, Reason> {
        match text {
            Some(text) => self.value(text),
            None => Err(Reason::Form(format!("{} without `{name}`", op.kind()))),
        }
    }

    fn asked(&mut self, line: &Line<'_>) -> Result<Request, Reason> {
        if line.op == Op::Txn {
            let mut txn = Txn::default();
            for one in line.compares.iter().flatten() {
                let compare = self.compared(one)?;
                txn.compares.push(compare);
            }
            for (from, to) in [
                (&line.then, &mut txn.then),
                (&line.otherwise, &mut txn.otherwise),
            ] {
                for one in from.iter().flatten() {
                    if one.op == Op::Txn {
                        return Err(Reason::Model("a transaction within another".to_owned()));
                    }
                    to.push(self.simple(
                        one.op,
                        one.key.as_ref(),
                        [&one.value, &one.from, &one.to],
                        one.end.as_ref(),
                        one.limit,
                    )?);
                }
            }
            return Ok(Request::Txn(Box::new(txn)));
        }
        self.simple(
            line.op,
            line.key.as_ref(),
            [&line.value, &line.from, &line.to],
            line.end.as_ref(),
            line.limit,
        )
    }

    /// Everything but a transaction.
    fn simple(
        &mut self,
        op: Op,
        name: Option<&Cow<'_, str>>,
        [text, from, to]: [&Option<Text<'_>>; 3],
        end: Option<&Cow<'_, str>>,
        limit: Option<u32>,
    ) -> Result<Request, Reason> {
        let key = self.key(name);
        let text = text.as_ref();
        Ok(match op {
            Op::Get => Request::Read { key },
            Op::Put => Request::Write {
                key,
                value: self.needed(op, "value", text)?,
            },
            Op::Append => Request::Append {
                key,
                value: self.needed(op, "value", text)?,
            },
            Op::Cas => Request::Cas {
                key,
                from: self.needed(op, "from", from.as_ref())?,
                to: self.needed(op, "to", to.as_ref())?,
            },
            Op::Delete => Request::Delete { key },
            Op::Range | Op::Txn => Request::Range {
                start: key,
                end: match end {
                    Some(end) => RangeEnd::Before(self.builder.history.key(end)),
                    None => RangeEnd::Open,
                },
                // 0 is no limit, as in etcd.
                limit: limit.filter(|limit| *limit > 0),
            },
            Op::Enqueue if matches!(text, Some(Text::Null)) => {
                return Err(Reason::Impossible(NOTHING_PUT.to_owned()));
            }
            Op::Enqueue => Request::Enqueue {
                key,
                value: self.needed(op, "value", text)?,
            },
            Op::Dequeue => Request::Dequeue { key },
            Op::Add => Request::Add {
                key,
                value: self.needed(op, "value", text)?,
            },
            Op::Remove => Request::Remove {
                key,
                value: self.needed(op, "value", text)?,
            },
            Op::Contains => Request::Contains {
                key,
                value: self.needed(op, "value", text)?,
            },
            Op::Members => Request::Members { key },
        })
    }

    fn compared(&mut self, one: &Compared<'_>) -> Result<Compare, Reason> {
        let with = match (
            &one.value,
            one.version,
            one.mod_revision,
            one.create_revision,
        ) {
            (Some(text), None, None, None) => CompareWith::Value(self.value(text)?),
            (None, Some(n), None, None) => CompareWith::Version(n),
            (None, None, Some(n), None) => CompareWith::ModRevision(n),
            (None, None, None, Some(n)) => CompareWith::CreateRevision(n),
            _ => {
                return Err(Reason::Form(
                    "a comparison has one of `value`, `version`, `mod_revision`, `create_revision`"
                        .to_owned(),
                ));
            }
        };
        Ok(Compare {
            key: self.builder.history.key(&one.key),
            op: match one.is {
                Is::Equal => CompareOp::Equal,
                Is::NotEqual => CompareOp::NotEqual,
                Is::Less => CompareOp::Less,
                Is::Greater => CompareOp::Greater,
            },
            with,
        })
    }

    /// What an `ok` says was answered; what it does not say is not known.
    fn answered(&mut self, client: &str, line: &Line<'_>) -> Result<Response, Reason> {
        stray(line)?;
        Ok(match line.op {
            Op::Get | Op::Dequeue => match &line.value {
                Some(text) => Response::Value(self.value(text)?),
                None => Response::Unknown,
            },
            Op::Put | Op::Append | Op::Enqueue => Response::Done,
            Op::Cas => Response::Flag(line.answer.unwrap_or(true)),
            Op::Delete | Op::Add | Op::Remove => line.answer.map_or(Response::Done, Response::Flag),
            Op::Contains => line.answer.map_or(Response::Unknown, Response::Flag),
            Op::Members => match &line.values {
                Some(texts) => {
                    let mut values = Vec::new();
                    for text in texts {
                        values.push(self.value(text)?);
                    }
                    Response::Values(values)
                }
                None => Response::Unknown,
            },
            Op::Range => match &line.pairs {
                Some(all) => self.pairs(all)?,
                None => Response::Unknown,
            },
            Op::Txn => self.of_txn(client, line)?,
        })
    }

    /// What a transaction was answered.
    fn of_txn(&mut self, client: &str, line: &Line<'_>) -> Result<Response, Reason> {
        let (_, operation) = self.builder.open(client).map_err(Reason::Impossible)?;
        let Request::Txn(txn) = &operation.request else {
            return Ok(Response::Unknown);
        };
        // Without comparisons there is one branch.
        let bare = txn.compares.is_empty();
        if bare && line.succeeded == Some(false) {
            let why = "a transaction without comparisons cannot find that they do not hold";
            return Err(Reason::Impossible(why.to_owned()));
        }
        let Some(succeeded) = line.succeeded.or(bare.then_some(true)) else {
            return match line.results {
                None => Ok(Response::Unknown),
                Some(_) => Err(Reason::Form(
                    "`results` without `succeeded`: of which operations is not said".to_owned(),
                )),
            };
        };
        let taken = if succeeded { &txn.then } else { &txn.otherwise };
        let kinds: Vec<_> = taken.iter().map(Request::kind).collect();
        let mut answers = Vec::new();
        if let Some(results) = &line.results {
            if results.len() != kinds.len() {
                return Err(Reason::Impossible(format!(
                    "a transaction of {} requests has {} results",
                    kinds.len(),
                    results.len()
                )));
            }
            for (result, kind) in results.iter().zip(kinds) {
                answers.push(match answers::result(kind, result.get())? {
                    Answer::Is(response) => response,
                    Answer::Value(text) => Response::Value(self.value(&text)?),
                    Answer::Pairs(all) => self.pairs(&all)?,
                });
            }
        }
        Ok(Response::Txn { succeeded, answers })
    }

    fn pairs(&mut self, all: &[(Cow<'_, str>, Text<'_>)]) -> Result<Response, Reason> {
        let mut pairs = Vec::new();
        for (name, text) in all {
            pairs.push((self.builder.history.key(name), self.value(text)?));
        }
        Ok(Response::Pairs(pairs))
    }
}

/// Answers of other operations than the line's are a mistake of who wrote it.
fn stray(line: &Line<'_>) -> Result<(), Reason> {
    let op = line.op;
    let flag = matches!(
        op,
        Op::Cas | Op::Delete | Op::Add | Op::Remove | Op::Contains
    );
    for (name, stands, fits) in [
        ("answer", line.answer.is_some(), flag),
        ("values", line.values.is_some(), op == Op::Members),
        ("pairs", line.pairs.is_some(), op == Op::Range),
        ("succeeded", line.succeeded.is_some(), op == Op::Txn),
        ("results", line.results.is_some(), op == Op::Txn),
    ] {
        if stands && !fits {
            return Err(Reason::Form(format!("a {} has no `{name}`", op.kind())));
        }
    }
    Ok(())
}

/// A time, or `null` where there is none.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match <&'de RawValue>::deserialize(deserializer)?.get() {
        "null" => Ok(None),
        number => number
            .parse()
            .map(Some)
            .map_err(|_| D::Error::custom("`t` must be a whole number of at least 0, below 2^64")),
    }
}

/// What serde says, without the line, which is always the first.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    format!("{} (column {})", &text[..end], error.column())
}

fn revision(line: &Line<'_>) -> Option<Revision> {
    let revision = Revision {
        store: line.revision,
        modified: line.mod_revision,
        created: line.create_revision,
        version: line.version,
    };
    (revision != Revision::default()).then_some(revision)
}
