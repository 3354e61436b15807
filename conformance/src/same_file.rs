//! Whether two names are those of one file.

use std::path::{Path, PathBuf};

/// What tells one file from another, under whatever name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known(u64, u64, Option<PathBuf>);

/// What tells the file at `path` from others; none where there is no file.
#[cfg(unix)]
pub(crate) fn known(path: &Path) -> Option<Known> {
    use std::os::unix::fs::MetadataExt;
    let data = std::fs::metadata(path).ok()?;
    Some(Known(data.dev(), data.ino(), None))
}

/// What tells the file at `path` from others; none where there is no file.
#[cfg(not(unix))]
pub(crate) fn known(path: &Path) -> Option<Known> {
    Some(Known(0, 0, Some(std::fs::canonicalize(path).ok()?)))
}

/// Whether `path` is one of `files`, under whatever name.
pub(crate) fn is_among<'a>(path: &Path, files: impl IntoIterator<Item = &'a Path>) -> bool {
    let is = |known_path: Known| {
        let mut files = files.into_iter();
        files.any(|file| known(file).as_ref() == Some(&known_path))
    };
    known(path).is_some_and(is)
}
