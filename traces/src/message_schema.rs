//! The schema of messages, which `wire.rs` reads and writes by hand.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde_json::{Map, Value};

use crate::entries::Entries;
use crate::message::Message;
use crate::names::{ContentHash, NodeName, OpId};
use crate::position::{Index, Position, Term};
use crate::state::Config;

impl JsonSchema for Message {
    fn schema_name() -> Cow<'static, str> {
        "Message".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let envelope = Envelope::json_schema(generator);
        let position = generator.subschema_for::<Position>();
        let entries = generator.subschema_for::<Entries>();
        let index = generator.subschema_for::<Index>();
        let boolean = generator.subschema_for::<bool>();
        let text = generator.subschema_for::<String>();
        let op = generator.subschema_for::<OpId>();
        let config = generator.subschema_for::<Config>();
        let hash = generator.subschema_for::<ContentHash>();
        let of = |kind: &str,
                  required: &[(&str, &schemars::Schema)],
                  optional: &[(&str, &schemars::Schema)]| {
            let properties: Map<String, Value> = required
                .iter()
                .chain(optional)
                .map(|(name, schema)| ((*name).to_owned(), schema.as_value().clone()))
                .collect();
            let required: Vec<&str> = required.iter().map(|(name, _)| *name).collect();
            schemars::json_schema!({
                "if": { "properties": { "type": { "const": kind } } },
                "then": { "properties": properties, "required": required },
            })
        };
        let bodies = [
            of(
                "request-vote",
                &[("last", &position)],
                &[("forced", &boolean)],
            ),
            of("request-pre-vote", &[("last", &position)], &[]),
            of("pre-vote", &[("granted", &boolean)], &[]),
            of("timeout-now", &[], &[]),
            of("read-request", &[("op", &op)], &[]),
            of("read-index", &[("op", &op), ("index", &index)], &[]),
            of(
                "snapshot",
                &[("last", &position), ("config", &config)],
                &[("hash", &hash)],
            ),
            of("vote", &[("granted", &boolean)], &[]),
            of(
                "append",
                &[
                    ("prev", &position),
                    ("entries", &entries),
                    ("commit", &index),
                ],
                &[("context", &text)],
            ),
            of(
                "append-ack",
                &[("reject", &boolean), ("index", &index)],
                &[("hint", &position), ("context", &text)],
            ),
            of("heartbeat", &[("commit", &index)], &[("context", &text)]),
            of("heartbeat-ack", &[], &[("context", &text)]),
        ];
        let mut schema = envelope;
        schema.insert(
            "allOf".to_owned(),
            Value::from(bodies.map(Value::from).to_vec()),
        );
        schema
    }
}

/// A message: an envelope, and by its type the fields that `allOf` lists. A
/// type that is not listed is kept, with whatever fields it has.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct Envelope {
    /// What the message is.
    #[serde(rename = "type")]
    kind: String,
    /// What names this one message in the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    id: Option<String>,
    /// Who sends it.
    from: NodeName,
    /// To whom.
    to: NodeName,
    /// The term it carries.
    term: Term,
}
