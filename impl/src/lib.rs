//! A tick-driven Raft, after etcd, that records its runs.
//!
//! - [`core`]: one server as a function of its inputs. It has no clock, no
//!   network, no disk and no source of chance.
//! - [`kv`]: the replicated state machine, strings by key.
//! - [`sim`]: a deterministic cluster of such servers, with faults and
//!   clients, from a seed.
//! - [`trace`]: the one place that writes traces, in the format of
//!   [`plimsoll_trace`].
//!
//! The command `plimsoll-raft sim` runs the simulator and writes the trace of
//! a run and the history of its clients.

pub mod core;
pub mod envelope;
pub mod kv;
pub mod sim;
pub mod trace;
