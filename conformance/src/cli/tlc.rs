//! TLC on the yardstick, where somebody has it (docs/yardstick.md).

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::Failure;
use super::bench::{Bounds, output};
use crate::report::bench::{Measured, Row};

/// One run of TLC with two workers on `bounds`; `modules` is the folder with
/// `raft.tla` and `Yardstick.tla`.
pub(super) fn measure(
    jar: &Path,
    modules: &Path,
    bounds: Bounds,
    model: &str,
) -> Result<Row, Failure> {
    let folder = std::env::temp_dir().join(format!("plimsoll-tlc-{}", std::process::id()));
    let input = |path: &Path, reason: String| Failure::Input {
        path: path.display().to_string(),
        reason,
    };
    let failed = |reason: String| input(jar, reason);
    let jar = &jar
        .canonicalize()
        .map_err(|error| failed(error.to_string()))?;
    std::fs::create_dir_all(&folder).map_err(|error| input(&folder, error.to_string()))?;
    for name in ["raft.tla", "Yardstick.tla"] {
        let from = modules.join(name);
        std::fs::copy(&from, folder.join(name)).map_err(|error| input(&from, error.to_string()))?;
    }
    let config = folder.join("Yardstick.cfg");
    std::fs::write(&config, configuration(bounds))
        .map_err(|error| input(&config, error.to_string()))?;
    let started = Instant::now();
    let mut command = Command::new("java");
    command
        .current_dir(&folder)
        .args(["-XX:+UseParallelGC", "-cp"])
        .arg(jar)
        .args(["tlc2.TLC", "-workers", "2", "-deadlock", "Yardstick"]);
    let said = output(jar, &mut command);
    let seconds = started.elapsed().as_secs_f64();
    // What is left in a temporary folder does no harm.
    let _ = std::fs::remove_dir_all(&folder);
    let said = said?;
    let counts = said
        .lines()
        .rev()
        .find(|line| line.contains("distinct states found"));
    let numbers: Vec<u64> = counts
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|word| word.replace(',', "").parse().ok())
        .collect();
    let depth = said
        .lines()
        .find(|line| line.contains("depth of the complete state graph"));
    let depth = depth.and_then(|line| {
        line.split_whitespace()
            .find_map(|w| w.trim_end_matches('.').parse().ok())
    });
    match (numbers.as_slice(), depth) {
        ([generated, distinct, 0], Some::<u64>(levels)) => Ok(Row::median(
            model,
            &["java -cp JAR tlc2.TLC -workers 2".to_owned()],
            vec![Measured {
                distinct: *distinct,
                generated: *generated,
                depth: levels - 1,
                seconds,
                peak: None,
            }],
        )),
        _ => Err(failed(format!(
            "TLC did not explore everything; it says\n{}",
            said.lines()
                .rev()
                .take(12)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect::<Vec<_>>()
                .join("\n")
        ))),
    }
}

/// The configuration of docs/yardstick.md.
fn configuration([servers, values, max_term, max_log, max_messages, max_copies]: Bounds) -> String {
    let set = |letter: char, n: u32| {
        let names: Vec<String> = (1..=n).map(|i| format!("{letter}{i}")).collect();
        names.join(", ")
    };
    let mut text = format!(
        "SPECIFICATION Spec\nCONSTRAINT Within\nCONSTANTS\n    Server = {{{}}}\n    Value = {{{}}}\n",
        set('n', servers),
        set('v', values)
    );
    for name in [
        "Follower",
        "Candidate",
        "Leader",
        "Nil",
        "RequestVoteRequest",
        "RequestVoteResponse",
        "AppendEntriesRequest",
        "AppendEntriesResponse",
    ] {
        text += &format!("    {name} = {name}\n");
    }
    let bounds = [
        ("MaxTerm", max_term),
        ("MaxLog", max_log),
        ("MaxMessages", max_messages),
        ("MaxCopies", max_copies),
    ];
    for (name, value) in bounds {
        text += &format!("    {name} = {value}\n");
    }
    text
}
