//! Checks Raft: exhaustive model checking and conformance of recorded traces.
