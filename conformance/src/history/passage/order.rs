//! The order in which values pass.

use super::moments::Moments;
use super::{Passing, Time};

/// An order of the values (their places) in which each was put, and taken, as
/// early as that allows; or operations on two values that each have to pass
/// before the other.
pub(super) fn order(passing: &[Passing]) -> Result<Vec<u32>, Vec<u32>> {
    let mut gates = [
        Gate::new(passing, |v| v.in_from, |v| v.in_to),
        Gate::new(passing, |v| v.out_from, |v| v.out_to),
    ];
    let mut open = vec![0_u8; passing.len()];
    let mut passed = vec![false; passing.len()];
    let mut order: Vec<u32> = Vec::with_capacity(passing.len());
    let mut ready = Vec::new();
    while order.len() < passing.len() {
        for gate in &mut gates {
            gate.open(&passed, |value| {
                open[value as usize] += 1;
                if open[value as usize] == 2 {
                    ready.push(value);
                }
            });
        }
        if ready.is_empty() {
            let first = gates.iter().filter_map(|gate| gate.first(&passed));
            let both = first.flat_map(|value| passing[value as usize].operations());
            return Err(both.collect());
        }
        for value in ready.drain(..) {
            passed[value as usize] = true;
            order.push(value);
        }
    }
    Ok(order)
}

/// What values pass one after the other: the end of the queue, or its front.
struct Gate {
    /// By the times from which on they can.
    by_from: Vec<(Time, u32)>,
    /// By the times before which they have to.
    by_to: Vec<(Time, u32)>,
    opened: usize,
    closed: usize,
}

impl Gate {
    fn new(
        passing: &[Passing],
        from: impl Fn(&Passing) -> Time,
        to: impl Fn(&Passing) -> Time,
    ) -> Self {
        let sorted = |time: &dyn Fn(&Passing) -> Time| {
            let mut sorted: Vec<_> = (0..).zip(passing).map(|(i, v)| (time(v), i)).collect();
            sorted.sort_unstable();
            sorted
        };
        Gate {
            by_from: sorted(&from),
            by_to: sorted(&to),
            opened: 0,
            closed: 0,
        }
    }

    /// Names the values that nothing has to pass before any more, once each.
    fn open(&mut self, passed: &[bool], mut opens: impl FnMut(u32)) {
        while let Some(&(_, value)) = self.by_to.get(self.closed)
            && passed[value as usize]
        {
            self.closed += 1;
        }
        let Some(&(to, _)) = self.by_to.get(self.closed) else {
            return;
        };
        while let Some(&(from, value)) = self.by_from.get(self.opened)
            && from < to
        {
            opens(value);
            self.opened += 1;
        }
    }

    /// The first that has to pass.
    fn first(&self, passed: &[bool]) -> Option<u32> {
        let left = self.by_to[self.closed..].iter().map(|&(_, value)| value);
        left.into_iter().find(|&value| !passed[value as usize])
    }
}

/// The operations by their points, if the values pass in this order.
pub(super) fn points(passing: &[Passing], order: &[u32], moments: &Moments) -> Vec<u32> {
    // At one time first what found nothing, then puts, then takes.
    let mut points: Vec<(Time, u8, u32, u32)> = Vec::with_capacity(passing.len() * 2);
    let found_nothing = moments.of.iter();
    points.extend(found_nothing.map(|&(moment, empty)| (moment, 0, 0, empty)));
    let (mut put_at, mut taken_at) = (0, 0);
    for (place, &value) in (0..).zip(order) {
        let value = passing[value as usize];
        put_at = value.in_from.max(put_at);
        points.push((put_at, 1, place, value.put));
        if let Some(take) = value.take {
            taken_at = value.out_from.max(taken_at);
            points.push((taken_at, 2, place, take));
        }
    }
    points.sort_unstable();
    points.into_iter().map(|(.., op)| op).collect()
}
