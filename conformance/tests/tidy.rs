//! Style and architecture, as a list of absences (`docs/ARCHITECTURE.md`).

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust source below `folder`, with its text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, out: &mut Vec<(PathBuf, String)>) {
        let entries = std::fs::read_dir(folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("UTF-8 source");
                out.push((path, text));
            }
        }
    }
    let mut out = Vec::new();
    walk(&root().join(folder), &mut out);
    assert!(!out.is_empty(), "{folder} holds no source");
    out.sort();
    out
}

/// The lines of a source that are no comment, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    lines
        .map(|(i, line)| (i + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Fails when a line of code below `folder` names one of `words`, but in files
/// whose path contains one of `allowed`.
fn absent(folder: &str, words: &[&str], allowed: &[&str]) {
    let mut found = Vec::new();
    for (path, text) in sources(folder) {
        let name = path.to_string_lossy().replace('\\', "/");
        if allowed.iter().any(|part| name.contains(part)) {
            continue;
        }
        for (number, line) in code(&text) {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    assert!(
        found.is_empty(),
        "{words:?} in {folder}:\n{}",
        found.join("\n")
    );
}

/// The names of the workspace crates that a crate's manifest depends on.
fn workspace_dependencies(folder: &str) -> Vec<String> {
    let manifest =
        std::fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("the manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let dependencies = manifest["dependencies"].as_table().expect("a table");
    let mut names: Vec<_> = dependencies
        .keys()
        .filter(|name| name.starts_with("plimsoll"))
        .cloned()
        .collect();
    names.sort();
    names
}

#[test]
fn the_judge_shares_no_code_with_the_accused() {
    assert_eq!(workspace_dependencies("model"), [""; 0]);
    assert_eq!(workspace_dependencies("traces"), [""; 0]);
    assert_eq!(workspace_dependencies("impl"), ["plimsoll-trace"]);
    assert_eq!(
        workspace_dependencies("conformance"),
        ["plimsoll-model", "plimsoll-trace"]
    );
    absent("conformance/src", &["plimsoll_raft"], &[]);
    absent("impl/src", &["plimsoll_model", "plimsoll::"], &[]);
}

#[test]
fn the_core_of_the_implementation_is_pure() {
    let impure = [
        "std::time",
        "std::net",
        "std::fs",
        "std::thread",
        "Instant",
        "SystemTime",
        "rand::",
        "HashMap",
        "HashSet",
        "println!",
    ];
    absent("impl/src/core", &impure, &[]);
}

#[test]
fn few_files_name_stateright() {
    let allowed = ["/stateright.rs", "/symmetry.rs", "/engine/", "/engine.rs"];
    absent("model/src", &["::stateright", "use stateright"], &allowed);
    absent("conformance/src", &["stateright::"], &["/explore.rs"]);
}

#[test]
fn only_printers_and_commands_print() {
    let print = ["println!", "eprintln!", "print!(", "eprint!("];
    absent("conformance/src", &print, &["/render/", "/cli/", "/cli.rs"]);
    absent("model/src", &print, &[]);
    absent("traces/src", &print, &[]);
}

#[test]
fn nothing_is_left_for_later_or_switched_off() {
    let later = [
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("#[ign", "ore"),
        concat!("FIX", "ME"),
    ];
    for folder in ["model", "traces", "impl", "conformance"] {
        absent(folder, &later, &[]);
    }
}

#[test]
fn files_are_short_enough_to_read() {
    for folder in ["model/src", "traces/src", "impl/src", "conformance/src"] {
        for (path, text) in sources(folder) {
            let lines = text.lines().count();
            assert!(lines <= 800, "{}: {lines} lines", path.display());
        }
    }
}

#[test]
fn every_file_begins_with_what_it_is() {
    for folder in ["model/src", "traces/src", "impl/src", "conformance/src"] {
        for (path, text) in sources(folder) {
            assert!(
                text.starts_with("//!"),
                "{} has no front page",
                path.display()
            );
        }
    }
}

#[test]
fn the_code_map_names_files_that_exist() {
    let page = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page");
    let mut named = 0;
    for word in page.split('`').skip(1).step_by(2) {
        let path = word.trim_end_matches('/');
        let is_path = ["model/", "traces/", "impl/", "conformance/", "docs/"]
            .iter()
            .any(|start| word.starts_with(start));
        if is_path && !word.contains('{') {
            named += 1;
            assert!(root().join(path).exists(), "{word} does not exist");
        }
    }
    assert!(named > 10, "the page names {named} files");
}
