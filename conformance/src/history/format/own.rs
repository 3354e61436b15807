//! Plimsoll's own format: a JSON object a line (docs/linearizability.md).
//!
//! ```text
//! {"client":1,"id":"1.1","op":"put","key":"k0","type":"invoke","value":"v1","t":46}
//! {"client":1,"id":"1.1","op":"put","key":"k0","type":"ok","value":"v1","t":52}
//! ```

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::build::{Builder, Ending};
use super::error::{Error, Reason};
use super::flat::{Flat, flat};
use super::source::Source;
use super::{Format, Read, Stopped};
use crate::history::{
    Compare, CompareOp, CompareWith, KeyId, Limits, RangeEnd, Request, Response, Revision, Txn,
    ValueId,
};

/// A text, a number, a truth value or null, as a text.
#[derive(Clone, Debug, PartialEq)]
enum Text<'a> {
    Null,
    Text(Cow<'a, str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, true, false or null")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
                Ok(Text::Text(Cow::Owned(number.to_string())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Text<'de>, E> {
                Ok(Text::Text(Cow::Owned(number.to_string())))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Text<'de>, E> {
                Ok(Text::Text(Cow::Owned(number.to_string())))
            }
            fn visit_bool<E>(self, truth: bool) -> Result<Text<'de>, E> {
                let text = if truth { "true" } else { "false" };
                Ok(Text::Text(Cow::Borrowed(text)))
            }
            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text::Null)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// `null` is something other than nothing.
fn some<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text<'a>>, D::Error> {
    Text::deserialize(deserializer).map(Some)
}

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

/// What one request of a transaction was answered.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answer<'a> {
    Null(()),
    Flag(bool),
    Text(#[serde(borrow)] Cow<'a, str>),
    Number(serde_json::Number),
    Pairs(#[serde(borrow)] Vec<(Cow<'a, str>, Text<'a>)>),
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
    #[serde(default, alias = "time")]
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
    results: Option<Vec<Answer<'a>>>,
    revision: Option<u64>,
    mod_revision: Option<u64>,
    create_revision: Option<u64>,
    version: Option<u64>,
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
    let queue = |first: &[u8]| {
        let end = memchr::memchr(b'\n', first).unwrap_or(first.len());
        let has = |name: &str| memchr::memmem::find(&first[..end], name.as_bytes()).is_some();
        has("\"enqueue\"") || has("\"dequeue\"")
    };
    // A queue may hold the empty text; a key that holds it is as one that is
    // not there.
    let absent = if queue(source.peek()?) { "null" } else { "" };
    let mut builder = Builder::new(absent, "units", limits);
    let file = source.file().clone();
    builder.expect_lines(source.lines_about()?);
    while let Some(piece) = source.next_line()? {
        if piece.bytes.trim_ascii().is_empty() {
            continue;
        }
        if let Some(taken) =
            flat(piece.bytes).and_then(|line| quick(&mut builder, piece.line, line))
        {
            taken.map_err(|why| Error::new(&file, piece.line, Reason::Impossible(why)))?;
            if let Some(ground) = builder.reached() {
                return Err(builder.stopped(ground));
            }
            continue;
        }
        let line = serde_json::from_slice(piece.bytes).map_err(|error| {
            let torn = !piece.terminated && error.is_eof();
            match torn {
                true => Reason::Torn("the last line has no end".to_owned()),
                false => Reason::Form(said(&error)),
            }
        });
        line.and_then(|line| take(&mut builder, piece.line, line))
            .map_err(|reason| Error::new(&file, piece.line, reason))?;
        if let Some(ground) = builder.reached() {
            return Err(builder.stopped(ground));
        }
    }
    Ok(builder.finish(Format::Plimsoll))
}

/// Takes a flat line; `None`: it is left to [`take`].
fn quick(builder: &mut Builder<'_>, at: u64, line: Flat<'_>) -> Option<Result<(), String>> {
    let (key, value) = (line.key?, line.value?);
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

/// What serde says, without the line, which is always the first.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    format!("{} (column {})", &text[..end], error.column())
}

fn take(builder: &mut Builder<'_>, at: u64, mut line: Line<'_>) -> Result<(), Reason> {
    let client = match &line.client {
        Text::Null => return Err(Reason::Form("`client` is null".to_owned())),
        Text::Text(name) => name.clone(),
    };
    let id = match line.id.take() {
        Some(Text::Text(id)) => Some(id),
        _ => None,
    };
    if line.phase == Phase::Invoke {
        let request = asked(builder, &line)?;
        let called = builder.call(&client, at, line.t, request);
        let called = called.map_err(Reason::Impossible)?;
        if let Some(id) = id {
            builder.name(called, &id).map_err(Reason::Impossible)?;
        }
        return Ok(());
    }
    if let Some(id) = &id {
        let (open, _) = builder.open(&client).map_err(Reason::Impossible)?;
        if !builder.is_named(open, id) {
            return Err(Reason::Impossible(format!(
                "client {client} returns from operation {id:?}, which is not the one it has open"
            )));
        }
    }
    let ending = match line.phase {
        Phase::Info => Ending::Unknown,
        Phase::Fail => Ending::Failed,
        Phase::Ok | Phase::Invoke => {
            agrees(builder, &client, &line)?;
            Ending::Ok {
                request: None,
                response: answered(builder, &client, &line)?,
                revision: revision(&line),
            }
        }
    };
    let kind = Some(line.op.kind());
    builder
        .ret(&client, at, line.t, kind, ending)
        .map_err(Reason::Impossible)
}

/// What a return says of what was asked must be what was asked. It need not say
/// it all.
fn agrees(builder: &mut Builder<'_>, client: &str, line: &Line<'_>) -> Result<(), Reason> {
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
    let request = asked(builder, line)?;
    let (open, operation) = builder.open(client).map_err(Reason::Impossible)?;
    if operation.request == request {
        return Ok(());
    }
    let history = &builder.history;
    let words = |request| crate::history::words::request(history, request);
    Err(Reason::Impossible(format!(
        "client {client} returns from {}, and its open operation is {} (line {})",
        words(&request),
        words(&operation.request),
        history.places[open as usize].call_line
    )))
}

fn key(builder: &mut Builder<'_>, key: Option<&Cow<'_, str>>) -> KeyId {
    builder.history.key(key.map_or("", |key| key))
}

fn value(builder: &mut Builder<'_>, text: &Text<'_>) -> ValueId {
    match text {
        Text::Null => ValueId::ABSENT,
        Text::Text(text) => builder.history.value(text),
    }
}

fn needed(
    builder: &mut Builder<'_>,
    op: Op,
    name: &str,
    text: Option<&Text<'_>>,
) -> Result<ValueId, Reason> {
    match text {
        Some(text) => Ok(value(builder, text)),
        None => Err(Reason::Form(format!("{} without `{name}`", op.kind()))),
    }
}

fn asked(builder: &mut Builder<'_>, line: &Line<'_>) -> Result<Request, Reason> {
    if line.op == Op::Txn {
        let mut txn = Txn::default();
        for one in line.compares.iter().flatten() {
            let compare = compared(builder, one)?;
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
                to.push(simple(
                    builder,
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
    simple(
        builder,
        line.op,
        line.key.as_ref(),
        [&line.value, &line.from, &line.to],
        line.end.as_ref(),
        line.limit,
    )
}

/// Everything but a transaction.
fn simple(
    builder: &mut Builder<'_>,
    op: Op,
    name: Option<&Cow<'_, str>>,
    [text, from, to]: [&Option<Text<'_>>; 3],
    end: Option<&Cow<'_, str>>,
    limit: Option<u32>,
) -> Result<Request, Reason> {
    let key = key(builder, name);
    let value = |builder: &mut Builder<'_>| needed(builder, op, "value", text.as_ref());
    Ok(match op {
        Op::Get => Request::Read { key },
        Op::Put => Request::Write {
            key,
            value: value(builder)?,
        },
        Op::Append => Request::Append {
            key,
            value: value(builder)?,
        },
        Op::Cas => Request::Cas {
            key,
            from: needed(builder, op, "from", from.as_ref())?,
            to: needed(builder, op, "to", to.as_ref())?,
        },
        Op::Delete => Request::Delete { key },
        Op::Range | Op::Txn => Request::Range {
            start: key,
            end: match end {
                Some(end) => RangeEnd::Before(builder.history.key(end)),
                None => RangeEnd::Open,
            },
            limit,
        },
        Op::Enqueue => Request::Enqueue {
            key,
            value: value(builder)?,
        },
        Op::Dequeue => Request::Dequeue { key },
        Op::Add => Request::Add {
            key,
            value: value(builder)?,
        },
        Op::Remove => Request::Remove {
            key,
            value: value(builder)?,
        },
        Op::Contains => Request::Contains {
            key,
            value: value(builder)?,
        },
        Op::Members => Request::Members { key },
    })
}

fn compared(builder: &mut Builder<'_>, one: &Compared<'_>) -> Result<Compare, Reason> {
    let with = match (
        &one.value,
        one.version,
        one.mod_revision,
        one.create_revision,
    ) {
        (Some(text), None, None, None) => CompareWith::Value(value(builder, text)),
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
        key: builder.history.key(&one.key),
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
fn answered(builder: &mut Builder<'_>, client: &str, line: &Line<'_>) -> Result<Response, Reason> {
    Ok(match line.op {
        Op::Get | Op::Dequeue => match &line.value {
            Some(text) => Response::Value(value(builder, text)),
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
                    values.push(value(builder, text));
                }
                Response::Values(values)
            }
            None => Response::Unknown,
        },
        Op::Range => match &line.pairs {
            Some(all) => pairs(builder, all),
            None => Response::Unknown,
        },
        Op::Txn => {
            let (succeeded, reads) = branch(builder, client, line)?;
            let Some(succeeded) = succeeded else {
                return Ok(Response::Unknown);
            };
            let mut answers = Vec::new();
            for (i, one) in line.results.iter().flatten().enumerate() {
                answers.push(match one {
                    Answer::Null(()) if reads.get(i) == Some(&true) => {
                        Response::Value(ValueId::ABSENT)
                    }
                    Answer::Null(()) => Response::Done,
                    Answer::Flag(flag) => Response::Flag(*flag),
                    Answer::Text(text) => Response::Value(builder.history.value(text)),
                    Answer::Number(number) => {
                        Response::Value(builder.history.value(&number.to_string()))
                    }
                    Answer::Pairs(all) => pairs(builder, all),
                });
            }
            if !answers.is_empty() && answers.len() != reads.len() {
                return Err(Reason::Impossible(format!(
                    "a transaction of {} requests has {} results",
                    reads.len(),
                    answers.len()
                )));
            }
            Response::Txn { succeeded, answers }
        }
    })
}

/// Which branch the open transaction of a client took, if that is known, and
/// which of its requests are reads.
fn branch(
    builder: &mut Builder<'_>,
    client: &str,
    line: &Line<'_>,
) -> Result<(Option<bool>, Vec<bool>), Reason> {
    let (_, operation) = builder.open(client).map_err(Reason::Impossible)?;
    let Request::Txn(txn) = &operation.request else {
        return Ok((None, Vec::new()));
    };
    // Without comparisons there is one branch.
    let succeeded = line.succeeded.or(txn.compares.is_empty().then_some(true));
    let taken = match succeeded {
        Some(false) => &txn.otherwise,
        _ => &txn.then,
    };
    let reads = taken.iter().map(|one| matches!(one, Request::Read { .. }));
    Ok((succeeded, reads.collect()))
}

fn pairs(builder: &mut Builder<'_>, all: &[(Cow<'_, str>, Text<'_>)]) -> Response {
    let mut pairs = Vec::new();
    for (name, text) in all {
        pairs.push((builder.history.key(name), value(builder, text)));
    }
    Response::Pairs(pairs)
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
