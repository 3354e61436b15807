//! The revision that the store had before the first change, as far as answers
//! tell: a set of numbers, for a comparison that was answered leaves some of
//! them and takes the others away.

use smallvec::{SmallVec, smallvec};

use super::super::memo::mix;
use super::super::{CompareOp, CompareWith, Operation, Request, Response};

/// The numbers that it can be: ranges, ascending, none next to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Base(SmallVec<[(i128, i128); 1]>);

/// The store of etcd has revision 1 before it was ever changed.
const LEAST: i128 = 1;
const MOST: i128 = u64::MAX as i128;

impl Base {
    /// Nothing is known of it.
    pub(super) fn any() -> Self {
        Base(smallvec![(LEAST, MOST)])
    }

    /// The number, if there is only one.
    pub(super) fn only(&self) -> Option<i128> {
        match self.0[..] {
            [(from, to)] if from == to => Some(from),
            _ => None,
        }
    }

    /// Whether there is none.
    pub(super) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Those from one number to another.
    pub(super) fn within(&self, from: i128, to: i128) -> Self {
        let cut = self.0.iter().map(|&(a, b)| (a.max(from), b.min(to)));
        Base(cut.filter(|(a, b)| a <= b).collect())
    }

    /// Those that are not among others.
    pub(super) fn without(&self, others: &Base) -> Self {
        let mut left = self.clone();
        for &(from, to) in &others.0 {
            let mut rest = left.within(LEAST, from - 1);
            rest.0.extend(left.within(to + 1, MOST).0);
            left = rest;
        }
        left
    }

    /// Those with which a number that is so far above the base compares so with
    /// another.
    pub(super) fn comparing(&self, above: u64, op: CompareOp, with: u64) -> Self {
        let equal = i128::from(with) - i128::from(above);
        match op {
            CompareOp::Equal => self.within(equal, equal),
            CompareOp::NotEqual => self.without(&self.within(equal, equal)),
            CompareOp::Less => self.within(LEAST, equal - 1),
            CompareOp::Greater => self.within(equal + 1, MOST),
        }
    }

    /// 128 bits that stand for it.
    pub(super) fn print(&self) -> u128 {
        self.0.iter().fold(0, |print, &(from, to)| {
            mix(print ^ (from as u128 | (to as u128) << 64))
        })
    }
}

/// The cases to judge apart.
///
/// Where a transaction compares a revision and nobody knows its answer, both
/// branches may be possible as long as the base is not known. So the numbers
/// that the base can be are split until each comparison of such a transaction
/// has one result for all numbers of a case, whatever change it looks at.
pub(in super::super) struct Cases {
    left: Base,
    /// From each first number to the last, every number is a case of its own.
    split: Vec<(i128, i128)>,
}

impl Cases {
    pub(super) fn new(operations: &[&Operation]) -> Self {
        // A change that is looked at is one of these many.
        let changes = operations.len() as i128;
        let mut split = Vec::new();
        let mut left = Base::any();
        for operation in operations {
            if let Request::Txn(txn) = &operation.request
                && operation.response == Response::Unknown
            {
                split.extend(txn.compares.iter().filter_map(|c| match c.with {
                    CompareWith::ModRevision(r) | CompareWith::CreateRevision(r) => {
                        Some((i128::from(r) - changes, i128::from(r)))
                    }
                    _ => None,
                }));
            }
            // Other numbers do not lead to what was shown.
            let Some(revision) = &operation.revision else {
                continue;
            };
            let key = [revision.modified, revision.created];
            let shown = revision.store.into_iter();
            for shown in shown.chain(key.into_iter().flatten().filter(|&r| r != 0)) {
                let shown = i128::from(shown);
                left = left.within(shown - changes, shown);
            }
        }
        if split.is_empty() || left.is_none() {
            // One case; where there is no number that fits, any shows it.
            (split, left) = (Vec::new(), Base::any());
        }
        Cases { left, split }
    }
}

impl Iterator for Cases {
    type Item = Base;

    fn next(&mut self) -> Option<Base> {
        let &(from, to) = self.left.0.first()?;
        // The first number behind it that begins another case.
        let cut = self.split.iter().filter_map(|&(first, last)| {
            let cut = first.max(from + 1);
            (cut <= last + 1).then_some(cut)
        });
        let end = cut.min().map_or(to, |cut| to.min(cut - 1));
        let case = self.left.within(from, end);
        self.left = self.left.without(&case);
        Some(case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_and_its_opposite_share_nothing_and_leave_nothing() {
        let some = Base(smallvec![(1, 3), (7, 9)]);
        for above in 1..4 {
            for with in 0..14 {
                let set = |op| some.comparing(above, op, with);
                for base in (1..=3).chain(7..=9) {
                    let has = |set: &Base| !set.within(base, base).is_none();
                    let order = (base + i128::from(above)).cmp(&i128::from(with));
                    assert_eq!(has(&set(CompareOp::Equal)), order.is_eq());
                    assert_eq!(has(&set(CompareOp::NotEqual)), order.is_ne());
                    assert_eq!(has(&set(CompareOp::Less)), order.is_lt());
                    assert_eq!(has(&set(CompareOp::Greater)), order.is_gt());
                }
                assert_eq!(
                    some.without(&set(CompareOp::Equal)),
                    set(CompareOp::NotEqual)
                );
            }
        }
    }

    #[test]
    fn cases_cover_every_number_once() {
        let cases = Cases {
            left: Base::any(),
            split: vec![(-2, 2), (5, 6)],
        };
        let cases: Vec<_> = cases.map(|case| case.0.to_vec()).collect();
        let expected = [(1, 1), (2, 2), (3, 4), (5, 5), (6, 6), (7, MOST)];
        assert_eq!(cases, expected.map(|range| vec![range]));
    }
}
