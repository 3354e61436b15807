//! Terms, indexes and positions in a log.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::strict::object;
use crate::template::Slot;

macro_rules! number {
    ($(#[$doc:meta])* $Name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $Name(pub u64);

        impl $Name {
            /// The number itself.
            #[must_use]
            pub fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<u64> for $Name {
            fn from(number: u64) -> Self {
                $Name(number)
            }
        }
    };
}

number! {
    /// A term (Raft §5.1). Terms begin at 1; 0 is "before any election".
    Term
}

number! {
    /// The index of a log entry. Entries begin at 1; 0 is "before the log".
    Index
}

/// A place in a log: an index, and the term of the entry there. The place
/// before the first entry is index 0 of term 0, which is also [`Default`].
///
/// Prints as `5@2`: index 5 of term 2.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct Position {
    /// Where.
    pub index: Index,
    /// The term of the entry that stands there.
    pub term: Term,
}

object!(Position: "a position");

impl Position {
    /// Index `index` of term `term`.
    pub fn new(index: impl Into<Index>, term: impl Into<Term>) -> Self {
        Position {
            index: index.into(),
            term: term.into(),
        }
    }
}

impl Position {
    /// What may change of it, see [`Slots`](crate::template::Slots).
    #[inline]
    pub(crate) fn slots(&mut self, visit: &mut impl FnMut(Slot<'_>) -> Option<()>) -> Option<()> {
        visit(Slot::Number(&mut self.index.0))?;
        visit(Slot::Number(&mut self.term.0))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.index, self.term)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
