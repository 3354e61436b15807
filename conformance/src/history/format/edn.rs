//! EDN, as far as histories need it: the extent of a form, without building it.
//!
//! Porcupine's files, Jepsen's histories and the values in Jepsen's logs are
//! forms of EDN, Clojure's data notation. Reading a history takes the parts of
//! many small maps once, so nothing here allocates for a form: a form is the
//! bytes it is written in, and its parts are slices of these. Nesting is kept
//! on a stack of a bounded height, never on the machine's.
//!
//! Read are maps, vectors, lists, sets, strings, characters, numbers, symbols,
//! keywords, tagged forms (the tag is passed over), comments and discarded
//! forms (`#_`). A form that ends with the buffer may go on behind it, unless
//! the input ends there too: that is [`Bad::Incomplete`].

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The deepest nesting that is read.
const DEPTH_MAX: usize = 256;

/// Why a form cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// The buffer ends within it.
    Incomplete,
    /// Something stands here that no form may hold.
    Form {
        /// Where, from the start of the buffer.
        at: usize,
        /// What is wrong.
        why: &'static str,
    },
}

/// Of a form: the input ends before it does.
pub(super) const ENDS_WITHIN: &str = "the input ends within the form that begins here";

fn bad<T>(at: usize, why: &'static str) -> Result<T, Bad> {
    Err(Bad::Form { at, why })
}

/// Passes white space (a comma is some), comments and discarded forms.
/// `whole`: nothing follows the buffer.
pub(super) fn skip(bytes: &[u8], mut at: usize, whole: bool) -> Result<usize, Bad> {
    loop {
        match bytes.get(at) {
            Some(byte) if is_blank(*byte) => at += 1,
            Some(b';') => match memchr(b'\n', &bytes[at..]) {
                Some(length) => at += length + 1,
                None if whole => return Ok(bytes.len()),
                None => return Err(Bad::Incomplete),
            },
            Some(b'#') => match bytes.get(at + 1) {
                Some(b'_') => at = discarded(bytes, at, whole)?,
                None if !whole => return Err(Bad::Incomplete),
                _ => return Ok(at),
            },
            _ => return Ok(at),
        }
    }
}

/// Passes `#_` and the form it discards; `#_ #_ a b` discards two.
fn discarded(bytes: &[u8], mut at: usize, whole: bool) -> Result<usize, Bad> {
    let start = at;
    let mut waiting = 0usize;
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'#'), Some(b'_')) => {
                waiting += 1;
                at += 2;
            }
            (Some(byte), _) if is_blank(*byte) => at += 1,
            (Some(b';'), _) => match memchr(b'\n', &bytes[at..]) {
                Some(length) => at += length + 1,
                None => return ended(start, whole),
            },
            (None, _) => return ended(start, whole),
            (Some(_), _) => {
                at = nested(bytes, at, whole)?;
                waiting -= 1;
                if waiting == 0 {
                    return Ok(at);
                }
            }
        }
    }
}

fn ended<T>(at: usize, whole: bool) -> Result<T, Bad> {
    match whole {
        true => bad(at, ENDS_WITHIN),
        false => Err(Bad::Incomplete),
    }
}

/// The end of the form that begins at `at`, which is no white space. Forms that
/// are discarded within it are part of it.
pub(super) fn form(bytes: &[u8], at: usize, whole: bool) -> Result<usize, Bad> {
    // Most forms are small, and need no stack.
    match bytes.get(at) {
        Some(b'"') => match string(bytes, at) {
            Some(end) => Ok(end),
            None => ended(at, whole),
        },
        Some(b':' | b'0'..=b'9' | b'-' | b'a'..=b'z') => atom(bytes, at, whole),
        _ => nested(bytes, at, whole),
    }
}

fn nested(bytes: &[u8], start: usize, whole: bool) -> Result<usize, Bad> {
    let mut at = start;
    // What closes each collection that is open.
    let mut open = [0u8; DEPTH_MAX];
    let mut depth = 0;
    loop {
        let Some(&byte) = bytes.get(at) else {
            return ended(start, whole);
        };
        // Whether what was passed is a form, and no tag of one.
        let mut is_form = true;
        match byte {
            byte if is_blank(byte) => {
                at += 1;
                is_form = false;
            }
            b';' => match memchr(b'\n', &bytes[at..]) {
                Some(length) => {
                    at += length + 1;
                    is_form = false;
                }
                None => return ended(start, whole),
            },
            b'(' | b'[' | b'{' => {
                if depth == DEPTH_MAX {
                    return bad(at, "nested too deeply");
                }
                open[depth] = closing(byte);
                depth += 1;
                at += 1;
                is_form = false;
            }
            b')' | b']' | b'}' => {
                if depth == 0 || open[depth - 1] != byte {
                    return bad(at, "a bracket closes what is not open");
                }
                depth -= 1;
                at += 1;
            }
            b'"' => match string(bytes, at) {
                Some(end) => at = end,
                None => return ended(start, whole),
            },
            b'#' => match bytes.get(at + 1) {
                None => return ended(start, whole),
                // A set, or a form that is discarded: the rest tells.
                Some(b'{') => {
                    at += 1;
                    is_form = false;
                }
                Some(b'_') => {
                    at += 2;
                    is_form = false;
                }
                Some(b'"') => match string(bytes, at + 1) {
                    Some(end) => at = end,
                    None => return ended(start, whole),
                },
                // ##NaN, ##Inf
                Some(b'#') => at = atom(bytes, at + 2, whole)?,
                Some(_) => {
                    let end = atom(bytes, at + 1, whole)?;
                    if end == at + 1 {
                        return bad(at, "a tag without a name");
                    }
                    at = end;
                    is_form = false;
                }
            },
            b'\\' => {
                // Any one character, then the rest of its name.
                let Some(first) = bytes.get(at + 1) else {
                    return ended(start, whole);
                };
                let end = (at + 1 + utf8_length(*first)).min(bytes.len());
                at = atom(bytes, end, whole)?;
            }
            _ => at = atom(bytes, at, whole)?,
        }
        if depth == 0 && is_form {
            return Ok(at);
        }
    }
}

/// The end of the string whose quotation mark stands at `at`.
fn string(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The end of a number, a symbol, a keyword: where a delimiter stands.
fn atom(bytes: &[u8], at: usize, whole: bool) -> Result<usize, Bad> {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.iter().position(|byte| DELIMITER[usize::from(*byte)]) {
        Some(length) => Ok(at + length),
        None if whole => Ok(bytes.len()),
        None => Err(Bad::Incomplete),
    }
}

const DELIMITER: [bool; 256] = {
    let mut table = [false; 256];
    let all = b" ,\t\n\r\x0b\x0c\"()[]{};";
    let mut i = 0;
    while i < all.len() {
        table[all[i] as usize] = true;
        i += 1;
    }
    table
};

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b',' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn closing(byte: u8) -> u8 {
    match byte {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

fn utf8_length(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

/// The form without its tags: `#jepsen.history.Op{..}` is `{..}`.
pub(super) fn untagged(mut form: &[u8]) -> &[u8] {
    while form.first() == Some(&b'#')
        && form
            .get(1)
            .is_some_and(|b| !matches!(b, b'{' | b'"' | b'#' | b'_'))
    {
        let Ok(end) = atom(form, 1, true) else {
            return form;
        };
        let Ok(at) = skip(form, end, true) else {
            return form;
        };
        if at >= form.len() {
            return form;
        }
        form = &form[at..];
    }
    form
}

/// The forms within a collection, in order; `None` when it is none. A
/// collection that [`form`] has measured gives no error.
pub(super) fn items(collection: &[u8]) -> Option<Items<'_>> {
    let inner = match (collection.first()?, collection.last()?) {
        (b'[', b']') | (b'(', b')') | (b'{', b'}') => 1,
        (b'#', b'}') if collection.get(1) == Some(&b'{') => 2,
        _ => return None,
    };
    let inner = collection.get(inner..collection.len() - 1)?;
    Some(Items { inner, at: 0 })
}

/// See [`items`].
#[derive(Clone, Debug)]
pub(super) struct Items<'a> {
    inner: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        // What was measured whole ends well.
        let start = skip(self.inner, self.at, true).ok()?;
        if start >= self.inner.len() {
            return None;
        }
        let end = form(self.inner, start, true).ok()?;
        self.at = end;
        Some(&self.inner[start..end])
    }
}

/// What a string says, its escapes resolved; `None` when the form is no string
/// or is not UTF-8.
pub(super) fn text(form: &[u8]) -> Option<Cow<'_, str>> {
    let inner = form.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let inner = std::str::from_utf8(inner).ok()?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => {
                let digits: String = chars.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).ok()?;
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            other => out.push(other),
        }
    }
    Some(Cow::Owned(out))
}

/// Whether the form is `nil`.
pub(super) fn is_nil(form: &[u8]) -> bool {
    form == b"nil"
}

/// The name of a keyword, without its colon.
pub(super) fn keyword(form: &[u8]) -> Option<&str> {
    std::str::from_utf8(form.strip_prefix(b":")?).ok()
}

/// A form; of a whole number the digits, which another notation of it may have
/// something around: `+7N` is `7`.
pub(super) fn plain(form: &[u8]) -> &[u8] {
    let digits = form.strip_suffix(b"N").unwrap_or(form);
    let bare = digits.strip_prefix(b"+").unwrap_or(digits);
    let unsigned = bare.strip_prefix(b"-").unwrap_or(bare);
    if unsigned.is_empty() || !unsigned.iter().all(u8::is_ascii_digit) {
        return form;
    }
    match unsigned {
        b"0" => unsigned,
        _ => bare,
    }
}

/// A whole number.
pub(super) fn number(form: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(form).ok()?;
    text.trim_end_matches(['N', 'M']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> Result<usize, Bad> {
        form(text.as_bytes(), 0, true)
    }

    #[test]
    fn a_form_ends_where_it_ends() {
        for (text, length) in [
            ("nil rest", 3),
            (":a/b]", 4),
            ("-12 ", 3),
            ("\"a\\\"b\" x", 6),
            ("[1 [2 {:a \"]\"}] ; ]\n 3] x", 23),
            ("#{1 2} x", 6),
            ("#jepsen.history.Op{:a 1} x", 24),
            ("#inst \"2020\" x", 12),
            ("[#_ 1 2] x", 8),
            ("[\\] \\newline] x", 13),
            ("##NaN x", 5),
        ] {
            assert_eq!(end(text), Ok(length), "{text}");
        }
    }

    #[test]
    fn what_is_no_form_is_told() {
        for text in ["]", "[1)", "{", "\"abc", "# x", "#"] {
            assert!(matches!(end(text), Err(Bad::Form { .. })), "{text}");
        }
        let deep = "[".repeat(DEPTH_MAX + 1);
        assert!(matches!(end(&deep), Err(Bad::Form { .. })));
        // More may come.
        for text in ["[1", "nil", "\"abc", "{:a"] {
            assert_eq!(form(text.as_bytes(), 0, false), Err(Bad::Incomplete));
        }
    }

    #[test]
    fn white_space_is_passed() {
        for (text, length) in [
            (" ,\n a", 4),
            ("; comment\n a", 11),
            ("#_ [1 2] a", 9),
            ("#_ #_ a b c", 10),
            ("  ", 2),
        ] {
            assert_eq!(skip(text.as_bytes(), 0, true), Ok(length), "{text}");
        }
    }

    #[test]
    fn parts_are_those_of_the_collection() {
        let parts = |text: &'static str| -> Vec<&str> {
            let items = items(text.as_bytes()).expect("a collection");
            items
                .map(|part| std::str::from_utf8(part).expect("UTF-8"))
                .collect()
        };
        assert_eq!(parts("[1 nil, [2 3]]"), ["1", "nil", "[2 3]"]);
        assert_eq!(
            parts("{:a \"x y\" #_ 1 :b #{2}}"),
            [":a", "\"x y\"", ":b", "#{2}"]
        );
        assert_eq!(parts("#{}"), [""; 0]);
        assert!(items(b"7").is_none());
        assert_eq!(untagged(b"#jepsen.history.Op {:a 1}"), b"{:a 1}");
        assert_eq!(text(br#""a\n\u0041\"""#).as_deref(), Some("a\nA\""));
        assert_eq!(number(b"-7N"), Some(-7));
        for (form, expected) in [("7N", "7"), ("+7", "7"), ("-7N", "-7"), ("-0", "0")] {
            assert_eq!(plain(form.as_bytes()), expected.as_bytes());
        }
        for form in ["N", "1.0N", "nil", "+", "\"7N\""] {
            assert_eq!(plain(form.as_bytes()), form.as_bytes());
        }
        assert_eq!(keyword(b":invoke"), Some("invoke"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            for whole in [false, true] {
                let _ = skip(&bytes, 0, whole);
                if let Ok(end) = form(&bytes, 0, whole) {
                    assert!(end <= bytes.len());
                    let all = &bytes[..end];
                    let _ = (untagged(all), text(all), number(all), keyword(all));
                    if let Some(items) = items(untagged(all)) {
                        items.for_each(drop);
                    }
                }
            }
        }

        #[test]
        fn no_text_of_brackets_panics(text in "[\\[\\](){}#_\"\\\\;: a1\n]{0,60}") {
            for whole in [false, true] {
                let bytes = text.as_bytes();
                let at = skip(bytes, 0, whole).unwrap_or(0);
                if let Ok(end) = form(bytes, at, whole) {
                    assert!(at <= end && end <= bytes.len());
                    if let Some(items) = items(untagged(&bytes[at..end])) {
                        items.for_each(drop);
                    }
                }
            }
        }
    }
}
