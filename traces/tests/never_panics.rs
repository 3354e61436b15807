//! No input makes the reader panic, loop or contradict itself.

mod common;

use std::io::Cursor;

use common::{HEADER, read, run, written};
use plimsoll_trace::*;
use proptest::prelude::*;
use quickcheck::quickcheck;

/// The bytes that tell gzip and zstd, so that damage reaches both decoders.
const MAGIC: [&[u8]; 3] = [b"", b"\x1f\x8b\x08\x00\x00", b"\x28\xb5\x2f\xfd\x04"];

quickcheck! {
    fn arbitrary_bytes(bytes: Vec<u8>, magic: usize) -> bool {
        let mut input = MAGIC[magic % MAGIC.len()].to_vec();
        input.extend(bytes);
        // Nothing random is a trace.
        read(input).is_err()
    }

    fn arbitrary_bytes_after_a_header(bytes: Vec<u8>) -> bool {
        let mut input = format!("{HEADER}\n").into_bytes();
        let blank = bytes.iter().all(u8::is_ascii_whitespace);
        input.extend(bytes);
        read(input).is_ok() == blank
    }

    /// However the source hands out its bytes, and however small the limit,
    /// lines joined again are the input.
    fn lines_lose_nothing(bytes: Vec<u8>, piece: u8, extra: usize) -> bool {
        let mut bytes: Vec<u8> =
            bytes.iter().map(|b| if b % 7 == 0 { b'\n' } else { *b }).collect();
        bytes.insert(0, b'.');
        let longest = bytes.split(|b| *b == b'\n').map(<[u8]>::len).max().unwrap_or(0);
        let source = Pieces { bytes: bytes.clone(), at: 0, piece: usize::from(piece) + 1 };
        let mut lines =
            Lines::new("t", source).unwrap().with_line_bytes_max(longest + extra % 4);
        let mut joined = Vec::new();
        let mut number = 0;
        while let Some(line) = lines.next_line().unwrap() {
            number += 1;
            assert_eq!(line.number, number);
            joined.extend_from_slice(line.bytes);
            if line.terminated {
                joined.push(b'\n');
            }
        }
        joined == bytes
    }

    /// One byte less than the longest line needs is an error at that line.
    fn a_line_over_the_limit_is_named(lengths: Vec<u8>) -> bool {
        let lengths: Vec<usize> = lengths.into_iter().map(usize::from).collect();
        let Some(longest) = lengths.iter().copied().max().filter(|l| *l > 0) else { return true };
        let text: String = lengths.iter().map(|l| ".".repeat(*l) + "\n").collect();
        let first = lengths.iter().position(|l| *l == longest).unwrap() as u64 + 1;
        let mut lines = Lines::new("t", Cursor::new(text.into_bytes()))
            .unwrap()
            .with_line_bytes_max(longest - 1);
        let error = loop {
            match lines.next_line() {
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(error) => break error,
            }
        };
        error.at.line == first
            && matches!(error.kind, ErrorKind::LineTooLong { limit } if limit == longest - 1)
            && lines.next_line().unwrap().is_none()
    }
}

/// A source that gives few bytes at a time, and is interrupted in between.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    piece: usize,
}

impl std::io::Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.piece += 1;
        if self.piece.is_multiple_of(3) {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let rest = &self.bytes[self.at..];
        let some = (self.piece % 5 + 1).min(rest.len()).min(buffer.len());
        buffer[..some].copy_from_slice(&rest[..some]);
        self.at += some;
        Ok(some)
    }
}

proptest! {
    /// Damage to a right trace: a byte changed, cut out, or doubled.
    #[test]
    fn damaged_traces((header, steps) in run(), at in any::<prop::sample::Index>(),
                      byte in any::<u8>(), how in 0..3) {
        let mut bytes = written(&header, &steps);
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => drop(bytes.remove(at)),
            _ => bytes.insert(at, bytes[at]),
        }
        if let Err(error) = read(bytes.clone()) {
            let lines = bytes.split(|b| *b == b'\n').count() as u64;
            prop_assert!(error.at.line <= lines, "{}", error);
            let line = bytes.split(|b| *b == b'\n').nth(error.at.line.max(1) as usize - 1);
            prop_assert!(error.at.column <= line.unwrap().len() as u64 + 1, "{}", error);
        }
    }

    /// A trace cut off anywhere is torn, or a whole shorter trace.
    #[test]
    fn a_cut_is_torn_or_whole((header, steps) in run(), at in any::<prop::sample::Index>()) {
        let bytes = written(&header, &steps);
        let at = at.index(bytes.len());
        let cut = &bytes[..at];
        match read(cut) {
            Ok((_, some)) => {
                prop_assert!(steps.starts_with(&some));
                prop_assert!(cut.ends_with(b"\n") || bytes[at] == b'\n');
            }
            Err(error) if at == 0 => prop_assert!(matches!(error.kind, ErrorKind::Empty)),
            Err(error) => {
                prop_assert!(matches!(error.kind, ErrorKind::Torn { .. }), "{}", error);
                let line = cut.iter().filter(|b| **b == b'\n').count() as u64 + 1;
                prop_assert_eq!(error.at.line, line);
            }
        }
    }

    /// Compressed data damaged anywhere never panics, and cut short it is an
    /// error.
    #[test]
    fn damaged_gzip((header, steps) in run(), at in any::<prop::sample::Index>(), bit in 0..8) {
        use std::io::Write as _;
        let mut encoder =
            flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&written(&header, &steps)).unwrap();
        let mut bytes = encoder.finish().unwrap();
        let at = at.index(bytes.len());
        prop_assert!(at == 0 || read(&bytes[..at]).is_err());
        bytes[at] ^= 1u8 << bit;
        // Some bits of a gzip header mean nothing; any other one is noticed.
        if let Ok(whole) = read(bytes) {
            prop_assert_eq!(whole, (header, steps));
        }
    }
}
