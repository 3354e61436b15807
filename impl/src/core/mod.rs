//! The core: one Raft server as a function of its inputs.
//!
//! [`Raft::step`] takes one [`Input`] (a tick, a message, a client's request,
//! word from the disk or from the state machine) and returns one [`Output`]:
//! what to write, what to send, which reads may be answered. There is no
//! clock, socket, file, thread or source of chance in here; the driver has
//! them. Given the same inputs a server does the same things.
//!
//! The behaviour is that of etcd's Raft without its options: what the paper
//! leaves open, or where etcd differs from it, is decided as etcd does.
//!
//! # Words
//!
//! *Voter*: a server of the configuration in force. *Quorum*: a majority of
//! the voters. *Matched*: known to agree with the leader's log. *Durable*:
//! reported by [`Input::Persisted`]. *Released* read: one that may be
//! answered once its index is applied.
//!
//! # The order to read it in
//!
//! | file | holds | Raft |
//! | --- | --- | --- |
//! | `ids.rs`, `entry.rs`, `log.rs`, `message.rs` | the things | figure 2; section 5.3 |
//! | `configuration.rs` | majorities | 5.2, 5.3 |
//! | `options.rs`, `io.rs` | how a server is made; the contract with its driver | |
//! | `role.rs`, `progress.rs`, `reads.rs` | what a candidate and a leader know | figures 2 and 4; section 8 |
//! | `raft.rs` | the server; one step | 5.1 |
//! | `vet.rs` | messages that no correct server sends | |
//! | `election.rs` | campaigns and votes | 5.2, 5.4.1 |
//! | `follower.rs` | a leader's messages at the others | 5.3 |
//! | `leader.rs` | entries out, answers in, commitment | 5.3, 5.4.2 |
//! | `client.rs` | writes and reads | 8 |
//! | `invariants.rs` | what holds after every step | figure 3 |
//! | `show.rs` | how it is all printed | |
//!
//! # Caveats
//!
//! - Membership is fixed: the only changes of configuration are the entries
//!   that a cluster is bootstrapped with.
//! - The log is kept whole, in memory as on disk; there are no snapshots.
//! - A message of an older term is dropped without an answer, as in etcd. Its
//!   sender learns of the newer term from the next election or heartbeat.

mod client;
mod configuration;
mod election;
mod entry;
mod follower;
mod ids;
mod invariants;
mod io;
mod leader;
mod log;
mod message;
mod options;
mod progress;
mod raft;
mod reads;
mod role;
mod show;
mod timer;
mod vet;

pub use configuration::Configuration;
pub use entry::{Entry, Payload};
pub use ids::{Index, NodeId, OpId, Position, ReadContext, Term};
pub use io::{Durable, Input, Output, Refused};
pub use log::{Log, LogWrite};
pub use message::{AppendAck, Body, Message};
pub use options::{HardState, Options, OptionsError, Stored};
pub use progress::{Mode, Progress};
pub use raft::Raft;
pub use reads::{ReadState, Reads};
pub use role::{Candidate, Follower, Leader, Role};
