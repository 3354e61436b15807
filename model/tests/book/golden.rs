//! Files whose contents a test produces.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("model/ has a parent").to_path_buf()
}

/// Whether the files are to be written anew.
pub(crate) fn updating() -> bool {
    std::env::var_os("PLIMSOLL_UPDATE").is_some_and(|value| !value.is_empty() && value != "0")
}

/// Holds the file `path` (from the root) to `text`.
pub(crate) fn hold(path: &str, text: &str) {
    let file = root().join(path);
    if updating() {
        std::fs::write(&file, text).expect("golden files can be written");
        return;
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    if found == text {
        return;
    }
    let line = found
        .lines()
        .zip(text.lines())
        .position(|(a, b)| a != b)
        .unwrap_or_else(|| found.lines().count().min(text.lines().count()));
    panic!(
        "{path} differs from line {}:\n  file {:?}\n  test {:?}\n\
         run PLIMSOLL_UPDATE=1 cargo test -p plimsoll-model --test book, and read the difference",
        line + 1,
        found.lines().nth(line).unwrap_or("(ends)"),
        text.lines().nth(line).unwrap_or("(ends)"),
    );
}

/// Holds the part of `path` between the markers of `name` to `text`.
pub(crate) fn hold_part(path: &str, name: &str, text: &str) {
    let file = root().join(path);
    let whole = std::fs::read_to_string(&file).unwrap_or_default();
    let (begin, end) = (
        format!("<!-- generated: {name} -->\n"),
        format!("<!-- end: {name} -->"),
    );
    let parts = whole.split_once(&begin).and_then(|(head, rest)| {
        let (_, tail) = rest.split_once(&end)?;
        Some((head, tail))
    });
    let Some((head, tail)) = parts else {
        panic!("{path} lacks the markers of {name:?}");
    };
    hold(path, &format!("{head}{begin}{text}{end}{tail}"));
}
