//! The Plimsoll trace vocabulary: format, reader, writer.

mod cause;
mod entries;
mod error;
mod header;
mod lines;
mod message;
mod message_schema;
mod names;
mod optional;
mod position;
mod reader;
mod schema;
mod sequencer;
mod shape_error;
mod state;
mod step;
mod strict;
mod wellformed;
mod wire;
mod writer;

pub use cause::Cause;
pub use entries::{Entries, EntriesError, Entry, EntryKind, Run};
pub use error::{ErrorKind, Place, TraceError};
pub use header::{CauseKind, Complete, Durability, Field, Header, Order, Storage, VERSION};
pub use lines::{LINE_BYTES_MAX, Line, Lines};
pub use message::{Body, Message};
pub use names::{ContentHash, NodeName, OpId};
pub use position::{Index, Position, Term};
pub use reader::{TraceReader, parse_step};
pub use schema::schema;
pub use sequencer::Sequencer;
pub use shape_error::ShapeError;
pub use state::{Config, Durable, Role, State};
pub use step::{OpAt, Step};
pub use wellformed::WellFormed;
pub use writer::{PerNodeWriter, TraceWriter, WriteError};
