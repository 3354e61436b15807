//! Which session guarantees were broken (Terry et al. 1994).
//!
//! Only what is certain counts, in whatever order the store has put writes, as
//! long as it keeps that of each client: a value is older than another when it
//! is the initial one, when the same client wrote it before, or when the client
//! that wrote the other had seen it by then. And a value tells its write when
//! there is one. So a history that is sequentially consistent breaks nothing
//! here, however late its reads are.

use std::collections::HashMap;

use super::super::model::Span;
use super::super::parts::{Kind, Part};
use super::super::store::cell::Cell;
use super::super::verdict::{Session, SessionBreak, Unexamined};
use super::super::zones::{self, Converted, NONE};
use super::super::{ClientId, History, Operation};

/// How many of the values that a client saw last are compared with the next.
const LAST: usize = 16;

/// For each guarantee that was broken, the first operations that show it; or
/// why the part was not examined.
pub(super) fn sessions(history: &History, part: &Part) -> Result<Vec<SessionBreak>, Unexamined> {
    if part.kind != Kind::Cell {
        return Err(Unexamined::Kind);
    }
    let operation = |&i: &u32| &history.operations[i as usize];
    let model = Cell::new(history, part.ops.iter().map(operation));
    let all: Vec<_> = part.ops.iter().map(|i| model.op(operation(i))).collect();
    let span = |o: &Operation| Span {
        call: o.call,
        ret: o.ret.unwrap_or(Span::NEVER),
    };
    let spans = part.ops.iter().map(|i| span(operation(i)));
    let timed: Vec<_> = spans.zip(&all).collect();
    let Converted::Accesses {
        accesses,
        kept,
        values,
        whole: true,
    } = zones::accesses(&model, &timed)
    else {
        return Err(Unexamined::Writes);
    };
    let names: Vec<u32> = kept.iter().map(|&at| part.ops[at as usize]).collect();
    let mut writer = vec![Writer::None; values as usize];
    if let Some(first) = writer.first_mut() {
        *first = Writer::Initial;
    }
    for (access, &name) in accesses.iter().zip(&names) {
        if let Some(writer) = writer.get_mut(access.writes as usize) {
            *writer = match *writer {
                Writer::None => Writer::One(name),
                _ => Writer::Several,
            };
        }
    }
    let mut first_seen: HashMap<(ClientId, u32), u32> = HashMap::new();
    for (access, &name) in accesses.iter().zip(&names) {
        let o = &history.operations[name as usize];
        if access.reads != NONE && o.is_known() {
            first_seen.entry((o.client, access.reads)).or_insert(name);
        }
    }
    let mut found = Found {
        history,
        first_seen,
        breaks: Vec::new(),
    };
    // What each client has done.
    let mut clients: HashMap<ClientId, Line> = HashMap::new();
    for (access, &name) in accesses.iter().zip(&names) {
        let o = &history.operations[name as usize];
        let line = clients.entry(o.client).or_default();
        if access.reads != NONE && o.is_known() {
            let seen = writer.get(access.reads as usize).copied();
            let seen = seen.unwrap_or(Writer::None);
            found.read(line, name, access.reads, seen);
            line.saw(name, seen);
        }
        if access.writes != NONE {
            line.wrote.push(name);
        }
    }
    found.breaks.sort_by_key(|b| b.session);
    Ok(found.breaks)
}

/// Who wrote a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    None,
    Initial,
    One(u32),
    Several,
}

/// What a client has done so far.
#[derive(Default)]
struct Line {
    wrote: Vec<u32>,
    /// The last reads of different values, with the write of each.
    saw: Vec<(u32, u32)>,
}

impl Line {
    fn saw(&mut self, read: u32, writer: Writer) {
        if let Writer::One(writer) = writer {
            self.saw.retain(|(_, w)| *w != writer);
            if self.saw.len() == LAST {
                self.saw.remove(0);
            }
            self.saw.push((read, writer));
        }
    }
}

struct Found<'a> {
    history: &'a History,
    /// The operation with which each client first saw each value.
    first_seen: HashMap<(ClientId, u32), u32>,
    breaks: Vec<SessionBreak>,
}

impl Found<'_> {
    fn add(&mut self, session: Session, operations: &[u32]) {
        if self.breaks.iter().any(|b| b.session == session) {
            return;
        }
        let mut operations = operations.to_vec();
        operations.sort_unstable();
        operations.dedup();
        self.breaks.push(SessionBreak {
            session,
            operations,
        });
    }

    /// Why a value is certainly older than what an operation has written.
    fn older(&self, value: u32, writer: Writer, write: u32) -> Option<Older> {
        let newer = &self.history.operations[write as usize];
        match writer {
            Writer::None | Writer::Several => return None,
            Writer::Initial => return Some(Older::Initial),
            Writer::One(older) if older == write => return None,
            Writer::One(older) => {
                let older = &self.history.operations[older as usize];
                if older.client == newer.client && older.call < newer.call {
                    return Some(Older::SameClient);
                }
            }
        }
        let seen = *self.first_seen.get(&(newer.client, value))?;
        (seen <= write).then_some(Older::Seen(seen))
    }

    /// What a read breaks, that comes behind the others of its client.
    fn read(&mut self, line: &Line, read: u32, value: u32, seen: Writer) {
        let source = match seen {
            Writer::One(source) => vec![source],
            _ => Vec::new(),
        };
        let shown = |more: &[u32]| [&source, more, &[read]].concat();
        for &own in line.wrote.iter().rev().take(LAST) {
            let known = self.history.operations[own as usize].is_known();
            if known && self.older(value, seen, own).is_some() {
                self.add(Session::ReadYourWrites, &shown(&[own]));
            }
        }
        for &(before, newer) in &line.saw {
            let Some(older) = self.older(value, seen, newer) else {
                continue;
            };
            let shown = shown(&[newer, before]);
            self.add(Session::MonotonicReads, &shown);
            match older {
                Older::Initial => {}
                Older::SameClient => self.add(Session::MonotonicWrites, &shown),
                Older::Seen(seen) => {
                    let shown = [&shown[..], &[seen]].concat();
                    self.add(Session::WritesFollowReads, &shown);
                }
            }
        }
    }
}

/// Why a value is older than another.
#[derive(Clone, Copy, Debug)]
enum Older {
    /// It was there before anything was written.
    Initial,
    /// Its client wrote the other one later.
    SameClient,
    /// The other's client had seen it, with this operation.
    Seen(u32),
}
