//! Histories of up to seven operations of every kind, drawn at random.

use plimsoll::history::{
    Compare, CompareOp, CompareWith, History, KeyId, ModelName, RangeEnd, Request, Response,
    Revision, Txn, ValueId,
};

use crate::brute;
use crate::exhaustive::{agrees, compare};
use crate::shapes::{Shape, history};

/// A small generator of numbers (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % sides as u64) as usize
    }

    pub(crate) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())].clone()
    }
}

/// A random shape: the calls in order, some without return.
fn shape(dice: &mut Dice, n: usize) -> Shape {
    let mut shape: Shape = Vec::new();
    let mut waiting: Vec<usize> = Vec::new();
    let mut at = 0;
    while shape.len() < n || !waiting.is_empty() {
        if shape.len() < n && (waiting.is_empty() || dice.roll(5) < 3) {
            if dice.roll(6) > 0 {
                waiting.push(shape.len());
            }
            shape.push((at, None));
        } else {
            let i = waiting.swap_remove(dice.roll(waiting.len()));
            shape[i].1 = Some(at);
        }
        at += 1;
    }
    shape
}

/// Histories of operations drawn by `draw`. At least one in fifty has to be
/// linearizable and one in fifty not, or the test shows little.
fn sample(
    seed: u64,
    count: u32,
    base: &History,
    model: ModelName,
    draw: &dyn Fn(&mut Dice) -> (Request, Response),
) {
    // With PLIMSOLL_LONG, others and twenty times as many, within the 20 minutes of
    // all that this adds.
    let long = std::env::var_os("PLIMSOLL_LONG").is_some();
    let (seed, count) = if long {
        (seed + 1_000, count * 20)
    } else {
        (seed, count)
    };
    let mut dice = Dice(seed);
    let mut good = 0;
    for _ in 0..count {
        let n = 2 + dice.roll(6);
        let shape = shape(&mut dice, n);
        let ops: Vec<_> = (0..n).map(|_| draw(&mut dice)).collect();
        good += u32::from(compare(&history(&shape, &ops, base), model));
    }
    assert!(
        good > count / 50 && good < count - count / 50,
        "{good} of {count}"
    );
}

const X: KeyId = KeyId(0);
const Y: KeyId = KeyId(1);

fn base(absent: &str, texts: &[&str]) -> History {
    let mut base = History::new(absent);
    base.key("x");
    base.key("y");
    for text in texts {
        base.value(text);
    }
    base
}

fn value(dice: &mut Dice, most: usize) -> ValueId {
    ValueId(dice.roll(most + 1) as u32)
}

#[test]
fn registers() {
    let draw = |dice: &mut Dice| match dice.roll(2) {
        0 => (Request::Read { key: X }, Response::Value(value(dice, 2))),
        _ => {
            let value = ValueId(1 + dice.roll(2) as u32);
            (Request::Write { key: X, value }, Response::Done)
        }
    };
    sample(
        1,
        40_000,
        &base("nil", &["1", "2"]),
        ModelName::Register,
        &draw,
    );
}

#[test]
fn compare_and_set() {
    let draw = |dice: &mut Dice| {
        let (from, to) = (value(dice, 2), value(dice, 2));
        match dice.roll(5) {
            0 => (Request::Read { key: X }, Response::Value(to)),
            1 => (Request::Write { key: X, value: to }, Response::Done),
            _ => {
                let answers = [true, true, true, false, false].map(Response::Flag);
                let answer = if dice.roll(8) == 0 {
                    Response::Unknown
                } else {
                    dice.one(&answers)
                };
                (Request::Cas { key: X, from, to }, answer)
            }
        }
    };
    sample(
        2,
        60_000,
        &base("nil", &["1", "2"]),
        ModelName::CasRegister,
        &draw,
    );
}

#[test]
fn one_key_of_a_store() {
    // Words that can be read in more than one way, and the empty one.
    let texts = ["a", "b", "ab", "ba", "aa", "aab", "aba", "abab", "e"];
    for (seed, absent) in [(3, ""), (4, "nil")] {
        let mut base = base(absent, &texts);
        let empty = base.value("");
        let words: Vec<ValueId> = [0, 1, 1, 2, 2, 3, 9].map(ValueId).to_vec();
        let draw = |dice: &mut Dice| {
            let value = dice.one(&words);
            match dice.roll(8) {
                0..3 => {
                    let seen = if dice.roll(5) == 0 {
                        empty
                    } else {
                        ValueId(dice.roll(9) as u32)
                    };
                    (Request::Read { key: X }, Response::Value(seen))
                }
                3..6 => {
                    let then = ValueId(1 + dice.roll(8) as u32);
                    let answers = [Response::Done, Response::Done, Response::Value(then)];
                    (Request::Append { key: X, value }, dice.one(&answers))
                }
                6 => (Request::Write { key: X, value }, Response::Done),
                _ => {
                    let answers = [Response::Done, Response::Flag(true), Response::Flag(false)];
                    (Request::Delete { key: X }, dice.one(&answers))
                }
            }
        };
        sample(seed, 60_000, &base, ModelName::Kv, &draw);
    }
}

/// A request on one of two keys with an answer that may fit.
fn small(dice: &mut Dice) -> (Request, Response) {
    let key = dice.one(&[X, Y]);
    let (from, to) = (value(dice, 2), value(dice, 2));
    match dice.roll(5) {
        0 | 1 => (Request::Read { key }, Response::Value(from)),
        2 => {
            let to = ValueId(1 + dice.roll(2) as u32);
            (Request::Write { key, value: to }, Response::Done)
        }
        3 => {
            let answers = [
                Response::Flag(true),
                Response::Flag(false),
                Response::Unknown,
            ];
            (Request::Cas { key, from, to }, dice.one(&answers))
        }
        _ => (Request::Delete { key }, Response::Done),
    }
}

fn transaction(dice: &mut Dice) -> (Request, Response) {
    if dice.roll(3) == 0 {
        return small(dice);
    }
    if dice.roll(5) == 0 {
        let pairs = [(X, value(dice, 2)), (Y, value(dice, 2))];
        let pairs = pairs.into_iter().filter(|(_, value)| value.0 != 0);
        let (start, end) = (
            dice.one(&[X, Y]),
            dice.one(&[RangeEnd::Open, RangeEnd::Before(Y)]),
        );
        let limit = dice.one(&[None, None, Some(1)]);
        return (
            Request::Range { start, end, limit },
            Response::Pairs(pairs.collect()),
        );
    }
    let compares = (0..dice.roll(2)).map(|_| {
        let op = dice.one(&[
            CompareOp::Equal,
            CompareOp::NotEqual,
            CompareOp::Less,
            CompareOp::Greater,
        ]);
        let with = match dice.roll(3) {
            0 => CompareWith::Version(dice.roll(2) as u64),
            _ => CompareWith::Value(value(dice, 2)),
        };
        let key = dice.one(&[X, Y]);
        Compare { key, op, with }
    });
    let compares = compares.collect();
    let mut branch = |most| -> Vec<_> { (0..=dice.roll(most)).map(|_| small(dice)).collect() };
    let (then, otherwise) = (branch(3), branch(2));
    let succeeded = dice.roll(4) > 0;
    let taken = if succeeded { &then } else { &otherwise };
    let answers = taken.iter().map(|(_, answer)| answer.clone()).collect();
    let requests = |branch: Vec<(Request, Response)>| branch.into_iter().map(|(r, _)| r).collect();
    let txn = Txn {
        compares,
        then: requests(then),
        otherwise: requests(otherwise),
    };
    (
        Request::Txn(Box::new(txn)),
        Response::Txn { succeeded, answers },
    )
}

#[test]
fn transactions() {
    let base = base("", &["1", "2"]);
    sample(5, 60_000, &base, ModelName::Kv, &transaction);
}

#[test]
fn transactions_of_etcd() {
    // No comparison with the value of an absent key holds.
    let base = base("", &["1", "2"]);
    sample(16, 30_000, &base, ModelName::Etcd, &transaction);
}

#[test]
fn texts_compared_by_order_and_appended_to() {
    let texts = ["a", "b", "ab", "ba", "aa", "bb"];
    let base = base("", &texts);
    let draw = |dice: &mut Dice| {
        let key = X;
        let value = ValueId(dice.roll(4) as u32);
        match dice.roll(8) {
            0 | 1 => (Request::Write { key, value }, Response::Done),
            2..5 => (Request::Append { key, value }, Response::Done),
            5 if dice.roll(2) == 0 => {
                let seen = ValueId(dice.roll(7) as u32);
                (Request::Read { key }, Response::Value(seen))
            }
            _ => {
                let op = dice.one(&[CompareOp::Less, CompareOp::Greater, CompareOp::Equal]);
                let with = CompareWith::Value(ValueId(dice.roll(7) as u32));
                let txn = Txn {
                    compares: vec![Compare { key, op, with }],
                    then: vec![Request::Append { key, value }],
                    otherwise: Vec::new(),
                };
                let succeeded = dice.roll(2) == 0;
                let answers = Vec::new();
                (
                    Request::Txn(Box::new(txn)),
                    Response::Txn { succeeded, answers },
                )
            }
        }
    };
    sample(10, 40_000, &base, ModelName::Kv, &draw);
}

/// Lists that transactions append to, as texts; of some elements it is only
/// asked whether they were appended.
#[test]
fn transactions_that_append() {
    for (seed, absent) in [(17, ""), (18, "nil")] {
        let base = base(absent, &["a", "b", "ab", "ba", "aa", "aba", "ac"]);
        let draw = |dice: &mut Dice| {
            let mut then = Vec::new();
            let mut answers = Vec::new();
            for _ in 0..=dice.roll(3) {
                let key = dice.one(&[X, X, Y]);
                let (request, answer) = match dice.roll(5) {
                    0 | 1 => {
                        let seen = ValueId(dice.roll(8) as u32);
                        (Request::Read { key }, Response::Value(seen))
                    }
                    2 | 3 => {
                        let value = ValueId(1 + dice.roll(2) as u32);
                        (Request::Append { key, value }, Response::Done)
                    }
                    _ => {
                        let value = ValueId(dice.roll(4) as u32);
                        (Request::Write { key, value }, Response::Done)
                    }
                };
                then.push(request);
                answers.push(answer);
            }
            let txn = Txn {
                then,
                ..Txn::default()
            };
            let answer = Response::Txn {
                succeeded: true,
                answers,
            };
            (Request::Txn(Box::new(txn)), answer)
        };
        sample(seed, 40_000, &base, ModelName::Kv, &draw);
    }
}

#[test]
fn an_empty_value_is_no_absent_key() {
    let base = base("", &["1"]);
    for seed in [11, 12, 13] {
        let draw = |dice: &mut Dice| {
            let key = X;
            let value = ValueId(dice.roll(2) as u32);
            match dice.roll(if seed == 13 { 7 } else { 6 }) {
                0 => (Request::Read { key }, Response::Value(value)),
                1 | 2 => (Request::Write { key, value }, Response::Done),
                3 if seed == 11 => (Request::Append { key, value }, Response::Done),
                3 => {
                    let from = ValueId(dice.roll(2) as u32);
                    let answer = Response::Flag(dice.roll(2) == 0);
                    let to = value;
                    (Request::Cas { key, from, to }, answer)
                }
                4 | 5 => {
                    let answers = [Response::Flag(true), Response::Flag(false), Response::Done];
                    (Request::Delete { key }, dice.one(&answers))
                }
                _ => {
                    let there = [vec![], vec![(X, value)]];
                    let request = Request::Range {
                        start: X,
                        end: RangeEnd::Open,
                        limit: None,
                    };
                    (request, Response::Pairs(dice.one(&there)))
                }
            }
        };
        sample(seed, 30_000, &base, ModelName::Kv, &draw);
    }
}

#[test]
fn revisions_compared_before_any_is_shown() {
    let base = base("", &["1", "2"]);
    let mut dice = Dice(14);
    let (mut good, count) = (0, 20_000);
    for _ in 0..count {
        let n = 2 + dice.roll(4);
        let shape = shape(&mut dice, n);
        let draw = |dice: &mut Dice| {
            let key = dice.one(&[X, X, Y]);
            let value = ValueId(dice.roll(3) as u32);
            if dice.roll(2) == 0 {
                return match dice.roll(3) {
                    0 => (Request::Read { key }, Response::Value(value)),
                    _ => (Request::Write { key, value }, Response::Done),
                };
            }
            let compares = (0..1 + dice.roll(2)).map(|_| Compare {
                key: dice.one(&[X, X, Y]),
                op: dice.one(&[
                    CompareOp::Equal,
                    CompareOp::NotEqual,
                    CompareOp::Less,
                    CompareOp::Greater,
                ]),
                with: match dice.roll(2) {
                    0 => CompareWith::ModRevision(dice.roll(6) as u64),
                    _ => CompareWith::CreateRevision(dice.roll(6) as u64),
                },
            });
            let txn = Txn {
                compares: compares.collect(),
                then: vec![Request::Write { key, value }],
                otherwise: vec![Request::Delete { key }; dice.roll(2)],
            };
            let succeeded = dice.roll(2) == 0;
            let answers = Vec::new();
            let answer = match dice.roll(4) {
                0 => Response::Unknown,
                _ => Response::Txn { succeeded, answers },
            };
            (Request::Txn(Box::new(txn)), answer)
        };
        let ops: Vec<_> = (0..n).map(|_| draw(&mut dice)).collect();
        let mut history = history(&shape, &ops, &base);
        for o in &mut history.operations {
            if o.ret.is_some() && dice.roll(6) == 0 {
                o.revision = Some(Box::new(Revision {
                    store: Some(dice.roll(7) as u64),
                    ..Revision::default()
                }));
            }
        }
        // No comparison tells higher ones apart; the store of etcd has none
        // below one.
        let expected = (1..=8).any(|base| brute::is_linearizable(&history, base, ModelName::Etcd));
        agrees(&history, ModelName::Etcd, expected);
        good += u32::from(expected);
    }
    assert!(
        good > count / 50 && good < count - count / 50,
        "{good} of {count}"
    );
}

#[test]
fn revisions() {
    let base = base("", &["1", "2"]);
    let mut dice = Dice(6);
    let (mut good, count) = (0, 60_000);
    for _ in 0..count {
        let n = 2 + dice.roll(4);
        let shape = shape(&mut dice, n);
        let ops: Vec<_> = (0..n).map(|_| small(&mut dice)).collect();
        let mut history = history(&shape, &ops, &base);
        // That the first answer shows the base is part of what the
        // brute-force judge is told: so one write shows revision 2 first.
        for o in &mut history.operations {
            o.call += 2;
            o.ret = o.ret.map(|ret| ret + 2);
        }
        let mut first = history.operations[0].clone();
        first.client = history.client("first");
        (first.call, first.ret) = (0, Some(1));
        first.request = Request::Write {
            key: X,
            value: ValueId(1),
        };
        first.response = Response::Done;
        first.revision = Some(Box::new(Revision {
            store: Some(2),
            ..Revision::default()
        }));
        history.operations.insert(0, first);
        history.places.push(Default::default());
        for o in history.operations.iter_mut().skip(1) {
            let mut maybe = |from: usize, sides: usize| {
                (dice.roll(3) == 0).then(|| (from + dice.roll(sides)) as u64)
            };
            let revision = Revision {
                store: maybe(2, 3),
                modified: maybe(2, 2),
                created: maybe(2, 2),
                version: maybe(1, 2),
            };
            if o.ret.is_some() && dice.roll(3) == 0 {
                let keyed = matches!(o.request, Request::Read { .. } | Request::Write { .. });
                let store = Revision {
                    store: revision.store,
                    ..Revision::default()
                };
                o.revision = Some(Box::new(if keyed { revision } else { store }));
            }
        }
        good += u32::from(compare(&history, ModelName::Etcd));
    }
    assert!(
        good > count / 50 && good < count - count / 50,
        "{good} of {count}"
    );
}

#[test]
fn queues() {
    let draw = |dice: &mut Dice| match dice.roll(2) {
        0 => {
            let value = ValueId(1 + dice.roll(3) as u32);
            (Request::Enqueue { key: X, value }, Response::Done)
        }
        _ => {
            let answer = Response::Value(value(dice, 3));
            let answer = if dice.roll(8) == 0 {
                Response::Unknown
            } else {
                answer
            };
            (Request::Dequeue { key: X }, answer)
        }
    };
    sample(
        7,
        60_000,
        &base("nil", &["1", "2", "3"]),
        ModelName::Queue,
        &draw,
    );
}

/// Every value is put once, so that almost all is told without a search; of
/// unknown outcome are more than elsewhere.
#[test]
fn queues_of_distinct_values() {
    let base = base("nil", &["1", "2", "3", "4"]);
    let mut dice = Dice(15);
    let (mut good, count) = (0, 60_000);
    for _ in 0..count {
        let n = 3 + dice.roll(5);
        let mut shape = shape(&mut dice, n);
        for (_, ret) in &mut shape {
            if dice.roll(6) == 0 {
                *ret = None;
            }
        }
        let mut put = 0;
        let ops: Vec<_> = (0..n)
            .map(|_| match dice.roll(2) {
                0 if put < 4 => {
                    put += 1;
                    let value = ValueId(put);
                    (Request::Enqueue { key: X, value }, Response::Done)
                }
                _ => {
                    let seen = Response::Value(value(&mut dice, put as usize));
                    (Request::Dequeue { key: X }, seen)
                }
            })
            .collect();
        let history = history(&shape, &ops, &base);
        good += u32::from(compare(&history, ModelName::Queue));
    }
    assert!(
        good > count / 50 && good < count - count / 50,
        "{good} of {count}"
    );
}

#[test]
fn sets() {
    for (seed, members) in [(8, false), (9, true)] {
        let draw = |dice: &mut Dice| {
            let value = ValueId(1 + dice.roll(2) as u32);
            let answers = [Response::Flag(true), Response::Flag(false), Response::Done];
            let answer = dice.one(&answers);
            match dice.roll(if members { 4 } else { 3 }) {
                0 => (Request::Add { key: X, value }, answer),
                1 => (Request::Remove { key: X, value }, answer),
                2 => (Request::Contains { key: X, value }, answer),
                _ => {
                    let all = [vec![], vec![1], vec![2], vec![2, 1]];
                    let seen = dice.one(&all).into_iter().map(ValueId).collect();
                    (Request::Members { key: X }, Response::Values(seen))
                }
            }
        };
        sample(
            seed,
            60_000,
            &base("nil", &["1", "2"]),
            ModelName::Set,
            &draw,
        );
    }
}

/// The same text is appended twice. The first time it may have been
/// overwritten, the second time it was seen: they do not stand for each other.
#[test]
fn an_overwritten_append_and_one_that_was_seen() {
    let base = base("", &["a", "z", "za"]);
    let append = (
        Request::Append {
            key: X,
            value: ValueId(1),
        },
        Response::Done,
    );
    let seen = (Request::Read { key: X }, Response::Value(ValueId(3)));
    let put = (
        Request::Write {
            key: X,
            value: ValueId(2),
        },
        Response::Done,
    );
    let ops = [append.clone(), put, append, seen.clone(), seen];
    // The first append is called before the put, and returns before the second.
    let shape = vec![
        (0, Some(9)),
        (1, Some(2)),
        (3, Some(10)),
        (4, Some(5)),
        (11, Some(12)),
    ];
    assert!(compare(&history(&shape, &ops, &base), ModelName::Kv));
}
