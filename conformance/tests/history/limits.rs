//! Budgets: what is used up makes a verdict inconclusive, and nothing else.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use plimsoll::history::verdict::Ground;
use plimsoll::history::{
    ClientId, History, Limits, ModelName, Operation, Options, Request, Response, Verdict, judge,
};

/// Writes and compare-and-sets that are all at once.
fn hard() -> History {
    let mut history = History::new("nil");
    let key = history.key("x");
    let clients = 14;
    for i in 0..clients {
        let client = ClientId(history.clients.intern(&i.to_string()));
        let (from, to) = (
            history.value(&format!("{}", i / 2)),
            history.value(&format!("{i}")),
        );
        let request = match i % 2 {
            0 => Request::Write { key, value: to },
            _ => Request::Cas { key, from, to },
        };
        let response = if i == clients - 1 {
            Response::Flag(true)
        } else {
            Response::Unknown
        };
        history.operations.push(Operation {
            client,
            call: i,
            ret: Some(100 + i),
            request,
            response,
            revision: None,
        });
        history.places.push(Default::default());
    }
    history
}

fn grounds(history: &History, limits: Limits<'_>) -> Vec<Ground> {
    let options = Options {
        limits,
        ..Options::default()
    };
    match judge(history, ModelName::CasRegister, &options)
        .expect("of the model")
        .verdict
    {
        Verdict::Inconclusive(grounds) => grounds,
        _ => Vec::new(),
    }
}

#[test]
fn what_is_used_up_is_said() {
    let history = hard();
    assert_eq!(grounds(&history, Limits::default()), []);
    let memory = Limits {
        memory_bytes: Some(1_000),
        ..Limits::default()
    };
    assert_eq!(grounds(&history, memory), [Ground::Memory]);
    let time = Limits {
        deadline: Some(Instant::now()),
        ..Limits::default()
    };
    assert_eq!(grounds(&history, time), [Ground::Time]);
    let flag = AtomicBool::new(true);
    let cancel = Limits {
        cancel: Some(&flag),
        ..Limits::default()
    };
    assert_eq!(grounds(&history, cancel), [Ground::Interrupted]);
    let empty = History::new("nil");
    assert_eq!(grounds(&empty, Limits::default()), [Ground::Empty]);
}

#[test]
fn memory_stays_within_the_budget() {
    let history = hard();
    for most in [5_000, 20_000, 100_000] {
        let options = Options {
            limits: Limits {
                memory_bytes: Some(most),
                ..Limits::default()
            },
            ..Options::default()
        };
        let judged = judge(&history, ModelName::CasRegister, &options).expect("of the model");
        assert!(judged.certificate.memory_bytes <= most);
    }
}
