//! The quirks of the format, one test each, numbered as in the README of the
//! recorded traces: what the quirk allows conforms, and the same place read
//! without the quirk diverges.

mod messages;
mod states;
mod trace;
