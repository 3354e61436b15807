//! Standard output, and files of results.

use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::Serialize;

use super::Failure;
use crate::render::printable::printable_lines;
use crate::timeline::Timeline;

/// Writes a text for people to standard output. What it has from a trace or a
/// history does nothing to a terminal.
pub(super) fn say(text: &str) -> Result<(), Failure> {
    write(&printable_lines(text))
}

/// Writes to standard output. A reader that has gone away is no error: `plimsoll
/// check | head` ends with the code of the answer.
pub(super) fn write(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Output {
            path: "standard output".to_owned(),
            reason: error.to_string(),
        }),
        _ => Ok(()),
    }
}

/// Writes one JSON document to standard output.
pub(super) fn document(document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document).map_err(|error| Failure::Output {
        path: "standard output".to_owned(),
        reason: error.to_string(),
    })?;
    write(&format!("{text}\n"))
}

/// Saves a timeline in `folder` and returns its path in print.
pub(super) fn save(timeline: &Timeline, folder: &Path, name: &str) -> Result<String, Failure> {
    let path = folder.join(format!("{name}.timeline.json"));
    let shown = path.display().to_string();
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, timeline.to_json()))
        .map_err(|error| Failure::Output {
            path: shown.clone(),
            reason: error.to_string(),
        })?;
    Ok(shown)
}
