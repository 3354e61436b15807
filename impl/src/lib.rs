//! A tick-driven Raft, after etcd, that records its runs.

pub mod core;
