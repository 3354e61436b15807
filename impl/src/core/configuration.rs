//! Who votes, who learns, and what makes a majority.

use std::fmt;

use super::change::{Change, Transition};
use super::ids::NodeId;

/// The members in force at one server.
///
/// Invariants:
/// - each list is in order and has each server once;
/// - no learner is a voter, incoming or outgoing;
/// - who is to be a learner next is an outgoing voter and no incoming one;
/// - only a joint configuration has outgoing voters, learners to be, and is
///   left without being told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    voters: Vec<NodeId>,
    outgoing: Vec<NodeId>,
    learners: Vec<NodeId>,
    learners_next: Vec<NodeId>,
    auto_leave: bool,
}

/// Puts a server into a list in order; says whether it was new.
fn insert(list: &mut Vec<NodeId>, node: NodeId) -> bool {
    match list.binary_search(&node) {
        Ok(_) => false,
        Err(place) => {
            list.insert(place, node);
            true
        }
    }
}

impl Configuration {
    /// A configuration of these voters, in any order.
    #[must_use]
    pub fn new(voters: impl IntoIterator<Item = NodeId>) -> Self {
        let mut voters: Vec<_> = voters.into_iter().collect();
        voters.sort_unstable();
        voters.dedup();
        Self {
            voters,
            ..Self::default()
        }
    }

    /// The voters, in order; the incoming ones of a joint configuration.
    #[must_use]
    pub fn voters(&self) -> &[NodeId] {
        &self.voters
    }

    /// The voters of the half that is being left; none if it is not joint.
    #[must_use]
    pub fn outgoing(&self) -> &[NodeId] {
        &self.outgoing
    }

    /// Who receives the log and does not vote.
    #[must_use]
    pub fn learners(&self) -> &[NodeId] {
        &self.learners
    }

    /// Outgoing voters that are learners once the joint configuration is left.
    #[must_use]
    pub fn learners_next(&self) -> &[NodeId] {
        &self.learners_next
    }

    /// Whether the leader leaves the joint configuration by itself.
    #[must_use]
    pub const fn auto_leave(&self) -> bool {
        self.auto_leave
    }

    /// Whether two halves decide.
    #[must_use]
    pub fn is_joint(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whether `node` votes, in either half.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        self.voters.binary_search(&node).is_ok() || self.outgoing.binary_search(&node).is_ok()
    }

    /// Whether `node` receives the log.
    #[must_use]
    pub fn has_member(&self, node: NodeId) -> bool {
        self.contains(node) || self.learners.binary_search(&node).is_ok()
    }

    /// Everybody who votes in either half, in order.
    #[must_use]
    pub fn all_voters(&self) -> Vec<NodeId> {
        let mut all = self.voters.clone();
        for &node in &self.outgoing {
            insert(&mut all, node);
        }
        all
    }

    /// Everybody who receives the log, in order.
    #[must_use]
    pub fn members(&self) -> Vec<NodeId> {
        let mut all = self.all_voters();
        for &node in &self.learners {
            insert(&mut all, node);
        }
        all
    }

    /// The least number of these voters that is a majority.
    #[must_use]
    pub const fn majority(voters: &[NodeId]) -> usize {
        voters.len() / 2 + 1
    }

    /// Whether those who `agree` are a majority of each half. Nobody is one of
    /// a configuration without voters.
    pub(super) fn has_quorum(&self, agree: impl Fn(NodeId) -> bool) -> bool {
        self.reached_by_quorum(agree) == Some(true)
    }

    /// The largest value that a majority of each half has reached, when each
    /// voter has reached `reached(voter)`. `None` without voters.
    pub(super) fn reached_by_quorum<T: Ord>(&self, reached: impl Fn(NodeId) -> T) -> Option<T> {
        let half = |voters: &[NodeId]| {
            let mut values: Vec<T> = voters.iter().map(|&voter| reached(voter)).collect();
            values.sort_unstable();
            // With the values in rising order, a majority is at or above this
            // one.
            let place = values.len().checked_sub(Self::majority(voters))?;
            values.into_iter().nth(place)
        };
        let incoming = half(&self.voters)?;
        match half(&self.outgoing) {
            Some(outgoing) => Some(incoming.min(outgoing)),
            None => Some(incoming),
        }
    }

    /// The configuration that `change` leads to.
    #[must_use]
    pub fn after(mut self, change: &Change) -> Self {
        match change.transition() {
            Transition::Leave => {
                for node in std::mem::take(&mut self.learners_next) {
                    insert(&mut self.learners, node);
                }
                self.outgoing.clear();
                self.auto_leave = false;
                return self;
            }
            Transition::Joint { auto_leave } => {
                self.outgoing.clone_from(&self.voters);
                self.auto_leave = auto_leave;
            }
            Transition::Simple => {}
        }
        for &node in change.voters() {
            self.drop_learner(node);
            insert(&mut self.voters, node);
        }
        for &node in change.learners() {
            self.drop_learner(node);
            self.voters.retain(|&voter| voter != node);
            // Whose vote still counts in the other half learns once that is
            // left.
            let list = match self.outgoing.binary_search(&node) {
                Ok(_) => &mut self.learners_next,
                Err(_) => &mut self.learners,
            };
            insert(list, node);
        }
        for &node in change.removed() {
            self.drop_learner(node);
            self.voters.retain(|&voter| voter != node);
        }
        self
    }

    fn drop_learner(&mut self, node: NodeId) {
        self.learners.retain(|&learner| learner != node);
        self.learners_next.retain(|&learner| learner != node);
    }

    /// Whether `change` can follow this configuration: it leaves a joint one
    /// and nothing else does, somebody votes afterwards, something changes, and
    /// without a joint configuration at most one voter.
    #[must_use]
    pub fn allows(&self, change: &Change) -> bool {
        let leaves = change.transition() == Transition::Leave;
        if self.is_joint() != leaves {
            return false;
        }
        let next = self.clone().after(change);
        let missing = |from: &[NodeId], of: &[NodeId]| {
            let gone = from.iter().filter(|node| of.binary_search(node).is_err());
            gone.count()
        };
        let differ = missing(&self.voters, &next.voters) + missing(&next.voters, &self.voters);
        let one = change.transition() != Transition::Simple || differ <= 1;
        let same = next.voters == self.voters && next.learners == self.learners;
        one && !next.voters.is_empty() && (leaves || !same)
    }
}

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list(nodes: &[NodeId]) -> String {
            let names: Vec<_> = nodes.iter().map(ToString::to_string).collect();
            format!("{{{}}}", names.join(" "))
        }
        f.write_str(&list(&self.voters))?;
        if self.is_joint() {
            write!(f, "&{}", list(&self.outgoing))?;
        }
        if !self.learners.is_empty() {
            write!(f, " learners={}", list(&self.learners))?;
        }
        if !self.learners_next.is_empty() {
            write!(f, " next={}", list(&self.learners_next))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: u32) -> Configuration {
        Configuration::new((1..=count).map(NodeId::new))
    }

    fn ids(numbers: &[u32]) -> Vec<NodeId> {
        numbers.iter().copied().map(NodeId::new).collect()
    }

    #[test]
    fn a_majority_is_more_than_half() {
        let majority = |count| Configuration::majority(of(count).voters());
        let majorities: Vec<_> = (1..=7).map(majority).collect();
        assert_eq!(majorities, [1, 2, 2, 3, 3, 4, 4]);
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

    #[test]
    fn a_joint_configuration_needs_both_halves_and_is_left() {
        let joint = Transition::Joint { auto_leave: true };
        let change = Change::new(ids(&[4, 5]), ids(&[2]), ids(&[3]), joint).expect("apart");
        let both = of(3).after(&change);
        assert_eq!(both.to_string(), "{n1 n4 n5}&{n1 n2 n3} next={n2}");
        let agree = |who: &[u32]| both.has_quorum(|node| who.contains(&node.get()));
        assert!(agree(&[1, 4, 2]) && agree(&[4, 5, 2, 3]));
        assert!(!agree(&[1, 4, 5]) && !agree(&[1, 2, 3]) && !agree(&[4, 5]));
        assert!(!both.allows(&Change::add_voter(NodeId::new(2))));
        assert!(both.allows(&Change::leave()));
        let left = both.after(&Change::leave());
        assert_eq!(left.to_string(), "{n1 n4 n5} learners={n2}");
        assert!(!left.allows(&Change::leave()));
    }

    #[test]
    fn what_no_change_can_be() {
        let simple = Transition::Simple;
        assert_eq!(Change::new(ids(&[1]), ids(&[1]), [], simple), None);
        assert_eq!(Change::new([], [], [], simple), None);
        let leave = Transition::Leave;
        assert_eq!(Change::new(ids(&[1]), [], [], leave), None);
        let two = Change::new(ids(&[4, 5]), [], [], simple).expect("apart");
        assert!(!of(3).allows(&two));
        let last = Change::new([], [], ids(&[1]), simple).expect("apart");
        assert!(of(2).allows(&last) && !of(1).allows(&last));
        assert!(!of(3).allows(&Change::add_voter(NodeId::new(2))));
        let auto = |count: u32| Change::auto((4..4 + count).map(NodeId::new), [], []);
        let transition = |count| auto(count).map(|change| change.transition());
        assert_eq!(transition(1), Some(simple));
        assert_eq!(transition(2), Some(Transition::Joint { auto_leave: true }));
    }
}
