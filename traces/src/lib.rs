//! The Plimsoll trace vocabulary: format, reader, writer.

mod cause;
mod entries;
mod header;
mod message;
mod names;
mod optional;
mod position;
mod sequencer;
mod step;
mod wire;

pub use cause::Cause;
pub use entries::{Entries, EntriesError, Entry, EntryKind, Run};
pub use header::{CauseKind, Complete, Durability, Field, Header, Order, Storage, VERSION};
pub use message::{Body, Message};
pub use names::{ContentHash, NodeName, OpId};
pub use position::{Index, Position, Term};
pub use sequencer::Sequencer;
pub use step::{Config, Durable, OpAt, Role, State, Step};
