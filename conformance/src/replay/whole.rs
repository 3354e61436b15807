//! A trace held whole, so that parts of it can be judged and written.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use plimsoll_trace::{
    Cause, Header, Lines, NodeName, Order, Sequencer, Step, TraceReader, TraceWriter,
};

use serde_json::Value;

use super::{Format, InputError, Judged, format_of};
use crate::adapters::etcd_raft::{self, Event};

/// Every event of a file.
pub(crate) enum Whole {
    /// What each line of etcd-io/raft says, and how.
    Lines(Vec<(Event, Vec<u8>)>),
    /// The steps of a trace of Plimsoll's own, which are numbered anew.
    Steps(Box<Header>, Vec<Step>),
}

impl Whole {
    /// Reads the file at `path`, one of those of `judged`: where the verdict
    /// stands before a line that cannot be read, up to that line.
    ///
    /// # Errors
    /// When it cannot be read, or is no such trace.
    pub(crate) fn read(path: &Path, judged: &Judged) -> Result<Self, InputError> {
        match format_of(judged) {
            Format::Plimsoll => {
                let mut reader = TraceReader::open(path)?;
                let header = Box::new(reader.header().clone());
                let mut steps = Vec::new();
                loop {
                    match reader.next_step() {
                        Ok(Some((_, step))) => steps.push(step),
                        Ok(None) => break,
                        Err(_) if judged.unread.is_some() => break,
                        Err(error) => return Err(error.into()),
                    }
                }
                Ok(Whole::Steps(header, steps))
            }
            Format::EtcdRaft => {
                let mut lines = Lines::open(path)?;
                let file = Arc::clone(lines.file());
                let mut all = Vec::new();
                loop {
                    let read = match lines.next_line() {
                        Ok(Some(line)) if line.is_blank() => continue,
                        Ok(Some(line)) => etcd_raft::parse(&file, line)
                            .map(|event| all.push((*event, line.bytes.to_vec()))),
                        Ok(None) => break,
                        Err(error) => Err(error),
                    };
                    match read {
                        Ok(()) => {}
                        Err(_) if judged.unread.is_some() => break,
                        Err(error) => return Err(error.into()),
                    }
                }
                Ok(Whole::Lines(all))
            }
        }
    }

    /// How many events there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Whole::Lines(lines) => lines.len(),
            Whole::Steps(_, steps) => steps.len(),
        }
    }

    /// Whether the lines come in the order in which they happened.
    pub(crate) fn in_order(&self) -> bool {
        match self {
            Whole::Lines(_) => true,
            Whole::Steps(header, _) => header.order == Order::File,
        }
    }

    /// Whose event it is.
    pub(crate) fn node(&self, event: usize) -> &str {
        match self {
            Whole::Lines(lines) => lines[event].0.nid.as_str(),
            Whole::Steps(_, steps) => steps[event].node.as_str(),
        }
    }

    /// What an event says, as JSON.
    pub(crate) fn value(&self, event: usize) -> Option<Value> {
        match self {
            Whole::Lines(lines) => serde_json::from_slice(&lines.get(event)?.1).ok(),
            Whole::Steps(_, steps) => serde_json::to_value(steps.get(event)?).ok(),
        }
    }

    /// Writes the events of `kept`; `false` where they make no trace.
    pub(crate) fn write(&self, kept: &[usize], path: &Path) -> io::Result<bool> {
        match self {
            Whole::Lines(lines) => {
                let mut out = Vec::new();
                for &event in kept {
                    out.extend_from_slice(&lines[event].1);
                    out.push(b'\n');
                }
                fs::write(path, out)?;
                Ok(true)
            }
            Whole::Steps(header, steps) => {
                let mut out = Vec::new();
                let made = renumbered(header, steps, kept, &mut out);
                fs::write(path, out)?;
                Ok(made)
            }
        }
    }
}

/// Writes the steps of `kept` as a trace of its own; `false` where they do not
/// fit together.
fn renumbered(header: &Header, steps: &[Step], kept: &[usize], out: &mut Vec<u8>) -> bool {
    let Ok(mut writer) = TraceWriter::new(out, header) else {
        return false;
    };
    let mut sequencers: BTreeMap<&NodeName, Sequencer> = BTreeMap::new();
    for &event in kept {
        let step = &steps[event];
        let sequencer = sequencers
            .entry(&step.node)
            .or_insert_with(|| match step.cause {
                Cause::Resume => Sequencer::resume(&step.node, step.inc, step.seq),
                _ => Sequencer::new(&step.node),
            });
        let numbered = sequencer.step(step.cause.clone());
        let step = Step {
            inc: numbered.inc,
            seq: numbered.seq,
            ..step.clone()
        };
        if writer.write(&step).is_err() {
            return false;
        }
    }
    writer.finish().is_ok()
}
