//! Checkpoints: a manifest that names files, written last and in one step.
//!
//! Files only grow, and the manifest says how long each was. So whatever
//! happens between two checkpoints, the last manifest still describes files
//! whose first bytes are as they were; what was written later is cut off when
//! the search is resumed.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::disk::{Failure, Part};
use super::explore::Options;
use super::key::Key;
use super::search::Totals;
use super::sieve::Broken;
use super::space::Space;

/// The version of the files.
pub(super) const FORMAT: u32 = 2;
const NAME: &str = "checkpoint.json";
const LOCK: &str = "lock";

/// What a checkpoint says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// What is searched, and how.
    pub(super) identity: String,
    pub(super) about: String,
    /// New states of each complete level.
    pub(super) levels: Vec<u64>,
    pub(super) totals: Totals,
    pub(super) found: Vec<Noted>,
    pub(super) external: bool,
    pub(super) visited: Vec<Part>,
    pub(super) candidates: Vec<Part>,
    /// What is left of the level.
    pub(super) current: Part,
    /// What the next level has so far.
    pub(super) next: Part,
    pub(super) elapsed: Duration,
    /// Whether the folder was made for the search, and goes with it.
    pub(super) folder_made: bool,
}

/// A broken property.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Noted {
    property: usize,
    level: usize,
    complete: bool,
    parent: Option<[u64; 2]>,
    ordinal: u32,
    child: [u64; 2],
}

impl Noted {
    pub(super) fn of<K: Key>(
        property: usize,
        level: usize,
        complete: bool,
        broken: Broken<K>,
    ) -> Self {
        Noted {
            property,
            level,
            complete,
            parent: broken.parent.map(Key::words),
            ordinal: broken.ordinal,
            child: broken.child.words(),
        }
    }

    pub(super) fn to<K: Key>(&self) -> (usize, usize, bool, Broken<K>) {
        let broken = Broken {
            parent: self.parent.map(K::from_words),
            ordinal: self.ordinal,
            child: K::from_words(self.child),
        };
        (self.property, self.level, self.complete, broken)
    }
}

impl Manifest {
    /// The files that it names.
    pub(super) fn files(&self) -> Vec<String> {
        let lists = self.visited.iter().chain(&self.candidates);
        let all = lists.chain([&self.current, &self.next]);
        all.map(|part| part.name.clone()).collect()
    }

    /// # Errors
    /// When this is not a checkpoint of the search `identity`.
    pub(super) fn is_of(&self, dir: &Path, identity: &str) -> Result<(), Failure> {
        if self.identity == identity {
            return Ok(());
        }
        let (theirs, ours) = (self.identity.lines(), identity.lines());
        let differ = theirs.zip(ours).find(|(theirs, ours)| theirs != ours);
        let why = match differ {
            Some((theirs, ours)) => {
                let (theirs, ours) = difference(theirs, ours);
                format!("it is of another search\n  checkpoint: {theirs}\n  now:        {ours}")
            }
            None => "it is of another search".to_owned(),
        };
        Err(Failure::NotResumable {
            dir: dir.to_owned(),
            why,
        })
    }
}

/// Two lines without what they begin and end with alike, but for the words
/// around the difference.
fn difference(a: &str, b: &str) -> (String, String) {
    fn words(line: &str) -> Vec<&str> {
        line.split_inclusive([' ', ',']).collect()
    }
    let (a, b) = (words(a), words(b));
    let alike = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let rest = a.len().min(b.len()) - alike;
    let tail = a.iter().rev().zip(b.iter().rev());
    let tail = tail.take(rest).take_while(|(a, b)| a == b).count();
    let cut = |words: &[&str]| {
        let (from, to) = (
            alike.saturating_sub(4),
            (words.len() - tail + 1).min(words.len()),
        );
        let mut text = words[from..to].concat().trim().to_owned();
        if from > 0 {
            text.insert_str(0, "... ");
        }
        if to < words.len() {
            text += " ...";
        }
        text
    };
    (cut(&a), cut(&b))
}

/// All that a checkpoint depends on, a line each.
pub(super) fn identity<K: Key>(space: &impl Space, options: &Options) -> String {
    let kept = if options.keep_going { "all" } else { "first" };
    format!(
        "plimsoll {}\nfingerprints {} bits\nends at {kept} of {:#x}\n{}",
        env!("CARGO_PKG_VERSION"),
        K::BITS.count(),
        options.until,
        space.identity()
    )
}

/// Whether there is a checkpoint in `dir`.
pub(super) fn exists(dir: &Path) -> bool {
    dir.join(NAME).exists()
}

/// # Errors
/// When `dir` holds a checkpoint already.
pub fn refuse_to_overwrite(dir: &Path) -> Result<(), Failure> {
    if !exists(dir) {
        return Ok(());
    }
    Err(Failure::NotResumable {
        dir: dir.to_owned(),
        why: "it holds a checkpoint already: resume that one, or remove the folder".to_owned(),
    })
}

/// Takes `dir` for this process alone, for as long as the result lives; says
/// whether it was made for that.
///
/// # Errors
/// When another process has it, or it cannot be created.
pub(super) fn take(dir: &Path) -> Result<(File, bool), Failure> {
    let made = !dir.exists();
    std::fs::create_dir_all(dir).map_err(Failure::file(dir))?;
    let path = dir.join(LOCK);
    let file = File::create(&path).map_err(Failure::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok((file, made)),
        Err(std::fs::TryLockError::WouldBlock) => Err(Failure::NotResumable {
            dir: dir.to_owned(),
            why: "another search is using it".to_owned(),
        }),
        Err(std::fs::TryLockError::Error(cause)) => Err(Failure::File { path, cause }),
    }
}

/// The manifest in `dir`.
///
/// # Errors
/// When there is none, or it cannot be read.
pub(super) fn read(dir: &Path) -> Result<Manifest, Failure> {
    let path = dir.join(NAME);
    let refuse = |why: String| Failure::NotResumable {
        dir: dir.to_owned(),
        why,
    };
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(refuse(format!("there is no {NAME} in it")));
        }
        other => other.map_err(Failure::file(&path))?,
    };
    // The last line is the checksum of all before it.
    let (json, sum) = text.trim_end().rsplit_once('\n').unwrap_or((&text, ""));
    // The format first: another one may hold anything.
    let value: serde_json::Value =
        serde_json::from_str(json).map_err(|error| refuse(format!("{NAME}: {error}")))?;
    let format = value.get("format").and_then(serde_json::Value::as_u64);
    if format != Some(u64::from(FORMAT)) {
        return Err(refuse(format!("{NAME} is of another format than {FORMAT}")));
    }
    if sum != checksum(json) {
        return Err(refuse(format!(
            "{NAME} is damaged: its checksum does not match"
        )));
    }
    serde_json::from_value(value).map_err(|error| refuse(format!("{NAME}: {error}")))
}

fn checksum(json: &str) -> String {
    format!("xxh3 {:016x}", xxhash_rust::xxh3::xxh3_64(json.as_bytes()))
}

/// What whoever began the search in `dir` noted with it
/// ([`Options::about`]).
///
/// # Errors
/// When there is no checkpoint, or it cannot be read.
pub fn about(dir: &Path) -> Result<String, Failure> {
    Ok(read(dir)?.about)
}

/// Puts the manifest in `dir`, in one step.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(dir: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let (path, new) = (dir.join(NAME), dir.join(format!("{NAME}.new")));
    let json = serde_json::to_string_pretty(manifest)
        .map_err(|error| Failure::file(&new)(std::io::Error::other(error)))?;
    let text = format!("{json}\n{}\n", checksum(&json));
    let written = (|| {
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, &path)?;
        // The rename itself must reach the disk, where folders can be synced.
        if let Ok(folder) = File::open(dir) {
            let _ = folder.sync_all();
        }
        Ok(())
    })();
    written.map_err(Failure::file(&path))
}

/// Removes what is left in a folder of a search that has ended, and the folder
/// if it was made for the search.
pub(super) fn remove(dir: &Path, made: bool) {
    for name in [NAME.into(), format!("{NAME}.new"), LOCK.into()] {
        let _: Result<(), _> = std::fs::remove_file(PathBuf::from(dir).join(name));
    }
    if made {
        // Only if nothing else is in it.
        let _ = std::fs::remove_dir(dir);
    }
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn only_what_differs_is_told() {
        let line = |n: u32| format!("scenario a: 1, b: 2, max-term: {n}, c: 3, d: 4, e: 5");
        let (theirs, ours) = difference(&line(2), &line(3));
        assert!(theirs.contains("max-term: 2,") && ours.contains("max-term: 3,"));
        assert!(theirs.len() < 50 && theirs.starts_with("... ") && theirs.ends_with(" ..."));
        assert_eq!(difference("a", "b"), ("a".into(), "b".into()));
        assert_eq!(difference("a b", "a b c").1, "a b c");
    }
}
