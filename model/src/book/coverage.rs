//! What a search of the rule book counts, and how the counts are told apart.

use crate::action::Action;
use crate::properties;
use crate::rules::Branch;
use crate::witnesses;

/// The counts of a search (see [`Worker::counts`](crate::engine::space::Worker::counts)),
/// one list a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage<'c> {
    /// How often each kind of action fired, in the order of [`Action::KINDS`].
    pub actions: &'c [u64],
    /// How often each rule branch fired, in the order of [`Branch::ALL`].
    pub branches: &'c [u64],
    /// How often each witness was seen, in the order of [`witnesses::ALL`].
    pub witnesses: &'c [u64],
    /// How often each property was judged, vacuously or not, in the order of
    /// [`properties::ALL`].
    pub judged: &'c [u64],
    /// How often each property had something to judge, in the same order.
    pub evaluated: &'c [u64],
}

impl<'c> Coverage<'c> {
    /// How many counts there are.
    pub const LEN: usize =
        Action::KINDS.len() + Branch::ALL.len() + witnesses::ALL.len() + 2 * properties::ALL.len();

    /// Tells the counts of a rule book apart.
    ///
    /// # Panics
    /// When `counts` is not as long as [`Coverage::LEN`].
    pub fn of(counts: &'c [u64]) -> Self {
        assert_eq!(counts.len(), Self::LEN, "the counts of a rule book");
        let (actions, rest) = counts.split_at(Action::KINDS.len());
        let (branches, rest) = rest.split_at(Branch::ALL.len());
        let (witnesses, rest) = rest.split_at(witnesses::ALL.len());
        let (judged, evaluated) = rest.split_at(properties::ALL.len());
        Coverage {
            actions,
            branches,
            witnesses,
            judged,
            evaluated,
        }
    }

    /// The names of the counts, in order.
    pub(super) fn names() -> Vec<String> {
        let actions = Action::KINDS.iter().map(|kind| format!("action/{kind}"));
        let branches = Branch::ALL.iter().map(|b| format!("branch/{}", b.name()));
        let witnesses = witnesses::ALL.iter().map(|w| format!("witness/{}", w.name));
        let of = |what: &'static str| {
            let all = properties::ALL.iter();
            all.map(move |property| format!("{what}/{}", property.name))
        };
        actions
            .chain(branches)
            .chain(witnesses)
            .chain(of("judged"))
            .chain(of("evaluated"))
            .collect()
    }
}
