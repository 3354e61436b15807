//! What each operation of a transaction was answered, in Plimsoll's own format.

use std::borrow::Cow;

use super::error::Reason;
use super::text::Text;
use crate::history::Response;

/// An answer whose values have no numbers yet.
pub(super) enum Answer<'a> {
    /// One without values.
    Is(Response),
    /// A value.
    Value(Text<'a>),
    /// Keys with their values.
    Pairs(Vec<(Cow<'a, str>, Text<'a>)>),
}

/// The answer to a request of this kind, from a form of JSON. Another than such
/// a request can have is an error.
pub(super) fn result<'a>(kind: &str, form: &'a str) -> Result<Answer<'a>, Reason> {
    let (answer, expected) = match kind {
        "read" => (
            Text::of(form).ok().map(Answer::Value),
            "a text, a number, true, false or null",
        ),
        "range" => {
            let pairs: Result<Option<Vec<_>>, _> = serde_json::from_str(form);
            let answer = pairs
                .ok()
                .map(|pairs| pairs.map_or(Answer::Is(Response::Unknown), Answer::Pairs));
            (answer, "pairs of keys and values")
        }
        "cas" | "delete" => {
            let flag: Result<Option<bool>, _> = serde_json::from_str(form);
            let answer = flag
                .ok()
                .map(|flag| flag.map_or(Response::Done, Response::Flag));
            (answer.map(Answer::Is), "true, false or null")
        }
        _ => (
            (form == "null").then_some(Answer::Is(Response::Done)),
            "null",
        ),
    };
    answer.ok_or_else(|| {
        let shown: String = form.chars().take(40).collect();
        Reason::Form(format!("the result {shown}: of a {kind} it is {expected}"))
    })
}
