//! The bytes of what may say nothing for long: a pipe, a terminal.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Instant;

/// How much is read at a time, in bytes, and how much of that ahead.
const PIECE: usize = 64 << 10;
const AHEAD: usize = 2;

/// Reads a source on a thread of its own, and waits for it until a deadline.
///
/// A thread that waits for a source that never says anything ends with the
/// process.
pub(super) struct Awaited {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    /// How much of the piece was given.
    given: usize,
    deadline: Instant,
}

impl Awaited {
    /// What `open` opens, which may take as long as reading does.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn new<R: Read>(
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        deadline: Instant,
    ) -> io::Result<Self> {
        let (send, pieces) = sync_channel(AHEAD);
        let read = move || {
            let mut source = match open() {
                Ok(source) => source,
                Err(error) => return drop(send.send(Err(error))),
            };
            loop {
                let mut piece = vec![0; PIECE];
                let read = match source.read(&mut piece) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read,
                };
                let ended = matches!(read, Ok(0) | Err(_));
                let read = read.map(|length| {
                    piece.truncate(length);
                    piece
                });
                // Nobody may want it any more.
                if send.send(read).is_err() || ended {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("await".to_owned())
            .spawn(read)?;
        Ok(Awaited {
            pieces,
            piece: Vec::new(),
            given: 0,
            deadline,
        })
    }
}

impl Read for Awaited {
    /// [`io::ErrorKind::TimedOut`] at the deadline.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.piece.len() {
            let left = self.deadline.saturating_duration_since(Instant::now());
            self.piece = match self.pieces.recv_timeout(left) {
                Ok(piece) => piece?,
                Err(RecvTimeoutError::Timeout) => return Err(io::ErrorKind::TimedOut.into()),
                // It has ended.
                Err(RecvTimeoutError::Disconnected) => Vec::new(),
            };
            self.given = 0;
        }
        let length = into.len().min(self.piece.len() - self.given);
        into[..length].copy_from_slice(&self.piece[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Says something, and then nothing for ever.
    struct Silent(bool);

    impl Read for Silent {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                loop {
                    thread::park();
                }
            }
            into[..3].copy_from_slice(b"one");
            Ok(3)
        }
    }

    #[test]
    fn what_says_nothing_is_waited_for_until_the_deadline() {
        let far = Instant::now() + Duration::from_secs(600);
        let mut source = Awaited::new(|| Ok(Silent(false)), far).expect("a thread");
        let mut text = [0; 3];
        source.read_exact(&mut text).expect("what it says");
        assert_eq!(&text, b"one");
        source.deadline = Instant::now();
        let error = source.read(&mut text).expect_err("nothing more");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn all_is_read_and_errors_are_told() {
        let deadline = Instant::now() + Duration::from_secs(60);
        let long: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
        let copy = io::Cursor::new(long.clone());
        let mut text = Vec::new();
        let mut source = Awaited::new(|| Ok(copy), deadline).expect("a thread");
        source.read_to_end(&mut text).expect("all of it");
        assert_eq!(text, long);
        let refused = || Err::<io::Empty, _>(io::ErrorKind::PermissionDenied.into());
        let mut source = Awaited::new(refused, deadline).expect("a thread");
        let error = source.read(&mut [0; 8]).expect_err("it cannot be opened");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(source.read(&mut [0; 8]).expect("its end"), 0);
    }
}
