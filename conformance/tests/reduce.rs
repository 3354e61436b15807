//! Reduced traces: what is left of a run that diverges still does, for the same
//! reason, and without any one line of it no longer.

use std::fs;
use std::path::{Path, PathBuf};

use plimsoll::reduce::{self, Reduced};
use plimsoll::replay::{self, Format, Judged, Options};
use plimsoll::verdict::{Divergence, Verdict};
use plimsoll_trace::Lines;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../traces/corpus")
        .join(name)
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("reduce")
        .join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn lines(path: &Path) -> Vec<String> {
    let mut reader = Lines::open(path).expect("the trace");
    let mut lines = Vec::new();
    while let Some(line) = reader.next_line().expect("a line") {
        lines.push(String::from_utf8_lossy(line.bytes).into_owned());
    }
    lines
}

fn judged(paths: &[PathBuf]) -> Judged {
    let options = Options {
        together: paths.len() > 1,
        ..Options::default()
    };
    replay::judge(paths, &options).remove(0)
}

fn divergence(judged: &Judged) -> Option<&Divergence> {
    match judged.result.as_ref().expect("it can be read") {
        Verdict::Diverges(found, _) => Some(found),
        _ => None,
    }
}

fn reduced(paths: &[PathBuf], out: &Path) -> Reduced {
    let judged = judged(paths);
    let found = divergence(&judged).expect("it diverges");
    let options = Options {
        together: paths.len() > 1,
        ..Options::default()
    };
    reduce::reduce(&judged, found, &options, out).expect("it is reduced")
}

/// Leaves out each line of an etcd-raft trace in turn.
fn nothing_can_go(path: &Path, whole: &Divergence) {
    let left = lines(path);
    let last = left.len() - 1;
    let less = path.with_extension("less.ndjson");
    for out in 0..last {
        let mut text = String::new();
        for (_, line) in left.iter().enumerate().filter(|(at, _)| *at != out) {
            text += line;
            text.push('\n');
        }
        fs::write(&less, text).expect("written");
        let judged = judged(std::slice::from_ref(&less));
        if let Some(found) = divergence(&judged) {
            let same = found.rule == whole.rule && found.place.event == last as u64 - 1;
            assert!(!same, "line {} can be left out: {}", out + 1, found.why);
        }
    }
}

#[test]
fn no_line_of_a_reduced_trace_can_be_left_out() {
    for (name, most) in [
        ("etcd-raft/m15-ack-off-by-one-strong.ndjson", 40),
        ("etcd-raft/m20-concurrent-conf-change-strong.ndjson.zst", 61),
        (
            "etcd-raft/m28-acked-append-not-durable-quiet.ndjson.zst",
            390,
        ),
    ] {
        let input = corpus(name);
        let out = folder(&name.replace('/', "-")).join("left.ndjson");
        let result = reduced(std::slice::from_ref(&input), &out);
        assert!(result.minimal, "{name}");
        assert!(
            result.kept <= most,
            "{name}: {} lines are left",
            result.kept
        );
        assert_eq!(result.kept, lines(&out).len(), "{name}");
        let all = lines(&input);
        let mut rest = all.iter();
        for line in lines(&out) {
            assert!(
                rest.any(|other| *other == line),
                "{name}: {line} is not in it"
            );
        }
        let (before, after) = (judged(&[input]), judged(std::slice::from_ref(&out)));
        let (before, after) = (divergence(&before), divergence(&after));
        let (before, after) = (before.expect("diverges"), after.expect("diverges"));
        assert_eq!(
            (&before.rule, &before.why),
            (&after.rule, &after.why),
            "{name}"
        );
        assert_eq!(after.place.line, result.kept as u64, "{name}");
        nothing_can_go(&out, after);
    }
}

#[test]
fn the_steps_of_a_reduced_trace_are_numbered_anew() {
    for name in ["ack-before-write", "two-changes", "snapshot-over-committed"] {
        let input = corpus(&format!("plimsoll/flawed-{name}.ndjson.gz"));
        let out = folder(name).join("left.ndjson");
        let result = reduced(std::slice::from_ref(&input), &out);
        assert!(
            result.minimal && result.kept < result.of * 2 / 3,
            "{name}: {result:?}"
        );
        let (before, after) = (judged(&[input]), judged(&[out]));
        let (before, after) = (divergence(&before), divergence(&after));
        let (before, after) = (before.expect("diverges"), after.expect("diverges"));
        assert_eq!(
            (&before.what, &before.why),
            (&after.what, &after.why),
            "{name}"
        );
    }
}

#[test]
fn files_of_several_nodes_are_reduced_together() {
    let folder = folder("together");
    let all = lines(&corpus(
        "etcd-raft/m20-concurrent-conf-change-strong.ndjson.zst",
    ));
    let mut paths: Vec<PathBuf> = Vec::new();
    for line in all {
        let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let path = folder.join(format!(
            "n{}.ndjson",
            value["event"]["nid"].as_str().expect("it")
        ));
        if !paths.contains(&path) {
            paths.push(path.clone());
        }
        let mut text = fs::read_to_string(&path).unwrap_or_default();
        text += &line;
        fs::write(&path, text + "\n").expect("written");
    }
    let out = folder.join("left");
    let result = reduced(&paths, &out);
    assert!(result.minimal && result.kept < 100, "{result:?}");
    let names = paths
        .iter()
        .map(|path| out.join(path.file_name().expect("a name")));
    let left = judged(&names.collect::<Vec<_>>());
    let (before, after) = (judged(&paths), divergence(&left).expect("diverges"));
    let before = divergence(&before).expect("diverges");
    assert_eq!((&before.rule, &before.why), (&after.rule, &after.why));
}

#[test]
fn a_trace_is_never_written_over() {
    let folder = folder("same");
    let path = folder.join("m15.ndjson");
    fs::copy(corpus("etcd-raft/m15-ack-off-by-one-strong.ndjson"), &path).expect("copied");
    let judged = judged(std::slice::from_ref(&path));
    let found = divergence(&judged).expect("it diverges");
    let options = Options {
        format: Some(Format::EtcdRaft),
        ..Options::default()
    };
    let error = reduce::reduce(&judged, found, &options, &folder.join("../same/m15.ndjson"));
    let error = error.expect_err("it is the input").to_string();
    assert!(
        error.ends_with("it is the trace that is reduced"),
        "{error}"
    );
    assert_eq!(lines(&path).len(), 67);
    // Nor under another name, and what cannot be written is told at once.
    #[cfg(unix)]
    {
        fs::hard_link(&path, folder.join("link")).expect("a link");
        let error = reduce::reduce(&judged, found, &options, &folder.join("link"));
        let error = error.expect_err("it is the input").to_string();
        assert!(
            error.ends_with("it is the trace that is reduced"),
            "{error}"
        );
    }
    let error = reduce::reduce(&judged, found, &options, &folder.join("none/m15"));
    let error = error.expect_err("no such folder").to_string();
    assert!(error.starts_with("cannot write"), "{error}");
}

#[test]
fn a_restart_that_loses_what_was_written_keeps_the_writing() {
    let out = folder("restart").join("left.ndjson");
    let input = corpus("plimsoll/three-forgets-an-entry.ndjson.gz");
    let result = reduced(std::slice::from_ref(&input), &out);
    assert!(result.minimal && result.kept > 20, "{result:?}");
    let (before, after) = (judged(&[input]), judged(&[out]));
    let (before, after) = (divergence(&before), divergence(&after));
    let (before, after) = (before.expect("diverges"), after.expect("diverges"));
    assert_eq!(before.expected, after.expected);
}
