//! Texts of others on a terminal.

use std::borrow::Cow;

/// The text with every character that a terminal would obey, or that changes
/// the order of what stands around it, written as an escape.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match obeyed(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The same for a text of several lines, which stay lines.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c != '\n' && obeyed(c)) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    Cow::Owned(lines.join("\n"))
}

/// Control characters, line separators, and marks of direction and joining
/// (Unicode Standard Annex 9; zero-width ones, which show nothing).
fn obeyed(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        )
}

#[cfg(test)]
mod tests {
    use super::{printable, printable_lines};

    #[test]
    fn nothing_is_obeyed() {
        for (text, expected) in [
            ("plain \"text\" ü 漢", "plain \"text\" ü 漢"),
            ("\u{1b}[31mred\n", "\\u{1b}[31mred\\n"),
            ("\u{9b}a\u{7f}", "\\u{9b}a\\u{7f}"),
            ("a\u{202e}b\u{2066}", "a\\u{202e}b\\u{2066}"),
        ] {
            assert_eq!(printable(text), expected);
        }
        assert_eq!(printable_lines("a\nb\n"), "a\nb\n");
        assert_eq!(printable_lines("a\u{1b}\nb\u{0}"), "a\\u{1b}\nb\\u{0}");
    }
}
