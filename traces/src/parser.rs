//! Lines to steps, and what lines say again only once.
//!
//! The lines of a trace are much alike: the same keys in the same order, the
//! same words, other numbers and names. So the values of a step are read by
//! [templates](crate::template) that earlier lines left. Where a line is not
//! quite what these expect, serde reads all of it; so it does for every line
//! that has an error, so that errors tell of the line.

use std::sync::Arc;

use serde::de::IgnoredAny;

use crate::cause::Cause;
use crate::entries::Entries;
use crate::error::{ErrorKind, TraceError};
use crate::lines::Line;
use crate::message::Message;
use crate::names::NodeName;
use crate::reader::{is_header, parse};
use crate::state::{Durable, State};
use crate::step::{OpAt, Step};
use crate::template::{Repeated, Slots, Templates, is_space, number, string};

/// Parses the lines of steps, those of one file as well as any. For readers
/// that find their lines elsewhere, such as a judge that parses lines on
/// several threads: each has its own.
#[derive(Debug)]
pub struct StepParser {
    causes: Templates<Cause>,
    states: Repeated<State>,
    durables: Repeated<Durable>,
    appends: Templates<Entries>,
    messages: Templates<Message>,
    reads: Templates<OpAt>,
    acks: Templates<OpAt>,
}

impl Default for StepParser {
    fn default() -> Self {
        StepParser::new()
    }
}

impl StepParser {
    /// Has seen no line.
    #[must_use]
    pub fn new() -> Self {
        StepParser {
            causes: Templates::new(),
            states: Repeated::new(),
            durables: Repeated::new(),
            appends: Templates::new(),
            messages: Templates::new(),
            reads: Templates::new(),
            acks: Templates::new(),
        }
    }

    /// Reads one line as a step.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(&mut self, file: &Arc<str>, line: Line<'_>) -> Result<Box<Step>, TraceError> {
        if let Ok(text) = std::str::from_utf8(line.bytes)
            && let Some(step) = self.quick(text)
        {
            return Ok(step);
        }
        parse(file, line).map_err(|mut error| {
            // A file appended to another one fails on what its header lacks.
            if let ErrorKind::Invalid(_) = error.kind
                && is_header(line.bytes)
            {
                error.at.column = 0;
                error.kind = ErrorKind::SecondHeader;
            }
            error
        })
    }

    /// The step of a line, if that can be told without doing as serde does.
    fn quick(&mut self, text: &str) -> Option<Box<Step>> {
        // Its fields are put where they stay: moving them about takes time.
        let mut step = Box::new(Step::new(NodeName::new(""), 0, 0, Cause::Tick));
        let mut seen = 0_u16;
        let mut once = |field: u16| {
            let new = seen & field == 0;
            seen |= field;
            new.then_some(())
        };
        let mut rest = Rest(text);
        rest.token(b'{')?;
        loop {
            rest.skip_space();
            let key = rest.string()?;
            rest.token(b':')?;
            rest.skip_space();
            match key {
                "node" => {
                    once(1 << 0)?;
                    step.node = NodeName::read(rest.string()?)?;
                }
                "inc" => {
                    once(1 << 1)?;
                    step.inc = rest.number()?;
                }
                "seq" => {
                    once(1 << 2)?;
                    step.seq = rest.number()?;
                }
                "cause" => {
                    once(1 << 3)?;
                    step.cause = rest.value(&mut self.causes)?;
                }
                "state" => {
                    once(1 << 4)?;
                    step.state = rest.shared(&mut self.states)?;
                }
                "durable" => {
                    once(1 << 5)?;
                    step.durable = rest.shared(&mut self.durables)?;
                }
                "append" => {
                    once(1 << 6)?;
                    step.append = Some(rest.value(&mut self.appends)?);
                }
                "send" => {
                    once(1 << 7)?;
                    step.send = Some(rest.list(&mut self.messages)?);
                }
                "reads" => {
                    once(1 << 8)?;
                    step.reads = Some(rest.list(&mut self.reads)?);
                }
                "ack" => {
                    once(1 << 9)?;
                    step.ack = Some(rest.list(&mut self.acks)?);
                }
                _ => rest.ignore()?,
            }
            match rest.next()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
        rest.skip_space();
        // The first four have to be there.
        (rest.0.is_empty() && seen & 0b1111 == 0b1111).then_some(step)
    }
}

/// What is left of a line. Each method takes something from it, or tells that it
/// does not begin with such a thing.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    #[inline]
    fn skip_space(&mut self) {
        while let Some(byte) = self.0.as_bytes().first()
            && is_space(*byte)
        {
            self.0 = &self.0[1..];
        }
    }

    #[inline]
    fn take(&mut self, length: usize) -> Option<&'a str> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next byte that is no space.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        self.skip_space();
        self.take(1).map(|text| text.as_bytes()[0])
    }

    #[inline]
    fn token(&mut self, token: u8) -> Option<()> {
        (self.next()? == token).then_some(())
    }

    #[inline]
    fn string(&mut self) -> Option<&'a str> {
        if self.0.as_bytes().first() != Some(&b'"') {
            return None;
        }
        let text = &self.0[1..];
        let length = string(text.as_bytes())?;
        self.0 = &text[length + 1..];
        Some(&text[..length])
    }

    #[inline]
    fn number(&mut self) -> Option<u64> {
        let (number, length) = number(self.0.as_bytes())?;
        self.take(length)?;
        Some(number)
    }

    #[inline]
    fn value<T: Slots>(&mut self, templates: &mut Templates<T>) -> Option<T> {
        let (value, length) = templates.read(self.0)?;
        self.take(length)?;
        Some(value)
    }

    #[inline]
    fn shared<T: Slots>(&mut self, values: &mut Repeated<T>) -> Option<Arc<T>> {
        let (value, length) = values.read(self.0)?;
        self.take(length)?;
        Some(value)
    }

    fn list<T: Slots>(&mut self, templates: &mut Templates<T>) -> Option<Vec<T>> {
        let mut list = Vec::new();
        self.token(b'[')?;
        self.skip_space();
        if self.0.as_bytes().first() == Some(&b']') {
            self.0 = &self.0[1..];
            return Some(list);
        }
        loop {
            self.skip_space();
            list.push(self.value(templates)?);
            match self.next()? {
                b',' => {}
                b']' => return Some(list),
                _ => return None,
            }
        }
    }

    fn ignore(&mut self) -> Option<()> {
        let mut values = serde_json::Deserializer::from_str(self.0).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        let length = values.byte_offset();
        self.take(length).map(drop)
    }
}
