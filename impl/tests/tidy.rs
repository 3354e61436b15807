//! The absences that the core promises, looked for in its text.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(directory: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                found.push((path, text));
            }
        }
    }
    found
}

/// The lines of a file that are code.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"))
}

#[test]
fn the_core_names_no_clock_network_file_thread_or_chance() {
    const ABSENT: [&str; 15] = [
        "std::time",
        "std::net",
        "std::fs",
        "std::io",
        "std::env",
        "std::thread",
        "std::process",
        "std::sync::atomic",
        "rand::",
        "Instant",
        "SystemTime",
        "HashMap",
        "HashSet",
        "println!",
        "unsafe",
    ];
    let files = sources("src/core");
    assert!(files.len() > 15, "the core was found");
    for (path, text) in files {
        for line in code(&text) {
            for absent in ABSENT {
                assert!(!line.contains(absent), "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn the_core_knows_nothing_of_those_around_it() {
    for (path, text) in sources("src/core") {
        for line in code(&text) {
            for outside in ["crate::", "plimsoll_", "serde"] {
                assert!(!line.contains(outside), "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn only_trace_rs_writes_lines_of_a_trace() {
    for (path, text) in sources("src") {
        if path.ends_with("trace.rs") {
            continue;
        }
        for line in code(&text) {
            for writing in [
                "TraceWriter",
                "PerNodeWriter",
                "Sequencer",
                "plimsoll_trace::Step",
            ] {
                assert!(!line.contains(writing), "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn only_the_command_line_prints() {
    for (path, text) in sources("src") {
        if path.ends_with("cli.rs") {
            continue;
        }
        for line in code(&text) {
            for print in ["print!", "println!", "stdout()", "stderr()"] {
                assert!(!line.contains(print), "{}: {line}", path.display());
            }
        }
    }
}
