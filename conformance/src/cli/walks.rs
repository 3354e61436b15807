//! The random walks that a preset takes beside its search.

use plimsoll_model::engine::{End, Engine, Limits, Search, Simulate};

use super::Failure;
use super::progress::Line;
use crate::report::check::{SearchReport, Task, take_counterexamples};

/// What `search` of `task` shows, with the walks of the preset where it has
/// some: they are taken after a search that visited everything and broke
/// nothing.
///
/// # Errors
/// What the walks return.
pub(super) fn report(
    task: &Task,
    search: &mut Search,
    seed: Option<u64>,
    asked: &[&'static str],
    (limits, threads): (&Limits, usize),
    line: &Line,
) -> Result<SearchReport, Failure> {
    let clean = search.end == End::Exhausted && search.first_broken().is_none();
    let Some(wider) = task.wider.as_ref().filter(|_| clean) else {
        return Ok(SearchReport::new(task, search, seed, asked));
    };
    let engine = Simulate {
        seed: wider.seed,
        walks: Some(wider.walks),
        threads,
    };
    let limits = Limits {
        depth: None,
        // What the search has left of it.
        time: limits.time.map(|time| time.saturating_sub(search.elapsed)),
        ..limits.clone()
    };
    let name = format!("{}, walks", task.name);
    let walks = engine.search(&wider.scenario(&task.scenario), &limits, &mut |now| {
        line.search(&name, now);
    })?;
    take_counterexamples(search, &walks);
    Ok(SearchReport::new(task, search, seed, asked).with_walks(wider, &walks))
}
