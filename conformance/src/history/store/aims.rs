//! What operations on several keys leave there, and what they have to find: not
//! all of it, only as much as tells what to try first.

use smallvec::SmallVec;

use super::super::{Compare, CompareOp, CompareWith, KeyId, Operation, Request, Response, ValueId};

/// Values of keys.
pub(super) type Values = SmallVec<[(KeyId, ValueId); 4]>;

/// The values that an operation writes, if it does what it was answered; the
/// last of a key counts.
pub(super) fn written(operation: &Operation) -> Values {
    match (&operation.request, &operation.response) {
        (Request::Txn(txn), Response::Txn { succeeded, .. }) => match succeeded {
            true => writes(&txn.then),
            false => writes(&txn.otherwise),
        },
        _ => may_write(operation),
    }
}

/// All values that an operation may write, whatever it does.
pub(super) fn may_write(operation: &Operation) -> Values {
    match &operation.request {
        Request::Txn(txn) => {
            let mut values = writes(&txn.then);
            values.extend(writes(&txn.otherwise));
            values
        }
        request => writes(std::slice::from_ref(request)),
    }
}

fn writes(requests: &[Request]) -> Values {
    let written = |request: &Request| match *request {
        Request::Write { key, value } => Some((key, value)),
        Request::Cas { key, to, .. } => Some((key, to)),
        Request::Delete { key } => Some((key, ValueId::ABSENT)),
        _ => None,
    };
    requests.iter().filter_map(written).collect()
}

/// The values that an operation was answered to have found.
pub(super) fn sought(operation: &Operation) -> Values {
    let mut values = Values::new();
    match (&operation.request, &operation.response) {
        (Request::Read { key }, Response::Value(value)) => values.push((*key, *value)),
        (Request::Cas { key, from, .. }, Response::Flag(true)) => values.push((*key, *from)),
        (Request::Txn(txn), Response::Txn { succeeded, answers }) => {
            let requests = match succeeded {
                true => &txn.then,
                false => &txn.otherwise,
            };
            let equal = |c: &Compare| match (c.op, c.with) {
                (CompareOp::Equal, CompareWith::Value(value)) if *succeeded => Some((c.key, value)),
                _ => None,
            };
            values.extend(txn.compares.iter().filter_map(equal));
            let mut own: SmallVec<[KeyId; 4]> = SmallVec::new();
            for (request, answer) in requests.iter().zip(answers) {
                match (request, answer) {
                    (Request::Read { key }, Response::Value(value)) if !own.contains(key) => {
                        values.push((*key, *value));
                    }
                    (Request::Write { key, .. } | Request::Cas { key, .. }, _)
                    | (Request::Append { key, .. } | Request::Delete { key }, _) => own.push(*key),
                    _ => {}
                }
            }
        }
        _ => {}
    }
    values
}
