//! Bounds from a file and from flags: each names the fields it changes.

use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;

use super::Bounds;

/// The most servers an exploration takes: symmetry lists all their renamings.
pub const SERVERS_EXPLORED_MAX: u8 = 9;

/// How a bound is spelled that is not set.
const UNBOUNDED: &str = "unbounded";

/// Why a file or a flag gives no bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{cause}", line.map_or(String::new(), |line| format!("line {line}: ")))]
pub struct BoundsError {
    /// The line of the file, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub cause: String,
}

impl BoundsError {
    fn of(error: &toml::de::Error, text: &str) -> Self {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map(|before| before.bytes().filter(|&b| b == b'\n').count() + 1);
        BoundsError {
            line,
            cause: error.message().to_owned(),
        }
    }
}

/// The name and the value of an assignment as flags have it, `name=value`: a
/// number, `true` or `false`, or else a word.
pub(crate) fn assigned(assignment: &str) -> Option<(&str, toml::Value)> {
    let (name, value) = assignment.split_once('=')?;
    let value = value.trim();
    let value = if let Ok(number) = value.parse::<i64>() {
        toml::Value::Integer(number)
    } else if let Ok(switch) = value.parse::<bool>() {
        toml::Value::Boolean(switch)
    } else {
        toml::Value::String(value.to_owned())
    };
    Some((name.trim(), value))
}

impl Bounds {
    /// These bounds with the fields that the TOML `text` names. A budget or
    /// limit that is lifted is spelled `"unbounded"`.
    ///
    /// # Errors
    /// The line and the cause: no TOML, an unknown name, a value of the wrong
    /// kind or out of range.
    pub fn overlaid(&self, text: &str) -> Result<Bounds, BoundsError> {
        // Read as bounds once for errors that know their line.
        toml::from_str::<Bounds>(text).map_err(|error| BoundsError::of(&error, text))?;
        let named: toml::Table =
            toml::from_str(text).map_err(|error| BoundsError::of(&error, text))?;
        self.with(named)
    }

    /// These bounds with one field changed, as `max-term=3` says it.
    ///
    /// # Errors
    /// The cause: no `=`, an unknown name, a value of the wrong kind or out of
    /// range.
    pub fn set(&self, assignment: &str) -> Result<Bounds, BoundsError> {
        let (name, value) = assigned(assignment).ok_or_else(|| BoundsError {
            line: None,
            cause: format!("`{assignment}` is not of the form name=value"),
        })?;
        let mut named = toml::Table::new();
        named.insert(name.to_owned(), value);
        self.with(named).map_err(|error| BoundsError {
            cause: format!("{name}: {}", error.cause),
            ..error
        })
    }

    fn with(&self, named: toml::Table) -> Result<Bounds, BoundsError> {
        let failed = |cause: String| BoundsError { line: None, cause };
        let mut all = toml::Table::try_from(self).map_err(|e| failed(e.to_string()))?;
        all.extend(named);
        let bounds: Bounds = all
            .try_into()
            .map_err(|e: toml::de::Error| failed(e.message().to_owned()))?;
        bounds.check().map_err(failed)?;
        Ok(bounds)
    }

    /// Whether the bounds make a state space at all.
    fn check(&self) -> Result<(), String> {
        if !(1..=SERVERS_EXPLORED_MAX).contains(&self.servers) {
            return Err(format!(
                "servers must be between 1 and {SERVERS_EXPLORED_MAX}, not {}",
                self.servers
            ));
        }
        let positive = [
            ("voters", self.voters.unwrap_or(1)),
            ("max-batch", self.max_batch),
            ("joint-size", self.joint_size),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(format!("{name} must be at least 1"));
        }
        Ok(())
    }
}

/// A bound that may be missing: a number, or the word for none.
pub(super) mod optional {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(
        bound: &Option<u32>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match bound {
            Some(bound) => to.serialize_u32(*bound),
            None => to.serialize_str(UNBOUNDED),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<u32>, D::Error> {
        from.deserialize_any(Bound)
    }

    struct Bound;

    impl Visitor<'_> for Bound {
        type Value = Option<u32>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "a number of 32 bits or \"{UNBOUNDED}\"")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
            let unexpected = de::Unexpected::Unsigned(number);
            u32::try_from(number)
                .map(Some)
                .map_err(|_| E::invalid_value(unexpected, &self))
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
            let unexpected = de::Unexpected::Signed(number);
            u32::try_from(number)
                .map(Some)
                .map_err(|_| E::invalid_value(unexpected, &self))
        }

        fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
            if word == UNBOUNDED {
                return Ok(None);
            }
            Err(E::invalid_value(de::Unexpected::Str(word), &self))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_what_it_names_and_nothing_else() {
        let base = Bounds {
            servers: 5,
            campaigns: Some(2),
            ..Bounds::DEFAULT
        };
        let bounds = base.overlaid("max-term = 4\ncampaigns = \"unbounded\"\n");
        let expected = Bounds {
            max_term: 4,
            campaigns: None,
            ..base.clone()
        };
        assert_eq!(bounds, Ok(expected));
        assert_eq!(base.overlaid(""), Ok(base.clone()));
    }

    #[test]
    fn bounds_written_out_are_read_back() {
        let bounds = Bounds {
            max_messages: Some(7),
            resend: true,
            ..Bounds::DEFAULT
        };
        let text = toml::to_string(&bounds).expect("bounds are TOML");
        assert_eq!(Bounds::DEFAULT.overlaid(&text), Ok(bounds));
    }

    #[test]
    fn errors_say_the_line_and_the_cause() {
        let fails = |text: &str| Bounds::DEFAULT.overlaid(text).expect_err(text).to_string();
        assert!(fails("servers = 3\nmax-terms = 4\n").starts_with("line 2: unknown field"));
        assert!(fails("\n\nmax-term = -1\n").starts_with("line 3: "));
        assert!(fails("\ncampaigns = \"none\"\n").contains("or \"unbounded\""));
        assert!(fails("max-term = \n").starts_with("line 1: "));
        assert_eq!(
            fails("servers = 0"),
            "servers must be between 1 and 9, not 0"
        );
    }

    #[test]
    fn a_flag_sets_one_field() {
        let set = |assignment| Bounds::DEFAULT.set(assignment);
        assert_eq!(set("max-term=3").map(|b| b.max_term), Ok(3));
        assert_eq!(set("drops = 2").map(|b| b.drops), Ok(Some(2)));
        assert_eq!(set("drops=unbounded").map(|b| b.drops), Ok(None));
        assert_eq!(set("resend=true").map(|b| b.resend), Ok(true));
        let fails = |assignment| set(assignment).expect_err(assignment).to_string();
        assert!(fails("max-term").contains("name=value"));
        assert!(fails("max-term=many").starts_with("max-term: "));
        assert!(fails("max-terms=1").contains("unknown field"));
        assert!(fails("drops=-1").starts_with("drops: "));
        assert!(fails("servers=10").contains("between 1 and 9"));
        assert!(fails("max-batch=0").contains("at least 1"));
        assert!(fails("joint-size=0").contains("at least 1"));
    }

    #[test]
    fn every_bound_has_its_sentence_under_the_name_that_files_use() {
        let table = toml::Table::try_from(Bounds::DEFAULT).expect("bounds are TOML");
        let limits = Bounds::DEFAULT.limits();
        let mut told: Vec<&str> = limits.iter().map(|limit| limit.name).collect();
        told.sort_unstable();
        let mut named: Vec<&str> = table.keys().map(String::as_str).collect();
        named.sort_unstable();
        assert_eq!(told, named);
    }
}
