//! Where something begins to hold, with as few looks at it as can be.
//!
//! Halving looks at a whole history as often as its length has digits. Mostly a
//! handful of operations tells where to look at once: those that have no order
//! there. What they tell is only where to look next, so that it need not be
//! right.

/// What a look at one number has shown.
pub(super) struct Look {
    pub(super) holds: bool,
    /// Operations that had no order there, where they are known.
    pub(super) conflict: Vec<u32>,
}

/// How often operations are asked where to look before the rest is halved.
const ASKED: usize = 8;

/// The least number with which something holds that holds for every greater
/// one. It does not hold for `fails`, and it does for `holds`. `conflict`:
/// operations that have no order as far as is known before the first look.
/// `hint`: the least number as far as some operations tell. None: it cannot be
/// told.
pub(super) fn least(
    (mut fails, mut holds): (u64, u64),
    conflict: &[u32],
    mut look: impl FnMut(u64) -> Option<Look>,
    mut hint: impl FnMut(&[u32]) -> Option<u64>,
) -> Option<u64> {
    let mut asked = 0;
    let mut ask = |conflict: &[u32]| {
        asked += 1;
        let ask = !conflict.is_empty() && asked <= ASKED;
        ask.then(|| hint(conflict)).flatten()
    };
    let mut hinted = ask(conflict);
    while holds - fails > 1 {
        let (at, told) = match hinted.take() {
            // It is the least as far as they tell: so look whether the one
            // before does not do as well.
            Some(least) if least == holds => (holds - 1, false),
            Some(least) if fails < least && least < holds => (least, true),
            _ => (fails + (holds - fails) / 2, false),
        };
        let seen = look(at)?;
        hinted = ask(&seen.conflict);
        if seen.holds {
            holds = at;
            hinted = hinted.or(told.then_some(at));
        } else {
            fails = at;
        }
    }
    Some(holds)
}

#[cfg(test)]
mod tests {
    use super::{Look, least};

    /// Every least number of up to 40, with hints that are right, wrong by up
    /// to two, of another end, or missing.
    #[test]
    fn it_is_the_least_whatever_is_told() {
        type Hint = fn(u64) -> Option<u64>;
        let hints: [Hint; 6] = [
            |_| None,
            Some,
            |at| Some(at + 2),
            |at| Some(at.saturating_sub(2)),
            |_| Some(0),
            |_| Some(u64::MAX),
        ];
        for end in 1..=40 {
            for wanted in 1..=end {
                for hint in hints {
                    for conflicts_where in [true, false] {
                        let mut looks = 0;
                        let look = |at: u64| {
                            looks += 1;
                            assert!(0 < at && at < end, "{at} of {end} is known");
                            let holds = at >= wanted;
                            let conflict = match holds == conflicts_where {
                                true => vec![0],
                                false => Vec::new(),
                            };
                            Some(Look { holds, conflict })
                        };
                        let found = least((0, end), &[0], look, |_| hint(wanted));
                        assert_eq!(found, Some(wanted), "of {end}");
                        assert!(looks <= 6 + 2 * super::ASKED, "{looks} of {end}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_told_rightly_takes_two_looks() {
        for conflicts_where in [true, false] {
            let mut looks = 0;
            let look = |at: u64| {
                looks += 1;
                let holds = at >= 70_000;
                let conflict = match holds == conflicts_where {
                    true => vec![0],
                    false => Vec::new(),
                };
                Some(Look { holds, conflict })
            };
            let found = least((0, 200_000), &[0], look, |_| Some(70_000));
            assert_eq!((found, looks), (Some(70_000), 2));
        }
    }

    #[test]
    fn what_cannot_be_seen_is_not_told() {
        assert_eq!(least((0, 9), &[], |_| None, |_| None), None);
    }
}
