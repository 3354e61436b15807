//! Why a step happened.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::header::CauseKind;
use crate::message::Message;
use crate::names::{NodeName, OpId};
use crate::position::Index;
use crate::strict::{Text, object, word};
use crate::template::{Slot, Slots};

/// Why a step happened. Written as an object of exactly one key, which names
/// the kind: `{"start":{}}`, `{"receive":{"type":"vote",...}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The node booted or restarted: the state is what it recovered.
    Start,
    /// The file begins in mid-run: the state is all of it.
    Resume,
    /// An election timeout: term raised, votes asked for.
    Campaign,
    /// Another timer: heartbeats go out, for one.
    Tick,
    /// A message was handled.
    Receive(Message),
    /// The leader accepted a client's write.
    Write {
        /// Which.
        op: OpId,
    },
    /// The leader accepted or postponed a client's read.
    Read {
        /// Which.
        op: OpId,
    },
    /// Writes became durable, and the core was told.
    Persisted,
    /// Entries were applied; configuration entries take effect.
    Apply {
        /// The last of them.
        index: Index,
    },
    /// The leader accepted a change of the configuration. Since version 2.
    Change(Change),
    /// The leader was told to hand over. Since version 2.
    Transfer {
        /// To whom.
        to: NodeName,
    },
    /// A prefix of the log was replaced by a snapshot. Since version 2.
    Compact {
        /// The last index replaced.
        index: Index,
    },
    /// The leader looked who has answered since it last looked. Since version 2.
    CheckQuorum,
    /// Something that this format has no word for.
    Other {
        /// What, for people to read.
        what: String,
    },
}

impl Cause {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> CauseKind {
        match self {
            Cause::Start => CauseKind::Start,
            Cause::Resume => CauseKind::Resume,
            Cause::Campaign => CauseKind::Campaign,
            Cause::Tick => CauseKind::Tick,
            Cause::Receive(_) => CauseKind::Receive,
            Cause::Write { .. } => CauseKind::Write,
            Cause::Read { .. } => CauseKind::Read,
            Cause::Persisted => CauseKind::Persisted,
            Cause::Apply { .. } => CauseKind::Apply,
            Cause::Change(_) => CauseKind::Change,
            Cause::Transfer { .. } => CauseKind::Transfer,
            Cause::Compact { .. } => CauseKind::Compact,
            Cause::CheckQuorum => CauseKind::CheckQuorum,
            Cause::Other { .. } => CauseKind::Other,
        }
    }

    /// A client's write.
    pub fn write(op: impl Into<OpId>) -> Self {
        Cause::Write { op: op.into() }
    }

    /// A client's read.
    pub fn read(op: impl Into<OpId>) -> Self {
        Cause::Read { op: op.into() }
    }

    /// Entries up to `index` were applied.
    pub fn apply(index: impl Into<Index>) -> Self {
        Cause::Apply {
            index: index.into(),
        }
    }
}

/// The value of a kind that says it all.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
struct Nothing {}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
struct Operation {
    /// The client operation.
    op: OpId,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
struct Applied {
    /// The last index applied.
    index: Index,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
struct Receiver {
    /// The next leader.
    to: NodeName,
}

/// A change of the configuration, as an entry carries it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct Change {
    /// Who is to vote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub voters: Vec<NodeName>,
    /// Who is to receive the log and not to vote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learners: Vec<NodeName>,
    /// Who is to be no member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<NodeName>,
    /// How it comes about.
    pub transition: Transition,
}

/// How a change leads to the next configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(remote = "Self")]
pub enum Transition {
    /// At once.
    Simple,
    /// Through a joint configuration that the leader leaves by itself.
    Joint,
    /// Through a joint configuration that is left when a change says so.
    JointUntilTold,
    /// Out of the joint configuration.
    Leave,
}

word!(Transition: "a transition");

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
struct Other {
    /// What happened, for people to read.
    what: String,
}

object! {
    Nothing: "nothing more",
    Operation: "a client operation",
    Applied: "an index",
    Receiver: "a receiver",
    Change: "a change of the configuration",
    Other: "a description",
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        let kind = self.kind();
        match self {
            Cause::Start
            | Cause::Resume
            | Cause::Campaign
            | Cause::Tick
            | Cause::Persisted
            | Cause::CheckQuorum => {
                map.serialize_entry(&kind, &Nothing {})?;
            }
            Cause::Receive(message) => map.serialize_entry(&kind, message)?,
            Cause::Write { op } | Cause::Read { op } => {
                map.serialize_entry(&kind, &Operation { op: op.clone() })?;
            }
            Cause::Change(change) => map.serialize_entry(&kind, change)?,
            Cause::Transfer { to } => {
                map.serialize_entry(&kind, &Receiver { to: to.clone() })?;
            }
            Cause::Apply { index } | Cause::Compact { index } => {
                map.serialize_entry(&kind, &Applied { index: *index })?
            }
            Cause::Other { what } => {
                map.serialize_entry(&kind, &Other { what: what.clone() })?;
            }
        }
        map.end()
    }
}

/// What an unknown cause's error begins with: the reader gives it a kind.
pub(crate) const UNKNOWN_CAUSE: &str = "unknown cause";

/// The name of a kind, or the error that lists them all.
struct KnownKind(CauseKind);

impl<'de> Deserialize<'de> for KnownKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(name) = Text::deserialize(deserializer)?;
        let named = de::value::StrDeserializer::<de::value::Error>::new(&name);
        CauseKind::deserialize(named).map(KnownKind).map_err(|_| {
            de::Error::custom(format_args!(
                "{UNKNOWN_CAUSE} {name:?}, expected one of {KINDS}"
            ))
        })
    }
}

const KINDS: &str = "start, resume, campaign, tick, receive, write, read, persisted, apply, change, \
                     transfer, compact, check-quorum, other";

impl<'de> Deserialize<'de> for Cause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CauseVisitor)
    }
}

struct CauseVisitor;

impl<'de> Visitor<'de> for CauseVisitor {
    type Value = Cause;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cause: an object of exactly one key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cause, A::Error> {
        let Some(KnownKind(kind)) = map.next_key()? else {
            return Err(de::Error::custom(
                "a cause has exactly one key, this one has none",
            ));
        };
        let cause = match kind {
            CauseKind::Start => map.next_value().map(|Nothing {}| Cause::Start),
            CauseKind::Resume => map.next_value().map(|Nothing {}| Cause::Resume),
            CauseKind::Campaign => map.next_value().map(|Nothing {}| Cause::Campaign),
            CauseKind::Tick => map.next_value().map(|Nothing {}| Cause::Tick),
            CauseKind::Persisted => map.next_value().map(|Nothing {}| Cause::Persisted),
            CauseKind::Receive => map.next_value().map(Cause::Receive),
            CauseKind::Write => map
                .next_value()
                .map(|o: Operation| Cause::Write { op: o.op }),
            CauseKind::Read => map
                .next_value()
                .map(|o: Operation| Cause::Read { op: o.op }),
            CauseKind::Apply => map
                .next_value()
                .map(|Applied { index }| Cause::Apply { index }),
            CauseKind::Change => map.next_value().map(Cause::Change),
            CauseKind::Transfer => map
                .next_value()
                .map(|Receiver { to }| Cause::Transfer { to }),
            CauseKind::Compact => map
                .next_value()
                .map(|Applied { index }| Cause::Compact { index }),
            CauseKind::CheckQuorum => map.next_value().map(|Nothing {}| Cause::CheckQuorum),
            CauseKind::Other => map
                .next_value()
                .map(|o: Other| Cause::Other { what: o.what }),
        }?;
        match map.next_key::<Text<'de>>()? {
            None => Ok(cause),
            Some(Text(second)) => Err(de::Error::custom(format_args!(
                "a cause has exactly one key, this one also has {second:?}"
            ))),
        }
    }
}

impl Slots for Cause {
    fn slots(&mut self, visit: &mut impl FnMut(Slot<'_>) -> Option<()>) -> Option<()> {
        match self {
            Cause::Start
            | Cause::Resume
            | Cause::Campaign
            | Cause::Tick
            | Cause::Persisted
            | Cause::CheckQuorum
            | Cause::Change(_) => Some(()),
            Cause::Receive(message) => message.slots(visit),
            Cause::Write { op } | Cause::Read { op } => visit(Slot::Op(op)),
            Cause::Apply { index } | Cause::Compact { index } => visit(Slot::Number(&mut index.0)),
            Cause::Transfer { to } => visit(Slot::Node(to)),
            Cause::Other { .. } => None,
        }
    }
}

impl JsonSchema for Cause {
    fn schema_name() -> Cow<'static, str> {
        "Cause".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        /// Why a step happened: an object of exactly one key.
        #[derive(JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        #[allow(dead_code, reason = "only its schema is used")]
        enum Shape {
            /// The node booted or restarted: the state is what it recovered.
            Start(Nothing),
            /// The file begins in mid-run: the state is all of it.
            Resume(Nothing),
            /// An election timeout: term raised, votes asked for.
            Campaign(Nothing),
            /// Another timer: heartbeats go out, for one.
            Tick(Nothing),
            /// A message was handled.
            Receive(Message),
            /// The leader accepted a client's write.
            Write(Operation),
            /// The leader accepted or postponed a client's read.
            Read(Operation),
            /// Writes became durable, and the core was told.
            Persisted(Nothing),
            /// Entries were applied; configuration entries take effect.
            Apply(Applied),
            /// The leader accepted a change of the configuration.
            Change(Change),
            /// The leader was told to hand over.
            Transfer(Receiver),
            /// A prefix of the log was replaced by a snapshot.
            Compact(Applied),
            /// The leader looked who has answered since it last looked.
            CheckQuorum(Nothing),
            /// Something that this format has no word for.
            Other(Other),
        }
        Shape::json_schema(generator)
    }
}
