//! How far the yardstick is explored, and what is refused.

use std::fmt;

/// The bounds, a constraint on states: a successor that breaks one counts as
/// generated, and is neither stored, counted as distinct nor expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many servers: 1 to 7.
    pub servers: u32,
    /// How many values a client may ask for: 1 to 15.
    pub values: u32,
    /// The highest `currentTerm`; the initial one is 1. 1 to 63.
    pub max_term: u32,
    /// The most entries in a log: 0 to 63.
    pub max_log: u32,
    /// The most messages in the bag, every copy counted: 0 to 255.
    pub max_messages: u32,
    /// The most copies of one message in the bag: 1 to 255.
    pub max_copies: u32,
}

/// A bound that the yardstick cannot take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bound} must be {least} to {most}, not {value}")]
pub struct BoundsError {
    /// Its name, as flags spell it.
    pub bound: &'static str,
    /// What was asked for.
    pub value: u32,
    /// The least that it may be.
    pub least: u32,
    /// The most that it may be.
    pub most: u32,
}

impl Bounds {
    /// Every bound: its name as flags spell it, its value, the least and the
    /// most that it may be.
    fn table(&self) -> [(&'static str, u32, u32, u32); 6] {
        [
            ("servers", self.servers, 1, 7),
            ("values", self.values, 1, 15),
            ("max-term", self.max_term, 1, 63),
            ("max-log", self.max_log, 0, 63),
            ("max-messages", self.max_messages, 0, 255),
            ("max-copies", self.max_copies, 1, 255),
        ]
    }

    /// Refuses a bound out of its range.
    pub(super) fn check(&self) -> Result<(), BoundsError> {
        for (bound, value, least, most) in self.table() {
            if !(least..=most).contains(&value) {
                return Err(BoundsError {
                    bound,
                    value,
                    least,
                    most,
                });
            }
        }
        Ok(())
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (bound, value, ..)) in self.table().into_iter().enumerate() {
            let space = if i == 0 { "" } else { " " };
            write!(f, "{space}{bound}={value}")?;
        }
        Ok(())
    }
}
