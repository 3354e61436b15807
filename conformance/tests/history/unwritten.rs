//! Answers that show what no operation can have written by then.

use plimsoll::history::verdict::{Algorithm, Failure};
use plimsoll::history::{
    Compare, CompareOp, CompareWith, History, KeyId, Limits, ModelName, Options, RangeEnd, Request,
    Response, Txn, ValueId, Verdict, judge,
};

use crate::shapes::history;

const X: KeyId = KeyId(0);
const Y: KeyId = KeyId(1);

fn base() -> History {
    let mut base = History::new("");
    base.key("x");
    base.key("y");
    for value in ["a", "b", "c", "ab", "abc"] {
        base.value(value);
    }
    base
}

const A: ValueId = ValueId(1);
const B: ValueId = ValueId(2);
const C: ValueId = ValueId(3);

fn txn(compares: Vec<Compare>, all: &[(Request, Response)]) -> (Request, Response) {
    let (then, answers) = all.iter().cloned().unzip();
    let txn = Txn {
        compares,
        then,
        otherwise: Vec::new(),
    };
    let answer = Response::Txn {
        succeeded: true,
        answers,
    };
    (Request::Txn(Box::new(txn)), answer)
}

fn failure(judged: Verdict) -> Box<Failure> {
    match judged {
        Verdict::NotLinearizable(failure) => failure,
        other => panic!("{other:?}"),
    }
}

/// What each shows may have been written by an operation of unknown outcome,
/// if that was called before the answer came; not if it was called later.
#[test]
fn a_source_is_called_before_the_answer_returns() {
    let (key, value) = (X, C);
    let write = Request::Write { key, value };
    let read = (Request::Read { key }, Response::Value(C));
    let range = Request::Range {
        start: X,
        end: RangeEnd::Open,
        limit: None,
    };
    let is_c = Compare {
        key,
        op: CompareOp::Equal,
        with: CompareWith::Value(C),
    };
    let joined = (Request::Read { key: Y }, Response::Unknown);
    let pair = txn(vec![], &[joined.clone(), read.clone()]);
    let pairs = Response::Pairs(vec![(X, C)]);
    let is_there = Response::Flag(true);
    let cas = Request::Cas {
        key,
        from: C,
        to: A,
    };
    let add = Request::Add { key, value };
    let kv = ModelName::Kv;
    for (model, source, shows) in [
        (kv, write.clone(), read.clone()),
        (kv, write.clone(), pair),
        (kv, write.clone(), (range, pairs)),
        (kv, write.clone(), (cas, is_there.clone())),
        (kv, write, txn(vec![is_c], &[joined])),
        (
            ModelName::Set,
            add.clone(),
            (Request::Contains { key, value }, is_there.clone()),
        ),
        (
            ModelName::Set,
            add.clone(),
            (Request::Remove { key, value }, is_there),
        ),
        (
            ModelName::Set,
            add,
            (Request::Members { key }, Response::Values(vec![C])),
        ),
        (
            ModelName::Queue,
            Request::Enqueue { key, value },
            (Request::Dequeue { key }, Response::Value(C)),
        ),
    ] {
        let source = (source, Response::Unknown);
        let late = history(
            &vec![(0, Some(1)), (2, None)],
            &[shows.clone(), source.clone()],
            &base(),
        );
        let judged = judge(&late, model, &Options::default()).expect("of the model");
        let found = failure(judged.verdict);
        // What was put too late is shown beside what was taken.
        let taken = model == ModelName::Queue;
        let conflict: &[u32] = if taken { &[0, 1] } else { &[0] };
        assert_eq!(found.conflict, conflict, "{shows:?}");
        assert!(found.minimal);
        let searched = judged.certificate.algorithms.get(&Algorithm::Search);
        assert_eq!(searched, None, "{shows:?}");
        let early = history(&vec![(0, None), (1, Some(2))], &[source, shows], &base());
        let judged = judge(&early, model, &Options::default()).expect("of the model");
        assert!(matches!(judged.verdict, Verdict::Linearizable));
    }
}

/// Of operations that all overlap no search tries every order.
#[test]
fn many_operations_before_it_are_not_tried() {
    let mut ops = Vec::new();
    for i in 0..60 {
        let key = if i % 2 == 0 { X } else { Y };
        let (from, to) = if i % 3 == 0 { (A, B) } else { (B, A) };
        ops.push(match i % 5 {
            0 => (Request::Write { key, value: A }, Response::Done),
            1 => (Request::Append { key, value: B }, Response::Done),
            2 => (Request::Delete { key }, Response::Done),
            _ => (Request::Cas { key, from, to }, Response::Unknown),
        });
    }
    let read = |key, value| (Request::Read { key }, Response::Value(ValueId(value)));
    // "ab" can have grown, and "abc" not.
    ops.push(txn(vec![], &[read(X, 4), read(Y, 5)]));
    let n = ops.len() as u32;
    let shape = (0..n).map(|i| (i, Some(n + i))).collect();
    let history = history(&shape, &ops, &base());
    let limits = Limits {
        configurations: Some(10_000),
        ..Limits::default()
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let judged = judge(&history, ModelName::Kv, &options).expect("of the model");
    let found = failure(judged.verdict);
    assert_eq!(found.conflict, [n - 1]);
    assert!(found.minimal);
    let algorithms: Vec<_> = judged.certificate.algorithms.into_keys().collect();
    assert_eq!(algorithms, [Algorithm::Unwritten]);
    let options = Options {
        search_only: true,
        explain: false,
        ..options
    };
    let judged = judge(&history, ModelName::Kv, &options).expect("of the model");
    assert!(matches!(judged.verdict, Verdict::Inconclusive(_)));
}
