//! Jepsen's text logs: `INFO  jepsen.util - 3 :invoke :cas [1 2]`, and its
//! `history.txt`, which has the same without what stands before the process.
//!
//! One register. A log holds much else; a line counts when a process, a phase,
//! a function and a value stand in it, in this order. `:fail :cas` says that
//! the register held another value, `:fail` with an error in place of the value
//! (`:timed-out`) that the operation had no effect or saw nothing, `:info` that
//! nobody knows.

use std::borrow::Cow;

use memchr::memmem;

use super::build::{Builder, Ending};
use super::edn;
use super::error::{Error, Reason};
use super::source::Source;
use super::{Format, Read, Stopped};
use crate::history::{KeyId, Limits, Request, Response, ValueId};

/// The fields of a line that counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fields<'a> {
    process: &'a str,
    phase: Phase,
    f: &'a str,
    /// The value, and an error where there is one.
    rest: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Invoke,
    Ok,
    Fail,
    Info,
}

impl Phase {
    pub(super) fn named(name: &[u8]) -> Option<Phase> {
        match name {
            b"invoke" => Some(Phase::Invoke),
            b"ok" => Some(Phase::Ok),
            b"fail" => Some(Phase::Fail),
            b"info" => Some(Phase::Info),
            _ => None,
        }
    }
}

/// The fields of a line, if it counts.
pub(super) fn fields(line: &[u8]) -> Option<Fields<'_>> {
    let mut rest = line;
    if let Some(at) = memmem::find(line, b"jepsen.util") {
        let behind = &line[at + b"jepsen.util".len()..];
        let end = behind
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\t' | b'-' | b':'))?;
        rest = &behind[end..];
    }
    let process = field(&mut rest)?;
    if !process.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let phase = Phase::named(field(&mut rest)?.strip_prefix(b":")?)?;
    let f = field(&mut rest)?.strip_prefix(b":")?;
    Some(Fields {
        process: std::str::from_utf8(process).ok()?,
        phase,
        f: std::str::from_utf8(f).ok()?,
        rest: rest.trim_ascii(),
    })
}

/// The next field: up to a blank or tabulator.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let text = rest.trim_ascii_start();
    let end = text.iter().position(|byte| matches!(byte, b' ' | b'\t'));
    let (field, behind) = text.split_at(end.unwrap_or(text.len()));
    *rest = behind;
    (!field.is_empty()).then_some(field)
}

/// Reads a log.
pub(super) fn read(source: &mut Source, limits: &Limits<'_>) -> Result<Read, Stopped> {
    let mut builder = Builder::new("nil", "", limits);
    let register = builder.history.key("");
    let file = source.file().clone();
    loop {
        let next = source.next_line();
        let Some(piece) = next.map_err(|error| Stopped::from(error).behind(&builder))? else {
            break;
        };
        let fields = fields(piece.bytes);
        let torn = !piece.terminated && fields.is_none_or(may_go_on);
        let taken = match (torn, fields) {
            (true, _) => Err(Reason::Torn(
                "the last line has no newline, and may go on".to_owned(),
            )),
            (false, Some(fields)) => take(&mut builder, register, piece.line, fields),
            (false, None) => {
                builder.passed += u64::from(!piece.bytes.trim_ascii().is_empty());
                continue;
            }
        };
        taken.map_err(|reason| Error::new(&file, piece.line, reason))?;
        if let Some(ground) = builder.reached() {
            return Err(builder.stopped(ground));
        }
    }
    Ok(builder.finish(Format::JepsenLog))
}

/// Whether the value of a line might be longer, had the line not ended: `1`
/// might be the beginning of `12`.
fn may_go_on(fields: Fields<'_>) -> bool {
    !matches!(fields.rest.last(), Some(b']' | b'"' | b'}' | b')')) && fields.rest != b"nil"
}

fn take(
    builder: &mut Builder<'_>,
    key: KeyId,
    line: u64,
    fields: Fields<'_>,
) -> Result<(), Reason> {
    let Fields {
        process, phase, f, ..
    } = fields;
    let kind = match f {
        "read" | "write" | "cas" => f,
        other => {
            return Err(Reason::Model(format!(
                "a log has :read, :write and :cas of one register, and not :{other}"
            )));
        }
    };
    let (value, error) = values(fields.rest)?;
    let impossible = Reason::Impossible;
    if phase == Phase::Info {
        return builder
            .ret(process, line, None, Some(kind), Ending::Unknown)
            .map_err(impossible);
    }
    // What stands in place of the value is then the reason.
    let failed = error || value.starts_with(b":");
    if phase == Phase::Fail && (failed || kind != "cas") {
        let ending = match kind {
            "read" => Ending::Unread,
            _ => Ending::Failed,
        };
        return builder
            .ret(process, line, None, Some(kind), ending)
            .map_err(impossible);
    }
    let request = match kind {
        "read" => Request::Read { key },
        "write" => Request::Write {
            key,
            value: intern(builder, value)?,
        },
        _ => {
            let (from, to) = pair(value)
                .ok_or_else(|| Reason::Form(":cas takes two values, [FROM TO]".to_owned()))?;
            Request::Cas {
                key,
                from: intern(builder, from)?,
                to: intern(builder, to)?,
            }
        }
    };
    if phase == Phase::Invoke {
        let called = builder.call(process, line, None, request);
        return called.map(|_| ()).map_err(impossible);
    }
    let response = match (kind, phase) {
        ("read", _) => Response::Value(intern(builder, value)?),
        ("cas", phase) => Response::Flag(phase == Phase::Ok),
        _ => Response::Done,
    };
    let ending = Ending::Ok {
        request: Some(request),
        response,
        revision: None,
    };
    builder
        .ret(process, line, None, None, ending)
        .map_err(impossible)
}

/// The value of a line, and whether something stands behind it.
fn values(rest: &[u8]) -> Result<(&[u8], bool), Reason> {
    let bad = |bad| match bad {
        edn::Bad::Form { why, .. } => Reason::Form(format!("the value: {why}")),
        edn::Bad::Incomplete => Reason::Form(format!("the value: {}", edn::ENDS_WITHIN)),
    };
    if rest.is_empty() {
        return Ok((b"nil", false));
    }
    let end = edn::form(rest, 0, true).map_err(bad)?;
    let more = edn::skip(rest, end, true).map_err(bad)? < rest.len();
    Ok((&rest[..end], more))
}

/// The two parts of a vector of two.
pub(super) fn pair(form: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut items = edn::items(form)?;
    let two = (items.next()?, items.next()?);
    items.next().is_none().then_some(two)
}

/// A value of Clojure's as it is written.
pub(super) fn intern(builder: &mut Builder<'_>, form: &[u8]) -> Result<ValueId, Reason> {
    Ok(builder.history.value(&written(form)?))
}

/// The text of a form; two that differ in white space are one, and so are
/// `1N` and `1`.
pub(super) fn written(form: &[u8]) -> Result<Cow<'_, str>, Reason> {
    let not_utf8 = |_| Reason::Form("not UTF-8".to_owned());
    let form = edn::untagged(form);
    let Some(items) = edn::items(form) else {
        return std::str::from_utf8(edn::plain(form))
            .map(Cow::Borrowed)
            .map_err(not_utf8);
    };
    let open = if form[0] == b'#' { 2 } else { 1 };
    let mut text = String::from_utf8_lossy(&form[..open]).into_owned();
    for (i, item) in items.enumerate() {
        if i > 0 {
            text.push(' ');
        }
        // What is nested stays as it is: its depth is anybody's choice.
        text += std::str::from_utf8(edn::plain(item)).map_err(not_utf8)?;
    }
    text.push(char::from(form[form.len() - 1]));
    Ok(Cow::Owned(text))
}
