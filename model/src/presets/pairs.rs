//! Pairs: every two features that can be on at once, together in one preset
//! that must reach the witnesses of both.
//!
//! What breaks Raft in production is rarely a feature alone. Each part says
//! what it switches on, the least that must be allowed for it to be seen, and
//! the situations that show it; a pair allows what either of the two needs.

use std::sync::LazyLock;

use super::Preset;
use crate::bounds::Bounds;
use crate::features::{
    ASYNC_STORAGE, CHECK_QUORUM, FLOW_CONTROL, FOLLOWER_READS, Feature, JOINT_CONSENSUS, LEARNERS,
    LEASE_READS, PRE_VOTE, PRE_VOTE_LEADERLESS, RESTART_WAITS, SESSIONS, SINGLE_SERVER_CHANGES,
    STICKY_LEADER,
};
use crate::network::NetworkKind::Bag;
use crate::settings::Dialect::EtcdStored;
use crate::settings::Durability::Atomic;
use crate::settings::Settings;

/// One feature, as a part of a pair.
struct Part {
    /// The name of the feature, or of what stands for one.
    name: &'static str,
    /// What is switched on, if it is a switch.
    feature: Option<Feature>,
    /// What else must be on for it to have an effect.
    beside: Option<Feature>,
    /// Allows what it needs to be seen.
    needs: fn(&mut Bounds),
    /// The situations that show it.
    witnesses: &'static [&'static str],
}

/// An election, two messages in flight, an append.
const BASE: Bounds = Bounds {
    max_log: 2,
    max_messages: Some(2),
    max_lag: Some(0),
    writes: 0,
    campaigns: Some(1),
    appends: Some(1),
    heartbeats: Some(0),
    ..Bounds::DEFAULT
};

const PARTS: &[Part] = &[
    Part {
        name: "pre-vote",
        feature: Some(PRE_VOTE),
        beside: None,
        needs: |_| {},
        witnesses: &["pre-vote-won"],
    },
    Part {
        name: "pre-vote-leaderless",
        feature: Some(PRE_VOTE_LEADERLESS),
        beside: None,
        needs: |bounds| {
            least(&mut bounds.campaigns, 2);
            least(&mut bounds.heartbeats, 1);
        },
        witnesses: &["pre-vote-won", "pre-vote-refused"],
    },
    Part {
        name: "check-quorum",
        feature: Some(CHECK_QUORUM),
        beside: None,
        needs: |_| {},
        witnesses: &["leader-resigns"],
    },
    Part {
        name: "sticky-leader",
        feature: Some(STICKY_LEADER),
        beside: None,
        needs: |bounds| {
            least(&mut bounds.campaigns, 2);
            least(&mut bounds.heartbeats, 1);
        },
        witnesses: &["candidate-disregarded"],
    },
    Part {
        name: "follower-reads",
        feature: Some(FOLLOWER_READS),
        beside: None,
        needs: |bounds| {
            least(&mut bounds.heartbeats, 1);
            bounds.reads = bounds.reads.max(1);
        },
        witnesses: &["follower-read-served"],
    },
    Part {
        name: "async-storage",
        feature: Some(ASYNC_STORAGE),
        beside: None,
        needs: |_| {},
        witnesses: &["writes-queued"],
    },
    Part {
        name: "lease-reads",
        feature: Some(LEASE_READS),
        beside: None,
        needs: |bounds| {
            bounds.reads = bounds.reads.max(1);
        },
        witnesses: &["read-served-by-lease", "lease-expired"],
    },
    Part {
        name: "restart-waits",
        feature: Some(RESTART_WAITS),
        beside: Some(STICKY_LEADER),
        needs: |bounds| {
            least(&mut bounds.campaigns, 2);
            bounds.restarts = bounds.restarts.max(1);
        },
        witnesses: &["restarted-server-wins"],
    },
    Part {
        name: "flow-control",
        feature: Some(FLOW_CONTROL),
        beside: None,
        needs: |_| {},
        witnesses: &["probe-waits", "probe-answered"],
    },
    Part {
        name: "transfer",
        feature: None,
        beside: None,
        needs: |bounds| {
            bounds.transfers = bounds.transfers.max(1);
        },
        witnesses: &["election-on-request"],
    },
    Part {
        name: "single-server-changes",
        feature: Some(SINGLE_SERVER_CHANGES),
        beside: None,
        needs: |bounds| change(bounds),
        witnesses: &["change-commits"],
    },
    Part {
        name: "joint-consensus",
        feature: Some(JOINT_CONSENSUS),
        beside: None,
        needs: |bounds| {
            change(bounds);
            // The no-op, the change, and leaving the joint configuration.
            bounds.max_log = bounds.max_log.max(3);
        },
        witnesses: &["joint-entered", "joint-left-by-itself"],
    },
    Part {
        name: "learners",
        feature: Some(LEARNERS),
        beside: None,
        needs: |bounds| {
            change(bounds);
            // One for the other voter, one for the learner; where a leader probes
            // first, one more.
            least(&mut bounds.appends, 3);
        },
        witnesses: &["learner-acknowledges"],
    },
    Part {
        name: "crash",
        feature: None,
        beside: None,
        needs: |bounds| {
            least(&mut bounds.campaigns, 2);
            bounds.restarts = bounds.restarts.max(1);
        },
        witnesses: &["restarted-server-wins"],
    },
    Part {
        name: "snapshots",
        feature: None,
        beside: None,
        needs: |bounds| {
            bounds.compactions = bounds.compactions.max(1);
            bounds.snapshots = Some(1);
        },
        witnesses: &["snapshot-installed"],
    },
    Part {
        name: "sessions",
        feature: Some(SESSIONS),
        beside: None,
        needs: |bounds| {
            bounds.max_log = bounds.max_log.max(3);
            bounds.max_batch = bounds.max_batch.max(3);
            bounds.writes = bounds.writes.max(1);
            bounds.retries = bounds.retries.max(1);
        },
        witnesses: &["duplicate-in-log", "skipped-on-apply"],
    },
];

/// One change of the configuration, by two voters and one more server.
fn change(bounds: &mut Bounds) {
    bounds.voters = Some(2);
    bounds.changes = 1;
    least(&mut bounds.appends, 2);
    bounds.max_batch = bounds.max_batch.max(2);
}

/// Raises a budget to at least `least`.
fn least(budget: &mut Option<u32>, least: u32) {
    *budget = budget.map(|budget| budget.max(least));
}

/// Whether both can be on at once. Two values of one setting cannot.
fn compatible(one: &Part, other: &Part) -> bool {
    let mut settings = EtcdStored.settings(Atomic);
    let mut on = |part: &Part| {
        if let Some(feature) = part.feature {
            (feature.switch_on)(&mut settings);
        }
    };
    on(one);
    on(other);
    let is_on = |part: &Part, settings: &Settings| {
        part.feature.is_none_or(|feature| (feature.is_on)(settings))
    };
    is_on(one, &settings) && is_on(other, &settings)
}

/// The preset of `parts` at once.
fn preset(name: &'static str, about: &'static str, parts: &[&Part]) -> Preset {
    let mut bounds = BASE;
    let mut witnesses = vec!["leader-elected"];
    for part in parts {
        (part.needs)(&mut bounds);
        for name in part.witnesses {
            if !witnesses.contains(name) {
                witnesses.push(name);
            }
        }
    }
    let on = parts.iter().flat_map(|part| [part.feature, part.beside]);
    let features: Vec<Feature> = on.flatten().collect();
    let mut preset = Preset::new(EtcdStored, name, about, Atomic, Bag, bounds).with(&features);
    let settings = &mut preset.scenario.settings;
    // No lease is safe from a crash without that.
    settings.restart_waits |= settings.lease_reads && preset.scenario.bounds.restarts > 0;
    preset.witnesses = witnesses.leak();
    preset
}

// Names are put together once and live as long as the program, as the names of
// all other presets do.
static PAIRS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let mut pairs = Vec::new();
    for (i, one) in PARTS.iter().enumerate() {
        for other in &PARTS[i + 1..] {
            if compatible(one, other) {
                let name = format!("{}+{}", one.name, other.name);
                let about = format!("{} and {} together", one.name, other.name);
                pairs.push(preset(name.leak(), about.leak(), &[one, other]));
            }
        }
    }
    pairs
});

pub(super) fn presets() -> Vec<Preset> {
    PAIRS.clone()
}
