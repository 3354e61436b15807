//! Every small history.

use plimsoll::history::{
    History, KeyId, ModelName, Options, Request, Response, ValueId, Verdict, judge,
};

use crate::brute;
use crate::shapes::{fill, history, shapes};

/// Every way to choose one of `choices(i)` at each of `n` places, where what
/// can be chosen depends on what was chosen before.
fn combinations<T: Clone>(n: usize, choices: &dyn Fn(&[T]) -> Vec<T>, visit: &mut dyn FnMut(&[T])) {
    fn grow<T: Clone>(
        n: usize,
        choices: &dyn Fn(&[T]) -> Vec<T>,
        chosen: &mut Vec<T>,
        visit: &mut dyn FnMut(&[T]),
    ) {
        if chosen.len() == n {
            return visit(chosen);
        }
        for choice in choices(chosen) {
            chosen.push(choice);
            grow(n, choices, chosen, visit);
            chosen.pop();
        }
    }
    grow(n, choices, &mut Vec::new(), visit);
}

/// Judges with every algorithm that there is for it; all have to agree with
/// the judge that tries every order.
pub(crate) fn compare(history: &History, model: ModelName) -> bool {
    let expected = brute::is_linearizable(history, 1, model);
    agrees(history, model, expected);
    expected
}

/// Whether every algorithm finds what is expected.
pub(crate) fn agrees(history: &History, model: ModelName, expected: bool) {
    for search_only in [true, false] {
        let options = Options {
            search_only,
            explain: false,
            ..Options::default()
        };
        let judged = judge(history, model, &options).expect("a request of the model");
        let found = match judged.verdict {
            Verdict::Linearizable => true,
            Verdict::NotLinearizable(_) => false,
            Verdict::Inconclusive(grounds) => panic!("{grounds:?}: {:?}", history.operations),
        };
        if found != expected {
            let lines = history.operations.iter();
            let lines = lines.map(|o| format!("{o:?}\n")).collect::<String>();
            panic!("search only: {search_only}; found {found}, expected {expected}:\n{lines}");
        }
    }
}

type Op = (Request, Response);

fn base(values: u32) -> History {
    let mut base = History::new("nil");
    base.key("x");
    for value in 1..=values {
        base.value(&value.to_string());
    }
    base
}

/// Histories of `n` operations with the given choices; those in `open` do not
/// return. How many there were, and how many of them linearizable.
fn all(
    n: usize,
    open: u32,
    base: &History,
    model: ModelName,
    choices: &dyn Fn(&[Op]) -> Vec<Op>,
    wanted: &dyn Fn(&[Op]) -> bool,
) -> (u64, u64) {
    let shapes = shapes(n, open);
    let (mut count, mut good) = (0, 0);
    let mut history = history(&shapes[0], &[], base);
    combinations(n, choices, &mut |ops| {
        if !wanted(ops) {
            return;
        }
        for shape in &shapes {
            fill(&mut history, shape, ops);
            let expected = match model {
                ModelName::Register => brute::is_linearizable_register(&history),
                _ => brute::is_linearizable(&history, 1, model),
            };
            agrees(&history, model, expected);
            count += 1;
            good += u64::from(expected);
            // The two that try every order, against each other.
            if model == ModelName::Register && count % 64 == 0 {
                assert_eq!(brute::is_linearizable(&history, 1, model), expected);
            }
        }
    });
    (count, good)
}

const KEY: KeyId = KeyId(0);

fn read(value: u32) -> Op {
    (Request::Read { key: KEY }, Response::Value(ValueId(value)))
}

fn write(value: u32) -> Op {
    let value = ValueId(value);
    (Request::Write { key: KEY, value }, Response::Done)
}

fn cas(from: u32, to: u32, done: bool) -> Op {
    let (from, to) = (ValueId(from), ValueId(to));
    (Request::Cas { key: KEY, from, to }, Response::Flag(done))
}

/// Whether each read is of the initial value, of one that is written, or of
/// the one value that stands for all that are not.
fn is_told_apart(n: usize, ops: &[Op]) -> bool {
    ops.iter().all(|(_, answer)| match answer {
        Response::Value(value) => match value.0.checked_sub(1) {
            None => true,
            Some(at) if at == n as u32 => true,
            Some(at) => matches!(ops[at as usize].0, Request::Write { .. }),
        },
        _ => true,
    })
}

/// Reads of every value (0 is the initial one, `n` + 1 is never written), and
/// writes each of a value of its own: the place plus one.
fn distinct(n: usize, open: u32, chosen: &[Op]) -> Vec<Op> {
    let mut choices = vec![write(chosen.len() as u32 + 1)];
    if open >> chosen.len() & 1 == 1 {
        // Its answer is not known.
        choices.push(read(0));
    } else {
        choices.extend((0..=n as u32 + 1).map(read));
    }
    choices
}

#[test]
fn registers_with_distinct_values() {
    for n in 1..=4 {
        for open in 0..1_u32 << n {
            let base = base(n as u32 + 1);
            let choices = |chosen: &[_]| distinct(n, open, chosen);
            let (_, good) = all(n, open, &base, ModelName::Register, &choices, &|ops| {
                is_told_apart(n, ops)
            });
            assert!(good > 0);
        }
    }
}

#[test]
fn registers_with_distinct_values_and_five_operations() {
    // With PLIMSOLL_LONG, six: 20 minutes.
    let most = if std::env::var_os("PLIMSOLL_LONG").is_some() {
        6
    } else {
        5
    };
    for n in 5..=most {
        let base = base(n as u32 + 1);
        let choices = |chosen: &[_]| distinct(n, 0, chosen);
        let (count, good) = all(n, 0, &base, ModelName::Register, &choices, &|ops| {
            is_told_apart(n, ops)
        });
        assert!(0 < good && good < count);
    }
}

#[test]
fn registers_with_two_values() {
    let ops = vec![read(0), read(1), read(2), write(1), write(2)];
    for n in 1..=4 {
        for open in 0..1_u32 << n {
            let choices = |chosen: &[_]| match open >> chosen.len() & 1 {
                // An unknown read is one; so are all unknown writes of a value.
                1 => vec![read(0), write(1), write(2)],
                _ => ops.clone(),
            };
            all(n, open, &base(2), ModelName::Register, &choices, &|_| true);
        }
    }
}

#[test]
fn compare_and_set_with_two_values() {
    let ops = vec![
        read(0),
        read(1),
        read(2),
        write(1),
        write(2),
        cas(0, 1, true),
        cas(1, 2, true),
        cas(2, 1, true),
        cas(1, 0, true),
        cas(1, 1, true),
        cas(0, 1, false),
        cas(1, 2, false),
        (cas(1, 2, true).0, Response::Unknown),
    ];
    for n in 1..=3 {
        for open in 0..1_u32 << n {
            let choices = |chosen: &[_]| match open >> chosen.len() & 1 {
                1 => vec![
                    write(1),
                    write(2),
                    cas(1, 2, true),
                    cas(2, 1, true),
                    cas(0, 1, true),
                ],
                _ => ops.clone(),
            };
            all(n, open, &base(2), ModelName::CasRegister, &choices, &|_| {
                true
            });
        }
    }
}

#[test]
fn compare_and_set_with_distinct_values() {
    for n in 1..=4 {
        for open in 0..1_u32 << n {
            let choices = |chosen: &[_]| {
                let own = chosen.len() as u32 + 1;
                let mut choices = vec![write(own)];
                let others = (0..=n as u32).filter(|&v| v != own);
                if open >> chosen.len() & 1 == 1 {
                    choices.extend(others.map(|from| cas(from, own, true)));
                } else {
                    choices.extend((0..=n as u32).map(read));
                    choices.extend(others.map(|from| cas(from, own, true)));
                    choices.push(cas(n as u32 + 1, own, false));
                }
                // The whole of four operations takes minutes.
                if n == 4 && chosen.len() < 2 && open.count_ones() < 2 {
                    choices.retain(|(request, _)| !matches!(request, Request::Read { .. }));
                }
                choices
            };
            all(
                n,
                open,
                &base(n as u32 + 1),
                ModelName::CasRegister,
                &choices,
                &|_| true,
            );
        }
    }
}

#[test]
fn deletions_with_distinct_values() {
    let delete = |answer| (Request::Delete { key: KEY }, answer);
    for n in 1..=4 {
        // The whole of four operations takes minutes.
        for open in (0..1_u32 << n).filter(|open| n < 4 || open.count_ones() < 2) {
            let choices = |chosen: &[_]| {
                let mut choices = vec![write(chosen.len() as u32 + 1), delete(Response::Done)];
                if open >> chosen.len() & 1 == 0 {
                    choices.push(delete(Response::Flag(true)));
                    choices.push(delete(Response::Flag(false)));
                    if n < 4 || !chosen.is_empty() {
                        choices.extend((0..=n as u32).map(read));
                    }
                }
                choices
            };
            all(n, open, &base(n as u32), ModelName::Kv, &choices, &|ops| {
                is_told_apart(n, ops)
            });
        }
    }
}

#[test]
fn appends_with_distinct_values() {
    let mut base = History::new("");
    base.key("x");
    // Texts of up to three of the first three words, and one that is no word.
    let words = ["a", "b", "c"];
    let mut texts: Vec<String> = words.map(str::to_owned).to_vec();
    for first in words {
        for second in words {
            if first != second {
                texts.push(format!("{first}{second}"));
            }
        }
    }
    texts.push("abc".into());
    texts.push("d".into());
    for text in &texts {
        base.value(text);
    }
    let count = texts.len() as u32;
    for n in 1..=3 {
        for open in 0..1_u32 << n {
            let choices = |chosen: &[_]| {
                let own = ValueId(chosen.len() as u32 + 1);
                let append = Request::Append {
                    key: KEY,
                    value: own,
                };
                let mut choices = vec![write(own.0), (append, Response::Done)];
                if open >> chosen.len() & 1 == 0 {
                    choices.extend((0..=count).map(read));
                }
                choices
            };
            all(n, open, &base, ModelName::Kv, &choices, &|_| true);
        }
    }
}

fn enqueue(value: u32) -> Op {
    let value = ValueId(value);
    (Request::Enqueue { key: KEY, value }, Response::Done)
}

/// 0: it found nothing.
fn dequeue(value: u32) -> Op {
    (
        Request::Dequeue { key: KEY },
        Response::Value(ValueId(value)),
    )
}

/// Whether what was taken is what is put somewhere, each once.
fn is_passed_on(ops: &[Op]) -> bool {
    let taken = |value: usize| {
        let takes = dequeue(value as u32);
        ops.iter().filter(|op| **op == takes).count()
    };
    (1..=ops.len()).all(|value| match ops[value - 1].0 {
        Request::Enqueue { .. } => taken(value) <= 1,
        _ => taken(value) == 0,
    })
}

#[test]
fn queues_with_distinct_values() {
    // With PLIMSOLL_LONG, five: some minutes.
    let long = std::env::var_os("PLIMSOLL_LONG").is_some();
    for n in 1..=if long { 5 } else { 4 } {
        for open in 0..1_u32 << n {
            let choices = |chosen: &[_]| {
                let mut choices = vec![enqueue(chosen.len() as u32 + 1)];
                if open >> chosen.len() & 1 == 1 {
                    // Its answer is not known.
                    choices.push(dequeue(0));
                } else {
                    choices.extend((0..=n as u32).map(dequeue));
                }
                choices
            };
            let base = base(n as u32);
            all(n, open, &base, ModelName::Queue, &choices, &is_passed_on);
        }
    }
}

#[test]
fn queues_with_two_values() {
    let ops = vec![
        enqueue(1),
        enqueue(2),
        dequeue(0),
        dequeue(1),
        dequeue(2),
        (dequeue(0).0, Response::Unknown),
    ];
    for n in 1..=4 {
        for open in 0..1_u32 << n {
            let choices = |chosen: &[_]| match open >> chosen.len() & 1 {
                1 => vec![enqueue(1), enqueue(2), dequeue(0)],
                // The whole of four operations takes a minute.
                _ if n == 4 => ops[..5].to_vec(),
                _ => ops.clone(),
            };
            all(n, open, &base(2), ModelName::Queue, &choices, &|_| true);
        }
    }
}
