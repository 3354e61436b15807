//! Histories of EDN maps: porcupine's key-value files, and Jepsen's histories,
//! a map a line or all in a vector.
//!
//! ```text
//! {:process 9, :type :invoke, :f :append, :key "0", :value "x 9 0 y"}
//! {:process 0, :type :invoke, :f :write, :value 3, :time 12345, :index 0}
//! #jepsen.history.Op{:process 1, :type :ok, :f :txn, :value [[:r 3 [1]] [:append 3 2]]}
//! ```
//!
//! With a `:key` the values are texts and a key begins as the empty one.
//! Without, they are Clojure's, written as they stand, and a key begins as
//! `nil`; a value `[k v]` of a read (or of a compare-and-set, `[k [v w]]`) is
//! one of key `k` where the first call has that form. Lists that transactions
//! append to are texts: their elements, each with a blank behind it.

use memchr::memmem;

use super::build::{Builder, Ending};
use super::edn;
use super::error::{Error, NOTHING_PUT, Reason};
use super::jepsen_log::{Phase, intern, pair, written};
use super::source::Source;
use super::{Format, Read, Stopped};
use crate::history::{KeyId, Limits, Request, Response, Txn, ValueId};

/// What kind of thing the values are, which some functions share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// `:key` names a key, values are texts.
    Keyed,
    /// A register, or several by key.
    Register,
    /// `:read` gives all of a set.
    Set,
    /// Transactions on registers.
    Registers,
    /// Transactions on lists.
    Lists,
}

impl Family {
    /// What the beginning of the file shows.
    fn of(first: &[u8], set: bool) -> Family {
        let has = |word: &str| memmem::find(first, word.as_bytes()).is_some();
        if has(":key ") {
            Family::Keyed
        } else if has(":txn") {
            match has("[:append ") {
                true => Family::Lists,
                false => Family::Registers,
            }
        } else if set || has(":add") {
            Family::Set
        } else {
            Family::Register
        }
    }
}

/// The fields of one map, as written.
#[derive(Default)]
struct Op<'a> {
    process: &'a [u8],
    phase: &'a [u8],
    f: &'a [u8],
    key: Option<&'a [u8]>,
    value: &'a [u8],
    time: Option<u64>,
    error: bool,
}

fn form(why: impl Into<String>) -> Reason {
    Reason::Form(why.into())
}

impl<'a> Op<'a> {
    /// A line that is one map of small forms; `None` when it is something else,
    /// be it right or wrong.
    fn of_line(line: &'a [u8]) -> Option<Self> {
        let mut op = Op {
            value: b"nil",
            ..Op::default()
        };
        let inner = line.strip_prefix(b"{")?.strip_suffix(b"}")?;
        // A comment might hide the bracket that seems to close the map.
        let skip = |from: usize| {
            let at = edn::skip(inner, from, true).ok()?;
            (!inner[from..at].contains(&b';')).then_some(at)
        };
        let mut at = 0;
        loop {
            at = skip(at)?;
            if at >= inner.len() {
                return Some(op);
            }
            let end = edn::form(inner, at, true).ok()?;
            let name = &inner[at..end];
            at = skip(end)?;
            if at >= inner.len() {
                return None;
            }
            let end = edn::form(inner, at, true).ok()?;
            op.set(name, &inner[at..end]);
            at = end;
        }
    }

    fn set(&mut self, name: &[u8], value: &'a [u8]) {
        match name {
            b":process" => self.process = value,
            b":type" => self.phase = value,
            b":f" => self.f = value,
            b":key" => self.key = Some(value),
            b":value" => self.value = edn::untagged(value),
            b":time" => self.time = edn::number(value).and_then(|n| u64::try_from(n).ok()),
            b":error" => self.error = !edn::is_nil(value),
            _ => {}
        }
    }

    fn new(map: &'a [u8]) -> Result<Self, Reason> {
        let map = edn::untagged(map);
        let items = map.starts_with(b"{").then(|| edn::items(map)).flatten();
        let mut items = items.ok_or_else(|| form("not a map with :process, :type and :f"))?;
        let mut op = Op {
            value: b"nil",
            ..Op::default()
        };
        while let Some(name) = items.next() {
            let Some(value) = items.next() else {
                return Err(form("a map with a name and no value"));
            };
            op.set(name, value);
        }
        Ok(op)
    }
}

/// Reads a history of maps. `set`: a read gives all of a set.
pub(super) fn read(source: &mut Source, set: bool, limits: &Limits<'_>) -> Result<Read, Stopped> {
    let family = Family::of(source.peek()?, set);
    let (absent, unit) = match family {
        Family::Keyed | Family::Lists => ("", "ns"),
        Family::Register | Family::Set | Family::Registers => ("nil", "ns"),
    };
    let format = match family {
        Family::Keyed => Format::Porcupine,
        _ => Format::JepsenEdn,
    };
    let mut reader = Maps {
        builder: Builder::new(absent, unit, limits),
        family,
        independent: None,
    };
    let file = source.file().clone();
    reader.builder.expect_lines(source.lines_about()?);
    loop {
        let line = source.line_of_map();
        let op = line.and_then(|line| Some((line, Op::of_line(line.bytes)?)));
        let line = match op {
            Some((line, op)) => {
                let (number, length) = (line.line, line.bytes.len());
                let taken = reader.take(&op, number);
                let passed = source.pass_line(length);
                passed.map_err(|error| Stopped::from(error).behind(&reader.builder))?;
                taken.map_err(|reason| (number, reason))
            }
            None => match source
                .next_form()
                .map_err(|error| Stopped::from(error).behind(&reader.builder))?
            {
                None => break,
                Some(piece) => Op::new(piece.bytes)
                    .and_then(|op| reader.take(&op, piece.line))
                    .map_err(|reason| (piece.line, reason)),
            },
        };
        line.map_err(|(line, reason)| Error::new(&file, line, reason))?;
        if let Some(ground) = reader.builder.reached() {
            return Err(reader.builder.stopped(ground));
        }
    }
    Ok(reader.builder.finish(format))
}

struct Maps<'l> {
    builder: Builder<'l>,
    family: Family,
    /// Whether values are `[k v]`, once a call has shown it.
    independent: Option<bool>,
}

impl Maps<'_> {
    fn take(&mut self, op: &Op<'_>, line: u64) -> Result<(), Reason> {
        let missing = |name: &str| form(format!("an operation without {name}"));
        if op.process.is_empty() {
            return Err(missing(":process"));
        }
        if edn::number(op.process).is_none() {
            // The nemesis, and whoever else is no client.
            self.builder.passed += 1;
            return Ok(());
        }
        let process = std::str::from_utf8(op.process).map_err(|_| form("not UTF-8"))?;
        if op.phase.is_empty() {
            return Err(missing(":type"));
        }
        let phase = op.phase.strip_prefix(b":").and_then(Phase::named);
        let phase = phase.ok_or_else(|| {
            let shown = String::from_utf8_lossy(op.phase);
            form(format!(
                ":type {shown} is none of :invoke, :ok, :fail, :info"
            ))
        })?;
        let f = edn::keyword(op.f).ok_or_else(|| missing(":f"))?;
        if phase == Phase::Invoke {
            let request = self.request(op, f)?;
            let called = self.builder.call(process, line, op.time, request);
            return called.map(|_| ()).map_err(Reason::Impossible);
        }
        let kind = self.kind(f)?;
        let ending = match phase {
            Phase::Info => Ending::Unknown,
            // With an error it failed for another reason than the value.
            Phase::Fail if kind == "cas" && !op.error => Ending::Refused,
            Phase::Fail => Ending::Failed,
            Phase::Ok | Phase::Invoke => match self.same(op, kind, process) {
                Some(response) => Ending::Ok {
                    request: None,
                    response,
                    revision: None,
                },
                None => Ending::Ok {
                    response: self.response(op, f)?,
                    request: Some(self.request(op, f)?),
                    revision: None,
                },
            },
        };
        self.builder
            .ret(process, line, op.time, Some(kind), ending)
            .map_err(Reason::Impossible)
    }

    /// What an operation by key was answered, if the line names the one that is
    /// open: to compare texts is faster than to look for their numbers.
    fn same(&mut self, op: &Op<'_>, kind: &str, process: &str) -> Option<Response> {
        let key = text(op.key?).ok()?;
        let (_, open) = self.builder.open(process).ok()?;
        let history = &self.builder.history;
        match (&open.request, kind) {
            (Request::Read { key: known }, "read") => {
                if history.keys.get(known.0) != key {
                    return None;
                }
                self.value(op.value).ok().map(Response::Value)
            }
            (Request::Write { key: known, value }, "write")
            | (Request::Append { key: known, value }, "append") => {
                let same = history.keys.get(known.0) == key
                    && op.value.starts_with(b"\"")
                    && history.values.get(value.0) == text(op.value).ok()?;
                same.then_some(Response::Done)
            }
            _ => None,
        }
    }

    /// The kind of request that a function is.
    fn kind(&self, f: &str) -> Result<&'static str, Reason> {
        Ok(match f {
            "read" | "get" | "r" if self.family == Family::Set => "members",
            "read" | "get" | "r" => "read",
            "write" | "put" | "w" => "write",
            "cas" => "cas",
            "append" => "append",
            "delete" => "delete",
            "txn" => "txn",
            "enqueue" => "enqueue",
            "dequeue" => "dequeue",
            "add" => "add",
            "remove" => "remove",
            "drain" => {
                return Err(Reason::Model(
                    ":drain is several operations in one, and when each happened is not told"
                        .to_owned(),
                ));
            }
            other => {
                return Err(Reason::Model(format!(
                    ":f :{other} is no operation of a register, key-value store, queue or set"
                )));
            }
        })
    }

    /// The key of an operation, and its value without it.
    fn split<'a>(&mut self, op: &Op<'a>, kind: &str) -> Result<(KeyId, &'a [u8]), Reason> {
        if let Some(key) = op.key {
            let key = text(key)?;
            return Ok((self.builder.history.key(&key), op.value));
        }
        if self.family == Family::Keyed {
            return Err(form("an operation without :key"));
        }
        let parts = pair(op.value);
        let keyed = match kind {
            "cas" => parts.is_some_and(|(_, second)| pair(second).is_some()),
            _ => parts.is_some(),
        };
        match (*self.independent.get_or_insert(keyed), parts) {
            (true, Some((key, value))) if keyed => {
                let key = written(key)?;
                Ok((self.builder.history.key(&key), edn::untagged(value)))
            }
            (true, _) => Err(form(
                "the values of the operations before are [KEY VALUE], and this one is not",
            )),
            (false, _) => Ok((self.builder.history.key(""), op.value)),
        }
    }

    fn value(&mut self, form: &[u8]) -> Result<ValueId, Reason> {
        match self.family {
            Family::Keyed if edn::is_nil(form) => Ok(ValueId::ABSENT),
            Family::Keyed => Ok(self.builder.history.value(&text(form)?)),
            _ => intern(&mut self.builder, form),
        }
    }

    fn request(&mut self, op: &Op<'_>, f: &str) -> Result<Request, Reason> {
        let kind = self.kind(f)?;
        if kind == "txn" {
            return self.txn(op.value);
        }
        let (key, value) = self.split(op, kind)?;
        Ok(match kind {
            "read" => Request::Read { key },
            "members" => Request::Members { key },
            "dequeue" => Request::Dequeue { key },
            "delete" => Request::Delete { key },
            "cas" => {
                let two = pair(value).ok_or_else(|| form(":cas takes two values, [FROM TO]"))?;
                Request::Cas {
                    key,
                    from: self.value(two.0)?,
                    to: self.value(two.1)?,
                }
            }
            _ => {
                let value = self.value(value)?;
                match kind {
                    "write" => Request::Write { key, value },
                    "append" => Request::Append { key, value },
                    "enqueue" if value == ValueId::ABSENT => {
                        return Err(Reason::Impossible(NOTHING_PUT.to_owned()));
                    }
                    "enqueue" => Request::Enqueue { key, value },
                    "add" => Request::Add { key, value },
                    _ => Request::Remove { key, value },
                }
            }
        })
    }

    fn response(&mut self, op: &Op<'_>, f: &str) -> Result<Response, Reason> {
        let kind = self.kind(f)?;
        Ok(match kind {
            "txn" => Response::Txn {
                succeeded: true,
                answers: self.answers(op.value)?,
            },
            "cas" => Response::Flag(true),
            "read" | "dequeue" => {
                let (_, value) = self.split(op, kind)?;
                Response::Value(self.value(value)?)
            }
            "members" => {
                let (_, value) = self.split(op, kind)?;
                let items = match edn::is_nil(value) {
                    true => None,
                    false => Some(
                        edn::items(value)
                            .ok_or_else(|| form("what a set holds is a vector or set of values"))?,
                    ),
                };
                let mut values = Vec::new();
                for item in items.into_iter().flatten() {
                    values.push(self.value(item)?);
                }
                Response::Values(values)
            }
            _ => Response::Done,
        })
    }

    /// The micro-operations of a transaction: `[:r k v]`.
    fn micro<'a>(&self, value: &'a [u8]) -> Result<Vec<[&'a [u8]; 3]>, Reason> {
        let wrong = || {
            form(
                "a transaction is a vector of [:r KEY VALUE], [:w KEY VALUE] or [:append KEY VALUE]",
            )
        };
        let items = edn::items(value).ok_or_else(wrong)?;
        let each = items.map(|item| {
            let mut parts = edn::items(item).ok_or_else(wrong)?;
            match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(f), Some(key), Some(value), None) => Ok([f, key, value]),
                // What a read gave may be left out.
                (Some(f), Some(key), None, None) => Ok([f, key, b"nil"]),
                _ => Err(wrong()),
            }
        });
        each.collect()
    }

    fn txn(&mut self, value: &[u8]) -> Result<Request, Reason> {
        let mut then = Vec::new();
        for [f, key, value] in self.micro(value)? {
            let key = self.builder.history.key(&written(key)?);
            then.push(match (f, self.family) {
                (b":r", _) => Request::Read { key },
                (b":w", Family::Registers) => Request::Write {
                    key,
                    value: self.value(value)?,
                },
                (b":append", Family::Lists) => Request::Append {
                    key,
                    value: self.element(&[value])?,
                },
                (b":w" | b":append", _) => {
                    return Err(Reason::Model(
                        "transactions that write registers, and others that append to lists"
                            .to_owned(),
                    ));
                }
                _ => {
                    let f = String::from_utf8_lossy(f);
                    return Err(Reason::Model(format!(
                        "{f} in a transaction is none of :r, :w, :append"
                    )));
                }
            });
        }
        Ok(Request::Txn(Box::new(Txn {
            then,
            ..Txn::default()
        })))
    }

    fn answers(&mut self, value: &[u8]) -> Result<Vec<Response>, Reason> {
        let mut answers = Vec::new();
        for [f, _, value] in self.micro(value)? {
            answers.push(match (f, self.family) {
                (b":r", Family::Lists) if edn::is_nil(value) => Response::Value(ValueId::ABSENT),
                (b":r", Family::Lists) => {
                    let items = edn::items(edn::untagged(value));
                    let items = items.ok_or_else(|| form("a list is read as a vector or nil"))?;
                    let items: Vec<_> = items.collect();
                    Response::Value(self.element(&items)?)
                }
                (b":r", _) => Response::Value(self.value(edn::untagged(value))?),
                _ => Response::Done,
            });
        }
        Ok(answers)
    }

    /// A list, or a piece of one, as a text.
    fn element(&mut self, items: &[&[u8]]) -> Result<ValueId, Reason> {
        let mut text = String::new();
        for item in items {
            text += &written(item)?;
            text.push(' ');
        }
        Ok(self.builder.history.value(&text))
    }
}

/// What a string says; anything else as it is written.
fn text(form: &[u8]) -> Result<std::borrow::Cow<'_, str>, Reason> {
    match form.first() {
        Some(b'"') => edn::text(form).ok_or_else(|| self::form("not UTF-8")),
        _ => written(form),
    }
}
