//! What the operations of a key have seen and written, as numbers.
//!
//! Where texts are appended, a value that was read tells its whole past: if no
//! written text is the beginning of another, a text can be cut into written
//! texts in one way only, and if each of these was written once, it is known
//! which operations made it, and in which order. So each beginning of a read
//! text that ends with a written one is a value, and what wrote its last piece
//! has replaced the value before. An appended text that no read shows makes a
//! value that nobody has seen, as a plain write of such a value would.

use super::super::model::Span;
use super::super::store::cell::{Cell, CellOp};
use super::super::store::shown::Shown;
use super::{Access, NONE, UNSEEN};

/// What came of it.
pub(in super::super) enum Converted {
    /// What the kept operations do.
    Accesses {
        accesses: Vec<Access>,
        /// Their indexes.
        kept: Vec<u32>,
        /// All values are below.
        values: u32,
        /// Whether this is all that they do. Otherwise what they have seen was
        /// left out in part: an order of the history is one of these, but not
        /// every order of these is one of the history.
        whole: bool,
    },
    /// This operation cannot have happened at all.
    Impossible(u32),
    /// There are operations that have no such form.
    Unsuited,
}

/// Converts the operations of a key.
pub(in super::super) fn accesses(cell: &Cell<'_>, ops: &[(Span, &CellOp)]) -> Converted {
    if cell.shows().appends() {
        appended(cell, ops)
    } else {
        plain(ops)
    }
}

fn plain(ops: &[(Span, &CellOp)]) -> Converted {
    let number = |value: Shown| match value {
        Shown::ABSENT => 0,
        Shown::UNSEEN => UNSEEN,
        value => value.numbers()[0] + 1,
    };
    let mut accesses = Vec::with_capacity(ops.len());
    let mut kept = Vec::with_capacity(ops.len());
    let mut refused = Vec::new();
    let mut values = 1;
    let mut whole = true;
    for (index, &(mut span, op)) in ops.iter().enumerate() {
        let (reads, writes) = match *op {
            CellOp::Is(value) => (number(value), NONE),
            CellOp::Set(value) => (NONE, number(value)),
            CellOp::SetFrom(from, to) | CellOp::MaySetIf(from, to) => (number(from), number(to)),
            CellOp::IsNot(value) => {
                refused.push(number(value));
                continue;
            }
            CellOp::Nothing => continue,
            // That something was there is left out.
            CellOp::SetUnless(_, to) => {
                whole = false;
                (NONE, number(to))
            }
            // Like one of unknown outcome it may have done nothing.
            CellOp::SetIf(from, to) => {
                whole = false;
                span.ret = Span::NEVER;
                (number(from), number(to))
            }
            CellOp::Append(..) => return Converted::Unsuited,
        };
        for value in [reads, writes] {
            if value < UNSEEN {
                values = values.max(value + 1);
            }
        }
        let access = Access {
            span,
            reads,
            writes,
        };
        accesses.push(access);
        kept.push(index as u32);
    }
    if !refused.is_empty() {
        let mut there = vec![false; values as usize];
        there[0] = true;
        for access in accesses.iter().filter(|a| a.writes < UNSEEN) {
            there[access.writes as usize] = true;
        }
        let is_there = |&value: &u32| there.get(value as usize).copied().unwrap_or(false);
        whole &= !refused.iter().any(is_there);
    }
    Converted::Accesses {
        accesses,
        kept,
        values,
        whole,
    }
}

/// What is known of a written text.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a [u8],
    op: u32,
    /// Whether it replaces what was there.
    first: bool,
    /// The value before it; [`NONE`] as long as no read shows it.
    before: u32,
    /// The value it makes.
    value: u32,
}

fn appended(cell: &Cell<'_>, ops: &[(Span, &CellOp)]) -> Converted {
    let shows = cell.shows();
    let mut words = Vec::new();
    for (index, (_, op)) in ops.iter().enumerate() {
        let (text, first) = match *op {
            CellOp::Set(Shown::ABSENT | Shown::UNSEEN) => continue,
            CellOp::Set(value) => match shows.text_of(*value) {
                Some(text) => (text, true),
                None => continue,
            },
            CellOp::Append(value, _) => (shows.text(*value).as_bytes(), false),
            CellOp::Is(_) | CellOp::Nothing => continue,
            _ => return Converted::Unsuited,
        };
        if text.is_empty() {
            return Converted::Unsuited;
        }
        words.push(Word {
            text,
            op: index as u32,
            first,
            before: NONE,
            value: NONE,
        });
    }
    words.sort_unstable_by_key(|word| (word.text, word.op));
    // Equal texts count: which of two was appended, no read would tell.
    if words.windows(2).any(|w| w[1].text.starts_with(w[0].text)) {
        return Converted::Unsuited;
    }
    let mut past = Past {
        words,
        values: 1,
        path: Vec::new(),
    };
    // In the order of the texts, each comes behind all its beginnings.
    let texts = shows.texts();
    let mut value_of = Vec::with_capacity(texts.len());
    for text in texts {
        value_of.push(past.value(text.as_bytes()));
    }
    let value = |shown: Shown| match shown {
        Shown::ABSENT => Some(0),
        shown => value_of.get(shown.numbers()[0] as usize).copied().flatten(),
    };
    let mut by_op = vec![None; ops.len()];
    for word in &past.words {
        by_op[word.op as usize] = Some(*word);
    }
    let mut accesses = Vec::with_capacity(ops.len());
    let mut kept = Vec::with_capacity(ops.len());
    for (index, &(span, op)) in ops.iter().enumerate() {
        let word = by_op[index].map_or((NONE, UNSEEN), |word| match word.value {
            NONE => (NONE, UNSEEN),
            value if word.first => (NONE, value),
            value => (word.before, value),
        });
        let (reads, writes) = match *op {
            CellOp::Is(shown) => match value(shown) {
                Some(value) => (value, NONE),
                None => return Converted::Impossible(index as u32),
            },
            CellOp::Set(Shown::ABSENT) => (NONE, 0),
            CellOp::Append(_, Some(then)) if span.is_known() => {
                if value(then) != Some(word.1) {
                    return Converted::Impossible(index as u32);
                }
                word
            }
            CellOp::Nothing => continue,
            _ => word,
        };
        accesses.push(Access {
            span,
            reads,
            writes,
        });
        kept.push(index as u32);
    }
    Converted::Accesses {
        accesses,
        kept,
        values: past.values,
        whole: true,
    }
}

/// The past of read texts.
struct Past<'a> {
    /// By their texts.
    words: Vec<Word<'a>>,
    values: u32,
    /// Texts that begin the last one, each the beginning of the next, with
    /// their values.
    path: Vec<(&'a [u8], u32)>,
}

impl<'a> Past<'a> {
    /// The value that stands for a text; None if no operations make it, given
    /// those that made the texts before.
    fn value(&mut self, text: &'a [u8]) -> Option<u32> {
        if text.is_empty() {
            // Not absent, and nothing that was written makes it.
            return None;
        }
        while self
            .path
            .pop_if(|(begin, _)| !text.starts_with(begin))
            .is_some()
        {}
        let (mut len, mut value) = self.path.last().map_or((0, 0), |(t, v)| (t.len(), *v));
        while len < text.len() {
            let rest = &text[len..];
            let behind = self.words.partition_point(|word| word.text <= rest);
            let word = self.words.get_mut(behind.checked_sub(1)?)?;
            if !rest.starts_with(word.text) || (word.first && len > 0) {
                return None;
            }
            if word.value == NONE {
                word.value = self.values;
                word.before = value;
                self.values += 1;
            } else if word.before != value {
                // It would have been appended twice.
                return None;
            }
            value = word.value;
            len += word.text.len();
        }
        self.path.push((text, value));
        Some(value)
    }
}
