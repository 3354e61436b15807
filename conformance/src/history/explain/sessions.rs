//! Which session guarantees were broken (Terry et al. 1994).
//!
//! Only what is certain counts: that a value is older than another is known
//! when its write returned before the other's was called, and a value tells its
//! write when there is one. A client's operations follow each other, so what
//! holds of its writes' times holds of its order.

use std::collections::HashMap;

use super::super::model::Span;
use super::super::parts::{Kind, Part};
use super::super::store::cell::Cell;
use super::super::verdict::{Session, SessionBreak};
use super::super::zones::{self, Converted, NONE};
use super::super::{ClientId, History, Operation};

/// How many of the values that a client saw last are compared with the next.
const LAST: usize = 16;

/// For each guarantee that was broken, the first operations that show it.
pub(super) fn sessions(history: &History, part: &Part) -> Vec<SessionBreak> {
    if part.kind != Kind::Cell {
        return Vec::new();
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
    } = zones::accesses(&model, &timed)
    else {
        return Vec::new();
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
    let mut found = Found {
        history,
        breaks: Vec::new(),
    };
    // What each client has done, and when it first saw each value.
    let mut clients: HashMap<ClientId, Line> = HashMap::new();
    let mut first_seen: HashMap<(ClientId, u32), u32> = HashMap::new();
    for (access, &name) in accesses.iter().zip(&names) {
        let o = &history.operations[name as usize];
        if access.reads != NONE && o.is_known() {
            first_seen.entry((o.client, access.reads)).or_insert(name);
        }
    }
    for (access, &name) in accesses.iter().zip(&names) {
        let o = &history.operations[name as usize];
        let line = clients.entry(o.client).or_default();
        if access.reads != NONE && o.is_known() {
            let seen = writer.get(access.reads as usize).copied();
            let seen = seen.unwrap_or(Writer::None);
            found.read(line, name, seen, access.reads, &first_seen);
            line.saw(name, seen);
        }
        if access.writes != NONE {
            line.wrote.push(name);
        }
    }
    found.breaks.sort_by_key(|b| b.session);
    found.breaks
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

    /// Whether a value is certainly older than what an operation has written.
    fn is_older(&self, value: Writer, write: u32) -> bool {
        let call = self.history.operations[write as usize].call;
        match value {
            Writer::Initial => true,
            Writer::One(older) => {
                let ret = self.history.operations[older as usize].ret;
                ret.is_some_and(|ret| ret < call)
            }
            Writer::None | Writer::Several => false,
        }
    }

    /// What a read breaks, that comes behind the others of its client.
    fn read(
        &mut self,
        line: &Line,
        read: u32,
        seen: Writer,
        value: u32,
        first_seen: &HashMap<(ClientId, u32), u32>,
    ) {
        let history = self.history;
        let operation = |i: u32| &history.operations[i as usize];
        let source = match seen {
            Writer::One(source) => vec![source],
            _ => Vec::new(),
        };
        let shown = |more: &[u32]| [&source, more, &[read]].concat();
        if let Some(&own) = line.wrote.last()
            && operation(own).is_known()
            && self.is_older(seen, own)
        {
            self.add(Session::ReadYourWrites, &shown(&[own]));
        }
        for &(before, newer) in &line.saw {
            if Writer::One(newer) == seen {
                continue;
            }
            let author = operation(newer).client;
            let older = self.is_older(seen, newer);
            if older {
                self.add(Session::MonotonicReads, &shown(&[newer, before]));
            }
            if let Writer::One(source) = seen
                && operation(source).client == author
                && older
            {
                self.add(Session::MonotonicWrites, &shown(&[newer, before]));
            }
            // Who wrote the newer value had seen this one before.
            if matches!(seen, Writer::One(_) | Writer::Initial)
                && let Some(&earlier) = first_seen.get(&(author, value))
                && operation(earlier)
                    .ret
                    .is_some_and(|ret| ret < operation(newer).call)
            {
                self.add(
                    Session::WritesFollowReads,
                    &shown(&[earlier, newer, before]),
                );
            }
        }
    }
}
