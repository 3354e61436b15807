//! Values as far as answers can show them.
//!
//! What later answers can depend on is not the value of a key but what an
//! answer of the history can tell of it. Two values that no answer shows are
//! the same; where texts are appended, two texts are the same with which no
//! shown text begins, for nothing that is added changes that. Where texts are
//! compared for less and greater as well, such a text stands between two shown
//! ones, and whatever is added to it stands there too: it differs from each of
//! them at some place, or is longer than one that it begins with.

use std::cmp::Ordering;

use super::super::memo::Numbers;
use super::super::{CompareOp, CompareWith, History, Operation, Request, Response, ValueId};

/// A value as far as answers can show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) struct Shown {
    /// The first of the shown texts that begin so; or the value's number.
    first: u32,
    /// Behind the last of them.
    end: u32,
    /// How long the text is; or a mark.
    len: u32,
}

impl Shown {
    /// No value.
    pub(in super::super) const ABSENT: Shown = Shown {
        first: 0,
        end: u32::MAX,
        len: u32::MAX,
    };
    /// Any value that no answer shows.
    pub(in super::super) const UNSEEN: Shown = Shown {
        first: u32::MAX,
        end: u32::MAX,
        len: u32::MAX,
    };

    /// The empty text of a key that is there; where none is appended.
    const EMPTY: Shown = Shown {
        first: 0,
        end: 0,
        len: 1,
    };

    /// A text with which no shown text begins, behind so many of them.
    fn behind(shown: usize) -> Self {
        Shown {
            first: shown as u32,
            end: shown as u32,
            len: u32::MAX - 1,
        }
    }

    fn is_between(self) -> bool {
        self.len == u32::MAX - 1
    }

    /// Three numbers that tell it from any other.
    pub(in super::super) fn numbers(self) -> [u32; 3] {
        [self.first, self.end, self.len]
    }

    /// The same as one number.
    pub(in super::super) fn number(self) -> u128 {
        let [first, end, len] = self.numbers();
        u128::from(first) | u128::from(end) << 32 | u128::from(len) << 64
    }
}

/// The values that answers of some operations show.
pub(in super::super) struct Shows<'a> {
    history: &'a History,
    /// Texts that answers show, sorted; only where texts are appended.
    texts: Vec<&'a str>,
    /// The number of each value that answers show; where none is appended.
    numbers: Numbers<ValueId, u32>,
    appends: bool,
    /// Whether values are compared for less and greater.
    by_order: bool,
    /// Where texts are appended: of each shown text what it has grown from, if
    /// that is certain.
    roots: Vec<Option<Root>>,
}

/// What a text has grown from: the only written text that it begins with, or
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Root {
    name: u64,
    len: u32,
}

impl<'a> Shows<'a> {
    pub(in super::super) fn new<'o>(
        history: &'a History,
        operations: impl Iterator<Item = &'o Operation>,
    ) -> Self {
        let mut shown = Collected::default();
        for operation in operations {
            shown.request(&operation.request);
            shown.response(&operation.response);
        }
        let Collected {
            mut values,
            written,
            appends,
            by_order,
        } = shown;
        if by_order && !appends {
            // Every value can be told from every other by its order.
            values.extend(written);
        }
        let mut shows = Shows {
            history,
            texts: Vec::new(),
            numbers: Numbers::default(),
            appends,
            by_order,
            roots: Vec::new(),
        };
        for value in values {
            if appends {
                let text = shows.text(value);
                shows.texts.push(text);
            } else {
                let next = shows.numbers.len() as u32;
                shows.numbers.entry(value).or_insert(next);
            }
        }
        shows.texts.sort_unstable();
        shows.texts.dedup();
        shows
    }

    /// Whether texts are appended.
    pub(in super::super) fn appends(&self) -> bool {
        self.appends
    }

    /// Where texts are appended: those that answers show, sorted. The first
    /// number of a value that is one of them is its place.
    pub(in super::super) fn texts(&self) -> &[&'a str] {
        &self.texts
    }

    /// Finds what each shown text has grown from, by appending.
    pub(in super::super) fn find_roots(&mut self, operations: &[&Operation]) {
        let (mut put, mut added): (Vec<&str>, Vec<&str>) = Default::default();
        // Without that, nothing grows from nothing once something was put.
        let emptied = operations.iter().any(|o| match o.request {
            Request::Write { value, .. } | Request::Cas { to: value, .. } => {
                value == ValueId::ABSENT
            }
            Request::Delete { .. } => true,
            _ => false,
        });
        for operation in operations {
            match operation.request {
                Request::Write { value, .. } | Request::Cas { to: value, .. }
                    if value != ValueId::ABSENT =>
                {
                    put.push(self.text(value));
                }
                Request::Append { value, .. } => added.push(self.text(value)),
                _ => {}
            }
        }
        for words in [&mut put, &mut added] {
            words.sort_unstable();
            words.dedup();
        }
        // An empty word begins every text, and says nothing.
        if put.first() == Some(&"") {
            self.roots = vec![None; self.texts.len()];
            return;
        }
        let root = |text: &&str| {
            let begun = beginnings(&put, text);
            let grown = emptied && beginnings(&added, text).next().is_some();
            let mut begun = begun.map(|(number, word)| Root {
                name: number as u64 + 1,
                len: word.len() as u32,
            });
            match (begun.next(), begun.next(), grown) {
                (Some(root), None, false) => Some(root),
                (None, _, _) => Some(Root { name: 0, len: 0 }),
                _ => None,
            }
        };
        self.roots = self.texts.iter().map(root).collect();
    }

    /// A number for what the state has grown from; where none is appended, for
    /// the state itself.
    pub(in super::super) fn root(&self, state: Shown) -> Option<u64> {
        match state {
            // Nobody can find it.
            Shown::UNSEEN => Some(u64::MAX),
            Shown::ABSENT => Some(0),
            state if self.appends => {
                let root = (*self.roots.get(state.first as usize)?)?;
                // It begins like the text, but it may be shorter than the root.
                (state.len >= root.len).then_some(root.name)
            }
            state => Some(u64::from(state.first) + 1),
        }
    }

    /// Whether a state can become another without being replaced.
    pub(in super::super) fn can_grow(&self, state: Shown, into: Shown) -> bool {
        if !self.appends || state == into {
            return state == into;
        }
        match (state, into) {
            (Shown::UNSEEN, _) | (_, Shown::UNSEEN | Shown::ABSENT) => false,
            (Shown::ABSENT, _) => true,
            (state, into) => {
                (state.first..state.end).contains(&into.first) && state.len <= into.len
            }
        }
    }

    /// The text of a value: what is absent is empty where texts are appended.
    pub(in super::super) fn text(&self, value: ValueId) -> &'a str {
        match value {
            ValueId::ABSENT if self.appends => "",
            _ => self.history.values.get(value.0),
        }
    }

    /// The value as a state.
    pub(in super::super) fn shown(&self, value: ValueId) -> Shown {
        if value == ValueId::ABSENT {
            return Shown::ABSENT;
        }
        if self.appends {
            return self.followed_by(self.empty(), self.text(value));
        }
        let number = |&first: &u32| Shown {
            first,
            end: 0,
            len: 0,
        };
        self.numbers.get(&value).map_or(Shown::UNSEEN, number)
    }

    fn empty(&self) -> Shown {
        Shown {
            first: 0,
            end: self.texts.len() as u32,
            len: 0,
        }
    }

    /// A state with a value added to its end.
    pub(in super::super) fn appended(&self, state: Shown, value: ValueId) -> Shown {
        if value == ValueId::ABSENT {
            return state;
        }
        let state = match state {
            Shown::ABSENT => self.empty(),
            state => state,
        };
        self.followed_by(state, self.text(value))
    }

    fn followed_by(&self, state: Shown, text: &str) -> Shown {
        if state == Shown::UNSEEN || state.is_between() {
            return state;
        }
        let len = state.len as usize;
        let candidates = &self.texts[state.first as usize..state.end as usize];
        // All of them begin alike; the rest decides.
        let rest = |whole: &&str| -> Ordering {
            let rest = &whole.as_bytes()[len..];
            rest[..rest.len().min(text.len())].cmp(text.as_bytes())
        };
        let from = candidates.partition_point(|t| rest(t).is_lt());
        let to = from + candidates[from..].partition_point(|t| rest(t).is_eq());
        if from == to {
            return match self.by_order {
                true => Shown::behind(state.first as usize + from),
                false => Shown::UNSEEN,
            };
        }
        Shown {
            first: state.first + from as u32,
            end: state.first + to as u32,
            len: (len + text.len()) as u32,
        }
    }

    /// The text of a state; none for one that no answer shows.
    pub(in super::super) fn text_of(&self, state: Shown) -> Option<&'a [u8]> {
        match state {
            Shown::UNSEEN => None,
            state if state.is_between() => None,
            state if state == self.empty_text() => Some(b""),
            Shown::ABSENT => Some(self.text(ValueId::ABSENT).as_bytes()),
            state if self.appends => {
                let text = self.texts.get(state.first as usize)?.as_bytes();
                Some(&text[..(state.len as usize).min(text.len())])
            }
            state => {
                let named = self.numbers.iter().find(|&(_, &n)| n == state.first)?;
                Some(self.history.values.get(named.0.0).as_bytes())
            }
        }
    }

    /// How the value of a state compares with one that is compared with.
    pub(in super::super) fn order(&self, state: Shown, with: ValueId) -> Ordering {
        let with = self.text(with);
        if state.is_between() {
            // It is one of the shown texts, so never equal.
            let below = self.texts.partition_point(|&text| text < with);
            return match below < state.first as usize {
                true => Ordering::Greater,
                false => Ordering::Less,
            };
        }
        self.text_of(state).cmp(&Some(with.as_bytes()))
    }

    /// The empty text of a key that is there.
    fn empty_text(&self) -> Shown {
        match self.appends {
            true => self.empty(),
            false => Shown::EMPTY,
        }
    }

    /// The state of a key to which a value was written. Where an absent key
    /// reads as the empty text, one to which that was written is there all the
    /// same: it can be deleted, is in ranges, and has a version.
    pub(in super::super) fn written(&self, value: ValueId) -> Shown {
        match value {
            ValueId::ABSENT if self.absent_is_empty() => self.empty_text(),
            value => self.shown(value),
        }
    }

    /// The state of a key with a value added to its end, which makes it be
    /// there.
    pub(in super::super) fn written_behind(&self, state: Shown, value: ValueId) -> Shown {
        match (state, value) {
            (Shown::ABSENT, ValueId::ABSENT) => self.written(value),
            _ => self.appended(state, value),
        }
    }

    /// Whether a key with this state reads as the value.
    pub(in super::super) fn reads_as(&self, state: Shown, value: ValueId) -> bool {
        self.shown(value) == state
            || (value == ValueId::ABSENT && self.absent_is_empty() && state == self.empty_text())
    }

    fn absent_is_empty(&self) -> bool {
        self.history.absent_is_empty()
    }

    /// A state in words.
    pub(in super::super) fn say(&self, state: Shown) -> String {
        match state {
            Shown::ABSENT => format!("\"{}\" (absent)", self.history.values.get(0)),
            state => match self.text_of(state) {
                Some(text) => format!("\"{}\"", String::from_utf8_lossy(text)),
                None => "one that no answer shows".into(),
            },
        }
    }
}

/// Which of some sorted words a text begins with: all of them, as they begin
/// each other.
fn beginnings<'w>(words: &'w [&'w str], text: &'w str) -> impl Iterator<Item = (usize, &'w str)> {
    let mut until = words.len();
    let mut limit = text;
    std::iter::from_fn(move || {
        loop {
            // The greatest that is not greater than what is left of the text.
            let behind = words[..until].partition_point(|word| *word <= limit);
            let at = behind.checked_sub(1)?;
            let word = words[at];
            until = at;
            if limit.starts_with(word) {
                return Some((at, word));
            }
            // All others that begin the text begin what both have in common.
            let common = word
                .bytes()
                .zip(limit.bytes())
                .take_while(|(a, b)| a == b)
                .count();
            let common = (0..=common).rev().find(|&at| limit.is_char_boundary(at))?;
            limit = &limit[..common];
        }
    })
}

#[derive(Default)]
struct Collected {
    values: Vec<ValueId>,
    written: Vec<ValueId>,
    appends: bool,
    by_order: bool,
}

impl Collected {
    fn request(&mut self, request: &Request) {
        match request {
            Request::Cas { from, to, .. } => {
                self.values.push(*from);
                self.written.push(*to);
            }
            Request::Write { value, .. } => self.written.push(*value),
            Request::Append { value, .. } => {
                self.written.push(*value);
                self.appends = true;
            }
            Request::Txn(txn) => {
                for compare in &txn.compares {
                    if let CompareWith::Value(value) = compare.with {
                        self.values.push(value);
                        self.by_order |= matches!(compare.op, CompareOp::Less | CompareOp::Greater);
                    }
                }
                for request in txn.then.iter().chain(&txn.otherwise) {
                    self.request(request);
                }
            }
            _ => {}
        }
    }

    fn response(&mut self, response: &Response) {
        match response {
            Response::Value(value) => self.values.push(*value),
            Response::Pairs(pairs) => self.values.extend(pairs.iter().map(|(_, value)| *value)),
            Response::Txn { answers, .. } => {
                for answer in answers {
                    self.response(answer);
                }
            }
            _ => {}
        }
    }
}
