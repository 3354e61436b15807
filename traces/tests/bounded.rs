//! A line of 100 MB, or without an end, costs no more memory than the limit.

mod common;

use std::io::{Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::HEADER;
use plimsoll_trace::*;

/// Counts what is read through it.
struct Counted<R> {
    source: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let some = self.source.read(buffer)?;
        self.bytes.fetch_add(some as u64, Ordering::Relaxed);
        Ok(some)
    }
}

/// A header, a start, and a line of so many bytes, never held anywhere.
fn long_line(bytes: u64) -> impl Read + Send {
    let before = format!(
        "{HEADER}\n{{\"node\":\"n1\",\"inc\":1,\"seq\":1,\"cause\":{{\"start\":{{}}}}}}\n{OPEN}"
    );
    let middle = bytes - (OPEN.len() + CLOSE.len() - 1) as u64;
    Cursor::new(before)
        .chain(std::io::repeat(b'x').take(middle))
        .chain(CLOSE.as_bytes())
}

const OPEN: &str = r#"{"node":"n1","inc":1,"seq":2,"cause":{"other":{"what":""#;
const CLOSE: &str = "\"}}}\n";

const MB: u64 = 1_000_000;

/// What one chunk more than the limit can be, generously.
const SLACK: u64 = MB;

/// The error of reading this, and how many bytes of it were asked for.
fn error_of(source: impl Read + Send + 'static, limit: Option<usize>) -> (String, u64) {
    let bytes = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        source,
        bytes: Arc::clone(&bytes),
    };
    let mut lines = Lines::new("t.ndjson", counted).unwrap();
    if let Some(limit) = limit {
        lines = lines.with_line_bytes_max(limit);
    }
    let reader = TraceReader::from_lines(lines).unwrap();
    let error = reader
        .map(|step| step.map(drop))
        .find_map(Result::err)
        .unwrap();
    (error.to_string(), bytes.load(Ordering::Relaxed))
}

#[test]
fn a_line_of_100_mb() {
    let (error, read) = error_of(long_line(100 * MB), None);
    assert_eq!(error, "t.ndjson:3: the line is longer than 16777216 bytes");
    // It was not even read, so it cannot have been held.
    assert!(read < LINE_BYTES_MAX as u64 + SLACK, "{read}");
}

#[test]
fn a_line_without_an_end() {
    let endless = Cursor::new(format!("{HEADER}\n")).chain(std::io::repeat(b'['));
    let (error, read) = error_of(endless, Some(1000));
    assert_eq!(error, "t.ndjson:2: the line is longer than 1000 bytes");
    assert!(read < SLACK, "{read}");
}

#[test]
fn a_first_line_without_an_end() {
    let error = TraceReader::new("/dev/zero", std::io::repeat(0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/dev/zero:1: the line is longer than 16777216 bytes"
    );
}

/// 100 MB in a file of 100 kB.
#[test]
fn a_line_of_100_mb_compressed() {
    let mut encoder =
        flate2::read::GzEncoder::new(long_line(100 * MB), flate2::Compression::fast());
    let mut gzip = Vec::new();
    encoder.read_to_end(&mut gzip).unwrap();
    assert!((gzip.len() as u64) < MB);
    let (error, _) = error_of(Cursor::new(gzip), None);
    assert_eq!(error, "t.ndjson:3: the line is longer than 16777216 bytes");
}

/// The limit is exact, and a caller with the memory may raise it.
#[test]
fn a_line_as_long_as_the_limit() {
    let bytes = 20 * MB;
    let lines = |limit| {
        Lines::new("t", long_line(bytes))
            .unwrap()
            .with_line_bytes_max(limit)
    };
    let read = |limit: u64| {
        let reader = TraceReader::from_lines(lines(limit as usize)).unwrap();
        reader.collect::<Result<Vec<_>, _>>()
    };
    assert_eq!(read(bytes).unwrap().len(), 2);
    assert!(read(bytes - 1).is_err());
}

/// Many lines cost no more than one: the source is never asked ahead.
#[test]
fn a_long_file_is_not_held() {
    let line = "{\"node\":\"n1\",\"inc\":1,\"seq\":1,\"cause\":{\"start\":{}}}\n";
    let bytes = Arc::new(AtomicU64::new(0));
    let source = Cursor::new(format!("{HEADER}\n{line}")).chain(Cursor::new(" \n".repeat(1 << 20)));
    let counted = Counted {
        source,
        bytes: Arc::clone(&bytes),
    };
    let mut reader = TraceReader::new("t", counted).unwrap();
    assert!(reader.next().unwrap().is_ok());
    assert!(bytes.load(Ordering::Relaxed) < 200_000);
    assert!(reader.next().is_none());
}
