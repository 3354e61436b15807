//! Absent, null and empty are three things in this format.
//!
//! serde's own `Option` takes null for absent. Here an absent field is
//! unknown, null is a statement ("no vote") and only two fields may make it.

use serde::{Deserialize, Deserializer};

/// Reads a field that is there: null is an error, unless `T` itself takes it.
/// Together with `#[serde(default)]`, absent is `None`; with `T = Option<_>`,
/// null is `Some(None)`.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
