//! Lines that are right one by one, and do not fit together.

mod common;

use common::{HEADER, read};
use plimsoll_trace::*;

/// The error of a right header and these lines.
fn error(lines: &[&str]) -> String {
    read(format!("{HEADER}\n{}\n", lines.join("\n")))
        .expect_err("an error")
        .to_string()
}

/// The error of this header alone.
fn header_error(header: &str) -> String {
    read(header).expect_err("an error").to_string()
}

/// A line: `n1/2/3 {"tick":{}}` is node n1, incarnation 2, sequence number 3.
fn line(place: &str, cause: &str, more: &str) -> String {
    let [node, inc, seq] = place.split('/').collect::<Vec<_>>()[..] else {
        unreachable!()
    };
    format!(r#"{{"node":"{node}","inc":{inc},"seq":{seq},"cause":{cause}{more}}}"#)
}

const FULL: &str = concat!(
    r#","state":{"term":4,"vote":null,"role":"follower","leader":"n2","commit":7,"applied":7,"#,
    r#""last":{"index":9,"term":4},"snapshot":{"index":0,"term":0},"config":{"voters":["n1"]}}"#,
);

fn start(place: &str) -> String {
    line(place, r#"{"start":{}}"#, "")
}

fn tick(place: &str) -> String {
    line(place, r#"{"tick":{}}"#, "")
}

fn resume(place: &str) -> String {
    line(place, r#"{"resume":{}}"#, FULL)
}

#[test]
fn what_fits() {
    let lines = [
        start("n1/1/1"),
        start("n2/7/1"),
        tick("n1/1/2"),
        resume("n3/3/18446744073709551614"),
        start("n1/2/1"),
        tick("n2/7/2"),
        tick("n3/3/18446744073709551615"),
        start("n1/3/1"),
        tick("n1/3/2"),
        start("n3/4/1"),
    ];
    assert_eq!(
        read(format!("{HEADER}\n{}", lines.join("\n")))
            .unwrap()
            .1
            .len(),
        lines.len()
    );
}

#[test]
fn beginnings() {
    assert_eq!(
        error(&[&tick("n1/1/1")]),
        "t.ndjson:2: the first line of n1 is neither a start nor a resume"
    );
    assert_eq!(
        error(&[&start("n1/1/1"), &tick("n2/1/2")]),
        "t.ndjson:3: the first line of n2 is neither a start nor a resume"
    );
    assert_eq!(
        error(&[&start("n1/0/1")]),
        "t.ndjson:2: n1 has inc 0: it counts from 1"
    );
    assert_eq!(
        error(&[&resume("n1/1/0")]),
        "t.ndjson:2: n1 has seq 0: it counts from 1"
    );
    let starts = "starts with seq 2: each incarnation counts from 1";
    assert_eq!(
        error(&[&start("n1/1/2")]),
        format!("t.ndjson:2: n1 {starts}")
    );
    assert_eq!(
        error(&[&start("n1/1/1"), &start("n1/2/2")]),
        format!("t.ndjson:3: n1 {starts}")
    );
    assert_eq!(
        error(&[&start("n1/1/1"), &resume("n1/1/2")]),
        "t.ndjson:3: n1 resumes, but line 2 is its line already"
    );
}

#[test]
fn incarnations() {
    let again = |inc: u64| error(&[&start("n1/2/1"), "", &start(&format!("n1/{inc}/1"))]);
    let starts = |inc: u64| {
        format!("t.ndjson:4: n1 starts as incarnation {inc}, but line 2 is of incarnation 2")
    };
    assert_eq!(again(1), starts(1));
    assert_eq!(again(2), starts(2));
    assert_eq!(again(4), starts(4));
    assert_eq!(
        error(&[&start("n1/1/1"), &tick("n1/2/1")]),
        "t.ndjson:3: n1 is incarnation 2 without a start, but line 2 is of incarnation 1"
    );
    // No next incarnation: not a start as number 0.
    let last = u64::MAX;
    assert_eq!(
        error(&[&start(&format!("n1/{last}/1")), &start("n1/0/1")]),
        format!("t.ndjson:3: n1 starts as incarnation 0, but line 2 is of incarnation {last}")
    );
}

#[test]
fn sequence_numbers() {
    let lines = [
        start("n1/1/1"),
        start("n2/1/1"),
        tick("n1/1/2"),
        tick("n2/1/2"),
    ];
    let [a, b, c, d] = &lines;
    assert_eq!(
        error(&[a, b, c, d, &tick("n1/1/4")]),
        "t.ndjson:6: a gap: n1 incarnation 1 has seq 4 after seq 2 (line 4)"
    );
    assert_eq!(
        error(&[a, b, c, d, c]),
        "t.ndjson:6: a duplicate: n1 incarnation 1 has seq 2 again, after seq 2 (line 4)"
    );
    assert_eq!(
        error(&[a, b, c, d, &tick("n1/1/1")]),
        "t.ndjson:6: a duplicate: n1 incarnation 1 has seq 1 again, after seq 2 (line 4)"
    );
    // Two lines swapped show as a gap.
    assert_eq!(
        error(&[a, &tick("n1/1/3"), &tick("n1/1/2")]),
        "t.ndjson:3: a gap: n1 incarnation 1 has seq 3 after seq 1 (line 2)"
    );
    // The number before the first is not one that could follow the last.
    assert_eq!(
        error(&[&resume(&format!("n1/1/{}", u64::MAX)), &tick("n1/1/0")]),
        format!(
            "t.ndjson:3: a duplicate: n1 incarnation 1 has seq 0 again, after seq {} (line 2)",
            u64::MAX
        )
    );
}

#[test]
fn names_of_nobody() {
    let unknown = "which the header's nodes do not list";
    assert_eq!(
        error(&[&start("n4/1/1")]),
        format!("t.ndjson:2: node names n4, {unknown}")
    );
    let left = |more: &str| error(&[&line("n1/1/1", r#"{"start":{}}"#, more)]);
    for (place, more) in [
        ("state.vote", r#","state":{"vote":"n4"}"#),
        ("state.leader", r#","state":{"leader":"n4"}"#),
        ("durable.vote", r#","durable":{"vote":"n4"}"#),
        (
            "config.voters",
            r#","state":{"config":{"voters":["n1","n4"]}}"#,
        ),
        (
            "config.outgoing",
            r#","state":{"config":{"voters":[],"outgoing":["n4"]}}"#,
        ),
        (
            "config.learners",
            r#","state":{"config":{"voters":[],"learners":["n4"]}}"#,
        ),
        (
            "a message's to",
            r#","send":[{"type":"odd","from":"n1","to":"n4","term":1}]"#,
        ),
    ] {
        assert_eq!(
            left(more),
            format!("t.ndjson:2: {place} names n4, {unknown}")
        );
    }
    assert_eq!(
        left(r#","state":{"config":{"voters":["n1","n1"]}}"#),
        "t.ndjson:2: config.voters lists n1 twice"
    );
}

#[test]
fn messages() {
    let receive = |message: &str| {
        let cause = format!(r#"{{"receive":{message}}}"#);
        error(&[&start("n1/1/1"), &line("n1/1/2", &cause, "")])
    };
    assert_eq!(
        receive(r#"{"type":"vote","from":"n2","to":"n3","term":1,"granted":true}"#),
        "t.ndjson:3: n1 receives a message to n3"
    );
    assert_eq!(
        receive(r#"{"type":"vote","from":"n4","to":"n1","term":1,"granted":true}"#),
        "t.ndjson:3: a message's from names n4, which the header's nodes do not list"
    );
    let append = concat!(
        r#"{"type":"append","from":"n2","to":"n1","term":1,"prev":{"index":4,"term":1},"#,
        r#""entries":{"after":5,"runs":[]},"commit":0}"#,
    );
    let not_after = "t.ndjson:3: a message has prev index 4 and entries after index 5";
    assert_eq!(receive(append), not_after);
    let send = |message: &str| {
        let send = format!(r#","send":[{message}]"#);
        error(&[&start("n2/1/1"), &line("n2/1/2", r#"{"tick":{}}"#, &send)])
    };
    assert_eq!(send(append), not_after);
    assert_eq!(
        send(r#"{"type":"odd","from":"n1","to":"n2","term":1}"#),
        "t.ndjson:3: n2 sends a message from n1"
    );
}

#[test]
fn beginnings_say_what_they_must() {
    for field in [
        "term", "vote", "role", "leader", "commit", "applied", "last", "snapshot", "config",
    ] {
        let without = FULL.replace(&format!("\"{field}\":"), "\"x\":");
        // `last` and `snapshot` have a term too; only the first is the state's.
        let without = if field == "term" {
            FULL.replacen("\"term\"", "\"x\"", 1)
        } else {
            without
        };
        assert_eq!(
            error(&[&line("n1/5/9", r#"{"resume":{}}"#, &without)]),
            format!("t.ndjson:2: the resume of n1 lacks state.{field}, which it must have")
        );
    }
    let declared = HEADER.replace(
        "\"settings\"",
        r#""complete":{"fields":["send","durable.last","state.term"]},"settings""#,
    );
    let first = |more: &str| {
        let first = line("n1/1/1", r#"{"start":{}}"#, more);
        read(format!("{declared}\n{first}\n"))
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        first(""),
        Err("t.ndjson:2: the start of n1 lacks state.term, which it must have".to_owned())
    );
    assert_eq!(
        first(r#","state":{"term":1}"#),
        Err("t.ndjson:2: the start of n1 lacks durable.last, which it must have".to_owned())
    );
    assert_eq!(
        first(r#","state":{"term":1},"durable":{"last":{"index":0,"term":0}}"#),
        Ok(())
    );
    let resumed = line("n1/5/9", r#"{"resume":{}}"#, FULL);
    assert_eq!(
        header_error(&format!("{declared}\n{resumed}\n")),
        "t.ndjson:2: the resume of n1 lacks durable.last, which it must have"
    );
}

#[test]
fn headers() {
    let nodes = |nodes: &str| HEADER.replace(r#""nodes":["n1","n2","n3"]"#, nodes);
    assert_eq!(
        header_error(&nodes(r#""nodes":[]"#)),
        "t.ndjson:1: the header lists no node"
    );
    assert_eq!(
        header_error(&nodes(r#""nodes":["n1","n2","n1","n3"]"#)),
        "t.ndjson:1: nodes lists n1 twice"
    );
    assert_eq!(
        header_error(&nodes(r#""nodes":["n1","n2"]"#)),
        "t.ndjson:1: config.voters names n3, which the header's nodes do not list"
    );
}

/// Who asks for it gets lines that do not fit together.
#[test]
fn the_check_can_be_left_out() {
    let text = format!("{HEADER}\n{}\n{}\n", tick("n9/4/4"), tick("n9/4/4"));
    let reader = TraceReader::new("t", std::io::Cursor::new(text)).unwrap();
    let steps: Vec<_> = reader.without_shape_check().map(Result::unwrap).collect();
    assert_eq!(
        steps.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
        [2, 3]
    );
}

/// A refused step leaves no line, and does not count.
#[test]
fn the_writer_refuses_and_goes_on() {
    let header = Header::new("test", ["n1", "n2"]);
    let mut writer = TraceWriter::new(Vec::new(), &header).unwrap();
    let mut n1 = Sequencer::new("n1");
    assert_eq!(writer.write(&n1.step(Cause::Start)).unwrap(), 2);
    let skipped = Step::new("n1", 1, 3, Cause::Tick);
    assert!(matches!(
        writer.write(&skipped),
        Err(WriteError::Shape(ShapeError::Gap { .. }))
    ));
    // Something the format cannot say: nothing of it is written either.
    let nameless = Step::new("n1", 1, 2, Cause::write(""));
    assert!(matches!(
        writer.write(&nameless),
        Err(WriteError::Format(_))
    ));
    assert_eq!(writer.write(&n1.step(Cause::Tick)).unwrap(), 3);
    let text = String::from_utf8(writer.finish().unwrap()).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert_eq!(read(text).unwrap().1.len(), 2);
}

/// Takes so many bytes, then no more.
struct Full(usize);

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let some = bytes.len().min(self.0);
        self.0 -= some;
        if some == 0 {
            Err(std::io::ErrorKind::StorageFull.into())
        } else {
            Ok(some)
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.0 == 0 {
            Err(std::io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }
}

#[test]
fn a_failed_write_is_never_forgotten() {
    let header = Header::new("test", ["n1"]);
    let mut n1 = Sequencer::new("n1");
    let (start, tick) = (n1.step(Cause::Start), n1.step(Cause::Tick));

    // Half of a line was written: nothing may follow.
    let mut writer = TraceWriter::new(Full(200), &header).unwrap();
    assert!(matches!(writer.write(&start), Err(WriteError::Io(_))));
    assert!(matches!(writer.write(&tick), Err(WriteError::Broken)));
    assert!(matches!(writer.flush(), Err(WriteError::Broken)));
    assert!(matches!(writer.finish(), Err(WriteError::Broken)));

    // The buffer took it all; only the end tells.
    let buffered = std::io::BufWriter::new(Full(200));
    let mut writer = TraceWriter::new(buffered, &header).unwrap();
    writer.write(&start).unwrap();
    writer.write(&tick).unwrap();
    assert!(matches!(writer.finish(), Err(WriteError::Io(_))));
}

#[test]
fn what_is_of_a_later_version() {
    let lines = [
        start("n1/1/1"),
        line("n1/1/2", r#"{"compact":{"index":3}}"#, ""),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(
        error(&lines),
        "t.ndjson:3: the cause is not in format version 1, which the header names"
    );
    let later = HEADER.replace("\"plimsoll_trace\":1", "\"plimsoll_trace\":2");
    assert!(read(format!("{later}\n{}\n", lines.join("\n"))).is_ok());
    let features = HEADER.replace("\"storage\"", "\"features\":[\"pre-vote\"],\"storage\"");
    assert_eq!(
        header_error(&features),
        "t.ndjson:1: `features` is not in format version 1, which the header names"
    );
    let declared = HEADER.replace(
        "\"storage\"",
        "\"complete\":{\"causes\":[\"check-quorum\"]},\"storage\"",
    );
    assert_eq!(
        header_error(&declared),
        "t.ndjson:1: a name in `complete` is not in format version 1, which the header names"
    );
}
