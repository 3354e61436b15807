//! Lines of a file that is all there, parsed ahead of who judges them.
//!
//! What a line says by itself can be found on another thread; how lines fit
//! together is left to the thread that judges, in the order of the file. So the
//! verdict is the same with and without the other thread. A short file is
//! parsed where it is judged. Of a long one, one batch is parsed while the one
//! before it is judged, so that what is held stays bounded.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::{io, vec};

use plimsoll_trace::{ErrorKind, Line, Lines, TraceError};

/// How many lines are parsed before another thread is asked to go on.
const ALONE: u64 = 512;

/// How many lines make a batch, at the most.
const BATCH_LINES: usize = 1024;

/// How many bytes of lines make a batch, but for the line that goes beyond.
const BATCH_BYTES: usize = 1 << 20;

/// Finds what a line says, whether or not it is the first one of its file.
pub(super) type Parse<S> =
    fn(file: &Arc<str>, line: Line<'_>, first: bool) -> Result<S, TraceError>;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that parse, from when they are first asked to.
pub struct Parsers {
    most: usize,
    running: OnceLock<Running>,
}

struct Running {
    jobs: Sender<Job>,
    threads: Vec<JoinHandle<()>>,
}

impl Parsers {
    /// So many threads; `None` where there are none.
    pub fn new(threads: usize) -> Option<Arc<Self>> {
        (threads > 0).then(|| {
            Arc::new(Parsers {
                most: threads,
                running: OnceLock::new(),
            })
        })
    }

    fn start(&self) -> Running {
        let (jobs, todo) = channel::<Job>();
        let todo = Arc::new(Mutex::new(todo));
        let spawned = (0..self.most).map_while(|_| {
            let todo = Arc::clone(&todo);
            let next = move || todo.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let work = move || {
                while let Ok(job) = next() {
                    job();
                }
            };
            let thread = thread::Builder::new().name("parse".to_owned());
            thread.spawn(work).ok()
        });
        let threads = spawned.collect();
        Running { jobs, threads }
    }

    fn ask(&self, job: Job) {
        let running = self.running.get_or_init(|| self.start());
        if running.threads.is_empty() {
            // The system gives no thread.
            return job();
        }
        // Threads end only when nobody can ask any more.
        let _ = running.jobs.send(job);
    }
}

impl Drop for Parsers {
    fn drop(&mut self) {
        if let Some(Running { jobs, threads }) = self.running.take() {
            drop(jobs);
            for thread in threads {
                let _ = thread.join();
            }
        }
    }
}

/// The lines of a file, each with its number and with what it says.
pub(super) struct Ahead<S> {
    file: Arc<str>,
    parse: Parse<S>,
    parsers: Option<Arc<Parsers>>,
    ready: vec::IntoIter<(u64, S)>,
    source: Source<S>,
}

enum Source<S> {
    /// Nobody else reads.
    Here(Unread),
    /// Another thread reads on.
    There(Receiver<Batch<S>>),
    /// It cannot be read on, for a reason or because that was all.
    End(Option<TraceError>),
}

/// What was not read yet.
struct Unread {
    lines: Lines,
    /// Nothing but blank lines was read.
    first: bool,
}

/// Lines that were parsed, and what is left.
struct Batch<S> {
    parsed: Vec<(u64, S)>,
    rest: Result<Unread, Option<TraceError>>,
}

impl Unread {
    /// The next line that is not blank.
    fn next<S>(&mut self, parse: Parse<S>) -> Result<Option<(u64, usize, S)>, TraceError> {
        let file = Arc::clone(self.lines.file());
        while let Some(line) = self.lines.next_line()? {
            if !line.is_blank() {
                let said = parse(&file, line, std::mem::take(&mut self.first))?;
                return Ok(Some((line.number, line.bytes.len(), said)));
            }
        }
        Ok(None)
    }

    fn batch<S>(mut self, parse: Parse<S>) -> Batch<S> {
        let mut parsed = Vec::with_capacity(BATCH_LINES);
        let mut bytes = 0;
        while parsed.len() < BATCH_LINES && bytes < BATCH_BYTES {
            match self.next(parse) {
                Ok(Some((number, length, said))) => {
                    bytes += length;
                    parsed.push((number, said));
                }
                Ok(None) => return Batch::last(parsed, None),
                Err(error) => return Batch::last(parsed, Some(error)),
            }
        }
        Batch {
            parsed,
            rest: Ok(self),
        }
    }
}

impl<S> Batch<S> {
    fn last(parsed: Vec<(u64, S)>, error: Option<TraceError>) -> Self {
        Batch {
            parsed,
            rest: Err(error),
        }
    }
}

impl<S: Send + 'static> Ahead<S> {
    /// Nothing read yet.
    pub(super) fn new(lines: Lines, parse: Parse<S>, parsers: Option<Arc<Parsers>>) -> Self {
        Ahead {
            file: Arc::clone(lines.file()),
            parse,
            parsers,
            ready: Vec::new().into_iter(),
            source: Source::Here(Unread { lines, first: true }),
        }
    }

    /// The next line that is not blank; `None` at the end, and after an error.
    ///
    /// # Errors
    /// When the file cannot be read on, or the line cannot be parsed.
    pub(super) fn next_line(&mut self) -> Result<Option<(u64, S)>, TraceError> {
        loop {
            if let Some(line) = self.ready.next() {
                return Ok(Some(line));
            }
            match std::mem::replace(&mut self.source, Source::End(None)) {
                Source::Here(mut unread) => {
                    if unread.lines.number() >= ALONE
                        && let Some(parsers) = &self.parsers
                    {
                        self.source = ask(parsers, unread, self.parse);
                        continue;
                    }
                    let next = unread.next(self.parse)?;
                    if next.is_some() {
                        self.source = Source::Here(unread);
                    }
                    return Ok(next.map(|(number, _, said)| (number, said)));
                }
                Source::There(batch) => {
                    // A thread that is gone without an answer cannot be; a
                    // judgement without the lines would be worse than an error.
                    let batch = batch.recv().unwrap_or_else(|_| {
                        let gone = ErrorKind::Read(io::Error::other("a reading thread has ended"));
                        let at = plimsoll_trace::Place {
                            file: Arc::clone(&self.file),
                            line: 0,
                            column: 0,
                        };
                        Batch::last(Vec::new(), Some(TraceError { at, kind: gone }))
                    });
                    self.ready = batch.parsed.into_iter();
                    self.source = match (batch.rest, &self.parsers) {
                        (Ok(unread), Some(parsers)) => ask(parsers, unread, self.parse),
                        (Ok(unread), None) => Source::Here(unread),
                        (Err(end), _) => Source::End(end),
                    };
                }
                Source::End(Some(error)) => return Err(error),
                Source::End(None) => return Ok(None),
            }
        }
    }
}

fn ask<S: Send + 'static>(parsers: &Parsers, unread: Unread, parse: Parse<S>) -> Source<S> {
    let (answer, batch) = channel();
    parsers.ask(Box::new(move || {
        // Nobody may want it any more.
        let _ = answer.send(unread.batch(parse));
    }));
    Source::There(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(_: &Arc<str>, line: Line<'_>, first: bool) -> Result<(u64, bool), TraceError> {
        let text = String::from_utf8_lossy(line.bytes).into_owned();
        text.parse().map(|n| (n, first)).map_err(|_| TraceError {
            at: plimsoll_trace::Place {
                file: "numbers".into(),
                line: line.number,
                column: 0,
            },
            kind: ErrorKind::Invalid(text),
        })
    }

    /// Lines by number, each with its number and whether it was the first; and
    /// which one was wrong.
    type Read = (Vec<(u64, (u64, bool))>, Option<u64>);

    fn all(text: String, parsers: Option<Arc<Parsers>>) -> Read {
        let Ok(lines) = Lines::new("numbers", io::Cursor::new(text)) else {
            panic!("a text can be read");
        };
        let mut ahead = Ahead::new(lines, number, parsers);
        let mut found = Vec::new();
        loop {
            match ahead.next_line() {
                Ok(Some(line)) => found.push(line),
                Ok(None) => return (found, None),
                Err(error) => {
                    assert!(matches!(ahead.next_line(), Ok(None)));
                    return (found, Some(error.at.line));
                }
            }
        }
    }

    #[test]
    fn lines_come_in_order_whoever_parses_them_up_to_the_first_that_is_none() {
        for wrong in [
            None,
            Some(7),
            Some(512),
            Some(513),
            Some(1_536),
            Some(4_999),
        ] {
            let line = |n: u64| match wrong {
                Some(wrong) if n == wrong => "none\n".to_owned(),
                _ if n.is_multiple_of(10) => "\n".to_owned(),
                _ => format!("{n}\n"),
            };
            let text: String = (1..5_000).map(line).collect();
            let until = wrong.unwrap_or(5_000);
            let numbers = (1..until).filter(|n| !n.is_multiple_of(10));
            let expected: Vec<_> = numbers.map(|n| (n, (n, n == 1))).collect();
            assert_eq!(all(text.clone(), None), (expected.clone(), wrong));
            assert_eq!(all(text, Parsers::new(2)), (expected, wrong));
        }
    }
}
