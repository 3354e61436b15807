//! From the events of a file to a [`History`]: calls and returns are paired,
//! and what cannot have happened is refused.

use crate::history::limits::Limits;
use crate::history::verdict::Ground;
use crate::history::{
    ClientId, History, Operation, Place, Request, Response, Revision, Texts, words,
};

/// How an operation ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ending {
    /// Done, with this answer; what was asked is named again.
    Ok {
        /// `None`: the line does not repeat it.
        request: Option<Request>,
        response: Response,
        revision: Option<Revision>,
    },
    /// It certainly had no effect, and saw nothing.
    Failed,
    /// A compare-and-set that found another value.
    Refused,
    /// It ended, and what it was answered is not known.
    Unread,
    /// Nobody knows whether and when it took effect.
    Unknown,
}

/// No operation.
const NONE: u32 = u32::MAX;

/// How many events there are between two looks at the limits.
const LOOK: u32 = 256;

/// A process as the file names it.
#[derive(Clone, Copy, Debug)]
struct Process {
    client: ClientId,
    /// Its open operation.
    open: u32,
    /// An operation of this client has an unknown outcome: whoever goes on
    /// under the name is another client.
    retired: bool,
    lives: u32,
}

/// A history while it is read.
#[derive(Debug)]
pub(super) struct Builder<'l> {
    pub(super) history: History,
    limits: &'l Limits<'l>,
    processes: Texts,
    process: Vec<Process>,
    position: u32,
    /// Operations that certainly had no effect.
    failed: Vec<u32>,
    untimed: bool,
    ids: Texts,
    /// The operation that each id names.
    by_id: Vec<u32>,
    /// Lines that are none of a client.
    pub(super) passed: u64,
}

/// What was read.
#[derive(Debug)]
pub struct Read {
    /// The operations.
    pub history: History,
    /// The format.
    pub format: super::Format,
    /// Operations that certainly had no effect, and are left out.
    pub failed: u64,
    /// Lines of others than clients (a nemesis, a log's chatter).
    pub passed: u64,
    /// The names of operations, where the format has them.
    pub ids: Texts,
    /// The operation that each of `ids` names; `u32::MAX` for one left out.
    pub by_id: Vec<u32>,
}

impl Read {
    /// About how many bytes it takes.
    pub fn bytes(&self) -> u64 {
        bytes(&self.history, &self.ids)
    }
}

/// What an operation takes, without what its request and response may hold.
const OPERATION: usize = size_of::<Operation>() + size_of::<Place>() + size_of::<(u64, u64)>();

/// About how many bytes a history takes.
fn bytes(history: &History, ids: &Texts) -> u64 {
    let fixed = history.operations.capacity() * OPERATION;
    let texts = [&history.values, &history.keys, &history.clients, ids];
    let texts: usize = texts.iter().map(|texts| texts.bytes()).sum();
    (fixed + texts) as u64
}

impl<'l> Builder<'l> {
    pub(super) fn new(absent: &str, unit: &'static str, limits: &'l Limits<'l>) -> Self {
        let mut history = History::new(absent);
        history.time_unit = unit;
        Builder {
            history,
            limits,
            processes: Texts::default(),
            process: Vec::new(),
            position: 0,
            failed: Vec::new(),
            untimed: false,
            ids: Texts::default(),
            by_id: Vec::new(),
            passed: 0,
        }
    }

    /// Makes room for the operations of about so many lines, within a quarter
    /// of the memory.
    pub(super) fn expect_lines(&mut self, lines: usize) {
        let most = self.limits.memory_bytes.unwrap_or(u64::MAX) / 4 / OPERATION as u64;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        // A file may be anything: this is a hint, and no more than a gigabyte.
        let expected = (lines / 2 + lines / 64).min(most).min(10_000_000);
        self.history.operations.reserve(expected);
        self.history.places.reserve(expected);
    }

    fn process(&mut self, name: &str) -> usize {
        let number = self.processes.intern(name) as usize;
        if number == self.process.len() {
            let client = self.history.client(name);
            self.process.push(Process {
                client,
                open: NONE,
                retired: false,
                lives: 1,
            });
        }
        number
    }

    /// The position of the next event.
    fn next(&mut self) -> Result<u32, String> {
        let position = self.position;
        // The last position is kept for the end.
        self.position = (position < NONE - 2)
            .then(|| position + 1)
            .ok_or("more events than can be counted")?;
        Ok(position)
    }

    /// Whether reading must stop.
    pub(super) fn reached(&self) -> Option<Ground> {
        if !self.position.is_multiple_of(LOOK) {
            return None;
        }
        let most = self.limits.memory_bytes.unwrap_or(u64::MAX);
        // What is full grows by a copy of twice the size, beside the old one.
        let operations = &self.history.operations;
        let full = operations.capacity() - operations.len() < LOOK as usize;
        let grown = if full {
            2 * operations.capacity() * OPERATION
        } else {
            0
        };
        let kept = bytes(&self.history, &self.ids);
        if kept + grown as u64 > most || !self.limits.has_room(grown as u64) {
            return Some(Ground::Memory);
        }
        self.limits.reached()
    }

    /// A client calls.
    pub(super) fn call(
        &mut self,
        process: &str,
        line: u64,
        time: Option<u64>,
        request: Request,
    ) -> Result<u32, String> {
        let number = self.process(process);
        let Process {
            open,
            retired,
            lives,
            ..
        } = self.process[number];
        if open != NONE {
            return Err(format!(
                "process {process} calls {} while {} is open (called on line {})",
                words::request(&self.history, &request),
                words::request(
                    &self.history,
                    &self.history.operations[open as usize].request
                ),
                self.history.places[open as usize].call_line,
            ));
        }
        if retired {
            let name = format!("{process}/{}", lives + 1);
            let client = self.history.client(&name);
            let process = &mut self.process[number];
            (process.client, process.retired, process.lives) = (client, false, lives + 1);
        }
        let position = self.next()?;
        let operation = u32::try_from(self.history.operations.len())
            .map_err(|_| "more operations than can be counted")?;
        self.history.operations.push(Operation {
            client: self.process[number].client,
            call: position,
            ret: None,
            request,
            response: Response::Unknown,
            revision: None,
        });
        self.history.places.push(Place {
            call_line: line_number(line),
            ret_line: 0,
        });
        if !self.untimed {
            match time {
                Some(time) => self.history.times.push((time, 0)),
                None => self.forget_times(),
            }
        }
        self.process[number].open = operation;
        Ok(operation)
    }

    /// Names the operation called last.
    pub(super) fn name(&mut self, operation: u32, id: &str) -> Result<(), String> {
        let known = self.ids.len();
        let number = self.ids.intern(id) as usize;
        if number < known {
            let line = self.history.places[self.by_id[number] as usize].call_line;
            return Err(format!(
                "a second operation {id:?} (the first is called on line {line})"
            ));
        }
        self.by_id.push(operation);
        Ok(())
    }

    /// The open operation of a process.
    pub(super) fn open(&self, process: &str) -> Result<(u32, &Operation), String> {
        let number = self.processes.find(process);
        let open = number.map_or(NONE, |number| self.process[number as usize].open);
        if open == NONE {
            return Err(format!(
                "process {process} returns, and has no operation open: a return without a call"
            ));
        }
        Ok((open, &self.history.operations[open as usize]))
    }

    /// Whether an operation is the one of this name.
    pub(super) fn is_named(&self, operation: u32, id: &str) -> bool {
        // The names come in the order of the operations; where all have one,
        // its number is the operation's.
        if self.by_id.get(operation as usize) == Some(&operation) {
            return self.ids.get(operation) == id;
        }
        let number = self.ids.find(id);
        number.is_some_and(|number| self.by_id[number as usize] == operation)
    }

    /// A client's open operation ends. `kind`: what the line says it was, where
    /// it says no more.
    pub(super) fn ret(
        &mut self,
        process: &str,
        line: u64,
        time: Option<u64>,
        kind: Option<&str>,
        ending: Ending,
    ) -> Result<(), String> {
        let (open, operation) = self.open(process)?;
        let called = &operation.request;
        let names_another = match &ending {
            Ending::Ok {
                request: Some(request),
                ..
            } => (request != called).then(|| words::request(&self.history, request)),
            _ => kind
                .filter(|kind| *kind != called.kind())
                .map(|kind| format!("a {kind}")),
        };
        if let Some(another) = names_another {
            let places = &self.history.places[open as usize];
            return Err(format!(
                "process {process} returns from {another}, and its open operation is {} (line {})",
                words::request(&self.history, called),
                places.call_line
            ));
        }
        if ending == Ending::Refused && !matches!(called, Request::Cas { .. }) {
            return Err(format!("a {} cannot be refused", called.kind()));
        }
        if !self.untimed
            && let (Some(returned), Some(&(called, _))) =
                (time, self.history.times.get(open as usize))
            && returned < called
        {
            return Err(format!(
                "process {process} returns at {returned} from what it called at {called}: its \
                 clock went back"
            ));
        }
        let number = self.process(process);
        let position = self.next()?;
        let index = open as usize;
        let operation = &mut self.history.operations[index];
        self.history.places[index].ret_line = line_number(line);
        self.process[number].open = NONE;
        match ending {
            Ending::Ok {
                response, revision, ..
            } => {
                operation.ret = Some(position);
                operation.response = response;
                operation.revision = revision.map(Box::new);
            }
            Ending::Refused => {
                operation.ret = Some(position);
                operation.response = Response::Flag(false);
            }
            Ending::Unread => operation.ret = Some(position),
            Ending::Failed => self.failed.push(open),
            Ending::Unknown => {
                self.process[number].retired = true;
                return Ok(());
            }
        }
        if !self.untimed {
            match time {
                Some(time) => self.history.times[index].1 = time,
                None => self.forget_times(),
            }
        }
        Ok(())
    }

    /// Some lines have a time and some have none: then nothing is said of time.
    fn forget_times(&mut self) {
        self.untimed = true;
        self.history.times = Vec::new();
    }

    /// The history, without what certainly did not happen.
    pub(super) fn finish(mut self, format: super::Format) -> Read {
        let failed = self.failed.len() as u64;
        if failed > 0 {
            self.failed.sort_unstable();
            let failed = &self.failed;
            let gone = |index: usize| failed.binary_search(&(index as u32)).is_ok();
            retain(&mut self.history.operations, &gone);
            retain(&mut self.history.places, &gone);
            retain(&mut self.history.times, &gone);
            for operation in &mut self.by_id {
                let before = failed.partition_point(|index| index < operation);
                *operation = match gone(*operation as usize) {
                    true => NONE,
                    false => *operation - before as u32,
                };
            }
        }
        Read {
            history: self.history,
            format,
            failed,
            passed: self.passed,
            ids: self.ids,
            by_id: self.by_id,
        }
    }
}

fn retain<T>(items: &mut Vec<T>, gone: &impl Fn(usize) -> bool) {
    let mut index = 0;
    items.retain(|_| {
        index += 1;
        !gone(index - 1)
    });
}

fn line_number(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}
