//! Lines of a file that is all there, parsed ahead of who judges them.
//!
//! What a line says by itself can be found on another thread; how lines fit
//! together is left to the thread that judges, in the order of the file. So the
//! verdict is the same with and without the other thread. A short file is
//! parsed where it is judged. Of a long one, some batches are parsed while one
//! is judged; who judges and has to wait for a batch parses another one
//! meanwhile, so that no thread is idle whichever of the two takes longer. How
//! many batches are held is bounded.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
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

/// How many batches are parsed ahead where nobody waits for one.
const AHEAD: usize = 2;

/// How many batches who judges has at the most before it waits for the one that
/// comes next.
const HELD: usize = 4;

/// Finds what a line says, whether or not it is the first one of its file, with
/// what whoever parses keeps from line to line.
pub(super) type Parse<S, P> =
    fn(parser: &mut P, file: &Arc<str>, line: Line<'_>, first: bool) -> Result<S, TraceError>;

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

    /// Drops what was parsed and is needed no more, where it is made: memory that
    /// one thread takes and another one gives back is dear.
    pub fn take_back(&self, spent: impl Send + 'static) {
        match self.running.get() {
            Some(_) => self.ask(Box::new(move || drop(spent))),
            None => drop(spent),
        }
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
pub(super) struct Ahead<S, P> {
    file: Arc<str>,
    parse: Parse<S, P>,
    /// Parses where nobody else does.
    parser: P,
    parsers: Option<Arc<Parsers>>,
    ready: vec::IntoIter<(u64, S)>,
    source: Source<S, P>,
}

enum Source<S, P> {
    /// Nobody else reads.
    Here(Unread),
    /// Other threads parse, too.
    Shared(Shared<S, P>),
    /// It cannot be read on, for a reason or because that was all.
    End(Option<TraceError>),
}

/// What was not read yet.
struct Unread {
    lines: Lines,
    /// Nothing but blank lines was read.
    first: bool,
    /// How many batches were read.
    batches: usize,
    /// How many bytes the last one had: the next one is about as long.
    bytes: usize,
}

/// Lines that were read and not parsed.
struct Raw {
    /// Which batch of its file.
    number: usize,
    /// One line behind the other.
    bytes: Vec<u8>,
    /// The number of each, where it ends, and whether a newline ended it.
    lines: Vec<(u64, usize, bool)>,
    /// The first one is the first of its file.
    first: bool,
    /// Nothing comes behind them, for a reason or because that was all.
    end: Option<Option<TraceError>>,
}

/// Lines that were parsed.
struct Batch<S> {
    parsed: Vec<(u64, S)>,
    /// Nothing comes behind them, for a reason or because that was all.
    end: Option<Option<TraceError>>,
}

impl Unread {
    /// The next line that is not blank.
    fn next<S, P>(
        &mut self,
        parser: &mut P,
        parse: Parse<S, P>,
    ) -> Result<Option<(u64, S)>, TraceError> {
        let file = Arc::clone(self.lines.file());
        while let Some(line) = self.lines.next_line()? {
            if !line.is_blank() {
                let said = parse(parser, &file, line, std::mem::take(&mut self.first))?;
                return Ok(Some((line.number, said)));
            }
        }
        Ok(None)
    }

    /// The next batch of lines that are not blank.
    fn batch(&mut self) -> Raw {
        let mut raw = Raw {
            number: self.batches,
            bytes: Vec::with_capacity(self.bytes + self.bytes / 8),
            lines: Vec::with_capacity(BATCH_LINES),
            first: self.first,
            end: None,
        };
        self.batches += 1;
        while raw.lines.len() < BATCH_LINES && raw.bytes.len() < BATCH_BYTES {
            match self.lines.next_line() {
                Ok(Some(line)) if line.is_blank() => {}
                Ok(Some(line)) => {
                    self.first = false;
                    raw.bytes.extend_from_slice(line.bytes);
                    let end = raw.bytes.len();
                    raw.lines.push((line.number, end, line.terminated));
                }
                Ok(None) => {
                    raw.end = Some(None);
                    break;
                }
                Err(error) => {
                    raw.end = Some(Some(error));
                    break;
                }
            }
        }
        // One long line is no reason to ask for as much again.
        self.bytes = raw.bytes.len().min(BATCH_BYTES);
        raw
    }
}

impl Raw {
    /// What the lines say, up to the first that cannot be parsed.
    fn parsed<S, P>(self, file: &Arc<str>, parse: Parse<S, P>, parser: &mut P) -> Batch<S> {
        let mut parsed = Vec::with_capacity(self.lines.len());
        let mut start = 0;
        for (at, &(number, end, terminated)) in self.lines.iter().enumerate() {
            let line = Line {
                number,
                bytes: &self.bytes[start..end],
                terminated,
            };
            start = end;
            match parse(parser, file, line, self.first && at == 0) {
                Ok(said) => parsed.push((number, said)),
                Err(error) => {
                    let end = Some(Some(error));
                    return Batch { parsed, end };
                }
            }
        }
        Batch {
            parsed,
            end: self.end,
        }
    }
}

/// A file that several threads parse, each the batch that comes next when it
/// has nothing to do.
struct Shared<S, P> {
    parsers: Arc<Parsers>,
    /// What those that are not parsing keep from line to line.
    idle: Arc<Idle<P>>,
    unread: Arc<Mutex<Unread>>,
    answer: Sender<(usize, Batch<S>)>,
    answers: Receiver<(usize, Batch<S>)>,
    /// Batches that others were asked for and did not answer yet.
    asked: usize,
    /// Batches that are not the next one.
    held: BTreeMap<usize, Batch<S>>,
    /// The number of the next one.
    next: usize,
    /// Nothing is left to be read.
    all_read: bool,
}

/// As many as have parsed at once.
type Idle<P> = Mutex<Vec<P>>;

/// Takes one that parses nothing; gives it back by [`give`].
fn take<P: Default>(idle: &Idle<P>) -> P {
    let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
    idle.pop().unwrap_or_default()
}

fn give<P>(idle: &Idle<P>, parser: P) {
    let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
    idle.push(parser);
}

impl<S: Send + 'static, P: Default + Send + 'static> Shared<S, P> {
    fn new(unread: Unread, parsers: Arc<Parsers>, parser: P) -> Self {
        let (answer, answers) = channel();
        Shared {
            parsers,
            idle: Arc::new(Mutex::new(vec![parser])),
            next: unread.batches,
            unread: Arc::new(Mutex::new(unread)),
            answer,
            answers,
            asked: 0,
            held: BTreeMap::new(),
            all_read: false,
        }
    }

    /// Asks for so many batches as are to be parsed ahead.
    fn ask(&mut self, file: &Arc<str>, parse: Parse<S, P>) {
        while self.asked + self.held.len() < AHEAD && !self.all_read {
            self.asked += 1;
            let (file, unread) = (Arc::clone(file), Arc::clone(&self.unread));
            let (answer, idle) = (self.answer.clone(), Arc::clone(&self.idle));
            self.parsers.ask(Box::new(move || {
                let raw = read(&unread);
                let number = raw.number;
                let parsed = catch_unwind(AssertUnwindSafe(|| {
                    let mut parser = take(&idle);
                    let batch = raw.parsed(&file, parse, &mut parser);
                    give(&idle, parser);
                    batch
                }));
                // A judgement without the lines would be worse than an error.
                let batch = parsed.unwrap_or_else(|_| {
                    let gone = ErrorKind::Read(io::Error::other("a line could not be parsed"));
                    let at = plimsoll_trace::Place {
                        file,
                        line: 0,
                        column: 0,
                    };
                    Batch {
                        parsed: Vec::new(),
                        end: Some(Some(TraceError { at, kind: gone })),
                    }
                });
                // Nobody may want it any more.
                let _ = answer.send((number, batch));
            }));
        }
    }

    /// The next batch.
    fn batch(&mut self, file: &Arc<str>, parse: Parse<S, P>) -> Batch<S> {
        self.ask(file, parse);
        loop {
            while let Ok((number, batch)) = self.answers.try_recv() {
                self.take(number, batch);
            }
            if let Some(batch) = self.held.remove(&self.next) {
                self.next += 1;
                self.ask(file, parse);
                return batch;
            }
            if self.held.len() < HELD && !self.all_read {
                let raw = read(&self.unread);
                self.all_read = raw.end.is_some();
                let mut parser = take(&self.idle);
                let (number, batch) = (raw.number, raw.parsed(file, parse, &mut parser));
                give(&self.idle, parser);
                self.held.insert(number, batch);
            } else if let Ok((number, batch)) = self.answers.recv() {
                // The next one is in the hands of a thread that was asked.
                self.take(number, batch);
            }
        }
    }

    fn take(&mut self, number: usize, batch: Batch<S>) {
        self.asked -= 1;
        self.all_read |= batch.end.is_some();
        self.held.insert(number, batch);
    }
}

fn read(unread: &Mutex<Unread>) -> Raw {
    unread
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .batch()
}

impl<S: Send + 'static, P: Default + Send + 'static> Ahead<S, P> {
    /// Nothing read yet.
    pub(super) fn new(lines: Lines, parse: Parse<S, P>, parsers: Option<Arc<Parsers>>) -> Self {
        let unread = Unread {
            lines,
            first: true,
            batches: 0,
            bytes: 0,
        };
        Ahead {
            file: Arc::clone(unread.lines.file()),
            parse,
            parser: P::default(),
            parsers,
            ready: Vec::new().into_iter(),
            source: Source::Here(unread),
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
                        let parser = std::mem::take(&mut self.parser);
                        let shared = Shared::new(unread, Arc::clone(parsers), parser);
                        self.source = Source::Shared(shared);
                        continue;
                    }
                    let next = unread.next(&mut self.parser, self.parse)?;
                    if next.is_some() {
                        self.source = Source::Here(unread);
                    }
                    return Ok(next);
                }
                Source::Shared(mut shared) => {
                    let batch = shared.batch(&self.file, self.parse);
                    self.ready = batch.parsed.into_iter();
                    self.source = batch.end.map_or(Source::Shared(shared), Source::End);
                }
                Source::End(Some(error)) => return Err(error),
                Source::End(None) => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(
        (): &mut (),
        _: &Arc<str>,
        line: Line<'_>,
        first: bool,
    ) -> Result<(u64, bool), TraceError> {
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
