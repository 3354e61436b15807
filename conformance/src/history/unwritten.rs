//! What no operation can have written: the first answer that shows such a thing.
//!
//! An answer shows values that were there at the point of its operation. Each
//! is what the store begins with, or was written by an operation with an
//! earlier point, so by one that was called before the answer returned. Where
//! there is none, no order has to be tried. This looks at every kind of part,
//! and is linear but for sorting: searches are spared that would try every
//! order of all that came before.

use std::collections::HashMap;

use super::model::Span;
use super::{CompareOp, CompareWith, History, KeyId, Operation, Request, Response, ValueId};

/// The most different lengths of the texts appended to a key: each is tried
/// at every place of what was shown.
const LENGTHS: usize = 64;

/// No call at all.
const NONE: u32 = u32::MAX;

/// The operation that returns first of those that show what none called before
/// that can have written; as a place in the operations.
pub(super) fn unwritten<'o>(
    history: &History,
    operations: impl Iterator<Item = (Span, &'o Operation)>,
) -> Option<usize> {
    let operations: Vec<(Span, &Operation)> = operations.collect();
    let mut written = Written {
        history,
        values: HashMap::new(),
        pieces: HashMap::new(),
    };
    for (span, operation) in &operations {
        // Nobody was told what an operation without return did.
        let answer = match span.is_known() {
            true => &operation.response,
            false => &Response::Unknown,
        };
        written.by(span.call, &operation.request, answer);
    }
    let mut first: Option<(u32, usize)> = None;
    let mut note = |ret: u32, at: usize| {
        if first.is_none_or(|(before, _)| ret < before) {
            first = Some((ret, at));
        }
    };
    // Texts of keys to which texts are appended, for the end.
    let mut grown: HashMap<KeyId, Vec<(&str, u32, usize)>> = HashMap::new();
    let mut shown = Vec::new();
    for (at, (span, operation)) in operations.iter().enumerate() {
        if !span.is_known() {
            continue;
        }
        shown.clear();
        show(&operation.request, &operation.response, &mut shown);
        for value in shown.drain(..) {
            let but = (!value.own).then_some(span.call);
            if written.is_there(&value, but, span.ret) {
                continue;
            }
            match written.pieces.contains_key(&value.key) {
                true => {
                    let text = history.values.get(value.value.0);
                    grown
                        .entry(value.key)
                        .or_default()
                        .push((text, span.ret, at));
                }
                false => note(span.ret, at),
            }
        }
    }
    for (key, mut texts) in grown {
        texts.sort_unstable();
        written.ungrown(key, &texts, &mut note);
    }
    first.map(|(_, at)| at)
}

/// A value that an answer shows.
struct Shown {
    key: KeyId,
    value: ValueId,
    /// The operation may have written it itself, before.
    own: bool,
    /// A value of a set: there is none that a set begins with.
    member: bool,
}

fn show(request: &Request, response: &Response, shown: &mut Vec<Shown>) {
    let mut one = |key: KeyId, value: ValueId, member: bool| {
        shown.push(Shown {
            key,
            value,
            own: false,
            member,
        });
    };
    match (request, response) {
        (Request::Read { key } | Request::Dequeue { key }, Response::Value(value)) => {
            one(*key, *value, false);
        }
        (Request::Cas { key, from, .. }, Response::Flag(true)) => one(*key, *from, false),
        (Request::Append { key, .. }, Response::Value(value)) => one(*key, *value, false),
        (Request::Range { .. }, Response::Pairs(pairs)) => {
            pairs
                .iter()
                .for_each(|(key, value)| one(*key, *value, false));
        }
        (Request::Add { key, value }, Response::Flag(false))
        | (
            Request::Remove { key, value } | Request::Contains { key, value },
            Response::Flag(true),
        ) => {
            one(*key, *value, true);
        }
        (Request::Members { key }, Response::Values(values)) => {
            values.iter().for_each(|value| one(*key, *value, true));
        }
        (Request::Txn(txn), Response::Txn { succeeded, answers }) => {
            let equal = txn.compares.iter().filter(|c| c.op == CompareOp::Equal);
            for compare in equal.filter(|_| *succeeded) {
                if let CompareWith::Value(value) = compare.with {
                    one(compare.key, value, false);
                }
            }
            let requests = match succeeded {
                true => &txn.then,
                false => &txn.otherwise,
            };
            let mut own: Vec<KeyId> = Vec::new();
            for (request, answer) in requests.iter().zip(answers) {
                let from = shown.len();
                show(request, answer, shown);
                for value in &mut shown[from..] {
                    value.own = own.contains(&value.key);
                }
                match request {
                    Request::Write { key, .. }
                    | Request::Cas { key, .. }
                    | Request::Append { key, .. } => own.push(*key),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// What operations may have written, and from when on.
struct Written<'a> {
    history: &'a History,
    /// Values that are put whole: the two earliest calls.
    values: HashMap<(KeyId, ValueId), [u32; 2]>,
    /// Texts that are appended: the earliest call.
    pieces: HashMap<KeyId, HashMap<&'a [u8], u32>>,
}

impl Written<'_> {
    fn by(&mut self, call: u32, request: &Request, answer: &Response) {
        match (request, answer) {
            // What was refused writes nothing, and what replaces a value by
            // itself finds it there.
            (Request::Cas { .. } | Request::Add { .. }, Response::Flag(false)) => {}
            (Request::Cas { from, to, .. }, _) if from == to => {}
            (
                Request::Write { key, value }
                | Request::Cas { key, to: value, .. }
                | Request::Enqueue { key, value }
                | Request::Add { key, value },
                _,
            ) => {
                let [first, second] = self.values.entry((*key, *value)).or_insert([NONE; 2]);
                // Of one operation that writes it twice, the call counts once.
                if call < *first {
                    *second = std::mem::replace(first, call);
                } else if call != *first {
                    *second = call.min(*second);
                }
            }
            (Request::Append { key, value }, _) if *value != ValueId::ABSENT => {
                let text = self.history.values.get(value.0).as_bytes();
                let pieces = self.pieces.entry(*key).or_default();
                let first = pieces.entry(text).or_insert(NONE);
                *first = call.min(*first);
            }
            (Request::Txn(txn), Response::Txn { succeeded, answers }) => {
                let requests = match succeeded {
                    true => &txn.then,
                    false => &txn.otherwise,
                };
                for (i, request) in requests.iter().enumerate() {
                    let answer = answers.get(i).unwrap_or(&Response::Unknown);
                    self.by(call, request, answer);
                }
            }
            (Request::Txn(txn), _) => {
                for request in txn.then.iter().chain(&txn.otherwise) {
                    self.by(call, request, &Response::Unknown);
                }
            }
            _ => {}
        }
    }

    /// Whether a value is there from the beginning, or may have been put whole
    /// before a position, by another operation than the one called at `but`.
    fn is_there(&self, shown: &Shown, but: Option<u32>, before: u32) -> bool {
        // Nothing, and where texts are appended the empty text is the same.
        let nothing =
            shown.value == ValueId::ABSENT || self.history.values.get(shown.value.0).is_empty();
        if nothing && !shown.member {
            return true;
        }
        let calls = self.values.get(&(shown.key, shown.value));
        let [first, second] = calls.copied().unwrap_or([NONE; 2]);
        match but == Some(first) {
            true => second < before,
            false => first < before,
        }
    }

    /// Notes which texts of a key cannot have grown: not from what was put or
    /// from nothing, piece by piece, with operations called before the return.
    /// `texts` are sorted; each with its return and its place.
    fn ungrown(&self, key: KeyId, texts: &[(&str, u32, usize)], note: &mut impl FnMut(u32, usize)) {
        let Some(pieces) = self.pieces.get(&key) else {
            return;
        };
        let lengths = |all: &mut dyn Iterator<Item = usize>| {
            let mut lengths: Vec<usize> = all.filter(|&length| length > 0).collect();
            lengths.sort_unstable();
            lengths.dedup();
            lengths
        };
        let added = lengths(&mut pieces.keys().map(|piece| piece.len()));
        if added.len() > LENGTHS {
            return;
        }
        let of_key = self.values.iter().filter(|((of, _), _)| *of == key);
        let put: HashMap<&[u8], u32> = of_key
            .map(|((_, value), calls)| (self.history.values.get(value.0).as_bytes(), calls[0]))
            .collect();
        let put_lengths = lengths(&mut put.keys().map(|text| text.len()));
        // For each length of a beginning of the text: from which position on
        // all has been called that it may have grown by. Neighbours begin
        // alike, so what is known of one is kept for the next.
        let mut from: Vec<u32> = vec![0];
        let mut before: &[u8] = b"";
        for &(text, ret, at) in texts {
            let text = text.as_bytes();
            let common = before.iter().zip(text).take_while(|(a, b)| a == b).count();
            from.truncate(common + 1);
            for end in from.len()..=text.len() {
                let mut earliest = NONE;
                if put_lengths.binary_search(&end).is_ok() {
                    earliest = put.get(&text[..end]).copied().unwrap_or(NONE);
                }
                for &length in added.iter().take_while(|&&length| length <= end) {
                    let begun = from[end - length];
                    if begun < earliest
                        && let Some(&call) = pieces.get(&text[end - length..end])
                    {
                        earliest = earliest.min(begun.max(call));
                    }
                }
                from.push(earliest);
            }
            if from[text.len()] >= ret {
                note(ret, at);
            }
            before = text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::ClientId;

    const K: KeyId = KeyId(0);

    fn put(value: u32) -> (Request, Response) {
        let value = ValueId(value);
        (Request::Write { key: K, value }, Response::Done)
    }

    fn add(value: u32) -> (Request, Response) {
        let value = ValueId(value);
        (Request::Append { key: K, value }, Response::Done)
    }

    fn get(value: u32) -> (Request, Response) {
        (Request::Read { key: K }, Response::Value(ValueId(value)))
    }

    /// Of operations one after another: the first that shows what was not
    /// written.
    fn first(texts: &[&str], operations: &[(Request, Response)]) -> Option<usize> {
        let mut history = History::new("");
        history.key("k");
        texts.iter().for_each(|text| {
            history.value(text);
        });
        let all: Vec<Operation> = (0..)
            .zip(operations)
            .map(|(at, (request, response))| Operation {
                client: ClientId(0),
                call: at * 2,
                ret: Some(at * 2 + 1),
                request: request.clone(),
                response: response.clone(),
                revision: None,
            })
            .collect();
        let spanned = all.iter().map(|o| (Span::new(o.call, o.call + 1), o));
        unwritten(&history, spanned)
    }

    #[test]
    fn a_write_called_later_is_no_source() {
        assert_eq!(first(&["a"], &[get(0), put(1), get(1)]), None);
        assert_eq!(first(&["a"], &[get(1), put(1), get(1)]), Some(0));
        assert_eq!(first(&["a", "b"], &[put(1), get(1), get(2)]), Some(2));
    }

    #[test]
    fn an_operation_is_no_source_of_what_it_finds() {
        let (key, from) = (K, ValueId(1));
        let cas = |to| (Request::Cas { key, from, to }, Response::Flag(true));
        assert_eq!(first(&["a", "b"], &[cas(from)]), Some(0));
        assert_eq!(first(&["a", "b"], &[cas(ValueId(2))]), Some(0));
        assert_eq!(first(&["a", "b"], &[put(1), cas(ValueId(2)), get(2)]), None);
    }

    #[test]
    fn texts_grow_by_what_was_appended() {
        let texts = ["a", "b", "c", "ab", "abab", "aba", "cb", "bb", "ac"];
        let grow = [add(1), add(2), put(3)];
        for (value, expected) in [
            (4, None),
            // How often something was appended is not asked.
            (5, None),
            (6, None),
            (7, None),
            (8, None),
            // "c" was put, and stands behind nothing.
            (9, Some(3)),
        ] {
            let operations: Vec<_> = grow.iter().cloned().chain([get(value)]).collect();
            assert_eq!(first(&texts, &operations), expected, "{value}");
        }
        assert_eq!(first(&texts, &[add(1), get(4), add(2), get(4)]), Some(1));
    }
}
