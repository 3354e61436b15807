//! The replicated state machine: strings by key, each at first empty.
//!
//! A client that hears nothing may send a request again, so the same command
//! can stand in the log twice. The machine remembers the latest operation of
//! each client and lets a repeated one pass without effect (Raft section 8).

use std::collections::BTreeMap;

use crate::core::OpId;

/// What a client asks to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The key has this value from now on.
    Put {
        /// Which key.
        key: String,
        /// Its new value.
        value: String,
    },
    /// The key's value is longer from now on.
    Append {
        /// Which key.
        key: String,
        /// What is added at the end.
        value: String,
    },
}

/// Why bytes are no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The bytes end before the command does.
    #[error("the command ends early")]
    Short,
    /// The first byte names no command.
    #[error("no command has number {0}")]
    Unknown(u8),
    /// Keys and values are text.
    #[error("a key or value is not UTF-8")]
    NotText,
}

const PUT: u8 = 0;
const APPEND: u8 = 1;

impl Command {
    /// The command as an entry carries it: one byte for the kind, the key's
    /// length in four (little-endian), the key, the value.
    ///
    /// # Panics
    ///
    /// With a key of 4 GiB or more.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, key, value) = match self {
            Self::Put { key, value } => (PUT, key, value),
            Self::Append { key, value } => (APPEND, key, value),
        };
        let length = u32::try_from(key.len()).expect("a key below 4 GiB");
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(value.as_bytes());
        bytes
    }

    /// Reads a command back.
    ///
    /// # Errors
    ///
    /// When [`Command::encode`] did not make these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        let (&kind, rest) = bytes.split_first().ok_or(CommandError::Short)?;
        let (length, rest) = rest.split_first_chunk().ok_or(CommandError::Short)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (key, value) = rest.split_at_checked(length).ok_or(CommandError::Short)?;
        let text = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).map_err(|_| CommandError::NotText)?;
            Ok(text.to_owned())
        };
        let (key, value) = (text(key)?, text(value)?);
        match kind {
            PUT => Ok(Self::Put { key, value }),
            APPEND => Ok(Self::Append { key, value }),
            other => Err(CommandError::Unknown(other)),
        }
    }
}

/// The machine. Equal logs, applied in order, give equal machines.
///
/// Invariant: for each client that has written, `latest` has the greatest
/// sequence applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyValue {
    values: BTreeMap<String, String>,
    latest: BTreeMap<u64, u64>,
}

/// What a command did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It took effect.
    Done,
    /// It had taken effect before.
    Repeated,
    /// It is no command, and did nothing, here as everywhere.
    Ignored,
}

impl KeyValue {
    /// Applies a committed command.
    pub fn apply(&mut self, op: OpId, command: &[u8]) -> Effect {
        let latest = self.latest.entry(op.client).or_default();
        if op.sequence <= *latest {
            return Effect::Repeated;
        }
        *latest = op.sequence;
        match Command::decode(command) {
            Ok(Command::Put { key, value }) => {
                self.values.insert(key, value);
            }
            Ok(Command::Append { key, value }) => {
                self.values.entry(key).or_default().push_str(&value);
            }
            Err(_) => return Effect::Ignored,
        }
        Effect::Done
    }

    /// All of the machine, sessions included, as a snapshot carries it: equal
    /// machines give equal bytes.
    ///
    /// # Panics
    ///
    /// With a key or value of 4 GiB or more.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut text = |text: &str| {
            let length = u32::try_from(text.len()).expect("a text below 4 GiB");
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        };
        text(&self.values.len().to_string());
        for (key, value) in &self.values {
            text(key);
            text(value);
        }
        for (client, sequence) in &self.latest {
            bytes.extend_from_slice(&client.to_le_bytes());
            bytes.extend_from_slice(&sequence.to_le_bytes());
        }
        bytes
    }

    /// Reads a machine back; `None` when [`KeyValue::save`] did not make these
    /// bytes.
    #[must_use]
    pub fn load(bytes: &[u8]) -> Option<Self> {
        fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
            let (length, rest) = bytes.split_first_chunk()?;
            let length = u32::from_le_bytes(*length) as usize;
            let (text, rest) = rest.split_at_checked(length)?;
            *bytes = rest;
            std::str::from_utf8(text).ok()
        }
        let rest = &mut &*bytes;
        let mut machine = Self::default();
        if bytes.is_empty() {
            return Some(machine);
        }
        let count: usize = text(rest)?.parse().ok()?;
        for _ in 0..count {
            let key = text(rest)?.to_owned();
            machine.values.insert(key, text(rest)?.to_owned());
        }
        let (numbers, []) = rest.as_chunks::<8>() else {
            return None;
        };
        let (pairs, []) = numbers.as_chunks::<2>() else {
            return None;
        };
        for &[client, sequence] in pairs {
            let client = u64::from_le_bytes(client);
            machine.latest.insert(client, u64::from_le_bytes(sequence));
        }
        Some(machine)
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> &str {
        self.values.get(key).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(value: &str) -> Vec<u8> {
        let (key, value) = ("k".to_owned(), value.to_owned());
        Command::Append { key, value }.encode()
    }

    #[test]
    fn section_8_a_repeated_request_has_no_second_effect() {
        let mut kv = KeyValue::default();
        assert_eq!(kv.apply(OpId::new(1, 1), &append("a")), Effect::Done);
        assert_eq!(kv.apply(OpId::new(2, 1), &append("b")), Effect::Done);
        assert_eq!(kv.apply(OpId::new(1, 1), &append("a")), Effect::Repeated);
        assert_eq!(kv.apply(OpId::new(1, 2), &append("c")), Effect::Done);
        assert_eq!(kv.apply(OpId::new(1, 1), &append("a")), Effect::Repeated);
        assert_eq!(kv.get("k"), "abc");
        assert_eq!(kv.get("other"), "");
    }

    #[test]
    fn a_snapshot_has_values_and_sessions() {
        let mut kv = KeyValue::default();
        assert_eq!(KeyValue::load(&kv.save()), Some(kv.clone()));
        kv.apply(OpId::new(1, 3), &append("a"));
        kv.apply(OpId::new(7, 1), &append("ü"));
        let saved = kv.save();
        let mut loaded = KeyValue::load(&saved).expect("what was saved");
        assert_eq!(loaded, kv);
        assert_eq!(
            loaded.apply(OpId::new(1, 3), &append("a")),
            Effect::Repeated
        );
        for end in 1..saved.len() {
            let torn = KeyValue::load(&saved[..end]);
            assert!(torn.is_none_or(|torn| torn != kv));
        }
    }

    #[test]
    fn commands_come_back_as_they_were() {
        let (key, value) = ("schlüssel\t".to_owned(), String::new());
        let put = Command::Put { key, value };
        assert_eq!(Command::decode(&put.encode()), Ok(put));
    }

    #[test]
    fn what_is_no_command_is_refused_and_does_nothing() {
        assert_eq!(Command::decode(&[]), Err(CommandError::Short));
        assert_eq!(
            Command::decode(&[PUT, 9, 0, 0, 0, b'k']),
            Err(CommandError::Short)
        );
        assert_eq!(
            Command::decode(&[7, 0, 0, 0, 0]),
            Err(CommandError::Unknown(7))
        );
        assert_eq!(
            Command::decode(&[PUT, 1, 0, 0, 0, 0xff]),
            Err(CommandError::NotText)
        );
        let mut kv = KeyValue::default();
        assert_eq!(kv.apply(OpId::new(1, 1), b"?"), Effect::Ignored);
    }
}
