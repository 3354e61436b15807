//! Values that differ from earlier ones only in numbers and names.
//!
//! A template is the text of a value between what changes, and what that text
//! says. What it says comes from serde, which is given the text with a mark for
//! each part that changes: where a mark does not come out again, there is no
//! template. So a template says what serde says, but for what depends on the
//! parts themselves, which the types look at when they are
//! [visited](Slots::slots).

use std::sync::Arc;

use serde::de::DeserializeOwned;
use smol_str::SmolStr;

use crate::names::{ContentHash, NodeName, OpId};

/// Something in a value that is a part of its text.
pub(crate) enum Slot<'a> {
    Number(&'a mut u64),
    Node(&'a mut NodeName),
    Op(&'a mut OpId),
    Text(&'a mut SmolStr),
    Hash(&'a mut ContentHash),
}

/// A value of which some things may change.
pub(crate) trait Slots: Clone + DeserializeOwned {
    /// Visits what may change, in an order that depends on nothing but which of
    /// them there are. `None` where a visit says so, where this value cannot be
    /// changed so, and where after the visits it is none that serde would read.
    fn slots(&mut self, visit: &mut impl FnMut(Slot<'_>) -> Option<()>) -> Option<()>;
}

/// The keys of strings that change. One of another key is a word, and another
/// word makes another template.
const CHANGING: [&str; 11] = [
    "id", "from", "to", "op", "ops", "context", "hash", "hashes", "vote", "leader", "transfer",
];

/// The key of runs, `[term, count]`. Counts say how many entries there are, and
/// so do not change.
const RUNS: &str = "runs";

/// How many templates are kept, how long they may be, and how deep.
const KEPT: usize = 32;
const KEPT_BYTES: usize = 4096;
const DEPTH: usize = 32;

/// How many values are kept that may come again: about one for each node.
const LAST: usize = 8;

/// How many lines a template must serve to be worth what learning it costs, and
/// after how much of a loss none is learned any more.
const COST: i32 = 3;
const PATIENCE: i32 = 64;

/// Values that were read, but for what changes in them.
#[derive(Debug)]
pub(crate) struct Templates<T> {
    /// Those used often come first.
    known: Vec<Box<Template<T>>>,
    /// What changes in the text that was read last.
    parts: Vec<Part>,
    /// What they saved, or cost.
    gain: i32,
}

/// The text of a value, but for what changes.
#[derive(Debug)]
struct Template<T> {
    /// What stands before each part, and which kind of part it is.
    before: Vec<(Box<str>, Kind)>,
    /// What stands behind the last one.
    behind: Box<str>,
    /// What it says, whatever the parts.
    says: T,
    /// Which part each slot is.
    slots: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
}

/// What changes in a text, and where it stands, without its quotes.
#[derive(Clone, Copy, Debug)]
struct Part {
    kind: Kind,
    /// 0 for a text.
    number: u64,
    from: usize,
    to: usize,
}

impl<T: Slots> Templates<T> {
    pub(crate) fn new() -> Self {
        Templates {
            known: Vec::new(),
            parts: Vec::new(),
            gain: 0,
        }
    }

    /// The object with which a text begins, and its length. `None` where there
    /// is none, and for some that serde may read.
    pub(crate) fn read(&mut self, text: &str) -> Option<(T, usize)> {
        let parts = &mut self.parts;
        let learns = self.gain >= -PATIENCE;
        let known = self.known.iter().enumerate().filter(|_| learns);
        let mut matching = known.filter_map(|(at, one)| Some((at, one.end(text, parts)?)));
        let (at, end) = match matching.next() {
            Some(found) => {
                self.gain = (self.gain + 1).min(PATIENCE);
                found
            }
            None => {
                let end = parts_of(text, parts)?;
                let template = learns.then(|| Template::of(&text[..end], parts)).flatten();
                self.gain = (self.gain - COST).max(-PATIENCE - 1);
                let Some(template) = template else {
                    let value = serde_json::from_str(&text[..end]).ok()?;
                    return Some((value, end));
                };
                self.known.truncate(KEPT - 1);
                self.known.push(Box::new(template));
                (self.known.len() - 1, end)
            }
        };
        let value = self.known[at].value(text, parts)?;
        self.known.swap(at, at / 2);
        Some((value, end))
    }
}

/// Values of which many are what one of the last few was.
#[derive(Debug)]
pub(crate) struct Repeated<T> {
    templates: Templates<T>,
    /// The last few, each with its text.
    last: Vec<(String, Arc<T>)>,
    /// Which of them goes next.
    next: usize,
}

impl<T: Slots> Repeated<T> {
    pub(crate) fn new() -> Self {
        Repeated {
            templates: Templates::new(),
            last: Vec::new(),
            next: 0,
        }
    }

    /// See [`Templates::read`].
    pub(crate) fn read(&mut self, text: &str) -> Option<(Arc<T>, usize)> {
        // An object ends with itself: what begins with one is that one.
        let same = |last: &&(String, Arc<T>)| after(text.as_bytes(), &last.0).is_some();
        if let Some((last, value)) = self.last.iter().find(same) {
            return Some((Arc::clone(value), last.len()));
        }
        let (value, end) = self.templates.read(text)?;
        let value = Arc::new(value);
        match self.last.get_mut(self.next) {
            Some((text_of, known)) => {
                text_of.clear();
                text_of.push_str(&text[..end]);
                *known = Arc::clone(&value);
            }
            None => self.last.push((text[..end].to_owned(), Arc::clone(&value))),
        }
        self.next = (self.next + 1) % LAST;
        Some((value, end))
    }
}

impl<T: Slots> Template<T> {
    /// Where the object ends with which a text begins, if it is one of these;
    /// and its parts. An object ends with itself, and so does the template.
    #[inline]
    fn end(&self, text: &str, parts: &mut Vec<Part>) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut at = 0;
        parts.clear();
        for (before, kind) in &self.before {
            at += after(&bytes[at..], before)?;
            let (number, length) = match kind {
                Kind::Number => number(&bytes[at..])?,
                Kind::Text => (0, string(&bytes[at..])?),
            };
            parts.push(Part {
                kind: *kind,
                number,
                from: at,
                to: at + length,
            });
            at += length;
        }
        Some(at + after(&bytes[at..], &self.behind)?)
    }

    /// The template of an object, of which these are the parts.
    fn of(text: &str, parts: &[Part]) -> Option<Self> {
        if text.len() > KEPT_BYTES {
            return None;
        }
        let mut before = Vec::with_capacity(parts.len());
        let mut marked = String::with_capacity(2 * text.len());
        let mut at = 0;
        for (mark, part) in (MARK..).zip(parts) {
            let literal = text.get(at..part.from)?;
            marked += literal;
            match part.kind {
                Kind::Number => marked += &mark.to_string(),
                Kind::Text => marked += &ContentHash(mark).to_string(),
            }
            before.push((literal.into(), part.kind));
            at = part.to;
        }
        let behind = text.get(at..)?;
        marked += behind;
        let mut says: T = serde_json::from_str(&marked).ok()?;
        let mut slots = Vec::with_capacity(parts.len());
        says.slots(&mut |slot| {
            let (kind, mark) = slot.marked()?;
            let place = usize::try_from(mark.checked_sub(MARK)?).ok()?;
            slots.push(place);
            (parts.get(place)?.kind == kind).then_some(())
        })?;
        Some(Template {
            before,
            behind: behind.into(),
            says,
            slots,
        })
    }

    /// What a text says of which these are the parts.
    #[inline]
    fn value(&self, text: &str, parts: &[Part]) -> Option<T> {
        let mut value = self.says.clone();
        let mut slots = self.slots.iter();
        value.slots(&mut |slot| {
            let part = parts.get(*slots.next()?)?;
            slot.set(part.number, text.get(part.from..part.to)?)
        })?;
        Some(value)
    }
}

/// The first of the marks. As a number, entries may follow that index; as a text
/// it is written as a hash.
const MARK: u64 = 1 << 60;

impl Slot<'_> {
    /// The mark in it, and what was marked.
    fn marked(self) -> Option<(Kind, u64)> {
        let text = match &self {
            Slot::Number(number) => return Some((Kind::Number, **number)),
            Slot::Hash(hash) => return Some((Kind::Text, hash.0)),
            Slot::Node(name) => name.as_str(),
            Slot::Op(op) => op.as_str(),
            Slot::Text(text) => text.as_str(),
        };
        Some((Kind::Text, ContentHash::read(text)?.0))
    }

    /// Puts a part there, if serde would.
    #[inline]
    fn set(self, number: u64, text: &str) -> Option<()> {
        match self {
            Slot::Number(slot) => *slot = number,
            Slot::Node(slot) => *slot = NodeName::read(text)?,
            Slot::Op(slot) => *slot = OpId::read(text)?,
            Slot::Hash(slot) => *slot = ContentHash::read(text)?,
            Slot::Text(slot) => *slot = SmolStr::new(text),
        }
        Some(())
    }
}

/// Finds what may change in the object with which a text begins, and where that
/// ends. `None` also where telling would be too much: of escapes, for one.
fn parts_of(text: &str, parts: &mut Vec<Part>) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0, 0);
    let (mut key, mut previous) = ("", b' ');
    parts.clear();
    if bytes.first() != Some(&b'{') {
        return None;
    }
    loop {
        let byte = *bytes.get(at)?;
        let from = at;
        match byte {
            b'"' => {
                let length = string(&bytes[at + 1..])?;
                let (from, to) = (at + 1, at + 1 + length);
                at = to + 1;
                let behind = bytes[at..].iter().find(|byte| !is_space(**byte))?;
                if *behind == b':' {
                    key = text.get(from..to)?;
                } else if CHANGING.contains(&key) {
                    let (kind, number) = (Kind::Text, 0);
                    parts.push(Part {
                        kind,
                        number,
                        from,
                        to,
                    });
                }
            }
            b'0'..=b'9' => {
                let (number, length) = number(&bytes[at..])?;
                at += length;
                if key != RUNS || previous == b'[' {
                    parts.push(Part {
                        kind: Kind::Number,
                        number,
                        from,
                        to: at,
                    });
                }
            }
            b'{' | b'[' => {
                depth += 1;
                at += 1;
                if depth > DEPTH {
                    return None;
                }
            }
            b'}' | b']' => {
                depth -= 1;
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
        if !is_space(byte) {
            previous = byte;
        }
    }
}

/// What JSON takes for a space.
#[inline]
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The length of a text with which another one begins.
#[inline]
fn after(text: &[u8], start: &str) -> Option<usize> {
    let (start, length) = (start.as_bytes(), start.len());
    let text = text.get(..length)?;
    // Most are too short for a comparison of memory to be worth its call, and
    // what differs differs mostly at the end.
    let same = match (start.last_chunk::<8>(), start.first_chunk::<8>()) {
        (Some(last), Some(first)) => {
            text.last_chunk() == Some(last)
                && text.first_chunk() == Some(first)
                && (length <= 16 || text == start)
        }
        _ => text.iter().eq(start),
    };
    same.then_some(length)
}

/// The number with which a text begins, and its length; if it is one as JSON
/// writes them, without a sign.
#[inline]
pub(crate) fn number(text: &[u8]) -> Option<(u64, usize)> {
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

/// How long the string is in which a text begins, if it has no escapes.
#[inline]
pub(crate) fn string(text: &[u8]) -> Option<usize> {
    let length = text
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..b' '))?;
    (text[length] == b'"').then_some(length)
}
