//! Features: what a Raft may have beyond the core, each a switch in the
//! settings, so that any combination can be explored.

use crate::settings::{Durability, PreVote, Settings, Storage};

/// A feature and what is told of it.
#[derive(Clone, Copy)]
pub struct Feature {
    /// The name, as flags and tables spell it.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub says: &'static str,
    /// The section of Ongaro's dissertation.
    pub section: &'static str,
    /// The file that holds its rules.
    pub file: &'static str,
    /// Switches it on.
    pub switch_on: fn(&mut Settings),
    /// Whether it is on.
    pub is_on: fn(&Settings) -> bool,
}

/// PreVote as etcd has it.
pub const PRE_VOTE: Feature = Feature {
    name: "pre-vote",
    says: "a server asks who would vote for its log before it raises its term (etcd)",
    section: "diss. §9.6",
    file: "model/src/rules/prevote.rs",
    switch_on: |settings| settings.pre_vote = PreVote::Log,
    is_on: |settings| settings.pre_vote == PreVote::Log,
};

/// PreVote as the dissertation has it.
pub const PRE_VOTE_LEADERLESS: Feature = Feature {
    name: "pre-vote-leaderless",
    says: "the same, and who hears a leader would not vote (the dissertation)",
    section: "diss. §9.6",
    file: "model/src/rules/prevote.rs",
    switch_on: |settings| settings.pre_vote = PreVote::LogAndLeader,
    is_on: |settings| settings.pre_vote == PreVote::LogAndLeader,
};

/// The leader's check of its quorum.
pub const CHECK_QUORUM: Feature = Feature {
    name: "check-quorum",
    says: "a leader that does not hear a majority for an election timeout steps down",
    section: "diss. §6.2",
    file: "model/src/rules/quorum.rs",
    switch_on: |settings| settings.check_quorum = true,
    is_on: |settings| settings.check_quorum,
};

/// Leader stickiness.
pub const STICKY_LEADER: Feature = Feature {
    name: "sticky-leader",
    says: "who hears a leader takes no notice of candidates that it did not call for",
    section: "diss. §4.2.3",
    file: "model/src/rules/quorum.rs",
    switch_on: |settings| settings.sticky = true,
    is_on: |settings| settings.sticky,
};

/// Reads that followers serve.
pub const FOLLOWER_READS: Feature = Feature {
    name: "follower-reads",
    says: "a follower asks its leader for a read index and serves the read itself",
    section: "diss. §6.4",
    file: "model/src/rules/reads.rs",
    switch_on: |settings| settings.follower_reads = true,
    is_on: |settings| settings.follower_reads,
};

/// Writes that are queued and complete later.
pub const ASYNC_STORAGE: Feature = Feature {
    name: "async-storage",
    says: "writes are queued and complete later, in order, while the server goes on",
    section: "figure 2, diss. §10.2.1",
    file: "model/src/rules/durability.rs",
    switch_on: |settings| {
        settings.storage = Storage::Async;
        settings.durability = Durability::Deferred;
    },
    is_on: |settings| settings.storage == Storage::Async,
};

/// Reads that a leader serves while its lease runs.
pub const LEASE_READS: Feature = Feature {
    name: "lease-reads",
    says: "a leader serves reads without a round while its lease runs, by clocks that drift",
    section: "diss. §6.4.1",
    file: "model/src/rules/lease.rs",
    switch_on: |settings| settings.lease_reads = true,
    is_on: |settings| settings.lease_reads,
};

/// Servers that wait after a restart.
pub const RESTART_WAITS: Feature = Feature {
    name: "restart-waits",
    says: "a restarted server waits an election timeout before it votes or campaigns",
    section: "diss. §4.2.3",
    file: "model/src/rules/lease.rs",
    switch_on: |settings| settings.restart_waits = true,
    is_on: |settings| settings.restart_waits,
};

/// Single-server changes of the configuration.
pub const SINGLE_SERVER_CHANGES: Feature = Feature {
    name: "single-server-changes",
    says: "the configuration changes by one voter at a time",
    section: "diss. §4.1",
    file: "model/src/rules/changes.rs",
    switch_on: |settings| settings.single_server_changes = true,
    is_on: |settings| settings.single_server_changes,
};

/// Joint consensus.
pub const JOINT_CONSENSUS: Feature = Feature {
    name: "joint-consensus",
    says: "the configuration changes by any number of voters, through a joint one",
    section: "§6, diss. §4.3",
    file: "model/src/rules/changes.rs",
    switch_on: |settings| settings.joint_consensus = true,
    is_on: |settings| settings.joint_consensus,
};

/// Learners.
pub const LEARNERS: Feature = Feature {
    name: "learners",
    says: "servers may learn: they receive entries and are not counted",
    section: "diss. §4.2.1",
    file: "model/src/rules/membership.rs",
    switch_on: |settings| settings.learners = true,
    is_on: |settings| settings.learners,
};

/// Flow control.
pub const FLOW_CONTROL: Feature = Feature {
    name: "flow-control",
    says: "a leader keeps where it goes on with each server, probes, and waits for answers",
    section: "figure 2, nextIndex",
    file: "model/src/rules/flow.rs",
    switch_on: |settings| settings.window = 2,
    is_on: |settings| settings.window > 0,
};

/// Client sessions.
pub const SESSIONS: Feature = Feature {
    name: "sessions",
    says: "duplicate commands are applied once, across leader changes and snapshots",
    section: "diss. §6.3",
    file: "model/src/rules/sessions.rs",
    switch_on: |settings| settings.sessions = 1,
    is_on: |settings| settings.sessions > 0,
};

/// The table of features.
pub const ALL: [Feature; 13] = [
    PRE_VOTE,
    PRE_VOTE_LEADERLESS,
    CHECK_QUORUM,
    STICKY_LEADER,
    FOLLOWER_READS,
    ASYNC_STORAGE,
    LEASE_READS,
    RESTART_WAITS,
    SINGLE_SERVER_CHANGES,
    JOINT_CONSENSUS,
    LEARNERS,
    FLOW_CONTROL,
    SESSIONS,
];

/// The feature called `name`.
pub fn by_name(name: &str) -> Option<&'static Feature> {
    ALL.iter().find(|feature| feature.name == name)
}

/// The features that are switched on in `settings`.
pub fn of(settings: &Settings) -> impl Iterator<Item = &'static Feature> {
    ALL.iter().filter(|feature| (feature.is_on)(settings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Dialect;

    #[test]
    fn each_switch_switches_on_its_feature_and_no_dialect_has_one_on() {
        for dialect in Dialect::ALL {
            let plain = dialect.settings(Durability::Atomic);
            assert_eq!(of(&plain).count(), 0);
            for feature in &ALL {
                let mut settings = plain;
                (feature.switch_on)(&mut settings);
                let on: Vec<&str> = of(&settings).map(|feature| feature.name).collect();
                assert_eq!(on, [feature.name]);
                assert_eq!(by_name(feature.name).map(|f| f.says), Some(feature.says));
            }
        }
    }
}
