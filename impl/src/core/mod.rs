//! The core: one Raft server as a function of its inputs.
//!
//! [`Raft::step`] takes one [`Input`] (a tick, a message, a client's request,
//! word from the disk or from the state machine) and returns one [`Output`]:
//! what to write, what to send, which reads may be answered. There is no
//! clock, socket, file, thread or source of chance in here; the driver has
//! them. Given the same inputs a server does the same things.
//!
//! The behaviour is that of etcd's Raft: what the paper leaves open, or where
//! etcd differs from it, is decided as etcd does. Asking first (PreVote), the
//! check of the quorum and followers' reads are options; log compaction, changes
//! of the configuration and handing over are there for who asks for them.
//!
//! # Words
//!
//! *Voter*: a server whose vote counts in the configuration in force; *learner*:
//! one that receives the log and is not counted; *member*: either. *Quorum*: a
//! majority of the voters, of each half of a joint configuration. *Matched*: known to agree with the leader's log. *Durable*:
//! reported by [`Input::Persisted`]. *Released* read: one that may be
//! answered once its index is applied.
//!
//! # The order to read it in
//!
//! | file | holds | Raft |
//! | --- | --- | --- |
//! | `ids.rs`, `entry.rs`, `log.rs`, `message.rs` | the things | figure 2; sections 5.3, 7 |
//! | `change.rs`, `configuration.rs` | majorities, and the way from one to the next | 5.2, 5.3, 6 |
//! | `options.rs`, `io.rs` | how a server is made; the contract with its driver | |
//! | `role.rs`, `progress.rs`, `reads.rs` | what a candidate and a leader know | figures 2 and 4; section 8 |
//! | `raft.rs` | the server; one step | 5.1 |
//! | `vet.rs` | messages that no correct server sends | |
//! | `receive.rs` | terms of messages | 5.1 |
//! | `election.rs` | campaigns and votes; asking first | 5.2, 5.4.1; thesis 9.6 |
//! | `follower.rs` | a leader's messages at the others | 5.3 |
//! | `leader.rs` | entries out, answers in, commitment | 5.3, 5.4.2 |
//! | `quorum.rs` | a leader's timers; who hears whom | thesis 6.2, 4.2.3 |
//! | `apply.rs` | configurations take effect; changes of them | 6; thesis 4 |
//! | `snapshot.rs` | compaction, snapshots | 7 |
//! | `transfer.rs` | handing over | thesis 3.10 |
//! | `client.rs` | writes and reads | 8; thesis 6.4 |
//! | `invariants.rs` | what holds after every step | figure 3 |
//! | `show.rs` | how it is all printed | |
//! | `flaw.rs` | bugs to plant | |
//!
//! # Caveats
//!
//! - A change of the configuration takes effect when it is applied, and not, as
//!   in the paper, when it is in the log.
//! - A snapshot goes out in one piece.
//! - A message of an older term is dropped without an answer, as in etcd, unless
//!   its sender might never learn of the newer term (`receive.rs`).

mod apply;
mod change;
mod client;
mod configuration;
mod election;
mod entry;
mod flaw;
mod follower;
mod ids;
mod invariants;
mod io;
mod leader;
mod log;
mod message;
mod options;
mod progress;
mod quorum;
mod raft;
mod reads;
mod receive;
mod role;
mod show;
mod snapshot;
mod timer;
mod transfer;
mod vet;

pub use change::{Change, Transition};
pub use configuration::Configuration;
pub use entry::{Entry, Payload};
pub use flaw::Flaw;
pub use ids::{Index, NodeId, OpId, Position, ReadContext, Term};
pub use io::{Durable, Events, Input, Output, Refused, SnapshotWrite};
pub use log::{Log, LogWrite, Snapshot};
pub use message::{AppendAck, Body, Message};
pub use options::{HardState, Options, OptionsError, Stored};
pub use progress::{Mode, Progress};
pub use raft::Raft;
pub use reads::{Asked, ReadState, Reads};
pub use role::{Candidate, Follower, Leader, Role};
