//! Which files are meant: those named, and in folders all below them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it is; `-` is standard input.
    pub path: PathBuf,
    /// Whether it was named, and not found in a folder: then it must be a
    /// history.
    pub named: bool,
}

/// The files that `paths` stand for, folders as all files below them in the
/// order of their names. Links to folders are not followed.
///
/// # Errors
/// When a folder cannot be read, or has no file in it.
pub fn expand(paths: &[PathBuf]) -> Result<Vec<Input>, (PathBuf, io::Error)> {
    let mut inputs = Vec::new();
    for path in paths {
        let folder = path.as_os_str() != "-" && path.is_dir();
        if !folder {
            inputs.push(Input {
                path: path.clone(),
                named: true,
            });
            continue;
        }
        let before = inputs.len();
        walk(path, &mut inputs)?;
        if inputs.len() == before {
            let nothing = io::Error::new(io::ErrorKind::NotFound, "no file in this folder");
            return Err((path.clone(), nothing));
        }
    }
    Ok(inputs)
}

fn walk(folder: &Path, inputs: &mut Vec<Input>) -> Result<(), (PathBuf, io::Error)> {
    let failed = |error| (folder.to_path_buf(), error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        entries.push((entry.path(), entry.file_type().map_err(failed)?));
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (path, kind) in entries {
        if kind.is_dir() {
            walk(&path, inputs)?;
        } else if path.is_file() {
            inputs.push(Input { path, named: false });
        }
    }
    Ok(())
}
