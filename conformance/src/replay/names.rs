//! What the trace calls its nodes, for texts in which they have the model's
//! names.
//!
//! The model counts its servers (`n1`, `n2`), and its reasons speak of those. A
//! reader knows the names of the trace, and a trace that lists its nodes in
//! another order has an `n1` of its own, which may be the model's `n2`.

use std::fmt::Write;

/// The names of a trace, by those of the model.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The name in the model, the name in the trace, and how that is shown.
    nodes: Vec<(String, String, String)>,
    /// They are the same.
    alike: bool,
}

impl Names {
    /// `nodes`: the name in the model, the name in the trace.
    pub fn new(nodes: &[(String, String)]) -> Self {
        let taken = |name: &str| nodes.iter().any(|(_, trace)| trace == name);
        let nodes: Vec<_> = nodes
            .iter()
            .map(|(model, trace)| (model.clone(), trace.clone(), shown(trace, taken)))
            .collect();
        let alike = nodes.iter().all(|(model, _, shown)| model == shown);
        Names { nodes, alike }
    }

    /// How the node is shown that the model calls so.
    pub fn of_model<'a>(&'a self, model: &'a str) -> &'a str {
        let known = self.nodes.iter().find(|(name, ..)| name == model);
        known.map_or(model, |(.., shown)| shown)
    }

    /// How the node is shown that the trace calls so.
    pub fn of_trace<'a>(&'a self, trace: &'a str) -> &'a str {
        let known = self.nodes.iter().find(|(_, name, _)| name == trace);
        known.map_or(trace, |(.., shown)| shown)
    }

    /// A text of the model with the names that are shown. A name inside of a
    /// longer one, as in the client operation `n1-5`, is none.
    pub fn text(&self, text: &str) -> String {
        if self.alike {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len() + 16);
        let mut before = ' ';
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let digits = match c {
                'n' if !joins(before) => rest[1..].bytes().take_while(u8::is_ascii_digit).count(),
                _ => 0,
            };
            let (word, behind) = rest.split_at(if digits > 0 { 1 + digits } else { c.len_utf8() });
            let mut next = behind.chars();
            let goes_on = match (next.next(), next.next()) {
                (Some(c), _) if c.is_alphanumeric() || c == '_' || c == '"' => true,
                (Some(c), Some(then)) => joins(c) && then.is_alphanumeric(),
                _ => false,
            };
            match digits > 0 && !goes_on {
                true => out += self.of_model(word),
                false => out += word,
            }
            before = word.chars().next_back().unwrap_or(c);
            rest = behind;
        }
        out
    }
}

/// Whether what stands behind this character belongs to the word before it.
fn joins(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/' | '"')
}

/// A name as it stands in a sentence: a number as the model would write it, and
/// in quotes what would not be seen to end where it does.
fn shown(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/');
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) {
        let mut numbered = String::from("n");
        let _ = write!(numbered, "{name}");
        if !taken(&numbered) {
            return numbered;
        }
    }
    match !name.is_empty() && name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("{name:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    fn names(nodes: &[(&str, &str)]) -> Names {
        let owned = |&(model, trace): &(&str, &str)| (model.to_owned(), trace.to_owned());
        Names::new(&nodes.iter().map(owned).collect::<Vec<_>>())
    }

    #[test]
    fn nodes_have_the_names_of_the_trace() {
        let all = names(&[
            ("n1", "n2"),
            ("n2", "n1"),
            ("n3", "kafka-c"),
            ("n10", "a b"),
        ]);
        for (text, expected) in [
            ("n1@2 sends to n2: Vote", "n2@2 sends to n1: Vote"),
            ("n3 voted for n10.", "kafka-c voted for \"a b\"."),
            ("{n1 n2 n3}, n1's", "{n2 n1 kafka-c}, n2's"),
            ("n1->n2 (n3)", "n2->n1 (kafka-c)"),
            (
                "read n1-5 and x.n1, \"n1\", n1.5, n12, en1, n1_",
                "read n1-5 and x.n1, \"n1\", n1.5, n12, en1, n1_",
            ),
            ("no n, ünder n1", "no n, ünder n2"),
            ("n1", "n2"),
            ("", ""),
        ] {
            assert_eq!(all.text(text), expected);
        }
        assert_eq!(all.of_trace("n2"), "n2");
        assert_eq!(all.of_trace("a b"), "\"a b\"");
    }

    #[test]
    fn numbers_are_written_as_the_model_writes_them() {
        let etcd = names(&[("n1", "3"), ("n2", "1")]);
        assert_eq!(etcd.text("n1 and n2"), "n3 and n1");
        let both = names(&[("n1", "1"), ("n2", "n1")]);
        assert_eq!(both.text("n1 and n2"), "1 and n1");
        let strange = names(&[("n1", "\u{1b}[31m"), ("n2", "")]);
        assert_eq!(strange.text("n1 and n2"), "\"\\u{1b}[31m\" and \"\"");
    }
}
