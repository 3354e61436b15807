//! An order of commit that is known beside a history: from a list, or from a
//! trace of the nodes.
//!
//! The order is no more than a proposal: a judge follows it with the model, and
//! searches where it does not explain what the clients saw. So nothing here has
//! to be trusted.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use plimsoll_trace::{Entries, TraceError, TraceReader};

use super::super::limits::Limits;
use super::error::{Error, Reason};
use super::source::{Source, awaited};
use super::{Format, Read};

/// The operations of `read` that a list names, in its order: an id a line.
///
/// # Errors
/// When the file cannot be read, or names what the history does not have;
/// [`Reason::NoTime`] when it has not come by the deadline.
pub fn listed(path: &Path, read: &Read, limits: &Limits<'_>) -> Result<Vec<u32>, Error> {
    let mut source = Source::open(path, limits)?;
    source.heed(limits);
    let file = source.file().clone();
    let mut order = Vec::new();
    while let Some(piece) = source.next_line()? {
        let text = std::str::from_utf8(piece.bytes.trim_ascii())
            .map_err(|_| Error::new(&file, piece.line, Reason::Form("not UTF-8".to_owned())))?;
        if text.is_empty() {
            continue;
        }
        let Some(operation) = named(read, text) else {
            let why = match read.format {
                Format::Plimsoll => format!("the history has no operation {text:?}"),
                other => format!("operations of a {} history have no ids", other.name()),
            };
            return Err(Error::new(&file, piece.line, Reason::Form(why)));
        };
        // One that certainly did not happen is in no order.
        if operation != u32::MAX {
            order.push(operation);
        }
    }
    Ok(order)
}

/// The operations of `read` in the order in which a trace in Plimsoll's format
/// shows them to be committed; a read behind what was applied when it was
/// answered.
///
/// # Errors
/// When the trace cannot be read; of kind [`ErrorKind::TimedOut`] when it has not
/// come by the deadline.
///
/// [`ErrorKind::TimedOut`]: std::io::ErrorKind::TimedOut
pub fn traced(path: &Path, read: &Read, limits: &Limits<'_>) -> Result<Vec<u32>, TraceError> {
    let mut reader = match awaited(path, limits) {
        Some(source) => TraceReader::new(path.to_string_lossy(), source)?,
        None => TraceReader::open(path)?,
    };
    let mut logs: HashMap<String, Log> = HashMap::new();
    let mut committed: BTreeMap<u64, String> = BTreeMap::new();
    let mut reads: Vec<(u64, String)> = Vec::new();
    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    while let Some((_, step)) = reader.next_step()? {
        let log = logs.entry(step.node.to_string()).or_default();
        if let Some(entries) = &step.append {
            log.append(entries);
        }
        if let Some(commit) = step.state.commit {
            log.commit(commit.get(), &mut committed);
        }
        let applied = step.state.applied.map_or(0, |index| index.get());
        for ack in step.ack.iter().flatten() {
            let id = ack.op.to_string();
            let place = ack.index.get().max(applied);
            match named(read, &id).and_then(|i| read.history.operations.get(i as usize)) {
                Some(operation) if operation.request.kind() == "read" => reads.push((place, id)),
                Some(_) => acknowledged.push((ack.index.get(), id)),
                None => {}
            }
        }
    }
    for (index, id) in acknowledged {
        committed.entry(index).or_insert(id);
    }
    let mut places: Vec<(u64, u8, usize, u32)> = Vec::new();
    let mut seen = vec![false; read.history.operations.len()];
    for (index, id) in &committed {
        // What is committed twice had its effect the first time.
        if let Some(operation) = named(read, id)
            && let Some(seen) = seen.get_mut(operation as usize)
            && !std::mem::replace(seen, true)
        {
            places.push((*index, 0, 0, operation));
        }
    }
    for (i, (index, id)) in reads.iter().enumerate() {
        if let Some(operation) = named(read, id).filter(|&o| o != u32::MAX) {
            places.push((*index, 1, i, operation));
        }
    }
    places.sort_unstable();
    let order = places.into_iter().map(|(_, _, _, operation)| operation);
    Ok(order.collect())
}

fn named(read: &Read, id: &str) -> Option<u32> {
    let number = read.ids.find(id)?;
    read.by_id.get(number as usize).copied()
}

/// The log of one node, as far as lines show operations in it.
#[derive(Default)]
struct Log {
    ops: BTreeMap<u64, String>,
    committed: u64,
}

impl Log {
    fn append(&mut self, entries: &Entries) {
        let after = entries.after_index().get();
        // What stood behind was cut off.
        self.ops.split_off(&after.saturating_add(1));
        for (i, op) in entries.ops().iter().flat_map(|ops| ops.iter()).enumerate() {
            if let Some(op) = op {
                self.ops.insert(after + 1 + i as u64, op.to_string());
            }
        }
    }

    fn commit(&mut self, index: u64, committed: &mut BTreeMap<u64, String>) {
        if index > self.committed {
            for (index, op) in self.ops.range(self.committed + 1..=index) {
                committed.entry(*index).or_insert_with(|| op.clone());
            }
            self.committed = index;
        }
    }
}
