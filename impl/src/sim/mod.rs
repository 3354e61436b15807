//! A deterministic cluster from a seed.
//!
//! Nodes, network, disks, clients and faults run in one thread on one queue,
//! in a time of their own. All chance comes from the seed of the [`Plan`], so
//! the same plan gives the same run, the same trace and the same history, on
//! every machine.
//!
//! | file | holds |
//! | --- | --- |
//! | `plan.rs` | the parameters, and the command that repeats a run |
//! | `simulation.rs` | the queue of what is due |
//! | `stepping.rs` | ticks, syncs, deliveries, and what follows from them |
//! | `faults.rs` | partitions, crashes, restarts |
//! | `orders.rs` | what an operator asks for |
//! | `asking.rs`, `client.rs` | the clients |
//! | `node.rs` | the driver of one core |
//! | `disk.rs` | a disk that loses what was not synced, whole or in part |
//! | `network.rs` | loss, duplication, delay, reordering, partitions |
//! | `checks.rs`, `witness.rs` | what must hold between nodes, and for clients |
//! | `history.rs`, `report.rs` | what the clients saw; what happened, in numbers |
//! | `rng.rs` | the chance |
//!
//! What it does not do: clocks that stop, disks that corrupt, messages that
//! are forged. A read that was taken on is not sent again; a write may be, if
//! the plan says so.

mod asking;
mod checks;
mod client;
mod disk;
mod faults;
pub mod history;
mod network;
mod node;
mod orders;
mod plan;
mod report;
mod rng;
mod simulation;
mod stepping;
mod witness;

pub use checks::{Checks, Violation};
pub use disk::{Disk, Loss};
pub use node::{Answer, Done, Node};
pub use plan::{Plan, PlanError, TICK_UNITS};
pub use report::Summary;
pub use rng::Rng;
pub use simulation::{Outcome, Simulation};
