//! Which operations others rest on: who wrote what somebody has seen.

use std::collections::{HashMap, HashSet};

use super::super::parts::{Kind, Part};
use super::super::{History, KeyId, Operation, Request, Response, ValueId};

/// Something that is written and seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Thing {
    /// A value, of whichever key of the part.
    Value(ValueId),
    /// Any value but this one.
    Not(ValueId),
    /// That a value was taken from a queue.
    Taken(ValueId),
    /// Anything of a key.
    Key(KeyId),
    /// Anything at all.
    All,
}

/// Who has written what, and who has seen it.
pub(super) struct Seen {
    kind: Kind,
    writers: HashMap<Thing, Vec<Writer>>,
    /// Texts that are put or appended; empty where none is appended.
    pieces: Vec<(ValueId, Writer)>,
}

/// Who wrote something.
#[derive(Clone, Copy)]
struct Writer {
    op: u32,
    call: u32,
    /// What it wrote, of one key.
    value: Option<ValueId>,
    /// From here on it is overwritten for certain: something that overwrites
    /// was called after this returned, and has returned.
    gone: u32,
}

impl Seen {
    pub(super) fn new(history: &History, part: &Part) -> Self {
        let mut seen = Seen {
            kind: part.kind,
            writers: HashMap::new(),
            pieces: Vec::new(),
        };
        let operation = |&i: &u32| &history.operations[i as usize];
        let appends = |o: &Operation| matches!(o.request, Request::Append { .. });
        let appends = part.kind == Kind::Cell && part.ops.iter().map(operation).any(appends);
        let mut written = Vec::new();
        let overwritten = Overwritten::new(part.ops.iter().map(operation), appends);
        for index in &part.ops {
            let Operation { call, ret, .. } = *operation(index);
            let writer = Writer {
                op: *index,
                call,
                value: match operation(index).request {
                    Request::Write { value, .. } => Some(value),
                    Request::Cas { to, .. } => Some(to),
                    Request::Delete { .. } => Some(ValueId::ABSENT),
                    _ => None,
                },
                gone: ret.map_or(u32::MAX, |ret| overwritten.after(ret)),
            };
            let request = &operation(index).request;
            if appends && let Request::Append { value, .. } | Request::Write { value, .. } = request
            {
                seen.pieces.push((*value, writer));
            }
            written.clear();
            // What was refused has written nothing, and what replaces a value by
            // itself is no reason for it to be there.
            let same = matches!(request, Request::Cas { from, to, .. } if from == to);
            let same = same && part.kind == Kind::Cell;
            if !same && operation(index).response != Response::Flag(false) {
                seen.written(request, &mut written);
            }
            if part.kind == Kind::Queue
                && let Request::Dequeue { .. } = request
            {
                written.push(match operation(index).response {
                    Response::Value(value) => Thing::Taken(value),
                    // It may have taken anything.
                    _ => Thing::All,
                });
            }
            for thing in written.drain(..) {
                let writer = match thing {
                    // Where only the value tells, it may come from anybody.
                    Thing::Value(_) if part.kind == Kind::Cell => writer,
                    _ => Writer {
                        gone: u32::MAX,
                        ..writer
                    },
                };
                seen.writers.entry(thing).or_default().push(writer);
            }
        }
        seen
    }

    /// Whether the operation was answered something that any write can be the
    /// reason for.
    pub(super) fn rests_on_all(&self, operation: &Operation) -> bool {
        let mut things = Vec::new();
        self.seen(operation, &mut things);
        things
            .iter()
            .any(|t| matches!(t, Thing::All | Thing::Not(_)))
    }

    /// The operations together with those that wrote what they have seen, in
    /// order.
    pub(super) fn with_writers(&self, history: &History, ops: &[u32]) -> Vec<u32> {
        let mut all: Vec<u32> = ops.to_vec();
        let mut there: HashSet<u32> = ops.iter().copied().collect();
        // Until where a thing was looked up that does not depend on the time
        // of who has seen it.
        let mut done: HashMap<Thing, u32> = HashMap::new();
        let mut next = 0;
        let mut things = Vec::new();
        while next < all.len() {
            let operation = &history.operations[all[next] as usize];
            next += 1;
            things.clear();
            self.seen(operation, &mut things);
            let ret = match self.kind {
                // What is put before is taken later.
                Kind::Queue => u32::MAX,
                _ => operation.ret.unwrap_or(u32::MAX),
            };
            let may = |w: &&Writer| w.call < ret && w.gone >= operation.call;
            for thing in things.drain(..) {
                if !matches!(thing, Thing::Value(_)) {
                    let until = done.entry(thing).or_insert(0);
                    if *until >= ret {
                        continue;
                    }
                    *until = ret;
                }
                let called = |w: &&Writer| w.call < ret;
                let (listed, but) = match thing {
                    Thing::Not(value) => (Thing::All, Some(value)),
                    thing => (thing, None),
                };
                let writers = self.writers.get(&listed).into_iter().flatten();
                let writers = writers.filter(|w| but.is_none() || w.value != but);
                let mut any = false;
                for writer in writers.clone().filter(may) {
                    any = true;
                    if there.insert(writer.op) {
                        all.push(writer.op);
                    }
                }
                // All are gone: the last shows what was seen too late.
                if !any
                    && let Some(last) = writers.filter(called).max_by_key(|w| (w.gone, w.op))
                    && there.insert(last.op)
                {
                    all.push(last.op);
                }
            }
            if let (false, Response::Value(seen)) = (self.pieces.is_empty(), &operation.response) {
                let text = history.values.get(seen.0);
                let within = |piece: ValueId| {
                    *seen != ValueId::ABSENT && text.contains(history.values.get(piece.0))
                };
                let writers = self.pieces.iter().filter(|(_, w)| w.call < ret);
                let writers = writers
                    .filter(|(piece, _)| within(*piece))
                    .map(|(_, w)| w.op);
                all.extend(writers.filter(|&w| there.insert(w)));
            }
        }
        all.sort_unstable();
        all
    }

    fn written(&self, request: &Request, things: &mut Vec<Thing>) {
        match self.kind {
            Kind::Cell => {
                match request {
                    Request::Write { value, .. } => things.push(Thing::Value(*value)),
                    Request::Cas { to, .. } => things.push(Thing::Value(*to)),
                    Request::Delete { .. } => things.push(Thing::Value(ValueId::ABSENT)),
                    Request::Append { .. } => {}
                    _ => return,
                }
                things.push(Thing::All);
            }
            Kind::Many => match request {
                Request::Write { key, .. }
                | Request::Append { key, .. }
                | Request::Cas { key, .. }
                | Request::Delete { key } => things.extend([Thing::Key(*key), Thing::All]),
                Request::Txn(txn) => {
                    for request in txn.then.iter().chain(&txn.otherwise) {
                        self.written(request, things);
                    }
                }
                _ => {}
            },
            // Taking has no value of its own here: see `seen`.
            Kind::Queue => {
                if let Request::Enqueue { value, .. } = request {
                    things.push(Thing::Value(*value));
                }
            }
            Kind::Set => {
                if let Request::Add { value, .. } | Request::Remove { value, .. } = request {
                    things.extend([Thing::Value(*value), Thing::All]);
                }
            }
        }
    }

    fn seen(&self, operation: &Operation, things: &mut Vec<Thing>) {
        match self.kind {
            Kind::Cell => match (&operation.request, &operation.response) {
                (Request::Cas { from, .. }, Response::Flag(true) | Response::Unknown) => {
                    things.push(Thing::Value(*from));
                }
                (Request::Cas { from, .. }, Response::Flag(false)) => {
                    things.push(Thing::Not(*from));
                }
                (Request::Delete { .. }, Response::Flag(true)) => {
                    things.push(Thing::Not(ValueId::ABSENT));
                }
                (Request::Delete { .. }, Response::Flag(false)) => {
                    things.push(Thing::Value(ValueId::ABSENT));
                }
                (_, Response::Value(value)) => things.push(Thing::Value(*value)),
                _ => {}
            },
            Kind::Many => {
                if operation.revision.is_some() {
                    things.push(Thing::All);
                }
                Self::seen_of_keys(&operation.request, things);
            }
            // What was put stands before others until it is taken.
            Kind::Queue => match (&operation.request, &operation.response) {
                (Request::Enqueue { value, .. }, _) => {
                    things.extend([Thing::Taken(*value), Thing::All]);
                }
                (_, Response::Value(value)) => things.push(Thing::Value(*value)),
                _ => {}
            },
            Kind::Set if operation.response == Response::Done => {}
            Kind::Set => match &operation.request {
                Request::Members { .. } => things.push(Thing::All),
                Request::Add { value, .. }
                | Request::Remove { value, .. }
                | Request::Contains { value, .. } => things.push(Thing::Value(*value)),
                _ => {}
            },
        }
    }

    fn seen_of_keys(request: &Request, things: &mut Vec<Thing>) {
        match request {
            Request::Read { key } | Request::Cas { key, .. } | Request::Delete { key } => {
                things.push(Thing::Key(*key));
            }
            Request::Append { key, .. } => things.push(Thing::Key(*key)),
            Request::Range { .. } => things.push(Thing::All),
            Request::Txn(txn) => {
                things.extend(txn.compares.iter().map(|c| Thing::Key(c.key)));
                for request in txn.then.iter().chain(&txn.otherwise) {
                    Self::seen_of_keys(request, things);
                }
            }
            _ => {}
        }
    }
}

/// When what was written is overwritten for certain.
struct Overwritten {
    /// Calls of what has certainly overwritten, ascending, each with the first
    /// return from it on.
    calls: Vec<(u32, u32)>,
}

impl Overwritten {
    /// `appends`: a text stays with what is added to it.
    fn new<'a>(operations: impl Iterator<Item = &'a Operation>, appends: bool) -> Self {
        let overwrites = |o: &&Operation| match o.request {
            Request::Write { .. } => true,
            Request::Delete { .. } => o.response != Response::Flag(false),
            Request::Cas { .. } => !appends && o.response == Response::Flag(true),
            _ => false,
        };
        let certain = operations.filter(overwrites);
        let mut calls: Vec<_> = certain.filter_map(|o| Some((o.call, o.ret?))).collect();
        calls.sort_unstable();
        let mut least = u32::MAX;
        for (_, ret) in calls.iter_mut().rev() {
            least = least.min(*ret);
            *ret = least;
        }
        Overwritten { calls }
    }

    /// The first return of something that was called after this position.
    fn after(&self, position: u32) -> u32 {
        let from = self.calls.partition_point(|c| c.0 <= position);
        self.calls.get(from).map_or(u32::MAX, |c| c.1)
    }
}
