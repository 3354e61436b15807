//! How messages are written and read.
//!
//! By hand, and not derived: serde's internally tagged enums buffer the whole
//! message, which loses the column of an error and half of the speed, and they
//! cannot keep the fields of an unknown type.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::ser::{self, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use smol_str::SmolStr;

use crate::entries::Entries;
use crate::message::{Body, Message};
use crate::names::{ContentHash, NodeName, OpId};
use crate::position::{Index, Position, Term};
use crate::state::Config;
use crate::strict::Text;

const ENVELOPE: [&str; 5] = ["type", "id", "from", "to", "term"];

/// The fields of a known type beside the envelope; none of an unknown type.
fn fields_of(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "request-vote" => &["last", "forced"],
        "request-pre-vote" => &["last"],
        "pre-vote" => &["granted"],
        "timeout-now" => &[],
        "read-request" => &["op"],
        "read-index" => &["op", "index"],
        "snapshot" => &["last", "config", "hash"],
        "vote" => &["granted"],
        "append" => &["prev", "entries", "commit", "context"],
        "append-ack" => &["reject", "index", "hint", "context"],
        "heartbeat" => &["commit", "context"],
        "heartbeat-ack" => &["context"],
        _ => return None,
    })
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The type comes first: a reader that knows it need not buffer.
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.body.kind())?;
        if let Some(id) = &self.id {
            map.serialize_entry("id", id)?;
        }
        map.serialize_entry("from", &self.from)?;
        map.serialize_entry("to", &self.to)?;
        map.serialize_entry("term", &self.term)?;
        let mut context_of = None;
        match &self.body {
            Body::RequestVote { last, forced } => {
                map.serialize_entry("last", last)?;
                if *forced {
                    map.serialize_entry("forced", forced)?;
                }
            }
            Body::RequestPreVote { last } => map.serialize_entry("last", last)?,
            Body::TimeoutNow => {}
            Body::ReadRequest { op } => map.serialize_entry("op", op)?,
            Body::ReadIndex { op, index } => {
                map.serialize_entry("op", op)?;
                map.serialize_entry("index", index)?;
            }
            Body::Snapshot { last, config, hash } => {
                map.serialize_entry("last", last)?;
                map.serialize_entry("config", config)?;
                if let Some(hash) = hash {
                    map.serialize_entry("hash", hash)?;
                }
            }
            Body::Vote { granted } | Body::PreVote { granted } => {
                map.serialize_entry("granted", granted)?
            }
            Body::Append {
                prev,
                entries,
                commit,
                context,
            } => {
                map.serialize_entry("prev", prev)?;
                map.serialize_entry("entries", entries)?;
                map.serialize_entry("commit", commit)?;
                context_of = context.as_ref();
            }
            Body::AppendAck {
                reject,
                index,
                hint,
                context,
            } => {
                map.serialize_entry("reject", reject)?;
                map.serialize_entry("index", index)?;
                if let Some(hint) = hint {
                    map.serialize_entry("hint", hint)?;
                }
                context_of = context.as_ref();
            }
            Body::Heartbeat { commit, context } => {
                map.serialize_entry("commit", commit)?;
                context_of = context.as_ref();
            }
            Body::HeartbeatAck { context } => context_of = context.as_ref(),
            Body::Other { kind, fields } => {
                if fields_of(kind).is_some() {
                    return Err(ser::Error::custom(format_args!(
                        "message type {kind:?} is known, and so cannot be another one"
                    )));
                }
                for (name, value) in fields {
                    if ENVELOPE.contains(&name.as_str()) {
                        return Err(ser::Error::custom(format_args!(
                            "message field {name:?} belongs to the envelope"
                        )));
                    }
                    map.serialize_entry(name, value)?;
                }
            }
        }
        if let Some(context) = context_of {
            map.serialize_entry("context", context)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MessageVisitor)
    }
}

struct MessageVisitor;

impl<'de> Visitor<'de> for MessageVisitor {
    type Value = Message;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message (an object with type, from, to and term)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message, A::Error> {
        let (mut id, mut from, mut to, mut term) = (None, None, None, None);
        let mut kind: Option<Cow<'de, str>> = None;
        let mut known = Known::default();
        // An unknown type's fields, and those that came before the type did.
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<Text<'de>>()?.map(|text| text.0) {
            match &*name {
                "type" => once("type", &mut kind, map.next_value::<Text<'de>>()?.0)?,
                "id" => once("id", &mut id, map.next_value::<SmolStr>()?)?,
                "from" => once("from", &mut from, map.next_value::<NodeName>()?)?,
                "to" => once("to", &mut to, map.next_value::<NodeName>()?)?,
                "term" => once("term", &mut term, map.next_value::<Term>()?)?,
                _ => match kind.as_deref().map(fields_of) {
                    Some(Some(takes)) if takes.contains(&&*name) => {
                        map.next_value_seed(Slot {
                            known: &mut known,
                            name: &name,
                        })?;
                    }
                    Some(Some(_)) => {
                        map.next_value::<IgnoredAny>()?;
                    }
                    Some(None) | None => {
                        let value = map.next_value::<Value>()?;
                        if fields.insert(name.clone().into_owned(), value).is_some() {
                            return Err(twice(&name));
                        }
                    }
                },
            }
        }
        let kind = kind.ok_or_else(|| de::Error::missing_field("type"))?;
        if let Some(takes) = fields_of(&kind) {
            for (name, value) in std::mem::take(&mut fields) {
                if takes.contains(&&*name) {
                    Slot {
                        known: &mut known,
                        name: &name,
                    }
                    .deserialize(value)
                    .map_err(|e| de::Error::custom(format_args!("message field {name:?}: {e}")))?;
                }
            }
        }
        Ok(Message {
            id,
            from: need("from", from)?,
            to: need("to", to)?,
            term: need("term", term)?,
            body: known.body(kind, fields)?,
        })
    }
}

fn twice<E: de::Error>(name: &str) -> E {
    E::custom(format_args!("duplicate field `{name}`"))
}

fn once<T, E: de::Error>(name: &str, slot: &mut Option<T>, value: T) -> Result<(), E> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(twice(name)),
    }
}

fn need<T, E: de::Error>(name: &'static str, slot: Option<T>) -> Result<T, E> {
    slot.ok_or_else(|| E::missing_field(name))
}

/// The fields of the known types, as far as they were read.
#[derive(Default)]
struct Known {
    last: Option<Position>,
    forced: Option<bool>,
    op: Option<OpId>,
    config: Option<Config>,
    hash: Option<ContentHash>,
    granted: Option<bool>,
    prev: Option<Position>,
    entries: Option<Entries>,
    commit: Option<Index>,
    reject: Option<bool>,
    index: Option<Index>,
    hint: Option<Position>,
    context: Option<SmolStr>,
}

/// Where the next value goes.
struct Slot<'a> {
    known: &'a mut Known,
    name: &'a str,
}

impl<'de> DeserializeSeed<'de> for Slot<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        fn fill<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
            name: &str,
            slot: &mut Option<T>,
            value: D,
        ) -> Result<(), D::Error> {
            once(name, slot, T::deserialize(value)?)
        }
        let Slot { known, name } = self;
        match name {
            "last" => fill(name, &mut known.last, value),
            "forced" => fill(name, &mut known.forced, value),
            "op" => fill(name, &mut known.op, value),
            "config" => fill(name, &mut known.config, value),
            "hash" => fill(name, &mut known.hash, value),
            "granted" => fill(name, &mut known.granted, value),
            "prev" => fill(name, &mut known.prev, value),
            "entries" => fill(name, &mut known.entries, value),
            "commit" => fill(name, &mut known.commit, value),
            "reject" => fill(name, &mut known.reject, value),
            "index" => fill(name, &mut known.index, value),
            "hint" => fill(name, &mut known.hint, value),
            "context" => fill(name, &mut known.context, value),
            _ => IgnoredAny::deserialize(value).map(drop),
        }
    }
}

impl Known {
    fn body<E: de::Error>(self, kind: Cow<'_, str>, fields: Map<String, Value>) -> Result<Body, E> {
        Ok(match &*kind {
            "request-vote" => Body::RequestVote {
                last: need("last", self.last)?,
                forced: self.forced.unwrap_or(false),
            },
            "request-pre-vote" => Body::RequestPreVote {
                last: need("last", self.last)?,
            },
            "pre-vote" => Body::PreVote {
                granted: need("granted", self.granted)?,
            },
            "timeout-now" => Body::TimeoutNow,
            "read-request" => Body::ReadRequest {
                op: need("op", self.op)?,
            },
            "read-index" => Body::ReadIndex {
                op: need("op", self.op)?,
                index: need("index", self.index)?,
            },
            "snapshot" => Body::Snapshot {
                last: need("last", self.last)?,
                config: need("config", self.config)?,
                hash: self.hash,
            },
            "vote" => Body::Vote {
                granted: need("granted", self.granted)?,
            },
            "append" => Body::Append {
                prev: need("prev", self.prev)?,
                entries: need("entries", self.entries)?,
                commit: need("commit", self.commit)?,
                context: self.context,
            },
            "append-ack" => Body::AppendAck {
                reject: need("reject", self.reject)?,
                index: need("index", self.index)?,
                hint: self.hint,
                context: self.context,
            },
            "heartbeat" => Body::Heartbeat {
                commit: need("commit", self.commit)?,
                context: self.context,
            },
            "heartbeat-ack" => Body::HeartbeatAck {
                context: self.context,
            },
            _ => Body::Other {
                kind: kind.into_owned(),
                fields,
            },
        })
    }
}
