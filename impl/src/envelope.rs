//! Messages with a name, so that a trace can say which one was received.

use std::fmt;

use crate::core::{Message, NodeId};

/// The name of one message of a run: the sender, its incarnation, and a count.
/// A message that the network duplicates keeps its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    /// Who sent it.
    pub from: NodeId,
    /// Which incarnation of the sender, from 1.
    pub incarnation: u64,
    /// Which of that incarnation's messages, from 1.
    pub number: u64,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            from,
            incarnation,
            number,
        } = self;
        write!(f, "{from}.{incarnation}.{number}")
    }
}

/// A message and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Its name.
    pub id: MessageId,
    /// The message.
    pub message: Message,
}
