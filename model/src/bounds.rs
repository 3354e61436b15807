//! Bounds: how far an exploration goes, and what each bound hides.
//!
//! Two kinds. A *constraint* (terms, log length, messages in flight) cuts
//! states: a successor outside counts as generated and is neither stored nor
//! judged. A *budget* (elections, writes, crashes ...) cuts actions: once it is
//! spent the action is not enabled. What is spent is part of the state; a
//! budget that is not set is not counted, so it splits no states.

mod parse;

pub(crate) use parse::assigned;
pub use parse::{BoundsError, SERVERS_EXPLORED_MAX};
use serde::{Deserialize, Serialize};

use crate::record;

/// The bounds of an exploration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Bounds {
    /// How many servers there are.
    pub servers: u8,
    /// How many configuration entries every log starts with, committed.
    pub bootstrap: u8,
    /// Whether every server starts with its bootstrap entries applied.
    pub boot_applied: bool,
    /// The highest term.
    pub max_term: u32,
    /// The most entries a log may hold, bootstrap entries not counted.
    pub max_log: u32,
    /// The most messages in flight.
    #[serde(with = "parse::optional")]
    pub max_messages: Option<u32>,
    /// The most terms by which a message may be late: one whose term is further
    /// behind its receiver's is lost at once.
    #[serde(with = "parse::optional")]
    pub max_lag: Option<u32>,
    /// The most entries one append carries.
    pub max_batch: u32,
    /// Whether a leader may send entries again that it knows to match.
    pub resend: bool,
    /// Whether a crash may keep part of the write under way.
    pub partial_writes: bool,
    /// Elections begun.
    #[serde(with = "parse::optional")]
    pub campaigns: Option<u32>,
    /// Client writes.
    pub writes: u32,
    /// Client reads.
    pub reads: u32,
    /// Crashes.
    pub restarts: u32,
    /// Appends sent.
    #[serde(with = "parse::optional")]
    pub appends: Option<u32>,
    /// Heartbeats sent.
    #[serde(with = "parse::optional")]
    pub heartbeats: Option<u32>,
    /// Messages lost by an action.
    #[serde(with = "parse::optional")]
    pub drops: Option<u32>,
    /// Messages copied by an action (bag).
    pub duplicates: u32,
    /// Times that a leader is told to hand over.
    pub transfers: u32,
    /// Ticks by which another clock may get ahead of a leader's in the time
    /// that a round of the leader is younger than its lease
    /// ([`crate::clocks`]).
    pub drift: u32,
    /// How many of the servers vote at the start; all, where it is not set. The
    /// others start with nothing.
    #[serde(with = "parse::optional")]
    pub voters: Option<u32>,
    /// Changes of the configuration that clients ask for; leaving a joint
    /// configuration is free.
    pub changes: u32,
    /// The most servers that one change names, through a joint configuration.
    pub joint_size: u32,
    /// Whether joint configurations are also entered that are left only when
    /// a client asks for it.
    pub explicit_leave: bool,
    /// Removed servers whose machine is replaced: the new one starts with
    /// nothing.
    pub wipes: u32,
    /// Compactions of logs.
    pub compactions: u32,
    /// Snapshots sent.
    #[serde(with = "parse::optional")]
    pub snapshots: Option<u32>,
    /// Times that a leader is handed a command that a client has sent before.
    pub retries: u32,
}

impl Bounds {
    /// What holds where nothing is said.
    pub const DEFAULT: Bounds = Bounds {
        servers: 3,
        bootstrap: 0,
        boot_applied: false,
        max_term: 2,
        max_log: 3,
        max_messages: None,
        max_lag: None,
        max_batch: 1,
        resend: false,
        partial_writes: false,
        campaigns: None,
        writes: 1,
        reads: 0,
        restarts: 0,
        appends: None,
        heartbeats: None,
        drops: None,
        duplicates: 0,
        transfers: 0,
        drift: 0,
        voters: None,
        changes: 0,
        joint_size: 2,
        explicit_leave: false,
        wipes: 0,
        compactions: 0,
        snapshots: None,
        retries: 0,
    };
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds::DEFAULT
    }
}

/// One bound as it is printed: name, value, what it hides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// The name, as flags and files spell it.
    pub name: &'static str,
    /// The value; `unbounded` where there is none.
    pub value: String,
    /// What lies beyond.
    pub hides: &'static str,
}

impl Bounds {
    /// The servers that vote at the start.
    pub fn voters(&self) -> crate::ids::NodeSet {
        let all = usize::from(self.servers);
        let voters = self.voters.map_or(all, |v| (v as usize).min(all));
        crate::ids::NodeSet::first(voters)
    }

    /// The bounds that are not at their defaults, as [`Bounds::set`] reads them.
    pub fn brief(&self) -> Vec<String> {
        let defaults = Bounds::DEFAULT.limits();
        let changed = self.limits().into_iter().zip(defaults);
        changed
            .filter(|(ours, default)| ours.value != default.value)
            .map(|(ours, _)| format!("{}={}", ours.name, ours.value))
            .collect()
    }

    /// Every bound, with a sentence on what it hides.
    pub fn limits(&self) -> Vec<Limit> {
        let optional = |value: Option<u32>| value.map_or("unbounded".into(), |v| v.to_string());
        let limit = |name, value: String, hides| Limit { name, value, hides };
        vec![
            limit(
                "servers",
                self.servers.to_string(),
                "what needs more servers: larger quorums, splits into more groups",
            ),
            limit(
                "bootstrap",
                self.bootstrap.to_string(),
                "longer histories before the first election",
            ),
            limit(
                "boot-applied",
                self.boot_applied.to_string(),
                "where true: what happens before a server has applied its bootstrap entries",
            ),
            limit(
                "max-term",
                self.max_term.to_string(),
                "what needs more elections to succeed one another",
            ),
            limit(
                "max-log",
                self.max_log.to_string(),
                "longer logs: deeper conflicts, later commits",
            ),
            limit(
                "max-messages",
                optional(self.max_messages),
                "what needs more messages under way at once",
            ),
            limit(
                "max-lag",
                optional(self.max_lag),
                "messages that arrive more terms late than this",
            ),
            limit(
                "max-batch",
                self.max_batch.to_string(),
                "appends that carry more entries",
            ),
            limit(
                "resend",
                self.resend.to_string(),
                "fresh appends below the known match (delayed ones are there anyway)",
            ),
            limit(
                "partial-writes",
                self.partial_writes.to_string(),
                "crashes that keep part of the write under way",
            ),
            limit(
                "campaigns",
                optional(self.campaigns),
                "what needs more elections begun",
            ),
            limit(
                "writes",
                self.writes.to_string(),
                "what needs more commands",
            ),
            limit("reads", self.reads.to_string(), "what needs more reads"),
            limit(
                "restarts",
                self.restarts.to_string(),
                "what needs more crashes",
            ),
            limit(
                "appends",
                optional(self.appends),
                "what needs more appends sent",
            ),
            limit(
                "heartbeats",
                optional(self.heartbeats),
                "what needs more heartbeats sent",
            ),
            limit(
                "drops",
                optional(self.drops),
                "more messages taken out of flight (not delivering is always possible)",
            ),
            limit(
                "duplicates",
                self.duplicates.to_string(),
                "more copies of messages (a set delivers any number anyway)",
            ),
            limit(
                "transfers",
                self.transfers.to_string(),
                "what needs more transfers of leadership",
            ),
            limit(
                "drift",
                self.drift.to_string(),
                "clocks that drift further apart while a lease runs",
            ),
            limit(
                "voters",
                self.voters.map_or("all".into(), |v| v.to_string()),
                "where fewer than the servers: starts with more voters",
            ),
            limit(
                "changes",
                self.changes.to_string(),
                "what needs more changes of the configuration",
            ),
            limit(
                "joint-size",
                self.joint_size.to_string(),
                "joint changes of more servers at once",
            ),
            limit(
                "explicit-leave",
                self.explicit_leave.to_string(),
                "where false: joint configurations that are left only when told",
            ),
            limit(
                "wipes",
                self.wipes.to_string(),
                "what needs more removed servers that start anew",
            ),
            limit(
                "compactions",
                self.compactions.to_string(),
                "what needs more compactions of logs, and at zero all of snapshots",
            ),
            limit(
                "snapshots",
                optional(self.snapshots),
                "what needs more snapshots sent",
            ),
            limit(
                "retries",
                self.retries.to_string(),
                "what needs more commands sent again, and at zero all of duplicates",
            ),
        ]
    }
}

/// What an action may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Budget {
    /// An election begun.
    Campaign,
    /// A client's write.
    Write,
    /// A client's read.
    Read,
    /// A crash.
    Restart,
    /// An append sent.
    Append,
    /// A heartbeat sent.
    Heartbeat,
    /// A message lost by an action.
    Drop,
    /// A message copied by an action.
    Duplicate,
    /// A leader told to hand over.
    Transfer,
    /// A change of the configuration.
    Change,
    /// A removed server that starts anew.
    Wipe,
    /// A log compacted.
    Compaction,
    /// A snapshot sent.
    Snapshot,
    /// A command sent again.
    Retry,
}

impl Spent {
    /// Counts one more of `budget`.
    pub fn pay(&mut self, budget: Option<Budget>) {
        let spent = match budget {
            None => return,
            Some(Budget::Campaign) => &mut self.campaigns,
            Some(Budget::Write) => &mut self.writes,
            Some(Budget::Read) => &mut self.reads,
            Some(Budget::Restart) => &mut self.restarts,
            Some(Budget::Append) => &mut self.appends,
            Some(Budget::Heartbeat) => &mut self.heartbeats,
            Some(Budget::Drop) => &mut self.drops,
            Some(Budget::Duplicate) => &mut self.duplicates,
            Some(Budget::Transfer) => &mut self.transfers,
            Some(Budget::Change) => &mut self.changes,
            Some(Budget::Wipe) => &mut self.wipes,
            Some(Budget::Compaction) => &mut self.compactions,
            Some(Budget::Snapshot) => &mut self.snapshots,
            Some(Budget::Retry) => &mut self.retries,
        };
        *spent += 1;
    }
}

record! {
    /// What has been spent of each budget.
    #[derive(Copy, Default)]
    pub struct Spent {
        /// Elections begun.
        pub campaigns: u32,
        /// Client writes.
        pub writes: u32,
        /// Client reads.
        pub reads: u32,
        /// Crashes.
        pub restarts: u32,
        /// Appends sent.
        pub appends: u32,
        /// Heartbeats sent.
        pub heartbeats: u32,
        /// Messages lost by an action.
        pub drops: u32,
        /// Messages copied by an action.
        pub duplicates: u32,
        /// Leaders told to hand over.
        pub transfers: u32,
        /// Changes of the configuration.
        pub changes: u32,
        /// Removed servers that started anew.
        pub wipes: u32,
        /// Logs compacted.
        pub compactions: u32,
        /// Snapshots sent.
        pub snapshots: u32,
        /// Commands sent again.
        pub retries: u32,
    }
}
