//! Every error, as the user reads it: file, line, column, cause.

mod common;

use common::{HEADER, read};
use plimsoll_trace::*;

/// The error of a file of these bytes.
fn error(bytes: impl Into<Vec<u8>>) -> String {
    read(bytes).expect_err("an error").to_string()
}

/// The error of a file of a right header, a right line, and these.
fn error_after(lines: &str) -> String {
    error(format!("{HEADER}\n{START}\n{lines}"))
}

const START: &str = r#"{"node":"n1","inc":1,"seq":1,"cause":{"start":{}}}"#;

/// A line of n1 with this cause and whatever follows.
fn line(cause: &str, more: &str) -> String {
    format!("{{\"node\":\"n1\",\"inc\":1,\"seq\":2,\"cause\":{cause}{more}}}\n")
}

#[test]
fn no_file() {
    let error = TraceReader::open("/no/such/file")
        .expect_err("an error")
        .to_string();
    // What follows is the system's wording.
    assert!(error.starts_with("/no/such/file: cannot open: "), "{error}");
}

#[test]
fn nothing_in_it() {
    let empty = "t.ndjson: the file is empty: a trace begins with its header";
    assert_eq!(error(""), empty);
    assert_eq!(error("\n \r\n"), empty);
}

#[test]
fn no_header() {
    let no_header = "no header: the first line has no field `plimsoll_trace`";
    assert_eq!(
        error(format!("{START}\n")),
        format!("t.ndjson:1: {no_header}")
    );
    assert_eq!(
        error(format!("\n{START}\n")),
        format!("t.ndjson:2: {no_header}")
    );
    assert_eq!(error("[]\n"), format!("t.ndjson:1: {no_header}"));
    assert_eq!(error("7\n"), format!("t.ndjson:1: {no_header}"));
    assert_eq!(
        error("plimsoll_trace: 1\n"),
        "t.ndjson:1:1: not JSON: expected value"
    );
    assert_eq!(
        error(format!("\u{feff}{HEADER}\n")),
        "t.ndjson:1: the file begins with a byte order mark; plain UTF-8 has none"
    );
}

#[test]
fn another_version() {
    assert_eq!(
        error("{\"plimsoll_trace\":3,\"quite\":\"different\"}\n"),
        "t.ndjson:1: format version 3 is not supported (versions 1 to 2 are)"
    );
    assert_eq!(
        error("{\"plimsoll_trace\":\"1\"}\n"),
        "t.ndjson:1: format version \"1\" is not supported (versions 1 to 2 are)"
    );
    assert_eq!(
        error(format!("{{\"plimsoll_trace\":[{}0]}}", "0,".repeat(999))),
        "t.ndjson:1: format version [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0... is not supported \
         (versions 1 to 2 are)"
    );
}

#[test]
fn a_header_that_says_too_little_or_too_much() {
    assert_eq!(
        error("{\"plimsoll_trace\":1,\"emitter\":\"x\"}\n"),
        "t.ndjson:1:34: missing field `nodes`"
    );
    assert_eq!(
        error(HEADER.replace("sync", "synchronous")),
        "t.ndjson:1:143: unknown variant `synchronous`, expected one of `sync`, \
         `parallel-append`, `async`"
    );
    let declared = HEADER.replace(
        "\"settings\"",
        "\"complete\":{\"fields\":[\"sends\"]},\"settings\"",
    );
    assert_eq!(
        error(declared),
        "t.ndjson:1:130: unknown variant `sends`, expected one of `state.term`, `state.vote`, \
         `state.role`, `state.leader`, `state.commit`, `state.applied`, `state.last`, \
         `state.snapshot`, `state.config`, `state.transfer`, `durable.term`, `durable.vote`, \
         `durable.commit`, `durable.last`, `append`, `send`, `reads`, `ack`"
    );
}

#[test]
fn two_files_in_one() {
    assert_eq!(
        error_after(&format!("{HEADER}\n")),
        "t.ndjson:3: a second header: each file has one, as its first line"
    );
}

#[test]
fn a_torn_last_line() {
    let torn = |rest: &str| error_after(rest);
    assert_eq!(
        torn(r#"{"node":"n1","inc":1,"seq":2,"cause":{"ti"#),
        "t.ndjson:3:41: the last line is torn (no newline, and EOF while parsing a string)"
    );
    assert_eq!(
        torn(r#"{"node":"n1","inc":1,"seq":2"#),
        "t.ndjson:3:28: the last line is torn (no newline, and EOF while parsing an object)"
    );
    // What a file system leaves of blocks it never wrote.
    assert_eq!(
        torn("\0\0\0\0"),
        "t.ndjson:3:1: the last line is torn (no newline, and expected value)"
    );
    let mut inside = format!("{HEADER}\n{START}\n{{\"node\":\"").into_bytes();
    inside.push("é".as_bytes()[0]);
    assert_eq!(
        error(inside),
        "t.ndjson:3:10: the last line is torn (no newline, and it ends inside a character)"
    );
    // The same with a newline was not torn: something wrote it like that.
    assert_eq!(
        error_after("{\"node\":\"n1\",\"inc\":1\n"),
        "t.ndjson:3:20: not JSON: EOF while parsing an object"
    );
    // And what is whole JSON is not torn, only wrong.
    assert_eq!(
        error_after("{\"node\":\"n1\"}"),
        "t.ndjson:3:13: missing field `inc`"
    );
}

#[test]
fn text_that_is_not_utf8() {
    let mut bytes = format!("{HEADER}\n{START}\n").into_bytes();
    // Also where the field is ignored.
    bytes.extend(b"{\"ignored\":\"caf\xe9\"}\n");
    assert_eq!(error(bytes), "t.ndjson:3:16: not UTF-8");
}

#[test]
fn lines_that_are_not_json() {
    assert_eq!(
        error_after("{\"node\":\"n1\",}\n"),
        "t.ndjson:3:14: not JSON: trailing comma"
    );
    assert_eq!(
        error_after(&format!("{START}{START}\n")),
        "t.ndjson:3:51: not JSON: trailing characters"
    );
    assert_eq!(
        error_after(&line("{\"tick\":{}}", ",\"append\":{\"after\":01}")),
        "t.ndjson:3:69: not JSON: invalid number"
    );
}

#[test]
fn deep_nesting() {
    let deep = |open: &str| open.repeat(1_000_000);
    let too_deep = "nested too deeply";
    let inside = format!(
        "{{\"receive\":{{\"type\":\"x\",\"from\":\"n2\",\"to\":\"n1\",\"term\":1,\"x\":{}",
        deep("[")
    );
    assert_eq!(
        error_after(&line(&inside, "")),
        format!("t.ndjson:3:220: {too_deep}")
    );
    assert_eq!(
        error_after(&line(&deep("{\"receive\":"), "")),
        format!("t.ndjson:3:1424: {too_deep}")
    );
}

#[test]
fn causes() {
    assert_eq!(
        error_after(&line("{\"timeout\":{}}", "")),
        "t.ndjson:3:47: unknown cause \"timeout\", expected one of start, resume, campaign, tick, \
         receive, write, read, persisted, apply, change, transfer, compact, check-quorum, other"
    );
    assert_eq!(
        error_after(&line("{\"tick\":{},\"campaign\":{}}", "")),
        "t.ndjson:3:58: a cause has exactly one key, this one also has \"campaign\""
    );
    assert_eq!(
        error_after(&line("{}", "")),
        "t.ndjson:3:39: a cause has exactly one key, this one has none"
    );
    assert_eq!(
        error_after(&line("\"tick\"", "")),
        "t.ndjson:3:43: invalid type: string \"tick\", expected a cause: an object of exactly one key"
    );
    assert_eq!(
        error_after(&line("{\"tick\":null}", "")),
        "t.ndjson:3:49: invalid type: null, expected nothing more (an object)"
    );
    assert_eq!(
        error_after(&line("{\"write\":{}}", "")),
        "t.ndjson:3:48: missing field `op`"
    );
}

#[test]
fn fields() {
    let tick = |more: &str| error_after(&line("{\"tick\":{}}", more));
    let state = |state: &str| tick(&format!(",\"state\":{state}"));
    assert_eq!(
        state("{\"term\":null}"),
        "t.ndjson:3:69: invalid type: null, expected u64"
    );
    assert_eq!(
        state("{\"term\":-1}"),
        "t.ndjson:3:67: invalid value: integer `-1`, expected u64"
    );
    assert_eq!(
        state("{\"term\":1.0}"),
        "t.ndjson:3:68: invalid type: floating point `1.0`, expected u64"
    );
    assert_eq!(
        state("{\"vote\":\"\"}"),
        "t.ndjson:3:67: a node name is empty (nobody is written null)"
    );
    assert_eq!(
        state("{\"role\":\"boss\"}"),
        "t.ndjson:3:71: unknown variant `boss`, expected one of `follower`, `pre-candidate`, \
         `candidate`, `leader`, `learner`"
    );
    assert_eq!(
        state("{\"last\":[5,2]}"),
        "t.ndjson:3:65: invalid type: sequence, expected a position (an object)"
    );
    assert_eq!(
        state("{\"last\":{\"index\":5}}"),
        "t.ndjson:3:76: missing field `term`"
    );
    assert_eq!(
        state("{\"term\":1,\"term\":2}"),
        "t.ndjson:3:73: duplicate field `term`"
    );
    assert_eq!(
        tick(",\"send\":null"),
        "t.ndjson:3:60: invalid type: null, expected a sequence"
    );
}

#[test]
fn entries() {
    let append = |entries: &str| {
        error_after(&line(
            "{\"tick\":{}}",
            &format!(",\"append\":{{\"after\":4,{entries}}}"),
        ))
    };
    assert_eq!(
        append("\"runs\":[[2,3],[3,0]]"),
        "t.ndjson:3:91: entries: run 2 (of term 3) has count 0"
    );
    assert_eq!(
        append("\"runs\":[[2,18446744073709551615]]"),
        "t.ndjson:3:104: entries: more entries after index 4 than 64 bits can number"
    );
    assert_eq!(
        append("\"runs\":[[2,3]],\"kinds\":[\"noop\"]"),
        "t.ndjson:3:102: entries: 1 kinds for 3 entries"
    );
    assert_eq!(
        append("\"runs\":[[2,1]],\"ops\":[null,\"5.1\"]"),
        "t.ndjson:3:104: entries: 2 ops for 1 entries"
    );
    assert_eq!(
        append("\"runs\":[[2,1]],\"hashes\":[\"+123456789abcdef\"]"),
        "t.ndjson:3:112: invalid value: string \"+123456789abcdef\", expected a content hash (a \
         string of 16 hex digits)"
    );
    assert_eq!(
        append("\"runs\":[[2,1,1]]"),
        "t.ndjson:3:83: not JSON: trailing characters"
    );
}

#[test]
fn messages() {
    let receive = |message: &str| error_after(&line(&format!("{{\"receive\":{message}}}"), ""));
    assert_eq!(
        receive("{\"type\":\"vote\",\"from\":\"n2\",\"to\":\"n1\",\"term\":2}"),
        "t.ndjson:3:94: missing field `granted`"
    );
    assert_eq!(
        receive("{\"type\":\"vote\",\"to\":\"n1\",\"term\":2,\"granted\":true}"),
        "t.ndjson:3:97: missing field `from`"
    );
    assert_eq!(
        receive("{\"from\":\"n2\",\"to\":\"n1\",\"term\":2,\"granted\":true}"),
        "t.ndjson:3:95: missing field `type`"
    );
    assert_eq!(
        receive("{\"type\":\"vote\",\"granted\":1}"),
        "t.ndjson:3:74: invalid type: integer `1`, expected a boolean"
    );
    // A field before the type: the column is the message's end, so the field
    // is named.
    assert_eq!(
        receive("{\"granted\":1,\"from\":\"n2\",\"to\":\"n1\",\"term\":2,\"type\":\"vote\"}"),
        "t.ndjson:3:106: message field \"granted\": invalid type: integer `1`, expected a boolean"
    );
    assert_eq!(
        receive("{\"type\":\"vote\",\"granted\":true,\"granted\":true}"),
        "t.ndjson:3:93: duplicate field `granted`"
    );
}

#[test]
fn compressed_files() {
    let cut = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes.truncate(bytes.len() - 6);
        error(bytes)
    };
    let text = format!("{HEADER}\n{START}\n");
    let gzip = {
        use std::io::Write as _;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).expect("a vector takes all");
        gzip.finish().expect("a vector takes all")
    };
    assert_eq!(
        cut(&gzip),
        "t.ndjson:3: cannot decompress: unexpected end of file"
    );
    let mut wrong = gzip.clone();
    let checksum = wrong.len() - 8;
    wrong[checksum] ^= 1;
    assert_eq!(
        error(wrong),
        "t.ndjson:3: cannot decompress: corrupt gzip stream does not have a matching checksum"
    );
    assert_eq!(
        error(&b"BZh91AY&SY"[..]),
        "t.ndjson: cannot decompress: this kind of compression is not read (gzip and zstd are)"
    );
}

/// After an error nothing more comes, although lines follow.
#[test]
fn an_error_is_the_end() {
    let text = format!("{HEADER}\n{START}\nnonsense\n{START}\n");
    let mut reader = TraceReader::new("t", std::io::Cursor::new(text)).expect("a header");
    assert!(reader.next().expect("a line").is_ok());
    assert!(reader.next().expect("a line").is_err());
    assert!(reader.next().is_none());
    assert!(reader.next().is_none());
}
