//! Checks Raft: exhaustive model checking and conformance of recorded traces.
//!
//! This crate is the judge and the command `plimsoll`. The rules stand in
//! `plimsoll-model`, the vocabulary of traces in `plimsoll-trace`; here both
//! meet, and what was found is told.
//!
//! # Reading order
//!
//! | part | does |
//! |---|---|
//! | [`replay`] | follows recorded traces with the rules that the checker explores |
//! | [`reduce`] | of a trace that diverges, lines of which none can be spared |
//! | [`adapters`] | what each event of a format did, other people's formats first |
//! | [`coverage`] | what traces have exercised of the rules, and what not |
//! | [`verdict`] | conforms, diverges or inconclusive, with a certificate |
//! | [`history`] | whether what clients saw is linearizable |
//! | [`report`] | what a search showed, and the JSON document of every command |
//! | [`timeline`] | one type for counterexamples and divergences |
//! | [`render`] | every printer: plain data in, text out |
//! | [`cli`] | the command, one subcommand a file |
//!
//! Only [`cli`] writes to the terminal; [`render`] returns text.

pub mod adapters;
pub mod cli;
pub mod corpus;
pub mod coverage;
pub mod history;
pub mod reduce;
pub mod render;
pub mod replay;
pub mod report;
mod resident;
mod same_file;
pub mod timeline;
pub mod verdict;
