//! The ways in which calls and returns of a few operations can be mixed.

use plimsoll::history::{ClientId, History, Operation, Place, Request, Response};

/// Calls and returns, as positions; no return for an unknown outcome.
pub(crate) type Shape = Vec<(u32, Option<u32>)>;

/// Every shape of `n` operations, in the order of the calls; those in `open`
/// (bits) do not return.
pub(crate) fn shapes(n: usize, open: u32) -> Vec<Shape> {
    fn grow(n: usize, open: u32, at: u32, shape: &mut Shape, out: &mut Vec<Shape>) {
        let is_open = |i: usize| open >> i & 1 == 1;
        let waiting: Vec<usize> = (0..shape.len())
            .filter(|&i| !is_open(i) && shape[i].1.is_none())
            .collect();
        if shape.len() == n && waiting.is_empty() {
            out.push(shape.clone());
            return;
        }
        if shape.len() < n {
            shape.push((at, None));
            grow(n, open, at + 1, shape, out);
            shape.pop();
        }
        for i in waiting {
            shape[i].1 = Some(at);
            grow(n, open, at + 1, shape, out);
            shape[i].1 = None;
        }
    }
    let mut out = Vec::new();
    grow(n, open, 0, &mut Vec::new(), &mut out);
    out
}

/// A history of this shape, every operation by a client of its own.
pub(crate) fn history(shape: &Shape, ops: &[(Request, Response)], base: &History) -> History {
    let mut history = base.clone();
    for client in 0..shape.len() {
        history.client(&client.to_string());
    }
    fill(&mut history, shape, ops);
    history
}

/// The same in the place of the operations of another.
pub(crate) fn fill(history: &mut History, shape: &Shape, ops: &[(Request, Response)]) {
    history.operations.clear();
    for ((&(call, ret), (request, response)), client) in shape.iter().zip(ops).zip(0..) {
        history.operations.push(Operation {
            client: ClientId(client),
            call,
            ret,
            request: request.clone(),
            response: match ret {
                Some(_) => response.clone(),
                None => Response::Unknown,
            },
            revision: None,
        });
    }
    history.places.resize(shape.len(), Place::default());
}

#[test]
fn there_are_as_many_as_pairings() {
    for (n, expected) in [(1, 1), (2, 3), (3, 15), (4, 105), (5, 945)] {
        assert_eq!(shapes(n, 0).len(), expected);
    }
    assert_eq!(shapes(4, 0b1111).len(), 1);
}
