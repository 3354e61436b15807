//! What of a history can be judged on its own.
//!
//! Linearizability is local (Herlihy and Wing 1990, theorem 1): a history is
//! linearizable exactly when for each object its operations are. A key is an
//! object as long as no operation touches two of them: a transaction joins the
//! keys that it names, a range all keys of the history that lie in it, and the
//! revisions of the store, which every change of any key moves on, join all. A
//! value of a set is an object as long as nobody asks for all values.

use std::collections::HashMap;

use super::search::Joined;
use super::{
    CompareWith, History, KeyId, ModelName, Operation, RangeEnd, Request, Response, ValueId,
};

/// Which model a part needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Cell,
    Many,
    Queue,
    Set,
}

/// Operations that are judged together.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) kind: Kind,
    /// The model that the whole history is judged by.
    pub(super) model: ModelName,
    /// Ascending.
    pub(super) keys: Vec<KeyId>,
    /// Indexes, in the order of the calls.
    pub(super) ops: Vec<u32>,
}

/// The parts, in the order of their first calls, and why there are no more.
pub(super) fn parts(history: &History, model: ModelName) -> (Vec<Part>, &'static str) {
    let store_wide = history.operations.iter().any(names_store);
    let mut nodes = Nodes::new(history);
    // One more, for what touches nothing where nothing is ever touched.
    let mut joined = Joined::new(nodes.len().max(1));
    let mut touched = Vec::new();
    let mut several = false;
    for operation in &history.operations {
        touched.clear();
        nodes.of(&operation.request, &mut touched);
        for pair in touched.windows(2) {
            joined.join(pair[0], pair[1]);
            several = true;
        }
    }
    if store_wide {
        for key in 1..history.keys.len() as u32 {
            joined.join(0, key);
        }
    }
    let mut part_of = vec![u32::MAX; nodes.len().max(1)];
    let mut parts: Vec<Part> = Vec::new();
    let mut sizes: Vec<usize> = Vec::new();
    let mut own = Vec::with_capacity(history.operations.len());
    for operation in &history.operations {
        touched.clear();
        nodes.first(&operation.request, &mut touched);
        let root = joined.root(touched.first().copied().unwrap_or(0));
        let part = &mut part_of[root as usize];
        if *part == u32::MAX {
            *part = sizes.len() as u32;
            sizes.push(0);
        }
        sizes[*part as usize] += 1;
        own.push(*part);
    }
    for &size in &sizes {
        parts.push(Part {
            kind: Kind::Cell,
            model,
            keys: Vec::new(),
            ops: Vec::with_capacity(size),
        });
    }
    for (index, &part) in own.iter().enumerate() {
        parts[part as usize].ops.push(index as u32);
    }
    for part in &mut parts {
        describe(history, part, &mut nodes);
    }
    let why = match (store_wide, several, parts.len()) {
        (true, ..) => "answers show the revision of the store, which joins all keys",
        (_, true, 1) => "operations on several keys join all of them",
        (_, true, _) => "keys that no operation touches together are judged apart",
        (_, _, 1) => "there is one object",
        _ => "no operation touches two of them, so each is judged apart",
    };
    (parts, why)
}

/// The kind and the keys of a part whose operations are known.
fn describe(history: &History, part: &mut Part, nodes: &mut Nodes<'_>) {
    let operations = part.ops.iter().map(|&i| &history.operations[i as usize]);
    let mut cells = true;
    let (mut empties, mut found) = (false, false);
    for operation in operations {
        match operation.request {
            Request::Enqueue { .. } | Request::Dequeue { .. } => part.kind = Kind::Queue,
            Request::Add { .. }
            | Request::Remove { .. }
            | Request::Contains { .. }
            | Request::Members { .. } => part.kind = Kind::Set,
            _ => cells &= super::store::cell::Cell::knows(operation),
        }
        match operation.request {
            Request::Write { value, .. }
            | Request::Append { value, .. }
            | Request::Cas { to: value, .. } => empties |= value == ValueId::ABSENT,
            Request::Delete { .. } => found |= matches!(operation.response, Response::Flag(_)),
            _ => {}
        }
        nodes.keys(&operation.request, &mut part.keys);
    }
    part.keys.sort_unstable();
    part.keys.dedup();
    // One key knows no difference between an empty text and none, which only a
    // deletion shows.
    cells &= !(empties && found && history.absent_is_empty());
    if part.kind == Kind::Cell && (!cells || part.keys.len() > 1) {
        part.kind = Kind::Many;
    }
}

/// Whether the operation shows a number that counts changes of any key.
fn names_store(operation: &Operation) -> bool {
    let counted = |with: &CompareWith| {
        matches!(
            with,
            CompareWith::ModRevision(_) | CompareWith::CreateRevision(_)
        )
    };
    let revision = operation.revision.as_deref();
    let absolute = |number: Option<u64>| number.is_some_and(|n| n != 0);
    revision.is_some_and(|r| r.store.is_some() || absolute(r.modified) || absolute(r.created))
        || matches!(&operation.request, Request::Txn(txn)
            if txn.compares.iter().any(|c| counted(&c.with)))
}

/// What operations touch, as numbers: the keys, then the values of sets that
/// nobody asks for as a whole.
struct Nodes<'a> {
    history: &'a History,
    /// The keys in the order of their names; empty where no range needs it.
    sorted: Vec<KeyId>,
    /// Sets that somebody asks for as a whole.
    whole: Vec<bool>,
    values: HashMap<(KeyId, u32), u32>,
}

impl<'a> Nodes<'a> {
    fn new(history: &'a History) -> Self {
        let mut nodes = Nodes {
            history,
            sorted: Vec::new(),
            whole: vec![false; history.keys.len()],
            values: HashMap::new(),
        };
        let mut ranges = false;
        for operation in &history.operations {
            match &operation.request {
                Request::Members { key } => {
                    if let Some(whole) = nodes.whole.get_mut(key.0 as usize) {
                        *whole = true;
                    }
                }
                Request::Range { .. } => ranges = true,
                Request::Txn(txn) => {
                    let all = txn.then.iter().chain(&txn.otherwise);
                    ranges |= all.into_iter().any(|r| matches!(r, Request::Range { .. }));
                }
                _ => {}
            }
        }
        for operation in &history.operations {
            let (Request::Add { key, value }
            | Request::Remove { key, value }
            | Request::Contains { key, value }) = operation.request
            else {
                continue;
            };
            if !nodes.whole.get(key.0 as usize).copied().unwrap_or(false) {
                let next = (history.keys.len() + nodes.values.len()) as u32;
                nodes.values.entry((key, value.0)).or_insert(next);
            }
        }
        if ranges {
            nodes.sorted = (0..history.keys.len() as u32).map(KeyId).collect();
            nodes
                .sorted
                .sort_unstable_by_key(|key| history.keys.get(key.0));
        }
        nodes
    }

    fn len(&self) -> usize {
        self.history.keys.len() + self.values.len()
    }

    /// All that a request touches.
    fn of(&self, request: &Request, touched: &mut Vec<u32>) {
        match request {
            Request::Txn(txn) => {
                touched.extend(txn.compares.iter().map(|c| c.key.0));
                for request in txn.then.iter().chain(&txn.otherwise) {
                    self.of(request, touched);
                }
            }
            Request::Range { start, end, .. } => {
                touched.extend(self.range(*start, *end).iter().map(|key| key.0));
                touched.push(start.0);
            }
            Request::Add { key, value }
            | Request::Remove { key, value }
            | Request::Contains { key, value } => {
                touched.push(*self.values.get(&(*key, value.0)).unwrap_or(&key.0));
            }
            Request::Read { key }
            | Request::Write { key, .. }
            | Request::Cas { key, .. }
            | Request::Append { key, .. }
            | Request::Delete { key }
            | Request::Enqueue { key, .. }
            | Request::Dequeue { key }
            | Request::Members { key } => touched.push(key.0),
        }
    }

    /// At least one of what a request touches, unless it touches nothing.
    fn first(&self, request: &Request, touched: &mut Vec<u32>) {
        match request {
            Request::Range { start, .. } => touched.push(start.0),
            request => self.of(request, touched),
        }
    }

    fn range(&self, start: KeyId, end: RangeEnd) -> &[KeyId] {
        let name = |key: KeyId| self.history.keys.get(key.0);
        let from = self.sorted.partition_point(|&k| name(k) < name(start));
        let to = match end {
            RangeEnd::Open => self.sorted.len(),
            RangeEnd::Before(end) => self.sorted.partition_point(|&k| name(k) < name(end)),
        };
        &self.sorted[from..to.max(from)]
    }

    /// The keys that a request touches.
    fn keys(&self, request: &Request, keys: &mut Vec<KeyId>) {
        let before = keys.last().copied();
        match request {
            Request::Add { key, .. }
            | Request::Remove { key, .. }
            | Request::Contains { key, .. } => {
                if before != Some(*key) {
                    keys.push(*key);
                }
            }
            Request::Txn(_) | Request::Range { .. } => {
                let mut touched = Vec::new();
                self.of(request, &mut touched);
                keys.extend(touched.into_iter().map(KeyId));
            }
            request => {
                let mut touched = Vec::with_capacity(1);
                self.of(request, &mut touched);
                if before.map(|k| k.0) != touched.first().copied() {
                    keys.extend(touched.into_iter().map(KeyId));
                }
            }
        }
    }
}
