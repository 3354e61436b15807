//! Writes traces.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::header::Header;
use crate::names::NodeName;
use crate::shape_error::ShapeError;
use crate::step::Step;
use crate::wellformed::WellFormed;

/// Why a trace was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file did not take it.
    #[error("cannot write the trace: {0}")]
    Io(#[from] io::Error),
    /// The header or a step has something that the format cannot say.
    #[error("cannot write this in the trace format: {0}")]
    Format(#[source] serde_json::Error),
    /// The header or a step does not fit to what was written before.
    #[error("cannot write this line: {0}")]
    Shape(#[from] ShapeError),
    /// An earlier write failed, perhaps half-way: nothing may follow it.
    #[error("the trace ends here: an earlier write failed")]
    Broken,
    /// Two nodes whose files would have the same name.
    #[error("nodes {0} and {1} would share a file")]
    SharedFile(NodeName, NodeName),
}

/// Writes one trace: the header, then one line a step.
///
/// Refuses a line that would not be [`WellFormed`]; the trace may go on after
/// that. After a write that failed it refuses everything: a line may stand
/// there half. Each line is one `write_all`, so `W` should buffer, unless each
/// line must reach the file at once.
///
/// [`TraceWriter::finish`] gives the last error there is: without it, what a
/// buffer still holds may be lost in silence.
#[derive(Debug)]
#[must_use = "call finish, or the errors of the last lines are lost"]
pub struct TraceWriter<W: Write> {
    out: W,
    well_formed: WellFormed,
    line: Vec<u8>,
    number: u64,
    broken: bool,
}

impl TraceWriter<BufWriter<File>> {
    /// Creates the file at `path`, or empties it, and writes the header.
    ///
    /// # Errors
    /// When it cannot, or the header contradicts itself.
    pub fn create(path: impl AsRef<Path>, header: &Header) -> Result<Self, WriteError> {
        // A wrong header leaves an existing file alone.
        WellFormed::new(header)?;
        TraceWriter::new(BufWriter::new(File::create(path)?), header)
    }
}

impl<W: Write> TraceWriter<W> {
    /// Writes the header to `out`.
    ///
    /// # Errors
    /// When it cannot, or the header contradicts itself.
    pub fn new(out: W, header: &Header) -> Result<Self, WriteError> {
        let mut writer = TraceWriter {
            out,
            well_formed: WellFormed::new(header)?,
            line: Vec::new(),
            number: 0,
            broken: false,
        };
        writer.write_line(header)?;
        Ok(writer)
    }

    /// Writes one step, and gives the number of its line.
    ///
    /// # Errors
    /// When it cannot, or the step does not fit.
    pub fn write(&mut self, step: &Step) -> Result<u64, WriteError> {
        if self.broken {
            return Err(WriteError::Broken);
        }
        // Checked on the side: a refused step must not count as the last one.
        let before = self.well_formed.last_of(&step.node);
        let checked = self.well_formed.check(self.number + 1, step);
        let written = match checked {
            Ok(()) => self.write_line(step),
            Err(error) => Err(error.into()),
        };
        if written.is_err() {
            self.well_formed.set_last_of(&step.node, before);
        }
        written
    }

    fn write_line<T: Serialize>(&mut self, value: &T) -> Result<u64, WriteError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value).map_err(WriteError::Format)?;
        self.line.push(b'\n');
        self.out
            .write_all(&self.line)
            .inspect_err(|_| self.broken = true)?;
        self.number += 1;
        Ok(self.number)
    }

    /// Passes on what is buffered.
    ///
    /// # Errors
    /// When that fails.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        if self.broken {
            return Err(WriteError::Broken);
        }
        self.out.flush().inspect_err(|_| self.broken = true)?;
        Ok(())
    }

    /// Ends the trace, and gives back what it was written to, flushed.
    ///
    /// # Errors
    /// When the last lines cannot be written, or earlier ones could not.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.flush()?;
        Ok(self.out)
    }
}

/// Writes a run into a directory, one file a node, each with the header.
#[derive(Debug)]
#[must_use = "call finish, or the errors of the last lines are lost"]
pub struct PerNodeWriter {
    files: BTreeMap<NodeName, (PathBuf, TraceWriter<BufWriter<File>>)>,
}

impl PerNodeWriter {
    /// Makes the directory where it is not there, and in it the file of each
    /// node, `NODE.ndjson`, emptied if it is there. Whatever in a name could
    /// mean something to a file system is written as `%` and two hex digits.
    ///
    /// # Errors
    /// When that fails, the header contradicts itself, or two nodes differ only
    /// in a way that file systems may not see.
    pub fn create(directory: impl AsRef<Path>, header: &Header) -> Result<Self, WriteError> {
        let directory = directory.as_ref();
        WellFormed::new(header)?;
        let mut names: BTreeMap<String, &NodeName> = BTreeMap::new();
        for node in &header.nodes {
            if let Some(other) = names.insert(file_name(node).to_lowercase(), node) {
                return Err(WriteError::SharedFile(other.clone(), node.clone()));
            }
        }
        fs::create_dir_all(directory)?;
        let mut files = BTreeMap::new();
        for node in &header.nodes {
            let path = directory.join(file_name(node));
            let writer = TraceWriter::create(&path, header)?;
            files.insert(node.clone(), (path, writer));
        }
        Ok(PerNodeWriter { files })
    }

    /// Writes one step into its node's file, and gives the number of its line.
    ///
    /// # Errors
    /// When it cannot, or the step does not fit.
    pub fn write(&mut self, step: &Step) -> Result<u64, WriteError> {
        match self.files.get_mut(&step.node) {
            Some((_, writer)) => writer.write(step),
            None => Err(WriteError::Shape(ShapeError::UnknownNode {
                place: "node",
                node: step.node.clone(),
            })),
        }
    }

    /// Ends all files, and gives their paths, in the order of the nodes' names.
    ///
    /// # Errors
    /// When one of them cannot be ended; the others are.
    pub fn finish(self) -> Result<Vec<PathBuf>, WriteError> {
        let ended: Vec<_> = self
            .files
            .into_values()
            .map(|(path, writer)| writer.finish().map(|_| path))
            .collect();
        ended.into_iter().collect()
    }
}

/// The file of a node. A name without a letter or digit first, such as `..`,
/// is escaped there as well.
fn file_name(node: &NodeName) -> String {
    let mut name = String::new();
    for (at, byte) in node.as_str().bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || (at > 0 && b"-_.".contains(&byte)) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
    }
    name + ".ndjson"
}
