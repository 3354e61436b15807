//! Tests of the yardstick: exact counts, a second reading of `raft.tla`
//! compared step by step, renamings, properties in both directions, runs to
//! read.

mod compare;
mod counts;
mod judge;
mod reference;
mod runs;
mod sample;

use plimsoll_model::yardstick::{Bounds, Yardstick};

/// Bounds from the six numbers of a row: servers, values, term, log length,
/// messages, copies of one.
fn bounds(row: [u32; 6]) -> Bounds {
    let [servers, values, max_term, max_log, max_messages, max_copies] = row;
    Bounds {
        servers,
        values,
        max_term,
        max_log,
        max_messages,
        max_copies,
    }
}

/// The yardstick within the bounds of a row.
fn yardstick(row: [u32; 6]) -> Yardstick {
    Yardstick::new(bounds(row)).expect("bounds in range")
}
