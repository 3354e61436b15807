//! What the clients saw, as a file of JSON lines.
//!
//! The order of the lines is the order in which things happened, to all
//! clients together. `invoke` begins an operation and one of `ok` (done, with
//! this result), `fail` (certainly not done) and `info` (nobody knows) ends
//! it. A client that has met an `info` is not heard of again.

use std::io::{self, Write};

use serde::Serialize;

use crate::core::{NodeId, OpId};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Returns a key's value.
    Get,
    /// Replaces it.
    Put,
    /// Adds to its end.
    Append,
}

/// What a line says of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It begins.
    Invoke,
    /// It is done.
    Ok,
    /// Whether it is done nobody knows.
    Info,
    /// It is certainly not done.
    Fail,
}

/// One line of a history. The fields are in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Which operation.
    pub op: OpId,
    /// What happened to it.
    pub phase: Phase,
    /// What it does.
    pub kind: Kind,
    /// To which key.
    pub key: String,
    /// What it writes, or (with [`Phase::Ok`]) has read.
    pub value: String,
    /// The node it was sent to, or was answered by.
    pub node: NodeId,
    /// How many lines the trace had by then.
    pub trace_lines: u64,
    /// When, in the simulation's units of time.
    pub time: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    client: u64,
    ev: u64,
    id: String,
    key: &'a str,
    node: u32,
    op: Kind,
    t: u64,
    #[serde(rename = "type")]
    phase: Phase,
    value: &'a str,
}

/// Writes a history.
///
/// # Errors
///
/// When the output does.
pub fn write(events: &[Event], output: &mut impl Write) -> io::Result<()> {
    for event in events {
        let line = Line {
            client: event.op.client,
            ev: event.trace_lines,
            id: event.op.to_string(),
            key: &event.key,
            node: event.node.get(),
            op: event.kind,
            t: event.time,
            phase: event.phase,
            value: &event.value,
        };
        serde_json::to_writer(&mut *output, &line)?;
        output.write_all(b"\n")?;
    }
    output.flush()
}
