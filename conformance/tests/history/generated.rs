//! Histories of a store that is right, and what becomes of the verdict when
//! one answer is changed, clients and values are renamed, or time is stretched.

use std::collections::BTreeMap;

use plimsoll::history::{
    ClientId, History, KeyId, ModelName, Operation, Options, Request, Response, ValueId, Verdict,
    judge,
};
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use quickcheck::{QuickCheck, TestResult};

use crate::sampled::Dice;

/// What a generated history looks like.
#[derive(Clone, Copy, Debug)]
struct Plan {
    clients: usize,
    operations: usize,
    keys: usize,
    /// Whether no two operations write the same.
    distinct: bool,
    /// With one in so many nobody knows the outcome.
    lost: usize,
    appends: bool,
    cas: bool,
}

/// A run of a store that is right: each operation takes effect at one moment
/// between its call and its return. Also the order of these moments.
fn run(dice: &mut Dice, plan: Plan) -> (History, Vec<u32>) {
    let mut history = History::new("");
    let keys: Vec<KeyId> = (0..plan.keys)
        .map(|k| history.key(&k.to_string()))
        .collect();
    let mut store: BTreeMap<KeyId, String> = BTreeMap::new();
    let mut idle: Vec<u32> = (0..plan.clients as u32).collect();
    // Called and not in effect; in effect and not returned.
    let (mut called, mut done): (Vec<usize>, Vec<usize>) = Default::default();
    let mut order = Vec::new();
    let (mut at, mut fresh) = (0, plan.clients as u32);
    while history.operations.len() < plan.operations || !called.is_empty() || !done.is_empty() {
        let more = history.operations.len() < plan.operations && !idle.is_empty();
        match dice.roll(3) {
            0 if more => {
                let client = idle.swap_remove(dice.roll(idle.len()));
                let key = dice.one(&keys);
                let number = if plan.distinct {
                    at as usize
                } else {
                    dice.roll(3)
                };
                let value = history.value(&format!("{number}."));
                let request = match dice.roll(6) {
                    0..3 => Request::Read { key },
                    3 if plan.appends => Request::Append { key, value },
                    4 if plan.cas => {
                        let from = store.get(&key).cloned().unwrap_or_default();
                        let from = history.value(&from);
                        Request::Cas {
                            key,
                            from,
                            to: value,
                        }
                    }
                    _ => Request::Write { key, value },
                };
                called.push(history.operations.len());
                history.operations.push(Operation {
                    client: ClientId(client),
                    call: at,
                    ret: None,
                    request,
                    response: Response::Unknown,
                    revision: None,
                });
                history.places.push(Default::default());
                at += 1;
            }
            1 if !called.is_empty() => {
                let i = called.swap_remove(dice.roll(called.len()));
                let is_lost = dice.roll(plan.lost) == 0;
                if is_lost {
                    idle.push(fresh);
                    fresh += 1;
                    if dice.roll(2) == 0 {
                        continue;
                    }
                }
                let text = |history: &History, v: ValueId| history.values.get(v.0).to_owned();
                let response = match history.operations[i].request {
                    Request::Read { key } => {
                        let seen = store.get(&key).cloned().unwrap_or_default();
                        Response::Value(history.value(&seen))
                    }
                    Request::Append { key, value } => {
                        store
                            .entry(key)
                            .or_default()
                            .push_str(&text(&history, value));
                        Response::Done
                    }
                    Request::Cas { key, from, to } => {
                        let now = store.get(&key).cloned().unwrap_or_default();
                        let equal = now == text(&history, from);
                        if equal {
                            store.insert(key, text(&history, to));
                        }
                        Response::Flag(equal)
                    }
                    Request::Write { key, value } => {
                        store.insert(key, text(&history, value));
                        Response::Done
                    }
                    _ => Response::Unknown,
                };
                order.push(i as u32);
                if is_lost {
                    history.operations[i].response = Response::Unknown;
                } else {
                    history.operations[i].response = response;
                    done.push(i);
                }
            }
            2 if !done.is_empty() => {
                let i = done.swap_remove(dice.roll(done.len()));
                history.operations[i].ret = Some(at);
                idle.push(history.operations[i].client.0);
                at += 1;
            }
            _ => {}
        }
    }
    for client in 0..fresh {
        history.client(&client.to_string());
    }
    (history, order)
}

fn verdict(history: &History) -> bool {
    let options = Options {
        explain: false,
        ..Options::default()
    };
    let model = ModelName::of(history).expect("a model");
    match judge(history, model, &options)
        .expect("of the model")
        .verdict
    {
        Verdict::Linearizable => true,
        Verdict::NotLinearizable(_) => false,
        Verdict::Inconclusive(grounds) => panic!("{grounds:?}"),
    }
}

/// Makes a read show what was certainly overwritten before it was called: a
/// stale value, or one without an append that had returned. None if there is
/// no such read.
fn spoilt(history: &History, dice: &mut Dice) -> Option<History> {
    let all = &history.operations;
    let mut chances = Vec::new();
    for (i, read) in all.iter().enumerate() {
        let (Request::Read { key }, Response::Value(_)) = (&read.request, &read.response) else {
            continue;
        };
        for older in all {
            let Request::Write { key: k, value } = older.request else {
                continue;
            };
            let Some(ret) = older.ret.filter(|_| k == *key) else {
                continue;
            };
            let overwritten = all.iter().any(|o| {
                let writes = matches!(o.request, Request::Write { key: k, .. } if k == *key)
                    || matches!(o.request, Request::Append { key: k, .. } if k == *key);
                writes && o.call > ret && o.ret.is_some_and(|ret| ret < read.call)
            });
            if overwritten {
                chances.push((i, value));
            }
        }
    }
    if chances.is_empty() {
        return None;
    }
    let (read, value) = dice.one(&chances);
    let mut spoilt = history.clone();
    spoilt.operations[read].response = Response::Value(value);
    Some(spoilt)
}

/// Other names for clients and values, and other positions in the same order.
fn disguised(history: &History, dice: &mut Dice) -> History {
    let mut other = History::new("");
    other.keys = history.keys.clone();
    let clients = history.clients.len() as u32;
    for client in 0..clients {
        other.client(&format!("client {client}"));
    }
    let words: BTreeMap<String, String> = history
        .operations
        .iter()
        .filter_map(|o| match o.request {
            Request::Write { value, .. }
            | Request::Append { value, .. }
            | Request::Cas { to: value, .. } => Some(history.values.get(value.0).to_owned()),
            _ => None,
        })
        .map(|word| (word.clone(), format!("<{}>", word.trim_end_matches('.'))))
        .collect();
    // A text is made of words, each of which ends with its only dot.
    let renamed = |text: &str| -> String {
        let pieces = text.split_inclusive('.');
        pieces
            .map(|piece| words.get(piece).map_or(piece, String::as_str).to_owned())
            .collect()
    };
    let mut positions: Vec<u32> = (0..history.end()).collect();
    let mut at = 0;
    for position in &mut positions {
        at += 1 + dice.roll(3) as u32;
        *position = at;
    }
    let shift = dice.roll(clients.max(1) as usize) as u32;
    for o in &history.operations {
        let mut value =
            |v: ValueId| ValueId(other.values.intern(&renamed(history.values.get(v.0))));
        let request = match o.request {
            Request::Write { key, value: v } => Request::Write {
                key,
                value: value(v),
            },
            Request::Append { key, value: v } => Request::Append {
                key,
                value: value(v),
            },
            Request::Cas { key, from, to } => {
                let (from, to) = (value(from), value(to));
                Request::Cas { key, from, to }
            }
            ref request => request.clone(),
        };
        let response = match o.response {
            Response::Value(v) => Response::Value(value(v)),
            ref response => response.clone(),
        };
        other.operations.push(Operation {
            client: ClientId((o.client.0 + shift) % clients),
            call: positions[o.call as usize],
            ret: o.ret.map(|ret| positions[ret as usize]),
            request,
            response,
            revision: None,
        });
        other.places.push(Default::default());
    }
    other
}

fn plan(dice: &mut Dice, distinct: bool) -> Plan {
    Plan {
        clients: 1 + dice.roll(12),
        operations: 10 + dice.roll(if distinct { 400 } else { 120 }),
        keys: 1 + dice.roll(4),
        distinct,
        lost: dice.one(&[10, 40, 100_000]),
        appends: dice.roll(2) == 0,
        cas: dice.roll(3) == 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_store_that_is_right_is_linearizable(seed: u64, distinct: bool) {
        let mut dice = Dice(seed);
        let plan = plan(&mut dice, distinct);
        let (history, _) = run(&mut dice, plan);
        prop_assert_eq!(history.broken_rule(), None);
        prop_assert!(verdict(&history), "{:?}", plan);
    }

    #[test]
    fn one_stale_or_lost_value_is_found(seed: u64) {
        let mut dice = Dice(seed);
        let plan = Plan { cas: false, ..plan(&mut dice, true) };
        let (history, _) = run(&mut dice, plan);
        if let Some(spoilt) = spoilt(&history, &mut dice) {
            prop_assert!(!verdict(&spoilt), "{:?}", plan);
        }
    }
}

#[test]
fn names_and_lengths_of_time_do_not_matter() {
    fn same(seed: u64, distinct: bool, spoil: bool) -> TestResult {
        let mut dice = Dice(seed);
        let plan = plan(&mut dice, distinct);
        let (mut history, _) = run(&mut dice, plan);
        if spoil {
            match spoilt(&history, &mut dice) {
                Some(spoilt) => history = spoilt,
                None => return TestResult::discard(),
            }
        }
        let other = disguised(&history, &mut dice);
        TestResult::from_bool(verdict(&history) == verdict(&other))
    }
    QuickCheck::new()
        .tests(300)
        .quickcheck(same as fn(u64, bool, bool) -> TestResult);
}

#[test]
fn the_order_of_commit_is_a_witness() {
    fn follows(seed: u64, distinct: bool) -> bool {
        use plimsoll::history::verdict::Algorithm;
        let mut dice = Dice(seed);
        let plan = plan(&mut dice, distinct);
        let (history, order) = run(&mut dice, plan);
        let options = Options {
            witness: Some(&order),
            ..Options::default()
        };
        let model = ModelName::of(&history).expect("a model");
        let judged = judge(&history, model, &options).expect("of the model");
        let algorithms = judged.certificate.algorithms;
        matches!(judged.verdict, Verdict::Linearizable)
            && algorithms.keys().all(|a| *a == Algorithm::Witness)
    }
    QuickCheck::new()
        .tests(200)
        .quickcheck(follows as fn(u64, bool) -> bool);
}
