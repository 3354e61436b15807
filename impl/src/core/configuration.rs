//! Who votes, and how many make a majority.

use std::fmt;

use super::ids::NodeId;

/// The voters in force at one server.
///
/// Invariant: the voters are in order and each is there once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    voters: Vec<NodeId>,
}

impl Configuration {
    /// A configuration of these voters, in any order.
    #[must_use]
    pub fn new(voters: impl IntoIterator<Item = NodeId>) -> Self {
        let mut voters: Vec<_> = voters.into_iter().collect();
        voters.sort_unstable();
        voters.dedup();
        Self { voters }
    }

    /// The voters, in order.
    #[must_use]
    pub fn voters(&self) -> &[NodeId] {
        &self.voters
    }

    /// Whether `node` votes.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        self.voters.binary_search(&node).is_ok()
    }

    /// The least number of voters that is a majority.
    #[must_use]
    pub fn quorum(&self) -> usize {
        self.voters.len() / 2 + 1
    }

    /// Adds a voter; says whether it was new.
    pub(super) fn add(&mut self, node: NodeId) -> bool {
        match self.voters.binary_search(&node) {
            Ok(_) => false,
            Err(place) => {
                self.voters.insert(place, node);
                true
            }
        }
    }

    /// The largest value that a majority of the voters has reached, when each
    /// voter has reached `reached(voter)`. `None` without voters.
    pub(super) fn reached_by_quorum<T: Ord>(&self, reached: impl Fn(NodeId) -> T) -> Option<T> {
        let mut values: Vec<T> = self.voters.iter().map(|&voter| reached(voter)).collect();
        values.sort_unstable();
        // With the values in rising order, a majority is at or above this one.
        let place = values.len().checked_sub(self.quorum())?;
        values.into_iter().nth(place)
    }
}

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, voter) in self.voters.iter().enumerate() {
            let space = if i == 0 { "" } else { " " };
            write!(f, "{space}{voter}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: u32) -> Configuration {
        Configuration::new((1..=count).map(NodeId::new))
    }

    #[test]
    fn a_majority_is_more_than_half() {
        let quorums: Vec<_> = (1..=7).map(|count| of(count).quorum()).collect();
        assert_eq!(quorums, [1, 2, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn a_quorum_has_reached_what_enough_voters_have() {
        let median = |values: &[u64]| {
            let count = u32::try_from(values.len()).expect("small");
            of(count).reached_by_quorum(|voter| values[voter.get() as usize - 1])
        };
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[4]), Some(4));
        assert_eq!(median(&[4, 9]), Some(4));
        assert_eq!(median(&[9, 1, 5]), Some(5));
        assert_eq!(median(&[9, 1, 5, 5]), Some(5));
        assert_eq!(median(&[9, 9, 1, 5]), Some(5));
        assert_eq!(median(&[1, 2, 3, 4, 5]), Some(3));
    }
}
