//! Lines of Plimsoll's own format as nearly all are: flat, with a get, put or
//! append, and texts without escapes. They are read without building anything;
//! whatever is otherwise is left to the reader that knows all of the format.

/// What such a line says. The texts are as they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Flat<'a> {
    pub(super) client: &'a str,
    pub(super) phase: &'a str,
    pub(super) op: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) value: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    pub(super) t: Option<u64>,
}

/// The line, if it is flat: `None` does not say that it is wrong.
pub(super) fn flat(line: &[u8]) -> Option<Flat<'_>> {
    // Once for all texts of the line.
    let line = std::str::from_utf8(line).ok()?;
    let mut rest = line.strip_prefix('{')?;
    let mut flat = Flat::default();
    let mut seen = 0u32;
    loop {
        let name = quoted(&mut rest)?;
        rest = rest.strip_prefix(':')?;
        let (bit, number) = match name {
            "client" => (0, true),
            "type" => (1, false),
            "op" => (2, false),
            "key" => (3, false),
            "value" => (4, false),
            "id" => (5, false),
            "t" => (6, true),
            "ev" => (7, true),
            "node" => (8, true),
            _ => return None,
        };
        // A name that stands there twice is wrong.
        if seen & (1 << bit) != 0 {
            return None;
        }
        seen |= 1 << bit;
        let text = match number {
            true => digits(&mut rest)?,
            false => quoted(&mut rest)?,
        };
        match bit {
            0 => flat.client = text,
            1 => flat.phase = text,
            2 => flat.op = text,
            3 => flat.key = Some(text),
            4 => flat.value = Some(text),
            5 => flat.id = Some(text),
            6 => flat.t = Some(text.parse().ok()?),
            _ => {}
        }
        match rest.as_bytes().first()? {
            b',' => rest = &rest[1..],
            b'}' if rest.len() == 1 => break,
            _ => return None,
        }
    }
    (seen & 7 == 7).then_some(flat)
}

/// A text without escapes.
fn quoted<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.strip_prefix('"')?;
    let end = text
        .bytes()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
    if text.as_bytes()[end] != b'"' {
        return None;
    }
    *rest = &text[end + 1..];
    Some(&text[..end])
}

/// A whole number, as JSON writes it.
fn digits<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let end = rest.bytes().position(|byte| !byte.is_ascii_digit())?;
    let (digits, behind) = rest.split_at(end);
    let plain = (1..=18).contains(&end) && (end == 1 || !digits.starts_with('0'));
    *rest = behind;
    plain.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_lines_are_read() {
        let line = br#"{"client":12,"ev":7,"id":"1.1","key":"k","node":2,"op":"put","t":36,"type":"invoke","value":"v"}"#;
        let expected = Flat {
            client: "12",
            phase: "invoke",
            op: "put",
            key: Some("k"),
            value: Some("v"),
            id: Some("1.1"),
            t: Some(36),
        };
        assert_eq!(flat(line), Some(expected));
    }

    #[test]
    fn what_is_otherwise_is_left() {
        for line in [
            r#"{"client":1,"type":"ok","op":"get","value":null}"#,
            r#"{"client":1,"type":"ok","op":"get","value":"a\n"}"#,
            r#"{"client":1,"client":1,"type":"ok","op":"get"}"#,
            r#"{"client":01,"type":"ok","op":"get"}"#,
            r#"{"client":1,"type":"ok","op":"get",}"#,
            r#"{"client":1,"type":"ok","op":"get"}}"#,
            r#"{"client":1,"type":"ok"}"#,
            r#"{"client":1,"type":"ok","op":"get""#,
            "{\"client\":1,\"type\":\"ok\",\"op\":\"g\u{1}et\"}",
            "",
        ] {
            assert_eq!(flat(line.as_bytes()), None, "{line}");
        }
    }
}
