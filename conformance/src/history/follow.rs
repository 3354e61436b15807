//! Follows an order step by step: linear, and without any of the search's
//! rules. Every order is followed once more before it is handed out, and an
//! order of commit that came with a history is tried like this first.

use super::model::{Model, Step};
use super::search::Timed;

/// Where each operation of an order takes effect: behind the event with this
/// position. None if the order does not explain the operations.
pub(super) fn follow<M: Model>(
    model: &M,
    ops: &[Timed<'_, M::Op>],
    order: &[u32],
) -> Option<Vec<u32>> {
    let mut taken = vec![false; ops.len()];
    let mut state = model.initial();
    let mut behind = 0;
    let mut points = Vec::with_capacity(order.len());
    for &index in order {
        let (span, op) = ops.get(index as usize)?;
        if std::mem::replace(&mut taken[index as usize], true) {
            return None;
        }
        behind = behind.max(span.call);
        if span.ret <= behind || matches!(model.step(&mut state, op), Step::Refused) {
            return None;
        }
        points.push(behind);
    }
    let all = ops.iter().zip(&taken);
    let missing = all
        .into_iter()
        .any(|((span, _), taken)| span.is_known() && !taken);
    (!missing).then_some(points)
}
