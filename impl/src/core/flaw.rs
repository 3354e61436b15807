//! Bugs that can be planted, so that a judge of runs can be shown to find them.
//!
//! Each is one condition at one place, asked with `Options::has`. The mistakes
//! are ones that real implementations of Raft have made.

/// A bug to plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// Who is asked whether it would vote does not compare the logs.
    PreVoteIgnoresLog,
    /// A leader counts acknowledgements of a server that was removed.
    CountsRemoved,
    /// A leader counts acknowledgements of learners.
    CountsLearners,
    /// A snapshot replaces a log that has committed further.
    SnapshotOverCommitted,
    /// A leader takes a change of the configuration while another is under way.
    TwoChanges,
    /// An answer to an append leaves before the entries are durable. This one is
    /// for drivers whose disk queues writes to plant.
    AckBeforeWrite,
}

impl Flaw {
    /// Every one, with the name that options spell.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::PreVoteIgnoresLog, "pre-vote-ignores-log"),
        (Self::CountsRemoved, "counts-removed"),
        (Self::CountsLearners, "counts-learners"),
        (Self::SnapshotOverCommitted, "snapshot-over-committed"),
        (Self::TwoChanges, "two-changes"),
        (Self::AckBeforeWrite, "ack-before-write"),
    ];

    /// The one of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|(_, known)| *known == name);
        found.map(|(flaw, _)| flaw)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.into_iter().find(|(flaw, _)| *flaw == self);
        found.map_or("", |(_, name)| name)
    }
}
