//! What lies further back than the window is forgotten, and excuses nothing
//! that was never there.

use plimsoll::replay::{Judged, Options};
use plimsoll::verdict::{Ground, Verdict};
use serde_json::{Value, json};

use crate::{entry, folder, follow, lines, split, write};

fn judged(name: &str, files: &[Vec<String>], window: usize) -> Judged {
    let paths = write(&folder(name), files);
    let options = Options {
        window: Some(window),
        ..Options::default()
    };
    follow(&paths, &options).0
}

fn value(line: &str) -> Value {
    serde_json::from_str(line).expect("JSON")
}

/// A line of the middle of a run arrives again at its end.
fn with_an_old_message(lines: &[String]) -> Vec<String> {
    let received = |line: &&String| {
        let event = &value(line)["event"];
        event["name"] == "ReceiveAppendEntriesRequest" && event["msg"]["type"] == "MsgApp"
    };
    let state_of = |node: &Value| {
        let mut last = lines.iter().rev().map(|line| value(line));
        last.find(|line| line["event"]["nid"] == *node)
            .expect("a line of the node")
    };
    let at = lines.len() / 2;
    let old = lines[at..].iter().find(received).expect("an append");
    let mut old = value(old);
    // The node is what it is at the end.
    let now = state_of(&old["event"]["nid"]);
    for field in ["state", "role", "log", "conf"] {
        old["event"][field] = now["event"][field].clone();
    }
    let mut all = lines.to_vec();
    all.push(old.to_string());
    all
}

#[test]
fn a_message_older_than_the_window_is_inconclusive() {
    let lines = with_an_old_message(&lines(entry("etcd-raft/g02")));
    let last = lines.len() as u64;
    for (form, files) in [("whole", vec![lines.clone()]), ("split", split(&lines))] {
        let kept = judged(&format!("kept-{form}"), &files, 10_000);
        assert!(
            matches!(kept.result, Ok(Verdict::Conforms(_))),
            "{form}: {kept:?}"
        );
        let forgotten = judged(&format!("old-{form}"), &files, 20);
        match forgotten.result {
            Ok(Verdict::Inconclusive(stopped, certificate)) => {
                assert_eq!(stopped.ground, Ground::Forgotten, "{form}");
                assert_eq!(certificate.consumed, last - 1, "{form}");
            }
            other => panic!("{form}: {other:?}"),
        }
    }
}

#[test]
fn a_message_that_cannot_have_been_forgotten_diverges() {
    let mut lines = lines(entry("etcd-raft/g02"));
    let received = |line: &&String| value(line)["event"]["name"] == "ReceiveAppendEntriesRequest";
    let last = lines.iter().rev().find(received).expect("an append");
    let last = value(last);
    let state = lines.iter().rev().map(|line| value(line));
    let now = state
        .into_iter()
        .find(|line| line["event"]["nid"] == last["event"]["nid"])
        .expect("a line of the node");
    for (field, more) in [("term", 1), ("index", 1000), ("commit", 1000)] {
        let mut wrong = last.clone();
        for field in ["state", "role", "log", "conf"] {
            wrong["event"][field] = now["event"][field].clone();
        }
        let number = wrong["event"]["msg"][field].as_u64().expect("a number");
        wrong["event"]["msg"][field] = json!(number + more);
        lines.push(wrong.to_string());
        for window in [1, 20, 10_000] {
            let name = format!("never-{field}-{window}");
            let judged = judged(&name, std::slice::from_ref(&lines), window);
            match judged.result {
                Ok(Verdict::Diverges(found, _)) => {
                    assert_eq!(found.place.line, lines.len() as u64, "{field} {window}");
                }
                // With the smallest window legal runs rest on what is gone.
                Ok(Verdict::Inconclusive(stopped, certificate)) if window == 1 => {
                    assert_eq!(stopped.ground, Ground::Forgotten);
                    assert!(certificate.consumed < lines.len() as u64 - 1);
                }
                other => panic!("{field} {window}: {other:?}"),
            }
        }
        lines.pop();
    }
}

/// Whatever the window, a legal run conforms or rests on what was forgotten; no
/// run is wrong because little of it is kept.
#[test]
fn no_window_makes_a_legal_run_diverge() {
    for name in [
        "etcd-raft/g05",
        "etcd-raft/g07",
        "etcd-raft/g09",
        "etcd-raft/g11",
        "etcd-raft/g15",
        "etcd-raft/g18",
        "etcd-raft/g20",
        "etcd-raft/g21",
        "plimsoll/three-crashes",
        "plimsoll/five-snapshots",
        "plimsoll/six-all-features",
        "plimsoll/six-queued-writes-all-features",
    ] {
        let lines = lines(entry(name));
        for window in [1, 2, 5, 20, 100] {
            for (form, files) in [("whole", vec![lines.clone()]), ("split", split(&lines))] {
                let judged = judged(&format!("any/{name}/{window}-{form}"), &files, window);
                match judged.result {
                    Ok(Verdict::Conforms(_)) => {}
                    Ok(Verdict::Inconclusive(stopped, _))
                        if stopped.ground == Ground::Forgotten => {}
                    other => panic!("{name} {form}, window {window}: {other:#?}"),
                }
            }
        }
    }
}
