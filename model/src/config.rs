//! Configurations (section 6; dissertation chapter 4): who votes, who learns,
//! and the changes that lead from one to the next.
//!
//! A log holds *changes* ([`Change`]). The configuration that they lead to is
//! their fold over the one that the log began with ([`Config::fold`]).
//!
//! Invariants of a configuration that a log of unflawed rules leads to:
//!
//! 1. no learner is a voter, outgoing or not;
//! 2. who is to be a learner next is an outgoing voter and no incoming one;
//! 3. there is a voter, once there was one.
//!
//! Printed as `{n1 n2 n3}`; a joint one as `{n1 n2 n4}&{n1 n2 n3}`, incoming
//! voters first; learners behind it, `{n1 n2}&{n1 n2 n3} learners {n4} next {n3}`.

use std::fmt;

use crate::ids::{NodeId, NodeSet};
use crate::log::{Entry, Payload};
use crate::{choice, record};

record! {
    /// What a joint configuration has beyond its incoming voters.
    #[derive(Copy, Hash)]
    pub struct Joint {
        /// The voters of the configuration that is being left.
        pub outgoing: NodeSet,
        /// Outgoing voters that are learners once it is left.
        pub learners_next: NodeSet,
        /// Whether the leader leaves it by itself.
        pub auto_leave: bool,
    }
}

record! {
    /// Who votes and who learns.
    #[derive(Copy, Default, Hash)]
    pub struct Config {
        /// The voters; of a joint configuration, the incoming ones.
        pub voters: NodeSet,
        /// Who receives entries and is not counted.
        pub learners: NodeSet,
        /// The outgoing half, while there is one.
        pub joint: Option<Joint>,
    }
}

choice! {
    /// How a change leads to the next configuration.
    #[derive(Copy, Hash)]
    pub enum Transition {
        /// At once (dissertation section 4.1: one voter more or less).
        Simple = 0,
        /// Through a joint configuration (section 4.3).
        Joint {
            /// Whether the leader leaves that one by itself.
            auto_leave: bool,
        } = 1,
        /// Out of the joint configuration.
        Leave = 2,
    }
}

record! {
    /// A change of the configuration, as an entry carries it.
    #[derive(Copy, Hash)]
    pub struct Change {
        /// Who is to vote.
        pub voters: NodeSet,
        /// Who is to learn, and not to vote.
        pub learners: NodeSet,
        /// Who is to be no member.
        pub removed: NodeSet,
        /// How it comes about.
        pub transition: Transition,
    }
}

impl Change {
    /// These servers become voters at once.
    pub fn joins(voters: NodeSet) -> Self {
        Change {
            voters,
            learners: NodeSet::EMPTY,
            removed: NodeSet::EMPTY,
            transition: Transition::Simple,
        }
    }

    /// The joint configuration is left.
    pub const LEAVE: Change = Change {
        voters: NodeSet::EMPTY,
        learners: NodeSet::EMPTY,
        removed: NodeSet::EMPTY,
        transition: Transition::Leave,
    };

    /// All servers that the change names.
    pub fn named(&self) -> NodeSet {
        self.voters.union(self.learners).union(self.removed)
    }
}

impl Config {
    /// These voters, and nobody else.
    pub fn of(voters: NodeSet) -> Self {
        Config {
            voters,
            ..Config::default()
        }
    }

    /// No voter: nothing is known.
    pub const UNKNOWN: Config = Config {
        voters: NodeSet::EMPTY,
        learners: NodeSet::EMPTY,
        joint: None,
    };

    /// The voters of the configuration that is being left; none when it is not
    /// joint.
    pub fn outgoing(&self) -> NodeSet {
        self.joint.map_or(NodeSet::EMPTY, |joint| joint.outgoing)
    }

    /// Everybody whose vote counts, in either half.
    pub fn voters(&self) -> NodeSet {
        self.voters.union(self.outgoing())
    }

    /// Everybody that receives entries.
    pub fn members(&self) -> NodeSet {
        self.voters().union(self.learners)
    }

    /// Whether the vote of `id` counts.
    pub fn contains_voter(&self, id: NodeId) -> bool {
        self.voters().contains(id)
    }

    /// Whether this is a joint configuration.
    pub fn is_joint(&self) -> bool {
        self.joint.is_some()
    }

    /// Whether nobody votes in it.
    pub fn is_empty(&self) -> bool {
        self.voters().is_empty()
    }

    /// Whether `votes` holds a majority: of both halves of a joint
    /// configuration (section 6). An empty configuration has none.
    pub fn has_quorum(&self, votes: NodeSet) -> bool {
        let half = |voters: NodeSet| voters.has_quorum(votes);
        half(self.voters) && self.joint.is_none_or(|joint| half(joint.outgoing))
    }

    /// Whether those that have not refused could still make a majority.
    pub fn can_win(&self, refused: NodeSet) -> bool {
        self.has_quorum(self.voters().minus(refused))
    }

    /// Whether there is one voter, and no other half.
    pub fn is_singleton(&self) -> bool {
        self.voters().len() == 1
    }

    /// The configuration that `change` leads to.
    #[must_use]
    pub fn after(mut self, change: &Change) -> Self {
        let staying = match change.transition {
            Transition::Leave => {
                let next = self.joint.map_or(NodeSet::EMPTY, |j| j.learners_next);
                self.learners = self.learners.union(next.minus(self.voters));
                self.joint = None;
                return self;
            }
            Transition::Joint { auto_leave } => {
                let outgoing = self.voters;
                self.joint = Some(Joint {
                    outgoing,
                    learners_next: NodeSet::EMPTY,
                    auto_leave,
                });
                outgoing
            }
            Transition::Simple => self.outgoing(),
        };
        let gone = change.learners.union(change.removed);
        self.voters = self.voters.union(change.voters).minus(gone);
        let away = change.voters.union(change.removed);
        let learners = self.learners.minus(away).union(change.learners);
        // Whose vote still counts in the other half learns once that is left.
        self.learners = learners.minus(staying);
        if let Some(joint) = &mut self.joint {
            let next = joint.learners_next.minus(away).union(change.learners);
            joint.learners_next = NodeSet(next.0 & staying.0);
        }
        self
    }

    /// The configuration that `entries` lead to from this one.
    #[must_use]
    pub fn fold<'e>(self, entries: impl IntoIterator<Item = &'e Entry>) -> Self {
        let changes = entries
            .into_iter()
            .filter_map(|entry| match &entry.payload {
                Payload::Config { change } => Some(change),
                _ => None,
            });
        changes.fold(self, |config, change| config.after(change))
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.voters)?;
        if let Some(joint) = self.joint {
            write!(f, "&{}", joint.outgoing)?;
        }
        if !self.learners.is_empty() {
            write!(f, " learners {}", self.learners)?;
        }
        match self.joint {
            Some(joint) if !joint.learners_next.is_empty() => {
                write!(f, " next {}", joint.learners_next)
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("voters", self.voters),
            ("learners", self.learners),
            ("removed", self.removed),
        ];
        let mut gap = "";
        for (what, ids) in parts {
            if !ids.is_empty() {
                write!(f, "{gap}{what} {ids}")?;
                gap = " ";
            }
        }
        match self.transition {
            Transition::Simple => Ok(()),
            Transition::Joint { auto_leave: true } => write!(f, "{gap}joint"),
            Transition::Joint { auto_leave: false } => write!(f, "{gap}joint until told"),
            Transition::Leave => write!(f, "{gap}leaves the joint configuration"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(numbers: &[u8]) -> NodeSet {
        numbers.iter().map(|&number| NodeId(number - 1)).collect()
    }

    fn change(voters: &[u8], learners: &[u8], removed: &[u8], transition: Transition) -> Change {
        Change {
            voters: set(voters),
            learners: set(learners),
            removed: set(removed),
            transition,
        }
    }

    const JOINT: Transition = Transition::Joint { auto_leave: true };

    #[test]
    fn a_joint_configuration_needs_a_majority_of_both_halves_section_6() {
        let config = Config::of(set(&[1, 2, 3])).after(&change(&[4, 5], &[], &[2, 3], JOINT));
        assert_eq!(config.to_string(), "{n1 n4 n5}&{n1 n2 n3}");
        assert!(config.is_joint() && config.members() == set(&[1, 2, 3, 4, 5]));
        for (votes, wins) in [
            (set(&[1, 4, 5]), false),
            (set(&[1, 2, 3]), false),
            (set(&[1, 2, 4]), true),
            (set(&[2, 3, 4, 5]), true),
            (set(&[4, 5]), false),
        ] {
            assert_eq!(config.has_quorum(votes), wins, "{votes}");
            assert_eq!(config.can_win(config.voters().minus(votes)), wins);
        }
        let left = config.after(&Change::LEAVE);
        assert_eq!(left, Config::of(set(&[1, 4, 5])));
    }

    #[test]
    fn a_voter_that_is_demoted_jointly_learns_once_the_joint_configuration_is_left() {
        let start = Config::of(set(&[1, 2, 3]));
        let joint = start.after(&change(&[4], &[3, 5], &[], JOINT));
        assert_eq!(
            joint.to_string(),
            "{n1 n2 n4}&{n1 n2 n3} learners {n5} next {n3}"
        );
        let left = joint.after(&Change::LEAVE);
        assert_eq!(left.to_string(), "{n1 n2 n4} learners {n3 n5}");
        let simple = start.after(&change(&[], &[3], &[], Transition::Simple));
        assert_eq!(simple.to_string(), "{n1 n2} learners {n3}");
        let back = simple.after(&change(&[3], &[], &[], Transition::Simple));
        assert_eq!(back, start);
    }

    #[test]
    fn an_empty_configuration_has_no_quorum() {
        assert!(!Config::UNKNOWN.has_quorum(set(&[1, 2, 3])));
        assert!(Config::UNKNOWN.is_empty() && !Config::UNKNOWN.can_win(NodeSet::EMPTY));
    }
}
