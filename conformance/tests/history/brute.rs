//! A judge that tries every order: no memory, no rule, no shortcut, and none of
//! the judge's code. Values are texts, and a store is a map of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use plimsoll::history::{
    CompareOp, CompareWith, History, ModelName, Operation, RangeEnd, Request, Response, ValueId,
};

#[derive(Clone, Debug, Default, PartialEq)]
struct Store {
    /// Values with their version and the changes of the store at the time they
    /// were created and last written.
    keys: BTreeMap<String, (String, u64, u64, u64)>,
    queues: BTreeMap<String, VecDeque<String>>,
    sets: BTreeMap<String, BTreeSet<String>>,
    changes: u64,
    /// Whether no comparison with the value of an absent key holds, as in etcd.
    valueless: bool,
}

/// Whether some order explains the history. `base`: the revision of the store
/// before the first change, where answers show revisions.
pub(crate) fn is_linearizable(history: &History, base: u64, model: ModelName) -> bool {
    let mut done = vec![false; history.operations.len()];
    let store = Store {
        valueless: model == ModelName::Etcd,
        ..Store::default()
    };
    place(history, base, &mut done, &store)
}

/// The same for one register, where there are millions of histories to try.
pub(crate) fn is_linearizable_register(history: &History) -> bool {
    fn place(all: &[Operation], done: u32, value: ValueId) -> bool {
        let open = |i: usize| done >> i & 1 == 0 && all[i].ret.is_some();
        if (0..all.len()).all(|i| !open(i)) {
            return true;
        }
        (0..all.len()).any(|i| {
            let call = all[i].call;
            let late = |j: usize| open(j) && all[j].ret.is_some_and(|ret| ret < call);
            if done >> i & 1 == 1 || (0..all.len()).any(late) {
                return false;
            }
            let next = match (&all[i].request, &all[i].response) {
                (Request::Write { value, .. }, _) => *value,
                (_, Response::Value(seen)) if *seen != value => return false,
                _ => value,
            };
            place(all, done | 1 << i, next)
        })
    }
    place(&history.operations, 0, ValueId::ABSENT)
}

/// Whether some order explains the history that keeps each client's own.
pub(crate) fn is_sequential(history: &History) -> bool {
    fn place(history: &History, done: &mut [bool], store: &Store) -> bool {
        let all = &history.operations;
        if (0..done.len()).all(|i| done[i] || all[i].ret.is_none()) {
            return true;
        }
        (0..done.len()).any(|i| {
            let earlier = (0..i).any(|j| !done[j] && all[j].client == all[i].client);
            let mut next = store.clone();
            if done[i] || earlier || !answers(history, 0, &mut next, &all[i]) {
                return false;
            }
            done[i] = true;
            let found = place(history, done, &next);
            done[i] = false;
            found
        })
    }
    place(
        history,
        &mut vec![false; history.operations.len()],
        &Store::default(),
    )
}

fn place(history: &History, base: u64, done: &mut [bool], store: &Store) -> bool {
    let open = |done: &[bool], i: usize| !done[i] && history.operations[i].ret.is_some();
    if (0..done.len()).all(|i| !open(done, i)) {
        return true;
    }
    for i in 0..done.len() {
        if done[i] {
            continue;
        }
        let call = history.operations[i].call;
        let late = (0..done.len())
            .any(|j| open(done, j) && history.operations[j].ret.is_some_and(|ret| ret < call));
        if late {
            continue;
        }
        let mut next = store.clone();
        if !answers(history, base, &mut next, &history.operations[i]) {
            continue;
        }
        done[i] = true;
        let found = place(history, base, done, &next);
        done[i] = false;
        if found {
            return true;
        }
    }
    false
}

fn answers(history: &History, base: u64, store: &mut Store, operation: &Operation) -> bool {
    let blank = Response::Unknown;
    // Nobody was told the answer of an operation that never returned.
    let answer = if operation.ret.is_some() {
        &operation.response
    } else {
        &blank
    };
    let before = store.changes;
    let mut changed = false;
    let fits = match &operation.request {
        Request::Txn(txn) => {
            let held = txn.compares.iter().all(|c| {
                let entry = store.keys.get(history.keys.get(c.key.0)).cloned();
                if store.valueless && entry.is_none() && matches!(c.with, CompareWith::Value(_)) {
                    return false;
                }
                let (value, version, created, modified) =
                    entry.unwrap_or((text(history, ValueId::ABSENT), 0, 0, 0));
                let absolute = |n: u64| if n == 0 { 0 } else { n + base };
                let order = match c.with {
                    CompareWith::Value(with) => value.cmp(&text(history, with)),
                    CompareWith::Version(with) => version.cmp(&with),
                    CompareWith::CreateRevision(with) => absolute(created).cmp(&with),
                    CompareWith::ModRevision(with) => absolute(modified).cmp(&with),
                };
                match c.op {
                    CompareOp::Equal => order.is_eq(),
                    CompareOp::NotEqual => order.is_ne(),
                    CompareOp::Less => order.is_lt(),
                    CompareOp::Greater => order.is_gt(),
                }
            });
            let none = Vec::new();
            let (succeeded, given) = match answer {
                Response::Txn { succeeded, answers } => (*succeeded, answers),
                _ => (held, &none),
            };
            let requests = if held { &txn.then } else { &txn.otherwise };
            let mut fits = succeeded == held;
            for (i, request) in requests.iter().enumerate() {
                let given = given.get(i).unwrap_or(&Response::Unknown);
                fits &= one(history, store, request, given, &mut changed);
            }
            fits
        }
        request => one(history, store, request, answer, &mut changed),
    };
    store.changes = before + u64::from(changed);
    let Some(revision) = operation
        .revision
        .as_ref()
        .filter(|_| operation.ret.is_some())
    else {
        return fits;
    };
    let (Request::Read { key } | Request::Write { key, .. }) = operation.request else {
        return fits && revision.store.is_none_or(|r| r == base + store.changes);
    };
    let entry = store.keys.get(history.keys.get(key.0)).cloned();
    let (_, version, created, modified) = entry.unwrap_or_default();
    let absolute = |n: u64| if n == 0 { 0 } else { n + base };
    fits && revision.store.is_none_or(|r| r == base + store.changes)
        && revision.version.is_none_or(|v| v == version)
        && revision.created.is_none_or(|r| r == absolute(created))
        && revision.modified.is_none_or(|r| r == absolute(modified))
}

fn text(history: &History, value: ValueId) -> String {
    history.values.get(value.0).to_owned()
}

fn one(
    history: &History,
    store: &mut Store,
    request: &Request,
    answer: &Response,
    changed: &mut bool,
) -> bool {
    let absent = text(history, ValueId::ABSENT);
    let value = |v: &ValueId| text(history, *v);
    let name = |k: plimsoll::history::KeyId| history.keys.get(k.0).to_owned();
    let change = store.changes + 1;
    let put = |store: &mut Store, key: String, value: String| {
        let old = store.keys.get(&key).cloned();
        let (version, created) = old.map_or((0, change), |(_, v, c, _)| (v, c));
        // To write what stands for no value is to delete; the empty text is a
        // value, even where an absent key reads as it.
        store
            .keys
            .insert(key.clone(), (value.clone(), version + 1, created, change));
        if value == absent && !absent.is_empty() {
            store.keys.remove(&key);
        }
    };
    let now = |store: &Store, key: &str| {
        let entry = store.keys.get(key);
        entry.map_or_else(|| absent.clone(), |(value, ..)| value.clone())
    };
    let flag = |is: bool| !matches!(answer, Response::Flag(seen) if *seen != is);
    let shows = |text: &str| !matches!(answer, Response::Value(v) if value(v) != text);
    match request {
        Request::Read { key } => shows(&now(store, &name(*key))),
        Request::Write { key, value: v } => {
            put(store, name(*key), value(v));
            *changed = true;
            true
        }
        Request::Append { key, value: v } => {
            let old = now(store, &name(*key));
            let next = match (*v == ValueId::ABSENT, old == absent) {
                (true, _) => old,
                (false, true) => value(v),
                (false, false) => old + &value(v),
            };
            put(store, name(*key), next.clone());
            *changed = true;
            shows(&next)
        }
        Request::Cas { key, from, to } => {
            // A transaction of etcd that compares the value.
            let there = store.keys.contains_key(&name(*key));
            let comparable = there || !store.valueless || !absent.is_empty();
            let equal = comparable && now(store, &name(*key)) == value(from);
            if equal {
                put(store, name(*key), value(to));
                *changed = true;
            }
            flag(equal)
        }
        Request::Delete { key } => {
            let there = store.keys.remove(&name(*key)).is_some();
            *changed |= there;
            flag(there)
        }
        Request::Range { start, end, limit } => {
            let from = name(*start);
            let there = store.keys.iter().filter(|(key, _)| {
                **key >= from
                    && match end {
                        RangeEnd::Open => true,
                        RangeEnd::Before(end) => **key < name(*end),
                    }
            });
            let there = there.map(|(key, (value, ..))| (key.clone(), value.clone()));
            let there: Vec<_> = there
                .take(limit.map_or(usize::MAX, |l| l as usize))
                .collect();
            match answer {
                Response::Pairs(pairs) => {
                    let seen = pairs.iter().map(|(k, v)| (name(*k), value(v)));
                    there == seen.collect::<Vec<_>>()
                }
                _ => true,
            }
        }
        Request::Enqueue { key, value: v } => {
            store
                .queues
                .entry(name(*key))
                .or_default()
                .push_back(value(v));
            true
        }
        Request::Dequeue { key } => {
            let first = store.queues.entry(name(*key)).or_default().pop_front();
            shows(&first.unwrap_or(absent))
        }
        Request::Add { key, value: v } => {
            flag(store.sets.entry(name(*key)).or_default().insert(value(v)))
        }
        Request::Remove { key, value: v } => {
            flag(store.sets.entry(name(*key)).or_default().remove(&value(v)))
        }
        Request::Contains { key, value: v } => flag(
            store
                .sets
                .entry(name(*key))
                .or_default()
                .contains(&value(v)),
        ),
        Request::Members { key } => {
            let all = store.sets.entry(name(*key)).or_default();
            match answer {
                Response::Values(seen) => *all == seen.iter().map(value).collect::<BTreeSet<_>>(),
                _ => true,
            }
        }
        Request::Txn(_) => false,
    }
}
