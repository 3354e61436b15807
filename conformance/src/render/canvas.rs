//! Text with columns: a grid of characters, and word wrap.

/// Rows of characters that grow as they are written to.
#[derive(Clone, Debug, Default)]
pub struct Canvas {
    rows: Vec<Vec<char>>,
}

impl Canvas {
    /// Writes `text` at a row and column; what stood there is gone.
    pub fn put(&mut self, row: usize, column: usize, text: &str) {
        if self.rows.len() <= row {
            self.rows.resize(row + 1, Vec::new());
        }
        let cells = &mut self.rows[row];
        let end = column + text.chars().count();
        if cells.len() < end {
            cells.resize(end, ' ');
        }
        for (cell, c) in cells[column..].iter_mut().zip(text.chars()) {
            *cell = c;
        }
    }

    /// How many rows there are.
    pub fn height(&self) -> usize {
        self.rows.len()
    }

    /// The rows as text, without blanks at their ends.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for row in &self.rows {
            let line: String = row.iter().collect();
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// Breaks `text` into lines of at most `width` characters, between words where
/// it can; lines after the first are indented by `indent`.
pub fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let width = width.max(indent + 4);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        loop {
            let blank = usize::from(used > 0 && !line.ends_with(' '));
            if used + blank + word.len() <= width {
                if blank == 1 {
                    line.push(' ');
                }
                line.extend(&word);
                used += blank + word.len();
                break;
            }
            if line.trim().is_empty() {
                // A word longer than a line is cut.
                let rest = word.split_off(width - used);
                line.extend(&word);
                word = rest;
            }
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            used = indent;
        }
    }
    if !line.trim().is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_between_words_and_long_words_are_cut() {
        assert_eq!(wrap("one two three", 7, 0), ["one two", "three"]);
        assert_eq!(wrap("one two three", 7, 2), ["one two", "  three"]);
        assert_eq!(wrap("abcdefghij k", 6, 2), ["abcdef", "  ghij", "  k"]);
        assert_eq!(wrap("", 7, 0), [""]);
    }

    #[test]
    fn a_canvas_grows_and_overwrites() {
        let mut canvas = Canvas::default();
        canvas.put(1, 2, "abc");
        canvas.put(1, 3, "-");
        assert_eq!(canvas.text(), "\n  a-c\n");
        assert_eq!(canvas.height(), 2);
    }
}
