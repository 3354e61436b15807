//! Lines to steps, and what lines say again only once.
//!
//! A node's state is more than half of a line, and mostly what it was a line
//! before, but for numbers: terms and indexes. So states are kept as templates:
//! the text between the numbers, and what it says. Of a line, the state is
//! matched against them, and the rest is parsed with a short state in its place
//! that no other line can have. Where that short state does not come out as the
//! step's own, the text was something else (a field of a field that is ignored,
//! say), and the line is parsed as it is; so is every line that has an error, so
//! that errors tell of the line.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem::Finder;
use serde::de::DeserializeOwned;

use crate::error::{ErrorKind, TraceError};
use crate::lines::Line;
use crate::position::{Index, Position, Term};
use crate::reader::{is_header, parse};
use crate::state::{Durable, State};
use crate::step::Step;

/// Parses the lines of steps, those of one file as well as any. For readers
/// that find their lines elsewhere, such as a judge that parses lines on
/// several threads: each has its own.
#[derive(Debug)]
pub struct StepParser {
    states: Templates<State>,
    durables: Templates<Durable>,
    /// Finds the number of [`STAND_IN`].
    no_term: Finder<'static>,
    /// The line with short states.
    short: String,
    /// How many lines more were parsed this way than had to be parsed again.
    gain: i32,
}

/// Stands for a state in a line. No term is as high, and where a line has this
/// number it is parsed as it is.
const STAND_IN: &str = r#"{"term":18446744073709551615}"#;
const NO_TERM: Term = Term(u64::MAX);
const NO_TERM_TEXT: &str = "18446744073709551615";

/// After how many lines that had to be parsed again, beyond those that had not,
/// it is left alone.
const PATIENCE: i32 = 16;

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
            states: Templates::new(r#""state":"#),
            durables: Templates::new(r#""durable":"#),
            no_term: Finder::new(NO_TERM_TEXT),
            short: String::new(),
            gain: 0,
        }
    }

    /// Reads one line as a step.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(&mut self, file: &Arc<str>, line: Line<'_>) -> Result<Box<Step>, TraceError> {
        if self.gain > -PATIENCE
            && let Ok(text) = std::str::from_utf8(line.bytes)
            && self.shorten(text)
        {
            if let Some(step) = self.with_states() {
                self.gain = self.gain.saturating_add(1);
                return Ok(step);
            }
            self.gain -= 1;
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

    /// Finds what are probably the states of a line, and puts short ones in
    /// their places; whether there are any.
    fn shorten(&mut self, text: &str) -> bool {
        let state = self.states.find(text);
        let durable = self.durables.find(text);
        let (first, second) = match (state, durable) {
            (None, None) => return false,
            (Some(one), None) | (None, Some(one)) => (one, text.len()..text.len()),
            (Some(a), Some(b)) if a.end <= b.start => (a, b),
            (Some(a), Some(b)) if b.end <= a.start => (b, a),
            // One within the other.
            _ => return false,
        };
        if self.no_term.find(text.as_bytes()).is_some() {
            return false;
        }
        self.short.clear();
        self.short.push_str(&text[..first.start]);
        self.short.push_str(STAND_IN);
        self.short.push_str(&text[first.end..second.start]);
        if !second.is_empty() {
            self.short.push_str(STAND_IN);
        }
        self.short.push_str(&text[second.end..]);
        true
    }

    /// The step that the shortened line says, with the states that were found,
    /// if they are its own.
    fn with_states(&self) -> Option<Box<Step>> {
        let mut step: Box<Step> = serde_json::from_str(&self.short).ok()?;
        if self.states.found {
            if step.state.term != Some(NO_TERM) {
                return None;
            }
            self.states.fill(&mut step.state);
        }
        if self.durables.found {
            if step.durable.term != Some(NO_TERM) {
                return None;
            }
            self.durables.fill(&mut step.durable);
        }
        Some(step)
    }
}

/// An object of which only numbers change.
trait Numbered: Clone + DeserializeOwned {
    /// Its numbers, in some order that depends on nothing but which there are.
    fn numbers(&mut self) -> impl Iterator<Item = &mut u64>;
}

impl Numbered for State {
    fn numbers(&mut self) -> impl Iterator<Item = &mut u64> {
        let term = self.term.iter_mut().map(|Term(n)| n);
        let indexes = [&mut self.commit, &mut self.applied].into_iter().flatten();
        let places = [&mut self.last, &mut self.snapshot].into_iter().flatten();
        term.chain(indexes.map(|Index(n)| n))
            .chain(places.flat_map(both))
    }
}

impl Numbered for Durable {
    fn numbers(&mut self) -> impl Iterator<Item = &mut u64> {
        let term = self.term.iter_mut().map(|Term(n)| n);
        let commit = self.commit.iter_mut().map(|Index(n)| n);
        term.chain(commit)
            .chain(self.last.iter_mut().flat_map(both))
    }
}

fn both(place: &mut Position) -> [&mut u64; 2] {
    [&mut place.index.0, &mut place.term.0]
}

/// Objects that were read, but for their numbers.
#[derive(Debug)]
struct Templates<T> {
    /// What stands before such an object, and finds it.
    key: Finder<'static>,
    /// The last one used first.
    known: Vec<Box<Template<T>>>,
    /// Whether the first of them is what was looked for last, and the numbers
    /// that the text had.
    found: bool,
    numbers: Vec<u64>,
}

/// The text of an object, but for its numbers.
#[derive(Debug)]
struct Template<T> {
    /// What stands before the first number, between two, and behind the last.
    between: Vec<Box<str>>,
    /// What it says, with any numbers.
    says: T,
    /// Which of the text's numbers each of those is.
    places: Vec<usize>,
}

/// How many templates are kept, and how long they may be.
const KEPT: usize = 16;
const KEPT_BYTES: usize = 4096;

impl<T: Numbered> Templates<T> {
    fn new(key: &'static str) -> Self {
        Templates {
            key: Finder::new(key),
            known: Vec::new(),
            found: false,
            numbers: Vec::new(),
        }
    }

    /// Finds the object behind the first such key of a line: where it stands.
    /// It may be no key of the line's own object.
    fn find(&mut self, line: &str) -> Option<Range<usize>> {
        self.found = false;
        let start = self.key.find(line.as_bytes())? + self.key.needle().len();
        let rest = line.get(start..)?;
        let numbers = &mut self.numbers;
        let known = self.known.iter().enumerate();
        let mut matching = known.filter_map(|(at, one)| Some((at, one.end(rest, numbers)?)));
        let (at, end) = match matching.next() {
            Some(found) => found,
            None => {
                let (template, end) = Template::of(rest, numbers)?;
                self.known.truncate(KEPT - 1);
                self.known.push(Box::new(template));
                (self.known.len() - 1, end)
            }
        };
        self.known[..=at].rotate_right(1);
        self.found = true;
        Some(start..start + end)
    }

    /// Makes an object what the text says that was found last.
    fn fill(&self, object: &mut T) {
        if let Some(template) = self.known.first() {
            object.clone_from(&template.says);
            for (number, &place) in object.numbers().zip(&template.places) {
                *number = self.numbers[place];
            }
        }
    }
}

impl<T: Numbered> Template<T> {
    /// Where the object ends with which the text begins, if it is one of these;
    /// and its numbers. An object ends with itself, and so does the template.
    fn end(&self, text: &str, numbers: &mut Vec<u64>) -> Option<usize> {
        numbers.clear();
        let (first, others) = self.between.split_first()?;
        let mut rest = text.strip_prefix(&**first)?;
        for behind in others {
            let (number, length) = number(rest.as_bytes())?;
            numbers.push(number);
            rest = rest[length..].strip_prefix(&**behind)?;
        }
        Some(text.len() - rest.len())
    }

    /// The template of the object with which a text begins, where it ends, and
    /// its numbers; if numbers are all that can change.
    fn of(text: &str, numbers: &mut Vec<u64>) -> Option<(Self, usize)> {
        let bytes = text.as_bytes();
        let mut between = Vec::new();
        // The same text with numbers that tell their places.
        let mut marked = String::new();
        let (mut depth, mut at, mut from) = (0_usize, 0, 0);
        numbers.clear();
        loop {
            if at > KEPT_BYTES {
                return None;
            }
            match bytes.get(at)? {
                b'"' => {
                    at += 1;
                    while *bytes.get(at)? != b'"' {
                        at += 1 + usize::from(bytes[at] == b'\\');
                    }
                    at += 1;
                }
                b'{' | b'[' => (depth, at) = (depth + 1, at + 1),
                b'}' | b']' => {
                    (depth, at) = (depth.checked_sub(1)?, at + 1);
                    if depth == 0 {
                        break;
                    }
                }
                b'-' | b'+' | b'.' => return None,
                b'0'..=b'9' => {
                    let (number, length) = number(&bytes[at..])?;
                    let before = text.get(from..at)?;
                    marked += before;
                    marked += &(MARK + numbers.len() as u64).to_string();
                    between.push(before.into());
                    numbers.push(number);
                    at += length;
                    from = at;
                    // A fraction, or an exponent.
                    if !matches!(bytes.get(at)?, b',' | b'}' | b']' | b' ' | b'\t') {
                        return None;
                    }
                }
                _ if depth == 0 && !bytes[at].is_ascii_whitespace() => return None,
                _ => at += 1,
            }
        }
        let last = text.get(from..at)?;
        marked += last;
        between.push(last.into());
        let mut says: T = serde_json::from_str(&marked).ok()?;
        let places = says.numbers().map(|number| {
            let place = usize::try_from(number.checked_sub(MARK)?).ok()?;
            (place < numbers.len()).then_some(place)
        });
        let places = places.collect::<Option<Vec<usize>>>()?;
        let template = Template {
            between,
            says,
            places,
        };
        Some((template, at))
    }
}

/// The first of the numbers that tell places.
const MARK: u64 = 1 << 60;

/// The number with which a text begins, and its length; if it is one as JSON
/// writes them, without a sign.
fn number(text: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    let mut length = 0;
    while let Some(digit @ b'0'..=b'9') = text.get(length) {
        number = number
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
        length += 1;
    }
    let padded = length > 1 && text[0] == b'0';
    (length > 0 && !padded).then_some((number, length))
}
