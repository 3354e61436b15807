//! The Plimsoll trace vocabulary: format, reader, writer.
//!
//! A *trace* is what an implementation of Raft wrote down about its own run. A
//! judge that knows Raft's rules can say from it whether the run was legal. This
//! crate knows none of these rules. It knows how a trace is written, so that
//! whoever emits one and whoever judges it mean the same; the norm, for emitters
//! in any language, is `docs/trace-format.md`.
//!
//! # Words
//!
//! - A *line* is one JSON object. The first line of a file is the [`Header`],
//!   every other one a [`Step`].
//! - A *step* is one atomic step of one node: one input ([`Cause`]), the
//!   [`State`] it left, what is [`Durable`] after it, the [`Entries`] it put on
//!   the log, the [`Message`]s it queued.
//! - An *incarnation* (`inc`) is a node from one start to the next; its lines
//!   are numbered by `seq`.
//! - *Absent* is unknown. *Null* is nobody, an empty list is none, and both are
//!   something known: hence the `Option<Option<_>>` and `Option<Vec<_>>` of the
//!   types. What the header declares [`Complete`] turns absent into "no".
//!
//! # Reading order
//!
//! | module | holds |
//! | --- | --- |
//! | `header`, `step`, `state`, `cause`, `message`, `entries` | the vocabulary, as types |
//! | `names`, `position` | the small types in it |
//! | `wire`, `strict`, `optional` | how it is read: no more and no less than the schema allows |
//! | `parser`, `template` | lines to steps |
//! | `lines`, `tail` | lines of any file, decompressed, or of one that grows, in bounded memory |
//! | `reader`, `writer`, `sequencer` | traces |
//! | `wellformed`, `shape_error`, `roster` | whether lines fit together, as lines |
//! | `schema`, `message_schema` | the JSON Schema made from the types |
//! | `error` | what can be wrong, and where |
//!
//! # Writing and reading
//!
//! ```
//! use plimsoll_trace::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let header = Header::new("example 1.0", ["n1", "n2", "n3"])
//!     .with_complete([CauseKind::Campaign], [Field::Send]);
//! let mut writer = TraceWriter::new(Vec::new(), &header)?;
//! let mut n1 = Sequencer::new("n1");
//!
//! writer.write(&n1.step(Cause::Start).with_state(State::new().with_term(3).with_vote(None)))?;
//! let ask = Body::RequestVote { last: Position::new(7, 3), forced: false };
//! writer.write(
//!     &n1.step(Cause::Campaign)
//!         .with_state(State::new().with_term(4).with_vote(Some("n1".into())))
//!         .with_send(["n2", "n3"].map(|to| Message::new("n1", to, 4, ask.clone()))),
//! )?;
//! let bytes = writer.finish()?;
//!
//! let mut reader = TraceReader::new("run.ndjson", std::io::Cursor::new(bytes))?;
//! assert_eq!(reader.header().storage, Storage::Sync);
//! let (line, start) = reader.next_step()?.expect("a step");
//! assert_eq!((line, &start.state.vote), (2, &Some(None)));
//! let (line, campaign) = reader.next_step()?.expect("a step");
//! assert_eq!((line, campaign.send.map(|messages| messages.len())), (3, Some(2)));
//! assert!(reader.next_step()?.is_none());
//! # Ok(())
//! # }
//! ```
//!
//! # Caveats
//!
//! - [`WellFormed`] looks at one file. That the files of a run have equal
//!   headers, and that a node's files follow one another, is for those who read
//!   several.
//! - A [`Run`] of entries may stand for more entries than fit in memory:
//!   whoever spells runs out must bound the count first.
//! - Fields that are ignored are not looked into: numbers may be out of range
//!   there, and nesting deep.

mod cause;
mod entries;
mod error;
mod header;
mod lines;
mod message;
mod message_schema;
mod names;
mod optional;
mod parser;
mod position;
mod reader;
mod roster;
mod schema;
mod sequencer;
mod shape_error;
mod state;
mod step;
mod strict;
mod tail;
mod template;
mod wellformed;
mod wire;
mod writer;

pub use cause::{Cause, Change, Transition};
pub use entries::{Entries, EntriesError, Entry, EntryKind, Run};
pub use error::{ErrorKind, Place, TraceError};
pub use header::{
    CauseKind, Complete, Durability, Field, Header, Order, Storage, VERSION, VERSIONS,
};
pub use lines::{LINE_BYTES_MAX, Line, Lines, decompressed};
pub use message::{Body, Message};
pub use names::{ContentHash, NodeName, OpId};
pub use parser::StepParser;
pub use position::{Index, Position, Term};
pub use reader::{TraceReader, parse_header};
pub use roster::Roster;
pub use schema::schema;
pub use sequencer::Sequencer;
pub use shape_error::ShapeError;
pub use smol_str::SmolStr;
pub use state::{Config, Durable, Role, State};
pub use step::{OpAt, Step};
pub use tail::{Seen, Tail};
pub use wellformed::WellFormed;
pub use writer::{PerNodeWriter, TraceWriter, WriteError};
