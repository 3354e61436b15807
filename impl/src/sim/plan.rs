//! What to simulate. A plan and its seed determine a run to the last byte.

use std::fmt::Write as _;

use clap::Args;

use plimsoll_trace::{Header, Storage};

use crate::core::{Flaw, NodeId, Options};
use crate::trace;

/// A simulation's parameters, which are also the options of
/// `plimsoll-raft sim`. Times are in units of which a tick takes about
/// [`TICK_UNITS`]; probabilities are between 0 and 1.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Plan {
    /// What all chance comes from
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// How many nodes, all of them voters but for those that join later
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub nodes: u32,
    /// How many steps of nodes, each of them a line of the trace
    #[arg(long, default_value_t = 3000, value_name = "N")]
    pub steps: u64,
    /// Probability that a message is lost
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub drop: f64,
    /// Probability that a message arrives twice
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub duplicate: f64,
    /// Longest time a message is under way, in units of time
    #[arg(long, default_value_t = 15, value_name = "T")]
    pub delay_max: u64,
    /// Probability that a message takes much longer
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub slow: f64,
    /// Longest time such a message is under way, in units of time
    #[arg(long, default_value_t = 400, value_name = "T")]
    pub slow_max: u64,
    /// Messages between two nodes may overtake each other
    #[arg(long)]
    pub reorder: bool,
    /// Probability, every 100 units of time, that the network parts
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub partitions: f64,
    /// Some partitions stop messages in one direction only
    #[arg(long)]
    pub one_way: bool,
    /// Probability, every 100 units of time, that a node crashes
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub crashes: f64,
    /// How many nodes may be down at once [default: a minority, at least one]
    #[arg(long, value_name = "N")]
    pub down_max: Option<u32>,
    /// How many clients
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub clients: u32,
    /// Probability that an operation is a read
    #[arg(long, default_value_t = 0.3, value_name = "P")]
    pub reads: f64,
    /// How many keys the clients use
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub keys: u32,
    /// How often a client sends a write again that was not answered
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub write_retries: u32,
    /// Longest time a client waits between operations, in units of time
    #[arg(long, default_value_t = 50, value_name = "T")]
    pub think_max: u64,
    /// Longest time between a write and its sync, in units of time
    #[arg(long, default_value_t = 4, value_name = "T")]
    pub sync_max: u64,
    /// Least election timeout, in ticks
    #[arg(long, default_value_t = 10, value_name = "TICKS")]
    pub election_timeout: u32,
    /// Time between heartbeats, in ticks
    #[arg(long, default_value_t = 3, value_name = "TICKS")]
    pub heartbeat_interval: u32,
    /// Most entries in one append
    #[arg(long, default_value_t = 8, value_name = "N")]
    pub append_entries_max: u32,
    /// Most appends with entries under way to one node
    #[arg(long, default_value_t = 8, value_name = "N")]
    pub appends_in_flight_max: u32,
    /// A node asks who would vote for it before it raises its term
    #[arg(long)]
    pub pre_vote: bool,
    /// A leader that hears no majority steps down; who hears a leader takes no
    /// notice of candidates
    #[arg(long)]
    pub check_quorum: bool,
    /// Followers take reads, at an index that they ask the leader for
    #[arg(long)]
    pub follower_reads: bool,
    /// Replace the log by a snapshot whenever this many entries, or on other
    /// nodes two or three times as many, were applied behind it (0: never)
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub snapshot_every: u64,
    /// Probability, every 100 units of time, that the leader is told to hand over
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub transfers: f64,
    /// Probability, every 100 units of time, that the leader is asked for
    /// another configuration
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub changes: f64,
    /// Some changes are of several servers, through a joint configuration
    #[arg(long)]
    pub joint: bool,
    /// Some servers learn before they vote, or instead
    #[arg(long)]
    pub learners: bool,
    /// How many of the nodes are no voters at the start
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub joiners: u32,
    /// Writes are queued and become durable one by one, while the node goes on
    #[arg(long)]
    pub async_storage: bool,
    /// Plant a bug (docs/replay.md lists them)
    #[arg(long, value_name = "NAME", value_parser = flaw)]
    pub flaw: Option<Flaw>,
}

fn flaw(name: &str) -> Result<Flaw, String> {
    let names: Vec<_> = Flaw::ALL.iter().map(|(_, name)| *name).collect();
    Flaw::by_name(name).ok_or_else(|| format!("one of {}", names.join(", ")))
}

/// How long a tick takes, in units of time.
pub const TICK_UNITS: u64 = 10;

/// Why a plan cannot be followed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A probability that is none.
    #[error("--{option} is a probability, between 0 and 1, and not {value}")]
    NotAProbability {
        /// The option.
        option: &'static str,
        /// What was given.
        value: f64,
    },
    /// A number without which nothing happens, or more than can be followed.
    #[error("--{option} must be between {least} and {most}, and not {value}")]
    OutOfRange {
        /// The option.
        option: &'static str,
        /// What was given.
        value: u64,
        /// The least that makes sense.
        least: u64,
        /// The most that is supported.
        most: u64,
    },
    /// A bug in what the run does not have.
    #[error("--flaw {flaw} needs --{option}: without it there is nothing to break")]
    FlawWithout {
        /// The bug.
        flaw: &'static str,
        /// The option that is missing.
        option: &'static str,
    },
    /// The core refuses its part.
    #[error(transparent)]
    Core(#[from] crate::core::OptionsError),
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 1,
            nodes: 3,
            steps: 3000,
            drop: 0.0,
            duplicate: 0.0,
            delay_max: 15,
            slow: 0.0,
            slow_max: 400,
            reorder: false,
            partitions: 0.0,
            one_way: false,
            crashes: 0.0,
            down_max: None,
            clients: 3,
            reads: 0.3,
            keys: 3,
            write_retries: 0,
            think_max: 50,
            sync_max: 4,
            election_timeout: 10,
            heartbeat_interval: 3,
            append_entries_max: 8,
            appends_in_flight_max: 8,
            pre_vote: false,
            check_quorum: false,
            follower_reads: false,
            snapshot_every: 0,
            transfers: 0.0,
            changes: 0.0,
            joint: false,
            learners: false,
            joiners: 0,
            async_storage: false,
            flaw: None,
        }
    }
}

impl Plan {
    /// Whether the plan can be followed.
    ///
    /// # Errors
    ///
    /// Which option is at fault.
    pub fn check(&self) -> Result<(), PlanError> {
        for (option, value) in self.probabilities() {
            if !(0.0..=1.0).contains(&value) {
                return Err(PlanError::NotAProbability { option, value });
            }
        }
        let nodes = u64::from(self.nodes);
        let time = 1_000_000;
        let count = u64::from(u32::MAX);
        for (option, value, least, most) in [
            ("nodes", nodes, 1, 99),
            ("down-max", self.down_limit().into(), 0, nodes),
            ("delay-max", self.delay_max, 1, time),
            ("slow-max", self.slow_max, 1, time),
            ("think-max", self.think_max, 1, time),
            ("sync-max", self.sync_max, 1, time),
            ("keys", self.keys.into(), 1, count),
            ("clients", self.clients.into(), 0, 10_000),
            ("election-timeout", self.election_timeout.into(), 1, time),
            ("joiners", self.joiners.into(), 0, nodes.saturating_sub(1)),
        ] {
            if !(least..=most).contains(&value) {
                return Err(PlanError::OutOfRange {
                    option,
                    value,
                    least,
                    most,
                });
            }
        }
        if let Some(flaw) = self.flaw
            && let Some((option, false)) = self.needed(flaw)
        {
            let flaw = flaw.name();
            return Err(PlanError::FlawWithout { flaw, option });
        }
        Ok(self.core_options(0).check()?)
    }

    /// The option that a bug needs to be there at all, and whether it is given.
    fn needed(&self, flaw: Flaw) -> Option<(&'static str, bool)> {
        let changes = ("changes", self.changes > 0.0);
        Some(match flaw {
            Flaw::PreVoteIgnoresLog => ("pre-vote", self.pre_vote),
            Flaw::CountsRemoved | Flaw::TwoChanges => changes,
            Flaw::CountsLearners if self.learners => changes,
            Flaw::CountsLearners => ("learners", false),
            Flaw::SnapshotOverCommitted => ("snapshot-every", self.snapshot_every > 0),
            Flaw::AckBeforeWrite => ("async-storage", self.async_storage),
        })
    }

    /// How many nodes may be down at once.
    #[must_use]
    pub fn down_limit(&self) -> u32 {
        let minority = self.nodes.saturating_sub(1) / 2;
        self.down_max.unwrap_or_else(|| minority.max(1))
    }

    pub(super) fn core_options(&self, election_seed: u64) -> Options {
        Options {
            election_timeout_ticks: self.election_timeout,
            heartbeat_interval_ticks: self.heartbeat_interval,
            append_entries_max: self.append_entries_max as usize,
            appends_in_flight_max: self.appends_in_flight_max as usize,
            election_seed,
            pre_vote: self.pre_vote,
            check_quorum: self.check_quorum,
            follower_reads: self.follower_reads,
            flaw: self.flaw,
        }
    }

    /// How many nodes are voters at the start: the first ones.
    #[must_use]
    pub const fn voters(&self) -> u32 {
        self.nodes - self.joiners
    }

    /// The header of the run's trace.
    #[must_use]
    pub fn header(&self) -> Header {
        let nodes: Vec<_> = (1..=self.nodes).map(NodeId::new).collect();
        let features: Vec<&str> = [
            ("pre-vote", self.pre_vote),
            ("check-quorum", self.check_quorum),
            ("sticky-leader", self.check_quorum),
            ("follower-reads", self.follower_reads),
            ("single-server-changes", self.changes > 0.0),
            ("joint-consensus", self.changes > 0.0 && self.joint),
            ("learners", self.changes > 0.0 && self.learners),
        ]
        .into_iter()
        .filter_map(|(name, on)| on.then_some(name))
        .collect();
        let header = trace::header(&self.command(), &nodes, self.voters() as usize, &features);
        match self.async_storage {
            true => header.with_storage(Storage::Async),
            false => header,
        }
    }

    fn probabilities(&self) -> [(&'static str, f64); 8] {
        [
            ("drop", self.drop),
            ("duplicate", self.duplicate),
            ("slow", self.slow),
            ("partitions", self.partitions),
            ("crashes", self.crashes),
            ("reads", self.reads),
            ("transfers", self.transfers),
            ("changes", self.changes),
        ]
    }

    /// The command that shows this run again.
    #[must_use]
    pub fn command(&self) -> String {
        let usual = Self::default();
        let mut command = format!(
            "plimsoll-raft sim --seed {} --nodes {} --steps {}",
            self.seed, self.nodes, self.steps
        );
        let numbers = |plan: &Self| {
            [
                ("delay-max", plan.delay_max),
                ("slow-max", plan.slow_max),
                ("clients", plan.clients.into()),
                ("keys", plan.keys.into()),
                ("write-retries", plan.write_retries.into()),
                ("think-max", plan.think_max),
                ("sync-max", plan.sync_max),
                ("election-timeout", plan.election_timeout.into()),
                ("heartbeat-interval", plan.heartbeat_interval.into()),
                ("append-entries-max", plan.append_entries_max.into()),
                ("appends-in-flight-max", plan.appends_in_flight_max.into()),
                ("snapshot-every", plan.snapshot_every),
                ("joiners", plan.joiners.into()),
            ]
        };
        let mut add = |option: &str, value: &dyn std::fmt::Display| {
            write!(command, " --{option} {value}").expect("a string takes all");
        };
        for ((option, value), (_, usual)) in
            self.probabilities().into_iter().zip(usual.probabilities())
        {
            if value.to_bits() != usual.to_bits() {
                add(option, &value);
            }
        }
        for ((option, value), (_, usual)) in numbers(self).into_iter().zip(numbers(&usual)) {
            if value != usual {
                add(option, &value);
            }
        }
        if let Some(down) = self.down_max {
            add("down-max", &down);
        }
        if let Some(flaw) = self.flaw {
            add("flaw", &flaw.name());
        }
        for (option, on) in [
            ("reorder", self.reorder),
            ("one-way", self.one_way),
            ("pre-vote", self.pre_vote),
            ("check-quorum", self.check_quorum),
            ("follower-reads", self.follower_reads),
            ("joint", self.joint),
            ("learners", self.learners),
            ("async-storage", self.async_storage),
        ] {
            if on {
                write!(command, " --{option}").expect("a string takes all");
            }
        }
        command
    }
}
