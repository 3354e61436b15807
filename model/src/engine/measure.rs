//! The same space through stateright's breadth-first search, to compare.

use std::time::Instant;

use ::stateright::{Checker, Model};

use super::adapter::Reference;
use super::explore::{Bits, Report};
use super::space::Space;
use super::{End, Failure};

/// Explores `space` to its end with stateright's breadth-first search. Levels
/// are not known, only how many there are (in a search of one thread).
///
/// What it reports as generated counts as the exhaustive engine counts. The
/// space is kept for as long as the process lives: stateright's threads own
/// what they search.
///
/// # Errors
/// When a property breaks: the run to it is the exhaustive engine's to tell.
pub fn stateright_bfs<S: Space + 'static>(space: S, threads: usize) -> Result<Report, Failure> {
    let space: &'static S = Box::leak(Box::new(space));
    let started = Instant::now();
    let checker = Reference::new(space).checker().threads(threads);
    let checker = checker.spawn_bfs().join();
    let elapsed = started.elapsed();
    let model = checker.model();
    if let broken @ 1.. = model.broken() {
        return Err(Failure::Lost {
            property: space
                .properties()
                .swap_remove(broken.trailing_zeros() as usize),
        });
    }
    let beyond = model.beyond();
    Ok(Report {
        end: End::Exhausted,
        levels: Vec::new(),
        distinct: checker.unique_state_count() as u64,
        represented: checker.unique_state_count() as u64,
        generated: checker.state_count() as u64 + beyond,
        beyond,
        counts: model.counts(),
        trails: Vec::new(),
        untold: None,
        threads,
        bits: Bits::B64,
        table: 0,
        disk: 0,
        external: false,
        bitstate: None,
        resumed: None,
        checkpoint: None,
        elapsed,
    })
}
