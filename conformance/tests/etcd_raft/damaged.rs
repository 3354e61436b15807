//! Files that are no traces: a clear error, with file and line.

use std::path::PathBuf;

use plimsoll::replay::{Format, Options, judge};
use plimsoll::verdict::{Ground, Verdict};

use crate::{entry, folder, lines};

/// The first lines of a correct trace, with what `damage` makes of them.
fn damaged(test: &str, damage: impl Fn(&mut Vec<Vec<u8>>)) -> Result<Verdict, String> {
    let first = lines(entry("g02")).into_iter().take(40);
    let mut first: Vec<Vec<u8>> = first.map(|line| format!("{line}\n").into_bytes()).collect();
    damage(&mut first);
    let path = folder(test).join("trace.ndjson");
    std::fs::write(&path, first.concat()).expect("a file");
    let mut judged = judge(&[path], &Options::default());
    let result = judged.remove(0).result;
    result.map_err(|error| error.to_string())
}

/// The error, without the folder it names.
fn error(test: &str, damage: impl Fn(&mut Vec<Vec<u8>>)) -> String {
    let text = damaged(test, damage).expect_err("an error");
    let at = text.find("trace.ndjson").expect("the file is named");
    text[at..].to_owned()
}

#[test]
fn the_lines_as_they_are_conform() {
    let verdict = damaged("undamaged", |_| {}).expect("a verdict");
    assert_eq!(verdict.name(), "conforms");
}

#[test]
fn a_torn_last_line_is_an_error() {
    let found = error("torn", |lines| lines[39].truncate(100));
    assert!(found.starts_with("trace.ndjson:40:"), "{found}");
    assert!(found.contains("the last line is torn"), "{found}");
}

#[test]
fn a_torn_last_line_behind_a_verdict_does_not_hide_it() {
    let verdict = damaged("torn-late", |lines| {
        lines.remove(5);
        lines[38].truncate(100);
    });
    let verdict = verdict.expect("a verdict");
    assert_eq!(verdict.name(), "diverges");
}

#[test]
fn a_line_cut_in_the_middle_is_an_error() {
    let found = error("cut", |lines| {
        lines[20].truncate(100);
        lines[20].push(b'\n');
    });
    assert!(found.starts_with("trace.ndjson:21:"), "{found}");
    assert!(found.contains("not JSON"), "{found}");
}

#[test]
fn a_line_that_is_not_utf8_is_an_error() {
    let found = error("utf8", |lines| {
        let at = lines[7]
            .windows(5)
            .position(|w| w == b"Init\x53")
            .expect("a name");
        lines[7][at] = 0xff;
    });
    assert!(found.starts_with("trace.ndjson:8"), "{found}");
    assert!(found.contains("UTF-8"), "{found}");
}

#[test]
fn a_line_that_is_no_event_is_an_error() {
    for (what, line) in [
        ("object", &b"{\"level\":\"info\",\"msg\":\"elected\"}\n"[..]),
        ("list", b"[1,2]\n"),
        (
            "unknown",
            b"{\"event\":{\"name\":\"Sleep\",\"nid\":\"1\"}}\n",
        ),
    ] {
        let found = error(&format!("no-event-{what}"), |lines| {
            lines.insert(10, line.to_vec())
        });
        assert!(found.starts_with("trace.ndjson:11"), "{what}: {found}");
    }
}

#[test]
fn a_message_that_is_missing_is_an_error() {
    let found = error("no-message", |lines| {
        let text = String::from_utf8(lines[34].clone()).expect("UTF-8");
        let mut value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        value["event"]
            .as_object_mut()
            .expect("an event")
            .remove("msg")
            .expect("a message");
        lines[34] = format!("{value}\n").into_bytes();
    });
    assert!(found.starts_with("trace.ndjson:35"), "{found}");
    assert!(found.contains("without its message"), "{found}");
}

#[test]
fn a_huge_line_is_an_error() {
    let found = error("huge", |lines| {
        let mut huge = vec![b' '; 17 << 20];
        huge.push(b'\n');
        lines.insert(3, huge);
    });
    assert!(found.starts_with("trace.ndjson:4"), "{found}");
    assert!(found.contains("longer than"), "{found}");
}

#[test]
fn nesting_without_end_is_an_error() {
    let found = error("deep", |lines| {
        let mut deep = b"{\"event\":".repeat(20_000);
        deep.push(b'\n');
        lines.insert(3, deep);
    });
    assert!(found.starts_with("trace.ndjson:4"), "{found}");
}

#[test]
fn an_empty_file_is_no_pass() {
    let path: PathBuf = folder("empty").join("trace.ndjson");
    std::fs::write(&path, "").expect("a file");
    let options = Options {
        format: Some(Format::EtcdRaft),
        ..Options::default()
    };
    let verdict = judge(std::slice::from_ref(&path), &options)
        .remove(0)
        .result
        .expect("a verdict");
    let Verdict::Inconclusive(stopped, certificate) = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(stopped.ground, Ground::NothingConsumed);
    assert_eq!(certificate.consumed, 0);
    // Without being told the format there is none to be found.
    let error = judge(&[path], &Options::default())
        .remove(0)
        .result
        .expect_err("an error");
    assert!(error.to_string().contains("trace.ndjson"), "{error}");
}

#[test]
fn a_file_of_something_else_has_no_format() {
    let path = folder("other").join("trace.ndjson");
    std::fs::write(&path, "{\"hello\": 1}\n").expect("a file");
    let error = judge(&[path], &Options::default())
        .remove(0)
        .result
        .expect_err("an error");
    assert!(error.to_string().contains("trace.ndjson:1"), "{error}");
}
