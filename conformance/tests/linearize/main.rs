//! Histories judged: the corpus, what was recorded, what the simulator's
//! clients saw; and the command that does it.

mod command;
mod corpus;
mod recorded;
mod simulated;

use std::path::Path;

use plimsoll::history::format::{self, Read, Stopped};
use plimsoll::history::{Limits, ModelName, Options, Verdict, judge};

/// Reads and judges, with the model that fits: the name of the model, how many
/// operations, the verdict.
fn judged(path: &Path) -> (String, u64, String) {
    let read = match format::read(path, format::Options::default(), &Limits::default()) {
        Ok(read) => read,
        Err(Stopped::Error(error)) => panic!("{error}"),
        Err(Stopped::Limit { ground, .. }) => panic!("{}: {ground:?}", path.display()),
    };
    let operations = read.history.operations.len() as u64 + read.failed;
    let (model, verdict) = verdict(&read, &Options::default());
    (model, operations, verdict.name().to_owned())
}

fn verdict(read: &Read, options: &Options<'_>) -> (String, Verdict) {
    assert_eq!(read.history.broken_rule(), None);
    let model = ModelName::of(&read.history);
    let judged = judge(&read.history, model.unwrap_or(ModelName::Register), options);
    let judged = judged.expect("the model knows all of it");
    (
        model.map_or("-", ModelName::name).to_owned(),
        judged.verdict,
    )
}
