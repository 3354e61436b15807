//! What a search leaves behind when it is killed, interrupted or cut, and what
//! is made of it: the result of a search that nothing happened to, or a refusal
//! that says why.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::*;

/// A search of a moment.
const READS: [&str; 3] = ["check", "--preset", "paper-reads"];
/// A search long enough to be caught at it; half of its states are behind the
/// tenth of its 17 levels.
const LONG: [&str; 3] = ["check", "--preset", "paper-election"];

/// A folder that holds nothing of an earlier run.
fn fresh(name: &str) -> PathBuf {
    // It may not be there.
    let _ = std::fs::remove_dir_all(scratch(name));
    scratch(name)
}

/// A command under way, killed when a test fails before it ends.
struct Started(Child);

impl Started {
    /// What it wrote, when it has ended.
    fn output(&mut self) -> Output {
        let mut stdout = Vec::new();
        if let Some(pipe) = &mut self.0.stdout {
            pipe.read_to_end(&mut stdout).expect("its output");
        }
        Output {
            status: self.0.wait().expect("it ends"),
            stdout,
            stderr: Vec::new(),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn started(folder: &Path, args: &[&str]) -> Started {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("plimsoll"));
    command.args(args).current_dir(folder);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    Started(command.spawn().expect("it starts"))
}

/// Waits for `there`, while `child` runs.
fn until(child: &mut Started, mut there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !there() {
        let ended = child.0.try_wait().expect("a child");
        assert!(ended.is_none(), "it ended too early: {ended:?}");
        assert!(begun.elapsed() < Duration::from_secs(60), "it never came");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// How many levels the checkpoint in `dir` has.
fn levels(dir: &Path) -> usize {
    let text = std::fs::read_to_string(dir.join("checkpoint.json")).unwrap_or_default();
    // The last line is a checksum.
    let (json, _) = text.trim_end().rsplit_once('\n').unwrap_or_default();
    let manifest: Value = serde_json::from_str(json).unwrap_or_default();
    manifest["levels"].as_array().map_or(0, Vec::len)
}

/// A document without what depends on where a search was cut, and on memory.
fn result(mut document: Value) -> Value {
    for search in document["searches"].as_array_mut().expect("searches") {
        let fields = search.as_object_mut().expect("a search");
        assert!(fields.remove("storage").is_some());
    }
    comparable(document)
}

fn whole(args: &[&str]) -> Value {
    result(json(&[args, &["--json"]].concat()))
}

/// The document of a command that ends by itself in `folder`.
fn document_in(folder: &str, args: &[&str]) -> Value {
    let output = run(folder, &[args, &["--json"]].concat());
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{args:?}: {error}: {output:?}"))
}

/// Begins a search with a checkpoint in `dir`, cut at some states.
fn cut(folder: &str, args: &[&str], states: &str) -> Value {
    let limit = ["--disk", "dir", "--max-states", states];
    document_in(folder, &[args, &limit].concat())
}

/// Kills a search three times, late enough for something to be kept, then lets
/// it end.
fn killed_and_resumed(folder: &str, extra: &[&str]) {
    let dir = fresh(folder).join("dir");
    let begin = [&LONG[..], &["--disk", "dir"], extra].concat();
    let resume = [&["check", "--resume", "dir"][..], extra].concat();
    for (at, level) in [3, 7, 10].into_iter().enumerate() {
        let args = if at == 0 { &begin } else { &resume };
        let mut child = started(&scratch(folder), args);
        until(&mut child, || levels(&dir) >= level);
        std::thread::sleep(Duration::from_millis(5 * at as u64));
        child.0.kill().expect("SIGKILL");
        assert_eq!(child.0.wait().expect("a child").code(), None, "killed");
    }
    let left = levels(&dir);
    let document = document_in(folder, &resume);
    let storage = &document["searches"][0]["storage"];
    assert_eq!(storage["resumed_after"].as_u64(), Some(left as u64));
    assert_eq!(storage["external"], !extra.is_empty());
    assert_eq!(result(document), whole(&LONG));
    assert!(!dir.exists(), "nothing is left of a search that has ended");
}

#[test]
fn a_killed_search_goes_on() {
    killed_and_resumed("resume-killed", &[]);
}

#[test]
fn a_killed_search_on_disk_goes_on() {
    killed_and_resumed("resume-killed-external", &["--memory", "1M"]);
}

/// Whether the process handles an interruption.
#[cfg(target_os = "linux")]
fn handles_interruptions(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.expect("the status of a process");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.map(|mask| u64::from_str_radix(mask.trim(), 16));
    caught.is_some_and(|mask| mask.expect("a mask") & 2 != 0)
}

/// An interruption leaves a checkpoint, asked for or not, and says how to go
/// on.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_search_goes_on() {
    for (name, extra) in [("kept", &["--disk", "dir"][..]), ("rescued", &[])] {
        let folder = format!("resume-interrupted-{name}");
        let mut child = started(&fresh(&folder), &[&LONG, extra].concat());
        let process = child.0.id();
        until(&mut child, || handles_interruptions(process));
        std::thread::sleep(Duration::from_millis(60));
        let interrupted = std::process::Command::new("kill")
            .args(["-INT", &process.to_string()])
            .status();
        assert!(interrupted.is_ok_and(|status| status.success()));
        let output = child.output();
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(text.contains("not complete: interrupted"), "{text}");
        let how = text.lines().find_map(|line| line.split_once("go on with"));
        let how = how.unwrap_or_else(|| panic!("no word on how to go on: {text}"));
        let args: Vec<&str> = how.1.split_whitespace().skip(1).collect();
        assert_eq!(args[..2], ["check", "--resume"], "{text}");
        assert_eq!(result(document_in(&folder, &args)), whole(&LONG));
        assert!(!scratch(&folder).join(args[2]).exists());
    }
}

/// Cut again and again, and told each time only where it was left, a search
/// still knows what it was asked.
#[test]
fn a_resumed_search_is_the_one_that_was_begun() {
    let rows = ["--servers", "2", "--values", "1", "--max-term", "2"];
    let more = ["--max-log", "1", "--max-messages", "2", "--max-copies", "2"];
    let yardstick = [&["check", "--model", "yardstick"], &rows[..], &more].concat();
    let kept_going = ["check", "--flaw", "E8", "--keep-going"];
    let one = [&READS[..], &["--property", "log-matching"]].concat();
    let narrow = [&READS[..], &["--symmetry", "--fingerprint", "128"]].concat();
    let cases: [(&str, &[&str], [&str; 2]); 4] = [
        ("yardstick", &yardstick, ["4000", "9000"]),
        ("keep-going", &kept_going, ["3000", "6000"]),
        ("property", &one, ["20000", "40000"]),
        ("symmetry", &narrow, ["4000", "8000"]),
    ];
    for (name, args, [first, second]) in cases {
        let folder = format!("resume-again-{name}");
        fresh(&folder);
        let document = cut(&folder, args, first);
        assert_eq!(document["searches"][0]["end"], "state-limit", "{name}");
        assert_eq!(document["searches"][0]["storage"]["checkpoint"], "dir");
        let again = ["check", "--resume", "dir", "--max-states", second];
        let document = document_in(&folder, &again);
        assert_eq!(document["searches"][0]["end"], "state-limit", "{name}");
        let document = document_in(&folder, &again[..3]);
        assert_eq!(result(document), whole(args), "{name}");
    }
}

/// Where there is no more room on disk, the last checkpoint stands.
#[test]
fn a_search_that_filled_its_disk_goes_on_with_more() {
    let folder = "resume-disk-max";
    for room in ["300K", "900K"] {
        fresh(folder);
        let tight = ["--memory", "1M", "--disk", "dir", "--disk-max", room];
        let document = document_in(folder, &[&READS[..], &tight].concat());
        assert_eq!(document["searches"][0]["end"], "disk-limit", "{room}");
        assert_eq!(document["searches"][0]["storage"]["checkpoint"], "dir");
        let resume = ["check", "--resume", "dir", "--memory", "1M"];
        assert_eq!(
            result(document_in(folder, &resume)),
            whole(&READS),
            "{room}"
        );
    }
}

/// Several presets have a folder each.
#[test]
fn each_preset_has_a_checkpoint_of_its_own() {
    let folder = "resume-several";
    fresh(folder);
    let two = ["check", "--preset", "paper-election-five", "--preset"];
    let document = cut(folder, &[&two[..], &["paper-reads"]].concat(), "9000");
    assert_eq!(document["searches"].as_array().map(Vec::len), Some(2));
    let document = document_in(folder, &["check", "--resume", "dir/paper-reads"]);
    assert_eq!(result(document), whole(&READS));
}

fn refused(folder: &str, args: &[&str], says: &str) {
    let output = run(folder, args);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
    assert!(error.contains(says), "{args:?}: {error}");
    assert!(!error.contains("panicked"), "{args:?}: {error}");
}

#[test]
fn what_is_no_checkpoint_of_the_search_is_refused() {
    let folder = "resume-refused";
    let dir = fresh(folder).join("dir");
    cut(folder, &READS, "20000");
    let kept = std::fs::read(dir.join("checkpoint.json")).ok();
    assert!(kept.is_some() && levels(&dir) > 0);
    let resume = ["check", "--resume", "dir"];
    for (extra, says) in [
        (&["--set", "max-term=3"][..], "max_term: 3"),
        (&["--preset", "paper-restart"], "restarts: 1"),
        (&["--fingerprint", "128"], "fingerprints 64 bits"),
        (&["--symmetry"], "symmetry true"),
        (&["--property", "log-matching"], "ends at first of"),
        (&["--keep-going"], "ends at all"),
        (&["--model", "yardstick"], "of the model raft"),
        (&["--disk", "other"], "cannot be used with"),
        (&["--bitstate"], "cannot be used with"),
    ] {
        refused(folder, &[&resume[..], extra].concat(), says);
    }
    refused(folder, &["check", "--resume", "none"], "no checkpoint.json");
    assert!(!scratch(folder).join("none").exists());
    let begun = [&READS[..], &["--disk", "dir"]].concat();
    refused(folder, &begun, "holds a checkpoint already");
    // What was not touched is as it was.
    assert_eq!(std::fs::read(dir.join("checkpoint.json")).ok(), kept);
    assert_eq!(result(document_in(folder, &resume)), whole(&READS));
}

/// A byte that differs, or one that is missing, in any file of a checkpoint is a
/// refusal, and once it is put right the search goes on.
#[test]
fn what_is_damaged_is_refused() {
    let folder = "resume-damaged";
    let dir = fresh(folder).join("dir");
    cut(folder, &READS, "20000");
    let resume = ["check", "--resume", "dir"];
    let manifest = std::fs::read(dir.join("checkpoint.json")).expect("the manifest");
    let put = |bytes: &[u8]| std::fs::write(dir.join("checkpoint.json"), bytes).expect("written");
    put(b"{}");
    refused(folder, &resume, "checkpoint.json is of another format");
    put(&manifest[..manifest.len() / 2]);
    refused(folder, &resume, "checkpoint.json: ");
    put(&manifest);
    let files = std::fs::read_dir(&dir).expect("the folder");
    let files = files.map(|entry| entry.expect("an entry").path());
    let files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "plimsoll"))
        .filter(|path| path.metadata().is_ok_and(|file| file.len() > 0))
        .collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let bytes = std::fs::read(&file).expect("a file");
        let mut other = bytes.clone();
        other[bytes.len() / 2] ^= 1;
        std::fs::write(&file, &other).expect("written");
        refused(folder, &resume, "is damaged: its checksum does not match");
        std::fs::write(&file, &bytes[..bytes.len() - 1]).expect("written");
        refused(folder, &resume, "cannot be resumed: ");
        std::fs::write(&file, &bytes).expect("written");
    }
    assert_eq!(result(document_in(folder, &resume)), whole(&READS));
}

#[test]
fn a_folder_belongs_to_one_search() {
    let folder = "resume-taken";
    let dir = fresh(folder).join("dir");
    let large = ["check", "--set", "max-term=3", "--disk", "dir"];
    let mut child = started(&scratch(folder), &large);
    until(&mut child, || levels(&dir) >= 2);
    refused(
        folder,
        &["check", "--resume", "dir"],
        "another search is using it",
    );
    refused(folder, &large, "another search is using it");
    child.0.kill().expect("SIGKILL");
    child.0.wait().expect("a child");
}
