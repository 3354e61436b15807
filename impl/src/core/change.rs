//! Changes of the configuration, as entries carry them (Raft section 6; thesis
//! chapter 4; etcd's `ConfChangeV2`).

use std::fmt;

use super::ids::NodeId;

/// A change of the configuration.
///
/// Invariant of one that [`Change::new`] made: the lists are in order, and no
/// server stands in two of them or twice in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    voters: Vec<NodeId>,
    learners: Vec<NodeId>,
    removed: Vec<NodeId>,
    transition: Transition,
}

/// How a change leads to the next configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// At once: at most one voter more or less (thesis section 4.1).
    Simple,
    /// Through a joint configuration, in which both halves decide (section 6).
    Joint {
        /// Whether the leader leaves it by itself, or when it is told.
        auto_leave: bool,
    },
    /// Out of the joint configuration.
    Leave,
}

impl Change {
    /// These servers become voters, learners, or no members. `None` when one of
    /// them is named twice, or any where a joint configuration is left.
    #[must_use]
    pub fn new(
        voters: impl IntoIterator<Item = NodeId>,
        learners: impl IntoIterator<Item = NodeId>,
        removed: impl IntoIterator<Item = NodeId>,
        transition: Transition,
    ) -> Option<Self> {
        let sorted = |ids: Vec<NodeId>| {
            let mut ids = ids;
            ids.sort_unstable();
            ids
        };
        let change = Self {
            voters: sorted(voters.into_iter().collect()),
            learners: sorted(learners.into_iter().collect()),
            removed: sorted(removed.into_iter().collect()),
            transition,
        };
        let mut named: Vec<NodeId> = change.named().collect();
        let count = named.len();
        named.sort_unstable();
        named.dedup();
        let fits = named.len() == count && (count > 0) != (transition == Transition::Leave);
        fits.then_some(change)
    }

    /// The same, at once where one server is named, else through a joint
    /// configuration that the leader leaves by itself (etcd's
    /// `ConfChangeTransitionAuto`).
    #[must_use]
    pub fn auto(
        voters: impl IntoIterator<Item = NodeId>,
        learners: impl IntoIterator<Item = NodeId>,
        removed: impl IntoIterator<Item = NodeId>,
    ) -> Option<Self> {
        let joint = Transition::Joint { auto_leave: true };
        let change = Self::new(voters, learners, removed, joint)?;
        let transition = match change.named().count() {
            1 => Transition::Simple,
            _ => joint,
        };
        Some(Self {
            transition,
            ..change
        })
    }

    /// This server becomes a voter at once.
    #[must_use]
    pub fn add_voter(node: NodeId) -> Self {
        Self {
            voters: vec![node],
            learners: Vec::new(),
            removed: Vec::new(),
            transition: Transition::Simple,
        }
    }

    /// The joint configuration is left.
    #[must_use]
    pub const fn leave() -> Self {
        Self {
            voters: Vec::new(),
            learners: Vec::new(),
            removed: Vec::new(),
            transition: Transition::Leave,
        }
    }

    /// Who is to vote.
    #[must_use]
    pub fn voters(&self) -> &[NodeId] {
        &self.voters
    }

    /// Who is to receive the log and not to vote.
    #[must_use]
    pub fn learners(&self) -> &[NodeId] {
        &self.learners
    }

    /// Who is to be no member.
    #[must_use]
    pub fn removed(&self) -> &[NodeId] {
        &self.removed
    }

    /// How it comes about.
    #[must_use]
    pub const fn transition(&self) -> Transition {
        self.transition
    }

    /// All servers that it names.
    pub fn named(&self) -> impl Iterator<Item = NodeId> {
        let lists = [&self.voters, &self.learners, &self.removed];
        lists.into_iter().flatten().copied()
    }
}

/// `+n4 ~n5 -n2 joint`: `+` for voters, `~` for learners, `-` for who goes.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        for (sign, ids) in [
            ('+', &self.voters),
            ('~', &self.learners),
            ('-', &self.removed),
        ] {
            words.extend(ids.iter().map(|id| format!("{sign}{id}")));
        }
        match self.transition {
            Transition::Simple => {}
            Transition::Joint { auto_leave: true } => words.push("joint".to_owned()),
            Transition::Joint { auto_leave: false } => words.push("joint until told".to_owned()),
            Transition::Leave => words.push("leave".to_owned()),
        }
        f.write_str(&words.join(" "))
    }
}
