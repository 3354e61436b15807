//! Checks Raft: exhaustive model checking and conformance of recorded traces.
pub mod adapters;
pub mod render;
pub mod replay;
pub mod timeline;
pub mod verdict;
