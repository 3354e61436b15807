//! What went wrong in a run, counted on one made by hand: the worked example of
//! `docs/trace-format.md`, and behind it messages lost, repeated, overtaken and
//! late, a link that is cut off, and a crash of every kind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plimsoll::coverage::{Coverage, Standing};
use plimsoll::replay::faults::{Crash, Faults, Tally};
use plimsoll::replay::{self, Options};
use plimsoll::verdict::{Certificate, Verdict};

fn example() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/trace-format.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let (_, rest) = page.split_once("```ndjson\n").expect("the example");
    let (lines, _) = rest.split_once("```").expect("its end");
    lines.lines().map(str::to_owned).collect()
}

fn conforms(name: &str, lines: &[String], window: Option<usize>) -> Certificate {
    let file: PathBuf = std::env::temp_dir().join(format!(
        "plimsoll-faults-{}-{name}.ndjson",
        std::process::id()
    ));
    std::fs::write(&file, lines.join("\n") + "\n").expect("a file");
    let options = Options {
        count_faults: true,
        window,
        ..Options::default()
    };
    let judged = replay::judge(std::slice::from_ref(&file), &options).remove(0);
    let _ = std::fs::remove_file(&file);
    match judged.result.expect("a trace") {
        Verdict::Conforms(certificate) => certificate,
        other => panic!("{name}: {other:#?}"),
    }
}

fn faults(name: &str, lines: &[String], window: Option<usize>) -> Faults {
    let certificate = conforms(name, lines, window);
    certificate.faults.expect("they are counted")
}

/// Lines behind the worked example, each with the next number of its node.
struct Script {
    lines: Vec<String>,
    next: BTreeMap<&'static str, (u32, u32)>,
}

impl Script {
    fn new() -> Self {
        Script {
            lines: example(),
            next: BTreeMap::from([("n1", (1, 12)), ("n2", (1, 8)), ("n3", (1, 2))]),
        }
    }

    fn line(&mut self, node: &'static str, rest: &str) {
        let (inc, seq) = self.next.get_mut(node).expect("a node");
        let line = format!(r#"{{"node":"{node}","inc":{inc},"seq":{seq},{rest}}}"#);
        *seq += 1;
        self.lines.push(line);
    }

    /// A tick of the leader, that sends appends without entries.
    fn tick(&mut self, sends: &[String]) {
        let sends = sends.join(",");
        self.line(
            "n1",
            &format!(r#""cause":{{"tick":{{}}}},"send":[{sends}]"#),
        );
    }

    fn receives(&mut self, node: &'static str, message: &str, rest: &str) {
        let cause = format!(r#""cause":{{"receive":{message}}}{rest}"#);
        self.line(node, &cause);
    }

    /// The node comes back with this state, all of it durable.
    fn restarts(&mut self, node: &'static str, term: u64, vote: &str, last: [u64; 2], more: &str) {
        let (inc, seq) = self.next.get_mut(node).expect("a node");
        (*inc, *seq) = (*inc + 1, 1);
        let [index, of] = last;
        let known =
            format!(r#""term":{term},"vote":"{vote}","last":{{"index":{index},"term":{of}}}"#);
        let rest = format!(
            r#""cause":{{"start":{{}}}},"state":{{{known},"role":"follower",{more}}},"durable":{{{known}}}"#
        );
        self.line(node, &rest);
    }
}

fn heartbeat(id: &str, to: &str, prev: [u64; 2]) -> String {
    let [index, term] = prev;
    format!(
        r#"{{"type":"append","id":"{id}","from":"n1","to":"{to}","term":1,"prev":{{"index":{index},"term":{term}}},"entries":{{"after":{index},"runs":[]}},"commit":2}}"#
    )
}

fn ack(id: &str, from: &str, term: u64, reject: bool, index: u64) -> String {
    format!(
        r#"{{"type":"append-ack","id":"{id}","from":"{from}","to":"n1","term":{term},"reject":{reject},"index":{index}}}"#
    )
}

fn request(id: &str, to: &str, term: u64) -> String {
    format!(
        r#"{{"type":"request-vote","id":"{id}","from":"n3","to":"{to}","term":{term},"last":{{"index":0,"term":0}}}}"#
    )
}

fn campaign(script: &mut Script, term: u64, ids: [&str; 2]) {
    let [one, two] = [request(ids[0], "n1", term), request(ids[1], "n2", term)];
    let state = format!(r#""state":{{"term":{term},"vote":"n3","role":"candidate"}}"#);
    let rest = format!(r#""cause":{{"campaign":{{}}}},{state},"send":[{one},{two}]"#);
    script.line("n3", &rest);
}

/// The run. Behind the worked example n1 has sent n1-7 to n2 and n1-2, n1-4,
/// n1-6, n1-8 to n3, of which none has arrived.
fn run() -> Vec<String> {
    let mut script = Script::new();
    let send = |message: String| format!(r#","send":[{message}]"#);
    // n1-9 overtakes n1-7, and arrives twice.
    script.tick(&[heartbeat("n1-9", "n2", [2, 1])]);
    let answer = send(ack("n2-4", "n2", 1, false, 2));
    let rest = format!(r#","state":{{"commit":2}}{answer}"#);
    script.receives("n2", &heartbeat("n1-9", "n2", [2, 1]), &rest);
    let rest = send(ack("n2-5", "n2", 1, false, 2));
    script.receives("n2", &heartbeat("n1-7", "n2", [2, 1]), &rest);
    let rest = send(ack("n2-6", "n2", 1, false, 2));
    script.receives("n2", &heartbeat("n1-9", "n2", [2, 1]), &rest);
    // n2-5 is lost.
    script.receives("n1", &ack("n2-4", "n2", 1, false, 2), "");
    script.receives("n1", &ack("n2-6", "n2", 1, false, 2), "");
    // Of nine to n3 only the last arrives.
    for i in 11..=19 {
        script.tick(&[heartbeat(&format!("n1-{i}"), "n3", [0, 0])]);
    }
    let answer = send(ack("n3-1", "n3", 1, false, 0));
    let rest = format!(r#","state":{{"term":1}}{answer}"#);
    script.receives("n3", &heartbeat("n1-19", "n3", [0, 0]), &rest);
    script.line("n3", r#""cause":{"persisted":{}},"durable":{"term":1}"#);
    // It campaigns, and n1-8 arrives late.
    campaign(&mut script, 2, ["n3-2", "n3-3"]);
    script.line(
        "n3",
        r#""cause":{"persisted":{}},"durable":{"term":2,"vote":"n3"}"#,
    );
    let rest = send(ack("n3-4", "n3", 2, true, 0));
    script.receives("n3", &heartbeat("n1-8", "n3", [0, 0]), &rest);
    // A crash loses the next candidacy, another one keeps it, and a third finds
    // everything durable.
    campaign(&mut script, 3, ["n3-5", "n3-6"]);
    let empty = r#""commit":0,"applied":0"#;
    script.restarts("n3", 2, "n3", [0, 0], empty);
    campaign(&mut script, 3, ["n3-7", "n3-8"]);
    script.restarts("n3", 3, "n3", [0, 0], empty);
    script.restarts("n3", 3, "n3", [0, 0], empty);
    // Of two entries under way the first survives.
    for (op, after) in [("5.2", 2), ("5.3", 3)] {
        let last = after + 1;
        let write = format!(
            r#""cause":{{"write":{{"op":"{op}"}}}},"state":{{"last":{{"index":{last},"term":1}}}},"append":{{"after":{after},"runs":[[1,1]],"kinds":["write"],"ops":["{op}"]}}"#
        );
        script.line("n1", &write);
    }
    script.restarts("n1", 1, "n1", [3, 1], empty);
    script.lines
}

fn expected() -> Faults {
    let messages = [
        (
            "request-vote",
            // Those of the lost candidacy never left, and of the one that was
            // kept nobody knows.
            Tally {
                sent: 4,
                received: 1,
                lost: 1,
                never_received: 2,
                ..Tally::default()
            },
        ),
        (
            "vote",
            Tally {
                sent: 1,
                received: 1,
                ..Tally::default()
            },
        ),
        (
            "append",
            Tally {
                sent: 16,
                received: 7,
                lost: 10,
                never_received: 0,
                repeated: 1,
                overtaken: 2,
                late: 1,
            },
        ),
        (
            "append-ack",
            Tally {
                sent: 7,
                received: 4,
                lost: 1,
                never_received: 2,
                ..Tally::default()
            },
        ),
    ];
    Faults {
        messages: messages.into_iter().collect(),
        crashes: BTreeMap::from([
            (Crash::Durable, 1),
            (Crash::KeptAll, 1),
            (Crash::KeptPart, 1),
            (Crash::KeptNothing, 1),
        ]),
        cut_off: 1,
    }
}

#[test]
fn what_goes_wrong_is_counted() {
    assert_eq!(faults("ids", &run(), None), expected());
}

#[test]
fn without_ids_those_that_read_the_same_count_as_little_as_they_can() {
    let strip = |line: &String| {
        let parts = line.split(r#""id":""#).enumerate();
        let rest = parts.map(|(i, part)| match i {
            0 => part,
            _ => part.split_once(r#"","#).expect("an id ends").1,
        });
        rest.collect::<String>()
    };
    let lines: Vec<String> = run().iter().map(strip).collect();
    let mut expected = expected();
    // Which of two equal answers was lost does not show: it may be the last, and
    // under way. So may any of the nine equal messages to n3 have been the one
    // that arrived, so the first is taken; n1-8 reads like them, and arrived as
    // the next.
    let acks = expected.messages.get_mut("append-ack").expect("acks");
    (acks.lost, acks.never_received) = (0, 3);
    let appends = expected.messages.get_mut("append").expect("appends");
    (appends.lost, appends.never_received, appends.overtaken) = (2, 8, 0);
    expected.cut_off = 0;
    assert_eq!(faults("nameless", &lines, None), expected);
}

#[test]
fn a_window_bounds_what_is_kept() {
    assert_eq!(faults("window", &run(), Some(64)), expected());
    let mut script = Script::new();
    for i in 0..40 {
        script.tick(&[heartbeat(&format!("x{i}"), "n3", [0, 0])]);
    }
    let all = faults("lost", &script.lines, Some(16));
    let appends = all.messages["append"];
    // The last waits for the next line of n1 to have left.
    assert_eq!(
        (appends.sent, appends.never_received, appends.lost),
        (6 + 39, 43, 0)
    );
}

#[test]
fn a_fault_that_no_trace_shows_is_a_hole() {
    let mut coverage = Coverage::default();
    coverage.add(&conforms("holes", &run(), None));
    let items = coverage.items();
    let standing = |name: &str| {
        let item = items.iter().find(|item| item.name == name);
        item.map(|item| (item.standing, item.count, item.traces))
    };
    assert_eq!(standing("append lost"), Some((Standing::Exercised, 10, 1)));
    assert_eq!(standing("vote lost"), Some((Standing::Hole, 0, 0)));
    assert_eq!(
        standing("crash that tore a write"),
        Some((Standing::Exercised, 1, 1))
    );
    assert_eq!(standing("link cut off"), Some((Standing::Exercised, 1, 1)));
    // The paper has no heartbeat of its own kind.
    assert_eq!(
        standing("heartbeat lost"),
        Some((Standing::OtherDialect, 0, 0))
    );
    let faults = items.iter().filter(|item| item.kind == "fault");
    assert!(faults.clone().all(|item| item.scenario.len() > 20));
    // Twelve kinds of messages, four kinds of crashes, and a link cut off.
    assert_eq!(faults.count(), 12 * 4 + 4 + 1);
}
