//! A value as a line of JSON writes it, and numbers that are written in two
//! ways.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::value::RawValue;

use super::error::Reason;
use crate::history::Texts;

/// A text, a number, a truth value or null. A number is the text it is written
/// as: no digit of it is lost, whatever its size.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Text<'a> {
    Null,
    Words(Cow<'a, str>),
    Number(&'a str),
}

impl<'a> Text<'a> {
    /// What a form of JSON says; none for an array or an object.
    pub(super) fn of(form: &'a str) -> Result<Self, String> {
        match form.as_bytes().first() {
            Some(b'n') => Ok(Text::Null),
            Some(b't' | b'f') => Ok(Text::Words(Cow::Borrowed(form))),
            Some(b'-' | b'0'..=b'9') => Ok(Text::Number(form)),
            Some(b'"') => {
                let inner = form.strip_prefix('"').and_then(|f| f.strip_suffix('"'));
                match inner {
                    Some(inner) if !inner.contains('\\') => Ok(Text::Words(Cow::Borrowed(inner))),
                    _ => serde_json::from_str::<String>(form)
                        .map(|text| Text::Words(Cow::Owned(text)))
                        .map_err(|error| error.to_string()),
                }
            }
            _ => Err("expected a text, a number, true, false or null".to_owned()),
        }
    }

    /// The text; none for null.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Text::Null => None,
            Text::Words(text) => Some(text),
            Text::Number(number) => Some(number),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        Text::of(raw.get()).map_err(D::Error::custom)
    }
}

/// `null` is something other than nothing.
pub(super) fn some<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Text<'a>>, D::Error> {
    Text::deserialize(deserializer).map(Some)
}

/// Numbers of a history that another notation has too, as 1.0 is 1. Whether a
/// store takes both for one value nobody can know, so a history may hold only
/// one of them.
#[derive(Debug, Default)]
pub(super) struct Notations {
    /// By the plain notation: the one that is used, and its first line.
    used: BTreeMap<String, (String, u64)>,
}

impl Notations {
    /// A number stands on a line.
    pub(super) fn note(&mut self, number: &str, line: u64) -> Result<(), Reason> {
        let Some(plain) = plain(number) else {
            return Ok(());
        };
        let (used, first) = self
            .used
            .entry(plain)
            .or_insert_with(|| (number.to_owned(), line));
        match used == number {
            true => Ok(()),
            false => Err(two_ways(number, used, &format!("on line {first}"))),
        }
    }

    /// A number whose plain notation stands among these texts too, with its
    /// line.
    pub(super) fn clash(&self, texts: &Texts) -> Option<(u64, Reason)> {
        let mut used = self.used.iter();
        used.find_map(|(plain, (number, line))| {
            texts.find(plain)?;
            Some((*line, two_ways(number, plain, "elsewhere")))
        })
    }
}

fn two_ways(number: &str, other: &str, place: &str) -> Reason {
    Reason::Form(format!(
        "the number {number} is written {other} {place}: whether both are one value cannot be \
         known; write them alike, or as texts"
    ))
}

/// The plain notation of a number that is written in another one: without an
/// exponent, without zeros that say nothing.
fn plain(number: &str) -> Option<String> {
    let other = number
        .bytes()
        .any(|byte| matches!(byte, b'.' | b'e' | b'E'))
        || number == "-0";
    if !other {
        return None;
    }
    let (sign, rest) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, "0"),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{part}");
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let digits = digits.trim_matches('0');
    // The value is 0.DIGITS times ten to the power of `point`.
    let exponent: i64 = match exponent.parse() {
        Ok(exponent) => exponent,
        Err(_) => return None,
    };
    let point = exponent.saturating_add(whole.len() as i64 - leading as i64);
    let length = digits.len() as i64;
    let text = match digits {
        "" => "0".to_owned(),
        _ if !(-100..=1000).contains(&point) => format!("{sign}0.{digits}e{point}"),
        _ if point <= 0 => {
            let zeros = "0".repeat(point.unsigned_abs() as usize);
            format!("{sign}0.{zeros}{digits}")
        }
        _ if point >= length => {
            let zeros = "0".repeat((point - length) as usize);
            format!("{sign}{digits}{zeros}")
        }
        _ => {
            let (whole, part) = digits.split_at(point as usize);
            format!("{sign}{whole}.{part}")
        }
    };
    (text != number).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_is_written() {
        for number in ["18446744073709551617", "-1", "1.0", "1e400", "0"] {
            assert_eq!(
                serde_json::from_str(number).ok(),
                Some(Text::Number(number))
            );
        }
        assert_eq!(Text::of("\"a\\n\"").ok(), Some(Text::Words("a\n".into())));
        assert_eq!(Text::of("true").ok(), Some(Text::Words("true".into())));
        assert!(Text::of("[1]").is_err());
    }

    #[test]
    fn a_number_has_one_plain_notation() {
        for (number, expected) in [
            ("1.0", "1"),
            ("1.50", "1.5"),
            ("-0", "0"),
            ("0.0", "0"),
            ("1e3", "1000"),
            ("12.5E-3", "0.0125"),
            ("-120e-1", "-12"),
            ("0.00100e2", "0.1"),
            ("1e5000", "0.1e5001"),
        ] {
            assert_eq!(plain(number).as_deref(), Some(expected), "{number}");
        }
        for number in ["1", "-7", "100", "0.5", "18446744073709551617", "12.25"] {
            assert_eq!(plain(number), None, "{number}");
        }
    }
}
