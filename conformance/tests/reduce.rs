//! Reduced traces: what is left of a run that diverges still does, for the same
//! reason, and without any one line of it no longer.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

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
    let never = AtomicBool::new(false);
    reduce::reduce(&judged, found, &options, out, &never).expect("it is reduced")
}

/// Leaves out each line of an etcd-raft trace in turn, or every so many.
fn nothing_can_go(path: &Path, whole: &Divergence, every: usize) {
    let left = lines(path);
    let target = usize::try_from(whole.place.event).expect("a place");
    let less = path.with_extension("less.ndjson");
    for out in (0..left.len()).step_by(every).filter(|out| *out != target) {
        let mut text = String::new();
        for (_, line) in left.iter().enumerate().filter(|(at, _)| *at != out) {
            text += line;
            text.push('\n');
        }
        fs::write(&less, text).expect("written");
        let judged = judged(std::slice::from_ref(&less));
        if let Some(found) = divergence(&judged) {
            let at = whole.place.event - u64::from(out < target);
            let same = found.rule == whole.rule && found.place.event == at;
            assert!(!same, "line {} can be left out: {}", out + 1, found.why);
        }
    }
}

/// That storage is asynchronous shows only behind the line that is not explained.
#[test]
fn a_storage_contract_that_shows_late_hides_nothing() {
    let all = lines(&corpus("etcd-raft/m15-ack-off-by-one-strong.ndjson"));
    for twice in [35, 43, 57] {
        let out = folder(&format!("contract-{twice}"));
        let input = out.join("twice.ndjson");
        let (before, after) = all.split_at(twice);
        let text = [before, &all[twice - 1..twice], after].concat().join("\n");
        fs::write(&input, text + "\n").expect("written");
        let whole = judged(std::slice::from_ref(&input));
        let whole = divergence(&whole).expect("it diverges");
        let out = out.join("left.ndjson");
        let result = reduced(std::slice::from_ref(&input), &out);
        assert!(result.minimal, "{twice}");
        let left = judged(std::slice::from_ref(&out));
        let left = divergence(&left).expect("it diverges still");
        assert_eq!((&left.rule, &left.why), (&whole.rule, &whole.why));
        nothing_can_go(&out, left, 1);
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
        nothing_can_go(&out, after, 1);
    }
}

/// Where there are many lines other ways are taken than where there are few.
#[test]
fn no_line_of_a_long_trace_can_be_left_out() {
    let out = folder("long");
    let mut all = lines(&corpus("etcd-raft/g15-membership-joint.ndjson.zst"));
    // A node commits one more than it may, at the last line that it can.
    let commits = |line: &String| {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let is_acknowledged = value["event"]["name"] == "ReceiveAppendEntriesResponse";
        is_acknowledged && value["event"]["role"] == "StateLeader"
    };
    let at = all.iter().rposition(commits).expect("a leader");
    let mut value: serde_json::Value = serde_json::from_str(&all[at]).expect("JSON");
    let commit = value["event"]["state"]["commit"].as_u64().expect("commit");
    value["event"]["state"]["commit"] = (commit + 1).into();
    all[at] = value.to_string();
    let input = out.join("broken.ndjson");
    fs::write(&input, all.join("\n") + "\n").expect("written");
    let path = out.join("left.ndjson");
    let result = reduced(std::slice::from_ref(&input), &path);
    assert!(at > 4_500 && result.minimal, "{at}: {result:?}");
    let whole = judged(&[input]);
    let left = judged(std::slice::from_ref(&path));
    let (whole, after) = (divergence(&whole), divergence(&left));
    let (whole, after) = (whole.expect("diverges"), after.expect("diverges"));
    assert_eq!(whole.reason(), after.reason());
    nothing_can_go(&path, after, 61);
}

#[test]
fn what_cannot_be_read_behind_the_divergence_is_not_needed() {
    let folder = folder("torn");
    let mut text = lines(&corpus("etcd-raft/m15-ack-off-by-one-strong.ndjson")).join("\n");
    text.truncate(text.len() - 50);
    let input = folder.join("torn.ndjson");
    fs::write(&input, text).expect("written");
    let out = folder.join("left.ndjson");
    let result = reduced(std::slice::from_ref(&input), &out);
    assert!(result.minimal && result.kept == 40, "{result:?}");
    // What fails leaves nothing behind.
    let judged = judged(std::slice::from_ref(&input));
    let found = divergence(&judged).expect("it diverges");
    fs::remove_file(&input).expect("removed");
    let (out, never) = (folder.join("none.ndjson"), AtomicBool::new(false));
    let failed = reduce::reduce(&judged, found, &Options::default(), &out, &never);
    assert!(failed.is_err() && !out.exists(), "{failed:?}");
}

#[test]
fn a_search_that_is_cancelled_writes_what_it_has() {
    let out = folder("cancelled").join("left.ndjson");
    let input = corpus("etcd-raft/m15-ack-off-by-one-strong.ndjson");
    let judged = judged(&[input]);
    let found = divergence(&judged).expect("it diverges");
    let options = Options::default();
    let at_once = AtomicBool::new(true);
    let result = reduce::reduce(&judged, found, &options, &out, &at_once).expect("it is reduced");
    assert!(!result.minimal && result.kept <= 67, "{result:?}");
    let left = self::judged(&[out]);
    let left = divergence(&left).expect("it diverges still");
    assert_eq!(left.reason(), found.reason());
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
    let never = AtomicBool::new(false);
    let write = |out: PathBuf| reduce::reduce(&judged, found, &options, &out, &never);
    let error = write(folder.join("../same/m15.ndjson"));
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
        let error = write(folder.join("link"));
        let error = error.expect_err("it is the input").to_string();
        assert!(
            error.ends_with("it is the trace that is reduced"),
            "{error}"
        );
    }
    let error = write(folder.join("none/m15"));
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
