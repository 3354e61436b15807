//! What is said of histories that are not linearizable, against the judge that
//! tries every order.

use plimsoll::history::verdict::{Failure, Stale, Unexamined, Why};
use plimsoll::history::{
    ClientId, History, ModelName, Operation, Options, Request, Response, Txn, ValueId, Verdict,
    judge,
};

use crate::brute;
use crate::sampled::Dice;
use crate::shapes::{self, Shape};

/// A history of a few clients; each has one operation open at a time.
fn drawn(
    dice: &mut Dice,
    base: &History,
    n: usize,
    draw: &dyn Fn(&mut Dice) -> (Request, Response),
) -> History {
    let mut history = base.clone();
    for client in 0..20 {
        history.client(&client.to_string());
    }
    let mut at = 0;
    let mut open: Vec<usize> = Vec::new();
    let mut idle: Vec<u32> = vec![0, 1, 2];
    let mut fresh = 3;
    while history.operations.len() < n || !open.is_empty() {
        let done = history.operations.len() == n;
        if !done && !idle.is_empty() && (open.is_empty() || dice.roll(5) < 3) {
            let client = idle.swap_remove(dice.roll(idle.len()));
            let (request, response) = draw(dice);
            let lost = dice.roll(8) == 0;
            if lost {
                // A client that was not answered is not heard of again.
                idle.push(fresh);
                fresh += 1;
            } else {
                open.push(history.operations.len());
            }
            history.operations.push(Operation {
                client: ClientId(client),
                call: at,
                ret: None,
                request,
                response: if lost { Response::Unknown } else { response },
                revision: None,
            });
            history.places.push(Default::default());
        } else {
            let i = open.swap_remove(dice.roll(open.len()));
            history.operations[i].ret = Some(at);
            idle.push(history.operations[i].client.0);
        }
        at += 1;
    }
    history
}

/// Only these operations.
fn only(history: &History, keep: impl Fn(usize) -> bool) -> History {
    let mut rest = history.clone();
    let all = history.operations.iter().enumerate();
    rest.operations = all
        .filter(|(i, _)| keep(*i))
        .map(|(_, o)| o.clone())
        .collect();
    rest.places.truncate(rest.operations.len());
    rest
}

fn reads(operation: &Operation) -> bool {
    let kind = operation.request.kind();
    ["read", "contains", "members", "range"].contains(&kind)
        || operation.response == Response::Flag(false)
}

fn check(history: &History, failure: &Failure) {
    let all = &history.operations;
    let holds = |history: &History| brute::is_linearizable(history, 0, ModelName::Kv);

    // A sub-history that is not linearizable, and none of it can be spared.
    let conflict = |without: Option<u32>| {
        only(history, |i| {
            failure.conflict.contains(&(i as u32)) && without != Some(i as u32)
        })
    };
    assert!(!holds(&conflict(None)), "{failure:#?} {all:#?}");
    assert!(failure.minimal);
    for &op in &failure.conflict {
        let operation = &all[op as usize];
        let needed = match &operation.request {
            Request::Write { value, .. } => failure.conflict.iter().any(|&other| {
                let other = &all[other as usize];
                match (&other.request, &other.response) {
                    (_, Response::Value(seen)) => seen == value,
                    (Request::Cas { from, .. }, Response::Flag(false)) => from != value,
                    (Request::Cas { from, .. }, _) => from == value,
                    _ => false,
                }
            }),
            _ => !reads(operation),
        };
        assert!(
            needed || holds(&conflict(Some(op))),
            "{op} can be spared: {failure:#?} {all:#?}"
        );
    }

    // The longest prefix that is linearizable.
    let first = failure.first_return.expect("small enough") as usize;
    let at = all[first].ret.expect("a return");
    let prefix = |with: bool| {
        let mut prefix = only(history, |i| all[i].call < at);
        for o in &mut prefix.operations {
            o.ret = o.ret.filter(|&ret| ret < at || (with && ret == at));
        }
        prefix
    };
    assert!(holds(&prefix(false)), "{failure:#?} {all:#?}");
    assert!(!holds(&prefix(true)), "{failure:#?} {all:#?}");

    // Each attempt is an order of what it names, and says of the rest why not.
    assert!(!failure.attempts.is_empty(), "{failure:#?} {all:#?}");
    for attempt in &failure.attempts {
        let named: Vec<u32> = attempt.points.iter().map(|p| p.operation).collect();
        let mut taken = only(history, |i| named.contains(&(i as u32)));
        taken
            .operations
            .iter_mut()
            .for_each(|o| o.ret = o.ret.or(Some(u32::MAX)));
        assert!(holds(&taken));
        for blocked in &attempt.blocked {
            assert!(!named.contains(&blocked.operation));
            if let Why::CalledAfter(other) = blocked.why {
                let (other, own) = (&all[other as usize], &all[blocked.operation as usize]);
                assert!(other.ret.is_some_and(|ret| ret < own.call));
            }
        }
        assert_eq!(named.len() + attempt.blocked.len(), failure.conflict.len());
    }

    // How stale: so much is enough, and less is not.
    let aged = |age: u32| {
        let mut aged = history.clone();
        for o in &mut aged.operations {
            let asks = ["read", "contains", "members"].contains(&o.request.kind());
            let call = if asks {
                o.call.saturating_sub(age) * 2
            } else {
                o.call * 2 + 1
            };
            (o.call, o.ret) = (call, o.ret.map(|ret| ret * 2 + 1));
        }
        aged
    };
    match failure.weaker.stale {
        // Another part may be older yet.
        _ if !failure.others.is_empty() => {}
        Stale::Unknown => panic!("small enough"),
        Stale::Never => assert!(!holds(&aged(100))),
        Stale::By { events, .. } => {
            assert!(holds(&aged(events)), "{failure:#?} {all:#?}");
            assert!(!holds(&aged(events - 1)), "{failure:#?} {all:#?}");
        }
    }

    // Values of a set are parts of their own, and put together for this.
    let sequential = brute::is_sequential(history);
    assert_eq!(
        failure.weaker.sequential,
        Ok(sequential),
        "{failure:#?} {all:#?}"
    );
    assert!(
        !sequential || failure.weaker.sessions.iter().all(Vec::is_empty),
        "{failure:#?} {all:#?}"
    );
}

fn explained(
    seed: u64,
    count: u32,
    base: &History,
    model: ModelName,
    draw: &dyn Fn(&mut Dice) -> (Request, Response),
) {
    let mut dice = Dice(seed);
    let mut failures = 0;
    for _ in 0..count {
        let n = 3 + dice.roll(5);
        let history = drawn(&mut dice, base, n, draw);
        assert_eq!(history.broken_rule(), None);
        let judged = judge(&history, model, &Options::default()).expect("of the model");
        if let Verdict::NotLinearizable(failure) = judged.verdict {
            failures += 1;
            check(&history, &failure);
        }
    }
    assert!(failures > count / 20, "{failures} of {count}");
}

fn base() -> History {
    let mut base = History::new("nil");
    base.key("x");
    for value in 1..=9 {
        base.value(&value.to_string());
    }
    base
}

const X: plimsoll::history::KeyId = plimsoll::history::KeyId(0);

#[test]
fn registers() {
    for (seed, values) in [(21, 2), (22, 8)] {
        let draw = |dice: &mut Dice| {
            let value = ValueId(dice.roll(values + 1) as u32);
            match dice.roll(2) {
                0 => (Request::Read { key: X }, Response::Value(value)),
                _ => (Request::Write { key: X, value }, Response::Done),
            }
        };
        explained(seed, 6_000, &base(), ModelName::Register, &draw);
    }
}

#[test]
fn compare_and_set() {
    let draw = |dice: &mut Dice| {
        let (from, to) = (ValueId(dice.roll(3) as u32), ValueId(dice.roll(3) as u32));
        match dice.roll(4) {
            0 => (Request::Read { key: X }, Response::Value(to)),
            1 => (Request::Write { key: X, value: to }, Response::Done),
            _ => (
                Request::Cas { key: X, from, to },
                Response::Flag(dice.roll(3) > 0),
            ),
        }
    };
    explained(23, 6_000, &base(), ModelName::CasRegister, &draw);
}

#[test]
fn queues_and_sets() {
    let queue = |dice: &mut Dice| {
        let value = ValueId(1 + dice.roll(3) as u32);
        match dice.roll(2) {
            0 => (Request::Enqueue { key: X, value }, Response::Done),
            _ => (Request::Dequeue { key: X }, Response::Value(value)),
        }
    };
    explained(24, 2_000, &base(), ModelName::Queue, &queue);
    let set = |dice: &mut Dice| {
        let value = ValueId(1 + dice.roll(2) as u32);
        let flag = Response::Flag(dice.roll(2) > 0);
        match dice.roll(4) {
            0 => (Request::Add { key: X, value }, Response::Done),
            1 => (Request::Remove { key: X, value }, flag),
            2 => (Request::Contains { key: X, value }, flag),
            _ => (Request::Members { key: X }, Response::Values(vec![value])),
        }
    };
    explained(25, 2_000, &base(), ModelName::Set, &set);
}

/// Each line: a client, then what it wrote ("w1") or read ("r1"), one after
/// another in time.
fn told(lines: &[(u32, &str)]) -> History {
    let mut history = base();
    for (client, what) in lines {
        let client = history.client(&client.to_string());
        let value = ValueId(what[1..].parse().expect("a number"));
        let (request, response) = match &what[..1] {
            "r" => (Request::Read { key: X }, Response::Value(value)),
            _ => (Request::Write { key: X, value }, Response::Done),
        };
        let call = history.operations.len() as u32 * 2;
        history.operations.push(Operation {
            client,
            call,
            ret: Some(call + 1),
            request,
            response,
            revision: None,
        });
        history.places.push(Default::default());
    }
    history
}

#[test]
fn sessions() {
    use plimsoll::history::verdict::Session::{
        MonotonicReads, MonotonicWrites, ReadYourWrites, WritesFollowReads,
    };
    let cases: [(&[(u32, &str)], &[_]); 6] = [
        (&[(1, "w1"), (1, "r0")], &[ReadYourWrites]),
        (&[(1, "w1"), (1, "w2"), (1, "r1")], &[ReadYourWrites]),
        (&[(1, "w1"), (2, "r1"), (2, "r0")], &[MonotonicReads]),
        (
            &[(1, "w1"), (1, "w2"), (2, "r2"), (2, "r1")],
            &[MonotonicReads, MonotonicWrites],
        ),
        (
            &[(1, "w1"), (2, "r1"), (2, "w2"), (3, "r2"), (3, "r1")],
            &[MonotonicReads, WritesFollowReads],
        ),
        // Late, but in an order that each client can believe in.
        (&[(1, "w1"), (2, "w2"), (3, "r2"), (3, "r1")], &[]),
    ];
    for (lines, expected) in cases {
        let history = told(lines);
        let judged = judge(&history, ModelName::Register, &Options::default());
        let Verdict::NotLinearizable(failure) = judged.expect("of the model").verdict else {
            panic!("{lines:?}");
        };
        check(&history, &failure);
        let sessions = failure.weaker.sessions.iter().flatten().map(|s| s.session);
        assert_eq!(sessions.collect::<Vec<_>>(), expected, "{lines:?}");
    }
}

/// The failure of operations that follow each other.
fn failure_of(ops: &[(Request, Response)], model: ModelName) -> Box<Failure> {
    let shape: Shape = (0..ops.len() as u32)
        .map(|i| (2 * i, Some(2 * i + 1)))
        .collect();
    let history = shapes::history(&shape, ops, &base());
    let judged = judge(&history, model, &Options::default()).expect("of the model");
    match judged.verdict {
        Verdict::NotLinearizable(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_replaced_by_itself_has_another_source() {
    let [one, three] = [1, 3].map(ValueId);
    let write = |value| (Request::Write { key: X, value }, Response::Done);
    let request = Request::Cas {
        key: X,
        from: one,
        to: one,
    };
    let cas = (request, Response::Flag(true));
    let ops = [write(one), cas.clone(), write(three), cas];
    let failure = failure_of(&ops, ModelName::CasRegister);
    assert_eq!(failure.conflict, [0, 2, 3]);
    assert!(failure.minimal);
}

#[test]
fn operations_that_rest_on_each_other_are_left_out_together() {
    let put = |value| (Request::Enqueue { key: X, value }, Response::Done);
    let take = |value| (Request::Dequeue { key: X }, Response::Value(value));
    let [y, z] = [1, 2].map(ValueId);
    let failure = failure_of(&[put(z), take(z), take(y)], ModelName::Queue);
    assert_eq!(failure.conflict, [2]);
    assert!(failure.minimal);
}

#[test]
fn transactions_that_only_read_can_be_stale() {
    let write = |value| (Request::Write { key: X, value }, Response::Done);
    let txn = Txn {
        then: vec![Request::Read { key: X }],
        ..Txn::default()
    };
    let answers = vec![Response::Value(ValueId(1))];
    let answer = Response::Txn {
        succeeded: true,
        answers,
    };
    let read = (Request::Txn(Box::new(txn)), answer);
    let ops = [write(ValueId(1)), write(ValueId(2)), read];
    let weaker = failure_of(&ops, ModelName::Kv).weaker;
    let time = None;
    assert_eq!(weaker.stale, Stale::By { events: 1, time });
    // Nobody has looked at transactions for that.
    assert_eq!(weaker.sessions, Err(Unexamined::Kind));
    assert_eq!(weaker.sequential, Ok(true));
}

/// A queue that many fill at once, so that a search has every order to try.
#[test]
fn what_a_queue_cannot_have_given_needs_no_search() {
    let wrong: [&[u32]; 3] = [&[90], &[3, 3], &[42, 41]];
    for taken in wrong {
        let mut shape: Shape = (0..40).map(|i| (i, Some(40 + i))).collect();
        let put = |value| {
            (
                Request::Enqueue {
                    key: X,
                    value: ValueId(value),
                },
                Response::Done,
            )
        };
        let mut ops: Vec<_> = (1..=40).map(put).collect();
        let mut next = 80;
        let mut add = |op| {
            shape.push((next, Some(next + 1)));
            ops.push(op);
            next += 2;
        };
        add(put(41));
        add(put(42));
        for &value in taken {
            add((Request::Dequeue { key: X }, Response::Value(ValueId(value))));
        }
        let mut base = base();
        for value in 10..=90 {
            base.value(&value.to_string());
        }
        let history = shapes::history(&shape, &ops, &base);
        let judged = judge(&history, ModelName::Queue, &Options::default());
        let judged = judged.expect("of the model");
        assert_eq!(judged.certificate.states, 0);
        let Verdict::NotLinearizable(failure) = judged.verdict else {
            panic!("{taken:?}");
        };
        let conflict = only(&history, |i| failure.conflict.contains(&(i as u32)));
        assert!(conflict.operations.len() <= 4, "{:?}", failure.conflict);
        assert!(!brute::is_linearizable(&conflict, 0, ModelName::Queue));
    }
}
