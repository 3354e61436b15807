//! Messages that have an id: which one of the model's each is, and what its
//! sender showed of it that the model does not have, or not always. There are as
//! many as messages, so that only hashes are kept.

use plimsoll_model::message::Message;
use plimsoll_trace as wire;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128};

use crate::replay::flights::Tag;

/// The context that a message carries.
pub(super) fn context_of(body: &wire::Body) -> Option<&wire::SmolStr> {
    match body {
        wire::Body::Append { context, .. }
        | wire::Body::AppendAck { context, .. }
        | wire::Body::Heartbeat { context, .. }
        | wire::Body::HeartbeatAck { context } => context.as_ref(),
        _ => None,
    }
}

/// A message that an id names: which one of the model, and what its sender
/// showed of it beyond that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub tag: Tag,
    pub content: Content,
}

impl Named {
    /// What the id of `shown` names, which the model says so.
    pub(super) fn new(said: &Message, shown: &wire::Message) -> Self {
        Named {
            tag: Tag::of(said),
            content: Content::of(&shown.body),
        }
    }
}

/// Hashes of what a message shows that the model's does not have, or not always.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content {
    pub context: Option<u64>,
    pub hashes: Option<u64>,
    pub entries: Option<u64>,
    pub ops: Option<u64>,
}

impl Content {
    pub(super) fn of(body: &wire::Body) -> Self {
        let context = context_of(body).map(|context| xxh3_64(context.as_bytes()));
        let wire::Body::Append { entries, .. } = body else {
            let (hashes, entries, ops) = (None, None, None);
            return Content {
                context,
                hashes,
                entries,
                ops,
            };
        };
        // Each item is hashed with what those before it came to.
        fn hash<T>(list: Option<&[T]>, each: impl Fn(u64, &T) -> u64) -> Option<u64> {
            Some(list?.iter().fold(0, each))
        }
        Content {
            context,
            hashes: hash(entries.hashes(), |all, hash| {
                xxh3_64_with_seed(&hash.0.to_le_bytes(), all)
            }),
            entries: hash(entries.kinds(), |all, kind| {
                xxh3_64_with_seed(&[*kind as u8], all)
            }),
            ops: hash(entries.ops(), |all, op| {
                let op = op.as_ref().map_or("", |op| op.as_str());
                xxh3_64_with_seed(op.as_bytes(), all)
            }),
        }
    }
}

/// What the id of a message is known by, if it has one.
pub(super) fn name_of(message: &wire::Message) -> Option<u128> {
    message.id.as_deref().map(key_of)
}

/// What an id is known by.
pub(super) fn key_of(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}
