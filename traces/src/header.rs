//! The first line of every trace file: who speaks, and what its silence means.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::NodeName;
use crate::optional::present;
use crate::state::Config;
use crate::strict::{object, word};

/// The format version this crate writes.
pub const VERSION: u32 = 2;

/// The format versions this crate reads.
pub const VERSIONS: [u32; 2] = [1, VERSION];

/// The header. Equal in all files of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct Header {
    /// The format version: 1 or 2.
    #[serde(rename = "plimsoll_trace")]
    #[schemars(extend("enum" = [1, 2]))]
    pub version: u32,
    /// Who wrote this: a name and a version, for people to read.
    pub emitter: String,
    /// What names the run, equal in all its files.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schemars(with = "String")]
    pub run: Option<String>,
    /// Every node that may appear in the run.
    #[schemars(length(min = 1))]
    pub nodes: Vec<NodeName>,
    /// The configuration in force at the start. Here, unlike in a step, absent
    /// `outgoing` and `learners` are empty.
    pub config: Config,
    /// How many configuration entries (index 1 and up, term 1, committed) every
    /// first boot finds in its log. They were never sent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bootstrap: u64,
    /// The dialect of Raft's rules that this implementation follows: the name
    /// of one of the judge's presets, such as `etcd` or `paper`.
    pub settings: String,
    /// What the implementation has beyond that dialect: names of the judge's
    /// features, such as `pre-vote`. Since version 2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// When queued messages may leave.
    pub storage: Storage,
    /// When a step's writes become durable.
    pub durability: Durability,
    /// What the order of lines means.
    #[serde(default)]
    pub order: Order,
    /// What is always recorded.
    #[serde(default, skip_serializing_if = "Complete::is_empty")]
    pub complete: Complete,
}

object!(Header: "a header", Complete: "a declaration of completeness");

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Header {
    /// A header for `nodes`, all of them voters at the start: settings `paper`,
    /// synchronous storage, deferred durability, causal order, nothing declared
    /// complete.
    pub fn new<N: Into<NodeName>>(
        emitter: impl Into<String>,
        nodes: impl IntoIterator<Item = N>,
    ) -> Self {
        let nodes: Vec<NodeName> = nodes.into_iter().map(Into::into).collect();
        Header {
            version: VERSION,
            emitter: emitter.into(),
            run: None,
            config: Config::of_voters(&nodes),
            nodes,
            bootstrap: 0,
            settings: "paper".to_owned(),
            features: Vec::new(),
            storage: Storage::Sync,
            durability: Durability::Deferred,
            order: Order::Causal,
            complete: Complete::default(),
        }
    }

    /// Names the run.
    #[must_use]
    pub fn with_run(mut self, run: impl Into<String>) -> Self {
        self.run = Some(run.into());
        self
    }

    /// Sets the configuration in force at the start.
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets how many bootstrap entries each log starts with.
    #[must_use]
    pub fn with_bootstrap(mut self, entries: u64) -> Self {
        self.bootstrap = entries;
        self
    }

    /// Names the dialect.
    #[must_use]
    pub fn with_settings(mut self, preset: impl Into<String>) -> Self {
        self.settings = preset.into();
        self
    }

    /// Names what there is beyond the dialect.
    #[must_use]
    pub fn with_features<F: Into<String>>(mut self, features: impl IntoIterator<Item = F>) -> Self {
        self.features = features.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the storage contract.
    #[must_use]
    pub fn with_storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// Sets when writes become durable.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets what the order of lines means.
    #[must_use]
    pub fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Declares what is always recorded.
    #[must_use]
    pub fn with_complete(
        mut self,
        causes: impl IntoIterator<Item = CauseKind>,
        fields: impl IntoIterator<Item = Field>,
    ) -> Self {
        self.complete = Complete {
            causes: causes.into_iter().collect(),
            fields: fields.into_iter().collect(),
        };
        self
    }
}

/// The storage contract: what a node may send before its writes are durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(remote = "Self")]
pub enum Storage {
    /// What is queued leaves only after everything written up to then is
    /// durable.
    Sync,
    /// As `sync`, but a leader's append messages may leave before its own write
    /// (Raft thesis §10.2.1).
    ParallelAppend,
    /// Writes go to a storage thread; each response waits for the writes it
    /// reveals, and for no others.
    Async,
}

/// When a step's writes become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(remote = "Self")]
pub enum Durability {
    /// In a later `persisted` step.
    Deferred,
    /// With the step itself.
    Atomic,
}

/// What the order of a file's lines means, between different nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(remote = "Self")]
pub enum Order {
    /// The order in which the steps happened.
    File,
    /// Nothing: only each node's own order counts, and that a message is sent
    /// before it is received.
    #[default]
    Causal,
}

word! {
    Storage: "a storage contract",
    Durability: "a durability",
    Order: "an order",
    CauseKind: "a kind of cause",
    Field: "the name of a field",
}

/// What the emitter always records, so that its absence says "did not happen".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct Complete {
    /// Every step of these kinds has its line.
    #[serde(default)]
    pub causes: Vec<CauseKind>,
    /// These fields are never left out when they have something to say: an
    /// absent list is empty, an absent state field did not change.
    #[serde(default)]
    pub fields: Vec<Field>,
}

impl Complete {
    /// Nothing is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.causes.is_empty() && self.fields.is_empty()
    }

    /// Every step of this kind has its line.
    #[must_use]
    pub fn cause(&self, kind: CauseKind) -> bool {
        self.causes.contains(&kind)
    }

    /// This field is always recorded.
    #[must_use]
    pub fn field(&self, field: Field) -> bool {
        self.fields.contains(&field)
    }
}

/// The kinds of [`Cause`](crate::Cause), by name.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[allow(
    missing_docs,
    reason = "each is described where it is a variant of Cause"
)]
#[serde(remote = "Self")]
pub enum CauseKind {
    Start,
    Resume,
    Campaign,
    Tick,
    Receive,
    Write,
    Read,
    Persisted,
    Apply,
    Change,
    Transfer,
    Compact,
    CheckQuorum,
    Other,
}

impl CauseKind {
    /// The first version of the format that has it.
    #[must_use]
    pub const fn since(self) -> u32 {
        match self {
            Self::Change | Self::Transfer | Self::Compact | Self::CheckQuorum => 2,
            _ => 1,
        }
    }
}

/// The fields of a line that can be declared complete, by name.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(remote = "Self")]
#[allow(missing_docs, reason = "each is described where it is a field")]
pub enum Field {
    #[serde(rename = "state.term")]
    StateTerm,
    #[serde(rename = "state.vote")]
    StateVote,
    #[serde(rename = "state.role")]
    StateRole,
    #[serde(rename = "state.leader")]
    StateLeader,
    #[serde(rename = "state.commit")]
    StateCommit,
    #[serde(rename = "state.applied")]
    StateApplied,
    #[serde(rename = "state.last")]
    StateLast,
    #[serde(rename = "state.snapshot")]
    StateSnapshot,
    #[serde(rename = "state.config")]
    StateConfig,
    #[serde(rename = "state.transfer")]
    StateTransfer,
    #[serde(rename = "durable.term")]
    DurableTerm,
    #[serde(rename = "durable.vote")]
    DurableVote,
    #[serde(rename = "durable.commit")]
    DurableCommit,
    #[serde(rename = "durable.last")]
    DurableLast,
    #[serde(rename = "append")]
    Append,
    #[serde(rename = "send")]
    Send,
    #[serde(rename = "reads")]
    Reads,
    #[serde(rename = "ack")]
    Ack,
}

impl Field {
    /// The first version of the format in which it can be declared complete.
    #[must_use]
    pub const fn since(self) -> u32 {
        match self {
            Self::StateTransfer => 2,
            _ => 1,
        }
    }
}
