//! `plimsoll linearize` as a user runs it.

use std::io::Write;
use std::path::PathBuf;

use assert_cmd::Command;

const HISTORIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../traces/histories");

fn scratch(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

fn history(name: &str) -> String {
    format!("{HISTORIES}/{name}")
}

/// Exit code, standard output, standard error.
fn run(args: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("plimsoll").expect("the command is built");
    let output = command.arg("linearize").args(args).write_stdin(input);
    let output = output.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let code = output.status.code().expect("not killed");
    (code, text(&output.stdout), text(&output.stderr))
}

#[test]
fn codes_are_those_of_every_command() {
    let (good, bad, empty) = (
        history("queue.edn"),
        history("stale-read.jsonl"),
        history("empty.log"),
    );
    for (args, expected) in [
        (&[&good[..]][..], 0),
        (&[&good, &empty], 3),
        (&[&good, &empty, "--fail-on", "violated"], 0),
        (&[&empty, &bad, &good], 1),
        (&["none.jsonl"], 2),
        (&[&good, "none.jsonl"], 2),
        // What is certain is said, whatever else cannot be read.
        (&[&bad, "none.jsonl"], 1),
        (&[concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")], 2),
        (&[concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli")], 2),
        (&[&good, "--model", "register"], 2),
        (&[&good, "--model", "frob"], 2),
        (&[&good, "--format", "jepsen-log"], 3),
        (&[&good, &bad, "--witness", "none"], 2),
        (&[&bad, "--witness", "none"], 2),
        (&[], 2),
    ] {
        let (code, _, error) = run(args, b"");
        assert_eq!(code, expected, "{args:?}: {error}");
        assert!(!error.contains("panicked"), "{error}");
    }
}

#[test]
fn what_is_impossible_is_refused_where_it_is() {
    let folder = scratch("impossible");
    let put = "{\"client\":1,\"op\":\"put\",\"key\":\"k\",\"value\":\"v\",\"type\":\"invoke\"}\n";
    for (name, text, says) in [
        (
            "twice.jsonl",
            format!("{put}{put}"),
            ":2: process 1 calls write k v while write k v is open",
        ),
        (
            "torn.jsonl",
            format!("{put}{}", &put[..20]),
            ":2: torn: the last line has no end",
        ),
        (
            "alone.jsonl",
            put.replace("invoke", "ok"),
            ":1: process 1 returns, and has no operation open",
        ),
        (
            "junk.jsonl",
            format!("{put}\u{1}\u{2}\n"),
            ":2: expected value",
        ),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        let path = path.to_str().expect("a path");
        let (code, out, error) = run(&[path], b"");
        assert_eq!((code, out.as_str()), (2, ""), "{error}");
        assert!(error.contains(&format!("{path}{says}")), "{error}");
    }
    let cut = std::fs::read(history("reg-c005-1k-ok.txt.gz")).expect("a history");
    let path = folder.join("cut.txt.gz");
    std::fs::write(&path, &cut[..cut.len() / 2]).expect("written");
    let (code, _, error) = run(&[path.to_str().expect("a path")], b"");
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("incomplete"), "{error}");
}

#[test]
fn standard_input_and_folders_are_read() {
    let text = std::fs::read(history("stale-read.jsonl")).expect("a history");
    let (code, out, _) = run(&["-"], &text);
    assert_eq!(code, 1);
    assert!(
        out.starts_with("NOT LINEARIZABLE  -  3 operations, at key k\n"),
        "{out}"
    );
    let (code, out, error) = run(&[HISTORIES], b"");
    assert_eq!((code, error.as_str()), (1, ""));
    let other =
        format!("NO HISTORY  {HISTORIES}/README.md  no line of it is one of a known format\n");
    assert!(out.contains(&other), "{out}");
}

#[test]
fn the_answer_does_not_depend_on_the_threads() {
    let on = |threads: &str| run(&[HISTORIES, "--threads", threads], b"").1;
    let one = on("1");
    assert!(one.lines().count() > 100, "{one}");
    assert_eq!(one, on("2"));
    assert_eq!(one, on("5"));
}

#[test]
fn a_budget_makes_it_inconclusive() {
    let path = history("kvk10-c050-10k-bad.txt.gz");
    let (code, out, _) = run(&[&path, "--time", "0s"], b"");
    assert_eq!(code, 3);
    assert!(
        out.contains("INCONCLUSIVE") && out.contains("the time was up (--time)"),
        "{out}"
    );
    let (code, out, _) = run(&[&path, "--memory", "100K"], b"");
    assert_eq!(code, 3);
    assert!(out.contains("the memory was used up (--memory)"), "{out}");
}

#[test]
fn a_pipe_that_says_nothing_is_not_waited_for_longer_than_the_time() {
    let call = "{\"type\":\"invoke\",\"op\":\"read\",\"key\":\"k\",\"client\":1}\n";
    let there = history("stale-read.jsonl");
    for (args, said) in [
        (&["-"][..], ""),
        (&["-"], call),
        (&["/dev/stdin"], call),
        (&[&there, "--witness", "-"], ""),
        (&[&there, "--trace", "/dev/stdin"], ""),
    ] {
        let command = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .args(["linearize", "--time", "200ms"])
            .args(args)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn();
        let mut command = command.expect("the command is built");
        let mut input = command.stdin.take().expect("a pipe");
        // It may have ended by now. The pipe stays open.
        let _ = input.write_all(said.as_bytes());
        let mut out = String::new();
        let mut output = command.stdout.take().expect("a pipe");
        std::io::Read::read_to_string(&mut output, &mut out).expect("UTF-8");
        assert_eq!(command.wait().expect("it ends").code(), Some(3), "{out}");
        assert!(out.contains("the time was up (--time)"), "{out}");
    }
}

/// The process stays within the budget, itself included: while it reads, judges,
/// searches deep and in breadth, and explains.
#[test]
#[cfg(target_os = "linux")]
fn the_memory_is_kept_to_the_byte() {
    let mut queue = String::new();
    let mut state = 7u64;
    let mut roll = |sides: u64| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 33) % sides
    };
    // Ten clients, ten values: calls and returns as they come, an operation
    // takes effect as it returns.
    let (mut open, mut held) = ([None; 10], std::collections::VecDeque::new());
    for _ in 0..2_000 {
        let client = roll(10) as usize;
        let (kind, op, value) = match open[client].take() {
            None => {
                let value = (roll(2) == 0).then(|| roll(10));
                open[client] = Some(value);
                let op = if value.is_some() {
                    "enqueue"
                } else {
                    "dequeue"
                };
                ("invoke", op, value)
            }
            Some(Some(value)) => {
                held.push_back(value);
                ("ok", "enqueue", None)
            }
            Some(None) => ("ok", "dequeue", Some(held.pop_front().unwrap_or(99))),
        };
        let value = match value {
            Some(99) => ",\"value\":null".to_owned(),
            Some(value) => format!(",\"value\":{value}"),
            None => String::new(),
        };
        queue += &format!(
            "{{\"type\":\"{kind}\",\"op\":\"{op}\",\"key\":\"q\",\"client\":{client}{value}}}\n"
        );
    }
    let (mut spent, mut told) = (0, 0);
    let long = history("kvk10-c050-10k-bad.txt.gz");
    for megabytes in [18, 20, 24, 32, 48, 64] {
        let most = format!("{megabytes}M");
        for (path, input) in [("-", queue.as_bytes()), (&long, b"")] {
            let args = [path, "--json", "--threads", "1", "--memory", &most];
            let (code, out, error) = run(&args, input);
            let said: serde_json::Value = serde_json::from_str(&out).expect("JSON");
            let verdict = said["histories"][0]["verdict"].as_str().expect("a verdict");
            match (code, verdict) {
                (3, "inconclusive") => {
                    assert_eq!(said["histories"][0]["grounds"][0], "memory", "{error}");
                    spent += 1;
                }
                (0, "linearizable") | (1, "not-linearizable") => told += 1,
                other => panic!("{other:?} {error}"),
            }
            let peak = said["peak_memory_bytes"].as_u64().expect("Linux tells");
            assert!(peak <= megabytes << 20, "{path} {most}: {peak}");
        }
    }
    assert!(spent > 3 && told > 1, "{spent} {told}");
}

/// An order of commit is followed first; one that explains nothing is only a
/// proposal, and one of operations that are not there is refused.
#[test]
fn a_list_of_operations_is_a_witness() {
    let folder = scratch("list");
    let history = folder.join("history.jsonl");
    let mut lines = String::new();
    let said = |id: u32, kind: &str, op: &str, value: &str| {
        format!(
            "{{\"client\":{id},\"id\":\"op-{id}\",\"op\":\"{op}\",\"key\":\"k\",\"value\":\"{value}\",\"type\":\"{kind}\"}}\n"
        )
    };
    for kind in ["invoke", "ok"] {
        lines += &said(1, kind, "put", "a");
        lines += &said(2, kind, "put", "b");
        lines += &said(3, kind, "get", "a");
    }
    std::fs::write(&history, lines).expect("written");
    let history = history.to_str().expect("a path");
    let with = |order: &str| {
        let list = folder.join("order.txt");
        std::fs::write(&list, order).expect("written");
        run(&[history, "--witness", list.to_str().expect("a path")], b"")
    };
    let (code, out, _) = with("op-2\nop-1\n\nop-3\n");
    assert_eq!(code, 0);
    assert!(out.contains("algorithm  witness for 1 part"), "{out}");
    let (code, out, _) = with("op-1\nop-2\nop-3\n");
    assert_eq!(code, 0);
    assert!(out.contains("algorithm  zones for 1 part"), "{out}");
    let (code, _, error) = with("op-1\nop-4\n");
    assert_eq!(code, 2);
    assert!(
        error.contains("order.txt:2: the history has no operation \"op-4\""),
        "{error}"
    );
}

/// The page holds all it needs, and nothing that was written can leave the
/// place where it stands.
#[test]
fn the_page_is_closed() {
    let folder = scratch("page");
    let (input, page) = (folder.join("input.jsonl"), folder.join("page.html"));
    let mut file = std::fs::File::create(&input).expect("a file");
    for (kind, op, value) in [
        ("invoke", "put", "</script><script>alert(1)</script>"),
        ("ok", "put", "</script><script>alert(1)</script>"),
        ("invoke", "get", ""),
        ("ok", "get", "<!-- <img src=x onerror=alert(2)> \u{2028}"),
    ] {
        let line = serde_json::json!({
            "client": "<b>c</b>", "type": kind, "op": op, "key": "</title>&k", "value": value,
        });
        writeln!(file, "{line}").expect("written");
    }
    drop(file);
    let path = |path: &PathBuf| path.to_str().expect("a path").to_owned();
    let (code, _, error) = run(&[&path(&input), "--html", &path(&page)], b"");
    assert_eq!(code, 1, "{error}");
    let page = std::fs::read_to_string(page).expect("the page");
    let count = |what: &str| page.matches(what).count();
    assert_eq!((count("<script"), count("</script>")), (2, 2));
    assert!(count("alert(1)") > 0 && count("alert(2)") > 0);
    assert_eq!((count("<img"), count("<b>c"), count("</title>")), (0, 0, 1));
    let (before, data) = page.split_once("id=\"data\">").expect("data");
    let (data, behind) = data.split_once("</script>").expect("its end");
    let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
    // Data aside, nothing comes from elsewhere.
    for around in [before, behind] {
        for what in ["http:", "https:", " src=", "@import", "url("] {
            assert!(!around.contains(what), "{what}");
        }
    }
    let drawn = &data["histories"][0];
    assert_eq!(drawn["verdict"], "not-linearizable");
    assert_eq!(drawn["clients"][0], "<b>c</b>");
    assert!(!drawn["conflict"].as_array().expect("a conflict").is_empty());
}

/// What a file holds is printed, never obeyed.
#[test]
fn a_terminal_obeys_no_file() {
    let folder = scratch("terminal");
    let client = "\u{1b}[31mred\u{9b}1m";
    let line = |phase: &str, op: &str, value: &str| {
        let line = serde_json::json!({
            "client": client, "type": phase, "op": op, "key": "\u{202e}k\n", "value": value,
        });
        format!("{line}\n")
    };
    let text = [
        line("invoke", "put", "[\u{1b}]0;evil\u{7}"),
        line("ok", "put", "[\u{1b}]0;evil\u{7}"),
        line("invoke", "get", ""),
        line("ok", "get", "\u{1b}]0;evil\u{7}\nnext line\u{202e}"),
    ];
    let path = folder.join("evil\u{1b}[2J.jsonl");
    let path = path.to_str().expect("a path");
    for (text, expected) in [(text.concat(), 1), (text[1].clone(), 2)] {
        std::fs::write(path, text).expect("written");
        let (code, out, error) = run(&[path, path], b"");
        assert_eq!(code, expected, "{error}");
        for shown in [&out, &error] {
            let obeyed = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
            assert!(!shown.chars().any(obeyed), "{shown:?}");
        }
        assert!((out + &error).contains("\\u{1b}[31mred"));
    }
}

#[test]
fn what_cannot_be_done_is_told_first() {
    let history = history("stale-read.jsonl");
    for (flag, none) in [
        ("--time", "0"),
        ("--time", "0s"),
        ("--memory", "0"),
        ("--memory", "0G"),
    ] {
        let (code, out, error) = run(&[&history, flag, none], b"");
        assert_eq!(code, 3, "{error}");
        assert!(out.starts_with("INCONCLUSIVE"), "{out}");
    }
    let (code, out, error) = run(&[&history, "--html", "/nonexistent/page.html"], b"");
    assert_eq!((code, out.as_str()), (2, ""), "nothing was judged");
    assert!(
        error.contains("cannot write /nonexistent/page.html"),
        "{error}"
    );
    // A page that nothing is drawn on is not left behind.
    let folder = scratch("nothing-drawn");
    let page = folder.join("page.html");
    let page = page.to_str().expect("a path");
    let (code, _, _) = run(&["none.jsonl", "--html", page], b"");
    assert_eq!(code, 2);
    assert!(!std::path::Path::new(page).exists());
}

#[test]
fn the_page_is_not_written_over_what_is_read() {
    let folder = scratch("page-over-input");
    let text = std::fs::read(history("stale-read.jsonl")).expect("a history");
    let file = |name: &str| folder.join(name).to_str().expect("a path").to_owned();
    let (own, other, empty) = (file("h.jsonl"), file("other.html"), file("order.txt"));
    std::fs::write(&own, &text).expect("written");
    std::fs::hard_link(&own, &other).expect("another name");
    std::fs::write(&empty, "").expect("written");
    let whole = folder.to_str().expect("a path");
    for args in [
        &[&own[..], "--html", &own][..],
        &[&own, "--html", &other],
        &[&own, "--html", &format!("{whole}/./h.jsonl")],
        &[whole, "--html", &own],
        &[&own, "--witness", &empty, "--html", &empty],
    ] {
        let (code, out, error) = run(args, b"");
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {error}");
        assert!(
            error.contains(": it is one of the files that are read"),
            "{error}"
        );
        assert_eq!(std::fs::read(&own).expect("the history"), text);
    }
    let (code, _, error) = run(&[&own, "--html", &file("page.html")], b"");
    assert_eq!(code, 1, "{error}");
}

/// A compare-and-set of etcd is a transaction that compares the value, and an
/// absent key has none.
#[test]
fn etcd_compares_no_absent_value() {
    let folder = scratch("etcd-absent");
    let path = folder.join("history.jsonl");
    let name = path.to_str().expect("a path");
    let cas = |answer: bool, revision: &str| {
        let line = "{\"client\":1,\"op\":\"cas\",\"key\":\"k\",";
        format!(
            "{line}\"from\":\"\",\"to\":\"b\",\"type\":\"invoke\"}}\n\
             {line}\"answer\":{answer}{revision},\"type\":\"ok\"}}\n"
        )
    };
    let shown = ",\"revision\":1";
    for (text, etcd, expected) in [
        (cas(false, shown), false, 0),
        (cas(true, shown), false, 1),
        (cas(false, ""), true, 0),
        (cas(true, ""), true, 1),
        // In a store that is not etcd's an absent key reads as the empty text.
        (cas(true, ""), false, 0),
        (cas(false, ""), false, 1),
    ] {
        std::fs::write(&path, &text).expect("written");
        let model = if etcd { &["--model", "etcd"][..] } else { &[] };
        let (code, out, error) = run(&[&[name], model].concat(), b"");
        assert_eq!(code, expected, "{text}{out}{error}");
    }
}

/// Which operation does not go with those before it, and where it is called.
#[test]
fn operations_of_no_one_model_are_told() {
    let folder = scratch("no-model");
    let one = |op: &str, asked: &str, answered: &str| {
        let line = |phase: &str, rest: &str| {
            format!("{{\"client\":1,\"op\":\"{op}\",\"type\":\"{phase}\"{rest}}}\n")
        };
        line("invoke", asked) + &line("ok", answered)
    };
    let value = ",\"value\":\"1\"";
    let put = one("enqueue", value, "");
    for (text, says) in [
        (
            put.clone() + &one("enqueue", value, ",\"revision\":3"),
            ":3: enqueue with a revision is no operation of the model queue, and those before it are",
        ),
        (
            one("enqueue", value, ",\"revision\":3"),
            ":1: enqueue with a revision is no operation of any model",
        ),
        (
            one("put", value, "") + &one("cas", ",\"from\":\"1\",\"to\":\"2\"", "") + &put,
            ":5: enqueue is no operation of the model cas-register, and those before it are",
        ),
        (
            one("txn", ",\"then\":[{\"op\":\"enqueue\",\"value\":1}]", ""),
            ":1: txn with enqueue in it is no operation of any model",
        ),
    ] {
        let path = folder.join("history.jsonl");
        std::fs::write(&path, text).expect("written");
        let path = path.to_str().expect("a path");
        let (code, out, error) = run(&[path], b"");
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(error.contains(&format!("{path}{says}")), "{error}");
    }
}

/// A transaction may name no key; other files keep their verdicts beside it.
#[test]
fn transactions_of_nothing_are_judged() {
    let folder = scratch("txn-of-nothing");
    let txn = |fields: &str| {
        let line = "{\"client\":1,\"op\":\"txn\",";
        format!(
            "{line}\"then\":[],\"type\":\"invoke\"}}\n\
             {line}\"succeeded\":true,{fields}\"results\":[],\"type\":\"ok\"}}\n"
        )
    };
    let revision = |number: u32| txn(&format!("\"revision\":{number},"));
    let edn = "{:process 0, :type :invoke, :f :txn, :value []}\n\
               {:process 0, :type :ok, :f :txn, :value []}\n";
    let good = history("queue.edn");
    for (name, text, expected) in [
        ("one.jsonl", txn(""), 0),
        ("two.edn", edn.repeat(2), 0),
        ("forth.jsonl", revision(3) + &revision(3), 0),
        ("back.jsonl", revision(4) + &revision(3), 1),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        let (code, out, error) = run(&[path.to_str().expect("a path"), &good], b"");
        assert_eq!((code, error.as_str()), (expected, ""), "{name}: {out}");
    }
}

#[test]
fn there_is_a_document_whatever_cannot_be_read() {
    let folder = scratch("no-document");
    let folder = folder.to_str().expect("a path");
    let bad = history("stale-read.jsonl");
    let good = history("queue.edn");
    for (paths, verdict, code) in [
        (&[folder][..], "inconclusive", 2),
        (&["none.jsonl"], "inconclusive", 2),
        (&[&good, "none.jsonl"], "inconclusive", 2),
        (&[&bad, "none.jsonl"], "violated", 1),
        (&[&good], "holds", 0),
    ] {
        let mut args = vec!["--json"];
        args.extend(paths);
        let (given, out, error) = run(&args, b"");
        assert_eq!(given, code, "{paths:?} {error}");
        let document: serde_json::Value = serde_json::from_str(&out).expect("one document");
        assert_eq!(document["verdict"], verdict, "{paths:?}");
    }
}

#[test]
fn one_operation_is_no_order() {
    let text = "{\"client\":1,\"op\":\"get\",\"type\":\"invoke\"}\n\
                {\"client\":1,\"op\":\"get\",\"type\":\"ok\",\"value\":\"x\"}\n";
    let (code, out, _) = run(&["-"], text.as_bytes());
    assert_eq!(code, 1);
    assert!(
        out.contains("No order explains what this operation was answered."),
        "{out}"
    );
}

#[test]
fn a_value_that_no_answer_shows_has_its_name() {
    let text = "{\"client\":1,\"op\":\"put\",\"value\":\"x\",\"type\":\"invoke\"}\n\
                {\"client\":1,\"op\":\"put\",\"type\":\"ok\"}\n\
                {\"client\":1,\"op\":\"put\",\"value\":\"y\",\"type\":\"invoke\"}\n\
                {\"client\":1,\"op\":\"put\",\"type\":\"ok\"}\n\
                {\"client\":1,\"op\":\"get\",\"type\":\"invoke\"}\n\
                {\"client\":1,\"op\":\"get\",\"type\":\"ok\",\"value\":\"x\"}\n";
    let (code, out, _) = run(&["-"], text.as_bytes());
    assert_eq!(code, 1);
    assert!(
        out.contains("the value is \"y\", and it saw \"x\""),
        "{out}"
    );
}
