//! The same space through stateright's breadth-first search, to compare.

use std::time::Instant;

use ::stateright::{Checker, Model};

use super::End;
use super::adapter::Reference;
use super::explore::Report;
use super::space::Space;

/// Explores `space` to its end with stateright's breadth-first search. Levels
/// are not known, only how many there are (in a search of one thread).
///
/// What it reports as generated counts as the exhaustive engine counts. The
/// space is kept for as long as the process lives: stateright's threads own
/// what they search.
///
/// A property that breaks is reported without the run to it, which is the
/// exhaustive engine's to tell.
pub fn stateright_bfs<S: Space + 'static>(space: S, threads: usize) -> Report {
    let space: &'static S = Box::leak(Box::new(space));
    let started = Instant::now();
    let checker = Reference::new(space).checker().threads(threads);
    let checker = checker.spawn_bfs().join();
    let elapsed = started.elapsed();
    let model = checker.model();
    let (broken, beyond) = (model.broken(), model.beyond());
    let distinct = checker.unique_state_count() as u64;
    Report {
        distinct,
        represented: distinct,
        generated: checker.state_count() as u64 + beyond,
        beyond,
        counts: model.counts(),
        untold: (broken != 0).then(|| (broken, "this engine does not keep it".into())),
        threads,
        elapsed,
        ..Report::new(match broken {
            0 => End::Exhausted,
            _ => End::Found,
        })
    }
}
