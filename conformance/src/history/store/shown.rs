//! Values as far as answers can show them.
//!
//! What later answers can depend on is not the value of a key but what an
//! answer of the history can tell of it. Two values that no answer shows are
//! the same; where texts are appended, two texts are the same with which no
//! shown text begins, for nothing that is added changes that.

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
        if by_order {
            // Every value can be told from every other by its order.
            values.extend(written);
        }
        let mut shows = Shows {
            history,
            texts: Vec::new(),
            numbers: Numbers::default(),
            appends,
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
        if state == Shown::UNSEEN {
            return state;
        }
        let len = state.len as usize;
        let candidates = &self.texts[state.first as usize..state.end as usize];
        // All of them begin alike; the rest decides.
        let rest = |whole: &&str| -> std::cmp::Ordering {
            let rest = &whole.as_bytes()[len..];
            rest[..rest.len().min(text.len())].cmp(text.as_bytes())
        };
        let from = candidates.partition_point(|t| rest(t).is_lt());
        let to = from + candidates[from..].partition_point(|t| rest(t).is_eq());
        if from == to {
            return Shown::UNSEEN;
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
