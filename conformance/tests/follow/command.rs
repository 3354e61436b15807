//! The command on files that somebody writes meanwhile.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{append, entry, folder, lines, split, write};

/// How long something may take that takes a moment: machines are busy.
const LONG: Duration = Duration::from_secs(20);

struct Following(Child);

impl Following {
    fn new(args: &[&str], paths: &[PathBuf], input: Stdio) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(["replay", "--follow"]).args(args).args(paths);
        command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Following(command.spawn().expect("it starts"))
    }

    fn of(args: &[&str], paths: &[PathBuf]) -> Self {
        Following::new(args, paths, Stdio::null())
    }

    fn runs(&mut self) -> bool {
        self.0.try_wait().expect("a process").is_none()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.0.id().to_string()])
            .status();
        assert!(sent.expect("kill").success());
    }

    /// Waits for the end; returns the code, and what was said.
    fn end(mut self) -> (ExitStatus, String, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.0.try_wait().expect("a process") {
                break status;
            }
            assert!(begun.elapsed() < LONG, "it goes on");
            thread::sleep(Duration::from_millis(5));
        };
        let (mut out, mut err) = (String::new(), String::new());
        let (stdout, stderr) = (self.0.stdout.take(), self.0.stderr.take());
        stdout
            .expect("piped")
            .read_to_string(&mut out)
            .expect("UTF-8");
        stderr
            .expect("piped")
            .read_to_string(&mut err)
            .expect("UTF-8");
        (status, out, err)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// For as long as a file is left alone to see that nothing comes of it.
fn a_while() {
    thread::sleep(Duration::from_millis(300));
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_divergence_ends_it_while_the_writer_writes_on() {
    let lines = lines(entry("etcd-raft/m08"));
    for (form, files) in [("whole", vec![lines.clone()]), ("split", split(&lines))] {
        let folder = folder(&format!("command/diverges-{form}"));
        let first: Vec<Vec<String>> = files.iter().map(|file| file[..40].to_vec()).collect();
        let paths = write(&folder, &first);
        let mut following = Following::of(&[], &paths);
        a_while();
        assert!(following.runs(), "{form}");
        for (path, file) in paths.iter().zip(&files) {
            append(path, &text(&file[40..]));
        }
        let written = Instant::now();
        // The writer is in the middle of its next line still.
        append(&paths[0], "{\"event\":");
        let (status, out, _) = following.end();
        assert_eq!(status.code(), Some(1), "{form}: {out}");
        assert!(out.starts_with("DIVERGES"), "{form}: {out}");
        assert!(out.contains("until the verdict"), "{form}: {out}");
        // A second is promised; this machine may be busy with other tests.
        assert!(written.elapsed() < Duration::from_secs(5), "{form}");
    }
}

#[test]
fn a_torn_line_is_not_there_yet() {
    let lines = lines(entry("plimsoll/three-happy"));
    let path = folder("command/torn").join("n.ndjson");
    let whole = text(&lines);
    let (begun, rest) = whole.split_at(whole.len() / 2);
    append(&path, begun);
    let mut following = Following::of(&["--json"], std::slice::from_ref(&path));
    a_while();
    assert!(following.runs());
    append(&path, rest);
    a_while();
    following.signal("INT");
    let (status, out, err) = following.end();
    assert_eq!(status.code(), Some(0), "{out} {err}");
    let said: Value = serde_json::from_str(&out).expect("JSON");
    let trace = &said["traces"][0];
    assert_eq!(trace["verdict"], "conforms");
    assert_eq!(trace["events"].as_u64(), Some(lines.len() as u64 - 1));
    assert_eq!(trace["followed"]["ended_by"], "signal");
    assert_eq!(trace["followed"]["inputs"][0]["torn"], false);
}

#[test]
fn a_writer_that_was_killed_in_a_line_leaves_a_verdict_on_the_rest() {
    let lines = lines(entry("etcd-raft/g02"));
    let path = folder("command/killed").join("n.ndjson");
    append(&path, &text(&lines[..500]));
    append(&path, &lines[500][..30]);
    let following = Following::of(&["--json"], &[path]);
    a_while();
    following.signal("TERM");
    let (status, out, err) = following.end();
    assert_eq!(status.code(), Some(0), "{out} {err}");
    let said: Value = serde_json::from_str(&out).expect("JSON");
    let trace = &said["traces"][0];
    assert_eq!(
        (&trace["verdict"], &trace["consumed"]),
        (&"conforms".into(), &500.into())
    );
    assert_eq!(trace["followed"]["inputs"][0]["torn"], true);
}

#[test]
fn rotations_lose_nothing() {
    for name in ["etcd-raft/g05", "plimsoll/three-crashes"] {
        let lines = lines(entry(name));
        let folder = folder(&format!("command/rotated/{name}"));
        let paths = write(
            &folder,
            &split(&lines).iter().map(|_| Vec::new()).collect::<Vec<_>>(),
        );
        let mut following = Following::of(&["--json"], &paths);
        let header = name.starts_with("plimsoll");
        for part in 0..4 {
            for (path, file) in paths.iter().zip(split(&lines)) {
                let quarter = file.len() / 4 + 1;
                let file = &file[(part * quarter).min(file.len())..];
                // A file that takes the place of another may begin like any other.
                if header && part % 2 == 1 {
                    append(path, &format!("{}\n", lines[0]));
                }
                append(path, &text(&file[..quarter.min(file.len())]));
            }
            // There has to be a look between two rotations.
            thread::sleep(Duration::from_millis(800));
            if !following.runs() {
                panic!("{name}: {:?}", following.end());
            }
            if part < 3 {
                for path in &paths {
                    let old = path.with_extension(format!("{part}"));
                    fs::rename(path, old).expect("renamed");
                    if part == 1 {
                        // Nobody has made the new one yet.
                        thread::sleep(Duration::from_millis(60));
                    }
                    File::create(path).expect("made anew");
                }
            }
        }
        following.signal("INT");
        let (status, out, err) = following.end();
        assert_eq!(status.code(), Some(0), "{name}: {out} {err}");
        let said: Value = serde_json::from_str(&out).expect("JSON");
        let trace = &said["traces"][0];
        let events = lines.len() - usize::from(header);
        assert_eq!(trace["consumed"].as_u64(), Some(events as u64), "{name}");
        for input in trace["followed"]["inputs"].as_array().expect("a list") {
            assert_eq!(input["rotations"], 3, "{name}: {input}");
        }
    }
}

#[test]
fn a_line_that_a_rotation_tears_is_an_error_with_its_place() {
    let lines = lines(entry("etcd-raft/g02"));
    let folder = folder("command/torn-by-rotation");
    let path = folder.join("n.ndjson");
    append(&path, &text(&lines[..10]));
    append(&path, "{\"event\":");
    let following = Following::of(&[], std::slice::from_ref(&path));
    a_while();
    fs::rename(&path, folder.join("old")).expect("renamed");
    append(&path, &text(&lines[10..20]));
    let (status, out, err) = following.end();
    assert_eq!(status.code(), Some(2), "{out}");
    assert!(
        err.contains("n.ndjson:11") && err.contains("rotated"),
        "{err}"
    );
    // How far it was judged is not lost.
    assert!(
        out.contains("an error in an input") && out.contains("n.ndjson:10"),
        "{out}"
    );
    assert!(!out.contains("CONFORMS"), "{out}");
}

#[test]
fn the_standard_input_ends_it_too() {
    let lines = lines(entry("etcd-raft/g21"));
    let mut following = Following::new(&["--storage", "async"], &["-".into()], Stdio::piped());
    let mut input = following.0.stdin.take().expect("piped");
    input.write_all(text(&lines).as_bytes()).expect("written");
    a_while();
    assert!(following.runs());
    drop(input);
    let (status, out, err) = following.end();
    assert_eq!(status.code(), Some(0), "{out} {err}");
    assert!(
        out.starts_with("CONFORMS") && out.contains("the end of all inputs"),
        "{out}"
    );
}

/// What a pipe held is gone: it cannot be judged again.
#[test]
fn asynchronous_storage_from_a_pipe_has_to_be_said() {
    let lines = lines(entry("etcd-raft/g21"));
    let mut following = Following::new(&[], &["-".into()], Stdio::piped());
    let mut input = following.0.stdin.take().expect("piped");
    // It may be gone before all is written.
    let _ = input.write_all(text(&lines).as_bytes());
    drop(input);
    let (status, out, err) = following.end();
    assert_eq!(status.code(), Some(3), "{out} {err}");
    assert!(out.contains("--storage async"), "{out}");
}

#[test]
fn a_node_that_nobody_hears_of_is_waited_for() {
    let lines = lines(entry("etcd-raft/g02"));
    let folder = folder("command/missing");
    let files = split(&lines);
    let mut paths = write(&folder, &files[..2]);
    let late = folder.join("late.ndjson");
    paths.push(late.clone());
    let mut following = Following::of(&["--json"], &paths);
    a_while();
    assert!(following.runs());
    append(&late, &text(&files[2]));
    a_while();
    following.signal("INT");
    let (status, out, err) = following.end();
    assert_eq!(status.code(), Some(0), "{out} {err}");
    let said: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        said["traces"][0]["consumed"].as_u64(),
        Some(lines.len() as u64)
    );
}

/// Of lines that have waited for long nobody can say whether they are right.
#[test]
fn a_node_that_never_comes_makes_it_inconclusive() {
    let lines = lines(entry("etcd-raft/g02"));
    let folder = folder("command/never");
    let mut paths = write(&folder, &split(&lines)[..2]);
    paths.push(folder.join("never.ndjson"));
    let following = Following::of(&["--json"], &paths);
    // It says so after five seconds.
    thread::sleep(Duration::from_secs(9));
    following.signal("INT");
    let (status, out, err) = following.end();
    assert_eq!(status.code(), Some(3), "{out} {err}");
    let said: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(said["traces"][0]["ground"]["ground"], "log-ended");
    assert!(
        err.contains("waits for what node") && err.contains("n0.ndjson:"),
        "{err}"
    );
}

#[test]
fn what_is_no_trace_is_an_error_with_its_place() {
    let lines = lines(entry("etcd-raft/g02"));
    let cases: [(&str, String, &str); 3] = [
        (
            "foreign",
            format!("{}{{\"a\":1}}\n", text(&lines[..5])),
            "n.ndjson:6",
        ),
        ("unknown", "hello\n".to_owned(), "n.ndjson:1"),
        ("long", "x".repeat((16 << 20) + 10), "n.ndjson:1"),
    ];
    for (name, text, place) in cases {
        let path: &Path = &folder(&format!("command/{name}")).join("n.ndjson");
        append(path, &text);
        let (status, out, err) = Following::of(&[], &[path.to_path_buf()]).end();
        assert_eq!(status.code(), Some(2), "{name}: {err}");
        assert!(err.contains(place), "{name}: {err}");
        // No verdict: only how far it was judged, where anything was.
        let judged = out.trim_start().starts_with("followed") && out.contains("n.ndjson:5");
        assert!(
            if name == "foreign" {
                judged
            } else {
                out.is_empty()
            },
            "{name}: {out}"
        );
    }
}

/// What cannot be read behind a divergence does not hide it.
#[test]
fn a_divergence_comes_before_what_is_no_line_behind_it() {
    let lines = lines(entry("etcd-raft/m08"));
    let path: &Path = &folder("command/behind").join("n.ndjson");
    append(path, &format!("{}junk\n", text(&lines)));
    let (status, out, err) = Following::of(&[], &[path.to_path_buf()]).end();
    assert_eq!(status.code(), Some(1), "{err}");
    assert!(out.starts_with("DIVERGES"), "{out}");
}

#[test]
fn nothing_at_all_is_inconclusive() {
    let path = folder("command/nothing").join("n.ndjson");
    let mut following = Following::of(&["--json"], &[path]);
    a_while();
    assert!(following.runs());
    following.signal("INT");
    let (status, out, err) = following.end();
    assert_eq!(status.code(), Some(3), "{out} {err}");
    let said: Value = serde_json::from_str(&out).expect("JSON");
    let trace = &said["traces"][0];
    assert_eq!(trace["ground"]["ground"], "nothing-consumed");
    assert_eq!(trace["followed"]["inputs"][0]["missing"], true);
}

/// However soon one stops: what waits for a node of which nothing was read was
/// not on its way.
#[test]
fn a_node_of_which_nobody_named_a_file_makes_it_inconclusive_at_once() {
    let lines = lines(entry("etcd-raft/g02"));
    let paths = write(&folder("command/unnamed"), &split(&lines)[..2]);
    let following = Following::of(&["--json"], &paths);
    a_while();
    following.signal("INT");
    let (status, out, err) = following.end();
    assert_eq!(status.code(), Some(3), "{out} {err}");
    let said: Value = serde_json::from_str(&out).expect("JSON");
    let ground = &said["traces"][0]["ground"];
    assert_eq!(ground["ground"], "log-ended");
    assert!(out.contains("and no line of"), "{ground}");
}

/// Whoever stops watching a cluster that goes on gets no blame for what was not
/// written yet.
#[test]
fn what_waits_at_a_signal_is_told_and_counts_for_nothing() {
    let lines = lines(entry("etcd-raft/g05"));
    let mut files = split(&lines);
    files[1].truncate(400);
    let paths = write(&folder("command/waits"), &files);
    let following = Following::of(&["--json"], &paths);
    a_while();
    following.signal("INT");
    let (status, out, err) = following.end();
    assert_eq!(status.code(), Some(0), "{out} {err}");
    let said: Value = serde_json::from_str(&out).expect("JSON");
    let trace = &said["traces"][0];
    assert_eq!(trace["verdict"], "conforms");
    assert!(trace["consumed"].as_u64() < trace["events"].as_u64());
    let nodes = trace["followed"]["nodes"].as_array().expect("nodes");
    let waits = |node: &&Value| node["waiting"].as_u64() > Some(0);
    let waiting: Vec<_> = nodes.iter().filter(waits).collect();
    assert!(!waiting.is_empty() && waiting.iter().all(|node| node["awaits"].is_string()));
}

#[test]
fn a_pipe_without_a_line_is_inconclusive_and_one_without_a_last_newline_is_whole() {
    let lines = lines(entry("etcd-raft/g01"));
    let whole = text(&lines);
    for (input, code) in [("", 3), ("{\"event\":", 3), (whole.trim_end(), 0)] {
        let mut following = Following::new(&["--json"], &["-".into()], Stdio::piped());
        let mut pipe = following.0.stdin.take().expect("piped");
        pipe.write_all(input.as_bytes()).expect("written");
        drop(pipe);
        let (status, out, err) = following.end();
        assert_eq!(status.code(), Some(code), "{out} {err}");
        let said: Value = serde_json::from_str(&out).expect("JSON");
        let events = if code == 0 { lines.len() as u64 } else { 0 };
        assert_eq!(said["traces"][0]["consumed"].as_u64(), Some(events));
    }
}
